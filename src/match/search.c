/*
 * Each way of being near has its own look into the index:
 *
 *   one edit     the typed name, and each form of it less a character, meets the forms of
 *                the listed names; so does each of its tails that holds its registrable
 *                part, so that `mail.amry.mil` finds army.mil and means mail.army.mil
 *   suffix       the registrable label finds listed names with the same label under
 *                another suffix; the table's pairs put one suffix in another's place
 *   protected    the last labels of the typed name meet the protected suffixes likewise
 *
 * A hit is compared with what was typed before it counts, so hashes that collide cost
 * time and nothing else; and the time is capped.
 */
#include "search.h"
#include "slips.h"

#include <string.h>

/* ---- findings ----------------------------------------------------------- */

static bool full(const struct nm_findings *found)
{
    return found->count == NM_FINDINGS_MAX || found->looks >= NM_LOOKS_MAX;
}

/* Room for a finding of `name` behind `kept` bytes; NULL when it is there already, or
 * when there is no room. */
static struct nm_finding *claim(struct nm_findings *found, uint32_t name, size_t kept)
{
    struct nm_finding *finding;

    for (size_t i = 0; i < found->count; i++)
        if (found->rows[i].name == name && found->rows[i].kept == kept)
            return NULL;
    if (found->count == NM_FINDINGS_MAX)
        return NULL;
    finding = &found->rows[found->count];
    memset(finding, 0, sizeof *finding);
    finding->name = name;
    finding->kept = (uint8_t)kept;
    return finding;
}

static void keep(
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
    const size_t length = (size_t)finding->kept + name->length;

    memset(out, 0, sizeof *out);
    memcpy(out->name, query->typed->name, finding->kept);
    memcpy(out->name + finding->kept, nm_name_text(query->index, name), name->length);
    out->length = (uint8_t)length;
    out->idn = strncmp(out->name, "xn--", 4) == 0 || strstr(out->name, ".xn--") != NULL;
}

/* ---- one edit ----------------------------------------------------------- */

static void try_edit(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct nm_index *index = query->index;
    const struct nm_name *name = &index->names[at];
    const size_t suffix = name->is_suffix ? 0 : name->suffix;
    struct nm_finding *finding;
    enum nm_slip_kind kind;

    if (kept + name->length > NM_DOMAIN_MAX)
        return;
    finding = claim(found, at, kept);
    if (finding == NULL)
        return;
    if (!nm_slip_between(index->tables, query->typed->name + kept,
            query->typed->length - kept, nm_name_text(index, name), name->length,
            &finding->slips[0], &kind))
        return;
    finding->slip_count = 1;
    finding->kinds[0] = (uint8_t)kind;
    finding->slips[0].in_suffix = finding->slips[0].meant_at >= suffix;
    finding->slips[0].typed_at = (uint8_t)(finding->slips[0].typed_at + kept);
    finding->slips[0].meant_at = (uint8_t)(finding->slips[0].meant_at + kept);
    if (finding->slips[0].in_suffix) {
        const size_t typed_suffix = name->is_suffix ? kept : query->parts.suffix;

        finding->suffix_class = nm_tables_suffix_class(index->tables,
            query->typed->name + typed_suffix, query->typed->length - typed_suffix,
            nm_name_text(index, name) + suffix, name->length - suffix);
    }
    keep(query, found, finding);
}

static void look_near(const struct nm_query *query, enum nm_key_kind kind,
    uint64_t hash, size_t kept, struct nm_findings *found)
{
    const uint64_t key = nm_key(kind, hash);
    size_t count;
    const struct nm_map_row *rows = nm_map_find(&query->index->near, key, &count);

    for (size_t i = 0; i < count && !full(found); i++) {
        found->looks++;
        if (rows[i].tag == (uint32_t)key)
            try_edit(query, rows[i].name, kept, found);
    }
}

/* Names or suffixes (by `kind`) one edit from the typed name from `kept` on. */
static void search_edits(const struct nm_query *query, enum nm_key_kind kind,
    size_t kept, struct nm_findings *found)
{
    const char *text = query->typed->name;

    look_near(query, kind, query->tails.tail[kept], kept, found);
    for (size_t at = kept; at < query->typed->length; at++)
        if (at == kept || text[at] != text[at - 1])
            look_near(query, kind,
                nm_hash_join(&query->index->powers, &query->tails, kept, at,
                    query->tails.tail[at + 1]),
                kept, found);
}

/* The start of the label before the one that starts at `start` > 0. */
static size_t label_before(const char *text, size_t start)
{
    size_t at = start - 1;

    while (at > 0 && text[at - 1] != '.')
        at--;
    return at;
}

/* The typed name's registrable part, then longer tails, and the whole at last. */
static void search_names(const struct nm_query *query, struct nm_findings *found)
{
    size_t start = query->parts.registrable;

    if (start == query->typed->length)
        start = 0;
    for (int tails = 1; start > 0 && tails < NM_TAILS_MAX; tails++) {
        search_edits(query, NM_KEY_NEAR, start, found);
        start = label_before(query->typed->name, start);
    }
    search_edits(query, NM_KEY_NEAR, 0, found);
}

/* ---- suffixes ----------------------------------------------------------- */

/* The typed name from `kept` up to `typed_suffix` goes on with the listed name's suffix
 * from `meant_suffix` on instead. */
static void keep_suffix(const struct nm_query *query, uint32_t at, size_t kept,
    size_t typed_suffix, size_t meant_suffix, enum nm_suffix_class class,
    struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    struct nm_finding *finding;

    if (kept + name->length > NM_DOMAIN_MAX)
        return;
    finding = claim(found, at, kept);
    if (finding == NULL)
        return;
    finding->slip_count = 1;
    finding->kinds[0] = NM_SLIP_SUFFIX;
    finding->suffix_class = class;
    finding->slips[0] = (struct nm_slip){.technique = NM_TECHNIQUE_SUFFIX,
        .typed_at = (uint8_t)typed_suffix,
        .typed_length = (uint8_t)(query->typed->length - typed_suffix),
        .meant_at = (uint8_t)(kept + meant_suffix),
        .meant_length = (uint8_t)(name->length - meant_suffix),
        .in_suffix = true};
    keep(query, found, finding);
}

/* `name` has the typed name's registrable label; what stands before the label in the
 * listed name must end what stands before it in the typed one, at a dot. */
static void try_core(
    const struct nm_query *query, uint32_t at, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    const char *text = nm_name_text(query->index, name);
    const char *typed = query->typed->name;
    const size_t head = name->suffix;
    size_t kept;

    if (head > query->parts.suffix)
        return;
    kept = query->parts.suffix - head;
    if (memcmp(typed + kept, text, head) != 0 || (kept > 0 && typed[kept - 1] != '.'))
        return;
    keep_suffix(query, at, kept, query->parts.suffix, head,
        nm_tables_suffix_class(query->index->tables, typed + query->parts.suffix,
            query->typed->length - query->parts.suffix, text + head,
            name->length - head),
        found);
}

static void search_core(const struct nm_query *query, struct nm_findings *found)
{
    const size_t registrable = query->parts.registrable;
    const size_t suffix = query->parts.suffix;
    const struct nm_map_row *rows;
    uint64_t key;
    size_t count;

    if (registrable >= suffix)
        return;
    key = nm_key(NM_KEY_CORE,
        nm_hash_part(&query->index->powers, &query->tails, registrable, suffix - 1));
    rows = nm_map_find(&query->index->near, key, &count);
    for (size_t i = 0; i < count && !full(found); i++) {
        found->looks++;
        if (rows[i].tag == (uint32_t)key)
            try_core(query, rows[i].name, found);
    }
}

/* ---- protected suffixes ------------------------------------------------- */

/* Whether the typed name lies under a protected suffix already. */
static bool is_under_protected_suffix(const struct nm_query *query)
{
    const struct nm_index *index = query->index;

    for (size_t i = index->listed_count; i < index->name_count; i++) {
        const struct nm_name *suffix = &index->names[i];
        const size_t length = query->typed->length;

        if (length >= suffix->length &&
            memcmp(query->typed->name + length - suffix->length,
                nm_name_text(index, suffix), suffix->length) == 0 &&
            (length == suffix->length ||
                query->typed->name[length - suffix->length - 1] == '.'))
            return true;
    }
    return false;
}

/* The table's pairs for the typed name's labels from `start` on. Only slips: that people
 * confuse two suffixes says nothing about a name that nobody listed. */
static void search_suffix_table(
    const struct nm_query *query, size_t start, struct nm_findings *found)
{
    const struct nm_index *index = query->index;
    size_t count;
    const struct nm_suffix_row *rows = nm_tables_suffixes(index->tables,
        query->typed->name + start, query->typed->length - start, &count);

    for (size_t r = 0; r < count; r++)
        for (size_t i = index->listed_count; i < index->name_count; i++)
            if (rows[r].class == NM_SUFFIX_SLIP &&
                index->names[i].length == rows[r].meant_length &&
                memcmp(nm_name_text(index, &index->names[i]), rows[r].meant,
                    rows[r].meant_length) == 0)
                keep_suffix(query, (uint32_t)i, start, start, 0, rows[r].class, found);
}

/* A slip of the suffix is one of what stands where the public suffix does: `x.co.il` is a
 * name under a suffix of its own, not one under `il` for `mil`. */
static void search_suffixes(const struct nm_query *query, struct nm_findings *found)
{
    const size_t first =
        query->parts.suffix < query->typed->length ? query->parts.suffix : 0;
    size_t start = query->typed->length;

    if (query->index->name_count == query->index->listed_count ||
        is_under_protected_suffix(query))
        return;
    for (int labels = 0; start > 0 && labels < 4; labels++) {
        start = label_before(
            query->typed->name, start == query->typed->length ? start + 1 : start);
        if (start == 0 || (start > first && query->parts.suffix_known))
            continue;
        search_edits(query, NM_KEY_SUFFIX, start, found);
        search_suffix_table(query, start, found);
    }
}

void nm_search(const struct nm_query *query, struct nm_findings *out)
{
    out->count = 0;
    out->looks = 0;
    search_names(query, out);
    search_core(query, out);
    search_suffixes(query, out);
}
