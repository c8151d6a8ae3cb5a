/* The state database that a call's configuration names. */
#ifndef NM_CLI_STATE_H
#define NM_CLI_STATE_H

#include "command.h"

#include "config/config.h"
#include "state/state.h"

/* Open it to read; NULL in `*out` when there is none yet. NM_EXIT_FINE, or it was told
 * why not. */
enum nm_exit nm_open_state(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out);

/* The same, where it is a failure that there is none. */
enum nm_exit nm_open_state_that_is(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out);

/* Open it to write, so that the daemon cannot run meanwhile; NULL in `*out` when a daemon
 * runs, which is then to be asked. NM_EXIT_FINE, or it was told why not. */
enum nm_exit nm_open_state_to_write(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out);

/* Let the daemon that `config` names make a change. NM_EXIT_FINE once it is in force; or
 * what the daemon says is wrong, with `wrong` as the status. */
enum nm_exit nm_ask_for_change(const struct nm_call *call,
    const struct nm_config *config, const char *request, int file, enum nm_exit wrong);

#endif
