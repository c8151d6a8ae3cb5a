#include "subject.h"
#include "text.h"

#include <assert.h>
#include <string.h>

/* Stands for the local part where a bare domain was given; no rule names it by accident. */
static const char local_part[] = "x@";

/* Nothing is recorded, so there is nothing to refer to. */
static const char no_reference[] = "(none)";

bool nm_subject_request(const struct nm_call *call, const struct nm_snapshot *snapshot,
    struct nm_request *out)
{
    const char *sender = call->values[NM_CLI_SENDER];
    const char *client = call->values[NM_CLI_CLIENT];
    const char *auth = call->values[NM_CLI_AUTH];

    *out = (struct nm_request){
        .sender = "", .auth = auth, .sender_unknown = sender == NULL};
    if (sender != NULL && strcmp(sender, "<>") != 0)
        out->sender = sender;
    if (client != NULL && !nm_ip_parse(client, &out->client)) {
        (void)nm_wrong_value(
            call, "--client is an IP address, not \"%s\"", nm_show(client).text);
        return false;
    }
    if ((client != NULL || auth != NULL) &&
        !nm_snapshot_is_outbound(snapshot, &out->client, auth))
        (void)nm_complain_and(call, NM_EXIT_FINE,
            "note: by \"outbound\" in the configuration the daemon would not judge "
            "mail "
            "from there");
    return true;
}

/* A name with a dot, in ASCII or another script, and no local part. A name without one is
 * what mail servers complete to an address of their own. */
static bool is_bare_domain(struct nm_bytes given)
{
    if (given.length == 0 || memchr(given.data, '@', given.length) != NULL ||
        memchr(given.data, '"', given.length) != NULL)
        return false;
    if (memchr(given.data, '.', given.length) != NULL)
        return true;
    for (size_t i = 0; i < given.length; i++)
        if ((unsigned char)given.data[i] >= 0x80)
            return true;
    return false;
}

static bool is_ascii(struct nm_bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++)
        if ((unsigned char)bytes.data[i] >= 0x80)
            return false;
    return true;
}

void nm_subject_judge(const struct nm_view *view, const struct nm_request *request,
    const char *text, size_t length, struct nm_subject *subject)
{
    const struct nm_bytes given = nm_without_brackets((struct nm_bytes){text, length});
    const bool bare = is_bare_domain(given);
    const struct nm_bytes judged = bare ? given : (struct nm_bytes){text, length};
    struct nm_buf path;

    assert(length <= NM_LINE_MAX);
    subject->given = given;
    subject->request = *request;
    nm_buf_init(&path, subject->path, sizeof subject->path);
    nm_buf_puts(&path, bare ? local_part : "");
    nm_buf_put(&path, judged.data, judged.length);
    assert(!path.truncated);
    memcpy(subject->recipient, bare ? subject->path : given.data,
        bare ? path.length : given.length);
    subject->recipient[bare ? path.length : given.length] = '\0';
    subject->request.recipient_text = subject->recipient;
    subject->request.smtputf8 = !is_ascii(given);
    nm_judge(view, &subject->request, (struct nm_bytes){subject->path, path.length},
        no_reference, &subject->judgement);
}

bool nm_subject_is_near_miss(const struct nm_subject *subject)
{
    return subject->judgement.verdict.match == NM_MATCH_NEAR_MISS;
}

const char *nm_match_words(enum nm_match match)
{
    static const char *const words[NM_MATCH_COUNT] = {
        [NM_MATCH_INVALID] = "cannot be judged",
        [NM_MATCH_NONE] = "nothing known, nothing near",
        [NM_MATCH_OWN] = "this site's own",
        [NM_MATCH_PROTECTED] = "protected",
        [NM_MATCH_ALLOWED] = "allowed",
        [NM_MATCH_KNOWN] = "known",
        [NM_MATCH_NEAR_MISS] = "near miss",
    };

    return words[match];
}

void nm_put_why_not_judged(FILE *out, const struct nm_address *address)
{
    switch (address->kind) {
    case NM_ADDRESS_INVALID:
        (void)fprintf(out, " (%s)", nm_address_fault_text(address->fault));
        break;
    case NM_ADDRESS_NULL:
        (void)fputs(" (the null address)", out);
        break;
    case NM_ADDRESS_LOCAL:
        (void)fputs(" (it has no domain)", out);
        break;
    case NM_ADDRESS_LITERAL:
        (void)fputs(" (an IP address, not a domain)", out);
        break;
    case NM_ADDRESS_MAILBOX:
        break;
    }
}

void nm_put_decision(
    FILE *out, const struct nm_snapshot *snapshot, const struct nm_decision *decision)
{
    const bool observed = nm_snapshot_values(snapshot)->mode == NM_MODE_OBSERVE ||
                          decision->mode == NM_MODE_OBSERVE;

    (void)fputs(nm_action_name(decision->action), out);
    if (decision->rule != NULL) {
        (void)fputs(", rule ", out);
        nm_put_visible(out, decision->rule, strlen(decision->rule));
    }
    if (observed && decision->action != NM_ACTION_ACCEPT)
        (void)fputs(", but only observed", out);
}

const char *nm_confirm_words(const struct nm_judgement *judgement)
{
    if (judgement->decision.action != NM_ACTION_CONFIRM)
        return NULL;
    switch (judgement->confirm.standing) {
    case NM_CONFIRM_TOO_SOON:
        return "sent again, but too soon to count";
    case NM_CONFIRM_SENT_AGAIN:
        return "sent again: it goes through";
    case NM_CONFIRM_REMEMBERED:
        return "the sender has confirmed this domain: it goes through";
    case NM_CONFIRM_NEW:
        break;
    }
    return "not yet: it is refused until it is sent again";
}

void nm_subject_reply(
    const struct nm_subject *subject, char out[NM_REPLY_SHOWN_MAX + 1])
{
    const struct nm_reply *reply = &subject->judgement.reply;

    out[0] = '\0';
    if (subject->judgement.has_reply)
        (void)snprintf(out, NM_REPLY_SHOWN_MAX + 1, "%u %s %s", reply->code,
            reply->status, reply->text);
}
