/*
 * Trial: do something in a child process first, to learn whether it lives through it.
 *
 * libconfig's scanner ends the process (exit) on some inputs and failures; a daemon that
 * reloads must not. The child is forked from a process that may have other threads, so
 * what it does must need nothing that another thread may hold, besides malloc, which the
 * C library keeps usable across fork. It runs no exit handler and writes no buffered
 * output of the parent.
 */
#ifndef NM_CONFIG_TRIAL_H
#define NM_CONFIG_TRIAL_H

#include <nearmiss/base.h>

enum { NM_TRIAL_ANSWER_MAX = 512 }; /* bytes */

/* Let `work` fill an answer of `size` bytes in the child. NM_OK when it returned, its
 * answer then in `answer`. NM_BAD_INPUT when the child ended some other way, NM_TIMEOUT
 * when it took longer than `timeout_ms`, with how in `error`; NM_SYSTEM when there can be
 * no child. Nothing else that `work` changes in memory is seen here. */
enum nm_code nm_trial_run(void (*work)(void *self, void *answer), void *self,
    void *answer, size_t size, int timeout_ms, struct nm_error *error);

#endif
