/* Doing something in a child first: whatever becomes of the child, the parent lives and
 * knows. */
#include "trial.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 60000 };

static int touched;

static void live(void *self, void *answer)
{
    *(int *)self = 1;
    memcpy(answer, "fine", 5);
}

static void live_large(void *self, void *answer)
{
    (void)self;
    memset(answer, 'x', NM_TRIAL_ANSWER_MAX);
}

static void leave(void *self, void *answer)
{
    (void)answer;
    exit(*(int *)self);
}

static void die(void *self, void *answer)
{
    (void)answer;
    (void)raise(*(int *)self);
}

static void hang(void *self, void *answer)
{
    (void)answer;
    (void)self;
    for (;;)
        (void)pause();
}

static char heard[5];

static enum nm_code run(void (*work)(void *self, void *answer), void *self,
    int timeout_ms, struct nm_error *error)
{
    (void)nm_copy(heard, sizeof heard, "none");
    return nm_trial_run(work, self, heard, sizeof heard, timeout_ms, error);
}

static void check_no_child_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(test_trial__is_fine_when_the_work_returns)
{
    touched = 0;
    ck_assert_int_eq(run(live, &touched, LONG_MS, NULL), NM_OK);
    ck_assert_int_eq(touched, 0); /* it was the child's own */
    ck_assert_str_eq(heard, "fine");
    check_no_child_left();
}
END_TEST

START_TEST(test_trial__takes_an_answer_of_the_largest_size)
{
    char large[NM_TRIAL_ANSWER_MAX];
    char expected[NM_TRIAL_ANSWER_MAX];

    memset(expected, 'x', sizeof expected);
    ck_assert_int_eq(
        nm_trial_run(live_large, NULL, large, sizeof large, LONG_MS, NULL), NM_OK);
    ck_assert_mem_eq(large, expected, sizeof large);
}
END_TEST

START_TEST(test_trial__tells_of_an_exit_whatever_the_status)
{
    struct nm_error error;

    for (int status = 0; status < 4; status++) {
        ck_assert_int_eq(run(leave, &status, LONG_MS, &error), NM_BAD_INPUT);
        ck_assert_str_eq(error.message, "ended with status 2");
    }
    check_no_child_left();
}
END_TEST

START_TEST(test_trial__tells_of_a_signal)
{
    int number = SIGKILL;
    struct nm_error error;

    ck_assert_int_eq(run(die, &number, LONG_MS, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message, "was ended by signal 9 (Killed)");
    check_no_child_left();
}
END_TEST

START_TEST(test_trial__ends_a_child_that_does_not_end)
{
    struct nm_error error;

    ck_assert_int_eq(run(hang, NULL, 50, &error), NM_TIMEOUT);
    ck_assert_str_eq(error.message, "took longer than 50 ms");
    check_no_child_left();
}
END_TEST

/* What the parent has buffered or registered is not done a second time. */
static int handled[2];

static void handle(void)
{
    const ssize_t written = write(handled[1], "x", 1);

    (void)written;
}

START_TEST(test_trial__runs_no_exit_handler_of_the_parent)
{
    int status = 2;
    char byte;

    ck_assert_int_eq(pipe2(handled, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(atexit(handle), 0);
    ck_assert_int_eq(run(leave, &status, LONG_MS, NULL), NM_BAD_INPUT);
    ck_assert_int_eq(read(handled[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

static atomic_int signals;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

static void signal_itself(void *self, void *answer)
{
    (void)answer;
    (void)self;
    (void)kill(getpid(), SIGUSR1); /* would end the work, were it not blocked */
    (void)kill(getpid(), SIGTERM);
}

START_TEST(test_trial__runs_no_signal_handler_of_the_parent_and_keeps_its_mask)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct sigaction before;
    sigset_t mask;

    ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
    ck_assert_int_eq(run(signal_itself, NULL, LONG_MS, NULL), NM_OK);
    ck_assert_int_eq(atomic_load(&signals), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(atomic_load(&signals), 1);
    ck_assert_int_eq(sigaction(SIGUSR1, &before, NULL), 0);
}
END_TEST

START_TEST(test_trial__works_for_a_parent_that_ignores_its_children)
{
    int status = 2;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);

    ck_assert_int_eq(run(live, &touched, LONG_MS, NULL), NM_OK);
    ck_assert_int_eq(run(leave, &status, LONG_MS, NULL), NM_BAD_INPUT);
    ck_assert(signal(SIGCHLD, before) != SIG_ERR);
}
END_TEST

START_TEST(test_trial__tells_when_there_can_be_no_child)
{
    struct rlimit before;
    struct rlimit none;
    struct nm_error error;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(run(live, &touched, LONG_MS, &error), NM_SYSTEM);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_str_eq(error.message, "no pipe: Too many open files");
}
END_TEST

/* Other threads that allocate all the while, as in a daemon that reloads. */
static atomic_bool stop;

static void *allocate(void *self)
{
    (void)self;
    while (!atomic_load(&stop)) {
        char *memory = malloc(100);

        if (memory != NULL)
            memory[0] = 'x';
        free(memory);
    }
    return NULL;
}

static void allocate_once(void *self, void *answer)
{
    (void)answer;
    (void)self;
    for (size_t size = 1; size < 100000; size *= 3) {
        char *memory = malloc(size);

        if (memory == NULL)
            _exit(3);
        memset(memory, 'x', size);
        free(memory);
    }
}

START_TEST(test_trial__may_allocate_beside_other_threads)
{
    pthread_t threads[3];

    atomic_store(&stop, false);
    for (size_t i = 0; i < NM_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate, NULL), 0);
    for (int round = 0; round < 20; round++)
        ck_assert_int_eq(run(allocate_once, NULL, LONG_MS, NULL), NM_OK);
    atomic_store(&stop, true);
    for (size_t i = 0; i < NM_COUNT(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("trial");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_trial__is_fine_when_the_work_returns);
    tcase_add_test(cases, test_trial__takes_an_answer_of_the_largest_size);
    tcase_add_test(cases, test_trial__tells_of_an_exit_whatever_the_status);
    tcase_add_test(cases, test_trial__tells_of_a_signal);
    tcase_add_test(cases, test_trial__ends_a_child_that_does_not_end);
    tcase_add_test(cases, test_trial__runs_no_exit_handler_of_the_parent);
    tcase_add_test(
        cases, test_trial__runs_no_signal_handler_of_the_parent_and_keeps_its_mask);
    tcase_add_test(cases, test_trial__works_for_a_parent_that_ignores_its_children);
    tcase_add_test(cases, test_trial__tells_when_there_can_be_no_child);
    tcase_add_test(cases, test_trial__may_allocate_beside_other_threads);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
