/*
 * `nearmiss audit erase ADDRESS`: take what is personal of an address from the audit log.
 */
#include "forget.h"
#include "load.h"
#include "text.h"

#include "gate/session.h"

#include <string.h>

static enum nm_exit erase(const struct nm_call *call, const struct nm_config *config)
{
    const char *given = call->arguments[0];
    const struct nm_bytes bare =
        nm_without_brackets((struct nm_bytes){given, strlen(given)});
    char address[NM_PATH_MAX];
    struct nm_audit_forget what = {
        .address = address, .reason = call->values[NM_CLI_REASON]};
    struct nm_audit_forgotten forgotten = {.finished = false};
    struct nm_buf buf;
    enum nm_exit status;

    nm_buf_init(&buf, address, sizeof address);
    nm_buf_put(&buf, bare.data, bare.length);
    if (memchr(bare.data, '@', bare.length) == NULL || buf.truncated)
        return nm_wrong_value(
            call, "the argument is an address, not \"%s\"", nm_show(given).text);
    status = nm_forget_by_call(call, config, &what, &forgotten);
    if (status != NM_EXIT_FINE)
        return status;
    if (forgotten.finished)
        (void)fprintf(call->out, "Erased: what is personal in %llu events.\n",
            (unsigned long long)forgotten.erased);
    nm_tell_unfinished(call, &forgotten);
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    enum nm_exit status = nm_load(call, &config, NULL);

    if (status == NM_EXIT_FINE)
        status = erase(call, config);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_REASON, "why, for the log; without the address"},
};

static const char description[] =
    "Takes an address from the audit log. Where it sent, the event loses sender,\n"
    "client, user and reply; where it was written to, the recipient; an act that\n"
    "names it loses that. The decisions themselves stay, with the domains, and\n"
    "\"nearmiss audit verify\" still holds. That something was erased is on record,\n"
    "without the address.\n"
    "\n"
    "Copies elsewhere, such as the system log, exports and backups, are not touched.\n"
    "\n"
    "Only root and the user that the daemon runs as may do this.\n";

const struct nm_command nm_command_audit_erase = {
    .name = "audit erase",
    .summary = "take an address from the audit log",
    .arguments = "ADDRESS",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
