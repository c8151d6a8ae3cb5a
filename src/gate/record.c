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

static void log_event(const struct nm_session *session,
    const struct nm_audit_event *event, const char *message, const char *why)
{
    char recipient[256];

    (void)snprintf(recipient, sizeof recipient, "%.*s",
        (int)(event->recipient.length < 255 ? event->recipient.length : 255),
        event->recipient.data != NULL ? event->recipient.data : "");
    nm_log(session->ports->log, NM_LOG_ERROR, message, {"why", why},
        {"transaction", event->transaction.text}, {"id", event->id.text},
        {"client", session->client_text}, {"sender", session->message.sender_text},
        {"recipient", recipient}, {"match", nm_match_name(event->match)},
        {"target", event->target != NULL ? event->target : ""},
        {"action", nm_action_name(event->action)},
        {"outcome", nm_outcome_name(event->outcome)});
}

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

enum nm_code nm_record(
    struct nm_session *session, const struct nm_audit_event *event, bool wait)
{
    const struct nm_audit_port *audit = &session->ports->audit;
    struct nm_error error = {.code = NM_OK};
    uint64_t ticket = 0;
    enum nm_code code = audit->append(audit->self, event, 1, &ticket);

    if (code == NM_LIMIT)
        (void)nm_copy(error.message, sizeof error.message, "the audit queue is full");
    else if (code != NM_OK)
        (void)nm_copy(
            error.message, sizeof error.message, "no memory for the audit queue");
    if (code == NM_OK && wait)
        code = audit->wait(audit->self, ticket, &error);
    if (code == NM_OK)
        return NM_OK;
    nm_count(session, NM_COUNTER_AUDIT_FAILURES);
    log_event(session, event, "a decision could not be recorded", error.message);
    return code;
}

bool nm_record_outcome(struct nm_session *session, enum nm_outcome outcome, bool wait)
{
    struct nm_audit_event event;
    const int64_t now = nm_now_us(session);

    nm_fill_event(session, NM_EVENT_OUTCOME, now, &event);
    event.id = nm_new_id(session, now);
    event.outcome = outcome;
    return nm_record(session, &event, wait) == NM_OK;
}
