/*
 * Names that differ in more than an edit and yet in little:
 *
 *   separators  without dots and hyphens they are equal (`us-armymil` for us.army.mil)
 *   order       they have the same characters, a few of them in another order (`exmalpe`)
 *   looks       they have one look (`rn` for m, a Cyrillic letter)
 *   spellings   one has two letters where the other has one with a mark (`ue` for u with
 *               two dots)
 *   layouts     they were typed with the same keys (`auqrtw` is quartz in France)
 */
#include "looks.h"
#include "search.h"

#include <string.h>

enum {
    ORDER_BYTES_MAX = 5, /* characters that are in another order */
    LAYOUT_BYTES_MIN = 5 /* of a label: two keys can make anything of `abc` */
};

static bool is_separator(char c)
{
    return c == '.' || c == '-';
}

/* ---- separators --------------------------------------------------------- */

/* The slip where the two names part, one of which has a separator there. */
static enum nm_slip_kind separator_slip(char typed, char meant, struct nm_slip *slip)
{
    slip->typed_length = is_separator(typed);
    slip->meant_length = is_separator(meant);
    if (slip->typed_length == 1 && slip->meant_length == 1)
        return NM_SLIP_DOT_OTHER;
    if (typed == '.' || (slip->typed_length == 0 && meant == '.'))
        return NM_SLIP_DOT;
    return typed == '-' ? NM_SLIP_HYPHEN_EXTRA : NM_SLIP_HYPHEN;
}

static bool add_separators(
    const struct nm_query *query, struct nm_finding *finding, const char *meant)
{
    const char *typed = query->typed->name + finding->kept;
    size_t t = 0;
    size_t m = 0;

    while (typed[t] != '\0' || meant[m] != '\0') {
        struct nm_slip slip = {.typed_at = (uint8_t)t, .meant_at = (uint8_t)m};
        enum nm_slip_kind kind;

        if (typed[t] == meant[m]) {
            t++;
            m++;
            continue;
        }
        if (!is_separator(typed[t]) && !is_separator(meant[m]))
            return false;
        kind = separator_slip(typed[t], meant[m], &slip);
        if (!nm_finding_add(query, finding, kind, &slip))
            return false;
        t += slip.typed_length;
        m += slip.meant_length;
    }
    return true;
}

static void try_separators(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    struct nm_finding *finding = nm_findings_claim(query, found, at, kept);

    if (finding != NULL &&
        add_separators(
            query, finding, nm_name_text(query->index, &query->index->names[at])) &&
        finding->slip_count > 0)
        nm_findings_keep(query, found, finding);
}

static void search_separators(const struct nm_query *query, struct nm_findings *found)
{
    for (size_t i = 0; i < query->tail_count; i++) {
        const size_t kept = query->tail_at[i];

        if (query->typed->length - kept > query->index->longest + NM_SLIPS_MAX)
            continue; /* it has more separators than slips are kept */
        nm_look_up(query, query->bare_key[i], kept, try_separators, found);
    }
}

/* ---- order -------------------------------------------------------------- */

/* Between the common front and the common back, the same few characters. That it is they
 * and no others, the equal bags say, unless hashes collide. */
static void try_order(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    const char *meant = nm_name_text(query->index, name);
    const char *typed = query->typed->name + kept;
    const size_t length = query->typed->length - kept;
    struct nm_finding *finding;
    struct nm_slip slip;
    size_t front = 0;
    size_t back = 0;

    if (name->length != length)
        return;
    while (front < length && typed[front] == meant[front])
        front++;
    while (
        back < length - front && typed[length - 1 - back] == meant[length - 1 - back])
        back++;
    slip.typed_at = slip.meant_at = (uint8_t)front;
    slip.typed_length = slip.meant_length = (uint8_t)(length - front - back);
    if (slip.typed_length < 3 || slip.typed_length > ORDER_BYTES_MAX ||
        nm_hash_bag(typed + front, slip.typed_length) !=
            nm_hash_bag(meant + front, slip.meant_length))
        return;
    finding = nm_findings_claim(query, found, at, kept);
    if (finding == NULL)
        return;
    (void)nm_finding_add(query, finding,
        memchr(typed + front, '.', slip.typed_length) != NULL ? NM_SLIP_DOT
                                                              : NM_SLIP_ORDER,
        &slip);
    nm_findings_keep(query, found, finding);
}

static void search_order(const struct nm_query *query, struct nm_findings *found)
{
    for (size_t i = 0; i < query->tail_count; i++) {
        const size_t kept = query->tail_at[i];

        if (query->typed->length - kept > query->index->longest)
            continue;
        nm_look_up(query, query->bag_key[i], kept, try_order, found);
    }
}

/* ---- looks -------------------------------------------------------------- */

/* Both in ASCII: the look-alikes one after the other. */
static bool add_glyphs(const struct nm_query *query, struct nm_finding *finding,
    const struct nm_name *name)
{
    const char *meant = nm_name_text(query->index, name);
    const char *typed = query->typed->name + finding->kept;
    const size_t typed_length = query->typed->length - finding->kept;
    size_t t = 0;
    size_t m = 0;

    while (t < typed_length && m < name->length) {
        const struct nm_glyph_pair *pair;
        struct nm_slip slip = {.typed_at = (uint8_t)t, .meant_at = (uint8_t)m};
        bool swapped;

        if (typed[t] == meant[m]) {
            t++;
            m++;
            continue;
        }
        pair = nm_tables_glyph(query->index->tables, typed + t, typed_length - t,
            meant + m, name->length - m, &swapped);
        if (pair == NULL)
            return false;
        slip.typed_length = swapped ? pair->b_length : pair->a_length;
        slip.meant_length = swapped ? pair->a_length : pair->b_length;
        if (!nm_finding_add(query, finding, NM_SLIP_GLYPH, &slip))
            return false;
        t += slip.typed_length;
        m += slip.meant_length;
    }
    return t == typed_length && m == name->length;
}

/* One with an A-label: label by label. */
static bool add_labels(const struct nm_query *query, struct nm_finding *finding,
    const struct nm_name *name, enum nm_slip_kind kind)
{
    const char *meant = nm_name_text(query->index, name);
    const char *typed = query->typed->name + finding->kept;
    size_t t = 0;
    size_t m = 0;

    for (;;) {
        const size_t typed_length = strcspn(typed + t, ".");
        const size_t meant_length = strcspn(meant + m, ".");
        const struct nm_slip slip = {.typed_at = (uint8_t)t,
            .typed_length = (uint8_t)typed_length,
            .meant_at = (uint8_t)m,
            .meant_length = (uint8_t)meant_length};

        if ((typed_length != meant_length ||
                memcmp(typed + t, meant + m, meant_length) != 0) &&
            !nm_finding_add(query, finding, kind, &slip))
            return false;
        t += typed_length;
        m += meant_length;
        if (typed[t] == '\0' || meant[m] == '\0')
            return typed[t] == meant[m];
        t++;
        m++;
    }
}

/* A letter of another script than Latin makes the slip one of scripts. */
static enum nm_slip_kind kind_of_look(const struct nm_query *query)
{
    return query->look.is_foreign ? NM_SLIP_SCRIPT : NM_SLIP_MARK;
}

/* Whether the listed name looks like the typed one behind `kept` bytes. */
static bool looks_alike(
    const struct nm_query *query, const struct nm_name *name, size_t kept)
{
    const struct nm_index *index = query->index;
    const char *typed = query->look.text + nm_query_look_tail(query, kept);
    char text[NM_LOOK_MAX + 1];

    if (name->is_idn)
        return strcmp(typed, nm_name_look(index, name)) == 0;
    (void)nm_look_ascii(index->looks, nm_name_text(index, name), name->length, text);
    return strcmp(typed, text) == 0;
}

static void try_look(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    struct nm_finding *finding = nm_findings_claim(query, found, at, kept);
    bool fits;

    if (finding == NULL || !looks_alike(query, name, kept))
        return;
    fits = query->typed->idn || name->is_idn
               ? add_labels(query, finding, name, kind_of_look(query))
               : add_glyphs(query, finding, name);
    if (fits && finding->slip_count > 0)
        nm_findings_keep(query, found, finding);
}

static void search_looks(const struct nm_query *query, struct nm_findings *found)
{
    for (size_t i = 0; i < query->tail_count; i++)
        nm_look_up(query, query->look_key[i], query->tail_at[i], try_look, found);
}

/* ---- spellings ---------------------------------------------------------- */

static void keep_spelling(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    struct nm_finding *finding = nm_findings_claim(query, found, at, kept);

    if (finding != NULL &&
        add_labels(query, finding, &query->index->names[at], NM_SLIP_SPELT) &&
        finding->slip_count > 0)
        nm_findings_keep(query, found, finding);
}

/* The listed name has marks and the typed one spells them out. */
static void try_spelt(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];

    if (name->is_idn &&
        strcmp(nm_name_spelt(query->index, name), query->typed->name + kept) == 0)
        keep_spelling(query, at, kept, found);
}

/* The other way round; `tail` is spelt as the typed name is behind `kept` bytes. */
static void search_spelt(const struct nm_query *query, const char *tail, size_t kept,
    struct nm_findings *found)
{
    const size_t length = strlen(tail);
    const uint32_t at =
        nm_index_find(query->index, nm_hash(tail, length), tail, length);

    if (at != NM_NO_NAME)
        keep_spelling(query, at, kept, found);
}

/* What stands behind so many dots; nothing where there are fewer. */
static const char *behind_dots(const char *text, size_t dots)
{
    while (dots > 0 && *text != '\0')
        dots -= *text++ == '.';
    return text;
}

static void search_spellings(const struct nm_query *query, struct nm_findings *found)
{
    for (size_t i = 0; i < query->tail_count; i++) {
        const size_t kept = query->tail_at[i];

        if (query->index->has_spelt)
            nm_look_up(query, nm_key(NM_KEY_SPELT, query->tails.tail[kept]), kept,
                try_spelt, found);
        if (query->look.spelt[0] != '\0')
            search_spelt(query,
                behind_dots(query->look.spelt, nm_query_dots(query, kept)), kept,
                found);
    }
}

/* ---- layouts ------------------------------------------------------------ */

/* Keep the listed name that the typed one is, up to `end`, as `shift` has it; `hash` is
 * that name's. One sign alone is an edit like others. */
static void try_layout(const struct nm_query *query, const char *shift, size_t end,
    uint64_t hash, struct nm_findings *found)
{
    const struct nm_domain *typed = query->typed;
    const size_t start = query->parts.registrable;
    char meant[NM_DOMAIN_MAX + 1];
    struct nm_slip slip = {.typed_at = 0};
    struct nm_finding *finding;
    size_t first = start;
    size_t last = end;
    uint32_t name;

    if (!nm_index_may_have(query->index, hash))
        return;
    memcpy(meant, typed->name, typed->length);
    for (size_t at = start; at < end; at++)
        meant[at] = shift[(uint8_t)typed->name[at]];
    name =
        nm_index_find(query->index, hash, meant + start, (size_t)typed->length - start);
    finding = name != NM_NO_NAME ? nm_findings_claim(query, found, name, start) : NULL;
    if (finding == NULL)
        return;
    while (typed->name[first] == meant[first])
        first++;
    while (typed->name[last - 1] == meant[last - 1])
        last--;
    slip.typed_at = slip.meant_at = (uint8_t)(first - start);
    slip.typed_length = slip.meant_length = (uint8_t)(last - first);
    (void)nm_finding_add(query, finding, NM_SLIP_LAYOUT, &slip);
    nm_findings_keep(query, found, finding);
}

/* People often see to the suffix, so it may be right when the rest is not. */
static void search_layout(
    const struct nm_query *query, const char *shift, struct nm_findings *found)
{
    const struct nm_domain *typed = query->typed;
    const size_t start = query->parts.registrable;
    uint64_t hash = query->tails.tail[start];
    size_t changed = 0;

    for (size_t at = start; at < typed->length; at++) {
        const char c = typed->name[at];
        const char to = (uint8_t)c < 128 ? shift[(uint8_t)c] : '\0';

        if (at == query->parts.suffix && changed > 1)
            try_layout(query, shift, at, hash, found);
        if (to == '\0')
            return;
        changed += to != c;
        hash += nm_hash_change(&query->index->powers, start, at, c, to);
    }
    if (changed > 1)
        try_layout(query, shift, typed->length, hash, found);
}

static void search_layouts(const struct nm_query *query, struct nm_findings *found)
{
    const struct nm_tables *tables = query->index->tables;
    uint64_t typed = 0;

    if (query->typed->idn ||
        query->parts.registrable + LAYOUT_BYTES_MIN >= query->parts.suffix)
        return;
    for (size_t at = query->parts.registrable; at < query->typed->length; at++)
        typed |= 1ULL << (query->typed->name[at] & 63);
    for (size_t i = 0; i < tables->shift_count; i++)
        if ((tables->shifted[i] & typed) != 0)
            search_layout(query, tables->shifts[i], found);
}

void nm_search_shapes(const struct nm_query *query, struct nm_findings *found)
{
    search_separators(query, found);
    search_order(query, found);
    search_looks(query, found);
    search_spellings(query, found);
    search_layouts(query, found);
}
