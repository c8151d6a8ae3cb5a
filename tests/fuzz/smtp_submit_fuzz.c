/*
 * Any bytes from what should be a mail server, all of them at once: the client comes to an
 * end, and takes the message for handed over only when as many replies were there as it
 * has questions.
 */
#include "smtp/submit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <pthread.h>
#include <unistd.h>

enum { QUESTIONS = 6 }; /* the greeting, EHLO, MAIL, RCPT, DATA, the end */

static int listener = -1;
static char route[64];
static int message = -1;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static void prepare(void)
{
    static const char text[] = "Subject: x\r\n\r\n.a dot\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(listener >= 0 &&
             bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
             listen(listener, 1) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &size) == 0,
        "listen");
    (void)snprintf(
        route, sizeof route, "smtp:127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    message = memfd_create("message", MFD_CLOEXEC);
    must(message >= 0 && write(message, text, sizeof text - 1) == sizeof text - 1,
        "message");
}

struct input {
    const uint8_t *data;
    size_t size;
};

/* Says it all, and then hears the other side out. */
static void *serve(void *self)
{
    const struct input *input = self;
    const int peer = accept(listener, NULL, NULL);
    char heard[4096];

    must(peer >= 0, "accept");
    (void)send(peer, input->data, input->size, MSG_NOSIGNAL);
    (void)shutdown(peer, SHUT_WR);
    while (recv(peer, heard, sizeof heard, 0) > 0)
        continue;
    (void)close(peer);
    return NULL;
}

static size_t lines_of(const uint8_t *data, size_t size)
{
    size_t lines = 0;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_submission submission;
    struct nm_submit_result result = {.is_unsure = false};
    struct input input = {data, size};
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;
    pthread_t thread;

    if (listener < 0)
        prepare();
    submission = (struct nm_submission){.route = route,
        .option = "route",
        .name = "mx1.example",
        .sender = "a@example.org",
        .mail_options = "BODY=8BITMIME SIZE=20 RET=HDRS SMTPUTF8",
        .recipient = "bob@army.mil",
        .rcpt_options = "NOTIFY=NEVER",
        .file = message};
    must(pthread_create(&thread, NULL, serve, &input) == 0, "thread");
    code = nm_submit(&submission, &result, &error);
    (void)pthread_join(thread, NULL);
    if (code == NM_OK && lines_of(data, size) < QUESTIONS)
        abort();
    if (code != NM_OK && (error.message[0] == '\0' || code == NM_STOPPED))
        abort();
    if (memchr(result.reply, '\0', sizeof result.reply) == NULL)
        abort();
    return 0;
}
