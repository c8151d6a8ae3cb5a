/*
 * A list of names by popularity: 1 is the most popular. It is evidence and no order: that
 * somebody goes to a name tells that it exists, not that it is meant here.
 *
 * Immutable once made; everything is copied from the rows.
 */
#ifndef NM_MATCH_RANKS_H
#define NM_MATCH_RANKS_H

#include <nearmiss/match.h>

struct nm_ranks;

/* Of a name given several times, the best rank counts. NM_NO_MEMORY, NM_LIMIT (more than
 * 4 GB of names). */
enum nm_code nm_ranks_new(const struct nm_index_rank *rows, size_t count,
    struct nm_ranks **out, struct nm_error *error);

/* The built-in mail providers, in the order of their list. Besides: NM_BAD_INPUT for a line
 * that is no domain. */
enum nm_code nm_ranks_new_providers(
    const struct nm_names *names, struct nm_ranks **out, struct nm_error *error);
void nm_ranks_free(struct nm_ranks **ranks);
size_t nm_ranks_bytes(const struct nm_ranks *ranks);

/* The rank of `text`, whose hash is `hash` (hash.h); 0 without one. */
uint32_t nm_ranks_find(
    const struct nm_ranks *ranks, uint64_t hash, const char *text, size_t length);

#endif
