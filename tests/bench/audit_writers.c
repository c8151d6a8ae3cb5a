/*
 * audit_writers FILE CLIENTS MESSAGES SEED: so many clients at once send made mail, each
 * one message after the other, MESSAGES in all, and wait for each to be on disk as the
 * daemon does. Prints recipients and messages a second, and the longest wait.
 */
#include "made_mail.h"

#include "audit/audit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CLIENTS_MAX = 256, NEAR_PER_MILLION = 4000, WAIT_MS = 60000 };

struct client {
    pthread_t thread;
    const struct nm_audit_port *port;
    uint64_t seed;
    uint64_t messages;
    uint64_t recipients;
    int64_t longest_us;
    bool failed;
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t wall_us(void *self)
{
    (void)self;
    return clock_us(CLOCK_REALTIME);
}

/* Made mail has times of its own; the daemon's are now. */
static void move_to_now(struct made_message *message, struct made_mail *mail)
{
    const int64_t now_us = wall_us(NULL);
    struct nm_id ids[MADE_RECIPIENTS_MAX + 2];

    for (size_t i = 0; i < NM_COUNT(ids); i++) {
        uint8_t random[NM_ID_RANDOM_BYTES];

        for (size_t at = 0; at < sizeof random; at++)
            random[at] = (uint8_t)(made_mail_random(mail) & 0xff);
        ids[i] = nm_id_make(now_us, random);
    }
    for (size_t i = 0; i < message->count; i++) {
        message->events[i].time_us = now_us;
        message->events[i].transaction = ids[MADE_RECIPIENTS_MAX + 1];
        if (message->events[i].kind == NM_EVENT_DECISION)
            message->events[i].id = ids[i];
    }
}

static bool send_message(struct client *client, const struct made_message *message)
{
    const int64_t begun_us = clock_us(CLOCK_MONOTONIC);
    struct nm_error error = {0};
    uint64_t ticket = 0;
    int64_t took_us;

    for (size_t i = 0; i < message->count; i++)
        if (client->port->append(client->port->self, &message->events[i], 1, &ticket) !=
            NM_OK)
            return false;
    if (client->port->wait(client->port->self, ticket, &error) != NM_OK) {
        (void)fprintf(stderr, "audit_writers: %s\n", error.message);
        return false;
    }
    took_us = clock_us(CLOCK_MONOTONIC) - begun_us;
    if (took_us > client->longest_us)
        client->longest_us = took_us;
    client->recipients += message->recipients;
    return true;
}

static void *run(void *argument)
{
    struct client *client = argument;
    const struct made_spec spec = {.rows = UINT64_MAX,
        .days = 1,
        .end_us = wall_us(NULL),
        .seed = client->seed,
        .near_per_million = NEAR_PER_MILLION};
    struct made_mail mail;
    struct made_message *message = malloc(sizeof *message);

    made_mail_begin(&mail, &spec);
    client->failed = message == NULL;
    for (uint64_t i = 0; i < client->messages && !client->failed; i++) {
        client->failed = !made_mail_next(&mail, message);
        if (client->failed)
            break;
        move_to_now(message, &mail);
        client->failed = !send_message(client, message);
    }
    free(message);
    return NULL;
}

static bool run_clients(
    const struct nm_audit_port *port, size_t count, uint64_t messages, uint64_t seed)
{
    static struct client clients[CLIENTS_MAX];
    const int64_t begun_us = clock_us(CLOCK_MONOTONIC);
    uint64_t recipients = 0;
    int64_t longest_us = 0;
    bool failed = false;
    double seconds;

    for (size_t i = 0; i < count; i++) {
        clients[i] = (struct client){
            .port = port, .seed = seed * CLIENTS_MAX + i, .messages = messages / count};
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        recipients += clients[i].recipients;
        failed = failed || clients[i].failed;
        if (clients[i].longest_us > longest_us)
            longest_us = clients[i].longest_us;
    }
    seconds = (double)(clock_us(CLOCK_MONOTONIC) - begun_us) / 1e6;
    (void)printf("{\"recipients_per_s\":%.0f,\"messages_per_s\":%.0f,"
                 "\"longest_wait_ms\":%.1f}\n",
        (double)recipients / seconds, (double)(messages / count * count) / seconds,
        (double)longest_us / 1e3);
    return !failed;
}

int main(int argc, char **argv)
{
    const struct nm_audit_options options = {.path = argc == 5 ? argv[1] : "",
        .wait_ms = WAIT_MS,
        .gateway = made_gateway,
        .clock = {NULL, wall_us}};
    const size_t clients = argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {0};
    bool fine;

    if (clients == 0 || clients > CLIENTS_MAX) {
        (void)fprintf(stderr, "usage: audit_writers FILE CLIENTS MESSAGES SEED\n");
        return 2;
    }
    if (nm_audit_start(&options, &audit, &error) != NM_OK) {
        (void)fprintf(stderr, "audit_writers: %s\n", error.message);
        return 1;
    }
    port = nm_audit_port(audit);
    fine = run_clients(
        &port, clients, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    nm_audit_stop(&audit);
    return fine ? 0 : 1;
}
