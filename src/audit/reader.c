#include "reader.h"

#include "schema.h"
#include "senders.h"
#include "sql/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- open --------------------------------------------------------------- */

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
        code = nm_sql_open_to_read(reader->path, NM_ROW_BYTES_MAX, &reader->db, error);
    if (code == NM_OK && nm_senders_register(reader->db) != SQLITE_OK)
        code = nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
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

/* Opened as a file that nobody writes, it would not see what is written later. */
static bool is_written_only_now(struct nm_audit_reader *reader)
{
    const char *name = sqlite3_db_filename(reader->db, "main");

    return sqlite3_uri_boolean(name, "immutable", 0) != 0 &&
           access(sqlite3_filename_wal(name), F_OK) == 0;
}

enum nm_code nm_audit_reader_check(
    struct nm_audit_reader *reader, struct nm_error *error)
{
    int moved = 0;

    (void)sqlite3_file_control(reader->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved != 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: the log was replaced or removed while it was read; begin again",
            reader->path);
    if (is_written_only_now(reader))
        return nm_fail(error, NM_SYSTEM,
            "%s: the log was at rest and is written now; begin again", reader->path);
    return NM_OK;
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
            "%s: its folder may not be written to, where the database and the files "
            "beside it lie: %s",
            path, strerror(errno));
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
