/*
 * Any bytes on the control socket, in one or two pieces: the handler sees nothing but a
 * verb that there is, with an argument where it takes one and a line's worth at most; and
 * whoever asks is answered with a whole line, or not at all.
 */
#include "control/control.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/nm-control-fuzz-XXXXXX";
static char path[64];
static struct nm_control_server *server;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static char *answer(void *self, const struct nm_control_request *request)
{
    const size_t length = strlen(request->argument);

    (void)self;
    if (length >= NM_CONTROL_LINE_MAX || strchr(request->argument, '\n') != NULL ||
        (strcmp(request->verb, "allow-add") != 0 && length > 0))
        abort();
    return strdup("ok\n");
}

static const struct nm_control_verb verbs[] = {
    {.name = "allow-add", .takes_argument = true, .answer = answer},
    {.name = "reload", .answer = answer},
    {.name = "status", .everyone = true, .answer = answer},
};

static void clean_up(void)
{
    nm_control_stop(&server);
    (void)rmdir(folder);
}

static void prepare(void)
{
    const struct nm_control_handler handler = {NULL, verbs, NM_COUNT(verbs)};
    struct nm_error error;

    must(mkdtemp(folder) != NULL, folder);
    (void)snprintf(path, sizeof path, "%s/control.sock", folder);
    (void)atexit(clean_up);
    must(nm_control_start(path, &handler, NULL, &server, &error) == NM_OK, "start");
}

static int connect_to_it(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(nm_copy(address.sun_path, sizeof address.sun_path, path), path);
    must(peer >= 0 &&
             connect(peer, (const struct sockaddr *)&address, sizeof address) == 0,
        "connect");
    return peer;
}

/* One piece with a file descriptor, to nobody's use. */
static void send_with_file(int peer, const uint8_t *data, size_t size)
{
    const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof file)];
    } control = {.bytes = {0}};
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};

    must(file >= 0, "open");
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    (void)sendmsg(peer, &message, MSG_NOSIGNAL);
    (void)close(file);
}

/* The first byte says how: its low bit, with a file; the rest, where to part. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char bytes[1024];
    size_t total = 0;
    size_t parting;
    ssize_t got;
    int peer;

    if (server == NULL)
        prepare();
    if (size < 2)
        return 0;
    parting = (size_t)(data[0] >> 1) % size;
    peer = connect_to_it();
    if ((data[0] & 1) != 0 && parting > 0)
        send_with_file(peer, data + 1, parting);
    else
        (void)send(peer, data + 1, parting, MSG_NOSIGNAL);
    (void)send(peer, data + 1 + parting, size - 1 - parting, MSG_NOSIGNAL);
    (void)shutdown(peer, SHUT_WR);
    while (total < sizeof bytes &&
           (got = recv(peer, bytes + total, sizeof bytes - total, 0)) > 0)
        total += (size_t)got;
    if (total > 0 && memchr(bytes, '\n', total) == NULL)
        abort();
    (void)close(peer);
    return 0;
}
