/* Globs: `*` stands for any bytes, `?` for one; ASCII case is ignored. */
#ifndef NM_POLICY_PATTERN_H
#define NM_POLICY_PATTERN_H

#include <stdbool.h>

/* At most length(pattern) x length(text) steps. */
bool nm_glob(const char *pattern, const char *text);

/* A pattern for addresses: one without `@` is for the domain alone, and `<>` is the null
 * sender. */
bool nm_glob_address(const char *pattern, const char *address);

#endif
