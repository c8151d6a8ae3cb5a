/*
 * Summaries against a model: what hours and notable rows say is counted again from a
 * listing of all rows.
 */
#include "audit_kit.h"

enum { EVENTS = 3000, HOURS_MAX = 16384 };

static const int64_t hour_us = INT64_C(3600000000);

/* Decisions over some days, a third of them worth a note, some with an outcome. */
static void fill(struct kit *kit)
{
    static const char *const senders[] = {"a@example.org", "b@example.org", ""};

    srand(7);
    for (int i = 0; i < EVENTS; i++) {
        struct nm_audit_event events[2];
        const bool near = rand() % 3 == 0;

        kit->now_us += rand() % (hour_us / 4);
        events[0] = kit_decision(kit, "bob@army.ml");
        events[0].sender = kit_bytes(senders[rand() % 3]);
        events[0].match = near ? NM_MATCH_NEAR_MISS : (enum nm_match)(rand() % 6);
        events[0].technique = near ? (enum nm_technique)(1 + rand() % 12) : 0;
        events[0].target = near ? "army.mil" : NULL;
        events[0].confidence = near ? 0.75 : -1;
        events[0].action = near || rand() % 40 == 0 ? (enum nm_action)(rand() % 7) : 0;
        events[0].mode = rand() % 4 == 0 ? NM_MODE_OBSERVE : NM_MODE_ENFORCE;
        events[0].outcome = rand() % 5 == 0   ? NM_OUTCOME_REFUSED
                            : rand() % 5 == 0 ? NM_OUTCOME_QUARANTINED
                                              : NM_OUTCOME_UNKNOWN;
        events[1] = kit_outcome(kit, &events[0], (enum nm_outcome)(1 + rand() % 5));
        kit_record(kit, events, rand() % 9 == 0 ? 1 : 2);
    }
}

/* ---- hours -------------------------------------------------------------- */

struct hours {
    struct nm_audit_hour items[HOURS_MAX];
    size_t count;
    size_t stop_after;
};

static bool collect_hour(void *self, const struct nm_audit_hour *hour)
{
    struct hours *hours = self;

    ck_assert_uint_lt(hours->count, HOURS_MAX);
    hours->items[hours->count++] = *hour;
    return hours->count != hours->stop_after;
}

static uint64_t count_rows(
    const struct kit_rows *rows, const struct nm_audit_hour *hour)
{
    uint64_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct nm_audit_event *decision = &rows->items[i].decision;

        count += decision->time_us - decision->time_us % hour_us == hour->begin_us &&
                 decision->match == hour->match && decision->action == hour->action &&
                 decision->mode == hour->mode;
    }
    return count;
}

static void read_hours(
    struct kit *kit, int64_t since_us, int64_t until_us, struct hours *out)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};

    out->count = 0;
    ck_assert_int_eq(nm_audit_reader_open(kit->path, &reader, &error), NM_OK);
    ck_assert_msg(nm_audit_reader_hours(
                      reader, since_us, until_us, collect_hour, out, &error) == NM_OK,
        "%s", error.message);
    nm_audit_reader_close(&reader);
}

static void assert_hours(struct kit *kit, int64_t since_us, int64_t until_us)
{
    static struct hours hours;
    const struct nm_audit_query query = {.since_us = since_us, .until_us = until_us};
    struct kit_rows rows = {0};
    uint64_t decisions = 0;

    kit_list(kit, &query, &rows);
    read_hours(kit, since_us, until_us, &hours);
    for (size_t i = 0; i < hours.count; i++) {
        ck_assert(i == 0 || hours.items[i - 1].begin_us <= hours.items[i].begin_us);
        ck_assert_uint_eq(hours.items[i].decisions, count_rows(&rows, &hours.items[i]));
        decisions += hours.items[i].decisions;
    }
    ck_assert_uint_eq(decisions, rows.count);
    kit_rows_free(&rows);
}

START_TEST(test_hours__count_what_a_listing_gives)
{
    struct kit kit;

    kit_start(&kit);
    fill(&kit);
    assert_hours(&kit, 0, 0);
    kit_restart(&kit);
    fill(&kit);
    assert_hours(&kit, 0, 0);
    assert_hours(&kit, kit_epoch_us + 7 * hour_us, kit_epoch_us + 80 * hour_us);
    assert_hours(&kit, kit.now_us + hour_us, 0);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_hours__a_gap_of_years_is_skipped)
{
    static struct hours hours;
    struct kit kit;
    struct nm_audit_event event;

    kit_start(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    kit.now_us += 5 * 365 * 24 * hour_us;
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    assert_hours(&kit, 0, 0);
    hours.stop_after = 1;
    read_hours(&kit, 0, 0, &hours);
    ck_assert_uint_eq(hours.count, 1);
    kit_stop(&kit);
}
END_TEST

/* A migration counts what is there. */
START_TEST(test_hours__are_counted_anew_for_a_log_without_them)
{
    struct kit kit;
    struct kit_rows rows = {0};

    kit_start(&kit);
    fill(&kit);
    nm_audit_stop(&kit.audit);
    kit_sql(&kit, "CREATE TABLE was AS SELECT * FROM tally; DELETE FROM tally;"
                  "INSERT INTO tally SELECT time_us / 3600000000, match, action, mode,"
                  " count(*) FROM event WHERE kind = 1 GROUP BY 1, 2, 3, 4;");
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM (SELECT * FROM was"
                                           " EXCEPT SELECT * FROM tally)"),
        0);
    kit_open(&kit);
    assert_hours(&kit, 0, 0);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* ---- notable rows ------------------------------------------------------- */

static void assert_same(const struct nm_audit_row *note, const struct nm_audit_row *row)
{
    const struct nm_audit_event *got = &note->decision;
    const struct nm_audit_event *want = &row->decision;

    ck_assert_int_eq(note->sequence, row->sequence);
    ck_assert_int_eq(got->time_us, want->time_us);
    ck_assert_int_eq(got->match, want->match);
    ck_assert_int_eq(got->technique, want->technique);
    ck_assert_int_eq(got->action, want->action);
    ck_assert_int_eq(got->mode, want->mode);
    ck_assert_int_eq(got->outcome, want->outcome);
    ck_assert_double_eq(got->confidence, want->confidence);
    ck_assert_str_eq(got->domain, want->domain);
    ck_assert_pstr_eq(got->target, want->target);
    ck_assert_pstr_eq(got->rule, want->rule);
    ck_assert_str_eq(got->auth, "");
    ck_assert_str_eq(got->client, "");
    ck_assert_uint_eq(got->sender.length, want->sender.length);
    ck_assert_mem_eq(got->sender.data, want->sender.data, want->sender.length);
    ck_assert_uint_eq(got->recipient.length, 0);
    ck_assert_str_eq(got->id.text, "");
}

static void read_notable(
    struct kit *kit, int64_t since_us, int64_t until_us, struct kit_rows *rows)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};

    rows->count = 0;
    if (rows->arena == NULL)
        ck_assert_int_eq(nm_arena_new(KIT_ROWS_BYTES_MAX, &rows->arena), NM_OK);
    ck_assert_int_eq(nm_audit_reader_open(kit->path, &reader, &error), NM_OK);
    ck_assert_msg(nm_audit_reader_notable(
                      reader, since_us, until_us, kit_collect, rows, &error) == NM_OK,
        "%s", error.message);
    nm_audit_reader_close(&reader);
}

static void assert_notable(struct kit *kit, int64_t since_us, int64_t until_us)
{
    const struct nm_audit_query query = {.since_us = since_us, .until_us = until_us};
    struct kit_rows rows = {0};
    struct kit_rows notes = {0};
    size_t at = 0;

    kit_list(kit, &query, &rows);
    read_notable(kit, since_us, until_us, &notes);
    for (size_t i = 0; i < rows.count; i++) {
        if (rows.items[i].decision.technique == NM_TECHNIQUE_NONE &&
            rows.items[i].decision.action == NM_ACTION_ACCEPT)
            continue;
        ck_assert_uint_lt(at, notes.count);
        assert_same(&notes.items[at++], &rows.items[i]);
    }
    ck_assert_uint_eq(at, notes.count);
    kit_rows_free(&rows);
    kit_rows_free(&notes);
}

START_TEST(test_notable__are_the_rows_that_a_listing_gives)
{
    struct kit kit;

    kit_start(&kit);
    fill(&kit);
    assert_notable(&kit, 0, 0);
    assert_notable(&kit, kit_epoch_us + 7 * hour_us, kit_epoch_us + 80 * hour_us);
    assert_notable(&kit, kit.now_us + hour_us, 0);
    kit_stop(&kit);
}
END_TEST

/* Many of one instant are more than a page holds. */
START_TEST(test_notable__none_of_one_instant_is_lost_between_pages)
{
    struct kit kit;
    struct kit_rows notes = {0};

    kit_start(&kit);
    for (int i = 0; i < 1000; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
    }
    assert_notable(&kit, 0, 0);
    notes.stop_after = 300;
    read_notable(&kit, 0, 0, &notes);
    ck_assert_uint_eq(notes.count, 300);
    kit_rows_free(&notes);
    kit_stop(&kit);
}
END_TEST

/* ---- endings ------------------------------------------------------------ */

static const char wrong_endings[] =
    "SELECT count(*) FROM ending AS e LEFT JOIN (SELECT transaction_id,"
    " max(sequence) AS sequence,"
    " max(CASE outcome WHEN 4 THEN sequence END) AS kept"
    " FROM event WHERE kind = 2 GROUP BY 1) AS t USING (transaction_id)"
    " LEFT JOIN event AS o ON o.sequence = t.sequence"
    " WHERE e.sequence IS NOT t.sequence OR e.kept IS NOT t.kept"
    " OR e.outcome IS NOT o.outcome";

static const char missing_endings[] =
    "SELECT count(*) FROM event WHERE (technique > 0 OR action > 0)"
    " AND transaction_id NOT IN (SELECT transaction_id FROM ending)";

static const char needless_endings[] =
    "SELECT count(*) FROM ending WHERE transaction_id NOT IN"
    " (SELECT transaction_id FROM event WHERE technique > 0 OR action > 0)";

START_TEST(test_endings__say_what_the_events_say)
{
    struct kit kit;
    struct nm_audit_event events[2];

    kit_start(&kit);
    fill(&kit);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, missing_endings), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, needless_endings), 0);
    /* An outcome of which the log heard before the decision, and two after it. */
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_HELD);
    kit_record(&kit, &events[1], 1);
    kit_record(&kit, &events[0], 1);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    assert_notable(&kit, 0, 0);
    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_QUARANTINED);
    kit_record(&kit, &events[1], 1);
    kit_restart(&kit);
    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_PASSED);
    kit_record(&kit, &events[1], 1);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    assert_notable(&kit, 0, 0);
    kit_stop(&kit);
}
END_TEST

/* A log of before there were any: figures are right at once, and quick soon. */
START_TEST(test_endings__are_filled_in_when_nothing_else_is_to_do)
{
    struct kit kit;

    kit_start(&kit);
    fill(&kit);
    nm_audit_stop(&kit.audit);
    kit_sql(&kit, "DELETE FROM ending; UPDATE state SET endings_us = 0");
    assert_notable(&kit, 0, 0);
    kit_open(&kit);
    fill(&kit);
    assert_notable(&kit, 0, 0);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    while (kit_sql_integer(&kit, "SELECT endings_us IS NOT NULL FROM state") != 0)
        usleep(1000);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, missing_endings), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, needless_endings), 0);
    assert_notable(&kit, 0, 0);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_endings__go_with_what_is_cut_off)
{
    struct kit kit;
    struct nm_audit_forgotten done = {.finished = false};
    struct nm_error error = {.code = NM_OK};

    kit_start(&kit);
    fill(&kit);
    ck_assert_msg(
        nm_audit_forget(kit.audit,
            &(struct nm_audit_forget){
                .prune_before_us = kit_epoch_us + 150 * hour_us, .actor = "test"},
            120000, &done, &error) == NM_OK,
        "%s", error.message);
    ck_assert(done.finished);
    ck_assert_uint_gt(done.cut_off, 1000);
    ck_assert_int_eq(kit_sql_integer(&kit, wrong_endings), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, needless_endings), 0);
    assert_notable(&kit, 0, 0);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_span__is_that_of_the_decisions)
{
    struct kit kit;
    struct nm_audit_reader *reader = NULL;
    struct nm_audit_event events[2];
    int64_t first_us = -1;
    int64_t last_us = -1;

    kit_start(&kit);
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, NULL), NM_OK);
    ck_assert_int_eq(nm_audit_reader_span(reader, &first_us, &last_us, NULL), NM_OK);
    ck_assert_int_eq(first_us, 0);
    ck_assert_int_eq(last_us, 0);
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_PASSED);
    kit_record(&kit, events, 2);
    ck_assert_int_eq(nm_audit_reader_span(reader, &first_us, &last_us, NULL), NM_OK);
    ck_assert_int_eq(first_us, kit.now_us);
    ck_assert_int_eq(last_us, kit.now_us);
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

/* A log from elsewhere may hold anything. */
START_TEST(test_summary__codes_that_are_not_known_are_told)
{
    static struct hours hours;
    struct kit kit;
    struct nm_audit_event event;
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};
    struct kit_rows notes = {0};

    kit_start(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    kit_sql(&kit, "UPDATE tally SET action = 99; UPDATE event SET technique = 99;");
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_OK);
    ck_assert_int_eq(
        nm_audit_reader_hours(reader, 0, 0, collect_hour, &hours, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "not known"));
    ck_assert_int_eq(
        nm_audit_reader_notable(reader, 0, 0, kit_collect, &notes, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "not known"));
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary");
    TCase *cases = tcase_create("summary");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_hours__count_what_a_listing_gives);
    tcase_add_test(cases, test_hours__a_gap_of_years_is_skipped);
    tcase_add_test(cases, test_hours__are_counted_anew_for_a_log_without_them);
    tcase_add_test(cases, test_notable__are_the_rows_that_a_listing_gives);
    tcase_add_test(cases, test_notable__none_of_one_instant_is_lost_between_pages);
    tcase_add_test(cases, test_endings__say_what_the_events_say);
    tcase_add_test(cases, test_endings__are_filled_in_when_nothing_else_is_to_do);
    tcase_add_test(cases, test_endings__go_with_what_is_cut_off);
    tcase_add_test(cases, test_span__is_that_of_the_decisions);
    tcase_add_test(cases, test_summary__codes_that_are_not_known_are_told);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
