/* Asking the daemon that a call names. */
#ifndef NM_CLI_DAEMON_H
#define NM_CLI_DAEMON_H

#include "command.h"

struct nm_daemon_answer {
    bool ok;          /* false: the daemon said "wrong" */
    const char *rest; /* what stands behind the first line; into `text` */
    char *text;       /* the caller's to free */
};

/* Send `request` to the socket that --socket names, or the configuration. NM_EXIT_FINE
 * with an answer; or it was told what is wrong: with the configuration, or that nobody
 * answers, or that the daemon refuses. */
enum nm_exit nm_ask_daemon(
    const struct nm_call *call, const char *request, struct nm_daemon_answer *out);

/* The same at a socket that is known, with a file for the daemon, or -1. */
enum nm_exit nm_ask_daemon_with(const struct nm_call *call, const char *socket,
    const char *request, int file, struct nm_daemon_answer *out);

/* Text of the daemon, line by line, made visible. */
void nm_put_lines(FILE *out, const char *text);

#endif
