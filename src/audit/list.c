/*
 * Listing. It goes through the log in windows of sequences, and through a window in pages
 * of rows; each page is read in a transaction of its own and handed on after it has
 * ended: neither a long search nor a pager that nobody scrolls keeps the write-ahead log
 * from being copied into the database. Every page sees the log as it was when the listing
 * began, for nothing behind that sequence counts.
 */
#include "query.h"
#include "reader.h"
#include "row.h"
#include "sql/sql.h"

enum { WINDOW = 128 * 1024 }; /* sequences searched in one transaction */

/* The statements of one listing: for sequences that `mention` covers, and for others. */
struct scan {
    struct nm_audit_reader *reader;
    const struct nm_filter *filter;
    sqlite3_stmt *mentioned; /* NULL when it is not asked */
    sqlite3_stmt *others;
};

static enum nm_code scan_begin(struct scan *scan, struct nm_audit_reader *reader,
    const struct nm_filter *filter, const char *select, enum nm_query_order order,
    struct nm_error *error)
{
    int status;

    *scan = (struct scan){.reader = reader, .filter = filter};
    status = nm_filter_prepare(filter, reader->db, false, select, order, &scan->others);
    if (status == SQLITE_OK && filter->indexed > 0)
        status = nm_filter_prepare(
            filter, reader->db, true, select, order, &scan->mentioned);
    if (status != SQLITE_OK)
        return nm_sql_fail(reader->db, reader->path, status, error);
    return NM_OK;
}

static void scan_end(struct scan *scan)
{
    (void)sqlite3_finalize(scan->mentioned);
    (void)sqlite3_finalize(scan->others);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The statement for the window (after, *upto], which is cut to what one can serve. */
static sqlite3_stmt *window_from(
    const struct scan *scan, int64_t after, int64_t *upto, int64_t limit)
{
    const bool mentioned = after < scan->filter->indexed;
    sqlite3_stmt *statement = mentioned ? scan->mentioned : scan->others;

    *upto = smaller(scan->filter->upto - after, WINDOW) + after;
    if (mentioned)
        *upto = smaller(*upto, scan->filter->indexed);
    nm_filter_set_window(statement, after, *upto, limit);
    return statement;
}

/* The same from the other end: (*after, upto]. */
static sqlite3_stmt *window_to(
    const struct scan *scan, int64_t upto, int64_t *after, int64_t limit)
{
    const bool mentioned = upto <= scan->filter->indexed;
    sqlite3_stmt *statement = mentioned ? scan->mentioned : scan->others;

    *after = greater(scan->filter->after, upto - WINDOW);
    if (!mentioned)
        *after = greater(*after, scan->filter->indexed);
    nm_filter_set_window(statement, *after, upto, limit);
    return statement;
}

/* Where there is nothing for longer than a window, go on where there is something. In a
 * damaged log that may be anywhere, but a listing must come to an end. */
static int skip_gap(const struct scan *scan, int64_t *after)
{
    int64_t next = 0;
    const int status = nm_sql_number(scan->reader->db,
        "SELECT coalesce(min(sequence), 0x7fffffffffffffff) - 1 FROM event"
        " WHERE sequence > ?",
        *after, &next);

    if (status == SQLITE_OK && next < *after)
        return SQLITE_CORRUPT;
    *after = next;
    return status;
}

static int skip_gap_back(const struct scan *scan, int64_t *upto)
{
    int64_t next = 0;
    const int status = nm_sql_number(scan->reader->db,
        "SELECT coalesce(max(sequence), 0) FROM event WHERE sequence <= ?", *upto,
        &next);

    if (status == SQLITE_OK && next > *upto)
        return SQLITE_CORRUPT;
    *upto = next;
    return status;
}

/* ---- listing ------------------------------------------------------------ */

/* Read rows until the page is full. `*after` goes on to the last one read, or to the end
 * of the window. */
static enum nm_code read_page(
    const struct scan *scan, int64_t *after, size_t *count, struct nm_error *error)
{
    struct nm_audit_reader *reader = scan->reader;
    enum nm_code code = NM_OK;
    int64_t upto;
    sqlite3_stmt *statement = window_from(scan, *after, &upto, NM_PAGE_ROWS);
    int status = SQLITE_ROW;

    *count = 0;
    nm_arena_reset(reader->arena);
    while (code == NM_OK && nm_arena_used(reader->arena) < NM_PAGE_BYTES &&
           (status = sqlite3_step(statement)) == SQLITE_ROW) {
        struct nm_audit_row *row = &reader->rows[*count];

        code = nm_row_read(reader, statement, row, error);
        if (code == NM_OK && row->sequence <= *after)
            code = nm_sql_fail(reader->db, reader->path, SQLITE_CORRUPT, error);
        if (code == NM_OK)
            *after = reader->rows[(*count)++].sequence;
    }
    if (code == NM_OK && status != SQLITE_ROW && status != SQLITE_DONE)
        code = nm_sql_fail(reader->db, reader->path, status, error);
    (void)sqlite3_reset(statement);
    if (code != NM_OK || status != SQLITE_DONE || *count == NM_PAGE_ROWS)
        return code;
    *after = upto;
    status = skip_gap(scan, after);
    return status == SQLITE_OK ? NM_OK
                               : nm_sql_fail(reader->db, reader->path, status, error);
}

static enum nm_code hand_out(struct nm_audit_reader *reader,
    const struct nm_filter *filter,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    struct scan scan;
    int64_t after = filter->after;
    size_t count = 0;
    bool wanted = true;
    enum nm_code code =
        scan_begin(&scan, reader, filter, nm_row_select, NM_QUERY_FORWARD, error);

    while (code == NM_OK && wanted && after < filter->upto) {
        code = read_page(&scan, &after, &count, error);
        for (size_t i = 0; i < count && code == NM_OK && wanted; i++)
            wanted = each(self, &reader->rows[i]);
    }
    scan_end(&scan);
    return code;
}

/* Count back to the row with which the newest ones begin. */
static enum nm_code find_newest(
    struct nm_audit_reader *reader, struct nm_filter *filter, struct nm_error *error)
{
    struct scan scan;
    int64_t left = (int64_t)(filter->query->newest & INT64_MAX);
    int64_t upto = filter->upto;
    int64_t after;
    int status;
    enum nm_code code = scan_begin(
        &scan, reader, filter, "SELECT d.sequence", NM_QUERY_BACKWARD, error);

    while (code == NM_OK && left > 0 && upto > filter->after) {
        sqlite3_stmt *statement = window_to(&scan, upto, &after, left);

        while ((status = sqlite3_step(statement)) == SQLITE_ROW)
            if (--left == 0)
                filter->after = sqlite3_column_int64(statement, 0) - 1;
        (void)sqlite3_reset(statement);
        upto = after;
        if (status == SQLITE_DONE)
            status = skip_gap_back(&scan, &upto);
        if (status != SQLITE_OK)
            code = nm_sql_fail(reader->db, reader->path, status, error);
    }
    scan_end(&scan);
    return code;
}

enum nm_code nm_audit_reader_list(struct nm_audit_reader *reader,
    const struct nm_audit_query *query,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    struct nm_filter filter;
    enum nm_code code = nm_filter_make(query, &filter, error);
    int status;

    if (code != NM_OK)
        goto out;
    status = nm_filter_find_bounds(&filter, reader->db);
    if (status != SQLITE_OK) {
        code = nm_sql_fail(reader->db, reader->path, status, error);
        goto out;
    }
    if (query->newest > 0)
        code = find_newest(reader, &filter, error);
    if (code == NM_OK)
        code = hand_out(reader, &filter, each, self, error);
out:
    nm_filter_free(&filter);
    return code;
}
