#include "route.h"

#include "submit.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_MAX = 255, PORT_DIGITS_MAX = 5 };

static const char default_sendmail[] = "/usr/sbin/sendmail";

enum nm_code nm_route_wait(
    int peer, short events, const int *stop, struct nm_error *error)
{
    struct pollfd wait[] = {{.fd = stop != NULL ? *stop : -1, .events = POLLIN},
        {.fd = peer, .events = events}};
    int ready;

    do
        ready = poll(wait, NM_COUNT(wait), NM_SUBMIT_TIMEOUT_MS);
    while (ready < 0 && errno == EINTR);
    if (ready > 0 && wait[0].revents != 0)
        return nm_fail(error, NM_STOPPED, "stopped before the mail server had it");
    if (ready == 0)
        return nm_fail(error, NM_TIMEOUT, "the mail server did not answer in time");
    return NM_OK;
}

/* ---- a port ----------------------------------------------------------------- */

/* Connect without a wait that nothing ends. The socket does not block from then on. */
static int connect_one(const struct addrinfo *address, const int *stop)
{
    const int peer = socket(address->ai_family,
        address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    enum nm_code waited;
    int failure = 0;
    socklen_t size = sizeof failure;

    if (peer < 0)
        return -1;
    if (connect(peer, address->ai_addr, address->ai_addrlen) == 0)
        return peer;
    if (errno != EINPROGRESS)
        failure = errno;
    else if ((waited = nm_route_wait(peer, POLLOUT, stop, NULL)) != NM_OK)
        failure = waited == NM_STOPPED ? ECANCELED : ETIMEDOUT;
    else if (getsockopt(peer, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        failure = errno;
    if (failure == 0)
        return peer;
    (void)close(peer);
    errno = failure;
    return -1;
}

static int connect_any(const struct addrinfo *addresses, const int *stop)
{
    int peer = -1;

    for (const struct addrinfo *address = addresses; address != NULL && peer < 0;
         address = address->ai_next)
        peer = connect_one(address, stop);
    return peer;
}

/* `where` is "host:port"; an IPv6 address may stand in brackets. */
static enum nm_code open_port(const char *where, const char *option, const int *stop,
    struct nm_route *out, struct nm_error *error)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    const char *colon = strrchr(where, ':');
    char host[HOST_MAX + 1];
    struct nm_buf buf;
    size_t length = (size_t)(colon - where);
    int failure;

    if (length >= 2 && where[0] == '[' && where[length - 1] == ']') {
        where++;
        length -= 2;
    }
    nm_buf_init(&buf, host, sizeof host);
    nm_buf_put(&buf, where, length);
    failure = getaddrinfo(host, colon + 1, &wanted, &addresses);
    if (failure != 0)
        return nm_fail(
            error, NM_SYSTEM, "%s: %s: %s", option, host, gai_strerror(failure));
    out->peer = connect_any(addresses, stop);
    freeaddrinfo(addresses);
    if (out->peer < 0)
        return nm_fail(error, errno == ECANCELED ? NM_STOPPED : NM_SYSTEM,
            "%s: nobody answers at %s port %s: %s", option, host, colon + 1,
            strerror(errno));
    return NM_OK;
}

/* ---- the command ------------------------------------------------------------ */

static _Noreturn void run_command(const char *path, int end)
{
    if (dup2(end, STDIN_FILENO) >= 0 && dup2(end, STDOUT_FILENO) >= 0)
        (void)execl(path, "sendmail", "-bs", (char *)NULL);
    _exit(127);
}

static enum nm_code open_command(
    const char *path, const char *option, struct nm_route *out, struct nm_error *error)
{
    int ends[2];

    if (access(path, X_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s: %s", option, path, strerror(errno));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", path, strerror(errno));
    out->child = fork();
    if (out->child == 0)
        run_command(path, ends[1]);
    (void)close(ends[1]);
    if (out->child < 0) {
        out->child = 0;
        (void)close(ends[0]);
        return nm_fail(error, NM_SYSTEM, "%s: %s", path, strerror(errno));
    }
    out->peer = ends[0];
    return NM_OK;
}

enum nm_code nm_route_open(const char *route, const char *option, const int *stop,
    struct nm_route *out, struct nm_error *error)
{
    static const char smtp[] = "smtp:";
    static const char sendmail[] = "sendmail:";

    *out = (struct nm_route){.peer = -1};
    if (strncmp(route, smtp, strlen(smtp)) == 0)
        return open_port(route + strlen(smtp), option, stop, out, error);
    if (strncmp(route, sendmail, strlen(sendmail)) == 0)
        return open_command(route + strlen(sendmail), option, out, error);
    return open_command(default_sendmail, option, out, error);
}

void nm_route_close(struct nm_route *route)
{
    if (route->peer >= 0)
        (void)close(route->peer);
    while (route->child > 0 && waitpid(route->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    *route = (struct nm_route){.peer = -1};
}
