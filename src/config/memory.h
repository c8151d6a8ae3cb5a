/* A configuration from memory: for fuzzing, where a process a text is too slow. */
#ifndef NM_CONFIG_MEMORY_H
#define NM_CONFIG_MEMORY_H

#include "config/config.h"

/* As nm_config_load, of a text that includes nothing. It is not tried in a child first,
 * and relative paths lead nowhere. */
enum nm_code nm_config_load_memory(const char *text, size_t length,
    struct nm_config **out, struct nm_complaints *complaints);

#endif
