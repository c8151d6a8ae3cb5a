#include "state/confirmer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct nm_confirmer {
    struct nm_state *state;
    const struct nm_log *log;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    pthread_cond_t stored;
    struct nm_codes *codes; /* NULL for none */
    struct nm_confirmations *confirmations;
    struct nm_confirm_change *waiting; /* to be stored */
    size_t waiting_count;
    struct nm_confirm_change *spare; /* of the same size, for the thread */
    uint64_t noted;                  /* changes so far, and those that were left out */
    uint64_t durable;                /* of them */
    bool stopping;
    bool failing;      /* the last attempt to store failed, and the log said so */
    int64_t pushed_us; /* when the log said last that rows were pushed out */
};

/* ---- the port ----------------------------------------------------------- */

static void ask(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us, struct nm_confirm_said *out)
{
    struct nm_confirmer *confirmer = self;

    (void)pthread_mutex_lock(&confirmer->lock);
    nm_confirmations_ask(confirmer->confirmations, what, rules, now_us, out);
    (void)pthread_mutex_unlock(&confirmer->lock);
}

/* With the lock. */
static void take_change(void *self, const struct nm_confirm_change *change)
{
    struct nm_confirmer *confirmer = self;

    confirmer->noted++;
    if (confirmer->waiting_count == NM_CONFIRM_WAITING_MAX)
        return;
    confirmer->waiting[confirmer->waiting_count++] = *change;
    (void)pthread_cond_signal(&confirmer->work);
}

/* Whether this is to be told. With the lock. */
static bool is_news(struct nm_confirmer *confirmer, enum nm_code code, int64_t now_us)
{
    const int64_t pause_us = NM_CONFIRM_TELL_S * INT64_C(1000000);

    if (code == NM_OK ||
        (confirmer->pushed_us != 0 && now_us - confirmer->pushed_us < pause_us))
        return false;
    confirmer->pushed_us = now_us;
    return true;
}

static void tell_of(struct nm_confirmer *confirmer, enum nm_code code)
{
    nm_log_write(confirmer->log, NM_LOG_WARNING,
        code == NM_LIMIT
            ? "more is to be confirmed, or was, than is remembered of one sender, of "
              "one client, or in all; the oldest is forgotten, and has to be confirmed "
              "anew"
            : "out of memory: what a sender may confirm is not remembered",
        NULL, 0);
}

static void refused(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, const struct nm_id *decision, int64_t now_us,
    uint64_t *ticket)
{
    struct nm_confirmer *confirmer = self;
    const struct nm_confirm_journal journal = {confirmer, take_change};
    enum nm_code code;
    bool tell;

    (void)pthread_mutex_lock(&confirmer->lock);
    code = nm_confirmations_refuse(
        confirmer->confirmations, what, rules, decision, now_us, &journal);
    *ticket = confirmer->noted;
    tell = is_news(confirmer, code, now_us);
    (void)pthread_mutex_unlock(&confirmer->lock);
    if (tell)
        tell_of(confirmer, code);
}

static bool confirmed(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us)
{
    struct nm_confirmer *confirmer = self;
    const struct nm_confirm_journal journal = {confirmer, take_change};
    bool others = false;
    enum nm_code code;
    bool tell;

    (void)pthread_mutex_lock(&confirmer->lock);
    code = nm_confirmations_confirm(
        confirmer->confirmations, what, rules, now_us, &journal, &others);
    tell = is_news(confirmer, code, now_us);
    (void)pthread_mutex_unlock(&confirmer->lock);
    if (tell)
        tell_of(confirmer, code);
    return others;
}

static struct timespec in_ms(int ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

static void wait_for(void *self, uint64_t ticket)
{
    struct nm_confirmer *confirmer = self;
    const struct timespec until = in_ms(NM_CONFIRM_WAIT_MS);

    (void)pthread_mutex_lock(&confirmer->lock);
    while (confirmer->durable < ticket && !confirmer->failing &&
           pthread_cond_timedwait(&confirmer->stored, &confirmer->lock, &until) !=
               ETIMEDOUT)
        ;
    (void)pthread_mutex_unlock(&confirmer->lock);
}

static struct nm_confirm_code code_of(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us)
{
    const struct nm_confirmer *confirmer = self;

    return nm_codes_make(confirmer->codes, what, rules, now_us);
}

static enum nm_confirm_finding find(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us,
    const struct nm_confirm_code *code)
{
    const struct nm_confirmer *confirmer = self;

    return nm_codes_find(confirmer->codes, what, rules, now_us, code);
}

static bool guesses(
    void *self, const struct nm_confirm_case *what, unsigned wrong, int64_t now_us)
{
    struct nm_confirmer *confirmer = self;
    bool too_many;

    (void)pthread_mutex_lock(&confirmer->lock);
    too_many = nm_codes_guesses(confirmer->codes, what, wrong, now_us);
    (void)pthread_mutex_unlock(&confirmer->lock);
    return too_many;
}

struct nm_confirm_port nm_confirmer_port(struct nm_confirmer *confirmer)
{
    struct nm_confirm_port port = {.self = confirmer, .ask = ask};

    if (confirmer->has_thread) {
        port.refused = refused;
        port.wait = wait_for;
        port.confirmed = confirmed;
    }
    if (confirmer->codes != NULL) {
        port.code = code_of;
        port.find = find;
        port.guesses = guesses;
    }
    return port;
}

void nm_confirmer_count(
    struct nm_confirmer *confirmer, size_t *pending, size_t *confirmed_count)
{
    (void)pthread_mutex_lock(&confirmer->lock);
    *pending = nm_confirmations_pending(confirmer->confirmations);
    *confirmed_count = nm_confirmations_confirmed(confirmer->confirmations);
    (void)pthread_mutex_unlock(&confirmer->lock);
}

/* ---- storing ------------------------------------------------------------ */

static void tell(struct nm_confirmer *confirmer, enum nm_code code, const char *why)
{
    if (code != NM_OK && !confirmer->failing)
        nm_log(confirmer->log, NM_LOG_ERROR,
            "what senders confirm cannot be stored; it is in force, and tried again",
            {"why", why});
    else if (code == NM_OK && confirmer->failing)
        nm_log_write(confirmer->log, NM_LOG_NOTICE,
            "what senders confirm is stored again", NULL, 0);
}

/* What came while it was tried to be stored waits behind what waits again. */
static void put_back(
    struct nm_confirmer *confirmer, struct nm_confirm_change *batch, size_t count)
{
    const size_t room = NM_CONFIRM_WAITING_MAX - count;
    const size_t more =
        confirmer->waiting_count < room ? confirmer->waiting_count : room;

    memcpy(batch + count, confirmer->waiting, more * sizeof *batch);
    confirmer->spare = confirmer->waiting;
    confirmer->waiting = batch;
    confirmer->waiting_count = count + more;
}

/* Store what waits. The lock is not held meanwhile. */
static enum nm_code store(struct nm_confirmer *confirmer)
{
    struct nm_confirm_change *batch = confirmer->waiting;
    const size_t count = confirmer->waiting_count;
    const uint64_t upto = confirmer->noted;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;

    confirmer->waiting = confirmer->spare;
    confirmer->waiting_count = 0;
    (void)pthread_mutex_unlock(&confirmer->lock);
    code = nm_state_store_confirmations(confirmer->state, batch, count, &error);
    tell(confirmer, code, error.message);
    (void)pthread_mutex_lock(&confirmer->lock);
    confirmer->failing = code != NM_OK;
    if (code != NM_OK) {
        put_back(confirmer, batch, count);
    } else {
        confirmer->spare = batch;
        confirmer->durable = upto;
    }
    (void)pthread_cond_broadcast(&confirmer->stored);
    return code;
}

/* Wait before it is tried again. With the lock. */
static void pause_for(struct nm_confirmer *confirmer, int ms)
{
    const struct timespec until = in_ms(ms);

    while (!confirmer->stopping && pthread_cond_timedwait(&confirmer->work,
                                       &confirmer->lock, &until) != ETIMEDOUT)
        ;
}

static void *run(void *argument)
{
    struct nm_confirmer *confirmer = argument;

    (void)pthread_mutex_lock(&confirmer->lock);
    while (!confirmer->stopping) {
        if (confirmer->waiting_count == 0)
            (void)pthread_cond_wait(&confirmer->work, &confirmer->lock);
        else if (store(confirmer) != NM_OK)
            pause_for(confirmer, NM_CONFIRM_RETRY_MS);
    }
    if (confirmer->waiting_count > 0)
        (void)store(confirmer);
    (void)pthread_mutex_unlock(&confirmer->lock);
    return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static void init_locks(struct nm_confirmer *confirmer)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&confirmer->lock, NULL);
    (void)pthread_cond_init(&confirmer->work, &attributes);
    (void)pthread_cond_init(&confirmer->stored, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

/* A thread inherits the mask of the one that makes it. */
static enum nm_code start_thread(struct nm_confirmer *confirmer, struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    int failure;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&confirmer->thread, NULL, run, confirmer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    confirmer->has_thread = failure == 0;
    if (failure != 0)
        return nm_fail(error, NM_SYSTEM, "no thread to store what is confirmed: %s",
            strerror(failure));
    return NM_OK;
}

static void dispose(struct nm_confirmer *confirmer)
{
    nm_confirmations_free(&confirmer->confirmations);
    free(confirmer->waiting);
    free(confirmer->spare);
    (void)pthread_cond_destroy(&confirmer->work);
    (void)pthread_cond_destroy(&confirmer->stored);
    (void)pthread_mutex_destroy(&confirmer->lock);
    free(confirmer);
}

enum nm_code nm_confirmer_open(
    struct nm_state *state, struct nm_confirmer **out, struct nm_error *error)
{
    struct nm_confirmer *confirmer = calloc(1, sizeof *confirmer);
    enum nm_code code;

    if (confirmer == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    init_locks(confirmer);
    confirmer->state = state;
    code = nm_state_confirmations(state, &confirmer->confirmations, error);
    if (code != NM_OK) {
        dispose(confirmer);
        return code;
    }
    *out = confirmer;
    return NM_OK;
}

enum nm_code nm_confirmer_start(struct nm_state *state, struct nm_codes *codes,
    struct nm_clock clock, const struct nm_log *log, struct nm_confirmer **out,
    struct nm_error *error)
{
    struct nm_confirmer *confirmer = NULL;
    enum nm_code code =
        nm_state_forget_confirmations(state, clock.now_us(clock.self), error);

    if (code == NM_OK)
        code = nm_confirmer_open(state, &confirmer, error);
    if (code != NM_OK)
        return code;
    confirmer->codes = codes;
    confirmer->log = log;
    confirmer->waiting = calloc(NM_CONFIRM_WAITING_MAX, sizeof *confirmer->waiting);
    confirmer->spare = calloc(NM_CONFIRM_WAITING_MAX, sizeof *confirmer->spare);
    code = confirmer->waiting == NULL || confirmer->spare == NULL
               ? nm_fail(error, NM_NO_MEMORY, "out of memory")
               : start_thread(confirmer, error);
    if (code != NM_OK) {
        dispose(confirmer);
        return code;
    }
    *out = confirmer;
    return NM_OK;
}

void nm_confirmer_stop(struct nm_confirmer **confirmer)
{
    struct nm_confirmer *stopped = *confirmer;

    if (stopped == NULL)
        return;
    *confirmer = NULL;
    (void)pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    (void)pthread_cond_signal(&stopped->work);
    (void)pthread_mutex_unlock(&stopped->lock);
    if (stopped->has_thread)
        (void)pthread_join(stopped->thread, NULL);
    dispose(stopped);
}
