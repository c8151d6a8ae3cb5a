/*
 * Near misses whose senders confirm them. Of a message that is refused it is noted who was
 * told how, once that is told; of one that was sent again, that it is confirmed, once it
 * passes: one that is put off for another reason may come once more.
 */
#include "message.h"

#include <string.h>

/* A recipient of whom there is something to note at the end of the message. */
struct nm_confirming {
    struct nm_confirming *next;
    struct nm_confirm_case what;
    struct nm_id decision; /* on this recipient */
    struct nm_id first;    /* that it was refused by before; "" for a refusal of now */
    unsigned place;        /* among the refusals that wait for the end; 0 for none */
};

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

static bool keep(struct nm_session *session, const struct nm_judgement *judgement,
    const struct nm_id *decision, unsigned place, struct nm_confirming **list)
{
    const struct nm_transaction *message = &session->message;
    const struct nm_request request = {.sender = message->sender_text,
        .auth = message->auth,
        .client = session->client};
    struct nm_confirm_matter matter;
    struct nm_confirming *confirming =
        nm_arena_alloc(session->arena, sizeof *confirming);

    if (confirming == NULL)
        return false;
    nm_confirm_matter_make(&request, judgement, &matter);
    *confirming = (struct nm_confirming){.what = matter.what,
        .decision = *decision,
        .first = judgement->confirm.first,
        .place = place};
    if (!copy_text(session, &confirming->what.sender) ||
        !copy_text(session, &confirming->what.origin) ||
        !copy_bytes(session, &confirming->what.recipient) ||
        !copy_bytes(session, &confirming->what.domain))
        return false;
    while (
        *list != NULL) /* no more than a reply names, or may be pending of a sender */
        list = &(*list)->next;
    *list = confirming;
    return true;
}

/* A recipient that stands in the message twice is confirmed once. */
static bool has(const struct nm_confirming *list, const struct nm_id *first)
{
    while (list != NULL && strcmp(list->first.text, first->text) != 0)
        list = list->next;
    return list != NULL;
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
    return is_asked(session, judgement, NM_CONFIRM_NEW) &&
           keep(session, judgement, decision, place, &session->message.confirmable);
}

void nm_confirm_note_again(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision)
{
    struct nm_transaction *message = &session->message;

    if (is_asked(session, judgement, NM_CONFIRM_SENT_AGAIN) &&
        !has(message->confirmed, &judgement->confirm.first) &&
        !keep(session, judgement, decision, 0, &message->confirmed))
        nm_log(session->ports->log, NM_LOG_ERROR,
            "out of memory: that a sender confirms a recipient is not remembered",
            {"transaction", message->id.text});
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
    nm_buf_init(&buf, reason, sizeof reason);
    nm_buf_printf(&buf, "sent again, Ref %s", each->decision.text);
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
