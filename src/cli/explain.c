#include "command.h"
#include "drawing.h"
#include "explain_allow.h"
#include "json.h"
#include "load.h"
#include "subject.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MAX = 10 };

/* Candidates that are less probable are told of and not shown, but for the first. */
#define CANDIDATE_CONFIDENCE_MIN 0.001

struct explanation {
    const struct nm_call *call;
    struct nm_view view;
    const struct nm_snapshot_values *values;
    struct nm_subject subject;
    struct nm_candidate candidates[CANDIDATES_MAX];
    size_t candidate_count;
    struct nm_allowance allowances[NM_ALLOWANCES_MAX];
    size_t allowance_count;
};

static const struct nm_domain *domain_of(const struct explanation *explanation)
{
    const struct nm_address *address = &explanation->subject.judgement.address;

    return address->kind == NM_ADDRESS_MAILBOX ? &address->domain : NULL;
}

/* Which rule decided: its number, or the number of rules when none did. */
static size_t deciding_rule(const struct explanation *explanation)
{
    const struct nm_policy *policy = explanation->values->policy;
    const char *name = explanation->subject.judgement.decision.rule;
    size_t rule = 0;

    while (rule < nm_policy_size(policy) &&
           (name == NULL || strcmp(nm_policy_rule_name(policy, rule), name) != 0))
        rule++;
    return rule;
}

/* ---- text --------------------------------------------------------------- */

static void put_title(const struct explanation *explanation, const char *title)
{
    FILE *out = explanation->call->out;

    (void)fputc('\n', out);
    nm_paint(out, explanation->call->colour, NM_BOLD);
    (void)fputs(title, out);
    nm_paint(out, explanation->call->colour, NM_PLAIN);
    (void)fputc('\n', out);
}

/* Whether something is near, but not so near that it is called a near miss. */
static bool is_below_threshold(const struct explanation *explanation)
{
    return explanation->candidate_count > 0 &&
           explanation->subject.judgement.verdict.match == NM_MATCH_NONE;
}

static void put_head(const struct explanation *explanation)
{
    FILE *out = explanation->call->out;
    const struct nm_judgement *judgement = &explanation->subject.judgement;
    const struct nm_domain *domain = domain_of(explanation);
    struct nm_domain_parts parts;

    nm_put_visible(
        out, explanation->subject.given.data, explanation->subject.given.length);
    (void)fprintf(out, ": %s", nm_match_words(judgement->verdict.match));
    if (is_below_threshold(explanation))
        (void)fputs(" enough", out);
    if (judgement->verdict.match == NM_MATCH_NEAR_MISS) {
        (void)fputs(" of ", out);
        nm_put_domain(out, explanation->values->names, &judgement->verdict.best.target);
        (void)fprintf(out, ", confidence %s",
            nm_confidence_text(judgement->verdict.confidence).text);
    }
    if (judgement->verdict.listed != NULL && judgement->exception == NULL) {
        (void)fputs(", by the entry ", out);
        nm_put_visible(
            out, judgement->verdict.listed, strlen(judgement->verdict.listed));
    }
    nm_put_why_not_judged(out, &judgement->address);
    (void)fputc('\n', out);
    if (domain == NULL)
        return;
    parts = nm_domain_split(explanation->values->names, domain);
    (void)fputs("  domain         ", out);
    nm_put_domain(out, explanation->values->names, domain);
    (void)fprintf(out, "\n  public suffix  %s%s\n",
        parts.suffix < domain->length ? domain->name + parts.suffix : domain->name,
        parts.suffix_known ? "" : " (not in the public suffix list)");
    if (judgement->exception != NULL)
        nm_put_exception(out, judgement->exception);
}

static void put_factor(FILE *out, const char *name, double factor, const char *meaning)
{
    (void)fprintf(out, "       %-8s %8.2f  %s\n", name, factor, meaning);
}

static void put_candidate(const struct explanation *explanation, size_t number)
{
    FILE *out = explanation->call->out;
    const struct nm_candidate *candidate = &explanation->candidates[number];
    struct nm_drawing drawing;
    char words[256];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(candidate, &buf);
    nm_draw_slips(
        explanation->values->names, domain_of(explanation), candidate, &drawing);
    (void)fprintf(out, "\n  %2zu.  ", number + 1);
    nm_put_domain(out, explanation->values->names, &candidate->target);
    (void)fprintf(
        out, "  confidence %s\n", nm_confidence_text(candidate->confidence).text);
    (void)fprintf(
        out, "       %s (%s)\n", words, nm_technique_name(candidate->technique));
    (void)fprintf(out, "       typed  %s\n       meant  %s\n              %s\n",
        drawing.typed, drawing.meant, drawing.marks);
    put_factor(out, "prior", candidate->prior, "how often mail goes to the meant name");
    put_factor(out, "slip", candidate->slip, "how easily the meant name turns into it");
    put_factor(
        out, "genuine", candidate->genuine, "how often mail goes to the typed name");
}

static void put_candidates(const struct explanation *explanation)
{
    FILE *out = explanation->call->out;
    size_t shown = 0;

    if (domain_of(explanation) == NULL)
        return;
    if (explanation->candidate_count == 0) {
        if (explanation->subject.judgement.verdict.match == NM_MATCH_NONE)
            put_title(explanation, "No name near it is known.");
        return;
    }
    put_title(explanation, "What may have been meant, most probable first");
    if (is_below_threshold(explanation))
        (void)fprintf(out,
            "  Together they are less than the %s from which a name is a near miss "
            "(match.threshold).\n",
            nm_confidence_text(nm_index_threshold(explanation->values->index)).text);
    (void)fputs(
        "  The factors are natural logarithms: 1 more is 2.7 times as much. Prior and "
        "slip\n  speak for the meant name, genuine for the typed one; where the one "
        "is 2.2 more than\n  the other, the confidence is 0.9.\n",
        out);
    for (; shown < explanation->candidate_count; shown++) {
        if (shown > 0 &&
            explanation->candidates[shown].confidence < CANDIDATE_CONFIDENCE_MIN)
            break;
        put_candidate(explanation, shown);
    }
    if (shown < explanation->candidate_count)
        (void)fprintf(out, "\n  Others are below %g.\n", CANDIDATE_CONFIDENCE_MIN);
}

static void put_rules(const struct explanation *explanation)
{
    FILE *out = explanation->call->out;
    const struct nm_policy *policy = explanation->values->policy;
    const size_t deciding = deciding_rule(explanation);
    size_t width = 0;

    put_title(explanation,
        nm_policy_size(policy) > 0 ? "Rules, in their order" : "There are no rules.");
    for (size_t i = 0; i < nm_policy_size(policy); i++)
        if (nm_columns(nm_policy_rule_name(policy, i)) > width)
            width = nm_columns(nm_policy_rule_name(policy, i));
    for (size_t i = 0; i < nm_policy_size(policy); i++) {
        const char *name = nm_policy_rule_name(policy, i);
        const char *why = nm_policy_explain(policy, i, &explanation->subject.request);

        (void)fputs("  ", out);
        nm_put_visible(out, name, strlen(name));
        (void)fprintf(out, "%*s  ", (int)(width - nm_columns(name)), "");
        if (i == deciding)
            (void)fputs("fits, and decides\n", out);
        else
            (void)fprintf(out, "%s\n",
                why != NULL ? why : "fits too, but an earlier rule has decided");
    }
}

static void put_end(const struct explanation *explanation)
{
    FILE *out = explanation->call->out;
    const char *confirm = nm_confirm_words(&explanation->subject.judgement);
    char reply[NM_REPLY_SHOWN_MAX + 1];

    nm_subject_reply(&explanation->subject, reply);
    put_title(explanation, "Decision");
    (void)fputs("  ", out);
    nm_put_decision(
        out, explanation->view.snapshot, &explanation->subject.judgement.decision);
    (void)fputc('\n', out);
    if (confirm != NULL)
        (void)fprintf(out, "  Confirmed: %s\n", confirm);
    if (reply[0] != '\0') {
        (void)fputs("  ", out);
        nm_put_visible(out, reply, strlen(reply));
        (void)fputc('\n', out);
    }
}

static void put_allowances(const struct explanation *explanation)
{
    if (explanation->allowance_count > 0)
        put_title(explanation, "What an exception would change");
    for (size_t i = 0; i < explanation->allowance_count; i++)
        nm_put_allowance(explanation->call->out, &explanation->view,
            domain_of(explanation), &explanation->allowances[i]);
}

static void put_text(const struct explanation *explanation)
{
    put_head(explanation);
    put_candidates(explanation);
    put_rules(explanation);
    put_end(explanation);
    put_allowances(explanation);
}

/* ---- JSON --------------------------------------------------------------- */

static json_t *slip_json(const struct nm_slip *slip)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:b}", "technique",
        nm_technique_name(slip->technique), "typed_at", (int)slip->typed_at,
        "typed_length", (int)slip->typed_length, "meant_at", (int)slip->meant_at,
        "meant_length", (int)slip->meant_length, "in_suffix", (int)slip->in_suffix);
}

/* Append to an array as nm_json_add() does to an object. */
static void append(struct nm_json *json, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        json->failed = true;
}

static json_t *candidate_json(const struct nm_candidate *candidate)
{
    struct nm_json json = nm_json_begin();
    json_t *slips = json_array();
    char words[256];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(candidate, &buf);
    for (size_t i = 0; i < candidate->slip_count; i++)
        append(&json, slips, slip_json(&candidate->slips[i]));
    nm_json_add_text(&json, "target", candidate->target.name);
    nm_json_add_text(&json, "technique", nm_technique_name(candidate->technique));
    nm_json_add_text(&json, "slip_text", words);
    nm_json_add(&json, "slips", slips);
    nm_json_add(&json, "prior", json_real(candidate->prior));
    nm_json_add(&json, "slip", json_real(candidate->slip));
    nm_json_add(&json, "genuine", json_real(candidate->genuine));
    nm_json_add_confidence(&json, "confidence", candidate->confidence);
    return nm_json_take(&json);
}

static json_t *rule_json(const struct explanation *explanation, size_t rule)
{
    struct nm_json json = nm_json_begin();
    const struct nm_policy *policy = explanation->values->policy;
    const char *why = nm_policy_explain(policy, rule, &explanation->subject.request);

    nm_json_add_text(&json, "name", nm_policy_rule_name(policy, rule));
    nm_json_add(&json, "fits", json_boolean(why == NULL));
    nm_json_add(&json, "decides", json_boolean(rule == deciding_rule(explanation)));
    nm_json_add_text(&json, "why_not", why);
    return nm_json_take(&json);
}

static bool put_json(const struct explanation *explanation)
{
    const struct nm_subject *subject = &explanation->subject;
    const struct nm_judgement *judgement = &subject->judgement;
    const struct nm_domain *domain = domain_of(explanation);
    struct nm_json json = nm_json_begin();
    json_t *candidates = json_array();
    json_t *rules = json_array();
    char reply[NM_REPLY_SHOWN_MAX + 1];

    for (size_t i = 0; i < explanation->candidate_count; i++)
        append(&json, candidates, candidate_json(&explanation->candidates[i]));
    for (size_t i = 0; i < nm_policy_size(explanation->values->policy); i++)
        append(&json, rules, rule_json(explanation, i));
    nm_subject_reply(subject, reply);
    nm_json_add_bytes(&json, "recipient", subject->given.data, subject->given.length);
    nm_json_add_text(&json, "domain", domain != NULL ? domain->name : NULL);
    nm_json_add_text(&json, "match", nm_match_name(judgement->verdict.match));
    nm_json_add_text(&json, "listed", judgement->verdict.listed);
    nm_json_add_confidence(&json, "confidence",
        nm_subject_is_near_miss(subject) ? judgement->verdict.confidence : -1);
    nm_json_add(&json, "candidates", candidates);
    nm_json_add(&json, "rules", rules);
    nm_json_add_text(&json, "rule", judgement->decision.rule);
    nm_json_add_text(&json, "action", nm_action_name(judgement->decision.action));
    nm_json_add_nonempty(&json, "reply", reply);
    if (judgement->decision.action == NM_ACTION_CONFIRM)
        nm_json_add_text(
            &json, "confirm", nm_confirm_standing_name(judgement->confirm.standing));
    nm_json_add_exception(&json, judgement->exception);
    nm_json_add_allowances(
        &json, explanation->allowances, explanation->allowance_count);
    nm_json_add_hex_if_invalid(
        &json, "recipient_hex", subject->given.data, subject->given.length);
    return nm_json_end(&json, explanation->call->out);
}

/* ---- the subcommand ----------------------------------------------------- */

static enum nm_exit explain(
    struct explanation *explanation, const char *text, enum nm_format format)
{
    const size_t length = strlen(text);
    struct nm_request request;

    if (!nm_subject_request(explanation->call, explanation->view.snapshot, &request))
        return NM_EXIT_USAGE;
    nm_subject_judge(&explanation->view, &request, text,
        length < NM_LINE_MAX ? length : NM_LINE_MAX, &explanation->subject);
    if (domain_of(explanation) != NULL)
        explanation->candidate_count = nm_index_candidates(explanation->values->index,
            domain_of(explanation), explanation->candidates, CANDIDATES_MAX);
    if (!nm_try_allowances(&explanation->view, &explanation->subject,
            explanation->allowances, &explanation->allowance_count))
        return nm_complain_and(explanation->call, NM_EXIT_SYSTEM, "out of memory");
    if (format == NM_FORMAT_TEXT)
        put_text(explanation);
    else if (!put_json(explanation))
        return nm_complain_and(explanation->call, NM_EXIT_SYSTEM, "out of memory");
    return nm_subject_is_near_miss(&explanation->subject) ? NM_EXIT_FINDING
                                                          : NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct explanation *explanation = calloc(1, sizeof *explanation);
    struct nm_config *config = NULL;
    struct nm_world world = {.snapshot = NULL};
    enum nm_exit status = NM_EXIT_USAGE;
    enum nm_format format;

    if (explanation == NULL)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (!nm_call_format(call, NM_FORMAT_JSON, &format))
        goto out;
    status = nm_load(call, &config, &world);
    if (status != NM_EXIT_FINE)
        goto out;
    explanation->call = call;
    explanation->view = nm_world_view(&world, call->now_us);
    explanation->values = nm_snapshot_values(world.snapshot);
    status = explain(explanation, call->arguments[0], format);
out:
    nm_world_free(&world);
    nm_config_free(&config);
    free(explanation);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SENDER, "envelope sender for the rules (default: none, <>)"},
    {NM_CLI_CLIENT, "client that sends, for the rules (default: local)"},
    {NM_CLI_AUTH, "user it has logged in as (default: none)"},
    {NM_CLI_FORMAT, "text (default), or json: one object"},
};

static const char description[] =
    "Judges ADDRESS, which may be a bare domain, as \"nearmiss check\" does, and\n"
    "shows what led there: up to ten names that may have been meant, each with its\n"
    "slips marked under the letters and with the three factors of its confidence;\n"
    "then each rule, with the condition that keeps it from fitting, and what an\n"
    "exception (\"nearmiss allow add\") would change.\n"
    "\n"
    "The odds that the name is a slip are the sum of prior * slip over all\n"
    "candidates, divided by genuine. The confidence tells how often names of such\n"
    "odds turned out to be slips; each candidate has its share of it. Rules ask for\n"
    "the whole: that the name is a slip at all, for whichever of them.\n";

const struct nm_command nm_command_explain = {
    .name = "explain",
    .summary = "why an address is judged as it is: candidates, factors, rules",
    .arguments = "ADDRESS",
    .description = description,
    .finding = "the address is a near miss",
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
