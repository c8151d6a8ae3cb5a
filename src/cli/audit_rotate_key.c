/*
 * `nearmiss audit rotate-key`: let a new key sign the audit log from now on.
 */
#include "audit.h"
#include "forget.h"
#include "load.h"

static enum nm_exit rotate(const struct nm_call *call, const struct nm_config *config)
{
    const struct nm_settings *settings = nm_config_settings(config);
    const struct nm_audit_forget what = {
        .rotate_key = true, .reason = call->values[NM_CLI_REASON]};
    struct nm_audit_forgotten done = {.finished = false};
    const enum nm_exit status = nm_forget_by_call(call, config, &what, &done);

    if (status != NM_EXIT_FINE)
        return status;
    if (!done.finished) {
        nm_tell_unfinished(call, &done);
        return NM_EXIT_FINE;
    }
    (void)fprintf(call->out,
        "A new key signs the audit log from now on. Its public half:\n%s\n"
        "Keep a copy elsewhere of %s%s.pub, which has it with those before it.\n",
        done.new_key,
        settings->audit_key[0] != '\0' ? settings->audit_key : settings->audit_database,
        settings->audit_key[0] != '\0' ? "" : "-key");
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    enum nm_exit status = nm_load(call, &config, NULL);

    if (status == NM_EXIT_FINE)
        status = rotate(call, config);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_REASON, "why, for the log"},
};

static const char description[] =
    "Makes a new key, with which checkpoints of the audit log are signed from now on.\n"
    "The key before it signs that in the log, and is destroyed; who did it is on\n"
    "record. \"nearmiss audit verify\" holds with the public half of either.\n"
    "\n"
    "Only root and the user that the daemon runs as may do this.\n";

const struct nm_command nm_command_audit_rotate_key = {
    .name = "audit rotate-key",
    .summary = "let a new key sign the audit log",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
