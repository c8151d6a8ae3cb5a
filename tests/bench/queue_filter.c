/*
 * The ceiling: a filter that queues each recipient to a writer, which inserts it into an
 * SQLite database as durably as the audit log does (WAL, synchronous=FULL), while
 * nobody waits for it. A full queue makes recipients wait, for what is never written
 * costs nothing.
 *
 * Callbacks put rows at the end of one of two arrays; the writer swaps them and writes
 * the full one in one transaction.
 */
#include "filter.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_ROWS_MAX = 16384, PATH_SIZE = 320 };

struct row {
    int64_t time_us;
    char sender[PATH_SIZE];
    char recipient[PATH_SIZE];
};

struct batch {
    struct row rows[BATCH_ROWS_MAX];
    size_t count;
};

struct queue {
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_cond_t emptied;
    struct batch batches[2];
    struct batch *filling; /* one of them */
    bool stopping;
    sqlite3 *database;
    sqlite3_stmt *insert;
};

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void take_recipient(void *self, const char *sender, const char *recipient)
{
    struct queue *queue = self;
    struct row *row;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->filling->count == BATCH_ROWS_MAX)
        (void)pthread_cond_wait(&queue->emptied, &queue->lock);
    row = &queue->filling->rows[queue->filling->count++];
    row->time_us = now_us();
    (void)snprintf(row->sender, sizeof row->sender, "%s", sender);
    (void)snprintf(row->recipient, sizeof row->recipient, "%s", recipient);
    if (queue->filling->count == 1)
        (void)pthread_cond_signal(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
}

/* A filter that cannot write has nothing to show; the run must fail. */
static void must(struct queue *queue, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "queue_filter: %s\n", sqlite3_errmsg(queue->database));
    _Exit(4);
}

static void write_batch(struct queue *queue, struct batch *batch)
{
    must(queue, sqlite3_exec(queue->database, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    for (size_t i = 0; i < batch->count; i++) {
        const struct row *row = &batch->rows[i];

        must(queue, sqlite3_bind_int64(queue->insert, 1, row->time_us));
        must(queue, sqlite3_bind_text(queue->insert, 2, row->sender, -1, NULL));
        must(queue, sqlite3_bind_text(queue->insert, 3, row->recipient, -1, NULL));
        must(queue, sqlite3_step(queue->insert));
        must(queue, sqlite3_reset(queue->insert));
    }
    must(queue, sqlite3_exec(queue->database, "COMMIT", NULL, NULL, NULL));
    batch->count = 0;
}

static void *writer_main(void *self)
{
    struct queue *queue = self;
    struct batch *spare = &queue->batches[1];

    for (;;) {
        struct batch *full;

        (void)pthread_mutex_lock(&queue->lock);
        while (queue->filling->count == 0 && !queue->stopping)
            (void)pthread_cond_wait(&queue->filled, &queue->lock);
        full = queue->filling;
        queue->filling = spare;
        (void)pthread_cond_broadcast(&queue->emptied);
        (void)pthread_mutex_unlock(&queue->lock);
        if (full->count == 0)
            return NULL;
        write_batch(queue, full);
        spare = full;
    }
}

static void open_database(struct queue *queue, const char *path)
{
    must(queue, sqlite3_open(path, &queue->database));
    must(queue, sqlite3_exec(queue->database,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    "CREATE TABLE recipient (id INTEGER PRIMARY KEY, time_us INTEGER,"
                    " sender TEXT, recipient TEXT)",
                    NULL, NULL, NULL));
    must(queue,
        sqlite3_prepare_v2(queue->database,
            "INSERT INTO recipient (time_us, sender, recipient) VALUES (?, ?, ?)", -1,
            &queue->insert, NULL));
}

/* libmilter keeps signals for itself, so that the writer must not get them. */
static bool start_writer(struct queue *queue)
{
    sigset_t all;
    sigset_t before;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&queue->writer, NULL, writer_main, queue) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Write what is queued. */
static void finish(void *self)
{
    struct queue *queue = self;

    (void)pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    (void)pthread_cond_signal(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
    (void)pthread_join(queue->writer, NULL);
    (void)sqlite3_finalize(queue->insert);
    (void)sqlite3_close(queue->database);
}

int main(int argc, char **argv)
{
    static struct queue queue = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .filled = PTHREAD_COND_INITIALIZER,
        .emptied = PTHREAD_COND_INITIALIZER,
    };
    const struct filter_sink sink = {&queue, take_recipient, finish};

    if (argc != 3) {
        fprintf(stderr, "usage: queue_filter unix:PATH|inet:PORT@ADDRESS DATABASE\n");
        return 2;
    }
    queue.filling = &queue.batches[0];
    open_database(&queue, argv[2]);
    if (start_writer(&queue))
        filter_serve(argv[1], &sink);
    return 4;
}
