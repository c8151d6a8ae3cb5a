#include "rows.h"

#include "identifier.h"
#include "sql/sql.h"
#include "tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A statement that writes several rows opens the table and its indexes once. */
enum { ROWS_MAX = 8, SQL_MAX = 4096, HASH_MAX = 64 };

enum column {
    KIND = 1,
    TIME,
    ID,
    TRANSACTION,
    GATEWAY,
    CLIENT,
    AUTH,
    SENDER,
    RECIPIENT,
    DOMAIN,
    MATCH,
    TARGET,
    TECHNIQUE,
    CONFIDENCE,
    RULE,
    ACTION,
    REPLY,
    MODE,
    CONFIG,
    OUTCOME,
    QUEUE_ID,
    COLUMNS = QUEUE_ID
};

static const char insert_columns[] =
    "INSERT INTO event (kind, time_us, id, transaction_id, gateway, client, auth,"
    " sender, recipient, domain, match, target, technique, confidence, rule, action,"
    " reply, mode, config, outcome, queue_id) VALUES ";

enum statement {
    INSERT_ONE,
    INSERT_MANY,
    FIND_DECISION,
    FIND_OUTCOME,
    FIND_ACT,
    ADD_ACT,
    FIND_CONFIG,
    ADD_CONFIG,
    NOTE_CONFIG,
    SET_DISORDER,
    STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
    [FIND_DECISION] =
        "SELECT 1 FROM event WHERE kind = 1 AND transaction_id = ?1 AND id = ?2",
    [FIND_OUTCOME] =
        "SELECT 1 FROM event WHERE kind = 2 AND transaction_id = ?1 AND time_us = ?2",
    [FIND_ACT] = "SELECT 1 FROM event WHERE kind = 3 AND length(id) > 10 AND id = ?",
    [ADD_ACT] = "INSERT INTO act (sequence, verb, actor, subject, decision, reason)"
                " VALUES (?, ?, ?, ?, ?, ?)",
    [FIND_CONFIG] = "SELECT id FROM config WHERE hash = ?",
    [ADD_CONFIG] = "INSERT INTO config (hash) VALUES (?)",
    [NOTE_CONFIG] = "INSERT INTO config (hash, text) VALUES (?1, ?2)"
                    " ON CONFLICT (hash) DO UPDATE SET text = ?2 WHERE text IS NULL",
    [SET_DISORDER] = "UPDATE state SET disorder_us = ?",
};

struct nm_rows {
    sqlite3 *db;
    struct nm_texts *texts;
    struct nm_mentions *mentions;
    struct nm_tally *tally;
    sqlite3_stmt *statements[STATEMENTS];
    int64_t newest_us; /* the greatest time of a decision */
    int64_t disorder_us;
    char config[HASH_MAX + 1]; /* the configuration asked for last, and its number */
    int64_t config_number;
    const struct nm_audit_event *added[ROWS_MAX];
    size_t count;
    uint8_t ids[ROWS_MAX][2][NM_ID_PACKED_BYTES]; /* what is bound */
};

/* ---- values ------------------------------------------------------------- */

/* The 128 bits, kept in `packed` until the statement has run; a text that is no ULID as
 * it is. */
static void bind_id(sqlite3_stmt *statement, int at, const struct nm_id *id,
    uint8_t packed[NM_ID_PACKED_BYTES])
{
    if (nm_id_pack(id->text, packed))
        (void)sqlite3_bind_blob(
            statement, at, packed, NM_ID_PACKED_BYTES, SQLITE_STATIC);
    else
        nm_sql_bind_bytes(statement, at, id->text, strlen(id->text));
}

/* The same without the time, where that is the event's. */
static void bind_event_id(sqlite3_stmt *statement, int at,
    const struct nm_audit_event *event, uint8_t packed[NM_ID_PACKED_BYTES])
{
    bind_id(statement, at, &event->id, packed);
    if (nm_id_packed_time_us(packed) == event->time_us - event->time_us % 1000)
        (void)sqlite3_bind_blob(statement, at, packed + NM_ID_TIME_BYTES,
            NM_ID_RANDOM_BYTES, SQLITE_STATIC);
}

/* NULL for 0. */
static void bind_number(sqlite3_stmt *statement, int at, int64_t number)
{
    if (number != 0)
        (void)sqlite3_bind_int64(statement, at, number);
    else
        (void)sqlite3_bind_null(statement, at);
}

/* The number of a text; NULL for NULL and "". */
static int bind_text_number(struct nm_rows *rows, sqlite3_stmt *statement, int at,
    const char *text, int64_t *number)
{
    int status = SQLITE_OK;

    *number = 0;
    if (text != NULL && text[0] != '\0')
        status = nm_texts_number(rows->texts, text, strlen(text), number);
    bind_number(statement, at, *number);
    return status;
}

static int find_config(struct nm_rows *rows, const char *hash)
{
    int status;

    nm_sql_bind_text(rows->statements[FIND_CONFIG], 1, hash);
    status = nm_sql_find(rows->statements[FIND_CONFIG], &rows->config_number);
    if (status == SQLITE_OK && rows->config_number == 0) {
        nm_sql_bind_text(rows->statements[ADD_CONFIG], 1, hash);
        status = nm_sql_run(rows->statements[ADD_CONFIG]);
        rows->config_number = sqlite3_last_insert_rowid(rows->db);
    }
    if (!nm_copy(rows->config, sizeof rows->config, hash))
        rows->config[0] = '\0';
    return status;
}

static int bind_config(
    struct nm_rows *rows, sqlite3_stmt *statement, int at, const char *hash)
{
    int status = SQLITE_OK;

    if (hash == NULL || hash[0] == '\0')
        return sqlite3_bind_null(statement, at);
    if (strcmp(rows->config, hash) != 0)
        status = find_config(rows, hash);
    bind_number(statement, at, rows->config_number);
    return status;
}

/* ---- decisions and outcomes --------------------------------------------- */

static int bind_texts(struct nm_rows *rows, sqlite3_stmt *insert, int base,
    const struct nm_audit_event *event, int64_t mentioned[NM_MENTION_ROLES])
{
    int64_t sender = 0;
    int64_t ignored;
    const struct {
        enum column at;
        const char *text;
        int64_t *number;
    } texts[] = {{CLIENT, event->client, &ignored}, {AUTH, event->auth, &ignored},
        {DOMAIN, event->domain, &mentioned[NM_MENTION_DOMAIN]},
        {TARGET, event->target, &mentioned[NM_MENTION_TARGET]},
        {RULE, event->rule, &mentioned[NM_MENTION_RULE]}};
    int status =
        nm_texts_number(rows->texts, event->sender.data, event->sender.length, &sender);

    if (status == SQLITE_OK)
        status = nm_texts_lower(rows->texts, event->sender.data, event->sender.length,
            sender, &mentioned[NM_MENTION_SENDER]);
    bind_number(insert, base + SENDER, sender);
    for (size_t i = 0; i < NM_COUNT(texts) && status == SQLITE_OK; i++)
        status = bind_text_number(
            rows, insert, base + (int)texts[i].at, texts[i].text, texts[i].number);
    return status;
}

static int bind_decision(struct nm_rows *rows, sqlite3_stmt *insert, int base,
    const struct nm_audit_event *event, int64_t mentioned[NM_MENTION_ROLES])
{
    int status = bind_texts(rows, insert, base, event, mentioned);

    if (status == SQLITE_OK)
        status = bind_config(rows, insert, base + CONFIG, event->config);
    nm_sql_bind_bytes(
        insert, base + RECIPIENT, event->recipient.data, event->recipient.length);
    (void)sqlite3_bind_int(insert, base + MATCH, (int)event->match);
    (void)sqlite3_bind_int(insert, base + TECHNIQUE, (int)event->technique);
    if (event->confidence < 0)
        (void)sqlite3_bind_null(insert, base + CONFIDENCE);
    else
        (void)sqlite3_bind_double(insert, base + CONFIDENCE, event->confidence);
    (void)sqlite3_bind_int(insert, base + ACTION, (int)event->action);
    nm_sql_bind_text(insert, base + REPLY, event->reply);
    (void)sqlite3_bind_int(insert, base + MODE, (int)event->mode);
    bind_number(insert, base + OUTCOME, (int64_t)event->outcome);
    (void)sqlite3_bind_null(insert, base + QUEUE_ID);
    return status;
}

static void bind_outcome(
    sqlite3_stmt *insert, int base, const struct nm_audit_event *event)
{
    for (int column = CLIENT; column <= CONFIG; column++)
        (void)sqlite3_bind_null(insert, base + column);
    (void)sqlite3_bind_int(insert, base + OUTCOME, (int)event->outcome);
    nm_sql_bind_text(insert, base + QUEUE_ID, event->queue_id);
}

static void bind_act(struct nm_rows *rows, sqlite3_stmt *insert, size_t row,
    const struct nm_audit_event *event)
{
    const int base = (int)row * COLUMNS;

    for (int column = CLIENT; column <= COLUMNS; column++)
        (void)sqlite3_bind_null(insert, base + column);
    bind_id(insert, base + ID, &event->id, rows->ids[row][1]);
}

static int bind_event(struct nm_rows *rows, sqlite3_stmt *insert, size_t row,
    const struct nm_audit_event *event, int64_t mentioned[NM_MENTION_ROLES])
{
    const int base = (int)row * COLUMNS;
    int64_t ignored;
    int status =
        bind_text_number(rows, insert, base + GATEWAY, event->gateway, &ignored);

    (void)sqlite3_bind_int(insert, base + KIND, (int)event->kind);
    (void)sqlite3_bind_int64(insert, base + TIME, event->time_us);
    bind_id(insert, base + TRANSACTION, &event->transaction, rows->ids[row][0]);
    if (event->kind == NM_EVENT_ACT) {
        bind_act(rows, insert, row, event);
        return status;
    }
    if (event->kind == NM_EVENT_OUTCOME) {
        (void)sqlite3_bind_null(insert, base + ID);
        bind_outcome(insert, base, event);
        return status;
    }
    bind_event_id(insert, base + ID, event, rows->ids[row][1]);
    if (status == SQLITE_OK)
        status = bind_decision(rows, insert, base, event, mentioned);
    return status;
}

/* Readers find a span of time by bisection; this is how far off it may lead them. */
static int note_time(struct nm_rows *rows, int64_t time_us)
{
    if (time_us >= rows->newest_us) {
        rows->newest_us = time_us;
        return SQLITE_OK;
    }
    if (rows->newest_us - time_us <= rows->disorder_us)
        return SQLITE_OK;
    rows->disorder_us = rows->newest_us - time_us;
    (void)sqlite3_bind_int64(rows->statements[SET_DISORDER], 1, rows->disorder_us);
    return nm_sql_run(rows->statements[SET_DISORDER]);
}

/* What an act has beside its event. */
static int add_act(
    struct nm_rows *rows, int64_t sequence, const struct nm_audit_event *event)
{
    sqlite3_stmt *add = rows->statements[ADD_ACT];

    (void)sqlite3_bind_int64(add, 1, sequence);
    (void)sqlite3_bind_int(add, 2, (int)event->verb);
    nm_sql_bind_text(add, 3, event->actor);
    nm_sql_bind_text(add, 4, event->subject);
    if (event->decision.text[0] != '\0')
        bind_id(add, 5, &event->decision, rows->ids[0][0]);
    else
        (void)sqlite3_bind_null(add, 5);
    nm_sql_bind_text(add, 6, event->reason);
    return nm_sql_run(add);
}

/* ---- writing ------------------------------------------------------------ */

/* What the rows that were written, up to the last that SQLite made, are known by. */
static int note_written(struct nm_rows *rows,
    const struct nm_audit_event *const *events, size_t count,
    int64_t mentioned[][NM_MENTION_ROLES])
{
    int64_t sequence = sqlite3_last_insert_rowid(rows->db) - (int64_t)count + 1;
    int status = SQLITE_OK;

    for (size_t i = 0; i < count && status == SQLITE_OK; i++, sequence++) {
        if (events[i]->kind == NM_EVENT_ACT)
            status = add_act(rows, sequence, events[i]);
        if (events[i]->kind != NM_EVENT_DECISION)
            continue;
        status = nm_mentions_add(rows->mentions, sequence, mentioned[i]);
        if (status == SQLITE_OK)
            status = note_time(rows, events[i]->time_us);
        if (status == SQLITE_OK)
            status = nm_tally_add(rows->tally, events[i]);
    }
    return status;
}

static int write_with(struct nm_rows *rows, enum statement which,
    const struct nm_audit_event *const *events, size_t count)
{
    int64_t mentioned[ROWS_MAX][NM_MENTION_ROLES] = {{0}};
    sqlite3_stmt *insert = rows->statements[which];
    int status = SQLITE_OK;

    assert(count <= ROWS_MAX);
    for (size_t i = 0; i < count && status == SQLITE_OK; i++)
        status = bind_event(rows, insert, i, events[i], mentioned[i]);
    if (status == SQLITE_OK)
        status = nm_sql_run(insert);
    return status == SQLITE_OK ? note_written(rows, events, count, mentioned) : status;
}

static int write_added(struct nm_rows *rows)
{
    int status = SQLITE_OK;

    if (rows->count == ROWS_MAX)
        status = write_with(rows, INSERT_MANY, rows->added, ROWS_MAX);
    else
        for (size_t i = 0; i < rows->count && status == SQLITE_OK; i++)
            status = write_with(rows, INSERT_ONE, &rows->added[i], 1);
    rows->count = 0;
    return status;
}

int nm_rows_flush(struct nm_rows *rows)
{
    const int status = write_added(rows);

    return status == SQLITE_OK ? nm_tally_write(rows->tally) : status;
}

int nm_rows_add(struct nm_rows *rows, const struct nm_audit_event *event)
{
    rows->added[rows->count++] = event;
    return rows->count == ROWS_MAX ? write_added(rows) : SQLITE_OK;
}

int nm_rows_add_once(struct nm_rows *rows, const struct nm_audit_event *event)
{
    static const enum statement statement_of[] = {[NM_EVENT_DECISION] = FIND_DECISION,
        [NM_EVENT_OUTCOME] = FIND_OUTCOME,
        [NM_EVENT_ACT] = FIND_ACT};
    sqlite3_stmt *find = rows->statements[statement_of[event->kind]];
    int64_t found = 0;
    int status;

    if (event->kind == NM_EVENT_ACT)
        bind_id(find, 1, &event->id, rows->ids[0][0]);
    else
        bind_id(find, 1, &event->transaction, rows->ids[0][0]);
    if (event->kind == NM_EVENT_DECISION)
        bind_event_id(find, 2, event, rows->ids[0][1]);
    else if (event->kind == NM_EVENT_OUTCOME)
        (void)sqlite3_bind_int64(find, 2, event->time_us);
    status = nm_sql_find(find, &found);
    return status == SQLITE_OK && found == 0 ? nm_rows_add(rows, event) : status;
}

int nm_rows_add_config(struct nm_rows *rows, const char *hash, const char *text)
{
    sqlite3_stmt *note = rows->statements[NOTE_CONFIG];

    nm_sql_bind_bytes(note, 1, hash, strlen(hash));
    nm_sql_bind_bytes(note, 2, text, strlen(text));
    return nm_sql_run(note);
}

/* ---- open and close ----------------------------------------------------- */

static int prepare_insert(sqlite3 *db, size_t count, sqlite3_stmt **out)
{
    char sql[SQL_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_puts(&buf, insert_columns);
    for (size_t row = 0; row < count; row++) {
        nm_buf_puts(&buf, row > 0 ? ", (" : "(");
        for (int column = 1; column <= COLUMNS; column++)
            nm_buf_puts(&buf, column < COLUMNS ? "?," : "?)");
    }
    assert(!buf.truncated);
    return nm_sql_prepare(db, sql, out);
}

static int prepare(struct nm_rows *rows)
{
    int status = prepare_insert(rows->db, 1, &rows->statements[INSERT_ONE]);

    if (status == SQLITE_OK)
        status = prepare_insert(rows->db, ROWS_MAX, &rows->statements[INSERT_MANY]);
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        if (sql_of[i] != NULL)
            status = nm_sql_prepare(rows->db, sql_of[i], &rows->statements[i]);
    return status;
}

int nm_rows_open(sqlite3 *db, struct nm_texts *texts, struct nm_mentions *mentions,
    struct nm_rows **out)
{
    struct nm_rows *rows = calloc(1, sizeof *rows);
    int status;

    if (rows == NULL)
        return SQLITE_NOMEM;
    rows->db = db;
    rows->texts = texts;
    rows->mentions = mentions;
    status = prepare(rows);
    if (status == SQLITE_OK)
        status = nm_tally_open(db, &rows->tally);
    if (status == SQLITE_OK)
        status =
            nm_sql_number(db, "SELECT disorder_us FROM state", 0, &rows->disorder_us);
    if (status == SQLITE_OK)
        status = nm_sql_number(db,
            "SELECT coalesce(max(time_us), 0) FROM event WHERE kind = 1", 0,
            &rows->newest_us);
    if (status != SQLITE_OK) {
        nm_rows_close(&rows);
        return status;
    }
    *out = rows;
    return SQLITE_OK;
}

void nm_rows_close(struct nm_rows **rows)
{
    if (*rows == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*rows)->statements[i]);
    nm_tally_close(&(*rows)->tally);
    free(*rows);
    *rows = NULL;
}
