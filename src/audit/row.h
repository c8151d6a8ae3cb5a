/* A row of a listing: the columns that it is read from, and reading it. */
#ifndef NM_AUDIT_ROW_H
#define NM_AUDIT_ROW_H

#include "reader.h"

/* SELECT and the columns; what follows calls the decision `d` and its outcome `o`. */
extern const char nm_row_select[];

/* The row that the statement is at. What it points to is in the reader's arena.
 * NM_NO_MEMORY, NM_SYSTEM for a damaged log. */
enum nm_code nm_row_read(struct nm_audit_reader *reader, sqlite3_stmt *statement,
    struct nm_audit_row *out, struct nm_error *error);

#endif
