#include "forget.h"

#include "pseudonym.h"
#include "sql/sql.h"

#include <stdlib.h>
#include <string.h>

enum {
    CUT_EVENTS = 256,        /* cut off in one step, */
    ERASE_EVENTS = 256,      /* erased, */
    LOOK_EVENTS = 20 * 1000, /* or looked at */
    SWEEP_TEXTS = 1000,
    DISORDER_MIN_US = 10 * 1000 * 1000
};

enum statement {
    TIME_OF,
    HASH_OF,
    CUT_ROWS,
    DELETE_EVENT,
    DELETE_ACT,
    DELETE_CHECKPOINT,
    DELETE_ROTATION,
    DELETE_SEAL,
    DELETE_ENDING,
    DELETE_MENTION,
    TALLY_DOWN,
    TALLY_CLEAN,
    VALUES,
    ERASE_SENDER,
    ERASE_RECIPIENT,
    ACT_VALUES,
    ERASE_ACTOR,
    ERASE_SUBJECT,
    SET_SALT,
    FIND_ACCEPTED,
    FIND_ADDRESS,
    FIND_ACTS,
    SET_REDACTED,
    USED_TEXTS,
    VALUE_OF,
    IS_MENTIONED,
    DELETE_TEXT,
    STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
    [TIME_OF] =
        "SELECT time_us FROM event WHERE sequence >= ? ORDER BY sequence LIMIT 1",
    [HASH_OF] = "SELECT hash FROM event WHERE sequence = ?",
    [CUT_ROWS] =
        "SELECT e.sequence, e.kind, e.time_us, e.match, e.action, e.mode, e.domain,"
        " e.target, e.rule, e.sender, t.value FROM event AS e"
        " LEFT JOIN text AS t ON t.id = e.sender"
        " WHERE e.sequence <= (SELECT max(upto) FROM seal)"
        " ORDER BY e.sequence LIMIT ?",
    [DELETE_EVENT] = "DELETE FROM event WHERE sequence = ?",
    [DELETE_ACT] = "DELETE FROM act WHERE sequence = ?",
    [DELETE_CHECKPOINT] = "DELETE FROM checkpoint WHERE sequence = ?",
    [DELETE_ROTATION] = "DELETE FROM rotation WHERE sequence = ?",
    [DELETE_SEAL] = "DELETE FROM seal WHERE sequence = ?",
    [DELETE_ENDING] = "DELETE FROM ending WHERE transaction_id ="
                      " (SELECT transaction_id FROM event WHERE sequence = ?)",
    [DELETE_MENTION] = "DELETE FROM mention WHERE text = ? AND sequence = ?",
    [TALLY_DOWN] = "UPDATE tally SET decisions = decisions - 1 WHERE hour = ?"
                   " AND match = ? AND action = ? AND mode = ?",
    [TALLY_CLEAN] = "DELETE FROM tally WHERE hour = ? AND decisions <= 0",
    [VALUES] =
        "SELECT e.salt, e.sender, s.value, c.value, a.value, e.reply, e.recipient"
        " FROM event AS e LEFT JOIN text AS s ON s.id = e.sender"
        " LEFT JOIN text AS c ON c.id = e.client"
        " LEFT JOIN text AS a ON a.id = e.auth WHERE e.sequence = ?",
    [ERASE_SENDER] = "UPDATE event SET sender = NULL, client = NULL, auth = NULL,"
                     " reply = NULL WHERE sequence = ?",
    [ERASE_RECIPIENT] = "UPDATE event SET recipient = NULL WHERE sequence = ?",
    [ACT_VALUES] = "SELECT e.salt, a.actor, a.reason, a.subject FROM event AS e"
                   " JOIN act AS a ON a.sequence = e.sequence WHERE e.sequence = ?",
    [ERASE_ACTOR] = "UPDATE act SET actor = NULL, reason = NULL WHERE sequence = ?",
    [ERASE_SUBJECT] = "UPDATE act SET subject = NULL WHERE sequence = ?",
    [SET_SALT] = "UPDATE event SET salt = ?2 WHERE sequence = ?1",
    [FIND_ACCEPTED] = "SELECT sequence, 3 FROM event WHERE sequence > ?1 AND sequence "
                      "<= ?2 AND kind = 1"
                      " AND action = 0 AND technique = 0"
                      " AND (sender IS NOT NULL OR recipient IS NOT NULL)"
                      " ORDER BY sequence LIMIT ?3",
    [FIND_ADDRESS] =
        "SELECT sequence, is_sender + 2 * is_recipient FROM (SELECT e.sequence,"
        " coalesce(t.value = ?4 COLLATE NOCASE OR t.value = ?5, 0) AS is_sender,"
        " coalesce(e.recipient = ?4 COLLATE NOCASE OR e.recipient = ?5, 0)"
        " AS is_recipient"
        " FROM event AS e LEFT JOIN text AS t ON t.id = e.sender"
        " WHERE e.sequence > ?1 AND e.sequence <= ?2 AND e.kind = 1)"
        " WHERE is_sender OR is_recipient ORDER BY sequence LIMIT ?3",
    [FIND_ACTS] = "SELECT sequence, (has_address(actor, ?4) OR has_address(actor, ?5)"
                  " OR has_address(reason, ?4) OR has_address(reason, ?5))"
                  " + 2 * (has_address(subject, ?4) OR has_address(subject, ?5)) AS "
                  "parts FROM act"
                  " WHERE sequence > ?1 AND sequence <= ?2 AND parts > 0"
                  " ORDER BY sequence LIMIT ?3",
    [SET_REDACTED] = "UPDATE state SET redacted = ?",
    [USED_TEXTS] = "SELECT sequence, sender, gateway, client, auth, domain, target, "
                   "rule FROM event"
                   " WHERE sequence > ? ORDER BY sequence LIMIT ?",
    [VALUE_OF] = "SELECT value FROM text WHERE id = ?",
    [IS_MENTIONED] = "SELECT 1 FROM mention WHERE text = ? LIMIT 1",
    [DELETE_TEXT] = "DELETE FROM text WHERE id = ?",
};

/* Which texts events have: a bit a number. */
struct sweep {
    uint8_t *used; /* NULL while no sweep is under way */
    int64_t count; /* numbers below this are swept */
    int64_t looked_upto;
    int64_t next; /* number to be judged */
};

struct nm_forget {
    sqlite3 *db;
    struct nm_texts *texts;
    sqlite3_stmt *statements[STATEMENTS];
    struct sweep sweep;
};

/* ---- small verbs -------------------------------------------------------- */

static int run_at(struct nm_forget *forget, enum statement which, int64_t number)
{
    (void)sqlite3_bind_int64(forget->statements[which], 1, number);
    return nm_sql_run(forget->statements[which]);
}

static struct nm_bytes column(sqlite3_stmt *row, int at)
{
    const char *bytes = sqlite3_column_blob(row, at);

    return (struct nm_bytes){bytes, (size_t)sqlite3_column_bytes(row, at)};
}

static struct nm_hash column_digest(sqlite3_stmt *row, int at)
{
    const struct nm_bytes bytes = column(row, at);
    const struct nm_hash none = {{0}};

    if (sqlite3_column_type(row, at) == SQLITE_NULL)
        return none;
    return nm_digest(bytes.data != NULL ? bytes.data : "", bytes.length);
}

static int find_last(struct nm_forget *forget, int64_t *out)
{
    return nm_sql_number(
        forget->db, "SELECT coalesce(max(sequence), 0) FROM event", 0, out);
}

/* ---- cutting off -------------------------------------------------------- */

static int time_of(struct nm_forget *forget, int64_t sequence, int64_t *time_us)
{
    (void)sqlite3_bind_int64(forget->statements[TIME_OF], 1, sequence);
    return nm_sql_find(forget->statements[TIME_OF], time_us);
}

/* Events come nearly in the order of their times, and state.disorder_us says how nearly:
 * so bisection that stays that much away from the time leads to no younger one. */
static int bisect(struct nm_forget *forget, int64_t before_us, int64_t first,
    int64_t last, int64_t *out)
{
    int64_t older = first - 1;

    while (older + 1 < last) {
        const int64_t middle = older + (last - older) / 2;
        int64_t time_us = 0;
        const int status = time_of(forget, middle, &time_us);

        if (status != SQLITE_OK)
            return status;
        if (time_us < before_us)
            older = middle;
        else
            last = middle;
    }
    *out = older >= first ? older : 0;
    return SQLITE_OK;
}

static int read_hash(struct nm_forget *forget, struct nm_seal *seal)
{
    sqlite3_stmt *query = forget->statements[HASH_OF];
    int status;

    (void)sqlite3_bind_int64(query, 1, seal->upto);
    status = sqlite3_step(query);
    if (status == SQLITE_ROW && sqlite3_column_bytes(query, 0) == NM_HASH_BYTES)
        memcpy(seal->hash.bytes, sqlite3_column_blob(query, 0), NM_HASH_BYTES);
    else
        seal->upto = 0; /* of before the chain, or damaged: nothing to hold on to */
    (void)sqlite3_reset(query);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

int nm_forget_find(struct nm_forget *forget, int64_t before_us, struct nm_seal *out)
{
    int64_t first = 0;
    int64_t last = 0;
    int64_t disorder_us = 0;
    int status = nm_sql_number(
        forget->db, "SELECT coalesce(min(sequence), 0) FROM event", 0, &first);

    *out = (struct nm_seal){.upto = 0};
    if (status == SQLITE_OK)
        status = find_last(forget, &last);
    if (status == SQLITE_OK)
        status =
            nm_sql_number(forget->db, "SELECT disorder_us FROM state", 0, &disorder_us);
    if (disorder_us < DISORDER_MIN_US)
        disorder_us = DISORDER_MIN_US;
    if (status == SQLITE_OK)
        status = bisect(forget, before_us - disorder_us, first, last, &out->upto);
    return status == SQLITE_OK && out->upto > 0 ? read_hash(forget, out) : status;
}

static int forget_mention(struct nm_forget *forget, int64_t text, int64_t sequence)
{
    if (text == 0)
        return SQLITE_OK;
    (void)sqlite3_bind_int64(forget->statements[DELETE_MENTION], 1, text);
    (void)sqlite3_bind_int64(forget->statements[DELETE_MENTION], 2, sequence);
    return nm_sql_run(forget->statements[DELETE_MENTION]);
}

/* A sender is mentioned in lower case. */
static int forget_sender_mention(
    struct nm_forget *forget, int64_t sender, struct nm_bytes value, int64_t sequence)
{
    int64_t lower = 0;
    int status = SQLITE_OK;

    if (sender == 0)
        return SQLITE_OK;
    status = nm_texts_lower(forget->texts, value.data, value.length, sender, &lower);
    return status == SQLITE_OK ? forget_mention(forget, lower, sequence) : status;
}

static int count_down(struct nm_forget *forget, sqlite3_stmt *row)
{
    sqlite3_stmt *down = forget->statements[TALLY_DOWN];
    const int64_t hour = sqlite3_column_int64(row, 2) / INT64_C(3600000000);
    int status;

    (void)sqlite3_bind_int64(down, 1, hour);
    (void)sqlite3_bind_int64(down, 2, sqlite3_column_int64(row, 3));
    (void)sqlite3_bind_int64(down, 3, sqlite3_column_int64(row, 4));
    (void)sqlite3_bind_int64(down, 4, sqlite3_column_int64(row, 5));
    status = nm_sql_run(down);
    return status == SQLITE_OK ? run_at(forget, TALLY_CLEAN, hour) : status;
}

static int cut_row(struct nm_forget *forget, sqlite3_stmt *row)
{
    const int64_t sequence = sqlite3_column_int64(row, 0);
    int status = SQLITE_OK;

    if (sqlite3_column_int(row, 1) == NM_EVENT_DECISION) {
        status = count_down(forget, row);
        for (int at = 6; at <= 8 && status == SQLITE_OK; at++)
            status = forget_mention(forget, sqlite3_column_int64(row, at), sequence);
        if (status == SQLITE_OK)
            status = forget_sender_mention(
                forget, sqlite3_column_int64(row, 9), column(row, 10), sequence);
    } else {
        for (int each = DELETE_ACT; each <= DELETE_SEAL && status == SQLITE_OK; each++)
            status = run_at(forget, (enum statement)each, sequence);
    }
    if (status == SQLITE_OK)
        status = run_at(forget, DELETE_ENDING, sequence);
    return status == SQLITE_OK ? run_at(forget, DELETE_EVENT, sequence) : status;
}

int nm_forget_cut_off(struct nm_forget *forget, uint64_t *events, bool *more)
{
    sqlite3_stmt *rows = forget->statements[CUT_ROWS];
    uint64_t count = 0;
    int status;

    (void)sqlite3_bind_int(rows, 1, CUT_EVENTS);
    while ((status = sqlite3_step(rows)) == SQLITE_ROW) {
        status = cut_row(forget, rows);
        if (status != SQLITE_OK)
            break;
        count++;
    }
    (void)sqlite3_reset(rows);
    *events += count;
    *more = count == CUT_EVENTS;
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* ---- erasing ------------------------------------------------------------ */

/* Put the commitment in the place of a part's salt, unless it is there. */
static bool keep_commitment(struct nm_salts *salts, enum nm_part part,
    const struct nm_hash *texts, size_t count, struct nm_bytes rest)
{
    struct nm_hash commitment;

    if (nm_salts_is_erased(salts, part))
        return false;
    nm_commit(salts, part, texts, count, rest, &commitment);
    nm_salts_erase(salts, part, &commitment);
    return true;
}

static int set_salt(
    struct nm_forget *forget, int64_t sequence, const struct nm_salts *salts)
{
    sqlite3_stmt *set = forget->statements[SET_SALT];

    (void)sqlite3_bind_int64(set, 1, sequence);
    (void)sqlite3_bind_blob(set, 2, salts->bytes, (int)salts->length, SQLITE_STATIC);
    return nm_sql_run(set);
}

/* `parts`: 1 who sent, 2 the recipient. Events that are not chained have no salt, and lose
 * their values without a trace. */
static int erase_decision(struct nm_forget *forget, int64_t sequence, int parts)
{
    sqlite3_stmt *row = forget->statements[VALUES];
    struct nm_salts salts = {.length = 0};
    struct nm_hash texts[3];
    bool salted;
    int status;

    (void)sqlite3_bind_int64(row, 1, sequence);
    status = sqlite3_step(row);
    if (status == SQLITE_ROW) {
        const struct nm_bytes salt = column(row, 0);

        for (int i = 0; i < 3; i++)
            texts[i] = column_digest(row, 2 + i);
        salted = nm_salts_read(salt.data, salt.length, &salts);
        if (salted && (parts & 1) != 0)
            (void)keep_commitment(
                &salts, NM_PART_SENDER, texts, NM_COUNT(texts), column(row, 5));
        if (salted && (parts & 2) != 0)
            (void)keep_commitment(&salts, NM_PART_RECIPIENT, NULL, 0, column(row, 6));
        status = SQLITE_OK;
        if ((parts & 1) != 0)
            status = forget_sender_mention(
                forget, sqlite3_column_int64(row, 1), column(row, 2), sequence);
    }
    (void)sqlite3_reset(row);
    if (status == SQLITE_OK && (parts & 1) != 0)
        status = run_at(forget, ERASE_SENDER, sequence);
    if (status == SQLITE_OK && (parts & 2) != 0)
        status = run_at(forget, ERASE_RECIPIENT, sequence);
    return status == SQLITE_OK && salts.length > 0 ? set_salt(forget, sequence, &salts)
                                                   : status;
}

static int erase_act(struct nm_forget *forget, int64_t sequence, int parts)
{
    sqlite3_stmt *row = forget->statements[ACT_VALUES];
    struct nm_salts salts = {.length = 0};
    struct nm_hash actor;
    int status;

    (void)sqlite3_bind_int64(row, 1, sequence);
    status = sqlite3_step(row);
    if (status == SQLITE_ROW) {
        const struct nm_bytes salt = column(row, 0);

        actor = column_digest(row, 1);
        if (nm_salts_read(salt.data, salt.length, &salts)) {
            if ((parts & 1) != 0)
                (void)keep_commitment(
                    &salts, NM_PART_SENDER, &actor, 1, column(row, 2));
            if ((parts & 2) != 0)
                (void)keep_commitment(
                    &salts, NM_PART_RECIPIENT, NULL, 0, column(row, 3));
        }
        status = SQLITE_OK;
    }
    (void)sqlite3_reset(row);
    if (status == SQLITE_OK && (parts & 1) != 0)
        status = run_at(forget, ERASE_ACTOR, sequence);
    if (status == SQLITE_OK && (parts & 2) != 0)
        status = run_at(forget, ERASE_SUBJECT, sequence);
    return status == SQLITE_OK && salts.length > 0 ? set_salt(forget, sequence, &salts)
                                                   : status;
}

struct found {
    int64_t sequence;
    int parts;
};

/* Find in (after, upto], and erase what was found. `*after` goes on to where the search
 * came. */
static int erase_found(struct nm_forget *forget, enum statement which,
    const char *address, struct nm_bytes keyed, int64_t *after, int64_t upto,
    int (*erase)(struct nm_forget *forget, int64_t sequence, int parts),
    uint64_t *events)
{
    sqlite3_stmt *rows = forget->statements[which];
    struct found found[ERASE_EVENTS];
    size_t count = 0;
    int status;

    (void)sqlite3_bind_int64(rows, 1, *after);
    (void)sqlite3_bind_int64(rows, 2, upto);
    (void)sqlite3_bind_int(rows, 3, ERASE_EVENTS);
    if (address != NULL)
        nm_sql_bind_bytes(rows, 4, address, strlen(address));
    if (sqlite3_bind_parameter_count(rows) >= 5)
        nm_sql_bind_bytes(rows, 5, keyed.data, keyed.length);
    while ((status = sqlite3_step(rows)) == SQLITE_ROW)
        found[count++] =
            (struct found){sqlite3_column_int64(rows, 0), sqlite3_column_int(rows, 1)};
    (void)sqlite3_reset(rows);
    status = status == SQLITE_DONE ? SQLITE_OK : status;
    for (size_t i = 0; i < count && status == SQLITE_OK; i++)
        status = erase(forget, found[i].sequence, found[i].parts);
    *after = count == ERASE_EVENTS ? found[count - 1].sequence : upto;
    *events += count;
    return status;
}

int nm_forget_redact(
    struct nm_forget *forget, int64_t upto, uint64_t *events, bool *more)
{
    int64_t after = 0;
    int64_t first = 0;
    int64_t stretch;
    int status = nm_sql_number(forget->db, "SELECT redacted FROM state", 0, &after);

    if (status == SQLITE_OK)
        status = nm_sql_number(
            forget->db, "SELECT coalesce(min(sequence), 1) - 1 FROM event", 0, &first);
    if (after < first)
        after = first;
    *more = false;
    if (status != SQLITE_OK || after >= upto)
        return status;
    stretch = upto - after < LOOK_EVENTS ? upto : after + LOOK_EVENTS;
    status = erase_found(forget, FIND_ACCEPTED, NULL, (struct nm_bytes){"", 0}, &after,
        stretch, erase_decision, events);
    *more = after < upto;
    return status == SQLITE_OK ? run_at(forget, SET_REDACTED, after) : status;
}

int nm_forget_address(struct nm_forget *forget, const char *address,
    struct nm_bytes keyed, int64_t *after, uint64_t *events, bool *more)
{
    int64_t last = 0;
    int64_t acts_after = *after;
    int64_t stretch;
    int status = find_last(forget, &last);

    *more = false;
    if (status != SQLITE_OK || *after >= last)
        return status;
    stretch = last - *after < LOOK_EVENTS ? last : *after + LOOK_EVENTS;
    status = erase_found(
        forget, FIND_ADDRESS, address, keyed, after, stretch, erase_decision, events);
    while (status == SQLITE_OK && acts_after < *after)
        status = erase_found(
            forget, FIND_ACTS, address, keyed, &acts_after, *after, erase_act, events);
    *more = *after < last;
    return status;
}

/* ---- texts that nothing has any more ------------------------------------ */

static int begin_sweep(struct nm_forget *forget)
{
    struct sweep *sweep = &forget->sweep;
    int64_t greatest = 0;
    const int status = nm_sql_number(
        forget->db, "SELECT coalesce(max(id), 0) FROM text", 0, &greatest);

    if (status != SQLITE_OK)
        return status;
    *sweep = (struct sweep){.count = greatest + 1, .next = 1};
    sweep->used = calloc((size_t)(greatest / 8) + 1, 1);
    return sweep->used != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static void mark_used(struct sweep *sweep, int64_t number)
{
    if (number > 0 && number < sweep->count)
        sweep->used[number / 8] |= (uint8_t)(1U << (number % 8));
}

/* A sender that is seen for the first time: its form in lower case is used too, by
 * mentions that may not be written yet. */
static int mark_sender(struct nm_forget *forget, int64_t number)
{
    struct sweep *sweep = &forget->sweep;
    sqlite3_stmt *query = forget->statements[VALUE_OF];
    int64_t lower = 0;
    int status;

    if (number <= 0 || number >= sweep->count ||
        (sweep->used[number / 8] & (1U << (number % 8))) != 0)
        return SQLITE_OK;
    mark_used(sweep, number);
    (void)sqlite3_bind_int64(query, 1, number);
    status = sqlite3_step(query);
    if (status == SQLITE_ROW) {
        const struct nm_bytes value = column(query, 0);

        status =
            nm_texts_lower(forget->texts, value.data, value.length, number, &lower);
        mark_used(sweep, lower);
    }
    (void)sqlite3_reset(query);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Whether all events were looked at, those that were written meanwhile among them. */
static int look_at_events(struct nm_forget *forget, bool *all)
{
    struct sweep *sweep = &forget->sweep;
    sqlite3_stmt *rows = forget->statements[USED_TEXTS];
    int count = 0;
    int status;

    (void)sqlite3_bind_int64(rows, 1, sweep->looked_upto);
    (void)sqlite3_bind_int(rows, 2, LOOK_EVENTS);
    while ((status = sqlite3_step(rows)) == SQLITE_ROW) {
        sweep->looked_upto = sqlite3_column_int64(rows, 0);
        count++;
        for (int at = 2; at <= 7; at++)
            mark_used(sweep, sqlite3_column_int64(rows, at));
        status = mark_sender(forget, sqlite3_column_int64(rows, 1));
        if (status != SQLITE_OK)
            break;
    }
    (void)sqlite3_reset(rows);
    *all = count < LOOK_EVENTS;
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

static int remove_if_unused(struct nm_forget *forget, int64_t number)
{
    const struct sweep *sweep = &forget->sweep;
    int64_t mentioned = 0;
    int status;

    if ((sweep->used[number / 8] & (1U << (number % 8))) != 0)
        return SQLITE_OK;
    (void)sqlite3_bind_int64(forget->statements[IS_MENTIONED], 1, number);
    status = nm_sql_find(forget->statements[IS_MENTIONED], &mentioned);
    if (status != SQLITE_OK || mentioned != 0)
        return status;
    return run_at(forget, DELETE_TEXT, number);
}

static void end_sweep(struct nm_forget *forget)
{
    free(forget->sweep.used);
    forget->sweep = (struct sweep){.used = NULL};
}

int nm_forget_sweep(struct nm_forget *forget, bool *more)
{
    struct sweep *sweep = &forget->sweep;
    bool all = false;
    int status = sweep->used == NULL ? begin_sweep(forget) : SQLITE_OK;

    *more = true;
    if (status == SQLITE_OK)
        status = look_at_events(forget, &all);
    if (status != SQLITE_OK || !all)
        return status;
    nm_texts_forget(
        forget->texts); /* what is removed gets a new number if it comes back */
    for (int i = 0;
         i < SWEEP_TEXTS && sweep->next < sweep->count && status == SQLITE_OK; i++)
        status = remove_if_unused(forget, sweep->next++);
    *more = sweep->next < sweep->count;
    if (!*more)
        end_sweep(forget);
    return status;
}

/* ---- open and close ----------------------------------------------------- */

static struct nm_bytes argument(sqlite3_value *value)
{
    const char *bytes = sqlite3_value_blob(value);

    return (struct nm_bytes){bytes, (size_t)sqlite3_value_bytes(value)};
}

static void has_address(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const struct nm_bytes text = argument(arguments[0]);
    const struct nm_bytes address = argument(arguments[1]);

    (void)count;
    sqlite3_result_int(context, text.data != NULL && address.data != NULL &&
                                    nm_text_has_address(text, address));
}

int nm_forget_open(sqlite3 *db, struct nm_texts *texts, struct nm_forget **out)
{
    struct nm_forget *forget = calloc(1, sizeof *forget);
    int status = SQLITE_OK;

    if (forget == NULL)
        return SQLITE_NOMEM;
    forget->db = db;
    forget->texts = texts;
    status = sqlite3_create_function(db, "has_address", 2,
        SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, has_address, NULL, NULL);
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        status = nm_sql_prepare(db, sql_of[i], &forget->statements[i]);
    if (status != SQLITE_OK) {
        nm_forget_close(&forget);
        return status;
    }
    *out = forget;
    return SQLITE_OK;
}

void nm_forget_close(struct nm_forget **forget)
{
    if (*forget == NULL)
        return;
    end_sweep(*forget);
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*forget)->statements[i]);
    free(*forget);
    *forget = NULL;
}
