/*
 * Names one edit away: two names one edit apart have a form in common, where a form is
 * the name itself or the name less one character. So the typed name and its forms are
 * looked up among the listed names and theirs. That finds some names two edits away as
 * well, which the comparison drops.
 */
#include "search.h"
#include "slips.h"

/* A slip in the suffix leaves what stands before it as it is, so the typed suffix begins
 * where the meant one does. */
static enum nm_suffix_class suffix_class(
    const struct nm_query *query, const struct nm_name *name, size_t kept)
{
    return nm_tables_suffix_class(query->index->tables,
        query->typed->name + kept + name->suffix,
        query->typed->length - kept - name->suffix,
        nm_name_text(query->index, name) + name->suffix, name->length - name->suffix);
}

static void try_edit(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    struct nm_finding *finding = nm_findings_claim(query, found, at, kept);
    enum nm_slip_kind kind;
    struct nm_slip slip;

    if (finding == NULL ||
        !nm_slip_between(query->index->tables, query->typed->name + kept,
            query->typed->length - kept, nm_name_text(query->index, name), name->length,
            &slip, &kind))
        return;
    (void)nm_finding_add(query, finding, kind, &slip);
    if (finding->slips[0].in_suffix)
        finding->suffix_class = suffix_class(query, name, kept);
    nm_findings_keep(query, found, finding);
}

/* Names or suffixes, by `kind`, one edit from the typed name behind `kept` bytes. */
static void search_forms(const struct nm_query *query, enum nm_key_kind kind,
    size_t kept, struct nm_findings *found)
{
    const struct nm_index *index = query->index;
    const char *text = query->typed->name;
    uint64_t keys[NM_DOMAIN_MAX + 1];
    size_t count = 0;

    keys[count++] = nm_key(kind, query->tails.tail[kept]);
    for (size_t at = kept; at < query->typed->length; at++) {
        if (at > kept && text[at] == text[at - 1])
            continue; /* leaving out the other one of a pair gave the same */
        keys[count++] =
            nm_key(kind, nm_hash_without(&index->powers, &query->tails, kept, at));
    }
    nm_look_up_all(query, &index->near, keys, count, kept, try_edit, found);
}

/* A tail two characters longer than any listed name is near none. */
void nm_search_edits(const struct nm_query *query, struct nm_findings *found)
{
    for (size_t i = 0; i < query->tail_count; i++) {
        const size_t kept = query->tail_at[i];

        if (query->typed->length - kept <= query->index->longest + 1)
            search_forms(query, NM_KEY_NEAR, kept, found);
    }
}

void nm_search_suffix_edits(
    const struct nm_query *query, size_t start, struct nm_findings *found)
{
    search_forms(query, NM_KEY_SUFFIX, start, found);
}
