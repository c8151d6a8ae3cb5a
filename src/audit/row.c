#include "row.h"

#include "identifier.h"

const char nm_row_select[] =
    "SELECT d.sequence, d.time_us, d.id, d.transaction_id,"
    " (SELECT value FROM text WHERE id = d.gateway),"
    " (SELECT value FROM text WHERE id = d.client),"
    " (SELECT value FROM text WHERE id = d.auth),"
    " (SELECT value FROM text WHERE id = d.sender), d.recipient,"
    " (SELECT value FROM text WHERE id = d.domain), d.match,"
    " (SELECT value FROM text WHERE id = d.target), d.technique, d.confidence,"
    " (SELECT value FROM text WHERE id = d.rule), d.action, d.reply, d.mode,"
    " (SELECT hash FROM config WHERE id = d.config), o.queue_id,"
    " coalesce(d.outcome, o.outcome),"
    " CASE WHEN d.outcome IS NULL THEN o.time_us ELSE d.time_us END";

enum column {
    C_SEQUENCE,
    C_TIME,
    C_ID,
    C_TRANSACTION,
    C_GATEWAY,
    C_CLIENT,
    C_AUTH,
    C_SENDER,
    C_RECIPIENT,
    C_DOMAIN,
    C_MATCH,
    C_TARGET,
    C_TECHNIQUE,
    C_CONFIDENCE,
    C_RULE,
    C_ACTION,
    C_REPLY,
    C_MODE,
    C_CONFIG,
    C_QUEUE,
    C_OUTCOME,
    C_OUTCOME_TIME
};

static bool column_bytes(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, struct nm_bytes *out)
{
    const char *bytes = sqlite3_column_blob(row, at);

    out->length = (size_t)sqlite3_column_bytes(row, at);
    out->data = nm_arena_copy(reader->arena, bytes, bytes != NULL ? out->length : 0);
    return out->data != NULL;
}

static bool column_text(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, const char **out)
{
    struct nm_bytes bytes;

    if (!column_bytes(reader, row, at, &bytes))
        return false;
    *out = bytes.data;
    return true;
}

/* The same, NULL kept. */
static bool column_nullable(
    struct nm_audit_reader *reader, sqlite3_stmt *row, int at, const char **out)
{
    *out = NULL;
    return sqlite3_column_type(row, at) == SQLITE_NULL ||
           column_text(reader, row, at, out);
}

static void column_id(sqlite3_stmt *row, int at, int64_t time_us, struct nm_id *out)
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

static bool column_code(sqlite3_stmt *row, int at, int count, int *out)
{
    const int64_t value = sqlite3_column_int64(row, at);

    *out = (int)value;
    return value >= 0 && value < count;
}

static bool copy_texts(
    struct nm_audit_reader *reader, sqlite3_stmt *row, struct nm_audit_event *out)
{
    return column_text(reader, row, C_GATEWAY, &out->gateway) &&
           column_text(reader, row, C_CLIENT, &out->client) &&
           column_text(reader, row, C_AUTH, &out->auth) &&
           column_bytes(reader, row, C_SENDER, &out->sender) &&
           column_bytes(reader, row, C_RECIPIENT, &out->recipient) &&
           column_text(reader, row, C_DOMAIN, &out->domain) &&
           column_nullable(reader, row, C_TARGET, &out->target) &&
           column_nullable(reader, row, C_RULE, &out->rule) &&
           column_text(reader, row, C_REPLY, &out->reply) &&
           column_text(reader, row, C_CONFIG, &out->config) &&
           column_text(reader, row, C_QUEUE, &out->queue_id);
}

static bool copy_codes(sqlite3_stmt *row, struct nm_audit_event *out)
{
    int match = 0;
    int technique = 0;
    int action = 0;
    int mode = 0;
    int outcome = 0;
    const bool good = column_code(row, C_MATCH, NM_MATCH_COUNT, &match) &&
                      column_code(row, C_TECHNIQUE, NM_TECHNIQUE_COUNT, &technique) &&
                      column_code(row, C_ACTION, NM_ACTION_COUNT, &action) &&
                      column_code(row, C_MODE, NM_MODE_OBSERVE + 1, &mode) &&
                      column_code(row, C_OUTCOME, NM_OUTCOME_COUNT, &outcome);

    out->match = (enum nm_match)match;
    out->technique = (enum nm_technique)technique;
    out->action = (enum nm_action)action;
    out->mode = (enum nm_mode)mode;
    out->outcome = (enum nm_outcome)outcome;
    return good;
}

enum nm_code nm_row_read(struct nm_audit_reader *reader, sqlite3_stmt *row,
    struct nm_audit_row *out, struct nm_error *error)
{
    struct nm_audit_event *decision = &out->decision;

    *out = (struct nm_audit_row){.sequence = sqlite3_column_int64(row, C_SEQUENCE)};
    decision->kind = NM_EVENT_DECISION;
    decision->time_us = sqlite3_column_int64(row, C_TIME);
    column_id(row, C_ID, decision->time_us, &decision->id);
    column_id(row, C_TRANSACTION, decision->time_us, &decision->transaction);
    decision->confidence = sqlite3_column_type(row, C_CONFIDENCE) == SQLITE_NULL
                               ? -1
                               : sqlite3_column_double(row, C_CONFIDENCE);
    out->outcome_time_us = sqlite3_column_int64(row, C_OUTCOME_TIME);
    if (!copy_codes(row, decision))
        return nm_fail(error, NM_SYSTEM,
            "%s: row %lld holds a code that is not known: the log is damaged, or "
            "written by a newer Nearmiss",
            reader->path, (long long)out->sequence);
    if (!copy_texts(reader, row, decision))
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    return NM_OK;
}
