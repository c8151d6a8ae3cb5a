/*
 * The writer: appended events go into a queue under one lock; one thread takes what has
 * come, writes it in one commit, and wakes those whose events were in it. While a commit
 * runs, the next group gathers.
 *
 * While the log cannot be written, a wait fails at once, and its event is withdrawn:
 * its caller takes the failure action, so that the event would tell of what did not
 * happen. Events that nobody waits for stay in the queue, within its cap. The thread
 * opens the database anew until that works.
 */
#include "audit/audit.h"

#include "queue.h"
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    GROUP_BLOCKS_MAX = 1024,
    GROUP_EVENTS_MAX = 4096,
    CONFIGS_MAX = 16,     /* configurations remembered, should the log begin anew */
    BUSY_MS_MAX = 1000,   /* a lock of another process that is waited out */
    RETRY_FIRST_MS = 100, /* the pause after a failure, doubled after each more */
    RETRY_LAST_MS = 1000,
    COMPLAIN_MS = 60 * 1000 /* between two log lines on one failure */
};

struct waiter {
    struct waiter *next;
    struct waiter *previous;
    uint64_t ticket;
    struct nm_error *error;
    enum nm_code code;
    bool settled;
    sem_t wake;
};

struct config_note {
    char *hash;
    char *text;
    bool written; /* to the database that is open */
};

struct nm_audit {
    char *path;
    char *gateway;
    unsigned wait_ms;
    const struct nm_log *log;
    struct nm_clock clock;
    pthread_t thread;

    /* Belongs to the thread. */
    struct nm_store *store; /* NULL while there is none that works */
    bool again;             /* a commit failed and may have reached the disk */
    int64_t complained_us;
    int64_t failing_since_us;
    bool complained; /* of the failure that lasts */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    struct nm_queue queue;
    struct waiter *waiters;
    struct config_note configs[CONFIGS_MAX];
    size_t config_count;
    bool stopping;
    int64_t stop_by_us;
    int64_t group_began_us; /* 0 while none is being written */
    int64_t retry_us;
    unsigned retry_ms;
    struct nm_audit_status status;
};

/* ---- time --------------------------------------------------------------- */

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct timespec timespec_of(int64_t time_us)
{
    return (struct timespec){
        .tv_sec = (time_t)(time_us / 1000000), .tv_nsec = time_us % 1000000 * 1000};
}

static void sleep_until(struct nm_audit *audit, int64_t time_us)
{
    const struct timespec until = timespec_of(time_us);

    (void)pthread_cond_timedwait(&audit->work, &audit->lock, &until);
}

/* ---- waiters ------------------------------------------------------------ */

static void add_waiter(struct nm_audit *audit, struct waiter *waiter)
{
    waiter->next = audit->waiters;
    waiter->previous = NULL;
    if (waiter->next != NULL)
        waiter->next->previous = waiter;
    audit->waiters = waiter;
}

static void remove_waiter(struct nm_audit *audit, struct waiter *waiter)
{
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        audit->waiters = waiter->next;
}

static void withdraw(struct nm_audit *audit, uint64_t ticket)
{
    free(nm_queue_withdraw(&audit->queue, ticket));
}

/* Take the waiters whose fate is known off the list; the result is linked by `next`, to
 * be woken without the lock. */
static struct waiter *settle_waiters(struct nm_audit *audit)
{
    struct waiter *woken = NULL;
    struct waiter *next;

    for (struct waiter *waiter = audit->waiters; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (waiter->ticket <= audit->queue.settled) {
            waiter->code = NM_OK;
        } else if (audit->status.failing) {
            waiter->code = NM_SYSTEM;
            *waiter->error = audit->status.last;
            withdraw(audit, waiter->ticket);
        } else {
            continue;
        }
        remove_waiter(audit, waiter);
        waiter->settled = true;
        waiter->next = woken;
        woken = waiter;
    }
    return woken;
}

/* A waiter is gone as soon as it is woken. */
static void wake(struct waiter *woken)
{
    struct waiter *next;

    for (; woken != NULL; woken = next) {
        next = woken->next;
        (void)sem_post(&woken->wake);
    }
}

/* ---- complaints --------------------------------------------------------- */

static void complain(struct nm_audit *audit, const struct nm_error *error)
{
    const int64_t now_us = monotonic_us();

    if (audit->complained_us != 0 &&
        now_us - audit->complained_us < (int64_t)COMPLAIN_MS * 1000)
        return;
    audit->complained_us = now_us;
    audit->complained = true;
    nm_log(audit->log, NM_LOG_ERROR,
        "the audit log cannot be written; mail gets the failure action until it can",
        {"reason", error->message}, {"database", audit->path});
}

static void tell_recovery(struct nm_audit *audit)
{
    char seconds[32];
    struct nm_buf buf;

    if (!audit->complained)
        return;
    audit->complained = false;
    nm_buf_init(&buf, seconds, sizeof seconds);
    nm_buf_printf(&buf, "%lld",
        (long long)((monotonic_us() - audit->failing_since_us) / 1000000));
    nm_log(audit->log, NM_LOG_NOTICE, "the audit log is written again",
        {"database", audit->path}, {"after_s", seconds});
}

/* ---- the thread: without the lock --------------------------------------- */

static void open_store(struct nm_audit *audit, struct nm_error *error)
{
    const struct nm_store_options options = {
        .path = audit->path,
        .gateway = audit->gateway,
        .busy_ms = audit->wait_ms / 2 < BUSY_MS_MAX ? audit->wait_ms / 2
                                                    : (unsigned)BUSY_MS_MAX,
        .doubtful = audit->again,
    };

    (void)nm_store_open(
        &options, audit->clock.now_us(audit->clock.self), &audit->store, error);
}

/* ---- the thread: with the lock ------------------------------------------ */

static void begin_failure(struct nm_audit *audit, const struct nm_error *error)
{
    const int64_t now_us = monotonic_us();

    if (!audit->status.failing)
        audit->failing_since_us = now_us;
    audit->retry_ms = !audit->status.failing                ? (unsigned)RETRY_FIRST_MS
                      : audit->retry_ms < RETRY_LAST_MS / 2 ? 2 * audit->retry_ms
                                                            : (unsigned)RETRY_LAST_MS;
    audit->retry_us = now_us + (int64_t)audit->retry_ms * 1000;
    audit->status.failing = true;
    audit->status.last = *error;
    audit->status.last.code = NM_SYSTEM;
    for (size_t i = 0; i < audit->config_count; i++)
        audit->configs[i].written = false;
}

/* Unlocked while the log is opened and closed. */
static void try_to_open(struct nm_audit *audit)
{
    struct nm_error error = {.code = NM_OK};
    struct waiter *woken = NULL;

    pthread_mutex_unlock(&audit->lock);
    open_store(audit, &error);
    if (audit->store == NULL)
        complain(audit, &error);
    else
        tell_recovery(audit);
    pthread_mutex_lock(&audit->lock);
    if (audit->store == NULL) {
        begin_failure(audit, &error);
        woken = settle_waiters(audit);
    } else {
        audit->status.failing = false;
    }
    pthread_mutex_unlock(&audit->lock);
    wake(woken);
    pthread_mutex_lock(&audit->lock);
}

static void fail_group(struct nm_audit *audit, const struct nm_error *error)
{
    struct waiter *woken;

    nm_queue_give_back(&audit->queue);
    begin_failure(audit, error);
    audit->again = true;
    woken = settle_waiters(audit);
    pthread_mutex_unlock(&audit->lock);
    wake(woken);
    nm_store_close(&audit->store);
    complain(audit, error);
    pthread_mutex_lock(&audit->lock);
}

static struct config_note *unwritten_config(struct nm_audit *audit)
{
    for (size_t i = 0; i < audit->config_count; i++)
        if (!audit->configs[i].written)
            return &audit->configs[i];
    return NULL;
}

static void write_config(struct nm_audit *audit, struct config_note *note)
{
    char *hash = strdup(note->hash);
    char *text = strdup(note->text);
    struct nm_error error;
    enum nm_code code = NM_NO_MEMORY;

    note->written = true; /* again false when the log is opened anew */
    pthread_mutex_unlock(&audit->lock);
    if (hash != NULL && text != NULL)
        code = nm_store_note_config(audit->store, hash, text, &error);
    else
        (void)nm_fail(&error, NM_NO_MEMORY, "%s: out of memory", audit->path);
    free(hash);
    free(text);
    pthread_mutex_lock(&audit->lock);
    if (code != NM_OK)
        fail_group(audit, &error);
}

static void write_group(struct nm_audit *audit)
{
    struct nm_block *blocks[GROUP_BLOCKS_MAX];
    struct nm_error error;
    struct waiter *woken;
    enum nm_code code;
    size_t events = 0;
    const size_t count =
        nm_queue_take(&audit->queue, blocks, GROUP_BLOCKS_MAX, GROUP_EVENTS_MAX);

    audit->group_began_us = monotonic_us();
    pthread_mutex_unlock(&audit->lock);
    code = nm_store_write(audit->store, blocks, count, audit->again, &error);
    pthread_mutex_lock(&audit->lock);
    audit->group_began_us = 0;
    if (code != NM_OK) {
        fail_group(audit, &error);
        return;
    }
    nm_queue_settle(&audit->queue);
    for (size_t i = 0; i < count; i++)
        events += blocks[i]->count;
    audit->status.events_written += events;
    audit->status.commits++;
    woken = settle_waiters(audit);
    pthread_mutex_unlock(&audit->lock);
    wake(woken);
    audit->again = false;
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
    pthread_mutex_lock(&audit->lock);
}

static void tidy(struct nm_audit *audit)
{
    struct nm_error error;
    enum nm_code code;

    pthread_mutex_unlock(&audit->lock);
    code = nm_store_tidy(audit->store, &error);
    pthread_mutex_lock(&audit->lock);
    if (code != NM_OK)
        fail_group(audit, &error);
}

/* When the oldest event is due: at once when somebody waits. */
static int64_t due_us(const struct nm_audit *audit)
{
    const struct nm_block *oldest = nm_queue_oldest(&audit->queue);

    if (oldest == NULL)
        return INT64_MAX;
    if (audit->waiters != NULL || audit->stopping)
        return 0;
    return oldest->appended_us + (int64_t)NM_AUDIT_LINGER_MS * 1000;
}

/* One thing to do, or a wait for one. */
static void work_or_sleep(struct nm_audit *audit)
{
    const int64_t now_us = monotonic_us();
    const int64_t due = due_us(audit);
    struct config_note *note = unwritten_config(audit);

    if (audit->store == NULL && audit->retry_us <= now_us)
        try_to_open(audit);
    else if (audit->store == NULL)
        sleep_until(audit, audit->retry_us);
    else if (note != NULL)
        write_config(audit, note);
    else if (nm_store_must_tidy(audit->store) ||
             (due > now_us && nm_store_may_tidy(audit->store)))
        tidy(audit);
    else if (due <= now_us)
        write_group(audit);
    else if (due == INT64_MAX)
        (void)pthread_cond_wait(&audit->work, &audit->lock);
    else
        sleep_until(audit, due);
}

static bool is_done(struct nm_audit *audit)
{
    if (!audit->stopping)
        return false;
    if (monotonic_us() >= audit->stop_by_us)
        return true;
    return nm_queue_oldest(&audit->queue) == NULL && unwritten_config(audit) == NULL;
}

static void *write_until_stopped(void *self)
{
    struct nm_audit *audit = self;

    pthread_mutex_lock(&audit->lock);
    while (!is_done(audit))
        work_or_sleep(audit);
    pthread_mutex_unlock(&audit->lock);
    return NULL;
}

/* ---- the port ----------------------------------------------------------- */

static enum nm_code append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    struct nm_audit *audit = self;
    struct nm_block *block;
    enum nm_code code = nm_block_new(events, count, &block);

    if (code != NM_OK)
        return code;
    block->appended_us = monotonic_us();
    pthread_mutex_lock(&audit->lock);
    if (audit->stopping)
        code = NM_STOPPED;
    else if (audit->queue.bytes + block->bytes > NM_AUDIT_QUEUE_BYTES_MAX)
        code = NM_LIMIT;
    else
        code = nm_queue_push(&audit->queue, block, ticket);
    if (code == NM_OK && nm_queue_oldest(&audit->queue) == block)
        (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    if (code != NM_OK)
        free(block);
    return code;
}

static enum nm_code fail_late(struct nm_audit *audit, struct nm_error *error)
{
    return nm_fail(error, NM_TIMEOUT,
        "%s: no commit within %u ms (audit.wait_ms); the storage is too slow or hangs",
        audit->path, audit->wait_ms);
}

/* What is known without waiting; NM_LIMIT when that is nothing. */
static enum nm_code known_fate(
    struct nm_audit *audit, uint64_t ticket, struct nm_error *error)
{
    if (ticket <= audit->queue.settled)
        return NM_OK;
    if (audit->status.failing) {
        *error = audit->status.last;
        return NM_SYSTEM;
    }
    if (audit->group_began_us != 0 &&
        monotonic_us() - audit->group_began_us > (int64_t)audit->wait_ms * 1000)
        return fail_late(audit, error);
    return NM_LIMIT;
}

static void sleep_on(struct nm_audit *audit, struct waiter *waiter, int64_t until_us)
{
    const struct timespec until = timespec_of(until_us);
    int status;

    do
        status = sem_clockwait(&waiter->wake, CLOCK_MONOTONIC, &until);
    while (status != 0 && errno == EINTR);
    if (status == 0)
        return;
    pthread_mutex_lock(&audit->lock);
    if (!waiter->settled) {
        remove_waiter(audit, waiter);
        withdraw(audit, waiter->ticket);
        waiter->code = fail_late(audit, waiter->error);
        pthread_mutex_unlock(&audit->lock);
        return;
    }
    pthread_mutex_unlock(&audit->lock);
    while (sem_wait(&waiter->wake) != 0) /* it is on its way */
        assert(errno == EINTR);
}

static enum nm_code wait_durable(void *self, uint64_t ticket, struct nm_error *error)
{
    struct nm_audit *audit = self;
    struct nm_error unwanted;
    struct waiter waiter = {
        .ticket = ticket, .error = error != NULL ? error : &unwanted};

    pthread_mutex_lock(&audit->lock);
    waiter.code = known_fate(audit, ticket, waiter.error);
    if (waiter.code != NM_LIMIT) {
        if (waiter.code != NM_OK)
            withdraw(audit, ticket);
        pthread_mutex_unlock(&audit->lock);
        return waiter.code;
    }
    (void)sem_init(&waiter.wake, 0, 0);
    add_waiter(audit, &waiter);
    if (audit->queue.in_flight == 0)
        (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    sleep_on(audit, &waiter, monotonic_us() + (int64_t)audit->wait_ms * 1000);
    (void)sem_destroy(&waiter.wake);
    return waiter.code;
}

struct nm_audit_port nm_audit_port(struct nm_audit *audit)
{
    return (struct nm_audit_port){
        .self = audit, .append = append, .wait = wait_durable};
}

/* ---- configurations ----------------------------------------------------- */

static void free_note(struct config_note *note)
{
    free(note->hash);
    free(note->text);
}

static bool is_noted(const struct nm_audit *audit, const char *hash)
{
    for (size_t i = 0; i < audit->config_count; i++)
        if (strcmp(audit->configs[i].hash, hash) == 0)
            return true;
    return false;
}

enum nm_code nm_audit_note_config(
    struct nm_audit *audit, const char *hash, const char *text)
{
    struct config_note note = {.hash = strdup(hash), .text = strdup(text)};

    if (note.hash == NULL || note.text == NULL) {
        free_note(&note);
        return NM_NO_MEMORY;
    }
    pthread_mutex_lock(&audit->lock);
    if (is_noted(audit, hash)) {
        free_note(&note);
    } else {
        if (audit->config_count == CONFIGS_MAX) {
            free_note(&audit->configs[0]);
            audit->config_count--;
            memmove(&audit->configs[0], &audit->configs[1],
                audit->config_count * sizeof audit->configs[0]);
        }
        audit->configs[audit->config_count++] = note;
        (void)pthread_cond_signal(&audit->work);
    }
    pthread_mutex_unlock(&audit->lock);
    return NM_OK;
}

/* ---- start and stop ----------------------------------------------------- */

void nm_audit_status(struct nm_audit *audit, struct nm_audit_status *out)
{
    pthread_mutex_lock(&audit->lock);
    *out = audit->status;
    out->queued_bytes = audit->queue.bytes;
    pthread_mutex_unlock(&audit->lock);
}

static void free_audit(struct nm_audit *audit)
{
    nm_store_close(&audit->store);
    nm_queue_free(&audit->queue);
    for (size_t i = 0; i < audit->config_count; i++)
        free_note(&audit->configs[i]);
    pthread_cond_destroy(&audit->work);
    pthread_mutex_destroy(&audit->lock);
    free(audit->path);
    free(audit->gateway);
    free(audit);
}

static void init_locks(struct nm_audit *audit)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&audit->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&audit->work, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

/* Signals are for the threads that expect them. */
static int start_thread(struct nm_audit *audit)
{
    sigset_t all;
    sigset_t before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&audit->thread, NULL, write_until_stopped, audit);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

enum nm_code nm_audit_start(const struct nm_audit_options *options,
    struct nm_audit **out, struct nm_error *error)
{
    struct nm_audit *audit = calloc(1, sizeof *audit);
    int status;

    if (audit == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory for the audit log");
    init_locks(audit);
    audit->wait_ms = options->wait_ms;
    audit->log = options->log;
    audit->clock = options->clock;
    audit->path = strdup(options->path);
    audit->gateway = strdup(options->gateway != NULL ? options->gateway : "");
    if (audit->path == NULL || audit->gateway == NULL) {
        free_audit(audit);
        return nm_fail(error, NM_NO_MEMORY, "out of memory for the audit log");
    }
    pthread_mutex_lock(&audit->lock);
    try_to_open(audit); /* here, so that a failure is told before the start is */
    pthread_mutex_unlock(&audit->lock);
    status = start_thread(audit);
    if (status != 0) {
        free_audit(audit);
        return nm_fail(error, NM_SYSTEM, "the audit log's thread cannot be started: %s",
            strerror(status));
    }
    *out = audit;
    return NM_OK;
}

void nm_audit_stop(struct nm_audit **audit)
{
    char lost[32];
    struct nm_buf buf;

    if (*audit == NULL)
        return;
    pthread_mutex_lock(&(*audit)->lock);
    (*audit)->stopping = true;
    (*audit)->retry_us = 0; /* one more attempt, at once */
    (*audit)->stop_by_us = monotonic_us() + (int64_t)(*audit)->wait_ms * 1000;
    (void)pthread_cond_signal(&(*audit)->work);
    pthread_mutex_unlock(&(*audit)->lock);
    (void)pthread_join((*audit)->thread, NULL);
    if (nm_queue_oldest(&(*audit)->queue) != NULL) {
        nm_buf_init(&buf, lost, sizeof lost);
        nm_buf_printf(&buf, "%zu", (*audit)->queue.count);
        nm_log((*audit)->log, NM_LOG_ERROR,
            "stopped with events that could not be written",
            {"database", (*audit)->path}, {"groups", lost});
    }
    free_audit(*audit);
    *audit = NULL;
}
