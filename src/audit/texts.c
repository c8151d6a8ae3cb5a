#include "texts.h"

#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 * 1024 }; /* a power of two */

static_assert((int)NM_TEXTS_MAX < (int)SLOTS, "a search ends at an empty slot");

struct slot {
    const char *bytes; /* NULL: empty */
    size_t length;
    struct nm_text text;
};

struct nm_texts {
    sqlite3_stmt *find;
    sqlite3_stmt *add;
    struct nm_arena *arena;
    size_t count;
    struct slot slots[SLOTS];
};

/* ---- memory ------------------------------------------------------------- */

/* FNV-1a. Whoever makes names that collide slows one thread down by at most
 * NM_TEXTS_MAX comparisons a name. */
static size_t hash(const char *bytes, size_t length)
{
    uint64_t value = 0xcbf29ce484222325U;

    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3U;
    return (size_t)(value ^ value >> 32) & (SLOTS - 1);
}

/* Where the text is, or the empty slot where it would be. */
static struct slot *search(struct nm_texts *texts, const char *bytes, size_t length)
{
    size_t at = hash(bytes, length);

    while (texts->slots[at].bytes != NULL) {
        const struct slot *slot = &texts->slots[at];

        if (slot->length == length && memcmp(slot->bytes, bytes, length) == 0)
            break;
        at = (at + 1) & (SLOTS - 1);
    }
    return &texts->slots[at];
}

void nm_texts_forget(struct nm_texts *texts)
{
    memset(texts->slots, 0, sizeof texts->slots);
    nm_arena_reset(texts->arena);
    texts->count = 0;
}

static void remember(struct nm_texts *texts, const char *bytes, size_t length,
    const struct nm_text *text)
{
    const char *copy;

    if (length > NM_TEXTS_TEXT_MAX)
        return;
    if (texts->count == NM_TEXTS_MAX)
        nm_texts_forget(texts);
    copy = nm_arena_copy(texts->arena, bytes, length);
    if (copy == NULL) {
        nm_texts_forget(texts);
        return;
    }
    *search(texts, bytes, length) =
        (struct slot){.bytes = copy, .length = length, .text = *text};
    texts->count++;
}

/* ---- the table ---------------------------------------------------------- */

static int find_or_add(
    struct nm_texts *texts, const char *bytes, size_t length, int64_t *out)
{
    int status;

    nm_sql_bind_bytes(texts->find, 1, bytes, length);
    status = nm_sql_find(texts->find, out);
    if (status != SQLITE_OK || *out != 0)
        return status;
    nm_sql_bind_bytes(texts->add, 1, bytes, length);
    status = nm_sql_run(texts->add);
    *out = sqlite3_last_insert_rowid(sqlite3_db_handle(texts->add));
    return status;
}

int nm_texts_find(
    struct nm_texts *texts, const char *bytes, size_t length, struct nm_text *out)
{
    const struct slot *slot = search(texts, bytes, length);
    int status;

    if (slot->bytes != NULL) {
        *out = slot->text;
        return SQLITE_OK;
    }
    status = find_or_add(texts, bytes, length, &out->number);
    out->digest = nm_digest(bytes, length);
    if (status == SQLITE_OK)
        remember(texts, bytes, length, out);
    return status;
}

int nm_texts_lower(struct nm_texts *texts, const char *bytes, size_t length,
    int64_t number, int64_t *out)
{
    struct nm_text text = {.number = 0};
    size_t at = 0;
    char *lower;
    int status;

    *out = number;
    while (at < length && nm_ascii_lower(bytes[at]) == bytes[at])
        at++;
    if (at == length)
        return SQLITE_OK;
    lower = malloc(length);
    if (lower == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < length; i++)
        lower[i] = nm_ascii_lower(bytes[i]);
    status = nm_texts_find(texts, lower, length, &text);
    *out = text.number;
    free(lower);
    return status;
}

/* ---- open and close ----------------------------------------------------- */

int nm_texts_open(sqlite3 *db, struct nm_texts **out)
{
    struct nm_texts *texts = calloc(1, sizeof *texts);
    int status = SQLITE_NOMEM;

    if (texts == NULL)
        return status;
    if (nm_arena_new(NM_TEXTS_BYTES_MAX, &texts->arena) == NM_OK)
        status =
            nm_sql_prepare(db, "SELECT id FROM text WHERE value = ?", &texts->find);
    if (status == SQLITE_OK)
        status = nm_sql_prepare(db, "INSERT INTO text (value) VALUES (?)", &texts->add);
    if (status != SQLITE_OK) {
        nm_texts_close(&texts);
        return status;
    }
    *out = texts;
    return SQLITE_OK;
}

void nm_texts_close(struct nm_texts **texts)
{
    if (*texts == NULL)
        return;
    (void)sqlite3_finalize((*texts)->find);
    (void)sqlite3_finalize((*texts)->add);
    nm_arena_free(&(*texts)->arena);
    free(*texts);
    *texts = NULL;
}
