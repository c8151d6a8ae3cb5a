/*
 * Rows: events into rows of the table `event`, a few with one statement. Belongs to one
 * connection and works in its open transaction; after a rollback it must be thrown away.
 * Functions return SQLite's status.
 */
#ifndef NM_AUDIT_ROWS_H
#define NM_AUDIT_ROWS_H

#include "gate/ports.h"
#include "key.h"
#include "mentions.h"
#include "pseudonym.h"

struct nm_rows;

/* `texts` and `mentions` are borrowed. */
int nm_rows_open(sqlite3 *db, struct nm_texts *texts, struct nm_mentions *mentions,
    struct nm_rows **out);
void nm_rows_close(struct nm_rows **rows);

/* Add an event, which must live until the next flush; or do so unless it is there. */
int nm_rows_add(struct nm_rows *rows, const struct nm_audit_event *event);
int nm_rows_add_once(struct nm_rows *rows, const struct nm_audit_event *event);

/* Write what was added and is not written yet. */
int nm_rows_flush(struct nm_rows *rows);

/* A place in the chain: a sequence, and the hash of the event there. */
struct nm_mark {
    int64_t sequence;
    struct nm_hash hash;
};

/* What a seal says: the log was cut off up to here. */
struct nm_seal {
    int64_t upto;
    struct nm_hash hash;
};

/* What a rotation says: another key signs from here on. Public halves. */
struct nm_rotation {
    uint8_t old_key[NM_PUBLIC_KEY_BYTES];
    uint8_t new_key[NM_PUBLIC_KEY_BYTES];
};

/* Write a checkpoint, or with one of these a seal or a rotation, behind all that was
 * added. */
int nm_rows_add_mark(struct nm_rows *rows, int64_t time_us, const char *gateway,
    const struct nm_seal *seal, const struct nm_rotation *rotation,
    struct nm_mark *out);

/* The end of the chain. */
const struct nm_mark *nm_rows_last(const struct nm_rows *rows);

/* What is kept of local parts. `pseudonyms` is borrowed, and may be NULL. */
void nm_rows_set_local_parts(struct nm_rows *rows,
    const struct nm_pseudonyms *pseudonyms, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient);

/* Whether there is something to fill in that an earlier version left out, and filling in
 * some of it. */
bool nm_rows_may_fill(const struct nm_rows *rows);
int nm_rows_fill(struct nm_rows *rows);

/* Store the text of a configuration, if it is not known yet. */
int nm_rows_add_config(struct nm_rows *rows, const char *hash, const char *text);

#endif
