#include "reader.h"

#include "schema.h"
#include "sql/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000, URI_MAX = 8192 };

/* ---- open --------------------------------------------------------------- */

/* What is read may come from elsewhere. */
static int restrict_reader(sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, NM_ROW_BYTES_MAX);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    return nm_sql_exec(db, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
}

/* As it is found: with the daemon's -wal and -shm files, or, when these are missing and
 * may not be made, as a file that nobody writes. */
static int open_database(struct nm_audit_reader *reader, const char *parameters)
{
    char uri[URI_MAX];
    struct nm_buf buf;
    int64_t ignored = 0;
    int status;

    nm_buf_init(&buf, uri, sizeof uri);
    nm_buf_puts(&buf, "file:");
    for (const char *c = reader->path; *c != '\0'; c++) {
        if (strchr("?#%", *c) != NULL)
            nm_buf_printf(&buf, "%%%02X", (unsigned char)*c);
        else
            nm_buf_put(&buf, c, 1);
    }
    nm_buf_puts(&buf, parameters);
    if (buf.truncated)
        return SQLITE_CANTOPEN;
    status = sqlite3_open_v2(uri, &reader->db,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
            SQLITE_OPEN_EXRESCODE,
        NULL);
    if (status == SQLITE_OK)
        status = restrict_reader(reader->db);
    if (status == SQLITE_OK)
        status = nm_sql_number(
            reader->db, "SELECT count(*) FROM sqlite_schema", 0, &ignored);
    return status;
}

static enum nm_code connect_reader(
    struct nm_audit_reader *reader, struct nm_error *error)
{
    int status;

    if (access(reader->path, R_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", reader->path, strerror(errno));
    status = open_database(reader, "?mode=ro");
    if ((status & 0xff) == SQLITE_CANTOPEN || (status & 0xff) == SQLITE_READONLY) {
        (void)sqlite3_close(reader->db);
        reader->db = NULL;
        status = open_database(reader, "?mode=ro&immutable=1");
    }
    if (status != SQLITE_OK)
        return nm_sql_fail(reader->db, reader->path, status, error);
    return NM_OK;
}

static enum nm_code open_reader(
    const char *path, struct nm_audit_reader **out, struct nm_error *error)
{
    struct nm_audit_reader *reader = calloc(1, sizeof *reader);
    enum nm_code code = NM_NO_MEMORY;

    if (reader == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    reader->path = strdup(path);
    if (reader->path == NULL ||
        nm_arena_new(NM_PAGE_BYTES + NM_ROW_BYTES_MAX, &reader->arena) != NM_OK)
        (void)nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    else
        code = connect_reader(reader, error);
    if (code != NM_OK) {
        nm_audit_reader_close(&reader);
        return code;
    }
    *out = reader;
    return NM_OK;
}

enum nm_code nm_audit_reader_open(
    const char *path, struct nm_audit_reader **out, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    enum nm_code code = open_reader(path, &reader, error);

    if (code == NM_OK)
        code = nm_schema_check_current(reader->db, path, error);
    if (code != NM_OK) {
        nm_audit_reader_close(&reader);
        return code;
    }
    *out = reader;
    return NM_OK;
}

void nm_audit_reader_close(struct nm_audit_reader **reader)
{
    if (*reader == NULL)
        return;
    (void)sqlite3_close((*reader)->db);
    nm_arena_free(&(*reader)->arena);
    free((*reader)->path);
    free(*reader);
    *reader = NULL;
}

char *nm_audit_reader_config(struct nm_audit_reader *reader, const char *hash)
{
    sqlite3_stmt *query = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(reader->db, "SELECT text FROM config WHERE hash = ?", -1,
            &query, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_text(query, 1, hash, -1, SQLITE_STATIC);
        if (sqlite3_step(query) == SQLITE_ROW &&
            sqlite3_column_type(query, 0) != SQLITE_NULL)
            text = strdup((const char *)sqlite3_column_text(query, 0));
    }
    (void)sqlite3_finalize(query);
    return text;
}

/* ---- the check ---------------------------------------------------------- */

static enum nm_code check_existing(const char *path, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    enum nm_code code;

    if (access(path, W_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: the audit log may not be written: %s",
            path, strerror(errno));
    code = open_reader(path, &reader, error);
    if (code == NM_OK)
        code = nm_schema_check(reader->db, path, error);
    nm_audit_reader_close(&reader);
    return code;
}

static enum nm_code check_folder(const char *path, struct nm_error *error)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    enum nm_code code = NM_OK;

    if (folder == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    if (slash != NULL)
        slash[slash == folder] = '\0'; /* the root keeps its slash */
    if (access(slash != NULL ? folder : ".", W_OK | X_OK) != 0)
        code = nm_fail(error, NM_SYSTEM,
            "%s: the audit log cannot be made in its folder: %s", path,
            strerror(errno));
    free(folder);
    return code;
}

enum nm_code nm_audit_check(const char *path, struct nm_error *error)
{
    struct stat found;
    /* Beside the database come its -wal and -shm files. */
    enum nm_code code = check_folder(path, error);

    if (code != NM_OK || stat(path, &found) != 0)
        return code;
    if (S_ISDIR(found.st_mode))
        return nm_fail(
            error, NM_SYSTEM, "%s: this is a folder; name a file in it", path);
    return found.st_size > 0 ? check_existing(path, error) : NM_OK;
}
