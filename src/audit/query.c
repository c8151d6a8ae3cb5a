/*
 * Reading. Rows are read in pages, each in a read transaction of its own, and handed on
 * after it has ended: a pager that nobody scrolls must not keep the write-ahead log from
 * being copied into the database. Every page sees the log as it was when the listing
 * began, for nothing behind that sequence counts.
 */
#include "audit/audit.h"

#include "identifier.h"
#include "schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>
#include <unistd.h>

enum {
    PAGE_ROWS = 256,
    PAGE_BYTES_MAX = 64 * 1024 * 1024,
    BUSY_MS = 5000,
    SQL_MAX = 8192
};

struct nm_audit_reader {
    char *path;
    sqlite3 *db;
    struct nm_arena *arena; /* what the rows of a page point to */
    struct nm_audit_row rows[PAGE_ROWS];
};

/* ---- open --------------------------------------------------------------- */

/* As it is found: with the daemon's -wal and -shm files, or, when these are missing and
 * may not be made, as a file that nobody writes. */
static int open_database(struct nm_audit_reader *reader, const char *parameters)
{
    char uri[4096 * 3];
    struct nm_buf buf;
    int64_t ignored = 0;
    int status;

    nm_buf_init(&buf, uri, sizeof uri);
    nm_buf_puts(&buf, "file:");
    for (const char *c = reader->path; *c != '\0'; c++) {
        if (strchr("?#%", *c) != NULL)
            nm_buf_printf(&buf, "%%%02X", (unsigned char)*c);
        else
            nm_buf_put(&buf, c, 1);
    }
    nm_buf_puts(&buf, parameters);
    if (buf.truncated)
        return SQLITE_CANTOPEN;
    status = sqlite3_open_v2(uri, &reader->db,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
            SQLITE_OPEN_EXRESCODE,
        NULL);
    if (status == SQLITE_OK)
        status = sqlite3_busy_timeout(reader->db, BUSY_MS);
    if (status == SQLITE_OK)
        status = nm_schema_run(
            reader->db, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
    if (status == SQLITE_OK)
        status = nm_schema_integer(
            reader->db, "SELECT count(*) FROM sqlite_schema", &ignored);
    return status;
}

static enum nm_code connect_reader(
    struct nm_audit_reader *reader, struct nm_error *error)
{
    int status;

    if (access(reader->path, R_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", reader->path, strerror(errno));
    status = open_database(reader, "?mode=ro");
    if ((status & 0xff) == SQLITE_CANTOPEN || (status & 0xff) == SQLITE_READONLY) {
        (void)sqlite3_close(reader->db);
        reader->db = NULL;
        status = open_database(reader, "?mode=ro&immutable=1");
    }
    if (status != SQLITE_OK)
        return nm_schema_fail(reader->db, reader->path, status, error);
    return nm_schema_check(reader->db, reader->path, error);
}

enum nm_code nm_audit_reader_open(
    const char *path, struct nm_audit_reader **out, struct nm_error *error)
{
    struct nm_audit_reader *reader = calloc(1, sizeof *reader);
    enum nm_code code = NM_NO_MEMORY;

    if (reader == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    reader->path = strdup(path);
    if (reader->path == NULL || nm_arena_new(PAGE_BYTES_MAX, &reader->arena) != NM_OK)
        (void)nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    else
        code = connect_reader(reader, error);
    if (code != NM_OK) {
        nm_audit_reader_close(&reader);
        return code;
    }
    *out = reader;
    return NM_OK;
}

void nm_audit_reader_close(struct nm_audit_reader **reader)
{
    if (*reader == NULL)
        return;
    (void)sqlite3_close((*reader)->db);
    nm_arena_free(&(*reader)->arena);
    free((*reader)->path);
    free(*reader);
    *reader = NULL;
}

enum nm_code nm_audit_check(const char *path, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    struct stat found;
    char *folder;
    char *slash;
    enum nm_code code;

    if (stat(path, &found) == 0) {
        if (access(path, W_OK) != 0)
            return nm_fail(error, NM_SYSTEM, "%s: the audit log may not be written: %s",
                path, strerror(errno));
        if (found.st_size == 0)
            return NM_OK;
        code = nm_audit_reader_open(path, &reader, error);
        nm_audit_reader_close(&reader);
        return code;
    }
    folder = strdup(path);
    if (folder == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    code = NM_OK;
    if (access(slash != NULL ? folder : ".", W_OK | X_OK) != 0)
        code = nm_fail(error, NM_SYSTEM, "%s: the audit log cannot be made there: %s",
            path, strerror(errno));
    free(folder);
    return code;
}

/* ---- the question ------------------------------------------------------- */

struct question {
    char sql[SQL_MAX];
    struct nm_buf where;
};

/* One condition for each thing that can be asked; the parameter has the same number. */
enum parameter {
    AFTER = 1,
    BOUND,
    SINCE,
    UNTIL,
    REFERENCE_ID,
    REFERENCE_QUEUE,
    DOMAIN,
    TARGET,
    SENDER,
    RECIPIENT,
    RULE,
    ACTION,
    TECHNIQUE,
    MATCH,
    OUTCOME,
    LIMIT,
    PARAMETER_COUNT
};

static const char *const conditions[PARAMETER_COUNT] = {
    [SINCE] = " AND d.time_us >= ?3",
    [UNTIL] = " AND d.time_us < ?4",
    [REFERENCE_ID] = " AND (d.id = ?5 OR d.transaction_id = ?5)",
    [REFERENCE_QUEUE] =
        " AND d.transaction_id IN"
        " (SELECT transaction_id FROM event WHERE queue_id = ?6 AND kind = 2)",
    [DOMAIN] = " AND d.domain = (SELECT id FROM text WHERE value = ?7)",
    [TARGET] = " AND d.target = (SELECT id FROM text WHERE value = ?8)",
    [SENDER] = " AND d.sender = ?9 COLLATE NOCASE",
    [RECIPIENT] = " AND d.recipient = ?10 COLLATE NOCASE",
    [RULE] = " AND d.rule = (SELECT id FROM text WHERE value = ?11)",
    [ACTION] = " AND d.action = ?12",
    [TECHNIQUE] = " AND d.technique = ?13",
    [MATCH] = " AND d.match = ?14",
    [OUTCOME] = " AND coalesce(d.outcome, o.outcome, 0) = ?15",
};

#define FROM                                                                           \
    " FROM event AS d LEFT JOIN event AS o ON o.sequence = (SELECT max(sequence) FROM" \
    " event WHERE kind = 2 AND transaction_id = d.transaction_id AND sequence <= ?2)"  \
    " WHERE d.kind = 1 AND d.sequence > ?1 AND d.sequence <= ?2"

static const char select_rows[] =
    "SELECT d.sequence, d.time_us, d.id, d.transaction_id,"
    " (SELECT value FROM text WHERE id = d.gateway),"
    " (SELECT value FROM text WHERE id = d.client),"
    " (SELECT value FROM text WHERE id = d.auth), d.sender, d.recipient,"
    " (SELECT value FROM text WHERE id = d.domain), d.match,"
    " (SELECT value FROM text WHERE id = d.target), d.technique, d.confidence,"
    " (SELECT value FROM text WHERE id = d.rule), d.action, d.reply, d.mode,"
    " (SELECT hash FROM config WHERE id = d.config), o.queue_id, o.outcome, "
    "o.time_us" FROM;
static const char rows_order[] = " ORDER BY d.sequence LIMIT ?16";

static const char select_first[] = "SELECT d.sequence" FROM;
static const char first_order[] = " ORDER BY d.sequence DESC LIMIT 1 OFFSET ?16";

enum column {
    C_SEQUENCE,
    C_TIME,
    C_ID,
    C_TRANSACTION,
    C_GATEWAY,
    C_CLIENT,
    C_AUTH,
    C_SENDER,
    C_RECIPIENT,
    C_DOMAIN,
    C_MATCH,
    C_TARGET,
    C_TECHNIQUE,
    C_CONFIDENCE,
    C_RULE,
    C_ACTION,
    C_REPLY,
    C_MODE,
    C_CONFIG,
    C_QUEUE,
    C_OUTCOME,
    C_OUTCOME_TIME
};

/* The query with its names turned into codes. */
struct filter {
    const struct nm_audit_query *query;
    bool asked[PARAMETER_COUNT];
    uint8_t reference[NM_ID_PACKED_BYTES];
    int codes[PARAMETER_COUNT];
    int64_t bound; /* nothing behind this sequence counts */
};

static enum nm_code unknown(struct nm_error *error, const char *what, const char *name)
{
    return nm_fail(error, NM_BAD_INPUT, "there is no %s `%s`", what, name);
}

static bool outcome_from_name(const char *name, enum nm_outcome *out)
{
    for (int code = 0; code < NM_OUTCOME_COUNT; code++)
        if (strcmp(nm_outcome_name((enum nm_outcome)code), name) == 0) {
            *out = (enum nm_outcome)code;
            return true;
        }
    return false;
}

static enum nm_code make_filter(
    const struct nm_audit_query *query, struct filter *out, struct nm_error *error)
{
    enum nm_action action = NM_ACTION_ACCEPT;
    enum nm_technique technique = NM_TECHNIQUE_NONE;
    enum nm_match match = NM_MATCH_NONE;
    enum nm_outcome outcome = NM_OUTCOME_UNKNOWN;

    if (query->action != NULL && !nm_action_from_name(query->action, &action))
        return unknown(error, "action", query->action);
    if (query->technique != NULL &&
        !nm_technique_from_name(query->technique, &technique))
        return unknown(error, "technique", query->technique);
    if (query->match != NULL && !nm_match_from_name(query->match, &match))
        return unknown(error, "match", query->match);
    if (query->outcome != NULL && !outcome_from_name(query->outcome, &outcome))
        return unknown(error, "outcome", query->outcome);
    *out = (struct filter){
        .query = query,
        .asked = {[SINCE] = query->since_us != 0,
            [UNTIL] = query->until_us != 0,
            [DOMAIN] = query->domain != NULL,
            [TARGET] = query->target != NULL,
            [SENDER] = query->sender != NULL,
            [RECIPIENT] = query->recipient != NULL,
            [RULE] = query->rule != NULL,
            [ACTION] = query->action != NULL,
            [TECHNIQUE] = query->technique != NULL,
            [MATCH] = query->match != NULL,
            [OUTCOME] = query->outcome != NULL},
        .codes = {[ACTION] = (int)action,
            [TECHNIQUE] = (int)technique,
            [MATCH] = (int)match,
            [OUTCOME] = (int)outcome},
    };
    if (query->reference != NULL) {
        const bool is_id = nm_id_pack(query->reference, out->reference);

        out->asked[REFERENCE_ID] = is_id;
        out->asked[REFERENCE_QUEUE] = !is_id;
    }
    return NM_OK;
}

static void bind_filter(sqlite3_stmt *statement, const struct filter *filter)
{
    const struct nm_audit_query *query = filter->query;
    const struct {
        int at;
        const char *text;
    } texts[] = {{REFERENCE_QUEUE, query->reference}, {DOMAIN, query->domain},
        {TARGET, query->target}, {SENDER, query->sender}, {RECIPIENT, query->recipient},
        {RULE, query->rule}};
    static const int codes[] = {ACTION, TECHNIQUE, MATCH, OUTCOME};

    (void)sqlite3_bind_int64(statement, BOUND, filter->bound);
    (void)sqlite3_bind_int64(statement, SINCE, query->since_us);
    (void)sqlite3_bind_int64(statement, UNTIL, query->until_us);
    (void)sqlite3_bind_blob(statement, REFERENCE_ID, filter->reference,
        sizeof filter->reference, SQLITE_STATIC);
    for (size_t i = 0; i < NM_COUNT(texts); i++)
        (void)sqlite3_bind_text(
            statement, texts[i].at, texts[i].text, -1, SQLITE_STATIC);
    for (size_t i = 0; i < NM_COUNT(codes); i++)
        (void)sqlite3_bind_int(statement, codes[i], filter->codes[codes[i]]);
}

static int prepare(struct nm_audit_reader *reader, const struct filter *filter,
    const char *head, const char *order, sqlite3_stmt **out)
{
    char sql[SQL_MAX];
    struct nm_buf buf;
    int status;

    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_puts(&buf, head);
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (filter->asked[i])
            nm_buf_puts(&buf, conditions[i]);
    nm_buf_puts(&buf, order);
    assert(!buf.truncated);
    status = sqlite3_prepare_v2(reader->db, sql, -1, out, NULL);
    if (status == SQLITE_OK)
        bind_filter(*out, filter);
    return status;
}

/* ---- rows --------------------------------------------------------------- */

static bool column_bytes(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, struct nm_bytes *out)
{
    const char *bytes = sqlite3_column_blob(row, at);

    out->length = (size_t)sqlite3_column_bytes(row, at);
    out->data = nm_arena_copy(reader->arena, bytes, bytes != NULL ? out->length : 0);
    return out->data != NULL;
}

static bool column_text(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, const char **out)
{
    struct nm_bytes bytes;

    if (!column_bytes(reader, row, at, &bytes))
        return false;
    *out = bytes.data;
    return true;
}

/* The same, NULL kept. */
static bool column_nullable(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, const char **out)
{
    *out = NULL;
    return sqlite3_column_type(row, at) == SQLITE_NULL ||
           column_text(reader, row, at, out);
}

static void column_id(sqlite3_stmt *row, int at, struct nm_id *out)
{
    const void *bytes = sqlite3_column_blob(row, at);
    const int length = sqlite3_column_bytes(row, at);

    if (bytes != NULL && length == NM_ID_PACKED_BYTES)
        *out = nm_id_unpack(bytes);
    else
        out->text[0] = '\0';
}

static bool column_code(sqlite3_stmt *row, int at, int count, int *out)
{
    const int64_t value = sqlite3_column_int64(row, at);

    *out = (int)value;
    return value >= 0 && value < count;
}

static bool copy_texts(
    struct nm_audit_reader *reader, sqlite3_stmt *row, struct nm_audit_event *out)
{
    return column_text(reader, row, C_GATEWAY, &out->gateway) &&
           column_text(reader, row, C_CLIENT, &out->client) &&
           column_text(reader, row, C_AUTH, &out->auth) &&
           column_bytes(reader, row, C_SENDER, &out->sender) &&
           column_bytes(reader, row, C_RECIPIENT, &out->recipient) &&
           column_text(reader, row, C_DOMAIN, &out->domain) &&
           column_nullable(reader, row, C_TARGET, &out->target) &&
           column_nullable(reader, row, C_RULE, &out->rule) &&
           column_text(reader, row, C_REPLY, &out->reply) &&
           column_text(reader, row, C_CONFIG, &out->config) &&
           column_text(reader, row, C_QUEUE, &out->queue_id);
}

static bool copy_codes(sqlite3_stmt *row, struct nm_audit_event *out)
{
    int match = 0;
    int technique = 0;
    int action = 0;
    int mode = 0;
    int outcome = 0;
    const bool good = column_code(row, C_MATCH, NM_MATCH_COUNT, &match) &&
                      column_code(row, C_TECHNIQUE, NM_TECHNIQUE_COUNT, &technique) &&
                      column_code(row, C_ACTION, NM_ACTION_COUNT, &action) &&
                      column_code(row, C_MODE, NM_MODE_OBSERVE + 1, &mode) &&
                      column_code(row, C_OUTCOME, NM_OUTCOME_COUNT, &outcome);

    out->match = (enum nm_match)match;
    out->technique = (enum nm_technique)technique;
    out->action = (enum nm_action)action;
    out->mode = (enum nm_mode)mode;
    out->outcome = (enum nm_outcome)outcome;
    return good;
}

static enum nm_code copy_row(struct nm_audit_reader *reader, sqlite3_stmt *row,
    struct nm_audit_row *out, struct nm_error *error)
{
    struct nm_audit_event *decision = &out->decision;

    *out = (struct nm_audit_row){.sequence = sqlite3_column_int64(row, C_SEQUENCE)};
    decision->kind = NM_EVENT_DECISION;
    decision->time_us = sqlite3_column_int64(row, C_TIME);
    column_id(row, C_ID, &decision->id);
    column_id(row, C_TRANSACTION, &decision->transaction);
    decision->confidence = sqlite3_column_type(row, C_CONFIDENCE) == SQLITE_NULL
                               ? -1
                               : sqlite3_column_double(row, C_CONFIDENCE);
    out->outcome_time_us = sqlite3_column_int64(row, C_OUTCOME_TIME);
    if (!copy_codes(row, decision))
        return nm_fail(error, NM_SYSTEM,
            "%s: row %lld holds a code that is not known: the log is damaged, or "
            "written by a newer Nearmiss",
            reader->path, (long long)out->sequence);
    if (!copy_texts(reader, row, decision))
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    return NM_OK;
}

static enum nm_code read_page(struct nm_audit_reader *reader, sqlite3_stmt *statement,
    int64_t after, size_t *count, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int status;

    *count = 0;
    nm_arena_reset(reader->arena);
    (void)sqlite3_bind_int64(statement, AFTER, after);
    (void)sqlite3_bind_int64(statement, LIMIT, PAGE_ROWS);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW && *count < PAGE_ROWS) {
        code = copy_row(reader, statement, &reader->rows[*count], error);
        if (code != NM_OK)
            break;
        (*count)++;
    }
    if (code == NM_OK && status != SQLITE_DONE)
        code = nm_schema_fail(reader->db, reader->path, status, error);
    if (code == NM_NO_MEMORY && *count > 0)
        code = NM_OK; /* large rows: the rest comes with the next page */
    (void)sqlite3_reset(statement);
    return code;
}

static enum nm_code hand_out(struct nm_audit_reader *reader,
    const struct filter *filter, int64_t after,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    sqlite3_stmt *statement = NULL;
    size_t count = 0;
    enum nm_code code = NM_OK;
    int status = prepare(reader, filter, select_rows, rows_order, &statement);

    if (status != SQLITE_OK) {
        code = nm_schema_fail(reader->db, reader->path, status, error);
        goto out;
    }
    do {
        code = read_page(reader, statement, after, &count, error);
        for (size_t i = 0; i < count && code == NM_OK; i++)
            if (!each(self, &reader->rows[i]))
                goto out;
        if (count > 0)
            after = reader->rows[count - 1].sequence;
    } while (code == NM_OK && count > 0);
out:
    (void)sqlite3_finalize(statement);
    return code;
}

/* Where the newest rows that were asked for begin: behind `*after`. */
static int find_newest(
    struct nm_audit_reader *reader, const struct filter *filter, int64_t *after)
{
    sqlite3_stmt *statement = NULL;
    int status = prepare(reader, filter, select_first, first_order, &statement);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_int64(statement, AFTER, *after);
        (void)sqlite3_bind_int64(statement, LIMIT, (int64_t)filter->query->newest - 1);
        status = sqlite3_step(statement);
        if (status == SQLITE_ROW)
            *after = sqlite3_column_int64(statement, 0) - 1;
    }
    (void)sqlite3_finalize(statement);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}

enum nm_code nm_audit_reader_list(struct nm_audit_reader *reader,
    const struct nm_audit_query *query,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    struct filter filter;
    int64_t after = query->after_sequence;
    enum nm_code code = make_filter(query, &filter, error);
    int status;

    if (code != NM_OK)
        return code;
    status = nm_schema_integer(
        reader->db, "SELECT coalesce(max(sequence), 0) FROM event", &filter.bound);
    if (status == SQLITE_OK && query->newest > 0)
        status = find_newest(reader, &filter, &after);
    if (status != SQLITE_OK)
        return nm_schema_fail(reader->db, reader->path, status, error);
    return hand_out(reader, &filter, after, each, self, error);
}

char *nm_audit_reader_config(struct nm_audit_reader *reader, const char *hash)
{
    sqlite3_stmt *query = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(reader->db, "SELECT text FROM config WHERE hash = ?", -1,
            &query, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_text(query, 1, hash, -1, SQLITE_STATIC);
        if (sqlite3_step(query) == SQLITE_ROW &&
            sqlite3_column_type(query, 0) != SQLITE_NULL)
            text = strdup((const char *)sqlite3_column_text(query, 0));
    }
    (void)sqlite3_finalize(query);
    return text;
}
