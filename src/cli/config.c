/* `nearmiss config test`, `defaults` and `show`. */
#include "command.h"
#include "load.h"

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
};

/* ---- test --------------------------------------------------------------- */

static enum nm_exit run_test(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot = NULL;
    const enum nm_exit status = nm_load(call, &config, &snapshot);

    if (status == NM_EXIT_FINE) {
        const struct nm_snapshot_values *values = nm_snapshot_values(snapshot);
        const size_t names = nm_index_size(values->index);
        const size_t rules = nm_policy_size(values->policy);

        (void)fprintf(call->out, "%s: fine (%zu name%s, %zu rule%s)\n",
            nm_call_config(call), names, names == 1 ? "" : "s", rules,
            rules == 1 ? "" : "s");
        nm_snapshot_release(&snapshot);
    }
    nm_config_free(&config);
    return status;
}

static const char test_description[] =
    "Reads the configuration and everything it names, as the daemon does, and says\n"
    "that it is fine, with the numbers of names and rules; or prints each complaint\n"
    "on standard error as FILE:LINE: what. Nothing is changed.\n";

const struct nm_command nm_command_config_test = {
    .name = "config test",
    .summary = "check the configuration, its lists and tables",
    .arguments = "",
    .description = test_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_test,
};

/* ---- defaults ----------------------------------------------------------- */

static enum nm_exit run_defaults(const struct nm_call *call)
{
    (void)nm_config_print_defaults(call->out); /* what fails is told at the end */
    return NM_EXIT_FINE;
}

static const char defaults_description[] =
    "Prints every option with its default and what it is for, as a configuration\n"
    "that can be read again. The file that -c names is not read.\n";

const struct nm_command nm_command_config_defaults = {
    .name = "config defaults",
    .summary = "print a configuration that holds every default",
    .arguments = "",
    .description = defaults_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_defaults,
};

/* ---- show --------------------------------------------------------------- */

static enum nm_exit run_show(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    const enum nm_exit status = nm_load(call, &config, NULL);

    if (status == NM_EXIT_FINE)
        (void)nm_config_print(config, call->out);
    nm_config_free(&config);
    return status;
}

static const char show_description[] =
    "Prints every option with its value: the configuration's, or the default where\n"
    "it gives none. The output can be read again.\n";

const struct nm_command nm_command_config_show = {
    .name = "config show",
    .summary = "print the values in force",
    .arguments = "",
    .description = show_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_show,
};
