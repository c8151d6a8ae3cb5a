#include "queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RING_FIRST_CAPACITY = 256 };

/* ---- blocks ------------------------------------------------------------- */

static size_t text_bytes(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static size_t event_bytes(const struct nm_audit_event *event)
{
    return sizeof *event + text_bytes(event->gateway) + text_bytes(event->client) +
           text_bytes(event->auth) + event->sender.length + event->recipient.length +
           text_bytes(event->domain) + text_bytes(event->target) +
           text_bytes(event->rule) + text_bytes(event->reply) +
           text_bytes(event->config) + text_bytes(event->queue_id) +
           text_bytes(event->actor) + text_bytes(event->subject) +
           text_bytes(event->reason);
}

/* The copy of no bytes is not NULL either. */
static void move_bytes(char **to, const char **bytes, size_t length)
{
    if (length > 0)
        memcpy(*to, *bytes, length);
    *bytes = *to;
    *to += length;
}

static void move_text(char **to, const char **text)
{
    if (*text != NULL)
        move_bytes(to, text, text_bytes(*text));
}

static void move_event(char **to, struct nm_audit_event *event)
{
    move_text(to, &event->gateway);
    move_text(to, &event->client);
    move_text(to, &event->auth);
    move_bytes(to, &event->sender.data, event->sender.length);
    move_bytes(to, &event->recipient.data, event->recipient.length);
    move_text(to, &event->domain);
    move_text(to, &event->target);
    move_text(to, &event->rule);
    move_text(to, &event->reply);
    move_text(to, &event->config);
    move_text(to, &event->queue_id);
    move_text(to, &event->actor);
    move_text(to, &event->subject);
    move_text(to, &event->reason);
}

enum nm_code nm_block_new(
    const struct nm_audit_event *events, size_t count, struct nm_block **out)
{
    struct nm_block *block;
    size_t bytes = sizeof *block;
    char *to;

    for (size_t i = 0; i < count; i++)
        bytes += event_bytes(&events[i]);
    block = malloc(bytes);
    if (block == NULL)
        return NM_NO_MEMORY;
    block->bytes = bytes;
    block->appended_us = 0;
    block->count = count;
    to = (char *)&block->events[count];
    for (size_t i = 0; i < count; i++) {
        block->events[i] = events[i];
        move_event(&to, &block->events[i]);
    }
    assert(to == (char *)block + bytes);
    *out = block;
    return NM_OK;
}

/* ---- the ring ----------------------------------------------------------- */

static struct nm_block **slot(const struct nm_queue *queue, size_t index)
{
    return &queue->ring[(queue->first + index) & (queue->capacity - 1)];
}

static bool grow(struct nm_queue *queue)
{
    const size_t capacity =
        queue->capacity > 0 ? 2 * queue->capacity : (size_t)RING_FIRST_CAPACITY;
    struct nm_block **ring = malloc(capacity * sizeof *ring);

    if (ring == NULL)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = *slot(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

static size_t place_bytes(const struct nm_block *block)
{
    return sizeof block + (block != NULL ? block->bytes : 0);
}

enum nm_code nm_queue_push(
    struct nm_queue *queue, struct nm_block *block, uint64_t *ticket)
{
    if (queue->count == queue->capacity && !grow(queue))
        return NM_NO_MEMORY;
    *slot(queue, queue->count) = block;
    queue->count++;
    queue->bytes += place_bytes(block);
    *ticket = queue->settled + queue->count;
    return NM_OK;
}

size_t nm_queue_take(
    struct nm_queue *queue, struct nm_block **out, size_t capacity, size_t events_max)
{
    size_t places = 0;
    size_t events = 0;
    size_t taken = 0;

    assert(queue->in_flight == 0);
    while (places < queue->count && taken < capacity && events < events_max) {
        struct nm_block *block = *slot(queue, places);

        places++;
        if (block == NULL)
            continue;
        out[taken] = block;
        events += block->count;
        taken++;
    }
    queue->in_flight = places;
    return taken;
}

void nm_queue_settle(struct nm_queue *queue)
{
    for (size_t i = 0; i < queue->in_flight; i++)
        queue->bytes -= place_bytes(*slot(queue, i));
    queue->first = (queue->first + queue->in_flight) & (queue->capacity - 1);
    queue->count -= queue->in_flight;
    queue->settled += queue->in_flight;
    queue->in_flight = 0;
}

void nm_queue_give_back(struct nm_queue *queue)
{
    queue->in_flight = 0;
}

const struct nm_block *nm_queue_oldest(const struct nm_queue *queue)
{
    for (size_t i = queue->in_flight; i < queue->count; i++) {
        const struct nm_block *block = *slot(queue, i);

        if (block != NULL)
            return block;
    }
    return NULL;
}

struct nm_block *nm_queue_withdraw(struct nm_queue *queue, uint64_t ticket)
{
    const size_t index = (size_t)(ticket - queue->settled - 1);
    struct nm_block *block;

    if (ticket <= queue->settled || index < queue->in_flight)
        return NULL;
    assert(index < queue->count);
    block = *slot(queue, index);
    *slot(queue, index) = NULL;
    queue->bytes -= block != NULL ? block->bytes : 0;
    return block;
}

size_t nm_queue_events(const struct nm_queue *queue)
{
    size_t events = 0;

    for (size_t i = 0; i < queue->count; i++)
        events += *slot(queue, i) != NULL ? (*slot(queue, i))->count : 0;
    return events;
}

void nm_queue_free(struct nm_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        free(*slot(queue, i));
    free(queue->ring);
    *queue = (struct nm_queue){0};
}
