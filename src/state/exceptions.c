/* Exceptions in and out of the database, and on record. */
#include "database.h"
#include "stored.h"

#include <stdlib.h>
#include <string.h>

/* The null sender as the database has it, where '' is everyone's mail. */
static const char null_sender[] = "<>";

void nm_exception_describe(const struct nm_exception *exception, struct nm_buf *out)
{
    nm_buf_puts(out, exception->domain.name);
    if (exception->target.length > 0)
        nm_buf_printf(out, ", for %s", exception->target.name);
    if (exception->sender != NULL)
        nm_buf_printf(out, ", from %s",
            exception->sender[0] != '\0' ? exception->sender : null_sender);
}

/* ---- out ---------------------------------------------------------------- */

struct listing {
    bool (*each)(void *self, const struct nm_exception *exception);
    void *self;
    bool stopped;
};

static const char *text_of(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static bool read_exception(sqlite3_stmt *row, struct nm_exception *out)
{
    const char *target = text_of(row, 1);
    const char *sender = text_of(row, 2);

    memset(out, 0, sizeof *out);
    out->reason = text_of(row, 3);
    out->author = text_of(row, 4);
    out->created_us = sqlite3_column_int64(row, 5);
    out->expires_us = sqlite3_column_type(row, 6) == SQLITE_NULL
                          ? INT64_MAX
                          : sqlite3_column_int64(row, 6);
    if (target == NULL || sender == NULL || out->author == NULL ||
        !nm_stored_domain(row, 0, &out->domain))
        return false;
    if (strcmp(sender, null_sender) == 0)
        out->sender = "";
    else if (sender[0] != '\0')
        out->sender = sender;
    return target[0] == '\0' || nm_stored_domain(row, 1, &out->target);
}

static int take_exception(void *self, sqlite3_stmt *row)
{
    struct listing *listing = self;
    struct nm_exception exception;

    if (!read_exception(row, &exception))
        return SQLITE_CORRUPT;
    if (!listing->stopped)
        listing->stopped = !listing->each(listing->self, &exception);
    return SQLITE_OK;
}

enum nm_code nm_state_exceptions(struct nm_state *state,
    bool (*each)(void *self, const struct nm_exception *exception), void *self,
    struct nm_error *error)
{
    struct listing listing = {.each = each, .self = self};

    return nm_state_each(state,
        "SELECT domain, target, sender, reason, author, created_us, expires_us"
        " FROM exception ORDER BY domain, target, sender",
        take_exception, &listing, error);
}

/* ---- in force ----------------------------------------------------------- */

struct gathering {
    struct nm_arena *texts;
    struct nm_exception *rows;
    size_t count;
    size_t capacity;
    int64_t now_us;
    enum nm_code code;
};

enum { TEXTS_BYTES_MAX = 64 * 1024 * 1024, FIRST_ROWS = 16 };

static bool copy_text(struct gathering *gathering, const char **text)
{
    if (*text != NULL)
        *text = nm_arena_copy(gathering->texts, *text, strlen(*text));
    return *text != NULL;
}

static bool copy_row(struct gathering *gathering, const struct nm_exception *exception)
{
    struct nm_exception *row;

    if (gathering->count == gathering->capacity) {
        const size_t capacity =
            gathering->capacity > 0 ? 2 * gathering->capacity : FIRST_ROWS;
        struct nm_exception *rows =
            realloc(gathering->rows, capacity * sizeof *gathering->rows);

        if (rows == NULL)
            return false;
        gathering->rows = rows;
        gathering->capacity = capacity;
    }
    row = &gathering->rows[gathering->count];
    *row = *exception;
    if ((row->sender != NULL && !copy_text(gathering, &row->sender)) ||
        (row->reason != NULL && !copy_text(gathering, &row->reason)) ||
        !copy_text(gathering, &row->author))
        return false;
    gathering->count++;
    return true;
}

static bool gather(void *self, const struct nm_exception *exception)
{
    struct gathering *gathering = self;

    if (exception->expires_us > gathering->now_us && !copy_row(gathering, exception))
        gathering->code = NM_NO_MEMORY;
    return gathering->code == NM_OK;
}

enum nm_code nm_state_overlay(struct nm_state *state, int64_t now_us,
    struct nm_overlay **out, struct nm_error *error)
{
    struct gathering gathering = {.now_us = now_us};
    enum nm_code code = nm_arena_new(TEXTS_BYTES_MAX, &gathering.texts);

    if (code == NM_OK)
        code = nm_state_exceptions(state, gather, &gathering, error);
    if (code == NM_OK)
        code = gathering.code;
    if (code == NM_OK)
        code = nm_overlay_new(gathering.rows, gathering.count, out);
    if (code == NM_NO_MEMORY)
        (void)nm_fail(error, code, "%s: out of memory", state->path);
    else if (code == NM_LIMIT)
        (void)nm_fail(error, code, "%s: has more than %d exceptions in force",
            state->path, NM_EXCEPTIONS_MAX);
    free(gathering.rows);
    nm_arena_free(&gathering.texts);
    return code;
}

/* ---- on record ---------------------------------------------------------- */

static enum nm_code record(const struct nm_recorder *recorder, enum nm_verb verb,
    const struct nm_exception *exception, const char *reason, struct nm_error *error)
{
    const int64_t now_us = recorder->clock.now_us(recorder->clock.self);
    uint8_t random[NM_ID_RANDOM_BYTES];
    char subject[2 * NM_DOMAIN_MAX + NM_EXCEPTION_SENDER_MAX + 32];
    struct nm_audit_event event = {.kind = NM_EVENT_ACT,
        .time_us = now_us,
        .gateway = recorder->gateway,
        .actor = recorder->actor,
        .verb = verb,
        .subject = subject,
        .reason = reason};
    uint64_t ticket = 0;
    struct nm_buf buf;
    enum nm_code code;

    nm_buf_init(&buf, subject, sizeof subject);
    nm_exception_describe(exception, &buf);
    recorder->random.fill(recorder->random.self, random, sizeof random);
    event.id = nm_id_make(now_us, random);
    code = recorder->audit->append(recorder->audit->self, &event, 1, &ticket);
    if (code != NM_OK)
        return nm_fail(error, code, "the audit log takes no more events");
    return recorder->audit->wait(recorder->audit->self, ticket, error);
}

/* ---- in ----------------------------------------------------------------- */

struct change {
    const struct nm_exception *exception;
    const struct nm_recorder *recorder;
    int64_t now_us;
    enum nm_code code; /* when the cause is not SQLite's */
    struct nm_error error;
};

static void bind_key(sqlite3_stmt *statement, const struct nm_exception *exception)
{
    const char *sender = exception->sender;

    if (sender == NULL)
        sender = "";
    else if (sender[0] == '\0')
        sender = null_sender;
    (void)sqlite3_bind_text(statement, 1, exception->domain.name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2,
        exception->target.length > 0 ? exception->target.name : "", -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, sender, -1, SQLITE_STATIC);
}

static int forget_expired(sqlite3 *db, int64_t now_us)
{
    sqlite3_stmt *forget = NULL;
    int status =
        nm_sql_prepare(db, "DELETE FROM exception WHERE expires_us <= ?", &forget);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_int64(forget, 1, now_us);
        status = nm_sql_run(forget);
    }
    (void)sqlite3_finalize(forget);
    return status;
}

/* Room for one more, that of expired ones if need be. */
static int make_room(sqlite3 *db, struct change *change)
{
    int64_t count = 0;
    int status = nm_sql_number(db, "SELECT count(*) FROM exception", 0, &count);

    if (status != SQLITE_OK || count < NM_EXCEPTIONS_MAX)
        return status;
    status = nm_sql_number(db,
        "SELECT count(*) FROM exception WHERE expires_us IS NULL OR expires_us > ?",
        change->now_us, &count);
    if (status == SQLITE_OK && count >= NM_EXCEPTIONS_MAX) {
        change->code = nm_fail(&change->error, NM_LIMIT,
            "there are %d exceptions already; remove some", NM_EXCEPTIONS_MAX);
        return SQLITE_ABORT;
    }
    return status == SQLITE_OK ? forget_expired(db, change->now_us) : status;
}

static int put_exception(sqlite3 *db, void *self)
{
    struct change *change = self;
    const struct nm_exception *exception = change->exception;
    sqlite3_stmt *put = NULL;
    int status = make_room(db, change);

    if (status == SQLITE_OK)
        status = nm_sql_prepare(
            db, "INSERT OR REPLACE INTO exception VALUES (?, ?, ?, ?, ?, ?, ?)", &put);
    if (status == SQLITE_OK) {
        bind_key(put, exception);
        nm_sql_bind_text(put, 4, exception->reason);
        (void)sqlite3_bind_text(put, 5, change->recorder->actor, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 6, change->now_us);
        if (exception->expires_us != INT64_MAX)
            (void)sqlite3_bind_int64(put, 7, exception->expires_us);
        status = nm_sql_run(put);
    }
    (void)sqlite3_finalize(put);
    if (status == SQLITE_OK) {
        change->code = record(change->recorder, NM_VERB_ALLOW_ADDED, exception,
            exception->reason, &change->error);
        if (change->code != NM_OK)
            status = SQLITE_ABORT;
    }
    return status;
}

static int take_out(sqlite3 *db, void *self)
{
    struct change *change = self;
    sqlite3_stmt *take = NULL;
    int status = nm_sql_prepare(db,
        "DELETE FROM exception WHERE domain = ? AND target = ? AND sender = ?", &take);

    if (status == SQLITE_OK) {
        bind_key(take, change->exception);
        status = nm_sql_run(take);
    }
    (void)sqlite3_finalize(take);
    if (status != SQLITE_OK)
        return status;
    change->code =
        sqlite3_changes(db) == 0
            ? nm_fail(&change->error, NM_BAD_INPUT, "there is no such exception")
            : record(change->recorder, NM_VERB_ALLOW_REMOVED, change->exception,
                  change->exception->reason, &change->error);
    return change->code == NM_OK ? SQLITE_OK : SQLITE_ABORT;
}

/* The change is prepared, then recorded, then committed: so that what is in force is on
 * record, and what could not be recorded is not in force. A commit that fails after that
 * leaves a record of what was wanted. */
static enum nm_code make_change(struct nm_state *state,
    const struct nm_recorder *recorder, const struct nm_exception *exception,
    int (*how)(sqlite3 *db, void *self), struct nm_error *error)
{
    struct change change = {.exception = exception,
        .recorder = recorder,
        .now_us = recorder->clock.now_us(recorder->clock.self)};
    const enum nm_code code = nm_state_change(state, how, &change, error);

    if (code == NM_OK || change.code == NM_OK)
        return code;
    if (error != NULL)
        *error = change.error;
    return change.code;
}

enum nm_code nm_state_allow(struct nm_state *state, const struct nm_recorder *recorder,
    const struct nm_exception *exception, struct nm_error *error)
{
    return make_change(state, recorder, exception, put_exception, error);
}

enum nm_code nm_state_disallow(struct nm_state *state,
    const struct nm_recorder *recorder, const struct nm_exception *exception,
    struct nm_error *error)
{
    return make_change(state, recorder, exception, take_out, error);
}
