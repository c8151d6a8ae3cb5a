/*
 * A tally: what a client counted and timed. Each client has its own, and they are added
 * up at the end, so that counting costs no lock.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "mta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
    unsigned long recipients[MTA_ANSWER_COUNT];
    unsigned long near[MTA_ANSWER_COUNT]; /* those of them that were near misses */
    unsigned long messages[MTA_ANSWER_COUNT];
    unsigned long empty; /* messages that were dropped, every recipient refused */
    unsigned long wrong; /* a near miss that went on, or another that did not */
    struct mta_edits edits;
    uint32_t *recipient_ns;
    size_t recipient_count;
    uint32_t *message_ns;
    size_t message_count;
    uint32_t steps; /* that the filter negotiated */
    uint32_t actions;
    char reply[128];   /* the first refusal, to be looked at */
    char failure[128]; /* why a connection broke, or "" */
};

/* Room for the times of so many messages and recipients. Returns false out of memory. */
bool tally_init(struct tally *tally, size_t messages, size_t recipients);
void tally_free(struct tally *tally);

void tally_recipient(
    struct tally *tally, enum mta_answer answer, bool near, uint32_t time_ns);
void tally_edits(struct tally *tally, const struct mta_edits *edits);

/* Forget what was counted and timed, but not what went wrong. */
void tally_restart(struct tally *tally);

void tally_add(struct tally *total, const struct tally *one);

/* Print it, as text for people or as one JSON object. Sorts the times. */
void tally_print(struct tally *tally, double seconds, bool json);

#endif
