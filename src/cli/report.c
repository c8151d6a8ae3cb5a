/* `nearmiss report`: the figures of a span of time, as a page or as text. */
#include "command.h"
#include "figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE_MODE = 0640 };

struct rows {
    struct nm_audit_reader *reader;
    int64_t sequence;
    struct nm_audit_event event;
};

/* ---- rows --------------------------------------------------------------- */

static bool keep_row(void *self, const struct nm_audit_row *row)
{
    struct rows *rows = self;

    rows->sequence = row->sequence;
    rows->event = row->decision;
    return false;
}

/* The reader keeps what the row points to until it is asked again. */
static const struct nm_audit_event *find_row(void *self, int64_t sequence)
{
    struct rows *rows = self;
    const struct nm_audit_query query = {
        .after_sequence = sequence - 1, .upto_sequence = sequence};

    rows->sequence = 0;
    if (nm_audit_reader_list(rows->reader, &query, keep_row, rows, NULL) != NM_OK ||
        rows->sequence != sequence)
        return NULL;
    return &rows->event;
}

/* ---- the page ----------------------------------------------------------- */

static bool write_page(
    FILE *file, const struct nm_call *call, const struct nm_figures *figures)
{
    const struct nm_config *config = figures->config;
    struct rows rows = {.reader = figures->reader};
    const struct nm_report_page page = {
        .report = figures->report,
        .gateway = config != NULL ? nm_config_settings(config)->gateway : "",
        .program = "nearmiss " NM_VERSION,
        .made_us = call->now_us,
        .rules_known = config != NULL,
        .row = find_row,
        .self = &rows,
    };

    nm_report_put_html(file, &page);
    return ferror(file) == 0;
}

/* The page names people: others than the owner's group cannot read it. It takes its name
 * only when it is whole. */
static enum nm_exit put_page(
    const struct nm_call *call, const char *path, const struct nm_figures *figures)
{
    char *draft = malloc(strlen(path) + sizeof ".draft");
    FILE *file = NULL;
    bool fine = false;
    int failure = ENOMEM;

    if (draft != NULL) {
        (void)sprintf(draft, "%s.draft", path);
        file = fopen(draft, "we");
        failure = errno;
    }
    if (file != NULL) {
        (void)fchmod(fileno(file), PAGE_MODE);
        fine = write_page(file, call, figures);
        fine = fclose(file) == 0 && fine;
        fine = fine && rename(draft, path) == 0;
        failure = errno;
        if (!fine)
            (void)remove(draft);
    }
    free(draft);
    if (fine)
        return NM_EXIT_FINE;
    return nm_complain_and(
        call, NM_EXIT_SYSTEM, "cannot write %s: %s", path, strerror(failure));
}

/* ---- the subcommand ----------------------------------------------------- */

static enum nm_exit run(const struct nm_call *call)
{
    const char *page = call->values[NM_CLI_HTML];
    struct nm_figures figures;
    enum nm_exit status = nm_figures_open(call, &figures);

    if (status == NM_EXIT_FINE && page == NULL)
        nm_put_figures_text(call, figures.report, figures.config != NULL);
    else if (status == NM_EXIT_FINE && strcmp(page, "-") == 0)
        (void)write_page(call->out, call, &figures);
    else if (status == NM_EXIT_FINE)
        status = put_page(call, page, &figures);
    nm_figures_close(&figures);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_HTML, "write a page for a browser; - is standard output"},
    {NM_CLI_SINCE, "from this time on (default: 30d)"},
    {NM_CLI_UNTIL, "up to this time (default: now)"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Reports the near misses of a span of time. With --html the report is one page "
    "that\n"
    "needs nothing else: it can be mailed, printed or kept. It has charts and tables "
    "of\n"
    "near misses over time, by target, by kind of slip, by group of senders, by rule "
    "and\n"
    "by action with what became of them; the rules that never fire; addresses to "
    "correct\n"
    "at their source; candidates for an exception; and rows of the log behind each\n"
    "figure. It names senders and recipients, and its file is mode 0640.\n"
    "\n"
    "Without --html it is the text of \"nearmiss audit stats\".\n";

const struct nm_command nm_command_report = {
    .name = "report",
    .summary = "near misses of a span of time, as a page or as text",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
