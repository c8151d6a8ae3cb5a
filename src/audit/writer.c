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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    GROUP_BLOCKS_MAX = 4096,
    GROUP_EVENTS_MAX = 4096,
    CONFIGS_MAX = 16,     /* configurations remembered, should the log begin anew */
    BUSY_MS_MAX = 1000,   /* a lock of another process that is waited out */
    RETRY_FIRST_MS = 100, /* the pause after a failure, doubled after each more */
    RETRY_LAST_MS = 1000,
    COMPLAIN_MS = 60 * 1000,    /* between two log lines that say the same */
    COMPLAIN_ANEW_MS = 5 * 1000 /* or something else */
};

struct waiter {
    struct waiter *next;
    struct waiter *previous;
    uint64_t ticket;
    struct nm_error *error;
    enum nm_code code;
    bool settled; /* the code is known, and the wake under way */
    sem_t wake;
    atomic_bool woken; /* orders what the wake orders, for tools that do not know it */
};

/* Something to be forgotten. It is the caller's, until the caller waits no more. */
struct job {
    struct nm_forgetting task; /* belongs to the thread while it runs */
    struct nm_error error;
    enum nm_code code;
    bool done;
    bool abandoned;
    pthread_cond_t finished;
};

struct config_note {
    char *hash;
    char *text;
    bool written; /* to the database that is open */
};

struct nm_audit {
    char *path;
    char *gateway;
    char *key;
    char *group;
    _Atomic unsigned wait_ms;
    _Atomic(enum nm_audit_local_part) sender_local_part;
    _Atomic(enum nm_audit_local_part) recipient_local_part;
    const struct nm_log *log;
    struct nm_clock clock;
    pthread_t thread;

    /* Belongs to the thread. */
    struct nm_store *store; /* NULL while there is none that works */
    bool again;             /* a commit failed, and may have reached the disk */
    int64_t checkpoint_us;  /* when the last one was written */
    int64_t retention_us;   /* when retention was applied, */
    bool owes_a_step;       /* a group was written since a step of the job */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    struct nm_queue queue;
    struct waiter *waiters;
    struct config_note configs[CONFIGS_MAX];
    size_t config_count;
    struct job *job; /* or NULL */
    unsigned keep_days;
    unsigned keep_days_accepted;
    bool retention_changed;
    bool stopping;
    int64_t stop_by_us;
    bool idle;       /* the thread sleeps until it is woken */
    int64_t busy_us; /* when it was last at work */
    int64_t away_us; /* since when the thread is at the disk; 0 while it is not */
    int64_t retry_us;
    unsigned retry_ms;
    bool complained; /* of what has not been put right yet */
    int64_t complained_us;
    char complaint[NM_ERROR_MESSAGE_MAX];
    int64_t trouble_us; /* when it began */
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

static void sleep_idle(struct nm_audit *audit, int64_t until_us)
{
    audit->idle = true;
    sleep_until(audit, until_us);
    audit->idle = false;
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
        atomic_store_explicit(&woken->woken, true, memory_order_release);
        (void)sem_post(&woken->wake);
    }
}

/* ---- complaints --------------------------------------------------------- */

/* Whether to log this trouble now. With the lock; the line is written without it. */
static bool should_complain(struct nm_audit *audit, const struct nm_error *error)
{
    const int64_t now_us = monotonic_us();
    const bool same = strcmp(audit->complaint, error->message) == 0;
    const int64_t pause_ms = same ? COMPLAIN_MS : COMPLAIN_ANEW_MS;

    if (audit->trouble_us == 0)
        audit->trouble_us = now_us;
    if (audit->complained_us != 0 && now_us - audit->complained_us < pause_ms * 1000)
        return false;
    audit->complained = true;
    audit->complained_us = now_us;
    (void)nm_copy(audit->complaint, sizeof audit->complaint, error->message);
    return true;
}

static void complain(const struct nm_audit *audit, const struct nm_error *error)
{
    nm_log(audit->log, NM_LOG_ERROR,
        "the audit log cannot be written; mail gets the failure action until it can",
        {"reason", error->message});
}

/* It works. Seconds of trouble that was complained of, to be told without the lock; or
 * -1. */
static int64_t end_trouble(struct nm_audit *audit)
{
    const int64_t seconds =
        audit->complained ? (monotonic_us() - audit->trouble_us) / 1000000 : -1;

    audit->complained = false;
    audit->trouble_us = 0;
    return seconds;
}

static void tell_end_of_trouble(const struct nm_audit *audit, int64_t seconds)
{
    char text[32];
    struct nm_buf buf;

    if (seconds < 0)
        return;
    nm_buf_init(&buf, text, sizeof text);
    nm_buf_printf(&buf, "%lld", (long long)seconds);
    nm_log(audit->log, NM_LOG_NOTICE, "the audit log is written again",
        {"database", audit->path}, {"after_s", text});
}

/* A copy of each checkpoint for the system log: what is kept elsewhere proves. Without the
 * lock, on the thread that owns the store. */
static void tell_checkpoint(struct nm_audit *audit)
{
    struct nm_checkpoint checkpoint;
    struct nm_checkpoint_text text;
    const char *trouble = nm_store_key_trouble(audit->store);

    audit->checkpoint_us = monotonic_us();
    if (trouble[0] != '\0')
        nm_log(audit->log, NM_LOG_ERROR,
            "no checkpoint of the audit log can be signed; the log itself is written",
            {"reason", trouble});
    if (nm_store_names_trouble(audit->store)[0] != '\0')
        nm_log(audit->log, NM_LOG_ERROR,
            "the audit log keeps no local parts, for they cannot be keyed",
            {"reason", nm_store_names_trouble(audit->store)});
    if (nm_store_group_trouble(audit->store)[0] != '\0')
        nm_log(audit->log, NM_LOG_ERROR,
            "the group cannot read the audit log; the log itself is written",
            {"reason", nm_store_group_trouble(audit->store)});
    if (!nm_store_take_checkpoint(audit->store, &checkpoint))
        return;
    nm_checkpoint_format(&checkpoint, &text);
    nm_log(audit->log, NM_LOG_NOTICE, NM_CHECKPOINT_MESSAGE, {"log", text.log},
        {"sequence", text.sequence}, {"time_us", text.time_us}, {"hash", text.hash},
        {"key", text.key}, {"signature", text.signature});
}

/* ---- the thread --------------------------------------------------------- */

/* The disk is met without the lock. */
static void go_away(struct nm_audit *audit)
{
    audit->away_us = monotonic_us();
    pthread_mutex_unlock(&audit->lock);
}

static void come_back(struct nm_audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    audit->busy_us = monotonic_us();
    audit->away_us = 0;
}

static void begin_failure(struct nm_audit *audit, const struct nm_error *error)
{
    if (!audit->status.failing)
        audit->retry_ms = RETRY_FIRST_MS;
    else if (audit->retry_ms < RETRY_LAST_MS)
        audit->retry_ms *= 2;
    audit->retry_us = monotonic_us() + (int64_t)audit->retry_ms * 1000;
    audit->status.failing = true;
    audit->status.last = *error;
    audit->status.last.code = NM_SYSTEM;
    for (size_t i = 0; i < audit->config_count; i++)
        audit->configs[i].written = false;
}

static void end_job(
    struct nm_audit *audit, enum nm_code code, const struct nm_error *error);

/* What was begun failed: everybody who waits is told so, and the store is closed. */
static void fail(struct nm_audit *audit, const struct nm_error *error)
{
    struct waiter *woken;
    bool loud;

    nm_queue_give_back(&audit->queue);
    begin_failure(audit, error);
    end_job(audit, NM_SYSTEM, error);
    loud = should_complain(audit, error);
    woken = settle_waiters(audit);
    go_away(audit);
    wake(woken);
    if (loud)
        complain(audit, error);
    nm_store_close(&audit->store);
    come_back(audit);
}

static void open_store(struct nm_audit *audit)
{
    const unsigned half_ms = audit->wait_ms / 2;
    const struct nm_store_options options = {
        .path = audit->path,
        .gateway = audit->gateway,
        .key = audit->key,
        .group = audit->group,
        .clock = audit->clock,
        .busy_ms = half_ms < BUSY_MS_MAX ? half_ms : (unsigned)BUSY_MS_MAX,
        .doubtful = audit->again,
    };
    struct nm_error error;
    enum nm_code code;
    int64_t trouble_s;

    go_away(audit);
    code = nm_store_open(&options, &audit->store, &error);
    come_back(audit);
    if (code != NM_OK) {
        fail(audit, &error);
        return;
    }
    audit->status.failing = false;
    trouble_s = end_trouble(audit);
    go_away(audit);
    tell_end_of_trouble(audit, trouble_s);
    tell_checkpoint(audit);
    come_back(audit);
}

static void checkpoint(struct nm_audit *audit)
{
    struct nm_error error;
    enum nm_code code;

    go_away(audit);
    code = nm_store_checkpoint(audit->store, &error);
    if (code == NM_OK)
        tell_checkpoint(audit);
    come_back(audit);
    if (code != NM_OK)
        fail(audit, &error);
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

    note->written = true; /* until the log is opened anew */
    go_away(audit);
    if (hash != NULL && text != NULL)
        code = nm_store_note_config(audit->store, hash, text, &error);
    else
        (void)nm_fail(&error, NM_NO_MEMORY, "%s: out of memory", audit->path);
    free(hash);
    free(text);
    come_back(audit);
    if (code != NM_OK)
        fail(audit, &error);
}

/* ---- forgetting --------------------------------------------------------- */

static void free_job(struct job *job)
{
    if (job == NULL)
        return;
    free((char *)(uintptr_t)job->task.what.address);
    free((char *)(uintptr_t)job->task.what.actor);
    free((char *)(uintptr_t)job->task.what.reason);
    (void)pthread_cond_destroy(&job->finished);
    free(job);
}

static const char *copy_or_null(const char *text, bool *fine)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    *fine = *fine && (text == NULL || copy != NULL);
    return copy;
}

static struct job *new_job(const struct nm_audit_forget *what)
{
    struct job *job = calloc(1, sizeof *job);
    pthread_condattr_t attributes;
    bool fine = true;

    if (job == NULL)
        return NULL;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&job->finished, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    job->task.what = *what;
    job->task.what.address = copy_or_null(what->address, &fine);
    job->task.what.actor = copy_or_null(what->actor, &fine);
    job->task.what.reason = copy_or_null(what->reason, &fine);
    if (!fine) {
        free_job(job);
        return NULL;
    }
    return job;
}

/* Its caller frees it, unless that waits no more. */
static void end_job(
    struct nm_audit *audit, enum nm_code code, const struct nm_error *error)
{
    struct job *job = audit->job;

    audit->job = NULL;
    if (job == NULL)
        return;
    job->code = code;
    if (code != NM_OK)
        job->error = *error;
    job->done = true;
    if (job->abandoned)
        free_job(job);
    else
        (void)pthread_cond_signal(&job->finished);
}

static void step_job(struct nm_audit *audit)
{
    struct job *job = audit->job;
    struct nm_error error;
    enum nm_code code;

    audit->owes_a_step = false;
    go_away(audit);
    code = nm_store_forget(audit->store, &job->task, &error);
    if (code == NM_OK && job->task.new_key[0] != '\0')
        nm_log(audit->log, NM_LOG_NOTICE,
            "the audit log is signed with another key from here on",
            {"new_key", job->task.new_key});
    if (code == NM_OK && nm_store_has_checkpoint(audit->store))
        tell_checkpoint(audit);
    come_back(audit);
    if (code != NM_OK)
        fail(audit, &error); /* and with that the job */
    else if (job->task.done)
        end_job(audit, job->task.refused.code, &job->task.refused);
}

static int64_t days_before(int64_t now_us, unsigned days)
{
    return days > 0 ? now_us - (int64_t)days * 86400 * 1000000 : 0;
}

static bool is_retention_due(const struct nm_audit *audit, int64_t now_us)
{
    if (audit->job != NULL || audit->keep_days + audit->keep_days_accepted == 0)
        return false;
    return audit->retention_changed ||
           now_us - audit->retention_us >= (int64_t)NM_CHECKPOINT_S * 1000000;
}

/* What the configuration wants forgotten; nobody waits for it. */
static void begin_retention(struct nm_audit *audit)
{
    const int64_t now_us = audit->clock.now_us(audit->clock.self);
    const struct nm_audit_forget what = {
        .prune_before_us = days_before(now_us, audit->keep_days),
        .redact_before_us = days_before(now_us, audit->keep_days_accepted),
        .actor = "daemon"};

    audit->retention_us = monotonic_us();
    audit->retention_changed = false;
    audit->job = new_job(&what);
    if (audit->job != NULL)
        audit->job->abandoned = true;
}

static void finish_group(struct nm_audit *audit, struct nm_block **blocks, size_t count)
{
    struct waiter *woken;
    int64_t trouble_s;

    nm_queue_settle(&audit->queue);
    audit->owes_a_step = true;
    for (size_t i = 0; i < count; i++)
        audit->status.events_written += blocks[i]->count;
    audit->status.commits++;
    audit->again = false;
    woken = settle_waiters(audit);
    trouble_s = end_trouble(audit);
    pthread_mutex_unlock(&audit->lock);
    wake(woken);
    tell_end_of_trouble(audit, trouble_s);
    if (nm_store_has_checkpoint(audit->store))
        tell_checkpoint(audit);
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
    pthread_mutex_lock(&audit->lock);
}

static void write_group(struct nm_audit *audit)
{
    struct nm_block *blocks[GROUP_BLOCKS_MAX];
    struct nm_error error;
    enum nm_code code;
    const size_t count =
        nm_queue_take(&audit->queue, blocks, GROUP_BLOCKS_MAX, GROUP_EVENTS_MAX);

    go_away(audit);
    nm_store_set_local_parts(
        audit->store, audit->sender_local_part, audit->recipient_local_part);
    code = nm_store_write(audit->store, blocks, count, audit->again, &error);
    come_back(audit);
    if (code == NM_OK) {
        finish_group(audit, blocks, count);
    } else {
        audit->again = true;
        fail(audit, &error);
    }
}

static void tidy(struct nm_audit *audit)
{
    struct nm_error error;
    enum nm_code code;

    go_away(audit);
    code = nm_store_tidy(audit->store, &error);
    come_back(audit);
    if (code != NM_OK)
        fail(audit, &error);
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

/* One thing to do, or a sleep until there may be one. Between two groups the thread naps
 * as long as an event may linger: then an event that comes need not wake it. */
static void work_or_sleep(struct nm_audit *audit)
{
    const int64_t now_us = monotonic_us();
    const int64_t due = due_us(audit);
    const int64_t checkpoint_due =
        audit->checkpoint_us + (int64_t)NM_CHECKPOINT_S * 1000000;
    struct config_note *note = unwritten_config(audit);

    if (audit->store == NULL && audit->retry_us <= now_us)
        open_store(audit);
    else if (audit->store == NULL)
        sleep_until(audit, audit->retry_us);
    else if (note != NULL)
        write_config(audit, note);
    else if (nm_store_must_tidy(audit->store) ||
             (due > now_us && nm_store_may_tidy(audit->store)))
        tidy(audit);
    else if (due <= now_us && !(audit->job != NULL && audit->owes_a_step))
        write_group(audit);
    else if (audit->job != NULL)
        step_job(audit);
    else if (is_retention_due(audit, now_us))
        begin_retention(audit);
    else if (checkpoint_due <= now_us)
        checkpoint(audit);
    else if (due < INT64_MAX)
        sleep_until(audit, due);
    else if (now_us - audit->busy_us < (int64_t)NM_AUDIT_LINGER_MS * 1000)
        sleep_until(audit, audit->busy_us + (int64_t)NM_AUDIT_LINGER_MS * 1000);
    else
        sleep_idle(audit, checkpoint_due);
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
    const struct nm_error stopped = {
        .code = NM_STOPPED, .message = "the log is being closed"};

    (void)pthread_setname_np(pthread_self(), "nm-audit");
    pthread_mutex_lock(&audit->lock);
    while (!is_done(audit))
        work_or_sleep(audit);
    end_job(audit, NM_STOPPED, &stopped);
    if (audit->store != NULL && monotonic_us() < audit->stop_by_us &&
        !nm_store_ends_with_checkpoint(audit->store))
        checkpoint(audit);
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
    if (code == NM_OK && audit->idle)
        (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    if (code != NM_OK)
        free(block);
    return code;
}

static enum nm_code fail_late(struct nm_audit *audit, struct nm_error *error)
{
    return nm_fail(error, NM_TIMEOUT,
        "%s: no commit within %u ms (audit.wait_ms); the storage hangs or is too slow",
        audit->path, audit->wait_ms);
}

/* What is known without waiting; false when that is nothing. */
static bool is_known(struct nm_audit *audit, struct waiter *waiter)
{
    if (waiter->ticket <= audit->queue.settled) {
        waiter->code = NM_OK;
        return true;
    }
    if (audit->status.failing) {
        *waiter->error = audit->status.last;
        waiter->code = NM_SYSTEM;
        return true;
    }
    if (audit->away_us == 0 ||
        monotonic_us() - audit->away_us <= (int64_t)audit->wait_ms * 1000)
        return false;
    waiter->code = fail_late(audit, waiter->error);
    return true;
}

/* Until the waiter is woken or its time is over. Whether it was woken. */
static bool sleep_on(struct waiter *waiter, int64_t until_us)
{
    const struct timespec until = timespec_of(until_us);
    int status;

    do
        status = sem_clockwait(&waiter->wake, CLOCK_MONOTONIC, &until);
    while (status != 0 && errno == EINTR);
    return status == 0 && atomic_load_explicit(&waiter->woken, memory_order_acquire);
}

/* Its time is over, unless it is being woken just now. */
static void give_up(struct nm_audit *audit, struct waiter *waiter)
{
    bool loud = false;

    pthread_mutex_lock(&audit->lock);
    if (!waiter->settled) {
        remove_waiter(audit, waiter);
        withdraw(audit, waiter->ticket);
        waiter->code = fail_late(audit, waiter->error);
        loud = should_complain(audit, waiter->error);
    }
    pthread_mutex_unlock(&audit->lock);
    if (loud)
        complain(audit, waiter->error);
    while (waiter->settled && sem_wait(&waiter->wake) != 0)
        assert(errno == EINTR);
}

static enum nm_code wait_durable(void *self, uint64_t ticket, struct nm_error *error)
{
    struct nm_audit *audit = self;
    struct nm_error unwanted;
    struct waiter waiter = {
        .ticket = ticket, .error = error != NULL ? error : &unwanted};

    pthread_mutex_lock(&audit->lock);
    if (is_known(audit, &waiter)) {
        if (waiter.code != NM_OK)
            withdraw(audit, ticket);
        pthread_mutex_unlock(&audit->lock);
        return waiter.code;
    }
    (void)sem_init(&waiter.wake, 0, 0);
    add_waiter(audit, &waiter);
    if (audit->away_us == 0)
        (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    if (!sleep_on(&waiter, monotonic_us() + (int64_t)audit->wait_ms * 1000))
        give_up(audit, &waiter);
    (void)sem_destroy(&waiter.wake);
    return waiter.code;
}

void nm_audit_set_local_parts(struct nm_audit *audit, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient)
{
    audit->sender_local_part = sender;
    audit->recipient_local_part = recipient;
}

void nm_audit_set_wait_ms(struct nm_audit *audit, unsigned wait_ms)
{
    audit->wait_ms = wait_ms;
}

struct nm_audit_port nm_audit_port(struct nm_audit *audit)
{
    return (struct nm_audit_port){
        .self = audit, .append = append, .wait = wait_durable};
}

/* ---- forgetting on request ---------------------------------------------- */

void nm_audit_set_retention(
    struct nm_audit *audit, unsigned keep_days, unsigned keep_days_accepted)
{
    pthread_mutex_lock(&audit->lock);
    audit->retention_changed = audit->keep_days != keep_days ||
                               audit->keep_days_accepted != keep_days_accepted;
    audit->keep_days = keep_days;
    audit->keep_days_accepted = keep_days_accepted;
    (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
}

/* With the lock. */
static enum nm_code wait_for_job(
    struct nm_audit *audit, struct job *job, unsigned wait_ms, struct nm_error *error)
{
    const struct timespec until = timespec_of(monotonic_us() + (int64_t)wait_ms * 1000);
    int status = 0;

    (void)pthread_cond_signal(&audit->work);
    while (!job->done && status == 0)
        status = pthread_cond_timedwait(&job->finished, &audit->lock, &until);
    if (!job->done)
        return NM_OK;
    if (job->code != NM_OK && error != NULL)
        *error = job->error;
    return job->code;
}

enum nm_code nm_audit_forget(struct nm_audit *audit, const struct nm_audit_forget *what,
    unsigned wait_ms, struct nm_audit_forgotten *out, struct nm_error *error)
{
    struct job *job = new_job(what);
    enum nm_code code;

    if (job == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", audit->path);
    pthread_mutex_lock(&audit->lock);
    if (audit->status.failing || audit->job != NULL) {
        code = audit->status.failing
                   ? nm_fail(error, NM_SYSTEM, "%s", audit->status.last.message)
                   : nm_fail(error, NM_LIMIT,
                         "something else is being forgotten; try again later");
        pthread_mutex_unlock(&audit->lock);
        free_job(job);
        return code;
    }
    audit->job = job;
    code = wait_for_job(audit, job, wait_ms, error);
    *out = (struct nm_audit_forgotten){.finished = job->done};
    if (job->done) {
        out->cut_off = job->task.cut_off;
        out->erased = job->task.erased;
        (void)nm_copy(out->new_key, sizeof out->new_key, job->task.new_key);
    }
    job->abandoned = !job->done;
    pthread_mutex_unlock(&audit->lock);
    if (out->finished)
        free_job(job);
    return code;
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
    out->wait_ms = audit->wait_ms;
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
    free(audit->key);
    free(audit->group);
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

/* Beside the database unless it is named. */
static char *key_path(const struct nm_audit_options *options)
{
    char *path = NULL;

    if (options->key != NULL && options->key[0] != '\0')
        return strdup(options->key);
    return asprintf(&path, "%s-key", options->path) < 0 ? NULL : path;
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
    audit->sender_local_part = options->sender_local_part;
    audit->recipient_local_part = options->recipient_local_part;
    audit->log = options->log;
    audit->clock = options->clock;
    audit->path = strdup(options->path);
    audit->gateway = strdup(options->gateway != NULL ? options->gateway : "");
    audit->key = key_path(options);
    audit->group = strdup(options->group != NULL ? options->group : "");
    if (audit->path == NULL || audit->gateway == NULL || audit->key == NULL ||
        audit->group == NULL) {
        free_audit(audit);
        return nm_fail(error, NM_NO_MEMORY, "out of memory for the audit log");
    }
    pthread_mutex_lock(&audit->lock);
    open_store(audit); /* here, so that a failure is told before the start is */
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

/* Nobody is left to be told but the log. */
static void tell_lost(const struct nm_audit *audit)
{
    const size_t lost = nm_queue_events(&audit->queue);
    char text[32];
    struct nm_buf buf;

    if (lost == 0)
        return;
    nm_buf_init(&buf, text, sizeof text);
    nm_buf_printf(&buf, "%zu", lost);
    nm_log(audit->log, NM_LOG_ERROR,
        "the audit log was closed before these events could be written",
        {"database", audit->path}, {"events", text},
        {"reason", audit->status.last.message});
}

void nm_audit_end(struct nm_audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    audit->stopping = true;
    audit->retry_us = 0; /* one more attempt, at once */
    audit->stop_by_us = monotonic_us() + (int64_t)audit->wait_ms * 1000;
    (void)pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    (void)pthread_join(audit->thread, NULL);
    tell_lost(audit);
    nm_store_close(&audit->store);
}

void nm_audit_stop(struct nm_audit **audit)
{
    if (*audit == NULL)
        return;
    nm_audit_end(*audit);
    free_audit(*audit);
    *audit = NULL;
}
