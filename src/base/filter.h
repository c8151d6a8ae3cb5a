/*
 * A filter tells of a key that it is not in a set, from a word of memory that is likely to
 * be in a cache, where what holds the set is not (Bloom, "Space/time trade-offs in hash
 * coding with allowable errors", 1970; one word for each key as in Putze, Sanders and
 * Singler, "Cache-, hash- and space-efficient Bloom filters", 2007). Of the keys that are
 * not in the set one in a hundred passes; of those that are, every one.
 */
#ifndef NM_BASE_FILTER_H
#define NM_BASE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { NM_FILTER_BITS_PER_KEY = 12 };

struct nm_filter {
    uint64_t *words;
    uint32_t count;
};

/* A hash spread over all its bits, one to one, as a key must be. Half of MurmurHash3's
 * finalizer (public domain): what comes in is a product already. */
static inline uint64_t nm_hash_spread(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0xff51afd7ed558ccdULL;
    return hash ^ hash >> 32;
}

/* 32 bits of a hash as a place among `count`, without a division (Lemire, "Fast random
 * integer generation in an interval", 2019). */
static inline uint32_t nm_place(uint32_t hash, uint32_t count)
{
    return (uint32_t)((uint64_t)hash * count >> 32);
}

/* False without memory. `keys` is below 2^32. */
static inline bool nm_filter_init(struct nm_filter *filter, size_t keys)
{
    filter->count = (uint32_t)(keys * NM_FILTER_BITS_PER_KEY / 64 + 1);
    filter->words = calloc(filter->count, sizeof *filter->words);
    return filter->words != NULL;
}

static inline void nm_filter_free(struct nm_filter *filter)
{
    free(filter->words);
    filter->words = NULL;
}

static inline size_t nm_filter_bytes(const struct nm_filter *filter)
{
    return filter->count * sizeof *filter->words;
}

/* The word that tells of `key`, by its low half, and the three bits that must all be set
 * there, by its high one. */
static inline uint64_t *nm_filter_word(const struct nm_filter *filter, uint64_t key)
{
    return &filter->words[nm_place((uint32_t)key, filter->count)];
}

static inline uint64_t nm_filter_bits(uint64_t key)
{
    return 1ULL << (key >> 32 & 63) | 1ULL << (key >> 38 & 63) |
           1ULL << (key >> 44 & 63);
}

static inline void nm_filter_add(struct nm_filter *filter, uint64_t key)
{
    *nm_filter_word(filter, key) |= nm_filter_bits(key);
}

static inline bool nm_filter_may_have(const struct nm_filter *filter, uint64_t key)
{
    const uint64_t bits = nm_filter_bits(key);

    return (*nm_filter_word(filter, key) & bits) == bits;
}

/* Have the word fetched that will be asked for. */
static inline void nm_filter_expect(const struct nm_filter *filter, uint64_t key)
{
    __builtin_prefetch(nm_filter_word(filter, key));
}

#endif
