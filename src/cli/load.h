/* The configuration that a call names, with its complaints on standard error. */
#ifndef NM_CLI_LOAD_H
#define NM_CLI_LOAD_H

#include "command.h"

#include "config/config.h"

/* The file that -c names, or the default. */
const char *nm_call_config(const struct nm_call *call);

/* Read the configuration; with `snapshot` not NULL, build that as well, with the history
 * that the daemon would use. NM_EXIT_FINE, NM_EXIT_CONFIGURATION with the complaints told,
 * or NM_EXIT_SYSTEM. */
enum nm_exit nm_load(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot);

/* The same with the complaints for the caller, who frees them in every case; the snapshot
 * is that of the configuration alone. */
enum nm_exit nm_load_quietly(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot, struct nm_complaints *complaints);

#endif
