/* Following the log as it grows. */
#ifndef NM_CLI_FOLLOW_H
#define NM_CLI_FOLLOW_H

#include "command.h"

/* Flush the output, and wait a moment for the log to grow. False: nobody reads the output
 * any more, or it cannot be written. */
bool nm_follow_pause(const struct nm_call *call);

#endif
