#include "store.h"

#include "identifier.h"
#include "interned.h"
#include "schema.h"

#include <nearmiss/match.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CACHE_KIB = 32 * 1024, FILE_MODE = 0640 };

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    DECISION,
    OUTCOME,
    FIND_DECISION,
    FIND_OUTCOME,
    FIND_TEXT,
    ADD_TEXT,
    FIND_CONFIG,
    ADD_CONFIG,
    NOTE_CONFIG,
    STATEMENT_COUNT
};

static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [DECISION] =
        "INSERT INTO event (kind, time_us, id, transaction_id, gateway, client, auth,"
        " sender, recipient, domain, match, target, technique, confidence, rule, "
        "action,"
        " reply, mode, config, outcome)"
        " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19)",
    [OUTCOME] = "INSERT INTO event (kind, time_us, transaction_id, gateway, queue_id,"
                " outcome) VALUES (2, ?1, ?3, ?4, ?5, ?6)",
    [FIND_DECISION] = "SELECT 1 FROM event WHERE kind = 1 AND id = ?2",
    [FIND_OUTCOME] = "SELECT 1 FROM event WHERE kind = 2 AND transaction_id = ?3"
                     " AND time_us = ?1",
    [FIND_TEXT] = "SELECT id FROM text WHERE value = ?",
    [ADD_TEXT] = "INSERT INTO text (value) VALUES (?)",
    [FIND_CONFIG] = "SELECT id FROM config WHERE hash = ?",
    [ADD_CONFIG] = "INSERT INTO config (hash) VALUES (?)",
    [NOTE_CONFIG] = "INSERT INTO config (hash, text) VALUES (?1, ?2)"
                    " ON CONFLICT (hash) DO UPDATE SET text = ?2 WHERE text IS NULL",
};

struct nm_store {
    char *path;
    char *wal_path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct nm_interned *texts;
    char config[64 + 1]; /* the configuration asked for last, and its number */
    int64_t config_number;
    unsigned wal_pages;
    struct stat wal_identity;
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

static bool is_text(const char *bytes, size_t length)
{
    while (length > 0) {
        uint32_t code_point = 0;
        const size_t size = nm_utf8_decode(bytes, length, &code_point);

        if (size == 0 || code_point == 0)
            return false;
        bytes += size;
        length -= size;
    }
    return true;
}

/* The bytes, which live until the statement is reset, as TEXT or BLOB; see schema.c. */
static void bind_bytes(
    sqlite3_stmt *statement, int at, const char *bytes, size_t length)
{
    if (is_text(bytes, length))
        (void)sqlite3_bind_text64(
            statement, at, length > 0 ? bytes : "", length, SQLITE_STATIC, SQLITE_UTF8);
    else
        (void)sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text == NULL || text[0] == '\0')
        (void)sqlite3_bind_null(statement, at);
    else
        bind_bytes(statement, at, text, strlen(text));
}

static void bind_id(sqlite3_stmt *statement, int at, const struct nm_id *id)
{
    uint8_t packed[NM_ID_PACKED_BYTES];

    if (nm_id_pack(id->text, packed))
        (void)sqlite3_bind_blob(statement, at, packed, sizeof packed, SQLITE_TRANSIENT);
    else
        (void)sqlite3_bind_text(statement, at, id->text, -1, SQLITE_STATIC);
}

/* Look a text's number up in the table, and add it if it is new. */
static int intern(struct nm_store *store, const char *text, size_t length, int64_t *out)
{
    int status;

    bind_bytes(store->statements[FIND_TEXT], 1, text, length);
    status = find(store, FIND_TEXT, out);
    if (status != SQLITE_OK || *out != 0)
        return status;
    bind_bytes(store->statements[ADD_TEXT], 1, text, length);
    status = run(store, ADD_TEXT);
    *out = sqlite3_last_insert_rowid(store->db);
    return status;
}

/* Bind the number of a text; NULL for NULL and "". */
static int bind_interned(
    struct nm_store *store, sqlite3_stmt *statement, int at, const char *text)
{
    const size_t length = text != NULL ? strlen(text) : 0;
    int64_t number;
    int status;

    if (length == 0)
        return sqlite3_bind_null(statement, at);
    number = nm_interned_find(store->texts, text, length);
    if (number == 0) {
        status = intern(store, text, length, &number);
        if (status != SQLITE_OK)
            return status;
        nm_interned_add(store->texts, text, length, number);
    }
    return sqlite3_bind_int64(statement, at, number);
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
    bind_id(statement, 3, &event->transaction);
}

static int write_decision(struct nm_store *store, const struct nm_audit_event *event)
{
    sqlite3_stmt *insert = store->statements[DECISION];
    const struct {
        int at;
        const char *text;
    } interned[] = {{4, event->gateway}, {5, event->client}, {6, event->auth},
        {9, event->domain}, {11, event->target}, {14, event->rule}};
    int status = SQLITE_OK;

    bind_head(insert, event);
    bind_id(insert, 2, &event->id);
    for (size_t i = 0; i < NM_COUNT(interned) && status == SQLITE_OK; i++)
        status = bind_interned(store, insert, interned[i].at, interned[i].text);
    if (status == SQLITE_OK)
        status = bind_config(store, insert, 18, event->config);
    if (status != SQLITE_OK)
        return status;
    bind_bytes(insert, 7, event->sender.data, event->sender.length);
    bind_bytes(insert, 8, event->recipient.data, event->recipient.length);
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
    return run(store, DECISION);
}

static int write_outcome(struct nm_store *store, const struct nm_audit_event *event)
{
    sqlite3_stmt *insert = store->statements[OUTCOME];
    int status;

    bind_head(insert, event);
    status = bind_interned(store, insert, 4, event->gateway);
    if (status != SQLITE_OK)
        return status;
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

    if (event->kind == NM_EVENT_DECISION)
        bind_id(store->statements[which], 2, &event->id);
    else
        bind_head(store->statements[which], event);
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

static void forget(struct nm_store *store)
{
    nm_interned_clear(store->texts);
    store->config_number = 0;
    store->config[0] = '\0';
}

/* A commit into a file that has no name any more is durable for nobody. */
static enum nm_code check_in_place(struct nm_store *store, struct nm_error *error)
{
    struct stat now;
    int moved = 0;

    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved == 0 && stat(store->wal_path, &now) == 0 &&
        now.st_dev == store->wal_identity.st_dev &&
        now.st_ino == store->wal_identity.st_ino)
        return NM_OK;
    return nm_fail(error, NM_SYSTEM,
        "%s: the database or its -wal file was removed or replaced while in use; what "
        "is found at this name is opened next, or a new log begun",
        store->path);
}

enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error)
{
    enum nm_code code;
    int status = run(store, BEGIN);

    if (status == SQLITE_OK)
        status = write_blocks(store, blocks, count, again);
    if (status == SQLITE_OK)
        status = run(store, COMMIT);
    if (status == SQLITE_OK)
        return check_in_place(store, error);
    code = fail(store, status, error);
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)run(store, ROLLBACK);
    forget(store);
    return code;
}

enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error)
{
    int status;

    bind_text(store->statements[NOTE_CONFIG], 1, hash);
    bind_bytes(store->statements[NOTE_CONFIG], 2, text, strlen(text));
    status = run(store, NOTE_CONFIG);
    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

/* ---- the write-ahead log ------------------------------------------------ */

static int note_wal(void *self, sqlite3 *db, const char *name, int pages)
{
    struct nm_store *store = self;

    (void)db;
    (void)name;
    store->wal_pages = (unsigned)pages;
    return SQLITE_OK;
}

unsigned nm_store_wal_pages(const struct nm_store *store)
{
    return store->wal_pages;
}

enum nm_code nm_store_checkpoint(struct nm_store *store, struct nm_error *error)
{
    const int status = sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    store->wal_pages = 0;
    if (status == SQLITE_OK || status == SQLITE_BUSY)
        return NM_OK;
    return fail(store, status, error);
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

static int configure(struct nm_store *store, unsigned busy_ms)
{
    char pragmas[256];
    struct nm_buf buf;
    int on = 1;
    int status = sqlite3_busy_timeout(store->db, (int)busy_ms);

    nm_buf_init(&buf, pragmas, sizeof pragmas);
    nm_buf_printf(&buf,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d;"
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
        CACHE_KIB);
    if (status == SQLITE_OK)
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

/* A row of our own, so that an opened log is known to be writable. */
static int sign_in(struct nm_store *store, const char *gateway, int64_t now_us)
{
    sqlite3_stmt *insert = NULL;
    int status = sqlite3_prepare_v2(
        store->db, "INSERT OR REPLACE INTO writer VALUES (1, ?, ?)", -1, &insert, NULL);

    if (status == SQLITE_OK) {
        bind_bytes(insert, 1, gateway, strlen(gateway));
        (void)sqlite3_bind_int64(insert, 2, now_us);
        status = sqlite3_step(insert);
        status = status == SQLITE_DONE ? SQLITE_OK : status;
    }
    (void)sqlite3_finalize(insert);
    return status;
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
    if (status == SQLITE_OK)
        status = configure(store, options->busy_ms);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    code = nm_schema_migrate(store->db, options->path, error);
    if (code != NM_OK)
        return code;
    status = prepare(store);
    if (status == SQLITE_OK)
        status = sign_in(store, options->gateway, now_us);
    if (status != SQLITE_OK)
        return fail(store, status, error);
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
    if (asprintf(&store->wal_path, "%s-wal", options->path) < 0)
        store->wal_path = NULL;
    if (store->path == NULL || store->wal_path == NULL ||
        nm_interned_new(&store->texts) != NM_OK)
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
    free((*store)->wal_path);
    free((*store)->path);
    free(*store);
    *store = NULL;
}
