/*
 * What spares questions to libpsl must not change the answers: each name is split twice,
 * once with the rules that are compiled in and once by libpsl alone. Where the list was
 * not there to be compiled in, or libpsl holds another one, nothing is spared and there
 * is nothing to compare.
 */
#include "embedded.h"
#include "names.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

static struct nm_names *names;
static struct nm_names *bare; /* without rules */

static void set_up(void)
{
    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
    ck_assert_int_eq(nm_names_new(NULL, &bare, NULL), NM_OK);
    nm_rules_free(&bare->rules);
}

static void tear_down(void)
{
    nm_names_free(&names);
    nm_names_free(&bare);
}

static void check(const char *text)
{
    struct nm_domain_parts with;
    struct nm_domain_parts without;
    struct nm_domain domain;

    if (nm_domain_parse(names, text, strlen(text), &domain) != NM_FAULT_NONE)
        return;
    with = nm_domain_split(names, &domain);
    without = nm_domain_split(bare, &domain);
    ck_assert_msg(with.suffix == without.suffix &&
                      with.registrable == without.registrable &&
                      with.suffix_known == without.suffix_known,
        "%s: %u %u %d, not %u %u %d", text, with.registrable, with.suffix,
        with.suffix_known, without.registrable, without.suffix, without.suffix_known);
}

static void check_with_heads(const char *tail)
{
    static const char *const heads[] = {"", "a.", "x.y.", "www."};
    char name[512];

    for (size_t i = 0; i < NM_COUNT(heads); i++) {
        (void)snprintf(name, sizeof name, "%s%s", heads[i], tail);
        check(name);
    }
}

/* The rule without its sign, the same with another first label, and its tails. */
static void check_rule(const char *rule)
{
    const char *dot;
    char other[256];

    rule += rule[0] == '*' ? 2 : rule[0] == '!';
    check_with_heads(rule);
    dot = strchr(rule, '.');
    (void)snprintf(other, sizeof other, "zz%s", dot != NULL ? dot : "q");
    check_with_heads(other);
    (void)snprintf(other, sizeof other, "%sq", rule);
    check_with_heads(other);
}

START_TEST(test_rules__spare_questions_and_change_no_answer)
{
    const char *text = nm_address_embedded[0].bytes;
    size_t left = nm_address_embedded[0].length;
    const char *stop;
    size_t count = 0;

    while ((stop = memchr(text, '\n', left)) != NULL) {
        const size_t length = (size_t)(stop - text);
        char rule[256];

        ck_assert_uint_lt(length, sizeof rule);
        memcpy(rule, text, length);
        rule[length] = '\0';
        rule[strcspn(rule, " \t\r")] = '\0';
        if (count++ > 0) /* the first line is the SHA-1 */
            check_rule(rule);
        text = stop + 1;
        left -= length + 1;
    }
    ck_assert_uint_gt(count, 5000);
}
END_TEST

START_TEST(test_rules__change_no_answer_for_any_labels)
{
    static const char *const labels[] = {"com", "co", "uk", "ck", "www", "jp", "kobe",
        "city", "a", "er", "github", "io", "s3", "amazonaws", "compute", "mil", "ml",
        "no", "gs", "example", "verylonglabelofmany", "international", "q-_0"};
    uint64_t state = 1;
    char name[512];

    for (int round = 0; round < 50000; round++) {
        size_t used = 0;
        const uint64_t count = 1 + (state >> 60);

        for (uint64_t i = 0; i < count; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            used += (size_t)snprintf(name + used, sizeof name - used, "%s%s",
                i > 0 ? "." : "", labels[(state >> 33) % NM_COUNT(labels)]);
        }
        check(name);
    }
}
END_TEST

/* The libpsl of Debian 12 takes every name under `m`, which is not in the list, for a
 * public suffix. */
START_TEST(test_rules__know_that_a_suffix_is_not_in_the_list)
{
    for (char c = 'a'; c <= 'z'; c++) {
        const char text[] = {c, '.', 'm', '\0'};
        struct nm_domain domain;

        ck_assert_int_eq(nm_domain_parse(names, text, 3, &domain), NM_FAULT_NONE);
        ck_assert(!nm_domain_split(names, &domain).suffix_known);
        ck_assert_uint_eq(nm_domain_split(names, &domain).suffix, 2);
    }
}
END_TEST

START_TEST(test_rules__are_not_asked_beside_another_list)
{
    static char list[] =
        "// ===BEGIN ICANN DOMAINS===\nzz\n// ===END ICANN DOMAINS===\n";
    FILE *file = fmemopen(list, sizeof list - 1, "r");
    psl_ctx_t *suffixes;
    struct nm_names *own;

    ck_assert_ptr_nonnull(file);
    suffixes = psl_load_fp(file);
    ck_assert_int_eq(nm_names_new(suffixes, &own, NULL), NM_OK);
    ck_assert_ptr_null(own->rules);
    nm_names_free(&own);
    psl_free(suffixes);
    (void)fclose(file);
}
END_TEST

static bool has_rules(void)
{
    struct nm_rules *rules = NULL;
    const bool has = nm_rules_new(psl_builtin(), &rules) == NM_OK && rules != NULL;

    nm_rules_free(&rules);
    return has;
}

int main(void)
{
    TCase *cases = tcase_create("rules");
    Suite *suite = suite_create("address_rules");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, cases);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_rules__are_not_asked_beside_another_list);
    if (has_rules()) {
        tcase_add_test(cases, test_rules__spare_questions_and_change_no_answer);
        tcase_add_test(cases, test_rules__change_no_answer_for_any_labels);
        tcase_add_test(cases, test_rules__know_that_a_suffix_is_not_in_the_list);
    }
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed == 0 && !has_rules()) {
        (void)puts(
            "the public suffix list that libpsl holds was not there to be built in");
        return SKIPPED;
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
