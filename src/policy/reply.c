#include <nearmiss/policy.h>

#include "template.h"

#include <string.h>

/* The built-in texts, by what is said: a near miss or a closed domain, for good or for
 * now. */
static const char *const texts[2][2] = {
    {"Mail to %{domain} is not allowed from here (rule %{rule}). Not sent. Ref %{ref}",
        "Mail to %{domain} is put off (rule %{rule}). Not sent yet. Ref %{ref}"},
    {"%{domain} looks like a slip for %{target} (%{slip}). Not sent. Ref %{ref}",
        "%{domain} looks like a slip for %{target} (%{slip}). Not sent yet. Ref "
        "%{ref}"},
};

/* Copy `from`, with a question mark for each character that the reply must not hold. */
static void put_safe(struct nm_buf *out, const char *from, bool utf8)
{
    const size_t size = strlen(from);
    uint32_t code_point;
    size_t step;

    for (size_t at = 0; at < size; at += step) {
        step = nm_utf8_decode(from + at, size - at, &code_point);
        if (step == 0) {
            step = 1;
            nm_buf_puts(out, "?");
        } else if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
                   (code_point >= 0x80 && !utf8)) {
            nm_buf_puts(out, "?");
        } else if (step < out->capacity - out->length) {
            nm_buf_put(out, from + at, step);
        } else {
            out->truncated = true;
            return;
        }
    }
}

/* The sender is the one value that a stranger chose: nothing in it may change how the
 * rest of the reply is shown. */
static void put_sender(struct nm_buf *out, const char *sender)
{
    const size_t size = strlen(sender);
    char shown[NM_VISIBLE_MAX + 1];

    for (size_t at = 0; at < size;) {
        const size_t step = nm_visible(sender + at, size - at, shown);
        const bool escaped = shown[0] == '\\' && sender[at] != '\\';

        nm_buf_put(out, escaped ? "?" : sender + at, escaped ? 1 : step);
        at += step;
    }
}

static void expand(
    const char *template, const char *const *values, bool utf8, struct nm_reply *out)
{
    char expanded[4 * NM_REPLY_TEXT_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, expanded, sizeof expanded);
    nm_template_expand(template, values, &buf);
    nm_buf_init(&buf, out->text, sizeof out->text);
    put_safe(&buf, expanded, utf8);
}

void nm_reply_make(const struct nm_decision *decision, const struct nm_request *request,
    const char *reference, struct nm_reply *out)
{
    const struct nm_verdict *verdict = request->verdict;
    const bool near_miss = verdict->match == NM_MATCH_NEAR_MISS;
    const bool for_now = decision->action == NM_ACTION_DEFER;
    const char *built_in = texts[near_miss][for_now];
    const char *values[NM_TEMPLATE_VALUE_COUNT];
    char sender[NM_REPLY_TEXT_MAX + 1];
    char slip[256];
    struct nm_buf buf;

    nm_buf_init(&buf, sender, sizeof sender);
    put_sender(&buf, request->sender);
    nm_buf_init(&buf, slip, sizeof slip);
    if (near_miss)
        nm_candidate_describe(&verdict->best, &buf);
    values[NM_TEMPLATE_DOMAIN] = request->recipient->kind == NM_ADDRESS_MAILBOX
                                     ? request->recipient->domain.name
                                     : "this address";
    values[NM_TEMPLATE_TARGET] = near_miss ? verdict->best.target.name : "";
    values[NM_TEMPLATE_SLIP] = slip;
    values[NM_TEMPLATE_REF] = reference;
    values[NM_TEMPLATE_RULE] = decision->rule != NULL ? decision->rule : "";
    values[NM_TEMPLATE_SENDER] = sender;

    expand(decision->reply != NULL ? decision->reply : built_in, values,
        request->smtputf8, out);
    /* A template of values that are all empty here would leave nothing to read. */
    if (out->text[strspn(out->text, " ")] == '\0')
        expand(built_in, values, request->smtputf8, out);
    out->code = for_now ? 451 : 550;
    (void)nm_copy(out->status, sizeof out->status, for_now ? "4.7.1" : "5.7.1");
}
