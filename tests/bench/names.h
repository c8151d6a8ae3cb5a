/*
 * Names to measure the matcher with: invented ones, of the lengths and endings that names
 * have, or lines of a file; and slips of them.
 */
#ifndef NM_BENCH_NAMES_H
#define NM_BENCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_MAX_BYTES = 253 };

/* Texts one behind the other, each ended by a NUL. */
struct names {
    char *text;
    size_t bytes;
    size_t capacity;
    uint32_t *at;
    size_t count;
    size_t room;
};

bool names_add(struct names *names, const char *text);
const char *names_get(const struct names *names, size_t i);
void names_free(struct names *names);

/* Lines of a file, up to `most`; "rank,name" lines count as their name. False with errno
 * set. */
bool names_read(struct names *names, const char *path, size_t most);

/* `count` invented names, none twice and none that `but` holds (or NULL). The same `seed`
 * makes the same names. */
bool names_invent(
    struct names *names, size_t count, uint64_t seed, const struct names *but);

/* `out` becomes `name` with one slip: a character left out, doubled, put in or another, or
 * two that changed places. */
void names_slip(const char *name, uint64_t *state, char out[NAME_MAX_BYTES + 1]);

/* SplitMix64. */
uint64_t next_random(uint64_t *state);

#endif
