/*
 * What mail teaches: which domains mail from here goes to. A near miss teaches nothing, or
 * a slip that is repeated would make itself known, unless it was confirmed by more than
 * one; nor does mail that is held, refused or kept, or a message that the mail server could not be told to pass on.
 */
#include "message.h"

#include <string.h>

struct nm_view nm_view_of(const struct nm_session *session)
{
    return (struct nm_view){.snapshot = session->message.snapshot,
        .overlay = session->message.overlay,
        .contacts = &session->ports->contacts,
        .confirms = &session->ports->confirms,
        .now_us = nm_now_us(session),
        .begun_us = session->message.begun_us};
}

static bool teaches(
    const struct nm_session *session, const struct nm_judgement *judgement)
{
    return session->message.values->learn && session->ports->contacts.note != NULL &&
           judgement->address.kind == NM_ADDRESS_MAILBOX &&
           judgement->verdict.match != NM_MATCH_NEAR_MISS &&
           judgement->decision.action != NM_ACTION_CONFIRM;
}

static bool is_taken(
    const struct nm_transaction *message, const char *domain, size_t length)
{
    for (const struct nm_lesson *lesson = message->lessons; lesson != NULL;
         lesson = lesson->next)
        if (lesson->length == length && memcmp(lesson->domain, domain, length) == 0)
            return true;
    return false;
}

void nm_lesson_take(struct nm_session *session, const struct nm_judgement *judgement)
{
    struct nm_transaction *message = &session->message;
    const struct nm_domain *domain = &judgement->address.domain;
    const struct nm_view view = nm_view_of(session);
    struct nm_domain_parts parts;
    struct nm_lesson *lesson;

    if (!teaches(session, judgement) || message->lesson_count == NM_LESSONS_MAX ||
        !nm_is_first_contact(&view, domain, judgement->verdict.match))
        return;
    parts = nm_domain_split(message->values->names, domain);
    if (is_taken(message, domain->name + parts.registrable,
            (size_t)domain->length - parts.registrable))
        return;
    lesson = nm_arena_alloc(session->arena, sizeof *lesson);
    if (lesson == NULL)
        return;
    lesson->length = (size_t)domain->length - parts.registrable;
    lesson->domain =
        nm_arena_copy(session->arena, domain->name + parts.registrable, lesson->length);
    if (lesson->domain == NULL)
        return;
    lesson->next = message->lessons;
    message->lessons = lesson;
    message->lesson_count++;
}

void nm_lessons_give(const struct nm_session *session)
{
    const struct nm_contact_port *contacts = &session->ports->contacts;

    for (const struct nm_lesson *lesson = session->message.lessons; lesson != NULL;
         lesson = lesson->next)
        contacts->note(contacts->self, lesson->domain, lesson->length);
}
