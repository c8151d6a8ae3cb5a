/* The files of patterns that rules name. */
#ifndef NM_CONFIG_PATTERNS_H
#define NM_CONFIG_PATTERNS_H

#include "loaded.h"

/* `out` becomes the rule `given` with the lines of its files in their places: a pattern a
 * line, `#` before a comment, at the beginning of the line or behind a blank. Bad lines are
 * complained of and left out. NM_NO_MEMORY. */
enum nm_code nm_config_expand_rule(struct nm_config *config,
    const struct nm_rule_spec *given, struct nm_rule_spec *out);

#endif
