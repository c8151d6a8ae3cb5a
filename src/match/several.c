/*
 * Two slips in one name: two in the label before the public suffix, or one there and one
 * in the suffix. Cores.h says which names are compared, and why not all.
 */
#include "cores.h"
#include "search.h"
#include "slips.h"

#include <string.h>

enum {
    TWO_BYTES_MIN = 5
}; /* of the longer label: two slips can make anything of `abc` */

struct core {
    const char *text;
    size_t length;
    const char *suffix;
    size_t suffix_length;
};

static struct core typed_core(const struct nm_query *query)
{
    const char *text = query->typed->name;
    const struct nm_domain_parts *parts = &query->parts;

    return (struct core){text + parts->registrable,
        (size_t)(parts->suffix - 1 - parts->registrable), text + parts->suffix,
        (size_t)(query->typed->length - parts->suffix)};
}

static struct core meant_core(const struct nm_query *query, const struct nm_name *name)
{
    const char *text = nm_name_text(query->index, name);

    return (struct core){text, name->suffix - 1U, text + name->suffix,
        (size_t)name->length - name->suffix};
}

/* The suffix as a whole; its class, if it may be a slip besides another one. */
static bool find_suffix_class(const struct nm_query *query, const struct core *typed,
    const struct core *meant, enum nm_suffix_class *class)
{
    const struct nm_tables *tables = query->index->tables;
    enum nm_slip_kind kind;
    struct nm_slip slip;

    *class = nm_tables_suffix_class(tables, typed->suffix, typed->suffix_length,
        meant->suffix, meant->suffix_length);
    return *class != NM_SUFFIX_OTHER ||
           nm_slip_between(tables, typed->suffix, typed->suffix_length, meant->suffix,
               meant->suffix_length, &slip, &kind);
}

static void try_core(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found)
{
    const struct core typed = typed_core(query);
    const struct core meant = meant_core(query, &query->index->names[at]);
    const bool same_suffix =
        typed.suffix_length == meant.suffix_length &&
        memcmp(typed.suffix, meant.suffix, meant.suffix_length) == 0;
    enum nm_suffix_class class = NM_SUFFIX_OTHER;
    enum nm_slip_kind kinds[NM_CORE_SLIPS_MAX];
    struct nm_slip slips[NM_CORE_SLIPS_MAX];
    struct nm_finding *finding;
    size_t count;

    count = nm_slips_between(query->index->tables, typed.text, typed.length, meant.text,
        meant.length, slips, kinds);
    if (count == 0 ||
        (count == 2 && (!same_suffix || (typed.length < TWO_BYTES_MIN &&
                                            meant.length < TWO_BYTES_MIN))))
        return;
    if (!same_suffix && !find_suffix_class(query, &typed, &meant, &class))
        return;
    finding = nm_findings_claim(query, found, at, kept);
    if (finding == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        (void)nm_finding_add(query, finding, kinds[i], &slips[i]);
    if (!same_suffix) {
        const struct nm_slip slip = {.typed_at = (uint8_t)(typed.length + 1),
            .typed_length = (uint8_t)typed.suffix_length,
            .meant_at = (uint8_t)(meant.length + 1),
            .meant_length = (uint8_t)meant.suffix_length};

        (void)nm_finding_add(query, finding, NM_SLIP_SUFFIX, &slip);
        finding->suffix_class = class;
    }
    nm_findings_keep(query, found, finding);
}

void nm_search_several(const struct nm_query *query, struct nm_findings *found)
{
    const struct nm_index *index = query->index;
    const size_t kept = query->parts.registrable;
    uint64_t keys[NM_CORE_FORMS_MAX];
    struct core typed;
    size_t count;

    if (query->parts.registrable >= query->parts.suffix)
        return;
    typed = typed_core(query);
    if (typed.length < NM_CORE_BYTES_MIN)
        return;
    count = nm_core_forms(&index->powers, typed.text, typed.length, keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = nm_key(NM_KEY_FORM, keys[i]);
    nm_look_up_all(query, &index->forms, keys, count, kept, try_core, found);
}
