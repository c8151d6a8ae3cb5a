/* `nearmiss audit stats`: figures on a span of time. */
#include "command.h"
#include "figures.h"

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
    struct nm_figures figures;
    enum nm_format format;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_CSV, &format))
        return NM_EXIT_USAGE;
    status = nm_figures_open(call, &figures);
    if (status == NM_EXIT_FINE)
        status = put_figures(call, format, figures.report, figures.config != NULL);
    nm_figures_close(&figures);
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
