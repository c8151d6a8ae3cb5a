#include "alloc_walk.h"
#include "match_kit.h"

#include <unicode/uclean.h>

static struct kit kit;
static bool icu_counts; /* whether ICU's allocations fail in their turn, too */

static void *icu_alloc(const void *context, size_t size)
{
    (void)context;
    return icu_counts ? malloc(size) : __real_malloc(size);
}

static void *icu_realloc(const void *context, void *memory, size_t size)
{
    (void)context;
    return icu_counts ? realloc(memory, size) : __real_realloc(memory, size);
}

static void icu_free(const void *context, void *memory)
{
    (void)context;
    free(memory);
}

static void set_up(void)
{
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_OWN, "example.org", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "army.mil", 1);
    kit_add(&kit, NM_LISTING_PROTECTED,
        "b\xc3\xbc"
        "cher-b\xc3\xbc"
        "cher-b\xc3\xbc"
        "cher-b\xc3\xbc"
        "cher.example",
        1);
    kit_add(&kit, NM_LISTING_HISTORY, "partner.example", 20);
    kit_add_suffix(&kit, "mil");
}

static void tear_down(void)
{
    kit_end(&kit);
}

/* ICU loads its tables once a process, and remembers a failure to do so. */
static void warm_up(void)
{
    icu_counts = false;
    kit_build(&kit);
    nm_index_free(&kit.index);
}

/* Make the index with allocation number `nth` failing; false when there are fewer. */
static bool build_failing(size_t nth, enum nm_code *code)
{
    struct nm_error error = {.code = NM_OK};
    bool failed;

    alloc_walk_fail(nth);
    *code = nm_index_new(&kit.spec, &kit.index, &error);
    failed = alloc_walk_failed();
    ck_assert_int_eq(error.code, *code);
    ck_assert_int_eq(*code == NM_OK, kit.index != NULL);
    return failed;
}

START_TEST(test_match__an_index_is_whole_or_not_at_all)
{
    enum nm_code code;
    size_t nth = 1;

    warm_up();
    while (build_failing(nth, &code)) {
        ck_assert_int_eq(code, NM_NO_MEMORY);
        nth++;
    }
    ck_assert_int_eq(code, NM_OK);
    ck_assert_uint_gt(nth, 8);
}
END_TEST

/* ICU does without some of what it asks for. */
START_TEST(test_match__an_index_without_memory_for_icu_is_whole_or_not_at_all)
{
    enum nm_code code;
    size_t nth = 1;

    warm_up();
    icu_counts = true;
    while (build_failing(nth, &code)) {
        ck_assert(code == NM_OK || code == NM_NO_MEMORY);
        if (code == NM_OK) {
            kit_expect(&kit, "army.ml", NM_MATCH_NEAR_MISS);
            kit_expect(&kit, "bucher-bucher-bucher-bucher.example", NM_MATCH_NEAR_MISS);
        }
        nm_index_free(&kit.index);
        nth++;
    }
    ck_assert_int_eq(code, NM_OK);
    ck_assert_uint_gt(nth, 12);
}
END_TEST

START_TEST(test_match__judging_a_name_in_ascii_allocates_nothing)
{
    static const char *const typed[] = {"army.mil", "army.ml", "mail.amry.mil",
        "navy.mill", "usarmy.mil", "example.net", "army-mil.com", "wwwexample.org",
        "rnail.exarnple.org", "bucher.example", "partner.exmaple",
        "nothing.near.example"};
    struct nm_domain domains[NM_COUNT(typed)];
    struct nm_candidate candidates[16];
    struct nm_verdict verdict;

    warm_up();
    kit_build(&kit);
    icu_counts = true;
    for (size_t i = 0; i < NM_COUNT(typed); i++)
        domains[i] = kit_domain(&kit, typed[i]);
    for (size_t i = 0; i < NM_COUNT(typed); i++) {
        alloc_walk_fail(1);
        nm_index_match(kit.index, &domains[i], &verdict);
        (void)nm_index_candidates(
            kit.index, &domains[i], candidates, NM_COUNT(candidates));
        ck_assert_msg(!alloc_walk_failed(), "%s", typed[i]);
    }
}
END_TEST

int main(void)
{
    UErrorCode status = U_ZERO_ERROR;
    Suite *suite = suite_create("match_alloc");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    u_setMemoryFunctions(NULL, icu_alloc, icu_realloc, icu_free, &status);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_match__an_index_is_whole_or_not_at_all);
    tcase_add_test(
        cases, test_match__an_index_without_memory_for_icu_is_whole_or_not_at_all);
    tcase_add_test(cases, test_match__judging_a_name_in_ascii_allocates_nothing);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
