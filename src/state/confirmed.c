/* Confirmations in and out of the database. */
#include "database.h"

#include "state/confirmations.h"

#include <string.h>

/* ---- out ---------------------------------------------------------------- */

static bool read_tag(sqlite3_stmt *row, int column, struct nm_confirm_tag *out)
{
    const void *bytes = sqlite3_column_blob(row, column);

    if (bytes == NULL || sqlite3_column_bytes(row, column) != NM_CONFIRM_TAG_BYTES)
        return false;
    memcpy(out->bytes, bytes, sizeof out->bytes);
    return true;
}

static bool read_id(sqlite3_stmt *row, int column, struct nm_id *out)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    return text != NULL && strlen(text) == NM_ID_LENGTH &&
           strspn(text, digits) == NM_ID_LENGTH &&
           nm_copy(out->text, sizeof out->text, text);
}

struct reading {
    struct nm_confirmations *confirmations;
    enum nm_code code;
};

static int status_of(struct reading *reading, enum nm_code code)
{
    reading->code = code;
    return code == NM_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int take_key(void *self, sqlite3_stmt *row)
{
    struct reading *reading = self;
    const void *key = sqlite3_column_blob(row, 0);

    if (key == NULL || sqlite3_column_bytes(row, 0) != NM_CONFIRM_KEY_BYTES)
        return SQLITE_CORRUPT;
    return status_of(reading, nm_confirmations_new(key, &reading->confirmations));
}

static int take_pending(void *self, sqlite3_stmt *row)
{
    struct reading *reading = self;
    struct nm_pending pending = {.refused_us = sqlite3_column_int64(row, 4)};

    if (!read_tag(row, 0, &pending.what) || !read_tag(row, 1, &pending.sender) ||
        !read_tag(row, 2, &pending.origin) || !read_id(row, 3, &pending.decision))
        return SQLITE_CORRUPT;
    return status_of(
        reading, nm_confirmations_load_pending(reading->confirmations, &pending));
}

static int take_confirmed(void *self, sqlite3_stmt *row)
{
    struct reading *reading = self;
    struct nm_confirmed confirmed = {.confirmed_us = sqlite3_column_int64(row, 3),
        .expires_us = sqlite3_column_int64(row, 4)};

    if (!read_tag(row, 0, &confirmed.what) || !read_tag(row, 1, &confirmed.sender) ||
        !read_tag(row, 2, &confirmed.domain))
        return SQLITE_CORRUPT;
    return status_of(
        reading, nm_confirmations_load_confirmed(reading->confirmations, &confirmed));
}

enum nm_code nm_state_confirmations(
    struct nm_state *state, struct nm_confirmations **out, struct nm_error *error)
{
    struct reading reading = {.confirmations = NULL};
    enum nm_code code =
        nm_state_each(state, "SELECT key FROM confirm_key", take_key, &reading, error);

    if (code == NM_OK && reading.confirmations == NULL)
        return nm_fail(error, NM_SYSTEM,
            "%s: the key of the confirmations is missing; restore the database from a "
            "copy, or move it away to begin a new one",
            state->path);
    if (code == NM_OK)
        code = nm_state_each(state,
            "SELECT what, sender, origin, decision, refused_us FROM pending"
            " ORDER BY refused_us",
            take_pending, &reading, error);
    if (code == NM_OK)
        code = nm_state_each(state,
            "SELECT what, sender, domain, confirmed_us, expires_us FROM confirmation",
            take_confirmed, &reading, error);
    if (code != NM_OK) {
        nm_confirmations_free(&reading.confirmations);
        return code;
    }
    nm_confirmations_settle(reading.confirmations);
    *out = reading.confirmations;
    return NM_OK;
}

/* ---- in ----------------------------------------------------------------- */

static const char *const sql_of[] = {
    [NM_PENDING_PUT] = "INSERT OR REPLACE INTO pending"
                       " (what, sender, origin, decision, refused_us)"
                       " VALUES (?, ?, ?, ?, ?)",
    [NM_PENDING_GONE] = "DELETE FROM pending WHERE what = ?",
    [NM_CONFIRMED_PUT] = "INSERT OR REPLACE INTO confirmation"
                         " (what, sender, domain, confirmed_us, expires_us)"
                         " VALUES (?, ?, ?, ?, ?)",
    [NM_CONFIRMED_GONE] = "DELETE FROM confirmation WHERE what = ?",
};
enum { KINDS = NM_COUNT(sql_of) };

static void bind_tag(sqlite3_stmt *statement, int at, const struct nm_confirm_tag *tag)
{
    (void)sqlite3_bind_blob(
        statement, at, tag->bytes, NM_CONFIRM_TAG_BYTES, SQLITE_STATIC);
}

static void bind_change(sqlite3_stmt *statement, const struct nm_confirm_change *change)
{
    const struct nm_pending *pending = &change->row.pending;
    const struct nm_confirmed *confirmed = &change->row.confirmed;

    switch (change->kind) {
    case NM_PENDING_GONE:
        bind_tag(statement, 1, &pending->what);
        break;
    case NM_CONFIRMED_GONE:
        bind_tag(statement, 1, &confirmed->what);
        break;
    case NM_PENDING_PUT:
        bind_tag(statement, 1, &pending->what);
        bind_tag(statement, 2, &pending->sender);
        bind_tag(statement, 3, &pending->origin);
        (void)sqlite3_bind_text(
            statement, 4, pending->decision.text, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 5, pending->refused_us);
        break;
    case NM_CONFIRMED_PUT:
        bind_tag(statement, 1, &confirmed->what);
        bind_tag(statement, 2, &confirmed->sender);
        bind_tag(statement, 3, &confirmed->domain);
        (void)sqlite3_bind_int64(statement, 4, confirmed->confirmed_us);
        (void)sqlite3_bind_int64(statement, 5, confirmed->expires_us);
        break;
    }
}

struct change {
    const struct nm_confirm_change *changes;
    size_t count;
};

static int store_all(sqlite3 *db, void *self)
{
    const struct change *change = self;
    sqlite3_stmt *statements[KINDS] = {NULL};
    int status = SQLITE_OK;

    for (size_t i = 0; i < change->count && status == SQLITE_OK; i++) {
        const enum nm_confirm_change_kind kind = change->changes[i].kind;

        if (statements[kind] == NULL)
            status = nm_sql_prepare(db, sql_of[kind], &statements[kind]);
        if (status == SQLITE_OK) {
            bind_change(statements[kind], &change->changes[i]);
            status = nm_sql_run(statements[kind]);
        }
    }
    for (size_t i = 0; i < KINDS; i++)
        (void)sqlite3_finalize(statements[i]);
    return status;
}

enum nm_code nm_state_store_confirmations(struct nm_state *state,
    const struct nm_confirm_change *changes, size_t count, struct nm_error *error)
{
    struct change change = {.changes = changes, .count = count};

    return nm_state_change(state, store_all, &change, error);
}

static int forget(sqlite3 *db, const char *sql, int64_t time_us)
{
    sqlite3_stmt *statement = NULL;
    int status = nm_sql_prepare(db, sql, &statement);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_int64(statement, 1, time_us);
        status = nm_sql_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static int forget_expired(sqlite3 *db, void *self)
{
    static const int64_t window_us_max = INT64_C(604800) * 1000000;
    const int64_t now_us = *(const int64_t *)self;
    int status =
        forget(db, "DELETE FROM pending WHERE refused_us < ?", now_us - window_us_max);

    return status == SQLITE_OK
               ? forget(db, "DELETE FROM confirmation WHERE expires_us <= ?", now_us)
               : status;
}

enum nm_code nm_state_forget_confirmations(
    struct nm_state *state, int64_t now_us, struct nm_error *error)
{
    return nm_state_change(state, forget_expired, &now_us, error);
}
