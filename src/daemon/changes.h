/*
 * What people change while mail flows, as the control socket asks for it. Called on the
 * control server's thread, one call at a time; each returns the answer's text for free(),
 * or NULL out of memory.
 */
#ifndef NM_DAEMON_CHANGES_H
#define NM_DAEMON_CHANGES_H

#include "control/control.h"
#include "runtime.h"

/* `history-import`, with a file of counts: "ok\n" once they are stored and in force. */
char *nm_change_import(
    struct nm_runtime *runtime, const struct nm_control_request *request);

/* `allow-add`, `allow-remove`, with an exception as a JSON object: "domain" and, where it
 * has them, "target", "sender", "reason" and "expires_us". "ok\n" once it is on record,
 * stored and in force. */
char *nm_change_allow(
    struct nm_runtime *runtime, const struct nm_control_request *request);
char *nm_change_disallow(
    struct nm_runtime *runtime, const struct nm_control_request *request);

/* `audit-forget`, with a JSON object: "prune_before_us" (0: nothing), "address" and
 * "reason" (or null), or "rotate_key" alone. "ok\n" and an object: "finished", "cut_off",
 * "erased" and "new_key". */
char *nm_change_forget(
    struct nm_runtime *runtime, const struct nm_control_request *request);

#endif
