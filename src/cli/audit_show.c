/*
 * `nearmiss audit show REF`: everything on record about a decision, or about all
 * recipients of a message, told as a story.
 */
#include "audit.h"
#include "command.h"
#include "text.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

struct show {
    const struct nm_call *call;
    enum nm_format format;
    struct nm_audit_reader *reader;
    const struct nm_names *names; /* text only */
    json_t *acts;                 /* of one decision; JSON only */
    size_t act_count;
    struct nm_error error;
    size_t rows;
    bool no_memory;
};

/* ---- the story ---------------------------------------------------------- */

static void put_address(FILE *out, struct nm_bytes address)
{
    if (address.length == 0)
        (void)fputs("<> (the null sender)", out);
    else
        nm_put_visible(out, address.data, address.length);
}

/* A domain of the log; shown in both forms if it can be read as one. */
static void put_name(const struct show *show, const char *name)
{
    struct nm_domain domain;

    if (nm_domain_parse(show->names, name, strlen(name), &domain) == NM_FAULT_NONE)
        nm_put_domain(show->call->out, show->names, &domain);
    else
        nm_put_visible(show->call->out, name, strlen(name));
}

static void put_match(const struct show *show, const struct nm_audit_event *event)
{
    static const char *const stories[NM_MATCH_COUNT] = {
        [NM_MATCH_INVALID] = "This address could not be judged.",
        [NM_MATCH_NONE] = "Nothing was known of its domain, and no known name is near.",
        [NM_MATCH_OWN] = "Its domain is this site's own.",
        [NM_MATCH_PROTECTED] = "Its domain is listed as protected.",
        [NM_MATCH_ALLOWED] = "Its domain is listed as allowed.",
        [NM_MATCH_KNOWN] = "Its domain is known here.",
    };
    FILE *out = show->call->out;

    if (event->match != NM_MATCH_NEAR_MISS) {
        (void)fprintf(out, "  %s\n", stories[event->match]);
        return;
    }
    (void)fputs("  Its domain ", out);
    put_name(show, event->domain);
    (void)fputs(" is a near miss of ", out);
    put_name(show, event->target != NULL ? event->target : "");
    (void)fprintf(out, "\n  (%s, confidence %s).\n",
        nm_technique_name(event->technique),
        nm_confidence_text(event->confidence).text);
}

static void put_decision(const struct show *show, const struct nm_audit_event *event)
{
    FILE *out = show->call->out;

    if (event->rule != NULL) {
        (void)fputs("  The rule ", out);
        nm_put_visible(out, event->rule, strlen(event->rule));
        (void)fprintf(out, " decided: %s.\n", nm_action_name(event->action));
    } else {
        (void)fprintf(out, "  No rule fitted: %s.\n", nm_action_name(event->action));
    }
    if (event->mode == NM_MODE_OBSERVE)
        (void)fputs("  It was only observed, so nothing was done.\n", out);
    if (event->reply[0] == '\0')
        return;
    (void)fprintf(out, "  The answer %s:\n    ",
        event->mode == NM_MODE_OBSERVE ? "would have been" : "was");
    nm_put_visible(out, event->reply, strlen(event->reply));
    (void)fputc('\n', out);
}

/* A queue id as mail servers make them; nothing else is put into a command line. */
static bool is_queue_id(const char *id)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return *id != '\0' && id[strspn(id, allowed)] == '\0';
}

static void put_outcome(const struct show *show, const struct nm_audit_row *row)
{
    static const char *const stories[NM_OUTCOME_COUNT] = {
        [NM_OUTCOME_UNKNOWN] = "What became of the message is not on record: it is "
                               "still under way, or the\n"
                               "  daemon ended before it did.",
        [NM_OUTCOME_PASSED] =
            "The mail server was told to go on with it, which is not yet delivered.",
        [NM_OUTCOME_REFUSED] = "It was refused, and not sent.",
        [NM_OUTCOME_HELD] = "The whole message waits in the mail server's hold queue.",
        [NM_OUTCOME_QUARANTINED] = "It was put into quarantine.",
        [NM_OUTCOME_ABORTED] = "The sender broke off before the message was complete.",
    };
    const struct nm_audit_event *event = &row->decision;
    FILE *out = show->call->out;

    (void)fprintf(out, "  %s\n", stories[event->outcome]);
    if (event->outcome != NM_OUTCOME_HELD)
        return;
    if (event->queue_id[0] == '\0')
        (void)fputs("  Its queue id is not on record; look for it with: mailq\n", out);
    else if (is_queue_id(event->queue_id))
        (void)fprintf(out, "  Release it with: postsuper -H %s\n", event->queue_id);
    else
        (void)fputs("  Its queue id is not one that is safe in a command line.\n", out);
}

static void put_detail(FILE *out, const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    (void)fprintf(out, "    %-15s", label);
    nm_put_visible(out, value, strlen(value));
    (void)fputc('\n', out);
}

static void put_details(FILE *out, const struct nm_audit_row *row)
{
    const struct nm_audit_event *event = &row->decision;

    put_detail(out, "reference", event->id.text);
    put_detail(out, "time", nm_time_format(event->time_us).text);
    if (row->outcome_time_us != 0)
        put_detail(out, "outcome at", nm_time_format(row->outcome_time_us).text);
    put_detail(out, "gateway", event->gateway);
    put_detail(out, "client", event->client);
    put_detail(out, "user", event->auth);
    put_detail(out, "transaction", event->transaction.text);
    put_detail(out, "queue id", event->queue_id);
    put_detail(out, "configuration", event->config);
}

/* ---- what came after ---------------------------------------------------- */

static bool put_act(void *self, const struct nm_audit_act *act)
{
    struct show *show = self;
    const struct nm_audit_event *event = &act->event;
    FILE *out = show->call->out;

    if (show->act_count++ == 0)
        (void)fputs("  What came after:\n", out);
    (void)fprintf(out, "    %s UTC: ", nm_time_format_short(event->time_us).text);
    nm_put_visible(out, event->actor, strlen(event->actor));
    (void)fprintf(out, ": %s ", nm_verb_name(event->verb));
    nm_put_visible(out, event->subject, strlen(event->subject));
    if (event->reason != NULL) {
        (void)fputs(" (", out);
        nm_put_visible(out, event->reason, strlen(event->reason));
        (void)fputs(")", out);
    }
    (void)fputc('\n', out);
    return !ferror(out);
}

static bool collect_act(void *self, const struct nm_audit_act *act)
{
    struct show *show = self;
    struct nm_json json = nm_act_json(act);

    show->no_memory =
        json_array_append_new(show->acts, nm_json_take(&json)) != 0 || show->no_memory;
    return !show->no_memory;
}

static bool read_acts(struct show *show, const struct nm_audit_row *row,
    bool (*each)(void *self, const struct nm_audit_act *act))
{
    const struct nm_audit_act_query query = {.decision = row->decision.id.text};

    show->act_count = 0;
    return nm_audit_reader_acts(show->reader, &query, each, show, &show->error) ==
           NM_OK;
}

static bool put_json(struct show *show, const struct nm_audit_row *row)
{
    struct nm_json json = nm_row_json(row);
    bool fine;

    show->acts = json_array();
    fine = read_acts(show, row, collect_act);
    nm_json_add(&json, "acts", show->acts);
    return nm_json_end(&json, show->call->out) && fine;
}

/* ---- the story of a decision -------------------------------------------- */

static bool put_story(struct show *show, const struct nm_audit_row *row)
{
    const struct nm_audit_event *event = &row->decision;
    FILE *out = show->call->out;

    if (show->rows > 1)
        (void)fputc('\n', out);
    nm_paint(out, show->call->colour, NM_BOLD);
    (void)fprintf(out, "%s UTC", nm_time_format_short(event->time_us).text);
    nm_paint(out, show->call->colour, NM_PLAIN);
    (void)fputs(": ", out);
    put_address(out, event->sender);
    (void)fputs(" wrote to ", out);
    put_address(out, event->recipient);
    (void)fputs("\n", out);
    put_match(show, event);
    put_decision(show, event);
    put_outcome(show, row);
    if (!read_acts(show, row, put_act))
        return false;
    (void)fputc('\n', out);
    put_details(out, row);
    return true;
}

/* ---- the subcommand ----------------------------------------------------- */

static bool each(void *self, const struct nm_audit_row *row)
{
    struct show *show = self;
    bool fine;

    show->rows++;
    fine = show->format == NM_FORMAT_TEXT ? put_story(show, row) : put_json(show, row);
    show->no_memory = show->no_memory || (!fine && show->error.code == NM_OK);
    return fine && !show->no_memory && !ferror(show->call->out);
}

static enum nm_exit show_rows(
    struct show *show, struct nm_audit_reader *reader, const char *path)
{
    const struct nm_call *call = show->call;
    const struct nm_audit_query query = {.reference = call->arguments[0]};
    struct nm_error error = {0};
    enum nm_code code;

    show->reader = reader;
    code = nm_audit_reader_list(reader, &query, each, show, &error);
    if (code == NM_OK && show->error.code != NM_OK) {
        code = show->error.code;
        error = show->error;
    }

    if (show->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
    if (show->rows == 0)
        return nm_complain_and(call, NM_EXIT_SYSTEM,
            "no decision, transaction or queue id \"%s\" is on record in %s",
            nm_show(call->arguments[0]).text, path);
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct show show = {.call = call};
    struct nm_names *names = NULL;
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {0};
    char *path = NULL;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &show.format))
        return NM_EXIT_USAGE;
    if (nm_names_new(NULL, &names, &error) != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    show.names = names;
    status = nm_open_log(call, &reader, &path);
    if (status == NM_EXIT_FINE)
        status = show_rows(&show, reader, path);
    nm_audit_reader_close(&reader);
    nm_names_free(&names);
    free(path);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text (default), or json: one object a decision"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Tells what was decided and why, and what became of the message. REF is the\n"
    "reference that a reply or an X-Nearmiss header quotes, in upper or lower case;\n"
    "or a transaction or the mail server's queue id, which stand for all recipients\n"
    "of a message. For a message in the hold queue the command that releases it is\n"
    "shown.\n"
    "\n"
    "What people did about it later, such as a release, stands behind the outcome.\n"
    "\n"
    "The JSON is that of \"nearmiss audit list\", with \"acts\", an array of objects "
    "as\n"
    "\"nearmiss audit list --acts\" prints them.\n";

const struct nm_command nm_command_audit_show = {
    .name = "audit show",
    .summary = "everything on record about one decision or message",
    .arguments = "REF",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
