/*
 * Learner: the domains that mail from here went to, for the gate, and the thread that
 * stores what is new.
 *
 * Everybody may ask and note at any time: both look into memory, under a lock that is
 * held for a moment. What is noted is stored within NM_LEARN_LINGER_MS, many at a time, and
 * when the learner stops. A database that cannot be written now is tried again; what waits
 * meanwhile is known, and lost only with the process.
 */
#ifndef NM_STATE_LEARNER_H
#define NM_STATE_LEARNER_H

#include "gate/ports.h"
#include "state/state.h"

enum {
    NM_LEARN_LINGER_MS = 500,
    NM_LEARN_RETRY_MS = 10000,
    NM_LEARN_WAITING_MAX = 8192 /* domains to be stored; more are learnt when mail goes
                                   there again after a restart */
};

struct nm_learner;

/* Read what is known, and start. `state`, `log` (or NULL) are borrowed. With more domains
 * on record than NM_CONTACTS_MAX the others count as not written to, and the log says so.
 * NM_NO_MEMORY, NM_SYSTEM. */
enum nm_code nm_learner_start(struct nm_state *state, const struct nm_names *names,
    struct nm_clock clock, const struct nm_log *log, struct nm_learner **out,
    struct nm_error *error);

struct nm_contact_port nm_learner_port(struct nm_learner *learner);

/* Know the registrable domains of an imported history too. What an import took out stays
 * known until the next start. */
void nm_learner_add(struct nm_learner *learner, const struct nm_names *names,
    const struct nm_counts *counts);

/* How many domains are known. */
size_t nm_learner_size(struct nm_learner *learner);

/* Store what waits, and end the thread. Nobody may ask or note any more. */
void nm_learner_stop(struct nm_learner **learner);

#endif
