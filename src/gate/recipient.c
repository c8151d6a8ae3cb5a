/*
 * A recipient: judged, recorded, and refused at once or left for the end of the message.
 *   - one that is refused on its own waits for its own event to be durable;
 *   - one that goes on waits for nothing: its event is queued at once.
 */
#include "message.h"

#include <stdio.h>
#include <string.h>

enum {
    NAMED_REFUSALS_MAX = 24, /* recipients that the reply at the end may name */
    NAMED_BYTES_MAX = 64,    /* of such a recipient */
    AUDIT_REPLY_MAX = NM_REPLY_TEXT_MAX + 16
};

/* Out of memory before a recipient was judged: put off, or in observe mode let through.
 * Mail that did not come by SMTP is put off at its end. */
static void put_off(struct nm_session *session, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;

    nm_log(session->ports->log, NM_LOG_ERROR,
        "out of memory: a recipient could not be judged",
        {"transaction", message->id.text});
    nm_answer_continue(answer);
    if (nm_observes(message))
        return;
    if (message->local_submission)
        message->put_off = true;
    else
        nm_answer_no_memory(session, answer);
}

/* What is done about it, and then what would be. */
static int severity_in_force(const struct nm_judgement *judgement)
{
    const struct nm_decision *decision = &judgement->decision;

    return decision->mode == NM_MODE_OBSERVE || judgement->is_confirmed
               ? 0
               : nm_action_severity(decision->action);
}

static bool is_worse(const struct nm_judgement *a, const struct nm_judgement *b)
{
    int difference = severity_in_force(a) - severity_in_force(b);

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

/* Whether the other form, a confirmed one aside, is just as much to be confirmed: it names
 * the same domain otherwise (`"bob"@there`), and was never refused itself. */
static bool is_confirmed_with(
    const struct nm_judgement *argument, const struct nm_judgement *normalised)
{
    const struct nm_domain *domain = &normalised->address.domain;

    return normalised->is_confirmed && argument->decision.action == NM_ACTION_CONFIRM &&
           argument->address.domain.length == domain->length &&
           memcmp(argument->address.domain.name, domain->name, domain->length) == 0;
}

/* Whether of two forms the MTA's counts: when it is worse, or else no better. Its domain
 * is then the one that the mail goes to (`bob%there@here`). */
static bool counts_more(
    const struct nm_judgement *normalised, const struct nm_judgement *argument)
{
    if (is_worse(normalised, argument))
        return true;
    return normalised->address.kind == NM_ADDRESS_MAILBOX &&
           argument->address.kind == NM_ADDRESS_MAILBOX &&
           (!is_worse(argument, normalised) || is_confirmed_with(argument, normalised));
}

/* Judge the argument and, where it is written otherwise, the form that the MTA will use:
 * the worse of the two counts. False when memory ran out. */
static bool judge_both(const struct nm_session *session, const struct nm_input *input,
    struct nm_bytes recipient, const char *reference, struct nm_judgement *out)
{
    const struct nm_transaction *message = &session->message;
    const char *normalised = input->normalised != NULL ? input->normalised : "";
    const struct nm_bytes other_form = {normalised, strlen(normalised)};
    char recipient_text[NM_PATH_MAX + 1];
    const struct nm_view view = nm_view_of(session);
    struct nm_judgement other;
    struct nm_buf buf;
    struct nm_request request = {.sender = message->sender_text,
        .recipient_text = recipient_text,
        .auth = message->auth,
        .client = session->client,
        .near_misses = message->near_misses,
        .smtputf8 = message->smtputf8};

    nm_buf_init(&buf, recipient_text, sizeof recipient_text);
    nm_buf_put(&buf, recipient.data, recipient.length);
    nm_judge(&view, &request, input->path, reference, out);
    if (other_form.length == 0 || same_bytes(recipient, other_form))
        return is_judged(out);
    request.recipient_text = normalised;
    request.near_misses = message->near_misses;
    nm_judge(&view, &request, other_form, reference, &other);
    if (!is_judged(out) || !is_judged(&other))
        return false;
    if (counts_more(&other, out))
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
    nm_count(session, NM_COUNTER_RECIPIENTS);
    nm_count(session, NM_COUNTER_ACTION + (int)judgement->decision.action);
    if (judgement->verdict.match != NM_MATCH_NEAR_MISS)
        return;
    nm_count(session, NM_COUNTER_NEAR_MISSES);
    nm_count(session, NM_COUNTER_NEAR_MISS_ACTION + (int)judgement->decision.action);
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

void nm_set_hold(struct nm_transaction *message, const char *reason)
{
    struct nm_buf buf;

    if (message->hold)
        return;
    message->hold = true;
    nm_buf_init(&buf, message->hold_reason, sizeof message->hold_reason);
    put_ascii(reason, strlen(reason), &buf);
}

void nm_hold_for(struct nm_transaction *message, const char *domain, const char *target,
    const char *rule, const struct nm_id *reference)
{
    const char *whom = domain[0] != '\0' ? domain : "this address";
    char reason[NM_REPLY_LINE_MAX + 1];
    struct nm_buf buf;

    nm_buf_init(&buf, reason, sizeof reason);
    if (target != NULL)
        nm_buf_printf(
            &buf, "Nearmiss: %s looks like %s, Ref %s", whom, target, reference->text);
    else
        nm_buf_printf(&buf, "Nearmiss: mail to %s is held by rule %s, Ref %s", whom,
            rule, reference->text);
    nm_set_hold(message, reason);
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

bool nm_keep_refusal(
    struct nm_session *session, struct nm_bytes recipient, const struct nm_reply *reply)
{
    struct nm_transaction *message = &session->message;
    struct nm_refusal *refusal = NULL;
    char line[NM_REPLY_LINE_MAX + 1];
    struct nm_buf buf;

    message->refused_late++;
    if (reply->code >= 500)
        message->late_for_good = true;
    if (message->kept_refusals == NAMED_REFUSALS_MAX)
        return false;
    nm_buf_init(&buf, line, sizeof line);
    put_recipient(recipient, &buf);
    nm_buf_puts(&buf, reply->text);
    refusal = nm_arena_alloc(session->arena, sizeof *refusal);
    if (refusal == NULL)
        return false;
    refusal->text = nm_arena_copy(session->arena, line, strlen(line));
    if (refusal->text == NULL)
        return false;
    *message->next_refusal = refusal;
    message->next_refusal = &refusal->next;
    message->kept_refusals++;
    return true;
}

static bool is_expected(const struct nm_session *session, struct nm_bytes recipient)
{
    const struct nm_quarantine_port *port = &session->ports->quarantine;

    return port->expects != NULL &&
           port->expects(port->self, session->message.sender, recipient);
}

/* Whether the MTA made of the argument what we did. It does not tell when it finds no such
 * recipient to take off; and Postfix does not find one that has a source route, or stands
 * in a list. */
static bool can_be_taken_off(
    const struct nm_session *session, struct nm_bytes recipient)
{
    struct nm_address address;

    nm_address_parse(
        session->message.values->names, recipient.data, recipient.length, &address);
    return address.fault == NM_FAULT_NONE && address.local_part == recipient.data;
}

/* Mail that did not come by SMTP is not refused; and what a reviewer has released is not
 * caught again: whether it is that, its content says, so that it goes where its content is
 * looked at. */
static enum nm_action wanted_action(const struct nm_session *session,
    const struct nm_judgement *judgement, struct nm_bytes recipient)
{
    const struct nm_transaction *message = &session->message;
    const enum nm_action action =
        judgement->is_confirmed ? NM_ACTION_ACCEPT : judgement->decision.action;

    if (nm_action_severity(action) > nm_action_severity(NM_ACTION_TAG) &&
        is_expected(session, recipient))
        return NM_ACTION_QUARANTINE;
    return judgement->has_reply && message->local_submission
               ? message->values->on_local_refusal
               : action;
}

/* What is done with a recipient, if it is done. */
static enum nm_action action_on(const struct nm_session *session,
    const struct nm_judgement *judgement, struct nm_bytes recipient)
{
    const enum nm_action action = wanted_action(session, judgement, recipient);

    return action == NM_ACTION_QUARANTINE && !can_be_taken_off(session, recipient)
               ? NM_ACTION_HOLD
               : action;
}

static bool asks_for_code(
    const struct nm_transaction *message, const struct nm_judgement *judgement)
{
    return message->values->confirm.by_code && !judgement->is_confirmed &&
           judgement->decision.action == NM_ACTION_CONFIRM;
}

/* What follows, for a recipient that goes on, from a decision that is in force. */
static void apply(struct nm_session *session, const struct nm_judgement *judgement,
    enum nm_action action, const struct nm_input *input,
    const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;

    switch (action) {
    case NM_ACTION_ACCEPT:
        return;
    case NM_ACTION_TAG:
        if (!message->tag)
            (void)nm_copy(
                message->tag_value, sizeof message->tag_value, event->id.text);
        message->tag = true;
        return;
    case NM_ACTION_QUARANTINE:
        nm_spool_for(session, input, event);
        nm_notice_take(session, judgement, action, event);
        return;
    case NM_ACTION_REJECT:
    case NM_ACTION_DEFER:
    case NM_ACTION_CONFIRM:
        if (asks_for_code(message, judgement) &&
            nm_code_want(session, judgement, event))
            return;
        if (nm_keep_refusal(session, event->recipient, &judgement->reply))
            (void)nm_confirm_note_refusal(
                session, judgement, &event->id, message->kept_refusals);
        return;
    case NM_ACTION_HOLD:
        break;
    }
    nm_hold_for(message, event->domain, event->target, event->rule, &event->id);
    nm_notice_take(session, judgement, action, event);
}

/* Let a recipient through that was to be refused. What took too long may be in the log
 * yet, and would say that it was refused: so a later event tells otherwise. */
static void let_through(struct nm_session *session, struct nm_audit_event *event,
    bool may_be_recorded, struct nm_answer *answer)
{
    session->message.going_on++;
    nm_answer_continue(answer);
    if (!may_be_recorded)
        return;
    event->outcome = NM_OUTCOME_UNKNOWN;
    event->id = nm_new_id(session, event->time_us);
    (void)nm_record(session, event, false);
}

/* Refuse the recipient, once that is on disk. */
static void refuse(struct nm_session *session, const struct nm_judgement *judgement,
    struct nm_audit_event *event, struct nm_answer *answer)
{
    enum nm_code code;

    event->outcome = NM_OUTCOME_REFUSED;
    code = nm_record(session, event, true);
    if (code != NM_OK && !nm_defers(&session->message)) {
        let_through(session, event, code == NM_TIMEOUT, answer);
        return;
    }
    session->refusals++;
    if (code == NM_OK && nm_confirm_note_refusal(session, judgement, &event->id, 0))
        nm_confirm_refusals_told(session);
    if (code == NM_OK)
        nm_answer_reply(session, answer, judgement->reply.code, judgement->reply.status,
            judgement->reply.text);
    else
        nm_answer_audit_failure(session, answer);
}

/* Let the recipient go on; what is decided about it, and a log that takes no event, come
 * to bear at the end of the message. */
static void go_on(struct nm_session *session, const struct nm_judgement *judgement,
    enum nm_action action, const struct nm_input *input, struct nm_audit_event *event,
    struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;

    message->going_on++;
    if (event->mode == NM_MODE_ENFORCE && action == NM_ACTION_QUARANTINE)
        event->outcome = NM_OUTCOME_QUARANTINED;
    if (event->mode == NM_MODE_OBSERVE ||
        nm_action_severity(action) <= nm_action_severity(NM_ACTION_TAG))
        nm_lesson_take(session, judgement);
    if (event->mode == NM_MODE_ENFORCE)
        nm_confirm_note_again(session, judgement, &event->id);
    nm_answer_continue(answer);
    if (nm_record(session, event, message->kept_count >= NM_KEPT_MAX) != NM_OK)
        message->audit_failed = true;
    else if (event->mode == NM_MODE_ENFORCE)
        apply(session, judgement, action, input, event);
}

static void judge_recipient(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;
    const struct nm_bytes recipient = nm_without_brackets(input->path);
    const int64_t now = nm_now_us(session);
    char reply[AUDIT_REPLY_MAX] = "";
    struct nm_judgement judgement;
    struct nm_audit_event event;
    enum nm_action action;

    nm_fill_event(session, NM_EVENT_DECISION, now, &event);
    event.id = nm_new_id(session, now);
    if (!judge_both(session, input, recipient, event.id.text, &judgement)) {
        put_off(session, answer);
        return;
    }
    message->recipients++;
    message->near_misses += judgement.verdict.match == NM_MATCH_NEAR_MISS;
    count_decision(session, &judgement);
    if (judgement.has_reply)
        (void)snprintf(reply, sizeof reply, "%u %s %s", judgement.reply.code,
            judgement.reply.status, judgement.reply.text);
    fill_decision(&judgement, recipient, reply, &event);
    action = action_on(session, &judgement, recipient);
    if (event.mode == NM_MODE_ENFORCE && nm_action_refuses(action) &&
        !is_late(session) && !asks_for_code(message, &judgement))
        refuse(session, &judgement, &event, answer);
    else
        go_on(session, &judgement, action, input, &event, answer);
}

/* One recipient more than a message may have. */
static void put_off_further(struct nm_session *session, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;

    if (!message->is_full)
        nm_log(session->ports->log, NM_LOG_WARNING,
            "a message has more recipients than are judged in one; the others are put "
            "off, or the message is held when it did not come by SMTP",
            {"transaction", message->id.text}, {"client", session->client_text},
            {"sender", message->sender_text});
    message->is_full = true;
    if (message->local_submission) {
        nm_set_hold(message, "Nearmiss: too many recipients, some were not judged");
        nm_answer_continue(answer);
    } else {
        nm_answer_reply(
            session, answer, 452, "4.5.3", "Too many recipients in one message");
    }
}

void nm_on_rcpt(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    const struct nm_transaction *message = &session->message;

    nm_note_queue_id(session, input);
    if (!message->outbound)
        nm_answer_continue(answer);
    else if (message->broken)
        put_off(session, answer);
    else if (message->recipients >= NM_RECIPIENTS_MAX && !nm_observes(message))
        put_off_further(session, answer);
    else
        judge_recipient(session, input, answer);
}
