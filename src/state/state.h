/*
 * State: what is learnt, and what people change while mail flows, in an SQLite database.
 *
 * May use gate and below, and sql. One process writes at a time, held by a lock; any number
 * may read meanwhile. A struct nm_state may be used by any thread: calls wait for one
 * another, so that no callback of a mail server's should make one.
 *
 * Every change is durable when its call returns.
 */
#ifndef NM_STATE_STATE_H
#define NM_STATE_STATE_H

#include "state/counts.h"

#include <nearmiss/base.h>

struct nm_state;

/* Open to write; made, mode 0640, when there is none, and brought up to date. NM_STOPPED
 * when another process writes it, NM_BAD_INPUT when it is another program's or of a newer
 * version, NM_SYSTEM, NM_NO_MEMORY. */
enum nm_code nm_state_open(
    const char *path, struct nm_state **out, struct nm_error *error);

/* Open to read. NM_OK with NULL in `*out` when there is no database yet. */
enum nm_code nm_state_open_to_read(
    const char *path, struct nm_state **out, struct nm_error *error);

void nm_state_close(struct nm_state **state);

/* Whether it could be opened to write, as far as can be told without a change. */
enum nm_code nm_state_check(const char *path, struct nm_error *error);

/* ---- history ------------------------------------------------------------ */

/* All counts, in the order of their names. */
enum nm_code nm_state_counts(
    struct nm_state *state, struct nm_counts **out, struct nm_error *error);

/* Store counts, all or, on failure, none. Each takes the place of what an earlier import
 * said of its domain; one of 0 messages takes the domain out. */
enum nm_code nm_state_import(struct nm_state *state, const struct nm_counts *counts,
    int64_t now_us, struct nm_error *error);

#endif
