/* The text of a rule in the text of a configuration. */
#ifndef NM_CLI_RULE_TEXT_H
#define NM_CLI_RULE_TEXT_H

#include <nearmiss/base.h>

/* Find the group `{ ... name = "NAME" ... }`, braces and all; false when there is none. The
 * text was in force once, but is taken from a log that may hold anything. */
bool nm_rule_text(
    const char *config, const char *name, const char **out, size_t *length);

#endif
