#include "database.h"

#include "embedded.h"
#include "sql/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION = 0x4e6d5374, /* "NmSt", in the file's header */
    VERSION = 2,
    BUSY_MS = 1000,
    VALUE_BYTES_MAX = 64 * 1024,
    CACHE_KIB = 16 * 1024
};

struct migrations {
    const char *texts[VERSION];
};

/* As NmEmbed has them: one a version, in their order. */
static struct migrations embedded_migrations(void)
{
    struct migrations migrations;

    for (size_t i = 0; i < VERSION; i++) {
        assert(nm_state_embedded[i].name != NULL);
        migrations.texts[i] = nm_state_embedded[i].bytes;
    }
    return migrations;
}

static struct nm_sql_schema schema_of(const struct migrations *migrations)
{
    return (struct nm_sql_schema){.what = "state database",
        .option = "history.database",
        .application = APPLICATION,
        .version = VERSION,
        .migrations = migrations->texts};
}

/* ---- open --------------------------------------------------------------- */

static enum nm_code fail(struct nm_state *state, int status, struct nm_error *error)
{
    return nm_sql_fail(state->db, state->path, status, error);
}

static int configure(sqlite3 *db)
{
    char pragmas[256];
    struct nm_buf buf;

    nm_buf_init(&buf, pragmas, sizeof pragmas);
    nm_buf_printf(&buf,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = "
        "-%d",
        CACHE_KIB);
    return nm_sql_exec(db, pragmas);
}

static enum nm_code open_to_write(struct nm_state *state, struct nm_error *error)
{
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);
    enum nm_code code = nm_sql_lock(state->path, &state->writer_lock, error);
    int status;

    if (code == NM_OK)
        code = nm_sql_create_file(state->path, error);
    if (code != NM_OK)
        return code;
    status = sqlite3_open_v2(state->path, &state->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (status != SQLITE_OK)
        return fail(state, status, error);
    (void)sqlite3_busy_timeout(state->db, BUSY_MS);
    code = nm_sql_schema_check(state->db, state->path, &schema, error);
    if (code == NM_OK)
        code = nm_sql_use_wal(state->db, state->path, error);
    if (code != NM_OK)
        return code;
    status = configure(state->db);
    return status == SQLITE_OK
               ? nm_sql_schema_migrate(state->db, state->path, &schema, error)
               : fail(state, status, error);
}

static enum nm_code open_to_read(struct nm_state *state, struct nm_error *error)
{
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);
    const enum nm_code code =
        nm_sql_open_to_read(state->path, VALUE_BYTES_MAX, &state->db, error);

    return code == NM_OK
               ? nm_sql_schema_check_current(state->db, state->path, &schema, error)
               : code;
}

static enum nm_code new_state(
    const char *path, struct nm_state **out, struct nm_error *error)
{
    struct nm_state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    state->writer_lock = -1;
    state->path = strdup(path);
    if (state->path == NULL) {
        free(state);
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    }
    (void)pthread_mutex_init(&state->lock, NULL);
    *out = state;
    return NM_OK;
}

static enum nm_code finish(
    struct nm_state *state, enum nm_code code, struct nm_state **out)
{
    if (code == NM_OK)
        *out = state;
    else
        nm_state_close(&state);
    return code;
}

enum nm_code nm_state_open(
    const char *path, struct nm_state **out, struct nm_error *error)
{
    struct nm_state *state = NULL;
    enum nm_code code = new_state(path, &state, error);

    if (code == NM_OK)
        code = open_to_write(state, error);
    return finish(state, code, out);
}

enum nm_code nm_state_open_to_read(
    const char *path, struct nm_state **out, struct nm_error *error)
{
    struct nm_state *state = NULL;
    enum nm_code code;

    *out = NULL;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return NM_OK;
    code = new_state(path, &state, error);
    if (code == NM_OK)
        code = open_to_read(state, error);
    return finish(state, code, out);
}

void nm_state_close(struct nm_state **state)
{
    struct nm_state *closed = *state;

    if (closed == NULL)
        return;
    *state = NULL;
    (void)sqlite3_close(closed->db);
    if (closed->writer_lock >= 0)
        (void)close(closed->writer_lock);
    (void)pthread_mutex_destroy(&closed->lock);
    free(closed->path);
    free(closed);
}

/* ---- the check ---------------------------------------------------------- */

static enum nm_code check_folder(const char *path, struct nm_error *error)
{
    char folder[4096];
    struct nm_buf buf;
    const char *slash = strrchr(path, '/');

    nm_buf_init(&buf, folder, sizeof folder);
    if (slash == NULL)
        nm_buf_puts(&buf, ".");
    else
        nm_buf_put(&buf, path, slash == path ? 1 : (size_t)(slash - path));
    if (access(folder, W_OK | X_OK) != 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: the state database cannot be made in its folder: %s", path,
            strerror(errno));
    return NM_OK;
}

enum nm_code nm_state_check(const char *path, struct nm_error *error)
{
    const struct migrations migrations = embedded_migrations();
    const struct nm_sql_schema schema = schema_of(&migrations);
    sqlite3 *db = NULL;
    enum nm_code code;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return check_folder(path, error);
    if (access(path, W_OK) != 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: the state database may not be written: %s", path, strerror(errno));
    code = nm_sql_open_to_read(path, VALUE_BYTES_MAX, &db, error);
    if (code == NM_OK)
        code = nm_sql_schema_check(db, path, &schema, error);
    (void)sqlite3_close(db);
    return code;
}

/* ---- what the parts do -------------------------------------------------- */

enum nm_code nm_state_change(struct nm_state *state,
    int (*change)(sqlite3 *db, void *self), void *self, struct nm_error *error)
{
    enum nm_code code = NM_OK;
    int status;

    assert(state->writer_lock >= 0);
    (void)pthread_mutex_lock(&state->lock);
    status = nm_sql_exec(state->db, "BEGIN IMMEDIATE");
    if (status == SQLITE_OK)
        status = change(state->db, self);
    if (status == SQLITE_OK)
        status = nm_sql_exec(state->db, "COMMIT");
    if (status != SQLITE_OK) {
        code = fail(state, status, error);
        if (sqlite3_get_autocommit(state->db) == 0)
            (void)nm_sql_exec(state->db, "ROLLBACK");
    }
    (void)pthread_mutex_unlock(&state->lock);
    return code;
}

enum nm_code nm_state_each(struct nm_state *state, const char *sql,
    int (*take)(void *self, sqlite3_stmt *row), void *self, struct nm_error *error)
{
    sqlite3_stmt *query = NULL;
    enum nm_code code = NM_OK;
    int status;

    (void)pthread_mutex_lock(&state->lock);
    status = sqlite3_prepare_v2(state->db, sql, -1, &query, NULL);
    while (status == SQLITE_OK) {
        status = sqlite3_step(query);
        if (status != SQLITE_ROW)
            break;
        status = take(self, query);
    }
    if (status != SQLITE_DONE)
        code = fail(state, status, error);
    (void)sqlite3_finalize(query);
    (void)pthread_mutex_unlock(&state->lock);
    return code;
}
