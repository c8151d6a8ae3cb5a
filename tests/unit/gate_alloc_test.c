/*
 * Memory that runs out at any point of a message, in our own code and inside ICU: a near
 * miss never slips through because of it, mail in observe mode is never stopped by it,
 * and what did not come by SMTP is not told at RCPT.
 */
#include "gate_world.h"

#include "alloc_walk.h"
#include "alloc_walk_icu.h"

/* Labels in which ICU needs memory of its own. */
#define LONG_LABEL "ein-l\xc3\xa4ngeres-wort-mit-einem-\xc3\xb6-darin"
static const char long_idn[] = "<b@" LONG_LABEL "." LONG_LABEL ".closed.example>";
/* A listed name with a letter of another script. */
static const char look_alike[] =
    "<b@the-p\xd0\xb0rtner-with-quite-a-long-name.example>";

static const struct nm_rule_spec rules[] = {
    {.name = "closed",
        .confidence = -1,
        .domains = (const char *const[]){"*.closed.example"},
        .domain_count = 1,
        .action = NM_ACTION_REJECT},
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT},
};

struct walk {
    enum nm_mode mode;
    bool partial_message;
    bool local;
};

struct told {
    bool has_session;
    struct nm_answer refused; /* for recipients that the rule refuses */
    struct nm_answer idn;
    struct nm_answer look_alike;
    struct nm_answer good;
    enum nm_answer_kind end;
    unsigned end_code;
    bool end_held;
    size_t rows;
};

static struct nm_answer ask(
    struct world *world, enum nm_session_event event, const char *path)
{
    struct nm_input input = {
        .event = event, .path = {path, strlen(path)}, .header_name = "Subject"};

    return world_send(world, input);
}

/* A whole message; nothing but it may allocate. */
static void send_message(
    struct world *world, const struct walk *walk, struct told *told)
{
    const struct nm_ip client = {.family = 4, .bytes = {192, 0, 2, 7}};
    const char *sender = "<alice.with-a-long-name@example.org>";
    struct nm_answer end;

    memset(told, 0, sizeof *told);
    if (nm_session_new(&world->ports, world->slot, &client, &world->session) != NM_OK)
        return;
    told->has_session = true;
    (void)world_send(world, (struct nm_input){.event = NM_SESSION_MAIL,
                                .path = {sender, strlen(sender)},
                                .auth = "alice",
                                .smtputf8 = true,
                                .local_submission = walk->local});
    told->good = ask(world, NM_SESSION_RCPT, "<carol@army.mil>");
    told->refused = ask(world, NM_SESSION_RCPT, "<bob@army.ml>");
    told->idn = ask(world, NM_SESSION_RCPT, long_idn);
    told->look_alike = ask(world, NM_SESSION_RCPT, look_alike);
    (void)ask(world, NM_SESSION_DATA, "");
    end = ask(world, NM_SESSION_END, "");
    told->end = end.kind;
    told->end_code = end.code;
    told->end_held = end.hold != NULL;
    told->rows = world->event_count;
}

static struct world *world_for(const struct walk *walk)
{
    struct nm_snapshot_values values = world_values(rules, NM_COUNT(rules));

    values.mode = walk->mode;
    values.partial_message = walk->partial_message;
    return world_new(&values);
}

static void check_observed(const struct told *told)
{
    ck_assert_int_eq(told->good.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->refused.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->idn.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->look_alike.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->end, NM_ANSWER_CONTINUE);
    ck_assert(!told->end_held);
}

/* Refused at once, or the message as a whole is. */
static void check_stopped(const struct nm_answer *answer, const struct told *told)
{
    if (answer->kind == NM_ANSWER_REPLY)
        ck_assert(answer->code == 550 || answer->code == 451);
    else
        ck_assert(told->end == NM_ANSWER_REPLY || told->end_held);
}

static void check_enforced(const struct walk *walk, const struct told *told)
{
    check_stopped(&told->refused, told);
    check_stopped(&told->idn, told);
    check_stopped(&told->look_alike, told);
    ck_assert(told->good.kind == NM_ANSWER_CONTINUE || told->good.code == 451);
    if (!walk->local)
        return;
    ck_assert_int_eq(told->good.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->refused.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->idn.kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(told->look_alike.kind, NM_ANSWER_CONTINUE);
}

START_TEST(test_gate__no_near_miss_slips_through_when_memory_runs_out)
{
    static const struct walk walks[] = {
        {NM_MODE_ENFORCE, false, false},
        {NM_MODE_ENFORCE, true, false},
        {NM_MODE_ENFORCE, false, true},
        {NM_MODE_OBSERVE, false, false},
    };
    const struct walk *walk = &walks[_i];
    struct world *world = world_for(walk);
    size_t failures = 0;
    size_t without_session = 0;
    bool done = false;

    while (!done) {
        struct told told;

        world->event_count = 0;
        alloc_walk_fail(failures + 1);
        send_message(world, walk, &told);
        done = !alloc_walk_failed();
        failures += !done;
        without_session += !told.has_session;
        if (told.has_session && walk->mode == NM_MODE_OBSERVE)
            check_observed(&told);
        else if (told.has_session)
            check_enforced(walk, &told);
        if (done) {
            ck_assert_uint_eq(told.rows, 5);
            ck_assert_str_eq(world->events[2].rule, "closed");
            ck_assert_int_eq(world->events[3].match, NM_MATCH_NEAR_MISS);
        }
        nm_session_free(&world->session);
    }
    world_free(&world);
    ck_assert_uint_eq(without_session, 3);
    ck_assert_uint_ge(failures, 5);
}
END_TEST

/* The sender and the user are copied at MAIL: long ones need a block of their own. */
START_TEST(test_gate__a_message_whose_envelope_does_not_fit_is_put_off)
{
    static char sender[NM_TRANSACTION_BYTES_MAX + 2];
    static const struct {
        enum nm_mode mode;
        bool local;
        unsigned rcpt;
        unsigned end;
    } rows[] = {{NM_MODE_ENFORCE, false, 451, 0}, {NM_MODE_ENFORCE, true, 0, 451},
        {NM_MODE_OBSERVE, false, 0, 0}};

    memset(sender, 'a', sizeof sender - 1);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct walk walk = {rows[i].mode, false, rows[i].local};
        struct world *world = world_for(&walk);

        world_connect(world, "192.0.2.7");
        (void)world_send(world, (struct nm_input){.event = NM_SESSION_MAIL,
                                    .path = {sender, sizeof sender - 1},
                                    .local_submission = rows[i].local});
        ck_assert_uint_eq(world_rcpt(world, "<bob@army.ml>").code, rows[i].rcpt);
        ck_assert_uint_eq(world_event(world, NM_SESSION_END).code, rows[i].end);
        ck_assert_uint_eq(world->event_count, 0);
        ck_assert_uint_eq(world->errors_logged, 1);
        world_free(&world);
    }
}
END_TEST

START_TEST(test_gate__snapshots_and_slots_say_no_memory)
{
    struct nm_snapshot_values values = world_values(rules, NM_COUNT(rules));
    struct nm_snapshot *snapshot = NULL;
    struct nm_slot *slot = NULL;

    alloc_walk_fail(1);
    ck_assert_int_eq(nm_snapshot_new(&values, &snapshot), NM_NO_MEMORY);
    ck_assert(alloc_walk_failed());
    ck_assert_ptr_null(snapshot); /* and what it took over is freed */
    values = world_values(rules, NM_COUNT(rules));
    ck_assert_int_eq(nm_snapshot_new(&values, &snapshot), NM_OK);
    alloc_walk_fail(1);
    ck_assert_int_eq(nm_slot_new(snapshot, &slot), NM_NO_MEMORY);
    ck_assert(alloc_walk_failed());
    ck_assert_ptr_null(slot);
    nm_snapshot_release(&snapshot);
}
END_TEST

START_TEST(test_gate__overlays_say_no_memory)
{
    const struct nm_exception row = {.domain = {.length = 7, .name = "army.ml"},
        .sender = "a@example.org",
        .reason = "a reason",
        .author = "alice",
        .expires_us = INT64_MAX};
    struct nm_overlay *overlay = NULL;
    size_t nth = 1;

    for (;; nth++) {
        alloc_walk_fail(nth);
        if (nm_overlay_new(&row, 1, &overlay) == NM_OK)
            break;
        ck_assert(alloc_walk_failed());
        ck_assert_ptr_null(overlay);
    }
    ck_assert(!alloc_walk_failed());
    ck_assert_uint_gt(nth, 3);
    nm_overlay_release(&overlay);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (!alloc_walk_hook_icu())
        return 1;
    tcase_add_loop_test(
        cases, test_gate__no_near_miss_slips_through_when_memory_runs_out, 0, 4);
    tcase_add_test(cases, test_gate__a_message_whose_envelope_does_not_fit_is_put_off);
    tcase_add_test(cases, test_gate__snapshots_and_slots_say_no_memory);
    tcase_add_test(cases, test_gate__overlays_say_no_memory);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
