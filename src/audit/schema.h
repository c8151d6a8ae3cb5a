/* The database's tables, their versions, and how one version becomes the next. */
#ifndef NM_AUDIT_SCHEMA_H
#define NM_AUDIT_SCHEMA_H

#include <nearmiss/base.h>

#include <sqlite3.h>

enum {
    NM_SCHEMA_APPLICATION = 0x4e6d4c67, /* "NmLg", in the file's header */
    NM_SCHEMA_VERSION = 7
};

/* Bring the database to NM_SCHEMA_VERSION in one transaction, and then the words for its
 * views. NM_BAD_INPUT when it is of a newer version or not ours, NM_SYSTEM
 * when SQLite refuses. */
enum nm_code nm_schema_migrate(sqlite3 *db, const char *path, struct nm_error *error);

/* Whether it could be brought there: it is empty, or ours and not newer. Changes nothing;
 * fails as above. */
enum nm_code nm_schema_check(sqlite3 *db, const char *path, struct nm_error *error);

/* Whether it is of NM_SCHEMA_VERSION, as a reader wants it. */
enum nm_code nm_schema_check_current(
    sqlite3 *db, const char *path, struct nm_error *error);

#endif
