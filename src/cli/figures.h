/* Figures that `audit stats` and `report` share: from the log into a report, and out of it
 * as data. */
#ifndef NM_CLI_FIGURES_H
#define NM_CLI_FIGURES_H

#include "audit.h"

#include "report/report.h"

/* A log, and the report of a span of it. */
struct nm_figures {
    struct nm_audit_reader *reader;
    struct nm_config *config; /* that named the log; NULL when --database did */
    struct nm_report *report;
    char *path;
};

/* Read the log that the call names into a report: from --since (30 days ago unless given)
 * to --until (now), with the rules of the configuration; on a terminal, with a progress bar
 * on standard error. What fails is told. To be closed whatever comes back. */
enum nm_exit nm_figures_open(const struct nm_call *call, struct nm_figures *figures);
void nm_figures_close(struct nm_figures *figures);

/* For people, with bars. `rules_known` says that rules which never fired are in it. */
void nm_put_figures_text(
    const struct nm_call *call, const struct nm_report *report, bool rules_known);

/* All of it as one object on a line, or as rows of CSV. False: out of memory. */
bool nm_put_figures_json(FILE *out, const struct nm_report *report);
void nm_put_figures_csv(FILE *out, const struct nm_report *report);

#endif
