#include <nearmiss/policy.h>

#include "alloc_walk.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(test_policy__says_no_memory_and_makes_nothing)
{
    static const char *const patterns[] = {"*.mil", "army.ml"};
    static const char *const networks[] = {"192.0.2.0/24", "2001:db8::/32"};
    const struct nm_rule_spec rules[] = {
        {.name = "all",
            .confidence = 0.5,
            .techniques = (const enum nm_technique[]){NM_TECHNIQUE_SUFFIX},
            .technique_count = 1,
            .targets = patterns,
            .target_count = 2,
            .domains = patterns,
            .domain_count = 2,
            .senders = patterns,
            .sender_count = 2,
            .recipients = patterns,
            .recipient_count = 2,
            .auths = patterns,
            .auth_count = 2,
            .networks = networks,
            .network_count = 2,
            .action = NM_ACTION_REJECT,
            .reply = "%{domain}"},
        {.name = "none", .confidence = -1, .action = NM_ACTION_TAG},
    };
    struct nm_policy *policy = NULL;
    size_t failures = 0;

    for (;;) {
        struct nm_error error = {.code = NM_OK};
        enum nm_code code;

        alloc_walk_fail(failures + 1);
        code = nm_policy_new(rules, NM_COUNT(rules), &policy, &error);
        if (!alloc_walk_failed())
            break;
        failures++;
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_int_eq(error.code, NM_NO_MEMORY);
        ck_assert_ptr_null(policy);
    }
    ck_assert_uint_ge(failures, 3);
    ck_assert_uint_eq(nm_policy_size(policy), NM_COUNT(rules));
    nm_policy_free(&policy);
    ck_assert_ptr_null(policy);
}
END_TEST

/* Enough of it for many blocks of an arena. */
START_TEST(test_policy__says_no_memory_for_many_rules)
{
    enum { RULE_COUNT = 300 };
    static char names[RULE_COUNT][16];
    static struct nm_rule_spec rules[RULE_COUNT];
    static const char *const patterns[] = {"a-rather-long-name.example"};
    struct nm_policy *policy = NULL;
    size_t failures = 0;

    for (size_t i = 0; i < RULE_COUNT; i++) {
        (void)snprintf(names[i], sizeof names[i], "rule-%zu", i);
        rules[i] = (struct nm_rule_spec){
            .name = names[i], .confidence = -1, .domains = patterns, .domain_count = 1};
    }
    for (;;) {
        alloc_walk_fail(failures + 1);
        if (nm_policy_new(rules, RULE_COUNT, &policy, NULL) == NM_OK)
            break;
        ck_assert(alloc_walk_failed());
        failures++;
    }
    ck_assert(!alloc_walk_failed());
    ck_assert_uint_ge(failures, 6);
    nm_policy_free(&policy);
}
END_TEST

START_TEST(test_policy__asks_for_no_memory_while_it_decides)
{
    const struct nm_rule_spec rule = {.name = "r",
        .confidence = -1,
        .action = NM_ACTION_REJECT,
        .reply = "%{sender} %{domain}"};
    const struct nm_address recipient = {.kind = NM_ADDRESS_LOCAL};
    const struct nm_verdict verdict = {.match = NM_MATCH_NONE};
    const struct nm_request request = {.verdict = &verdict,
        .recipient = &recipient,
        .sender = "alice@example.org",
        .recipient_text = "bob"};
    struct nm_policy *policy = NULL;
    struct nm_decision decision;
    struct nm_reply reply;

    ck_assert_int_eq(nm_policy_new(&rule, 1, &policy, NULL), NM_OK);
    alloc_walk_fail(1);
    nm_policy_decide(policy, &request, &decision);
    (void)nm_policy_explain(policy, 0, &request);
    nm_reply_make(&decision, &request, "ref", &reply);
    ck_assert(!alloc_walk_failed());
    nm_policy_free(&policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_policy__says_no_memory_and_makes_nothing);
    tcase_add_test(cases, test_policy__says_no_memory_for_many_rules);
    tcase_add_test(cases, test_policy__asks_for_no_memory_while_it_decides);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
