/*
 * Mentions: the table that says which events mention a text as their domain, sender,
 * target or rule.
 *
 * Kept up with every event, it would cost more than the events: each one's entries belong
 * to pages all over the table, and every commit writes the pages that it touched. So
 * entries gather in memory and go to the table later: a large round of them, sorted, so
 * that a page takes many, in slices that ride along with the commits of events. How far
 * the table has come is recorded with it; readers look through the events behind that by
 * themselves, and a writer that starts gathers their entries anew.
 *
 * Belongs to one connection and knows of its open transaction: after a rollback it must
 * be thrown away. Functions return SQLite's status.
 */
#ifndef NM_AUDIT_MENTIONS_H
#define NM_AUDIT_MENTIONS_H

#include "texts.h"

enum nm_mention_role {
    NM_MENTION_SENDER, /* in lower case */
    NM_MENTION_DOMAIN,
    NM_MENTION_TARGET,
    NM_MENTION_RULE,
    NM_MENTION_ROLES
};

struct nm_mentions;

/* Opens, and gathers what the writer before left, in a transaction of its own. `texts`
 * is borrowed. */
int nm_mentions_open(sqlite3 *db, struct nm_texts *texts, struct nm_mentions **out);
void nm_mentions_close(struct nm_mentions **mentions);

/* Note the texts that an event mentions; 0 stands for none. Events come in order. */
int nm_mentions_add(struct nm_mentions *mentions, int64_t sequence,
    const int64_t texts[NM_MENTION_ROLES]);

/* Write a slice as large as what was added since the last one calls for. In an open
 * transaction. */
int nm_mentions_keep_up(struct nm_mentions *mentions);

/* Whether there is enough to write in an idle moment, and writing a slice of it. */
bool nm_mentions_may_write(const struct nm_mentions *mentions);
int nm_mentions_write_slice(struct nm_mentions *mentions);

#endif
