/*
 * A hash of text that can be cut: from the hashes of the tails of a name, computed once
 * from right to left, the hash of any part of it, of the name with one character left
 * out, and of two parts put together, each costs a few multiplications and no look at
 * the characters.
 *
 * hash(s) = sum of value(s[i]) * BASE^i modulo 2^64. A collision costs a comparison and
 * never a wrong answer, since whoever finds a name by hash compares it.
 */
#ifndef NM_MATCH_HASH_H
#define NM_MATCH_HASH_H

#include <base/filter.h>
#include <nearmiss/address.h>

/* Odd, so that multiplying by it loses no bit. */
#define NM_HASH_BASE 0x9e3779b97f4a7c15ULL

/* BASE^i */
struct nm_hash_powers {
    uint64_t power[NM_DOMAIN_MAX + 2];
};

/* tail[i] is the hash of text[i..length). */
struct nm_hash_tails {
    size_t length;
    uint64_t tail[NM_DOMAIN_MAX + 2];
};

static inline uint64_t nm_hash_value(char c)
{
    return ((uint64_t)(uint8_t)c + 1) * 0xd6e8feb86659fd93ULL;
}

static inline void nm_hash_powers_init(struct nm_hash_powers *powers)
{
    powers->power[0] = 1;
    for (size_t i = 1; i < NM_DOMAIN_MAX + 2; i++)
        powers->power[i] = powers->power[i - 1] * NM_HASH_BASE;
}

static inline void nm_hash_tails_init(
    struct nm_hash_tails *tails, const char *text, size_t length)
{
    tails->length = length;
    tails->tail[length] = 0;
    for (size_t i = length; i-- > 0;)
        tails->tail[i] = nm_hash_value(text[i]) + NM_HASH_BASE * tails->tail[i + 1];
}

static inline uint64_t nm_hash(const char *text, size_t length)
{
    uint64_t hash = 0;

    while (length-- > 0)
        hash = nm_hash_value(text[length]) + NM_HASH_BASE * hash;
    return hash;
}

/* Without dots and hyphens. */
static inline uint64_t nm_hash_bare(const char *text, size_t length)
{
    uint64_t hash = 0;

    while (length-- > 0)
        if (text[length] != '.' && text[length] != '-')
            hash = nm_hash_value(text[length]) + NM_HASH_BASE * hash;
    return hash;
}

/* Of its characters in whatever order. */
static inline uint64_t nm_hash_bag(const char *text, size_t length)
{
    uint64_t hash = length;

    while (length-- > 0)
        hash += nm_hash_spread(nm_hash_value(text[length]));
    return hash;
}

/* Of text[from..to). */
static inline uint64_t nm_hash_part(const struct nm_hash_powers *powers,
    const struct nm_hash_tails *tails, size_t from, size_t to)
{
    return tails->tail[from] - powers->power[to - from] * tails->tail[to];
}

/* Of text[from..) without the character at `at`. */
static inline uint64_t nm_hash_without(const struct nm_hash_powers *powers,
    const struct nm_hash_tails *tails, size_t from, size_t at)
{
    return tails->tail[from] -
           powers->power[at - from] * (tails->tail[at] - tails->tail[at + 1]);
}

/* What it adds to the hash of text[from..) that `to` stands for the character `c` at `at`. */
static inline uint64_t nm_hash_change(
    const struct nm_hash_powers *powers, size_t from, size_t at, char c, char to)
{
    return powers->power[at - from] * (nm_hash_value(to) - nm_hash_value(c));
}

/* Of text[from..at) and `rest` behind it. */
static inline uint64_t nm_hash_join(const struct nm_hash_powers *powers,
    const struct nm_hash_tails *tails, size_t from, size_t at, uint64_t rest)
{
    return tails->tail[from] + powers->power[at - from] * (rest - tails->tail[at]);
}

#endif
