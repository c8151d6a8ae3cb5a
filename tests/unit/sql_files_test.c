#include "sql/sql.h"
#include "temp_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bed {
    char folder[32];
    char path[64];
    char lock[80];
};

static void set_up(struct bed *bed)
{
    *bed = (struct bed){.folder = "/tmp/nm-sql-XXXXXX"};
    ck_assert_ptr_nonnull(temp_folder_from(bed->folder));
    (void)snprintf(bed->path, sizeof bed->path, "%s/some.db", bed->folder);
    (void)snprintf(bed->lock, sizeof bed->lock, "%s-lock", bed->path);
}

static void tear_down(struct bed *bed)
{
    (void)unlink(bed->path);
    (void)unlink(bed->lock);
    ck_assert_msg(rmdir(bed->folder) == 0, "%s is not empty", bed->folder);
}

START_TEST(test_sql__a_new_file_may_be_read_by_its_group_alone)
{
    struct bed bed;
    struct stat file;
    const mode_t before = umask(0777);

    set_up(&bed);
    ck_assert_int_eq(nm_sql_create_file(bed.path, NULL), NM_OK);
    (void)umask(before);
    ck_assert_int_eq(stat(bed.path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0640);
    tear_down(&bed);
}
END_TEST

START_TEST(test_sql__a_file_that_is_there_stays_as_it_is)
{
    struct bed bed;
    struct stat file;

    set_up(&bed);
    ck_assert_int_eq(nm_sql_create_file(bed.path, NULL), NM_OK);
    ck_assert_int_eq(chmod(bed.path, 0600), 0);
    ck_assert_int_eq(nm_sql_create_file(bed.path, NULL), NM_OK);
    ck_assert_int_eq(stat(bed.path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
    tear_down(&bed);
}
END_TEST

START_TEST(test_sql__what_root_makes_belongs_to_the_folders_owner)
{
    enum { OWNER = 12345, GROUP = 23456 };
    struct bed bed;
    struct stat file;
    int lock = -1;

    if (geteuid() != 0) {
        puts("skipped: only root can give files away");
        return;
    }
    set_up(&bed);
    ck_assert_int_eq(chown(bed.folder, OWNER, GROUP), 0);
    ck_assert_int_eq(nm_sql_create_file(bed.path, NULL), NM_OK);
    ck_assert_int_eq(nm_sql_lock(bed.path, &lock, NULL), NM_OK);
    ck_assert_int_eq(stat(bed.path, &file), 0);
    ck_assert_uint_eq(file.st_uid, OWNER);
    ck_assert_uint_eq(file.st_gid, GROUP);
    ck_assert_int_eq(stat(bed.lock, &file), 0);
    ck_assert_uint_eq(file.st_uid, OWNER);
    (void)close(lock);
    tear_down(&bed);
}
END_TEST

START_TEST(test_sql__says_why_a_file_cannot_be_made)
{
    struct nm_error error = {0};
    int lock = -1;

    ck_assert_int_eq(nm_sql_create_file("/nonexistent/some.db", &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/some.db"));
    ck_assert_ptr_nonnull(strstr(error.message, "No such file"));
    ck_assert_int_eq(nm_sql_lock("/nonexistent/some.db", &lock, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/some.db-lock"));
    ck_assert_int_eq(lock, -1);
}
END_TEST

START_TEST(test_sql__one_at_a_time_has_the_lock)
{
    struct nm_error error = {0};
    struct bed bed;
    int first = -1;
    int second = -1;

    set_up(&bed);
    ck_assert_int_eq(nm_sql_lock(bed.path, &first, &error), NM_OK);
    ck_assert_int_eq(nm_sql_lock(bed.path, &second, &error), NM_STOPPED);
    ck_assert_int_eq(second, -1);
    ck_assert_ptr_nonnull(strstr(error.message, "another process"));
    (void)close(first);
    ck_assert_int_eq(nm_sql_lock(bed.path, &second, &error), NM_OK);
    (void)close(second);
    tear_down(&bed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql files");
    TCase *cases = tcase_create("files");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, test_sql__a_new_file_may_be_read_by_its_group_alone);
    tcase_add_test(cases, test_sql__a_file_that_is_there_stays_as_it_is);
    tcase_add_test(cases, test_sql__what_root_makes_belongs_to_the_folders_owner);
    tcase_add_test(cases, test_sql__says_why_a_file_cannot_be_made);
    tcase_add_test(cases, test_sql__one_at_a_time_has_the_lock);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
