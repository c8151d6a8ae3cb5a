/*
 * A load generator that speaks the milter protocol itself, as a mail server would: each
 * client is a thread with a connection of its own and sends one message after the
 * other, until all clients together have sent as many as asked for. Prints the rate in
 * recipients a second, latencies by recipient and by message, and how each was
 * answered.
 *
 * Exit status: 0 fine; 1 an answer was wrong (see --verify) or a connection broke;
 * 2 usage; 4 a failure of the system.
 */
#include "mta.h"
#include "recipients.h"
#include "tally.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    CLIENTS_MAX = 1024,
    IDLE_MAX = 20000,
    SAMPLES_MAX = 100 * 1000 * 1000,
    BODY_MAX = 64 * 1024 * 1024
};

struct options {
    const char *address;
    unsigned long clients;
    unsigned long messages;
    unsigned long recipients;            /* a message */
    unsigned long messages_a_connection; /* 1: a new connection for each message */
    unsigned long body_bytes;
    unsigned long warm_up; /* messages before the clock starts, all clients together */
    unsigned long idle;    /* further connections that do nothing */
    unsigned long near_per_mille;
    const char *domains_file;
    const char *near_file;
    bool verify;
    bool json;
};

struct load {
    struct options options;
    struct recipients recipients;
    char *body;
    atomic_ulong next; /* number of the next message; warm-up comes first */
    atomic_bool stopped;
    pthread_barrier_t warm; /* the clients and main */
};

struct client {
    struct load *load;
    pthread_t thread;
    unsigned long number;
    unsigned long sent_on_connection;
    struct mta mta;
    struct tally tally;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t since_ns(int64_t start_ns)
{
    const int64_t ns = now_ns() - start_ns;

    return ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

/* ---- one message --------------------------------------------------------- */

static bool ends_message(enum mta_answer answer)
{
    return answer != MTA_CONTINUE && answer != MTA_SILENT && answer != MTA_SKIP;
}

static void note_refusal(struct client *client)
{
    struct tally *tally = &client->tally;

    if (tally->reply[0] == '\0')
        (void)snprintf(tally->reply, sizeof tally->reply, "%s", client->mta.reply);
}

static enum mta_answer send_recipient(
    struct client *client, uint64_t number, const char *queue_id)
{
    struct mta *mta = &client->mta;
    char path[PATH_SIZE];
    char bare[PATH_SIZE];
    const bool near = recipients_path(&client->load->recipients, number, path);
    enum mta_answer answer;
    int64_t start_ns;

    (void)snprintf(bare, sizeof bare, "%.*s", (int)strlen(path) - 2, path + 1);
    mta->macros[MTA_MACRO_I] = queue_id;
    mta->macros[MTA_MACRO_RCPT_ADDR] = bare;
    mta->macros[MTA_MACRO_RCPT_HOST] = strchr(bare, '@') + 1;
    mta->macros[MTA_MACRO_RCPT_MAILER] = "smtp";
    start_ns = now_ns();
    answer = mta_rcpt(mta, path);
    tally_recipient(&client->tally, answer, near, since_ns(start_ns));
    if (answer == MTA_REJECT || answer == MTA_DEFER)
        note_refusal(client);
    return answer;
}

static enum mta_answer send_envelope(
    struct client *client, unsigned long message, const char *queue_id, bool *empty)
{
    const unsigned long recipients = client->load->options.recipients;
    struct mta *mta = &client->mta;
    char sender[64];
    enum mta_answer answer;
    bool accepted = false;

    (void)snprintf(sender, sizeof sender, "<sender%lu@example.org>", client->number);
    mta->macros[MTA_MACRO_I] = NULL;
    mta->macros[MTA_MACRO_MAIL_ADDR] = "sender@example.org";
    mta->macros[MTA_MACRO_MAIL_HOST] = "example.org";
    mta->macros[MTA_MACRO_MAIL_MAILER] = "smtp";
    answer = mta_mail(mta, sender);
    for (unsigned long i = 0; i < recipients && !ends_message(answer); i++) {
        /* Postfix has no queue id before it has accepted a recipient. */
        const enum mta_answer fate = send_recipient(
            client, (uint64_t)message * recipients + i, accepted ? queue_id : NULL);

        if (fate == MTA_BROKEN || fate == MTA_ACCEPT || fate == MTA_DISCARD)
            return fate;
        accepted = accepted || !ends_message(fate);
    }
    *empty = !accepted;
    mta->macros[MTA_MACRO_I] = queue_id;
    return answer;
}

static enum mta_answer send_body(struct client *client)
{
    const struct load *load = client->load;
    enum mta_answer answer = MTA_CONTINUE;
    size_t sent = 0;

    while (sent < load->options.body_bytes && answer != MTA_SKIP &&
           !ends_message(answer)) {
        const size_t left = load->options.body_bytes - sent;
        const size_t part = left < MTA_BODY_CHUNK_MAX ? left : MTA_BODY_CHUNK_MAX;

        answer = mta_body(&client->mta, load->body + sent, part);
        sent += part;
    }
    return answer;
}

static enum mta_answer send_content(struct client *client, const char *queue_id)
{
    const char *const headers[][2] = {
        {"From", "<sender@example.org>"},
        {"To", "undisclosed-recipients:;"},
        {"Date", "Thu, 01 Jan 2026 00:00:00 +0000"},
        {"Message-Id", queue_id},
        {"Subject", "from the load generator"},
    };
    struct mta *mta = &client->mta;
    enum mta_answer answer = mta_data(mta);

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (!ends_message(answer))
            answer = mta_header(mta, headers[i][0], headers[i][1]);
    if (!ends_message(answer))
        answer = mta_end_of_headers(mta);
    if (!ends_message(answer))
        answer = send_body(client);
    return ends_message(answer) ? answer : mta_end(mta);
}

static enum mta_answer open_connection(struct client *client)
{
    struct mta *mta = &client->mta;
    enum mta_answer answer = mta_open(mta, client->load->options.address);

    if (answer == MTA_CONTINUE) {
        client->tally.steps = mta->steps;
        client->tally.actions = mta->actions;
        answer = mta_connect(mta, "client.example.org", "192.0.2.25");
    }
    if (!ends_message(answer))
        answer = mta_helo(mta, "client.example.org");
    client->sent_on_connection = 0;
    return answer;
}

static void close_connection(struct client *client)
{
    if (client->mta.fd < 0)
        return;
    tally_edits(&client->tally, &client->mta.edits);
    mta_close(&client->mta);
}

/* Returns false when the connection broke. */
static bool send_message(struct client *client, unsigned long message)
{
    struct tally *tally = &client->tally;
    const int64_t start_ns = now_ns();
    enum mta_answer answer = MTA_CONTINUE;
    bool empty = false;
    char queue_id[24];

    (void)snprintf(queue_id, sizeof queue_id, "%012lX", message);
    if (client->mta.fd < 0)
        answer = open_connection(client);
    if (!ends_message(answer))
        answer = send_envelope(client, message, queue_id, &empty);
    if (!ends_message(answer) && !empty)
        answer = send_content(client, queue_id);
    tally->message_ns[tally->message_count++] = since_ns(start_ns);
    if (empty)
        tally->empty++;
    else
        tally->messages[answer]++;
    if (answer == MTA_BROKEN || mta_abort(&client->mta) == MTA_BROKEN) {
        (void)snprintf(
            tally->failure, sizeof tally->failure, "%s", mta_failure(&client->mta));
        return false;
    }
    if (answer == MTA_REJECT || answer == MTA_DEFER)
        note_refusal(client);
    if (++client->sent_on_connection == client->load->options.messages_a_connection)
        close_connection(client);
    return true;
}

/* ---- clients ------------------------------------------------------------- */

static void set_macros(struct client *client)
{
    const char **macros = client->mta.macros;

    macros[MTA_MACRO_J] = "gateway.example.org";
    macros[MTA_MACRO_V] = "Postfix 3.7.11";
    macros[MTA_MACRO__] = "client.example.org [192.0.2.25]";
    macros[MTA_MACRO_DAEMON_NAME] = "gateway.example.org";
    macros[MTA_MACRO_DAEMON_ADDR] = "192.0.2.1";
    macros[MTA_MACRO_CLIENT_ADDR] = "192.0.2.25";
    macros[MTA_MACRO_CLIENT_NAME] = "client.example.org";
    macros[MTA_MACRO_CLIENT_PORT] = "50000";
}

/* Send messages while their number is below `end`. */
static void send_messages(struct client *client, unsigned long end)
{
    struct load *load = client->load;

    while (!atomic_load(&load->stopped)) {
        unsigned long message = atomic_load(&load->next);

        while (message < end &&
               !atomic_compare_exchange_weak(&load->next, &message, message + 1))
            continue;
        if (message >= end)
            break;
        if (!send_message(client, message))
            atomic_store(&load->stopped, true);
    }
    close_connection(client);
}

static void *client_main(void *self)
{
    struct client *client = self;
    struct load *load = client->load;
    const unsigned long warm_up = load->options.warm_up;

    send_messages(client, warm_up);
    tally_restart(&client->tally);
    (void)pthread_barrier_wait(&load->warm);
    (void)pthread_barrier_wait(&load->warm);
    send_messages(client, warm_up + load->options.messages);
    return NULL;
}

static bool prepare_client(struct load *load, struct client *client)
{
    const struct options *options = &load->options;
    /* One client may get all messages. */
    const size_t messages =
        options->messages > options->warm_up ? options->messages : options->warm_up;

    client->load = load;
    client->mta.fd = -1;
    set_macros(client);
    return tally_init(&client->tally, messages, messages * options->recipients);
}

static bool start_clients(struct load *load, struct client *clients)
{
    for (unsigned long i = 0; i < load->options.clients; i++) {
        clients[i].number = i;
        if (!prepare_client(load, &clients[i]) ||
            pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
            return false;
    }
    return true;
}

/* ---- the run ------------------------------------------------------------- */

/* Connections that say hello and then nothing. */
static bool open_idle(struct load *load, struct client *idle)
{
    for (unsigned long i = 0; i < load->options.idle; i++) {
        struct client *client = &idle[i];

        client->load = load;
        client->mta.fd = -1;
        set_macros(client);
        if (ends_message(open_connection(client))) {
            fprintf(stderr, "idle connection %lu: %s\n", i, mta_failure(&client->mta));
            return false;
        }
    }
    return true;
}

static int report(struct load *load, struct client *clients, double seconds)
{
    const size_t messages = load->options.messages;
    struct tally total = {0};
    int status = 4;

    if (!tally_init(&total, messages, messages * load->options.recipients))
        goto out;
    for (unsigned long i = 0; i < load->options.clients; i++)
        tally_add(&total, &clients[i].tally);
    tally_print(&total, seconds, load->options.json);
    status = total.failure[0] != '\0' || (load->options.verify && total.wrong > 0);
out:
    tally_free(&total);
    return status;
}

static int run(struct load *load)
{
    const unsigned long clients = load->options.clients;
    struct client *all = calloc(clients, sizeof *all);
    struct client *idle = calloc(load->options.idle + 1, sizeof *idle);
    int64_t start_ns;
    double seconds;
    int status = 4;

    if (all == NULL || idle == NULL ||
        pthread_barrier_init(&load->warm, NULL, (unsigned)clients + 1) != 0 ||
        !open_idle(load, idle))
        goto out;
    /* Clients that were started cannot be called off; the process ends instead. */
    if (!start_clients(load, all)) {
        perror("milter_load: clients");
        exit(4);
    }
    (void)pthread_barrier_wait(&load->warm);
    start_ns = now_ns();
    (void)pthread_barrier_wait(&load->warm);
    for (unsigned long i = 0; i < clients; i++)
        (void)pthread_join(all[i].thread, NULL);
    seconds = (double)(now_ns() - start_ns) / 1e9;
    (void)pthread_barrier_destroy(&load->warm);
    status = report(load, all, seconds);
    for (unsigned long i = 0; i < load->options.idle; i++)
        mta_close(&idle[i].mta);
    for (unsigned long i = 0; i < clients; i++)
        tally_free(&all[i].tally);
out:
    free(all);
    free(idle);
    return status;
}

/* ---- options ------------------------------------------------------------- */

static const char usage[] =
    "usage: milter_load [options] unix:PATH|inet:PORT@ADDRESS\n"
    "  -c, --clients N           connections at a time (1)\n"
    "  -m, --messages N          messages, all clients together (1000)\n"
    "  -r, --recipients N        recipients a message (5)\n"
    "  -n, --per-connection N    messages a connection (1)\n"
    "  -b, --body BYTES          length of the body (2048)\n"
    "  -w, --warm-up N           messages before the clock starts (0)\n"
    "  -i, --idle N              further connections that do nothing (0)\n"
    "  -d, --domains FILE        recipients' domains, one a line (example.net)\n"
    "  -x, --near-misses FILE    domains that are near misses\n"
    "  -s, --near-share N        near misses among 1,000 recipients (0)\n"
    "  -v, --verify              near misses must be refused, all others go on\n"
    "  -j, --json                print an object\n";

static bool number(
    const char *text, unsigned long least, unsigned long most, unsigned long *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= least && *out <= most)
        return true;
    fprintf(
        stderr, "milter_load: %s is not a number from %lu to %lu\n", text, least, most);
    return false;
}

static bool take_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'c':
        return number(value, 1, CLIENTS_MAX, &options->clients);
    case 'm':
        return number(value, 1, SAMPLES_MAX, &options->messages);
    case 'r':
        return number(value, 1, 50000, &options->recipients);
    case 'n':
        return number(value, 1, SAMPLES_MAX, &options->messages_a_connection);
    case 'b':
        return number(value, 0, BODY_MAX, &options->body_bytes);
    case 'w':
        return number(value, 0, SAMPLES_MAX, &options->warm_up);
    case 'i':
        return number(value, 0, IDLE_MAX, &options->idle);
    case 's':
        return number(value, 0, 1000, &options->near_per_mille);
    case 'd':
        options->domains_file = value;
        return true;
    case 'x':
        options->near_file = value;
        return true;
    case 'v':
        options->verify = true;
        return true;
    case 'j':
        options->json = true;
        return true;
    default:
        return false;
    }
}

static bool take_options(struct options *options, int argc, char **argv)
{
    static const struct option table[] = {{"clients", 1, NULL, 'c'},
        {"messages", 1, NULL, 'm'}, {"recipients", 1, NULL, 'r'},
        {"per-connection", 1, NULL, 'n'}, {"body", 1, NULL, 'b'},
        {"warm-up", 1, NULL, 'w'}, {"idle", 1, NULL, 'i'}, {"domains", 1, NULL, 'd'},
        {"near-misses", 1, NULL, 'x'}, {"near-share", 1, NULL, 's'},
        {"verify", 0, NULL, 'v'}, {"json", 0, NULL, 'j'}, {NULL, 0, NULL, 0}};
    int option;

    while (
        (option = getopt_long(argc, argv, "c:m:r:n:b:w:i:d:x:s:vj", table, NULL)) != -1)
        if (!take_option(options, option, optarg))
            return false;
    if (optind != argc - 1 ||
        (options->messages + options->warm_up) * options->recipients > SAMPLES_MAX)
        return false;
    options->address = argv[optind];
    return true;
}

static bool prepare(struct load *load)
{
    const struct options *options = &load->options;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    load->body = malloc(options->body_bytes + 1);
    if (load->body == NULL)
        return false;
    memset(load->body, 'x', options->body_bytes);
    load->recipients.near_per_mille = options->near_per_mille;
    return recipients_read(
        &load->recipients, options->domains_file, options->near_file);
}

int main(int argc, char **argv)
{
    struct load load = {.options = {.clients = 1,
                            .messages = 1000,
                            .recipients = 5,
                            .messages_a_connection = 1,
                            .body_bytes = 2048}};
    int status = 4;

    if (!take_options(&load.options, argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (prepare(&load))
        status = run(&load);
    else
        perror("milter_load");
    recipients_free(&load.recipients);
    free(load.body);
    return status;
}
