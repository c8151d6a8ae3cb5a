#include "address.h"
#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

static enum nm_code fail_to_reach(const char *path, int why, struct nm_error *error)
{
    if (why == EACCES || why == EPERM)
        return nm_fail(error, NM_SYSTEM,
            "you may not ask the daemon at %s: %s (root and the daemon's own user and "
            "group may)",
            path, strerror(why));
    if (why == EAGAIN)
        return nm_fail(
            error, NM_TIMEOUT, "no daemon answers at %s: %s", path, strerror(why));
    return nm_fail(error, NM_SYSTEM,
        "no daemon answers at %s: %s; is nearmissd running?", path, strerror(why));
}

/* Connect; a full backlog makes connect() wait, and SO_SNDTIMEO bounds that. */
static enum nm_code reach(const char *path, int *out, struct nm_error *error)
{
    const struct timeval limit = {.tv_sec = NM_CONTROL_TIMEOUT_MS / 1000};
    struct sockaddr_un address;
    enum nm_code code = nm_control_address(path, &address, error);
    int fd;

    if (code != NM_OK)
        return code;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return nm_fail(error, NM_SYSTEM, "no socket to be had: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        code = fail_to_reach(address.sun_path, errno, error);
        (void)close(fd);
        return code;
    }
    *out = fd;
    return NM_OK;
}

/* A line of NM_CONTROL_LINE_MAX bytes always fits an empty socket buffer, so one call
 * does. */
static ssize_t send_with(int fd, char *line, size_t length, int file)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof file)];
    } rights = {.header = {.cmsg_len = CMSG_LEN(sizeof file),
                    .cmsg_level = SOL_SOCKET,
                    .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {line, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (file >= 0) {
        memcpy(CMSG_DATA(&rights.header), &file, sizeof file);
        message.msg_control = &rights;
        message.msg_controllen = CMSG_LEN(sizeof file);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static enum nm_code send_line(
    int fd, const char *request, int file, struct nm_error *error)
{
    char line[NM_CONTROL_LINE_MAX];
    const size_t length = strlen(request);

    if (length == 0 || length >= sizeof line || strchr(request, '\n') != NULL)
        return nm_fail(error, NM_BAD_INPUT,
            "not a request: one line of up to %zu bytes", sizeof line - 1);
    memcpy(line, request, length);
    line[length] = '\n';
    if (send_with(fd, line, length + 1, file) != (ssize_t)(length + 1))
        return nm_fail(error, NM_SYSTEM, "the daemon does not take the request: %s",
            strerror(errno));
    return NM_OK;
}

static enum nm_code make_room(struct text *text, struct nm_error *error)
{
    const size_t larger = text->capacity == 0 ? 4096 : text->capacity * 2;
    char *bytes;

    if (text->length + 1 < text->capacity)
        return NM_OK;
    if (text->length >= NM_CONTROL_ANSWER_MAX)
        return nm_fail(error, NM_LIMIT, "the daemon's answer is longer than %d bytes",
            NM_CONTROL_ANSWER_MAX);
    bytes = realloc(text->bytes, larger);
    if (bytes == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    text->bytes = bytes;
    text->capacity = larger;
    return NM_OK;
}

static enum nm_code wait_readable(int fd, int64_t deadline_ms, struct nm_error *error)
{
    struct pollfd slot = {.fd = fd, .events = POLLIN};
    int ready;

    do
        ready = poll(&slot, 1, nm_control_left_ms(deadline_ms));
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return nm_fail(error, NM_TIMEOUT, "the daemon has not answered within %d s",
            NM_CONTROL_TIMEOUT_MS / 1000);
    if (ready < 0)
        return nm_fail(
            error, NM_SYSTEM, "cannot wait for the daemon: %s", strerror(errno));
    return NM_OK;
}

static enum nm_code read_all(int fd, struct text *text, struct nm_error *error)
{
    const int64_t deadline_ms = nm_control_now_ms() + NM_CONTROL_TIMEOUT_MS;

    for (;;) {
        enum nm_code code = make_room(text, error);
        ssize_t got;

        if (code == NM_OK)
            code = wait_readable(fd, deadline_ms, error);
        if (code != NM_OK)
            return code;
        got = recv(fd, text->bytes + text->length, text->capacity - text->length - 1,
            MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return nm_fail(
                error, NM_SYSTEM, "the daemon broke off: %s", strerror(errno));
        text->length += (size_t)got;
    }
    text->bytes[text->length] = '\0';
    if (text->length == 0)
        return nm_fail(error, NM_SYSTEM, "the daemon hung up without an answer");
    return NM_OK;
}

enum nm_code nm_control_ask(
    const char *path, const char *request, char **answer, struct nm_error *error)
{
    return nm_control_ask_with(path, request, -1, answer, error);
}

enum nm_code nm_control_ask_with(const char *path, const char *request, int file,
    char **answer, struct nm_error *error)
{
    struct text text = {0};
    int fd = -1;
    enum nm_code code = reach(path, &fd, error);

    if (code == NM_OK)
        code = send_line(fd, request, file, error);
    if (code == NM_OK)
        code = read_all(fd, &text, error);
    if (fd >= 0)
        (void)close(fd);
    if (code != NM_OK) {
        free(text.bytes);
        return code;
    }
    *answer = text.bytes;
    return NM_OK;
}
