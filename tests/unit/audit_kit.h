/*
 * An audit log on disk in a folder of its own, with events to put into it. For
 * audit_*_test.c.
 */
#ifndef NM_TESTS_AUDIT_KIT_H
#define NM_TESTS_AUDIT_KIT_H

#include "audit/audit.h"

#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KIT_ROWS_MAX = 4096, KIT_TEXT_MAX = 256, KIT_PATH_MAX = 512 };

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
};

/* ---- the world ---------------------------------------------------------- */

static inline void kit_log(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct kit *kit = self;
    struct nm_buf buf;

    pthread_mutex_lock(&kit->lock);
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
    return 1717200000000000;
}

static inline void kit_init(struct kit *kit)
{
    *kit = (struct kit){.wait_ms = 10000, .now_us = 1717200000000000};
    pthread_mutex_init(&kit->lock, NULL);
    kit->log = (struct nm_log){.self = kit, .write = kit_log};
    (void)nm_copy(kit->folder, sizeof kit->folder, "/tmp/nm-audit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(kit->folder));
    (void)snprintf(kit->path, sizeof kit->path, "%s/audit.db", kit->folder);
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

static inline void kit_stop(struct kit *kit)
{
    nm_audit_stop(&kit->audit);
    kit_remove_files(kit);
    ck_assert_int_eq(rmdir(kit->folder), 0);
    pthread_mutex_destroy(&kit->lock);
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

/* Copies of what a row points to. */
struct kit_row {
    struct nm_audit_row row;
    char sender[KIT_TEXT_MAX];
    char recipient[KIT_TEXT_MAX];
    char queue_id[KIT_TEXT_MAX];
    char reply[KIT_TEXT_MAX];
    enum nm_outcome outcome;
};

struct kit_rows {
    size_t count;
    struct kit_row row[KIT_ROWS_MAX];
};

static inline void kit_copy_bytes(char *out, struct nm_bytes bytes)
{
    const size_t length =
        bytes.length < KIT_TEXT_MAX ? bytes.length : (size_t)KIT_TEXT_MAX - 1;

    memcpy(out, bytes.data, length);
    out[length] = '\0';
}

static inline bool kit_collect(void *self, const struct nm_audit_row *row)
{
    struct kit_rows *rows = self;
    struct kit_row *copy = &rows->row[rows->count];

    ck_assert_uint_lt(rows->count, KIT_ROWS_MAX);
    copy->row = *row;
    kit_copy_bytes(copy->sender, row->decision.sender);
    kit_copy_bytes(copy->recipient, row->decision.recipient);
    (void)nm_copy(copy->queue_id, sizeof copy->queue_id, row->decision.queue_id);
    (void)nm_copy(copy->reply, sizeof copy->reply, row->decision.reply);
    copy->outcome = row->decision.outcome;
    rows->count++;
    return true;
}

static inline void kit_list(
    struct kit *kit, const struct nm_audit_query *query, struct kit_rows *rows)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code = nm_audit_reader_open(kit->path, &reader, &error);

    rows->count = 0;
    if (code == NM_OK)
        code = nm_audit_reader_list(reader, query, kit_collect, rows, &error);
    ck_assert_msg(code == NM_OK, "%s", error.message);
    nm_audit_reader_close(&reader);
}

#endif
