/*
 * A quarantine in memory, for whatever drives the gate without a disk. It can be told to
 * fail, and to expect a release.
 */
#ifndef NM_TESTS_MEMORY_QUARANTINE_H
#define NM_TESTS_MEMORY_QUARANTINE_H

#include "gate/ports.h"

enum { MEMORY_KEPT_MAX = 256, MEMORY_TEXT_MAX = 512 };

/* A recipient's copy. */
struct memory_kept {
    struct nm_id id;
    struct nm_id transaction;
    char sender[MEMORY_TEXT_MAX];
    char recipient[MEMORY_TEXT_MAX];
    char arguments[MEMORY_TEXT_MAX];
    char content[4 * MEMORY_TEXT_MAX]; /* cut when it is longer */
};

struct memory_quarantine {
    struct memory_kept kept[MEMORY_KEPT_MAX];
    size_t count;
    size_t open; /* spools that were begun and neither committed nor dropped */
    enum nm_code begin_fails; /* NM_OK: it does not */
    enum nm_code write_fails;
    enum nm_code commit_fails;
    char lets_by[MEMORY_TEXT_MAX]; /* this recipient is released, once; "" for none */
};

struct nm_quarantine_port memory_quarantine_port(struct memory_quarantine *quarantine);

#endif
