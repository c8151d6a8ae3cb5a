/*
 * Recipients that are confirmed by a code in the Subject. They are taken at RCPT, since the
 * Subject comes after it, and settled at the end: with all their codes there the message
 * goes on without them in its Subject; else the whole message is refused, and each of these
 * recipients named with its code.
 */
#include "confirming.h"

#include "subject.h"

#include <string.h>

enum {
    WANTED_MAX = 24, /* as many as a reply names; the message is refused for more */
    CODES_MAX = 32,  /* in a Subject; with more of them none is right */
    WRONG_MAX = 10   /* in a session; behind these no code is looked at */
};

/* A code as it stands in the Subject. */
struct found {
    struct nm_confirm_code code;
    size_t at;
    enum nm_confirm_finding finding; /* the best of all recipients */
};

struct search {
    struct nm_subject_line *line; /* NULL when it cannot be read */
    struct found found[CODES_MAX];
    size_t count;
    bool too_many;
};

bool nm_code_want(struct nm_session *session, const struct nm_judgement *judgement,
    const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;
    struct nm_confirming *wanted;
    struct nm_reply *reply;

    if (message->by_code_count == WANTED_MAX)
        return false;
    wanted = nm_confirming_new(session, judgement, &event->id);
    reply = nm_arena_alloc(session->arena, sizeof *reply);
    if (wanted == NULL || reply == NULL)
        return false;
    *reply = judgement->reply;
    wanted->reply = reply;
    wanted->recipient.length = event->recipient.length;
    wanted->recipient.data =
        nm_arena_copy(session->arena, event->recipient.data, event->recipient.length);
    if (wanted->recipient.data == NULL)
        return false;
    nm_confirming_append(&message->by_code, wanted);
    message->by_code_count++;
    return true;
}

void nm_code_subject(struct nm_session *session, const char *value)
{
    struct nm_transaction *message = &session->message;

    if (message->by_code != NULL && message->code_subject == NULL)
        message->code_subject = nm_arena_copy(session->arena, value, strlen(value));
}

/* ---- the Subject ---------------------------------------------------------------- */

/* The letter or digit that is meant, or NUL for what no code has. Crockford's base 32 has
 * no I, L, O and U. */
static char code_digit(char c)
{
    const char lower = nm_ascii_lower(c);

    if (c >= '0' && c <= '9')
        return c;
    if (lower < 'a' || lower > 'z' || lower == 'u')
        return '\0';
    if (lower == 'o')
        return '0';
    return lower == 'i' || lower == 'l' ? '1' : (char)(lower - 'a' + 'A');
}

static bool is_word_char(char c)
{
    const char lower = nm_ascii_lower(c);

    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

/* Whether a word goes on at `at`. ISO-2022-JP comes back to ASCII by ESC ( and a letter,
 * which nobody sees. */
static bool follows_word(struct nm_bytes text, size_t at)
{
    return at > 0 && is_word_char(text.data[at - 1]) &&
           (at < 3 || memcmp(text.data + at - 3, "\x1b(", 2) != 0);
}

/* Whether a code stands at `at`, and nothing in front of or behind it belongs to it. */
static bool read_code(struct nm_bytes text, size_t at, struct nm_confirm_code *out)
{
    static const char mark[] = "nm-";
    const size_t end = at + NM_CONFIRM_CODE_LENGTH;

    if (end > text.length || follows_word(text, at) ||
        (end < text.length && is_word_char(text.data[end])))
        return false;
    for (size_t i = 0; i < sizeof mark - 1; i++)
        if (nm_ascii_lower(text.data[at + i]) != mark[i])
            return false;
    memcpy(out->text, "NM-", sizeof mark - 1);
    for (size_t i = sizeof mark - 1; i < NM_CONFIRM_CODE_LENGTH; i++) {
        out->text[i] = code_digit(text.data[at + i]);
        if (out->text[i] == '\0')
            return false;
    }
    out->text[NM_CONFIRM_CODE_LENGTH] = '\0';
    return true;
}

static void find_codes(struct nm_session *session, struct search *search)
{
    const struct nm_transaction *message = &session->message;
    struct nm_bytes text;

    memset(search, 0, sizeof *search);
    if (message->code_subject != NULL)
        search->line = nm_subject_line_read(session->arena, message->code_subject);
    if (search->line == NULL)
        return;
    text = nm_subject_line_text(search->line);
    for (size_t at = 0; at < text.length; at++) {
        struct nm_confirm_code code;

        if (!read_code(text, at, &code))
            continue;
        search->too_many = search->count == CODES_MAX;
        if (search->too_many)
            return;
        search->found[search->count].code = code;
        search->found[search->count++].at = at;
    }
}

/* Hold each code against each recipient. */
static void compare(struct nm_session *session, struct search *search)
{
    const struct nm_confirm_port *port = &session->ports->confirms;
    const struct nm_confirm_rules *rules = &session->message.values->confirm;
    const int64_t now_us = nm_now_us(session);

    for (struct nm_confirming *each = session->message.by_code; each != NULL;
         each = each->next)
        for (size_t i = 0; i < search->count; i++) {
            struct found *found = &search->found[i];
            const enum nm_confirm_finding finding =
                port->find(port->self, &each->what, rules, now_us, &found->code);

            if (finding > each->finding)
                each->finding = finding;
            if (finding > found->finding)
                found->finding = finding;
        }
}

static unsigned count_wrong(const struct search *search)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < search->count; i++)
        wrong += search->found[i].finding == NM_CODE_WRONG;
    return wrong;
}

/* ---- settling ------------------------------------------------------------------- */

static bool all_right(const struct nm_confirming *wanted)
{
    while (wanted != NULL && wanted->finding == NM_CODE_RIGHT)
        wanted = wanted->next;
    return wanted == NULL;
}

/* Take our codes out, from the last, which leaves the others where they are. What is no code
 * of this message stays. False out of memory. */
static bool clean_subject(struct nm_session *session, struct search *search)
{
    struct nm_transaction *message = &session->message;
    const char *cleaned;

    for (size_t i = search->count; i > 0; i--)
        if (search->found[i - 1].finding != NM_CODE_WRONG)
            nm_subject_line_take(
                search->line, search->found[i - 1].at, NM_CONFIRM_CODE_LENGTH);
    cleaned = nm_subject_line_write(search->line, session->arena);
    if (cleaned == NULL)
        return false;
    message->changes_subject = true;
    message->new_subject = cleaned[0] != '\0' ? cleaned : NULL;
    return true;
}

static void confirm_all(struct nm_session *session)
{
    struct nm_confirming *each = session->message.by_code;

    while (each != NULL) {
        struct nm_confirming *next = each->next;

        nm_confirm_add(session, each);
        each = next;
    }
}

/* What is said of the codes that were there, in front of how to do it. */
static const char *words_for(
    const struct nm_confirming *wanted, const struct search *search, bool guesses)
{
    if (guesses)
        return "Too many wrong codes were tried lately, so that none is looked at; "
               "wait "
               "an hour. ";
    switch (wanted->finding) {
    case NM_CODE_RIGHT:
        return "Its code was in the subject, but not those of all; all of them have to "
               "be. ";
    case NM_CODE_STALE:
        return "The code in the subject has expired. ";
    case NM_CODE_WRONG:
        break;
    }
    return search->too_many || count_wrong(search) > 0
               ? "The code in the subject is not the right one. "
               : "";
}

static void refuse_all(
    struct nm_session *session, const struct search *search, bool guesses)
{
    struct nm_transaction *message = &session->message;
    struct nm_confirming *next;

    for (struct nm_confirming *each = message->by_code; each != NULL; each = next) {
        struct nm_reply reply = *each->reply;
        struct nm_buf buf;

        next = each->next;
        nm_buf_init(&buf, reply.text, sizeof reply.text);
        nm_buf_puts(&buf, words_for(each, search, guesses));
        nm_buf_puts(&buf, each->reply->text);
        if (!nm_keep_refusal(session, each->recipient, &reply))
            continue;
        each->place = message->kept_refusals;
        nm_confirming_append(&message->confirmable, each);
    }
}

void nm_codes_settle(struct nm_session *session)
{
    const struct nm_confirm_port *port = &session->ports->confirms;
    struct nm_transaction *message = &session->message;
    struct search search;
    bool guesses = true;

    if (message->by_code == NULL)
        return;
    find_codes(session, &search);
    if (port->find != NULL)
        guesses =
            session->wrong_codes >= WRONG_MAX ||
            port->guesses(port->self, &message->by_code->what, 0, nm_now_us(session));
    if (!guesses && !search.too_many)
        compare(session, &search);
    if (!guesses && count_wrong(&search) > 0) {
        session->wrong_codes += count_wrong(&search);
        (void)port->guesses(port->self, &message->by_code->what, count_wrong(&search),
            nm_now_us(session));
    }
    if (all_right(message->by_code) && clean_subject(session, &search))
        confirm_all(session);
    else
        refuse_all(session, &search, guesses && search.count > 0);
    message->by_code = NULL;
}
