/* The tests' own folders: a process that ends takes them along, and only those it made. */
#include "temp_folder.h"

#include <check.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Text that a child may change for us to see. */
static char *shared_text(const char *text)
{
    char *shared =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(shared, MAP_FAILED);
    memcpy(shared, text, strlen(text) + 1);
    return shared;
}

/* Run in a process of its own, which ends as a test does that fails. */
static void end_in_child(void (*work)(char *folder), char *folder)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        work(folder);
        exit(1);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}

static void make_and_fill(char *folder)
{
    char path[96];
    FILE *file;

    if (temp_folder_from(folder) == NULL)
        _exit(2);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    file = fopen(path, "w");
    if (file == NULL || fclose(file) != 0)
        _exit(2);
}

static void do_nothing(char *folder)
{
    (void)folder;
}

START_TEST(test_folder__goes_with_the_process_that_made_it)
{
    char ours[] = "/tmp/nm-folder-XXXXXX";
    char *childs = shared_text("/tmp/nm-folder-XXXXXX");

    ck_assert_ptr_nonnull(temp_folder_from(ours));
    end_in_child(do_nothing, NULL);
    ck_assert_int_eq(access(ours, F_OK), 0);
    end_in_child(make_and_fill, childs);
    ck_assert_str_ne(childs, "/tmp/nm-folder-XXXXXX");
    ck_assert_int_ne(access(childs, F_OK), 0);
    ck_assert_int_eq(access(ours, F_OK), 0);
    temp_folder_remove(ours);
    ck_assert_int_ne(access(ours, F_OK), 0);
    (void)munmap(childs, 4096);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("temp_folder");
    Suite *suite = suite_create("base");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_folder__goes_with_the_process_that_made_it);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
