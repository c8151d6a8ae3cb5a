/*
 * The worst names against the worst lists: the work is counted, not timed.
 */
#include "../../src/match/search.h"
#include "match_kit.h"

enum { LISTED = 6000 };

static struct nm_index_entry entries[LISTED];

/* A name of 253 bytes: labels of `label` times `c`, up to 63. */
static void fill(char *out, char c, size_t label)
{
    for (size_t i = 0; i < NM_DOMAIN_MAX; i++)
        out[i] = (i + 1) % (label + 1) == 0 && i + 1 < NM_DOMAIN_MAX ? '.' : c;
    out[NM_DOMAIN_MAX] = '\0';
}

/* Many names that are all near `base`, or look like it: in each, some of the characters
 * from a look-alike group are others of the group. */
static void crowd(struct kit *kit, const char *base)
{
    static const char alike[] = "l1i";

    for (size_t n = 0; n < LISTED; n++) {
        char text[NM_DOMAIN_MAX + 1];
        size_t bits = n;

        strcpy(text, base);
        for (size_t i = 0; text[i] != '\0' && bits > 0; i++)
            if (text[i] != '.') {
                text[i] = alike[bits % 3];
                bits /= 3;
            }
        entries[n].name = kit_domain(kit, text);
        entries[n].listing = NM_LISTING_PROTECTED;
        entries[n].weight = 1;
    }
    kit->spec.entries = entries;
    kit->spec.entry_count = LISTED;
}

static void expect_bounded(const struct kit *kit, const struct nm_domain *typed)
{
    struct nm_verdict verdict;
    struct nm_findings found;
    struct nm_query query;

    nm_query_init(kit->index, typed, &query);
    nm_query_split(&query);
    nm_search(&query, &found);
    ck_assert_uint_le(found.count, NM_FINDINGS_MAX);
    ck_assert_uint_le(found.tries, NM_TRIES_MAX);
    ck_assert_uint_le(found.looks, NM_LOOKS_MAX);
    ck_assert_uint_lt(found.tried_bytes, NM_TRIED_BYTES_MAX + NM_DOMAIN_MAX);
    nm_index_match(kit->index, typed, &verdict);
    ck_assert_uint_le(verdict.candidate_count, NM_FINDINGS_MAX);
}

START_TEST(test_match__the_work_for_any_name_is_bounded)
{
    static const size_t labels[] = {1, 2, 3, 7, 31, 62};

    for (size_t i = 0; i < NM_COUNT(labels); i++) {
        char base[NM_DOMAIN_MAX + 1];
        struct kit kit;

        kit_begin(&kit);
        fill(base, 'l', labels[i]);
        crowd(&kit, base);
        kit_build(&kit);
        for (size_t at = 0; at < NM_DOMAIN_MAX; at += 5) {
            struct nm_domain typed;
            char text[NM_DOMAIN_MAX + 1];

            strcpy(text, base);
            if (text[at] != '.')
                text[at] = '1';
            typed = kit_domain(&kit, text);
            expect_bounded(&kit, &typed);
        }
        kit_end(&kit);
    }
}
END_TEST

/* A syllable's skeleton has 21 bytes, and said again it takes one byte of an A-label. */
START_TEST(test_match__the_longest_looks_in_front_hide_no_look_alike)
{
    static const char label[] =
        "xn--jt0baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.";
    char text[NM_DOMAIN_MAX + 1] = "";
    struct nm_verdict verdict;
    struct kit kit;

    ck_assert_uint_eq(sizeof label, NM_LABEL_MAX + 2);
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, "army.mil", 1);
    kit_build(&kit);
    for (int labels = 0; labels <= 3; labels++) {
        struct nm_domain typed;

        (void)strcpy(text + (size_t)labels * (sizeof label - 1), "xn--rmy-5cd.mil");
        typed = kit_domain(&kit, text);
        nm_index_match(kit.index, &typed, &verdict);
        ck_assert_msg(verdict.match == NM_MATCH_NEAR_MISS, "behind %d labels", labels);
        ck_assert_int_eq(verdict.best.technique, NM_TECHNIQUE_GLYPH);
        ck_assert(!verdict.out_of_memory);
        if (labels < 3)
            (void)strcpy(text + (size_t)labels * (sizeof label - 1), label);
    }
    kit_end(&kit);
}
END_TEST

/* Even of a look that was cut no tail begins behind its end. */
START_TEST(test_match__a_tail_of_a_cut_look_is_empty)
{
    struct nm_look look = {.text = "a.b"};

    ck_assert_uint_eq(nm_look_tail(&look, 0), 0);
    ck_assert_uint_eq(nm_look_tail(&look, 1), 2);
    ck_assert_uint_eq(nm_look_tail(&look, 2), 3);
    ck_assert_uint_eq(nm_look_tail(&look, 200), 3);
}
END_TEST

static void search(const struct kit *kit, const char *text, struct nm_findings *found)
{
    const struct nm_domain typed = kit_domain(kit, text);
    struct nm_query query;

    nm_query_init(kit->index, &typed, &query);
    nm_query_split(&query);
    nm_search(&query, found);
}

static uint32_t fullest_bucket(const struct nm_map *map)
{
    uint32_t fullest = 0;

    for (uint32_t b = 1; b < map->bucket_count; b++)
        if (map->starts[b + 1] - map->starts[b] >
            map->starts[fullest + 1] - map->starts[fullest])
            fullest = b;
    return fullest;
}

/* The next of many names: its digits count. */
static void count_up(char *digits, size_t length)
{
    while (length-- > 0 && digits[length]++ == '9')
        digits[length] = '0';
}

/* Thousands of names have one look, so one bucket of the index is full of them; a name is
 * looked for that has a key in it, by its hash, and gets past the filter. */
START_TEST(test_match__a_crowded_bucket_ends_the_search_at_its_cap)
{
    char text[] = "abcdefghij00000000x.example";
    struct nm_findings found;
    struct kit kit;
    const struct nm_map *map;
    uint32_t crowded;
    uint64_t key;
    unsigned tries = 0;

    kit_begin(&kit);
    crowd(&kit, "lllllllllllllllllll.example");
    kit_build(&kit);
    search(&kit, "iiiiiiiilllllllllll.example", &found);
    ck_assert_uint_eq(found.tries, NM_TRIES_MAX);
    map = &kit.index->near;
    crowded = fullest_bucket(map);
    ck_assert_uint_ge(map->starts[crowded + 1] - map->starts[crowded], NM_LOOKS_MAX);
    do {
        count_up(text + 10, 8);
        key = nm_key(NM_KEY_NEAR, nm_hash(text, sizeof text - 1));
    } while (++tries < 99999999 && (nm_map_bucket(map, key) != crowded ||
                                       !nm_filter_may_have(&map->filter, key)));
    search(&kit, text, &found);
    ck_assert_uint_eq(found.looks, NM_LOOKS_MAX);
    ck_assert_uint_le(found.tries, NM_TRIES_MAX);
    kit_end(&kit);
}
END_TEST

START_TEST(test_match__of_too_many_candidates_the_most_probable_are_weighed)
{
    static const char typed[] = "lllllllllllllllllll.example";
    struct nm_findings found;
    struct kit kit;
    size_t count = 0;

    kit_begin(&kit);
    for (size_t at = 0; typed[at] != '.'; at++)
        for (char c = 'a'; c <= 'z'; c++) {
            char text[sizeof typed];

            if (c == typed[at])
                continue;
            strcpy(text, typed);
            text[at] = c;
            entries[count].name = kit_domain(&kit, text);
            entries[count].listing = NM_LISTING_PROTECTED;
            entries[count++].weight = at == 12 && c == 'k' ? 50 : 1;
        }
    kit.spec.entries = entries;
    kit.spec.entry_count = count;
    kit_build(&kit);
    search(&kit, typed, &found);
    ck_assert_uint_eq(found.count, NM_FINDINGS_MAX);
    kit_expect_near(&kit, typed, "llllllllllllkllllll.example", 0.5);
    kit_end(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_bounds");
    TCase *cases = tcase_create("bounds");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_match__the_work_for_any_name_is_bounded);
    tcase_add_test(cases, test_match__the_longest_looks_in_front_hide_no_look_alike);
    tcase_add_test(cases, test_match__a_tail_of_a_cut_look_is_empty);
    tcase_add_test(cases, test_match__a_crowded_bucket_ends_the_search_at_its_cap);
    tcase_add_test(
        cases, test_match__of_too_many_candidates_the_most_probable_are_weighed);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
