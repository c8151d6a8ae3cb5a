#include "trial.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_EARLY = 2 };

/* Registered last, so run first when something calls exit(): the handlers and buffers
 * that the child has from its parent stay untouched. */
static void leave(void)
{
    _exit(EXIT_EARLY);
}

static void be_child(
    void (*work)(void *self, void *answer), void *self, size_t size, int report)
{
    const int nowhere = open("/dev/null", O_RDWR);
    unsigned char answer[NM_TRIAL_ANSWER_MAX] = {0};
    ssize_t written;

    if (nowhere < 0 || dup2(nowhere, 1) < 0 || dup2(nowhere, 2) < 0 ||
        atexit(leave) != 0)
        _exit(EXIT_EARLY);
    work(self, answer);
    written = write(report, answer, size);
    _exit(written == (ssize_t)size ? 0 : EXIT_EARLY);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1 when the child has answered, 0 when it ended, -1 when time is up. An answer is
 * written, and so read, at once: a pipe takes more. */
static int hear(int report, void *answer, size_t size, int timeout_ms)
{
    const int64_t deadline = now_ms() + timeout_ms;

    for (;;) {
        struct pollfd ready = {.fd = report, .events = POLLIN};
        const int64_t left = deadline - now_ms();
        ssize_t got;

        if (left <= 0)
            return -1;
        if (poll(&ready, 1, (int)left) <= 0)
            continue;
        got = read(report, answer, size);
        if (got >= 0)
            return got == (ssize_t)size;
        if (errno != EINTR)
            return 0;
    }
}

static int reap(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return 0; /* the parent ignores SIGCHLD: there is nothing to learn */
    }
    return status;
}

static enum nm_code judge(int heard, int status, int timeout_ms, struct nm_error *error)
{
    if (heard == 1)
        return NM_OK;
    if (heard < 0)
        return nm_fail(error, NM_TIMEOUT, "took longer than %d ms", timeout_ms);
    if (WIFSIGNALED(status))
        return nm_fail(error, NM_BAD_INPUT, "was ended by signal %d (%s)",
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    return nm_fail(error, NM_BAD_INPUT, "ended with status %d", WEXITSTATUS(status));
}

enum nm_code nm_trial_run(void (*work)(void *self, void *answer), void *self,
    void *answer, size_t size, int timeout_ms, struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    int ends[2];
    int heard;
    int status;
    pid_t child;

    assert(size > 0 && size <= NM_TRIAL_ANSWER_MAX);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return nm_fail(error, NM_SYSTEM, "no pipe: %s", strerror(errno));
    /* No handler of the parent may run in the child. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    child = fork();
    if (child == 0)
        be_child(work, self, size, ends[1]);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return nm_fail(error, NM_SYSTEM, "no child process: %s", strerror(errno));
    }
    heard = hear(ends[0], answer, size, timeout_ms);
    (void)close(ends[0]);
    if (heard < 0)
        (void)kill(child, SIGKILL);
    status = reap(child);
    return judge(heard, status, timeout_ms, error);
}
