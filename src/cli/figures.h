/* Figures that `audit stats` and `report` share: from the log into a report, and out of it
 * as data. */
#ifndef NM_CLI_FIGURES_H
#define NM_CLI_FIGURES_H

#include "audit.h"

#include "report/report.h"

/* The span of --since (30 days ago unless given) to --until (now). False: the usage was
 * told. */
bool nm_call_span(const struct nm_call *call, int64_t *since_us, int64_t *until_us);

/* Read the log into a new report, with the rules of `config` unless it is NULL; on a
 * terminal, with a progress bar on standard error. What fails is told. */
enum nm_exit nm_gather(const struct nm_call *call, struct nm_audit_reader *reader,
    const struct nm_config *config, int64_t since_us, int64_t until_us,
    struct nm_report **out);

/* For people, with bars. `rules_known` says that rules which never fired are in it. */
void nm_put_figures_text(
    const struct nm_call *call, const struct nm_report *report, bool rules_known);

/* All of it as one object on a line, or as rows of CSV. False: out of memory. */
bool nm_put_figures_json(FILE *out, const struct nm_report *report);
void nm_put_figures_csv(FILE *out, const struct nm_report *report);

#endif
