/*
 * Milter: libmilter's callbacks into gate events, and answers back.
 *
 * May use gate and below, and libmilter. libmilter keeps its state in globals, so there
 * is one milter a process. Its worker pool moves the callbacks of one connection between
 * threads: they keep nothing thread-local and hold no lock from one to the next.
 */
#ifndef NM_MILTER_MILTER_H
#define NM_MILTER_MILTER_H

#include "gate/session.h"

#include <nearmiss/base.h>

enum { NM_MILTER_SOCKET_MAX = 511 }; /* bytes of its name */

/* Ports and slot are borrowed until after the drain, the rest for the call. */
struct nm_milter_options {
    const char *socket; /* "unix:/path", "local:/path", "inet:…", "inet6:…", "fd:N" */
    unsigned socket_mode;     /* permission bits of a socket in the file system */
    const char *socket_group; /* "" to leave it */
    const struct nm_ports *ports;
    struct nm_slot *slot;
};

/* Bind and listen. A stale socket is replaced; one that another process answers on is
 * left alone and is an error. */
enum nm_code nm_milter_open(
    const struct nm_milter_options *options, struct nm_error *error);

/* Answer mail servers, for as long as the process lives; NM_SYSTEM when libmilter gives
 * up. */
enum nm_code nm_milter_run(struct nm_error *error);

/* The stop: take the socket's name away, let no more callbacks in, wait for those inside,
 * then end the sessions that are left over as aborted. libmilter serves on and puts the
 * mail of open connections off (in observe mode: lets it go) until the process ends,
 * which it should do soon. While callbacks are left inside, nothing that ports and slot
 * lead to may be freed, and no session was ended.
 *
 * libmilter's own stop is never used. It destroys a lock that its listener and workers
 * still take, and where one of them does, smfi_main does not return. */
struct nm_milter_left {
    size_t connections; /* still open */
    size_t callbacks;   /* still inside: a mail server does not take what it is told */
};
struct nm_milter_left nm_milter_drain(unsigned timeout_ms);

/* Connections open now. */
size_t nm_milter_sessions(void);

#endif
