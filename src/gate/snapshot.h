/*
 * Gate snapshot: one configuration, its index and its rules, immutable and whole. A
 * message pins the snapshot that is current at MAIL FROM and is decided by it to its
 * end, whatever is reloaded meanwhile.
 *
 * The current snapshot sits in a slot. A reload builds a new snapshot and puts it into
 * the slot; the old one lives until the last message that pinned it has ended.
 */
#ifndef NM_GATE_SNAPSHOT_H
#define NM_GATE_SNAPSHOT_H

#include "gate/overlay.h"
#include "gate/ports.h"

#include <nearmiss/address.h>
#include <nearmiss/base.h>
#include <nearmiss/match.h>
#include <nearmiss/policy.h>

enum { NM_CONFIG_HASH_LENGTH = 64 }; /* BLAKE2b-256, in hexadecimal */
enum { NM_CONTACT_MAX = 100 };       /* bytes */

/* Names that an index is built with beside those of the lists: a history's counts. */
struct nm_history_view {
    const void *self;
    size_t count;
    void (*entry)(const void *self, size_t i, struct nm_index_entry *out);
};

struct psl_ctx_st;

struct nm_snapshot_values {
    struct nm_names *names; /* owned by the snapshot, as are index, policy, networks */
    struct psl_ctx_st *suffixes; /* owned, what `names` borrows; NULL: the built-in */
    struct nm_index *index;
    struct nm_policy *policy;
    struct nm_network *networks; /* outbound.networks */
    size_t network_count;
    bool outbound_authenticated;
    bool names_own; /* some of this site's own domains are named */
    enum nm_mode mode;
    enum nm_action on_audit_failure; /* NM_ACTION_DEFER or NM_ACTION_ACCEPT */
    unsigned max_refusals;           /* in a session, before they move to the end */
    bool learn;                      /* note the domains that mail passes to */
    bool partial_message; /* partial = "message": one refused recipient, all refused */
    enum nm_action
        on_local_refusal; /* what happens instead to mail that came not by SMTP:
                                        hold, tag, quarantine or accept */
    bool needs_content;   /* a rule may want the message itself */
    struct nm_confirm_rules confirm;
    char contact[NM_CONTACT_MAX + 1]; /* whom a reply says to ask; "" for none */
    bool notice_sender;               /* tell the sender of what is held or kept */
    bool notice_reviewer;             /* tell a reviewer */
    char gateway[256];
    char config_hash[NM_CONFIG_HASH_LENGTH + 1];
};

struct nm_snapshot;

/* Takes over what `values` owns, on success and on failure. The result has one
 * reference. */
enum nm_code nm_snapshot_new(
    const struct nm_snapshot_values *values, struct nm_snapshot **out);
const struct nm_snapshot_values *nm_snapshot_values(const struct nm_snapshot *snapshot);
void nm_snapshot_release(struct nm_snapshot **snapshot);
/* How many hold it just now, for tests: a message that has ended holds none. */
unsigned nm_snapshot_references(const struct nm_snapshot *snapshot);

/* Whether mail from `client`, logged in as `auth` (or NULL), is judged at all. */
bool nm_snapshot_is_outbound(
    const struct nm_snapshot *snapshot, const struct nm_ip *client, const char *auth);

/* Where the current snapshot is found. Any thread. */
struct nm_slot;

enum nm_code nm_slot_new(struct nm_snapshot *first, struct nm_slot **out);
/* The current snapshot, with a reference for the caller. */
struct nm_snapshot *nm_slot_pin(struct nm_slot *slot);
/* The same together with the overlay in force, or NULL. */
struct nm_snapshot *nm_slot_pin_both(struct nm_slot *slot, struct nm_overlay **overlay);
/* Put `next` (or NULL) in the place of the overlay in force, likewise. */
void nm_slot_swap_overlay(struct nm_slot *slot, struct nm_overlay *next);
/* Put `next` in the place of the current one; the slot takes the caller's reference. */
void nm_slot_swap(struct nm_slot *slot, struct nm_snapshot *next);
void nm_slot_free(struct nm_slot **slot);

#endif
