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
};

struct nm_store;

/* Open, or create with mode 0640, bring the schema up to date, and write who has opened
 * it: so success means that it can be written. */
enum nm_code nm_store_open(const struct nm_store_options *options, int64_t now_us,
    struct nm_store **out, struct nm_error *error);
void nm_store_close(struct nm_store **store);

/* Write the blocks in one commit; NM_OK when they are durable. When `again` is set, an
 * earlier attempt may have written some of them, and those are not written twice. */
enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error);

/* Store the text of a configuration once. */
enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error);

/* Pages in the write-ahead log that are not known to be in the database. */
unsigned nm_store_wal_pages(const struct nm_store *store);

/* Copy the write-ahead log into the database. */
enum nm_code nm_store_checkpoint(struct nm_store *store, struct nm_error *error);

#endif
