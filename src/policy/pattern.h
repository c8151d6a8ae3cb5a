/* Globs: `*` stands for any bytes, `?` for one; ASCII case is ignored. */
#ifndef NM_POLICY_PATTERN_H
#define NM_POLICY_PATTERN_H

#include <nearmiss/base.h>

#include <stdbool.h>
#include <stddef.h>

/* At most length(pattern) x length(text) steps. */
bool nm_glob(const char *pattern, const char *text);

/* Patterns of which one must fit. Those without a star or question mark, whole lists of
 * them perhaps, are sorted and found by halving. */
struct nm_patterns {
    const char **exact;
    size_t exact_count;
    const char **globs;
    size_t glob_count;
    size_t count; /* of both; 0: nothing is asked, and all fits */
};

/* Copy patterns. False without memory. Of addresses, `@example.org` asks for the domain as
 * `example.org` does. */
bool nm_patterns_new(struct nm_arena *arena, const char *const *texts, size_t count,
    struct nm_patterns *out);
bool nm_patterns_new_addresses(struct nm_arena *arena, const char *const *texts,
    size_t count, struct nm_patterns *out);

bool nm_patterns_fit(const struct nm_patterns *patterns, const char *text);

/* As nm_glob_address. */
bool nm_patterns_fit_address(const struct nm_patterns *patterns, const char *address);

/* Those alone that ask for a domain. */
bool nm_patterns_fit_domain(const struct nm_patterns *patterns, const char *domain);

/* A pattern for addresses: one without `@` is for the domain alone, and `<>` is the null
 * sender. */
bool nm_glob_address(const char *pattern, const char *address);

#endif
