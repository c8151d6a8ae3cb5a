/*
 * An audit log on disk in a folder of its own, with events to put into it. For
 * audit_*_test.c.
 */
#ifndef NM_TESTS_AUDIT_KIT_H
#define NM_TESTS_AUDIT_KIT_H

#include "audit/audit.h"
#include "temp_folder.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KIT_PATH_MAX = 512, KIT_ROWS_BYTES_MAX = 256 * 1024 * 1024 };

struct kit {
    char folder[KIT_PATH_MAX / 2];
    char path[KIT_PATH_MAX];
    unsigned wait_ms;
    struct nm_log log;
    struct nm_audit *audit;
    struct nm_audit_port port;
    uint64_t next_id;
    int64_t now_us;
    pthread_mutex_t lock; /* for the log's lines */
    char lines[16 * 1024];
    size_t errors;
    size_t notices;
    char checkpoint[1024]; /* the last one, as the system log would have it */
    size_t checkpoints;
};

static const int64_t kit_epoch_us = 1717200000000000;

/* ---- the world ---------------------------------------------------------- */

static inline void kit_log(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct kit *kit = self;
    struct nm_buf buf;

    pthread_mutex_lock(&kit->lock);
    if (strcmp(message, "audit checkpoint") == 0) {
        kit->checkpoints++;
        nm_buf_init(&buf, kit->checkpoint, sizeof kit->checkpoint);
        nm_buf_puts(&buf, message);
        for (size_t i = 0; i < field_count; i++)
            nm_buf_printf(&buf, " %s=%s", fields[i].key, fields[i].value);
        pthread_mutex_unlock(&kit->lock);
        return;
    }
    kit->errors += level == NM_LOG_ERROR;
    kit->notices += level == NM_LOG_NOTICE;
    nm_buf_init(
        &buf, kit->lines + strlen(kit->lines), sizeof kit->lines - strlen(kit->lines));
    nm_buf_puts(&buf, message);
    for (size_t i = 0; i < field_count; i++)
        nm_buf_printf(&buf, " %s=%s", fields[i].key, fields[i].value);
    nm_buf_puts(&buf, "\n");
    pthread_mutex_unlock(&kit->lock);
}

static inline int64_t kit_now_us(void *self)
{
    (void)self;
    return kit_epoch_us;
}

static inline void kit_init_in(struct kit *kit, const char *where)
{
    *kit = (struct kit){.wait_ms = 120000, .now_us = kit_epoch_us};
    pthread_mutex_init(&kit->lock, NULL);
    kit->log = (struct nm_log){.self = kit, .write = kit_log};
    (void)snprintf(kit->folder, sizeof kit->folder, "%s/nm-audit-XXXXXX", where);
    ck_assert_ptr_nonnull(temp_folder_from(kit->folder));
    (void)snprintf(kit->path, sizeof kit->path, "%s/audit.db", kit->folder);
}

/* In memory where that is possible: what most tests find does not hang on a disk. */
static inline void kit_init(struct kit *kit)
{
    kit_init_in(kit, access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline void kit_init_on_disk(struct kit *kit)
{
    kit_init_in(kit, "/tmp");
}

static inline void kit_open(struct kit *kit)
{
    const struct nm_audit_options options = {
        .path = kit->path,
        .wait_ms = kit->wait_ms,
        .gateway = "mx1",
        .log = &kit->log,
        .clock = {.self = kit, .now_us = kit_now_us},
    };
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(
        nm_audit_start(&options, &kit->audit, &error) == NM_OK, "%s", error.message);
    kit->port = nm_audit_port(kit->audit);
}

static inline void kit_start(struct kit *kit)
{
    kit_init(kit);
    kit_open(kit);
}

static inline void kit_remove_files(const struct kit *kit)
{
    DIR *folder = opendir(kit->folder);

    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[KIT_PATH_MAX + sizeof entry->d_name];

        (void)snprintf(path, sizeof path, "%s/%s", kit->folder, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(folder);
}

static inline void kit_free(struct kit *kit)
{
    kit_remove_files(kit);
    ck_assert_int_eq(rmdir(kit->folder), 0);
    pthread_mutex_destroy(&kit->lock);
}

static inline void kit_stop(struct kit *kit)
{
    nm_audit_stop(&kit->audit);
    kit_free(kit);
}

/* End the writer and start another on the same database. */
static inline void kit_restart(struct kit *kit)
{
    nm_audit_stop(&kit->audit);
    kit_open(kit);
}

/* Wait until the log has a line with this text: lines are written after waits have
 * ended. A line that never comes is the test's time-out. */
static inline void kit_await_line(struct kit *kit, const char *text)
{
    bool found = false;

    while (!found) {
        pthread_mutex_lock(&kit->lock);
        found = strstr(kit->lines, text) != NULL;
        pthread_mutex_unlock(&kit->lock);
        if (!found)
            usleep(1000);
    }
}

static inline size_t kit_errors(struct kit *kit)
{
    size_t errors;

    pthread_mutex_lock(&kit->lock);
    errors = kit->errors;
    pthread_mutex_unlock(&kit->lock);
    return errors;
}

static inline size_t kit_notices(struct kit *kit)
{
    size_t notices;

    pthread_mutex_lock(&kit->lock);
    notices = kit->notices;
    pthread_mutex_unlock(&kit->lock);
    return notices;
}

/* ---- events ------------------------------------------------------------- */

static inline struct nm_id kit_id(struct kit *kit)
{
    uint8_t random[NM_ID_RANDOM_BYTES] = {0};
    const uint64_t number = kit->next_id++;

    memcpy(random, &number, sizeof number);
    return nm_id_make(kit->now_us, random);
}

static inline struct nm_bytes kit_bytes(const char *text)
{
    return (struct nm_bytes){.data = text, .length = strlen(text)};
}

/* A refused near miss. `recipient` is borrowed. */
static inline struct nm_audit_event kit_decision(struct kit *kit, const char *recipient)
{
    return (struct nm_audit_event){
        .kind = NM_EVENT_DECISION,
        .id = kit_id(kit),
        .transaction = kit_id(kit),
        .time_us = kit->now_us,
        .gateway = "mx1",
        .client = "192.0.2.7",
        .auth = "alice",
        .sender = kit_bytes("alice@example.org"),
        .recipient = kit_bytes(recipient),
        .domain = "army.ml",
        .match = NM_MATCH_NEAR_MISS,
        .target = "army.mil",
        .technique = NM_TECHNIQUE_SUFFIX,
        .confidence = 0.997,
        .rule = "mil-ml",
        .action = NM_ACTION_REJECT,
        .reply = "550 5.7.1 army.ml looks like a slip for army.mil",
        .mode = NM_MODE_ENFORCE,
        .config = "00ff",
        .queue_id = "",
    };
}

static inline struct nm_audit_event kit_outcome(
    struct kit *kit, const struct nm_audit_event *decision, enum nm_outcome outcome)
{
    return (struct nm_audit_event){
        .kind = NM_EVENT_OUTCOME,
        .id = kit_id(kit),
        .transaction = decision->transaction,
        .time_us = decision->time_us + 1000,
        .gateway = "mx1",
        .queue_id = "4bXyZ12Tz9z3P",
        .outcome = outcome,
    };
}

static inline enum nm_code kit_try(struct kit *kit, const struct nm_audit_event *events,
    size_t count, struct nm_error *error)
{
    uint64_t ticket = 0;
    const enum nm_code code = kit->port.append(kit->port.self, events, count, &ticket);

    return code != NM_OK ? code : kit->port.wait(kit->port.self, ticket, error);
}

static inline void kit_record(
    struct kit *kit, const struct nm_audit_event *events, size_t count)
{
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(kit_try(kit, events, count, &error) == NM_OK, "%s", error.message);
}

/* ---- rows --------------------------------------------------------------- */

/* Copies of rows; all that they point to is in the arena. */
struct kit_rows {
    struct nm_arena *arena;
    struct nm_audit_row *items;
    size_t count;
    size_t capacity;
    size_t stop_after; /* 0: never */
};

static inline void kit_copy_text(struct kit_rows *rows, const char **text)
{
    if (*text == NULL)
        return;
    *text = nm_arena_copy(rows->arena, *text, strlen(*text));
    ck_assert_ptr_nonnull(*text);
}

static inline void kit_copy_bytes(struct kit_rows *rows, struct nm_bytes *bytes)
{
    bytes->data = nm_arena_copy(rows->arena, bytes->data, bytes->length);
    ck_assert_ptr_nonnull(bytes->data);
}

static inline bool kit_collect(void *self, const struct nm_audit_row *row)
{
    struct kit_rows *rows = self;
    struct nm_audit_event *copy;

    if (rows->count == rows->capacity) {
        rows->capacity = 2 * rows->capacity + 64;
        rows->items = realloc(rows->items, rows->capacity * sizeof *rows->items);
        ck_assert_ptr_nonnull(rows->items);
    }
    rows->items[rows->count] = *row;
    copy = &rows->items[rows->count].decision;
    kit_copy_text(rows, &copy->gateway);
    kit_copy_text(rows, &copy->client);
    kit_copy_text(rows, &copy->auth);
    kit_copy_bytes(rows, &copy->sender);
    kit_copy_bytes(rows, &copy->recipient);
    kit_copy_text(rows, &copy->domain);
    kit_copy_text(rows, &copy->target);
    kit_copy_text(rows, &copy->rule);
    kit_copy_text(rows, &copy->reply);
    kit_copy_text(rows, &copy->config);
    kit_copy_text(rows, &copy->queue_id);
    rows->count++;
    return rows->count != rows->stop_after;
}

static inline enum nm_code kit_try_list(struct kit *kit,
    const struct nm_audit_query *query, struct kit_rows *rows, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    enum nm_code code = nm_audit_reader_open(kit->path, &reader, error);

    rows->count = 0;
    if (rows->arena == NULL)
        ck_assert_int_eq(nm_arena_new(KIT_ROWS_BYTES_MAX, &rows->arena), NM_OK);
    nm_arena_reset(rows->arena);
    if (code == NM_OK)
        code = nm_audit_reader_list(reader, query, kit_collect, rows, error);
    nm_audit_reader_close(&reader);
    return code;
}

static inline void kit_list(
    struct kit *kit, const struct nm_audit_query *query, struct kit_rows *rows)
{
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(kit_try_list(kit, query, rows, &error) == NM_OK, "%s", error.message);
}

static inline void kit_rows_free(struct kit_rows *rows)
{
    nm_arena_free(&rows->arena);
    free(rows->items);
    *rows = (struct kit_rows){0};
}

/* The integer that SQL gives, on a connection of its own. */
static inline int64_t kit_sql_integer(const struct kit *kit, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    int64_t value;

    ck_assert_int_eq(
        sqlite3_open_v2(kit->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(db, 60000), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK, "%s: %s",
        sql, sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    value = sqlite3_column_int64(query, 0);
    (void)sqlite3_finalize(query);
    (void)sqlite3_close(db);
    return value;
}

/* Run SQL on the database as somebody else would. */
static inline void kit_sql(const struct kit *kit, const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open_v2(kit->path, &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(db, 60000), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
        sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

#endif
