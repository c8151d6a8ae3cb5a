/*
 * Near misses whose senders confirm them. Of a message that is refused it is noted who was
 * told how, once that is told; of one that was sent again, that it is confirmed, once it
 * passes: one that is put off for another reason may come once more.
 */
#include "confirming.h"

#include <string.h>

static bool copy_text(struct nm_session *session, const char **text)
{
    *text = nm_arena_copy(session->arena, *text, strlen(*text));
    return *text != NULL;
}

static bool copy_bytes(struct nm_session *session, struct nm_bytes *bytes)
{
    bytes->data = nm_arena_copy(session->arena, bytes->data, bytes->length);
    return bytes->data != NULL;
}

struct nm_confirming *nm_confirming_new(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision)
{
    const struct nm_transaction *message = &session->message;
    const struct nm_request request = {.sender = message->sender_text,
        .auth = message->auth,
        .client = session->client};
    struct nm_confirm_matter matter;
    struct nm_confirming *confirming =
        nm_arena_alloc(session->arena, sizeof *confirming);

    if (confirming == NULL)
        return NULL;
    nm_confirm_matter_make(&request, judgement, &matter);
    *confirming = (struct nm_confirming){
        .what = matter.what, .decision = *decision, .first = judgement->confirm.first};
    return copy_text(session, &confirming->what.sender) &&
                   copy_text(session, &confirming->what.origin) &&
                   copy_bytes(session, &confirming->what.recipient) &&
                   copy_bytes(session, &confirming->what.domain)
               ? confirming
               : NULL;
}

void nm_confirming_append(struct nm_confirming **list, struct nm_confirming *confirming)
{
    while (*list != NULL)
        list = &(*list)->next;
    confirming->next = NULL;
    *list = confirming;
}

/* A recipient that stands in the message twice is confirmed once. */
static bool has(
    const struct nm_confirming *list, const struct nm_confirming *confirming)
{
    const struct nm_bytes wanted = confirming->what.recipient;

    while (list != NULL &&
           (list->what.recipient.length != wanted.length ||
               memcmp(list->what.recipient.data, wanted.data, wanted.length) != 0))
        list = list->next;
    return list != NULL;
}

void nm_confirm_add(struct nm_session *session, struct nm_confirming *confirming)
{
    if (!has(session->message.confirmed, confirming))
        nm_confirming_append(&session->message.confirmed, confirming);
}

static bool is_asked(const struct nm_session *session,
    const struct nm_judgement *judgement, enum nm_confirm_standing standing)
{
    return session->ports->confirms.ask != NULL &&
           judgement->decision.action == NM_ACTION_CONFIRM &&
           judgement->confirm.standing == standing;
}

bool nm_confirm_note_refusal(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision, unsigned place)
{
    struct nm_confirming *confirming =
        is_asked(session, judgement, NM_CONFIRM_NEW)
            ? nm_confirming_new(session, judgement, decision)
            : NULL;

    if (confirming == NULL)
        return false;
    confirming->place = place;
    nm_confirming_append(&session->message.confirmable, confirming);
    return true;
}

void nm_confirm_note_again(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision)
{
    struct nm_confirming *confirming;

    if (!is_asked(session, judgement, NM_CONFIRM_SENT_AGAIN))
        return;
    confirming = nm_confirming_new(session, judgement, decision);
    if (confirming != NULL)
        nm_confirm_add(session, confirming);
    else
        nm_log(session->ports->log, NM_LOG_ERROR,
            "out of memory: that a sender confirms a recipient is not remembered",
            {"transaction", session->message.id.text});
}

void nm_confirm_refusals_told(struct nm_session *session)
{
    const struct nm_confirm_port *port = &session->ports->confirms;
    struct nm_transaction *message = &session->message;
    uint64_t ticket = 0;
    bool told = false;

    for (const struct nm_confirming *each = message->confirmable; each != NULL;
         each = each->next) {
        if (each->place > message->named_refusals)
            continue;
        port->refused(port->self, &each->what, &message->values->confirm,
            &each->decision, nm_now_us(session), &ticket);
        told = true;
    }
    message->confirmable = NULL;
    if (told)
        port->wait(port->self, ticket);
}

/* ---- on record ------------------------------------------------------------------ */

static enum nm_code record(struct nm_session *session, enum nm_verb verb,
    const char *subject, const struct nm_id *decision, const char *reason)
{
    const struct nm_audit_port *audit = &session->ports->audit;
    const int64_t now_us = nm_now_us(session);
    const struct nm_audit_event event = {.kind = NM_EVENT_ACT,
        .id = nm_new_id(session, now_us),
        .time_us = now_us,
        .gateway = session->message.values->gateway,
        .actor = "daemon",
        .verb = verb,
        .subject = subject,
        .decision = *decision,
        .reason = reason};
    uint64_t ticket = 0;
    const enum nm_code code = audit->append(audit->self, &event, 1, &ticket);

    if (code != NM_OK)
        nm_count(session, NM_COUNTER_AUDIT_FAILURES);
    return code;
}

/* Both ways: from the first decision to the one on the message that goes through, and
 * back. */
static bool record_link(struct nm_session *session, const struct nm_confirming *each)
{
    char subject[NM_DOMAIN_MAX + 1] = "an address";
    char reason[64 + NM_ID_LENGTH];
    struct nm_buf buf;

    if (each->what.domain.length > 0) {
        nm_buf_init(&buf, subject, sizeof subject);
        nm_buf_put(&buf, each->what.domain.data, each->what.domain.length);
    }
    if (each->first.text[0] == '\0') /* a code that another machine may have given */
        return record(session, NM_VERB_CONFIRMED, subject, &each->decision,
                   "by its code") == NM_OK;
    nm_buf_init(&buf, reason, sizeof reason);
    nm_buf_printf(&buf, "%s, Ref %s",
        each->reply != NULL ? "by its code" : "sent again", each->decision.text);
    if (record(session, NM_VERB_CONFIRMED, subject, &each->first, reason) != NM_OK)
        return false;
    nm_buf_init(&buf, reason, sizeof reason);
    nm_buf_printf(&buf, "refused before, Ref %s", each->first.text);
    return record(session, NM_VERB_CONFIRMS, subject, &each->decision, reason) == NM_OK;
}

bool nm_confirm_record(struct nm_session *session)
{
    for (const struct nm_confirming *each = session->message.confirmed; each != NULL;
         each = each->next)
        if (!record_link(session, each))
            return false;
    return true;
}

/* ---- remembered ----------------------------------------------------------------- */

static void teach(const struct nm_session *session, struct nm_bytes name)
{
    const struct nm_contact_port *contacts = &session->ports->contacts;
    const struct nm_snapshot_values *values = session->message.values;
    struct nm_domain domain;
    struct nm_domain_parts parts;

    if (!values->learn || contacts->note == NULL ||
        nm_domain_parse(values->names, name.data, name.length, &domain) !=
            NM_FAULT_NONE)
        return;
    parts = nm_domain_split(values->names, &domain);
    contacts->note(contacts->self, domain.name + parts.registrable,
        (size_t)domain.length - parts.registrable);
}

void nm_confirm_remember(struct nm_session *session)
{
    const struct nm_confirm_port *port = &session->ports->confirms;
    struct nm_transaction *message = &session->message;

    for (const struct nm_confirming *each = message->confirmed; each != NULL;
         each = each->next)
        if (port->confirmed(
                port->self, &each->what, &message->values->confirm, nm_now_us(session)))
            teach(session, each->what.domain);
    message->confirmed = NULL;
}
