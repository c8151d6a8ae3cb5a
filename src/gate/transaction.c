/*
 * The transaction machine: one table, state x event -> function. A session is idle, in
 * an envelope (MAIL seen), in content (DATA seen) or ended (its answer is still read).
 * A recipient or an end that belongs to no open envelope cannot be judged: what was open
 * ends as aborted, and it is put off.
 *
 * What is answered when:
 *   - a recipient that is refused on its own waits for its own event to be durable;
 *   - a recipient that goes on waits for nothing: its event is queued at once;
 *   - the end of the message waits once, for its outcome event, and with that for all
 *     events before it.
 */
#include "gate/session.h"

#include "lines.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { IDLE, ENVELOPE, CONTENT, ENDED };

enum {
    NAMED_REFUSALS_MAX = 24, /* recipients that the reply at the end may name */
    NAMED_BYTES_MAX = 64,    /* of such a recipient */
    AUDIT_REPLY_MAX = NM_REPLY_TEXT_MAX + 16,
    QUEUE_ID_MAX = 64
};

/* A recipient whose refusal waits for the end of the message. */
struct refusal {
    struct refusal *next;
    const char *text;
};

struct transaction {
    struct nm_snapshot *snapshot;
    const struct nm_snapshot_values *values;
    struct nm_id id;
    struct nm_bytes sender;
    const char *sender_text;
    const char *auth;
    char queue_id[QUEUE_ID_MAX + 1];
    bool outbound;
    bool smtputf8;
    bool local_submission;
    bool broken;       /* no memory at MAIL: nothing in here can be judged */
    bool put_off;      /* one that goes on could not be judged for lack of memory */
    bool audit_failed; /* the event of one that goes on was not taken */

    bool is_full;        /* more recipients came than are judged */
    unsigned recipients; /* judged */
    unsigned going_on;   /* of them, answered with continue */
    unsigned refused_late;
    bool late_for_good; /* one of them with a 5xx */
    struct refusal *first_refusal;
    struct refusal **next_refusal;
    unsigned kept_refusals;
    unsigned tag_headers; /* X-Nearmiss headers that came with the message */
    bool hold;
    char hold_reason[NM_REPLY_LINE_MAX + 1];
    bool tag;
    char tag_value[NM_ID_LENGTH + 1];
    enum nm_outcome outcome; /* once ended */
};

struct nm_session {
    const struct nm_ports *ports;
    struct nm_slot *slot;
    struct nm_ip client;
    char client_text[NM_IP_TEXT_MAX + 1];
    unsigned refusals; /* in this session, at RCPT */
    enum state state;
    struct nm_arena *arena; /* of the transaction */
    struct transaction message;
    char reply[NM_REPLY_LINE_MAX + NM_REPLY_LINES_MAX]; /* the answer's lines live here
                                                           and in the arena */
    const char *lines[NM_REPLY_LINES_MAX];
};

/* ---- the world -------------------------------------------------------------- */

static struct nm_id new_id(const struct nm_session *session, int64_t now_us)
{
    uint8_t random[NM_ID_RANDOM_BYTES];

    session->ports->random.fill(session->ports->random.self, random, sizeof random);
    return nm_id_make(now_us, random);
}

static int64_t now_us(const struct nm_session *session)
{
    return session->ports->clock.now_us(session->ports->clock.self);
}

static void count(const struct nm_session *session, int counter)
{
    if (session->ports->counters.add != NULL)
        session->ports->counters.add(
            session->ports->counters.self, (enum nm_counter)counter);
}

static bool observes(const struct transaction *message)
{
    return message->values->mode == NM_MODE_OBSERVE;
}

/* Whether what cannot be recorded is put off; else it is let through. */
static bool defers(const struct transaction *message)
{
    return !observes(message) && message->values->on_audit_failure != NM_ACTION_ACCEPT;
}

/* ---- answers ---------------------------------------------------------------- */

static void answer_continue(struct nm_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->kind = NM_ANSWER_CONTINUE;
}

/* A reply of the lines that already stand in `session->lines`. */
static void answer_lines(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, size_t line_count)
{
    assert(line_count > 0 && line_count <= NM_REPLY_LINES_MAX);
    memset(answer, 0, sizeof *answer);
    answer->kind = NM_ANSWER_REPLY;
    answer->code = code;
    (void)nm_copy(answer->status, sizeof answer->status, status);
    answer->lines = session->lines;
    answer->line_count = line_count;
}

static void answer_reply(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, const char *text)
{
    struct nm_buf memory;

    nm_buf_init(&memory, session->reply, sizeof session->reply);
    answer_lines(
        session, answer, code, status, nm_lines_put(text, &memory, session->lines));
}

static void answer_no_memory(struct nm_session *session, struct nm_answer *answer)
{
    answer_reply(session, answer, 451, "4.3.0", "Out of memory. Try again later");
}

static void answer_audit_failure(struct nm_session *session, struct nm_answer *answer)
{
    answer_reply(session, answer, 451, "4.3.0",
        "The outbound mail filter cannot write its log. Not sent yet; try again later");
}

/* Out of memory before a recipient was judged: put off, or in observe mode let through.
 * Mail that did not come by SMTP is put off at its end. */
static void put_off(struct nm_session *session, struct nm_answer *answer)
{
    struct transaction *message = &session->message;

    nm_log(session->ports->log, NM_LOG_ERROR,
        "out of memory: a recipient could not be judged",
        {"transaction", message->id.text});
    answer_continue(answer);
    if (observes(message))
        return;
    if (message->local_submission)
        message->put_off = true;
    else
        answer_no_memory(session, answer);
}

/* ---- recording ---------------------------------------------------------------- */

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

static void fill_common(const struct nm_session *session, enum nm_event_kind kind,
    int64_t time_us, struct nm_audit_event *event)
{
    const struct transaction *message = &session->message;

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

/* Queue an event. `wait` says whether to return only when it is durable. On failure the
 * system log has the row. */
static enum nm_code record(
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
    count(session, NM_COUNTER_AUDIT_FAILURES);
    log_event(session, event, "a decision could not be recorded", error.message);
    return code;
}

/* ---- MAIL ----------------------------------------------------------------- */

static void end_transaction(struct nm_session *session)
{
    nm_snapshot_release(&session->message.snapshot);
    nm_arena_reset(session->arena);
    memset(&session->message, 0, sizeof session->message);
    session->state = IDLE;
}

static bool record_outcome(
    struct nm_session *session, enum nm_outcome outcome, bool wait)
{
    struct nm_audit_event event;
    const int64_t now = now_us(session);

    fill_common(session, NM_EVENT_OUTCOME, now, &event);
    event.id = new_id(session, now);
    event.outcome = outcome;
    return record(session, &event, wait) == NM_OK;
}

/* A message that ends without having come to its end: refused when no recipient was
 * left, else aborted. Never waits. */
static void abandon(struct nm_session *session)
{
    const struct transaction *message = &session->message;

    if (session->state == IDLE)
        return;
    if (message->recipients > 0)
        (void)record_outcome(session,
            message->going_on == 0 ? NM_OUTCOME_REFUSED : NM_OUTCOME_ABORTED, false);
    end_transaction(session);
}

static void note_queue_id(struct nm_session *session, const struct nm_input *input)
{
    if (input->queue_id != NULL && session->state != IDLE)
        (void)nm_copy(session->message.queue_id, sizeof session->message.queue_id,
            input->queue_id);
}

static void on_mail(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct transaction *message = &session->message;
    const struct nm_bytes sender = nm_without_brackets(input->path);
    const char *auth = input->auth != NULL ? input->auth : "";

    abandon(session);
    message->snapshot = nm_slot_pin(session->slot);
    message->values = nm_snapshot_values(message->snapshot);
    message->id = new_id(session, now_us(session));
    message->smtputf8 = input->smtputf8;
    message->local_submission = input->local_submission;
    message->outbound =
        nm_snapshot_is_outbound(message->snapshot, &session->client, auth);
    message->next_refusal = &message->first_refusal;
    message->sender_text = nm_arena_copy(session->arena, sender.data, sender.length);
    message->auth = nm_arena_copy(session->arena, auth, strlen(auth));
    session->state = ENVELOPE;
    note_queue_id(session, input);
    count(session, NM_COUNTER_MESSAGES);
    message->sender = (struct nm_bytes){message->sender_text, sender.length};
    message->broken = message->sender_text == NULL || message->auth == NULL;
    answer_continue(answer);
}

/* ---- RCPT ----------------------------------------------------------------- */

/* What is done about it, and then what would be. */
static int severity_in_force(const struct nm_decision *decision)
{
    return decision->mode == NM_MODE_OBSERVE ? 0 : nm_action_severity(decision->action);
}

static bool is_worse(const struct nm_judgement *a, const struct nm_judgement *b)
{
    int difference = severity_in_force(&a->decision) - severity_in_force(&b->decision);

    if (difference == 0)
        difference = nm_action_severity(a->decision.action) -
                     nm_action_severity(b->decision.action);
    if (difference != 0)
        return difference > 0;
    if (a->verdict.match != b->verdict.match)
        return a->verdict.match == NM_MATCH_NEAR_MISS;
    return a->verdict.match == NM_MATCH_NEAR_MISS &&
           a->verdict.confidence > b->verdict.confidence;
}

static bool is_judged(const struct nm_judgement *judgement)
{
    return judgement->address.fault != NM_FAULT_MEMORY &&
           !judgement->verdict.out_of_memory;
}

static bool same_bytes(struct nm_bytes a, struct nm_bytes b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Judge the argument and, where it is written otherwise, the form that the MTA will use:
 * the worse of the two counts. False when memory ran out. */
static bool judge_both(const struct nm_session *session, const struct nm_input *input,
    struct nm_bytes recipient, const char *reference, struct nm_judgement *out)
{
    const struct transaction *message = &session->message;
    const char *normalised = input->normalised != NULL ? input->normalised : "";
    const struct nm_bytes other_form = {normalised, strlen(normalised)};
    char recipient_text[NM_PATH_MAX + 1];
    struct nm_judgement other;
    struct nm_buf buf;
    struct nm_request request = {.sender = message->sender_text,
        .recipient_text = recipient_text,
        .auth = message->auth,
        .client = session->client,
        .smtputf8 = message->smtputf8};

    nm_buf_init(&buf, recipient_text, sizeof recipient_text);
    nm_buf_put(&buf, recipient.data, recipient.length);
    nm_judge(message->snapshot, &request, input->path, reference, out);
    if (other_form.length == 0 || same_bytes(recipient, other_form))
        return is_judged(out);
    request.recipient_text = normalised;
    nm_judge(message->snapshot, &request, other_form, reference, &other);
    if (!is_judged(out) || !is_judged(&other))
        return false;
    if (is_worse(&other, out))
        *out = other;
    return true;
}

/* `event->mode` is the configuration's, and observe if that is. */
static void fill_decision(const struct nm_judgement *judgement,
    struct nm_bytes recipient, const char *reply, struct nm_audit_event *event)
{
    const bool near_miss = judgement->verdict.match == NM_MATCH_NEAR_MISS;

    event->recipient = recipient;
    event->domain = judgement->address.kind == NM_ADDRESS_MAILBOX
                        ? judgement->address.domain.name
                        : "";
    event->match = judgement->verdict.match;
    event->target = near_miss ? judgement->verdict.best.target.name : NULL;
    event->technique =
        near_miss ? judgement->verdict.best.technique : NM_TECHNIQUE_NONE;
    event->confidence = near_miss ? judgement->verdict.confidence : -1;
    event->rule = judgement->decision.rule;
    event->action = judgement->decision.action;
    event->reply = reply;
    if (event->mode == NM_MODE_ENFORCE)
        event->mode = judgement->decision.mode;
}

static void count_decision(
    const struct nm_session *session, const struct nm_judgement *judgement)
{
    count(session, NM_COUNTER_RECIPIENTS);
    count(session, NM_COUNTER_ACTION + (int)judgement->decision.action);
    if (judgement->verdict.match != NM_MATCH_NEAR_MISS)
        return;
    count(session, NM_COUNTER_NEAR_MISSES);
    count(session, NM_COUNTER_NEAR_MISS_ACTION + (int)judgement->decision.action);
}

/* Whether this refusal has to wait for the end of the message. */
static bool is_late(const struct nm_session *session)
{
    const struct nm_snapshot_values *values = session->message.values;

    return values->partial_message || session->refusals >= values->max_refusals;
}

/* Printable ASCII: replies and reasons go to mail servers of any age. */
static void put_ascii(const char *bytes, size_t length, struct nm_buf *out)
{
    for (size_t i = 0; i < length; i++)
        nm_buf_put(out, bytes[i] >= 0x20 && bytes[i] < 0x7f ? &bytes[i] : "?", 1);
}

/* The reason of the first recipient that asks for it stands for all. */
static void set_hold(struct transaction *message, const char *reason)
{
    struct nm_buf buf;

    if (message->hold)
        return;
    message->hold = true;
    nm_buf_init(&buf, message->hold_reason, sizeof message->hold_reason);
    put_ascii(reason, strlen(reason), &buf);
}

static void hold_for(struct transaction *message, const struct nm_judgement *judgement,
    const struct nm_id *reference)
{
    const bool has_domain = judgement->address.kind == NM_ADDRESS_MAILBOX;
    const char *domain = has_domain ? judgement->address.domain.name : "this address";
    char reason[NM_REPLY_LINE_MAX + 1];
    struct nm_buf buf;

    nm_buf_init(&buf, reason, sizeof reason);
    if (judgement->verdict.match == NM_MATCH_NEAR_MISS)
        nm_buf_printf(&buf, "Nearmiss: %s looks like %s, Ref %s", domain,
            judgement->verdict.best.target.name, reference->text);
    else
        nm_buf_printf(&buf, "Nearmiss: mail to %s is held by rule %s, Ref %s", domain,
            judgement->decision.rule, reference->text);
    set_hold(message, reason);
}

/* A recipient as a reply may name it: `<a@b>: `, cut when very long. */
static void put_recipient(struct nm_bytes recipient, struct nm_buf *out)
{
    const size_t length =
        recipient.length < NAMED_BYTES_MAX ? recipient.length : (size_t)NAMED_BYTES_MAX;

    nm_buf_puts(out, "<");
    put_ascii(recipient.data, length, out);
    nm_buf_puts(out, length < recipient.length ? "...>: " : ">: ");
}

/* Keep a refusal for the end; only the first ones are named there, all are counted. */
static void keep_refusal(
    struct nm_session *session, struct nm_bytes recipient, const struct nm_reply *reply)
{
    struct transaction *message = &session->message;
    struct refusal *refusal = NULL;
    char line[NM_REPLY_LINE_MAX + 1];
    struct nm_buf buf;

    message->refused_late++;
    if (reply->code >= 500)
        message->late_for_good = true;
    if (message->kept_refusals == NAMED_REFUSALS_MAX)
        return;
    nm_buf_init(&buf, line, sizeof line);
    put_recipient(recipient, &buf);
    nm_buf_puts(&buf, reply->text);
    refusal = nm_arena_alloc(session->arena, sizeof *refusal);
    if (refusal == NULL)
        return;
    refusal->text = nm_arena_copy(session->arena, line, strlen(line));
    if (refusal->text == NULL)
        return;
    *message->next_refusal = refusal;
    message->next_refusal = &refusal->next;
    message->kept_refusals++;
}

/* What follows, for a recipient that goes on, from a decision that is in force. */
static void apply(struct nm_session *session, const struct nm_judgement *judgement,
    struct nm_bytes recipient, const struct nm_id *reference)
{
    struct transaction *message = &session->message;

    if (judgement->has_reply && !message->local_submission) {
        keep_refusal(session, recipient, &judgement->reply);
        return;
    }
    switch (judgement->decision.action) {
    case NM_ACTION_ACCEPT:
        return;
    case NM_ACTION_TAG:
        if (!message->tag)
            (void)nm_copy(
                message->tag_value, sizeof message->tag_value, reference->text);
        message->tag = true;
        return;
    case NM_ACTION_HOLD:
    case NM_ACTION_REJECT:
    case NM_ACTION_DEFER:
    case NM_ACTION_CONFIRM:
    case NM_ACTION_QUARANTINE:
        break;
    }
    hold_for(message, judgement, reference);
}

/* Let a recipient through that was to be refused. What took too long may be in the log
 * yet, and would say that it was refused: so a later event tells otherwise. */
static void let_through(struct nm_session *session, struct nm_audit_event *event,
    bool may_be_recorded, struct nm_answer *answer)
{
    session->message.going_on++;
    answer_continue(answer);
    if (!may_be_recorded)
        return;
    event->outcome = NM_OUTCOME_UNKNOWN;
    event->id = new_id(session, event->time_us);
    (void)record(session, event, false);
}

/* Refuse the recipient, once that is on disk. */
static void refuse(struct nm_session *session, const struct nm_judgement *judgement,
    struct nm_audit_event *event, struct nm_answer *answer)
{
    enum nm_code code;

    event->outcome = NM_OUTCOME_REFUSED;
    code = record(session, event, true);
    if (code != NM_OK && !defers(&session->message)) {
        let_through(session, event, code == NM_TIMEOUT, answer);
        return;
    }
    session->refusals++;
    if (code == NM_OK)
        answer_reply(session, answer, judgement->reply.code, judgement->reply.status,
            judgement->reply.text);
    else
        answer_audit_failure(session, answer);
}

/* Let the recipient go on; what is decided about it, and a log that takes no event, come
 * to bear at the end of the message. */
static void go_on(struct nm_session *session, const struct nm_judgement *judgement,
    struct nm_bytes recipient, const struct nm_audit_event *event,
    struct nm_answer *answer)
{
    struct transaction *message = &session->message;

    message->going_on++;
    answer_continue(answer);
    if (record(session, event, false) != NM_OK)
        message->audit_failed = true;
    else if (event->mode == NM_MODE_ENFORCE)
        apply(session, judgement, recipient, &event->id);
}

static void judge_recipient(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct transaction *message = &session->message;
    const struct nm_bytes recipient = nm_without_brackets(input->path);
    const int64_t now = now_us(session);
    char reply[AUDIT_REPLY_MAX] = "";
    struct nm_judgement judgement;
    struct nm_audit_event event;

    fill_common(session, NM_EVENT_DECISION, now, &event);
    event.id = new_id(session, now);
    if (!judge_both(session, input, recipient, event.id.text, &judgement)) {
        put_off(session, answer);
        return;
    }
    message->recipients++;
    count_decision(session, &judgement);
    if (judgement.has_reply)
        (void)snprintf(reply, sizeof reply, "%u %s %s", judgement.reply.code,
            judgement.reply.status, judgement.reply.text);
    fill_decision(&judgement, recipient, reply, &event);
    if (event.mode == NM_MODE_ENFORCE && judgement.has_reply &&
        !message->local_submission && !is_late(session))
        refuse(session, &judgement, &event, answer);
    else
        go_on(session, &judgement, recipient, &event, answer);
}

/* One recipient more than a message may have. */
static void put_off_further(struct nm_session *session, struct nm_answer *answer)
{
    struct transaction *message = &session->message;

    if (!message->is_full)
        nm_log(session->ports->log, NM_LOG_WARNING,
            "a message has more recipients than are judged in one; the others are put "
            "off, or the message is held when it did not come by SMTP",
            {"transaction", message->id.text}, {"client", session->client_text},
            {"sender", message->sender_text});
    message->is_full = true;
    if (message->local_submission) {
        set_hold(message, "Nearmiss: too many recipients, some were not judged");
        answer_continue(answer);
    } else {
        answer_reply(
            session, answer, 452, "4.5.3", "Too many recipients in one message");
    }
}

static void on_rcpt(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    const struct transaction *message = &session->message;

    note_queue_id(session, input);
    if (!message->outbound)
        answer_continue(answer);
    else if (message->broken)
        put_off(session, answer);
    else if (message->recipients >= NM_RECIPIENTS_MAX && !observes(message))
        put_off_further(session, answer);
    else
        judge_recipient(session, input, answer);
}

/* ---- content ---------------------------------------------------------------- */

static void on_data(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    note_queue_id(session, input);
    session->state = CONTENT;
    answer_continue(answer);
}

static void on_header(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    if (nm_ascii_equal_nocase(input->header_name, "X-Nearmiss"))
        session->message.tag_headers++;
    answer_continue(answer);
}

/* ---- the end ---------------------------------------------------------------- */

/* Name as many refused recipients as the reply has lines for, and one line more. Returns
 * how many there are; `*line_count` grows. */
static unsigned name_refusals(struct nm_session *session, size_t *line_count)
{
    enum { BYTES = NM_REPLY_LINES_MAX * (NM_ANSWER_LINE_MAX + 1) };
    const struct refusal *refusal = session->message.first_refusal;
    char *bytes = nm_arena_alloc(session->arena, BYTES);
    struct nm_buf memory;
    unsigned named = 0;

    if (bytes == NULL)
        return 0;
    nm_buf_init(&memory, bytes, BYTES);
    for (; refusal != NULL; refusal = refusal->next) {
        if (*line_count + nm_lines_count(refusal->text) >= NM_REPLY_LINES_MAX)
            break;
        *line_count +=
            nm_lines_put(refusal->text, &memory, session->lines + *line_count);
        named++;
    }
    return named;
}

/* One reply for the whole message, which names each recipient that was at fault. */
static void answer_late_refusals(struct nm_session *session, struct nm_answer *answer)
{
    const struct transaction *message = &session->message;
    size_t lines = 0;

    (void)snprintf(session->reply, sizeof session->reply,
        "The whole message was not sent: %u of its %u recipients %s refused",
        message->refused_late, message->recipients,
        message->refused_late == 1 ? "was" : "were");
    session->lines[lines++] = session->reply;
    if (name_refusals(session, &lines) < message->refused_late)
        session->lines[lines++] = "Further recipients are not named here";
    answer_lines(session, answer, message->late_for_good ? 550 : 451,
        message->late_for_good ? "5.7.1" : "4.7.1", lines);
}

static enum nm_outcome fold(struct nm_session *session, struct nm_answer *answer)
{
    struct transaction *message = &session->message;

    if (message->put_off) {
        answer_no_memory(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    if (message->audit_failed && defers(message)) {
        answer_audit_failure(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    if (message->refused_late > 0) {
        answer_late_refusals(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    answer_continue(answer);
    if (!observes(message))
        answer->strip_count = message->tag_headers;
    if (message->tag)
        answer->tag = message->tag_value;
    if (!message->hold)
        return NM_OUTCOME_PASSED;
    answer->hold = message->hold_reason;
    return NM_OUTCOME_HELD;
}

/* The outcome could not be recorded, so it must not be: the failure action instead. */
static enum nm_outcome fold_failure(
    struct nm_session *session, struct nm_answer *answer)
{
    const struct transaction *message = &session->message;

    if (defers(message)) {
        answer_audit_failure(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    answer_continue(answer);
    if (!observes(message))
        answer->strip_count = message->tag_headers;
    return NM_OUTCOME_PASSED;
}

static void on_end(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct transaction *message = &session->message;

    note_queue_id(session, input);
    session->state = ENDED;
    if (!message->outbound) {
        answer_continue(answer);
        return;
    }
    message->outcome = fold(session, answer);
    if (message->recipients > 0 && !record_outcome(session, message->outcome, true)) {
        const enum nm_outcome meant = message->outcome;

        message->outcome = fold_failure(session, answer);
        if (message->outcome != meant)
            (void)record_outcome(session, message->outcome, false);
    }
}

static void on_abort(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    note_queue_id(session, input);
    abandon(session);
    answer_continue(answer);
}

/* An event that has no place here, and settles nothing. */
static void on_nothing(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    (void)session;
    (void)input;
    answer_continue(answer);
}

static bool observes_now(const struct nm_session *session)
{
    struct nm_snapshot *snapshot = nm_slot_pin(session->slot);
    const enum nm_mode mode = nm_snapshot_values(snapshot)->mode;

    nm_snapshot_release(&snapshot);
    return mode == NM_MODE_OBSERVE;
}

/* A recipient, or an end, of a message whose envelope we do not know. */
static void on_stray(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    const bool lets_go =
        session->state == IDLE ? observes_now(session) : observes(&session->message);

    nm_log(session->ports->log, NM_LOG_ERROR,
        "the mail server's events came out of order: a message could not be judged",
        {"client", session->client_text},
        {"event", input->event == NM_SESSION_RCPT ? "recipient" : "end"});
    abandon(session);
    if (lets_go)
        answer_continue(answer);
    else
        answer_reply(session, answer, 451, "4.3.0",
            "The mail server told the filter too little to judge this. Try again "
            "later");
}

typedef void (*handler)(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer);

/* What has ended is finished before the next event is looked at. */
static const handler machine[ENDED][NM_SESSION_EVENT_COUNT] = {
    /*            MAIL     RCPT      DATA        HEADER      END       ABORT     CLOSE */
    [IDLE] = {on_mail, on_stray, on_nothing, on_nothing, on_stray, on_abort, on_abort},
    [ENVELOPE] = {on_mail, on_rcpt, on_data, on_header, on_end, on_abort, on_abort},
    [CONTENT] = {on_mail, on_stray, on_nothing, on_header, on_end, on_abort, on_abort},
};

void nm_session_event(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    assert((size_t)input->event < NM_SESSION_EVENT_COUNT);
    /* The last answer may point into the transaction: it is kept until now. */
    nm_session_finish(session, true);
    assert(session->state < ENDED);
    machine[session->state][input->event](session, input, answer);
}

void nm_session_finish(struct nm_session *session, bool carried_out)
{
    const struct transaction *message = &session->message;

    if (session->state != ENDED)
        return;
    if (!carried_out && message->recipients > 0 &&
        message->outcome != NM_OUTCOME_REFUSED)
        (void)record_outcome(session, NM_OUTCOME_REFUSED, false);
    end_transaction(session);
}

/* ---- life ------------------------------------------------------------------- */

enum nm_code nm_session_new(const struct nm_ports *ports, struct nm_slot *slot,
    const struct nm_ip *client, struct nm_session **out)
{
    struct nm_session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NM_NO_MEMORY;
    if (nm_arena_new(NM_TRANSACTION_BYTES_MAX, &session->arena) != NM_OK) {
        free(session);
        return NM_NO_MEMORY;
    }
    session->ports = ports;
    session->slot = slot;
    session->client = *client;
    nm_ip_format(client, session->client_text);
    count(session, NM_COUNTER_SESSIONS);
    *out = session;
    return NM_OK;
}

bool nm_session_is_busy(const struct nm_session *session)
{
    return session->state == ENVELOPE || session->state == CONTENT;
}

void nm_session_free(struct nm_session **session)
{
    if (*session == NULL)
        return;
    nm_session_finish(*session, true);
    abandon(*session);
    nm_arena_free(&(*session)->arena);
    free(*session);
    *session = NULL;
}
