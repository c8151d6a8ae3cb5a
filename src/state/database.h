/* The connection that the parts of a state database share. */
#ifndef NM_STATE_DATABASE_H
#define NM_STATE_DATABASE_H

#include "sql/sql.h"
#include "state/state.h"

#include <pthread.h>

struct nm_state {
    pthread_mutex_t lock; /* guards `db` */
    char *path;
    sqlite3 *db;
    int writer_lock; /* -1 when opened to read */
};

/* Run `change` in one transaction; it gives SQLITE_OK to have it committed. Takes the
 * lock. */
enum nm_code nm_state_change(struct nm_state *state,
    int (*change)(sqlite3 *db, void *self), void *self, struct nm_error *error);

/* Call `take` for each row of `sql`; it returns SQLITE_OK to go on. Takes the lock. */
enum nm_code nm_state_each(struct nm_state *state, const char *sql,
    int (*take)(void *self, sqlite3_stmt *row), void *self, struct nm_error *error);

#endif
