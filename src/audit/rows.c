#include "rows.h"

#include "chain.h"
#include "endings.h"
#include "identifier.h"
#include "sql/sql.h"
#include "tally.h"

#include <sodium.h>

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A statement that writes several rows opens the table and its indexes once. */
enum {
    ROWS_MAX = 8,
    SQL_MAX = 4096,
    CONFIG_HASH_MAX = 64,
    RANDOM_BYTES = 4096,
    REPLY_MAX = 4096
};

enum column {
    SEQUENCE = 1,
    KIND,
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
    SALT,
    HASH,
    COLUMNS = HASH
};

static const char insert_columns[] =
    "INSERT INTO event (sequence, kind, time_us, id, transaction_id, gateway, client, "
    "auth,"
    " sender, recipient, domain, match, target, technique, confidence, rule, action,"
    " reply, mode, config, outcome, queue_id, salt, hash) VALUES ";

enum statement {
    INSERT_ONE,
    INSERT_MANY,
    FIND_DECISION,
    FIND_OUTCOME,
    FIND_ACT,
    ADD_ACT,
    ADD_SEAL,
    ADD_ROTATION,
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
    [ADD_SEAL] = "INSERT INTO seal (sequence, upto, hash) VALUES (?, ?, ?)",
    [ADD_ROTATION] =
        "INSERT INTO rotation (sequence, old_key, new_key) VALUES (?, ?, ?)",
    [FIND_CONFIG] = "SELECT id FROM config WHERE hash = ?",
    [ADD_CONFIG] = "INSERT INTO config (hash) VALUES (?)",
    [NOTE_CONFIG] = "INSERT INTO config (hash, text) VALUES (?1, ?2)"
                    " ON CONFLICT (hash) DO UPDATE SET text = ?2 WHERE text IS NULL",
    [SET_DISORDER] = "UPDATE state SET disorder_us = ?",
};

/* One row while it is written: what is bound must live until the statement has run. */
struct row {
    int base; /* of its parameters */
    uint8_t id[NM_ID_PACKED_BYTES];
    uint8_t transaction[NM_ID_PACKED_BYTES];
    struct nm_salts salts;
    struct nm_hash hash;
    int64_t mentioned[NM_MENTION_ROLES];
    struct nm_link link;
    const char *act_actor; /* as they are kept */
    const char *act_subject;
    const char *act_reason;
    char sender[NM_PSEUDONYM_MAX]; /* where they are not kept as they are */
    char auth[NM_PSEUDONYM_MAX];
    char recipient[NM_PSEUDONYM_MAX];
    char reply[REPLY_MAX];
};

struct nm_rows {
    sqlite3 *db;
    struct nm_texts *texts;
    struct nm_mentions *mentions;
    struct nm_tally *tally;
    struct nm_endings *endings;
    sqlite3_stmt *statements[STATEMENTS];
    struct nm_mark last; /* the end of the chain */
    int64_t newest_us;   /* the greatest time of a decision */
    int64_t disorder_us;
    char config[CONFIG_HASH_MAX + 1]; /* the configuration asked for last, */
    int64_t config_number;            /* its number */
    struct nm_hash config_digest;     /* and digest */
    const struct nm_audit_event *added[ROWS_MAX];
    size_t count;
    const struct nm_pseudonyms *pseudonyms;
    enum nm_audit_local_part sender_local_part;
    enum nm_audit_local_part recipient_local_part;
    const struct nm_seal *seal; /* of the event that is written, if that is one */
    const struct nm_rotation *rotation; /* the same */
    struct row rows[ROWS_MAX];
    uint8_t random[RANDOM_BYTES]; /* for salts: asked for in large pieces */
    size_t random_left;
};

/* ---- values ------------------------------------------------------------- */

/* An event's own identifier: without the time, where that is the event's. */
static struct nm_bytes bind_event_id(sqlite3_stmt *statement, int at,
    const struct nm_audit_event *event, uint8_t packed[NM_ID_PACKED_BYTES])
{
    const struct nm_bytes whole = nm_id_bind(statement, at, &event->id, packed);

    if (whole.length != NM_ID_PACKED_BYTES ||
        nm_id_packed_time_us(packed) != event->time_us - event->time_us % 1000)
        return whole;
    (void)sqlite3_bind_blob(
        statement, at, packed + NM_ID_TIME_BYTES, NM_ID_RANDOM_BYTES, SQLITE_STATIC);
    return (struct nm_bytes){
        (const char *)packed + NM_ID_TIME_BYTES, NM_ID_RANDOM_BYTES};
}

/* NULL for 0. */
static void bind_number(sqlite3_stmt *statement, int at, int64_t number)
{
    if (number != 0)
        (void)sqlite3_bind_int64(statement, at, number);
    else
        (void)sqlite3_bind_null(statement, at);
}

/* A text by its number; NULL for NULL and "". The digest is for the chain. */
static int bind_text_number(struct nm_rows *rows, sqlite3_stmt *statement, int at,
    const char *text, int64_t *number, struct nm_hash *digest)
{
    struct nm_text found = {.number = 0};
    int status = SQLITE_OK;

    if (text != NULL && text[0] != '\0')
        status = nm_texts_find(rows->texts, text, strlen(text), &found);
    bind_number(statement, at, found.number);
    *number = found.number;
    *digest = found.digest;
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
    rows->config_digest = nm_digest(hash, strlen(hash));
    if (!nm_copy(rows->config, sizeof rows->config, hash))
        rows->config[0] = '\0';
    return status;
}

static int bind_config(struct nm_rows *rows, sqlite3_stmt *statement, int at,
    const char *hash, struct nm_hash *digest)
{
    int status = SQLITE_OK;

    if (hash == NULL || hash[0] == '\0')
        return sqlite3_bind_null(statement, at);
    if (strcmp(rows->config, hash) != 0)
        status = find_config(rows, hash);
    bind_number(statement, at, rows->config_number);
    *digest = rows->config_digest;
    return status;
}

/* ---- kinds of events ---------------------------------------------------- */

static struct nm_bytes bytes_of(const char *text)
{
    return (struct nm_bytes){text, text != NULL ? strlen(text) : 0};
}

/* A log-in has no domain that could stay. */
static const char *kept_auth(
    const struct nm_rows *rows, struct row *row, const char *auth)
{
    const struct nm_bytes kept = nm_pseudonym(
        rows->pseudonyms, rows->sender_local_part, bytes_of(auth), row->auth);

    return kept.data == row->auth ? row->auth : auth;
}

/* A reply template may name the sender, whose address has to go from there as well. */
static const char *kept_reply(
    struct row *row, const struct nm_audit_event *event, struct nm_bytes sender)
{
    const char *from = event->reply;
    const char *found;
    struct nm_buf buf;

    if (from == NULL || sender.data == event->sender.data ||
        event->sender.length == 0 ||
        memmem(from, strlen(from), event->sender.data, event->sender.length) == NULL)
        return from;
    nm_buf_init(&buf, row->reply, sizeof row->reply);
    while ((found = memmem(from, strlen(from), event->sender.data,
                event->sender.length)) != NULL) {
        nm_buf_put(&buf, from, (size_t)(found - from));
        nm_buf_put(&buf, sender.data, sender.length);
        from = found + event->sender.length;
    }
    nm_buf_puts(&buf, from);
    return row->reply;
}

/* Who sent. */
static int bind_sender(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    const struct nm_bytes kept = nm_pseudonym(
        rows->pseudonyms, rows->sender_local_part, event->sender, row->sender);
    const char *reply = kept_reply(row, event, kept);
    struct nm_hash texts[3] = {{{0}}};
    struct nm_text sender = {.number = 0};
    int64_t ignored;
    int status = nm_texts_find(rows->texts, kept.data, kept.length, &sender);

    if (status == SQLITE_OK)
        status = nm_texts_lower(rows->texts, kept.data, kept.length, sender.number,
            &row->mentioned[NM_MENTION_SENDER]);
    if (status == SQLITE_OK)
        status = bind_text_number(
            rows, insert, row->base + CLIENT, event->client, &ignored, &texts[1]);
    if (status == SQLITE_OK)
        status = bind_text_number(rows, insert, row->base + AUTH,
            kept_auth(rows, row, event->auth), &ignored, &texts[2]);
    texts[0] = sender.digest;
    bind_number(insert, row->base + SENDER, sender.number);
    nm_sql_bind_text(insert, row->base + REPLY, reply);
    nm_commit(&row->salts, NM_PART_SENDER, texts, NM_COUNT(texts), bytes_of(reply),
        &row->link.parts[NM_PART_SENDER]);
    return status;
}

static int bind_names(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    struct nm_link *link = &row->link;
    const struct {
        enum column at;
        const char *text;
        int64_t *number;
        struct nm_hash *digest;
    } texts[] = {
        {DOMAIN, event->domain, &row->mentioned[NM_MENTION_DOMAIN], &link->domain},
        {TARGET, event->target, &row->mentioned[NM_MENTION_TARGET], &link->target},
        {RULE, event->rule, &row->mentioned[NM_MENTION_RULE], &link->rule}};
    int status = SQLITE_OK;

    for (size_t i = 0; i < NM_COUNT(texts) && status == SQLITE_OK; i++)
        status = bind_text_number(rows, insert, row->base + (int)texts[i].at,
            texts[i].text, texts[i].number, texts[i].digest);
    if (status == SQLITE_OK)
        status =
            bind_config(rows, insert, row->base + CONFIG, event->config, &link->config);
    return status;
}

static void bind_codes(
    sqlite3_stmt *insert, struct row *row, const struct nm_audit_event *event)
{
    struct nm_link *link = &row->link;

    link->match = (int)event->match;
    link->technique = (int)event->technique;
    link->action = (int)event->action;
    link->mode = (int)event->mode;
    link->confidence = event->confidence;
    link->outcome = (int)event->outcome; /* of its own, for one refused at once */
    (void)sqlite3_bind_int(insert, row->base + MATCH, link->match);
    (void)sqlite3_bind_int(insert, row->base + TECHNIQUE, link->technique);
    (void)sqlite3_bind_int(insert, row->base + ACTION, link->action);
    (void)sqlite3_bind_int(insert, row->base + MODE, link->mode);
    bind_number(insert, row->base + OUTCOME, link->outcome);
    if (event->confidence < 0)
        (void)sqlite3_bind_null(insert, row->base + CONFIDENCE);
    else
        (void)sqlite3_bind_double(insert, row->base + CONFIDENCE, event->confidence);
}

static int bind_decision(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    const struct nm_bytes recipient = nm_pseudonym(
        rows->pseudonyms, rows->recipient_local_part, event->recipient, row->recipient);
    int status = bind_sender(rows, insert, row, event);

    row->link.id = bind_event_id(insert, row->base + ID, event, row->id);
    if (status == SQLITE_OK)
        status = bind_names(rows, insert, row, event);
    nm_sql_bind_bytes(insert, row->base + RECIPIENT, recipient.data, recipient.length);
    nm_commit(&row->salts, NM_PART_RECIPIENT, NULL, 0, recipient,
        &row->link.parts[NM_PART_RECIPIENT]);
    bind_codes(insert, row, event);
    return status;
}

static int bind_message_outcome(struct nm_rows *rows, sqlite3_stmt *insert,
    struct row *row, const struct nm_audit_event *event)
{
    (void)rows;
    row->link.outcome = (int)event->outcome;
    (void)sqlite3_bind_int(insert, row->base + OUTCOME, row->link.outcome);
    nm_sql_bind_text(insert, row->base + QUEUE_ID, event->queue_id);
    row->link.queue_id = bytes_of(event->queue_id);
    return SQLITE_OK;
}

/* What people wrote may name senders and recipients alike: the less of both is kept. Who
 * did it is an account of this machine, and stays. */
static const char *kept_words(
    const struct nm_rows *rows, const char *text, char *out, size_t size)
{
    const enum nm_audit_local_part kept =
        rows->sender_local_part > rows->recipient_local_part
            ? rows->sender_local_part
            : rows->recipient_local_part;

    return nm_pseudonyms_in(rows->pseudonyms, kept, text, out, size);
}

static int bind_act(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    uint8_t decision[NM_ID_PACKED_BYTES] = {0};
    struct nm_hash actor;

    row->act_actor = kept_words(rows, event->actor, row->auth, sizeof row->auth);
    row->act_subject =
        kept_words(rows, event->subject, row->recipient, sizeof row->recipient);
    row->act_reason = kept_words(rows, event->reason, row->reply, sizeof row->reply);
    actor = nm_digest(row->act_actor, bytes_of(row->act_actor).length);
    row->link.id = nm_id_bind(insert, row->base + ID, &event->id, row->id);
    nm_commit(&row->salts, NM_PART_SENDER, &actor, 1, bytes_of(row->act_reason),
        &row->link.parts[NM_PART_SENDER]);
    nm_commit(&row->salts, NM_PART_RECIPIENT, NULL, 0, bytes_of(row->act_subject),
        &row->link.parts[NM_PART_RECIPIENT]);
    nm_link_add_number(&row->link, (int64_t)event->verb);
    (void)nm_id_pack(event->decision.text, decision);
    nm_link_add(&row->link, decision, sizeof decision);
    return SQLITE_OK;
}

static int bind_checkpoint(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    (void)rows;
    (void)insert;
    (void)row;
    (void)event;
    return SQLITE_OK;
}

static int bind_seal(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    (void)insert;
    (void)event;
    nm_link_add_number(&row->link, rows->seal->upto);
    nm_link_add(&row->link, rows->seal->hash.bytes, NM_HASH_BYTES);
    return SQLITE_OK;
}

static int bind_rotation(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row,
    const struct nm_audit_event *event)
{
    (void)insert;
    (void)event;
    nm_link_add(&row->link, rows->rotation->old_key, NM_PUBLIC_KEY_BYTES);
    nm_link_add(&row->link, rows->rotation->new_key, NM_PUBLIC_KEY_BYTES);
    return SQLITE_OK;
}

/* ---- an event ----------------------------------------------------------- */

static bool has_personal_parts(enum nm_event_kind kind)
{
    return kind == NM_EVENT_DECISION || kind == NM_EVENT_ACT;
}

static void make_salts(struct nm_rows *rows, struct nm_salts *out)
{
    enum { SALTS = NM_PARTS * NM_SALT_BYTES };

    if (rows->random_left < SALTS) {
        randombytes_buf(rows->random, sizeof rows->random);
        rows->random_left = sizeof rows->random;
    }
    rows->random_left -= SALTS;
    *out = nm_salts_new(rows->random + rows->random_left);
}

/* Bound last: the hash is over all else. */
static void bind_chain(struct nm_rows *rows, sqlite3_stmt *insert, struct row *row)
{
    row->hash = nm_chain_next(&rows->last.hash, &row->link);
    rows->last = (struct nm_mark){row->link.sequence, row->hash};
    (void)sqlite3_bind_int64(insert, row->base + SEQUENCE, row->link.sequence);
    if (row->salts.length > 0)
        (void)sqlite3_bind_blob(insert, row->base + SALT, row->salts.bytes,
            (int)row->salts.length, SQLITE_STATIC);
    (void)sqlite3_bind_blob(
        insert, row->base + HASH, row->hash.bytes, NM_HASH_BYTES, SQLITE_STATIC);
}

static int bind_event(struct nm_rows *rows, sqlite3_stmt *insert, size_t at,
    const struct nm_audit_event *event)
{
    typedef int binder(struct nm_rows * rows, sqlite3_stmt * insert, struct row * row,
        const struct nm_audit_event *event);
    static binder *const binders[] = {[NM_EVENT_DECISION] = bind_decision,
        [NM_EVENT_OUTCOME] = bind_message_outcome,
        [NM_EVENT_ACT] = bind_act,
        [NM_EVENT_CHECKPOINT] = bind_checkpoint,
        [NM_EVENT_SEAL] = bind_seal,
        [NM_EVENT_ROTATION] = bind_rotation};
    struct row *row = &rows->rows[at];
    int64_t ignored;
    int status;

    memset(row, 0, offsetof(struct row, sender));
    row->base = (int)at * COLUMNS;
    row->link.sequence = rows->last.sequence + 1;
    row->link.kind = (int)event->kind;
    row->link.time_us = event->time_us;
    row->link.confidence = -1;
    if (has_personal_parts(event->kind))
        make_salts(rows, &row->salts);
    (void)sqlite3_bind_int(insert, row->base + KIND, row->link.kind);
    (void)sqlite3_bind_int64(insert, row->base + TIME, event->time_us);
    row->link.transaction = nm_id_bind(
        insert, row->base + TRANSACTION, &event->transaction, row->transaction);
    status = bind_text_number(rows, insert, row->base + GATEWAY, event->gateway,
        &ignored, &row->link.gateway);
    if (status == SQLITE_OK)
        status = binders[event->kind](rows, insert, row, event);
    bind_chain(rows, insert, row);
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
    struct nm_rows *rows, struct row *row, const struct nm_audit_event *event)
{
    sqlite3_stmt *add = rows->statements[ADD_ACT];
    uint8_t decision[NM_ID_PACKED_BYTES];

    (void)sqlite3_bind_int64(add, 1, row->link.sequence);
    (void)sqlite3_bind_int(add, 2, (int)event->verb);
    nm_sql_bind_text(add, 3, row->act_actor);
    nm_sql_bind_text(add, 4, row->act_subject);
    if (nm_id_pack(event->decision.text, decision))
        (void)sqlite3_bind_blob(add, 5, decision, sizeof decision, SQLITE_STATIC);
    else
        (void)sqlite3_bind_null(add, 5);
    nm_sql_bind_text(add, 6, row->act_reason);
    return nm_sql_run(add);
}

static int add_seal(struct nm_rows *rows, const struct row *row)
{
    sqlite3_stmt *add = rows->statements[ADD_SEAL];

    (void)sqlite3_bind_int64(add, 1, row->link.sequence);
    (void)sqlite3_bind_int64(add, 2, rows->seal->upto);
    (void)sqlite3_bind_blob(
        add, 3, rows->seal->hash.bytes, NM_HASH_BYTES, SQLITE_STATIC);
    return nm_sql_run(add);
}

static int add_rotation(struct nm_rows *rows, const struct row *row)
{
    sqlite3_stmt *add = rows->statements[ADD_ROTATION];

    (void)sqlite3_bind_int64(add, 1, row->link.sequence);
    (void)sqlite3_bind_blob(
        add, 2, rows->rotation->old_key, NM_PUBLIC_KEY_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(
        add, 3, rows->rotation->new_key, NM_PUBLIC_KEY_BYTES, SQLITE_STATIC);
    return nm_sql_run(add);
}

/* ---- writing ------------------------------------------------------------ */

/* What a row that was written is known by, and what it has beside. */
static int note_written(
    struct nm_rows *rows, struct row *row, const struct nm_audit_event *event)
{
    int status;

    if (event->kind == NM_EVENT_ACT)
        return add_act(rows, row, event);
    if (event->kind == NM_EVENT_SEAL)
        return add_seal(rows, row);
    if (event->kind == NM_EVENT_ROTATION)
        return add_rotation(rows, row);
    if (event->kind == NM_EVENT_OUTCOME)
        return nm_endings_add(rows->endings, row->link.sequence, event);
    if (event->kind != NM_EVENT_DECISION)
        return SQLITE_OK;
    status = nm_mentions_add(rows->mentions, row->link.sequence, row->mentioned);
    if (status == SQLITE_OK)
        status = nm_endings_add(rows->endings, row->link.sequence, event);
    if (status == SQLITE_OK)
        status = note_time(rows, event->time_us);
    return status == SQLITE_OK ? nm_tally_add(rows->tally, event) : status;
}

static int write_with(struct nm_rows *rows, enum statement which,
    const struct nm_audit_event *const *events, size_t count)
{
    sqlite3_stmt *insert = rows->statements[which];
    int status = SQLITE_OK;

    assert(count <= ROWS_MAX);
    (void)sqlite3_clear_bindings(insert);
    for (size_t i = 0; i < count && status == SQLITE_OK; i++)
        status = bind_event(rows, insert, i, events[i]);
    if (status == SQLITE_OK)
        status = nm_sql_run(insert);
    for (size_t i = 0; i < count && status == SQLITE_OK; i++)
        status = note_written(rows, &rows->rows[i], events[i]);
    return status;
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
    uint8_t transaction[NM_ID_PACKED_BYTES];
    uint8_t id[NM_ID_PACKED_BYTES];
    int64_t found = 0;
    int status;

    if (event->kind == NM_EVENT_ACT)
        (void)nm_id_bind(find, 1, &event->id, transaction);
    else
        (void)nm_id_bind(find, 1, &event->transaction, transaction);
    if (event->kind == NM_EVENT_DECISION)
        (void)bind_event_id(find, 2, event, id);
    else if (event->kind == NM_EVENT_OUTCOME)
        (void)sqlite3_bind_int64(find, 2, event->time_us);
    status = nm_sql_find(find, &found);
    return status == SQLITE_OK && found == 0 ? nm_rows_add(rows, event) : status;
}

int nm_rows_add_mark(struct nm_rows *rows, int64_t time_us, const char *gateway,
    const struct nm_seal *seal, const struct nm_rotation *rotation, struct nm_mark *out)
{
    const struct nm_audit_event event = {
        .kind = seal != NULL       ? NM_EVENT_SEAL
                : rotation != NULL ? NM_EVENT_ROTATION
                                   : NM_EVENT_CHECKPOINT,
        .time_us = time_us,
        .gateway = gateway,
    };
    const struct nm_audit_event *events = &event;
    int status = nm_rows_flush(rows);

    rows->seal = seal;
    rows->rotation = rotation;
    if (status == SQLITE_OK)
        status = write_with(rows, INSERT_ONE, &events, 1);
    rows->seal = NULL;
    rows->rotation = NULL;
    *out = rows->last;
    return status;
}

bool nm_rows_may_fill(const struct nm_rows *rows)
{
    return nm_endings_may_fill(rows->endings);
}

int nm_rows_fill(struct nm_rows *rows)
{
    return nm_endings_fill(rows->endings);
}

const struct nm_mark *nm_rows_last(const struct nm_rows *rows)
{
    return &rows->last;
}

void nm_rows_set_local_parts(struct nm_rows *rows,
    const struct nm_pseudonyms *pseudonyms, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient)
{
    rows->pseudonyms = pseudonyms;
    rows->sender_local_part = sender;
    rows->recipient_local_part = recipient;
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

/* Sequences that were used once are not used again, whatever somebody removed; what they
 * were, the table of checkpoints and that of mentions may still tell. */
static int find_last(struct nm_rows *rows)
{
    static const char sequence[] =
        "SELECT max((SELECT coalesce(max(sequence), 0) FROM event),"
        " (SELECT coalesce(max(sequence), 0) FROM checkpoint),"
        " (SELECT indexed FROM state), (SELECT first - 1 FROM chain))";
    static const char hash[] =
        "SELECT c.log, c.first, e.sequence, e.hash FROM chain AS c LEFT JOIN event AS e"
        " ON e.sequence = (SELECT max(sequence) FROM event)";
    sqlite3_stmt *query = NULL;
    int status = nm_sql_number(rows->db, sequence, 0, &rows->last.sequence);

    if (status == SQLITE_OK)
        status = sqlite3_prepare_v2(rows->db, hash, -1, &query, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_step(query);
    if (status == SQLITE_ROW) {
        const int64_t first = sqlite3_column_int64(query, 1);

        status = SQLITE_OK;
        if (sqlite3_column_bytes(query, 0) != NM_LOG_NAME_BYTES)
            status = SQLITE_CORRUPT;
        else if (sqlite3_column_int64(query, 2) < first)
            rows->last.hash = nm_chain_begin(sqlite3_column_blob(query, 0), first);
        else if (sqlite3_column_bytes(query, 3) == NM_HASH_BYTES)
            memcpy(rows->last.hash.bytes, sqlite3_column_blob(query, 3), NM_HASH_BYTES);
    } else if (status == SQLITE_DONE) {
        status = SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(query);
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
        status = nm_endings_open(db, &rows->endings);
    if (status == SQLITE_OK)
        status = find_last(rows);
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
    nm_endings_close(&(*rows)->endings);
    free(*rows);
    *rows = NULL;
}
