#include "query.h"

#include "row.h"
#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 8192 };

/* ---- names -------------------------------------------------------------- */

static bool outcome_from_name(const char *name, enum nm_outcome *out)
{
    for (int code = 0; code < NM_OUTCOME_COUNT; code++)
        if (strcmp(nm_outcome_name((enum nm_outcome)code), name) == 0) {
            *out = (enum nm_outcome)code;
            return true;
        }
    return false;
}

static enum nm_code unknown(struct nm_error *error, const char *what, const char *name)
{
    return nm_fail(error, NM_BAD_INPUT, "there is no %s `%s`", what, name);
}

static enum nm_code look_names_up(
    const struct nm_audit_query *query, struct nm_filter *out, struct nm_error *error)
{
    if (query->action != NULL && !nm_action_from_name(query->action, &out->action))
        return unknown(error, "action", query->action);
    if (query->technique != NULL &&
        !nm_technique_from_name(query->technique, &out->technique))
        return unknown(error, "technique", query->technique);
    if (query->match != NULL && !nm_match_from_name(query->match, &out->match))
        return unknown(error, "match", query->match);
    if (query->outcome != NULL && !outcome_from_name(query->outcome, &out->outcome))
        return unknown(error, "outcome", query->outcome);
    return NM_OK;
}

enum nm_code nm_filter_make(
    const struct nm_audit_query *query, struct nm_filter *out, struct nm_error *error)
{
    *out = (struct nm_filter){.query = query};
    out->reference_is_id =
        query->reference != NULL && nm_id_pack(query->reference, out->reference);
    if (query->sender != NULL) {
        out->sender_lower = strdup(query->sender);
        if (out->sender_lower == NULL)
            return nm_fail(error, NM_NO_MEMORY, "out of memory");
        for (char *c = out->sender_lower; *c != '\0'; c++)
            *c = nm_ascii_lower(*c);
    }
    return look_names_up(query, out, error);
}

void nm_filter_free(struct nm_filter *filter)
{
    free(filter->sender_lower);
    filter->sender_lower = NULL;
}

/* ---- parameters --------------------------------------------------------- */

/* Parameters that a statement does not have are passed over. */
static void bind_number(sqlite3_stmt *statement, const char *name, int64_t number)
{
    const int at = sqlite3_bind_parameter_index(statement, name);

    if (at > 0)
        (void)sqlite3_bind_int64(statement, at, number);
}

static void bind_text(sqlite3_stmt *statement, const char *name, const char *text)
{
    const int at = sqlite3_bind_parameter_index(statement, name);

    if (at > 0 && text != NULL)
        nm_sql_bind_bytes(statement, at, text, strlen(text));
}

static void bind_blob(
    sqlite3_stmt *statement, const char *name, const uint8_t *bytes, int size)
{
    const int at = sqlite3_bind_parameter_index(statement, name);

    if (at > 0)
        (void)sqlite3_bind_blob(statement, at, bytes, size, SQLITE_STATIC);
}

static void bind_reference(sqlite3_stmt *statement, const struct nm_filter *filter)
{
    bind_text(statement, ":queue_id", filter->query->reference);
    bind_blob(statement, ":id", filter->reference, NM_ID_PACKED_BYTES);
    bind_blob(statement, ":id_random", filter->reference + NM_ID_TIME_BYTES,
        NM_ID_RANDOM_BYTES);
    bind_number(statement, ":id_time", nm_id_packed_time_us(filter->reference));
}

static void bind_filter(sqlite3_stmt *statement, const struct nm_filter *filter)
{
    const struct nm_audit_query *query = filter->query;

    bind_number(statement, ":bound", filter->bound);
    bind_number(statement, ":since", query->since_us);
    bind_number(statement, ":until", query->until_us);
    bind_reference(statement, filter);
    bind_text(statement, ":target", query->target);
    bind_text(statement, ":rule", query->rule);
    bind_text(statement, ":sender", query->sender);
    bind_text(statement, ":sender_lower", filter->sender_lower);
    bind_text(statement, ":domain", query->domain);
    bind_text(statement, ":recipient", query->recipient);
    bind_number(statement, ":action", (int64_t)filter->action);
    bind_number(statement, ":technique", (int64_t)filter->technique);
    bind_number(statement, ":match", (int64_t)filter->match);
    bind_number(statement, ":outcome", (int64_t)filter->outcome);
}

void nm_filter_set_window(
    sqlite3_stmt *statement, int64_t after, int64_t upto, int64_t limit)
{
    bind_number(statement, ":after", after);
    bind_number(statement, ":upto", upto);
    bind_number(statement, ":limit", limit);
}

/* ---- statements --------------------------------------------------------- */

#define OUTCOME_OF_D " LEFT JOIN event AS o ON o.sequence = " NM_ROW_OUTCOME(":bound")

static_assert(NM_OUTCOME_QUARANTINED == 4, "the statements have it as a number");

static const char from_events[] =
    " FROM event AS d" OUTCOME_OF_D
    " WHERE d.kind = 1 AND d.sequence > :after AND d.sequence <= :upto";
static const char from_mentions[] =
    " FROM mention AS m CROSS JOIN event AS d ON d.sequence = m.sequence" OUTCOME_OF_D
    " WHERE d.kind = 1 AND m.sequence > :after AND m.sequence <= :upto AND m.text =";

static const char has_id[] =
    " AND d.sequence IN ("
    "SELECT sequence FROM event WHERE kind = 1 AND transaction_id = :id UNION ALL "
    "SELECT sequence FROM event WHERE length(id) > 10 AND id = :id UNION ALL "
    "SELECT sequence FROM event WHERE kind = 1 AND id = :id_random"
    " AND time_us BETWEEN :id_time AND :id_time + 999)";
static const char has_queue_id[] =
    " AND d.sequence IN (SELECT sequence FROM event WHERE kind = 1 AND transaction_id "
    "IN"
    " (SELECT transaction_id FROM event WHERE queue_id = :queue_id))";

static void put_if(struct nm_buf *sql, bool asked, const char *condition)
{
    if (asked)
        nm_buf_puts(sql, condition);
}

/* A partial index serves only where its own condition is repeated. */
static void put_conditions(struct nm_buf *sql, const struct nm_filter *filter)
{
    const struct nm_audit_query *query = filter->query;

    put_if(sql, query->since_us != 0, " AND d.time_us >= :since");
    put_if(sql, query->until_us != 0, " AND d.time_us < :until");
    if (query->reference != NULL)
        nm_buf_puts(sql, filter->reference_is_id ? has_id : has_queue_id);
    put_if(sql, query->target != NULL,
        " AND d.target = (SELECT id FROM text WHERE value = :target)");
    put_if(sql, query->rule != NULL,
        " AND d.rule = (SELECT id FROM text WHERE value = :rule)");
    put_if(sql, query->sender != NULL, " AND is_sender(d.sender, :sender)");
    put_if(sql, query->domain != NULL,
        " AND d.domain = (SELECT id FROM text WHERE value = :domain)");
    put_if(
        sql, query->recipient != NULL, " AND d.recipient = :recipient COLLATE NOCASE");
    put_if(sql, query->action != NULL, " AND d.action = :action");
    put_if(sql, query->action != NULL && filter->action > 0, " AND d.action > 0");
    put_if(sql, query->technique != NULL, " AND d.technique = :technique");
    put_if(
        sql, query->technique != NULL && filter->technique > 0, " AND d.technique > 0");
    put_if(sql, query->match != NULL, " AND d.match = :match");
    put_if(sql, query->outcome != NULL,
        " AND coalesce(nullif(d.outcome, 4), o.outcome, 0) = :outcome");
}

/* The number of the text that a listing through `mention` follows, or NULL: of those that
 * are asked, the rarest kind. */
static const char *mentioned_text(const struct nm_audit_query *query)
{
    if (query->target != NULL)
        return " (SELECT id FROM text WHERE value = :target)";
    if (query->rule != NULL)
        return " (SELECT id FROM text WHERE value = :rule)";
    if (query->sender != NULL)
        return " (SELECT id FROM text WHERE value = :sender_lower)";
    if (query->domain != NULL)
        return " (SELECT id FROM text WHERE value = :domain)";
    return NULL;
}

int nm_filter_prepare(const struct nm_filter *filter, sqlite3 *db, bool over_mentions,
    const char *select, enum nm_query_order order, sqlite3_stmt **out)
{
    char text[SQL_MAX];
    struct nm_buf sql;
    int status;

    nm_buf_init(&sql, text, sizeof text);
    nm_buf_puts(&sql, select);
    nm_buf_puts(&sql, over_mentions ? from_mentions : from_events);
    if (over_mentions)
        nm_buf_puts(&sql, mentioned_text(filter->query));
    put_conditions(&sql, filter);
    nm_buf_printf(&sql, " ORDER BY %c.sequence %s LIMIT :limit",
        over_mentions ? 'm' : 'd', order == NM_QUERY_FORWARD ? "ASC" : "DESC");
    assert(!sql.truncated);
    status = nm_sql_prepare(db, text, out);
    if (status == SQLITE_OK)
        bind_filter(*out, filter);
    return status;
}

/* ---- bounds ------------------------------------------------------------- */

/* Decisions come nearly in the order of their times: none is older than one before it by
 * more than the disorder that the writer has recorded. So the first in sequence of those
 * at or after `since` is no further from the first in time than that; and likewise the
 * last before `until`. */
static int narrow_by_time(struct nm_filter *filter, sqlite3 *db)
{
    static const char first[] =
        "SELECT coalesce(min(sequence), 0x7fffffffffffffff) - 1 FROM event"
        " WHERE kind = 1 AND time_us >= ?1 AND time_us <="
        " (SELECT min(time_us) FROM event WHERE kind = 1 AND time_us >= ?1)"
        " + (SELECT disorder_us FROM state)";
    static const char last[] =
        "SELECT coalesce(max(sequence), 0) FROM event"
        " WHERE kind = 1 AND time_us < ?1 AND time_us >="
        " (SELECT max(time_us) FROM event WHERE kind = 1 AND time_us < ?1)"
        " - (SELECT disorder_us FROM state)";
    int64_t after = filter->after;
    int64_t upto = filter->upto;
    int status = SQLITE_OK;

    if (filter->query->since_us != 0)
        status = nm_sql_number(db, first, filter->query->since_us, &after);
    if (status == SQLITE_OK && filter->query->until_us != 0)
        status = nm_sql_number(db, last, filter->query->until_us, &upto);
    if (after > filter->after)
        filter->after = after;
    if (upto < filter->upto)
        filter->upto = upto;
    return status;
}

int nm_filter_find_bounds(struct nm_filter *filter, sqlite3 *db)
{
    int status = nm_sql_number(
        db, "SELECT coalesce(max(sequence), 0) FROM event", 0, &filter->bound);

    if (filter->query->after_sequence > 0)
        filter->after = filter->query->after_sequence;
    filter->upto = filter->bound;
    if (filter->query->upto_sequence > 0 && filter->query->upto_sequence < filter->upto)
        filter->upto = filter->query->upto_sequence;
    if (status == SQLITE_OK)
        status = narrow_by_time(filter, db);
    if (status == SQLITE_OK && mentioned_text(filter->query) != NULL)
        status = nm_sql_number(db, "SELECT indexed FROM state", 0, &filter->indexed);
    return status;
}
