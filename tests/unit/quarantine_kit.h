/*
 * A quarantine in a temporary folder, with a clock that stands still until it is moved,
 * an audit log that counts, and words for the gate's side of it. For quarantine_*_test.c.
 */
#ifndef NM_TESTS_QUARANTINE_KIT_H
#define NM_TESTS_QUARANTINE_KIT_H

#include "quarantine/quarantine.h"
#include "quarantine/review.h"
#include "temp_folder.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kit {
    char top[64];
    char folder[96];
    int64_t now_us;
    uint64_t bytes_max;
    unsigned keep_days;
    unsigned number; /* of messages and decisions so far */
    struct nm_quarantine *quarantine;
    struct nm_quarantine_port port;

    unsigned acts;
    enum nm_verb last_verb;
    char last_subject[128];
    char last_reason[128];
    enum nm_code log_fails;
    struct nm_ports ports;
    struct nm_reviewer reviewer;
};

static inline int64_t kit_now(void *self)
{
    return ((struct kit *)self)->now_us;
}

static inline void kit_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    memset(bytes, 7, size);
}

static inline enum nm_code kit_append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    struct kit *kit = self;

    if (count != 1 || events->kind != NM_EVENT_ACT)
        abort();
    *ticket = 1;
    if (kit->log_fails != NM_OK)
        return NM_OK;
    kit->acts++;
    kit->last_verb = events->verb;
    (void)nm_copy(kit->last_subject, sizeof kit->last_subject, events->subject);
    (void)nm_copy(kit->last_reason, sizeof kit->last_reason,
        events->reason != NULL ? events->reason : "");
    return NM_OK;
}

static inline enum nm_code kit_wait(void *self, uint64_t ticket, struct nm_error *error)
{
    const struct kit *kit = self;

    (void)ticket;
    return kit->log_fails == NM_OK ? NM_OK
                                   : nm_fail(error, kit->log_fails, "the test says so");
}

static inline struct nm_quarantine_options kit_options(struct kit *kit)
{
    return (struct nm_quarantine_options){.folder = kit->folder,
        .bytes_max = kit->bytes_max,
        .keep_days = kit->keep_days,
        .clock = {kit, kit_now}};
}

static inline void kit_init(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    (void)snprintf(kit->top, sizeof kit->top, "%s/nearmiss-quarantine-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(temp_folder_from(kit->top));
    (void)snprintf(kit->folder, sizeof kit->folder, "%s/quarantine", kit->top);
    kit->now_us = INT64_C(1767225600) * 1000000;
    kit->keep_days = 30;
    kit->ports = (struct nm_ports){.audit = {kit, kit_append, kit_wait},
        .clock = {kit, kit_now},
        .random = {kit, kit_fill}};
    kit->reviewer = (struct nm_reviewer){
        .ports = &kit->ports, .gateway = "mx1", .actor = "alice (uid 7)"};
}

static inline void kit_open(struct kit *kit)
{
    const struct nm_quarantine_options options = kit_options(kit);

    ck_assert_int_eq(nm_quarantine_new(&options, &kit->quarantine), NM_OK);
    kit->port = nm_quarantine_port(kit->quarantine);
}

static inline void kit_start(struct kit *kit)
{
    kit_init(kit);
    kit_open(kit);
}

static inline int kit_unlink(
    const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static inline void kit_stop(struct kit *kit)
{
    nm_quarantine_close(&kit->quarantine);
    ck_assert_int_eq(nftw(kit->top, kit_unlink, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- messages --------------------------------------------------------------- */

enum { KIT_RECIPIENTS_MAX = 8 };

struct kit_message {
    struct nm_spool_message message;
    struct nm_spool_recipient recipients[KIT_RECIPIENTS_MAX];
    const char *header;
    const char *body;
};

static inline struct nm_id kit_id(struct kit *kit)
{
    uint8_t random[NM_ID_RANDOM_BYTES] = {0};

    kit->number++;
    memcpy(random, &kit->number, sizeof kit->number);
    return nm_id_make(kit->now_us, random);
}

/* To recipients that are ended by NULL. */
static inline void kit_compose(struct kit *kit, struct kit_message *out,
    const char *const *recipients, const char *body)
{
    memset(out, 0, sizeof *out);
    out->header = "Subject: x\r\n";
    out->body = body;
    out->message = (struct nm_spool_message){.transaction = kit_id(kit),
        .time_us = kit->now_us,
        .sender = {"a@example.org", 13},
        .arguments = "BODY=8BITMIME",
        .client = "192.0.2.7",
        .auth = "",
        .queue_id = "4XYZ",
        .recipients = recipients[0] != NULL ? out->recipients : NULL};
    for (size_t i = 0; recipients[i] != NULL; i++) {
        ck_assert_uint_lt(i, KIT_RECIPIENTS_MAX);
        out->recipients[i] = (struct nm_spool_recipient){
            .next = recipients[i + 1] != NULL ? &out->recipients[i + 1] : NULL,
            .id = kit_id(kit),
            .recipient = {recipients[i], strlen(recipients[i])},
            .arguments = "NOTIFY=NEVER",
            .domain = "army.ml",
            .target = "army.mil",
            .rule = "keep"};
    }
}

/* As the gate does; `trace` may be NULL. */
static inline enum nm_code kit_put(struct kit *kit, struct kit_message *message,
    const char *trace, struct nm_error *error)
{
    const struct nm_quarantine_port *port = &kit->port;
    const struct {
        enum nm_content content;
        const char *bytes;
    } parts[] = {{NM_CONTENT_TRACE, trace != NULL ? trace : ""},
        {NM_CONTENT_HEADER, message->header}, {NM_CONTENT_HEADER, "\r\n"},
        {NM_CONTENT_BODY, message->body}};
    struct nm_spool *spool = NULL;
    enum nm_code code =
        port->begin(port->self, &message->message.transaction, &spool, error);

    if (code != NM_OK)
        return code;
    for (size_t i = 0; i < NM_COUNT(parts) && code == NM_OK; i++)
        code = port->write(port->self, spool, parts[i].content, parts[i].bytes,
            strlen(parts[i].bytes), error);
    if (code != NM_OK) {
        port->drop(port->self, &spool);
        return code;
    }
    code = port->commit(port->self, &spool, &message->message, error);
    if (spool != NULL) /* an assertion of check's may allocate, which a test forbids */
        abort();
    return code;
}

/* One for `recipient`; the entry's id. */
static inline struct nm_id kit_keep(
    struct kit *kit, const char *recipient, const char *body)
{
    const char *const recipients[] = {recipient, NULL};
    struct kit_message message;
    struct nm_error error = {.code = NM_OK};

    kit_compose(kit, &message, recipients, body);
    ck_assert_msg(kit_put(kit, &message, NULL, &error) == NM_OK, "%s", error.message);
    return message.recipients[0].id;
}

/* ---- looking ---------------------------------------------------------------- */

struct kit_entry {
    struct nm_id id;
    char sender[64];
    char recipient[64];
    char sent_to[64];
    char name[NM_ID_LENGTH + 1];
    uint64_t bytes;
    unsigned times;
    enum nm_kept_state state;
};

struct kit_entries {
    struct kit_entry rows[64];
    size_t count;
};

static inline void kit_copy(char *out, size_t size, struct nm_bytes bytes)
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, size);
    if (bytes.data != NULL)
        nm_buf_put(&buf, bytes.data, bytes.length);
}

static inline bool kit_note(void *self, const struct nm_kept_entry *entry)
{
    struct kit_entries *entries = self;
    struct kit_entry *row = &entries->rows[entries->count++];

    ck_assert_uint_lt(entries->count, NM_COUNT(entries->rows));
    (void)nm_copy(row->id.text, sizeof row->id.text, entry->id);
    (void)nm_copy(row->name, sizeof row->name, entry->transaction);
    kit_copy(row->sender, sizeof row->sender, entry->sender);
    kit_copy(row->recipient, sizeof row->recipient, entry->recipient);
    kit_copy(row->sent_to, sizeof row->sent_to, entry->sent_to);
    row->bytes = entry->bytes;
    row->times = entry->times;
    row->state = entry->state;
    return true;
}

static inline void kit_list(struct kit *kit, struct kit_entries *out)
{
    struct nm_error error = {.code = NM_OK};

    out->count = 0;
    ck_assert_int_eq(nm_quarantine_ready(kit->quarantine, &error), NM_OK);
    ck_assert_int_eq(
        nm_quarantine_list(kit->quarantine, NULL, kit_note, out, &error), NM_OK);
}

/* The message of an entry; false when it is not there. */
static inline bool kit_read(struct kit *kit, const char *id, char *out, size_t size)
{
    struct nm_error error = {.code = NM_OK};
    int file = -1;
    ssize_t got;

    if (nm_quarantine_read(kit->quarantine, id, &file, &error) != NM_OK)
        return false;
    got = read(file, out, size - 1);
    ck_assert_int_ge(got, 0);
    out[got] = '\0';
    (void)close(file);
    return true;
}

/* Files in one of the two folders. */
static inline size_t kit_files(const struct kit *kit, const char *name)
{
    char path[128];
    struct dirent *entry;
    size_t count = 0;
    DIR *folder;

    (void)snprintf(path, sizeof path, "%s/%s", kit->folder, name);
    folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

#endif
