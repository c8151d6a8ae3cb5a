/* The configuration that a call names, with its complaints on standard error. */
#ifndef NM_CLI_LOAD_H
#define NM_CLI_LOAD_H

#include "command.h"

#include "config/config.h"
#include "gate/session.h"

/* The file that -c names, or the default. */
const char *nm_call_config(const struct nm_call *call);

/* What the daemon would judge a recipient by now. */
struct nm_world {
    struct nm_snapshot *snapshot;
    struct nm_overlay *overlay; /* NULL for none */
    struct nm_contacts *known;  /* domains that mail went to; NULL: no rule asks */
    struct nm_contact_port contacts;
    struct nm_confirmer *confirmer; /* NULL for no state database yet */
    struct nm_confirm_port confirms;
};
/* Borrows from `world`. */
struct nm_view nm_world_view(const struct nm_world *world, int64_t now_us);
void nm_world_free(struct nm_world *world);

/* Read the configuration; with `world` not NULL, build that as well, with what the state
 * database has. NM_EXIT_FINE, NM_EXIT_CONFIGURATION with the complaints told, or
 * NM_EXIT_SYSTEM. */
enum nm_exit nm_load(
    const struct nm_call *call, struct nm_config **config, struct nm_world *world);

/* Read the configuration and, with `snapshot` not NULL, build it alone. As nm_load, with
 * the complaints for the caller, who frees them in every case. */
enum nm_exit nm_load_quietly(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot, struct nm_complaints *complaints);

#endif
