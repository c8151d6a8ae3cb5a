/* The milter's listening socket: bound by libmilter, with our care around it. */
#ifndef NM_MILTER_SOCKET_H
#define NM_MILTER_SOCKET_H

#include <nearmiss/base.h>

/* Have libmilter bind and listen on `spec`. */
enum nm_code nm_milter_listen(
    const char *spec, unsigned mode, const char *group, struct nm_error *error);

/* Connect once and hang up: libmilter looks at its stop flag only when its accept loop
 * wakes, which else takes up to five seconds. */
void nm_milter_poke(const char *spec);

#endif
