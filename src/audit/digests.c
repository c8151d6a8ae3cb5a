#include "digests.h"

#include "sql/sql.h"

#include <stdio.h>
#include <stdlib.h>

static const struct nm_hash none;

static int read_rows(sqlite3_stmt *rows, struct nm_digests *out)
{
    int status;

    while ((status = sqlite3_step(rows)) == SQLITE_ROW) {
        const int64_t number = sqlite3_column_int64(rows, 0);
        const char *bytes = sqlite3_column_blob(rows, 1);
        const int length = sqlite3_column_bytes(rows, 1);

        if (number > 0 && number < out->count)
            out->items[number] = nm_digest(bytes != NULL ? bytes : "", (size_t)length);
    }
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

int nm_digests_read(
    sqlite3 *db, const char *table, const char *value, struct nm_digests *out)
{
    char sql[128];
    sqlite3_stmt *rows = NULL;
    int64_t greatest = 0;
    int status;

    *out = (struct nm_digests){.table = table, .value = value};
    (void)snprintf(sql, sizeof sql, "SELECT coalesce(max(id), 0) FROM %s", table);
    status = nm_sql_number(db, sql, 0, &greatest);
    if (status != SQLITE_OK)
        return status;
    out->count = greatest < NM_DIGESTS_MAX ? greatest + 1 : NM_DIGESTS_MAX;
    out->items = calloc((size_t)out->count, sizeof *out->items);
    if (out->items == NULL)
        return SQLITE_NOMEM;
    (void)snprintf(sql, sizeof sql, "SELECT id, %s FROM %s WHERE id < %lld", value,
        table, (long long)out->count);
    status = nm_sql_prepare(db, sql, &rows);
    if (status == SQLITE_OK)
        status = read_rows(rows, out);
    (void)sqlite3_finalize(rows);
    return status;
}

void nm_digests_free(struct nm_digests *digests)
{
    free(digests->items);
    digests->items = NULL;
}

const struct nm_hash *nm_digests_find(const struct nm_digests *digests, int64_t number)
{
    if (number == 0)
        return &none;
    if (number < 0 || number >= digests->count ||
        nm_hash_equal(&digests->items[number], &none))
        return NULL;
    return &digests->items[number];
}
