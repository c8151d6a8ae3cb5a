#include "drafts.h"

#include <stdlib.h>
#include <string.h>

/* An entry with its name's first bytes as a number, so that hardly any comparison has to
 * read the names, which lie far apart. */
struct handle {
    uint64_t head;
    const struct nm_index_entry *entry;
};

static uint64_t head_of(const struct nm_domain *name)
{
    uint64_t head = 0;

    for (size_t i = 0; i < sizeof head; i++)
        head = head << 8 | (i < name->length ? (uint8_t)name->name[i] : 0);
    return head;
}

static int compare_handles(const void *a, const void *b)
{
    const struct handle *x = a;
    const struct handle *y = b;

    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return strcmp(x->entry->name.name, y->entry->name.name);
}

/* By name where they are as probable, so that the order does not depend on the lists'
 * order. */
static int compare_drafts(const void *a, const void *b)
{
    const struct nm_draft *x = a;
    const struct nm_draft *y = b;
    const float x_rank = x->weight > 0 ? x->weight + 1e6F : x->count;
    const float y_rank = y->weight > 0 ? y->weight + 1e6F : y->count;

    if (x_rank != y_rank)
        return x_rank > y_rank ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static void merge(struct nm_draft *draft, const struct nm_index_entry *entry)
{
    const float weight = (float)entry->weight;

    if (entry->listing > draft->listing)
        draft->listing = entry->listing;
    if (entry->listing == NM_LISTING_HISTORY)
        draft->count = weight > draft->count ? weight : draft->count;
    else
        draft->weight = weight > draft->weight ? weight : draft->weight;
}

struct nm_draft *nm_drafts_make(const struct nm_index_spec *spec, size_t *count)
{
    const size_t entry_count = spec->entry_count;
    struct handle *handles = calloc(entry_count + 1, sizeof *handles);
    struct nm_draft *drafts = calloc(entry_count + 1, sizeof *drafts);

    *count = 0;
    if (handles == NULL || drafts == NULL) {
        free(handles);
        free(drafts);
        return NULL;
    }
    for (size_t i = 0; i < entry_count; i++)
        handles[i] =
            (struct handle){head_of(&spec->entries[i].name), &spec->entries[i]};
    qsort(handles, entry_count, sizeof *handles, compare_handles);
    for (size_t i = 0; i < entry_count; i++) {
        if (i == 0 || compare_handles(&handles[i - 1], &handles[i]) != 0) {
            drafts[*count].name = &handles[i].entry->name;
            drafts[*count].place = (uint32_t)*count;
            ++*count;
        }
        merge(&drafts[*count - 1], handles[i].entry);
    }
    free(handles);
    qsort(drafts, *count, sizeof *drafts, compare_drafts);
    return drafts;
}
