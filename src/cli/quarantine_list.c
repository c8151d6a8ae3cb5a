#include "json.h"
#include "quarantine.h"
#include "text.h"
#include "times.h"

#include <string.h>

struct list {
    const struct nm_call *call;
    enum nm_format format;
    struct nm_grid *grid; /* text only */
    bool no_memory;
    size_t rows;
};

static const char *const titles[] = {
    "TIME", "STATE", "SENDER", "RECIPIENT", "MEANT", "BYTES", "ID"};

static bool put_json(FILE *out, const struct nm_kept_entry *entry)
{
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "id", entry->id);
    nm_json_add_text(&json, "time", nm_time_format(entry->time_us).text);
    nm_json_add_bytes(&json, "sender", entry->sender.data, entry->sender.length);
    nm_json_add_bytes(
        &json, "recipient", entry->recipient.data, entry->recipient.length);
    nm_json_add_text(&json, "target", entry->target);
    nm_json_add(&json, "bytes", json_integer((json_int_t)entry->bytes));
    nm_json_add_text(&json, "state", nm_kept_state_name(entry->state));
    nm_json_add_text(&json, "state_time", nm_time_format(entry->changed_us).text);
    nm_json_add(&json, "times", json_integer((json_int_t)entry->times));
    nm_json_add_nonempty(&json, "domain", entry->domain);
    nm_json_add_nonempty(&json, "rule", entry->rule);
    nm_json_add_nonempty(&json, "client", entry->client);
    nm_json_add_nonempty(&json, "auth", entry->auth);
    nm_json_add_nonempty(&json, "queue_id", entry->queue_id);
    nm_json_add_text(&json, "transaction", entry->transaction);
    if (entry->sent_to.data != NULL)
        nm_json_add_bytes(&json, "sent_to", entry->sent_to.data, entry->sent_to.length);
    else
        nm_json_add_text(&json, "sent_to", NULL);
    nm_json_add_hex_if_invalid(
        &json, "sender_hex", entry->sender.data, entry->sender.length);
    nm_json_add_hex_if_invalid(
        &json, "recipient_hex", entry->recipient.data, entry->recipient.length);
    return nm_json_end(&json, out);
}

static void put_cell(struct list *list, const char *text, enum nm_colour colour)
{
    nm_grid_cell(list->grid, text, strlen(text), colour);
}

static void put_row(struct list *list, const struct nm_kept_entry *entry)
{
    char bytes[32];
    struct nm_buf buf;

    nm_buf_init(&buf, bytes, sizeof bytes);
    nm_buf_printf(&buf, "%llu", (unsigned long long)entry->bytes);
    put_cell(list, nm_time_format_short(entry->time_us).text, NM_PLAIN);
    put_cell(list, nm_kept_state_name(entry->state),
        entry->state == NM_KEPT_WAITING ? NM_YELLOW : NM_DIM);
    if (entry->sender.length == 0)
        put_cell(list, "<>", NM_PLAIN);
    else
        nm_grid_cell(list->grid, entry->sender.data, entry->sender.length, NM_PLAIN);
    nm_grid_cell(list->grid, entry->recipient.data, entry->recipient.length, NM_PLAIN);
    put_cell(list, entry->target != NULL ? entry->target : "", NM_BOLD);
    put_cell(list, bytes, NM_PLAIN);
    put_cell(list, entry->id, NM_DIM);
}

static bool each(void *self, const struct nm_kept_entry *entry)
{
    struct list *list = self;

    list->rows++;
    if (list->format == NM_FORMAT_TEXT)
        put_row(list, entry);
    else if (!put_json(list->call->out, entry))
        list->no_memory = true;
    return !list->no_memory && !ferror(list->call->out);
}

static enum nm_exit list_entries(struct list *list, struct nm_quarantine *quarantine)
{
    const struct nm_call *call = list->call;
    struct nm_error error = {0};
    enum nm_code code = NM_OK;

    if (list->format == NM_FORMAT_TEXT) {
        list->grid = nm_grid_new(call->out, call->colour, titles, NM_COUNT(titles));
        list->no_memory = list->grid == NULL;
    }
    if (!list->no_memory && quarantine != NULL)
        code = nm_quarantine_list(quarantine, NULL, each, list, &error);
    nm_grid_free(&list->grid);
    if (list->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the quarantine: %s", error.message);
    if (list->rows == 0 && list->format == NM_FORMAT_TEXT)
        (void)nm_complain_and(call, NM_EXIT_FINE, "the quarantine is empty");
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct list list = {.call = call};
    struct nm_config *config = NULL;
    struct nm_quarantine *quarantine = NULL;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &list.format))
        return NM_EXIT_USAGE;
    status = nm_open_quarantine(call, &config, &quarantine);
    if (status != NM_EXIT_FINE)
        return status;
    status = list_entries(&list, quarantine);
    nm_quarantine_close(&quarantine);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text (default), or json: one object a line"},
};

static const char description[] =
    "Lists what is in the quarantine, one entry for each recipient, and what became "
    "of\n"
    "it: waiting, releasing (a release began and came to no end: release it again),\n"
    "released, deleted, or expired, when it was older than quarantine.keep_days.\n"
    "The daemon may be running or not.\n"
    "\n"
    "In JSON each object has id, which is that of the decision, time, sender, "
    "recipient,\n"
    "target, bytes (of the message), state, state_time, times (how often the client "
    "has\n"
    "sent it), domain, rule, client, auth, queue_id, transaction and sent_to, null "
    "where\n"
    "there is none; where an address is not valid UTF-8, sender_hex or recipient_hex "
    "has\n"
    "its bytes.\n";

const struct nm_command nm_command_quarantine_list = {
    .name = "quarantine list",
    .summary = "messages kept for a reviewer, oldest first",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
