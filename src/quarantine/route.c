#include "route.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_MAX = 255, PORT_DIGITS_MAX = 5 };

static const char default_sendmail[] = "/usr/sbin/sendmail";

/* ---- a port ----------------------------------------------------------------- */

static int connect_any(const struct addrinfo *addresses)
{
    for (const struct addrinfo *address = addresses; address != NULL;
         address = address->ai_next) {
        const int peer = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
            address->ai_protocol);

        if (peer >= 0 && connect(peer, address->ai_addr, address->ai_addrlen) == 0)
            return peer;
        if (peer >= 0) {
            const int failure = errno;

            (void)close(peer);
            errno = failure;
        }
    }
    return -1;
}

/* `where` is "host:port"; an IPv6 address may stand in brackets. */
static enum nm_code open_port(
    const char *where, struct nm_route *out, struct nm_error *error)
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
        return nm_fail(error, NM_SYSTEM, "quarantine.release: %s: %s", host,
            gai_strerror(failure));
    out->peer = connect_any(addresses);
    freeaddrinfo(addresses);
    if (out->peer < 0)
        return nm_fail(error, NM_SYSTEM,
            "quarantine.release: nobody answers at %s port %s: %s", host, colon + 1,
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
    const char *path, struct nm_route *out, struct nm_error *error)
{
    int ends[2];

    if (access(path, X_OK) != 0)
        return nm_fail(
            error, NM_SYSTEM, "quarantine.release: %s: %s", path, strerror(errno));
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

enum nm_code nm_route_open(
    const char *route, struct nm_route *out, struct nm_error *error)
{
    static const char smtp[] = "smtp:";
    static const char sendmail[] = "sendmail:";

    *out = (struct nm_route){.peer = -1};
    if (strncmp(route, smtp, strlen(smtp)) == 0)
        return open_port(route + strlen(smtp), out, error);
    if (strncmp(route, sendmail, strlen(sendmail)) == 0)
        return open_command(route + strlen(sendmail), out, error);
    return open_command(default_sendmail, out, error);
}

void nm_route_close(struct nm_route *route)
{
    if (route->peer >= 0)
        (void)close(route->peer);
    while (route->child > 0 && waitpid(route->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    *route = (struct nm_route){.peer = -1};
}
