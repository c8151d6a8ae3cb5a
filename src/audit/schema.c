#include "schema.h"

#include "embedded.h"
#include "sql/schema.h"
#include "sql/sql.h"

#include "gate/ports.h"

#include <nearmiss/match.h>
#include <nearmiss/policy.h>

#include <assert.h>

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
    int status = nm_sql_exec(db, "BEGIN IMMEDIATE");

    if (status == SQLITE_OK)
        status = sqlite3_prepare_v2(
            db, "INSERT OR IGNORE INTO word VALUES (?, ?, ?)", -1, &insert, NULL);
    for (size_t i = 0; i < NM_COUNT(topics) && status == SQLITE_OK; i++)
        status = insert_words(insert, &topics[i]);
    (void)sqlite3_finalize(insert);
    if (status == SQLITE_OK)
        status = nm_sql_exec(db, "COMMIT");
    if (sqlite3_get_autocommit(db) == 0)
        (void)nm_sql_exec(db, "ROLLBACK");
    return status;
}

/* ---- versions ----------------------------------------------------------- */

struct migrations {
    const char *texts[NM_SCHEMA_VERSION];
};

/* As NmEmbed has them: one a version, in their order. */
static struct migrations embedded_migrations(void)
{
    struct migrations migrations;

    for (size_t i = 0; i < NM_SCHEMA_VERSION; i++) {
        assert(nm_audit_embedded[i].name != NULL);
        migrations.texts[i] = nm_audit_embedded[i].bytes;
    }
    return migrations;
}

static struct nm_sql_schema schema_of(const struct migrations *migrations)
{
    return (struct nm_sql_schema){.what = "audit log",
        .option = "audit.database",
        .application = NM_SCHEMA_APPLICATION,
        .version = NM_SCHEMA_VERSION,
        .migrations = migrations->texts};
}

enum nm_code nm_schema_migrate(sqlite3 *db, const char *path, struct nm_error *error)
{
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);
    const enum nm_code code = nm_sql_schema_migrate(db, path, &schema, error);
    int status;

    if (code != NM_OK)
        return code;
    status = write_words(db);
    return status == SQLITE_OK ? NM_OK : nm_sql_fail(db, path, status, error);
}

enum nm_code nm_schema_check(sqlite3 *db, const char *path, struct nm_error *error)
{
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);

    return nm_sql_schema_check(db, path, &schema, error);
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
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);
    const enum nm_code code = nm_sql_schema_check_current(db, path, &schema, error);

    return code == NM_OK ? check_tables(db, path, error) : code;
}
