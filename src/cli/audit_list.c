#include "audit.h"
#include "command.h"
#include "follow.h"
#include "text.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

enum { NEWEST_IN_TEXT = 100 };

struct list {
    const struct nm_call *call;
    enum nm_format format;
    struct nm_audit_query query;
    struct nm_domain domain; /* --domain and --target as A-labels */
    struct nm_domain target;
    struct nm_grid *grid; /* text only */
    struct nm_csv csv;    /* CSV only */
    size_t rows;
    bool cut; /* there is more than text shows */
    bool no_memory;
    char sender[NM_PATH_MAX];
    char recipient[NM_PATH_MAX];
};

/* ---- the question ------------------------------------------------------- */

/* A domain in any form into the one that the log holds. */
static bool read_domain(const struct nm_call *call, const struct nm_names *names,
    enum nm_cli_option option, struct nm_domain *domain, const char **out)
{
    const char *value = call->values[option];
    enum nm_address_fault fault;

    if (value == NULL)
        return true;
    fault = nm_domain_parse(names, value, strlen(value), domain);
    if (fault == NM_FAULT_NONE) {
        *out = domain->name;
        return true;
    }
    (void)nm_wrong_value(call, "%s is a domain, not \"%s\": %s",
        nm_cli_option_name(option), nm_show(value).text, nm_address_fault_text(fault));
    return false;
}

/* A recipient has no index of its own, but its domain has, and holds no others. */
static void narrow_by_recipient(struct list *list, const struct nm_names *names)
{
    const char *sign =
        list->query.recipient != NULL ? strrchr(list->query.recipient, '@') : NULL;

    if (sign != NULL && list->query.domain == NULL &&
        nm_domain_parse(names, sign + 1, strlen(sign + 1), &list->domain) ==
            NM_FAULT_NONE)
        list->query.domain = list->domain.name;
}

static bool read_domains(struct list *list)
{
    const struct nm_call *call = list->call;
    struct nm_names *names = NULL;
    bool fine;

    if (call->values[NM_CLI_DOMAIN] == NULL && call->values[NM_CLI_TARGET] == NULL &&
        list->query.recipient == NULL)
        return true;
    if (nm_names_new(NULL, &names, NULL) != NM_OK) {
        list->no_memory = true;
        return true;
    }
    fine =
        read_domain(call, names, NM_CLI_DOMAIN, &list->domain, &list->query.domain) &&
        read_domain(call, names, NM_CLI_TARGET, &list->target, &list->query.target);
    narrow_by_recipient(list, names);
    nm_names_free(&names);
    return fine;
}

static const char *action_name(const void *names, size_t i)
{
    (void)names;
    return nm_action_name((enum nm_action)i);
}

/* Without "none", which no decision is asked for by. */
static const char *technique_name(const void *names, size_t i)
{
    (void)names;
    return nm_technique_name((enum nm_technique)(i + 1));
}

static const char *match_name(const void *names, size_t i)
{
    (void)names;
    return nm_match_name((enum nm_match)i);
}

static const char *outcome_name(const void *names, size_t i)
{
    (void)names;
    return nm_outcome_name((enum nm_outcome)i);
}

/* Options whose value is a name of an enumeration. */
static bool read_names(struct list *list)
{
    const struct {
        enum nm_cli_option option;
        const char *(*name)(const void *names, size_t i);
        size_t count;
        const char **out;
    } rows[] = {
        {NM_CLI_ACTION, action_name, NM_ACTION_COUNT, &list->query.action},
        {NM_CLI_TECHNIQUE, technique_name, NM_TECHNIQUE_COUNT - 1,
            &list->query.technique},
        {NM_CLI_MATCH, match_name, NM_MATCH_COUNT, &list->query.match},
        {NM_CLI_OUTCOME, outcome_name, NM_OUTCOME_COUNT, &list->query.outcome},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        size_t found;

        if (list->call->values[rows[i].option] == NULL)
            continue;
        if (!nm_call_name(
                list->call, rows[i].option, rows[i].name, NULL, rows[i].count, &found))
            return false;
        *rows[i].out = list->call->values[rows[i].option];
    }
    return true;
}

/* An address as the log holds it: without angle brackets. */
static const char *bare_address(const char *given, char memory[NM_PATH_MAX])
{
    struct nm_bytes bare;
    struct nm_buf buf;

    if (given == NULL)
        return NULL;
    bare = nm_without_brackets((struct nm_bytes){given, strlen(given)});
    nm_buf_init(&buf, memory, NM_PATH_MAX);
    nm_buf_put(&buf, bare.data, bare.length);
    return memory;
}

static bool read_question(struct list *list)
{
    const struct nm_call *call = list->call;
    struct nm_audit_query *query = &list->query;

    query->sender = bare_address(call->values[NM_CLI_SENDER], list->sender);
    query->recipient = bare_address(call->values[NM_CLI_RECIPIENT], list->recipient);
    query->rule = call->values[NM_CLI_RULE];
    return nm_call_format(call, NM_FORMAT_CSV, &list->format) &&
           nm_call_time(call, NM_CLI_SINCE, &query->since_us) &&
           nm_call_time(call, NM_CLI_UNTIL, &query->until_us) &&
           nm_call_last(call, &query->newest) && read_names(list) && read_domains(list);
}

/* ---- rows --------------------------------------------------------------- */

static const char *const titles[] = {"TIME (UTC)", "ACTION", "OUTCOME", "SENDER",
    "RECIPIENT", "TARGET", "CONF", "REFERENCE"};

static enum nm_colour colour_of(const struct nm_audit_event *event)
{
    if (event->match != NM_MATCH_NEAR_MISS && event->action == NM_ACTION_ACCEPT)
        return NM_PLAIN;
    return nm_action_refuses(event->action)    ? NM_RED
           : event->action == NM_ACTION_ACCEPT ? NM_PLAIN
                                               : NM_YELLOW;
}

static void put_cell(struct list *list, const char *text, enum nm_colour colour)
{
    nm_grid_cell(list->grid, text, strlen(text), colour);
}

static void put_row(struct list *list, const struct nm_audit_event *event)
{
    const bool observed =
        event->mode == NM_MODE_OBSERVE && event->action != NM_ACTION_ACCEPT;
    char action[32];
    struct nm_confidence_text confidence = {""};

    (void)snprintf(action, sizeof action, "%s%s", nm_action_name(event->action),
        observed ? " (observed)" : "");
    if (event->confidence >= 0)
        confidence = nm_confidence_text(event->confidence);
    put_cell(list, nm_time_format_short(event->time_us).text, NM_PLAIN);
    put_cell(list, action, colour_of(event));
    put_cell(list, nm_outcome_name(event->outcome), NM_PLAIN);
    if (event->sender.length == 0)
        put_cell(list, "<>", NM_PLAIN);
    else
        nm_grid_cell(list->grid, event->sender.data, event->sender.length, NM_PLAIN);
    nm_grid_cell(list->grid, event->recipient.data, event->recipient.length, NM_PLAIN);
    put_cell(list, event->target != NULL ? event->target : "", NM_BOLD);
    put_cell(list, confidence.text, NM_PLAIN);
    put_cell(list, event->id.text, NM_DIM);
}

static bool each(void *self, const struct nm_audit_row *row)
{
    struct list *list = self;

    list->rows++;
    if (list->format == NM_FORMAT_TEXT)
        put_row(list, &row->decision);
    else if (list->format == NM_FORMAT_CSV)
        nm_put_row_csv(&list->csv, row);
    else if (!nm_put_row_json(list->call->out, row))
        list->no_memory = true;
    return !list->no_memory && !ferror(list->call->out);
}

/* Text is cut to the newest; one more than is shown, to know whether there is more. */
static enum nm_code list_past(
    struct list *list, struct nm_audit_reader *reader, struct nm_error *error)
{
    const bool limited = list->format == NM_FORMAT_TEXT && list->query.newest == 0;
    enum nm_code code;

    if (limited)
        list->query.newest = NEWEST_IN_TEXT + 1;
    code = nm_audit_reader_list(reader, &list->query, each, list, error);
    list->cut = limited && list->rows > NEWEST_IN_TEXT;
    if (list->cut)
        nm_grid_drop_first_row(list->grid);
    return code;
}

/* What comes from now on; each time, what lies behind the last event that was there the
 * time before. */
static enum nm_code follow(
    struct list *list, struct nm_audit_reader *reader, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int64_t last = list->query.upto_sequence;

    list->query.newest = 0;
    while (code == NM_OK && !list->no_memory) {
        if (list->grid != NULL)
            nm_grid_flush(list->grid);
        if (!nm_follow_pause(list->call))
            break;
        list->query.after_sequence = list->query.upto_sequence;
        code = nm_audit_reader_check(reader, error);
        if (code == NM_OK)
            code = nm_audit_reader_last(reader, &last, error);
        list->query.upto_sequence = last;
        if (code == NM_OK && last > list->query.after_sequence)
            code = nm_audit_reader_list(reader, &list->query, each, list, error);
    }
    return code;
}

static enum nm_code list_and_follow(
    struct list *list, struct nm_audit_reader *reader, struct nm_error *error)
{
    const bool follows = list->call->values[NM_CLI_FOLLOW] != NULL;
    enum nm_code code = NM_OK;

    if (follows)
        code = nm_audit_reader_last(reader, &list->query.upto_sequence, error);
    /* An empty log has no end to stop at: all of it is yet to come. */
    if (code == NM_OK && (!follows || list->query.upto_sequence > 0))
        code = list_past(list, reader, error);
    return code == NM_OK && follows ? follow(list, reader, error) : code;
}

static void tell_what_is_missing(const struct list *list)
{
    if (list->format != NM_FORMAT_TEXT)
        return;
    if (list->rows == 0)
        (void)nm_complain_and(list->call, NM_EXIT_FINE, "no decision on record fits");
    if (list->cut)
        (void)nm_complain_and(list->call, NM_EXIT_FINE,
            "these are the newest %d; --last N shows more, --since and others choose",
            NEWEST_IN_TEXT);
}

static enum nm_exit list_rows(struct list *list, struct nm_audit_reader *reader)
{
    const struct nm_call *call = list->call;
    struct nm_error error = {0};
    enum nm_code code;

    list->csv = nm_csv_begin(call->out);
    if (list->format == NM_FORMAT_CSV)
        nm_put_csv_titles(&list->csv);
    if (list->format == NM_FORMAT_TEXT) {
        list->grid = nm_grid_new(call->out, call->colour, titles, NM_COUNT(titles));
        list->no_memory = list->grid == NULL;
    }
    if (list->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    code = list_and_follow(list, reader, &error);
    nm_grid_free(&list->grid);
    if (list->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
    tell_what_is_missing(list);
    return NM_EXIT_FINE;
}

/* ---- the subcommand ----------------------------------------------------- */

/* An address in the form in which the log has it, by the configuration in force. */
static enum nm_exit as_kept(struct list *list, enum nm_audit_local_part kept,
    const char *path, const char **address, char memory[NM_PATH_MAX])
{
    char keyed[NM_PATH_MAX];
    struct nm_error error = {0};

    if (*address == NULL || (*address)[0] == '\0' || kept != NM_LOCAL_KEYED)
        return NM_EXIT_FINE;
    if (nm_audit_keyed_address(path, *address, keyed, sizeof keyed, &error) != NM_OK)
        return nm_complain_and(list->call, NM_EXIT_SYSTEM,
            "the log has keyed addresses, and their key cannot be read: %s",
            error.message);
    (void)nm_copy(memory, NM_PATH_MAX, keyed);
    *address = memory;
    return NM_EXIT_FINE;
}

static enum nm_exit open_log(
    struct list *list, struct nm_audit_reader **reader, char **path)
{
    struct nm_config *config = NULL;
    const struct nm_settings *settings;
    enum nm_exit status = nm_open_log_and_config(list->call, reader, path, &config);

    if (status == NM_EXIT_FINE && config != NULL) {
        settings = nm_config_settings(config);
        status = as_kept(list, settings->audit_sender_local_part, *path,
            &list->query.sender, list->sender);
        if (status == NM_EXIT_FINE)
            status = as_kept(list, settings->audit_recipient_local_part, *path,
                &list->query.recipient, list->recipient);
    }
    nm_config_free(&config);
    return status;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct list list = {.call = call};
    struct nm_audit_reader *reader = NULL;
    char *path = NULL;
    enum nm_exit status;

    if (call->values[NM_CLI_ACTS] != NULL && call->values[NM_CLI_FOLLOW] != NULL)
        return nm_usage(call, "--follow follows decisions, not --acts");
    if (call->values[NM_CLI_ACTS] != NULL)
        return nm_list_acts(call);
    if (!read_question(&list))
        return NM_EXIT_USAGE;
    status = open_log(&list, &reader, &path);
    if (status == NM_EXIT_FINE)
        status = list_rows(&list, reader);
    nm_audit_reader_close(&reader);
    free(path);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SINCE, "decisions at this time or later"},
    {NM_CLI_UNTIL, "decisions before this time"},
    {NM_CLI_DOMAIN, "recipients of this very domain"},
    {NM_CLI_TARGET, "near misses of this domain"},
    {NM_CLI_SENDER, "this envelope sender; <> is the null sender"},
    {NM_CLI_RECIPIENT, "this recipient"},
    {NM_CLI_ACTION, "what was decided: accept, tag, reject, ..."},
    {NM_CLI_TECHNIQUE, "kind of slip: omission, suffix, glyph, ..."},
    {NM_CLI_RULE, "decided by the rule of this name"},
    {NM_CLI_MATCH, "own, protected, allowed, known, near-miss, none, ..."},
    {NM_CLI_OUTCOME, "passed, refused, held, aborted, unknown, ..."},
    {NM_CLI_ACTS, "what people did beside the mail, not decisions"},
    {NM_CLI_LAST, "the newest N (default: 100 in text, else all)"},
    {NM_CLI_FOLLOW, "go on with what is decided from now on"},
    {NM_CLI_FORMAT, "text (default), json: one object a line, or csv"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Lists decisions, one for each recipient, with what became of the message. All\n"
    "options given must fit. The daemon may be running or not.\n"
    "\n"
    "TIME is RFC 3339, as 2026-03-01T12:00:00Z, or a date, which begins at midnight\n"
    "UTC, or a time ago: 90s, 15m, 24h, 30d, 2w.\n"
    "\n"
    "In observe mode the action is the one decided; it was not taken. The outcome\n"
    "\"passed\" means that the mail server was told to go on, which is not yet\n"
    "delivered; \"unknown\" that the message is still under way, or that the daemon\n"
    "ended before it did.\n"
    "\n"
    "In JSON each object has id, time, gateway, transaction, queue_id, client, auth,\n"
    "sender, recipient, domain, match, target, technique, confidence, rule, action,\n"
    "reply, mode, config (hash of the configuration in force) and outcome, null where\n"
    "there is none; where an address is not valid UTF-8, sender_hex or recipient_hex\n"
    "has its bytes. CSV has these as columns; a cell that a spreadsheet would take "
    "for\n"
    "a formula begins with an apostrophe.\n"
    "\n"
    "With --follow the listing does not end. A decision is shown as soon as it is on\n"
    "disk, when the outcome of its message is often still unknown.\n"
    "\n"
    "With --acts it lists what people, and the daemon by itself, did beside the mail:\n"
    "exceptions added and removed, messages confirmed, released, deleted or looked\n"
    "at, data erased or pruned. Only --since, --until and --last choose then, and in\n"
    "JSON each object has id, time, gateway, actor, verb, subject, decision (the\n"
    "reference of the decision that it belongs to) and reason.\n";

const struct nm_command nm_command_audit_list = {
    .name = "audit list",
    .summary = "decisions on record, oldest first",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
