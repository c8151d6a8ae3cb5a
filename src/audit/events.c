/*
 * Events as they were written, of every kind, for who takes the log elsewhere. Like a
 * listing, they are read in pages, each in a transaction of its own.
 */
#include "checkpoint.h"
#include "columns.h"
#include "query.h"
#include "reader.h"
#include "row.h"
#include "sql/sql.h"

#include <string.h>

enum { EVENTS_SQL_MAX = 4096, CHECKPOINT_LINE_MAX = 1024 };

/* Behind the columns of a row; see row.c. */
enum column {
    E_KIND = 22,
    E_QUEUE,
    E_OUTCOME,
    E_VERB,
    E_ACTOR,
    E_SUBJECT,
    E_DECISION,
    E_REASON,
    E_SIGNATURE,
    E_HASH,
    E_LOG,
    E_KEY,
    E_NEW_KEY
};

static const char tail[] =
    ", d.kind, d.queue_id, d.outcome, a.verb, a.actor, a.subject, a.decision, a.reason,"
    " c.signature, d.hash, chain.log,"
    " CASE WHEN c.sequence IS NOT NULL THEN coalesce((SELECT old_key FROM rotation"
    " WHERE sequence >= d.sequence ORDER BY sequence LIMIT 1), chain.key) END,"
    " (SELECT lower(hex(new_key)) FROM rotation WHERE sequence = d.sequence)"
    " FROM event AS d CROSS JOIN chain LEFT JOIN act AS a ON a.sequence = d.sequence"
    " LEFT JOIN checkpoint AS c ON c.sequence = d.sequence"
    " LEFT JOIN event AS o ON d.kind = 1 AND o.sequence = " NM_ROW_OUTCOME(
        "?4") " WHERE d.sequence > ?1 AND d.sequence <= ?2"
              " ORDER BY d.sequence LIMIT ?3";

static bool read_outcome(
    struct nm_arena *arena, sqlite3_stmt *row, struct nm_audit_event *out)
{
    int outcome = 0;

    if (!nm_column_code(row, E_OUTCOME, NM_OUTCOME_COUNT, &outcome))
        outcome = NM_OUTCOME_UNKNOWN;
    out->outcome = (enum nm_outcome)outcome;
    return nm_column_text(arena, row, E_QUEUE, &out->queue_id);
}

static bool read_act(
    struct nm_arena *arena, sqlite3_stmt *row, struct nm_audit_event *out, bool *known)
{
    int verb = 0;

    *known = nm_column_code(row, E_VERB, NM_VERB_COUNT, &verb);
    out->verb = (enum nm_verb)verb;
    nm_column_id(row, E_DECISION, 0, &out->decision);
    return nm_column_text(arena, row, E_ACTOR, &out->actor) &&
           nm_column_text(arena, row, E_SUBJECT, &out->subject) &&
           nm_column_nullable(arena, row, E_REASON, &out->reason);
}

static bool take_blob(sqlite3_stmt *row, int at, uint8_t *out, size_t size)
{
    const void *bytes = sqlite3_column_blob(row, at);

    if (bytes == NULL || (size_t)sqlite3_column_bytes(row, at) != size)
        return false;
    memcpy(out, bytes, size);
    return true;
}

/* The line stays NULL when there is no signature, as of an event whose key was lost. */
static bool read_checkpoint(
    struct nm_arena *arena, sqlite3_stmt *row, struct nm_audit_row *out)
{
    struct nm_checkpoint checkpoint = {
        .sequence = out->sequence, .time_us = out->decision.time_us};
    struct nm_checkpoint_text text;
    char line[CHECKPOINT_LINE_MAX];
    struct nm_buf buf;

    if (!take_blob(row, E_SIGNATURE, checkpoint.signature, NM_SIGNATURE_BYTES) ||
        !take_blob(row, E_HASH, checkpoint.hash.bytes, NM_HASH_BYTES) ||
        !take_blob(row, E_LOG, checkpoint.log, NM_LOG_NAME_BYTES) ||
        !take_blob(row, E_KEY, checkpoint.key, NM_PUBLIC_KEY_BYTES))
        return true;
    nm_checkpoint_format(&checkpoint, &text);
    nm_buf_init(&buf, line, sizeof line);
    nm_buf_printf(&buf,
        NM_CHECKPOINT_MESSAGE
        " log=%s sequence=%s time_us=%s hash=%s key=%s signature=%s",
        text.log, text.sequence, text.time_us, text.hash, text.key, text.signature);
    out->checkpoint = nm_arena_copy(arena, line, buf.length);
    return out->checkpoint != NULL;
}

static enum nm_code read_event(struct nm_audit_reader *reader, sqlite3_stmt *row,
    struct nm_audit_row *out, struct nm_error *error)
{
    struct nm_audit_event *event = &out->decision;
    enum nm_code code = nm_row_read(reader, row, out, error);
    bool known = true;
    bool fine = true;

    if (code != NM_OK)
        return code;
    event->kind = (enum nm_event_kind)sqlite3_column_int(row, E_KIND);
    if (event->kind == NM_EVENT_OUTCOME)
        fine = read_outcome(reader->arena, row, event);
    else if (event->kind == NM_EVENT_ACT)
        fine = read_act(reader->arena, row, event, &known);
    else if (event->kind != NM_EVENT_DECISION)
        fine = read_checkpoint(reader->arena, row, out) &&
               nm_column_nullable(reader->arena, row, E_NEW_KEY, &out->new_key);
    if (!fine)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    if (!known)
        return nm_fail(error, NM_SYSTEM,
            "%s: row %lld is no act that is known: the log is damaged, or written by a "
            "newer Nearmiss",
            reader->path, (long long)out->sequence);
    return NM_OK;
}

static enum nm_code read_page(struct nm_audit_reader *reader, sqlite3_stmt *page,
    int64_t after, size_t *count, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int status = SQLITE_ROW;

    *count = 0;
    nm_arena_reset(reader->arena);
    (void)sqlite3_bind_int64(page, 1, after);
    while (code == NM_OK && nm_arena_used(reader->arena) < NM_PAGE_BYTES &&
           (status = sqlite3_step(page)) == SQLITE_ROW) {
        struct nm_audit_row *row = &reader->rows[*count];

        code = read_event(reader, page, row, error);
        if (code == NM_OK && row->sequence <= after)
            code = nm_sql_fail(reader->db, reader->path, SQLITE_CORRUPT, error);
        if (code == NM_OK)
            after = reader->rows[(*count)++].sequence;
    }
    (void)sqlite3_reset(page);
    if (code == NM_OK && status != SQLITE_ROW && status != SQLITE_DONE)
        code = nm_sql_fail(reader->db, reader->path, status, error);
    return code;
}

static enum nm_code prepare(struct nm_audit_reader *reader, int64_t upto,
    sqlite3_stmt **out, struct nm_error *error)
{
    char text[EVENTS_SQL_MAX];
    struct nm_buf sql;
    int status;

    nm_buf_init(&sql, text, sizeof text);
    nm_buf_puts(&sql, nm_row_select);
    nm_buf_puts(&sql, tail);
    status = nm_sql_prepare(reader->db, text, out);
    if (status != SQLITE_OK)
        return nm_sql_fail(reader->db, reader->path, status, error);
    (void)sqlite3_bind_int64(*out, 2, upto);
    (void)sqlite3_bind_int64(*out, 3, NM_PAGE_ROWS);
    (void)sqlite3_bind_int64(*out, 4, INT64_MAX); /* as far as it is known */
    return NM_OK;
}

enum nm_code nm_audit_reader_events(struct nm_audit_reader *reader, int64_t after,
    int64_t upto, bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    sqlite3_stmt *page = NULL;
    size_t count = 1;
    bool wanted = true;
    enum nm_code code = prepare(reader, upto, &page, error);

    while (code == NM_OK && wanted && count > 0) {
        code = read_page(reader, page, after, &count, error);
        for (size_t i = 0; i < count && code == NM_OK && wanted; i++)
            wanted = each(self, &reader->rows[i]);
        if (count > 0)
            after = reader->rows[count - 1].sequence;
    }
    (void)sqlite3_finalize(page);
    return code;
}

/* ---- positions ---------------------------------------------------------- */

enum nm_code nm_audit_reader_position(struct nm_audit_reader *reader, int64_t time_us,
    int64_t *before, struct nm_error *error)
{
    const struct nm_audit_query query = {.since_us = time_us};
    struct nm_filter filter;
    enum nm_code code = nm_filter_make(&query, &filter, error);
    int status;

    if (code == NM_OK) {
        status = nm_filter_find_bounds(&filter, reader->db);
        if (status != SQLITE_OK)
            code = nm_sql_fail(reader->db, reader->path, status, error);
        *before = filter.after < filter.bound ? filter.after : filter.bound;
    }
    nm_filter_free(&filter);
    return code;
}

enum nm_code nm_audit_reader_time(struct nm_audit_reader *reader, int64_t sequence,
    int64_t *time_us, struct nm_error *error)
{
    const int status = nm_sql_number(reader->db,
        "SELECT coalesce((SELECT time_us FROM event WHERE sequence = ?), 0)", sequence,
        time_us);

    return status == SQLITE_OK ? NM_OK
                               : nm_sql_fail(reader->db, reader->path, status, error);
}
