/*
 * A process that is killed at each step of telling somebody. The steps are counted: every
 * write of SQLite's, and everything that is said to and heard from the mail server, which
 * lives in the parent. A child does the work with the order to die before step n, for n =
 * 1, 2, … until it comes to its end; after each death the parent sends what is left.
 */
#include "notice_kit.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>

static atomic_int steps_left; /* 0: live on */
static atomic_bool disk_is_full;

static void step(void)
{
    if (atomic_load(&steps_left) > 0 && atomic_fetch_sub(&steps_left, 1) == 1)
        (void)kill(getpid(), SIGKILL);
}

ssize_t __real_send(int peer, const void *bytes, size_t size, int flags);
ssize_t __real_recv(int peer, void *bytes, size_t size, int flags);

ssize_t __wrap_send(int peer, const void *bytes, size_t size, int flags)
{
    step();
    return __real_send(peer, bytes, size, flags);
}

ssize_t __wrap_recv(int peer, void *bytes, size_t size, int flags)
{
    step();
    return __real_recv(peer, bytes, size, flags);
}

static ssize_t step_pwrite(int file, const void *bytes, size_t size, off_t at)
{
    step();
    if (atomic_load(&disk_is_full)) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(file, bytes, size, at);
}

static struct kit kit;
static atomic_bool *told; /* that the child came so far; shared with it */

static void start(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    (void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)step_pwrite);
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)step_pwrite);
    told = mmap(
        NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(told, MAP_FAILED);
    kit_start(&kit);
}

static void stop(void)
{
    atomic_store(&disk_is_full, false);
    kit_stop(&kit);
    (void)munmap(told, sizeof *told);
}

static void forget_round(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-lock"};

    for (size_t i = 0; i < NM_COUNT(ends); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s%s", kit.database, ends[i]);
        (void)unlink(path);
    }
    (void)pthread_mutex_lock(&kit.lock);
    kit.messages = 0;
    kit.length = 0;
    kit.heard[0] = '\0';
    (void)pthread_mutex_unlock(&kit.lock);
    atomic_store(told, false);
}

/* Whether the child came to its end. It asserts nothing: that is the parent's. */
static bool run_child(int dies_before)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob =
        kit_recipient("01J000000000000000000000AA", true);
    const struct nm_notices_options options = {kit.database, &kit.ports};
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        atomic_store(&steps_left, dies_before);
        if (nm_notices_new(&options, &kit.notices) != NM_OK ||
            nm_notices_configure(kit.notices, &settings, NULL) != NM_OK)
            _exit(1);
        kit.port = nm_notices_port(kit.notices);
        kit_tell(&kit, "a@example.org", &bob, 1);
        atomic_store(told, true);
        kit_until_done(&kit);
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

/* The next process sends what is left. */
static void run_parent(void)
{
    const struct nm_notice_settings settings = kit_settings(&kit);

    kit_open(&kit, &settings);
    kit_until_done(&kit);
    nm_notices_stop(&kit.notices);
}

static unsigned distinct_ids(void)
{
    const char *first = strstr(kit.heard, "Message-ID: ");
    char line[128];

    if (first == NULL)
        return 0;
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(first, "\r"), first);
    for (const char *at = first; (at = strstr(at, "Message-ID: ")) != NULL; at++)
        if (strncmp(at, line, strlen(line)) != 0)
            return 2;
    return 1;
}

START_TEST(test_notices__a_process_that_is_killed_at_any_step_leaves_none_untold)
{
    unsigned twice = 0;
    unsigned untold = 0;
    int n = 1;

    for (;; n++) {
        bool ended;

        forget_round();
        ended = run_child(n);
        run_parent();
        ck_assert_msg(!atomic_load(told) || kit.messages >= 1, "step %d: lost", n);
        ck_assert_msg(kit.messages <= 2, "step %d: sent %u times", n, kit.messages);
        ck_assert_msg(
            kit.messages == 0 || distinct_ids() == 1, "step %d: two mails", n);
        twice += kit.messages == 2;
        untold += !atomic_load(told);
        if (ended)
            break;
    }
    ck_assert_uint_eq(kit.messages, 1);
    /* It has died before, while and after it told. */
    ck_assert_int_gt(n, 20);
    ck_assert_uint_gt(untold, 5);
    ck_assert_uint_gt(twice, 0);
}
END_TEST

static void fill_disk(void)
{
    atomic_store(&disk_is_full, true);
}

/* That it was sent cannot be written: it is not sent again and again meanwhile. */
START_TEST(test_notices__a_full_disk_repeats_nothing)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob =
        kit_recipient("01J000000000000000000000AA", true);
    const struct nm_notice_recipient eve =
        kit_recipient("01J000000000000000000000BB", true);

    kit.on_end = fill_disk;
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_log, "the database of notices fails; tried again");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(nm_notices_configure(kit.notices, &settings, NULL), NM_OK);
    kit_tell(&kit, "b@example.org", &eve, 1);
    ck_assert(
        kit_has_log(&kit, "nobody could be told of a message that is held or kept"));
    atomic_store(&disk_is_full, false);
    kit.on_end = NULL;
    while (nm_notices_waiting(kit.notices) > 0)
        ck_assert_int_eq(nm_notices_configure(kit.notices, &settings, NULL), NM_OK);
    ck_assert_uint_eq(kit.messages, 1);
    ck_assert_uint_eq(kit.acts, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("crash");
    Suite *suite = suite_create("notice");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(
        tests, test_notices__a_process_that_is_killed_at_any_step_leaves_none_untold);
    tcase_add_test(tests, test_notices__a_full_disk_repeats_nothing);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
