/*
 * A database from somebody else, for fuzz targets. The first byte of the input says what
 * the others are: 0, the file itself; else changes to a sound database, four bytes each:
 * where (three bytes, modulo its size) and what.
 */
#ifndef NM_TESTS_CHANGED_DATABASE_H
#define NM_TESTS_CHANGED_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATABASE_MAX = 256 * 1024, CHANGE_BYTES = 4 };

static struct {
    char folder[48];
    char path[96];
    uint8_t sound[DATABASE_MAX];
    size_t size; /* of it; 0 until it is there */
    void (*clean_up)(void);
} database;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static void database_remove(void)
{
    static const char *const suffixes[] = {
        "", "-wal", "-shm", "-journal", "-lock", "-key", "-key.pub"};
    char name[sizeof database.path + 16];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", database.path, suffixes[i]);
        (void)unlink(name);
    }
}

static void database_clean_up(void)
{
    database_remove();
    if (database.clean_up != NULL)
        database.clean_up();
    (void)rmdir(database.folder);
}

/* A folder of its own, removed at the end with the database `name` in it; `clean_up`, or
 * NULL, removes what else is there. */
static void database_begin(const char *name, void (*clean_up)(void))
{
    (void)snprintf(database.folder, sizeof database.folder, "%s/nm-fuzz-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(database.folder) != NULL, database.folder);
    (void)snprintf(database.path, sizeof database.path, "%s/%s", database.folder, name);
    database.clean_up = clean_up;
    (void)atexit(database_clean_up);
}

/* The sound one is there: do `sql` in it, and keep it, with small pages, so that a change
 * meets something, as a file that needs no other. */
static void database_take(const char *sql)
{
    sqlite3 *db = NULL;
    FILE *file;

    must(sqlite3_open(database.path, &db) == SQLITE_OK, "open");
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
    must(
        sqlite3_exec(db, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM",
            NULL, NULL, NULL) == SQLITE_OK,
        "shrink");
    (void)sqlite3_close(db);
    file = fopen(database.path, "rb");
    must(file != NULL, database.path);
    database.size = fread(database.sound, 1, sizeof database.sound, file);
    must(database.size > 0 && database.size < sizeof database.sound, "read");
    (void)fclose(file);
}

static void database_put_bytes(const uint8_t *bytes, size_t size)
{
    FILE *file;

    database_remove();
    file = fopen(database.path, "wb");
    must(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0,
        database.path);
}

/* What the input makes of it. */
static void database_put(const uint8_t *data, size_t size)
{
    static uint8_t changed[DATABASE_MAX];

    if (data[0] == 0) {
        database_put_bytes(data + 1, size - 1);
        return;
    }
    memcpy(changed, database.sound, database.size);
    for (data++, size--; size >= CHANGE_BYTES;
         size -= CHANGE_BYTES, data += CHANGE_BYTES) {
        const size_t at = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];

        changed[at % database.size] = data[3];
    }
    database_put_bytes(changed, database.size);
}

#endif
