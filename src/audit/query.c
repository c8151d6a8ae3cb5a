/*
 * Reading. A listing goes through the log in windows of sequences, and through a window
 * in pages of rows; each page is read in a transaction of its own and handed on after it
 * has ended: neither a long search nor a pager that nobody scrolls keeps the write-ahead
 * log from being copied into the database. Every page sees the log as it was when the
 * listing began, for nothing behind that sequence counts.
 *
 * A listing by domain, target, sender or rule looks the events up in the table `mention`,
 * as far as that is complete, and through the events themselves behind that.
 */
#include "audit/audit.h"

#include "identifier.h"
#include "schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_ROWS = 256,
    PAGE_BYTES = 4 * 1024 * 1024, /* the row with which a page comes to this ends it */
    ROW_BYTES_MAX = 64 * 1024 * 1024, /* a larger row cannot be read */
    WINDOW = 128 * 1024,              /* sequences searched in one transaction */
    BUSY_MS = 5000,
    SQL_MAX = 8192,
    URI_MAX = 8192
};

struct nm_audit_reader {
    char *path;
    sqlite3 *db;
    struct nm_arena *arena; /* what the rows of a page point to */
    struct nm_audit_row rows[PAGE_ROWS];
};

/* ---- open --------------------------------------------------------------- */

/* What is read may come from elsewhere. */
static int restrict_reader(sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    return nm_schema_run(
        db, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
}

/* As it is found: with the daemon's -wal and -shm files, or, when these are missing and
 * may not be made, as a file that nobody writes. */
static int open_database(struct nm_audit_reader *reader, const char *parameters)
{
    char uri[URI_MAX];
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
        status = restrict_reader(reader->db);
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
    return NM_OK;
}

static enum nm_code open_reader(
    const char *path, struct nm_audit_reader **out, struct nm_error *error)
{
    struct nm_audit_reader *reader = calloc(1, sizeof *reader);
    enum nm_code code = NM_NO_MEMORY;

    if (reader == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    reader->path = strdup(path);
    if (reader->path == NULL ||
        nm_arena_new(PAGE_BYTES + ROW_BYTES_MAX, &reader->arena) != NM_OK)
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

enum nm_code nm_audit_reader_open(
    const char *path, struct nm_audit_reader **out, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    enum nm_code code = open_reader(path, &reader, error);

    if (code == NM_OK)
        code = nm_schema_check_current(reader->db, path, error);
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

/* ---- the check ---------------------------------------------------------- */

static enum nm_code check_existing(const char *path, struct nm_error *error)
{
    struct nm_audit_reader *reader = NULL;
    enum nm_code code;

    if (access(path, W_OK) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: the audit log may not be written: %s",
            path, strerror(errno));
    code = open_reader(path, &reader, error);
    if (code == NM_OK)
        code = nm_schema_check(reader->db, path, error);
    nm_audit_reader_close(&reader);
    return code;
}

static enum nm_code check_folder(const char *path, struct nm_error *error)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    enum nm_code code = NM_OK;

    if (folder == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    if (slash != NULL)
        slash[slash == folder] = '\0'; /* the root keeps its slash */
    if (access(slash != NULL ? folder : ".", W_OK | X_OK) != 0)
        code = nm_fail(error, NM_SYSTEM,
            "%s: the audit log cannot be made in its folder: %s", path,
            strerror(errno));
    free(folder);
    return code;
}

enum nm_code nm_audit_check(const char *path, struct nm_error *error)
{
    struct stat found;
    /* Beside the database come its -wal and -shm files. */
    enum nm_code code = check_folder(path, error);

    if (code != NM_OK || stat(path, &found) != 0)
        return code;
    if (S_ISDIR(found.st_mode))
        return nm_fail(
            error, NM_SYSTEM, "%s: this is a folder; name a file in it", path);
    return found.st_size > 0 ? check_existing(path, error) : NM_OK;
}

/* ---- the question ------------------------------------------------------- */

/* What can be asked; the SQL has each as the parameter of this number. */
enum parameter {
    AFTER = 1,
    UPTO,
    BOUND,
    LIMIT,
    SINCE,
    UNTIL,
    REFERENCE_ID,
    REFERENCE_QUEUE,
    TARGET,
    RULE,
    SENDER,
    SENDER_LOWER,
    DOMAIN,
    RECIPIENT,
    ACTION,
    TECHNIQUE,
    MATCH,
    OUTCOME,
    REFERENCE_TIME,
    REFERENCE_RANDOM,
    PARAMETER_COUNT
};

static const char *const conditions[PARAMETER_COUNT] = {
    [SINCE] = " AND d.time_us >= ?5",
    [UNTIL] = " AND d.time_us < ?6",
    [REFERENCE_ID] =
        " AND d.sequence IN ("
        "SELECT sequence FROM event WHERE kind = 1 AND transaction_id = ?7 UNION ALL "
        "SELECT sequence FROM event WHERE length(id) > 10 AND id = ?7 UNION ALL "
        "SELECT sequence FROM event WHERE kind = 1 AND id = ?20"
        " AND time_us BETWEEN ?19 AND ?19 + 999)",
    [REFERENCE_QUEUE] =
        " AND d.sequence IN (SELECT sequence FROM event WHERE kind = 1 AND"
        " transaction_id IN (SELECT transaction_id FROM event WHERE queue_id = ?8))",
    [TARGET] = " AND d.target = (SELECT id FROM text WHERE value = ?9)",
    [RULE] = " AND d.rule = (SELECT id FROM text WHERE value = ?10)",
    [SENDER] = " AND (SELECT value FROM text WHERE id = d.sender) = ?11 COLLATE NOCASE",
    [DOMAIN] = " AND d.domain = (SELECT id FROM text WHERE value = ?13)",
    [RECIPIENT] = " AND d.recipient = ?14 COLLATE NOCASE",
    [ACTION] = " AND d.action = ?15",
    [TECHNIQUE] = " AND d.technique = ?16",
    [MATCH] = " AND d.match = ?17",
    [OUTCOME] = " AND coalesce(d.outcome, o.outcome, 0) = ?18",
};

/* In the order of preference: the rarest first. */
static const struct mention_source {
    enum parameter asked;
    const char *sql;
} mention_sources[] = {
    {TARGET, " AND m.text = (SELECT id FROM text WHERE value = ?9)"},
    {RULE, " AND m.text = (SELECT id FROM text WHERE value = ?10)"},
    {SENDER, " AND m.text = (SELECT id FROM text WHERE value = ?12)"},
    {DOMAIN, " AND m.text = (SELECT id FROM text WHERE value = ?13)"},
};

#define OUTCOME_OF_D                                                                   \
    " LEFT JOIN event AS o ON o.sequence = (SELECT max(sequence) FROM event"           \
    " WHERE kind = 2 AND transaction_id = d.transaction_id AND sequence <= ?3)"

static const char from_events[] =
    " FROM event AS d" OUTCOME_OF_D
    " WHERE d.kind = 1 AND d.sequence > ?1 AND d.sequence <= ?2";
static const char from_mentions[] =
    " FROM mention AS m CROSS JOIN event AS d ON d.sequence = m.sequence" OUTCOME_OF_D
    " WHERE d.kind = 1 AND m.sequence > ?1 AND m.sequence <= ?2";

static const char columns[] =
    "SELECT d.sequence, d.time_us, d.id, d.transaction_id,"
    " (SELECT value FROM text WHERE id = d.gateway),"
    " (SELECT value FROM text WHERE id = d.client),"
    " (SELECT value FROM text WHERE id = d.auth),"
    " (SELECT value FROM text WHERE id = d.sender), d.recipient,"
    " (SELECT value FROM text WHERE id = d.domain), d.match,"
    " (SELECT value FROM text WHERE id = d.target), d.technique, d.confidence,"
    " (SELECT value FROM text WHERE id = d.rule), d.action, d.reply, d.mode,"
    " (SELECT hash FROM config WHERE id = d.config), o.queue_id,"
    " coalesce(d.outcome, o.outcome),"
    " CASE WHEN d.outcome IS NULL THEN o.time_us ELSE d.time_us END";

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

/* The query with its names turned into codes, and the sequences that it is about. */
struct filter {
    const struct nm_audit_query *query;
    bool asked[PARAMETER_COUNT];
    int codes[PARAMETER_COUNT];
    uint8_t reference[NM_ID_PACKED_BYTES];
    char *sender_lower;
    int64_t after;   /* the listing is about sequences behind this */
    int64_t upto;    /* up to this */
    int64_t bound;   /* and knows of nothing behind this */
    int64_t indexed; /* `mention` is complete up to this; 0 when it is not asked */
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

static enum nm_code name_codes(
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
    out->codes[ACTION] = (int)action;
    out->codes[TECHNIQUE] = (int)technique;
    out->codes[MATCH] = (int)match;
    out->codes[OUTCOME] = (int)outcome;
    return NM_OK;
}

static void note_asked(const struct nm_audit_query *query, bool asked[PARAMETER_COUNT])
{
    asked[SINCE] = query->since_us != 0;
    asked[UNTIL] = query->until_us != 0;
    asked[TARGET] = query->target != NULL;
    asked[RULE] = query->rule != NULL;
    asked[SENDER] = query->sender != NULL;
    asked[DOMAIN] = query->domain != NULL;
    asked[RECIPIENT] = query->recipient != NULL;
    asked[ACTION] = query->action != NULL;
    asked[TECHNIQUE] = query->technique != NULL;
    asked[MATCH] = query->match != NULL;
    asked[OUTCOME] = query->outcome != NULL;
}

static enum nm_code make_filter(
    const struct nm_audit_query *query, struct filter *out, struct nm_error *error)
{
    *out = (struct filter){.query = query};
    note_asked(query, out->asked);
    if (query->reference != NULL) {
        const bool is_id = nm_id_pack(query->reference, out->reference);

        out->asked[REFERENCE_ID] = is_id;
        out->asked[REFERENCE_QUEUE] = !is_id;
    }
    if (query->sender != NULL) {
        out->sender_lower = strdup(query->sender);
        if (out->sender_lower == NULL)
            return nm_fail(error, NM_NO_MEMORY, "out of memory");
        for (char *c = out->sender_lower; *c != '\0'; c++)
            *c = nm_ascii_lower(*c);
    }
    return name_codes(query, out, error);
}

static void bind_filter(sqlite3_stmt *statement, const struct filter *filter)
{
    const struct nm_audit_query *query = filter->query;
    const struct {
        enum parameter at;
        const char *text;
    } texts[] = {{REFERENCE_QUEUE, query->reference}, {TARGET, query->target},
        {RULE, query->rule}, {SENDER, query->sender},
        {SENDER_LOWER, filter->sender_lower}, {DOMAIN, query->domain},
        {RECIPIENT, query->recipient}};
    static const enum parameter codes[] = {ACTION, TECHNIQUE, MATCH, OUTCOME};

    (void)sqlite3_bind_int64(statement, BOUND, filter->bound);
    (void)sqlite3_bind_int64(statement, SINCE, query->since_us);
    (void)sqlite3_bind_int64(statement, UNTIL, query->until_us);
    (void)sqlite3_bind_blob(statement, REFERENCE_ID, filter->reference,
        sizeof filter->reference, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, REFERENCE_RANDOM,
        filter->reference + NM_ID_TIME_BYTES, NM_ID_RANDOM_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int64(
        statement, REFERENCE_TIME, nm_id_packed_time_us(filter->reference));
    for (size_t i = 0; i < NM_COUNT(texts); i++)
        nm_schema_bind_bytes(statement, (int)texts[i].at, texts[i].text,
            texts[i].text != NULL ? strlen(texts[i].text) : 0);
    for (size_t i = 0; i < NM_COUNT(codes); i++)
        (void)sqlite3_bind_int(statement, (int)codes[i], filter->codes[codes[i]]);
}

/* The condition that drives a listing through `mention`, or NULL. */
static const char *mention_source(const struct filter *filter)
{
    for (size_t i = 0; i < NM_COUNT(mention_sources); i++)
        if (filter->asked[mention_sources[i].asked])
            return mention_sources[i].sql;
    return NULL;
}

/* `order` ends the statement. */
static int prepare(struct nm_audit_reader *reader, const struct filter *filter,
    bool through_mentions, const char *what, const char *order, sqlite3_stmt **out)
{
    char sql[SQL_MAX];
    struct nm_buf buf;
    int status;

    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_puts(&buf, what);
    nm_buf_puts(&buf, through_mentions ? from_mentions : from_events);
    if (through_mentions)
        nm_buf_puts(&buf, mention_source(filter));
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        if (filter->asked[i])
            nm_buf_puts(&buf, conditions[i]);
    if (filter->asked[ACTION] && filter->codes[ACTION] > 0)
        nm_buf_puts(&buf, " AND d.action > 0"); /* so that its partial index serves */
    if (filter->asked[TECHNIQUE] && filter->codes[TECHNIQUE] > 0)
        nm_buf_puts(&buf, " AND d.technique > 0");
    nm_buf_printf(
        &buf, " ORDER BY %c.sequence %s LIMIT ?4", through_mentions ? 'm' : 'd', order);
    assert(!buf.truncated);
    status = sqlite3_prepare_v2(reader->db, sql, -1, out, NULL);
    if (status == SQLITE_OK)
        bind_filter(*out, filter);
    return status;
}

/* ---- spans of time ------------------------------------------------------ */

/* Decisions come nearly in the order of their times: none is older than one before it by
 * more than the disorder that the writer has recorded. So the first in sequence of those
 * at or after `since` is no further from the first in time than that; and likewise the
 * last before `until`. */
static int narrow_by_time(struct nm_audit_reader *reader, struct filter *filter)
{
    static const char first[] =
        "SELECT coalesce(min(sequence), 0x7fffffffffffffff) - 1 FROM event"
        " WHERE kind = 1 AND time_us >= ?1 AND time_us <= (SELECT disorder_us FROM "
        "state)"
        " + (SELECT min(time_us) FROM event WHERE kind = 1 AND time_us >= ?1)";
    static const char last[] =
        "SELECT coalesce(max(sequence), 0) FROM event"
        " WHERE kind = 1 AND time_us < ?1 AND time_us >= -(SELECT disorder_us FROM "
        "state)"
        " + (SELECT max(time_us) FROM event WHERE kind = 1 AND time_us < ?1)";
    int64_t after = filter->after;
    int64_t upto = filter->upto;
    int status = SQLITE_OK;

    if (filter->asked[SINCE])
        status =
            nm_schema_integer_of(reader->db, first, filter->query->since_us, &after);
    if (status == SQLITE_OK && filter->asked[UNTIL])
        status = nm_schema_integer_of(reader->db, last, filter->query->until_us, &upto);
    if (after > filter->after)
        filter->after = after;
    if (upto < filter->upto)
        filter->upto = upto;
    return status;
}

static int find_bounds(struct nm_audit_reader *reader, struct filter *filter)
{
    int status = nm_schema_integer(
        reader->db, "SELECT coalesce(max(sequence), 0) FROM event", &filter->bound);

    filter->after = filter->query->after_sequence;
    if (filter->after < 0)
        filter->after = 0;
    filter->upto = filter->bound;
    if (status == SQLITE_OK)
        status = narrow_by_time(reader, filter);
    if (status == SQLITE_OK && mention_source(filter) != NULL)
        status = nm_schema_integer(
            reader->db, "SELECT indexed FROM state", &filter->indexed);
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

static void column_id(sqlite3_stmt *row, int at, int64_t time_us, struct nm_id *out)
{
    const char *bytes = sqlite3_column_blob(row, at);
    const int length = sqlite3_column_bytes(row, at);

    out->text[0] = '\0';
    if (bytes == NULL)
        return;
    if (length == NM_ID_RANDOM_BYTES)
        *out = nm_id_make(time_us, (const uint8_t *)bytes);
    else if (length == NM_ID_PACKED_BYTES)
        *out = nm_id_unpack((const uint8_t *)bytes);
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
    column_id(row, C_ID, decision->time_us, &decision->id);
    column_id(row, C_TRANSACTION, decision->time_us, &decision->transaction);
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

/* ---- windows ------------------------------------------------------------ */

/* The statements of one listing: for sequences that `mention` covers, and for others. */
struct scan {
    struct nm_audit_reader *reader;
    const struct filter *filter;
    sqlite3_stmt *mentioned; /* NULL when it is not asked */
    sqlite3_stmt *others;
};

static enum nm_code scan_begin(struct scan *scan, struct nm_audit_reader *reader,
    const struct filter *filter, const char *what, const char *order,
    struct nm_error *error)
{
    int status;

    *scan = (struct scan){.reader = reader, .filter = filter};
    status = prepare(reader, filter, false, what, order, &scan->others);
    if (status == SQLITE_OK && filter->indexed > 0)
        status = prepare(reader, filter, true, what, order, &scan->mentioned);
    if (status != SQLITE_OK)
        return nm_schema_fail(reader->db, reader->path, status, error);
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
static sqlite3_stmt *window_from(const struct scan *scan, int64_t after, int64_t *upto)
{
    const bool mentioned = after < scan->filter->indexed;
    sqlite3_stmt *statement = mentioned ? scan->mentioned : scan->others;

    *upto = smaller(scan->filter->upto - after, WINDOW) + after;
    if (mentioned)
        *upto = smaller(*upto, scan->filter->indexed);
    (void)sqlite3_bind_int64(statement, AFTER, after);
    (void)sqlite3_bind_int64(statement, UPTO, *upto);
    return statement;
}

/* The same from the other end. */
static sqlite3_stmt *window_to(const struct scan *scan, int64_t upto, int64_t *after)
{
    const bool mentioned = upto <= scan->filter->indexed;
    sqlite3_stmt *statement = mentioned ? scan->mentioned : scan->others;

    *after = greater(scan->filter->after, upto - WINDOW);
    if (!mentioned)
        *after = greater(*after, scan->filter->indexed);
    (void)sqlite3_bind_int64(statement, AFTER, *after);
    (void)sqlite3_bind_int64(statement, UPTO, upto);
    return statement;
}

/* Where there is nothing for longer than a window, go on where there is something. In a
 * damaged log that may be anywhere, but a listing must come to an end. */
static int skip_gap(const struct scan *scan, int64_t *after)
{
    int64_t next = 0;
    const int status = nm_schema_integer_of(scan->reader->db,
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
    const int status = nm_schema_integer_of(scan->reader->db,
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
    sqlite3_stmt *statement = window_from(scan, *after, &upto);
    int status = SQLITE_ROW;

    *count = 0;
    nm_arena_reset(reader->arena);
    (void)sqlite3_bind_int64(statement, LIMIT, PAGE_ROWS);
    while (code == NM_OK && nm_arena_used(reader->arena) < PAGE_BYTES &&
           (status = sqlite3_step(statement)) == SQLITE_ROW) {
        struct nm_audit_row *row = &reader->rows[*count];

        code = copy_row(reader, statement, row, error);
        if (code == NM_OK && row->sequence <= *after)
            code = nm_schema_fail(reader->db, reader->path, SQLITE_CORRUPT, error);
        if (code == NM_OK)
            *after = reader->rows[(*count)++].sequence;
    }
    if (code == NM_OK && status != SQLITE_ROW && status != SQLITE_DONE)
        code = nm_schema_fail(reader->db, reader->path, status, error);
    (void)sqlite3_reset(statement);
    if (code != NM_OK || status != SQLITE_DONE || *count == PAGE_ROWS)
        return code;
    *after = upto;
    status = skip_gap(scan, after);
    return status == SQLITE_OK
               ? NM_OK
               : nm_schema_fail(reader->db, reader->path, status, error);
}

static enum nm_code hand_out(struct nm_audit_reader *reader,
    const struct filter *filter,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    struct scan scan;
    int64_t after = filter->after;
    size_t count = 0;
    bool wanted = true;
    enum nm_code code = scan_begin(&scan, reader, filter, columns, "ASC", error);

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
    struct nm_audit_reader *reader, struct filter *filter, struct nm_error *error)
{
    struct scan scan;
    size_t left = filter->query->newest;
    int64_t upto = filter->upto;
    int64_t after;
    int status;
    enum nm_code code =
        scan_begin(&scan, reader, filter, "SELECT d.sequence", "DESC", error);

    while (code == NM_OK && left > 0 && upto > filter->after) {
        sqlite3_stmt *statement = window_to(&scan, upto, &after);

        (void)sqlite3_bind_int64(
            statement, LIMIT, left < INT64_MAX ? (int64_t)left : INT64_MAX);
        while ((status = sqlite3_step(statement)) == SQLITE_ROW)
            if (--left == 0)
                filter->after = sqlite3_column_int64(statement, 0) - 1;
        (void)sqlite3_reset(statement);
        upto = after;
        if (status == SQLITE_DONE)
            status = skip_gap_back(&scan, &upto);
        if (status != SQLITE_OK)
            code = nm_schema_fail(reader->db, reader->path, status, error);
    }
    scan_end(&scan);
    return code;
}

enum nm_code nm_audit_reader_list(struct nm_audit_reader *reader,
    const struct nm_audit_query *query,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error)
{
    struct filter filter;
    enum nm_code code = make_filter(query, &filter, error);
    int status;

    if (code != NM_OK)
        goto out;
    status = find_bounds(reader, &filter);
    if (status != SQLITE_OK) {
        code = nm_schema_fail(reader->db, reader->path, status, error);
        goto out;
    }
    if (query->newest > 0)
        code = find_newest(reader, &filter, error);
    if (code == NM_OK)
        code = hand_out(reader, &filter, each, self, error);
out:
    free(filter.sender_lower);
    return code;
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
