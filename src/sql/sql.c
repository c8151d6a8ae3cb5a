#include "sql/sql.h"

#include <string.h>

enum nm_code nm_sql_fail(
    sqlite3 *db, const char *path, int status, struct nm_error *error)
{
    static const struct {
        int status;
        const char *advice;
    } known[] = {
        {SQLITE_BUSY, "another process keeps it locked; end that process"},
        {SQLITE_LOCKED, "another process keeps it locked; end that process"},
        {SQLITE_FULL, "the disk is full; make room"},
        {SQLITE_READONLY, "it may not be written; give the daemon's user the right to "
                          "write the file and its folder"},
        {SQLITE_CORRUPT,
            "it is damaged; move it away to keep it, and a new one begins"},
        {SQLITE_NOTADB, "it is no SQLite database; if it should be one, move it away, "
                        "and a new one begins"},
        {SQLITE_CANTOPEN, "it cannot be opened; see that its folder exists and that "
                          "the daemon's user may use it"},
        {SQLITE_PERM, "it may not be opened; see the rights of the file"},
    };
    const char *advice = "the storage fails; see the kernel's messages";
    const int primary = status & 0xff;
    const int number = db != NULL ? sqlite3_system_errno(db) : 0;

    if (primary == SQLITE_NOMEM)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < NM_COUNT(known); i++)
        if (known[i].status == primary)
            advice = known[i].advice;
    if (number != 0 && primary != SQLITE_BUSY)
        return nm_fail(error, NM_SYSTEM, "%s: %s (%s: %s)", path, advice,
            sqlite3_errstr(status), strerror(number));
    return nm_fail(
        error, NM_SYSTEM, "%s: %s (%s)", path, advice, sqlite3_errstr(status));
}

/* A file system without shared memory cannot hold a write-ahead log; SQLite then keeps
 * the mode that it had. */
enum nm_code nm_sql_use_wal(sqlite3 *db, const char *path, struct nm_error *error)
{
    sqlite3_stmt *pragma = NULL;
    const char *mode = NULL;
    enum nm_code code = NM_OK;
    int status = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &pragma, NULL);

    if (status == SQLITE_OK) {
        status = sqlite3_step(pragma);
        mode = (const char *)sqlite3_column_text(pragma, 0);
    }
    if (status != SQLITE_ROW || mode == NULL)
        code = nm_sql_fail(db, path, status, error);
    else if (strcmp(mode, "wal") != 0)
        code = nm_fail(error, NM_SYSTEM,
            "%s: its file system cannot hold a write-ahead log; put it on a local disk",
            path);
    (void)sqlite3_finalize(pragma);
    return code;
}

int nm_sql_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int nm_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int nm_sql_run(sqlite3_stmt *statement)
{
    const int status = sqlite3_step(statement);

    (void)sqlite3_reset(statement);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}

int nm_sql_find(sqlite3_stmt *statement, int64_t *out)
{
    const int status = sqlite3_step(statement);

    *out = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}

int nm_sql_number(sqlite3 *db, const char *sql, int64_t parameter, int64_t *out)
{
    sqlite3_stmt *query = NULL;
    int status = sqlite3_prepare_v2(db, sql, -1, &query, NULL);

    if (status == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(query) > 0)
            (void)sqlite3_bind_int64(query, 1, parameter);
        status = sqlite3_step(query);
        if (status == SQLITE_ROW)
            *out = sqlite3_column_int64(query, 0);
    }
    (void)sqlite3_finalize(query);
    return status == SQLITE_ROW    ? SQLITE_OK
           : status == SQLITE_DONE ? SQLITE_CORRUPT
                                   : status;
}

static bool is_text(const char *bytes, size_t length)
{
    while (length > 0) {
        uint32_t code_point = 0;
        size_t size = 1;

        if (*bytes <= 0) /* no ASCII, or NUL */
            size = nm_utf8_decode(bytes, length, &code_point);
        if (size == 0 || *bytes == '\0')
            return false;
        bytes += size;
        length -= size;
    }
    return true;
}

void nm_sql_bind_bytes(
    sqlite3_stmt *statement, int at, const char *bytes, size_t length)
{
    if (bytes == NULL || is_text(bytes, length))
        (void)sqlite3_bind_text64(
            statement, at, bytes, length, SQLITE_STATIC, SQLITE_UTF8);
    else
        (void)sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
}

void nm_sql_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text == NULL || text[0] == '\0')
        (void)sqlite3_bind_null(statement, at);
    else
        nm_sql_bind_bytes(statement, at, text, strlen(text));
}
