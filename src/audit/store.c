#include "store.h"

#include "identifier.h"
#include "interned.h"
#include "mentions.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CACHE_KIB = 32 * 1024,
    FILE_MODE = 0640,
    WAL_PAGES_IDLE = 500,   /* copied to the database when nothing else is to do, */
    WAL_PAGES_BUSY = 2000,  /* or at the latest at so many */
    ROUND_MIN = 4096,       /* mentions to begin a round with, */
    ROUND_MAX = 128 * 1024, /* and at most so many, */
    ROUND_SHARE = 8,        /* in between one for every so many events of the log */
    SLICE = 1024,           /* of a round, when nothing else is to do */
    REST_MAX = 128 * 1024   /* events whose mentions are gathered at once when opened */
};

enum statement {
    BEGIN,
    COMMIT,
    DECISION,
    OUTCOME,
    FIND_DECISION,
    FIND_OUTCOME,
    FIND_TEXT,
    ADD_TEXT,
    FIND_CONFIG,
    ADD_CONFIG,
    NOTE_CONFIG,
    ADD_MENTION,
    SET_INDEXED,
    SET_DISORDER,
    STATEMENT_COUNT
};

static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [DECISION] =
        "INSERT INTO event (kind, time_us, id, transaction_id, gateway, client, auth,"
        " sender, recipient, domain, match, target, technique, confidence, rule, "
        "action,"
        " reply, mode, config, outcome)"
        " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19)",
    [OUTCOME] = "INSERT INTO event (kind, time_us, transaction_id, gateway, queue_id,"
                " outcome) VALUES (2, ?1, ?3, ?4, ?5, ?6)",
    [FIND_DECISION] = "SELECT 1 FROM event WHERE kind = 1 AND transaction_id = ?3"
                      " AND id = ?2",
    [FIND_OUTCOME] = "SELECT 1 FROM event WHERE kind = 2 AND transaction_id = ?3"
                     " AND time_us = ?1",
    [FIND_TEXT] = "SELECT id FROM text WHERE value = ?",
    [ADD_TEXT] = "INSERT INTO text (value) VALUES (?)",
    [FIND_CONFIG] = "SELECT id FROM config WHERE hash = ?",
    [ADD_CONFIG] = "INSERT INTO config (hash) VALUES (?)",
    [NOTE_CONFIG] = "INSERT INTO config (hash, text) VALUES (?1, ?2)"
                    " ON CONFLICT (hash) DO UPDATE SET text = ?2 WHERE text IS NULL",
    [ADD_MENTION] = "INSERT OR IGNORE INTO mention VALUES (?, ?)",
    [SET_INDEXED] = "UPDATE state SET indexed = ?",
    [SET_DISORDER] = "UPDATE state SET disorder_us = ?",
};

struct nm_store {
    char *path;
    const char *wal_path; /* SQLite's */
    struct stat wal_identity;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct nm_interned *texts;
    char config[64 + 1]; /* the configuration asked for last, and its number */
    int64_t config_number;
    struct nm_mentions mentions;
    int64_t newest_us; /* the greatest time of a decision */
    int64_t disorder_us;
    unsigned wal_pages;
};

/* ---- steps -------------------------------------------------------------- */

/* Run a statement that gives no row. An SQLite status, SQLITE_OK when it is done. */
static int run(struct nm_store *store, enum statement which)
{
    const int status = sqlite3_step(store->statements[which]);

    (void)sqlite3_reset(store->statements[which]);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}

/* The number that the first row gives, or 0 without a row. */
static int find(struct nm_store *store, enum statement which, int64_t *out)
{
    sqlite3_stmt *query = store->statements[which];
    const int status = sqlite3_step(query);

    *out = status == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
    (void)sqlite3_reset(query);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}

static enum nm_code fail(struct nm_store *store, int status, struct nm_error *error)
{
    return nm_schema_fail(store->db, store->path, status, error);
}

/* ---- values ------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text == NULL || text[0] == '\0')
        (void)sqlite3_bind_null(statement, at);
    else
        nm_schema_bind_bytes(statement, at, text, strlen(text));
}

static void bind_transaction(sqlite3_stmt *statement, int at, const struct nm_id *id)
{
    uint8_t packed[NM_ID_PACKED_BYTES];

    if (nm_id_pack(id->text, packed))
        (void)sqlite3_bind_blob(statement, at, packed, sizeof packed, SQLITE_TRANSIENT);
    else
        nm_schema_bind_bytes(statement, at, id->text, strlen(id->text));
}

/* Without the time where that is the event's. */
static void bind_id(sqlite3_stmt *statement, int at, const struct nm_audit_event *event)
{
    uint8_t packed[NM_ID_PACKED_BYTES];

    if (nm_id_pack(event->id.text, packed) &&
        nm_id_packed_time_us(packed) == event->time_us - event->time_us % 1000)
        (void)sqlite3_bind_blob(statement, at, packed + NM_ID_TIME_BYTES,
            sizeof packed - NM_ID_TIME_BYTES, SQLITE_TRANSIENT);
    else
        bind_transaction(statement, at, &event->id);
}

/* Look a text's number up in the table, and add it if it is new. */
static int look_up(
    struct nm_store *store, const char *text, size_t length, int64_t *out)
{
    int status;

    nm_schema_bind_bytes(store->statements[FIND_TEXT], 1, text, length);
    status = find(store, FIND_TEXT, out);
    if (status != SQLITE_OK || *out != 0)
        return status;
    nm_schema_bind_bytes(store->statements[ADD_TEXT], 1, text, length);
    status = run(store, ADD_TEXT);
    *out = sqlite3_last_insert_rowid(store->db);
    return status;
}

static int intern(struct nm_store *store, const char *text, size_t length, int64_t *out)
{
    int status;

    *out = nm_interned_find(store->texts, text, length);
    if (*out != 0)
        return SQLITE_OK;
    status = look_up(store, text, length, out);
    if (status == SQLITE_OK)
        nm_interned_add(store->texts, text, length, *out);
    return status;
}

/* The number of the text in lower case; `number` is that of the text as it is. */
static int intern_lower(struct nm_store *store, const char *text, size_t length,
    int64_t number, int64_t *out)
{
    size_t at = 0;
    char *lower;
    int status;

    *out = number;
    while (at < length && nm_ascii_lower(text[at]) == text[at])
        at++;
    if (at == length)
        return SQLITE_OK;
    lower = malloc(length);
    if (lower == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < length; i++)
        lower[i] = nm_ascii_lower(text[i]);
    status = intern(store, lower, length, out);
    free(lower);
    return status;
}

/* Bind the number of a text, which is also put out; NULL and 0 for NULL and "". */
static int bind_interned(struct nm_store *store, sqlite3_stmt *statement, int at,
    const char *text, int64_t *number)
{
    const size_t length = text != NULL ? strlen(text) : 0;
    int status;

    *number = 0;
    if (length == 0)
        return sqlite3_bind_null(statement, at);
    status = intern(store, text, length, number);
    return status == SQLITE_OK ? sqlite3_bind_int64(statement, at, *number) : status;
}

static int bind_config(
    struct nm_store *store, sqlite3_stmt *statement, int at, const char *hash)
{
    int status = SQLITE_OK;

    if (hash == NULL || hash[0] == '\0')
        return sqlite3_bind_null(statement, at);
    if (store->config_number == 0 || strcmp(store->config, hash) != 0) {
        bind_text(store->statements[FIND_CONFIG], 1, hash);
        status = find(store, FIND_CONFIG, &store->config_number);
        if (status == SQLITE_OK && store->config_number == 0) {
            bind_text(store->statements[ADD_CONFIG], 1, hash);
            status = run(store, ADD_CONFIG);
            store->config_number = sqlite3_last_insert_rowid(store->db);
        }
        if (status != SQLITE_OK || !nm_copy(store->config, sizeof store->config, hash))
            store->config[0] = '\0';
    }
    if (status != SQLITE_OK)
        return status;
    return sqlite3_bind_int64(statement, at, store->config_number);
}

/* ---- events ------------------------------------------------------------- */

static void bind_head(sqlite3_stmt *statement, const struct nm_audit_event *event)
{
    (void)sqlite3_bind_int64(statement, 1, event->time_us);
    bind_transaction(statement, 3, &event->transaction);
}

/* Readers find a span of time by bisection; this is how far off it may lead them. */
static int note_time(struct nm_store *store, int64_t time_us)
{
    if (time_us >= store->newest_us) {
        store->newest_us = time_us;
        return SQLITE_OK;
    }
    if (store->newest_us - time_us <= store->disorder_us)
        return SQLITE_OK;
    store->disorder_us = store->newest_us - time_us;
    (void)sqlite3_bind_int64(store->statements[SET_DISORDER], 1, store->disorder_us);
    return run(store, SET_DISORDER);
}

enum { SENDER, DOMAIN, TARGET, RULE, MENTIONED };

static int bind_texts(struct nm_store *store, sqlite3_stmt *insert,
    const struct nm_audit_event *event, int64_t mentioned[MENTIONED])
{
    int64_t not_mentioned;
    int64_t sender = 0;
    const struct {
        int at;
        const char *text;
        int64_t *number;
    } texts[] = {{4, event->gateway, &not_mentioned},
        {5, event->client, &not_mentioned}, {6, event->auth, &not_mentioned},
        {9, event->domain, &mentioned[DOMAIN]}, {11, event->target, &mentioned[TARGET]},
        {14, event->rule, &mentioned[RULE]}};
    int status = SQLITE_OK;

    for (size_t i = 0; i < NM_COUNT(texts) && status == SQLITE_OK; i++)
        status =
            bind_interned(store, insert, texts[i].at, texts[i].text, texts[i].number);
    if (status == SQLITE_OK)
        status = intern(store, event->sender.data, event->sender.length, &sender);
    if (status == SQLITE_OK)
        status = intern_lower(store, event->sender.data, event->sender.length, sender,
            &mentioned[SENDER]);
    (void)sqlite3_bind_int64(insert, 7, sender);
    return status;
}

static int write_decision(struct nm_store *store, const struct nm_audit_event *event)
{
    sqlite3_stmt *insert = store->statements[DECISION];
    int64_t mentioned[MENTIONED] = {0};
    int status = bind_texts(store, insert, event, mentioned);

    if (status == SQLITE_OK)
        status = bind_config(store, insert, 18, event->config);
    if (status == SQLITE_OK)
        status = note_time(store, event->time_us);
    if (status != SQLITE_OK)
        return status;
    bind_head(insert, event);
    bind_id(insert, 2, event);
    nm_schema_bind_bytes(insert, 8, event->recipient.data, event->recipient.length);
    (void)sqlite3_bind_int(insert, 10, (int)event->match);
    (void)sqlite3_bind_int(insert, 12, (int)event->technique);
    if (event->confidence < 0)
        (void)sqlite3_bind_null(insert, 13);
    else
        (void)sqlite3_bind_double(insert, 13, event->confidence);
    (void)sqlite3_bind_int(insert, 15, (int)event->action);
    bind_text(insert, 16, event->reply);
    (void)sqlite3_bind_int(insert, 17, (int)event->mode);
    if (event->outcome == NM_OUTCOME_UNKNOWN)
        (void)sqlite3_bind_null(insert, 19);
    else
        (void)sqlite3_bind_int(insert, 19, (int)event->outcome);
    status = run(store, DECISION);
    if (status != SQLITE_OK)
        return status;
    return nm_mentions_add(&store->mentions, sqlite3_last_insert_rowid(store->db),
               mentioned, MENTIONED) == NM_OK
               ? SQLITE_OK
               : SQLITE_NOMEM;
}

static int write_outcome(struct nm_store *store, const struct nm_audit_event *event)
{
    sqlite3_stmt *insert = store->statements[OUTCOME];
    int64_t number;
    int status = bind_interned(store, insert, 4, event->gateway, &number);

    if (status != SQLITE_OK)
        return status;
    bind_head(insert, event);
    bind_text(insert, 5, event->queue_id);
    (void)sqlite3_bind_int(insert, 6, (int)event->outcome);
    return run(store, OUTCOME);
}

static int is_written(
    struct nm_store *store, const struct nm_audit_event *event, bool *out)
{
    const enum statement which =
        event->kind == NM_EVENT_DECISION ? FIND_DECISION : FIND_OUTCOME;
    int64_t found = 0;
    int status;

    bind_transaction(store->statements[which], 3, &event->transaction);
    if (event->kind == NM_EVENT_DECISION)
        bind_id(store->statements[which], 2, event);
    else
        (void)sqlite3_bind_int64(store->statements[which], 1, event->time_us);
    status = find(store, which, &found);
    *out = found != 0;
    return status;
}

static int write_event(
    struct nm_store *store, const struct nm_audit_event *event, bool again)
{
    bool written = false;
    int status = again ? is_written(store, event, &written) : SQLITE_OK;

    if (status != SQLITE_OK || written)
        return status;
    return event->kind == NM_EVENT_DECISION ? write_decision(store, event)
                                            : write_outcome(store, event);
}

static int write_blocks(
    struct nm_store *store, struct nm_block *const *blocks, size_t count, bool again)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < blocks[i]->count && status == SQLITE_OK; j++)
            status = write_event(store, &blocks[i]->events[j], again);
    return status;
}

/* ---- the index of mentions ---------------------------------------------- */

/* Take up to `count` entries of the round to the table. */
static int index_some(struct nm_store *store, size_t count)
{
    const struct nm_mention *mention = NULL;
    int status = SQLITE_OK;

    for (; count > 0 && status == SQLITE_OK; count--) {
        mention = nm_mentions_next(&store->mentions);
        if (mention == NULL)
            break;
        (void)sqlite3_bind_int64(store->statements[ADD_MENTION], 1, mention->text);
        (void)sqlite3_bind_int64(store->statements[ADD_MENTION], 2, mention->sequence);
        status = run(store, ADD_MENTION);
    }
    if (status != SQLITE_OK || mention != NULL)
        return status;
    (void)sqlite3_bind_int64(
        store->statements[SET_INDEXED], 1, store->mentions.round_upto);
    nm_mentions_end_round(&store->mentions);
    return run(store, SET_INDEXED);
}

/* A round writes each page of the table that it touches, in the worst case all: so the
 * longer the log, the more mentions have to share that. Only the tail that readers look
 * through by themselves sets a limit. */
static size_t round_size(const struct nm_store *store)
{
    const int64_t share = store->mentions.gathered_upto / ROUND_SHARE;

    if (share < ROUND_MIN)
        return ROUND_MIN;
    return share < ROUND_MAX ? (size_t)share : (size_t)ROUND_MAX;
}

/* As long as a round takes two entries for each that comes, it ends before the next is
 * due. */
static int index_along(struct nm_store *store, size_t gathered)
{
    nm_mentions_begin_round(&store->mentions, round_size(store));
    if (!nm_mentions_has_round(&store->mentions))
        return SQLITE_OK;
    return index_some(store, 2 * gathered + 1);
}

/* ---- groups ------------------------------------------------------------- */

static bool is_in_place(struct nm_store *store)
{
    struct stat now;
    int moved = 0;

    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved == 0 && stat(store->wal_path, &now) == 0 &&
           now.st_dev == store->wal_identity.st_dev &&
           now.st_ino == store->wal_identity.st_ino;
}

/* A commit into a file that has no name any more is durable for nobody. A database that
 * was moved away is made whole: its write-ahead log stayed behind. */
static enum nm_code check_in_place(struct nm_store *store, struct nm_error *error)
{
    if (is_in_place(store))
        return NM_OK;
    (void)sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_FULL, NULL, NULL);
    return nm_fail(error, NM_SYSTEM,
        "%s: the database or its -wal file was removed or replaced while in use; what "
        "is found at this name is opened next, or a new log begun",
        store->path);
}

static int write_transaction(
    struct nm_store *store, struct nm_block *const *blocks, size_t count, bool again)
{
    const size_t gathered = store->mentions.gathered.count;
    int status = run(store, BEGIN);

    if (status == SQLITE_OK)
        status = write_blocks(store, blocks, count, again);
    if (status == SQLITE_OK)
        status = index_along(store, store->mentions.gathered.count - gathered);
    return status == SQLITE_OK ? run(store, COMMIT) : status;
}

enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error)
{
    const int status = write_transaction(store, blocks, count, again);

    return status == SQLITE_OK ? check_in_place(store, error)
                               : fail(store, status, error);
}

enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error)
{
    int status;

    bind_text(store->statements[NOTE_CONFIG], 1, hash);
    nm_schema_bind_bytes(store->statements[NOTE_CONFIG], 2, text, strlen(text));
    status = run(store, NOTE_CONFIG);
    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

/* ---- housekeeping ------------------------------------------------------- */

static int note_wal(void *self, sqlite3 *db, const char *name, int pages)
{
    struct nm_store *store = self;

    (void)db;
    (void)name;
    store->wal_pages = (unsigned)pages;
    return SQLITE_OK;
}

static int checkpoint(struct nm_store *store)
{
    const int status = sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    store->wal_pages = 0; /* until the next commit tells */
    return status == SQLITE_BUSY ? SQLITE_OK : status;
}

bool nm_store_must_tidy(const struct nm_store *store)
{
    return store->wal_pages >= WAL_PAGES_BUSY;
}

bool nm_store_may_tidy(const struct nm_store *store)
{
    return store->wal_pages >= WAL_PAGES_IDLE ||
           store->mentions.gathered.count >= round_size(store) ||
           nm_mentions_has_round(&store->mentions);
}

enum nm_code nm_store_tidy(struct nm_store *store, struct nm_error *error)
{
    int status;

    nm_mentions_begin_round(&store->mentions, round_size(store));
    if (nm_store_must_tidy(store) || !nm_mentions_has_round(&store->mentions)) {
        status = checkpoint(store);
    } else {
        status = run(store, BEGIN);
        if (status == SQLITE_OK)
            status = index_some(store, SLICE);
        if (status == SQLITE_OK)
            status = run(store, COMMIT);
    }
    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

/* ---- open and close ----------------------------------------------------- */

/* SQLite gives the -wal and -shm files the mode of the database. */
static enum nm_code create_file(const char *path, struct nm_error *error)
{
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    int status;

    if (file < 0) {
        if (errno == EEXIST)
            return NM_OK;
        return nm_fail(error, NM_SYSTEM,
            "%s: the database cannot be made: %s; see that its folder exists and that "
            "the daemon's user may write to it",
            path, strerror(errno));
    }
    status = fchmod(file, FILE_MODE); /* whatever the umask */
    (void)close(file);
    if (status != 0)
        return nm_fail(
            error, NM_SYSTEM, "%s: cannot set the mode: %s", path, strerror(errno));
    return NM_OK;
}

static int configure(struct nm_store *store)
{
    char pragmas[256];
    struct nm_buf buf;
    int on = 1;
    int status;

    nm_buf_init(&buf, pragmas, sizeof pragmas);
    nm_buf_printf(&buf,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d;"
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
        CACHE_KIB);
    status = nm_schema_run(store->db, pragmas);
    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    (void)sqlite3_wal_hook(store->db, note_wal, store);
    return status;
}

static int prepare(struct nm_store *store)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < STATEMENT_COUNT && status == SQLITE_OK; i++)
        status = sqlite3_prepare_v3(store->db, statement_sql[i], -1,
            SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);
    return status;
}

/* A commit failed, and what it wrote may be found now and yet not be on the disk, since
 * a sync tells of an error only once. So everything is written once more: from the
 * write-ahead log, which then begins anew, to the database. */
static int write_all_again(struct nm_store *store)
{
    return sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* A row of our own, so that an opened log is known to be writable. */
static int sign_in(struct nm_store *store, const char *gateway, int64_t now_us)
{
    sqlite3_stmt *update = NULL;
    int status = sqlite3_prepare_v2(
        store->db, "UPDATE state SET gateway = ?, opened_us = ?", -1, &update, NULL);

    if (status == SQLITE_OK) {
        nm_schema_bind_bytes(update, 1, gateway, strlen(gateway));
        (void)sqlite3_bind_int64(update, 2, now_us);
        status = sqlite3_step(update);
        status = status == SQLITE_DONE ? SQLITE_OK : status;
    }
    (void)sqlite3_finalize(update);
    return status;
}

/* Gather what one event that is not indexed mentions. */
static int gather(struct nm_store *store, sqlite3_stmt *row)
{
    int64_t mentioned[MENTIONED] = {
        [DOMAIN] = sqlite3_column_int64(row, 2),
        [TARGET] = sqlite3_column_int64(row, 3),
        [RULE] = sqlite3_column_int64(row, 4),
    };
    const char *sender = sqlite3_column_blob(row, 5);
    const int status = intern_lower(store, sender, (size_t)sqlite3_column_bytes(row, 5),
        sqlite3_column_int64(row, 1), &mentioned[SENDER]);

    if (status != SQLITE_OK)
        return status;
    return nm_mentions_add(&store->mentions, sqlite3_column_int64(row, 0), mentioned,
               MENTIONED) == NM_OK
               ? SQLITE_OK
               : SQLITE_NOMEM;
}

static int gather_events(struct nm_store *store, sqlite3_stmt *events, size_t *count)
{
    int status = SQLITE_OK;

    *count = 0;
    (void)sqlite3_bind_int64(events, 1, store->mentions.gathered_upto);
    (void)sqlite3_bind_int(events, 2, REST_MAX);
    while (status == SQLITE_OK && (status = sqlite3_step(events)) == SQLITE_ROW) {
        status = gather(store, events);
        (*count)++;
    }
    (void)sqlite3_reset(events);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Take up the index where the writer before left it. When that was far behind, index
 * right now, so that not all of it has to be in memory. */
static int gather_rest(struct nm_store *store)
{
    sqlite3_stmt *events = NULL;
    size_t count = REST_MAX;
    int status = nm_schema_integer(
        store->db, "SELECT indexed FROM state", &store->mentions.gathered_upto);

    if (status == SQLITE_OK)
        status = sqlite3_prepare_v2(store->db,
            "SELECT e.sequence, e.sender, e.domain, e.target, e.rule, t.value"
            " FROM event AS e LEFT JOIN text AS t ON t.id = e.sender"
            " WHERE e.kind = 1 AND e.sequence > ? ORDER BY e.sequence LIMIT ?",
            -1, &events, NULL);
    while (status == SQLITE_OK && count == REST_MAX) {
        status = gather_events(store, events, &count);
        if (status == SQLITE_OK && count == REST_MAX) {
            nm_mentions_begin_round(&store->mentions, 1);
            status = index_some(store, SIZE_MAX);
        }
    }
    (void)sqlite3_finalize(events);
    return status;
}

static int recall(struct nm_store *store)
{
    int status = nm_schema_integer(
        store->db, "SELECT disorder_us FROM state", &store->disorder_us);

    if (status == SQLITE_OK)
        status = nm_schema_integer(store->db,
            "SELECT coalesce(max(time_us), 0) FROM event WHERE kind = 1",
            &store->newest_us);
    if (status == SQLITE_OK)
        status = run(store, BEGIN);
    if (status == SQLITE_OK)
        status = gather_rest(store);
    return status == SQLITE_OK ? run(store, COMMIT) : status;
}

static enum nm_code set_up(struct nm_store *store,
    const struct nm_store_options *options, int64_t now_us, struct nm_error *error)
{
    enum nm_code code = create_file(options->path, error);
    int status;

    if (code != NM_OK)
        return code;
    status = sqlite3_open_v2(options->path, &store->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    (void)sqlite3_busy_timeout(store->db, (int)options->busy_ms);
    code = nm_schema_check(store->db, options->path, error); /* before it is changed */
    if (code != NM_OK)
        return code;
    status = configure(store);
    if (status == SQLITE_OK && options->doubtful)
        status = write_all_again(store);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    code = nm_schema_migrate(store->db, options->path, error);
    if (code != NM_OK)
        return code;
    status = prepare(store);
    if (status == SQLITE_OK)
        status = sign_in(store, options->gateway, now_us);
    if (status == SQLITE_OK)
        status = recall(store);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    store->wal_path = sqlite3_filename_wal(sqlite3_db_filename(store->db, "main"));
    if (stat(store->wal_path, &store->wal_identity) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", store->wal_path, strerror(errno));
    return check_in_place(store, error);
}

enum nm_code nm_store_open(const struct nm_store_options *options, int64_t now_us,
    struct nm_store **out, struct nm_error *error)
{
    struct nm_store *store = calloc(1, sizeof *store);
    enum nm_code code = NM_NO_MEMORY;

    if (store == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", options->path);
    store->path = strdup(options->path);
    if (store->path == NULL || nm_interned_new(&store->texts) != NM_OK)
        (void)nm_fail(error, NM_NO_MEMORY, "%s: out of memory", options->path);
    else
        code = set_up(store, options, now_us, error);
    if (code != NM_OK) {
        nm_store_close(&store);
        return code;
    }
    *out = store;
    return NM_OK;
}

void nm_store_close(struct nm_store **store)
{
    if (*store == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize((*store)->statements[i]);
    (void)sqlite3_close((*store)->db);
    nm_interned_free(&(*store)->texts);
    nm_mentions_free(&(*store)->mentions);
    free((*store)->path);
    free(*store);
    *store = NULL;
}
