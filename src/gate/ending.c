/*
 * The end of a message: what was decided of its recipients, folded into one answer that
 * waits once, for the outcome event and with that for all events before it.
 */
#include "message.h"

#include "lines.h"

#include <stdio.h>

/* Name as many refused recipients as the reply has lines for, and one line more. Returns
 * how many there are; `*line_count` grows. */
static unsigned name_refusals(struct nm_session *session, size_t *line_count)
{
    enum { BYTES = NM_REPLY_LINES_MAX * (NM_ANSWER_LINE_MAX + 1) };
    const struct nm_refusal *refusal = session->message.first_refusal;
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
    struct nm_transaction *message = &session->message;
    size_t lines = 0;

    (void)snprintf(session->reply, sizeof session->reply,
        "The whole message was not sent: %u of its %u recipients %s refused",
        message->refused_late, message->recipients,
        message->refused_late == 1 ? "was" : "were");
    session->lines[lines++] = session->reply;
    message->named_refusals = name_refusals(session, &lines);
    if (message->named_refusals < message->refused_late)
        session->lines[lines++] = "Further recipients are not named here";
    nm_answer_lines(session, answer, message->late_for_good ? 550 : 451,
        message->late_for_good ? "5.7.1" : "4.7.1", lines);
}

/* Of mail that was submitted here Postfix takes a recipient off by what was typed, and tells
 * filters what it made of that. Where the two differ it finds nobody to take off, and says
 * nothing: so what others are to get, too, is held whole. */
static bool cannot_be_parted(const struct nm_transaction *message)
{
    return message->local_submission && message->to_spool < message->going_on;
}

static void hold_whole(struct nm_session *session)
{
    struct nm_transaction *message = &session->message;
    const struct nm_spool_recipient *first = message->first_spooled;

    nm_spool_drop(session);
    if (first != NULL)
        nm_hold_for(message, first->domain, first->target, first->rule, &first->id);
    else
        nm_set_hold(message, "Nearmiss: a recipient is to go to quarantine");
}

/* Whether the message, where it is to go to quarantine, is there now, or goes on without;
 * else it was put off. */
static bool keep(struct nm_session *session, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;

    if (message->to_spool == 0)
        return true;
    if (cannot_be_parted(message)) {
        hold_whole(session);
        return true;
    }
    if (nm_spool_end(session)) {
        message->in_quarantine = message->to_spool > 0;
        return true;
    }
    if (!nm_defers(message))
        return true;
    nm_answer_spool_failure(session, answer);
    return false;
}

/* What is done with recipients whose copies are kept. */
static void take_off(const struct nm_transaction *message, struct nm_answer *answer)
{
    if (!message->in_quarantine)
        return;
    answer->take_off = message->first_off;
    answer->discard = message->to_spool == message->going_on;
}

/* X-Nearmiss headers to take off. In observe mode the message stays as it is. */
static unsigned headers_to_strip(const struct nm_transaction *message)
{
    return nm_observes(message) ? 0 : message->tag_headers;
}

static void change_subject(
    const struct nm_transaction *message, struct nm_answer *answer)
{
    answer->changes_subject = message->changes_subject;
    answer->subject = message->new_subject;
}

static enum nm_outcome fold(struct nm_session *session, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;

    if (message->put_off) {
        nm_answer_no_memory(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    if (message->audit_failed && nm_defers(message)) {
        nm_answer_audit_failure(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    nm_codes_settle(session);
    if (message->refused_late > 0) {
        answer_late_refusals(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    if (headers_to_strip(message) > NM_TAG_HEADERS_MAX) {
        nm_answer_reply(session, answer, 550, "5.7.1",
            "The message has too many X-Nearmiss headers. Not sent");
        return NM_OUTCOME_REFUSED;
    }
    if (!keep(session, answer))
        return NM_OUTCOME_REFUSED;
    nm_answer_continue(answer);
    take_off(message, answer);
    change_subject(message, answer);
    answer->strip_count = headers_to_strip(message);
    if (message->tag)
        answer->tag = message->tag_value;
    if (answer->discard)
        return NM_OUTCOME_QUARANTINED;
    if (!message->hold)
        return NM_OUTCOME_PASSED;
    answer->hold = message->hold_reason;
    return NM_OUTCOME_HELD;
}

/* The outcome could not be recorded, so it must not be: the failure action instead. */
static enum nm_outcome fold_failure(
    struct nm_session *session, struct nm_answer *answer)
{
    const struct nm_transaction *message = &session->message;

    if (nm_defers(message)) {
        nm_answer_audit_failure(session, answer);
        return NM_OUTCOME_REFUSED;
    }
    nm_answer_continue(answer);
    if (headers_to_strip(message) <= NM_TAG_HEADERS_MAX)
        answer->strip_count = headers_to_strip(message);
    take_off(message, answer); /* they are kept, and else would get it twice */
    change_subject(message, answer);
    return answer->discard ? NM_OUTCOME_QUARANTINED : NM_OUTCOME_PASSED;
}

/* A message that goes on without those whose copies are kept has two outcomes. */
static enum nm_code record_outcomes(struct nm_session *session, struct nm_error *why)
{
    const struct nm_transaction *message = &session->message;

    if (message->in_quarantine && message->outcome != NM_OUTCOME_QUARANTINED)
        nm_record_outcome(session, NM_OUTCOME_QUARANTINED);
    return nm_try_outcome(session, message->outcome, true, why);
}

/* What the message confirms is on record before it goes through. */
static enum nm_code record_end(struct nm_session *session, struct nm_error *why)
{
    if (session->message.outcome != NM_OUTCOME_REFUSED && !nm_confirm_record(session))
        return nm_fail(why, NM_LIMIT, "the audit log takes no more events");
    return record_outcomes(session, why);
}

void nm_on_end(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;
    struct nm_error why = {.code = NM_OK};

    nm_note_queue_id(session, input);
    session->state = NM_ENDED;
    if (!message->outbound) {
        nm_answer_continue(answer);
        return;
    }
    message->outcome = fold(session, answer);
    if (message->recipients > 0 && record_end(session, &why) != NM_OK) {
        const enum nm_outcome meant = message->outcome;

        message->outcome = fold_failure(session, answer);
        nm_log_unrecorded(session, message->outcome, why.message);
        if (message->outcome != meant)
            nm_record_outcome(session, message->outcome);
    } else if (message->named_refusals > 0) {
        nm_confirm_refusals_told(session);
    }
}
