/*
 * Acts. They are few, and looked up by the decision that they belong to, or listed whole.
 * Like a listing, it reads pages in transactions of their own.
 */
#include "columns.h"
#include "reader.h"
#include "sql/sql.h"

#include "identifier.h"

#include <assert.h>
#include <string.h>

enum { ACTS_PAGE = 64, ACTS_SQL_MAX = 2048 };

static const char columns[] =
    "SELECT a.sequence, e.time_us, e.id,"
    " (SELECT value FROM text WHERE id = e.gateway),"
    " coalesce(a.actor, '[erased]'), a.verb, coalesce(a.subject, '[erased]'),"
    " a.decision, a.reason";

enum column {
    A_SEQUENCE,
    A_TIME,
    A_ID,
    A_GATEWAY,
    A_ACTOR,
    A_VERB,
    A_SUBJECT,
    A_DECISION,
    A_REASON
};

struct scan {
    struct nm_audit_reader *reader;
    struct nm_arena *arena; /* of one page */
    sqlite3_stmt *page;
    uint8_t decision[NM_ID_PACKED_BYTES];
    int64_t after;
    int64_t upto;
};

/* ---- statements --------------------------------------------------------- */

static int prepare(struct scan *scan, const struct nm_audit_act_query *query,
    const char *select, const char *order, int64_t limit, sqlite3_stmt **out)
{
    char text[ACTS_SQL_MAX];
    struct nm_buf sql;
    int status;

    nm_buf_init(&sql, text, sizeof text);
    nm_buf_printf(&sql,
        "%s FROM act AS a CROSS JOIN event AS e ON e.sequence = a.sequence"
        " WHERE e.kind = 3 AND a.sequence > ?1 AND a.sequence <= ?2"
        " AND e.time_us >= ?3 AND e.time_us < ?4%s ORDER BY a.sequence %s LIMIT ?5",
        select, query->decision != NULL ? " AND a.decision = ?6" : "", order);
    assert(!sql.truncated);
    status = nm_sql_prepare(scan->reader->db, text, out);
    if (status != SQLITE_OK)
        return status;
    (void)sqlite3_bind_int64(*out, 1, scan->after);
    (void)sqlite3_bind_int64(*out, 2, scan->upto);
    (void)sqlite3_bind_int64(
        *out, 3, query->since_us != 0 ? query->since_us : INT64_MIN);
    (void)sqlite3_bind_int64(
        *out, 4, query->until_us != 0 ? query->until_us : INT64_MAX);
    (void)sqlite3_bind_int64(*out, 5, limit);
    if (query->decision != NULL)
        (void)sqlite3_bind_blob(
            *out, 6, scan->decision, sizeof scan->decision, SQLITE_STATIC);
    return SQLITE_OK;
}

/* Move the beginning to the act with which the newest ones begin. */
static int find_newest(struct scan *scan, const struct nm_audit_act_query *query)
{
    sqlite3_stmt *rows = NULL;
    int status;

    if (query->newest == 0 || query->newest > INT64_MAX)
        return SQLITE_OK;
    status = prepare(
        scan, query, "SELECT a.sequence", "DESC", (int64_t)query->newest, &rows);
    if (status == SQLITE_OK) {
        int64_t left = (int64_t)query->newest;

        while ((status = sqlite3_step(rows)) == SQLITE_ROW)
            if (--left == 0)
                scan->after = sqlite3_column_int64(rows, 0) - 1;
    }
    (void)sqlite3_finalize(rows);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* ---- rows --------------------------------------------------------------- */

static enum nm_code read_act(
    struct scan *scan, struct nm_audit_act *out, struct nm_error *error)
{
    sqlite3_stmt *row = scan->page;
    struct nm_audit_event *event = &out->event;
    int verb = 0;

    *out = (struct nm_audit_act){.sequence = sqlite3_column_int64(row, A_SEQUENCE)};
    event->kind = NM_EVENT_ACT;
    event->time_us = sqlite3_column_int64(row, A_TIME);
    nm_column_id(row, A_ID, event->time_us, &event->id);
    nm_column_id(row, A_DECISION, 0, &event->decision);
    if (out->sequence <= scan->after ||
        !nm_column_code(row, A_VERB, NM_VERB_COUNT, &verb))
        return nm_fail(error, NM_SYSTEM,
            "%s: row %lld is no act that is known: the log is damaged, or written by a "
            "newer Nearmiss",
            scan->reader->path, (long long)out->sequence);
    event->verb = (enum nm_verb)verb;
    if (!nm_column_text(scan->arena, row, A_GATEWAY, &event->gateway) ||
        !nm_column_text(scan->arena, row, A_ACTOR, &event->actor) ||
        !nm_column_text(scan->arena, row, A_SUBJECT, &event->subject) ||
        !nm_column_nullable(scan->arena, row, A_REASON, &event->reason))
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", scan->reader->path);
    return NM_OK;
}

static enum nm_code read_page(struct scan *scan, struct nm_audit_act acts[ACTS_PAGE],
    size_t *count, struct nm_error *error)
{
    struct nm_audit_reader *reader = scan->reader;
    enum nm_code code = NM_OK;
    int status = SQLITE_ROW;

    *count = 0;
    nm_arena_reset(scan->arena);
    (void)sqlite3_bind_int64(scan->page, 1, scan->after);
    while (code == NM_OK && nm_arena_used(scan->arena) < NM_PAGE_BYTES &&
           (status = sqlite3_step(scan->page)) == SQLITE_ROW) {
        code = read_act(scan, &acts[*count], error);
        if (code == NM_OK)
            scan->after = acts[(*count)++].sequence;
    }
    (void)sqlite3_reset(scan->page);
    if (code == NM_OK && status != SQLITE_ROW && status != SQLITE_DONE)
        code = nm_sql_fail(reader->db, reader->path, status, error);
    if (code == NM_OK && status == SQLITE_DONE && *count < ACTS_PAGE)
        scan->after = scan->upto;
    return code;
}

static enum nm_code hand_out(struct scan *scan,
    bool (*each)(void *self, const struct nm_audit_act *act), void *self,
    struct nm_error *error)
{
    struct nm_audit_act acts[ACTS_PAGE];
    enum nm_code code = NM_OK;
    size_t count = 0;
    bool wanted = true;

    while (code == NM_OK && wanted && scan->after < scan->upto) {
        code = read_page(scan, acts, &count, error);
        for (size_t i = 0; i < count && code == NM_OK && wanted; i++)
            wanted = each(self, &acts[i]);
    }
    return code;
}

static int begin(struct scan *scan, const struct nm_audit_act_query *query)
{
    int status = nm_sql_number(scan->reader->db,
        "SELECT coalesce(max(sequence), 0) FROM event", 0, &scan->upto);

    if (status == SQLITE_OK)
        status = find_newest(scan, query);
    return status == SQLITE_OK
               ? prepare(scan, query, columns, "ASC", ACTS_PAGE, &scan->page)
               : status;
}

enum nm_code nm_audit_reader_acts(struct nm_audit_reader *reader,
    const struct nm_audit_act_query *query,
    bool (*each)(void *self, const struct nm_audit_act *act), void *self,
    struct nm_error *error)
{
    struct scan scan = {.reader = reader};
    enum nm_code code = NM_OK;
    int status;

    if (query->decision != NULL && !nm_id_pack(query->decision, scan.decision))
        return NM_OK;
    if (nm_arena_new(NM_PAGE_BYTES + NM_ROW_BYTES_MAX, &scan.arena) != NM_OK)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    status = begin(&scan, query);
    if (status != SQLITE_OK)
        code = nm_sql_fail(reader->db, reader->path, status, error);
    else
        code = hand_out(&scan, each, self, error);
    (void)sqlite3_finalize(scan.page);
    nm_arena_free(&scan.arena);
    return code;
}
