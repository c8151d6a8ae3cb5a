/*
 * Store: the writer's connection to the database. Belongs to one thread at a time.
 *
 * A store that failed is closed and opened anew: that is how it finds out whether the
 * cause is gone, and how it forgets what it only thought to be in the database.
 */
#ifndef NM_AUDIT_STORE_H
#define NM_AUDIT_STORE_H

#include "queue.h"

struct nm_store_options {
    const char *path;
    const char *gateway;
    unsigned busy_ms; /* how long another process may keep the database locked */
    bool doubtful;    /* an earlier commit failed, and may have reached the disk or not:
                         first make sure of what is there */
};

struct nm_store;

/* Open, or create with mode 0640, bring the schema up to date, and write who has opened
 * it: so success means that it can be written. */
enum nm_code nm_store_open(const struct nm_store_options *options, int64_t now_us,
    struct nm_store **out, struct nm_error *error);
void nm_store_close(struct nm_store **store);

/* Write the blocks in one commit; NM_OK when they are durable. After any failure the
 * store is only good to be closed. When `again` is set, an earlier attempt may have
 * written some of them, and those are not written twice. */
enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error);

/* Store the text of a configuration once. */
enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error);

/* Whether there is housekeeping that can no longer wait for an idle moment, or would
 * make good use of one. */
bool nm_store_must_tidy(const struct nm_store *store);
bool nm_store_may_tidy(const struct nm_store *store);

/* Do a piece of it: index some events, or copy the write-ahead log to the database. */
enum nm_code nm_store_tidy(struct nm_store *store, struct nm_error *error);

#endif
