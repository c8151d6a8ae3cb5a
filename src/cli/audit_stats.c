/* `nearmiss audit stats`: figures on a span of time. */
#include "command.h"
#include "figures.h"

#include <stdlib.h>

static enum nm_exit put_figures(const struct nm_call *call, enum nm_format format,
    const struct nm_report *report, bool rules_known)
{
    if (format == NM_FORMAT_CSV)
        nm_put_figures_csv(call->out, report);
    else if (format == NM_FORMAT_TEXT)
        nm_put_figures_text(call, report, rules_known);
    else if (!nm_put_figures_json(call->out, report))
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_config *config = NULL;
    struct nm_report *report = NULL;
    enum nm_format format;
    int64_t since_us;
    int64_t until_us;
    char *path = NULL;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_CSV, &format) ||
        !nm_call_span(call, &since_us, &until_us))
        return NM_EXIT_USAGE;
    status = nm_open_log_and_config(call, &reader, &path, &config);
    if (status == NM_EXIT_FINE)
        status = nm_gather(call, reader, config, since_us, until_us, &report);
    if (status == NM_EXIT_FINE)
        status = put_figures(call, format, report, config != NULL);
    nm_report_free(&report);
    nm_audit_reader_close(&reader);
    nm_config_free(&config);
    free(path);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SINCE, "from this time on (default: 30d)"},
    {NM_CLI_UNTIL, "up to this time (default: now)"},
    {NM_CLI_FORMAT, "text (default), json: one object, or csv"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Counts the near misses of a span of time: over time, by what became of them, by\n"
    "the domain that was meant, by the kind of slip, by the sender's domain and by\n"
    "rule; and names senders that make the same slip again and again, and domains "
    "that\n"
    "may be meant after all. The span is widened to whole hours, and a span of more\n"
    "than three days to whole days, UTC.\n"
    "\n"
    "A near miss counts as \"stopped\" when it was refused or put off, as \"kept\" "
    "when a\n"
    "person decides (held, or in quarantine), \"marked\" when it went on with a "
    "header,\n"
    "\"observed\" when it went on because only that was asked, \"passed\" when it went "
    "on,\n"
    "and \"unfinished\" when the sender broke off or its end is not on record.\n"
    "\n"
    "JSON and CSV have every group; text has the largest.\n";

const struct nm_command nm_command_audit_stats = {
    .name = "audit stats",
    .summary = "near misses counted, over time and by kind",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
