/*
 * audit_log [--messages N] [FILE]: writes an audit log of messages as a busy
 * site has them, through the layer that the daemon writes with, and prints how fast, how
 * large it became, and how fast it is verified. With FILE, that log is kept, and one that
 * is there is only verified.
 */
#include "audit/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECIPIENTS = 5, SENDERS = 2000, DOMAINS = 5000, PATH_BYTES = 512 };

static const int64_t first_us = 1772366400000000;

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t wall_us(void *self)
{
    (void)self;
    return (int64_t)time(NULL) * 1000000;
}

static uint64_t draw(void)
{
    static uint64_t state = 88172645463325252U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct nm_id some_id(int64_t time_us)
{
    uint8_t random[NM_ID_RANDOM_BYTES];
    const uint64_t low = draw();
    const uint64_t high = draw();

    memcpy(random, &low, sizeof low);
    memcpy(random + sizeof low, &high, sizeof random - sizeof low);
    return nm_id_make(time_us, random);
}

/* ---- writing ------------------------------------------------------------ */

struct texts {
    char sender[64];
    char client[32];
    char recipient[RECIPIENTS][96];
    char domain[RECIPIENTS][64];
    char reply[RECIPIENTS][192];
    char queue_id[16];
};

/* One recipient in fifty is a near miss. */
static void fill_decision(struct nm_audit_event *event, struct texts *texts, size_t i)
{
    const bool near_miss = draw() % 50 == 0;

    (void)snprintf(texts->domain[i], sizeof texts->domain[i], "partner-%llu.example",
        (unsigned long long)(draw() % DOMAINS));
    (void)snprintf(texts->recipient[i], sizeof texts->recipient[i],
        "first.last-%llu@%s", (unsigned long long)(draw() % 100000), texts->domain[i]);
    event->kind = NM_EVENT_DECISION;
    event->recipient =
        (struct nm_bytes){texts->recipient[i], strlen(texts->recipient[i])};
    event->domain = texts->domain[i];
    event->match = near_miss ? NM_MATCH_NEAR_MISS : NM_MATCH_PROTECTED;
    event->confidence = -1;
    event->reply = "";
    if (!near_miss)
        return;
    (void)snprintf(texts->reply[i], sizeof texts->reply[i],
        "550 5.7.1 %s looks like a slip for army.mil (a letter is missing in the "
        "suffix). Not sent. Ref %s",
        texts->domain[i], event->id.text);
    event->target = "army.mil";
    event->technique = NM_TECHNIQUE_SUFFIX;
    event->confidence = 0.997;
    event->rule = "mil-ml";
    event->action = NM_ACTION_REJECT;
    event->outcome = NM_OUTCOME_REFUSED;
    event->reply = texts->reply[i];
}

static enum nm_code write_message(
    const struct nm_audit_port *port, int64_t time_us, uint64_t *ticket)
{
    struct nm_audit_event events[RECIPIENTS + 1];
    struct texts texts;
    const struct nm_id transaction = some_id(time_us);

    (void)snprintf(texts.sender, sizeof texts.sender, "person.%llu@example.org",
        (unsigned long long)(draw() % SENDERS));
    (void)snprintf(texts.client, sizeof texts.client, "192.0.2.%llu",
        (unsigned long long)(draw() % 250));
    (void)snprintf(texts.queue_id, sizeof texts.queue_id, "4%010llX",
        (unsigned long long)(draw() & 0xffffffffffU));
    for (size_t i = 0; i <= RECIPIENTS; i++) {
        events[i] = (struct nm_audit_event){.kind = NM_EVENT_OUTCOME,
            .id = some_id(time_us + (int64_t)i * 700),
            .transaction = transaction,
            .time_us = time_us + (int64_t)i * 700,
            .gateway = "mx1.example.org",
            .client = texts.client,
            .auth = "",
            .sender = {texts.sender, strlen(texts.sender)},
            .config =
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            .queue_id = texts.queue_id,
            .outcome = NM_OUTCOME_UNKNOWN};
        if (i < RECIPIENTS)
            fill_decision(&events[i], &texts, i);
        else
            events[i].outcome = NM_OUTCOME_PASSED;
    }
    return port->append(port->self, events, RECIPIENTS + 1, ticket);
}

static enum nm_code write_messages(
    const struct nm_audit_port *port, uint64_t messages, struct nm_error *error)
{
    enum { WAIT_EVERY = 1000 };
    enum nm_code code = NM_OK;
    uint64_t ticket = 0;

    for (uint64_t i = 1; i <= messages && code == NM_OK; i++) {
        code = write_message(port, first_us + (int64_t)i * 20000, &ticket);
        if (code == NM_OK && (i % WAIT_EVERY == 0 || i == messages))
            code = port->wait(port->self, ticket, error);
    }
    return code;
}

static bool write_log(const char *path, uint64_t messages)
{
    const struct nm_audit_options options = {.path = path,
        .wait_ms = 60000,
        .gateway = "mx1.example.org",
        .clock = {NULL, wall_us}};
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {.code = NM_OK};
    const double begun_s = now_s();
    enum nm_code code = nm_audit_start(&options, &audit, &error);

    if (code == NM_OK) {
        port = nm_audit_port(audit);
        code = write_messages(&port, messages, &error);
        nm_audit_stop(&audit);
    }
    if (code != NM_OK) {
        (void)fprintf(stderr, "audit_log: %s\n", error.message);
        return false;
    }
    (void)printf("written   %9.0f events/s\n",
        (double)(messages * (RECIPIENTS + 1)) / (now_s() - begun_s));
    return true;
}

/* ---- measuring ---------------------------------------------------------- */

/* The write-ahead log beside it does not grow with it. */
static double bytes_of(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 ? (double)found.st_size : 0;
}

static void count_finding(void *self, const struct nm_audit_finding *finding)
{
    (*(uint64_t *)self)++;
    (void)fprintf(stderr, "audit_log: %s\n", finding->what);
}

static bool verify(const char *path, unsigned threads)
{
    const struct nm_audit_verify_query query = {.path = path, .threads = threads};
    struct nm_audit_verdict verdict;
    struct nm_error error = {.code = NM_OK};
    uint64_t findings = 0;
    const double begun_s = now_s();

    if (nm_audit_verify(&query, count_finding, &findings, &verdict, &error) != NM_OK) {
        (void)fprintf(stderr, "audit_log: %s\n", error.message);
        return false;
    }
    (void)printf("verified  %9.0f events/s with %s\n",
        (double)verdict.events / (now_s() - begun_s),
        threads == 0 ? "a thread a processor" : "one thread");
    if (threads == 0)
        (void)printf("size      %9.1f bytes an event, of %llu\n",
            bytes_of(path) / (double)verdict.events,
            (unsigned long long)verdict.events);
    return findings == 0;
}

static void remove_log(const char *path)
{
    static const char *const tails[] = {
        "", "-wal", "-shm", "-lock", "-key", "-key.pub"};
    char name[PATH_BYTES + 16];

    for (size_t i = 0; i < NM_COUNT(tails); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, tails[i]);
        (void)unlink(name);
    }
}

int main(int argc, char **argv)
{
    uint64_t messages = 100000;
    const char *kept = NULL;
    char folder[] = "/tmp/nm-audit-log-XXXXXX";
    char path[PATH_BYTES];
    bool fine;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--messages") == 0 && i + 1 < argc)
            messages = strtoull(argv[++i], NULL, 10);
        else
            kept = argv[i];
    }
    if (kept == NULL && mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s%s", kept != NULL ? kept : folder,
        kept != NULL ? "" : "/audit.db");
    fine = (access(path, F_OK) == 0 || write_log(path, messages)) && verify(path, 1) &&
           verify(path, 0);
    if (kept == NULL) {
        remove_log(path);
        (void)rmdir(folder);
    }
    return fine ? 0 : 1;
}
