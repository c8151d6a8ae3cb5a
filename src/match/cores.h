/*
 * The labels before the public suffix of the most probable names, and the forms of their
 * beginnings with up to two characters left out: two labels that are two slips apart have
 * one in common.
 *
 * They have one even if only the first so many characters of each are looked at. Leave
 * out of both what the two slips concern, and what is left is equal; so at most two
 * characters of either beginning have no counterpart, or theirs lies behind the other
 * one's end; and since counterparts stand in one order in both, the same number, at most
 * two, is to be left out of each. A beginning of nine has 46 forms, where a whole label of
 * n letters has about n^2/2 (the prefix filter of Garbe's SymSpell). Names that only begin
 * alike are found besides, and dropped when the whole labels are compared; so that these
 * are few, it is kept to so many names. One edit anywhere in any name is found by other
 * keys (edits.c).
 *
 * With T[i] the hash of the beginning from i on, the form without the characters at a < b
 * has the hash
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
    NM_CORE_BYTES_MIN = 3,
    NM_CORE_BYTES_MAX = 9, /* of a label that are looked at */
    NM_CORE_SLIPS_MAX = 2,
    NM_CORE_FORMS_MAX =
        1 + NM_CORE_BYTES_MAX + NM_CORE_BYTES_MAX * (NM_CORE_BYTES_MAX - 1) / 2
};

/* The hashes of all forms of a label. Returns how many there are. */
size_t nm_core_forms(const struct nm_hash_powers *powers, const char *label,
    size_t length, uint64_t out[NM_CORE_FORMS_MAX]);

#endif
