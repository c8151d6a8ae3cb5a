#include "state/learner.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct nm_learner {
    struct nm_state *state;
    struct nm_clock clock;
    const struct nm_log *log;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    struct nm_contacts *contacts;
    struct nm_domain *waiting; /* to be stored */
    size_t waiting_count;
    struct nm_domain *spare; /* of the same size, for the thread */
    bool stopping;
    bool failing;  /* the last attempt to store failed, and the log said so */
    bool was_full; /* the log said so */
};

/* ---- the port ----------------------------------------------------------- */

static bool knows(void *self, const char *domain, size_t length)
{
    struct nm_learner *learner = self;
    bool known;

    (void)pthread_mutex_lock(&learner->lock);
    known = nm_contacts_has(learner->contacts, domain, length);
    (void)pthread_mutex_unlock(&learner->lock);
    return known;
}

static void keep_waiting(struct nm_learner *learner, const char *domain, size_t length)
{
    struct nm_domain *kept;

    if (learner->waiting_count == NM_LEARN_WAITING_MAX || length > NM_DOMAIN_MAX)
        return;
    kept = &learner->waiting[learner->waiting_count++];
    kept->length = (uint8_t)length;
    memcpy(kept->name, domain, length);
    kept->name[length] = '\0';
    if (learner->waiting_count == 1)
        (void)pthread_cond_signal(&learner->work);
}

static void note(void *self, const char *domain, size_t length)
{
    struct nm_learner *learner = self;
    enum nm_code code;
    bool is_new = false;
    bool tell;

    (void)pthread_mutex_lock(&learner->lock);
    code = nm_contacts_add(learner->contacts, domain, length, &is_new);
    if (code == NM_OK && is_new)
        keep_waiting(learner, domain, length);
    tell = code == NM_LIMIT && !learner->was_full;
    learner->was_full |= code == NM_LIMIT;
    (void)pthread_mutex_unlock(&learner->lock);
    if (tell)
        nm_log_write(learner->log, NM_LOG_WARNING,
            "as many domains are known as can be; further ones count as first contacts "
            "each time",
            NULL, 0);
}

struct nm_contact_port nm_learner_port(struct nm_learner *learner)
{
    return (struct nm_contact_port){learner, knows, note};
}

size_t nm_learner_size(struct nm_learner *learner)
{
    size_t size;

    (void)pthread_mutex_lock(&learner->lock);
    size = nm_contacts_size(learner->contacts);
    (void)pthread_mutex_unlock(&learner->lock);
    return size;
}

/* ---- storing ------------------------------------------------------------ */

/* Wait for `ms`, or until it is time to stop. With the lock. */
static void pause_for(struct nm_learner *learner, int ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!learner->stopping &&
           pthread_cond_timedwait(&learner->work, &learner->lock, &until) != ETIMEDOUT)
        ;
}

static void tell(struct nm_learner *learner, enum nm_code code, const char *why)
{
    if (code != NM_OK && !learner->failing)
        nm_log(learner->log, NM_LOG_ERROR,
            "the domains that mail goes to cannot be stored; tried again",
            {"why", why});
    else if (code == NM_OK && learner->failing)
        nm_log_write(learner->log, NM_LOG_NOTICE,
            "the domains that mail goes to are stored again", NULL, 0);
}

/* Store what waits. The lock is not held meanwhile; what comes in that time waits in the
 * other half. On failure all of it waits again. */
static enum nm_code store(struct nm_learner *learner)
{
    struct nm_domain *batch = learner->waiting;
    const size_t count = learner->waiting_count;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;

    learner->waiting = learner->spare;
    learner->waiting_count = 0;
    (void)pthread_mutex_unlock(&learner->lock);
    code = nm_state_note_contacts(learner->state, batch, count,
        learner->clock.now_us(learner->clock.self), &error);
    tell(learner, code, error.message);
    (void)pthread_mutex_lock(&learner->lock);
    learner->failing = code != NM_OK;
    if (code != NM_OK) {
        const size_t room = NM_LEARN_WAITING_MAX - count;
        const size_t more =
            learner->waiting_count < room ? learner->waiting_count : room;

        memcpy(batch + count, learner->waiting, more * sizeof *batch);
        learner->spare = learner->waiting;
        learner->waiting = batch;
        learner->waiting_count = count + more;
    } else {
        learner->spare = batch;
    }
    return code;
}

static void *learn(void *argument)
{
    struct nm_learner *learner = argument;

    (void)pthread_mutex_lock(&learner->lock);
    while (!learner->stopping) {
        if (learner->waiting_count == 0) {
            (void)pthread_cond_wait(&learner->work, &learner->lock);
            continue;
        }
        pause_for(learner, NM_LEARN_LINGER_MS);
        if (store(learner) != NM_OK)
            pause_for(learner, NM_LEARN_RETRY_MS);
    }
    if (learner->waiting_count > 0)
        (void)store(learner);
    (void)pthread_mutex_unlock(&learner->lock);
    return NULL;
}

/* ---- start and stop ----------------------------------------------------- */

static enum nm_code read_contacts(struct nm_learner *learner,
    const struct nm_names *names, struct nm_contacts **out, struct nm_error *error)
{
    struct nm_contacts *contacts = NULL;
    enum nm_code code = nm_contacts_new(&contacts);

    if (code != NM_OK)
        return nm_fail(error, code, "out of memory");
    code = nm_state_contacts(learner->state, names, contacts, error);
    if (code == NM_LIMIT) {
        nm_log_write(learner->log, NM_LOG_WARNING, error->message, NULL, 0);
        code = NM_OK;
    }
    if (code != NM_OK) {
        nm_contacts_free(&contacts);
        return code;
    }
    *out = contacts;
    return NM_OK;
}

void nm_learner_add(struct nm_learner *learner, const struct nm_names *names,
    const struct nm_counts *counts)
{
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_domain_parts parts;
        struct nm_count count;

        nm_counts_get(counts, i, &count);
        parts = nm_domain_split(names, &count.domain);
        (void)pthread_mutex_lock(&learner->lock);
        (void)nm_contacts_add(learner->contacts, count.domain.name + parts.registrable,
            (size_t)count.domain.length - parts.registrable, NULL);
        (void)pthread_mutex_unlock(&learner->lock);
    }
}

static void init_locks(struct nm_learner *learner)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&learner->lock, NULL);
    (void)pthread_cond_init(&learner->work, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

/* A thread inherits the mask of the one that makes it. */
static enum nm_code start_thread(struct nm_learner *learner, struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    int failure;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&learner->thread, NULL, learn, learner);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0)
        return nm_fail(error, NM_SYSTEM, "no thread to store what is learnt: %s",
            strerror(failure));
    return NM_OK;
}

static void dispose(struct nm_learner *learner)
{
    nm_contacts_free(&learner->contacts);
    free(learner->waiting);
    free(learner->spare);
    (void)pthread_cond_destroy(&learner->work);
    (void)pthread_mutex_destroy(&learner->lock);
    free(learner);
}

enum nm_code nm_learner_start(struct nm_state *state, const struct nm_names *names,
    struct nm_clock clock, const struct nm_log *log, struct nm_learner **out,
    struct nm_error *error)
{
    struct nm_learner *learner = calloc(1, sizeof *learner);
    enum nm_code code;

    if (learner == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    init_locks(learner);
    learner->state = state;
    learner->clock = clock;
    learner->log = log;
    learner->waiting = calloc(NM_LEARN_WAITING_MAX, sizeof *learner->waiting);
    learner->spare = calloc(NM_LEARN_WAITING_MAX, sizeof *learner->spare);
    code = learner->waiting == NULL || learner->spare == NULL
               ? nm_fail(error, NM_NO_MEMORY, "out of memory")
               : read_contacts(learner, names, &learner->contacts, error);
    if (code == NM_OK)
        code = start_thread(learner, error);
    if (code != NM_OK) {
        dispose(learner);
        return code;
    }
    *out = learner;
    return NM_OK;
}

void nm_learner_stop(struct nm_learner **learner)
{
    struct nm_learner *stopped = *learner;

    if (stopped == NULL)
        return;
    *learner = NULL;
    (void)pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    (void)pthread_cond_signal(&stopped->work);
    (void)pthread_mutex_unlock(&stopped->lock);
    (void)pthread_join(stopped->thread, NULL);
    dispose(stopped);
}
