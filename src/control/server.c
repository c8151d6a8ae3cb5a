/*
 * The server: one thread, one poll() over the listening socket, an eventfd that says
 * stop, and up to NM_CONTROL_PEERS_MAX peers. No peer can make it wait: sockets never
 * block, a peer has a deadline to send its line and another to take its answer, and
 * when all places are taken the newcomer gets that of the peer that waited longest.
 * Only the handler takes its time, which is what asking it is for.
 */
#include "address.h"
#include "control/control.h"
#include "listener.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_PAUSE_MS = 100 };

struct peer {
    int fd; /* -1: a free place */
    unsigned uid;
    int file; /* that came with the request, or -1 */
    int64_t deadline_ms;
    char request[NM_CONTROL_LINE_MAX];
    size_t request_length;
    char *answer; /* NULL until the request is whole */
    size_t answer_length;
    size_t sent;
};

struct nm_control_server {
    struct nm_control_listener listener;
    int stop_event;
    pthread_t thread;
    struct nm_control_handler handler;
    const struct nm_log *log;
    int64_t accept_after_ms; /* out of descriptors: look again then */
    struct peer peers[NM_CONTROL_PEERS_MAX];
};

static void hang_up(struct peer *peer)
{
    if (peer->fd < 0)
        return;
    (void)close(peer->fd);
    if (peer->file >= 0)
        (void)close(peer->file);
    free(peer->answer);
    *peer = (struct peer){.fd = -1, .file = -1};
}

/* ---- answering ---------------------------------------------------------- */

static char *refusal(
    const struct nm_control_server *server, const struct peer *peer, const char *why)
{
    char uid[16];
    char *text = NULL;

    (void)snprintf(uid, sizeof uid, "%u", peer->uid);
    nm_log(server->log, NM_LOG_WARNING, "control request refused", {"why", why},
        {"uid", uid});
    return asprintf(&text, "refused\n%s\n", why) < 0 ? NULL : text;
}

static const struct nm_control_verb *find_verb(
    const struct nm_control_handler *handler, const char *word, size_t length)
{
    for (size_t i = 0; i < handler->verb_count; i++) {
        const char *name = handler->verbs[i].name;

        if (strlen(name) == length && memcmp(name, word, length) == 0)
            return &handler->verbs[i];
    }
    return NULL;
}

/* The line is cut in two behind its verb. */
static char *answer_line(const struct nm_control_server *server, struct peer *peer)
{
    const bool trusted = peer->uid == 0 || peer->uid == geteuid();
    char *blank = strchr(peer->request, ' ');
    const size_t length =
        blank != NULL ? (size_t)(blank - peer->request) : strlen(peer->request);
    const struct nm_control_verb *verb =
        find_verb(&server->handler, peer->request, length);
    const struct nm_control_request request = {.verb = verb != NULL ? verb->name : "",
        .argument = blank != NULL ? blank + 1 : "",
        .uid = peer->uid,
        .file = peer->file};

    if (verb == NULL || (blank != NULL && !verb->takes_argument))
        return refusal(server, peer, "unknown request");
    if (!trusted && !verb->everyone)
        return refusal(server, peer,
            "only root and the user that the daemon runs as may ask this");
    return verb->answer(server->handler.self, &request);
}

static void write_answer(struct peer *peer)
{
    const ssize_t put = send(peer->fd, peer->answer + peer->sent,
        peer->answer_length - peer->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (put >= 0)
        peer->sent += (size_t)put;
    else if (errno != EAGAIN && errno != EINTR)
        peer->sent = peer->answer_length;
    if (peer->sent == peer->answer_length)
        hang_up(peer);
}

static void give_answer(struct peer *peer, char *answer)
{
    if (answer == NULL) {
        hang_up(peer);
        return;
    }
    peer->answer = answer;
    peer->answer_length = strlen(answer);
    peer->deadline_ms = nm_control_now_ms() + NM_CONTROL_TAKE_MS;
    write_answer(peer);
}

/* What a peer sent beyond its line is read away: bytes that are left unread at close()
 * would turn the end of our answer into a reset. */
static void discard_rest(const struct peer *peer)
{
    char bytes[4096];

    for (int i = 0; i < 16; i++)
        if (recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            return;
}

/* Read on, and keep the file that may come along. There is room for one: the kernel
 * closes the others. */
static ssize_t receive(struct peer *peer)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof peer->file)];
    } rights;
    struct iovec part = {peer->request + peer->request_length,
        sizeof peer->request - peer->request_length};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &rights,
        .msg_controllen = CMSG_LEN(sizeof peer->file)};
    const ssize_t got = recvmsg(peer->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;

    if (header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof peer->file))
        return got;
    if (peer->file >= 0)
        (void)close(peer->file);
    memcpy(&peer->file, CMSG_DATA(header), sizeof peer->file);
    return got;
}

static void read_request(const struct nm_control_server *server, struct peer *peer)
{
    char *end;
    const ssize_t got = receive(peer);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(peer);
        return;
    }
    peer->request_length += (size_t)got;
    end = memchr(peer->request, '\n', peer->request_length);
    if (end == NULL && peer->request_length < sizeof peer->request)
        return;
    discard_rest(peer);
    if (end == NULL) {
        give_answer(peer, refusal(server, peer, "the request is too long"));
        return;
    }
    *end = '\0';
    if (strlen(peer->request) != (size_t)(end - peer->request))
        give_answer(peer, refusal(server, peer, "unknown request"));
    else
        give_answer(peer, answer_line(server, peer));
}

/* ---- the loop ----------------------------------------------------------- */

/* A free place, or that of the peer whose time ends first. */
static struct peer *place_for_peer(struct nm_control_server *server)
{
    struct peer *oldest = &server->peers[0];

    for (size_t i = 0; i < NM_CONTROL_PEERS_MAX; i++) {
        struct peer *peer = &server->peers[i];

        if (peer->fd < 0)
            return peer;
        if (peer->deadline_ms < oldest->deadline_ms)
            oldest = peer;
    }
    hang_up(oldest);
    return oldest;
}

static void accept_peer(struct nm_control_server *server)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    struct peer *peer;
    const int fd =
        accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            nm_log(server->log, NM_LOG_WARNING, "cannot accept on the control socket",
                {"error", strerror(errno)});
            server->accept_after_ms = nm_control_now_ms() + ACCEPT_PAUSE_MS;
        }
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        (void)close(fd);
        return;
    }
    peer = place_for_peer(server);
    *peer = (struct peer){.fd = fd,
        .file = -1,
        .uid = credentials.uid,
        .deadline_ms = nm_control_now_ms() + NM_CONTROL_REQUEST_MS};
}

/* Fill `slots`: the stop event, the listener, then one a peer; poll() skips those below
 * 0. Returns how long to wait at most, -1 for ever. */
static int prepare(struct nm_control_server *server, struct pollfd *slots)
{
    const bool pausing = server->accept_after_ms > nm_control_now_ms();
    int64_t first_ms = pausing ? server->accept_after_ms : INT64_MAX;

    slots[0] = (struct pollfd){.fd = server->stop_event, .events = POLLIN};
    slots[1] =
        (struct pollfd){.fd = pausing ? -1 : server->listener.fd, .events = POLLIN};
    for (size_t i = 0; i < NM_CONTROL_PEERS_MAX; i++) {
        const struct peer *peer = &server->peers[i];
        const short events = peer->answer != NULL ? POLLOUT : POLLIN;

        slots[2 + i] = (struct pollfd){.fd = peer->fd, .events = events};
        if (peer->fd >= 0 && peer->deadline_ms < first_ms)
            first_ms = peer->deadline_ms;
    }
    /* One millisecond more, so that what the wait was for is then over. */
    return first_ms == INT64_MAX ? -1 : nm_control_left_ms(first_ms) + 1;
}

static void serve_peer(
    const struct nm_control_server *server, struct peer *peer, short events)
{
    if (events != 0 && peer->answer != NULL)
        write_answer(peer);
    else if (events != 0)
        read_request(server, peer);
    if (peer->fd >= 0 && nm_control_now_ms() >= peer->deadline_ms)
        hang_up(peer);
}

static void *serve(void *argument)
{
    struct nm_control_server *server = argument;
    struct pollfd slots[2 + NM_CONTROL_PEERS_MAX];

    for (;;) {
        const int timeout_ms = prepare(server, slots);

        if (poll(slots, NM_COUNT(slots), timeout_ms) < 0)
            continue;
        if (slots[0].revents != 0)
            return NULL;
        for (size_t i = 0; i < NM_CONTROL_PEERS_MAX; i++)
            if (slots[2 + i].fd >= 0)
                serve_peer(server, &server->peers[i], slots[2 + i].revents);
        /* Last, since a newcomer may take a place whose events were just looked at. */
        if (slots[1].revents != 0)
            accept_peer(server);
    }
}

/* ---- start and stop ----------------------------------------------------- */

/* A thread inherits the mask of the one that makes it. */
static enum nm_code start_thread(
    struct nm_control_server *server, struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    int failure;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&server->thread, NULL, serve, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0)
        return nm_fail(error, NM_SYSTEM, "no thread for the control socket: %s",
            strerror(failure));
    return NM_OK;
}

static void dispose(struct nm_control_server *server)
{
    nm_control_unlisten(&server->listener);
    for (size_t i = 0; i < NM_CONTROL_PEERS_MAX; i++)
        hang_up(&server->peers[i]);
    if (server->stop_event >= 0)
        (void)close(server->stop_event);
    free(server);
}

enum nm_code nm_control_start(const char *path,
    const struct nm_control_handler *handler, const struct nm_log *log,
    struct nm_control_server **out, struct nm_error *error)
{
    struct nm_control_server *server = calloc(1, sizeof *server);
    enum nm_code code;

    if (server == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    server->handler = *handler;
    server->log = log;
    server->listener.fd = -1;
    for (size_t i = 0; i < NM_CONTROL_PEERS_MAX; i++)
        server->peers[i] = (struct peer){.fd = -1, .file = -1};
    server->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = server->stop_event < 0
               ? nm_fail(error, NM_SYSTEM, "no eventfd to be had: %s", strerror(errno))
               : nm_control_listen(path, &server->listener, error);
    if (code == NM_OK)
        code = start_thread(server, error);
    if (code != NM_OK) {
        dispose(server);
        return code;
    }
    *out = server;
    return NM_OK;
}

void nm_control_stop(struct nm_control_server **server)
{
    struct nm_control_server *gone = *server;

    if (gone == NULL)
        return;
    *server = NULL;
    (void)eventfd_write(gone->stop_event, 1);
    (void)pthread_join(gone->thread, NULL);
    dispose(gone);
}
