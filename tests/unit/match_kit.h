/*
 * For the tests of the match layer: an index from a few words, and its verdicts.
 */
#ifndef NM_TESTS_MATCH_KIT_H
#define NM_TESTS_MATCH_KIT_H

#include <nearmiss/match.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIT_ENTRIES_MAX = 64 };

struct kit {
    struct nm_names *names;
    struct nm_index *index;
    struct nm_index_entry entries[KIT_ENTRIES_MAX];
    struct nm_domain suffixes[8];
    struct nm_index_spec spec;
};

static const char *const kit_us[] = {"us"};

static inline struct nm_domain kit_domain(const struct kit *kit, const char *text)
{
    struct nm_domain domain;

    memset(&domain, 0, sizeof domain);
    ck_assert_msg(
        nm_domain_parse(kit->names, text, strlen(text), &domain) == NM_FAULT_NONE,
        "%s is no domain", text);
    return domain;
}

static inline void kit_begin(struct kit *kit)
{
    struct nm_error error;

    memset(kit, 0, sizeof *kit);
    ck_assert_int_eq(nm_names_new(NULL, &kit->names, &error), NM_OK);
    kit->spec.names = kit->names;
    kit->spec.entries = kit->entries;
    kit->spec.suffixes = kit->suffixes;
    kit->spec.layouts = kit_us;
    kit->spec.layout_count = 1;
    kit->spec.threshold = 0.5;
}

static inline void kit_add(
    struct kit *kit, enum nm_listing listing, const char *text, double weight)
{
    struct nm_index_entry *entry = &kit->entries[kit->spec.entry_count++];

    ck_assert_uint_le(kit->spec.entry_count, KIT_ENTRIES_MAX);
    entry->name = kit_domain(kit, text);
    entry->listing = listing;
    entry->weight = weight;
}

static inline void kit_add_suffix(struct kit *kit, const char *text)
{
    ck_assert_uint_lt(kit->spec.suffix_count, NM_COUNT(kit->suffixes));
    kit->suffixes[kit->spec.suffix_count++] = kit_domain(kit, text);
}

static inline void kit_build(struct kit *kit)
{
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_index_new(&kit->spec, &kit->index, &error) == NM_OK, "%s:%u: %s",
        error.file, error.line, error.message);
}

static inline void kit_end(struct kit *kit)
{
    nm_index_free(&kit->index);
    ck_assert_ptr_null(kit->index);
    nm_names_free(&kit->names);
}

static inline struct nm_verdict kit_match(const struct kit *kit, const char *text)
{
    const struct nm_domain typed = kit_domain(kit, text);
    struct nm_verdict verdict;

    nm_index_match(kit->index, &typed, &verdict);
    return verdict;
}

/* The verdict on `text` is a near miss of `target`, at least `least` sure. */
static inline void kit_expect_near(
    const struct kit *kit, const char *text, const char *target, double least)
{
    const struct nm_verdict verdict = kit_match(kit, text);

    ck_assert_msg(verdict.match == NM_MATCH_NEAR_MISS, "%s is %s at %g (%s)", text,
        nm_match_name(verdict.match), verdict.confidence,
        verdict.candidate_count > 0 ? verdict.best.target.name : "nothing near");
    ck_assert_str_eq(verdict.best.target.name, target);
    ck_assert_msg(verdict.confidence >= least, "%s at %g", text, verdict.confidence);
}

static inline void kit_expect(
    const struct kit *kit, const char *text, enum nm_match match)
{
    const struct nm_verdict verdict = kit_match(kit, text);

    ck_assert_msg(verdict.match == match, "%s is %s at %g (%s), not %s", text,
        nm_match_name(verdict.match), verdict.confidence,
        verdict.candidate_count > 0 ? verdict.best.target.name : "nothing near",
        nm_match_name(match));
}

#endif
