#include <nearmiss/policy.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A recipient in the making: what the rules are asked about. */
struct scene {
    struct nm_verdict verdict;
    struct nm_address recipient;
    struct nm_request request;
};

static void set_domain(struct nm_domain *domain, const char *name)
{
    (void)nm_copy(domain->name, sizeof domain->name, name);
    domain->length = (uint8_t)strlen(name);
}

static struct scene *near_miss(
    const char *domain, const char *target, double confidence)
{
    struct scene *scene = calloc(1, sizeof *scene);

    ck_assert_ptr_nonnull(scene);
    scene->verdict.match = NM_MATCH_NEAR_MISS;
    scene->verdict.candidate_count = 1;
    set_domain(&scene->verdict.best.target, target);
    scene->verdict.best.technique = NM_TECHNIQUE_SUFFIX;
    scene->verdict.confidence = confidence;
    scene->verdict.best.confidence = confidence;
    scene->recipient.kind = NM_ADDRESS_MAILBOX;
    set_domain(&scene->recipient.domain, domain);
    scene->request.verdict = &scene->verdict;
    scene->request.recipient = &scene->recipient;
    scene->request.sender = "alice@example.org";
    scene->request.recipient_text = "bob@army.ml";
    scene->request.auth = "alice";
    ck_assert(nm_ip_parse("192.0.2.7", &scene->request.client));
    return scene;
}

static const char *decided_rule(const struct nm_rule_spec *rules, size_t count,
    const struct scene *scene, struct nm_decision *decision)
{
    static char name[64];
    struct nm_policy *policy = NULL;
    struct nm_error error;

    ck_assert_int_eq(nm_policy_new(rules, count, &policy, &error), NM_OK);
    nm_policy_decide(policy, &scene->request, decision);
    (void)nm_copy(name, sizeof name, decision->rule != NULL ? decision->rule : "");
    nm_policy_free(&policy);
    return name;
}

START_TEST(test_policy__the_first_rule_that_fits_decides)
{
    const struct nm_rule_spec rules[] = {
        {.name = "sure", .confidence = 0.99, .action = NM_ACTION_REJECT},
        {.name = "likely", .confidence = 0.9, .action = NM_ACTION_HOLD},
        {.name = "maybe", .confidence = 0.5, .action = NM_ACTION_TAG}};
    static const struct {
        double confidence;
        const char *rule;
        enum nm_action action;
    } rows[] = {{1, "sure", NM_ACTION_REJECT}, {0.99, "sure", NM_ACTION_REJECT},
        {0.95, "likely", NM_ACTION_HOLD}, {0.5, "maybe", NM_ACTION_TAG},
        {0.49, "", NM_ACTION_ACCEPT}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct scene *scene = near_miss("army.ml", "army.mil", rows[i].confidence);
        struct nm_decision decision;

        ck_assert_str_eq(
            decided_rule(rules, NM_COUNT(rules), scene, &decision), rows[i].rule);
        ck_assert_int_eq(decision.action, rows[i].action);
        free(scene);
    }
}
END_TEST

START_TEST(test_policy__asks_how_sure_it_is_that_the_name_is_a_slip_at_all)
{
    const struct nm_rule_spec rule = {
        .name = "sure", .confidence = 0.9, .action = NM_ACTION_REJECT};
    struct scene *scene = near_miss("army.ml", "army.mil", 0.5);
    struct nm_decision decision;

    ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "");
    scene->verdict.confidence = 0.95; /* two targets, each as probable */
    ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "sure");
    free(scene);
}
END_TEST

START_TEST(test_policy__a_recipient_pattern_without_an_at_sign_asks_for_the_domain)
{
    const struct nm_rule_spec rule = {.name = "r",
        .confidence = -1,
        .recipients = (const char *const[]){"army.ml"},
        .recipient_count = 1,
        .action = NM_ACTION_REJECT};
    static const char *const texts[] = {
        "bob@army.ml", "bob@ARMY.ML.", "@relay.example:bob@army.ml", "\"a@b\"@army.ml"};
    struct scene *scene = near_miss("army.ml", "army.mil", 0.5);
    struct nm_decision decision;

    for (size_t i = 0; i < NM_COUNT(texts); i++) {
        scene->request.recipient_text = texts[i];
        ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "r");
    }
    set_domain(&scene->recipient.domain, "army.nl");
    scene->request.recipient_text = "bob@army.nl";
    ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "");
    scene->recipient.kind = NM_ADDRESS_LOCAL;
    scene->request.recipient_text = "army.ml";
    ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "");
    free(scene);
}
END_TEST

START_TEST(test_policy__each_condition_must_fit)
{
    static const enum nm_technique suffix[] = {NM_TECHNIQUE_SUFFIX};
    static const enum nm_technique dot[] = {NM_TECHNIQUE_DOT, NM_TECHNIQUE_GLYPH};
    const struct {
        struct nm_rule_spec rule;
        bool fits;
    } rows[] = {
        {{.name = "r", .confidence = -1}, true},
        {{.name = "r", .confidence = 0.97}, true},
        {{.name = "r", .confidence = 0.98}, false},
        {{.name = "r", .confidence = -1, .techniques = suffix, .technique_count = 1},
            true},
        {{.name = "r", .confidence = -1, .techniques = dot, .technique_count = 2},
            false},
        {{.name = "r",
             .confidence = -1,
             .targets = (const char *const[]){"*.mil"},
             .target_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .targets = (const char *const[]){"*.gov"},
             .target_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .domains = (const char *const[]){"*.com", "ARMY.*"},
             .domain_count = 2},
            true},
        {{.name = "r",
             .confidence = -1,
             .domains = (const char *const[]){"ml"},
             .domain_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .senders = (const char *const[]){"example.org"},
             .sender_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .senders = (const char *const[]){"@example.org"},
             .sender_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .senders = (const char *const[]){"@example.net"},
             .sender_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .senders = (const char *const[]){"<>"},
             .sender_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .senders = (const char *const[]){"bob@*"},
             .sender_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .recipients = (const char *const[]){"bob@*"},
             .recipient_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .recipients = (const char *const[]){"@army.ml"},
             .recipient_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .recipients = (const char *const[]){"eve@*"},
             .recipient_count = 1},
            false},
        {{.name = "r",
             .confidence = -1,
             .auths = (const char *const[]){"al*"},
             .auth_count = 1},
            true},
        {{.name = "r",
             .confidence = -1,
             .auths = (const char *const[]){"bob"},
             .auth_count = 1},
            false},
        {{.name = "r", .confidence = -1, .authenticated = NM_YES}, true},
        {{.name = "r", .confidence = -1, .authenticated = NM_NO}, false},
        {{.name = "r",
             .confidence = -1,
             .networks = (const char *const[]){"2001:db8::/32", "192.0.2.0/29"},
             .network_count = 2},
            true},
        {{.name = "r",
             .confidence = -1,
             .networks = (const char *const[]){"192.0.2.8/29"},
             .network_count = 1},
            false},
        {{.name = "r", .confidence = -1, .first_contact = NM_YES}, false},
        {{.name = "r", .confidence = -1, .first_contact = NM_NO}, true},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct scene *scene = near_miss("army.ml", "army.mil", 0.97);
        struct nm_policy *policy = NULL;
        struct nm_decision decision;
        struct nm_error error;

        ck_assert_int_eq(nm_policy_new(&rows[i].rule, 1, &policy, &error), NM_OK);
        nm_policy_decide(policy, &scene->request, &decision);
        ck_assert_msg((decision.rule != NULL) == rows[i].fits, "row %zu", i);
        ck_assert_msg(
            (nm_policy_explain(policy, 0, &scene->request) == NULL) == rows[i].fits,
            "row %zu", i);
        nm_policy_free(&policy);
        free(scene);
    }
}
END_TEST

START_TEST(test_policy__does_not_fit_where_an_exception_does)
{
    static const enum nm_technique suffix[] = {NM_TECHNIQUE_SUFFIX};
    static const enum nm_technique dot[] = {NM_TECHNIQUE_DOT};
    const char *const alice[] = {"alice@example.org"};
    const char *const bob[] = {"bob@example.org"};
    const struct {
        struct nm_rule_spec unless[2];
        size_t count;
        bool fits;
    } rows[] = {
        {{{.confidence = -1, .senders = alice, .sender_count = 1}}, 1, false},
        {{{.confidence = -1, .senders = bob, .sender_count = 1}}, 1, true},
        /* All conditions of a group, but only one group of several. */
        {{{.confidence = -1,
             .senders = alice,
             .sender_count = 1,
             .techniques = dot,
             .technique_count = 1}},
            1, true},
        {{{.confidence = -1, .senders = bob, .sender_count = 1},
             {.confidence = -1, .techniques = suffix, .technique_count = 1}},
            2, false},
        {{{.confidence = 0.98}}, 1, true},
        {{{.confidence = 0.97}}, 1, false},
        {{{.confidence = -1, .authenticated = NM_YES}}, 1, false},
        {{{.confidence = -1, .near_misses = 2}}, 1, true},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_rule_spec rule = {.name = "r",
            .confidence = -1,
            .unless = rows[i].unless,
            .unless_count = rows[i].count};
        struct scene *scene = near_miss("army.ml", "army.mil", 0.97);
        struct nm_decision decision;

        scene->request.near_misses = 1;
        ck_assert_msg(strcmp(decided_rule(&rule, 1, scene, &decision),
                          rows[i].fits ? "r" : "") == 0,
            "row %zu", i);
        free(scene);
    }
}
END_TEST

START_TEST(test_policy__an_exception_that_asks_nothing_is_an_error)
{
    const struct nm_rule_spec nothing = {.confidence = -1};
    const struct nm_rule_spec rule = {
        .name = "r", .confidence = -1, .unless = &nothing, .unless_count = 1};
    struct nm_error error;

    ck_assert_int_eq(nm_rule_check(&rule, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message, "rule \"r\": unless: \"{ }\" asks for nothing, so "
                                    "that the rule would never fit");
}
END_TEST

START_TEST(test_policy__counts_the_near_misses_of_a_message)
{
    const struct nm_rule_spec rule = {
        .name = "r", .confidence = -1, .near_misses = 3, .action = NM_ACTION_HOLD};
    struct scene *scene = near_miss("army.ml", "army.mil", 0.97);
    struct nm_decision decision;

    for (unsigned count = 0; count < 6; count++) {
        scene->request.near_misses = count;
        ck_assert_str_eq(
            decided_rule(&rule, 1, scene, &decision), count >= 3 ? "r" : "");
    }
    free(scene);
}
END_TEST

/* Found by halving or one by one, it is the same. */
START_TEST(test_policy__long_lists_fit_as_short_ones_do)
{
    enum { LISTED = 5000 };
    static char memory[LISTED][32];
    static const char *senders[LISTED];
    const struct nm_rule_spec rule = {
        .name = "r", .confidence = -1, .senders = senders, .sender_count = LISTED};
    struct scene *scene = near_miss("army.ml", "army.mil", 0.97);
    struct nm_decision decision;

    for (size_t i = 0; i < LISTED; i++) {
        (void)snprintf(memory[i], sizeof memory[i],
            i % 7 == 0   ? "U%zu*@Example.org"
            : i % 7 == 1 ? "@d%zu.example"
                         : "User%zu@example.org",
            i * 2654435761 % 1000003);
        senders[i] = memory[i];
    }
    for (size_t i = 0; i < LISTED; i += 13) {
        const size_t number = i * 2654435761 % 1000003;
        char sender[64];

        (void)snprintf(sender, sizeof sender,
            i % 7 == 0   ? "u%zux@example.org"
            : i % 7 == 1 ? "anyone@D%zu.example"
                         : "USER%zu@example.org",
            number);
        scene->request.sender = sender;
        ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "r");
        (void)snprintf(sender, sizeof sender, "nobody%zu@example.org", number);
        ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "");
    }
    free(scene);
}
END_TEST

START_TEST(test_policy__a_closed_suffix_spares_own_protected_and_allowed)
{
    const struct nm_rule_spec rule = {.name = "no-ml",
        .confidence = -1,
        .domains = (const char *const[]){"*.ml"},
        .domain_count = 1,
        .action = NM_ACTION_REJECT};
    static const struct {
        enum nm_match match;
        bool fits;
    } rows[] = {{NM_MATCH_NONE, true}, {NM_MATCH_KNOWN, true},
        {NM_MATCH_NEAR_MISS, true}, {NM_MATCH_OWN, false}, {NM_MATCH_PROTECTED, false},
        {NM_MATCH_ALLOWED, false}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct scene *scene = near_miss("orange.ml", "orange.mil", 0.6);
        struct nm_decision decision;

        scene->verdict.match = rows[i].match;
        ck_assert_str_eq(
            decided_rule(&rule, 1, scene, &decision), rows[i].fits ? "no-ml" : "");
        free(scene);
    }
}
END_TEST

START_TEST(test_policy__a_rule_with_a_confidence_fits_near_misses_only)
{
    const struct nm_rule_spec rule = {
        .name = "any", .confidence = 0, .action = NM_ACTION_REJECT};
    struct scene *scene = near_miss("orange.ml", "orange.mil", 0.6);
    struct nm_decision decision;

    scene->verdict.match = NM_MATCH_NONE;
    ck_assert_str_eq(decided_rule(&rule, 1, scene, &decision), "");
    ck_assert_int_eq(decision.action, NM_ACTION_ACCEPT);
    free(scene);
}
END_TEST

START_TEST(test_policy__complains_with_file_line_and_rule)
{
    const struct {
        struct nm_rule_spec rule;
        const char *words;
    } rows[] = {
        {{.name = "", .confidence = -1}, "name"},
        {{.name = NULL, .confidence = -1}, "name"},
        {{.name = "a\nb", .confidence = -1}, "control characters"},
        {{.name = "\xff", .confidence = -1}, "UTF-8"},
        {{.name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
             .confidence = -1},
            "1 to 64 bytes"},
        {{.name = "r", .confidence = 1.5}, "above 1"},
        {{.name = "r", .confidence = NAN}, "not a number"},
        {{.name = "r",
             .confidence = -1,
             .techniques = (const enum nm_technique[]){NM_TECHNIQUE_NONE},
             .technique_count = 1},
            "technique"},
        {{.name = "r",
             .confidence = -1,
             .techniques =
                 (const enum nm_technique[]){(enum nm_technique)NM_TECHNIQUE_COUNT},
             .technique_count = 1},
            "technique"},
        {{.name = "r", .confidence = -1, .action = (enum nm_action)NM_ACTION_COUNT},
            "is no action"},
        {{.name = "r",
             .confidence = -1,
             .domains = (const char *const[]){"b\xc3\xbc*"},
             .domain_count = 1},
            "A-labels"},
        {{.name = "r",
             .confidence = -1,
             .targets = (const char *const[]){"a@b"},
             .target_count = 1},
            "without @"},
        {{.name = "r",
             .confidence = -1,
             .networks = (const char *const[]){"192.0.2.1/24"},
             .network_count = 1},
            "192.0.2.1/24"},
        {{.name = "r", .confidence = -1, .reply = "%{dmain}"}, "%{domain}"},
        {{.name = "r", .confidence = -1, .reply = "a\nb"}, "control"},
        {{.name = "r", .confidence = -1, .reply = ""}, "1 to"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_rule_spec rule = rows[i].rule;
        struct nm_error error;

        rule.file = "x.conf";
        rule.line = 9;
        ck_assert_int_eq(nm_rule_check(&rule, &error), NM_BAD_INPUT);
        ck_assert_str_eq(error.file, "x.conf");
        ck_assert_uint_eq(error.line, 9);
        ck_assert_msg(
            strstr(error.message, rows[i].words) != NULL, "%zu: %s", i, error.message);
    }
}
END_TEST

START_TEST(test_policy__refuses_two_rules_of_one_name)
{
    const struct nm_rule_spec rules[] = {
        {.name = "a", .confidence = -1}, {.name = "a", .confidence = -1}};
    struct nm_policy *policy = NULL;
    struct nm_error error;

    ck_assert_int_eq(nm_policy_new(rules, 2, &policy, &error), NM_BAD_INPUT);
    ck_assert_ptr_null(policy);
}
END_TEST

START_TEST(test_network__parses_only_what_is_one)
{
    static const struct {
        const char *text;
        bool is_network;
        const char *inside;
        const char *outside;
    } rows[] = {
        {"0.0.0.0/0", true, "203.0.113.9", "::1"},
        {"192.0.2.128/25", true, "192.0.2.200", "192.0.2.127"},
        {"192.0.2.7", true, "192.0.2.7", "192.0.2.8"},
        {"::/0", true, "2001:db8::1", "192.0.2.1"},
        {"2001:db8::/33", true, "2001:db8:7fff::1", "2001:db8:8000::1"},
        {"IPv6:2001:db8::1", true, "2001:db8::1", "2001:db8::2"},
        {"::ffff:192.0.2.1", true, "192.0.2.1", "192.0.2.2"},
        {"192.0.2.0/33", false, NULL, NULL},
        {"192.0.2.0/", false, NULL, NULL},
        {"192.0.2.0/2x", false, NULL, NULL},
        {"192.0.2.0/0024", false, NULL, NULL},
        {"192.0.2.1/31", false, NULL, NULL},
        {"2001:db8::1/64", false, NULL, NULL},
        {"192.0.2", false, NULL, NULL},
        {"", false, NULL, NULL},
        {"/8", false, NULL, NULL},
        {"example.org", false, NULL, NULL},
        {"1111111111111111111111111111111111111111111111111111111111", false, NULL,
            NULL},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_network network;
        struct nm_ip ip;

        ck_assert_msg(nm_network_parse(rows[i].text, &network) == rows[i].is_network,
            "%s", rows[i].text);
        if (!rows[i].is_network)
            continue;
        ck_assert(nm_ip_parse(rows[i].inside, &ip));
        ck_assert_msg(nm_network_contains(&network, &ip), "%s", rows[i].text);
        ck_assert(nm_ip_parse(rows[i].outside, &ip));
        ck_assert_msg(!nm_network_contains(&network, &ip), "%s", rows[i].text);
    }
}
END_TEST

START_TEST(test_ip__is_written_as_it_is_read)
{
    static const struct {
        const char *text;
        const char *written;
    } rows[] = {{"192.0.2.1", "192.0.2.1"}, {"::FFFF:192.0.2.1", "192.0.2.1"},
        {"ipv6:2001:DB8::1", "2001:db8::1"}};
    const struct nm_ip none = {0};
    char text[NM_IP_TEXT_MAX + 1];

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_ip ip;

        ck_assert(nm_ip_parse(rows[i].text, &ip));
        nm_ip_format(&ip, text);
        ck_assert_str_eq(text, rows[i].written);
    }
    nm_ip_format(&none, text);
    ck_assert_str_eq(text, "");
}
END_TEST

static void reply_of(const struct scene *scene, enum nm_action action,
    const char *template, struct nm_reply *reply)
{
    const struct nm_decision decision = {
        .action = action, .rule = "mil-ml", .reply = template};

    nm_reply_make(&decision, &scene->request, "01ARYZ6S41TSV4RRFFQ69G5FAV", reply);
}

START_TEST(test_reply__names_domain_target_slip_and_reference)
{
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    struct nm_reply reply;

    reply_of(scene, NM_ACTION_REJECT, NULL, &reply);
    ck_assert_uint_eq(reply.code, 550);
    ck_assert_str_eq(reply.status, "5.7.1");
    ck_assert_ptr_nonnull(
        strstr(reply.text, "army.ml looks like a slip for army.mil ("));
    ck_assert_ptr_nonnull(strstr(reply.text, "Ref 01ARYZ6S41TSV4RRFFQ69G5FAV"));
    reply_of(scene, NM_ACTION_DEFER, NULL, &reply);
    ck_assert_uint_eq(reply.code, 451);
    ck_assert_str_eq(reply.status, "4.7.1");
    scene->verdict.match = NM_MATCH_NONE;
    reply_of(scene, NM_ACTION_REJECT, NULL, &reply);
    ck_assert_ptr_nonnull(strstr(reply.text, "Mail to army.ml is not allowed"));
    ck_assert_ptr_nonnull(strstr(reply.text, "mil-ml"));
    free(scene);
}
END_TEST

START_TEST(test_reply__expands_templates_and_never_sends_what_smtp_cannot)
{
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    struct nm_reply reply;

    reply_of(
        scene, NM_ACTION_REJECT, "100%% %{domain}>%{target} %{rule} %{ref}", &reply);
    ck_assert_str_eq(
        reply.text, "100% army.ml>army.mil mil-ml 01ARYZ6S41TSV4RRFFQ69G5FAV");
    scene->request.sender = "a\r\n250 b\x7f\xc3\xa4\xff";
    reply_of(scene, NM_ACTION_REJECT, "%{sender}|\xc3\xbc", &reply);
    ck_assert_str_eq(reply.text, "a??250 b???|?");
    scene->request.smtputf8 = true;
    reply_of(scene, NM_ACTION_REJECT, "%{sender}|\xc3\xbc", &reply);
    ck_assert_str_eq(reply.text, "a??250 b?\xc3\xa4?|\xc3\xbc");
    free(scene);
}
END_TEST

/* A name that looks like a slip may be right, and a sender must not be left alone with it. */
START_TEST(test_reply__says_whom_to_ask)
{
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    struct nm_reply reply;

    reply_of(scene, NM_ACTION_REJECT, NULL, &reply);
    ck_assert_ptr_nonnull(
        strstr(reply.text, "Not sent. If it is right, ask your postmaster. Ref"));
    scene->request.contact = "the help desk, 555-0100";
    reply_of(scene, NM_ACTION_DEFER, NULL, &reply);
    ck_assert_ptr_nonnull(strstr(
        reply.text, "Not sent yet. If it is right, ask the help desk, 555-0100. Ref"));
    reply_of(scene, NM_ACTION_REJECT, "Ask %{contact}", &reply);
    ck_assert_str_eq(reply.text, "Ask the help desk, 555-0100");
    scene->request.contact = "\xc3\xa4@example.org";
    reply_of(scene, NM_ACTION_REJECT, "Ask %{contact}", &reply);
    ck_assert_str_eq(reply.text, "Ask ?@example.org");
    scene->verdict.match = NM_MATCH_NONE;
    reply_of(scene, NM_ACTION_REJECT, NULL, &reply);
    ck_assert_ptr_nonnull(strstr(reply.text, "Not sent. If it should be, ask "));
    free(scene);
}
END_TEST

START_TEST(test_reply__no_sender_changes_how_it_is_shown)
{
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    struct nm_reply reply;

    scene->request.smtputf8 = true;
    scene->request.sender = "\\a\xe2\x80\xae"
                            "b\xc2\x9b";
    reply_of(scene, NM_ACTION_REJECT, "%{sender} \xe2\x80\x8f", &reply);
    ck_assert_str_eq(reply.text, "\\a?b? \xe2\x80\x8f"); /* the template's stays */
    free(scene);
}
END_TEST

START_TEST(test_reply__is_never_empty)
{
    static const char *const templates[] = {"%{target}", " ", "%{target} %{slip}"};
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    struct nm_reply reply;

    scene->verdict.match = NM_MATCH_NONE;
    for (size_t i = 0; i < NM_COUNT(templates); i++) {
        reply_of(scene, NM_ACTION_REJECT, templates[i], &reply);
        ck_assert_ptr_nonnull(strstr(reply.text, "Mail to army.ml is not allowed"));
    }
    free(scene);
}
END_TEST

START_TEST(test_reply__is_cut_at_its_cap_at_a_character)
{
    struct scene *scene = near_miss("army.ml", "army.mil", 0.99);
    char sender[2 * NM_REPLY_TEXT_MAX + 2];
    struct nm_reply reply;
    uint32_t code_point;
    size_t step;

    for (size_t i = 0; i < sizeof sender - 2; i += 2)
        memcpy(sender + i, "\xc3\xa4", 2);
    sender[sizeof sender - 2] = '\0';
    scene->request.sender = sender;
    scene->request.smtputf8 = true;
    reply_of(scene, NM_ACTION_REJECT, "x%{sender}", &reply);
    ck_assert_uint_le(strlen(reply.text), NM_REPLY_TEXT_MAX);
    ck_assert_uint_ge(strlen(reply.text), NM_REPLY_TEXT_MAX - 1);
    for (size_t i = 0; reply.text[i] != '\0'; i += step) {
        step = nm_utf8_decode(reply.text + i, strlen(reply.text + i), &code_point);
        ck_assert_uint_gt(step, 0);
    }
    free(scene);
}
END_TEST

START_TEST(test_action__names_go_there_and_back)
{
    enum nm_action action = NM_ACTION_ACCEPT;
    enum nm_mode mode = NM_MODE_ENFORCE;

    for (int i = 0; i < NM_ACTION_COUNT; i++) {
        ck_assert(nm_action_from_name(nm_action_name((enum nm_action)i), &action));
        ck_assert_int_eq(action, i);
    }
    ck_assert(!nm_action_from_name("Reject", &action));
    ck_assert(nm_mode_from_name("observe", &mode));
    ck_assert_int_eq(mode, NM_MODE_OBSERVE);
    ck_assert(!nm_mode_from_name("", &mode));
}
END_TEST

START_TEST(test_policy__tells_whether_a_rule_asks_for_first_contacts)
{
    const struct nm_rule_spec asking = {
        .name = "r", .confidence = -1, .first_contact = NM_NO};
    const struct nm_rule_spec rules[] = {{.name = "a", .confidence = 0.5},
        {.name = "b", .confidence = -1, .first_contact = NM_YES},
        {.name = "c", .confidence = 0.5, .unless = &asking, .unless_count = 1}};

    for (size_t i = 0; i < NM_COUNT(rules); i++) {
        struct nm_policy *policy = NULL;
        struct nm_error error;

        ck_assert_int_eq(nm_policy_new(&rules[i], 1, &policy, &error), NM_OK);
        ck_assert_int_eq(nm_policy_asks_first_contact(policy), i > 0);
        nm_policy_free(&policy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("policy");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_policy__tells_whether_a_rule_asks_for_first_contacts);
    tcase_add_test(cases, test_policy__the_first_rule_that_fits_decides);
    tcase_add_test(
        cases, test_policy__asks_how_sure_it_is_that_the_name_is_a_slip_at_all);
    tcase_add_test(
        cases, test_policy__a_recipient_pattern_without_an_at_sign_asks_for_the_domain);
    tcase_add_test(cases, test_policy__each_condition_must_fit);
    tcase_add_test(cases, test_policy__does_not_fit_where_an_exception_does);
    tcase_add_test(cases, test_policy__an_exception_that_asks_nothing_is_an_error);
    tcase_add_test(cases, test_policy__counts_the_near_misses_of_a_message);
    tcase_add_test(cases, test_policy__long_lists_fit_as_short_ones_do);
    tcase_add_test(
        cases, test_policy__a_closed_suffix_spares_own_protected_and_allowed);
    tcase_add_test(cases, test_policy__a_rule_with_a_confidence_fits_near_misses_only);
    tcase_add_test(cases, test_policy__complains_with_file_line_and_rule);
    tcase_add_test(cases, test_policy__refuses_two_rules_of_one_name);
    tcase_add_test(cases, test_network__parses_only_what_is_one);
    tcase_add_test(cases, test_ip__is_written_as_it_is_read);
    tcase_add_test(cases, test_reply__names_domain_target_slip_and_reference);
    tcase_add_test(
        cases, test_reply__expands_templates_and_never_sends_what_smtp_cannot);
    tcase_add_test(cases, test_reply__says_whom_to_ask);
    tcase_add_test(cases, test_reply__no_sender_changes_how_it_is_shown);
    tcase_add_test(cases, test_reply__is_never_empty);
    tcase_add_test(cases, test_reply__is_cut_at_its_cap_at_a_character);
    tcase_add_test(cases, test_action__names_go_there_and_back);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
