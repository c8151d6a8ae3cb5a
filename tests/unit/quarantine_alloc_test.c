/*
 * Lack of memory, one allocation after the other, ours and SQLite's: nothing is half done,
 * nothing is taken for kept that is not, and when there is memory again it goes on.
 */
#include "alloc_walk.h"
#include "quarantine_kit.h"

#include <sqlite3.h>

static const char *const bob[] = {"bob@army.ml", "eve@army.ml", NULL};

/* SQLite's allocations go through ours, so that they are walked as well. */
static sqlite3_mem_methods real_methods;

static void *failing_malloc(int size)
{
    void *memory = malloc(1);

    if (memory == NULL)
        return NULL;
    free(memory);
    return real_methods.xMalloc(size);
}

static void *failing_realloc(void *memory, int size)
{
    void *probe = malloc(1);

    if (probe == NULL)
        return NULL;
    free(probe);
    return real_methods.xRealloc(memory, size);
}

static bool walk_sqlite(void)
{
    sqlite3_mem_methods methods;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK)
        return false;
    methods = real_methods;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

START_TEST(test_alloc__a_message_is_kept_whole_or_not_at_all)
{
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        struct kit kit;
        struct kit_message message;
        struct kit_entries entries;
        struct nm_error error = {.code = NM_OK};
        enum nm_code code;

        kit_start(&kit);
        kit_compose(&kit, &message, bob, "x\r\n");
        alloc_walk_fail(nth);
        code = kit_put(&kit, &message, NULL, &error);
        failed = alloc_walk_failed();
        ck_assert_msg(code == NM_OK || failed, "%s", error.message);
        kit_list(&kit, &entries);
        ck_assert_uint_eq(entries.count, code == NM_OK ? 2 : 0);
        ck_assert_uint_eq(kit_files(&kit, "incoming"), 0);
        if (code != NM_OK) {
            kit_compose(&kit, &message, bob, "x\r\n");
            ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_OK);
            kit_list(&kit, &entries);
        }
        ck_assert_uint_eq(entries.count, 2);
        kit_stop(&kit);
    }
}
END_TEST

START_TEST(test_alloc__an_act_is_done_whole_or_not_at_all)
{
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        struct kit kit;
        struct kit_entries entries;
        struct nm_queue_id came_by;
        struct nm_error error = {.code = NM_OK};
        struct nm_id id;
        enum nm_code begun;
        enum nm_code released = NM_NO_MEMORY;

        kit_start(&kit);
        id = kit_keep(&kit, bob[0], "x\r\n");
        alloc_walk_fail(nth);
        begun = nm_review_release(
            kit.quarantine, &kit.reviewer, id.text, bob[0], false, &came_by, &error);
        if (begun == NM_OK)
            released = nm_review_released(kit.quarantine, id.text, &error);
        failed = alloc_walk_failed();
        ck_assert(released == NM_OK || failed);
        kit_list(&kit, &entries);
        ck_assert_uint_eq(entries.count, 1);
        ck_assert_int_eq(entries.rows[0].state, begun != NM_OK      ? NM_KEPT_WAITING
                                                : released != NM_OK ? NM_KEPT_RELEASING
                                                                    : NM_KEPT_RELEASED);
        kit_stop(&kit);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("alloc");
    Suite *suite = suite_create("quarantine");
    SRunner *runner;
    int failed;

    if (!walk_sqlite())
        return EXIT_FAILURE;
    tcase_add_test(tests, test_alloc__a_message_is_kept_whole_or_not_at_all);
    tcase_add_test(tests, test_alloc__an_act_is_done_whole_or_not_at_all);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
