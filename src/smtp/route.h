/* A connection to a mail server, by any route. */
#ifndef NM_SMTP_ROUTE_H
#define NM_SMTP_ROUTE_H

#include <nearmiss/base.h>

#include <sys/types.h>

struct nm_route {
    int peer;    /* a socket, to read and write */
    pid_t child; /* the sendmail command; 0 for none */
};

/* Wait until `peer` is ready for `events` (of poll). NM_STOPPED once `stop` (or NULL) can
 * be read, NM_TIMEOUT. */
enum nm_code nm_route_wait(
    int peer, short events, const int *stop, struct nm_error *error);

/* `option` is what names the route, for who reads an error. */
enum nm_code nm_route_open(const char *route, const char *option, const int *stop,
    struct nm_route *out, struct nm_error *error);

/* Hang up, and wait for the command to end. */
void nm_route_close(struct nm_route *route);

#endif
