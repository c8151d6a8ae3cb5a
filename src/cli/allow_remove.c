#include "allow.h"

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_exception exception;

    if (!nm_call_exception(call, &exception))
        return NM_EXIT_USAGE;
    return nm_change_exception(call, NM_EXCEPTION_REMOVE, &exception);
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_TARGET, "the exception's, if it has one"},
    {NM_CLI_SENDER, "the exception's, if it has one"},
    {NM_CLI_REASON, "why, for the log"},
};

static const char description[] =
    "Takes away the exception for just this domain, target and sender; \"nearmiss "
    "allow\n"
    "list\" shows which there are. What the configuration allows stays allowed.\n"
    "\n"
    "Only root and the user that the daemon runs as may do this.\n";

const struct nm_command nm_command_allow_remove = {
    .name = "allow remove",
    .summary = "take an exception away",
    .arguments = "DOMAIN",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
