/*
 * Signals: libmilter's own thread waits for SIGTERM, SIGINT and SIGHUP with sigwait. The
 * kernel gives a signal to the main thread first when that does not block it, so the
 * main thread keeps them open, with handlers that write a byte into a pipe, and every
 * other thread blocks all of them.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int wake_pipe[2] = {-1, -1};

enum nm_code nm_process_drop_privileges(const char *user, struct nm_error *error)
{
    const struct passwd *entry;

    if (geteuid() != 0)
        return NM_OK;
    if (user[0] == '\0')
        return nm_fail(error, NM_BAD_INPUT,
            "started as root: set `user` in the configuration to the account that "
            "nearmissd is to run as");
    errno = 0;
    entry = getpwnam(user);
    if (entry == NULL)
        return nm_fail(error, NM_BAD_INPUT, "user \"%s\": %s", user,
            errno != 0 ? strerror(errno)
                       : "there is no such account; make it, or name another");
    if (entry->pw_uid == 0)
        return NM_OK;
    if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0)
        return nm_fail(
            error, NM_SYSTEM, "cannot become user \"%s\": %s", user, strerror(errno));
    return NM_OK;
}

unsigned long nm_process_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned long)limit.rlim_cur;
}

static void wake(char what)
{
    const int saved = errno;

    /* A full pipe has wakes enough. */
    if (write(wake_pipe[1], &what, 1) < 0)
        errno = saved;
    errno = saved;
}

static void on_signal(int number)
{
    wake(number == SIGUSR1 ? 'r' : 's');
}

enum nm_code nm_process_catch_signals(struct nm_error *error)
{
    static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return nm_fail(error, NM_SYSTEM, "pipe: %s", strerror(errno));
    for (size_t i = 0; i < NM_COUNT(caught); i++)
        (void)sigaction(caught[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    return NM_OK;
}

enum nm_code nm_process_without_signals(
    enum nm_code (*make)(void *self, struct nm_error *error), void *self,
    struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    enum nm_code code;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    code = make(self, error);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

enum nm_wake nm_process_wait(int timeout_ms)
{
    struct pollfd readable = {.fd = wake_pipe[0], .events = POLLIN};
    enum nm_wake result = NM_WAKE_TIMEOUT;
    char bytes[64];
    ssize_t size;

    if (poll(&readable, 1, timeout_ms) <= 0)
        return NM_WAKE_TIMEOUT;
    size = read(wake_pipe[0], bytes, sizeof bytes);
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == 's')
            return NM_WAKE_STOP;
        result = NM_WAKE_RELOAD;
    }
    return result;
}

void nm_process_wake_to_stop(void)
{
    wake('s');
}
