#include "search.h"

#include <assert.h>
#include <string.h>

/* ---- the typed name ----------------------------------------------------- */

void nm_query_init(
    const struct nm_index *index, const struct nm_domain *typed, struct nm_query *query)
{
    query->index = index;
    query->typed = typed;
    query->exact = NM_NO_NAME;
    query->tail_count = 0;
    nm_hash_tails_init(&query->tails, typed->name, typed->length);
}

static uint64_t expect(
    const struct nm_query *query, enum nm_key_kind kind, uint64_t hash)
{
    const uint64_t key = nm_key(kind, hash);

    nm_filter_expect(&query->index->near.filter, key);
    return key;
}

/* As nm_hash_bare and nm_hash_bag have them, of all tails at once. */
static void take_keys(struct nm_query *query)
{
    const struct nm_domain *typed = query->typed;
    uint64_t bare = 0;
    uint64_t bag = 0;
    size_t tail = 0;

    for (size_t at = typed->length; at-- > 0;) {
        const uint64_t value = nm_hash_value(typed->name[at]);

        if (typed->name[at] != '.' && typed->name[at] != '-')
            bare = value + NM_HASH_BASE * bare;
        bag += nm_hash_spread(value);
        if (tail == query->tail_count || query->tail_at[tail] != at)
            continue;
        query->bare_key[tail] = expect(query, NM_KEY_BARE, bare);
        query->bag_key[tail] = expect(query, NM_KEY_BAG, bag + (typed->length - at));
        tail++;
    }
    if (query->parts.registrable < query->parts.suffix)
        query->core_key = expect(query, NM_KEY_CORE,
            nm_hash_part(&query->index->powers, &query->tails, query->parts.registrable,
                query->parts.suffix - 1U));
}

size_t nm_query_look_tail(const struct nm_query *query, size_t kept)
{
    return nm_look_tail(&query->look, nm_query_dots(query, kept));
}

static void take_look(struct nm_query *query)
{
    query->out_of_memory = nm_look(query->index->looks, query->index->naming,
                               query->typed, &query->look) == NM_NO_MEMORY;
    for (size_t i = 0; i < query->tail_count; i++) {
        const char *look =
            query->look.text + nm_query_look_tail(query, query->tail_at[i]);

        query->look_key[i] = expect(query, NM_KEY_LOOK, nm_hash(look, strlen(look)));
    }
}

/* The shortest tail holds the registrable part and no more, or the last label where no
 * suffix is known: `www.firmcom` has `firmcom`. Where a name has more labels than there are
 * tails, the whole stands in the place of the last. */
void nm_query_split(struct nm_query *query)
{
    const char *text = query->typed->name;
    size_t at;

    query->parts = nm_domain_split(query->index->naming, query->typed);
    at = query->parts.registrable < query->typed->length ? query->parts.registrable : 0;
    if (!query->parts.suffix_known && query->parts.suffix < query->typed->length)
        at = query->parts.suffix;
    while (at > 0 && query->tail_count < NM_TAILS_MAX - 1) {
        query->tail_at[query->tail_count++] = (uint8_t)at;
        at--;
        while (at > 0 && text[at - 1] != '.')
            at--;
    }
    query->tail_at[query->tail_count++] = 0;
    take_keys(query);
    take_look(query);
}

void nm_query_weigh(struct nm_query *query)
{
    const struct nm_letters *letters = &query->index->tables->letters;
    const struct nm_domain *typed = query->typed;
    const size_t at = query->parts.registrable;
    const uint64_t hash = query->tails.tail[at];
    size_t length;
    const char *label = nm_query_label(query, &length);

    query->rank =
        nm_ranks_find(query->index->ranks, hash, typed->name + at, typed->length - at);
    query->is_provider = nm_ranks_find(query->index->providers, hash, typed->name + at,
                             typed->length - at) != 0;
    query->spelling = nm_letters_spelling(letters, label, length);
    query->is_words = nm_letters_are_words(
        letters, &query->index->powers, &query->tails, at, at + length);
    query->suffix_usual = nm_letters_suffix(letters, typed->name + query->parts.suffix,
        typed->length - (size_t)query->parts.suffix);
}

/* ---- findings ----------------------------------------------------------- */

static const enum nm_technique techniques[NM_SLIP_KIND_COUNT] = {
    [NM_SLIP_OMISSION] = NM_TECHNIQUE_OMISSION,
    [NM_SLIP_OMISSION_DIGIT] = NM_TECHNIQUE_OMISSION,
    [NM_SLIP_INSERTION] = NM_TECHNIQUE_INSERTION,
    [NM_SLIP_INSERTION_KEY] = NM_TECHNIQUE_INSERTION,
    [NM_SLIP_INSERTION_DIGIT] = NM_TECHNIQUE_INSERTION,
    [NM_SLIP_DOUBLING] = NM_TECHNIQUE_DOUBLING,
    [NM_SLIP_UNDOUBLING] = NM_TECHNIQUE_DOUBLING,
    [NM_SLIP_TRANSPOSITION] = NM_TECHNIQUE_TRANSPOSITION,
    [NM_SLIP_ORDER] = NM_TECHNIQUE_TRANSPOSITION,
    [NM_SLIP_KEY] = NM_TECHNIQUE_KEY,
    [NM_SLIP_LAYOUT] = NM_TECHNIQUE_KEY,
    [NM_SLIP_VOWEL] = NM_TECHNIQUE_SUBSTITUTION,
    [NM_SLIP_SUBSTITUTION] = NM_TECHNIQUE_SUBSTITUTION,
    [NM_SLIP_DIGIT] = NM_TECHNIQUE_SUBSTITUTION,
    [NM_SLIP_LETTER_DIGIT] = NM_TECHNIQUE_SUBSTITUTION,
    [NM_SLIP_GLYPH] = NM_TECHNIQUE_GLYPH,
    [NM_SLIP_MARK] = NM_TECHNIQUE_GLYPH,
    [NM_SLIP_SPELT] = NM_TECHNIQUE_SUBSTITUTION,
    [NM_SLIP_SCRIPT] = NM_TECHNIQUE_GLYPH,
    [NM_SLIP_DOT] = NM_TECHNIQUE_DOT,
    [NM_SLIP_DOT_OTHER] = NM_TECHNIQUE_DOT,
    [NM_SLIP_HYPHEN] = NM_TECHNIQUE_HYPHEN,
    [NM_SLIP_HYPHEN_EXTRA] = NM_TECHNIQUE_HYPHEN,
    [NM_SLIP_SUFFIX] = NM_TECHNIQUE_SUFFIX,
    [NM_SLIP_EMBEDDED] = NM_TECHNIQUE_EMBEDDED,
    [NM_SLIP_GLUED] = NM_TECHNIQUE_EMBEDDED,
    [NM_SLIP_GLUED_MAIL] = NM_TECHNIQUE_EMBEDDED,
    [NM_SLIP_GLUED_SUFFIX] = NM_TECHNIQUE_EMBEDDED,
};

enum nm_technique nm_technique_of(enum nm_slip_kind kind)
{
    return techniques[kind];
}

/* What has been written to as often as a name that nobody listed is no slip for it. */
static bool is_as_usual(const struct nm_query *query, const struct nm_name *name)
{
    return query->exact != NM_NO_NAME && !name->is_suffix && name->weight <= 0 &&
           name->count <= query->index->names[query->exact].count;
}

/* A name below a listed one that does not cover it: the target would be what was typed. */
static bool is_as_typed(
    const struct nm_query *query, const struct nm_name *name, size_t kept)
{
    return query->typed->length == kept + name->length &&
           memcmp(query->typed->name + kept, nm_name_text(query->index, name),
               name->length) == 0;
}

struct nm_finding *nm_findings_claim(
    const struct nm_query *query, struct nm_findings *found, uint32_t name, size_t kept)
{
    struct nm_finding *finding;

    if (found->count == NM_FINDINGS_MAX ||
        kept + query->index->names[name].length > NM_DOMAIN_MAX ||
        is_as_usual(query, &query->index->names[name]) ||
        is_as_typed(query, &query->index->names[name], kept))
        return NULL;
    for (size_t i = 0; i < found->count; i++)
        if (found->rows[i].name == name && found->rows[i].kept == kept)
            return NULL;
    finding = &found->rows[found->count];
    memset(finding, 0, sizeof *finding);
    finding->name = name;
    finding->kept = (uint8_t)kept;
    return finding;
}

bool nm_finding_add(const struct nm_query *query, struct nm_finding *finding,
    enum nm_slip_kind kind, const struct nm_slip *slip)
{
    const struct nm_name *name = &query->index->names[finding->name];
    struct nm_slip *added;

    if (finding->slip_count == NM_SLIPS_MAX)
        return false;
    finding->kinds[finding->slip_count] = (uint8_t)kind;
    added = &finding->slips[finding->slip_count++];
    *added = *slip;
    if (slip->typed_length <= NM_SLIP_TEXT_MAX) {
        memcpy(added->typed_text, query->typed->name + finding->kept + slip->typed_at,
            slip->typed_length);
        added->typed_text[slip->typed_length] = '\0';
    }
    added->technique = techniques[kind];
    added->in_suffix = kind != NM_SLIP_EMBEDDED && kind != NM_SLIP_GLUED_SUFFIX &&
                       slip->meant_at >= name->suffix;
    added->typed_at = (uint8_t)(added->typed_at + finding->kept);
    added->meant_at = (uint8_t)(added->meant_at + finding->kept);
    return true;
}

void nm_findings_keep(
    const struct nm_query *query, struct nm_findings *found, struct nm_finding *finding)
{
    const struct nm_index *index = query->index;
    const struct nm_name *name = &index->names[finding->name];

    finding->target_hash = nm_hash_join(&index->powers, &query->tails, 0, finding->kept,
        nm_hash(nm_name_text(index, name), name->length));
    found->count++;
}

void nm_finding_target(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_domain *out)
{
    const struct nm_name *name = &query->index->names[finding->name];

    memset(out, 0, sizeof *out);
    memcpy(out->name, query->typed->name, finding->kept);
    memcpy(out->name + finding->kept, nm_name_text(query->index, name), name->length);
    out->length = (uint8_t)(finding->kept + name->length);
    out->idn = strncmp(out->name, "xn--", 4) == 0 || strstr(out->name, ".xn--") != NULL;
}

/* ---- the search --------------------------------------------------------- */

static void try_rows(const struct nm_query *query, const struct nm_map *map,
    uint64_t key, size_t kept, nm_try *try, struct nm_findings *found)
{
    size_t count;
    const struct nm_map_row *rows = nm_map_find(map, key, &count);

    for (size_t i = 0; i < count && found->looks < NM_LOOKS_MAX; i++) {
        found->looks++;
        if (rows[i].tag != (uint32_t)key)
            continue;
        if (found->tries == NM_TRIES_MAX || found->tried_bytes >= NM_TRIED_BYTES_MAX)
            return;
        found->tries++;
        found->tried_bytes += query->index->names[rows[i].name].length;
        try(query, rows[i].name, kept, found);
    }
}

void nm_look_up(const struct nm_query *query, uint64_t key, size_t kept, nm_try *try,
    struct nm_findings *found)
{
    const struct nm_map *map = &query->index->near;

    if (found->looks == NM_LOOKS_MAX)
        return;
    found->looks++;
    if (nm_filter_may_have(&map->filter, key))
        try_rows(query, map, key, kept, try, found);
}

/* Hardly any key of many has names. All that is read for those that may is on its way
 * before the first is waited for: words of the filter, starts of buckets, rows. */
void nm_look_up_all(const struct nm_query *query, const struct nm_map *map,
    const uint64_t *keys, size_t count, size_t kept, nm_try *try,
    struct nm_findings *found)
{
    uint64_t hits[NM_LOOK_UP_MAX];
    size_t hit_count = 0;

    assert(count <= NM_LOOK_UP_MAX);
    if (found->looks + count > NM_LOOKS_MAX)
        return;
    found->looks += count;
    for (size_t i = 0; i < count; i++)
        nm_filter_expect(&map->filter, keys[i]);
    for (size_t i = 0; i < count; i++)
        if (nm_filter_may_have(&map->filter, keys[i])) {
            hits[hit_count++] = keys[i];
            __builtin_prefetch(&map->starts[nm_map_bucket(map, keys[i])]);
        }
    for (size_t i = 0; i < hit_count; i++)
        __builtin_prefetch(&map->rows[map->starts[nm_map_bucket(map, hits[i])]]);
    for (size_t i = 0; i < hit_count; i++)
        try_rows(query, map, hits[i], kept, try, found);
}

static void count_crowd(struct nm_findings *found)
{
    size_t crowd = 0;

    for (size_t i = 0; i < found->count; i++)
        crowd +=
            found->rows[i].slip_count == 1 && found->rows[i].kinds[0] != NM_SLIP_SUFFIX;
    for (size_t i = 0; i < found->count; i++)
        found->rows[i].crowd = (uint8_t)(crowd > 0 ? crowd : 1);
}

void nm_search(const struct nm_query *query, struct nm_findings *out)
{
    out->count = 0;
    out->looks = 0;
    out->tries = 0;
    out->tried_bytes = 0;
    nm_search_edits(query, out);
    nm_search_suffixes(query, out);
    nm_search_shapes(query, out);
    nm_search_inside(query, out);
    if (out->count == 0)
        nm_search_several(query, out);
    count_crowd(out);
}
