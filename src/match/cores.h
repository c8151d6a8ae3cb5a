/*
 * The labels before the public suffix of the most probable names, and their forms with up
 * to two characters left out: two labels that are two slips apart have one in common.
 *
 * A label of n letters has about n^2/2 forms, so this is kept to so many names and forms;
 * one edit anywhere in any name is found by other keys (edits.c). With T[i] the hash of
 * the label from i on, the form without the characters at a < b has the hash
 *
 *     T[0] - BASE^a (T[a] - T[a + 1]) - BASE^(b - 1) (T[b] - T[b + 1])
 *
 * since what follows each of them moves one place to the front; so a form costs two
 * subtractions.
 */
#ifndef NM_MATCH_CORES_H
#define NM_MATCH_CORES_H

#include "hash.h"

enum {
    NM_CORE_NAMES_MAX = 2048,
    NM_CORE_ROWS_MAX = 512 * 1024, /* of all their forms together */
    NM_CORE_BYTES_MIN = 3,
    NM_CORE_BYTES_MAX = 63,
    NM_CORE_SLIPS_MAX = 2,
    NM_CORE_FORMS_MAX =
        1 + NM_CORE_BYTES_MAX + NM_CORE_BYTES_MAX * (NM_CORE_BYTES_MAX - 1) / 2
};

struct nm_core_forms {
    const char *label;
    size_t length;
    uint64_t whole;
    uint64_t first[NM_CORE_BYTES_MAX];  /* what leaving out the one at a takes away */
    uint64_t second[NM_CORE_BYTES_MAX]; /* and that at b, besides one before it */
};

/* `length` is at most NM_CORE_BYTES_MAX. */
void nm_core_forms_init(const struct nm_hash_powers *powers, const char *label,
    size_t length, struct nm_core_forms *out);

/* Whether the character at `at` is left out as well as the one before it: of a pair,
 * either gives the same form. */
static inline bool nm_core_is_pair(const struct nm_core_forms *forms, size_t at)
{
    return at > 0 && forms->label[at] == forms->label[at - 1];
}

/* The hashes of the form without the character at `a`, and of those without a further one
 * behind it. Returns how many there are, at most NM_CORE_BYTES_MAX; 0 when the forms were
 * those of `a` - 1. */
size_t nm_core_forms_without(
    const struct nm_core_forms *forms, size_t a, uint64_t out[NM_CORE_BYTES_MAX]);

#endif
