/* Exceptions: which one holds for a mail, what it makes of a verdict, and that a message
 * keeps those that it began with. */
#include "gate_world.h"

static const struct nm_rule_spec rules[] = {
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT},
    {.name = "closed",
        .confidence = -1,
        .domains = (const char *const[]){"*.zip"},
        .domain_count = 1,
        .action = NM_ACTION_REJECT},
};

static struct nm_domain domain_of(const char *name)
{
    struct nm_domain domain = {.length = (uint8_t)strlen(name)};

    (void)nm_copy(domain.name, sizeof domain.name, name);
    return domain;
}

static struct nm_exception exception_of(
    const char *domain, const char *target, const char *sender)
{
    return (struct nm_exception){.domain = domain_of(domain),
        .target = domain_of(target != NULL ? target : ""),
        .sender = sender,
        .reason = "a reason",
        .author = "alice (uid 1000)",
        .expires_us = INT64_MAX};
}

static struct nm_overlay *overlay_of(const struct nm_exception *rows, size_t count)
{
    struct nm_overlay *overlay = NULL;

    ck_assert_int_eq(nm_overlay_new(rows, count, &overlay), NM_OK);
    return overlay;
}

/* ---- finding ------------------------------------------------------------ */

START_TEST(test_overlay__an_exception_holds_for_what_it_names)
{
    static const struct {
        const char *domain;
        const char *target;
        const char *sender;
        const char *asked;
        const char *asked_target;
        const char *asked_sender;
        bool found;
    } rows[] = {
        {"army.ml", NULL, NULL, "army.ml", NULL, "a@b", true},
        {"army.ml", NULL, NULL, "mail.army.ml", NULL, "a@b", true},
        {"army.ml", NULL, NULL, "a.b.army.ml", NULL, "", true},
        {"army.ml", NULL, NULL, "xarmy.ml", NULL, "a@b", false},
        {"army.ml", NULL, NULL, "ml", NULL, "a@b", false},
        {"mail.army.ml", NULL, NULL, "army.ml", NULL, "a@b", false},
        {"army.ml", NULL, NULL, "army.ml", "army.mil", "a@b", false},
        {"army.ml", "army.mil", NULL, "army.ml", NULL, "a@b", false},
        {"army.ml", "army.mil", NULL, "army.ml", "army.mil", "a@b", true},
        {"army.ml", "army.mil", NULL, "us.army.ml", "us.army.mil", "a@b", true},
        {"army.ml", "mil", NULL, "army.ml", "army.mil", "a@b", true},
        {"army.ml", "navy.mil", NULL, "army.ml", "army.mil", "a@b", false},
        {"army.ml", "us.army.mil", NULL, "army.ml", "army.mil", "a@b", false},
        {"army.ml", NULL, "a@b.example", "army.ml", NULL, "A@B.Example", true},
        {"army.ml", NULL, "a@b.example", "army.ml", NULL, "c@b.example", false},
        {"army.ml", NULL, "a@b.example", "army.ml", NULL, "", false},
        {"army.ml", NULL, "b.example", "army.ml", NULL, "c@b.example", true},
        {"army.ml", NULL, "b.example", "army.ml", NULL, "c@x.b.example", false},
        {"army.ml", NULL, "b.example", "army.ml", NULL, "b.example", false},
        {"army.ml", NULL, "", "army.ml", NULL, "", true},
        {"army.ml", NULL, "", "army.ml", NULL, "a@b", false},
        {"army.ml", "army.mil", "a@b", "army.ml", "army.mil", "a@b", true},
        {"army.ml", "army.mil", "a@b", "army.ml", "army.mil", "a@c", false},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_exception row =
            exception_of(rows[i].domain, rows[i].target, rows[i].sender);
        const struct nm_domain asked = domain_of(rows[i].asked);
        const struct nm_domain target =
            domain_of(rows[i].asked_target != NULL ? rows[i].asked_target : "");
        struct nm_overlay *overlay = overlay_of(&row, 1);
        const struct nm_exception *found = nm_overlay_find(overlay, &asked,
            rows[i].asked_target != NULL ? &target : NULL, rows[i].asked_sender, 0);

        ck_assert_msg((found != NULL) == rows[i].found, "row %zu", i);
        if (found != NULL)
            ck_assert_str_eq(found->author, "alice (uid 1000)");
        nm_overlay_release(&overlay);
        ck_assert_ptr_null(overlay);
    }
}
END_TEST

START_TEST(test_overlay__an_exception_ends)
{
    struct nm_exception row = exception_of("army.ml", NULL, NULL);
    const struct nm_domain asked = domain_of("army.ml");
    struct nm_overlay *overlay;

    row.expires_us = 1000;
    overlay = overlay_of(&row, 1);
    ck_assert_ptr_nonnull(nm_overlay_find(overlay, &asked, NULL, "a@b", 999));
    ck_assert_ptr_null(nm_overlay_find(overlay, &asked, NULL, "a@b", 1000));
    nm_overlay_release(&overlay);
}
END_TEST

START_TEST(test_overlay__none_holds_nothing)
{
    const struct nm_domain asked = domain_of("army.ml");
    struct nm_overlay *overlay = overlay_of(NULL, 0);

    ck_assert_ptr_null(nm_overlay_find(NULL, &asked, NULL, "a@b", 0));
    ck_assert_ptr_null(nm_overlay_find(overlay, &asked, NULL, "a@b", 0));
    ck_assert_uint_eq(nm_overlay_size(NULL), 0);
    nm_overlay_release(&overlay);
    ck_assert_int_eq(nm_overlay_new(NULL, NM_EXCEPTIONS_MAX + 1, &overlay), NM_LIMIT);
}
END_TEST

static bool model_covers(const char *domain, const char *name)
{
    const size_t length = strlen(domain);
    const size_t at = strlen(name) >= length ? strlen(name) - length : 0;

    return strlen(name) >= length && strcmp(name + at, domain) == 0 &&
           (at == 0 || name[at - 1] == '.');
}

/* Every exception looked at, one by one. */
START_TEST(test_overlay__finds_as_a_plain_search_does)
{
    enum { ROUNDS = 300, ROWS_MAX = 40, ASKED = 60 };
    static const char *const labels[] = {"a", "b", "ab", "ml", "mil"};
    static const char *const senders[] = {NULL, "", "x@a.b", "a.b"};
    struct nm_exception rows[ROWS_MAX];
    unsigned seed = 20240603;

    for (int round = 0; round < ROUNDS; round++) {
        const size_t count = (size_t)rand_r(&seed) % ROWS_MAX;
        struct nm_overlay *overlay;

        for (size_t i = 0; i < count; i++) {
            char name[32];

            (void)snprintf(name, sizeof name, "%s.%s",
                labels[(size_t)rand_r(&seed) % NM_COUNT(labels)],
                labels[(size_t)rand_r(&seed) % NM_COUNT(labels)]);
            rows[i] = exception_of(name, rand_r(&seed) % 3 == 0 ? "b.ml" : NULL,
                senders[(size_t)rand_r(&seed) % NM_COUNT(senders)]);
            rows[i].expires_us = rand_r(&seed) % 4;
        }
        overlay = overlay_of(rows, count);
        for (int asked = 0; asked < ASKED; asked++) {
            const char *sender = rand_r(&seed) % 2 == 0 ? "x@a.b" : "y@b.b";
            const bool has_target = rand_r(&seed) % 2 == 0;
            const int64_t now_us = rand_r(&seed) % 4;
            const struct nm_domain target = domain_of("b.ml");
            struct nm_domain name;
            bool expected = false;
            char text[32];

            (void)snprintf(text, sizeof text, "%s.%s.%s",
                labels[(size_t)rand_r(&seed) % NM_COUNT(labels)],
                labels[(size_t)rand_r(&seed) % NM_COUNT(labels)],
                labels[(size_t)rand_r(&seed) % NM_COUNT(labels)]);
            name = domain_of(text);
            for (size_t i = 0; i < count; i++) {
                const char *from = rows[i].sender;

                expected |=
                    model_covers(rows[i].domain.name, text) &&
                    (rows[i].target.length > 0) == has_target &&
                    now_us < rows[i].expires_us &&
                    (from == NULL || strcmp(from, sender) == 0 ||
                        (strcmp(from, "a.b") == 0 && strcmp(sender, "x@a.b") == 0));
            }
            ck_assert_int_eq(nm_overlay_find(overlay, &name,
                                 has_target ? &target : NULL, sender, now_us) != NULL,
                expected);
        }
        nm_overlay_release(&overlay);
    }
}
END_TEST

/* ---- judging ------------------------------------------------------------ */

static struct nm_judgement judge(struct world *world, const struct nm_exception *row,
    const char *path, const char *sender)
{
    struct nm_snapshot *snapshot = nm_slot_pin(world->slot);
    struct nm_overlay *overlay = row != NULL ? overlay_of(row, 1) : NULL;
    const struct nm_view view = {.snapshot = snapshot, .overlay = overlay, .now_us = 5};
    struct nm_request request = {.sender = sender, .recipient_text = path};
    struct nm_judgement judgement;

    nm_judge(&view, &request, (struct nm_bytes){path, strlen(path)}, "ref", &judgement);
    ck_assert(judgement.exception == NULL || row != NULL);
    if (judgement.exception != NULL) /* the overlay goes, what it was stays */
        judgement.exception = row;
    judgement.verdict.listed = NULL;
    nm_overlay_release(&overlay);
    nm_snapshot_release(&snapshot);
    return judgement;
}

static struct world *new_world(void)
{
    const struct nm_snapshot_values values = world_values(rules, NM_COUNT(rules));

    return world_new(&values);
}

START_TEST(test_judge__an_exception_allows_what_the_lists_leave_open)
{
    static const struct {
        const char *domain;
        const char *target;
        const char *sender;
        const char *path;
        enum nm_match match;
        enum nm_action action;
        bool applied;
    } rows[] = {
        {"army.ml", NULL, NULL, "<b@army.ml>", NM_MATCH_ALLOWED, NM_ACTION_ACCEPT,
            true},
        {"army.ml", NULL, NULL, "<b@us.army.ml>", NM_MATCH_ALLOWED, NM_ACTION_ACCEPT,
            true},
        {"army.ml", NULL, "a@x.example", "<b@army.ml>", NM_MATCH_ALLOWED,
            NM_ACTION_ACCEPT, true},
        {"army.ml", NULL, "c@x.example", "<b@army.ml>", NM_MATCH_NEAR_MISS,
            NM_ACTION_REJECT, false},
        {"army.ml", "army.mil", NULL, "<b@army.ml>", NM_MATCH_ALLOWED, NM_ACTION_ACCEPT,
            true},
        {"army.ml", "partner.example", NULL, "<b@army.ml>", NM_MATCH_NEAR_MISS,
            NM_ACTION_REJECT, false},
        {"files.zip", NULL, NULL, "<b@files.zip>", NM_MATCH_ALLOWED, NM_ACTION_ACCEPT,
            true},
        {"files.zip", "army.mil", NULL, "<b@files.zip>", NM_MATCH_NONE,
            NM_ACTION_REJECT, false},
        {"army.mil", NULL, NULL, "<b@army.mil>", NM_MATCH_PROTECTED, NM_ACTION_ACCEPT,
            false},
        {"example.org", NULL, NULL, "<b@example.org>", NM_MATCH_OWN, NM_ACTION_ACCEPT,
            false},
        {"army.ml", NULL, NULL, "<postmaster>", NM_MATCH_NONE, NM_ACTION_ACCEPT, false},
        {"army.ml", NULL, NULL, "<b@army..ml>", NM_MATCH_INVALID, NM_ACTION_ACCEPT,
            false},
    };
    struct world *world = new_world();

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_exception row =
            exception_of(rows[i].domain, rows[i].target, rows[i].sender);
        const struct nm_judgement got = judge(world, &row, rows[i].path, "a@x.example");

        ck_assert_msg(got.verdict.match == rows[i].match, "row %zu: %s", i,
            nm_match_name(got.verdict.match));
        ck_assert_msg(got.decision.action == rows[i].action, "row %zu", i);
        ck_assert_msg((got.exception != NULL) == rows[i].applied, "row %zu", i);
    }
    world_free(&world);
}
END_TEST

/* Near two names, and said to be no slip of one: the other's probability is what it would
 * be without the first. */
START_TEST(test_judge__what_is_no_slip_of_one_may_be_one_of_another)
{
    static const struct {
        const char *name;
        enum nm_listing listing;
    } listed[] = {{"vendorhousse.example", NM_LISTING_PROTECTED},
        {"vendorhous.example", NM_LISTING_PROTECTED}};
    struct nm_snapshot_values values = world_values(rules, NM_COUNT(rules));
    struct nm_index_entry entries[NM_COUNT(listed)];
    struct nm_index_spec spec = {.names = values.names,
        .entries = entries,
        .entry_count = NM_COUNT(listed),
        .layouts = (const char *const[]){"us"},
        .layout_count = 1,
        .threshold = 0.5};
    const struct nm_exception both[] = {
        exception_of("vendorhouse.example", "vendorhousse.example", NULL),
        exception_of("vendorhouse.example", "vendorhous.example", NULL)};
    struct nm_domain typed = domain_of("vendorhouse.example");
    struct nm_candidate candidates[4];
    struct nm_judgement before;
    struct nm_judgement after;
    struct nm_error error;
    struct world *world;

    for (size_t i = 0; i < NM_COUNT(listed); i++)
        entries[i] = (struct nm_index_entry){.name = domain_of(listed[i].name),
            .listing = listed[i].listing,
            .weight = 1};
    nm_index_free(&values.index);
    ck_assert_int_eq(nm_index_new(&spec, &values.index, &error), NM_OK);
    ck_assert_uint_eq(nm_index_candidates(values.index, &typed, candidates, 4), 2);
    world = world_new(&values);
    before = judge(world, NULL, "b@vendorhouse.example", "a@x");
    for (size_t i = 0; i < NM_COUNT(both); i++) {
        const struct nm_candidate *left =
            strcmp(candidates[0].target.name, both[i].target.name) == 0
                ? &candidates[1]
                : &candidates[0];
        const struct nm_candidate *out =
            left == &candidates[0] ? &candidates[1] : &candidates[0];
        const double expected = left->confidence / (1 - out->confidence);

        after = judge(world, &both[i], "b@vendorhouse.example", "a@x");
        ck_assert_ptr_nonnull(after.exception);
        ck_assert_double_lt(after.verdict.confidence, before.verdict.confidence);
        ck_assert_double_eq_tol(after.verdict.confidence, expected, 1e-9);
        if (expected >= 0.5) {
            ck_assert_int_eq(after.verdict.match, NM_MATCH_NEAR_MISS);
            ck_assert_str_eq(after.verdict.best.target.name, left->target.name);
            ck_assert_double_eq_tol(after.verdict.best.confidence, expected, 1e-9);
        } else {
            ck_assert_int_eq(after.verdict.match, NM_MATCH_ALLOWED);
        }
    }
    world_free(&world);
}
END_TEST

/* ---- messages ----------------------------------------------------------- */

static void set_overlay(struct world *world, const struct nm_exception *row)
{
    nm_slot_swap_overlay(world->slot, row != NULL ? overlay_of(row, 1) : NULL);
}

START_TEST(test_session__a_message_keeps_the_exceptions_it_began_with)
{
    const struct nm_exception row = exception_of("army.ml", NULL, NULL);
    struct world *world = new_world();

    world_connect(world, "192.0.2.1");
    (void)world_mail(world, "<a@example.org>");
    set_overlay(world, &row);
    ck_assert_int_eq(world_rcpt(world, "<b@army.ml>").kind, NM_ANSWER_REPLY);
    (void)world_mail(world, "<a@example.org>");
    set_overlay(world, NULL);
    ck_assert_int_eq(world_rcpt(world, "<b@army.ml>").kind, NM_ANSWER_CONTINUE);
    ck_assert_int_eq(world_last(world)->match, NM_MATCH_ALLOWED);
    ck_assert_str_eq(world_last(world)->target, "");
    (void)world_mail(world, "<a@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<b@army.ml>").kind, NM_ANSWER_REPLY);
    world_free(&world);
}
END_TEST

START_TEST(test_session__an_exception_that_expires_stops_holding)
{
    struct nm_exception row = exception_of("army.ml", NULL, NULL);
    struct world *world = new_world();

    row.expires_us = 1000000;
    set_overlay(world, &row);
    world_connect(world, "192.0.2.1");
    (void)world_mail(world, "<a@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<b@army.ml>").kind, NM_ANSWER_CONTINUE);
    world->now_us = 1000000;
    (void)world_mail(world, "<a@example.org>");
    ck_assert_int_eq(world_rcpt(world, "<b@army.ml>").kind, NM_ANSWER_REPLY);
    world_free(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overlay");
    TCase *cases = tcase_create("overlay");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_overlay__an_exception_holds_for_what_it_names);
    tcase_add_test(cases, test_overlay__an_exception_ends);
    tcase_add_test(cases, test_overlay__none_holds_nothing);
    tcase_add_test(cases, test_overlay__finds_as_a_plain_search_does);
    tcase_add_test(cases, test_judge__an_exception_allows_what_the_lists_leave_open);
    tcase_add_test(cases, test_judge__what_is_no_slip_of_one_may_be_one_of_another);
    tcase_add_test(cases, test_session__a_message_keeps_the_exceptions_it_began_with);
    tcase_add_test(cases, test_session__an_exception_that_expires_stops_holding);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
