/*
 * What must hold when something goes wrong: no mail is lost, nothing is answered that is
 * not on disk, and what did not come by SMTP is never refused a recipient.
 */
#include "gate_world.h"

static const struct nm_rule_spec reject_all[] = {
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT}};
static const struct nm_rule_spec hold_all[] = {
    {.name = "hold", .confidence = 0.5, .action = NM_ACTION_HOLD}};

static struct world *world_of(const struct nm_snapshot_values *values)
{
    struct world *world = world_new(values);

    world_connect(world, "192.0.2.7");
    return world;
}

static struct world *new_world(const struct nm_rule_spec *rules, size_t count)
{
    const struct nm_snapshot_values values = world_values(rules, count);

    return world_of(&values);
}

static void mail_locally(struct world *world)
{
    (void)world_send(world, (struct nm_input){.event = NM_SESSION_MAIL,
                                .path = {"<alice@example.org>", 19},
                                .local_submission = true});
}

/* ---- the log fails -------------------------------------------------------- */

START_TEST(test_gate__a_refusal_that_cannot_be_recorded_leaves_the_others_alone)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    world->wait_fails = NM_TIMEOUT;
    ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, 451);
    world->wait_fails = NM_OK;
    (void)world_rcpt(world, "<carol@army.mil>");
    ck_assert_int_eq(world_event(world, NM_SESSION_END).kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
    ck_assert(world_last(world)->durable);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__refusals_for_want_of_a_log_are_a_storm_too)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    world->wait_fails = NM_SYSTEM;
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, 451);
    ck_assert_int_eq(world_rcpt(world, "<bob@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(world_event(world, NM_SESSION_END).code, 451);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__a_message_with_an_unrecorded_recipient_has_one_outcome)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    (void)world_rcpt(world, "<carol@army.mil>");
    world->append_fails = NM_LIMIT;
    (void)world_rcpt(world, "<dave@army.mil>");
    world->append_fails = NM_OK;
    ck_assert_uint_eq(world_event(world, NM_SESSION_END).code, 451);
    ck_assert_uint_eq(world->event_count, 2);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_REFUSED);
    ck_assert(world_last(world)->durable);
    world_free(&world);
}
END_TEST

/* on_failure = "accept": nothing is held, tagged or refused without a record. */
START_TEST(test_gate__accepts_at_the_end_what_it_cannot_record_when_told_to)
{
    static const struct nm_rule_spec tag_all[] = {
        {.name = "tag", .confidence = 0.5, .action = NM_ACTION_TAG}};
    static const struct {
        const struct nm_rule_spec *rules;
        bool partial_message;
    } rows[] = {{reject_all, true}, {hold_all, false}, {tag_all, false}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_snapshot_values values = world_values(rows[i].rules, 1);
        struct world *world;
        struct nm_answer answer;

        values.on_audit_failure = NM_ACTION_ACCEPT;
        values.partial_message = rows[i].partial_message;
        world = world_of(&values);
        world_mail(world, "<alice@example.org>");
        (void)world_rcpt(world, "<bob@army.ml>");
        (void)world_send(world,
            (struct nm_input){.event = NM_SESSION_HEADER, .header_name = "X-Nearmiss"});
        world->wait_fails = NM_TIMEOUT;
        answer = world_event(world, NM_SESSION_END);
        ck_assert_int_eq(answer.kind, NM_ANSWER_CONTINUE);
        ck_assert_ptr_null(answer.hold);
        ck_assert_ptr_null(answer.tag);
        ck_assert_uint_eq(answer.strip_count, 1);
        ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
        world_free(&world);
    }
}
END_TEST

/* Let a message with these recipients come to its end while the log fails there. */
static struct world *end_without_log(enum nm_mode mode, enum nm_action on_failure,
    const char *const *recipients, size_t count)
{
    struct nm_snapshot_values values = world_values(hold_all, 1);
    struct world *world;

    values.mode = mode;
    values.on_audit_failure = on_failure;
    world = world_of(&values);
    world_mail(world, "<alice@example.org>");
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(world_rcpt(world, recipients[i]).kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(world->errors_logged, 0);
    world->wait_fails = NM_TIMEOUT;
    (void)world_event(world, NM_SESSION_END);
    return world;
}

/* What is queued and not written may never be: so each decision of a message that goes on
 * has a line, as it was. A message that does not go on is decided anew. */
START_TEST(test_gate__what_goes_on_unrecorded_is_in_the_system_log)
{
    static const char *const recipients[] = {"<bob@army.ml>", "<carol@army.mil>"};
    static const struct {
        enum nm_mode mode;
        enum nm_action on_failure;
        unsigned lines;
        const char *outcome;
    } rows[] = {
        {NM_MODE_ENFORCE, NM_ACTION_ACCEPT, 3, "outcome=passed"},
        {NM_MODE_OBSERVE, NM_ACTION_DEFER, 3, "outcome=passed"},
        {NM_MODE_ENFORCE, NM_ACTION_DEFER, 1, "outcome=refused"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct world *world = end_without_log(
            rows[i].mode, rows[i].on_failure, recipients, NM_COUNT(recipients));

        ck_assert_uint_eq(world->errors_logged, rows[i].lines);
        ck_assert_ptr_nonnull(strstr(world->logged, rows[i].outcome));
        ck_assert_ptr_nonnull(strstr(world->logged, "recipients=2"));
        ck_assert_ptr_null(strstr(world->logged, "match=invalid"));
        if (rows[i].lines > 1) {
            ck_assert_ptr_nonnull(strstr(world->logged,
                "recipient=bob@army.ml match=near-miss target=army.mil action=hold"));
            ck_assert_ptr_nonnull(strstr(world->logged,
                "recipient=carol@army.mil match=protected target= action=accept"));
        }
        world_free(&world);
    }
}
END_TEST

/* However many they are: each has one line, and memory for a bounded number is held. */
START_TEST(test_gate__many_unrecorded_recipients_have_a_line_each)
{
    enum { RECIPIENTS = 1200 };
    struct nm_snapshot_values values = world_values(hold_all, 1);
    struct world *world;
    unsigned waits;

    values.on_audit_failure = NM_ACTION_ACCEPT;
    world = world_of(&values);
    world_mail(world, "<alice@example.org>");
    for (int i = 0; i < RECIPIENTS; i++)
        (void)world_rcpt(world, "<carol@army.mil>");
    waits = world->waits;
    ck_assert_uint_eq(waits, 2); /* one for 512 that waited for nothing */
    world->wait_fails = NM_SYSTEM;
    (void)world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(world->errors_logged, RECIPIENTS - 2 * 513 + 1);
    world_mail(world, "<alice@example.org>");
    for (int i = 0; i < RECIPIENTS; i++)
        (void)world_rcpt(world, "<carol@army.mil>");
    (void)world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(world->errors_logged, RECIPIENTS - 2 * 513 + 1 + RECIPIENTS + 1);
    world_free(&world);
}
END_TEST

/* ---- the mail server fails ------------------------------------------------ */

START_TEST(test_gate__an_answer_that_could_not_be_given_is_recorded_as_refused)
{
    static const struct {
        bool carried_out;
        enum nm_outcome outcome;
    } rows[] = {{true, NM_OUTCOME_HELD}, {false, NM_OUTCOME_REFUSED}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct world *world = new_world(hold_all, 1);

        world_mail(world, "<alice@example.org>");
        (void)world_rcpt(world, "<bob@army.ml>");
        ck_assert_ptr_nonnull(world_event(world, NM_SESSION_END).hold);
        nm_session_finish(world->session, rows[i].carried_out);
        nm_session_finish(world->session, false); /* there is nothing more to finish */
        ck_assert_int_eq(world_last(world)->outcome, rows[i].outcome);
        ck_assert_uint_eq(world->event_count, rows[i].carried_out ? 2 : 3);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__an_ended_message_lets_go_of_its_snapshot)
{
    struct world *world = new_world(reject_all, 1);
    struct nm_snapshot *snapshot = nm_slot_pin(world->slot);

    ck_assert_uint_eq(nm_snapshot_references(snapshot), 2);
    world_mail(world, "<alice@example.org>");
    ck_assert_uint_eq(nm_snapshot_references(snapshot), 3);
    (void)world_rcpt(world, "<carol@army.mil>");
    (void)world_event(world, NM_SESSION_END);
    ck_assert(!nm_session_is_busy(world->session));
    nm_session_finish(world->session, true);
    ck_assert_uint_eq(nm_snapshot_references(snapshot), 2);
    nm_snapshot_release(&snapshot);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__what_comes_out_of_order_is_put_off_and_ends_what_was_open)
{
    static const struct {
        enum nm_session_event before; /* after MAIL and one RCPT; MAIL: nothing */
        enum nm_session_event stray;
        bool open; /* that message is ended by the stray event */
    } rows[] = {{NM_SESSION_MAIL, NM_SESSION_RCPT, false},
        {NM_SESSION_MAIL, NM_SESSION_END, false},
        {NM_SESSION_DATA, NM_SESSION_RCPT, true},
        {NM_SESSION_END, NM_SESSION_RCPT, false},
        {NM_SESSION_END, NM_SESSION_END, false},
        {NM_SESSION_ABORT, NM_SESSION_RCPT, false}};

    for (size_t i = 0; i < 2 * NM_COUNT(rows); i++) {
        const size_t row = i / 2;
        const bool observing = i % 2 == 1;
        struct nm_snapshot_values values = world_values(reject_all, 1);
        struct world *world;
        struct nm_answer answer;
        size_t events;

        values.mode = observing ? NM_MODE_OBSERVE : NM_MODE_ENFORCE;
        world = world_of(&values);
        if (rows[row].before != NM_SESSION_MAIL) {
            world_mail(world, "<alice@example.org>");
            (void)world_rcpt(world, "<carol@army.mil>");
            (void)world_event(world, rows[row].before);
        }
        events = world->event_count;
        answer = world_send(world, (struct nm_input){.event = rows[row].stray,
                                       .path = {"<bob@army.mil>", 14}});
        ck_assert_uint_eq(answer.code, observing ? 0 : 451);
        ck_assert_uint_eq(world->event_count, events + rows[row].open);
        if (rows[row].open)
            ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_ABORTED);
        ck_assert(!nm_session_is_busy(world->session));
        ck_assert_uint_eq(world->errors_logged, 1);
        world_free(&world);
    }
}
END_TEST

/* ---- mail that did not come by SMTP --------------------------------------- */

static unsigned rcpt_many(struct world *world, unsigned count, const char *recipient)
{
    unsigned last = 0;

    for (unsigned i = 0; i < count; i++)
        last = world_rcpt(world, recipient).code;
    return last;
}

START_TEST(test_gate__one_recipient_too_many_is_put_off_or_held)
{
    struct world *world = new_world(reject_all, 1);

    world_mail(world, "<alice@example.org>");
    ck_assert_uint_eq(rcpt_many(world, NM_RECIPIENTS_MAX, "<c@army.mil>"), 0);
    ck_assert_uint_eq(rcpt_many(world, 2, "<c@army.mil>"), 452);
    ck_assert_int_eq(world_event(world, NM_SESSION_END).kind, NM_ANSWER_CONTINUE);
    ck_assert_uint_eq(world->counts[NM_COUNTER_RECIPIENTS], NM_RECIPIENTS_MAX);

    mail_locally(world);
    ck_assert_uint_eq(rcpt_many(world, NM_RECIPIENTS_MAX + 2, "<c@army.mil>"), 0);
    ck_assert_ptr_nonnull(world_event(world, NM_SESSION_END).hold);
    world_free(&world);
}
END_TEST

START_TEST(test_gate__an_observed_message_has_as_many_recipients_as_it_likes)
{
    struct nm_snapshot_values values = world_values(reject_all, 1);
    struct world *world;

    values.mode = NM_MODE_OBSERVE;
    world = world_of(&values);
    world_mail(world, "<alice@example.org>");
    ck_assert_uint_eq(rcpt_many(world, NM_RECIPIENTS_MAX + 2, "<c@army.mil>"), 0);
    ck_assert_uint_eq(world->counts[NM_COUNTER_RECIPIENTS], NM_RECIPIENTS_MAX + 2);
    world_free(&world);
}
END_TEST

/* ---- which of two judgements ---------------------------------------------- */

START_TEST(test_gate__a_judgement_in_force_beats_one_that_is_only_observed)
{
    const struct nm_rule_spec rules[] = {
        {.name = "trial",
            .confidence = -1,
            .domains = (const char *const[]){"army.ml"},
            .domain_count = 1,
            .action = NM_ACTION_REJECT,
            .mode = NM_MODE_OBSERVE},
        {.name = "closed",
            .confidence = -1,
            .domains = (const char *const[]){"closed.example"},
            .domain_count = 1,
            .action = NM_ACTION_HOLD},
    };
    static const char *const forms[][2] = {
        {"<bob@army.ml>", "bob@closed.example"},
        {"<bob@closed.example>", "bob@army.ml"},
    };

    for (size_t i = 0; i < NM_COUNT(forms); i++) {
        struct world *world = new_world(rules, NM_COUNT(rules));
        struct nm_answer answer;

        world_mail(world, "<alice@example.org>");
        (void)world_send(world, (struct nm_input){.event = NM_SESSION_RCPT,
                                    .path = {forms[i][0], strlen(forms[i][0])},
                                    .normalised = forms[i][1]});
        ck_assert_str_eq(world->events[0].rule, "closed");
        answer = world_event(world, NM_SESSION_END);
        ck_assert_ptr_nonnull(answer.hold);
        ck_assert_ptr_nonnull(
            strstr(answer.hold, "mail to closed.example is held by rule closed"));
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__rules_on_recipients_see_both_forms)
{
    const struct nm_rule_spec rules[] = {{.name = "boss",
        .confidence = -1,
        .recipients = (const char *const[]){"boss@other.example"},
        .recipient_count = 1,
        .action = NM_ACTION_REJECT}};
    struct world *world = new_world(rules, NM_COUNT(rules));
    static const char path[] = "<@relay.example:boss@other.example>";

    world_mail(world, "<alice@example.org>");
    ck_assert_uint_eq(world_send(world, (struct nm_input){.event = NM_SESSION_RCPT,
                                            .path = {path, sizeof path - 1},
                                            .normalised = "boss@other.example"})
                          .code,
        550);
    ck_assert_str_eq(world->events[0].recipient, "@relay.example:boss@other.example");
    world_free(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("safety");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_gate__what_goes_on_unrecorded_is_in_the_system_log);
    tcase_add_test(cases, test_gate__many_unrecorded_recipients_have_a_line_each);
    tcase_add_test(
        cases, test_gate__a_refusal_that_cannot_be_recorded_leaves_the_others_alone);
    tcase_add_test(cases, test_gate__refusals_for_want_of_a_log_are_a_storm_too);
    tcase_add_test(
        cases, test_gate__a_message_with_an_unrecorded_recipient_has_one_outcome);
    tcase_add_test(
        cases, test_gate__accepts_at_the_end_what_it_cannot_record_when_told_to);
    tcase_add_test(
        cases, test_gate__an_answer_that_could_not_be_given_is_recorded_as_refused);
    tcase_add_test(cases, test_gate__an_ended_message_lets_go_of_its_snapshot);
    tcase_add_test(
        cases, test_gate__what_comes_out_of_order_is_put_off_and_ends_what_was_open);
    tcase_add_test(cases, test_gate__one_recipient_too_many_is_put_off_or_held);
    tcase_add_test(
        cases, test_gate__an_observed_message_has_as_many_recipients_as_it_likes);
    tcase_add_test(
        cases, test_gate__a_judgement_in_force_beats_one_that_is_only_observed);
    tcase_add_test(cases, test_gate__rules_on_recipients_see_both_forms);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
