/*
 * The index of the quarantine: what messages there are, for whom, and what became of
 * them. An SQLite database in WAL mode; whatever changes is durable when a call returns.
 * For one thread at a time, and any number of processes.
 */
#ifndef NM_QUARANTINE_INDEX_H
#define NM_QUARANTINE_INDEX_H

#include "quarantine/quarantine.h"

struct nm_kept_index;

/* Open it, or make it if `make` is set. */
enum nm_code nm_kept_index_open(
    const char *path, bool make, struct nm_kept_index **out, struct nm_error *error);
void nm_kept_index_close(struct nm_kept_index **index);

/* What a message is besides its envelope. */
struct nm_kept_content {
    uint64_t bytes;
    unsigned char identity[NM_QUARANTINE_HASH_BYTES];
    unsigned char body[NM_QUARANTINE_HASH_BYTES];
};

/* Keep a message for its recipients; those for whom the same is kept since `since_us`
 * join that. `*is_new` says whether it was kept for any: if not, its file is not needed.
 * NM_LIMIT when more than `bytes_max` (0: no limit) were kept then. */
enum nm_code nm_kept_index_add(struct nm_kept_index *index,
    const struct nm_spool_message *message, const struct nm_kept_content *content,
    int64_t since_us, uint64_t bytes_max, bool *is_new, struct nm_error *error);

/* Whether a message of this name is kept; true when that cannot be told. */
bool nm_kept_index_has(struct nm_kept_index *index, const char *name);

/* Whether a message from and to whom is being released at `now_us`. */
bool nm_kept_index_expects(struct nm_kept_index *index, struct nm_bytes sender,
    struct nm_bytes recipient, int64_t now_us);

/* The queue id under which the entry's message was let through while it was being
 * released ("-" for an unknown one); "" when it was not. */
enum nm_code nm_kept_index_passed(struct nm_kept_index *index, const char *id,
    struct nm_queue_id *out, struct nm_error *error);

enum nm_code nm_kept_index_list(struct nm_kept_index *index, const char *id,
    nm_each_entry *each, void *self, struct nm_error *error);

/* As nm_quarantine_change; to NM_KEPT_RELEASING needs `sent_to`. `*gone` is the name of the message that has no entry that
 * waits any more, or "". */
enum nm_code nm_kept_index_change(struct nm_kept_index *index, const char *id,
    unsigned from, enum nm_kept_state to, const char *sent_to, int64_t now_us,
    struct nm_id *gone, struct nm_error *error);

/* The oldest entry that waits and came before `before_us`: its id, or "". */
enum nm_code nm_kept_index_oldest(struct nm_kept_index *index, int64_t before_us,
    struct nm_id *out, struct nm_error *error);

/* Forget entries that were done with before `before_us`, and messages without entries. */
enum nm_code nm_kept_index_forget(
    struct nm_kept_index *index, int64_t before_us, struct nm_error *error);

#endif
