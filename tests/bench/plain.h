/*
 * What the matcher is measured against, written as simply as possible: an exact hash
 * look-up, and a search by deletion neighbourhoods (a name and one typed instead of it
 * agree once up to `distance` characters are left out of each).
 */
#ifndef NM_BENCH_PLAIN_H
#define NM_BENCH_PLAIN_H

#include "names.h"

#define PLAIN_NONE UINT32_MAX

/* ---- exact -------------------------------------------------------------- */

struct plain_exact {
    const struct names *names;
    uint32_t *slots;
    size_t mask;
};

bool plain_exact_new(const struct names *names, struct plain_exact *out);
uint32_t plain_exact_find(const struct plain_exact *exact, const char *text);
void plain_exact_free(struct plain_exact *exact);

/* ---- deletion neighbourhood --------------------------------------------- */

struct plain_row {
    uint64_t hash;
    uint32_t name;
};

struct plain_near {
    const struct names *names;
    unsigned distance;      /* 1 or 2 */
    struct plain_row *rows; /* by hash */
    size_t count;
    size_t room;
};

bool plain_near_new(
    const struct names *names, unsigned distance, struct plain_near *out);
/* The nearest name, by edits (adjacent transposition is one), the first of several. */
uint32_t plain_near_find(const struct plain_near *near, const char *text);
void plain_near_free(struct plain_near *near);

#endif
