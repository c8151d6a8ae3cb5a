#include "row.h"

#include "columns.h"

const char nm_row_select[] =
    "SELECT d.sequence, d.time_us, d.id, d.transaction_id,"
    " (SELECT value FROM text WHERE id = d.gateway),"
    " (SELECT value FROM text WHERE id = d.client),"
    " (SELECT value FROM text WHERE id = d.auth),"
    " CASE WHEN d.kind = 1 AND d.sender IS NULL THEN '[erased]'"
    " ELSE (SELECT value FROM text WHERE id = d.sender) END,"
    " CASE WHEN d.kind = 1 THEN coalesce(d.recipient, '[erased]')"
    " ELSE d.recipient END,"
    " (SELECT value FROM text WHERE id = d.domain), d.match,"
    " (SELECT value FROM text WHERE id = d.target), d.technique, d.confidence,"
    " (SELECT value FROM text WHERE id = d.rule), d.action, d.reply, d.mode,"
    " (SELECT hash FROM config WHERE id = d.config), o.queue_id,"
    " coalesce(nullif(d.outcome, 4), o.outcome),"
    " CASE WHEN nullif(d.outcome, 4) IS NULL THEN o.time_us ELSE d.time_us END";

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

static const int codes[NM_DECISION_CODES] = {
    C_MATCH, C_TECHNIQUE, C_ACTION, C_MODE, C_OUTCOME};

static bool copy_texts(
    struct nm_audit_reader *reader, sqlite3_stmt *row, struct nm_audit_event *out)
{
    return nm_column_text(reader->arena, row, C_GATEWAY, &out->gateway) &&
           nm_column_text(reader->arena, row, C_CLIENT, &out->client) &&
           nm_column_text(reader->arena, row, C_AUTH, &out->auth) &&
           nm_column_bytes(reader->arena, row, C_SENDER, &out->sender) &&
           nm_column_bytes(reader->arena, row, C_RECIPIENT, &out->recipient) &&
           nm_column_text(reader->arena, row, C_DOMAIN, &out->domain) &&
           nm_column_nullable(reader->arena, row, C_TARGET, &out->target) &&
           nm_column_nullable(reader->arena, row, C_RULE, &out->rule) &&
           nm_column_text(reader->arena, row, C_REPLY, &out->reply) &&
           nm_column_text(reader->arena, row, C_CONFIG, &out->config) &&
           nm_column_text(reader->arena, row, C_QUEUE, &out->queue_id);
}

enum nm_code nm_row_read(struct nm_audit_reader *reader, sqlite3_stmt *row,
    struct nm_audit_row *out, struct nm_error *error)
{
    struct nm_audit_event *decision = &out->decision;

    *out = (struct nm_audit_row){.sequence = sqlite3_column_int64(row, C_SEQUENCE)};
    decision->kind = NM_EVENT_DECISION;
    decision->time_us = sqlite3_column_int64(row, C_TIME);
    nm_column_id(row, C_ID, decision->time_us, &decision->id);
    nm_column_id(row, C_TRANSACTION, decision->time_us, &decision->transaction);
    decision->confidence = sqlite3_column_type(row, C_CONFIDENCE) == SQLITE_NULL
                               ? -1
                               : sqlite3_column_double(row, C_CONFIDENCE);
    out->outcome_time_us = sqlite3_column_int64(row, C_OUTCOME_TIME);
    if (!nm_column_codes(row, codes, decision))
        return nm_fail(error, NM_SYSTEM,
            "%s: row %lld holds a code that is not known: the log is damaged, or "
            "written by a newer Nearmiss",
            reader->path, (long long)out->sequence);
    if (!copy_texts(reader, row, decision))
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", reader->path);
    return NM_OK;
}
