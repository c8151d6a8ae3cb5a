#include "pattern.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What a glob means, without a thought for how long it takes. */
static bool model(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return model(pattern + 1, text) || (*text != '\0' && model(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
           model(pattern + 1, text + 1);
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

static void make(uint32_t *state, const char *letters, size_t size, char *out)
{
    const size_t length = next(state) % size;
    const uint32_t count = (uint32_t)strlen(letters);

    for (size_t i = 0; i < length; i++)
        out[i] = letters[next(state) % count];
    out[length] = '\0';
}

/* Few letters, so that half of the pairs nearly fit. */
START_TEST(test_glob__is_what_the_model_says)
{
    enum { ROUNDS = 50000 };
    uint32_t state = 1;
    unsigned fits = 0;

    for (int i = 0; i < ROUNDS; i++) {
        char pattern[12];
        char text[14];

        make(&state, "ab.*?*", sizeof pattern, pattern);
        make(&state, "ab.", sizeof text, text);
        ck_assert_msg(
            nm_glob(pattern, text) == model(pattern, text), "%s %s", pattern, text);
        fits += nm_glob(pattern, text);
    }
    ck_assert_uint_gt(fits, ROUNDS / 10);
    ck_assert_uint_lt(fits, ROUNDS - ROUNDS / 10);
}
END_TEST

START_TEST(test_glob__ignores_the_case_of_ascii_alone)
{
    ck_assert(nm_glob("*.MIL", "army.mil"));
    ck_assert(nm_glob("*.mil", "ARMY.MIL"));
    ck_assert(!nm_glob("\xc3\xa4", "\xc3\x84"));
    ck_assert(nm_glob("\xc3?", "\xc3\x84")); /* a byte, not a character */
}
END_TEST

/* 2,000 stars against 4,000 bytes: quadratic at worst, where a plain search would be
 * exponential. */
START_TEST(test_glob__takes_its_time_in_bounds)
{
    enum { SIZE = 4000 };
    static char pattern[SIZE + 2];
    static char text[SIZE + 1];

    for (size_t i = 0; i < SIZE; i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[SIZE] = 'b';
    memset(text, 'a', SIZE);
    ck_assert(!nm_glob(pattern, text));
}
END_TEST

START_TEST(test_glob__on_addresses_asks_for_the_domain_without_an_at_sign)
{
    static const struct {
        const char *pattern;
        const char *address;
        bool fits;
    } rows[] = {
        {"army.mil", "bob@army.mil", true},
        {"*.mil", "bob@army.mil", true},
        {"*.mil", "bob.mil@army.ml", false},
        {"bob", "bob@army.mil", false},
        {"bob", "bob", false},
        {"*", "bob", false},
        {"bob@*", "bob@army.mil", true},
        {"*@army.mil", "a@b@army.mil", true},
        {"army.mil", "\"a@b\"@army.mil", true},
        {"<>", "", true},
        {"<>", "bob@army.mil", false},
        {"*", "", false},
        {"*@*", "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(nm_glob_address(rows[i].pattern, rows[i].address) == rows[i].fits,
            "%s %s", rows[i].pattern, rows[i].address);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("glob");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_glob__is_what_the_model_says);
    tcase_add_test(cases, test_glob__ignores_the_case_of_ascii_alone);
    tcase_add_test(cases, test_glob__takes_its_time_in_bounds);
    tcase_add_test(
        cases, test_glob__on_addresses_asks_for_the_domain_without_an_at_sign);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
