/*
 * Building an index: the entries become names in order (drafts.h), their text is copied,
 * and the tables are filled. Filling a multimap takes two passes over the same keys, one to
 * count the rows of each bucket and one to write them.
 */
#include "drafts.h"
#include "index.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    KEYS_BESIDES = 5, /* of a name, besides those without one of its characters */
    KEYS_MAX = NM_DOMAIN_MAX + KEYS_BESIDES,
    ROWS_PER_BUCKET = 2,
    TEXT_BYTES = 4096, /* at first, besides the names */
    LARGE_PAGE_BYTES = 2 * 1024 * 1024
};

/* Ask for large pages where a block holds whole ones: each look-up reads some dozen places
 * all over blocks of many megabytes, and would miss the translation of their addresses
 * nearly as often as the cache. Nothing but time depends on it. */
static void want_large_pages(void *block, size_t bytes)
{
    const uintptr_t begin =
        ((uintptr_t)block + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1UL);
    const uintptr_t end = ((uintptr_t)block + bytes) & ~(LARGE_PAGE_BYTES - 1UL);

    if (block != NULL && begin < end)
        (void)madvise(
            (char *)block + (begin - (uintptr_t)block), end - begin, MADV_HUGEPAGE);
}

/* ---- names -------------------------------------------------------------- */

/* Put `text` and its NUL behind the text there is. */
static enum nm_code add_text(struct nm_index *index, size_t *capacity, const char *text,
    size_t length, struct nm_error *error)
{
    if (index->text_bytes + length + 1 > *capacity) {
        const size_t grown = 2 * *capacity + TEXT_BYTES;
        char *moved = grown <= UINT32_MAX ? realloc(index->text, grown) : NULL;

        if (grown > UINT32_MAX)
            return nm_fail(error, NM_LIMIT, "the lists are too long to be indexed");
        if (moved == NULL)
            return nm_fail(error, NM_NO_MEMORY, "out of memory");
        index->text = moved;
        *capacity = grown;
    }
    memcpy(index->text + index->text_bytes, text, length);
    index->text[index->text_bytes + length] = '\0';
    index->text_bytes += length + 1;
    return NM_OK;
}

static enum nm_code add_name(struct nm_index *index, size_t *capacity,
    struct nm_name *name, const struct nm_domain *domain, struct nm_error *error)
{
    struct nm_look look;
    enum nm_code code;

    name->at = (uint32_t)index->text_bytes;
    name->length = domain->length;
    name->is_idn = domain->idn;
    code = add_text(index, capacity, domain->name, domain->length, error);
    if (code != NM_OK || !domain->idn)
        return code;
    if (nm_look(index->looks, index->naming, domain, &look) == NM_NO_MEMORY)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    code = add_text(index, capacity, look.text, strlen(look.text), error);
    if (code != NM_OK)
        return code;
    index->has_spelt = index->has_spelt || look.spelt[0] != '\0';
    return add_text(index, capacity, look.spelt, strlen(look.spelt), error);
}

static void set_name(struct nm_index *index, struct nm_name *name,
    const struct nm_draft *draft, struct nm_domain_parts parts)
{
    name->registrable = parts.registrable;
    name->suffix = parts.suffix;
    name->listing = draft->listing;
    name->weight = draft->weight;
    name->count = draft->count;
    if (name->length > index->longest)
        index->longest = name->length;
}

static uint32_t rank_of(const struct nm_index *index, const struct nm_ranks *ranks,
    const struct nm_name *name)
{
    const char *text = nm_name_text(index, name) + name->registrable;
    const size_t length = (size_t)name->length - name->registrable;

    return nm_ranks_find(ranks, nm_hash(text, length), text, length);
}

static enum nm_code add_names(struct nm_index *index, const struct nm_index_spec *spec,
    const struct nm_draft *drafts, size_t draft_count, struct nm_error *error)
{
    const size_t count = draft_count + spec->suffix_count;
    enum nm_code code = NM_OK;
    size_t capacity = TEXT_BYTES;

    for (size_t i = 0; i < draft_count; i++)
        capacity += drafts[i].name->length + 1U;
    if (capacity > UINT32_MAX)
        return nm_fail(error, NM_LIMIT, "the lists are too long to be indexed");
    index->names = calloc(count + 1, sizeof *index->names);
    index->text = malloc(capacity);
    if (index->names == NULL || index->text == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    want_large_pages(index->names, (count + 1) * sizeof *index->names);
    want_large_pages(index->text, capacity);
    for (size_t i = 0; i < count && code == NM_OK; i++) {
        struct nm_name *name = &index->names[i];

        name->is_suffix = i >= draft_count;
        if (name->is_suffix) {
            code = add_name(
                index, &capacity, name, &spec->suffixes[i - draft_count], error);
            continue;
        }
        code = add_name(index, &capacity, name, drafts[i].name, error);
        if (code != NM_OK)
            break;
        set_name(index, name, &drafts[i], nm_domain_split(spec->names, drafts[i].name));
        name->rank = rank_of(index, index->ranks, name);
        name->is_provider = rank_of(index, index->providers, name) != 0;
    }
    index->listed_count = draft_count;
    index->name_count = count;
    return code;
}

static double ln_of_ordered(const struct nm_index *index)
{
    size_t count = 0;

    for (size_t i = 0; i < index->listed_count; i++)
        count += index->names[i].listing >= NM_LISTING_PROTECTED;
    return log((double)(count > 0 ? count : 1));
}

/* ---- the exact table ---------------------------------------------------- */

static_assert(NM_INDEX_NAMES_MAX <= 1 << (8 * NM_SLOT_NAME_BYTES),
    "a slot has no room for the number of every name");

static uint32_t name_of(const struct nm_slot *slot)
{
    return slot->name[0] | (uint32_t)slot->name[1] << 8 | (uint32_t)slot->name[2] << 16;
}

static void fill_slot(struct nm_slot *slot, uint64_t spread, uint32_t at, size_t name)
{
    slot->at = at;
    slot->tag = (uint8_t)spread;
    for (size_t i = 0; i < NM_SLOT_NAME_BYTES; i++)
        slot->name[i] = (uint8_t)(name >> 8 * i);
}

static enum nm_code fill_exact(struct nm_index *index, struct nm_error *error)
{
    size_t slots = 2;

    while (slots < 2 * index->listed_count)
        slots *= 2;
    index->exact = malloc(slots * sizeof *index->exact);
    if (index->exact == NULL ||
        !nm_filter_init(&index->exact_filter, index->listed_count))
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    want_large_pages(index->exact, slots * sizeof *index->exact);
    memset(index->exact, 0xff, slots * sizeof *index->exact);
    index->exact_mask = slots - 1;
    for (size_t i = 0; i < index->listed_count; i++) {
        const struct nm_name *name = &index->names[i];
        const uint64_t spread =
            nm_hash_spread(nm_hash(nm_name_text(index, name), name->length));
        size_t slot = (spread >> 32) & index->exact_mask;

        while (index->exact[slot].at != UINT32_MAX)
            slot = (slot + 1) & index->exact_mask;
        fill_slot(&index->exact[slot], spread, name->at, i);
        nm_filter_add(&index->exact_filter, spread);
    }
    return NM_OK;
}

uint32_t nm_index_find(
    const struct nm_index *index, uint64_t hash, const char *text, size_t length)
{
    const uint64_t spread = nm_hash_spread(hash);
    const struct nm_slot *slot;

    if (!nm_filter_may_have(&index->exact_filter, spread))
        return NM_NO_NAME;
    for (size_t i = spread >> 32;; i++) {
        slot = &index->exact[i & index->exact_mask];
        if (slot->at == UINT32_MAX)
            return NM_NO_NAME;
        if (slot->tag == (uint8_t)spread &&
            index->names[name_of(slot)].length == length &&
            memcmp(index->text + slot->at, text, length) == 0)
            return name_of(slot);
    }
}

uint32_t nm_index_find_suffix(
    const struct nm_index *index, uint64_t hash, const char *text, size_t length)
{
    const uint64_t key = nm_key(NM_KEY_SUFFIX, hash);
    size_t count;
    const struct nm_map_row *rows = nm_map_find(&index->near, key, &count);

    for (size_t i = 0; i < count; i++) {
        const struct nm_name *name = &index->names[rows[i].name];

        if (rows[i].tag == (uint32_t)key && name->is_suffix && name->length == length &&
            memcmp(nm_name_text(index, name), text, length) == 0)
            return rows[i].name;
    }
    return NM_NO_NAME;
}

/* ---- the multimap ------------------------------------------------------- */

struct keys {
    uint64_t key[KEYS_MAX];
    size_t count;
};

static void near_keys(const struct nm_index *index, const char *text, size_t length,
    enum nm_key_kind kind, struct keys *keys)
{
    struct nm_hash_tails tails;

    nm_hash_tails_init(&tails, text, length);
    keys->key[keys->count++] = nm_key(kind, tails.tail[0]);
    for (size_t at = 0; at < length; at++) {
        if (at > 0 && text[at] == text[at - 1])
            continue; /* leaving out the other one of a pair gave the same */
        keys->key[keys->count++] =
            nm_key(kind, nm_hash_without(&index->powers, &tails, 0, at));
    }
}

static uint64_t look_key(const struct nm_index *index, const struct nm_name *name)
{
    const char *text = nm_name_text(index, name);
    char look[NM_LOOK_MAX + 1];
    size_t length;

    if (name->is_idn) {
        const char *own = nm_name_look(index, name);

        return nm_key(NM_KEY_LOOK, nm_hash(own, strlen(own)));
    }
    length = nm_look_ascii(index->looks, text, name->length, look);
    return nm_key(NM_KEY_LOOK, nm_hash(look, length));
}

static uint64_t spelt_key(const struct nm_index *index, const struct nm_name *name)
{
    const char *spelt = nm_name_spelt(index, name);

    return nm_key(NM_KEY_SPELT, nm_hash(spelt, strlen(spelt)));
}

static void make_near_keys(const struct nm_index *index, size_t at, struct keys *keys)
{
    const struct nm_name *name = &index->names[at];
    const char *text = nm_name_text(index, name);

    keys->count = 0;
    if (name->is_suffix) {
        near_keys(index, text, name->length, NM_KEY_SUFFIX, keys);
        return;
    }
    near_keys(index, text, name->length, NM_KEY_NEAR, keys);
    if (name->registrable < name->suffix)
        keys->key[keys->count++] = nm_key(NM_KEY_CORE,
            nm_hash(text + name->registrable, name->suffix - 1U - name->registrable));
    keys->key[keys->count++] = nm_key(NM_KEY_BARE, nm_hash_bare(text, name->length));
    keys->key[keys->count++] = nm_key(NM_KEY_BAG, nm_hash_bag(text, name->length));
    keys->key[keys->count++] = look_key(index, name);
    if (name->is_idn && *nm_name_spelt(index, name) != '\0')
        keys->key[keys->count++] = spelt_key(index, name);
    assert(keys->count <= KEYS_MAX);
}

static void make_form_keys(const struct nm_index *index, size_t at, struct keys *keys)
{
    const struct nm_name *name = &index->names[at];

    keys->count = 0;
    if (name->has_forms)
        keys->count = nm_core_forms(
            &index->powers, nm_name_text(index, name), name->suffix - 1U, keys->key);
    for (size_t i = 0; i < keys->count; i++)
        keys->key[i] = nm_key(NM_KEY_FORM, keys->key[i]);
}

/* The most probable names that are registrable themselves: what people write to most. */
static void choose_forms(struct nm_index *index)
{
    size_t names = 0;

    for (size_t i = 0; i < index->listed_count && names < NM_CORE_NAMES_MAX; i++) {
        struct nm_name *name = &index->names[i];
        const size_t length = name->suffix > 0 ? name->suffix - 1U : 0;

        if (name->is_idn || name->registrable > 0 || length < NM_CORE_BYTES_MIN)
            continue;
        name->has_forms = true;
        names++;
    }
}

/* How names stand in a map: the keys of one, and a number that these do not exceed. */
struct keying {
    void (*make)(const struct nm_index *index, size_t at, struct keys *keys);
    size_t (*most)(const struct nm_name *name);
};

static size_t most_near_keys(const struct nm_name *name)
{
    return name->length + KEYS_BESIDES;
}

static size_t most_form_keys(const struct nm_name *name)
{
    const size_t label = name->suffix - 1U;
    const size_t length = label < NM_CORE_BYTES_MAX ? label : NM_CORE_BYTES_MAX;

    return name->has_forms ? 1 + length + length * (length - 1) / 2 : 0;
}

static const struct keying near_keying = {make_near_keys, most_near_keys};
static const struct keying form_keying = {make_form_keys, most_form_keys};

/* The buckets and the filter are made for as many rows as there may be, since to know how
 * many there are the keys would have to be made once more. */
static enum nm_code size_map(const struct nm_index *index, const struct keying *keying,
    struct nm_map *map, struct nm_error *error)
{
    size_t rows = 0;

    for (size_t i = 0; i < index->name_count; i++)
        rows += keying->most(&index->names[i]);
    if (rows >= UINT32_MAX)
        return nm_fail(error, NM_LIMIT, "the lists are too long to be indexed");
    map->bucket_count = (uint32_t)(rows / ROWS_PER_BUCKET + 1);
    map->starts = calloc((size_t)map->bucket_count + 2, sizeof *map->starts);
    if (!nm_filter_init(&map->filter, rows) || map->starts == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    want_large_pages(map->filter.words, nm_filter_bytes(&map->filter));
    want_large_pages(
        map->starts, ((size_t)map->bucket_count + 2) * sizeof *map->starts);
    return NM_OK;
}

/* Count the rows of bucket b in starts[b + 2], and make that the sum of all before. */
static void count_rows(
    const struct nm_index *index, const struct keying *keying, struct nm_map *map)
{
    struct keys keys;

    for (size_t i = 0; i < index->name_count; i++) {
        keying->make(index, i, &keys);
        for (size_t k = 0; k < keys.count; k++) {
            map->starts[(size_t)nm_map_bucket(map, keys.key[k]) + 2]++;
            nm_filter_add(&map->filter, keys.key[k]);
        }
    }
    for (size_t b = 2; b < (size_t)map->bucket_count + 2; b++)
        map->starts[b] += map->starts[b - 1];
    map->row_count = map->starts[(size_t)map->bucket_count + 1];
}

/* While the rows are written, starts[b + 1] is where the next row of bucket b goes; at
 * the end it is where the bucket ends, and so where the next begins. */
static void write_rows(
    const struct nm_index *index, const struct keying *keying, struct nm_map *map)
{
    struct keys keys;

    for (size_t i = 0; i < index->name_count; i++) {
        keying->make(index, i, &keys);
        for (size_t k = 0; k < keys.count; k++) {
            uint32_t *next = &map->starts[(size_t)nm_map_bucket(map, keys.key[k]) + 1];

            map->rows[*next].tag = (uint32_t)keys.key[k];
            map->rows[*next].name = (uint32_t)i;
            ++*next;
        }
    }
}

static enum nm_code fill_map(const struct nm_index *index, const struct keying *keying,
    struct nm_map *map, struct nm_error *error)
{
    const enum nm_code code = size_map(index, keying, map, error);

    if (code != NM_OK)
        return code;
    count_rows(index, keying, map);
    map->rows = malloc((map->row_count + 1) * sizeof *map->rows);
    if (map->rows == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    want_large_pages(map->rows, (map->row_count + 1) * sizeof *map->rows);
    write_rows(index, keying, map);
    return NM_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static enum nm_code check(const struct nm_index_spec *spec, struct nm_error *error)
{
    if (spec->entry_count > NM_INDEX_NAMES_MAX || spec->suffix_count > NM_SUFFIXES_MAX)
        return nm_fail(error, NM_LIMIT, "more than %d names or %d protected suffixes",
            NM_INDEX_NAMES_MAX, NM_SUFFIXES_MAX);
    if (spec->rank_count > NM_INDEX_RANKS_MAX)
        return nm_fail(
            error, NM_LIMIT, "more than %d ranked names", NM_INDEX_RANKS_MAX);
    for (size_t i = 0; i < spec->rank_count; i++)
        if (spec->ranks[i].rank == 0)
            return nm_fail(
                error, NM_BAD_INPUT, "%s: ranks begin at 1", spec->ranks[i].name.name);
    for (size_t i = 0; i < spec->entry_count; i++)
        if (!(spec->entries[i].weight > 0 &&
                spec->entries[i].weight <= NM_INDEX_WEIGHT_MAX))
            return nm_fail(error, NM_BAD_INPUT,
                "%s: a weight must be above 0 and at most %g",
                spec->entries[i].name.name, NM_INDEX_WEIGHT_MAX);
    return NM_OK;
}

static enum nm_code build(
    struct nm_index *index, const struct nm_index_spec *spec, struct nm_error *error)
{
    enum nm_code code = nm_tables_new(spec, &index->tables, error);
    struct nm_draft *drafts = NULL;
    size_t draft_count;

    if (code == NM_OK)
        code = nm_looks_new(index->tables, &index->looks, error);
    if (code == NM_OK)
        code = nm_ranks_new(spec->ranks, spec->rank_count, &index->ranks, error);
    if (code == NM_OK)
        code = nm_ranks_new_providers(spec->names, &index->providers, error);
    if (code != NM_OK)
        return code;
    drafts = nm_drafts_make(spec, &draft_count);
    if (drafts == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    index->naming = spec->names;
    index->threshold = spec->threshold;
    index->ln_listed = log((double)(draft_count > 0 ? draft_count : 1));
    nm_hash_powers_init(&index->powers);
    code = add_names(index, spec, drafts, draft_count, error);
    free(drafts);
    index->ln_ordered = ln_of_ordered(index);
    if (code == NM_OK)
        code = fill_exact(index, error);
    choose_forms(index);
    if (code == NM_OK)
        code = fill_map(index, &near_keying, &index->near, error);
    return code == NM_OK ? fill_map(index, &form_keying, &index->forms, error) : code;
}

enum nm_code nm_index_new(
    const struct nm_index_spec *spec, struct nm_index **out, struct nm_error *error)
{
    struct nm_index *index;
    enum nm_code code = check(spec, error);

    if (code != NM_OK)
        return code;
    index = calloc(1, sizeof *index);
    if (index == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    code = build(index, spec, error);
    if (code != NM_OK) {
        nm_index_free(&index);
        return code;
    }
    *out = index;
    return NM_OK;
}

static void free_map(struct nm_map *map)
{
    nm_filter_free(&map->filter);
    free(map->starts);
    free(map->rows);
}

void nm_index_free(struct nm_index **index)
{
    if (*index == NULL)
        return;
    nm_looks_free(&(*index)->looks);
    nm_tables_free(&(*index)->tables);
    nm_ranks_free(&(*index)->ranks);
    nm_ranks_free(&(*index)->providers);
    free((*index)->text);
    free((*index)->names);
    free((*index)->exact);
    nm_filter_free(&(*index)->exact_filter);
    free_map(&(*index)->near);
    free_map(&(*index)->forms);
    free(*index);
    *index = NULL;
}

static size_t map_bytes(const struct nm_map *map)
{
    return nm_filter_bytes(&map->filter) +
           ((size_t)map->bucket_count + 2) * sizeof *map->starts +
           map->row_count * sizeof *map->rows;
}

size_t nm_index_bytes(const struct nm_index *index)
{
    return sizeof *index + index->text_bytes +
           index->name_count * sizeof *index->names +
           (index->exact_mask + 1) * sizeof *index->exact +
           nm_filter_bytes(&index->exact_filter) + map_bytes(&index->near) +
           map_bytes(&index->forms) + nm_tables_bytes(index->tables) +
           nm_ranks_bytes(index->ranks) + nm_ranks_bytes(index->providers);
}

size_t nm_index_size(const struct nm_index *index)
{
    return index->listed_count;
}

double nm_index_threshold(const struct nm_index *index)
{
    return index->threshold;
}
