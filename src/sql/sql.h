/*
 * Sql: small verbs on SQLite that the layers with a database share. Statuses are
 * SQLite's; verbs that step a statement give SQLITE_OK for what went well.
 *
 * May use base, SQLite and the operating system. Nothing here is shared between threads.
 */
#ifndef NM_SQL_SQL_H
#define NM_SQL_SQL_H

#include <nearmiss/base.h>

#include <sqlite3.h>

/* Fill `error` with what went wrong on `db` (which may be NULL), in words that say what
 * to do. Returns NM_SYSTEM, or NM_NO_MEMORY. */
enum nm_code nm_sql_fail(
    sqlite3 *db, const char *path, int status, struct nm_error *error);

/* Make the file of a database, mode 0640, if there is none. What root makes belongs to
 * whom its folder belongs, so that the daemon's user can write it. NM_SYSTEM. */
enum nm_code nm_sql_create_file(const char *path, struct nm_error *error);

/* Be the only process that writes the database at `path`, until `*lock` is closed: a lock
 * on the file PATH-lock, which stays. NM_STOPPED when another process has it, NM_SYSTEM. */
enum nm_code nm_sql_lock(const char *path, int *lock, struct nm_error *error);

/* Keep the changes of `db` in a write-ahead log. NM_SYSTEM where its file system cannot. */
enum nm_code nm_sql_use_wal(sqlite3 *db, const char *path, struct nm_error *error);

/* Open what may come from elsewhere, only to read it, whether somebody writes it just now
 * or it may not be written at all; values of more than `value_bytes_max` are not read.
 * `*out` is set on failure too where SQLite left something to close. NM_SYSTEM. */
enum nm_code nm_sql_open_to_read(
    const char *path, size_t value_bytes_max, sqlite3 **out, struct nm_error *error);

/* Run SQL without parameters or rows that matter. */
int nm_sql_exec(sqlite3 *db, const char *sql);

/* Prepare a statement that will be run often. */
int nm_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);

/* Run a statement that gives no rows, and make it ready for the next time. */
int nm_sql_run(sqlite3_stmt *statement);

/* The same for one that gives a row with a number, or none: then `*out` is 0. */
int nm_sql_find(sqlite3_stmt *statement, int64_t *out);

/* The number that SQL gives; one parameter is bound to it if it has any. No row is
 * SQLITE_CORRUPT. */
int nm_sql_number(sqlite3 *db, const char *sql, int64_t parameter, int64_t *out);

/* Bind bytes, which must live until the statement has run, in the way in which the log
 * keeps them: as TEXT, or as BLOB when they are not UTF-8 or hold a NUL. NULL for NULL. */
void nm_sql_bind_bytes(
    sqlite3_stmt *statement, int at, const char *bytes, size_t length);

/* The same for text; NULL for NULL and "". */
void nm_sql_bind_text(sqlite3_stmt *statement, int at, const char *text);

#endif
