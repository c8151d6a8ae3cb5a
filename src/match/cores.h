/*
 * The labels before the public suffix of the most probable names, to be compared with a
 * typed one each in turn: names two slips away share too little to be looked up.
 *
 * A scan costs about a nanosecond a name, so it is kept to NM_CORES_MAX of them; labels of
 * other lengths are passed over, and of the rest those whose letters differ in more places
 * than two slips can make.
 */
#ifndef NM_MATCH_CORES_H
#define NM_MATCH_CORES_H

#include <nearmiss/address.h>

enum {
    NM_CORES_MAX = 2048,
    NM_CORE_BYTES_MIN = 3,
    NM_CORE_BYTES_MAX = 63,
    NM_CORE_SLIPS_MAX = 2
};

struct nm_cores {
    uint32_t starts[NM_CORE_BYTES_MAX + 2]; /* of the labels of each length */
    uint32_t masks[NM_CORES_MAX];           /* which letters a label has */
    uint32_t names[NM_CORES_MAX];           /* whose label it is, in the index */
};

/* Which letters a label has, a bit each; digits share five. */
uint32_t nm_core_mask(const char *label, size_t length);

/* Whether two labels with these masks can be two slips apart: each slip adds or takes a
 * letter, or one of both. */
static inline bool nm_core_masks_are_near(uint32_t a, uint32_t b)
{
    uint32_t differs = a ^ b;

    for (int bit = 0; bit < 2 * NM_CORE_SLIPS_MAX; bit++)
        differs &= differs - 1;
    return differs == 0;
}

#endif
