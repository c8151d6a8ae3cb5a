/*
 * Queue: events that wait to be written, in blocks of one `append` each, in order.
 *
 * Not safe for threads: the writer guards it with its lock. The first blocks may be in
 * flight: handed to the store, still counted here, until they are settled.
 */
#ifndef NM_AUDIT_QUEUE_H
#define NM_AUDIT_QUEUE_H

#include "gate/ports.h"

struct nm_block {
    size_t bytes; /* of this allocation */
    int64_t appended_us;
    size_t count;
    struct nm_audit_event events[]; /* what they point to lies behind them */
};

/* A copy of events in one allocation. NM_NO_MEMORY, NM_LIMIT. */
enum nm_code nm_block_new(
    const struct nm_audit_event *events, size_t count, struct nm_block **out);

struct nm_queue {
    struct nm_block **ring; /* NULL stands for a block that was withdrawn */
    size_t capacity;        /* a power of two, or 0 */
    size_t first;           /* index in the ring of the oldest block */
    size_t count;           /* of places taken, withdrawn blocks included */
    size_t in_flight;
    size_t bytes;     /* of the blocks and their places */
    uint64_t settled; /* ticket of the last block that left; the next has one more */
};

/* Takes the block over on success. Tickets count up from 1. */
enum nm_code nm_queue_push(
    struct nm_queue *queue, struct nm_block *block, uint64_t *ticket);

/* Put at most `capacity` blocks, and about `events_max` events, in flight. Returns how
 * many `out` got. They stay the queue's. */
size_t nm_queue_take(
    struct nm_queue *queue, struct nm_block **out, size_t capacity, size_t events_max);

/* The blocks in flight are written: they leave the queue and are the caller's. */
void nm_queue_settle(struct nm_queue *queue);
/* Or they are not: they are first in the queue again. */
void nm_queue_give_back(struct nm_queue *queue);

/* The oldest block that is not in flight, or NULL. */
const struct nm_block *nm_queue_oldest(const struct nm_queue *queue);

/* Take the block of `ticket` out, unless it is in flight, and give it to the caller;
 * NULL then, or when it was withdrawn before. */
struct nm_block *nm_queue_withdraw(struct nm_queue *queue, uint64_t ticket);

/* Events in the queue. */
size_t nm_queue_events(const struct nm_queue *queue);

void nm_queue_free(struct nm_queue *queue);

#endif
