/*
 * Rows in the order of arrival, names packed one behind the other, and an open-addressed
 * hash table of row numbers that is kept at most half full.
 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

struct row {
    double weight;
    uint32_t name_at;
    uint32_t list;
    uint8_t length;
    uint8_t listing;
    bool idn;
};

struct nm_roster {
    char *names;
    size_t names_length;
    size_t names_capacity;
    struct row *rows;
    size_t count;
    size_t capacity;
    uint32_t *slots;   /* a row's number and 1; 0 is empty */
    size_t slot_count; /* a power of two */
};

enum { FIRST_ROWS = 64 };

enum nm_code nm_roster_new(struct nm_roster **out)
{
    struct nm_roster *roster = calloc(1, sizeof *roster);

    if (roster == NULL)
        return NM_NO_MEMORY;
    *out = roster;
    return NM_OK;
}

void nm_roster_free(struct nm_roster **roster)
{
    if (*roster == NULL)
        return;
    free((*roster)->names);
    free((*roster)->rows);
    free((*roster)->slots);
    free(*roster);
    *roster = NULL;
}

/* FNV-1a, 64 bits: lists are the operator's own, so nobody aims at its collisions. */
static size_t hash(const char *name, size_t length)
{
    uint64_t value = 14695981039346656037U;

    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)name[i]) * 1099511628211U;
    return (size_t)(value ^ value >> 32);
}

/* The slot that holds the name, or the empty one where it belongs. */
static uint32_t *find(const struct nm_roster *roster, const char *name, size_t length)
{
    const size_t mask = roster->slot_count - 1;

    for (size_t at = hash(name, length) & mask;; at = (at + 1) & mask) {
        const struct row *row;

        if (roster->slots[at] == 0)
            return &roster->slots[at];
        row = &roster->rows[roster->slots[at] - 1];
        if (row->length == length &&
            memcmp(roster->names + row->name_at, name, length) == 0)
            return &roster->slots[at];
    }
}

static enum nm_code grow_rows(struct nm_roster *roster)
{
    const size_t capacity = roster->capacity > 0 ? 2 * roster->capacity : FIRST_ROWS;
    struct row *rows = realloc(roster->rows, capacity * sizeof *rows);
    uint32_t *slots;

    if (rows == NULL)
        return NM_NO_MEMORY;
    roster->rows = rows;
    slots = calloc(2 * capacity, sizeof *slots);
    if (slots == NULL)
        return NM_NO_MEMORY;
    free(roster->slots);
    roster->slots = slots;
    roster->slot_count = 2 * capacity;
    roster->capacity = capacity;
    for (size_t i = 0; i < roster->count; i++)
        *find(roster, roster->names + rows[i].name_at, rows[i].length) =
            (uint32_t)(i + 1);
    return NM_OK;
}

static enum nm_code grow_names(struct nm_roster *roster)
{
    const size_t capacity = 2 * roster->names_capacity + 4096;
    char *names = realloc(roster->names, capacity);

    if (names == NULL)
        return NM_NO_MEMORY;
    roster->names = names;
    roster->names_capacity = capacity;
    return NM_OK;
}

static void merge(
    struct row *row, enum nm_listing listing, double weight, unsigned list)
{
    if (listing > (enum nm_listing)row->listing)
        row->listing = (uint8_t)listing;
    if (weight > row->weight)
        row->weight = weight;
    row->list = list;
}

enum nm_code nm_roster_add(struct nm_roster *roster, const struct nm_domain *name,
    enum nm_listing listing, double weight, unsigned list,
    struct nm_roster_before *before)
{
    uint32_t *slot;

    if (roster->count == roster->capacity && grow_rows(roster) != NM_OK)
        return NM_NO_MEMORY;
    if (roster->names_capacity - roster->names_length < name->length &&
        grow_names(roster) != NM_OK)
        return NM_NO_MEMORY;
    slot = find(roster, name->name, name->length);
    *before = (struct nm_roster_before){.is_known = *slot != 0};
    if (*slot != 0) {
        struct row *row = &roster->rows[*slot - 1];

        before->listing = (enum nm_listing)row->listing;
        before->list = row->list;
        merge(row, listing, weight, list);
        return NM_OK;
    }
    if (roster->count == NM_ROSTER_MAX || roster->names_length > UINT32_MAX)
        return NM_LIMIT;
    roster->rows[roster->count] = (struct row){.weight = weight,
        .name_at = (uint32_t)roster->names_length,
        .list = list,
        .length = name->length,
        .listing = (uint8_t)listing,
        .idn = name->idn};
    memcpy(roster->names + roster->names_length, name->name, name->length);
    roster->names_length += name->length;
    *slot = (uint32_t)++roster->count;
    return NM_OK;
}

size_t nm_roster_size(const struct nm_roster *roster)
{
    return roster->count;
}

void nm_roster_entry(
    const struct nm_roster *roster, size_t i, struct nm_index_entry *out)
{
    const struct row *row = &roster->rows[i];

    out->name.length = row->length;
    out->name.idn = row->idn;
    memcpy(out->name.name, roster->names + row->name_at, row->length);
    out->name.name[row->length] = '\0';
    out->listing = (enum nm_listing)row->listing;
    out->weight = row->weight;
}
