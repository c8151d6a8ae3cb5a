#include "interned.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 * 1024 }; /* a power of two, well above NM_INTERNED_MAX */

struct entry {
    const char *text; /* NULL: an empty slot */
    size_t length;
    int64_t number;
};

struct nm_interned {
    struct nm_arena *arena;
    size_t count;
    struct entry slots[SLOTS];
};

static_assert((int)NM_INTERNED_MAX < (int)SLOTS, "a search ends at an empty slot");

enum nm_code nm_interned_new(struct nm_interned **out)
{
    struct nm_interned *interned = calloc(1, sizeof *interned);

    if (interned == NULL)
        return NM_NO_MEMORY;
    if (nm_arena_new(NM_INTERNED_BYTES_MAX, &interned->arena) != NM_OK) {
        free(interned);
        return NM_NO_MEMORY;
    }
    *out = interned;
    return NM_OK;
}

void nm_interned_free(struct nm_interned **interned)
{
    if (*interned == NULL)
        return;
    nm_arena_free(&(*interned)->arena);
    free(*interned);
    *interned = NULL;
}

/* FNV-1a. Whoever makes names that collide slows down one thread by a scan of at most
 * NM_INTERNED_MAX entries a name, and gains nothing. */
static size_t hash(const char *text, size_t length)
{
    uint64_t value = 0xcbf29ce484222325U;

    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)text[i]) * 0x100000001b3U;
    return (size_t)(value ^ value >> 32) & (SLOTS - 1);
}

/* Where the text is, or the empty slot where it would be. */
static size_t search(
    const struct nm_interned *interned, const char *text, size_t length)
{
    size_t at = hash(text, length);

    while (interned->slots[at].text != NULL) {
        const struct entry *entry = &interned->slots[at];

        if (entry->length == length && memcmp(entry->text, text, length) == 0)
            break;
        at = (at + 1) & (SLOTS - 1);
    }
    return at;
}

int64_t nm_interned_find(
    const struct nm_interned *interned, const char *text, size_t length)
{
    return interned->slots[search(interned, text, length)].number;
}

void nm_interned_add(
    struct nm_interned *interned, const char *text, size_t length, int64_t number)
{
    const char *copy;

    if (length > NM_INTERNED_TEXT_MAX)
        return;
    if (interned->count == NM_INTERNED_MAX)
        nm_interned_clear(interned);
    copy = nm_arena_copy(interned->arena, text, length);
    if (copy == NULL) {
        nm_interned_clear(interned);
        return;
    }
    interned->slots[search(interned, text, length)] =
        (struct entry){.text = copy, .length = length, .number = number};
    interned->count++;
}

void nm_interned_clear(struct nm_interned *interned)
{
    memset(interned->slots, 0, sizeof interned->slots);
    nm_arena_reset(interned->arena);
    interned->count = 0;
}
