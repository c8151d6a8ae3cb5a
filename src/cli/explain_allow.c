#include "explain_allow.h"

#include "text.h"
#include "times.h"

#include "state/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- trying ------------------------------------------------------------- */

static bool is_open(const struct nm_subject *subject)
{
    const struct nm_judgement *judgement = &subject->judgement;
    const enum nm_match match = judgement->verdict.match;

    return judgement->address.kind == NM_ADDRESS_MAILBOX &&
           judgement->decision.action != NM_ACTION_ACCEPT &&
           (match == NM_MATCH_NONE || match == NM_MATCH_KNOWN ||
               match == NM_MATCH_NEAR_MISS);
}

/* Judge once more, by just this one exception. */
static bool try_one(const struct nm_view *view, const struct nm_subject *subject,
    const struct nm_domain *target, struct nm_allowance *out)
{
    const struct nm_exception exception = {.domain = subject->judgement.address.domain,
        .target = *target,
        .author = "",
        .expires_us = INT64_MAX};
    struct nm_view tried = *view;
    struct nm_request request = subject->request;
    struct nm_judgement judgement;
    struct nm_overlay *overlay = NULL;

    /* Judging counts the recipient among the message's near misses. */
    request.near_misses -= subject->judgement.verdict.match == NM_MATCH_NEAR_MISS;
    if (nm_overlay_new(&exception, 1, &overlay) != NM_OK)
        return false;
    tried.overlay = overlay;
    nm_judge(&tried, &request, (struct nm_bytes){subject->path, strlen(subject->path)},
        "", &judgement);
    nm_overlay_release(&overlay);
    out->target = *target;
    out->match = judgement.verdict.match;
    out->decision = judgement.decision;
    return true;
}

bool nm_try_allowances(const struct nm_view *view, const struct nm_subject *subject,
    struct nm_allowance out[NM_ALLOWANCES_MAX], size_t *count)
{
    const struct nm_domain any = {.length = 0};
    const struct nm_verdict *verdict = &subject->judgement.verdict;

    *count = 0;
    if (!is_open(subject))
        return true;
    if (!try_one(view, subject, &any, &out[(*count)++]))
        return false;
    return verdict->match != NM_MATCH_NEAR_MISS ||
           try_one(view, subject, &verdict->best.target, &out[(*count)++]);
}

/* ---- text --------------------------------------------------------------- */

static void put_text(FILE *out, const char *text)
{
    nm_put_visible(out, text, strlen(text));
}

void nm_put_exception(FILE *out, const struct nm_exception *exception)
{
    char words[2 * NM_DOMAIN_MAX + NM_EXCEPTION_SENDER_MAX + 32];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_exception_describe(exception, &buf);
    (void)fputs("  exception      ", out);
    put_text(out, words);
    if (exception->expires_us != INT64_MAX)
        (void)fprintf(
            out, ", until %s UTC", nm_time_format_short(exception->expires_us).text);
    (void)fputs(", set by ", out);
    put_text(out, exception->author);
    if (exception->reason != NULL) {
        (void)fputs(": ", out);
        put_text(out, exception->reason);
    }
    (void)fputc('\n', out);
}

void nm_put_allowance(FILE *out, const struct nm_view *view,
    const struct nm_domain *domain, const struct nm_allowance *allowance)
{
    (void)fprintf(out, "  nearmiss allow add %s", domain->name);
    if (allowance->target.length > 0)
        (void)fprintf(out, " --target %s", allowance->target.name);
    (void)fputs("  ", out);
    nm_put_decision(out, view->snapshot, &allowance->decision);
    if (allowance->match == NM_MATCH_NEAR_MISS)
        (void)fputs(": still a near miss, of another", out);
    (void)fputc('\n', out);
}

/* ---- JSON --------------------------------------------------------------- */

void nm_json_add_exception(struct nm_json *json, const struct nm_exception *exception)
{
    struct nm_json inner;
    bool ends;

    if (exception == NULL) {
        nm_json_add(json, "exception", json_null());
        return;
    }
    inner = nm_json_begin();
    ends = exception->expires_us != INT64_MAX;
    nm_json_add_text(&inner, "domain", exception->domain.name);
    nm_json_add_nonempty(&inner, "target", exception->target.name);
    nm_json_add_text(&inner, "sender",
        exception->sender != NULL && exception->sender[0] == '\0' ? "<>"
                                                                  : exception->sender);
    nm_json_add_text(&inner, "reason", exception->reason);
    nm_json_add_text(&inner, "actor", exception->author);
    nm_json_add_text(
        &inner, "expires", ends ? nm_time_format(exception->expires_us).text : NULL);
    nm_json_add(json, "exception", nm_json_take(&inner));
}

void nm_json_add_allowances(
    struct nm_json *json, const struct nm_allowance *allowances, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        struct nm_json inner = nm_json_begin();

        nm_json_add_nonempty(&inner, "target", allowances[i].target.name);
        nm_json_add_text(&inner, "match", nm_match_name(allowances[i].match));
        nm_json_add_text(&inner, "rule", allowances[i].decision.rule);
        nm_json_add_text(
            &inner, "action", nm_action_name(allowances[i].decision.action));
        if (json_array_append_new(array, nm_json_take(&inner)) != 0)
            json->failed = true;
    }
    nm_json_add(json, "with_allow", array);
}
