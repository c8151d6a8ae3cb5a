/*
 * What was appended is what is listed: byte for byte, whatever is asked, compared with a
 * model that looks at every event.
 */
#include "audit_kit.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void assert_bytes(struct nm_bytes got, struct nm_bytes expected)
{
    ck_assert_uint_eq(got.length, expected.length);
    if (expected.length > 0)
        ck_assert_mem_eq(got.data, expected.data, expected.length);
}

static void assert_texts(
    const struct nm_audit_event *got, const struct nm_audit_event *is)
{
    ck_assert_str_eq(got->gateway, is->gateway);
    ck_assert_str_eq(got->client, is->client);
    ck_assert_str_eq(got->auth, is->auth);
    ck_assert_str_eq(got->domain, is->domain);
    ck_assert_pstr_eq(got->target, is->target);
    ck_assert_pstr_eq(got->rule, is->rule);
    ck_assert_str_eq(got->reply, is->reply);
    ck_assert_str_eq(got->config, is->config);
    assert_bytes(got->sender, is->sender);
    assert_bytes(got->recipient, is->recipient);
}

static void assert_decision(
    const struct nm_audit_event *got, const struct nm_audit_event *is)
{
    ck_assert_int_eq(got->kind, NM_EVENT_DECISION);
    ck_assert_str_eq(got->id.text, is->id.text);
    ck_assert_str_eq(got->transaction.text, is->transaction.text);
    ck_assert_int_eq(got->time_us, is->time_us);
    ck_assert_int_eq(got->match, is->match);
    ck_assert_int_eq(got->technique, is->technique);
    ck_assert_double_eq(got->confidence, is->confidence);
    ck_assert_int_eq(got->action, is->action);
    ck_assert_int_eq(got->mode, is->mode);
    assert_texts(got, is);
}

/* ---- rows --------------------------------------------------------------- */

START_TEST(test_list__joins_a_decision_with_its_outcome)
{
    struct kit kit;
    struct nm_audit_event events[2];
    struct kit_rows rows = {0};

    kit_start(&kit);
    events[0] = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, events, 1);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    assert_decision(&rows.items[0].decision, &events[0]);
    ck_assert_int_eq(rows.items[0].decision.outcome, NM_OUTCOME_UNKNOWN);
    ck_assert_int_eq(rows.items[0].outcome_time_us, 0);

    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_HELD);
    kit_record(&kit, &events[1], 1);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    assert_decision(&rows.items[0].decision, &events[0]);
    ck_assert_int_eq(rows.items[0].sequence, 2); /* the log begins with a checkpoint */
    ck_assert_int_eq(rows.items[0].decision.outcome, NM_OUTCOME_HELD);
    ck_assert_int_eq(rows.items[0].outcome_time_us, events[1].time_us);
    ck_assert_str_eq(rows.items[0].decision.queue_id, events[1].queue_id);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__the_last_outcome_counts_but_for_who_was_refused_at_once)
{
    struct kit kit;
    struct nm_audit_event events[4];
    struct kit_rows rows = {0};

    kit_start(&kit);
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[0].outcome = NM_OUTCOME_REFUSED;
    events[1] = kit_decision(&kit, "eve@example.net");
    events[1].transaction = events[0].transaction;
    events[2] = kit_outcome(&kit, &events[0], NM_OUTCOME_PASSED);
    events[3] = kit_outcome(&kit, &events[0], NM_OUTCOME_ABORTED);
    events[3].time_us++;
    kit_record(&kit, events, 4);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    ck_assert_int_eq(rows.items[0].decision.outcome, NM_OUTCOME_REFUSED);
    ck_assert_int_eq(rows.items[0].outcome_time_us, events[0].time_us);
    ck_assert_str_eq(rows.items[0].decision.queue_id, events[2].queue_id);
    ck_assert_int_eq(rows.items[1].decision.outcome, NM_OUTCOME_ABORTED);
    ck_assert_int_eq(rows.items[1].outcome_time_us, events[3].time_us);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__keeps_hostile_bytes_as_they_came)
{
    static const struct nm_bytes hostile[] = {
        {"", 0},
        {NULL, 0},
        {"\0", 1},
        {"bob\0@army.ml", 12},
        {"\xff\xfe@army.ml", 10},
        {"b\xc3\xa4r@army.ml", 12},
        {"'; DROP TABLE event; --", 23},
        {"\r\n\t\x1b[2J", 7},
        {"\xed\xa0\x80", 3},
    };
    struct kit kit;
    struct kit_rows rows = {0};

    kit_start(&kit);
    for (size_t i = 0; i < NM_COUNT(hostile); i++) {
        struct nm_audit_event event = kit_decision(&kit, "");

        event.recipient = hostile[i];
        event.sender = hostile[NM_COUNT(hostile) - 1 - i];
        event.auth = i % 2 == 0 ? "\xff" : "b\xc3\xa4r";
        kit_record(&kit, &event, 1);
    }
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, NM_COUNT(hostile));
    for (size_t i = 0; i < NM_COUNT(hostile); i++) {
        assert_bytes(rows.items[i].decision.recipient, hostile[i]);
        assert_bytes(rows.items[i].decision.sender, hostile[NM_COUNT(hostile) - 1 - i]);
        ck_assert_str_eq(
            rows.items[i].decision.auth, i % 2 == 0 ? "\xff" : "b\xc3\xa4r");
    }
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__takes_large_rows_page_by_page)
{
    enum { LARGE = 1024 * 1024, COUNT = 13 };
    struct kit kit;
    struct kit_rows rows = {0};
    char *recipient = malloc(LARGE);

    ck_assert_ptr_nonnull(recipient);
    memset(recipient, 'x', LARGE);
    kit_start(&kit);
    for (int i = 0; i < COUNT; i++) {
        struct nm_audit_event event = kit_decision(&kit, "");

        event.recipient = (struct nm_bytes){.data = recipient, .length = LARGE};
        recipient[0] = (char)i;
        kit_record(&kit, &event, 1);
    }
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(rows.items[i].decision.recipient.length, LARGE);
        ck_assert_int_eq(rows.items[i].decision.recipient.data[0], (char)i);
    }
    free(recipient);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* ---- the model ---------------------------------------------------------- */

enum { MODEL_MESSAGES = 1300, MODEL_QUERIES = 120, MODEL_RECIPIENTS_MAX = 3 };

/* Each event that was appended, in order, and the queries answered by looking at all. */
struct model {
    unsigned seed;
    struct nm_audit_event events[MODEL_MESSAGES * (MODEL_RECIPIENTS_MAX + 1)];
    int64_t sequences[MODEL_MESSAGES * (MODEL_RECIPIENTS_MAX + 1)];
    enum nm_outcome outcomes[MODEL_MESSAGES * (MODEL_RECIPIENTS_MAX + 1)];
    size_t count;
};

static const char *const model_senders[] = {"alice@example.org", "Alice@Example.org",
    "bob@example.org", "", "\xff@example.org"};
static const char *const model_domains[] = {
    "army.ml", "example.net", "gmial.com", "xn--bcher-kva.example", ""};
static const char *const model_targets[] = {"army.mil", "gmail.com"};
static const char *const model_rules[] = {"mil-ml", "sure", "army.mil"};

static unsigned draw(struct model *model, unsigned below)
{
    return (unsigned)rand_r(&model->seed) / 7 % below;
}

static void make_recipient(
    struct model *model, struct kit *kit, const struct nm_audit_event *message)
{
    struct nm_audit_event *event = &model->events[model->count++];

    *event = kit_decision(kit, draw(model, 2) == 0 ? "Bob@army.ml" : "eve@example.net");
    if (draw(model, 10) == 0)
        event->time_us += 1000; /* an id of another time */
    event->transaction = message->transaction;
    event->sender = message->sender;
    event->domain = model_domains[draw(model, NM_COUNT(model_domains))];
    event->match = (enum nm_match)draw(model, NM_MATCH_COUNT);
    event->action = (enum nm_action)draw(model, NM_ACTION_COUNT);
    event->outcome =
        event->action == NM_ACTION_REJECT ? NM_OUTCOME_REFUSED : NM_OUTCOME_UNKNOWN;
    event->rule = draw(model, 3) > 0 ? model_rules[draw(model, 3)] : NULL;
    if (event->match == NM_MATCH_NEAR_MISS) {
        event->target = model_targets[draw(model, NM_COUNT(model_targets))];
        event->technique = (enum nm_technique)(1 + draw(model, NM_TECHNIQUE_COUNT - 1));
    } else {
        event->target = NULL;
        event->technique = NM_TECHNIQUE_NONE;
        event->confidence = -1;
    }
}

/* The clock runs, stands, stumbles, and is once set back by an hour. */
static void move_clock(struct model *model, struct kit *kit, size_t message)
{
    kit->now_us += draw(model, 5) == 0 ? 0 : (int64_t)draw(model, 2000000);
    if (draw(model, 10) == 0)
        kit->now_us -= 1500000;
    if (message == MODEL_MESSAGES / 2)
        kit->now_us -= (int64_t)3600 * 1000000;
}

static enum nm_outcome find_outcome(const struct model *model, size_t at)
{
    const struct nm_audit_event *event = &model->events[at];
    enum nm_outcome outcome = event->outcome;

    for (size_t i = at + 1; i < model->count && outcome == NM_OUTCOME_UNKNOWN; i++)
        if (model->events[i].kind == NM_EVENT_OUTCOME &&
            strcmp(model->events[i].transaction.text, event->transaction.text) == 0)
            outcome = model->events[i].outcome;
    return outcome;
}

static void make_model(struct model *model, struct kit *kit)
{
    for (size_t i = 0; i < MODEL_MESSAGES; i++) {
        struct nm_audit_event message;
        const size_t first = model->count;

        move_clock(model, kit, i);
        message = kit_decision(kit, "");
        message.sender = kit_bytes(model_senders[draw(model, NM_COUNT(model_senders))]);
        for (unsigned n = 1 + draw(model, MODEL_RECIPIENTS_MAX); n > 0; n--)
            make_recipient(model, kit, &message);
        if (draw(model, 10) > 0)
            model->events[model->count++] = kit_outcome(kit, &model->events[first],
                (enum nm_outcome)(1 + draw(model, NM_OUTCOME_COUNT - 1)));
    }
    for (size_t i = 0; i < model->count; i++)
        model->outcomes[i] = find_outcome(model, i);
}

static bool same_bytes(struct nm_bytes bytes, const char *text)
{
    char copy[64] = "";

    memcpy(copy, bytes.data, bytes.length);
    return nm_ascii_equal_nocase(copy, text);
}

static bool model_fits_texts(
    const struct nm_audit_event *event, const struct nm_audit_query *query)
{
    return (query->domain == NULL || strcmp(event->domain, query->domain) == 0) &&
           (query->target == NULL ||
               (event->target != NULL && strcmp(event->target, query->target) == 0)) &&
           (query->rule == NULL ||
               (event->rule != NULL && strcmp(event->rule, query->rule) == 0)) &&
           (query->sender == NULL || same_bytes(event->sender, query->sender)) &&
           (query->recipient == NULL || same_bytes(event->recipient, query->recipient));
}

static bool model_fits(
    const struct model *model, size_t at, const struct nm_audit_query *query)
{
    const struct nm_audit_event *event = &model->events[at];

    if (event->kind != NM_EVENT_DECISION || !model_fits_texts(event, query))
        return false;
    if (query->since_us != 0 && event->time_us < query->since_us)
        return false;
    if (query->until_us != 0 && event->time_us >= query->until_us)
        return false;
    if (query->reference != NULL && strcmp(event->id.text, query->reference) != 0 &&
        strcmp(event->transaction.text, query->reference) != 0)
        return false;
    if (query->action != NULL &&
        strcmp(nm_action_name(event->action), query->action) != 0)
        return false;
    if (query->technique != NULL &&
        strcmp(nm_technique_name(event->technique), query->technique) != 0)
        return false;
    if (query->match != NULL && strcmp(nm_match_name(event->match), query->match) != 0)
        return false;
    if (query->outcome != NULL &&
        strcmp(nm_outcome_name(model->outcomes[at]), query->outcome) != 0)
        return false;
    return model->sequences[at] > query->after_sequence;
}

/* `whole` compares all that a row says. */
static void compare(struct model *model, struct kit *kit, struct kit_rows *rows,
    const struct nm_audit_query *query, bool whole)
{
    static size_t expected[NM_COUNT(model->events)];
    size_t count = 0;
    size_t skip;

    for (size_t i = 0; i < model->count; i++)
        if (model_fits(model, i, query))
            expected[count++] = i;
    skip = query->newest > 0 && count > query->newest ? count - query->newest : 0;
    kit_list(kit, query, rows);
    ck_assert_uint_eq(rows->count, count - skip);
    for (size_t i = 0; i < rows->count; i++) {
        const struct nm_audit_row *row = &rows->items[i];
        const size_t at = expected[skip + i];

        if (row->sequence != model->sequences[at] ||
            row->decision.outcome != model->outcomes[at])
            ck_abort_msg("row %zu: %lld is not %lld", i, (long long)row->sequence,
                (long long)model->sequences[at]);
        if (whole)
            assert_decision(&row->decision, &model->events[at]);
    }
}

static int64_t some_time(struct model *model)
{
    return model->events[draw(model, (unsigned)model->count)].time_us +
           (int64_t)draw(model, 3) - 1;
}

static void ask(struct model *model, struct nm_audit_query *query,
    const struct nm_audit_event *event)
{
    switch (draw(model, 14)) {
    case 0:
        query->since_us = some_time(model);
        break;
    case 1:
        query->until_us = some_time(model);
        break;
    case 2:
        query->domain = event->domain[0] != '\0' ? event->domain : "army.ml";
        break;
    case 3:
        query->target = model_targets[draw(model, NM_COUNT(model_targets))];
        break;
    case 4:
        query->sender = model_senders[draw(model, NM_COUNT(model_senders))];
        break;
    case 5:
        query->recipient = "bob@ARMY.ml";
        break;
    case 6:
        query->rule = model_rules[draw(model, NM_COUNT(model_rules))];
        break;
    case 7:
        query->action = nm_action_name(event->action);
        break;
    case 8:
        query->technique = event->technique != NM_TECHNIQUE_NONE
                               ? nm_technique_name(event->technique)
                               : "suffix";
        break;
    case 9:
        query->match = nm_match_name(event->match);
        break;
    case 10:
        query->outcome =
            nm_outcome_name((enum nm_outcome)draw(model, NM_OUTCOME_COUNT));
        break;
    case 11:
        query->newest = 1 + draw(model, 700);
        break;
    case 12:
        query->after_sequence = (int64_t)draw(model, (unsigned)model->count + 2);
        break;
    default:
        query->reference =
            draw(model, 2) == 0 ? event->id.text : event->transaction.text;
    }
}

static const struct nm_audit_event *some_decision(struct model *model)
{
    const struct nm_audit_event *event;

    do
        event = &model->events[draw(model, (unsigned)model->count)];
    while (event->kind != NM_EVENT_DECISION);
    return event;
}

static void record_model(
    struct kit *kit, const struct model *model, size_t first, size_t end)
{
    enum { GROUP = 100 };

    for (size_t at = first; at < end; at += GROUP)
        kit_record(kit, &model->events[at], end - at < GROUP ? end - at : GROUP);
}

/* The log has events of its own between those of the model. */
static void find_sequences(const struct kit *kit, struct model *model)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;

    ck_assert_int_eq(sqlite3_open(kit->path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                         "SELECT sequence FROM event WHERE kind IN (1, 2) ORDER BY 1",
                         -1, &rows, NULL),
        SQLITE_OK);
    for (size_t i = 0; i < model->count; i++) {
        ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
        model->sequences[i] = sqlite3_column_int64(rows, 0);
    }
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
}

START_TEST(test_list__agrees_with_a_model_that_looks_at_every_event)
{
    static struct model model;
    struct kit_rows rows = {0};
    struct kit kit;
    size_t part;

    model = (struct model){.seed = 20240601};
    kit_start(&kit);
    make_model(&model, &kit);
    part = model.count * 3 / 4;
    record_model(&kit, &model, 0, part);
    while (kit_sql_integer(&kit, "SELECT indexed FROM state") == 0)
        usleep(1000); /* the writer has nothing else to do */
    kit_restart(&kit);
    record_model(&kit, &model, part, model.count);
    find_sequences(&kit, &model);
    compare(&model, &kit, &rows, &(struct nm_audit_query){0}, true);
    for (int i = 0; i < MODEL_QUERIES; i++) {
        struct nm_audit_query query = {0};

        for (unsigned n = 1 + draw(&model, 3); n > 0; n--)
            ask(&model, &query, some_decision(&model));
        compare(&model, &kit, &rows, &query, false);
    }
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__a_busy_writer_keeps_its_index_up)
{
    enum { EVENTS = 12000 };
    struct kit kit;
    struct kit_rows rows = {0};
    uint64_t ticket = 0;
    struct nm_error error;

    kit_start(&kit);
    for (int i = 0; i < EVENTS; i++) {
        struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        event.domain = i % 100 == 0 ? "example.net" : "army.ml";
        ck_assert_int_eq(kit.port.append(kit.port.self, &event, 1, &ticket), NM_OK);
    }
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, &error), NM_OK);
    kit_list(&kit, &(struct nm_audit_query){.domain = "example.net"}, &rows);
    ck_assert_uint_eq(rows.count, EVENTS / 100);
    while (kit_sql_integer(&kit, "SELECT indexed FROM state") < EVENTS / 2)
        usleep(1000);
    kit_list(&kit, &(struct nm_audit_query){.domain = "example.net"}, &rows);
    ck_assert_uint_eq(rows.count, EVENTS / 100);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__a_mention_is_not_made_twice_after_a_crash_in_a_round)
{
    struct kit kit;
    struct kit_rows rows = {0};
    const struct nm_audit_query query = {.sender = "alice@example.org"};

    kit_start(&kit);
    for (int i = 0; i < 3000; i += 100) {
        struct nm_audit_event events[100];

        for (int j = 0; j < 100; j++)
            events[j] = kit_decision(&kit, "bob@army.ml");
        kit_record(&kit, events, 100);
    }
    while (kit_sql_integer(&kit, "SELECT indexed FROM state") == 0)
        usleep(1000);
    nm_audit_stop(&kit.audit);
    /* As if the round had ended before it could say so. */
    kit_sql(&kit, "UPDATE state SET indexed = 0");
    kit_open(&kit);
    while (kit_sql_integer(&kit, "SELECT indexed FROM state") == 0)
        usleep(1000);
    kit_list(&kit, &query, &rows);
    ck_assert_uint_eq(rows.count, 3000);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* ---- references and options --------------------------------------------- */

START_TEST(test_list__finds_a_reference_however_it_is_typed)
{
    struct kit kit;
    struct nm_audit_event events[3];
    struct kit_rows rows = {0};
    char typed[NM_ID_LENGTH + 1];

    kit_start(&kit);
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[1] = kit_decision(&kit, "eve@example.net");
    events[1].transaction = events[0].transaction;
    events[2] = kit_outcome(&kit, &events[0], NM_OUTCOME_PASSED);
    kit_record(&kit, events, 3);

    for (size_t i = 0; i <= NM_ID_LENGTH; i++)
        typed[i] = events[1].id.text[i] == '0'   ? 'o'
                   : events[1].id.text[i] == '1' ? 'l'
                                                 : nm_ascii_lower(events[1].id.text[i]);
    kit_list(&kit, &(struct nm_audit_query){.reference = typed}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    ck_assert_str_eq(rows.items[0].decision.id.text, events[1].id.text);
    kit_list(
        &kit, &(struct nm_audit_query){.reference = events[0].transaction.text}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    kit_list(&kit, &(struct nm_audit_query){.reference = "4bXyZ12Tz9z3P"}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    kit_list(&kit, &(struct nm_audit_query){.reference = "4bXyZ12Tz9z3Q"}, &rows);
    ck_assert_uint_eq(rows.count, 0);
    kit_list(&kit, &(struct nm_audit_query){.reference = "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
        &rows);
    ck_assert_uint_eq(rows.count, 0);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__names_what_no_filter_has)
{
    static const struct {
        struct nm_audit_query query;
        const char *message;
    } rows[] = {
        {{.action = "explode"}, "there is no action `explode`"},
        {{.technique = "magic"}, "there is no technique `magic`"},
        {{.match = "maybe"}, "there is no match `maybe`"},
        {{.outcome = "lost"}, "there is no outcome `lost`"},
    };
    struct kit kit;
    struct kit_rows none = {0};

    kit_start(&kit);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_error error = {.code = NM_OK};

        ck_assert_int_eq(
            kit_try_list(&kit, &rows[i].query, &none, &error), NM_BAD_INPUT);
        ck_assert_str_eq(error.message, rows[i].message);
    }
    kit_rows_free(&none);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__stops_when_told_to)
{
    struct kit kit;
    struct kit_rows rows = {.stop_after = 3};

    kit_start(&kit);
    for (int i = 0; i < 10; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
    }
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 3);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* A callback that writes and copies the whole write-ahead log while it is called: no read
 * transaction of the listing may be in its way. */
struct meddler {
    struct kit *kit;
    size_t rows;
};

static bool meddle(void *self, const struct nm_audit_row *row)
{
    struct meddler *meddler = self;
    const struct nm_audit_event event = kit_decision(meddler->kit, "late@example.net");

    ck_assert_uint_eq(row->decision.recipient.length, strlen("bob@army.ml"));
    kit_record(meddler->kit, &event, 1);
    ck_assert_int_eq(
        kit_sql_integer(meddler->kit, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    meddler->rows++;
    return true;
}

START_TEST(test_list__a_slow_reader_holds_nothing_and_sees_nothing_new)
{
    struct kit kit;
    struct meddler meddler = {.kit = &kit};
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};

    kit_start(&kit);
    for (int i = 0; i < 10; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
    }
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_OK);
    ck_assert_int_eq(nm_audit_reader_list(
                         reader, &(struct nm_audit_query){0}, meddle, &meddler, &error),
        NM_OK);
    ck_assert_uint_eq(meddler.rows, 10);
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_list__gives_the_text_of_a_configuration)
{
    struct kit kit;
    struct nm_audit_event event;
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};
    char *text;

    kit_start(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "mode = 1;\n"), NM_OK);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "mode = 1;\n"), NM_OK);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "ff00", "mode = 2;\n"), NM_OK);
    kit_restart(&kit);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "forged"), NM_OK);
    kit_restart(&kit);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM config"), 2);
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_OK);
    text = nm_audit_reader_config(reader, "00ff");
    ck_assert_pstr_eq(text, "mode = 1;\n");
    free(text);
    ck_assert_ptr_null(nm_audit_reader_config(reader, "unheard of"));
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

/* ---- rights ------------------------------------------------------------- */

static bool list_as_reviewer(struct kit *kit, size_t expected)
{
    enum { REVIEWER_USER = 65534, REVIEWER_GROUP = 54321 };
    const gid_t group = REVIEWER_GROUP;
    int status = -1;
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct kit_rows rows = {0};
        struct nm_error error = {.code = NM_OK};
        bool good = setgroups(1, &group) == 0 && setgid(REVIEWER_GROUP) == 0 &&
                    setuid(REVIEWER_USER) == 0 && access(kit->path, W_OK) != 0;

        good = good &&
               kit_try_list(kit, &(struct nm_audit_query){0}, &rows, &error) == NM_OK;
        if (!good)
            fprintf(stderr, "the reviewer: %s\n", error.message);
        _exit(good && rows.count == expected ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void give_to_reviewers(const struct kit *kit)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    ck_assert_int_eq(chown(kit->folder, 0, 54321), 0);
    ck_assert_int_eq(chmod(kit->folder, 0750), 0);
    for (size_t i = 0; i < NM_COUNT(suffixes); i++) {
        char path[KIT_PATH_MAX + 8];

        (void)snprintf(path, sizeof path, "%s%s", kit->path, suffixes[i]);
        if (access(path, F_OK) == 0)
            ck_assert_int_eq(chown(path, 0, 54321), 0);
    }
}

START_TEST(test_list__reviewers_read_with_the_rights_of_a_group)
{
    struct kit kit;
    struct nm_audit_event event;
    char path[KIT_PATH_MAX + 8];

    if (geteuid() != 0) {
        printf("skipped: only root can become another user\n");
        return;
    }
    kit_start(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    give_to_reviewers(&kit);
    ck_assert(list_as_reviewer(&kit, 1)); /* while the daemon runs, */
    nm_audit_stop(&kit.audit);
    ck_assert(list_as_reviewer(&kit, 1)); /* when it has stopped, */
    (void)snprintf(path, sizeof path, "%s-shm", kit.path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(list_as_reviewer(&kit, 1)); /* and of a copy without the side files */
    (void)snprintf(path, sizeof path, "%s-wal", kit.path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(list_as_reviewer(&kit, 1));
    kit_free(&kit);
}
END_TEST

START_TEST(test_list__files_have_their_mode_whatever_the_umask)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    static const mode_t masks[] = {0, 022, 077, 0777};

    for (size_t i = 0; i < NM_COUNT(masks); i++) {
        struct kit kit;
        struct nm_audit_event event;
        mode_t before;

        kit_init(&kit);
        before = umask(masks[i]);
        kit_open(&kit);
        event = kit_decision(&kit, "bob@army.ml");
        kit_record(&kit, &event, 1);
        (void)umask(before);
        for (size_t j = 0; j < NM_COUNT(suffixes); j++) {
            char path[KIT_PATH_MAX + 8];
            struct stat found;

            (void)snprintf(path, sizeof path, "%s%s", kit.path, suffixes[j]);
            ck_assert_int_eq(stat(path, &found), 0);
            ck_assert_uint_eq(found.st_mode & 07777, 0640);
        }
        kit_stop(&kit);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("list");
    TCase *cases = tcase_create("list");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_list__joins_a_decision_with_its_outcome);
    tcase_add_test(
        cases, test_list__the_last_outcome_counts_but_for_who_was_refused_at_once);
    tcase_add_test(cases, test_list__keeps_hostile_bytes_as_they_came);
    tcase_add_test(cases, test_list__takes_large_rows_page_by_page);
    tcase_add_test(cases, test_list__agrees_with_a_model_that_looks_at_every_event);
    tcase_add_test(cases, test_list__a_busy_writer_keeps_its_index_up);
    tcase_add_test(
        cases, test_list__a_mention_is_not_made_twice_after_a_crash_in_a_round);
    tcase_add_test(cases, test_list__finds_a_reference_however_it_is_typed);
    tcase_add_test(cases, test_list__names_what_no_filter_has);
    tcase_add_test(cases, test_list__stops_when_told_to);
    tcase_add_test(cases, test_list__a_slow_reader_holds_nothing_and_sees_nothing_new);
    tcase_add_test(cases, test_list__gives_the_text_of_a_configuration);
    tcase_add_test(cases, test_list__reviewers_read_with_the_rights_of_a_group);
    tcase_add_test(cases, test_list__files_have_their_mode_whatever_the_umask);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
