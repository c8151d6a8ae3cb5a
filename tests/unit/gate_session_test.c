#include "gate_world.h"

static const struct nm_rule_spec reject_all[] = {
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT}};

static struct world *new_world(const struct nm_rule_spec *rules, size_t count)
{
    const struct nm_snapshot_values values = world_values(rules, count);
    struct world *world = world_new(&values);

    world_connect(world, "192.0.2.7");
    return world;
}

START_TEST(test_gate__refuses_a_near_miss_and_lets_the_others_go)
{
    struct world *world = new_world(reject_all, 1);
    struct nm_answer answer;

    world_mail(world, "<alice@example.org>");
    answer = world_rcpt(world, "<bob@army.ml>");
    ck_assert_int_eq(answer.kind, NM_ANSWER_REPLY);
    ck_assert_uint_eq(answer.code, 550);
    ck_assert_str_eq(answer.status, "5.7.1");
    ck_assert_ptr_nonnull(strstr(answer.lines[0], "army.mil"));
    ck_assert_ptr_nonnull(strstr(answer.lines[0], world->events[0].id.text));
    ck_assert(world->events[0].durable);
    ck_assert_int_eq(world->events[0].outcome, NM_OUTCOME_REFUSED);
    ck_assert_str_eq(world->events[0].recipient, "bob@army.ml");
    ck_assert_str_eq(world->events[0].sender, "alice@example.org");
    ck_assert_str_eq(world->events[0].client, "192.0.2.7");

    ck_assert_int_eq(world_rcpt(world, "<carol@army.mil>").kind, NM_ANSWER_CONTINUE);
    ck_assert(!world->events[1].durable);
    (void)world_event(world, NM_SESSION_DATA);
    ck_assert_int_eq(world_event(world, NM_SESSION_END).kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(world->event_count, 3);
    ck_assert_int_eq(world_last(world)->kind, NM_EVENT_OUTCOME);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
    ck_assert_str_eq(world_last(world)->queue_id, "4XYZ");
    ck_assert(world->events[1].durable && world_last(world)->durable);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__waits_once_for_a_message_that_goes_on)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    for (int i = 0; i < 100; i++)
        (void)world_rcpt(world, "<carol@army.mil>");
    ck_assert_uint_eq(world->waits, 0);
    (void)world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(world->waits, 1);
    ck_assert_uint_eq(world->event_count, 101);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__observe_mode_records_and_never_acts)
{
    struct nm_snapshot_values values = world_values(reject_all, 1);
    struct world *world;
    struct nm_answer answer;

    values.mode = NM_MODE_OBSERVE;
    world = world_new(&values);
    world_connect(world, "192.0.2.7");
    world_mail(world, "<alice@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world->events[0].action, NM_ACTION_REJECT);
    ck_assert_int_eq(world->events[0].mode, NM_MODE_OBSERVE);
    (void)world_send(world,
        (struct nm_input){.event = NM_SESSION_HEADER, .header_name = "X-Nearmiss"});
    world->wait_fails = NM_SYSTEM;
    answer = world_event(world, NM_SESSION_END);
    ck_assert_int_eq(answer.kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(answer.strip_count, 0);
    ck_assert_ptr_null(answer.hold);
    ck_assert_uint_eq(world->errors_logged, 2); /* the decision, and the outcome */
    world_free(&world);
}
END_TEST

START_TEST(test_gate__a_rule_may_observe_on_its_own)
{
    const struct nm_rule_spec rules[] = {{.name = "trial",
        .confidence = 0.5,
        .action = NM_ACTION_REJECT,
        .mode = NM_MODE_OBSERVE}};
    struct world *world = new_world(rules, 1);

    world_mail(world, "<alice@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world->events[0].mode, NM_MODE_OBSERVE);
    ck_assert_int_eq(world_event(world, NM_SESSION_END).kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__holds_and_tags_at_the_end)
{
    static const struct {
        enum nm_action action;
        enum nm_outcome outcome;
    } rows[] = {{NM_ACTION_HOLD, NM_OUTCOME_HELD}, {NM_ACTION_TAG, NM_OUTCOME_PASSED}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_rule_spec rule = {
            .name = "r", .confidence = 0.5, .action = rows[i].action};
        struct world *world = new_world(&rule, 1);
        struct nm_answer answer;

        world_mail(world, "<alice@example.org>");
        ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
        for (int n = 0; n < 2; n++)
            (void)world_send(world, (struct nm_input){.event = NM_SESSION_HEADER,
                                        .header_name = "x-nearmiss"});
        answer = world_event(world, NM_SESSION_END);
        ck_assert_int_eq(answer.kind, NM_ANSWER_CONTINUE);
        ck_assert((answer.hold != NULL) == (rows[i].action == NM_ACTION_HOLD));
        ck_assert((answer.tag != NULL) == (rows[i].action == NM_ACTION_TAG));
        ck_assert_uint_eq(answer.strip_count, 2);
        if (answer.tag != NULL)
            ck_assert_str_eq(answer.tag, world->events[0].id.text);
        if (answer.hold != NULL)
            ck_assert_ptr_nonnull(strstr(answer.hold, world->events[0].id.text));
        ck_assert_int_eq(world_last(world)->outcome, rows[i].outcome);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__takes_the_failure_action_when_the_log_fails)
{
    static const struct {
        enum nm_action on_failure;
        enum nm_code append_fails;
        enum nm_code wait_fails;
        unsigned rcpt_code; /* of a near miss; 0: continue */
        unsigned end_code;  /* of a message to a good recipient */
    } rows[] = {
        {NM_ACTION_DEFER, NM_OK, NM_SYSTEM, 451, 451},
        {NM_ACTION_DEFER, NM_OK, NM_TIMEOUT, 451, 451},
        {NM_ACTION_DEFER, NM_LIMIT, NM_OK, 451, 451},
        {NM_ACTION_DEFER, NM_NO_MEMORY, NM_OK, 451, 451},
        {NM_ACTION_ACCEPT, NM_OK, NM_SYSTEM, 0, 0},
        {NM_ACTION_ACCEPT, NM_LIMIT, NM_OK, 0, 0},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_snapshot_values values = world_values(reject_all, 1);
        struct world *world;

        values.on_audit_failure = rows[i].on_failure;
        world = world_new(&values);
        world->append_fails = rows[i].append_fails;
        world->wait_fails = rows[i].wait_fails;
        world_connect(world, "192.0.2.7");
        world_mail(world, "<alice@example.org>");
        ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, rows[i].rcpt_code);
        ck_assert_int_eq(
            world_rcpt(world, "<carol@army.mil>").kind, NM_ANSWER_CONTINUE);
        ck_assert_uint_eq(world_event(world, NM_SESSION_END).code, rows[i].end_code);
        ck_assert_uint_gt(world->errors_logged, 0);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__a_message_put_off_at_its_end_is_recorded_as_refused)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    (void)world_rcpt(world, "<carol@army.mil>");
    world->wait_fails = NM_TIMEOUT;
    ck_assert_uint_eq(world_event(world, NM_SESSION_END).code, 451);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__a_storm_of_refusals_ends_at_the_end_of_the_message)
{
    struct world *world = new_world(reject_all, 1);
    struct nm_answer answer;
    bool named = false;

    world_mail(world, "<alice@example.org>");
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, 550);
    ck_assert_int_eq(world_rcpt(world, "<ninth@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world_rcpt(world, "<good@army.mil>").kind, NM_ANSWER_CONTINUE);
    answer = world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(answer.code, 550);
    for (size_t i = 0; i < answer.line_count; i++)
        named = named || strstr(answer.lines[i], "<ninth@army.ml>") != NULL;
    ck_assert(named);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
    ck_assert(world_last(world)->durable);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__many_late_refusals_fit_into_one_reply)
{
    struct nm_snapshot_values values = world_values(reject_all, 1);
    struct world *world;
    struct nm_answer answer;

    values.partial_message = true;
    world = world_new(&values);
    world_connect(world, "2001:db8::1");
    world_mail(world, "<alice@example.org>");
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    answer = world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(answer.code, 550);
    ck_assert_uint_le(answer.line_count, NM_REPLY_LINES_MAX);
    ck_assert_ptr_nonnull(strstr(answer.lines[0], "1000 of its 1000"));
    for (size_t i = 0; i < answer.line_count; i++)
        ck_assert_uint_le(strlen(answer.lines[i]), NM_REPLY_LINE_MAX);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__local_submission_is_held_and_never_refused)
{
    struct world *world = new_world(reject_all, 1);
    struct nm_answer answer;

    (void)world_send(world,
        (struct nm_input){
            .event = NM_SESSION_MAIL, .path = {"<a@b>", 5}, .local_submission = true});
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    answer = world_event(world, NM_SESSION_END);
    ck_assert_int_eq(answer.kind, NM_ANSWER_CONTINUE);
    ck_assert_ptr_nonnull(answer.hold);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_HELD);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__the_worse_of_argument_and_normalised_form_counts)
{
    static const struct {
        const char *argument;
        const char *normalised;
        unsigned code;
    } rows[] = {
        {"<bob@army.mil>", "bob@army.mil", 0},
        {"<bob@army.mil>", "bob@army.ml", 550},
        {"<bob@army.ml>", "bob@army.mil", 550},
        {"<bob>", "bob@army.ml", 550},
        {"<bob@army.mil>", "", 0},
        {"bob@army.mil", "bob@army.mil", 0},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct world *world = new_world(reject_all, 1);

        world_mail(world, "<alice@example.org>");
        ck_assert_uint_eq(
            world_send(world, (struct nm_input){.event = NM_SESSION_RCPT,
                                  .path = {rows[i].argument, strlen(rows[i].argument)},
                                  .normalised = rows[i].normalised})
                .code,
            rows[i].code);
        ck_assert_uint_eq(world->event_count, 1);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__what_cannot_be_judged_is_recorded_and_passes)
{
    static const struct {
        const char *path;
        enum nm_match match;
    } rows[] = {{"<postmaster>", NM_MATCH_NONE}, {"<bob@[192.0.2.1]>", NM_MATCH_NONE},
        {"<>", NM_MATCH_INVALID}, {"<bob@a..b>", NM_MATCH_INVALID},
        {"<bob@\xff>", NM_MATCH_INVALID}, {"", NM_MATCH_INVALID}};
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<>");
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        ck_assert_int_eq(world_rcpt(world, rows[i].path).kind, NM_ANSWER_CONTINUE);
        ck_assert_msg(world_last(world)->match == rows[i].match, "%s", rows[i].path);
        ck_assert_int_eq(world_last(world)->action, NM_ACTION_ACCEPT);
    }
    ck_assert_str_eq(world->events[0].sender, "");
    world_free(&world);
}
END_TEST

START_TEST(test_gate__an_abandoned_message_has_an_outcome)
{
    static const enum nm_session_event ends[] = {
        NM_SESSION_ABORT, NM_SESSION_CLOSE, NM_SESSION_MAIL};

    for (size_t i = 0; i < NM_COUNT(ends); i++) {
        struct world *world = new_world(reject_all, 1);

        world_mail(world, "<alice@example.org>");
        (void)world_rcpt(world, "<carol@army.mil>");
        (void)world_event(world, ends[i]);
        ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_ABORTED);
        ck_assert_uint_eq(world->waits, 0);
        world_mail(world, "<alice@example.org>");
        (void)world_rcpt(world, "<bob@army.ml>");
        nm_session_free(&world->session);
        ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__a_message_without_judged_recipients_leaves_no_row)
{
    struct nm_snapshot_values values = world_values(reject_all, 1);
    struct world *world;

    values.networks = calloc(1, sizeof *values.networks);
    ck_assert_ptr_nonnull(values.networks);
    values.network_count = 1;
    ck_assert(nm_network_parse("198.51.100.0/24", values.networks));
    world = world_new(&values);
    world_connect(world, "192.0.2.7");
    world_mail(world, "<alice@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world_event(world, NM_SESSION_END).kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(world->event_count, 0);
    world_connect(world, "198.51.100.9");
    world_mail(world, "<alice@example.org>");
    ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, 550);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__a_message_keeps_the_snapshot_it_began_with)
{
    struct nm_snapshot_values lenient;
    struct nm_snapshot *next = NULL;
    struct world *world = new_world(reject_all, 1);

    lenient = world_values(reject_all, 0);
    ck_assert_int_eq(nm_snapshot_new(&lenient, &next), NM_OK);
    world_mail(world, "<alice@example.org>");
    nm_slot_swap(world->slot, next);
    ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, 550);
    (void)world_event(world, NM_SESSION_ABORT);
    world_mail(world, "<alice@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__counts_one_an_event)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    (void)world_rcpt(world, "<bob@army.ml>");
    (void)world_rcpt(world, "<carol@army.mil>");
    (void)world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(world->counts[NM_COUNTER_SESSIONS], 1);
    ck_assert_uint_eq(world->counts[NM_COUNTER_MESSAGES], 1);
    ck_assert_uint_eq(world->counts[NM_COUNTER_RECIPIENTS], 2);
    ck_assert_uint_eq(world->counts[NM_COUNTER_NEAR_MISSES], 1);
    ck_assert_uint_eq(world->counts[NM_COUNTER_ACTION + NM_ACTION_REJECT], 1);
    ck_assert_uint_eq(world->counts[NM_COUNTER_ACTION + NM_ACTION_ACCEPT], 1);
    ck_assert_uint_eq(world->counts[NM_COUNTER_NEAR_MISS_ACTION + NM_ACTION_REJECT], 1);
    world_free(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("gate");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_gate__refuses_a_near_miss_and_lets_the_others_go);
    tcase_add_test(cases, test_gate__waits_once_for_a_message_that_goes_on);
    tcase_add_test(cases, test_gate__observe_mode_records_and_never_acts);
    tcase_add_test(cases, test_gate__a_rule_may_observe_on_its_own);
    tcase_add_test(cases, test_gate__holds_and_tags_at_the_end);
    tcase_add_test(cases, test_gate__takes_the_failure_action_when_the_log_fails);
    tcase_add_test(
        cases, test_gate__a_message_put_off_at_its_end_is_recorded_as_refused);
    tcase_add_test(
        cases, test_gate__a_storm_of_refusals_ends_at_the_end_of_the_message);
    tcase_add_test(cases, test_gate__many_late_refusals_fit_into_one_reply);
    tcase_add_test(cases, test_gate__local_submission_is_held_and_never_refused);
    tcase_add_test(cases, test_gate__the_worse_of_argument_and_normalised_form_counts);
    tcase_add_test(cases, test_gate__what_cannot_be_judged_is_recorded_and_passes);
    tcase_add_test(cases, test_gate__an_abandoned_message_has_an_outcome);
    tcase_add_test(cases, test_gate__a_message_without_judged_recipients_leaves_no_row);
    tcase_add_test(cases, test_gate__a_message_keeps_the_snapshot_it_began_with);
    tcase_add_test(cases, test_gate__counts_one_an_event);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
