#include "sql/schema.h"

/* 0 for an empty database. NM_BAD_INPUT unless it is ours. */
static enum nm_code read_version(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, int64_t *version, struct nm_error *error)
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
    if (application != schema->application)
        return nm_fail(error, NM_BAD_INPUT,
            "%s: this is not a Nearmiss %s but another program's database; name "
            "another "
            "in %s",
            path, schema->what, schema->option);
    if (*version < 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: the %s is damaged: it says that it is of version %lld", path,
            schema->what, (long long)*version);
    if (*version > schema->version)
        return nm_fail(error, NM_BAD_INPUT,
            "%s: the %s is of version %lld, written by a newer Nearmiss; this one "
            "knows versions up to %d: install the newer one, or name another in %s",
            path, schema->what, (long long)*version, schema->version, schema->option);
    return NM_OK;
}

/* A version that was released is never changed. */
static int apply_from(sqlite3 *db, const struct nm_sql_schema *schema, int64_t version)
{
    char sql[128];
    struct nm_buf buf;
    int status = SQLITE_OK;

    for (int64_t i = version; i < schema->version && status == SQLITE_OK; i++)
        status = nm_sql_exec(db, schema->migrations[i]);
    nm_buf_init(&buf, sql, sizeof sql);
    nm_buf_printf(&buf, "PRAGMA application_id = %d; PRAGMA user_version = %d",
        schema->application, schema->version);
    return status == SQLITE_OK ? nm_sql_exec(db, sql) : status;
}

enum nm_code nm_sql_schema_migrate(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error)
{
    int64_t version = 0;
    enum nm_code code = read_version(db, path, schema, &version, error);
    int status;

    if (code != NM_OK || version == schema->version)
        return code;
    status = nm_sql_exec(db, "BEGIN IMMEDIATE");
    if (status != SQLITE_OK)
        return nm_sql_fail(db, path, status, error);
    /* Another process may have been quicker. */
    code = read_version(db, path, schema, &version, error);
    if (code == NM_OK && version < schema->version)
        status = apply_from(db, schema, version);
    if (code == NM_OK && status == SQLITE_OK)
        status = nm_sql_exec(db, "COMMIT");
    if (code == NM_OK && status != SQLITE_OK)
        code = nm_sql_fail(db, path, status, error);
    if (sqlite3_get_autocommit(db) == 0)
        (void)nm_sql_exec(db, "ROLLBACK");
    return code;
}

enum nm_code nm_sql_schema_check(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error)
{
    int64_t version = 0;

    return read_version(db, path, schema, &version, error);
}

enum nm_code nm_sql_schema_check_current(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error)
{
    int64_t version = 0;
    const enum nm_code code = read_version(db, path, schema, &version, error);

    if (code != NM_OK || version == schema->version)
        return code;
    return nm_fail(error, NM_SYSTEM,
        "%s: the %s is still of version %lld; nearmissd brings it to version %d when "
        "it starts",
        path, schema->what, (long long)version, schema->version);
}
