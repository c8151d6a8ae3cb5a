/*
 * The daemon's side of the quarantine: opened beside the audit log, swept as messages
 * grow old, and what the tool asks for.
 */
#ifndef NM_DAEMON_KEEPER_H
#define NM_DAEMON_KEEPER_H

#include "config/config.h"
#include "control/control.h"
#include "quarantine/review.h"

enum { NM_KEEPER_SWEEP_MS = 3600 * 1000 };

/* NM_NO_MEMORY. A quarantine that cannot be opened now is no failure: the log says what is
 * wrong, and messages that should go there are put off. */
enum nm_code nm_keeper_start(const struct nm_settings *settings, struct nm_clock clock,
    struct nm_quarantine **out);

/* After a start or a reload: new limits, and whether messages may come. */
void nm_keeper_configure(struct nm_quarantine *quarantine,
    const struct nm_settings *settings, bool is_needed);

/* Let go of what is too old; each is on record before. */
void nm_keeper_sweep(struct nm_quarantine *quarantine, const struct nm_ports *ports,
    const char *gateway);

/* What the tool asks for; the argument is "ID" and what else the verb takes:
 *   kept-look ID | kept-delete ID | kept-released ID    -> "ok\n"
 *   kept-release ID RECIPIENT -> "ok\n" and, where it had come by, a queue id
 *   kept-release-again ID RECIPIENT -> "ok\n"
 *   kept-not-released ID WHY  -> "ok\n"
 * or "wrong\n" and a line that says why. */
char *nm_keeper_answer(struct nm_quarantine *quarantine, const struct nm_ports *ports,
    const char *gateway, const struct nm_control_request *request);

#endif
