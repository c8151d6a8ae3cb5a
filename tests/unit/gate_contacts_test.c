/* First contacts: what counts as one, and what mail teaches. */
#include "gate_world.h"

/* A memory of domains, as text: " a.example b.example ". */
struct memory {
    char known[4096];
    unsigned asked;
    unsigned noted;
};

static bool knows(void *self, const char *domain, size_t length)
{
    struct memory *memory = self;
    char word[NM_DOMAIN_MAX + 3];

    memory->asked++;
    (void)snprintf(word, sizeof word, " %.*s ", (int)length, domain);
    return strstr(memory->known, word) != NULL;
}

static void note(void *self, const char *domain, size_t length)
{
    struct memory *memory = self;
    const size_t used = strlen(memory->known);

    memory->noted++;
    (void)snprintf(memory->known + used, sizeof memory->known - used, "%.*s ",
        (int)length, domain);
}

static const struct nm_rule_spec rules[] = {
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT},
    {.name = "kept",
        .confidence = -1,
        .domains = (const char *const[]){"held.example"},
        .domain_count = 1,
        .action = NM_ACTION_HOLD},
    {.name = "new", .confidence = -1, .first_contact = NM_YES, .action = NM_ACTION_TAG},
};

static struct world *new_world(struct memory *memory, bool learn)
{
    struct nm_snapshot_values values = world_values(rules, NM_COUNT(rules));
    struct world *world;

    values.learn = learn;
    world = world_new(&values);
    world->ports.contacts = (struct nm_contact_port){memory, knows, note};
    *memory = (struct memory){.known = " "};
    world_connect(world, "192.0.2.1");
    return world;
}

static void send_to(struct world *world, const char *recipient, bool carried_out)
{
    struct nm_answer answer;

    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, recipient);
    (void)world_event(world, NM_SESSION_DATA);
    answer = world_event(world, NM_SESSION_END);
    (void)answer;
    nm_session_finish(world->session, carried_out);
}

/* The rule that decided about the last recipient. */
static const char *rule_for(struct world *world, const char *recipient)
{
    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, recipient);
    return world_last(world)->rule;
}

START_TEST(test_contact__the_first_mail_to_a_domain_is_one)
{
    static const struct {
        const char *known;
        const char *recipient;
        const char *rule;
    } rows[] = {
        {" ", "<b@new.example>", "new"},
        {" new.example ", "<b@new.example>", ""},
        {" new.example ", "<b@mail.new.example>", ""},
        {" new.example ", "<b@a.b.new.example>", ""},
        {" mail.new.example ", "<b@new.example>", "new"},
        {" other.example ", "<b@new.example>", "new"},
        {" ", "<b@example.org>", ""},
        {" ", "<b@sub.example.org>", ""},
        {" ", "<postmaster>", ""},
        {" ", "<b@[192.0.2.1]>", ""},
        {" ", "<b@army.mil>", ""},
        {" new.co.uk ", "<b@x.new.co.uk>", ""},
        {" co.uk ", "<b@new.co.uk>", "new"},
    };
    struct memory memory;
    struct world *world = new_world(&memory, true);

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        (void)nm_copy(memory.known, sizeof memory.known, rows[i].known);
        ck_assert_msg(strcmp(rule_for(world, rows[i].recipient), rows[i].rule) == 0,
            "row %zu", i);
    }
    world_free(&world);
}
END_TEST

START_TEST(test_contact__mail_that_passes_teaches_its_registrable_domain)
{
    static const struct {
        const char *recipient;
        bool carried_out;
        const char *known;
    } rows[] = {
        {"<b@mail.new.example>", true, " new.example "},
        {"<b@new.example>", false, " "},
        {"<b@army.ml>", true, " "},
        {"<b@held.example>", true, " "},
        {"<b@example.org>", true, " "},
        {"<postmaster>", true, " "},
        {"<b@new..example>", true, " "},
        {"<b@us.army.mil>", true, " army.mil "},
        {"<b@orange.ml>", true, " orange.ml "},
    };
    struct memory memory;
    struct world *world = new_world(&memory, true);

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        (void)nm_copy(memory.known, sizeof memory.known, " ");
        send_to(world, rows[i].recipient, rows[i].carried_out);
        ck_assert_msg(strcmp(memory.known, rows[i].known) == 0, "row %zu: \"%s\"", i,
            memory.known);
    }
    world_free(&world);
}
END_TEST

START_TEST(test_contact__a_near_miss_that_is_let_through_teaches_nothing)
{
    struct nm_snapshot_values values = world_values(NULL, 0);
    struct memory memory = {.known = " "};
    struct world *world;

    values.learn = true;
    world = world_new(&values);
    world->ports.contacts = (struct nm_contact_port){&memory, knows, note};
    world_connect(world, "192.0.2.1");
    send_to(world, "<b@army.ml>", true);
    ck_assert_int_eq(world_last(world)->outcome, NM_OUTCOME_PASSED);
    ck_assert_str_eq(memory.known, " ");
    world_free(&world);
}
END_TEST

START_TEST(test_contact__nothing_is_taught_without_leave_or_before_the_end)
{
    struct memory memory;
    struct world *world = new_world(&memory, false);

    send_to(world, "<b@new.example>", true);
    ck_assert_uint_eq(memory.noted, 0);
    world_free(&world);

    world = new_world(&memory, true);
    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, "<b@new.example>");
    (void)world_event(world, NM_SESSION_DATA);
    ck_assert_uint_eq(memory.noted, 0);
    (void)world_event(world, NM_SESSION_ABORT);
    ck_assert_uint_eq(memory.noted, 0);
    (void)world_mail(world, "<a@example.org>");
    (void)world_rcpt(world, "<b@new.example>");
    (void)world_rcpt(world, "<c@mail.new.example>");
    (void)world_event(world, NM_SESSION_DATA);
    (void)world_event(world, NM_SESSION_END);
    (void)world_mail(world, "<a@example.org>"); /* the answer was given */
    ck_assert_uint_eq(memory.noted, 1);
    world_free(&world);
}
END_TEST

START_TEST(test_contact__a_message_teaches_so_many_domains_at_most)
{
    struct memory memory;
    struct world *world = new_world(&memory, true);

    (void)world_mail(world, "<a@example.org>");
    for (int i = 0; i < 300; i++) {
        char recipient[64];

        (void)snprintf(recipient, sizeof recipient, "<b@supplier%d.example>", i);
        (void)world_rcpt(world, recipient);
    }
    (void)world_event(world, NM_SESSION_DATA);
    (void)world_event(world, NM_SESSION_END);
    nm_session_finish(world->session, true);
    ck_assert_uint_eq(memory.noted, 256);
    world_free(&world);
}
END_TEST

/* Asked of no rule and to be learnt of none, the list of suffixes is left alone. */
START_TEST(test_contact__costs_nothing_where_nobody_asks)
{
    struct nm_snapshot_values values = world_values(rules, 2);
    struct memory memory = {.known = " "};
    struct world *world = world_new(&values);

    world->ports.contacts = (struct nm_contact_port){&memory, knows, note};
    world_connect(world, "192.0.2.1");
    send_to(world, "<b@new.example>", true);
    ck_assert_uint_eq(memory.asked, 0);
    world_free(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contacts");
    TCase *cases = tcase_create("contacts");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_contact__the_first_mail_to_a_domain_is_one);
    tcase_add_test(
        cases, test_contact__mail_that_passes_teaches_its_registrable_domain);
    tcase_add_test(
        cases, test_contact__a_near_miss_that_is_let_through_teaches_nothing);
    tcase_add_test(
        cases, test_contact__nothing_is_taught_without_leave_or_before_the_end);
    tcase_add_test(cases, test_contact__a_message_teaches_so_many_domains_at_most);
    tcase_add_test(cases, test_contact__costs_nothing_where_nobody_asks);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
