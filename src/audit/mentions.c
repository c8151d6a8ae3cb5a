#include "mentions.h"

#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_CAPACITY = 4096,
    ROUND_MIN = 4096,       /* entries to begin a round with, */
    ROUND_MAX = 128 * 1024, /* and at most so many, */
    ROUND_SHARE = 8,        /* in between one for every so many events of the log */
    SLICE = 1024,           /* entries written at once when nothing else is to do */
    REST_MAX = 128 * 1024   /* events whose mentions are gathered at once when opened */
};

struct mention {
    int64_t text;
    int64_t sequence;
};

/* Grows with the largest group of events; a round empties it. */
struct list {
    struct mention *items;
    size_t count;
    size_t capacity;
};

struct nm_mentions {
    struct nm_texts *texts;
    sqlite3_stmt *insert;
    sqlite3_stmt *set_indexed;
    struct list gathered;
    int64_t gathered_upto; /* sequence of the last event */
    size_t gathered_anew;  /* entries since the last slice */
    struct list round;     /* sorted by text and sequence */
    size_t round_at;       /* of the next entry to be written */
    int64_t round_upto;
};

/* ---- gathering ---------------------------------------------------------- */

static bool grow(struct list *list)
{
    const size_t capacity =
        list->capacity > 0 ? 2 * list->capacity : (size_t)FIRST_CAPACITY;
    struct mention *items = realloc(list->items, capacity * sizeof *items);

    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

int nm_mentions_add(struct nm_mentions *mentions, int64_t sequence,
    const int64_t texts[NM_MENTION_ROLES])
{
    struct list *list = &mentions->gathered;

    assert(sequence > mentions->gathered_upto);
    if (list->capacity - list->count < NM_MENTION_ROLES && !grow(list))
        return SQLITE_NOMEM;
    for (size_t i = 0; i < NM_MENTION_ROLES; i++)
        if (texts[i] != 0) {
            list->items[list->count++] =
                (struct mention){.text = texts[i], .sequence = sequence};
            mentions->gathered_anew++;
        }
    mentions->gathered_upto = sequence;
    return SQLITE_OK;
}

/* ---- rounds ------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct mention *a = left;
    const struct mention *b = right;

    if (a->text != b->text)
        return a->text < b->text ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* A round writes each page of the table that it touches, in the worst case all: so the
 * longer the log, the more entries have to share that. Only the tail that readers look
 * through by themselves sets a limit. */
static size_t round_size(const struct nm_mentions *mentions)
{
    const int64_t share = mentions->gathered_upto / ROUND_SHARE;

    if (share < ROUND_MIN)
        return ROUND_MIN;
    return share < ROUND_MAX ? (size_t)share : (size_t)ROUND_MAX;
}

/* Unless one is under way, and if there are so many entries. */
static void begin_round(struct nm_mentions *mentions, size_t count)
{
    const struct list emptied = mentions->round;

    if (mentions->round.count > 0 || mentions->gathered.count < count)
        return;
    mentions->round = mentions->gathered;
    mentions->round_at = 0;
    mentions->round_upto = mentions->gathered_upto;
    mentions->gathered = emptied;
    qsort(
        mentions->round.items, mentions->round.count, sizeof(struct mention), compare);
}

static int end_round(struct nm_mentions *mentions)
{
    mentions->round.count = 0;
    (void)sqlite3_bind_int64(mentions->set_indexed, 1, mentions->round_upto);
    return nm_sql_run(mentions->set_indexed);
}

/* Up to `count` entries of the round, and its end when that is reached. An entry may be
 * there already: from a round that a crash cut off, or as another role of its event. */
static int write_some(struct nm_mentions *mentions, size_t count)
{
    const struct list *round = &mentions->round;
    int status = SQLITE_OK;

    for (; count > 0 && mentions->round_at < round->count; count--) {
        const struct mention *mention = &round->items[mentions->round_at++];

        (void)sqlite3_bind_int64(mentions->insert, 1, mention->text);
        (void)sqlite3_bind_int64(mentions->insert, 2, mention->sequence);
        status = nm_sql_run(mentions->insert);
        if (status != SQLITE_OK)
            return status;
    }
    if (round->count > 0 && mentions->round_at == round->count)
        status = end_round(mentions);
    return status;
}

/* A round that takes two entries for each that comes is over before the next is due. */
int nm_mentions_keep_up(struct nm_mentions *mentions)
{
    const size_t due = 2 * mentions->gathered_anew;

    mentions->gathered_anew = 0;
    begin_round(mentions, round_size(mentions));
    return write_some(mentions, due);
}

bool nm_mentions_may_write(const struct nm_mentions *mentions)
{
    return mentions->round.count > 0 ||
           mentions->gathered.count >= round_size(mentions);
}

int nm_mentions_write_slice(struct nm_mentions *mentions)
{
    begin_round(mentions, round_size(mentions));
    return write_some(mentions, SLICE);
}

/* ---- open and close ----------------------------------------------------- */

static int gather_event(struct nm_mentions *mentions, sqlite3_stmt *row)
{
    const char *sender = sqlite3_column_blob(row, 5);
    int64_t texts[NM_MENTION_ROLES] = {
        [NM_MENTION_DOMAIN] = sqlite3_column_int64(row, 2),
        [NM_MENTION_TARGET] = sqlite3_column_int64(row, 3),
        [NM_MENTION_RULE] = sqlite3_column_int64(row, 4),
    };
    const int status =
        nm_texts_lower(mentions->texts, sender, (size_t)sqlite3_column_bytes(row, 5),
            sqlite3_column_int64(row, 1), &texts[NM_MENTION_SENDER]);

    return status == SQLITE_OK
               ? nm_mentions_add(mentions, sqlite3_column_int64(row, 0), texts)
               : status;
}

static int gather_events(
    struct nm_mentions *mentions, sqlite3_stmt *rows, size_t *count)
{
    int status = SQLITE_OK;

    *count = 0;
    (void)sqlite3_bind_int64(rows, 1, mentions->gathered_upto);
    (void)sqlite3_bind_int(rows, 2, REST_MAX);
    while (status == SQLITE_OK && (status = sqlite3_step(rows)) == SQLITE_ROW) {
        status = gather_event(mentions, rows);
        (*count)++;
    }
    (void)sqlite3_reset(rows);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Take up the table where the writer before left it. When that was far behind, write
 * right now, so that not all of it has to be in memory. */
static int gather_rest(struct nm_mentions *mentions, sqlite3 *db)
{
    sqlite3_stmt *rows = NULL;
    size_t count = REST_MAX;
    int status =
        nm_sql_number(db, "SELECT indexed FROM state", 0, &mentions->gathered_upto);

    if (status == SQLITE_OK)
        status = nm_sql_prepare(db,
            "SELECT e.sequence, e.sender, e.domain, e.target, e.rule, t.value"
            " FROM event AS e LEFT JOIN text AS t ON t.id = e.sender"
            " WHERE e.kind = 1 AND e.sequence > ? ORDER BY e.sequence LIMIT ?",
            &rows);
    while (status == SQLITE_OK && count == REST_MAX) {
        status = gather_events(mentions, rows, &count);
        if (status == SQLITE_OK && count == REST_MAX) {
            begin_round(mentions, 1);
            status = write_some(mentions, SIZE_MAX);
        }
    }
    (void)sqlite3_finalize(rows);
    return status;
}

static int take_up(struct nm_mentions *mentions, sqlite3 *db)
{
    int status = nm_sql_prepare(
        db, "INSERT OR IGNORE INTO mention VALUES (?, ?)", &mentions->insert);

    if (status == SQLITE_OK)
        status =
            nm_sql_prepare(db, "UPDATE state SET indexed = ?", &mentions->set_indexed);
    if (status == SQLITE_OK)
        status = nm_sql_exec(db, "BEGIN IMMEDIATE");
    if (status == SQLITE_OK)
        status = gather_rest(mentions, db);
    return status == SQLITE_OK ? nm_sql_exec(db, "COMMIT") : status;
}

int nm_mentions_open(sqlite3 *db, struct nm_texts *texts, struct nm_mentions **out)
{
    struct nm_mentions *mentions = calloc(1, sizeof *mentions);
    int status;

    if (mentions == NULL)
        return SQLITE_NOMEM;
    mentions->texts = texts;
    status = take_up(mentions, db);
    if (status != SQLITE_OK) {
        nm_mentions_close(&mentions);
        return status;
    }
    *out = mentions;
    return SQLITE_OK;
}

void nm_mentions_close(struct nm_mentions **mentions)
{
    if (*mentions == NULL)
        return;
    (void)sqlite3_finalize((*mentions)->insert);
    (void)sqlite3_finalize((*mentions)->set_indexed);
    free((*mentions)->gathered.items);
    free((*mentions)->round.items);
    free(*mentions);
    *mentions = NULL;
}
