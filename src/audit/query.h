/*
 * Query: what is asked, as SQL over windows of the log.
 *
 * A listing by target, rule, sender or domain looks the events up in the table `mention`,
 * as far as that is complete, and through the events themselves behind that.
 */
#ifndef NM_AUDIT_QUERY_H
#define NM_AUDIT_QUERY_H

#include "audit/audit.h"
#include "identifier.h"

#include <sqlite3.h>

/* A query with its names turned into codes, and the sequences that it is about. */
struct nm_filter {
    const struct nm_audit_query *query;
    enum nm_action action;
    enum nm_technique technique;
    enum nm_match match;
    enum nm_outcome outcome;
    bool reference_is_id; /* else it is a queue id */
    uint8_t reference[NM_ID_PACKED_BYTES];
    char *sender_lower;
    int64_t after;   /* the listing is about sequences behind this, */
    int64_t upto;    /* up to this, */
    int64_t bound;   /* and knows of nothing behind this */
    int64_t indexed; /* `mention` is complete up to this; 0 when it is not asked */
};

/* NM_BAD_INPUT for a name that does not exist, NM_NO_MEMORY. `query` is borrowed; the
 * filter is to be freed whatever comes back. */
enum nm_code nm_filter_make(
    const struct nm_audit_query *query, struct nm_filter *out, struct nm_error *error);
void nm_filter_free(struct nm_filter *filter);

/* Fill in the sequences. An SQLite status. */
int nm_filter_find_bounds(struct nm_filter *filter, sqlite3 *db);

enum nm_query_order { NM_QUERY_FORWARD, NM_QUERY_BACKWARD };

/* A statement that begins with `select` and gives the rows of a window; over `mention` or
 * over the events. An SQLite status. */
int nm_filter_prepare(const struct nm_filter *filter, sqlite3 *db, bool over_mentions,
    const char *select, enum nm_query_order order, sqlite3_stmt **out);

/* Its window, the sequences (after, upto], and how many rows to give at most. */
void nm_filter_set_window(
    sqlite3_stmt *statement, int64_t after, int64_t upto, int64_t limit);

#endif
