/* A connection to a mail server, by any route. */
#ifndef NM_QUARANTINE_ROUTE_H
#define NM_QUARANTINE_ROUTE_H

#include <nearmiss/base.h>

#include <sys/types.h>

struct nm_route {
    int peer;    /* a socket, to read and write */
    pid_t child; /* the sendmail command; 0 for none */
};

enum nm_code nm_route_open(
    const char *route, struct nm_route *out, struct nm_error *error);

/* Hang up, and wait for the command to end. */
void nm_route_close(struct nm_route *route);

#endif
