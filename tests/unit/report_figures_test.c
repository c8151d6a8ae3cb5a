/*
 * Figures against a model: decisions at random are counted once by the report and once
 * by looking at all of them.
 */
#include "report/report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 5000, TEXT = 32 };

static const int64_t hour_us = INT64_C(3600000000);
static const int64_t day_us = INT64_C(86400000000);
static const int64_t begin_us = INT64_C(1772323200000000); /* 2026-03-01 */

/* ---- fates -------------------------------------------------------------- */

static const struct {
    enum nm_action action;
    enum nm_mode mode;
    enum nm_outcome outcome;
    enum nm_fate fate;
} fates[] = {
    {NM_ACTION_REJECT, NM_MODE_ENFORCE, NM_OUTCOME_REFUSED, NM_FATE_STOPPED},
    {NM_ACTION_DEFER, NM_MODE_ENFORCE, NM_OUTCOME_REFUSED, NM_FATE_STOPPED},
    /* The message was refused for another recipient. */
    {NM_ACTION_ACCEPT, NM_MODE_ENFORCE, NM_OUTCOME_REFUSED, NM_FATE_STOPPED},
    {NM_ACTION_HOLD, NM_MODE_ENFORCE, NM_OUTCOME_HELD, NM_FATE_KEPT},
    {NM_ACTION_TAG, NM_MODE_ENFORCE, NM_OUTCOME_HELD, NM_FATE_KEPT},
    {NM_ACTION_QUARANTINE, NM_MODE_ENFORCE, NM_OUTCOME_QUARANTINED, NM_FATE_KEPT},
    /* It was to be taken off and was not. */
    {NM_ACTION_QUARANTINE, NM_MODE_ENFORCE, NM_OUTCOME_PASSED, NM_FATE_PASSED},
    {NM_ACTION_QUARANTINE, NM_MODE_OBSERVE, NM_OUTCOME_PASSED, NM_FATE_OBSERVED},
    {NM_ACTION_TAG, NM_MODE_ENFORCE, NM_OUTCOME_PASSED, NM_FATE_MARKED},
    {NM_ACTION_TAG, NM_MODE_OBSERVE, NM_OUTCOME_PASSED, NM_FATE_OBSERVED},
    {NM_ACTION_REJECT, NM_MODE_OBSERVE, NM_OUTCOME_PASSED, NM_FATE_OBSERVED},
    {NM_ACTION_ACCEPT, NM_MODE_ENFORCE, NM_OUTCOME_PASSED, NM_FATE_PASSED},
    {NM_ACTION_ACCEPT, NM_MODE_OBSERVE, NM_OUTCOME_PASSED, NM_FATE_PASSED},
    {NM_ACTION_TAG, NM_MODE_ENFORCE, NM_OUTCOME_ABORTED, NM_FATE_UNFINISHED},
    {NM_ACTION_TAG, NM_MODE_ENFORCE, NM_OUTCOME_UNKNOWN, NM_FATE_UNFINISHED},
};

START_TEST(test_fate__says_what_became_of_a_recipient)
{
    const struct nm_audit_event decision = {.action = fates[_i].action,
        .mode = fates[_i].mode,
        .outcome = fates[_i].outcome};

    ck_assert_int_eq(nm_fate_of(&decision), fates[_i].fate);
}
END_TEST

/* ---- the model ---------------------------------------------------------- */

struct event {
    struct nm_audit_event decision;
    char sender[TEXT];
    char domain[TEXT];
    char target[TEXT];
    char rule[TEXT];
};

static struct event events[EVENTS];

static void make_events(int64_t span_us)
{
    int64_t time_us = begin_us;

    srand(11);
    for (int i = 0; i < EVENTS; i++) {
        struct event *event = &events[i];
        const bool near = rand() % 5 != 0;

        time_us += rand() % (2 * span_us / EVENTS + 1);
        (void)snprintf(event->sender, TEXT, "u%d@d%d.example", rand() % 40, rand() % 7);
        (void)snprintf(event->domain, TEXT, "x%d.ml", rand() % 60);
        (void)snprintf(event->target, TEXT, "x%d.mil", rand() % 20);
        (void)snprintf(event->rule, TEXT, "r%d", rand() % 5);
        event->decision = (struct nm_audit_event){
            .kind = NM_EVENT_DECISION,
            .time_us = time_us,
            .sender = {event->sender, rand() % 50 == 0 ? 0 : strlen(event->sender)},
            .domain = event->domain,
            .match = near ? NM_MATCH_NEAR_MISS : NM_MATCH_NONE,
            .target = near ? event->target : NULL,
            .technique = near ? (enum nm_technique)(1 + rand() % 12) : 0,
            .confidence = near ? 0.5 + rand() % 50 / 100.0 : -1,
            .rule = rand() % 9 == 0 ? NULL : event->rule,
            .action = near ? (enum nm_action)(rand() % 7) : NM_ACTION_REJECT,
            .outcome = (enum nm_outcome)(rand() % 6),
        };
    }
}

static struct nm_report *report_of_events(int64_t since_us, int64_t until_us)
{
    struct nm_report *report = NULL;

    ck_assert_int_eq(nm_report_new(since_us, until_us, &report), NM_OK);
    for (int i = 0; i < EVENTS; i++)
        ck_assert_int_eq(nm_report_note(report, i + 1, &events[i].decision), NM_OK);
    nm_report_settle(report);
    return report;
}

/* Whether a decision belongs to a group of this dimension. */
static bool belongs(const struct nm_audit_event *decision, enum nm_dimension dimension,
    const struct nm_group *group)
{
    const char *at;
    struct nm_bytes name = {"", 0};

    if (dimension < NM_BY_RULE && decision->technique == NM_TECHNIQUE_NONE)
        return false;
    if (dimension == NM_BY_TARGET)
        name.data = decision->target;
    else if (dimension == NM_BY_TECHNIQUE)
        name.data = nm_technique_name(decision->technique);
    else if (dimension == NM_BY_RULE)
        name.data = decision->rule;
    else if (dimension == NM_BY_ACTION)
        name.data = nm_action_name(decision->action);
    else if (dimension != NM_BY_SENDERS)
        name.data = decision->domain;
    else if (decision->sender.length > 0 && (at = strchr(decision->sender.data, '@')))
        name.data = at + 1;
    if (name.data == NULL)
        return false;
    if (dimension == NM_BY_HABIT &&
        (decision->sender.length != group->sender.length ||
            memcmp(decision->sender.data, group->sender.data, group->sender.length) !=
                0))
        return false;
    return strlen(name.data) == group->name.length &&
           memcmp(name.data, group->name.data, group->name.length) == 0;
}

static void assert_group(enum nm_dimension dimension, const struct nm_group *group)
{
    uint64_t count = 0;
    uint64_t days = 0;
    int64_t day = -1;
    int64_t newest = 0;
    uint64_t became[NM_FATE_COUNT] = {0};

    for (int i = 0; i < EVENTS; i++) {
        const struct nm_audit_event *decision = &events[i].decision;

        if (!belongs(decision, dimension, group))
            continue;
        count++;
        became[nm_fate_of(decision)]++;
        days += decision->time_us / day_us != day;
        day = decision->time_us / day_us;
        newest = i + 1;
        if (count == 1)
            ck_assert_int_eq(group->first_us, decision->time_us);
        if (count == group->count)
            ck_assert_int_eq(group->last_us, decision->time_us);
    }
    ck_assert_uint_eq(group->count, count);
    ck_assert_uint_eq(group->days, days);
    ck_assert_mem_eq(group->fates, became, sizeof became);
    ck_assert_uint_eq(
        group->newest_count, count < NM_REPORT_NEWEST ? count : NM_REPORT_NEWEST);
    ck_assert_int_eq(group->newest[group->newest_count - 1], newest);
}

static void assert_senders(const struct nm_group *domain)
{
    uint64_t senders = 0;

    for (int i = 0; i < EVENTS; i++) {
        bool known = !belongs(&events[i].decision, NM_BY_DOMAIN, domain);

        for (int j = 0; j < i && !known; j++)
            known =
                belongs(&events[j].decision, NM_BY_DOMAIN, domain) &&
                events[i].decision.sender.length == events[j].decision.sender.length &&
                memcmp(events[i].decision.sender.data, events[j].decision.sender.data,
                    events[j].decision.sender.length) == 0;
        senders += !known;
    }
    ck_assert_uint_eq(domain->senders, senders);
}

START_TEST(test_report__groups_are_those_of_the_model)
{
    struct nm_report *report;

    make_events(20 * day_us);
    report = report_of_events(begin_us, begin_us + 25 * day_us);
    for (int dimension = 0; dimension < NM_DIMENSION_COUNT; dimension++) {
        const struct nm_groups *groups = &report->by[dimension];

        ck_assert_uint_gt(groups->count, 0);
        for (size_t i = 0; i < groups->count; i++) {
            assert_group((enum nm_dimension)dimension, groups->items[i]);
            ck_assert(i == 0 || groups->items[i - 1]->count >= groups->items[i]->count);
        }
    }
    for (size_t i = 0; i < 5; i++)
        assert_senders(report->by[NM_BY_DOMAIN].items[i]);
    nm_report_free(&report);
}
END_TEST

START_TEST(test_report__totals_are_those_of_the_model)
{
    struct nm_report *report;
    uint64_t near = 0;
    uint64_t in_buckets = 0;

    make_events(20 * day_us);
    report = report_of_events(begin_us, begin_us + 25 * day_us);
    for (int i = 0; i < EVENTS; i++)
        near += events[i].decision.technique != NM_TECHNIQUE_NONE;
    ck_assert_uint_eq(report->near_misses, near);
    ck_assert_uint_eq(report->acted_on, EVENTS - near);
    for (size_t i = 0; i < report->bucket_count; i++)
        in_buckets += report->buckets[i].near_misses;
    ck_assert_uint_eq(in_buckets, near);
    nm_report_free(&report);
}
END_TEST

/* ---- spans -------------------------------------------------------------- */

static const struct {
    int64_t since_us;
    int64_t until_us;
    int64_t bucket_us;
    size_t buckets;
} spans[] = {
    {INT64_C(1772323200000000), INT64_C(1772323200000000), 3600000000, 1},
    {INT64_C(1772323200000001), INT64_C(1772326800000000), 3600000000, 1},
    {INT64_C(1772323200000001), INT64_C(1772326800000001), 3600000000, 2},
    {INT64_C(1772323200000000), INT64_C(1772582400000000), 3600000000, 72},
    /* A little more than three days, begun at noon: by days from midnight. */
    {INT64_C(1772366400000000), INT64_C(1772629200000000), 86400000000, 4},
    {INT64_C(1772323200000000), INT64_C(1774915200000000), 86400000000, 30},
    {INT64_C(1772323200000000), INT64_C(1780963200000000), 86400000000, 100},
    {INT64_C(1772323200000000), INT64_C(1780963200000001), 604800000000, 15},
    {INT64_C(1772323200000000), INT64_C(1803859200000000), 604800000000, 53},
    {0, INT64_C(1772323200000000), 18144000000000, 98},
};

START_TEST(test_report__a_span_is_cut_into_columns)
{
    struct nm_report *report = NULL;
    const struct nm_bucket *last;

    ck_assert_int_eq(
        nm_report_new(spans[_i].since_us, spans[_i].until_us, &report), NM_OK);
    ck_assert_int_eq(report->bucket_us, spans[_i].bucket_us);
    ck_assert_uint_eq(report->bucket_count, spans[_i].buckets);
    ck_assert_int_eq(report->since_us, report->buckets[0].begin_us);
    ck_assert_int_le(report->since_us, spans[_i].since_us);
    ck_assert_int_ge(report->until_us, spans[_i].until_us);
    last = &report->buckets[report->bucket_count - 1];
    ck_assert_int_ge(last->begin_us + report->bucket_us, report->until_us);
    nm_report_free(&report);
}
END_TEST

START_TEST(test_report__counts_what_lies_in_its_span_and_before)
{
    struct nm_report *report = NULL;

    ck_assert_int_eq(nm_report_new(begin_us, begin_us + 10 * day_us, &report), NM_OK);
    nm_report_count(report, begin_us - hour_us, NM_MATCH_NEAR_MISS, 3);
    nm_report_count(report, begin_us - hour_us, NM_MATCH_NONE, 100);
    nm_report_count(report, begin_us, NM_MATCH_NONE, 40);
    nm_report_count(report, begin_us + 9 * day_us + 23 * hour_us, NM_MATCH_KNOWN, 2);
    nm_report_count(report, begin_us + 10 * day_us, NM_MATCH_KNOWN, 7);
    ck_assert(report->has_before);
    ck_assert_uint_eq(report->before, 3);
    ck_assert_uint_eq(report->recipients, 42);
    ck_assert_uint_eq(report->by_match[NM_MATCH_KNOWN], 2);
    ck_assert_uint_eq(report->buckets[0].recipients, 40);
    ck_assert_uint_eq(report->buckets[9].recipients, 2);
    nm_report_free(&report);
}
END_TEST

/* ---- what is pointed out ------------------------------------------------ */

static void note(struct nm_report *report, const char *sender, const char *domain,
    double confidence, int day)
{
    const struct nm_audit_event decision = {.kind = NM_EVENT_DECISION,
        .time_us = begin_us + day * day_us,
        .sender = {sender, strlen(sender)},
        .domain = domain,
        .match = NM_MATCH_NEAR_MISS,
        .target = "army.mil",
        .technique = NM_TECHNIQUE_SUFFIX,
        .confidence = confidence,
        .action = NM_ACTION_TAG};

    ck_assert_int_eq(nm_report_note(report, 1, &decision), NM_OK);
}

START_TEST(test_report__points_out_habits_and_what_may_be_meant)
{
    struct nm_report *report = NULL;
    const struct nm_group *found[2];

    ck_assert_int_eq(nm_report_new(begin_us, begin_us + 10 * day_us, &report), NM_OK);
    for (int day = 0; day < 4; day++) {
        char sender[TEXT];

        (void)snprintf(sender, TEXT, "u%d@example.org", day);
        note(report, sender, "doubted.example", 0.6, day);
        note(report, sender, "more-doubted.example", 0.5, day);
        note(report, sender, "sure.example", 0.99, day);
        note(report, sender, "least.example", 0.8, day);
        note(report, "device@example.org", "habit.example", 0.5, day);
        note(report, sender, "one-day.example", 0.5, 3);
    }
    nm_report_settle(report);
    ck_assert_uint_eq(nm_report_candidates(report, found, 2), 2);
    ck_assert_str_eq(found[0]->name.data, "more-doubted.example");
    ck_assert_str_eq(found[1]->name.data, "doubted.example");
    ck_assert_uint_eq(nm_report_habits(report, found, 2), 1);
    ck_assert_str_eq(found[0]->sender.data, "device@example.org");
    ck_assert_str_eq(found[0]->name.data, "habit.example");
    nm_report_free(&report);
}
END_TEST

START_TEST(test_report__a_rule_that_never_fired_is_there_with_nothing)
{
    struct nm_report *report = NULL;

    ck_assert_int_eq(nm_report_new(begin_us, begin_us + day_us, &report), NM_OK);
    ck_assert_int_eq(nm_report_add_rule(report, "idle"), NM_OK);
    nm_report_settle(report);
    ck_assert_uint_eq(report->by[NM_BY_RULE].count, 1);
    ck_assert_uint_eq(report->by[NM_BY_RULE].items[0]->count, 0);
    nm_report_free(&report);
}
END_TEST

/* Names that a hash might confuse. */
START_TEST(test_report__a_sender_and_a_domain_do_not_run_together)
{
    struct nm_report *report = NULL;

    ck_assert_int_eq(nm_report_new(begin_us, begin_us + day_us, &report), NM_OK);
    note(report, "ab", "c", 0.5, 0);
    note(report, "a", "bc", 0.5, 0);
    note(report, "", "abc", 0.5, 0);
    ck_assert_uint_eq(report->by[NM_BY_HABIT].count, 3);
    nm_report_free(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("figures");
    TCase *cases = tcase_create("figures");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        cases, test_fate__says_what_became_of_a_recipient, 0, (int)NM_COUNT(fates));
    tcase_add_test(cases, test_report__groups_are_those_of_the_model);
    tcase_add_test(cases, test_report__totals_are_those_of_the_model);
    tcase_add_loop_test(
        cases, test_report__a_span_is_cut_into_columns, 0, (int)NM_COUNT(spans));
    tcase_add_test(cases, test_report__counts_what_lies_in_its_span_and_before);
    tcase_add_test(cases, test_report__points_out_habits_and_what_may_be_meant);
    tcase_add_test(cases, test_report__a_rule_that_never_fired_is_there_with_nothing);
    tcase_add_test(cases, test_report__a_sender_and_a_domain_do_not_run_together);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
