/*
 * Digests of the texts that events hold by number, for whoever computes the chain anew:
 * read once, and shared by threads, which do not change them.
 */
#ifndef NM_AUDIT_DIGESTS_H
#define NM_AUDIT_DIGESTS_H

#include "chain.h"

#include <sqlite3.h>

enum { NM_DIGESTS_MAX = 8 * 1024 * 1024 }; /* of them; numbers beyond are not kept */

/* Digests by number, from 1; none for number 0. */
struct nm_digests {
    struct nm_hash *items;
    int64_t count;
    const char *table; /* and its columns */
    const char *value;
};

/* SQLite's status. `table` and `value` are literals. */
int nm_digests_read(
    sqlite3 *db, const char *table, const char *value, struct nm_digests *out);
void nm_digests_free(struct nm_digests *digests);

/* NULL when it is beyond those that are kept, or was not there. */
const struct nm_hash *nm_digests_find(const struct nm_digests *digests, int64_t number);

#endif
