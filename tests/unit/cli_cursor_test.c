/* The cursor of an export: a file that is whole or not there. */
#include "cli/cursor.h"
#include "temp_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 64 };

static char folder[] = "/tmp/nm-cursor-XXXXXX";
static char path[PATH_BYTES];

static void set_up(void)
{
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(temp_folder_from(folder));
    (void)snprintf(path, sizeof path, "%s/cursor", folder);
}

static void tear_down(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_cursor__is_read_as_it_was_written)
{
    static const struct nm_cursor cursors[] = {
        {0, 0}, {1, 1772366400123456}, {INT64_MAX, INT64_MAX}, {7, -1}};
    struct nm_cursor got;
    bool found = true;

    set_up();
    ck_assert_int_eq(nm_cursor_read(path, &got, &found, NULL), NM_OK);
    ck_assert(!found);
    for (size_t i = 0; i < NM_COUNT(cursors); i++) {
        ck_assert_int_eq(nm_cursor_write(path, &cursors[i], NULL), NM_OK);
        ck_assert_int_eq(nm_cursor_read(path, &got, &found, NULL), NM_OK);
        ck_assert(found);
        ck_assert_int_eq(got.sequence, cursors[i].sequence);
        ck_assert_int_eq(got.time_us, cursors[i].time_us);
    }
    tear_down();
}
END_TEST

static const char *const wrong[] = {"", "\n", "nearmiss-cursor 1",
    "nearmiss-cursor 1 7", "nearmiss-cursor 1 7 8", "nearmiss-cursor 1 7 8 en",
    "nearmiss-cursor 2 7 8 end\n", "nearmiss-cursor 1 -7 8 end\n",
    "nearmiss-cursor 1 7 8 end\nmore", "7 8\n"};

START_TEST(test_cursor__what_is_none_is_refused)
{
    struct nm_cursor got;
    struct nm_error error = {.code = NM_OK};
    bool found = false;

    set_up();
    write_file(wrong[_i]);
    ck_assert_int_eq(nm_cursor_read(path, &got, &found, &error), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message, "no cursor"));
    ck_assert_int_eq(got.sequence, 0);
    tear_down();
}
END_TEST

START_TEST(test_cursor__a_folder_that_is_not_there_is_told)
{
    const struct nm_cursor cursor = {1, 2};
    struct nm_error error = {.code = NM_OK};

    ck_assert_int_eq(
        nm_cursor_write("/nonexistent/cursor", &cursor, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/cursor: No such file"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cursor");
    TCase *cases = tcase_create("cursor");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_cursor__is_read_as_it_was_written);
    tcase_add_loop_test(
        cases, test_cursor__what_is_none_is_refused, 0, (int)NM_COUNT(wrong));
    tcase_add_test(cases, test_cursor__a_folder_that_is_not_there_is_told);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
