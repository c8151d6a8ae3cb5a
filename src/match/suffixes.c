/*
 * One suffix in another's place. Three looks:
 *
 *   the registrable label of the typed name finds the listed names that have the same
 *   the table's pairs put what was meant in the place of what was typed
 *   the last labels of the typed name are compared with the protected suffixes
 */
#include "search.h"

#include <string.h>

enum { SUFFIX_LABELS_MAX = 4 }; /* labels at the end that may be a suffix */

/* Where the label before the one at `start` begins; the last one's, if `start` is the
 * end. */
static size_t label_before(const struct nm_domain *typed, size_t start)
{
    size_t at = start == typed->length ? start : start - 1;

    while (at > 0 && typed->name[at - 1] != '.')
        at--;
    return at;
}

/* A longer suffix that is none: `x.mil.us` is a host below `mil.us`. */
static bool is_appended(
    const struct nm_query *query, size_t typed_suffix, enum nm_suffix_class class)
{
    return class == NM_SUFFIX_LONGER && typed_suffix < query->parts.suffix;
}

void nm_keep_suffix(const struct nm_query *query, uint32_t at, size_t kept,
    size_t typed_suffix, size_t meant_suffix, enum nm_suffix_class class,
    struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    struct nm_finding *finding = nm_findings_claim(query, found, at, kept);
    const struct nm_slip slip = {.typed_at = (uint8_t)(typed_suffix - kept),
        .typed_length = (uint8_t)(query->typed->length - typed_suffix),
        .meant_at = (uint8_t)meant_suffix,
        .meant_length = (uint8_t)(name->length - meant_suffix)};

    if (finding == NULL)
        return;
    (void)nm_finding_add(query, finding, NM_SLIP_SUFFIX, &slip);
    finding->slips[0].in_suffix = true;
    finding->suffix_class =
        is_appended(query, typed_suffix, class) ? NM_SUFFIX_APPENDED : class;
    nm_findings_keep(query, found, finding);
}

/* ---- the registrable label ---------------------------------------------- */

/* What the listed name has before its suffix must end what the typed name has, at a
 * dot. */
static void try_core(
    const struct nm_query *query, uint32_t at, size_t unused, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    const char *text = nm_name_text(query->index, name);
    const char *typed = query->typed->name;
    const size_t head = name->suffix;
    const size_t suffix = query->parts.suffix;
    const size_t kept = head <= suffix ? suffix - head : 0;

    (void)unused;
    if (head > suffix || memcmp(typed + kept, text, head) != 0 ||
        (kept > 0 && typed[kept - 1] != '.'))
        return;
    nm_keep_suffix(query, at, kept, suffix, head,
        nm_tables_suffix_class(query->index->tables, typed + suffix,
            query->typed->length - suffix, text + head, name->length - head),
        found);
}

static void search_core(const struct nm_query *query, struct nm_findings *found)
{
    if (query->parts.registrable < query->parts.suffix)
        nm_look_up(query, query->core_key, 0, try_core, found);
}

/* ---- the table ---------------------------------------------------------- */

/* Where the labels before a suffix begin, the last first. */
struct heads {
    size_t count;
    uint8_t at[NM_TAILS_MAX];
};

static void find_heads(const struct nm_domain *typed, size_t start, struct heads *heads)
{
    heads->count = 0;
    while (start > 0 && heads->count < NM_TAILS_MAX) {
        start = label_before(typed, start);
        heads->at[heads->count++] = (uint8_t)start;
    }
}

/* The listed name that is the typed one from `kept` to `start` and then the row's meant
 * suffix. Hardly any is listed, so it is not put together before its hash says so. */
static uint32_t find_joined(const struct nm_query *query,
    const struct nm_suffix_row *row, size_t kept, size_t start)
{
    const struct nm_index *index = query->index;
    const uint64_t hash =
        nm_hash_join(&index->powers, &query->tails, kept, start, row->meant_hash);
    char text[NM_DOMAIN_MAX + NM_SUFFIX_TEXT_MAX];

    if (!nm_index_may_have(index, hash))
        return NM_NO_NAME;
    memcpy(text, query->typed->name + kept, start - kept);
    memcpy(text + start - kept, row->meant, row->meant_length);
    return nm_index_find(index, hash, text, start - kept + row->meant_length);
}

/* The typed name up to `start` and then the row's meant suffix may be a listed name, or
 * end in one: `mail.firm.com.com`, `firm.com`. */
static void try_row(const struct nm_query *query, const struct nm_suffix_row *row,
    size_t start, const struct heads *heads, struct nm_findings *found)
{
    for (size_t i = 0; i < heads->count; i++) {
        const size_t kept = heads->at[i];
        const uint32_t at = find_joined(query, row, kept, start);

        if (at != NM_NO_NAME)
            nm_keep_suffix(query, at, kept, start, start - kept, row->class, found);
    }
}

/* A protected suffix, the same. Only slips: that people confuse two suffixes says nothing
 * about a name that nobody listed. */
static void try_protected(const struct nm_query *query, const struct nm_suffix_row *row,
    size_t start, struct nm_findings *found)
{
    uint32_t at;

    if (row->class != NM_SUFFIX_SLIP)
        return;
    at = nm_index_find_suffix(
        query->index, row->meant_hash, row->meant, row->meant_length);
    if (at != NM_NO_NAME)
        nm_keep_suffix(query, at, start, start, 0, row->class, found);
}

/* ---- all ---------------------------------------------------------------- */

/* Whether the typed name lies under a protected suffix already, or is one. */
static bool is_under_protected(const struct nm_query *query)
{
    const struct nm_domain *typed = query->typed;
    size_t start = typed->length;

    for (int labels = 0; start > 0 && labels < SUFFIX_LABELS_MAX; labels++) {
        start = label_before(typed, start);
        if (nm_index_find_suffix(query->index, query->tails.tail[start],
                typed->name + start, typed->length - start) != NM_NO_NAME)
            return true;
    }
    return false;
}

/* `192.0.2.1` without its brackets is no slip for a name that begins with 192. */
static bool ends_in_number(const struct nm_domain *typed)
{
    size_t at = typed->length;

    while (at > 0 && typed->name[at - 1] >= '0' && typed->name[at - 1] <= '9')
        at--;
    return at == 0 || (typed->name[at - 1] == '.' && at < typed->length);
}

/* The labels from `start` on as a slip of a suffix. One of a protected suffix stands where
 * the public suffix does or before it: `x.co.il` is a name under a suffix of its own, not
 * one under `il` for `mil`. */
static void search_labels(const struct nm_query *query, size_t start, bool protects,
    struct nm_findings *found)
{
    size_t count;
    const struct nm_suffix_row *rows =
        nm_tables_suffixes(query->index->tables, query->tails.tail[start],
            query->typed->name + start, query->typed->length - start, &count);
    struct heads heads;

    find_heads(query->typed, start, &heads);
    if (protects)
        nm_search_suffix_edits(query, start, found);
    for (size_t i = 0; i < count; i++) {
        try_row(query, &rows[i], start, &heads, found);
        if (protects)
            try_protected(query, &rows[i], start, found);
    }
}

void nm_search_suffixes(const struct nm_query *query, struct nm_findings *found)
{
    const struct nm_index *index = query->index;
    const struct nm_domain *typed = query->typed;
    const bool is_suffix = query->parts.registrable >= query->parts.suffix;
    const size_t last =
        query->parts.suffix_known && !is_suffix ? query->parts.suffix : typed->length;
    bool protects;
    size_t start = typed->length;

    if (ends_in_number(typed))
        return;
    search_core(query, found);
    protects = index->name_count > index->listed_count && !is_under_protected(query);
    for (int labels = 0; labels < SUFFIX_LABELS_MAX; labels++) {
        start = label_before(typed, start);
        if (start == 0)
            return;
        search_labels(query, start, protects && start <= last, found);
    }
}
