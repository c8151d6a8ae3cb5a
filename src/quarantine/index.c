#include "index.h"

#include "embedded.h"
#include "sql/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 1,
    APPLICATION = 0x4e4d5131, /* "NMQ1" */
    BUSY_MS = 5000,
    WAITING = 1 << NM_KEPT_WAITING | 1 << NM_KEPT_RELEASING
};

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    FIND_SAME,
    JOIN,
    ID_OF,
    USED,
    ADD_MESSAGE,
    ADD_ENTRY,
    HAS,
    USE_PASS,
    HAS_PASS,
    FIND_PASS,
    ADD_PASS,
    END_PASS,
    CHANGE,
    OF_MESSAGE,
    NAME_OF_MESSAGE,
    OLDEST,
    FORGET_ENTRIES,
    FORGET_MESSAGES,
    FORGET_PASSES,
    STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [FIND_SAME] =
        "SELECT e.sequence FROM message AS m JOIN entry AS e ON e.message = m.id"
        " WHERE m.identity = ? AND m.time_us >= ? AND m.sender IS ?"
        " AND e.recipient = ? AND e.state < 2 LIMIT 1",
    [JOIN] = "UPDATE entry SET times = times + 1 WHERE sequence = ?",
    [ID_OF] = "SELECT id FROM entry WHERE sequence = ?",
    [USED] = "SELECT coalesce(sum(bytes), 0) FROM message WHERE has_file",
    [ADD_MESSAGE] =
        "INSERT INTO message (name, time_us, sender, arguments, client, auth,"
        " queue_id, bytes, identity, body, has_file)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    [ADD_ENTRY] =
        "INSERT INTO entry (id, message, recipient, arguments, domain, target,"
        " rule, state, changed_us) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
    [HAS] = "SELECT count(*) FROM message WHERE name = ? AND has_file",
    [USE_PASS] = "UPDATE pass SET used_us = ?1, queue_id = ?2 WHERE used_us IS NULL"
                 " AND until_us >= ?1 AND sender IS ?3"
                 " AND recipient = ?4 COLLATE NOCASE AND body = ?5",
    [HAS_PASS] = "SELECT count(*) FROM pass WHERE used_us IS NULL AND until_us >= ?1"
                 " AND sender IS ?2 AND recipient = ?3 COLLATE NOCASE",
    [FIND_PASS] = "SELECT coalesce(queue_id, '-') FROM pass"
                  " WHERE entry = ? AND used_us IS NOT NULL",
    [ADD_PASS] =
        "INSERT OR REPLACE INTO pass (entry, sender, recipient, body, until_us)"
        " SELECT e.id, m.sender, ?1, m.body, ?2 FROM entry AS e"
        " JOIN message AS m ON m.id = e.message WHERE e.id = ?3",
    [END_PASS] = "DELETE FROM pass WHERE entry = ?",
    [CHANGE] =
        "UPDATE entry SET state = ?1, changed_us = ?2, sent_to = coalesce(?3, sent_to)"
        " WHERE id = ?4 AND ((1 << state) & ?5) != 0",
    [OF_MESSAGE] = "UPDATE message SET has_file = 0 WHERE has_file AND id ="
                   " (SELECT message FROM entry WHERE id = ?) AND NOT EXISTS"
                   " (SELECT 1 FROM entry WHERE message = message.id AND state < 2)",
    [NAME_OF_MESSAGE] = "SELECT name FROM message WHERE id ="
                        " (SELECT message FROM entry WHERE id = ?)",
    [OLDEST] = "SELECT id FROM entry WHERE state = 0 AND changed_us < ?"
               " ORDER BY changed_us LIMIT 1",
    [FORGET_ENTRIES] = "DELETE FROM entry WHERE state >= 2 AND changed_us < ?",
    [FORGET_MESSAGES] = "DELETE FROM message WHERE NOT has_file AND NOT EXISTS"
                        " (SELECT 1 FROM entry WHERE message = message.id)",
    [FORGET_PASSES] = "DELETE FROM pass WHERE until_us < ?",
};

struct nm_kept_index {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[STATEMENTS];
};

static enum nm_code fail(
    struct nm_kept_index *index, int status, struct nm_error *error)
{
    return nm_sql_fail(index->db, index->path, status, error);
}

/* ---- open and close --------------------------------------------------------- */

static enum nm_code set_up(struct nm_kept_index *index, struct nm_error *error)
{
    const char *const migrations[VERSION] = {nm_quarantine_embedded[0].bytes};
    const struct nm_sql_schema schema = {.what = "quarantine index",
        .option = "quarantine.directory",
        .application = APPLICATION,
        .version = VERSION,
        .migrations = migrations};
    int status;
    enum nm_code code;

    (void)sqlite3_busy_timeout(index->db, BUSY_MS);
    (void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    code = nm_sql_schema_check(index->db, index->path, &schema, error);
    if (code == NM_OK)
        code = nm_sql_use_wal(index->db, index->path, error);
    if (code != NM_OK)
        return code;
    status = nm_sql_exec(index->db,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY");
    if (status != SQLITE_OK)
        return fail(index, status, error);
    code = nm_sql_schema_migrate(index->db, index->path, &schema, error);
    if (code != NM_OK)
        return code;
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        status = nm_sql_prepare(index->db, sql_of[i], &index->statements[i]);
    return status == SQLITE_OK ? NM_OK : fail(index, status, error);
}

enum nm_code nm_kept_index_open(
    const char *path, bool make, struct nm_kept_index **out, struct nm_error *error)
{
    struct nm_kept_index *index = calloc(1, sizeof *index);
    enum nm_code code = NM_OK;
    int status;

    if (index != NULL)
        index->path = strdup(path);
    if (index == NULL || index->path == NULL) {
        free(index);
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    }
    if (make)
        code = nm_sql_create_file(path, error);
    if (code == NM_OK) {
        status = sqlite3_open_v2(path, &index->db,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        code = status == SQLITE_OK ? set_up(index, error) : fail(index, status, error);
    }
    if (code != NM_OK) {
        nm_kept_index_close(&index);
        return code;
    }
    *out = index;
    return NM_OK;
}

void nm_kept_index_close(struct nm_kept_index **index)
{
    if (*index == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*index)->statements[i]);
    (void)sqlite3_close((*index)->db);
    free((*index)->path);
    free(*index);
    *index = NULL;
}

/* ---- transactions --------------------------------------------------------------- */

static int begin(struct nm_kept_index *index)
{
    return nm_sql_run(index->statements[BEGIN]);
}

/* Commit when all went well, else take everything back. */
static int end(struct nm_kept_index *index, int status)
{
    if (status == SQLITE_OK)
        status = nm_sql_run(index->statements[COMMIT]);
    if (status != SQLITE_OK && sqlite3_get_autocommit(index->db) == 0)
        (void)nm_sql_run(index->statements[ROLLBACK]);
    return status;
}

static void bind_hash(sqlite3_stmt *statement, int at, const unsigned char *hash)
{
    (void)sqlite3_bind_blob(
        statement, at, hash, NM_QUARANTINE_HASH_BYTES, SQLITE_STATIC);
}

/* The null sender is NULL. */
static void bind_sender(sqlite3_stmt *statement, int at, struct nm_bytes sender)
{
    nm_sql_bind_bytes(
        statement, at, sender.length > 0 ? sender.data : NULL, sender.length);
}

/* ---- taking in -------------------------------------------------------------------- */

/* The entry of the same message and recipient that waits; 0 for none. */
static int find_same(struct nm_kept_index *index,
    const struct nm_spool_message *message, const struct nm_kept_content *content,
    int64_t since_us, struct nm_bytes recipient, int64_t *out)
{
    sqlite3_stmt *find = index->statements[FIND_SAME];

    bind_hash(find, 1, content->identity);
    (void)sqlite3_bind_int64(find, 2, since_us);
    bind_sender(find, 3, message->sender);
    nm_sql_bind_bytes(find, 4, recipient.data, recipient.length);
    return nm_sql_find(find, out);
}

static int add_message(struct nm_kept_index *index,
    const struct nm_spool_message *message, const struct nm_kept_content *content,
    int64_t *id)
{
    sqlite3_stmt *add = index->statements[ADD_MESSAGE];
    int status;

    nm_sql_bind_text(add, 1, message->transaction.text);
    (void)sqlite3_bind_int64(add, 2, message->time_us);
    bind_sender(add, 3, message->sender);
    nm_sql_bind_text(add, 4, message->arguments);
    nm_sql_bind_text(add, 5, message->client);
    nm_sql_bind_text(add, 6, message->auth);
    nm_sql_bind_text(add, 7, message->queue_id);
    (void)sqlite3_bind_int64(add, 8, (sqlite3_int64)content->bytes);
    bind_hash(add, 9, content->identity);
    bind_hash(add, 10, content->body);
    status = nm_sql_run(add);
    *id = sqlite3_last_insert_rowid(index->db);
    return status;
}

static int add_entry(struct nm_kept_index *index, int64_t message, int64_t time_us,
    const struct nm_spool_recipient *recipient)
{
    sqlite3_stmt *add = index->statements[ADD_ENTRY];

    nm_sql_bind_text(add, 1, recipient->id.text);
    (void)sqlite3_bind_int64(add, 2, message);
    nm_sql_bind_bytes(add, 3, recipient->recipient.data, recipient->recipient.length);
    nm_sql_bind_text(add, 4, recipient->arguments);
    nm_sql_bind_text(add, 5, recipient->domain);
    nm_sql_bind_text(add, 6, recipient->target != NULL ? recipient->target : "");
    nm_sql_bind_text(add, 7, recipient->rule != NULL ? recipient->rule : "");
    (void)sqlite3_bind_int64(add, 8, time_us);
    return nm_sql_run(add);
}

static int read_id(struct nm_kept_index *index, int64_t sequence, struct nm_id *out)
{
    sqlite3_stmt *find = index->statements[ID_OF];
    int status;

    (void)sqlite3_bind_int64(find, 1, sequence);
    status = sqlite3_step(find);
    if (status == SQLITE_ROW)
        (void)nm_copy(
            out->text, sizeof out->text, (const char *)sqlite3_column_text(find, 0));
    (void)sqlite3_reset(find);
    return status == SQLITE_ROW ? SQLITE_OK : status;
}

static int join(struct nm_kept_index *index, int64_t sequence, struct nm_id *joined)
{
    int status;

    (void)sqlite3_bind_int64(index->statements[JOIN], 1, sequence);
    status = nm_sql_run(index->statements[JOIN]);
    return status == SQLITE_OK ? read_id(index, sequence, joined) : status;
}

/* Whether a reviewer lets this message go to the recipient; once. */
static int use_pass(struct nm_kept_index *index, const struct nm_spool_message *message,
    const struct nm_kept_content *content, struct nm_spool_recipient *recipient)
{
    sqlite3_stmt *use = index->statements[USE_PASS];
    int status;

    (void)sqlite3_bind_int64(use, 1, message->time_us);
    nm_sql_bind_text(use, 2, message->queue_id);
    bind_sender(use, 3, message->sender);
    nm_sql_bind_bytes(use, 4, recipient->recipient.data, recipient->recipient.length);
    bind_hash(use, 5, content->body);
    status = nm_sql_run(use);
    recipient->is_released = status == SQLITE_OK && sqlite3_changes(index->db) > 0;
    return status;
}

static int add_recipients(struct nm_kept_index *index,
    const struct nm_spool_message *message, const struct nm_kept_content *content,
    int64_t since_us, bool *is_new)
{
    int64_t row = 0;
    int status = SQLITE_OK;

    *is_new = false;
    for (struct nm_spool_recipient *recipient = message->recipients;
         recipient != NULL && status == SQLITE_OK; recipient = recipient->next) {
        int64_t same = 0;

        status = use_pass(index, message, content, recipient);
        if (status == SQLITE_OK && recipient->is_released)
            continue;
        if (status == SQLITE_OK)
            status = find_same(
                index, message, content, since_us, recipient->recipient, &same);
        if (status == SQLITE_OK && same != 0) {
            status = join(index, same, &recipient->kept_as);
            continue;
        }
        if (status == SQLITE_OK && !*is_new)
            status = add_message(index, message, content, &row);
        *is_new = true;
        recipient->kept_as = recipient->id;
        if (status == SQLITE_OK)
            status = add_entry(index, row, message->time_us, recipient);
    }
    return status;
}

enum nm_code nm_kept_index_add(struct nm_kept_index *index,
    const struct nm_spool_message *message, const struct nm_kept_content *content,
    int64_t since_us, uint64_t bytes_max, bool *is_new, struct nm_error *error)
{
    int64_t used = 0;
    bool full = false;
    int status = begin(index);

    if (status == SQLITE_OK)
        status = add_recipients(index, message, content, since_us, is_new);
    if (status == SQLITE_OK)
        status = nm_sql_find(index->statements[USED], &used);
    full =
        status == SQLITE_OK && *is_new && bytes_max > 0 && (uint64_t)used > bytes_max;
    status = end(index, full ? SQLITE_FULL : status);
    if (full)
        return nm_fail(error, NM_LIMIT,
            "the quarantine is full: release or delete messages, or raise "
            "quarantine.max_mb");
    return status == SQLITE_OK ? NM_OK : fail(index, status, error);
}

bool nm_kept_index_has(struct nm_kept_index *index, const char *name)
{
    int64_t count = 0;

    nm_sql_bind_text(index->statements[HAS], 1, name);
    return nm_sql_find(index->statements[HAS], &count) != SQLITE_OK || count > 0;
}

bool nm_kept_index_expects(struct nm_kept_index *index, struct nm_bytes sender,
    struct nm_bytes recipient, int64_t now_us)
{
    sqlite3_stmt *has = index->statements[HAS_PASS];
    int64_t count = 0;

    (void)sqlite3_bind_int64(has, 1, now_us);
    bind_sender(has, 2, sender);
    nm_sql_bind_bytes(has, 3, recipient.data, recipient.length);
    return nm_sql_find(has, &count) == SQLITE_OK && count > 0;
}

/* ---- listing ---------------------------------------------------------------------- */

enum column {
    C_ID,
    C_TIME,
    C_SENDER,
    C_RECIPIENT,
    C_SENDER_ARGUMENTS,
    C_RECIPIENT_ARGUMENTS,
    C_DOMAIN,
    C_TARGET,
    C_RULE,
    C_CLIENT,
    C_AUTH,
    C_QUEUE_ID,
    C_NAME,
    C_BYTES,
    C_TIMES,
    C_STATE,
    C_CHANGED,
    C_SENT_TO,
    C_BODY
};

static const char select_entries[] =
    "SELECT e.id, m.time_us, m.sender, e.recipient, m.arguments, e.arguments, e.domain,"
    " e.target, e.rule, m.client, m.auth, m.queue_id, m.name, m.bytes, e.times, "
    "e.state,"
    " e.changed_us, e.sent_to, m.body FROM entry AS e JOIN message AS m"
    " ON m.id = e.message WHERE ?1 IS NULL OR e.id = ?1 ORDER BY e.sequence";

static struct nm_bytes column_bytes(sqlite3_stmt *row, int column)
{
    const char *data = sqlite3_column_blob(row, column);

    return (struct nm_bytes){
        data != NULL || sqlite3_column_type(row, column) == SQLITE_NULL ? data : "",
        (size_t)sqlite3_column_bytes(row, column)};
}

/* "" for NULL. */
static const char *column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text != NULL ? text : "";
}

static void read_entry(sqlite3_stmt *row, struct nm_kept_entry *out)
{
    const int state = sqlite3_column_int(row, C_STATE);
    const struct nm_bytes body = column_bytes(row, C_BODY);

    *out = (struct nm_kept_entry){.id = column_text(row, C_ID),
        .time_us = sqlite3_column_int64(row, C_TIME),
        .sender = column_bytes(row, C_SENDER),
        .recipient = column_bytes(row, C_RECIPIENT),
        .sender_arguments = column_text(row, C_SENDER_ARGUMENTS),
        .recipient_arguments = column_text(row, C_RECIPIENT_ARGUMENTS),
        .domain = column_text(row, C_DOMAIN),
        .target = (const char *)sqlite3_column_text(row, C_TARGET),
        .rule = column_text(row, C_RULE),
        .client = column_text(row, C_CLIENT),
        .auth = column_text(row, C_AUTH),
        .queue_id = column_text(row, C_QUEUE_ID),
        .transaction = column_text(row, C_NAME),
        .bytes = (uint64_t)sqlite3_column_int64(row, C_BYTES),
        .times = (unsigned)sqlite3_column_int64(row, C_TIMES),
        .state = state >= 0 && state < NM_KEPT_STATE_COUNT ? (enum nm_kept_state)state
                                                           : NM_KEPT_WAITING,
        .changed_us = sqlite3_column_int64(row, C_CHANGED),
        .sent_to = column_bytes(row, C_SENT_TO)};
    if (out->sender.data == NULL)
        out->sender.data = "";
    if (body.length == sizeof out->body_hash)
        memcpy(out->body_hash, body.data, body.length);
}

enum nm_code nm_kept_index_list(struct nm_kept_index *index, const char *id,
    nm_each_entry *each, void *self, struct nm_error *error)
{
    sqlite3_stmt *rows = NULL;
    bool wanted = true;
    int status = sqlite3_prepare_v2(index->db, select_entries, -1, &rows, NULL);

    if (status == SQLITE_OK && id != NULL)
        nm_sql_bind_bytes(rows, 1, id, strlen(id));
    while (status == SQLITE_OK && wanted) {
        struct nm_kept_entry entry;

        status = sqlite3_step(rows);
        if (status != SQLITE_ROW)
            break;
        read_entry(rows, &entry);
        wanted = each(self, &entry);
        status = SQLITE_OK;
    }
    (void)sqlite3_finalize(rows);
    return status == SQLITE_OK || status == SQLITE_DONE ? NM_OK
                                                        : fail(index, status, error);
}

/* ---- changing --------------------------------------------------------------------- */

/* The text in the first column, of one row or none. */
static int find_name(sqlite3_stmt *statement, struct nm_id *out)
{
    const int status = sqlite3_step(statement);

    out->text[0] = '\0';
    if (status == SQLITE_ROW)
        (void)nm_copy(out->text, sizeof out->text, column_text(statement, 0));
    (void)sqlite3_reset(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Whether the message of the entry has lost its last one that waits; then its name. */
static int let_file_go(struct nm_kept_index *index, const char *id, struct nm_id *gone)
{
    sqlite3_stmt *update = index->statements[OF_MESSAGE];
    sqlite3_stmt *name = index->statements[NAME_OF_MESSAGE];
    int status;

    nm_sql_bind_text(update, 1, id);
    nm_sql_bind_text(name, 1, id);
    status = nm_sql_run(update);
    if (status != SQLITE_OK || sqlite3_changes(index->db) == 0)
        return status;
    return find_name(name, gone);
}

/* A release begins with a pass. It outlives the release's end: the sendmail command has a
 * message taken over before the filter sees it. */
static int set_pass(struct nm_kept_index *index, const char *id, enum nm_kept_state to,
    const char *sent_to, int64_t now_us)
{
    sqlite3_stmt *add = index->statements[ADD_PASS];

    if (to == NM_KEPT_RELEASED)
        return SQLITE_OK;
    if (to != NM_KEPT_RELEASING) {
        nm_sql_bind_text(index->statements[END_PASS], 1, id);
        return nm_sql_run(index->statements[END_PASS]);
    }
    nm_sql_bind_text(add, 1, sent_to);
    (void)sqlite3_bind_int64(add, 2, now_us + (int64_t)NM_QUARANTINE_PASS_S * 1000000);
    nm_sql_bind_text(add, 3, id);
    return nm_sql_run(add);
}

enum nm_code nm_kept_index_passed(struct nm_kept_index *index, const char *id,
    struct nm_queue_id *out, struct nm_error *error)
{
    sqlite3_stmt *find = index->statements[FIND_PASS];
    int status;

    nm_sql_bind_text(find, 1, id);
    out->text[0] = '\0';
    status = sqlite3_step(find);
    if (status == SQLITE_ROW)
        (void)nm_copy(out->text, sizeof out->text, column_text(find, 0));
    (void)sqlite3_reset(find);
    return status == SQLITE_ROW || status == SQLITE_DONE ? NM_OK
                                                         : fail(index, status, error);
}

enum nm_code nm_kept_index_change(struct nm_kept_index *index, const char *id,
    unsigned from, enum nm_kept_state to, const char *sent_to, int64_t now_us,
    struct nm_id *gone, struct nm_error *error)
{
    sqlite3_stmt *change = index->statements[CHANGE];
    int changed = 0;
    int status = begin(index);

    gone->text[0] = '\0';
    (void)sqlite3_bind_int(change, 1, (int)to);
    (void)sqlite3_bind_int64(change, 2, now_us);
    nm_sql_bind_bytes(change, 3, sent_to, sent_to != NULL ? strlen(sent_to) : 0);
    nm_sql_bind_text(change, 4, id);
    (void)sqlite3_bind_int64(change, 5, from);
    if (status == SQLITE_OK)
        status = nm_sql_run(change);
    changed = sqlite3_changes(index->db);
    if (status == SQLITE_OK && changed > 0)
        status = set_pass(index, id, to, sent_to, now_us);
    if (status == SQLITE_OK && changed > 0 && (1u << to & WAITING) == 0)
        status = let_file_go(index, id, gone);
    status = end(index, status);
    if (status != SQLITE_OK)
        return fail(index, status, error);
    if (changed == 0)
        return nm_fail(error, NM_BAD_INPUT,
            "there is no entry %s, or it is not in a state in which this can be done",
            id);
    return NM_OK;
}

enum nm_code nm_kept_index_oldest(struct nm_kept_index *index, int64_t before_us,
    struct nm_id *out, struct nm_error *error)
{
    int status;

    (void)sqlite3_bind_int64(index->statements[OLDEST], 1, before_us);
    status = find_name(index->statements[OLDEST], out);
    return status == SQLITE_OK ? NM_OK : fail(index, status, error);
}

enum nm_code nm_kept_index_forget(
    struct nm_kept_index *index, int64_t before_us, struct nm_error *error)
{
    int status = begin(index);

    (void)sqlite3_bind_int64(index->statements[FORGET_ENTRIES], 1, before_us);
    if (status == SQLITE_OK)
        status = nm_sql_run(index->statements[FORGET_ENTRIES]);
    if (status == SQLITE_OK)
        status = nm_sql_run(index->statements[FORGET_MESSAGES]);
    (void)sqlite3_bind_int64(index->statements[FORGET_PASSES], 1, before_us);
    if (status == SQLITE_OK)
        status = nm_sql_run(index->statements[FORGET_PASSES]);
    status = end(index, status);
    return status == SQLITE_OK ? NM_OK : fail(index, status, error);
}
