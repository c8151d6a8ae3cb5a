#include "queue.h"

#include "embedded.h"
#include "sql/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION = 0x4e6d4e6f, /* "NmNo", in the file's header */
    VERSION = 1,
    BUSY_MS = 1000
};

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    TELL,
    MADE,
    WAITING,
    PUT,
    DUE,
    NEXT,
    PUT_OFF,
    DONE,
    FORGET,
    FORGET_TOLD,
    STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [TELL] = "INSERT OR IGNORE INTO told (entry, reader, made_us) VALUES (?, ?, ?)",
    [MADE] = "SELECT count(*) FROM notice WHERE address = ? COLLATE NOCASE"
             " AND made_us > ? AND made_us <= ?",
    [WAITING] = "SELECT count(*) FROM notice WHERE due_us IS NOT NULL",
    [PUT] =
        "INSERT INTO notice (id, reader, decision, address, content, made_us, due_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    [DUE] = "SELECT id, reader, decision, address, made_us, tries, content FROM notice"
            " WHERE due_us <= ? ORDER BY due_us, sequence LIMIT 1",
    [NEXT] = "SELECT coalesce(min(due_us), 0) FROM notice WHERE due_us IS NOT NULL",
    [PUT_OFF] = "UPDATE notice SET due_us = ?, tries = tries + 1 WHERE id = ?",
    [DONE] = "UPDATE notice SET due_us = NULL, content = NULL WHERE id = ?",
    [FORGET] = "DELETE FROM notice WHERE due_us IS NULL AND made_us < ?",
    [FORGET_TOLD] = "DELETE FROM told WHERE made_us < ?",
};

struct nm_notice_queue {
    sqlite3 *db;
    char *path;
    int lock; /* -1: not held */
    sqlite3_stmt *statements[STATEMENTS];
};

static enum nm_code result(
    struct nm_notice_queue *queue, int status, struct nm_error *error)
{
    return status == SQLITE_OK ? NM_OK
                               : nm_sql_fail(queue->db, queue->path, status, error);
}

/* ---- open and close --------------------------------------------------------- */

static enum nm_code set_up(struct nm_notice_queue *queue, struct nm_error *error)
{
    const char *migrations[VERSION];
    const struct nm_sql_schema schema = {.what = "database of notices",
        .option = "audit.database",
        .application = APPLICATION,
        .version = VERSION,
        .migrations = migrations};
    enum nm_code code;
    int status;

    for (size_t i = 0; i < VERSION; i++) {
        assert(nm_notice_embedded[i].name != NULL);
        migrations[i] = nm_notice_embedded[i].bytes;
    }
    (void)sqlite3_busy_timeout(queue->db, BUSY_MS);
    (void)sqlite3_db_config(queue->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    code = nm_sql_schema_check(queue->db, queue->path, &schema, error);
    if (code == NM_OK)
        code = nm_sql_use_wal(queue->db, queue->path, error);
    if (code != NM_OK)
        return code;
    status = nm_sql_exec(queue->db,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY");
    if (status == SQLITE_OK)
        code = nm_sql_schema_migrate(queue->db, queue->path, &schema, error);
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK && code == NM_OK; i++)
        status = nm_sql_prepare(queue->db, sql_of[i], &queue->statements[i]);
    return code == NM_OK ? result(queue, status, error) : code;
}

enum nm_code nm_notice_queue_open(
    const char *path, struct nm_notice_queue **out, struct nm_error *error)
{
    struct nm_notice_queue *queue = calloc(1, sizeof *queue);
    enum nm_code code;

    if (queue != NULL) {
        queue->lock = -1;
        queue->path = strdup(path);
    }
    if (queue == NULL || queue->path == NULL) {
        free(queue);
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    }
    code = nm_sql_lock(path, &queue->lock, error);
    if (code == NM_OK)
        code = nm_sql_create_file(path, error);
    if (code == NM_OK)
        code = result(queue,
            sqlite3_open_v2(path, &queue->db,
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                NULL),
            error);
    if (code == NM_OK)
        code = set_up(queue, error);
    if (code == NM_OK)
        *out = queue;
    else
        nm_notice_queue_close(&queue);
    return code;
}

void nm_notice_queue_close(struct nm_notice_queue **queue)
{
    struct nm_notice_queue *closed = *queue;

    if (closed == NULL)
        return;
    *queue = NULL;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(closed->statements[i]);
    (void)sqlite3_close(closed->db);
    if (closed->lock >= 0)
        (void)close(closed->lock);
    free(closed->path);
    free(closed);
}

/* ---- putting in --------------------------------------------------------------- */

enum nm_code nm_notice_queue_begin(
    struct nm_notice_queue *queue, struct nm_error *error)
{
    return result(queue, nm_sql_run(queue->statements[BEGIN]), error);
}

enum nm_code nm_notice_queue_end(
    struct nm_notice_queue *queue, bool keep, struct nm_error *error)
{
    const int status = keep ? nm_sql_run(queue->statements[COMMIT]) : SQLITE_OK;
    const enum nm_code code = result(queue, status, error);

    if (sqlite3_get_autocommit(queue->db) == 0)
        (void)nm_sql_run(queue->statements[ROLLBACK]);
    return code;
}

enum nm_code nm_notice_queue_tell(struct nm_notice_queue *queue,
    const struct nm_id *entry, enum nm_notice_reader reader, int64_t now_us,
    bool *is_new, struct nm_error *error)
{
    sqlite3_stmt *tell = queue->statements[TELL];
    int status;

    nm_sql_bind_text(tell, 1, entry->text);
    (void)sqlite3_bind_int(tell, 2, (int)reader);
    (void)sqlite3_bind_int64(tell, 3, now_us);
    status = nm_sql_run(tell);
    *is_new = status == SQLITE_OK && sqlite3_changes(queue->db) > 0;
    return result(queue, status, error);
}

enum nm_code nm_notice_queue_count(struct nm_notice_queue *queue, const char *address,
    int64_t since_us, int64_t upto_us, uint64_t *made, uint64_t *waiting,
    struct nm_error *error)
{
    sqlite3_stmt *count = queue->statements[MADE];
    int64_t number = 0;
    int status;

    nm_sql_bind_text(count, 1, address);
    (void)sqlite3_bind_int64(count, 2, since_us);
    (void)sqlite3_bind_int64(count, 3, upto_us);
    status = nm_sql_find(count, &number);
    *made = (uint64_t)number;
    if (status == SQLITE_OK)
        status = nm_sql_find(queue->statements[WAITING], &number);
    *waiting = (uint64_t)number;
    return result(queue, status, error);
}

enum nm_code nm_notice_queue_put(struct nm_notice_queue *queue,
    const struct nm_notice_mail *mail, struct nm_error *error)
{
    sqlite3_stmt *put = queue->statements[PUT];

    nm_sql_bind_text(put, 1, mail->id.text);
    (void)sqlite3_bind_int(put, 2, (int)mail->reader);
    nm_sql_bind_text(put, 3, mail->decision.text);
    nm_sql_bind_text(put, 4, mail->address);
    nm_sql_bind_bytes(put, 5, mail->content, mail->length);
    (void)sqlite3_bind_int64(put, 6, mail->made_us);
    return result(queue, nm_sql_run(put), error);
}

/* ---- taking out --------------------------------------------------------------- */

static void read_text(sqlite3_stmt *row, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    (void)nm_copy(out, size, text != NULL ? text : "");
}

/* False out of memory. */
static bool read_mail(sqlite3_stmt *row, struct nm_notice_mail *out)
{
    const void *content = sqlite3_column_blob(row, 6);

    read_text(row, 0, out->id.text, sizeof out->id.text);
    out->reader = sqlite3_column_int(row, 1) == NM_NOTICE_TO_SENDER
                      ? NM_NOTICE_TO_SENDER
                      : NM_NOTICE_TO_REVIEWER;
    read_text(row, 2, out->decision.text, sizeof out->decision.text);
    read_text(row, 3, out->address, sizeof out->address);
    out->made_us = sqlite3_column_int64(row, 4);
    out->tries = (unsigned)sqlite3_column_int(row, 5);
    out->length = content != NULL ? (size_t)sqlite3_column_bytes(row, 6) : 0;
    out->content = malloc(out->length + 1);
    if (out->content == NULL)
        return false;
    if (content != NULL)
        memcpy(out->content, content, out->length);
    return true;
}

enum nm_code nm_notice_queue_due(struct nm_notice_queue *queue, int64_t now_us,
    struct nm_notice_mail *out, int64_t *next_us, struct nm_error *error)
{
    sqlite3_stmt *due = queue->statements[DUE];
    bool has_memory = true;
    int status;

    out->content = NULL;
    *next_us = INT64_MAX;
    (void)sqlite3_bind_int64(due, 1, now_us);
    status = sqlite3_step(due);
    if (status == SQLITE_ROW)
        has_memory = read_mail(due, out);
    (void)sqlite3_reset(due);
    if (!has_memory)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    if (status == SQLITE_ROW)
        return NM_OK;
    if (status == SQLITE_DONE)
        status = nm_sql_find(queue->statements[NEXT], next_us);
    if (*next_us == 0)
        *next_us = INT64_MAX;
    return result(queue, status, error);
}

enum nm_code nm_notice_queue_put_off(struct nm_notice_queue *queue,
    const struct nm_id *id, int64_t due_us, struct nm_error *error)
{
    sqlite3_stmt *put_off = queue->statements[PUT_OFF];

    (void)sqlite3_bind_int64(put_off, 1, due_us);
    nm_sql_bind_text(put_off, 2, id->text);
    return result(queue, nm_sql_run(put_off), error);
}

enum nm_code nm_notice_queue_done(
    struct nm_notice_queue *queue, const struct nm_id *id, struct nm_error *error)
{
    nm_sql_bind_text(queue->statements[DONE], 1, id->text);
    return result(queue, nm_sql_run(queue->statements[DONE]), error);
}

enum nm_code nm_notice_queue_forget(
    struct nm_notice_queue *queue, int64_t before_us, struct nm_error *error)
{
    int status;

    (void)sqlite3_bind_int64(queue->statements[FORGET], 1, before_us);
    (void)sqlite3_bind_int64(queue->statements[FORGET_TOLD], 1, before_us);
    status = nm_sql_run(queue->statements[FORGET]);
    if (status == SQLITE_OK)
        status = nm_sql_run(queue->statements[FORGET_TOLD]);
    return result(queue, status, error);
}
