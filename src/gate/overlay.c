/*
 * Exceptions lie in the order of their domains, so that those of one domain are found by
 * halving; a name is looked up once whole, and once for each domain that it lies below.
 */
#include "gate/overlay.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

struct nm_overlay {
    atomic_uint references;
    struct nm_arena *texts;
    struct nm_exception *rows;
    size_t count;
};

static int compare_rows(const void *left, const void *right)
{
    const struct nm_exception *a = left;
    const struct nm_exception *b = right;

    return strcmp(a->domain.name, b->domain.name);
}

static bool copy_text(struct nm_arena *arena, const char **text)
{
    if (*text == NULL)
        return true;
    *text = nm_arena_copy(arena, *text, strlen(*text));
    return *text != NULL;
}

static bool fill(struct nm_overlay *overlay, const struct nm_exception *exceptions)
{
    for (size_t i = 0; i < overlay->count; i++) {
        struct nm_exception *row = &overlay->rows[i];

        *row = exceptions[i];
        if (!copy_text(overlay->texts, &row->sender) ||
            !copy_text(overlay->texts, &row->reason) ||
            !copy_text(overlay->texts, &row->author))
            return false;
    }
    qsort(overlay->rows, overlay->count, sizeof *overlay->rows, compare_rows);
    return true;
}

enum nm_code nm_overlay_new(
    const struct nm_exception *exceptions, size_t count, struct nm_overlay **out)
{
    struct nm_overlay *overlay;

    if (count > NM_EXCEPTIONS_MAX)
        return NM_LIMIT;
    overlay = calloc(1, sizeof *overlay);
    if (overlay == NULL)
        return NM_NO_MEMORY;
    atomic_init(&overlay->references, 1);
    overlay->count = count;
    overlay->rows = calloc(count + 1, sizeof *overlay->rows);
    if (overlay->rows == NULL ||
        nm_arena_new(ARENA_BYTES_MAX, &overlay->texts) != NM_OK ||
        !fill(overlay, exceptions)) {
        nm_overlay_release(&overlay);
        return NM_NO_MEMORY;
    }
    *out = overlay;
    return NM_OK;
}

void nm_overlay_hold(struct nm_overlay *overlay)
{
    if (overlay != NULL)
        (void)atomic_fetch_add(&overlay->references, 1);
}

void nm_overlay_release(struct nm_overlay **overlay)
{
    struct nm_overlay *released = *overlay;

    *overlay = NULL;
    if (released == NULL)
        return;
    assert(atomic_load(&released->references) > 0);
    if (atomic_fetch_sub(&released->references, 1) != 1)
        return;
    nm_arena_free(&released->texts);
    free(released->rows);
    free(released);
}

size_t nm_overlay_size(const struct nm_overlay *overlay)
{
    return overlay != NULL ? overlay->count : 0;
}

/* ---- finding ------------------------------------------------------------ */

/* Whether `name` is `domain` or lies below it. */
static bool covers(const struct nm_domain *domain, const struct nm_domain *name)
{
    const size_t more = (size_t)name->length - domain->length;

    return name->length >= domain->length &&
           memcmp(name->name + more, domain->name, domain->length) == 0 &&
           (more == 0 || name->name[more - 1] == '.');
}

static bool is_of_sender(const struct nm_exception *exception, const char *sender)
{
    const char *at = strrchr(sender, '@');

    if (exception->sender == NULL)
        return true;
    if (strchr(exception->sender, '@') != NULL || exception->sender[0] == '\0')
        return nm_ascii_equal_nocase(exception->sender, sender);
    return at != NULL && nm_ascii_equal_nocase(exception->sender, at + 1);
}

static bool holds(const struct nm_exception *exception, const struct nm_domain *target,
    const char *sender, int64_t now_us)
{
    const bool any_target = exception->target.length == 0;

    if (any_target != (target == NULL) || now_us >= exception->expires_us)
        return false;
    return (any_target || covers(&exception->target, target)) &&
           is_of_sender(exception, sender);
}

/* The first row that is not before `name`. */
static size_t first_of(const struct nm_overlay *overlay, const char *name)
{
    size_t low = 0;
    size_t high = overlay->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(overlay->rows[middle].domain.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct nm_exception *nm_overlay_find(const struct nm_overlay *overlay,
    const struct nm_domain *domain, const struct nm_domain *target, const char *sender,
    int64_t now_us)
{
    const char *name = domain->name;

    if (overlay == NULL || overlay->count == 0)
        return NULL;
    while (name != NULL) {
        const char *dot = strchr(name, '.');

        for (size_t i = first_of(overlay, name);
             i < overlay->count && strcmp(overlay->rows[i].domain.name, name) == 0; i++)
            if (holds(&overlay->rows[i], target, sender, now_us))
                return &overlay->rows[i];
        name = dot != NULL ? dot + 1 : NULL;
    }
    return NULL;
}
