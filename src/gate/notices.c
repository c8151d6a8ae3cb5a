/*
 * What there is to tell of a message that is held or kept: gathered as its recipients are
 * judged and its header comes, told once its fate was carried out.
 *
 * Nobody is told of mail from the null sender, nor of mail that carries one of our own
 * notices. Its sender is not told of mail that no person waits behind (RFC 3834, 2): what
 * is sent by programs, to lists or by their owners; nor under an address that is itself
 * near to another, or that may be a stranger's.
 */
#include "message.h"

#include "gate/notice.h"

#include <string.h>
#include <strings.h>

enum { SUBJECT_MAX = 300, MESSAGE_ID_MAX = 250, SENDER_MAX = 254, SLIP_MAX = 256 };

static const char *const names[NM_NOTICE_VALUE_COUNT] = {
    [NM_NOTICE_DOMAIN] = "domain",
    [NM_NOTICE_TARGET] = "target",
    [NM_NOTICE_SLIP] = "slip",
    [NM_NOTICE_REF] = "ref",
    [NM_NOTICE_RULE] = "rule",
    [NM_NOTICE_SENDER] = "sender",
    [NM_NOTICE_RECIPIENT] = "recipient",
    [NM_NOTICE_RECIPIENTS] = "recipients",
    [NM_NOTICE_SUBJECT] = "subject",
    [NM_NOTICE_WHAT] = "what",
    [NM_NOTICE_COMMAND] = "command",
    [NM_NOTICE_CONTACT] = "contact",
};

const struct nm_template_names nm_notice_names = {names, NM_NOTICE_VALUE_COUNT};

/* ---- recipients ----------------------------------------------------------------- */

static bool is_wanted(const struct nm_session *session)
{
    const struct nm_transaction *message = &session->message;

    return session->ports->notices.tell != NULL && message->sender.length > 0 &&
           (message->values->notice_sender || message->values->notice_reviewer);
}

static const char *copy(struct nm_session *session, const char *text)
{
    return nm_arena_copy(session->arena, text, strlen(text));
}

/* What memory does not suffice for is counted, and not named. */
void nm_notice_take(struct nm_session *session, const struct nm_judgement *judgement,
    enum nm_action action, const struct nm_audit_event *event)
{
    struct nm_transaction *message = &session->message;
    struct nm_notice_recipient *noted;
    char slip[SLIP_MAX];
    struct nm_buf buf;

    if (!is_wanted(session))
        return;
    if (message->notable++ >= NM_NOTICE_RECIPIENTS_MAX)
        return;
    nm_buf_init(&buf, slip, sizeof slip);
    if (event->target != NULL)
        nm_candidate_describe(&judgement->verdict.best, &buf);
    noted = nm_arena_alloc(session->arena, sizeof *noted);
    if (noted == NULL)
        return;
    noted->id = event->id;
    noted->recipient.length = event->recipient.length;
    noted->recipient.data =
        nm_arena_copy(session->arena, event->recipient.data, event->recipient.length);
    noted->domain = copy(session, event->domain);
    noted->target = copy(session, event->target != NULL ? event->target : "");
    noted->slip = copy(session, slip);
    noted->rule = copy(session, event->rule != NULL ? event->rule : "");
    noted->is_kept = action == NM_ACTION_QUARANTINE;
    if (noted->recipient.data == NULL || noted->domain == NULL ||
        noted->target == NULL || noted->slip == NULL || noted->rule == NULL)
        return;
    *message->next_notable = noted;
    message->next_notable = &noted->next;
}

/* ---- the header ----------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (nm_ascii_equal_nocase(name, words[i]))
            return true;
    return false;
}

/* The word at the beginning, without what a header field may have around it: blanks,
 * comments (RFC 5322, 3.2.2), parameters. */
static bool begins_with_word(const char *value, const char *word)
{
    const size_t length = strlen(word);
    unsigned depth = 0;

    for (; *value != '\0'; value++) {
        if (*value == '(')
            depth++;
        else if (*value == ')' && depth > 0)
            depth--;
        else if (depth == 0 && strchr(" \t\r\n", *value) == NULL)
            break;
    }
    return strncasecmp(value, word, length) == 0 &&
           (value[length] == '\0' || strchr(" \t\r\n;(", value[length]) != NULL);
}

static bool is_bulk(const char *value)
{
    return begins_with_word(value, "bulk") || begins_with_word(value, "list") ||
           begins_with_word(value, "junk");
}

/* Fields that only a list's mail has (RFC 2369, RFC 2919). */
static bool is_of_a_list(const char *name)
{
    static const char *const lists[] = {"List-Id", "List-Help", "List-Unsubscribe",
        "List-Subscribe", "List-Post", "List-Owner", "List-Archive"};

    return is_one_of(name, lists, NM_COUNT(lists));
}

/* A value as it may be shown, its ends without blanks: what follows a line's end follows
 * the blank before it. */
static const char *copy_value(
    struct nm_session *session, const char *value, size_t length_max)
{
    size_t length;

    value += strspn(value, " \t\r\n");
    length = strnlen(value, length_max);
    while (length > 0 && strchr(" \t\r\n", value[length - 1]) != NULL)
        length--;
    return nm_arena_copy(session->arena, value, length);
}

static bool is_about_notices(const char *name)
{
    static const char *const wanted[] = {"Auto-Submitted", "Precedence", "Subject",
        "Message-Id", "X-Auto-Response-Suppress", NM_NOTICE_HEADER};

    return is_one_of(name, wanted, NM_COUNT(wanted)) || is_of_a_list(name);
}

bool nm_notice_wants_header(const struct nm_session *session, const char *name)
{
    return session->message.notable > 0 && is_about_notices(name);
}

void nm_notice_header(struct nm_session *session, const struct nm_input *input)
{
    struct nm_transaction *message = &session->message;
    const char *name = input->header_name;
    const char *value = input->header_value != NULL ? input->header_value : "";

    if (!nm_notice_wants_header(session, name))
        return;
    if (nm_ascii_equal_nocase(name, NM_NOTICE_HEADER))
        message->is_notice = true;
    else if (nm_ascii_equal_nocase(name, "Subject"))
        message->subject = copy_value(session, value, SUBJECT_MAX);
    else if (nm_ascii_equal_nocase(name, "Message-Id"))
        message->message_id = copy_value(session, value, MESSAGE_ID_MAX + 1);
    else if (nm_ascii_equal_nocase(name, "Auto-Submitted"))
        message->is_automatic |= !begins_with_word(value, "no");
    else if (nm_ascii_equal_nocase(name, "Precedence"))
        message->is_automatic |= is_bulk(value);
    else
        message->is_automatic = true;
}

/* ---- who is told ---------------------------------------------------------------- */

/* Addresses of programs, by custom (RFC 3834, 2). */
static bool is_of_a_program(const struct nm_address *address)
{
    static const char request[] = "-request";
    const char *name = address->local_part;
    const size_t length = address->local_part_length;
    const size_t tail = sizeof request - 1;

    return (length >= 6 && strncasecmp(name, "owner-", 6) == 0) ||
           (length >= tail && strncasecmp(name + length - tail, request, tail) == 0) ||
           (length == 13 && strncasecmp(name, "mailer-daemon", 13) == 0);
}

/* Whether all of it can be seen: what cannot has no business in a header. */
static bool is_visible(struct nm_bytes text)
{
    char shown[NM_VISIBLE_MAX + 1];

    for (size_t at = 0; at < text.length;) {
        const char *bytes = text.data + at;
        const size_t step = nm_visible(bytes, text.length - at, shown);

        if (*bytes == '\\' || *bytes == '"' || *bytes == '<' || *bytes == '>' ||
            *bytes == ' ' || strlen(shown) != step || memcmp(shown, bytes, step) != 0)
            return false;
        at += step;
    }
    return true;
}

/* An envelope sender is whatever its client says, also one of this site's own networks that
 * forwards: what counts is a domain of this site's, or who sent it. Only where nobody has
 * named those domains, the networks have to do. */
static bool is_ours(const struct nm_transaction *message, enum nm_match match)
{
    const struct nm_snapshot_values *values = message->values;

    return match == NM_MATCH_OWN || message->auth[0] != '\0' ||
           message->local_submission ||
           (!values->names_own && values->network_count > 0);
}

static bool may_tell_sender(const struct nm_session *session)
{
    const struct nm_transaction *message = &session->message;
    struct nm_address address;
    struct nm_verdict verdict;

    if (!message->values->notice_sender || message->is_automatic ||
        message->sender.length > SENDER_MAX || !is_visible(message->sender))
        return false;
    nm_address_parse(
        message->values->names, message->sender.data, message->sender.length, &address);
    if (address.kind != NM_ADDRESS_MAILBOX || is_of_a_program(&address))
        return false;
    nm_index_match(message->values->index, &address.domain, &verdict);
    return !verdict.out_of_memory && verdict.match != NM_MATCH_NEAR_MISS &&
           is_ours(message, verdict.match);
}

/* ---- telling -------------------------------------------------------------------- */

static const struct nm_spool_recipient *find_spooled(
    const struct nm_transaction *message, const struct nm_id *id)
{
    const struct nm_spool_recipient *kept = message->first_spooled;

    while (kept != NULL && strcmp(kept->id.text, id->text) != 0)
        kept = kept->next;
    return kept;
}

/* Whether there is something to tell of this recipient, now that the message has ended. */
static bool is_told_of(
    const struct nm_transaction *message, struct nm_notice_recipient *noted)
{
    const struct nm_spool_recipient *kept = NULL;

    if (noted->is_kept && message->in_quarantine)
        kept = find_spooled(message, &noted->id);
    noted->is_kept = kept != NULL;
    if (kept == NULL)
        return message->outcome == NM_OUTCOME_HELD;
    if (kept->kept_as.text[0] != '\0')
        noted->id = kept->kept_as;
    return !kept->is_released;
}

/* Leave out those that there is nothing to tell of. Those that were too many to be noted
 * shared the fate of the others. */
static void choose(struct nm_transaction *message)
{
    struct nm_notice_recipient **at = &message->first_notable;

    while (*at != NULL) {
        if (is_told_of(message, *at)) {
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
            message->notable--;
        }
    }
}

void nm_notice_give(struct nm_session *session)
{
    struct nm_transaction *message = &session->message;
    const bool for_sender = message->notable > 0 && may_tell_sender(session);
    const char *message_id = message->message_id != NULL ? message->message_id : "";
    struct nm_notice notice = {.transaction = message->id,
        .time_us = nm_now_us(session),
        .sender = message->sender,
        .client = session->client_text,
        .auth = message->auth,
        .queue_id = message->queue_id,
        .subject = message->subject != NULL ? message->subject : "",
        .message_id = strlen(message_id) <= MESSAGE_ID_MAX ? message_id : "",
        .is_held = message->outcome == NM_OUTCOME_HELD,
        .for_sender = for_sender,
        .for_reviewer = message->values->notice_reviewer};

    if (message->notable == 0 || message->is_notice ||
        (message->outcome != NM_OUTCOME_HELD && !message->in_quarantine) ||
        !(notice.for_sender || notice.for_reviewer))
        return;
    choose(message);
    notice.recipients = message->first_notable;
    notice.recipient_count = message->notable;
    if (notice.recipients != NULL)
        session->ports->notices.tell(session->ports->notices.self, &notice);
}
