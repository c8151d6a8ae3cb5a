#include "registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static struct {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t idle;  /* `inside` became 0 */
    struct nm_connection *first;
    size_t count;
    size_t inside;
    bool stopping;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

struct nm_connection *nm_registry_add(void)
{
    struct nm_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    (void)pthread_mutex_lock(&registry.lock);
    connection->next = registry.first;
    if (registry.first != NULL)
        registry.first->previous = connection;
    registry.first = connection;
    registry.count++;
    (void)pthread_mutex_unlock(&registry.lock);
    return connection;
}

static void unlink_locked(struct nm_connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        registry.first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    registry.count--;
}

void nm_registry_remove(struct nm_connection *connection)
{
    (void)pthread_mutex_lock(&registry.lock);
    unlink_locked(connection);
    (void)pthread_mutex_unlock(&registry.lock);
    nm_session_free(&connection->session);
    free(connection);
}

bool nm_registry_enter(void)
{
    bool entered;

    (void)pthread_mutex_lock(&registry.lock);
    entered = !registry.stopping;
    if (entered)
        registry.inside++;
    (void)pthread_mutex_unlock(&registry.lock);
    return entered;
}

void nm_registry_leave(void)
{
    (void)pthread_mutex_lock(&registry.lock);
    if (--registry.inside == 0)
        (void)pthread_cond_broadcast(&registry.idle);
    (void)pthread_mutex_unlock(&registry.lock);
}

size_t nm_registry_count(void)
{
    size_t count;

    (void)pthread_mutex_lock(&registry.lock);
    count = registry.count;
    (void)pthread_mutex_unlock(&registry.lock);
    return count;
}

/* The time `timeout_ms` from now, as pthread's timed waits take it. */
static struct timespec deadline(unsigned timeout_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

size_t nm_registry_drain(unsigned timeout_ms)
{
    const struct timespec until = deadline(timeout_ms);
    size_t inside;

    (void)pthread_mutex_lock(&registry.lock);
    registry.stopping = true;
    while (registry.inside > 0 &&
           pthread_cond_timedwait(&registry.idle, &registry.lock, &until) == 0)
        continue;
    /* The connections themselves stay: a late callback may still look at its own. */
    for (struct nm_connection *connection = registry.first;
         registry.inside == 0 && connection != NULL; connection = connection->next)
        nm_session_free(&connection->session);
    inside = registry.inside;
    (void)pthread_mutex_unlock(&registry.lock);
    return inside;
}
