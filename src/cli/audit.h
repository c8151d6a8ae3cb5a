/* What the subcommands of `audit` share. */
#ifndef NM_CLI_AUDIT_H
#define NM_CLI_AUDIT_H

#include "command.h"
#include "csv.h"
#include "json.h"

#include "audit/audit.h"
#include "config/config.h"
#include "gate/session.h"

/* The path of the log that --database names, or the configuration; the caller's to free. */
enum nm_exit nm_find_log(const struct nm_call *call, char **path);

/* Open the log that --database names, or the configuration; with NM_EXIT_FINE, `*path`
 * is the caller's to free. */
enum nm_exit nm_open_log(
    const struct nm_call *call, struct nm_audit_reader **reader, char **path);

/* The same with the configuration that named the log; NULL when --database did. */
enum nm_exit nm_open_log_and_config(const struct nm_call *call,
    struct nm_audit_reader **reader, char **path, struct nm_config **config);

/* The time of --since and its like, and the number of --last; unchanged when it is not
 * given. False: the usage was told. */
bool nm_call_time(const struct nm_call *call, enum nm_cli_option option, int64_t *out);
bool nm_call_last(const struct nm_call *call, size_t *out);

/* `audit list --acts`. */
enum nm_exit nm_list_acts(const struct nm_call *call);

/* An act as an object. */
struct nm_json nm_act_json(const struct nm_audit_act *act);

/* One decision as an object, to the contract; or as one line of it. False: out of memory. */
struct nm_json nm_row_json(const struct nm_audit_row *row);
bool nm_put_row_json(FILE *out, const struct nm_audit_row *row);

/* One decision as a row of CSV, under the names of its columns: those of the JSON. */
void nm_put_csv_titles(struct nm_csv *csv);
void nm_put_row_csv(struct nm_csv *csv, const struct nm_audit_row *row);

#endif
