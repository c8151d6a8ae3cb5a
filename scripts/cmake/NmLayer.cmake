# nm_layer(NAME [PUBLIC] SOURCES … HEADERS … DEPENDS … LINK …)
#
# One static library a layer, `nm_NAME`, with an include path of its own: a folder in the
# build tree that holds links to just the headers which the layer offers. A layer sees
# the headers of the layers in DEPENDS and no others, so that an include against the
# arrows does not compile. PUBLIC layers offer include/nearmiss/NAME.h; the others offer
# HEADERS as "NAME/…".
set(NM_STAGE "${CMAKE_BINARY_DIR}/stage")

function(nm_layer name)
  cmake_parse_arguments(arg "PUBLIC" "" "SOURCES;HEADERS;DEPENDS;LINK" ${ARGN})
  set(stage "${NM_STAGE}/${name}")
  if(arg_PUBLIC)
    nm_stage_header("${PROJECT_SOURCE_DIR}/include/nearmiss/${name}.h"
      "${stage}/nearmiss/${name}.h")
  endif()
  foreach(header IN LISTS arg_HEADERS)
    nm_stage_header("${CMAKE_CURRENT_SOURCE_DIR}/${header}" "${stage}/${name}/${header}")
  endforeach()

  add_library(nm_${name} STATIC ${arg_SOURCES})
  target_compile_options(nm_${name} PRIVATE ${NM_WARNINGS})
  set_target_properties(nm_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(nm_${name} PUBLIC "${stage}")
  foreach(below IN LISTS arg_DEPENDS)
    target_link_libraries(nm_${name} PUBLIC nm_${below})
  endforeach()
  target_link_libraries(nm_${name} PUBLIC ${arg_LINK})
endfunction()

function(nm_stage_header from to)
  get_filename_component(folder "${to}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  file(CREATE_LINK "${from}" "${to}" SYMBOLIC)
endfunction()
