/*
 * A message on its way into the quarantine: its recipients as they are judged, its content
 * as it comes. Whatever fails is remembered, and told at the end of the message: then it is
 * not kept, and the failure action applies.
 */
#include "message.h"

#include <string.h>

static void fail(struct nm_session *session, const char *why)
{
    struct nm_transaction *message = &session->message;

    if (!message->spool_failed)
        nm_log(session->ports->log, NM_LOG_ERROR,
            "a message could not be put into the quarantine", {"why", why},
            {"transaction", message->id.text}, {"client", session->client_text},
            {"sender", message->sender_text});
    message->spool_failed = true;
}

/* ---- recipients ----------------------------------------------------------------- */

static const char *copy(struct nm_session *session, const char *text)
{
    return text != NULL ? nm_arena_copy(session->arena, text, strlen(text)) : NULL;
}

static bool note(struct nm_session *session, const struct nm_input *input,
    const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;
    struct nm_spool_recipient *kept = nm_arena_alloc(session->arena, sizeof *kept);
    struct nm_taken_off *off = nm_arena_alloc(session->arena, sizeof *off);

    if (kept == NULL || off == NULL)
        return false;
    off->path = nm_arena_copy(session->arena, input->path.data, input->path.length);
    kept->id = event->id;
    kept->arguments = copy(session, input->arguments != NULL ? input->arguments : "");
    kept->domain = copy(session, event->domain);
    kept->target = copy(session, event->target);
    kept->rule = copy(session, event->rule != NULL ? event->rule : "");
    if (off->path == NULL || kept->arguments == NULL || kept->domain == NULL ||
        kept->rule == NULL || (event->target != NULL && kept->target == NULL))
        return false;
    kept->recipient =
        nm_without_brackets((struct nm_bytes){off->path, input->path.length});
    *message->next_spooled = kept;
    message->next_spooled = &kept->next;
    *message->next_off = off;
    message->next_off = &off->next;
    return true;
}

void nm_spool_for(struct nm_session *session, const struct nm_input *input,
    const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;

    message->to_spool++;
    if (session->ports->quarantine.begin == NULL)
        fail(session, "there is no quarantine; see quarantine.directory, and restart");
    else if (message->without_content)
        fail(session, "its connection is older than the rule that wants it kept");
    else if (!note(session, input, event))
        fail(session, "out of memory");
}

/* ---- content -------------------------------------------------------------------- */

bool nm_session_wants_content(const struct nm_session *session)
{
    const struct nm_transaction *message = &session->message;

    return message->to_spool > 0 && !message->spool_failed &&
           message->refused_late == 0;
}

bool nm_session_wants_header(const struct nm_session *session, const char *name)
{
    return nm_session_wants_content(session) ||
           nm_ascii_equal_nocase(name, "X-Nearmiss") ||
           (session->message.by_code != NULL &&
               nm_ascii_equal_nocase(name, "Subject")) ||
           nm_notice_wants_header(session, name);
}

static void put(struct nm_session *session, enum nm_content content, const char *bytes,
    size_t length)
{
    const struct nm_quarantine_port *port = &session->ports->quarantine;
    struct nm_transaction *message = &session->message;
    struct nm_error error = {.code = NM_OK};

    if (message->spool_failed || length == 0)
        return;
    if (message->spool == NULL &&
        port->begin(port->self, &message->id, &message->spool, &error) != NM_OK)
        fail(session, error.message);
    else if (port->write(port->self, message->spool, content, bytes, length, &error) !=
             NM_OK)
        fail(session, error.message);
}

/* Lines of a folded header may come without their CR. */
static void put_lines(
    struct nm_session *session, enum nm_content content, const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        const bool has_cr = length > 0 && text[length - 1] == '\r';

        put(session, content, text, has_cr ? length - 1 : length);
        if (text[length] == '\0') {
            put(session, content, "\r", has_cr);
            return;
        }
        put(session, content, "\r\n", 2);
        text += length + 1;
    }
}

/* Fields that a client's server writes anew when it sends a message once more. */
static bool is_trace(const char *name)
{
    static const char *const names[] = {"Received", "Date", "Message-Id"};

    for (size_t i = 0; i < NM_COUNT(names); i++) {
        if (nm_ascii_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

void nm_spool_header(struct nm_session *session, const struct nm_input *input)
{
    const enum nm_content content =
        is_trace(input->header_name) ? NM_CONTENT_TRACE : NM_CONTENT_HEADER;

    if (!nm_session_wants_content(session))
        return;
    put(session, content, input->header_name, strlen(input->header_name));
    put(session, content, ":", 1);
    if (input->header_gap != NULL)
        put(session, content, input->header_gap, strlen(input->header_gap));
    put_lines(session, content, input->header_value != NULL ? input->header_value : "");
    put(session, content, "\r\n", 2);
}

static void begin_body(struct nm_session *session)
{
    if (!session->message.body_begun)
        put(session, NM_CONTENT_HEADER, "\r\n", 2);
    session->message.body_begun = true;
}

void nm_spool_body(struct nm_session *session, struct nm_bytes body)
{
    if (!nm_session_wants_content(session))
        return;
    begin_body(session);
    put(session, NM_CONTENT_BODY, body.data, body.length);
}

/* ---- the end -------------------------------------------------------------------- */

/* Those who get the message after all stay on it. */
static void leave_released_on(struct nm_transaction *message)
{
    const struct nm_spool_recipient *recipient = message->first_spooled;
    struct nm_taken_off **off = &message->first_off;

    message->to_spool = 0;
    for (; recipient != NULL; recipient = recipient->next) {
        if (recipient->is_released) {
            *off = (*off)->next;
        } else {
            off = &(*off)->next;
            message->to_spool++;
        }
    }
}

bool nm_spool_end(struct nm_session *session)
{
    const struct nm_quarantine_port *port = &session->ports->quarantine;
    struct nm_transaction *message = &session->message;
    const struct nm_spool_message kept = {.transaction = message->id,
        .time_us = nm_now_us(session),
        .sender = message->sender,
        .arguments = message->arguments,
        .client = session->client_text,
        .auth = message->auth,
        .queue_id = message->queue_id,
        .recipients = message->first_spooled};
    struct nm_error error = {.code = NM_OK};

    begin_body(session);
    if (message->spool_failed)
        return false;
    if (port->commit(port->self, &message->spool, &kept, &error) == NM_OK) {
        leave_released_on(message);
        return true;
    }
    fail(session, error.message);
    return false;
}

void nm_spool_drop(struct nm_session *session)
{
    const struct nm_quarantine_port *port = &session->ports->quarantine;

    if (session->message.spool != NULL)
        port->drop(port->self, &session->message.spool);
}
