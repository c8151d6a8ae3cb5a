/*
 * Control: the daemon's socket, both ends. A request is one line, the answer is any
 * number of lines, and the daemon closes.
 *
 *   reload   ->  "ok\n", or "wrong\n" and one complaint a line
 *   status   ->  "ok\n" and one JSON object
 *
 * Who may connect is a matter of the socket's permissions and of the peer's
 * credentials: root and the daemon's own user may reload, others who can connect may
 * only ask for the status. May use base and the operating system.
 */
#ifndef NM_CONTROL_CONTROL_H
#define NM_CONTROL_CONTROL_H

#include <nearmiss/base.h>

enum { NM_CONTROL_LINE_MAX = 256, NM_CONTROL_TIMEOUT_MS = 30000 };

/* Answers one request; called on the server's thread, one at a time. Returns a text that
 * the server frees, or NULL out of memory. */
struct nm_control_handler {
    void *self;
    char *(*answer)(void *self, const char *request, unsigned peer_uid);
};

struct nm_control_server;

/* Listen on `path` (a stale socket is replaced, a live one is an error) and answer on a
 * thread of its own, which blocks all signals. */
enum nm_code nm_control_start(const char *path,
    const struct nm_control_handler *handler, const struct nm_log *log,
    struct nm_control_server **out, struct nm_error *error);

/* Stop answering and remove the socket. */
void nm_control_stop(struct nm_control_server **server);

/* Ask a daemon. `*answer` is the caller's to free. NM_SYSTEM when none answers. */
enum nm_code nm_control_ask(
    const char *path, const char *request, char **answer, struct nm_error *error);

#endif
