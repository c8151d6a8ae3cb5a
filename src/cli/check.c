#include "command.h"
#include "json.h"
#include "lines.h"
#include "load.h"
#include "subject.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct nm_call *call;
    struct nm_view view;
    struct nm_request request;
    enum nm_format format;
    bool found; /* a near miss */
    struct nm_subject subject;
    struct nm_lines lines;
};

/* ---- JSON --------------------------------------------------------------- */

static bool put_json(FILE *out, const struct nm_subject *subject)
{
    const struct nm_judgement *judgement = &subject->judgement;
    const struct nm_candidate *best =
        nm_subject_is_near_miss(subject) ? &judgement->verdict.best : NULL;
    const bool has_domain = judgement->address.kind == NM_ADDRESS_MAILBOX;
    struct nm_json json = nm_json_begin();
    char reply[NM_REPLY_SHOWN_MAX + 1];

    nm_subject_reply(subject, reply);
    nm_json_add_bytes(&json, "recipient", subject->given.data, subject->given.length);
    nm_json_add_text(
        &json, "domain", has_domain ? judgement->address.domain.name : NULL);
    nm_json_add_text(&json, "match", nm_match_name(judgement->verdict.match));
    nm_json_add_text(&json, "target", best != NULL ? best->target.name : NULL);
    nm_json_add_text(
        &json, "technique", best != NULL ? nm_technique_name(best->technique) : NULL);
    nm_json_add_confidence(
        &json, "confidence", best != NULL ? judgement->verdict.confidence : -1);
    nm_json_add_text(&json, "rule", judgement->decision.rule);
    nm_json_add_text(&json, "action", nm_action_name(judgement->decision.action));
    nm_json_add_nonempty(&json, "reply", reply);
    if (judgement->decision.action == NM_ACTION_CONFIRM)
        nm_json_add_text(
            &json, "confirm", nm_confirm_standing_name(judgement->confirm.standing));
    nm_json_add_hex_if_invalid(
        &json, "recipient_hex", subject->given.data, subject->given.length);
    return nm_json_end(&json, out);
}

/* ---- text --------------------------------------------------------------- */

static void put_label(FILE *out, const char *label)
{
    (void)fprintf(out, "  %-12s", label);
}

static void put_near_miss(
    FILE *out, const struct nm_names *names, const struct nm_judgement *judgement)
{
    const struct nm_candidate *best = &judgement->verdict.best;
    char words[256];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(best, &buf);
    put_label(out, "target");
    nm_put_domain(out, names, &best->target);
    (void)fputc('\n', out);
    put_label(out, "slip");
    (void)fprintf(out, "%s (%s)\n", words, nm_technique_name(best->technique));
    put_label(out, "confidence");
    (void)fprintf(out, "%s\n", nm_confidence_text(judgement->verdict.confidence).text);
}

static void put_given(FILE *out, const struct nm_subject *subject)
{
    if (subject->judgement.address.kind == NM_ADDRESS_NULL)
        (void)fputs("<>", out);
    else if (subject->given.length == 0)
        (void)fputs("\"\"", out);
    else
        nm_put_visible(out, subject->given.data, subject->given.length);
}

/* Why the rules before the one that decided did not: the first few of them. */
static void put_passed_over(const struct check *check)
{
    enum { SHOWN_MAX = 12 };
    const struct nm_policy *policy = nm_snapshot_values(check->view.snapshot)->policy;
    const struct nm_request *request = &check->subject.request;
    FILE *out = check->call->out;
    size_t count = 0;

    if (check->subject.judgement.decision.rule == NULL &&
        !nm_subject_is_near_miss(&check->subject))
        return;
    while (count < nm_policy_size(policy) &&
           nm_policy_explain(policy, count, request) != NULL)
        count++;
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
        const char *name = nm_policy_rule_name(policy, i);

        put_label(out, i == 0 ? "passed over" : "");
        nm_put_visible(out, name, strlen(name));
        (void)fprintf(out, ": %s\n", nm_policy_explain(policy, i, request));
    }
    if (count > SHOWN_MAX) {
        put_label(out, "");
        (void)fprintf(
            out, "and %zu more rules; see nearmiss explain\n", count - SHOWN_MAX);
    }
}

/* What comes of it, below a line that says what it is. */
static void put_details(const struct check *check)
{
    FILE *out = check->call->out;
    const struct nm_subject *subject = &check->subject;
    const struct nm_address *address = &subject->judgement.address;
    const struct nm_names *names = nm_snapshot_values(check->view.snapshot)->names;
    char reply[NM_REPLY_SHOWN_MAX + 1];

    if (address->kind == NM_ADDRESS_MAILBOX && address->domain.idn) {
        put_label(out, "domain");
        nm_put_domain(out, names, &address->domain);
        (void)fputc('\n', out);
    }
    if (nm_subject_is_near_miss(subject))
        put_near_miss(out, names, &subject->judgement);
    put_label(out, "action");
    nm_put_decision(out, check->view.snapshot, &subject->judgement.decision);
    (void)fputc('\n', out);
    if (nm_confirm_words(&subject->judgement) != NULL) {
        put_label(out, "confirmed");
        (void)fprintf(out, "%s\n", nm_confirm_words(&subject->judgement));
    }
    put_passed_over(check);
    nm_subject_reply(subject, reply);
    if (reply[0] != '\0') {
        put_label(out, "reply");
        nm_put_visible(out, reply, strlen(reply));
        (void)fputc('\n', out);
    }
}

/* One line where nothing happens, else more. */
static void put_text(const struct check *check)
{
    FILE *out = check->call->out;
    const struct nm_judgement *judgement = &check->subject.judgement;
    const bool near_miss = nm_subject_is_near_miss(&check->subject);
    const bool plain = !near_miss && !judgement->address.domain.idn &&
                       judgement->decision.action == NM_ACTION_ACCEPT;

    put_given(out, &check->subject);
    (void)fputs(": ", out);
    nm_paint(out, check->call->colour && near_miss, NM_RED);
    (void)fputs(nm_match_words(judgement->verdict.match), out);
    nm_paint(out, check->call->colour && near_miss, NM_PLAIN);
    nm_put_why_not_judged(out, &judgement->address);
    if (plain)
        (void)fputs(": ", out);
    if (plain)
        nm_put_decision(out, check->view.snapshot, &judgement->decision);
    (void)fputc('\n', out);
    if (!plain)
        put_details(check);
}

/* ---- the subcommand ----------------------------------------------------- */

static enum nm_exit check_one(struct check *check, const char *text, size_t length)
{
    nm_subject_judge(&check->view, &check->request, text,
        length < NM_LINE_MAX ? length : NM_LINE_MAX, &check->subject);
    if (nm_subject_is_near_miss(&check->subject))
        check->found = true;
    if (check->format == NM_FORMAT_TEXT)
        put_text(check);
    else if (!put_json(check->call->out, &check->subject))
        return nm_complain_and(check->call, NM_EXIT_SYSTEM, "out of memory");
    return ferror(check->call->out) ? NM_EXIT_SYSTEM : NM_EXIT_FINE;
}

static enum nm_exit check_input(struct check *check)
{
    const char *line;
    size_t length;
    enum nm_exit status = NM_EXIT_FINE;

    nm_lines_begin(&check->lines, check->call->in, check->call->out);
    while (status == NM_EXIT_FINE && nm_lines_next(&check->lines, &line, &length))
        status = check_one(check, line, length);
    if (status == NM_EXIT_FINE && check->lines.failure != 0)
        return nm_complain_and(check->call, NM_EXIT_SYSTEM,
            "cannot read standard input: %s", strerror(check->lines.failure));
    return status;
}

static enum nm_exit check_all(struct check *check)
{
    enum nm_exit status = NM_EXIT_FINE;

    for (size_t i = 0; status == NM_EXIT_FINE && i < check->call->argument_count; i++) {
        const char *argument = check->call->arguments[i];

        status = strcmp(argument, "-") == 0
                     ? check_input(check)
                     : check_one(check, argument, strlen(argument));
    }
    if (status == NM_EXIT_FINE && check->found)
        return NM_EXIT_FINDING;
    return status;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct check *check = calloc(1, sizeof *check);
    struct nm_config *config = NULL;
    struct nm_world world = {.snapshot = NULL};
    enum nm_exit status = NM_EXIT_USAGE;

    if (check == NULL)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    check->call = call;
    if (!nm_call_format(call, NM_FORMAT_JSON, &check->format))
        goto out;
    status = nm_load(call, &config, &world);
    if (status != NM_EXIT_FINE)
        goto out;
    check->view = nm_world_view(&world, call->now_us);
    status = nm_subject_request(call, world.snapshot, &check->request)
                 ? check_all(check)
                 : NM_EXIT_USAGE;
out:
    nm_world_free(&world);
    nm_config_free(&config);
    free(check);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SENDER, "envelope sender for the rules (default: none, <>)"},
    {NM_CLI_CLIENT, "client that sends, for the rules (default: local)"},
    {NM_CLI_AUTH, "user it has logged in as (default: none)"},
    {NM_CLI_FORMAT, "text (default), or json: one object a line"},
};

static const char description[] =
    "Judges each ADDRESS, which may be a bare domain, as the daemon judges a\n"
    "recipient, and says what would be done. Nothing is sent and nothing recorded, so\n"
    "that a reply refers to \"(none)\".\n"
    "\n"
    "With - the addresses are read from standard input, one a line. Each line gives\n"
    "exactly one answer, in order, whatever it holds; answers are not held back while\n"
    "more input is waited for.\n"
    "\n"
    "In JSON each object has recipient, domain, match, target, technique, confidence,\n"
    "rule, action and reply, null where there is none; with the action confirm also\n"
    "confirm: new, too-soon, sent-again or remembered; for a recipient that is not\n"
    "valid UTF-8, recipient_hex has its bytes.\n";

const struct nm_command nm_command_check = {
    .name = "check",
    .summary = "what would be done with mail to an address or a domain",
    .arguments = "ADDRESS... | -",
    .description = description,
    .finding = "at least one address is a near miss",
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = SIZE_MAX,
    .run = run,
};
