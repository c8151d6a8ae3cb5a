/* Who is told of a message that is held or kept, and who never is. */
#include "gate_world.h"

/* What the port was told, as text: "sender|reviewer|held; recipient=id slip, …". */
struct told {
    unsigned count;
    char text[4096];
};

static void tell(void *self, const struct nm_notice *notice)
{
    struct told *told = self;
    struct nm_buf buf;

    nm_buf_init(&buf, told->text, sizeof told->text);
    nm_buf_printf(&buf, "%s%s%s %u:", notice->for_sender ? "sender " : "",
        notice->for_reviewer ? "reviewer " : "", notice->is_held ? "held" : "kept",
        notice->recipient_count);
    for (const struct nm_notice_recipient *one = notice->recipients; one != NULL;
         one = one->next)
        nm_buf_printf(&buf, " %.*s%s", (int)one->recipient.length, one->recipient.data,
            one->is_kept ? "(kept)" : "");
    nm_buf_printf(&buf, " [%s]", notice->subject);
    told->count++;
}

static const struct nm_rule_spec hold[] = {
    {.name = "hold", .confidence = 0.5, .action = NM_ACTION_HOLD}};

static struct world *new_world(
    struct told *told, const struct nm_rule_spec *rules, bool sender, bool reviewer)
{
    struct nm_snapshot_values values = world_values(rules, 1);
    struct world *world;

    values.notice_sender = sender;
    values.notice_reviewer = reviewer;
    world = world_new(&values);
    *told = (struct told){.count = 0};
    world->ports.notices = (struct nm_notice_port){told, tell};
    world_connect(world, "192.0.2.1");
    return world;
}

static void header(struct world *world, const char *name, const char *value)
{
    (void)world_send(world,
        (struct nm_input){
            .event = NM_SESSION_HEADER, .header_name = name, .header_value = value});
}

/* A message from `sender` with one field; whom it was told to. */
static const char *told_of(struct world *world, struct told *told, const char *sender,
    const char *name, const char *value)
{
    told->count = 0;
    told->text[0] = '\0';
    (void)world_mail(world, sender);
    (void)world_rcpt(world, "<bob@army.ml>");
    (void)world_event(world, NM_SESSION_DATA);
    if (name != NULL)
        header(world, name, value);
    (void)world_event(world, NM_SESSION_END);
    ck_assert_uint_eq(told->count, 0); /* not before the answer was given */
    nm_session_finish(world->session, true);
    ck_assert_uint_le(told->count, 1);
    return told->text;
}

START_TEST(test_notice__a_person_here_is_told_and_no_other)
{
    static const struct {
        const char *sender;
        const char *name;
        const char *value;
        bool sender_told;
    } rows[] = {
        {"<a@example.org>", NULL, NULL, true},
        {"<a@example.org>", "Auto-Submitted", "no", true},
        {"<a@example.org>", "Auto-Submitted", " (a (b) c) no (x)", true},
        {"<a@example.org>", "Precedence", "first-class", true},
        {"<owners@example.org>", NULL, NULL, true},
        {"<a@sub.example.org>", NULL, NULL, true},
        /* programs and lists */
        {"<a@example.org>", "Auto-Submitted", "auto-replied", false},
        {"<a@example.org>", "auto-submitted", " auto-generated; x=y", false},
        {"<a@example.org>", "Auto-Submitted", "", false},
        {"<a@example.org>", "Auto-Submitted", "nobody", false},
        {"<a@example.org>", "Auto-Submitted", "(no) auto-generated", false},
        {"<a@example.org>", "Precedence", "bulk", false},
        {"<a@example.org>", "Precedence", " LIST", false},
        {"<a@example.org>", "precedence", "junk", false},
        {"<a@example.org>", "List-Id", "<x.example.org>", false},
        {"<a@example.org>", "List-Unsubscribe", "<mailto:x@example.org>", false},
        {"<a@example.org>", "X-Auto-Response-Suppress", "All", false},
        {"<owner-list@example.org>", NULL, NULL, false},
        {"<list-request@example.org>", NULL, NULL, false},
        {"<MAILER-DAEMON@example.org>", NULL, NULL, false},
        /* addresses that nobody may be behind */
        {"<a@partner.example>", NULL, NULL, false},
        {"<a@elsewhere.example>", NULL, NULL, false},
        {"<a@exmaple.org>", NULL, NULL, false},
        {"<a@army.ml>", NULL, NULL, false},
        {"<a>", NULL, NULL, false},
        {"<\"a b\"@example.org>", NULL, NULL, false},
        {"<a\xff@example.org>", NULL, NULL, false},
        {"<a\xe2\x80\xae@example.org>", NULL, NULL, false},
        {"<a\x1b@example.org>", NULL, NULL, false},
    };
    struct told told;
    struct world *both = new_world(&told, hold, true, true);
    struct world *one;

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const char *text =
            told_of(both, &told, rows[i].sender, rows[i].name, rows[i].value);

        ck_assert_msg(
            strcmp(text, rows[i].sender_told ? "sender reviewer held 1: bob@army.ml []"
                                             : "reviewer held 1: bob@army.ml []") == 0,
            "%s %s: %s: %s", rows[i].sender, rows[i].name, rows[i].value, text);
    }
    world_free(&both);
    one = new_world(&told, hold, true, false);
    ck_assert_str_eq(told_of(one, &told, "<a@example.org>", "Subject", " x\r\n y "),
        "sender held 1: bob@army.ml [x\r\n y]");
    ck_assert_str_eq(told_of(one, &told, "<a@example.org>", "List-Id", "x"), "");
    world_free(&one);
}
END_TEST

START_TEST(test_notice__nobody_is_told_of_a_bounce_or_of_a_notice)
{
    struct told told;
    struct world *world = new_world(&told, hold, true, true);

    ck_assert_str_eq(told_of(world, &told, "<>", NULL, NULL), "");
    ck_assert_str_eq(told_of(world, &told, "", NULL, NULL), "");
    ck_assert_str_eq(
        told_of(world, &told, "<a@example.org>", NM_NOTICE_HEADER, "01X"), "");
    world_free(&world);
}
END_TEST

/* A sender of another domain is one of ours when who sends has logged in, or comes from our
 * networks and nobody said which domains are ours: a forwarder is there, too. */
START_TEST(test_notice__mail_from_here_has_a_sender_here)
{
    static const struct {
        bool has_networks;
        bool names_own;
        const char *auth;
        bool is_told;
    } rows[] = {{false, true, "alice", true}, {false, true, NULL, false},
        {true, true, NULL, false}, {true, false, NULL, true},
        {true, true, "alice", true}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_snapshot_values values = world_values(hold, 1);
        struct told told = {.count = 0};
        struct world *world;

        values.notice_sender = true;
        values.names_own = rows[i].names_own;
        if (rows[i].has_networks) {
            values.networks = malloc(sizeof *values.networks);
            ck_assert_ptr_nonnull(values.networks);
            ck_assert(nm_network_parse("192.0.2.0/24", values.networks));
            values.network_count = 1;
        }
        world = world_new(&values);
        world->ports.notices = (struct nm_notice_port){&told, tell};
        world_connect(world, "192.0.2.1");
        (void)world_send(world, (struct nm_input){.event = NM_SESSION_MAIL,
                                    .path = {"<a@hosted.example>", 18},
                                    .auth = rows[i].auth});
        (void)world_rcpt(world, "<bob@army.ml>");
        (void)world_event(world, NM_SESSION_END);
        nm_session_finish(world->session, true);
        ck_assert_str_eq(
            told.text, rows[i].is_told ? "sender held 1: bob@army.ml []" : "");
        world_free(&world);
    }
}
END_TEST

START_TEST(test_notice__what_did_not_happen_is_not_told)
{
    static const struct nm_rule_spec tag[] = {
        {.name = "tag", .confidence = 0.5, .action = NM_ACTION_TAG}};
    static const struct nm_rule_spec observed[] = {{.name = "trial",
        .confidence = 0.5,
        .action = NM_ACTION_HOLD,
        .mode = NM_MODE_OBSERVE}};
    struct told told;
    struct world *world = new_world(&told, tag, true, true);

    ck_assert_str_eq(told_of(world, &told, "<a@example.org>", NULL, NULL), "");
    world_free(&world);
    world = new_world(&told, observed, true, true);
    ck_assert_str_eq(told_of(world, &told, "<a@example.org>", NULL, NULL), "");
    world_free(&world);

    world = new_world(&told, hold, true, true);
    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, "<bob@army.ml>");
    (void)world_event(world, NM_SESSION_END);
    nm_session_finish(world->session, false); /* the mail server did not do it */
    ck_assert_uint_eq(told.count, 0);

    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, "<bob@army.ml>");
    (void)world_event(world, NM_SESSION_ABORT);
    ck_assert_uint_eq(told.count, 0);

    world->wait_fails = NM_TIMEOUT; /* put off, for it could not be recorded */
    ck_assert_str_eq(told_of(world, &told, "<a@example.org>", NULL, NULL), "");
    world->wait_fails = NM_OK;

    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, "<bob@army.mil>");
    (void)world_event(world, NM_SESSION_END);
    nm_session_finish(world->session, true);
    ck_assert_uint_eq(told.count, 0);
    world_free(&world);
}
END_TEST

START_TEST(test_notice__names_so_many_recipients_and_counts_the_others)
{
    struct told told;
    struct world *world = new_world(&told, hold, true, false);
    unsigned named = 0;

    (void)world_mail(world, "<a@example.org>");
    for (int i = 0; i < 300; i++) {
        char path[64];

        (void)snprintf(path, sizeof path, "<r%d@army.ml>", i);
        (void)world_rcpt(world, path);
    }
    (void)world_event(world, NM_SESSION_END);
    nm_session_finish(world->session, true);
    ck_assert_ptr_nonnull(strstr(told.text, "held 300: r0@army.ml"));
    for (const char *at = told.text; (at = strchr(at, '@')) != NULL; at++)
        named++;
    ck_assert_uint_eq(named, NM_NOTICE_RECIPIENTS_MAX);
    world_free(&world);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("notices");
    Suite *suite = suite_create("gate");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_notice__a_person_here_is_told_and_no_other);
    tcase_add_test(tests, test_notice__nobody_is_told_of_a_bounce_or_of_a_notice);
    tcase_add_test(tests, test_notice__mail_from_here_has_a_sender_here);
    tcase_add_test(tests, test_notice__what_did_not_happen_is_not_told);
    tcase_add_test(tests, test_notice__names_so_many_recipients_and_counts_the_others);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
