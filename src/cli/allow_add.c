#include "allow.h"

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_exception exception;

    if (!nm_call_exception(call, &exception))
        return NM_EXIT_USAGE;
    return nm_change_exception(call, NM_EXCEPTION_ADD, &exception);
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_TARGET, "only: it is no slip of this domain"},
    {NM_CLI_SENDER, "only mail from this address, or domain"},
    {NM_CLI_REASON, "why, for the log and for who reads the list"},
    {NM_CLI_EXPIRES, "until then: RFC 3339, or from now (30d, 12h)"},
};

static const char description[] =
    "Says that mail to DOMAIN, and to the names below it, is meant although it looks\n"
    "like a slip. It is in force when this returns, without a reload, and survives\n"
    "restarts. The audit log records who set it. Messages under way are decided by "
    "the\n"
    "exceptions they began with.\n"
    "\n"
    "With --target DOMAIN is no slip of that domain, or of one below it, but may "
    "still\n"
    "be one of others. An exception for the same domain, target and sender is "
    "replaced.\n"
    "\n"
    "Only root and the user that the daemon runs as may do this.\n";

const struct nm_command nm_command_allow_add = {
    .name = "allow add",
    .summary = "let mail through to a domain that is meant",
    .arguments = "DOMAIN",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
