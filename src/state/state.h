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

#include "gate/overlay.h"
#include "gate/ports.h"
#include "state/confirmations.h"
#include "state/contacts.h"
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

/* ---- contacts ----------------------------------------------------------- */

/* All registrable domains that mail passed to, and those of the history. */
enum nm_code nm_state_contacts(struct nm_state *state, const struct nm_names *names,
    struct nm_contacts *out, struct nm_error *error);

/* Note `count` domains that mail passed to at `now_us`, all or none. */
enum nm_code nm_state_note_contacts(struct nm_state *state,
    const struct nm_domain *domains, size_t count, int64_t now_us,
    struct nm_error *error);

/* ---- confirmations ------------------------------------------------------ */

/* All that may be confirmed, and was. */
enum nm_code nm_state_confirmations(
    struct nm_state *state, struct nm_confirmations **out, struct nm_error *error);

/* Store changes in their order, all or none. */
enum nm_code nm_state_store_confirmations(struct nm_state *state,
    const struct nm_confirm_change *changes, size_t count, struct nm_error *error);

/* Take out what no configuration can make count any more. */
enum nm_code nm_state_forget_confirmations(
    struct nm_state *state, int64_t now_us, struct nm_error *error);

/* ---- exceptions --------------------------------------------------------- */

/* What records who changed what, before it is in force. */
struct nm_recorder {
    const struct nm_audit_port *audit;
    struct nm_clock clock;
    struct nm_random random;
    const char *gateway;
    const char *actor; /* "alice (uid 1000)" */
};

/* Those in force at `now_us`. */
enum nm_code nm_state_overlay(struct nm_state *state, int64_t now_us,
    struct nm_overlay **out, struct nm_error *error);

/* Add an exception, whose author and time of making are the recorder's; one for the same
 * domain, target and sender is replaced. It is on record before it is stored, and where it
 * cannot be recorded it is not. NM_LIMIT with NM_EXCEPTIONS_MAX in force. */
enum nm_code nm_state_allow(struct nm_state *state, const struct nm_recorder *recorder,
    const struct nm_exception *exception, struct nm_error *error);

/* Take the exception for just this domain, target and sender away, likewise. NM_BAD_INPUT
 * when there is none. */
enum nm_code nm_state_disallow(struct nm_state *state,
    const struct nm_recorder *recorder, const struct nm_exception *exception,
    struct nm_error *error);

/* All of them, expired ones too, by domain. `each` returns false to stop. */
enum nm_code nm_state_exceptions(struct nm_state *state,
    bool (*each)(void *self, const struct nm_exception *exception), void *self,
    struct nm_error *error);

/* What an exception is about, in words: "army.ml, for army.mil, from a@example.org". */
void nm_exception_describe(const struct nm_exception *exception, struct nm_buf *out);

#endif
