/*
 * The transaction machine: one table, state x event -> function. A session is idle, in
 * an envelope (MAIL seen), in content (DATA seen) or ended (its answer is still read).
 * A recipient or an end that belongs to no open envelope cannot be judged: what was open
 * ends as aborted, and it is put off.
 */
#include "message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static nm_handler on_mail, on_data, on_header, on_body, on_abort, on_nothing, on_stray;

/* What has ended is finished before the next event is looked at. */
static nm_handler *const machine[NM_ENDED][NM_SESSION_EVENT_COUNT] = {
    /*  MAIL     RCPT      DATA       HEADER     BODY     END       ABORT     CLOSE */
    [NM_IDLE] = {on_mail, on_stray, on_nothing, on_nothing, on_nothing, on_stray,
        on_abort, on_abort},
    [NM_ENVELOPE] = {on_mail, nm_on_rcpt, on_data, on_header, on_body, nm_on_end,
        on_abort, on_abort},
    [NM_CONTENT] = {on_mail, on_stray, on_nothing, on_header, on_body, nm_on_end,
        on_abort, on_abort},
};

static void end_transaction(struct nm_session *session)
{
    nm_spool_drop(session);
    nm_snapshot_release(&session->message.snapshot);
    nm_overlay_release(&session->message.overlay);
    nm_arena_reset(session->arena);
    memset(&session->message, 0, sizeof session->message);
    session->state = NM_IDLE;
}

/* A message that ends without having come to its end: refused when no recipient was
 * left, else aborted. Never waits. */
static void abandon(struct nm_session *session)
{
    const struct nm_transaction *message = &session->message;

    if (session->state == NM_IDLE)
        return;
    if (message->recipients > 0)
        nm_record_outcome(
            session, message->going_on == 0 ? NM_OUTCOME_REFUSED : NM_OUTCOME_ABORTED);
    end_transaction(session);
}

void nm_session_finish(struct nm_session *session, bool carried_out)
{
    const struct nm_transaction *message = &session->message;

    if (session->state != NM_ENDED)
        return;
    if (!carried_out && message->recipients > 0 &&
        message->outcome != NM_OUTCOME_REFUSED)
        nm_record_outcome(session, NM_OUTCOME_REFUSED);
    if (carried_out && message->outcome != NM_OUTCOME_REFUSED)
        session->refusals = 0; /* Postfix begins to count anew, too */
    if (carried_out && message->outcome == NM_OUTCOME_PASSED)
        nm_lessons_give(session);
    if (carried_out && message->outcome != NM_OUTCOME_REFUSED)
        nm_confirm_remember(session);
    if (carried_out)
        nm_notice_give(session);
    end_transaction(session);
}

void nm_note_queue_id(struct nm_session *session, const struct nm_input *input)
{
    if (input->queue_id != NULL && session->state != NM_IDLE)
        (void)nm_copy(session->message.queue_id, sizeof session->message.queue_id,
            input->queue_id);
}

static void on_mail(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    struct nm_transaction *message = &session->message;
    const struct nm_bytes sender = nm_without_brackets(input->path);
    const char *auth = input->auth != NULL ? input->auth : "";
    const char *arguments = input->arguments != NULL ? input->arguments : "";

    abandon(session);
    message->snapshot = nm_slot_pin_both(session->slot, &message->overlay);
    message->values = nm_snapshot_values(message->snapshot);
    message->begun_us = nm_now_us(session);
    message->id = nm_new_id(session, message->begun_us);
    message->smtputf8 = input->smtputf8;
    message->local_submission = input->local_submission;
    message->without_content = input->without_content;
    message->outbound =
        nm_snapshot_is_outbound(message->snapshot, &session->client, auth);
    message->next_refusal = &message->first_refusal;
    message->next_spooled = &message->first_spooled;
    message->next_off = &message->first_off;
    message->next_notable = &message->first_notable;
    message->sender_text = nm_arena_copy(session->arena, sender.data, sender.length);
    message->auth = nm_arena_copy(session->arena, auth, strlen(auth));
    message->arguments = nm_arena_copy(session->arena, arguments, strlen(arguments));
    session->state = NM_ENVELOPE;
    nm_note_queue_id(session, input);
    nm_count(session, NM_COUNTER_MESSAGES);
    message->sender = (struct nm_bytes){message->sender_text, sender.length};
    message->broken = message->sender_text == NULL || message->auth == NULL ||
                      message->arguments == NULL;
    nm_answer_continue(answer);
}

static void on_data(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    nm_note_queue_id(session, input);
    session->state = NM_CONTENT;
    nm_answer_continue(answer);
}

static void on_header(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    if (nm_ascii_equal_nocase(input->header_name, "X-Nearmiss"))
        session->message.tag_headers++;
    if (nm_ascii_equal_nocase(input->header_name, "Subject"))
        nm_code_subject(
            session, input->header_value != NULL ? input->header_value : "");
    nm_spool_header(session, input);
    nm_notice_header(session, input);
    nm_answer_continue(answer);
}

static void on_body(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    nm_spool_body(session, input->body);
    nm_answer_continue(answer);
}

static void on_abort(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    nm_note_queue_id(session, input);
    abandon(session);
    nm_answer_continue(answer);
}

/* An event that has no place here, and settles nothing. */
static void on_nothing(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    (void)session;
    (void)input;
    nm_answer_continue(answer);
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
    const bool lets_go = session->state == NM_IDLE ? observes_now(session)
                                                   : nm_observes(&session->message);

    nm_log(session->ports->log, NM_LOG_ERROR,
        "the mail server's events came out of order: a message could not be judged",
        {"client", session->client_text},
        {"event", input->event == NM_SESSION_RCPT ? "recipient" : "end"});
    abandon(session);
    if (lets_go)
        nm_answer_continue(answer);
    else
        nm_answer_reply(session, answer, 451, "4.3.0",
            "The mail server told the filter too little to judge this. Try again "
            "later");
}

void nm_session_event(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer)
{
    assert((size_t)input->event < NM_SESSION_EVENT_COUNT);
    /* The last answer may point into the transaction: it is kept until now. */
    nm_session_finish(session, true);
    assert(session->state < NM_ENDED);
    machine[session->state][input->event](session, input, answer);
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
    nm_count(session, NM_COUNTER_SESSIONS);
    *out = session;
    return NM_OK;
}

bool nm_session_is_busy(const struct nm_session *session)
{
    return session->state == NM_ENVELOPE || session->state == NM_CONTENT;
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
