/*
 * The log is one table of events, in the order in which they were written. Columns that
 * belong to another kind of event are NULL. Values that repeat (domains, rules, clients)
 * stand once in `text` and as a number in the event, because rows are what a busy
 * gateway makes most of.
 *
 * Text from a mail is bytes: valid UTF-8 without NUL is kept as TEXT, anything else as
 * BLOB, byte for byte.
 *
 * Those who use SQL read the views. The tables may change between versions; the views'
 * columns may only become more.
 */
#include "schema.h"

#include "gate/ports.h"

#include <nearmiss/match.h>
#include <nearmiss/policy.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- version 1 ---------------------------------------------------------- */

static const char version_1_tables[] =
    "CREATE TABLE event (\n"
    "  sequence INTEGER PRIMARY KEY, -- the order in which events were written\n"
    "  kind INTEGER NOT NULL,        -- 1 decision, 2 outcome\n"
    "  time_us INTEGER NOT NULL,     -- microseconds since 1970, UTC\n"
    "  id,                           -- decision: what its reply quotes; a ULID, "
    "packed\n"
    "  transaction_id NOT NULL,      -- one a message; a ULID, packed\n"
    "  gateway INTEGER REFERENCES text, -- the machine that wrote the event\n"
    "  -- a decision:\n"
    "  client INTEGER REFERENCES text,  -- IP address\n"
    "  auth INTEGER REFERENCES text,    -- who had logged in\n"
    "  sender TEXT,                     -- TEXT, or BLOB when it is not UTF-8\n"
    "  recipient TEXT,                  -- the same\n"
    "  domain INTEGER REFERENCES text,  -- A-labels\n"
    "  match INTEGER,                   -- word 'match'\n"
    "  target INTEGER REFERENCES text,  -- the domain that was meant, A-labels\n"
    "  technique INTEGER,               -- word 'technique'\n"
    "  confidence REAL,                 -- 0..1\n"
    "  rule INTEGER REFERENCES text,\n"
    "  action INTEGER,                  -- word 'action'\n"
    "  reply TEXT,                      -- as answered\n"
    "  mode INTEGER,                    -- word 'mode'\n"
    "  config INTEGER REFERENCES config,\n"
    "  -- an outcome; and in a decision, what became of its recipient at once:\n"
    "  outcome INTEGER,                 -- word 'outcome'\n"
    "  -- an outcome:\n"
    "  queue_id TEXT,\n"
    "  -- the chain; NULL in events written before the log was chained:\n"
    "  salt BLOB,                       -- of the commitments to what is personal\n"
    "  hash BLOB                        -- over this event and the hash before it\n"
    ");\n"
    "CREATE INDEX event_id ON event (id) WHERE kind = 1;\n"
    "CREATE INDEX event_time ON event (time_us) WHERE kind = 1;\n"
    "CREATE INDEX event_transaction ON event (transaction_id) WHERE kind = 1;\n"
    "CREATE INDEX event_outcome ON event (transaction_id) WHERE kind = 2;\n"
    "CREATE INDEX event_queue ON event (queue_id) WHERE queue_id IS NOT NULL;\n"
    "CREATE INDEX event_domain ON event (domain) WHERE kind = 1;\n"
    "CREATE INDEX event_sender ON event (sender COLLATE NOCASE) WHERE kind = 1;\n"
    "CREATE INDEX event_target ON event (target) WHERE target IS NOT NULL;\n"
    "CREATE INDEX event_technique ON event (technique) WHERE technique > 0;\n"
    "CREATE INDEX event_rule ON event (rule) WHERE rule IS NOT NULL;\n"
    "CREATE INDEX event_action ON event (action) WHERE action > 0;\n"

    "CREATE TABLE text (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  value NOT NULL UNIQUE\n"
    ");\n"

    "CREATE TABLE config (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  hash TEXT NOT NULL UNIQUE,\n"
    "  text TEXT -- NULL while only events have told of this configuration\n"
    ");\n"

    "CREATE TABLE word ( -- the names of codes\n"
    "  topic TEXT NOT NULL,\n"
    "  code INTEGER NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  PRIMARY KEY (topic, code)\n"
    ") WITHOUT ROWID;\n"

    "CREATE TABLE writer ( -- who has opened the log for writing last\n"
    "  only INTEGER PRIMARY KEY CHECK (only = 1),\n"
    "  gateway TEXT NOT NULL,\n"
    "  opened_us INTEGER NOT NULL\n"
    ");\n";

static const char version_1_views[] =
    "CREATE VIEW decisions AS -- a decision joined with what became of its message\n"
    "SELECT d.sequence,\n"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', d.time_us / 1e6, 'unixepoch') AS time,\n"
    "  d.time_us,\n"
    "  hex(d.id) AS id,                         -- the ULID's 128 bits\n"
    "  hex(d.transaction_id) AS transaction_id, -- the same\n"
    "  o.queue_id,\n"
    "  (SELECT value FROM text WHERE id = d.gateway) AS gateway,\n"
    "  (SELECT value FROM text WHERE id = d.client) AS client,\n"
    "  (SELECT value FROM text WHERE id = d.auth) AS auth,\n"
    "  d.sender,\n"
    "  d.recipient,\n"
    "  (SELECT value FROM text WHERE id = d.domain) AS domain,\n"
    "  (SELECT name FROM word WHERE topic = 'match' AND code = d.match) AS match,\n"
    "  (SELECT value FROM text WHERE id = d.target) AS target,\n"
    "  (SELECT name FROM word WHERE topic = 'technique' AND code = d.technique)\n"
    "    AS technique,\n"
    "  d.confidence,\n"
    "  (SELECT value FROM text WHERE id = d.rule) AS rule,\n"
    "  (SELECT name FROM word WHERE topic = 'action' AND code = d.action) AS action,\n"
    "  (SELECT name FROM word WHERE topic = 'mode' AND code = d.mode) AS mode,\n"
    "  d.reply,\n"
    "  (SELECT hash FROM config WHERE id = d.config) AS config,\n"
    "  (SELECT name FROM word WHERE topic = 'outcome' AND code = coalesce(o.outcome, "
    "0))\n"
    "    AS outcome,\n"
    "  o.time_us AS outcome_time_us\n"
    "FROM event AS d LEFT JOIN event AS o ON o.sequence =\n"
    "  (SELECT max(sequence) FROM event\n"
    "    WHERE kind = 2 AND transaction_id = d.transaction_id)\n"
    "WHERE d.kind = 1;\n";

/* What brings a database from version - 1 to version. A step is never changed once it
 * was released. */
static const struct migration {
    int version;
    const char *sql[2];
} migrations[] = {
    {1, {version_1_tables, version_1_views}},
};

static_assert(NM_EVENT_DECISION == 1 && NM_EVENT_OUTCOME == 2, "the schema says so");

/* ---- words -------------------------------------------------------------- */

static const char *match_word(int code)
{
    return nm_match_name((enum nm_match)code);
}

static const char *technique_word(int code)
{
    return nm_technique_name((enum nm_technique)code);
}

static const char *action_word(int code)
{
    return nm_action_name((enum nm_action)code);
}

static const char *mode_word(int code)
{
    return nm_mode_name((enum nm_mode)code);
}

static const char *outcome_word(int code)
{
    return nm_outcome_name((enum nm_outcome)code);
}

static const struct topic {
    const char *name;
    int count;
    const char *(*word)(int code);
} topics[] = {
    {"match", NM_MATCH_COUNT, match_word},
    {"technique", NM_TECHNIQUE_COUNT, technique_word},
    {"action", NM_ACTION_COUNT, action_word},
    {"mode", NM_MODE_OBSERVE + 1, mode_word},
    {"outcome", NM_OUTCOME_COUNT, outcome_word},
};

static int insert_words(sqlite3_stmt *insert, const struct topic *topic)
{
    int status = SQLITE_DONE;

    for (int code = 0; code < topic->count && status == SQLITE_DONE; code++) {
        (void)sqlite3_bind_text(insert, 1, topic->name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(insert, 2, code);
        (void)sqlite3_bind_text(insert, 3, topic->word(code), -1, SQLITE_STATIC);
        status = sqlite3_step(insert);
        (void)sqlite3_reset(insert);
    }
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* The enum tables are the only place where names stand; the database gets a copy for
 * its views. A program that knows more words adds them without a migration. */
static int write_words(sqlite3 *db)
{
    sqlite3_stmt *insert = NULL;
    int status = sqlite3_prepare_v2(
        db, "INSERT OR IGNORE INTO word VALUES (?, ?, ?)", -1, &insert, NULL);

    for (size_t i = 0; i < NM_COUNT(topics) && status == SQLITE_OK; i++)
        status = insert_words(insert, &topics[i]);
    (void)sqlite3_finalize(insert);
    return status;
}

/* ---- small change ------------------------------------------------------- */

int nm_schema_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int nm_schema_integer(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *query = NULL;
    int status = sqlite3_prepare_v2(db, sql, -1, &query, NULL);

    if (status == SQLITE_OK) {
        status = sqlite3_step(query);
        if (status == SQLITE_ROW) {
            *out = sqlite3_column_int64(query, 0);
            status = SQLITE_OK;
        } else if (status == SQLITE_DONE) {
            status = SQLITE_CORRUPT;
        }
    }
    (void)sqlite3_finalize(query);
    return status;
}

enum nm_code nm_schema_fail(
    sqlite3 *db, const char *path, int status, struct nm_error *error)
{
    static const struct {
        int status;
        const char *advice;
    } known[] = {
        {SQLITE_BUSY, "another process keeps it locked; end that process"},
        {SQLITE_LOCKED, "another process keeps it locked; end that process"},
        {SQLITE_FULL, "the disk is full; make room"},
        {SQLITE_READONLY, "it may not be written; give the daemon's user the right to "
                          "write the file and its folder"},
        {SQLITE_CORRUPT,
            "it is damaged; move it away to keep it, and a new log begins"},
        {SQLITE_NOTADB, "it is no SQLite database; move it away, and a new log begins"},
        {SQLITE_CANTOPEN, "it cannot be opened; see that its folder exists and that "
                          "the daemon's user may use it"},
        {SQLITE_PERM, "it may not be opened; see the rights of the file"},
    };
    const char *advice = "the storage fails; see the kernel's messages";
    const int primary = status & 0xff;
    const int number = db != NULL ? sqlite3_system_errno(db) : 0;

    if (primary == SQLITE_NOMEM)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < NM_COUNT(known); i++)
        if (known[i].status == primary)
            advice = known[i].advice;
    if (number != 0 && primary != SQLITE_BUSY)
        return nm_fail(error, NM_SYSTEM, "%s: %s (%s: %s)", path, advice,
            sqlite3_errstr(status), strerror(number));
    return nm_fail(
        error, NM_SYSTEM, "%s: %s (%s)", path, advice, sqlite3_errstr(status));
}

/* ---- versions ----------------------------------------------------------- */

/* 0 for an empty database. NM_BAD_INPUT unless it is ours. */
static enum nm_code read_version(
    sqlite3 *db, const char *path, int64_t *version, struct nm_error *error)
{
    int64_t application = 0;
    int64_t tables = 0;
    int status = nm_schema_integer(db, "PRAGMA application_id", &application);

    if (status == SQLITE_OK)
        status = nm_schema_integer(db, "PRAGMA user_version", version);
    if (status == SQLITE_OK)
        status = nm_schema_integer(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (status != SQLITE_OK)
        return nm_schema_fail(db, path, status, error);
    if (application == 0 && *version == 0 && tables == 0)
        return NM_OK;
    if (application != NM_SCHEMA_APPLICATION)
        return nm_fail(error, NM_BAD_INPUT,
            "%s: this is not a Nearmiss audit log but another program's database; "
            "name another file in audit.database",
            path);
    if (*version > NM_SCHEMA_VERSION)
        return nm_fail(error, NM_BAD_INPUT,
            "%s: the audit log is of version %lld, written by a newer Nearmiss; this "
            "one knows versions up to %d: install the newer one, or name another file "
            "in audit.database",
            path, (long long)*version, NM_SCHEMA_VERSION);
    return NM_OK;
}

static int apply(sqlite3 *db, const struct migration *migration)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < NM_COUNT(migration->sql) && status == SQLITE_OK; i++)
        if (migration->sql[i] != NULL)
            status = nm_schema_run(db, migration->sql[i]);
    return status;
}

static int apply_from(sqlite3 *db, int64_t version)
{
    char sql[128];
    struct nm_buf buf;
    int status = SQLITE_OK;

    for (size_t i = 0; i < NM_COUNT(migrations) && status == SQLITE_OK; i++)
        if (migrations[i].version > version)
            status = apply(db, &migrations[i]);
    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_printf(&buf, "PRAGMA application_id = %d; PRAGMA user_version = %d",
        NM_SCHEMA_APPLICATION, NM_SCHEMA_VERSION);
    if (status == SQLITE_OK)
        status = nm_schema_run(db, sql);
    return status;
}

enum nm_code nm_schema_migrate(sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t version = 0;
    enum nm_code code;
    int status = nm_schema_run(db, "BEGIN IMMEDIATE");

    if (status != SQLITE_OK)
        return nm_schema_fail(db, path, status, error);
    code = read_version(db, path, &version, error);
    if (code != NM_OK)
        goto out;
    if (version < NM_SCHEMA_VERSION)
        status = apply_from(db, version);
    if (status == SQLITE_OK)
        status = write_words(db);
    if (status == SQLITE_OK)
        status = nm_schema_run(db, "COMMIT");
    if (status != SQLITE_OK)
        code = nm_schema_fail(db, path, status, error);
out:
    if (sqlite3_get_autocommit(db) == 0)
        (void)nm_schema_run(db, "ROLLBACK");
    return code;
}

enum nm_code nm_schema_check(sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t version = 0;
    enum nm_code code = read_version(db, path, &version, error);

    if (code == NM_OK && version != NM_SCHEMA_VERSION)
        code = nm_fail(error, NM_SYSTEM,
            "%s: the audit log is still of version %lld; nearmissd brings it to "
            "version %d when it starts",
            path, (long long)version, NM_SCHEMA_VERSION);
    return code;
}
