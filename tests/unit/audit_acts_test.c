/*
 * Acts: what people do beside the mail stands in the same log, in order, and is found by
 * the decision that it belongs to.
 */
#include "audit_kit.h"

static struct nm_audit_event act(
    struct kit *kit, enum nm_verb verb, const char *subject)
{
    return (struct nm_audit_event){
        .kind = NM_EVENT_ACT,
        .id = kit_id(kit),
        .time_us = kit->now_us,
        .gateway = "mx1",
        .actor = "alice (uid 1000)",
        .verb = verb,
        .subject = subject,
    };
}

struct found {
    struct nm_audit_reader *reader;
    size_t count;
    size_t stop_after; /* 0: never */
    char text[64 * 1024];
};

static bool collect(void *self, const struct nm_audit_act *given)
{
    struct found *found = self;
    const struct nm_audit_event *event = &given->event;
    const size_t used = strlen(found->text);

    ck_assert_int_eq(event->kind, NM_EVENT_ACT);
    ck_assert_str_eq(event->gateway, "mx1");
    (void)snprintf(found->text + used, sizeof found->text - used, "%s %s %s %s (%s);",
        event->actor, nm_verb_name(event->verb), event->subject,
        event->decision.text[0] != '\0' ? event->decision.text : "-",
        event->reason != NULL ? event->reason : "-");
    found->count++;
    return found->count != found->stop_after;
}

static void find(
    struct kit *kit, const struct nm_audit_act_query *query, struct found *found)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};

    found->count = 0;
    found->text[0] = '\0';
    ck_assert_int_eq(nm_audit_reader_open(kit->path, &reader, &error), NM_OK);
    ck_assert_msg(nm_audit_reader_acts(reader, query, collect, found, &error) == NM_OK,
        "%s", error.message);
    nm_audit_reader_close(&reader);
}

START_TEST(test_acts__are_told_as_they_were_and_are_no_decisions)
{
    struct kit kit;
    struct found found = {0};
    struct kit_rows rows = {0};
    struct nm_audit_event events[4];

    kit_start(&kit);
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[1] = act(&kit, NM_VERB_ALLOW_ADDED, "army.ml");
    events[1].decision = events[0].id;
    events[1].reason = "a partner";
    events[2] = kit_decision(&kit, "eve@army.ml");
    events[3] = act(&kit, NM_VERB_RELEASED, "message 7");
    kit_record(&kit, events, 4);
    find(&kit, &(struct nm_audit_act_query){0}, &found);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_ptr_eq(strstr(found.text, "alice (uid 1000) allow-added army.ml "),
        (char *)found.text);
    ck_assert_ptr_nonnull(strstr(found.text, events[0].id.text));
    ck_assert_ptr_nonnull(strstr(found.text, "(a partner);"));
    ck_assert_ptr_nonnull(strstr(found.text, "released message 7 - (-);"));
    find(&kit, &(struct nm_audit_act_query){.decision = events[0].id.text}, &found);
    ck_assert_uint_eq(found.count, 1);
    find(&kit, &(struct nm_audit_act_query){.decision = events[2].id.text}, &found);
    ck_assert_uint_eq(found.count, 0);
    find(&kit, &(struct nm_audit_act_query){.decision = "no id"}, &found);
    ck_assert_uint_eq(found.count, 0);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* More than a page, in any order of times; and every number of newest ones. */
START_TEST(test_acts__are_listed_in_order_and_by_time)
{
    enum { ACTS = 200 };
    struct kit kit;
    struct found found = {0};
    char subject[ACTS][16];

    kit_start(&kit);
    for (size_t i = 0; i < ACTS; i++) {
        struct nm_audit_event event;

        (void)snprintf(subject[i], sizeof subject[i], "no-%zu;", i);
        kit.now_us = kit_epoch_us + (int64_t)i * 1000000;
        event = act(&kit, NM_VERB_LOOKED_AT, subject[i]);
        kit_record(&kit, &event, 1);
    }
    find(&kit, &(struct nm_audit_act_query){0}, &found);
    ck_assert_uint_eq(found.count, ACTS);
    for (size_t newest = 1; newest <= ACTS + 1; newest += 50) {
        find(&kit, &(struct nm_audit_act_query){.newest = newest}, &found);
        ck_assert_uint_eq(found.count, newest < ACTS ? newest : ACTS);
        ck_assert_ptr_nonnull(strstr(found.text, subject[ACTS - 1]));
    }
    find(&kit,
        &(struct nm_audit_act_query){.since_us = kit_epoch_us + 100 * 1000000,
            .until_us = kit_epoch_us + 110 * 1000000},
        &found);
    ck_assert_uint_eq(found.count, 10);
    ck_assert_ptr_nonnull(strstr(found.text, subject[100]));
    ck_assert_ptr_nonnull(strstr(found.text, subject[109]));
    found.stop_after = 3;
    find(&kit, &(struct nm_audit_act_query){0}, &found);
    ck_assert_uint_eq(found.count, 3);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_acts__the_view_says_the_same)
{
    struct kit kit;
    struct nm_audit_event event;
    char sql[512];

    kit_start(&kit);
    event = act(&kit, NM_VERB_ERASED, "bob@example.org");
    event.decision = kit_id(&kit);
    event.reason = "asked to";
    kit_record(&kit, &event, 1);
    (void)snprintf(sql, sizeof sql,
        "SELECT id = '%s' AND decision = '%s' AND actor = 'alice (uid 1000)'"
        " AND verb = 'erased' AND subject = 'bob@example.org' AND reason = 'asked to'"
        " AND gateway = 'mx1' AND time = '2024-06-01T00:00:00.000Z' FROM acts",
        event.id.text, event.decision.text);
    ck_assert_int_eq(kit_sql_integer(&kit, sql), 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_acts__every_verb_has_a_name_of_its_own)
{
    for (int verb = 0; verb < NM_VERB_COUNT; verb++)
        for (int other = 0; other < verb; other++)
            ck_assert_str_ne(
                nm_verb_name((enum nm_verb)verb), nm_verb_name((enum nm_verb)other));
    ck_assert_str_eq(nm_verb_name((enum nm_verb)NM_VERB_COUNT), "unknown");
}
END_TEST

/* A reader says so of a verb that it does not know. */
START_TEST(test_acts__an_unknown_verb_is_no_act)
{
    struct kit kit;
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {.code = NM_OK};
    struct found found = {0};
    struct nm_audit_event event;

    kit_start(&kit);
    event = act(&kit, NM_VERB_ERASED, "bob@example.org");
    kit_record(&kit, &event, 1);
    kit_sql(&kit, "UPDATE act SET verb = 99");
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_OK);
    ck_assert_int_eq(nm_audit_reader_acts(reader, &(struct nm_audit_act_query){0},
                         collect, &found, &error),
        NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "is no act that is known"));
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acts");
    TCase *cases = tcase_create("acts");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_acts__are_told_as_they_were_and_are_no_decisions);
    tcase_add_test(cases, test_acts__are_listed_in_order_and_by_time);
    tcase_add_test(cases, test_acts__the_view_says_the_same);
    tcase_add_test(cases, test_acts__every_verb_has_a_name_of_its_own);
    tcase_add_test(cases, test_acts__an_unknown_verb_is_no_act);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
