/*
 * Forgetting: the oldest events are cut off, uneventful ones lose what is personal, a
 * person's data are erased; and texts that no event has any more go too. All in steps that
 * take a moment each, in transactions of the caller's. The chain holds: where something was
 * cut off a seal says so, and of what was erased the commitments stay (chain.h).
 *
 * Belongs to one connection and knows of its open transaction: after a rollback it must
 * be thrown away. Functions return SQLite's status.
 */
#ifndef NM_AUDIT_FORGET_H
#define NM_AUDIT_FORGET_H

#include "rows.h"

struct nm_forget;

/* `texts` is borrowed. */
int nm_forget_open(sqlite3 *db, struct nm_texts *texts, struct nm_forget **out);
void nm_forget_close(struct nm_forget **forget);

/* The last event before which all are older than `before_us`; 0 when there is none. Never
 * the last of the log. `*out` gets its hash too. */
int nm_forget_find(struct nm_forget *forget, int64_t before_us, struct nm_seal *out);

/* What seals say is cut off and is there yet: a piece of it. `*more` when more is left. */
int nm_forget_cut_off(struct nm_forget *forget, uint64_t *events, bool *more);

/* Take what is personal from a piece of the uneventful decisions up to `upto`: those that
 * were accepted and are no near misses. */
int nm_forget_redact(
    struct nm_forget *forget, int64_t upto, uint64_t *events, bool *more);

/* Take what is personal of `address`, or of `keyed`, its other form, as a sender or as a recipient, from a piece of the
 * log, and from what people did. `*after` begins at 0 and is the caller's to keep. */
int nm_forget_address(struct nm_forget *forget, const char *address,
    struct nm_bytes keyed, int64_t *after, uint64_t *events, bool *more);

/* Remove a piece of the texts that no event has any more. A sweep that was begun goes on
 * until there is no more. */
int nm_forget_sweep(struct nm_forget *forget, bool *more);

#endif
