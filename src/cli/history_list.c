#include "command.h"
#include "json.h"
#include "load.h"
#include "state.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t messages;
    size_t at; /* among the counts, which are in the order of names */
};

static int compare(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;

    if (a->messages != b->messages)
        return a->messages > b->messages ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

/* Most messages first. NULL out of memory. */
static struct place *sort(const struct nm_counts *counts)
{
    const size_t size = nm_counts_size(counts);
    struct place *places = malloc(size * sizeof *places + 1);

    for (size_t i = 0; places != NULL && i < size; i++) {
        struct nm_count count;

        nm_counts_get(counts, i, &count);
        places[i] = (struct place){count.messages, i};
    }
    if (places != NULL)
        qsort(places, size, sizeof *places, compare);
    return places;
}

static bool put_json(
    FILE *out, const struct nm_counts *counts, const struct place *places)
{
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_json json = nm_json_begin();
        struct nm_count count;

        nm_counts_get(counts, places[i].at, &count);
        nm_json_add_text(&json, "domain", count.domain.name);
        nm_json_add(&json, "messages", json_integer((json_int_t)count.messages));
        if (!nm_json_end(&json, out))
            return false;
    }
    return true;
}

static bool put_text(const struct nm_call *call, const struct nm_counts *counts,
    const struct place *places)
{
    static const char *const titles[] = {"DOMAIN", "MESSAGES"};
    struct nm_grid *grid =
        nm_grid_new(call->out, call->colour, titles, NM_COUNT(titles));

    if (grid == NULL)
        return false;
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_count count;
        char number[32];

        nm_counts_get(counts, places[i].at, &count);
        (void)snprintf(
            number, sizeof number, "%llu", (unsigned long long)count.messages);
        nm_grid_cell(grid, count.domain.name, count.domain.length, NM_PLAIN);
        nm_grid_cell(grid, number, strlen(number), NM_PLAIN);
    }
    nm_grid_free(&grid);
    return true;
}

static enum nm_exit list(
    const struct nm_call *call, struct nm_state *state, enum nm_format format)
{
    struct nm_counts *counts = NULL;
    struct nm_error error = {.code = NM_OK};
    struct place *places;
    bool printed;

    if (nm_state_counts(state, &counts, &error) != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    places = sort(counts);
    printed = places != NULL &&
              (format == NM_FORMAT_JSON ? put_json(call->out, counts, places)
                                        : put_text(call, counts, places));
    free(places);
    nm_counts_free(&counts);
    return printed ? NM_EXIT_FINE
                   : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
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
        status = list(call, state, format);
    nm_state_close(&state);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text (default), or json: one object a line"},
};

static const char description[] =
    "Lists the domains of the history with their messages, most messages first. In "
    "JSON\n"
    "each object has domain and messages. Domains are A-labels.\n";

const struct nm_command nm_command_history_list = {
    .name = "history list",
    .summary = "how often mail from here went to which domains",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
