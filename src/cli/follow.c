#include "follow.h"

#include <poll.h>

enum { PAUSE_MS = 500 };

/* A pipe whose reader has gone answers at once, so that we do not outlive it until there
 * is something to write. */
bool nm_follow_pause(const struct nm_call *call)
{
    struct pollfd output = {.fd = fileno(call->out)};

    if (fflush(call->out) != 0 || ferror(call->out))
        return false;
    return poll(&output, 1, PAUSE_MS) <= 0 ||
           (output.revents & (POLLERR | POLLNVAL)) == 0;
}
