/*
 * Lack of memory, one allocation after the other, ours and SQLite's: somebody is told, or
 * the log says that nobody could be, and there is no third.
 */
#include "alloc_walk.h"
#include "notice_kit.h"

#include <sqlite3.h>

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

static bool walk_sqlite(void)
{
    sqlite3_mem_methods methods;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK)
        return false;
    methods = real_methods;
    methods.xMalloc = failing_malloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

static struct kit kit;

START_TEST(test_notices__without_memory_the_log_says_who_was_not_told)
{
    const struct nm_notice_recipient bob =
        kit_recipient("01J000000000000000000000AA", false);
    struct nm_notice_settings settings;
    unsigned failures = 0;
    unsigned sent = 0;
    bool failed = true;

    kit_start(&kit);
    settings = kit_settings(&kit);
    kit_open(&kit, &settings);
    for (size_t nth = 1; failed; nth++) {
        (void)pthread_mutex_lock(&kit.lock);
        kit.logged[0] = '\0';
        kit.length = 0;
        (void)pthread_mutex_unlock(&kit.lock);
        alloc_walk_fail(nth);
        kit_tell(&kit, "a@example.org", &bob, 1);
        failed = alloc_walk_failed();
        failures += failed;
        if (!kit_has_log(&kit, "nobody could be told"))
            sent++;
        kit_until_done(&kit);
        ck_assert_uint_eq(kit.messages, sent);
    }
    ck_assert_uint_ge(failures, 3);
    ck_assert_uint_ge(sent, 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_notices__are_made_whole_or_not_at_all)
{
    bool failed = true;

    kit_start(&kit);
    for (size_t nth = 1; failed; nth++) {
        const struct nm_notice_settings settings = kit_settings(&kit);
        const struct nm_notices_options options = {kit.database, &kit.ports};
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_notices_new(&options, &kit.notices);
        if (code == NM_OK)
            code = nm_notices_configure(kit.notices, &settings, NULL);
        failed = alloc_walk_failed();
        ck_assert(code == NM_OK || failed);
        nm_notices_stop(&kit.notices);
    }
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("alloc");
    Suite *suite = suite_create("notice");
    SRunner *runner;
    int failed;

    if (!walk_sqlite())
        return EXIT_FAILURE;
    tcase_add_test(tests, test_notices__without_memory_the_log_says_who_was_not_told);
    tcase_add_test(tests, test_notices__are_made_whole_or_not_at_all);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
