#include "gate/snapshot.h"

#include <assert.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct nm_snapshot {
    atomic_uint references;
    struct nm_snapshot_values values;
};

struct nm_slot {
    pthread_mutex_t lock; /* guards both: references are taken under it */
    struct nm_snapshot *current;
    struct nm_overlay *overlay; /* NULL for none */
};

static void free_values(struct nm_snapshot_values *values)
{
    nm_policy_free(&values->policy);
    nm_index_free(&values->index);
    nm_names_free(&values->names);
    psl_free(values->suffixes);
    free(values->networks);
}

enum nm_code nm_snapshot_new(
    const struct nm_snapshot_values *values, struct nm_snapshot **out)
{
    struct nm_snapshot *snapshot = malloc(sizeof *snapshot);

    if (snapshot == NULL) {
        struct nm_snapshot_values owned = *values;

        free_values(&owned);
        return NM_NO_MEMORY;
    }
    atomic_init(&snapshot->references, 1);
    snapshot->values = *values;
    *out = snapshot;
    return NM_OK;
}

const struct nm_snapshot_values *nm_snapshot_values(const struct nm_snapshot *snapshot)
{
    return &snapshot->values;
}

void nm_snapshot_release(struct nm_snapshot **snapshot)
{
    struct nm_snapshot *released = *snapshot;

    *snapshot = NULL;
    if (released == NULL)
        return;
    assert(atomic_load(&released->references) > 0);
    if (atomic_fetch_sub(&released->references, 1) == 1) {
        free_values(&released->values);
        free(released);
    }
}

unsigned nm_snapshot_references(const struct nm_snapshot *snapshot)
{
    return atomic_load(&snapshot->references);
}

bool nm_snapshot_is_outbound(
    const struct nm_snapshot *snapshot, const struct nm_ip *client, const char *auth)
{
    const struct nm_snapshot_values *values = &snapshot->values;

    if (values->network_count == 0 && !values->outbound_authenticated)
        return true;
    if (values->outbound_authenticated && auth != NULL && auth[0] != '\0')
        return true;
    for (size_t i = 0; i < values->network_count; i++) {
        if (nm_network_contains(&values->networks[i], client))
            return true;
    }
    return false;
}

enum nm_code nm_slot_new(struct nm_snapshot *first, struct nm_slot **out)
{
    struct nm_slot *slot = malloc(sizeof *slot);

    if (slot == NULL)
        return NM_NO_MEMORY;
    if (pthread_mutex_init(&slot->lock, NULL) != 0) {
        free(slot);
        return NM_SYSTEM;
    }
    slot->current = first;
    slot->overlay = NULL;
    *out = slot;
    return NM_OK;
}

struct nm_snapshot *nm_slot_pin_both(struct nm_slot *slot, struct nm_overlay **overlay)
{
    struct nm_snapshot *pinned;

    (void)pthread_mutex_lock(&slot->lock);
    *overlay = slot->overlay;
    nm_overlay_hold(*overlay);
    pinned = slot->current;
    atomic_fetch_add(&pinned->references, 1);
    (void)pthread_mutex_unlock(&slot->lock);
    return pinned;
}

struct nm_snapshot *nm_slot_pin(struct nm_slot *slot)
{
    struct nm_overlay *overlay = NULL;
    struct nm_snapshot *pinned = nm_slot_pin_both(slot, &overlay);

    nm_overlay_release(&overlay);
    return pinned;
}

void nm_slot_swap_overlay(struct nm_slot *slot, struct nm_overlay *next)
{
    struct nm_overlay *previous;

    (void)pthread_mutex_lock(&slot->lock);
    previous = slot->overlay;
    slot->overlay = next;
    (void)pthread_mutex_unlock(&slot->lock);
    nm_overlay_release(&previous);
}

void nm_slot_swap(struct nm_slot *slot, struct nm_snapshot *next)
{
    struct nm_snapshot *previous;

    (void)pthread_mutex_lock(&slot->lock);
    previous = slot->current;
    slot->current = next;
    (void)pthread_mutex_unlock(&slot->lock);
    nm_snapshot_release(&previous);
}

void nm_slot_free(struct nm_slot **slot)
{
    if (*slot == NULL)
        return;
    nm_snapshot_release(&(*slot)->current);
    nm_overlay_release(&(*slot)->overlay);
    (void)pthread_mutex_destroy(&(*slot)->lock);
    free(*slot);
    *slot = NULL;
}
