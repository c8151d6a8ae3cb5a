/* A row of a listing: the columns that it is read from, and reading it. */
#ifndef NM_AUDIT_ROW_H
#define NM_AUDIT_ROW_H

#include "reader.h"

/* SELECT and the columns; what follows calls the decision `d` and its outcome `o`. */
extern const char nm_row_select[];

/* The sequence of the outcome that counts for the decision `d`, of those up to `bound`. A
 * decision that says NM_OUTCOME_QUARANTINED (4) means that its recipient is to be taken
 * off; the outcome that says that it was may have another one behind it. */
#define NM_ROW_OUTCOME(bound)                                                          \
    "coalesce(CASE d.outcome WHEN 4 THEN (SELECT max(sequence) FROM event"             \
    " WHERE kind = 2 AND transaction_id = d.transaction_id AND outcome = 4"            \
    " AND sequence <= " bound ") END, (SELECT max(sequence) FROM event"                \
    " WHERE kind = 2 AND transaction_id = d.transaction_id"                            \
    " AND sequence <= " bound "))"

/* The row that the statement is at. What it points to is in the reader's arena.
 * NM_NO_MEMORY, NM_SYSTEM for a damaged log. */
enum nm_code nm_row_read(struct nm_audit_reader *reader, sqlite3_stmt *statement,
    struct nm_audit_row *out, struct nm_error *error);

#endif
