/* The milter's listening socket: bound by libmilter, with our care around it. */
#ifndef NM_MILTER_SOCKET_H
#define NM_MILTER_SOCKET_H

#include <nearmiss/base.h>

/* Have libmilter bind and listen on `spec`. */
enum nm_code nm_milter_listen(
    const char *spec, unsigned mode, const char *group, struct nm_error *error);

/* Remove the socket from the file system, if it is there. Who is connected stays so. */
void nm_milter_unlink(const char *spec);

#endif
