/*
 * `nearmiss audit prune`: cut off the oldest part of the audit log.
 */
#include "audit.h"
#include "forget.h"
#include "load.h"
#include "text.h"
#include "times.h"

static const int64_t day_us = INT64_C(86400) * 1000000;

static bool find_time(
    const struct nm_call *call, const struct nm_config *config, int64_t *before_us)
{
    const unsigned days = nm_config_settings(config)->audit_keep_days;

    if (call->values[NM_CLI_BEFORE] != NULL)
        return nm_call_time(call, NM_CLI_BEFORE, before_us);
    if (days == 0) {
        (void)nm_usage(call, "audit.keep_days is 0, which keeps all for ever; say how "
                             "much to cut off with --before");
        return false;
    }
    *before_us = call->now_us - (int64_t)days * day_us;
    return true;
}

static enum nm_exit prune(const struct nm_call *call, const struct nm_config *config)
{
    struct nm_audit_forget what = {.reason = call->values[NM_CLI_REASON]};
    struct nm_audit_forgotten forgotten = {.finished = false};
    enum nm_exit status;

    if (!find_time(call, config, &what.prune_before_us))
        return NM_EXIT_USAGE;
    status = nm_forget_by_call(call, config, &what, &forgotten);
    if (status != NM_EXIT_FINE)
        return status;
    if (forgotten.finished)
        (void)fprintf(call->out, "Cut off: %llu events of before %s UTC.\n",
            (unsigned long long)forgotten.cut_off,
            nm_time_format_short(what.prune_before_us).text);
    nm_tell_unfinished(call, &forgotten);
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    enum nm_exit status = nm_load(call, &config, NULL);

    if (status == NM_EXIT_FINE)
        status = prune(call, config);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_BEFORE, "older than this (default: audit.keep_days)"},
    {NM_CLI_REASON, "why, for the log"},
};

static const char description[] =
    "Cuts off the oldest part of the audit log. A signed seal stays in its place, so\n"
    "that \"nearmiss audit verify\" holds for the rest, and who did it is on record.\n"
    "The daemon does the same by itself each hour when audit.keep_days is set.\n"
    "\n"
    "Where the clock was set back, events are kept as much longer.\n"
    "\n"
    "Only root and the user that the daemon runs as may do this.\n";

const struct nm_command nm_command_audit_prune = {
    .name = "audit prune",
    .summary = "cut off the oldest part of the audit log",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
