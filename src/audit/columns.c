#include "columns.h"

#include "identifier.h"

bool nm_column_bytes(
    struct nm_arena *arena, sqlite3_stmt *row, int at, struct nm_bytes *out)
{
    const char *bytes = sqlite3_column_blob(row, at);

    out->length = (size_t)sqlite3_column_bytes(row, at);
    out->data = nm_arena_copy(arena, bytes, bytes != NULL ? out->length : 0);
    return out->data != NULL;
}

bool nm_column_text(struct nm_arena *arena, sqlite3_stmt *row, int at, const char **out)
{
    struct nm_bytes bytes;

    if (!nm_column_bytes(arena, row, at, &bytes))
        return false;
    *out = bytes.data;
    return true;
}

bool nm_column_nullable(
    struct nm_arena *arena, sqlite3_stmt *row, int at, const char **out)
{
    *out = NULL;
    return sqlite3_column_type(row, at) == SQLITE_NULL ||
           nm_column_text(arena, row, at, out);
}

void nm_column_id(sqlite3_stmt *row, int at, int64_t time_us, struct nm_id *out)
{
    const char *bytes = sqlite3_column_blob(row, at);
    const int length = sqlite3_column_bytes(row, at);

    out->text[0] = '\0';
    if (bytes == NULL)
        return;
    if (length == NM_ID_RANDOM_BYTES)
        *out = nm_id_make(time_us, (const uint8_t *)bytes);
    else if (length == NM_ID_PACKED_BYTES)
        *out = nm_id_unpack((const uint8_t *)bytes);
}

bool nm_column_code(sqlite3_stmt *row, int at, int count, int *out)
{
    const int64_t value = sqlite3_column_int64(row, at);

    *out = (int)value;
    return value >= 0 && value < count;
}

bool nm_column_codes(
    sqlite3_stmt *row, const int at[NM_DECISION_CODES], struct nm_audit_event *out)
{
    static const int counts[NM_DECISION_CODES] = {NM_MATCH_COUNT, NM_TECHNIQUE_COUNT,
        NM_ACTION_COUNT, NM_MODE_OBSERVE + 1, NM_OUTCOME_COUNT};
    int codes[NM_DECISION_CODES] = {0};
    bool good = true;

    for (size_t i = 0; i < NM_DECISION_CODES; i++)
        good = nm_column_code(row, at[i], counts[i], &codes[i]) && good;
    out->match = (enum nm_match)codes[0];
    out->technique = (enum nm_technique)codes[1];
    out->action = (enum nm_action)codes[2];
    out->mode = (enum nm_mode)codes[3];
    out->outcome = (enum nm_outcome)codes[4];
    return good;
}
