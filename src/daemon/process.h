/* The process itself: its user, its limits, and the signals that reach it. */
#ifndef NM_DAEMON_PROCESS_H
#define NM_DAEMON_PROCESS_H

#include <nearmiss/base.h>

/* What woke the main thread. */
enum nm_wake {
    NM_WAKE_TIMEOUT,
    NM_WAKE_STOP,  /* SIGTERM, SIGINT, SIGHUP, or nm_process_wake_to_stop */
    NM_WAKE_RELOAD /* SIGUSR1 */
};

/* As root, change to `user` for good; else do nothing. As root without a user: an
 * error. */
enum nm_code nm_process_drop_privileges(const char *user, struct nm_error *error);

/* Raise the soft limit of descriptors to the hard one: each connection takes one, and
 * libmilter spins in silence without. Returns the limit. */
unsigned long nm_process_raise_descriptors(void);

/* Call first in the main thread: from here on signals wake it, and threads that are
 * made inside nm_process_without_signals see none. */
enum nm_code nm_process_catch_signals(struct nm_error *error);

/* Run `make` with every signal blocked, so that the threads it makes block them. */
enum nm_code nm_process_without_signals(
    enum nm_code (*make)(void *self, struct nm_error *error), void *self,
    struct nm_error *error);

/* Wait at most `timeout_ms` (negative: for ever). Main thread only. */
enum nm_wake nm_process_wait(int timeout_ms);

/* Wake the main thread to stop. Any thread. */
void nm_process_wake_to_stop(void);

#endif
