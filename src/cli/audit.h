/* What `audit list` and `audit show` share. */
#ifndef NM_CLI_AUDIT_H
#define NM_CLI_AUDIT_H

#include "command.h"

#include "audit/audit.h"
#include "gate/session.h"

/* Open the log that --database names, or the configuration; with NM_EXIT_FINE, `*path`
 * is the caller's to free. */
enum nm_exit nm_open_log(
    const struct nm_call *call, struct nm_audit_reader **reader, char **path);

/* One decision as one line of JSON, to the contract. False: out of memory. */
bool nm_put_row_json(FILE *out, const struct nm_audit_row *row);

#endif
