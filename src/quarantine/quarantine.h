/*
 * Quarantine: messages that wait for a reviewer, and what became of them.
 *
 * May use gate and below, sql, and libsodium. A message is a file in FOLDER/messages, as it
 * was received; FOLDER/index.db has its envelope, and an entry for each recipient that it
 * is kept for. A struct nm_quarantine may be used by any thread. Any number of processes
 * may have the same folder open: the daemon, which takes messages in, and the tool.
 *
 * A message is kept from the moment at which its row is committed, and before that its
 * file and the folder are synced; a crash on the way there leaves a file without a row,
 * which the next daemon removes. An entry that is done with (released, deleted, expired)
 * loses its file when none of the message's entries waits any more; its row stays as long
 * as messages are kept at most.
 */
#ifndef NM_QUARANTINE_QUARANTINE_H
#define NM_QUARANTINE_QUARANTINE_H

#include "gate/ports.h"

#include <nearmiss/base.h>

enum {
    NM_QUARANTINE_HASH_BYTES = 32,    /* BLAKE2b-256 */
    NM_QUARANTINE_JOIN_S = 5 * 86400, /* how long a client's retry joins its entry */
    NM_QUARANTINE_PASS_S = 600 /* how long a message that is released is let through */
};

/* What became of an entry. The order is fixed: the index stores it. */
enum nm_kept_state {
    NM_KEPT_WAITING,
    NM_KEPT_RELEASING, /* a release has begun, and may or may not have come to its end */
    NM_KEPT_RELEASED,
    NM_KEPT_DELETED,
    NM_KEPT_EXPIRED
};
enum { NM_KEPT_STATE_COUNT = NM_KEPT_EXPIRED + 1 };

/* Never NULL. */
const char *nm_kept_state_name(enum nm_kept_state state);

struct nm_quarantine;

struct nm_quarantine_options {
    const char *folder; /* made, mode 0750, if it does not exist */
    uint64_t bytes_max; /* of all messages that are kept; 0: no limit */
    unsigned keep_days; /* how long they are; 0: for ever */
    struct nm_clock clock;
};

/* For the one daemon, which takes messages in. It is opened when the first one comes, or by
 * nm_quarantine_ready; then the files that a crash has left are removed. What cannot be
 * opened is tried again with the next message. NM_NO_MEMORY. */
enum nm_code nm_quarantine_new(
    const struct nm_quarantine_options *options, struct nm_quarantine **out);

/* Whether it can take messages. NM_SYSTEM, NM_BAD_INPUT when it is of a newer version,
 * NM_NO_MEMORY. */
enum nm_code nm_quarantine_ready(
    struct nm_quarantine *quarantine, struct nm_error *error);

/* Whether there is one, opened or not. */
bool nm_quarantine_exists(const struct nm_quarantine *quarantine);

/* Open what is there to review it; NM_OK with NULL in `*out` when there is none. */
enum nm_code nm_quarantine_open(const struct nm_quarantine_options *options,
    struct nm_quarantine **out, struct nm_error *error);

void nm_quarantine_close(struct nm_quarantine **quarantine);

/* New limits, after a reload. */
void nm_quarantine_set_limits(
    struct nm_quarantine *quarantine, uint64_t bytes_max, unsigned keep_days);

/* The gate's port onto it. */
struct nm_quarantine_port nm_quarantine_port(struct nm_quarantine *quarantine);

/* An entry. Borrowed for the callback. Text is as it came: hostile. */
struct nm_kept_entry {
    const char *id; /* of the decision that it was kept for */
    int64_t time_us;
    struct nm_bytes sender;
    struct nm_bytes recipient;
    const char *sender_arguments;
    const char *recipient_arguments;
    const char *domain;
    const char *target; /* NULL for none */
    const char *rule;
    const char *client;
    const char *auth;
    const char *queue_id;
    const char *transaction;
    uint64_t bytes;
    unsigned times; /* that the client has sent it */
    enum nm_kept_state state;
    int64_t changed_us;      /* when it came into this state */
    struct nm_bytes sent_to; /* whom it was released to, or is being; none: NULL */
    unsigned char body_hash[NM_QUARANTINE_HASH_BYTES];
};

struct nm_queue_id {
    char text[65];
};

typedef bool nm_each_entry(void *self, const struct nm_kept_entry *entry);

/* Call `each` for every entry, oldest first, or for the one called `id` (or NULL); it
 * returns false to stop, and must not change the quarantine. */
enum nm_code nm_quarantine_list(struct nm_quarantine *quarantine, const char *id,
    nm_each_entry *each, void *self, struct nm_error *error);

/* The message of the entry `id`: a descriptor to read it from. NM_BAD_INPUT when there is
 * no such entry, or its message is not there any more. */
enum nm_code nm_quarantine_read(
    struct nm_quarantine *quarantine, const char *id, int *out, struct nm_error *error);

/* The queue id under which the message of an entry that is being released came by and was
 * let through ("-" for an unknown one); "" when it did not yet. */
enum nm_code nm_quarantine_passed(struct nm_quarantine *quarantine, const char *id,
    struct nm_queue_id *out, struct nm_error *error);

/* Bring an entry from one of the states in `from` (bits, 1 << state) to another; `sent_to`
 * is noted unless it is NULL. Durable when it returns. NM_BAD_INPUT when there is no such
 * entry, or it is in another state. To NM_KEPT_RELEASING, `sent_to` is the recipient to
 * whom the message is then let through, once. The file goes when no entry of its message waits. */
enum nm_code nm_quarantine_change(struct nm_quarantine *quarantine, const char *id,
    unsigned from, enum nm_kept_state to, const char *sent_to, struct nm_error *error);

/* Let what has been kept for too long expire, and forget what was done with as long ago.
 * `each` is called for every entry before it expires; one for which it returns false is
 * left for the next time. */
enum nm_code nm_quarantine_sweep(struct nm_quarantine *quarantine, nm_each_entry *each,
    void *self, struct nm_error *error);

#endif
