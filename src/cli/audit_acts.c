/*
 * `nearmiss audit list --acts`: what people, and the daemon by itself, did beside the
 * mail.
 */
#include "audit.h"
#include "json.h"
#include "text.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

enum { NEWEST_IN_TEXT = 100 };

struct acts {
    const struct nm_call *call;
    enum nm_format format;
    struct nm_audit_act_query query;
    struct nm_grid *grid; /* text only */
    size_t count;
    bool no_memory;
};

static const char *const titles[] = {
    "TIME (UTC)", "ACTOR", "VERB", "SUBJECT", "DECISION", "REASON"};

struct nm_json nm_act_json(const struct nm_audit_act *act)
{
    const struct nm_audit_event *event = &act->event;
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "id", event->id.text);
    nm_json_add_text(&json, "time", nm_time_format(event->time_us).text);
    nm_json_add_text(&json, "gateway", event->gateway);
    nm_json_add_text(&json, "actor", event->actor);
    nm_json_add_text(&json, "verb", nm_verb_name(event->verb));
    nm_json_add_text(&json, "subject", event->subject);
    nm_json_add_nonempty(&json, "decision", event->decision.text);
    nm_json_add_text(&json, "reason", event->reason);
    return json;
}

static void put_cell(struct acts *acts, const char *text, enum nm_colour colour)
{
    nm_grid_cell(acts->grid, text, strlen(text), colour);
}

static void put_row(struct acts *acts, const struct nm_audit_event *event)
{
    put_cell(acts, nm_time_format_short(event->time_us).text, NM_PLAIN);
    put_cell(acts, event->actor, NM_PLAIN);
    put_cell(acts, nm_verb_name(event->verb), NM_BOLD);
    put_cell(acts, event->subject, NM_PLAIN);
    put_cell(acts, event->decision.text, NM_DIM);
    put_cell(acts, event->reason != NULL ? event->reason : "", NM_PLAIN);
}

static bool each(void *self, const struct nm_audit_act *act)
{
    struct acts *acts = self;
    struct nm_json json;

    acts->count++;
    if (acts->format == NM_FORMAT_TEXT) {
        put_row(acts, &act->event);
    } else {
        json = nm_act_json(act);
        acts->no_memory = !nm_json_end(&json, acts->call->out);
    }
    return !acts->no_memory && !ferror(acts->call->out);
}

static enum nm_exit list(struct acts *acts, struct nm_audit_reader *reader)
{
    const struct nm_call *call = acts->call;
    struct nm_error error = {0};
    enum nm_code code = NM_OK;

    if (acts->format == NM_FORMAT_TEXT) {
        acts->grid = nm_grid_new(call->out, call->colour, titles, NM_COUNT(titles));
        acts->no_memory = acts->grid == NULL;
        if (acts->query.newest == 0)
            acts->query.newest = NEWEST_IN_TEXT;
    }
    if (!acts->no_memory)
        code = nm_audit_reader_acts(reader, &acts->query, each, acts, &error);
    nm_grid_free(&acts->grid);
    if (acts->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
    if (acts->count == 0 && acts->format == NM_FORMAT_TEXT)
        (void)nm_complain_and(call, NM_EXIT_FINE, "no act on record fits");
    return NM_EXIT_FINE;
}

/* Filters that ask of decisions what acts do not have. */
static bool has_foreign_filter(const struct nm_call *call)
{
    static const enum nm_cli_option foreign[] = {NM_CLI_DOMAIN, NM_CLI_TARGET,
        NM_CLI_SENDER, NM_CLI_RECIPIENT, NM_CLI_ACTION, NM_CLI_TECHNIQUE, NM_CLI_RULE,
        NM_CLI_MATCH, NM_CLI_OUTCOME};

    for (size_t i = 0; i < NM_COUNT(foreign); i++)
        if (call->values[foreign[i]] != NULL) {
            (void)nm_wrong_value(call, "%s asks of decisions, and cannot choose acts",
                nm_cli_option_name(foreign[i]));
            return true;
        }
    return false;
}

enum nm_exit nm_list_acts(const struct nm_call *call)
{
    struct acts acts = {.call = call};
    struct nm_audit_reader *reader = NULL;
    char *path = NULL;
    enum nm_exit status;

    if (has_foreign_filter(call) ||
        !nm_call_format(call, NM_FORMAT_JSON, &acts.format) ||
        !nm_call_time(call, NM_CLI_SINCE, &acts.query.since_us) ||
        !nm_call_time(call, NM_CLI_UNTIL, &acts.query.until_us) ||
        !nm_call_last(call, &acts.query.newest))
        return NM_EXIT_USAGE;
    status = nm_open_log(call, &reader, &path);
    if (status != NM_EXIT_FINE)
        return status;
    status = list(&acts, reader);
    nm_audit_reader_close(&reader);
    free(path);
    return status;
}
