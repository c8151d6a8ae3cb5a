/* A log of acts in memory that can be told to fail, and exceptions as text. For
 * state_*_test.c, behind state_kit.h. */
#ifndef NM_TESTS_STATE_RECORD_H
#define NM_TESTS_STATE_RECORD_H

#include "state_kit.h"

struct record {
    char lines[4096]; /* what is durable: "VERB SUBJECT (REASON) by ACTOR\n" */
    char next[1024];  /* appended, and not yet waited for */
    enum nm_code append_fails;
    enum nm_code wait_fails;
    struct nm_audit_port port;
    struct nm_recorder recorder;
    struct nm_error error;
};

static inline enum nm_code record_append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    struct record *record = self;

    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(events->kind, NM_EVENT_ACT);
    ck_assert_str_ne(events->id.text, "");
    ck_assert_str_eq(events->gateway, "gw");
    if (record->append_fails != NM_OK)
        return record->append_fails;
    (void)snprintf(record->next, sizeof record->next, "%s %s%s%s%s by %s\n",
        nm_verb_name(events->verb), events->subject, events->reason != NULL ? " (" : "",
        events->reason != NULL ? events->reason : "", events->reason != NULL ? ")" : "",
        events->actor);
    *ticket = 1;
    return NM_OK;
}

static inline enum nm_code record_wait(
    void *self, uint64_t ticket, struct nm_error *error)
{
    struct record *record = self;

    ck_assert_uint_eq(ticket, 1);
    if (record->wait_fails != NM_OK)
        return nm_fail(error, record->wait_fails, "the test says so");
    (void)strcat(record->lines, record->next);
    return NM_OK;
}

static inline int64_t record_now(void *self)
{
    (void)self;
    return kit_now_us;
}

static inline void record_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    memset(bytes, 7, size);
}

static inline void record_init(struct record *record)
{
    memset(record, 0, sizeof *record);
    record->port = (struct nm_audit_port){record, record_append, record_wait};
    record->recorder = (struct nm_recorder){.audit = &record->port,
        .clock = {NULL, record_now},
        .random = {NULL, record_fill},
        .gateway = "gw",
        .actor = "alice (uid 1000)"};
}

static inline struct nm_exception kit_exception(
    const struct kit *kit, const char *domain, const char *target, const char *sender)
{
    struct nm_exception exception = {.domain = kit_domain(kit, domain),
        .sender = sender,
        .author = "",
        .expires_us = INT64_MAX};

    if (target != NULL)
        exception.target = kit_domain(kit, target);
    return exception;
}

static inline bool kit_put_exception(void *self, const struct nm_exception *exception)
{
    struct nm_buf *buf = self;

    nm_exception_describe(exception, buf);
    if (exception->reason != NULL)
        nm_buf_printf(buf, " (%s)", exception->reason);
    if (exception->expires_us != INT64_MAX)
        nm_buf_printf(buf, " until %lld", (long long)exception->expires_us);
    nm_buf_printf(buf, " by %s\n", exception->author);
    return true;
}

static inline void kit_assert_exceptions(struct kit *kit, const char *expected)
{
    char text[2048];
    struct nm_buf buf;
    struct nm_error error = {.code = NM_OK};

    nm_buf_init(&buf, text, sizeof text);
    ck_assert_msg(
        nm_state_exceptions(kit->state, kit_put_exception, &buf, &error) == NM_OK, "%s",
        error.message);
    ck_assert_str_eq(text, expected);
}

#endif
