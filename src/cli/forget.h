/* What `audit prune`, `audit erase` and `audit rotate-key` share: the daemon does it, or without one the tool
 * does, through the same code. */
#ifndef NM_CLI_FORGET_H
#define NM_CLI_FORGET_H

#include "command.h"

#include "audit/audit.h"
#include "config/config.h"

/* Let it be forgotten; `what` needs no actor. Complains, unless NM_EXIT_FINE comes back. */
enum nm_exit nm_forget_by_call(const struct nm_call *call,
    const struct nm_config *config, const struct nm_audit_forget *what,
    struct nm_audit_forgotten *out);

/* Say that it goes on, if it does. */
void nm_tell_unfinished(
    const struct nm_call *call, const struct nm_audit_forgotten *forgotten);

#endif
