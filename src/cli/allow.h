/* What the `allow` subcommands share. */
#ifndef NM_CLI_ALLOW_H
#define NM_CLI_ALLOW_H

#include "command.h"

#include "gate/overlay.h"

/* The exception that a call's argument and options describe; its texts are borrowed from
 * the call. False: the usage was told. */
bool nm_call_exception(const struct nm_call *call, struct nm_exception *out);

enum nm_exception_change { NM_EXCEPTION_ADD, NM_EXCEPTION_REMOVE };

/* Make the change: by the daemon, or where none runs by writing the database. NM_EXIT_FINE
 * once it is recorded and stored, and told on `out`. */
enum nm_exit nm_change_exception(const struct nm_call *call,
    enum nm_exception_change change, const struct nm_exception *exception);

#endif
