/*
 * The index against a model of it that is slow and plain: every listed name is compared
 * with every tail of the typed one. Over few letters, so that names are near each other
 * all the time. NM_MODEL_ROUNDS is how many indices are drawn; `scripts/test --long` draws
 * many times as many, from another beginning.
 */
#include "match_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAMES = 14, /* so few that the search never ends at its caps */
    TYPED = 220,
    ROUNDS = 200,
    CANDIDATES = 255
};

static uint32_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

/* ---- random names ------------------------------------------------------- */

static void draw_name(char *out)
{
    static const char *const suffixes[] = {"com", "co", "co.uk", "mil", "ab", "b"};
    static const char signs[] = "aaabbbcrn-1";
    const uint32_t labels = 1 + draw(3);

    *out = '\0';
    for (uint32_t i = 0; i < labels; i++) {
        const uint32_t length = 1 + draw(5);

        for (uint32_t k = 0; k < length; k++)
            strncat(out, &signs[draw(sizeof signs - 1)], 1);
        strcat(out, ".");
    }
    strcat(out, suffixes[draw(NM_COUNT(suffixes))]);
}

/* One or two random changes. */
static void misspell(char *name)
{
    static const char signs[] = "abcrn-1.";

    for (uint32_t edits = 1 + draw(2); edits > 0; edits--) {
        const size_t length = strlen(name);
        const size_t at = draw((uint32_t)length);
        const char sign = signs[draw(sizeof signs - 1)];

        switch (draw(4)) {
        case 0:
            memmove(name + at, name + at + 1, length - at);
            break;
        case 1:
            memmove(name + at + 1, name + at, length - at + 1);
            name[at] = sign;
            break;
        case 2:
            name[at] = sign;
            break;
        default:
            if (at + 1 < length) {
                const char first = name[at];

                name[at] = name[at + 1];
                name[at + 1] = first;
            }
            break;
        }
        if (*name == '\0')
            strcpy(name, "a.com");
    }
}

/* ---- the model ---------------------------------------------------------- */

static bool is_equal_without(const char *longer, size_t at, const char *shorter)
{
    return strncmp(longer, shorter, at) == 0 &&
           strcmp(longer + at + 1, shorter + at) == 0;
}

static bool is_one_edit(const char *a, const char *b)
{
    const char *longer = strlen(a) > strlen(b) ? a : b;
    const char *shorter = longer == a ? b : a;
    const size_t length = strlen(longer);
    size_t unequal = 0;
    size_t last = 0;

    if (length == strlen(shorter) + 1) {
        for (size_t i = 0; i < length; i++)
            if (strlen(shorter) >= i && is_equal_without(longer, i, shorter))
                return true;
        return false;
    }
    if (length != strlen(shorter))
        return false;
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i]) {
            unequal++;
            last = i;
        }
    return unequal == 1 ||
           (unequal == 2 && a[last - 1] == b[last] && a[last] == b[last - 1]);
}

/* In their dots and hyphens, up to three of them: four may be more slips than are kept. */
static bool is_one_but_separators(const char *a, const char *b)
{
    unsigned unequal = 0;

    while (*a != '\0' || *b != '\0') {
        const bool a_sign = *a == '.' || *a == '-';
        const bool b_sign = *b == '.' || *b == '-';

        if (*a == *b) {
            a++;
            b++;
            continue;
        }
        if (!a_sign && !b_sign)
            return false;
        unequal++;
        a += a_sign;
        b += b_sign;
    }
    return unequal > 0 && unequal <= 3;
}

static bool is_tail_start(
    const struct nm_domain *typed, struct nm_domain_parts parts, size_t at)
{
    const size_t last = parts.registrable < typed->length ? parts.registrable : 0;

    return at <= last && (at == 0 || typed->name[at - 1] == '.');
}

/* ---- comparing ---------------------------------------------------------- */

static bool is_among(
    const struct nm_candidate *candidates, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(candidates[i].target.name, text) == 0)
            return true;
    return false;
}

/* The slips, applied to the target, give what was typed. */
static void expect_slips_to_lead_back(
    const struct nm_domain *typed, const struct nm_candidate *candidate)
{
    char text[4 * NM_DOMAIN_MAX] = "";
    size_t meant = 0;
    size_t length = 0;

    ck_assert_uint_ge(candidate->slip_count, 1);
    for (size_t i = 0; i < candidate->slip_count; i++) {
        const struct nm_slip *slip = &candidate->slips[i];

        ck_assert_uint_ge(slip->meant_at, meant);
        memcpy(text + length, candidate->target.name + meant, slip->meant_at - meant);
        length += slip->meant_at - meant;
        ck_assert_uint_eq(length, slip->typed_at);
        memcpy(text + length, typed->name + slip->typed_at, slip->typed_length);
        length += slip->typed_length;
        meant = (size_t)slip->meant_at + slip->meant_length;
    }
    strcpy(text + length, candidate->target.name + meant);
    ck_assert_str_eq(text, typed->name);
}

static void expect_sound(const struct kit *kit, const struct nm_domain *typed,
    const struct nm_candidate *candidates, size_t count)
{
    struct nm_verdict verdict;
    double sum = 0;

    nm_index_match(kit->index, typed, &verdict);
    ck_assert_uint_eq(verdict.candidate_count, count);
    for (size_t i = 0; i < count; i++) {
        expect_slips_to_lead_back(typed, &candidates[i]);
        ck_assert_str_ne(candidates[i].target.name, typed->name);
        ck_assert(candidates[i].confidence >= 0 && candidates[i].confidence <= 1);
        ck_assert(i == 0 || candidates[i].confidence <= candidates[i - 1].confidence);
        ck_assert_int_ne(candidates[i].technique, NM_TECHNIQUE_NONE);
        ck_assert(!is_among(candidates, i, candidates[i].target.name));
        sum += candidates[i].confidence;
    }
    ck_assert(fabs(sum - verdict.confidence) < 1e-9);
    if (count > 0) {
        ck_assert_str_eq(verdict.best.target.name, candidates[0].target.name);
        ck_assert_int_eq(verdict.match == NM_MATCH_NEAR_MISS,
            verdict.confidence >= kit->spec.threshold);
    }
}

/* How often the name was written to, if history alone lists it; 0 if nobody does, and
 * more than history can say if a list does. */
static double usualness(const struct kit *kit, const char *name)
{
    double count = 0;

    for (size_t n = 0; n < kit->spec.entry_count; n++) {
        const struct nm_index_entry *entry = &kit->entries[n];

        if (strcmp(entry->name.name, name) != 0)
            continue;
        if (entry->listing != NM_LISTING_HISTORY)
            return INFINITY;
        count = fmax(count, entry->weight);
    }
    return count;
}

/* Returns how many names the model found near. */
static size_t compare(const struct kit *kit, const struct nm_domain *typed)
{
    const struct nm_domain_parts parts = nm_domain_split(kit->names, typed);
    struct nm_candidate candidates[CANDIDATES];
    const size_t count =
        nm_index_candidates(kit->index, typed, candidates, NM_COUNT(candidates));
    size_t near = 0;

    expect_sound(kit, typed, candidates, count);
    for (size_t n = 0; n < kit->spec.entry_count; n++)
        for (size_t kept = 0; kept < typed->length; kept++) {
            const char *meant = kit->entries[n].name.name;
            char target[2 * NM_DOMAIN_MAX];

            if (usualness(kit, meant) <= usualness(kit, typed->name) ||
                !is_tail_start(typed, parts, kept) ||
                !(is_one_edit(typed->name + kept, meant) ||
                    is_one_but_separators(typed->name + kept, meant)))
                continue;
            memcpy(target, typed->name, kept);
            strcpy(target + kept, meant);
            ck_assert_msg(is_among(candidates, count, target), "%s is not found for %s",
                target, typed->name);
            near++;
        }
    return near;
}

/* Listed, or below a name whose listing covers. */
static bool is_listed(const struct kit *kit, const struct nm_domain *typed)
{
    for (size_t n = 0; n < kit->spec.entry_count; n++) {
        const struct nm_domain *name = &kit->entries[n].name;
        const enum nm_listing listing = kit->entries[n].listing;
        const size_t head = (size_t)typed->length - name->length;

        if (listing == NM_LISTING_HISTORY || typed->length < name->length ||
            strcmp(typed->name + head, name->name) != 0)
            continue;
        if (head == 0 ||
            (typed->name[head - 1] == '.' && listing >= NM_LISTING_PROTECTED))
            return true;
    }
    return false;
}

static void draw_index(struct kit *kit)
{
    static const enum nm_listing listings[] = {NM_LISTING_HISTORY, NM_LISTING_PROVIDER,
        NM_LISTING_PROTECTED, NM_LISTING_ALLOWED, NM_LISTING_OWN};
    char name[NM_DOMAIN_MAX + 1];

    kit_begin(kit);
    for (size_t i = 0; i < NAMES; i++) {
        draw_name(name);
        kit_add(kit, listings[draw(NM_COUNT(listings))], name, 1 + draw(50));
    }
    kit_build(kit);
}

START_TEST(test_match__the_index_finds_what_a_plain_comparison_finds)
{
    size_t near = 0;
    size_t listed = 0;
    size_t judged = 0;
    const char *wanted = getenv("NM_MODEL_ROUNDS");
    const size_t rounds = wanted != NULL ? strtoul(wanted, NULL, 10) : ROUNDS;

    ck_assert_uint_ge(rounds, ROUNDS);
    state = 20230717 + (uint32_t)(rounds - ROUNDS);
    for (size_t round = 0; round < rounds; round++) {
        struct kit kit;

        draw_index(&kit);
        for (int i = 0; i < TYPED; i++) {
            char text[2 * NM_DOMAIN_MAX];
            struct nm_domain typed;

            if (draw(4) == 0)
                draw_name(text);
            else
                strcpy(text, kit.entries[draw(NAMES)].name.name);
            if (draw(4) != 0)
                misspell(text);
            if (nm_domain_parse(kit.names, text, strlen(text), &typed) != NM_FAULT_NONE)
                continue;
            judged++;
            if (is_listed(&kit, &typed)) {
                struct nm_verdict verdict;

                listed++;
                nm_index_match(kit.index, &typed, &verdict);
                ck_assert_int_ne(verdict.match, NM_MATCH_NEAR_MISS);
                ck_assert_int_ne(verdict.match, NM_MATCH_NONE);
                ck_assert_ptr_nonnull(verdict.listed);
                continue;
            }
            near += compare(&kit, &typed);
        }
        kit_end(&kit);
    }
    /* The names drawn were such that all of this was tried often. */
    ck_assert_uint_gt(judged, 125 * rounds);
    ck_assert_uint_gt(listed, 15 * rounds);
    ck_assert_uint_gt(near, 60 * rounds);
    printf("%zu pairs of names, %zu of them near\n", judged * NAMES, near);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_model");
    TCase *cases = tcase_create("model");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_match__the_index_finds_what_a_plain_comparison_finds);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
