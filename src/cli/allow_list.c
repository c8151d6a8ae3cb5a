#include "command.h"
#include "json.h"
#include "load.h"
#include "state.h"
#include "text.h"
#include "times.h"

#include <string.h>

struct list {
    const struct nm_call *call;
    struct nm_grid *grid; /* NULL: JSON */
    size_t count;
    bool no_memory;
};

static const char *const titles[] = {
    "DOMAIN", "FOR", "FROM", "EXPIRES (UTC)", "SET BY", "REASON"};

static void put_cell(struct list *list, const char *text, enum nm_colour colour)
{
    nm_grid_cell(list->grid, text, strlen(text), colour);
}

/* The null sender as people write it. */
static const char *sender_of(const struct nm_exception *exception)
{
    if (exception->sender == NULL)
        return NULL;
    return exception->sender[0] != '\0' ? exception->sender : "<>";
}

static void put_row(
    struct list *list, const struct nm_exception *exception, bool expired)
{
    const char *sender = sender_of(exception);

    put_cell(list, exception->domain.name, NM_PLAIN);
    put_cell(
        list, exception->target.length > 0 ? exception->target.name : "any", NM_PLAIN);
    put_cell(list, sender != NULL ? sender : "anyone", NM_PLAIN);
    if (expired)
        put_cell(list, "expired", NM_DIM);
    else if (exception->expires_us == INT64_MAX)
        put_cell(list, "never", NM_PLAIN);
    else
        put_cell(list, nm_time_format_short(exception->expires_us).text, NM_PLAIN);
    put_cell(list, exception->author, NM_PLAIN);
    put_cell(list, exception->reason != NULL ? exception->reason : "", NM_PLAIN);
}

static bool put_json(FILE *out, const struct nm_exception *exception, bool expired)
{
    struct nm_json json = nm_json_begin();
    const bool ends = exception->expires_us != INT64_MAX;

    nm_json_add_text(&json, "domain", exception->domain.name);
    nm_json_add_nonempty(&json, "target", exception->target.name);
    nm_json_add_text(&json, "sender", sender_of(exception));
    nm_json_add_text(&json, "reason", exception->reason);
    nm_json_add_text(&json, "actor", exception->author);
    nm_json_add_text(&json, "time", nm_time_format(exception->created_us).text);
    nm_json_add_text(
        &json, "expires", ends ? nm_time_format(exception->expires_us).text : NULL);
    nm_json_add(&json, "expired", json_boolean(expired));
    return nm_json_end(&json, out);
}

static bool each(void *self, const struct nm_exception *exception)
{
    struct list *list = self;
    const bool expired = exception->expires_us <= list->call->now_us;

    list->count++;
    if (list->grid != NULL)
        put_row(list, exception, expired);
    else
        list->no_memory = !put_json(list->call->out, exception, expired);
    return !list->no_memory;
}

static enum nm_exit put_all(
    const struct nm_call *call, struct nm_state *state, enum nm_format format)
{
    struct list list = {.call = call};
    struct nm_error error = {.code = NM_OK};
    enum nm_code code = NM_OK;

    if (format == NM_FORMAT_TEXT) {
        list.grid = nm_grid_new(call->out, call->colour, titles, NM_COUNT(titles));
        list.no_memory = list.grid == NULL;
    }
    if (!list.no_memory)
        code = nm_state_exceptions(state, each, &list, &error);
    nm_grid_free(&list.grid);
    if (list.no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    if (list.count == 0 && format == NM_FORMAT_TEXT)
        (void)nm_complain_and(call, NM_EXIT_FINE, "there are no exceptions");
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_state *state = NULL;
    enum nm_format format;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &format))
        return NM_EXIT_USAGE;
    status = nm_load(call, &config, NULL);
    if (status == NM_EXIT_FINE)
        status = nm_open_state_that_is(call, config, &state);
    if (status == NM_EXIT_FINE)
        status = put_all(call, state, format);
    nm_state_close(&state);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text (default), or json: one object a line"},
};

static const char description[] =
    "Lists the exceptions that \"nearmiss allow add\" made, by domain; one that has\n"
    "expired is not in force. In JSON each object has domain, target, sender, reason,\n"
    "actor, time (when it was set), expires, and expired, null where there is none.\n"
    "\n"
    "\"nearmiss audit list --acts\" has those that were taken away too.\n";

const struct nm_command nm_command_allow_list = {
    .name = "allow list",
    .summary = "the exceptions there are, who set them, and until when",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
