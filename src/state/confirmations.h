/*
 * Confirmations: near misses that were refused until their senders confirm them, and those
 * that were confirmed, in memory. One thread at a time.
 *
 * Addresses are kept as keyed hashes (BLAKE2b, 128 bits), so that a row has one size and
 * names nobody. A sender, or a crowd of invented ones from one client, pushes out their own
 * rows before anybody else's.
 */
#ifndef NM_STATE_CONFIRMATIONS_H
#define NM_STATE_CONFIRMATIONS_H

#include "gate/ports.h"

enum {
    NM_PENDING_MAX = 16384,
    NM_PENDING_PER_SENDER_MAX = 128,
    NM_PENDING_PER_ORIGIN_MAX = NM_PENDING_MAX / 2,
    NM_CONFIRMED_MAX = 65536,
    NM_CONFIRMED_PER_SENDER_MAX = 1024,
    NM_CONFIRM_KEY_BYTES = 32,
    NM_CONFIRM_TAG_BYTES = 16
};

struct nm_confirm_tag {
    uint8_t bytes[NM_CONFIRM_TAG_BYTES];
};

struct nm_pending {
    struct nm_confirm_tag what; /* sender and recipient */
    struct nm_confirm_tag sender;
    struct nm_confirm_tag origin;
    struct nm_id decision;
    int64_t refused_us;
};

struct nm_confirmed {
    struct nm_confirm_tag what; /* sender and domain */
    struct nm_confirm_tag sender;
    struct nm_confirm_tag domain;
    int64_t confirmed_us;
    int64_t expires_us;
};

/* A change, to be stored. Of a row that goes only `what` counts. */
enum nm_confirm_change_kind {
    NM_PENDING_PUT,
    NM_PENDING_GONE,
    NM_CONFIRMED_PUT,
    NM_CONFIRMED_GONE
};

struct nm_confirm_change {
    enum nm_confirm_change_kind kind;
    union {
        struct nm_pending pending;
        struct nm_confirmed confirmed;
    } row;
};

/* Who takes changes, in their order. */
struct nm_confirm_journal {
    void *self;
    void (*take)(void *self, const struct nm_confirm_change *change);
};

struct nm_confirmations;

enum nm_code nm_confirmations_new(
    const uint8_t key[NM_CONFIRM_KEY_BYTES], struct nm_confirmations **out);
void nm_confirmations_free(struct nm_confirmations **confirmations);

/* Rows that were stored, pending ones in the order of their times. What there is no room
 * for is left out. NM_NO_MEMORY. */
enum nm_code nm_confirmations_load_pending(
    struct nm_confirmations *confirmations, const struct nm_pending *pending);
enum nm_code nm_confirmations_load_confirmed(
    struct nm_confirmations *confirmations, const struct nm_confirmed *confirmed);
/* Once, behind the last of the confirmed ones. */
void nm_confirmations_settle(struct nm_confirmations *confirmations);

void nm_confirmations_ask(const struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, struct nm_confirm_said *out);

/* Note a refusal, unless there is one that still counts. NM_NO_MEMORY; NM_LIMIT: noted, and
 * an older one of somebody was forgotten for it. */
enum nm_code nm_confirmations_refuse(struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    const struct nm_id *decision, int64_t now_us,
    const struct nm_confirm_journal *journal);

/* Note that it is confirmed. `*others`: that counts for others too, as another sender has
 * confirmed the domain, or a code was needed.
 * NM_NO_MEMORY, NM_LIMIT as above. */
enum nm_code nm_confirmations_confirm(struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, const struct nm_confirm_journal *journal, bool *others);

size_t nm_confirmations_pending(const struct nm_confirmations *confirmations);
size_t nm_confirmations_confirmed(const struct nm_confirmations *confirmations);

#endif
