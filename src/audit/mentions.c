#include "mentions.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 4096 };

static bool grow(struct nm_mention_list *list)
{
    const size_t capacity =
        list->capacity > 0 ? 2 * list->capacity : (size_t)FIRST_CAPACITY;
    struct nm_mention *items = realloc(list->items, capacity * sizeof *items);

    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

enum nm_code nm_mentions_add(
    struct nm_mentions *mentions, int64_t sequence, const int64_t *texts, size_t count)
{
    struct nm_mention_list *list = &mentions->gathered;

    assert(sequence > mentions->gathered_upto);
    while (list->capacity - list->count < count)
        if (!grow(list))
            return NM_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (texts[i] != 0)
            list->items[list->count++] =
                (struct nm_mention){.text = texts[i], .sequence = sequence};
    mentions->gathered_upto = sequence;
    return NM_OK;
}

static int compare(const void *left, const void *right)
{
    const struct nm_mention *a = left;
    const struct nm_mention *b = right;

    if (a->text != b->text)
        return a->text < b->text ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

void nm_mentions_begin_round(struct nm_mentions *mentions, size_t count)
{
    const struct nm_mention_list emptied = mentions->round;

    if (nm_mentions_has_round(mentions) || mentions->gathered.count < count)
        return;
    mentions->round = mentions->gathered;
    mentions->round_at = 0;
    mentions->round_upto = mentions->gathered_upto;
    mentions->gathered = emptied;
    qsort(mentions->round.items, mentions->round.count, sizeof(struct nm_mention),
        compare);
}

bool nm_mentions_has_round(const struct nm_mentions *mentions)
{
    return mentions->round.count > 0;
}

const struct nm_mention *nm_mentions_next(struct nm_mentions *mentions)
{
    if (mentions->round_at == mentions->round.count)
        return NULL;
    return &mentions->round.items[mentions->round_at++];
}

void nm_mentions_end_round(struct nm_mentions *mentions)
{
    assert(mentions->round_at == mentions->round.count);
    mentions->round.count = 0;
    mentions->round_at = 0;
}

void nm_mentions_free(struct nm_mentions *mentions)
{
    free(mentions->gathered.items);
    free(mentions->round.items);
    *mentions = (struct nm_mentions){0};
}
