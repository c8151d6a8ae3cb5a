/*
 * An audit log in memory that can be told to fail, with a clock that ticks by one
 * millisecond a look and random bytes that are a count: what a scenario sees is the same
 * in every run.
 */
#ifndef NM_TESTS_MEMORY_AUDIT_H
#define NM_TESTS_MEMORY_AUDIT_H

#include "gate/ports.h"

struct recorded {
    struct nm_audit_event event; /* its texts live as long as the log */
    bool durable;                /* somebody waited for it, or for a later one */
};

struct memory_audit {
    struct nm_arena *arena;
    struct recorded *rows;
    size_t count;
    size_t capacity;
    enum nm_code append_fails; /* NM_OK: it does not */
    enum nm_code wait_fails;
    unsigned waits;
    unsigned errors_logged;
    char last_error[256];
    unsigned counts[NM_COUNTER_COUNT];
    int64_t now_us;
    uint64_t randomness;
    struct nm_log log;
};

void memory_audit_init(struct memory_audit *audit);
void memory_audit_free(struct memory_audit *audit);

/* Ports onto it; all of them, so that `audit` must stay where it is. */
struct nm_ports memory_audit_ports(struct memory_audit *audit);

/* The decision number `number`, counted from 1, or NULL. */
const struct recorded *memory_audit_decision(
    const struct memory_audit *audit, size_t number);

#endif
