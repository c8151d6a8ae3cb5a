#include "endings.h"

#include "identifier.h"
#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>

/* Each may take a look at a page or two of a log that is not in memory. */
enum { FILL_DECISIONS = 32 };

enum statement { EXPECT, LEARN, UNFILLED, FILLED, STATEMENTS };

static_assert(NM_OUTCOME_QUARANTINED == 4, "the statements have it as a number");

static const char *const sql_of[STATEMENTS] = {
    [EXPECT] =
        "INSERT OR IGNORE INTO ending SELECT d.transaction_id, o.sequence, o.outcome,"
        " (SELECT max(sequence) FROM event WHERE kind = 2"
        " AND transaction_id = d.transaction_id AND outcome = 4)"
        " FROM event AS d LEFT JOIN event AS o ON o.sequence = (SELECT max(sequence)"
        " FROM event WHERE kind = 2 AND transaction_id = d.transaction_id)"
        " WHERE d.sequence = ?",
    [LEARN] = "UPDATE ending SET sequence = ?2, outcome = ?3,"
              " kept = CASE ?3 WHEN 4 THEN ?2 ELSE kept END WHERE transaction_id = ?1",
    [UNFILLED] = "SELECT time_us, sequence FROM event INDEXED BY event_notable"
                 " WHERE (technique > 0 OR action > 0)"
                 " AND (time_us, sequence) > (?, ?)"
                 " ORDER BY time_us, sequence LIMIT ?",
    [FILLED] = "UPDATE state SET endings_us = ?, endings_sequence = ?",
};

/* A place in the order of times. */
struct place {
    int64_t time_us;
    int64_t sequence;
};

struct nm_endings {
    sqlite3_stmt *statements[STATEMENTS];
    bool filled;
    struct place filled_upto;
};

/* ---- events ------------------------------------------------------------- */

static int expect(struct nm_endings *endings, int64_t sequence)
{
    (void)sqlite3_bind_int64(endings->statements[EXPECT], 1, sequence);
    return nm_sql_run(endings->statements[EXPECT]);
}

static int learn(
    struct nm_endings *endings, int64_t sequence, const struct nm_audit_event *event)
{
    sqlite3_stmt *statement = endings->statements[LEARN];
    uint8_t packed[NM_ID_PACKED_BYTES];

    (void)nm_id_bind(statement, 1, &event->transaction, packed);
    (void)sqlite3_bind_int64(statement, 2, sequence);
    (void)sqlite3_bind_int(statement, 3, (int)event->outcome);
    return nm_sql_run(statement);
}

int nm_endings_add(
    struct nm_endings *endings, int64_t sequence, const struct nm_audit_event *event)
{
    if (event->kind == NM_EVENT_OUTCOME)
        return learn(endings, sequence, event);
    if (event->technique == NM_TECHNIQUE_NONE && event->action == NM_ACTION_ACCEPT)
        return SQLITE_OK;
    return expect(endings, sequence);
}

/* ---- filling in --------------------------------------------------------- */

bool nm_endings_may_fill(const struct nm_endings *endings)
{
    return !endings->filled;
}

static int find_unfilled(
    struct nm_endings *endings, struct place places[FILL_DECISIONS], size_t *count)
{
    sqlite3_stmt *rows = endings->statements[UNFILLED];
    int status;

    *count = 0;
    (void)sqlite3_bind_int64(rows, 1, endings->filled_upto.time_us);
    (void)sqlite3_bind_int64(rows, 2, endings->filled_upto.sequence);
    (void)sqlite3_bind_int(rows, 3, FILL_DECISIONS);
    while ((status = sqlite3_step(rows)) == SQLITE_ROW)
        places[(*count)++] = (struct place){
            sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1)};
    (void)sqlite3_reset(rows);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

static int note_filled(struct nm_endings *endings)
{
    sqlite3_stmt *note = endings->statements[FILLED];

    if (endings->filled)
        (void)sqlite3_bind_null(note, 1);
    else
        (void)sqlite3_bind_int64(note, 1, endings->filled_upto.time_us);
    (void)sqlite3_bind_int64(note, 2, endings->filled_upto.sequence);
    return nm_sql_run(note);
}

int nm_endings_fill(struct nm_endings *endings)
{
    struct place places[FILL_DECISIONS];
    size_t count;
    int status = find_unfilled(endings, places, &count);

    for (size_t i = 0; i < count && status == SQLITE_OK; i++) {
        status = expect(endings, places[i].sequence);
        endings->filled_upto = places[i];
    }
    endings->filled = count < FILL_DECISIONS;
    return status == SQLITE_OK ? note_filled(endings) : status;
}

/* ---- open and close ----------------------------------------------------- */

static int read_filled(struct nm_endings *endings, sqlite3 *db)
{
    int64_t left = 0;
    int status =
        nm_sql_number(db, "SELECT endings_us IS NOT NULL FROM state", 0, &left);

    endings->filled = left == 0;
    if (status == SQLITE_OK)
        status = nm_sql_number(db, "SELECT coalesce(endings_us, 0) FROM state", 0,
            &endings->filled_upto.time_us);
    return status == SQLITE_OK ? nm_sql_number(db, "SELECT endings_sequence FROM state",
                                     0, &endings->filled_upto.sequence)
                               : status;
}

int nm_endings_open(sqlite3 *db, struct nm_endings **out)
{
    struct nm_endings *endings = calloc(1, sizeof *endings);
    int status;

    if (endings == NULL)
        return SQLITE_NOMEM;
    status = read_filled(endings, db);
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        status = nm_sql_prepare(db, sql_of[i], &endings->statements[i]);
    if (status != SQLITE_OK) {
        nm_endings_close(&endings);
        return status;
    }
    *out = endings;
    return SQLITE_OK;
}

void nm_endings_close(struct nm_endings **endings)
{
    if (*endings == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*endings)->statements[i]);
    free(*endings);
    *endings = NULL;
}
