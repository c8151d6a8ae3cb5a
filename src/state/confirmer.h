/*
 * Confirmer: what senders confirm, for the gate, and the thread that stores it.
 *
 * Everybody may ask and note at any time: both look into memory, under a lock that is held
 * for a moment. What is noted is stored at once, all that waits in one go, so that who was
 * told to send again finds that remembered after a restart. A database that cannot be
 * written now is tried again; what waits meanwhile is in force, and lost only with the
 * process.
 */
#ifndef NM_STATE_CONFIRMER_H
#define NM_STATE_CONFIRMER_H

#include "state/codes.h"
#include "state/confirmations.h"
#include "state/state.h"

enum {
    NM_CONFIRM_WAIT_MS = 5000, /* for what was noted to be stored, at most */
    NM_CONFIRM_RETRY_MS = 10000,
    NM_CONFIRM_WAITING_MAX =
        32768, /* changes to be stored; what comes then is in force,
                                       and not stored */
    NM_CONFIRM_TELL_S =
        3600 /* the log says once in so long that rows were pushed out */
};

struct nm_confirmer;

/* Read what is stored, forget what has expired, and start. `state`, `codes` (or NULL:
 * nothing is confirmed by a code) and `log` (or NULL) are borrowed. NM_NO_MEMORY,
 * NM_SYSTEM. */
enum nm_code nm_confirmer_start(struct nm_state *state, struct nm_codes *codes,
    struct nm_clock clock, const struct nm_log *log, struct nm_confirmer **out,
    struct nm_error *error);

/* The same just to ask, of a state that may be read only. No thread. */
enum nm_code nm_confirmer_open(
    struct nm_state *state, struct nm_confirmer **out, struct nm_error *error);

struct nm_confirm_port nm_confirmer_port(struct nm_confirmer *confirmer);

/* How many may be confirmed, and how many confirmations are remembered. */
void nm_confirmer_count(
    struct nm_confirmer *confirmer, size_t *pending, size_t *confirmed);

/* Store what waits, and end the thread if there is one. Nobody may ask or note any more. */
void nm_confirmer_stop(struct nm_confirmer **confirmer);

#endif
