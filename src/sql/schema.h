/*
 * Schema: whose a database is, by the application id in its header, of which version its
 * tables are, and how one version becomes the next.
 */
#ifndef NM_SQL_SCHEMA_H
#define NM_SQL_SCHEMA_H

#include "sql/sql.h"

struct nm_sql_schema {
    const char *what;   /* for people: "state database" */
    const char *option; /* that names its file: "history.database" */
    int application;
    int version; /* that this program writes */
    const char *const
        *migrations; /* SQL; the first leads to version 1, each to the next */
};

/* Whether `db` is empty, or of this schema and not newer. Changes nothing. NM_BAD_INPUT
 * when it is another program's or a newer version's, NM_SYSTEM when it cannot be read or
 * is damaged. */
enum nm_code nm_sql_schema_check(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error);

/* Whether it is of the very version that this program writes, as a reader wants it. */
enum nm_code nm_sql_schema_check_current(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error);

/* Bring it there in one transaction; nothing is written when it is. */
enum nm_code nm_sql_schema_migrate(sqlite3 *db, const char *path,
    const struct nm_sql_schema *schema, struct nm_error *error);

#endif
