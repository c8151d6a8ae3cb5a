/* The rule that decided, found in the text of its configuration. */
#include "cli/rule_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *config;
    const char *name;
    const char *rule; /* NULL: there is none */
} cases[] = {
    {"", "a", NULL},
    {"rules = ( { name = \"a\"; } );", "a", "{ name = \"a\"; }"},
    {"rules = ( { name = \"a\"; }, { name=\"b\" } );", "b", "{ name=\"b\" }"},
    {"rules = ( { action = \"tag\";\n  name : \"a\"; } );", "a",
        "{ action = \"tag\";\n  name : \"a\"; }"},
    {"rules = ( { name = \"ab\"; } );", "a", NULL},
    {"rules = ( { reply = \"a\"; name = \"b\"; } );", "a", NULL},
    {"rules = ( { rename = \"a\"; } );", "a", NULL},
    {"name = \"a\";", "a", NULL},
    /* Braces that do not count. */
    {"rules = ( { reply = \"}\"; name = \"a\"; # }\n } );", "a",
        "{ reply = \"}\"; name = \"a\"; # }\n }"},
    {"x = { /* { name = \"a\" */ } r = ( { name = \"a\" } );", "a", "{ name = \"a\" }"},
    {"// { name = \"a\" }\n( { name = \"a\"; x = 1; } )", "a",
        "{ name = \"a\"; x = 1; }"},
    {"( { reply = \"\\\"}\"; name = \"a\"; } )", "a",
        "{ reply = \"\\\"}\"; name = \"a\"; }"},
    {"o = { r = ( { name = \"a\"; } ); };", "a", "{ name = \"a\"; }"},
    {"( { name = \"a\"; sub = { x = 1; }; y = 2; } )", "a",
        "{ name = \"a\"; sub = { x = 1; }; y = 2; }"},
    /* What no loader has accepted, a damaged log may hold. */
    {"{ name = \"a\"", "a", NULL},
    {"} } { name = \"a\" }", "a", "{ name = \"a\" }"},
    {"\"", "a", NULL},
    {"\"\\", "a", NULL},
    {"/*", "a", NULL},
    {"{{{{{{{{{{{{{{{{{{{{ name = \"a\" }}}}}}}}}}}}}}}}}}}}", "a", NULL},
    {"{ name = \"\" }", "", "{ name = \"\" }"},
};

START_TEST(test_rule_text__is_the_group_that_has_the_name)
{
    /* On the heap, so that a read past the end is seen. */
    char *config = strdup(cases[_i].config);
    const char *rule = NULL;
    size_t length = 0;

    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(
        nm_rule_text(config, cases[_i].name, &rule, &length), cases[_i].rule != NULL);
    if (cases[_i].rule != NULL) {
        ck_assert_uint_eq(length, strlen(cases[_i].rule));
        ck_assert_mem_eq(rule, cases[_i].rule, length);
    }
    free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rule_text");
    TCase *tests = tcase_create("rule_text");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        tests, test_rule_text__is_the_group_that_has_the_name, 0, (int)NM_COUNT(cases));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
