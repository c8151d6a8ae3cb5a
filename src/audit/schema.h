/* The database's tables, their versions, and how one version becomes the next. */
#ifndef NM_AUDIT_SCHEMA_H
#define NM_AUDIT_SCHEMA_H

#include <nearmiss/base.h>

#include <sqlite3.h>

enum {
    NM_SCHEMA_APPLICATION = 0x4e6d4c67, /* "NmLg", in the file's header */
    NM_SCHEMA_VERSION = 1
};

/* Bring the database to NM_SCHEMA_VERSION in one transaction; nothing is written when it
 * is there already. NM_BAD_INPUT when it is of a newer version or not ours, NM_SYSTEM
 * when SQLite refuses. */
enum nm_code nm_schema_migrate(sqlite3 *db, const char *path, struct nm_error *error);

/* Whether it could be brought there: it is empty, or ours and not newer. Changes nothing;
 * fails as above. */
enum nm_code nm_schema_check(sqlite3 *db, const char *path, struct nm_error *error);

/* Whether it is of NM_SCHEMA_VERSION, as a reader wants it. */
enum nm_code nm_schema_check_current(
    sqlite3 *db, const char *path, struct nm_error *error);

/* Fill `error` with what SQLite says of the last call on `db` (which may be NULL), in
 * words that say what to do. Returns NM_SYSTEM, or NM_NO_MEMORY. */
enum nm_code nm_schema_fail(
    sqlite3 *db, const char *path, int status, struct nm_error *error);

/* Run SQL that returns no rows that matter. An SQLite status. */
int nm_schema_run(sqlite3 *db, const char *sql);

/* The single integer that `sql` gives. An SQLite status. */
int nm_schema_integer(sqlite3 *db, const char *sql, int64_t *out);
/* The same with one parameter. */
int nm_schema_integer_of(sqlite3 *db, const char *sql, int64_t parameter, int64_t *out);

/* Bind bytes, which must live until the statement has run, in the way in which the log
 * keeps them: as TEXT, or as BLOB when they are not UTF-8 or hold a NUL. NULL is bound
 * for NULL. */
void nm_schema_bind_bytes(
    sqlite3_stmt *statement, int at, const char *bytes, size_t length);

#endif
