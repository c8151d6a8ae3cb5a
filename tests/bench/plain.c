#include "plain.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a over all but up to two bytes. */
static uint64_t hash_without(const char *text, size_t length, size_t a, size_t b)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < length; i++) {
        if (i != a && i != b)
            hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    }
    return hash ^ (hash >> 32);
}

/* ---- exact -------------------------------------------------------------- */

bool plain_exact_new(const struct names *names, struct plain_exact *out)
{
    size_t slots = 16;

    while (slots < 2 * names->count)
        slots *= 2;
    out->names = names;
    out->mask = slots - 1;
    out->slots = calloc(slots, sizeof *out->slots);
    for (size_t i = 0; out->slots != NULL && i < names->count; i++) {
        const char *text = names_get(names, i);
        const size_t length = strlen(text);
        size_t slot = hash_without(text, length, length, length) & out->mask;

        while (out->slots[slot] != 0)
            slot = (slot + 1) & out->mask;
        out->slots[slot] = (uint32_t)(i + 1);
    }
    return out->slots != NULL;
}

uint32_t plain_exact_find(const struct plain_exact *exact, const char *text)
{
    const size_t length = strlen(text);
    size_t slot = hash_without(text, length, length, length) & exact->mask;

    for (; exact->slots[slot] != 0; slot = (slot + 1) & exact->mask) {
        if (strcmp(names_get(exact->names, exact->slots[slot] - 1), text) == 0)
            return exact->slots[slot] - 1;
    }
    return PLAIN_NONE;
}

void plain_exact_free(struct plain_exact *exact)
{
    free(exact->slots);
    exact->slots = NULL;
}

/* ---- deletion neighbourhood --------------------------------------------- */

/* Every hash of `text` less up to `distance` characters, to `visit` until it fails. */
static bool each_deletion(const char *text, unsigned distance,
    bool (*visit)(void *self, uint64_t hash), void *self)
{
    const size_t length = strlen(text);

    if (!visit(self, hash_without(text, length, length, length)))
        return false;
    for (size_t a = 0; a < length; a++) {
        if (!visit(self, hash_without(text, length, a, length)))
            return false;
        for (size_t b = a + 1; distance > 1 && b < length; b++) {
            if (!visit(self, hash_without(text, length, a, b)))
                return false;
        }
    }
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two names (optimal string alignment), by the whole table. */
static size_t edits(const char *a, const char *b)
{
    static size_t cost[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];
    const size_t rows = strlen(a);
    const size_t columns = strlen(b);

    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= rows; i++)
        for (size_t j = 1; j <= columns; j++) {
            size_t best = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1);

            best = least(best, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, cost[i - 2][j - 2] + 1);
            cost[i][j] = best;
        }
    return cost[rows][columns];
}

struct adding {
    struct plain_near *near;
    uint32_t name;
};

static bool add_row(void *self, uint64_t hash)
{
    const struct adding *adding = self;
    struct plain_near *near = adding->near;

    if (near->count == near->room) {
        const size_t grown = 2 * near->room + 4096;
        struct plain_row *moved = realloc(near->rows, grown * sizeof *moved);

        if (moved == NULL)
            return false;
        near->rows = moved;
        near->room = grown;
    }
    near->rows[near->count++] = (struct plain_row){hash, adding->name};
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const struct plain_row *x = a;
    const struct plain_row *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

bool plain_near_new(
    const struct names *names, unsigned distance, struct plain_near *out)
{
    struct adding adding = {.near = out};
    struct plain_row *fitted;

    *out = (struct plain_near){.names = names, .distance = distance};
    for (; adding.name < names->count; adding.name++) {
        if (!each_deletion(names_get(names, adding.name), distance, add_row, &adding))
            return false;
    }
    qsort(out->rows, out->count, sizeof *out->rows, compare_rows);
    fitted = realloc(out->rows, out->count * sizeof *out->rows);
    if (fitted != NULL)
        out->rows = fitted;
    return true;
}

struct finding {
    const struct plain_near *near;
    const char *text;
    uint32_t best;
    size_t best_edits;
};

static bool look_up(void *self, uint64_t hash)
{
    struct finding *finding = self;
    const struct plain_near *near = finding->near;
    size_t low = 0;
    size_t high = near->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (near->rows[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < near->count && near->rows[low].hash == hash; low++) {
        const size_t found =
            edits(names_get(near->names, near->rows[low].name), finding->text);

        if (found < finding->best_edits) {
            finding->best_edits = found;
            finding->best = near->rows[low].name;
        }
    }
    return finding->best_edits > 0;
}

uint32_t plain_near_find(const struct plain_near *near, const char *text)
{
    struct finding finding = {near, text, PLAIN_NONE, near->distance + 1};

    (void)each_deletion(text, near->distance, look_up, &finding);
    return finding.best;
}

void plain_near_free(struct plain_near *near)
{
    free(near->rows);
    near->rows = NULL;
}
