/*
 * Mentions: which events mention which text, on its way into the table `mention`.
 *
 * Listings by domain, sender, target and rule need an index. Kept up with every event, it
 * would cost more than the events: each one's entries belong to pages all over the index,
 * and every commit writes the pages that it touched. So entries gather here, and go to
 * the table later: a large round of them, sorted, so that a page takes many, in slices
 * that ride along with the commits of events. How far the table has come is recorded
 * with it; a reader looks through the events behind that by itself, and a writer that
 * starts gathers their entries anew.
 */
#ifndef NM_AUDIT_MENTIONS_H
#define NM_AUDIT_MENTIONS_H

#include <nearmiss/base.h>

struct nm_mention {
    int64_t text;
    int64_t sequence;
};

struct nm_mention_list {
    struct nm_mention *items;
    size_t count;
    size_t capacity;
};

struct nm_mentions {
    struct nm_mention_list gathered;
    struct nm_mention_list round; /* sorted */
    size_t round_at;              /* of the next to be taken */
    int64_t gathered_upto;        /* sequence of the last event */
    int64_t round_upto;
};

/* Note the texts that an event mentions; 0 stands for none. Events come in order. */
enum nm_code nm_mentions_add(
    struct nm_mentions *mentions, int64_t sequence, const int64_t *texts, size_t count);

/* Begin a round with what has gathered, if it is at least `count` entries and no round
 * is under way. */
void nm_mentions_begin_round(struct nm_mentions *mentions, size_t count);

bool nm_mentions_has_round(const struct nm_mentions *mentions);

/* The next entry of the round, sorted by text and sequence; NULL when it is over. Then
 * the table is complete up to `round_upto`. */
const struct nm_mention *nm_mentions_next(struct nm_mentions *mentions);
void nm_mentions_end_round(struct nm_mentions *mentions);

void nm_mentions_free(struct nm_mentions *mentions);

#endif
