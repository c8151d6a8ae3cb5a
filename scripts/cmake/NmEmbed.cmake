# nm_embed(OUTPUT [SYMBOL symbol] NAME FILE [NAME FILE …])
#
# Writes OUTPUT into the current build folder: C that holds each FILE byte for byte, with
# a NUL behind, as
#   const struct nm_embedded nm_embedded[]   { name, bytes, length }, ended by a NULL name
# (or `symbol`[]), declared in embedded.h beside the caller's sources. Run again when a
# FILE changes.
function(nm_embed output)
  set(text "#include \"embedded.h\"\n")
  set(rows "")
  cmake_parse_arguments(arg "" "SYMBOL" "" ${ARGN})
  set(symbol nm_embedded)
  if(arg_SYMBOL)
    set(symbol ${arg_SYMBOL})
  endif()
  set(pairs ${arg_UNPARSED_ARGUMENTS})
  set(number 0)
  string(REPEAT "0x..," 16 row)
  while(pairs)
    list(POP_FRONT pairs name file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR length "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "${row}" "\\0\n" bytes "${bytes}")
    string(APPEND text "static const unsigned char bytes_${number}[] = {\n${bytes} 0};\n")
    string(APPEND rows "    {\"${name}\", (const char *)bytes_${number}, ${length}},\n")
    math(EXPR number "${number} + 1")
  endwhile()
  string(APPEND text "const struct nm_embedded ${symbol}[] = {\n${rows}    {0, 0, 0}};\n")
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${output}" CONTENT "${text}" @ONLY)
endfunction()
