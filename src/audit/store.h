/*
 * Store: the writer's connection to the database. Belongs to one thread at a time.
 *
 * A store that failed is closed and opened anew: that is how it finds out whether the
 * cause is gone, and how it forgets what it only thought to be in the database.
 */
#ifndef NM_AUDIT_STORE_H
#define NM_AUDIT_STORE_H

#include "audit/audit.h"
#include "checkpoint.h"
#include "queue.h"

struct nm_store_options {
    const char *path;
    const char *gateway;
    unsigned busy_ms;  /* how long another process may keep the database locked */
    const char *key;   /* path of the one that signs checkpoints */
    const char *group; /* that the files are given to; "" for none */
    struct nm_clock clock;
    bool doubtful; /* an earlier commit failed, and may have reached the disk or not:
                         first make sure of what is there */
};

struct nm_store;

/* Open, or create with mode 0640, be its only writer, bring the schema up to date, and
 * write who has opened it, and a checkpoint: so success means that it can be written. */
enum nm_code nm_store_open(const struct nm_store_options *options,
    struct nm_store **out, struct nm_error *error);
void nm_store_close(struct nm_store **store);

/* Write the blocks in one commit; NM_OK when they are durable. After any failure the
 * store is only good to be closed. When `again` is set, an earlier attempt may have
 * written some of them, and those are not written twice. */
enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error);

/* What is to be forgotten, and how far that has come. */
struct nm_forgetting {
    struct nm_audit_forget what; /* borrowed until it is done */
    int stage;
    int64_t after;
    int64_t upto;
    uint64_t cut_off;                          /* events that are gone, */
    uint64_t erased;                           /* or have lost what is personal */
    char new_key[2 * NM_PUBLIC_KEY_BYTES + 1]; /* public half, of a rotation */
    bool done;
    struct nm_error refused; /* why it was not done, with a code other than NM_OK; the
                                log is as it was */
};

/* Do a piece of it, in a commit of its own. */
enum nm_code nm_store_forget(
    struct nm_store *store, struct nm_forgetting *task, struct nm_error *error);

/* Store the text of a configuration once. */
enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error);

/* Checkpoints are written with every NM_CHECKPOINT_EVENTS events, and when this is called:
 * each hour, and at the end. `nm_store_take_checkpoint` gives the last one that became
 * durable, once, for the system log. */
enum { NM_CHECKPOINT_EVENTS = 10 * 1000, NM_CHECKPOINT_S = 3600 };
enum nm_code nm_store_checkpoint(struct nm_store *store, struct nm_error *error);
bool nm_store_ends_with_checkpoint(const struct nm_store *store);
bool nm_store_has_checkpoint(const struct nm_store *store);
bool nm_store_take_checkpoint(struct nm_store *store, struct nm_checkpoint *out);

/* What is kept of local parts from now on. Where that takes a key and there is none, less
 * is kept, and the second says why, else "". */
void nm_store_set_local_parts(struct nm_store *store, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient);
const char *nm_store_names_trouble(const struct nm_store *store);

/* Why no checkpoint can be signed, or "". The log is written all the same. */
const char *nm_store_key_trouble(const struct nm_store *store);

/* Why the files could not be given to the group, or "". */
const char *nm_store_group_trouble(const struct nm_store *store);

/* Whether there is housekeeping that can no longer wait for an idle moment, or would
 * make good use of one. */
bool nm_store_must_tidy(const struct nm_store *store);
bool nm_store_may_tidy(const struct nm_store *store);

/* Do a piece of it: index some events, fill in what an earlier version left out, or copy the write-ahead log to the database. */
enum nm_code nm_store_tidy(struct nm_store *store, struct nm_error *error);

#endif
