#include "schema.h"

#include "embedded.h"
#include "sql/sql.h"

#include "gate/ports.h"

#include <nearmiss/match.h>
#include <nearmiss/policy.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(NM_EVENT_DECISION == 1 && NM_EVENT_OUTCOME == 2 && NM_EVENT_ACT == 3 &&
                  NM_EVENT_CHECKPOINT == 4 && NM_EVENT_SEAL == 5 &&
                  NM_EVENT_ROTATION == 6,
    "the schema says so");

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

static const char *verb_word(int code)
{
    return nm_verb_name((enum nm_verb)code);
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
    {"verb", NM_VERB_COUNT, verb_word},
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

/* ---- versions ----------------------------------------------------------- */

/* 0 for an empty database. NM_BAD_INPUT unless it is ours. */
static enum nm_code read_version(
    sqlite3 *db, const char *path, int64_t *version, struct nm_error *error)
{
    int64_t application = 0;
    int64_t tables = 0;
    int status = nm_sql_number(db, "PRAGMA application_id", 0, &application);

    if (status == SQLITE_OK)
        status = nm_sql_number(db, "PRAGMA user_version", 0, version);
    if (status == SQLITE_OK)
        status = nm_sql_number(db, "SELECT count(*) FROM sqlite_schema", 0, &tables);
    if (status != SQLITE_OK)
        return nm_sql_fail(db, path, status, error);
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

/* Each migration, named by the version that it leads to, brings a database of the version
 * before. One that was released is never changed. */
static int apply_from(sqlite3 *db, int64_t version)
{
    char sql[128];
    struct nm_buf buf;
    int status = SQLITE_OK;

    for (const struct nm_embedded *migration = nm_audit_embedded;
         migration->name != NULL && status == SQLITE_OK; migration++)
        if (atoi(migration->name) > version)
            status = nm_sql_exec(db, migration->bytes);
    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_printf(&buf, "PRAGMA application_id = %d; PRAGMA user_version = %d",
        NM_SCHEMA_APPLICATION, NM_SCHEMA_VERSION);
    if (status == SQLITE_OK)
        status = nm_sql_exec(db, sql);
    return status;
}

enum nm_code nm_schema_migrate(sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t version = 0;
    enum nm_code code;
    int status = nm_sql_exec(db, "BEGIN IMMEDIATE");

    if (status != SQLITE_OK)
        return nm_sql_fail(db, path, status, error);
    code = read_version(db, path, &version, error);
    if (code != NM_OK)
        goto out;
    if (version < NM_SCHEMA_VERSION)
        status = apply_from(db, version);
    if (status == SQLITE_OK)
        status = write_words(db);
    if (status == SQLITE_OK)
        status = nm_sql_exec(db, "COMMIT");
    if (status != SQLITE_OK)
        code = nm_sql_fail(db, path, status, error);
out:
    if (sqlite3_get_autocommit(db) == 0)
        (void)nm_sql_exec(db, "ROLLBACK");
    return code;
}

enum nm_code nm_schema_check(sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t version = 0;

    return read_version(db, path, &version, error);
}

/* A file from somebody else may have something else of these names. */
static enum nm_code check_tables(sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t tables = 0;
    const int status = nm_sql_number(db,
        "SELECT count(*) = 13 FROM sqlite_schema WHERE type = 'table' AND name IN"
        " ('event', 'text', 'mention', 'config', 'word', 'state', 'act', 'tally',"
        " 'chain', 'checkpoint', 'seal', 'ending', 'rotation')"
        " AND sql LIKE 'CREATE TABLE %'",
        0, &tables);

    if (status == SQLITE_OK && tables == 1)
        return NM_OK;
    return nm_sql_fail(db, path, status != SQLITE_OK ? status : SQLITE_CORRUPT, error);
}

enum nm_code nm_schema_check_current(
    sqlite3 *db, const char *path, struct nm_error *error)
{
    int64_t version = 0;
    enum nm_code code = read_version(db, path, &version, error);

    if (code != NM_OK)
        return code;
    if (version != NM_SCHEMA_VERSION)
        return nm_fail(error, NM_SYSTEM,
            "%s: the audit log is still of version %lld; nearmissd brings it to "
            "version %d when it starts",
            path, (long long)version, NM_SCHEMA_VERSION);
    return check_tables(db, path, error);
}
