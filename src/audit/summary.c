/*
 * Summaries: what figures over long times are made of. Totals come from the table
 * `tally`, the few decisions that are worth a note from the index `event_notable`, which
 * holds all that is asked of them, and what became of their messages from `ending`. Like
 * a listing, they are read in pages, each in a transaction of its own.
 */
#include "columns.h"
#include "row.h"
#include "sql/sql.h"
#include "tally.h"

#include <stdlib.h>

enum { WINDOW_HOURS = 24 };

static enum nm_code fail(
    const struct nm_audit_reader *reader, int status, struct nm_error *error)
{
    return nm_sql_fail(reader->db, reader->path, status, error);
}

static enum nm_code fail_of_code(
    const struct nm_audit_reader *reader, struct nm_error *error)
{
    return nm_fail(error, NM_SYSTEM,
        "%s: a code in it is not known: the log is damaged, or written by a newer "
        "Nearmiss",
        reader->path);
}

/* ---- hours -------------------------------------------------------------- */

/* All kinds of decisions that there may be in so many hours. */
struct window {
    struct nm_audit_hour
        rows[WINDOW_HOURS * NM_MATCH_COUNT * NM_ACTION_COUNT * (NM_MODE_OBSERVE + 1)];
    size_t count;
};

static bool read_hour(sqlite3_stmt *row, struct nm_audit_hour *out)
{
    int match = 0;
    int action = 0;
    int mode = 0;
    const bool good = nm_column_code(row, 1, NM_MATCH_COUNT, &match) &&
                      nm_column_code(row, 2, NM_ACTION_COUNT, &action) &&
                      nm_column_code(row, 3, NM_MODE_OBSERVE + 1, &mode);

    *out = (struct nm_audit_hour){
        .begin_us = sqlite3_column_int64(row, 0) * NM_TALLY_HOUR_US,
        .match = (enum nm_match)match,
        .action = (enum nm_action)action,
        .mode = (enum nm_mode)mode,
        .decisions = (uint64_t)sqlite3_column_int64(row, 4),
    };
    return good;
}

/* The hours from `*hour`, or the first after it that has any, to `until`. `*hour` goes on
 * to where the next window begins. */
static enum nm_code read_window(struct nm_audit_reader *reader, sqlite3_stmt *select,
    struct window *window, int64_t *hour, int64_t until, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int status;

    window->count = 0;
    (void)sqlite3_bind_int64(select, 1, *hour);
    (void)sqlite3_bind_int64(select, 2, until);
    (void)sqlite3_bind_int(select, 3, WINDOW_HOURS);
    while (code == NM_OK && (status = sqlite3_step(select)) != SQLITE_DONE) {
        if (status != SQLITE_ROW)
            code = fail(reader, status, error);
        else if (window->count == NM_COUNT(window->rows) ||
                 !read_hour(select, &window->rows[window->count++]))
            code = fail_of_code(reader, error);
    }
    (void)sqlite3_reset(select);
    if (window->count > 0)
        *hour = window->rows[0].begin_us / NM_TALLY_HOUR_US + WINDOW_HOURS;
    return code;
}

/* The first hour that begins at or after a time. */
static int64_t hour_from(int64_t time_us)
{
    return time_us / NM_TALLY_HOUR_US + (time_us % NM_TALLY_HOUR_US > 0);
}

static enum nm_code hand_hours_out(struct nm_audit_reader *reader, int64_t hour,
    int64_t until, bool (*each)(void *self, const struct nm_audit_hour *hour),
    void *self, struct window *window, struct nm_error *error)
{
    sqlite3_stmt *select = NULL;
    enum nm_code code = NM_OK;
    bool wanted = true;
    const int status = nm_sql_prepare(reader->db,
        "WITH first AS (SELECT min(hour) AS hour FROM tally WHERE hour >= ?1)"
        " SELECT t.hour, match, action, mode, decisions FROM first JOIN tally AS t"
        " ON t.hour >= first.hour AND t.hour < min(first.hour + ?3, ?2)"
        " ORDER BY t.hour, match, action, mode",
        &select);

    if (status != SQLITE_OK)
        return fail(reader, status, error);
    do {
        code = read_window(reader, select, window, &hour, until, error);
        for (size_t i = 0; i < window->count && code == NM_OK && wanted; i++)
            wanted = each(self, &window->rows[i]);
    } while (code == NM_OK && wanted && window->count > 0);
    (void)sqlite3_finalize(select);
    return code;
}

enum nm_code nm_audit_reader_hours(struct nm_audit_reader *reader, int64_t since_us,
    int64_t until_us, bool (*each)(void *self, const struct nm_audit_hour *hour),
    void *self, struct nm_error *error)
{
    struct window *window = malloc(sizeof *window);
    enum nm_code code;

    if (window == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    code = hand_hours_out(reader, since_us / NM_TALLY_HOUR_US,
        until_us > 0 ? hour_from(until_us) : INT64_MAX, each, self, window, error);
    free(window);
    return code;
}

/* ---- notable decisions -------------------------------------------------- */

#define OUTCOME_OF_EVENTS                                                              \
    "(SELECT outcome FROM event WHERE sequence = " NM_ROW_OUTCOME("?5") ")"

/* The condition of the index is repeated as it stands there, or it would not serve. */
static const char notable_sql[] =
    "SELECT d.sequence, d.time_us, d.match, d.technique, d.action, d.mode, "
    "d.confidence,"
    " (SELECT value FROM text WHERE id = d.domain),"
    " (SELECT value FROM text WHERE id = d.target),"
    " (SELECT value FROM text WHERE id = d.rule),"
    " CASE WHEN d.sender IS NULL THEN '[erased]'"
    " ELSE (SELECT value FROM text WHERE id = d.sender) END,"
    " coalesce(nullif(d.outcome, 4), CASE"
    " WHEN e.transaction_id IS NULL OR e.sequence > ?5 THEN " OUTCOME_OF_EVENTS
    " WHEN d.outcome = 4 AND e.kept IS NOT NULL THEN 4 ELSE e.outcome END, 0)"
    " FROM event AS d INDEXED BY event_notable"
    " LEFT JOIN ending AS e ON e.transaction_id = d.transaction_id"
    " WHERE (d.technique > 0 OR d.action > 0) AND (d.time_us, d.sequence) > (?1, ?2)"
    " AND d.time_us < ?3 AND d.sequence <= ?5"
    " ORDER BY d.time_us, d.sequence LIMIT ?4";

enum column {
    N_SEQUENCE,
    N_TIME,
    N_MATCH,
    N_TECHNIQUE,
    N_ACTION,
    N_MODE,
    N_CONFIDENCE,
    N_DOMAIN,
    N_TARGET,
    N_RULE,
    N_SENDER,
    N_OUTCOME
};

static const int codes[NM_DECISION_CODES] = {
    N_MATCH, N_TECHNIQUE, N_ACTION, N_MODE, N_OUTCOME};

static bool read_texts(
    struct nm_arena *arena, sqlite3_stmt *row, struct nm_audit_event *out)
{
    return nm_column_text(arena, row, N_DOMAIN, &out->domain) &&
           nm_column_nullable(arena, row, N_TARGET, &out->target) &&
           nm_column_nullable(arena, row, N_RULE, &out->rule) &&
           nm_column_bytes(arena, row, N_SENDER, &out->sender);
}

static enum nm_code read_notable(struct nm_audit_reader *reader, sqlite3_stmt *row,
    struct nm_audit_row *out, struct nm_error *error)
{
    struct nm_audit_event *decision = &out->decision;

    *out = (struct nm_audit_row){.sequence = sqlite3_column_int64(row, N_SEQUENCE)};
    decision->kind = NM_EVENT_DECISION;
    decision->time_us = sqlite3_column_int64(row, N_TIME);
    decision->confidence = sqlite3_column_type(row, N_CONFIDENCE) == SQLITE_NULL
                               ? -1
                               : sqlite3_column_double(row, N_CONFIDENCE);
    decision->gateway = decision->reply = decision->config = decision->queue_id = "";
    decision->recipient.data = decision->client = decision->auth = "";
    if (!nm_column_codes(row, codes, decision))
        return fail_of_code(reader, error);
    if (!read_texts(reader->arena, row, decision))
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    return NM_OK;
}

/* `*last` is the row behind which the page begins, and then that with which it ends. */
static enum nm_code read_page(struct nm_audit_reader *reader, sqlite3_stmt *page,
    struct nm_audit_row *last, size_t *count, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int status = SQLITE_ROW;

    *count = 0;
    nm_arena_reset(reader->arena);
    (void)sqlite3_bind_int64(page, 1, last->decision.time_us);
    (void)sqlite3_bind_int64(page, 2, last->sequence);
    while (code == NM_OK && nm_arena_used(reader->arena) < NM_PAGE_BYTES &&
           (status = sqlite3_step(page)) == SQLITE_ROW) {
        code = read_notable(reader, page, &reader->rows[*count], error);
        if (code == NM_OK)
            *last = reader->rows[(*count)++];
    }
    (void)sqlite3_reset(page);
    if (code == NM_OK && status != SQLITE_ROW && status != SQLITE_DONE)
        code = fail(reader, status, error);
    return code;
}

static enum nm_code prepare_notable(struct nm_audit_reader *reader, int64_t until_us,
    sqlite3_stmt **out, struct nm_error *error)
{
    int64_t bound = 0;
    int status = nm_sql_number(
        reader->db, "SELECT coalesce(max(sequence), 0) FROM event", 0, &bound);

    if (status == SQLITE_OK)
        status = nm_sql_prepare(reader->db, notable_sql, out);
    if (status != SQLITE_OK)
        return fail(reader, status, error);
    (void)sqlite3_bind_int64(*out, 3, until_us > 0 ? until_us : INT64_MAX);
    (void)sqlite3_bind_int64(*out, 4, NM_PAGE_ROWS);
    (void)sqlite3_bind_int64(*out, 5, bound);
    return NM_OK;
}

enum nm_code nm_audit_reader_notable(struct nm_audit_reader *reader, int64_t since_us,
    int64_t until_us, bool (*each)(void *self, const struct nm_audit_row *row),
    void *self, struct nm_error *error)
{
    struct nm_audit_row last = {.decision.time_us = since_us};
    sqlite3_stmt *page = NULL;
    size_t count = 1;
    bool wanted = true;
    enum nm_code code = prepare_notable(reader, until_us, &page, error);

    while (code == NM_OK && wanted && count > 0) {
        code = read_page(reader, page, &last, &count, error);
        for (size_t i = 0; i < count && code == NM_OK && wanted; i++)
            wanted = each(self, &reader->rows[i]);
    }
    (void)sqlite3_finalize(page);
    return code;
}

/* ---- the ends ----------------------------------------------------------- */

enum nm_code nm_audit_reader_last(
    struct nm_audit_reader *reader, int64_t *sequence, struct nm_error *error)
{
    const int status = nm_sql_number(
        reader->db, "SELECT coalesce(max(sequence), 0) FROM event", 0, sequence);

    return status == SQLITE_OK ? NM_OK : fail(reader, status, error);
}

enum nm_code nm_audit_reader_span(struct nm_audit_reader *reader, int64_t *first_us,
    int64_t *last_us, struct nm_error *error)
{
    int status = nm_sql_number(reader->db,
        "SELECT coalesce(min(time_us), 0) FROM event WHERE kind = 1", 0, first_us);

    if (status == SQLITE_OK)
        status = nm_sql_number(reader->db,
            "SELECT coalesce(max(time_us), 0) FROM event WHERE kind = 1", 0, last_us);
    return status == SQLITE_OK ? NM_OK : fail(reader, status, error);
}
