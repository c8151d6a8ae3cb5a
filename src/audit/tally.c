#include "tally.h"

#include "sql/sql.h"

#include <stdlib.h>

/* A commit seldom holds more kinds of decisions; when it does, the gathered ones are
 * written in between. */
enum { CELLS_MAX = 32 };

struct cell {
    int64_t hour;
    enum nm_match match;
    enum nm_action action;
    enum nm_mode mode;
    int64_t decisions;
};

struct nm_tally {
    sqlite3_stmt *add;
    size_t count;
    struct cell cells[CELLS_MAX];
};

/* As the migration rounds. */
static int64_t hour_of(int64_t time_us)
{
    return time_us / NM_TALLY_HOUR_US;
}

static bool is_cell_of(const struct cell *cell, const struct nm_audit_event *decision)
{
    return cell->hour == hour_of(decision->time_us) && cell->match == decision->match &&
           cell->action == decision->action && cell->mode == decision->mode;
}

int nm_tally_add(struct nm_tally *tally, const struct nm_audit_event *decision)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < tally->count; i++)
        if (is_cell_of(&tally->cells[i], decision)) {
            tally->cells[i].decisions++;
            return SQLITE_OK;
        }
    if (tally->count == CELLS_MAX)
        status = nm_tally_write(tally);
    tally->cells[tally->count++] = (struct cell){.hour = hour_of(decision->time_us),
        .match = decision->match,
        .action = decision->action,
        .mode = decision->mode,
        .decisions = 1};
    return status;
}

int nm_tally_write(struct nm_tally *tally)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < tally->count && status == SQLITE_OK; i++) {
        const struct cell *cell = &tally->cells[i];

        (void)sqlite3_bind_int64(tally->add, 1, cell->hour);
        (void)sqlite3_bind_int(tally->add, 2, (int)cell->match);
        (void)sqlite3_bind_int(tally->add, 3, (int)cell->action);
        (void)sqlite3_bind_int(tally->add, 4, (int)cell->mode);
        (void)sqlite3_bind_int64(tally->add, 5, cell->decisions);
        status = nm_sql_run(tally->add);
    }
    tally->count = 0;
    return status;
}

int nm_tally_open(sqlite3 *db, struct nm_tally **out)
{
    struct nm_tally *tally = calloc(1, sizeof *tally);
    int status;

    if (tally == NULL)
        return SQLITE_NOMEM;
    status = nm_sql_prepare(db,
        "INSERT INTO tally (hour, match, action, mode, decisions) VALUES (?, ?, ?, ?, "
        "?)"
        " ON CONFLICT DO UPDATE SET decisions = decisions + excluded.decisions",
        &tally->add);
    if (status != SQLITE_OK) {
        nm_tally_close(&tally);
        return status;
    }
    *out = tally;
    return SQLITE_OK;
}

void nm_tally_close(struct nm_tally **tally)
{
    if (*tally == NULL)
        return;
    (void)sqlite3_finalize((*tally)->add);
    free(*tally);
    *tally = NULL;
}
