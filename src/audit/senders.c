#include "senders.h"

#include "sql/sql.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8192 /* a power of two */ };

struct slot {
    int64_t number; /* 0: empty */
    bool same;
};

struct memory {
    sqlite3_stmt *find;
    struct slot slots[SLOTS];
};

static void forget(void *memory)
{
    (void)sqlite3_finalize(((struct memory *)memory)->find);
    free(memory);
}

/* What was found out for this statement: it hangs on the second argument, which is the
 * same for all of its rows. NULL out of memory. */
static struct memory *remembered(sqlite3_context *context)
{
    struct memory *memory = sqlite3_get_auxdata(context, 1);

    if (memory != NULL)
        return memory;
    memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    if (nm_sql_prepare(sqlite3_context_db_handle(context),
            "SELECT value FROM text WHERE id = ?", &memory->find) != SQLITE_OK) {
        forget(memory);
        return NULL;
    }
    sqlite3_set_auxdata(context, 1, memory, forget);
    return sqlite3_get_auxdata(context, 1);
}

/* Text is equal to text, and bytes to bytes. */
static bool equal(sqlite3_value *sender, sqlite3_stmt *row)
{
    const int type = sqlite3_value_type(sender);
    const char *a = sqlite3_value_blob(sender);
    const char *b = sqlite3_column_blob(row, 0);
    const int length = sqlite3_value_bytes(sender);

    if (sqlite3_column_type(row, 0) != type || sqlite3_column_bytes(row, 0) != length)
        return false;
    for (int i = 0; i < length; i++)
        if (a[i] != b[i] &&
            (type != SQLITE_TEXT || nm_ascii_lower(a[i]) != nm_ascii_lower(b[i])))
            return false;
    return true;
}

static int look_up(
    struct memory *memory, struct slot *slot, int64_t number, sqlite3_value *sender)
{
    int status;

    (void)sqlite3_bind_int64(memory->find, 1, number);
    status = sqlite3_step(memory->find);
    *slot = (struct slot){
        .number = number, .same = status == SQLITE_ROW && equal(sender, memory->find)};
    (void)sqlite3_reset(memory->find);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

static void is_sender(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const int64_t number = sqlite3_value_int64(arguments[0]);
    struct memory *memory = remembered(context);
    struct slot *slot;
    int status = SQLITE_OK;

    (void)count;
    if (memory == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    slot = &memory->slots[(uint64_t)number & (SLOTS - 1)];
    if (slot->number != number)
        status = look_up(memory, slot, number, arguments[1]);
    if (status != SQLITE_OK)
        sqlite3_result_error_code(context, status);
    else
        sqlite3_result_int(context, number != 0 && slot->same);
}

int nm_senders_register(sqlite3 *db)
{
    return sqlite3_create_function(db, "is_sender", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY,
        NULL, is_sender, NULL, NULL);
}
