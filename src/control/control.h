/*
 * Control: the daemon's socket, both ends. A request is one line: a verb, and behind a
 * blank its argument, if it takes one; a file descriptor may come with it. The answer is
 * any number of lines, and the daemon closes. The answer's first line says how it went:
 *
 *   reload   ->  "ok\n", or "wrong\n" and one complaint a line
 *   status   ->  "ok\n" and one JSON object
 *   anything ->  "refused\n" and a line that says why
 *
 * Who may connect is a matter of the socket's permissions (NM_CONTROL_SOCKET_MODE) and
 * of the peer's credentials, as the kernel tells them: root and the daemon's own user
 * may ask for anything, others who can connect for what is for everyone. The server
 * refuses the rest itself, and verbs that it does not know, so that a handler sees
 * nothing but requests that may be answered.
 *
 * May use base and the operating system.
 */
#ifndef NM_CONTROL_CONTROL_H
#define NM_CONTROL_CONTROL_H

#include <nearmiss/base.h>

enum {
    NM_CONTROL_LINE_MAX = 8192,          /* bytes of a request, its newline included */
    NM_CONTROL_ANSWER_MAX = 1024 * 1024, /* bytes of an answer that a client takes */
    NM_CONTROL_PEERS_MAX = 16,     /* connections at once; one more drops the oldest */
    NM_CONTROL_REQUEST_MS = 2000,  /* for a peer to send its line */
    NM_CONTROL_TAKE_MS = 5000,     /* for a peer to read its answer */
    NM_CONTROL_TIMEOUT_MS = 30000, /* for a client to get the whole answer */
    NM_CONTROL_SOCKET_MODE = 0660
};

/* A request that may be answered. Borrowed for the call. */
struct nm_control_request {
    const char *verb;
    const char *argument; /* "" without one; any bytes but NUL and newline */
    unsigned uid;         /* of the peer */
    int file;             /* that came with the request, or -1; closed after the call */
};

/* What may be asked. `answer` is called on the server's thread, one call at a time, and
 * returns a text that the server frees, or NULL out of memory. */
struct nm_control_verb {
    const char *name;
    bool everyone;       /* who can connect may ask, and not the trusted alone */
    bool takes_argument; /* else a request with one is unknown */
    char *(*answer)(void *self, const struct nm_control_request *request);
};

struct nm_control_handler {
    void *self;
    const struct nm_control_verb *verbs; /* borrowed */
    size_t verb_count;
};

/* Who a peer is, as the log of acts names people: "alice (uid 1000)", or "uid 1000" for a
 * user without an entry. */
struct nm_actor {
    char text[96];
};
struct nm_actor nm_control_actor(unsigned uid);

struct nm_control_server;

/* Listen on `path` (`unix:` may stand before it) and answer on a thread of its own,
 * which blocks all signals. A socket there that nobody answers is replaced; one that
 * somebody answers, or a file that is no socket, is an error and is left alone.
 * `handler` is copied; what it points to, and `log` (or NULL), must outlive the server.
 * NM_BAD_INPUT for a path that no socket can have, NM_SYSTEM, NM_NO_MEMORY. */
enum nm_code nm_control_start(const char *path,
    const struct nm_control_handler *handler, const struct nm_log *log,
    struct nm_control_server **out, struct nm_error *error);

/* Stop answering, drop who is connected, and remove the socket if it is still ours. An
 * answer that the handler is working on is waited for. */
void nm_control_stop(struct nm_control_server **server);

/* Ask a daemon; `path` as above. `*answer` is the caller's to free. NM_SYSTEM when none
 * answers, NM_TIMEOUT, NM_LIMIT (an answer too long), NM_BAD_INPUT (a path or a request
 * that cannot be). May be called from any thread; never raises SIGPIPE. */
enum nm_code nm_control_ask(
    const char *path, const char *request, char **answer, struct nm_error *error);

/* The same with a file, which the daemon gets a descriptor of, or -1 for none. */
enum nm_code nm_control_ask_with(const char *path, const char *request, int file,
    char **answer, struct nm_error *error);

#endif
