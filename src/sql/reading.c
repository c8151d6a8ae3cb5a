#include "sql/sql.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 5000, URI_MAX = 8192 };

static int restrict_reader(sqlite3 *db, size_t value_bytes_max)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)value_bytes_max);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    return nm_sql_exec(db, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
}

/* As it is found: with the writer's -wal and -shm files, or, when these are missing and
 * may not be made, as a file that nobody writes. */
static int open_database(
    const char *path, const char *parameters, size_t value_bytes_max, sqlite3 **db)
{
    char uri[URI_MAX];
    struct nm_buf buf;
    int64_t ignored = 0;
    int status;

    nm_buf_init(&buf, uri, sizeof uri);
    nm_buf_puts(&buf, "file:");
    for (const char *c = path; *c != '\0'; c++) {
        if (strchr("?#%", *c) != NULL)
            nm_buf_printf(&buf, "%%%02X", (unsigned char)*c);
        else
            nm_buf_put(&buf, c, 1);
    }
    nm_buf_puts(&buf, parameters);
    if (buf.truncated)
        return SQLITE_CANTOPEN;
    status = sqlite3_open_v2(uri, db,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
            SQLITE_OPEN_EXRESCODE,
        NULL);
    if (status == SQLITE_OK)
        status = restrict_reader(*db, value_bytes_max);
    if (status == SQLITE_OK)
        status = nm_sql_number(*db, "SELECT count(*) FROM sqlite_schema", 0, &ignored);
    return status;
}

enum nm_code nm_sql_open_to_read(
    const char *path, size_t value_bytes_max, sqlite3 **out, struct nm_error *error)
{
    int status;

    *out = NULL;
    if (access(path, R_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", path, strerror(errno));
    status = open_database(path, "?mode=ro", value_bytes_max, out);
    if ((status & 0xff) == SQLITE_CANTOPEN || (status & 0xff) == SQLITE_READONLY) {
        (void)sqlite3_close(*out);
        *out = NULL;
        status = open_database(path, "?mode=ro&immutable=1", value_bytes_max, out);
    }
    return status == SQLITE_OK ? NM_OK : nm_sql_fail(*out, path, status, error);
}
