#include <nearmiss/policy.h>

#include "template.h"

#include <string.h>

enum kind { FOR_GOOD, FOR_NOW, UNTIL_CONFIRMED, KINDS };

/* The built-in texts, by what is said of a closed domain, or of a near miss. */
static const char *const texts[2][KINDS] = {
    {"Mail to %{domain} is not allowed from here (rule %{rule}). Not sent. If it "
     "should be, "
     "ask %{contact}. Ref %{ref}",
        "Mail to %{domain} is put off (rule %{rule}). Not sent yet. Ref %{ref}",
        "Mail to %{domain} is to be confirmed (rule %{rule}). Not sent. %{confirm} Ref "
        "%{ref}"},
    {"%{domain} looks like a slip for %{target} (%{slip}). Not sent. If it is right, "
     "ask "
     "%{contact}. Ref %{ref}",
        "%{domain} looks like a slip for %{target} (%{slip}). Not sent yet. If it is "
        "right, ask %{contact}. Ref %{ref}",
        "%{domain} looks like a slip for %{target} (%{slip}). Not sent. %{confirm} Ref "
        "%{ref}"},
};

static enum kind kind_of(enum nm_action action)
{
    if (action == NM_ACTION_CONFIRM)
        return UNTIL_CONFIRMED;
    return action == NM_ACTION_DEFER ? FOR_NOW : FOR_GOOD;
}

/* ---- how to confirm ----------------------------------------------------- */

/* "20 seconds", "4 hours": in the greatest unit that says it exactly. */
static void put_duration(struct nm_buf *out, uint32_t seconds)
{
    static const struct {
        uint32_t seconds;
        const char *name;
    } units[] = {{24 * 3600, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;

    while (seconds % units[i].seconds != 0)
        i++;
    nm_buf_printf(out, "%u %s%s", (unsigned)(seconds / units[i].seconds), units[i].name,
        seconds / units[i].seconds == 1 ? "" : "s");
}

/* What a person does who means it. */
static void put_way(struct nm_buf *out, const struct nm_confirm_terms *terms)
{
    if (terms->code != NULL) {
        nm_buf_printf(out,
            "If you mean it, put %s into the subject and send it again within ",
            terms->code);
        put_duration(out, terms->window_s);
        nm_buf_puts(out, ".");
        return;
    }
    nm_buf_puts(out, terms->too_soon ? "It was sent again too soon: if you mean it, "
                                     : "If you mean it, ");
    nm_buf_puts(out, "send it again in a moment, ");
    if (terms->wait_s > 0) {
        nm_buf_puts(out, "not before ");
        put_duration(out, terms->wait_s);
        nm_buf_puts(out, " have passed and ");
    }
    nm_buf_puts(out, "within ");
    put_duration(out, terms->window_s);
    nm_buf_puts(out, ".");
}

/* ---- values ------------------------------------------------------------- */

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
    const char *way = values[NM_TEMPLATE_CONFIRM];
    char expanded[4 * NM_REPLY_TEXT_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, expanded, sizeof expanded);
    nm_template_expand(template, values, &buf);
    if (way[0] != '\0' && !nm_template_uses(template, NM_TEMPLATE_CONFIRM))
        nm_buf_printf(&buf, " %s", way);
    nm_buf_init(&buf, out->text, sizeof out->text);
    put_safe(&buf, expanded, utf8);
}

void nm_reply_make(const struct nm_decision *decision, const struct nm_request *request,
    const char *reference, struct nm_reply *out)
{
    const struct nm_verdict *verdict = request->verdict;
    const bool near_miss = verdict->match == NM_MATCH_NEAR_MISS;
    const enum kind kind = kind_of(decision->action);
    const char *built_in = texts[near_miss][kind];
    const char *values[NM_TEMPLATE_VALUE_COUNT];
    char sender[NM_REPLY_TEXT_MAX + 1];
    char slip[256];
    char way[256];
    struct nm_buf buf;

    nm_buf_init(&buf, way, sizeof way);
    if (kind == UNTIL_CONFIRMED)
        put_way(&buf, &request->confirm);
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
    values[NM_TEMPLATE_CONFIRM] = way;
    values[NM_TEMPLATE_CONTACT] =
        request->contact != NULL && request->contact[0] != '\0' ? request->contact
                                                                : "your postmaster";

    expand(decision->reply != NULL ? decision->reply : built_in, values,
        request->smtputf8, out);
    /* A template of values that are all empty here would leave nothing to read. */
    if (out->text[strspn(out->text, " ")] == '\0')
        expand(built_in, values, request->smtputf8, out);
    out->code = kind == FOR_NOW ? 451 : 550;
    (void)nm_copy(out->status, sizeof out->status, kind == FOR_NOW ? "4.7.1" : "5.7.1");
}
