#include "quarantine.h"
#include "text.h"

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_quarantine *quarantine = NULL;
    struct nm_entry entry;
    enum nm_exit status = nm_open_quarantine(call, &config, &quarantine);

    if (status != NM_EXIT_FINE)
        return status;
    status = nm_find_entry(call, quarantine, &entry);
    if (status == NM_EXIT_FINE)
        status = nm_act(
            call, config, quarantine, "kept-delete", NULL, nm_review_delete, NULL);
    if (status == NM_EXIT_FINE) {
        (void)fprintf(call->out, "deleted %s, to ", entry.id);
        nm_put_visible(
            call->out, entry.entry.recipient.data, entry.entry.recipient.length);
        (void)fputc('\n', call->out);
    }
    nm_entry_free(&entry);
    nm_quarantine_close(&quarantine);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
};

static const char description[] =
    "Deletes an entry, and its message when it is kept for nobody else. Its sender is "
    "not\n"
    "told. Who deleted it is on record; the entry is listed as deleted for as long as\n"
    "quarantine.keep_days says.\n";

const struct nm_command nm_command_quarantine_delete = {
    .name = "quarantine delete",
    .summary = "remove a message that is kept",
    .arguments = "ID",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
