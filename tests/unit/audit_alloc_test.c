/*
 * Lack of memory, anywhere: ours, one allocation after the other, and SQLite's. Nothing
 * is half done, and when there is memory again the log goes on.
 */
#include "alloc_walk.h"
#include "audit_kit.h"

#include <stdatomic.h>

/* ---- ours --------------------------------------------------------------- */

START_TEST(test_alloc__starting_needs_memory_or_goes_on_without)
{
    struct nm_error error = {.code = NM_OK};
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        struct kit kit;
        struct nm_audit_options options;
        enum nm_code code;

        kit_init(&kit);
        options = (struct nm_audit_options){.path = kit.path,
            .wait_ms = kit.wait_ms,
            .gateway = "mx1",
            .log = &kit.log,
            .clock = {.self = &kit, .now_us = kit_now_us}};
        alloc_walk_fail(nth);
        code = nm_audit_start(&options, &kit.audit, &error);
        failed = alloc_walk_failed();
        ck_assert(code == NM_OK || (failed && code == NM_NO_MEMORY));
        ck_assert((kit.audit != NULL) == (code == NM_OK));
        if (code == NM_OK) {
            const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

            kit.port = nm_audit_port(kit.audit);
            while (kit_try(&kit, &event, 1, &error) != NM_OK)
                usleep(1000);
        }
        kit_stop(&kit);
    }
}
END_TEST

START_TEST(test_alloc__appending_takes_all_or_nothing)
{
    struct kit kit;
    struct nm_audit_event events[3];
    struct kit_rows rows = {0};
    size_t taken = 0;
    bool failed = true;

    kit_start(&kit);
    for (size_t nth = 1; failed || taken < 600; nth = failed ? nth + 1 : 1) {
        uint64_t ticket = 0;
        enum nm_code code;

        for (size_t i = 0; i < NM_COUNT(events); i++)
            events[i] = kit_decision(&kit, "bob@army.ml");
        alloc_walk_fail(nth);
        code = kit.port.append(kit.port.self, events, NM_COUNT(events), &ticket);
        failed = alloc_walk_failed();
        ck_assert_int_eq(code, failed ? NM_NO_MEMORY : NM_OK);
        ck_assert((ticket != 0) == !failed);
        taken += !failed;
    }
    nm_audit_stop(&kit.audit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, NM_COUNT(events) * taken);
    kit_rows_free(&rows);
    kit_free(&kit);
}
END_TEST

START_TEST(test_alloc__noting_a_configuration_does_it_or_says_so)
{
    struct kit kit;
    enum nm_code code = NM_NO_MEMORY;

    kit_start(&kit);
    for (size_t nth = 1; code != NM_OK; nth++) {
        bool failed;

        alloc_walk_fail(nth);
        code = nm_audit_note_config(kit.audit, "00ff", "text");
        failed = alloc_walk_failed();
        ck_assert_int_eq(code, failed ? NM_NO_MEMORY : NM_OK);
    }
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM config"), 1);
    kit_free(&kit);
}
END_TEST

static bool count(void *self, const struct nm_audit_row *row)
{
    (void)row;
    (*(size_t *)self)++;
    return true;
}

/* Whether an allocation failed. */
static bool read_with_failure(const struct kit *kit, size_t nth)
{
    const struct nm_audit_query query = {.sender = "alice@example.org", .newest = 100};
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};
    size_t rows = 0;
    char *text = NULL;
    enum nm_code code;
    bool failed;

    alloc_walk_fail(nth);
    code = nm_audit_reader_open(kit->path, &reader, &error);
    if (code == NM_OK)
        code = nm_audit_reader_list(reader, &query, count, &rows, &error);
    if (code == NM_OK)
        text = nm_audit_reader_config(reader, "00ff");
    nm_audit_reader_close(&reader);
    failed = alloc_walk_failed();
    ck_assert(failed ? code == NM_NO_MEMORY || text == NULL : code == NM_OK);
    ck_assert(code != NM_OK || rows == 100);
    ck_assert(failed || strcmp(text, "text") == 0);
    free(text);
    return failed;
}

START_TEST(test_alloc__reading_gives_rows_or_says_so)
{
    struct kit kit;
    size_t nth = 1;

    kit_start(&kit);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "text"), NM_OK);
    for (int i = 0; i < 100; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
    }
    nm_audit_stop(&kit.audit);
    while (read_with_failure(&kit, nth))
        nth++;
    ck_assert_uint_gt(nth, 5);
    kit_free(&kit);
}
END_TEST

START_TEST(test_alloc__the_check_says_so)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    bool failed = true;

    kit_start(&kit);
    nm_audit_stop(&kit.audit);
    for (size_t nth = 1; failed; nth++) {
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_audit_check(kit.path, &error);
        failed = alloc_walk_failed();
        ck_assert_int_eq(code, failed ? NM_NO_MEMORY : NM_OK);
    }
    kit_free(&kit);
}
END_TEST

/* ---- SQLite's ----------------------------------------------------------- */

static sqlite3_mem_methods memory;
static atomic_long sqlite_countdown; /* the allocation that makes it 0 fails */

static bool sqlite_refuses(void)
{
    return atomic_load(&sqlite_countdown) > 0 &&
           atomic_fetch_sub(&sqlite_countdown, 1) == 1;
}

static void *sqlite_malloc(int size)
{
    return sqlite_refuses() ? NULL : memory.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return sqlite_refuses() ? NULL : memory.xRealloc(old, size);
}

static void install_sqlite_memory(void)
{
    sqlite3_mem_methods failing;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
        abort();
    failing = memory;
    failing.xMalloc = sqlite_malloc;
    failing.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
        abort();
}

/* Start, and record two events, the second of a new sender; an allocation in between
 * fails. Whether it came to that. */
static bool record_with_failure(long nth)
{
    struct kit kit;
    struct nm_audit_event events[2];
    struct kit_rows rows = {0};
    struct nm_error error = {.code = NM_OK};
    bool durable[2];
    bool failed;

    kit_init(&kit);
    atomic_store(&sqlite_countdown, nth);
    kit_open(&kit);
    for (size_t i = 0; i < 2; i++) {
        events[i] = kit_decision(&kit, i == 0 ? "first@army.ml" : "second@army.ml");
        events[i].sender = kit_bytes(i == 0 ? "alice@example.org" : "Bob@example.org");
        durable[i] = kit_try(&kit, &events[i], 1, &error) == NM_OK;
        ck_assert(durable[i] || error.code == NM_SYSTEM);
        ck_assert_msg(durable[i] || strstr(error.message, "memory") != NULL, "%ld: %s",
            nth, error.message);
    }
    failed = atomic_exchange(&sqlite_countdown, 0) <= 0;
    for (size_t i = 0; i < 2; i++)
        while (!durable[i]) {
            durable[i] = kit_try(&kit, &events[i], 1, &error) == NM_OK;
            usleep(1000);
        }
    nm_audit_stop(&kit.audit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    kit_rows_free(&rows);
    kit_free(&kit);
    return failed;
}

START_TEST(test_alloc__sqlite_may_lack_memory)
{
    enum { STEP = 149 };
    long nth = 1;

    while (record_with_failure(nth))
        nth += STEP;
    ck_assert_int_gt(nth, 5 * STEP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alloc");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    install_sqlite_memory();
    tcase_add_test(cases, test_alloc__starting_needs_memory_or_goes_on_without);
    tcase_add_test(cases, test_alloc__appending_takes_all_or_nothing);
    tcase_add_test(cases, test_alloc__noting_a_configuration_does_it_or_says_so);
    tcase_add_test(cases, test_alloc__reading_gives_rows_or_says_so);
    tcase_add_test(cases, test_alloc__the_check_says_so);
    tcase_add_test(cases, test_alloc__sqlite_may_lack_memory);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
