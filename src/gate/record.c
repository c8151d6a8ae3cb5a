/*
 * What happened to a message, for the log, and the ports behind it.
 */
#include "message.h"

#include <stdio.h>
#include <string.h>

struct nm_id nm_new_id(const struct nm_session *session, int64_t now_us)
{
    uint8_t random[NM_ID_RANDOM_BYTES];

    session->ports->random.fill(session->ports->random.self, random, sizeof random);
    return nm_id_make(now_us, random);
}

int64_t nm_now_us(const struct nm_session *session)
{
    return session->ports->clock.now_us(session->ports->clock.self);
}

void nm_count(const struct nm_session *session, int counter)
{
    if (session->ports->counters.add != NULL)
        session->ports->counters.add(
            session->ports->counters.self, (enum nm_counter)counter);
}

/* ---- the system log --------------------------------------------------------- */

/* What stands for the row that the audit log did not get. */
static void log_decision(
    const struct nm_session *session, const struct nm_kept *decision, const char *why)
{
    nm_log(session->ports->log, NM_LOG_ERROR, "a decision could not be recorded",
        {"why", why}, {"transaction", session->message.id.text},
        {"id", decision->id.text}, {"client", session->client_text},
        {"sender", session->message.sender_text}, {"recipient", decision->recipient},
        {"match", nm_match_name(decision->match)}, {"target", decision->target},
        {"action", nm_action_name(decision->action)},
        {"mode", nm_mode_name(decision->mode)});
}

static void log_outcome(
    const struct nm_session *session, enum nm_outcome outcome, const char *why)
{
    const struct nm_transaction *message = &session->message;
    char recipients[32];

    (void)snprintf(recipients, sizeof recipients, "%u", message->recipients);
    nm_log(session->ports->log, NM_LOG_ERROR,
        "what became of a message could not be recorded", {"why", why},
        {"transaction", message->id.text}, {"queue_id", message->queue_id},
        {"client", session->client_text}, {"sender", message->sender_text},
        {"recipients", recipients}, {"outcome", nm_outcome_name(outcome)});
}

static void keep(const struct nm_audit_event *event, struct nm_kept *out)
{
    struct nm_buf recipient;

    *out = (struct nm_kept){.id = event->id,
        .match = event->match,
        .action = event->action,
        .mode = event->mode};
    nm_buf_init(&recipient, out->recipient, sizeof out->recipient);
    nm_buf_put(&recipient, event->recipient.data, event->recipient.length);
    if (event->target != NULL)
        (void)nm_copy(out->target, sizeof out->target, event->target);
}

/* ---- decisions that nobody waited for --------------------------------------- */

/* Where there is no memory to keep one, the system log has it right now. */
static void keep_decision(
    struct nm_session *session, const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;
    struct nm_kept *kept = message->spare;
    struct nm_kept alone;

    if (kept != NULL)
        message->spare = kept->next;
    else
        kept = nm_arena_alloc(session->arena, sizeof *kept);
    if (kept == NULL) {
        keep(event, &alone);
        log_decision(session, &alone,
            "out of memory to wait for its record, which may yet be written");
        return;
    }
    keep(event, kept);
    kept->next = message->kept;
    message->kept = kept;
    message->kept_count++;
}

static void forget_kept(struct nm_session *session)
{
    struct nm_transaction *message = &session->message;
    struct nm_kept *next;

    for (struct nm_kept *kept = message->kept; kept != NULL; kept = next) {
        next = kept->next;
        kept->next = message->spare;
        message->spare = kept;
    }
    message->kept = NULL;
    message->kept_count = 0;
}

/* What goes on whether it is on record or not must not be lost without a line. */
static void log_kept(struct nm_session *session, const char *why)
{
    for (const struct nm_kept *kept = session->message.kept; kept != NULL;
         kept = kept->next)
        log_decision(session, kept, why);
    forget_kept(session);
}

void nm_log_unrecorded(
    struct nm_session *session, enum nm_outcome outcome, const char *why)
{
    log_kept(session, why);
    log_outcome(session, outcome, why);
}

/* ---- recording -------------------------------------------------------------- */

void nm_fill_event(const struct nm_session *session, enum nm_event_kind kind,
    int64_t time_us, struct nm_audit_event *event)
{
    const struct nm_transaction *message = &session->message;

    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->time_us = time_us;
    event->transaction = message->id;
    event->gateway = message->values->gateway;
    event->config = message->values->config_hash;
    event->client = session->client_text;
    event->auth = message->auth;
    event->sender = message->sender;
    event->domain = "";
    event->reply = "";
    event->mode = message->values->mode;
    event->confidence = -1;
    event->queue_id = message->queue_id;
}

/* Queue an event, and wait until it is durable, with all before it. */
static enum nm_code record(struct nm_session *session,
    const struct nm_audit_event *event, bool wait, struct nm_error *why)
{
    const struct nm_audit_port *audit = &session->ports->audit;
    uint64_t ticket = 0;
    enum nm_code code = audit->append(audit->self, event, 1, &ticket);

    if (code == NM_LIMIT)
        (void)nm_copy(why->message, sizeof why->message, "the audit queue is full");
    else if (code != NM_OK)
        (void)nm_copy(
            why->message, sizeof why->message, "no memory for the audit queue");
    if (code == NM_OK && wait)
        code = audit->wait(audit->self, ticket, why);
    if (code != NM_OK)
        nm_count(session, NM_COUNTER_AUDIT_FAILURES);
    else if (wait)
        forget_kept(session);
    return code;
}

enum nm_code nm_record(
    struct nm_session *session, const struct nm_audit_event *event, bool wait)
{
    struct nm_error why = {.code = NM_OK};
    const enum nm_code code = record(session, event, wait, &why);

    if (code != NM_OK) {
        struct nm_kept decision;

        keep(event, &decision);
        log_decision(session, &decision, why.message);
        log_kept(session, why.message);
    } else if (!wait && !nm_defers(&session->message)) {
        keep_decision(session, event);
    }
    return code;
}

enum nm_code nm_try_outcome(struct nm_session *session, enum nm_outcome outcome,
    bool wait, struct nm_error *why)
{
    struct nm_audit_event event;
    const int64_t now = nm_now_us(session);

    nm_fill_event(session, NM_EVENT_OUTCOME, now, &event);
    event.id = nm_new_id(session, now);
    event.outcome = outcome;
    return record(session, &event, wait, why);
}

void nm_record_outcome(struct nm_session *session, enum nm_outcome outcome)
{
    struct nm_error why = {.code = NM_OK};

    if (nm_try_outcome(session, outcome, false, &why) != NM_OK)
        log_outcome(session, outcome, why.message);
}
