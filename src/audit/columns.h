/* Columns of a row that is read: copied to an arena, or decoded. What came from elsewhere
 * may hold anything. Functions that return false ran out of memory, unless they say
 * otherwise. */
#ifndef NM_AUDIT_COLUMNS_H
#define NM_AUDIT_COLUMNS_H

#include "gate/ports.h"

#include <sqlite3.h>

/* NULL gives no bytes, and "". */
bool nm_column_bytes(
    struct nm_arena *arena, sqlite3_stmt *row, int at, struct nm_bytes *out);
bool nm_column_text(
    struct nm_arena *arena, sqlite3_stmt *row, int at, const char **out);

/* The same, NULL kept. */
bool nm_column_nullable(
    struct nm_arena *arena, sqlite3_stmt *row, int at, const char **out);

/* An identifier in any of the forms in which the log keeps it; "" for anything else. */
void nm_column_id(sqlite3_stmt *row, int at, int64_t time_us, struct nm_id *out);

/* False when it is no code below `count`; `*out` is then none either. */
bool nm_column_code(sqlite3_stmt *row, int at, int count, int *out);

/* The codes of a decision, at the columns given in this order: match, technique, action,
 * mode, outcome. The same. */
enum { NM_DECISION_CODES = 5 };
bool nm_column_codes(
    sqlite3_stmt *row, const int at[NM_DECISION_CODES], struct nm_audit_event *out);

#endif
