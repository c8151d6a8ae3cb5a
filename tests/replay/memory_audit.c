#include "memory_audit.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 512 * 1024 * 1024 };

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static const char *keep(struct memory_audit *audit, const char *text)
{
    return text != NULL ? must(nm_arena_copy(audit->arena, text, strlen(text))) : NULL;
}

static struct nm_bytes keep_bytes(struct memory_audit *audit, struct nm_bytes bytes)
{
    return (struct nm_bytes){
        must(nm_arena_copy(audit->arena, bytes.data, bytes.length)), bytes.length};
}

static void add(struct memory_audit *audit, const struct nm_audit_event *event)
{
    struct recorded *row;

    if (audit->count == audit->capacity) {
        audit->capacity = audit->capacity > 0 ? 2 * audit->capacity : 64;
        audit->rows = must(realloc(audit->rows, audit->capacity * sizeof *audit->rows));
    }
    row = &audit->rows[audit->count++];
    row->durable = false;
    row->event = *event;
    row->event.gateway = keep(audit, event->gateway);
    row->event.client = keep(audit, event->client);
    row->event.auth = keep(audit, event->auth);
    row->event.sender = keep_bytes(audit, event->sender);
    row->event.recipient = keep_bytes(audit, event->recipient);
    row->event.domain = keep(audit, event->domain);
    row->event.target = keep(audit, event->target);
    row->event.rule = keep(audit, event->rule);
    row->event.reply = keep(audit, event->reply);
    row->event.config = keep(audit, event->config);
    row->event.queue_id = keep(audit, event->queue_id);
    row->event.actor = keep(audit, event->actor);
    row->event.subject = keep(audit, event->subject);
    row->event.reason = keep(audit, event->reason);
}

static enum nm_code append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    struct memory_audit *audit = self;

    if (audit->append_fails != NM_OK)
        return audit->append_fails;
    for (size_t i = 0; i < count; i++)
        add(audit, &events[i]);
    *ticket = audit->count;
    return NM_OK;
}

static enum nm_code wait(void *self, uint64_t ticket, struct nm_error *error)
{
    struct memory_audit *audit = self;

    audit->waits++;
    if (audit->wait_fails != NM_OK)
        return nm_fail(error, audit->wait_fails, "the scenario says so");
    for (uint64_t i = 0; i < ticket; i++)
        audit->rows[i].durable = true;
    return NM_OK;
}

static void count_one(void *self, enum nm_counter counter)
{
    struct memory_audit *audit = self;

    audit->counts[counter]++;
}

static int64_t now_us(void *self)
{
    struct memory_audit *audit = self;

    return audit->now_us += 1000;
}

static void fill(void *self, void *bytes, size_t size)
{
    struct memory_audit *audit = self;

    memset(bytes, 0, size);
    audit->randomness++;
    memcpy(bytes, &audit->randomness,
        size < sizeof audit->randomness ? size : sizeof audit->randomness);
}

static void log_line(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct memory_audit *audit = self;

    (void)fields;
    (void)field_count;
    if (level != NM_LOG_ERROR)
        return;
    audit->errors_logged++;
    (void)nm_copy(audit->last_error, sizeof audit->last_error, message);
}

void memory_audit_init(struct memory_audit *audit)
{
    memset(audit, 0, sizeof *audit);
    if (nm_arena_new(BYTES_MAX, &audit->arena) != NM_OK)
        abort();
}

void memory_audit_free(struct memory_audit *audit)
{
    free(audit->rows);
    nm_arena_free(&audit->arena);
}

struct nm_ports memory_audit_ports(struct memory_audit *audit)
{
    audit->log = (struct nm_log){audit, log_line};
    return (struct nm_ports){.audit = {audit, append, wait},
        .counters = {audit, count_one},
        .clock = {audit, now_us},
        .random = {audit, fill},
        .log = &audit->log};
}

const struct recorded *memory_audit_decision(
    const struct memory_audit *audit, size_t number)
{
    for (size_t i = 0; i < audit->count; i++) {
        if (audit->rows[i].event.kind == NM_EVENT_DECISION && --number == 0)
            return &audit->rows[i];
    }
    return NULL;
}
