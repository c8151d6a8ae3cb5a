/*
 * What senders confirm, in memory, for whatever drives the gate without a disk: rows of
 * text that are gone through from the first to the last. The codes that it gives are
 * NM-00000001 and so on.
 */
#ifndef NM_TESTS_MEMORY_CONFIRM_H
#define NM_TESTS_MEMORY_CONFIRM_H

#include "gate/ports.h"

enum { MEMORY_CONFIRM_MAX = 4096, MEMORY_CONFIRM_TEXT_MAX = 256 };

struct memory_pending {
    char sender[MEMORY_CONFIRM_TEXT_MAX];
    char recipient[MEMORY_CONFIRM_TEXT_MAX];
    struct nm_id decision;
    int64_t refused_us;
};

struct memory_confirmed {
    char sender[MEMORY_CONFIRM_TEXT_MAX];
    char domain[MEMORY_CONFIRM_TEXT_MAX];
    int64_t expires_us;
};

/* A code, by its number from 1. */
struct memory_code {
    char sender[MEMORY_CONFIRM_TEXT_MAX];
    char recipient[MEMORY_CONFIRM_TEXT_MAX];
    int64_t quarter; /* of the window, in which it was given */
};

struct memory_confirm {
    struct memory_pending pending[MEMORY_CONFIRM_MAX];
    size_t pending_count;
    struct memory_confirmed confirmed[MEMORY_CONFIRM_MAX];
    size_t confirmed_count;
    struct memory_code codes[MEMORY_CONFIRM_MAX];
    size_t code_count;
    unsigned wrong;   /* codes so far, whoever tried them; from 20 on it is too many */
    uint64_t refused; /* so far */
    uint64_t durable; /* of them */
};

struct nm_confirm_port memory_confirm_port(struct memory_confirm *confirm);

#endif
