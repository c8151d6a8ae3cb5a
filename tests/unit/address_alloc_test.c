/*
 * Memory that runs out in this layer: in our own code and, through ICU's own hook, inside
 * ICU.
 */
#include <nearmiss/address.h>

#include "alloc_walk.h"
#include "alloc_walk_icu.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ICU loads its tables once a process and remembers a failure to do so; these tests are
 * about what comes after. */
static struct nm_names *names_with_loaded_tables(void)
{
    struct nm_names *names = NULL;

    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
    return names;
}

START_TEST(test_names__say_no_memory_and_make_nothing)
{
    struct nm_names *warm = names_with_loaded_tables();
    struct nm_names *names = NULL;
    struct nm_error error;
    size_t failures = 0;

    for (;;) {
        enum nm_code code;

        alloc_walk_fail(failures + 1);
        code = nm_names_new(NULL, &names, &error);
        if (!alloc_walk_failed())
            break;
        failures++;
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_int_eq(error.code, NM_NO_MEMORY);
        ck_assert_ptr_null(names);
    }
    ck_assert_uint_ge(failures, 2); /* ours and ICU's */
    ck_assert_ptr_nonnull(names);
    nm_names_free(&names);
    nm_names_free(&warm);
}
END_TEST

/* Labels long enough to leave ICU's small buffers behind. */
#define LONG_LABEL "ein-l\xc3\xa4ngeres-wort-mit-einem-\xc3\xb6-darin"
static const char long_idn[] = LONG_LABEL ".a." LONG_LABEL ".b.xn--bcher-kva.xn--p1ai";

START_TEST(test_domain__is_whole_or_a_fault_when_memory_runs_out)
{
    struct nm_names *names = names_with_loaded_tables();
    struct nm_domain expected;
    size_t failures = 0;

    ck_assert_int_eq(
        nm_domain_parse(names, long_idn, strlen(long_idn), &expected), NM_FAULT_NONE);
    for (;;) {
        struct nm_domain domain;
        enum nm_address_fault fault;

        alloc_walk_fail(failures + 1);
        fault = nm_domain_parse(names, long_idn, strlen(long_idn), &domain);
        if (!alloc_walk_failed())
            break;
        failures++;
        if (fault == NM_FAULT_NONE)
            ck_assert_str_eq(domain.name, expected.name);
        else
            ck_assert_int_eq(fault, NM_FAULT_MEMORY);
    }
    ck_assert_uint_ge(failures, 1);
    nm_names_free(&names);
}
END_TEST

START_TEST(test_domain__is_shown_in_a_labels_when_memory_runs_out)
{
    struct nm_names *names = names_with_loaded_tables();
    struct nm_domain domain;
    size_t failures = 0;

    ck_assert_int_eq(
        nm_domain_parse(names, long_idn, strlen(long_idn), &domain), NM_FAULT_NONE);
    for (;;) {
        char memory[NM_DOMAIN_UTF8_MAX + 1];
        struct nm_buf shown;
        struct nm_domain again;

        nm_buf_init(&shown, memory, sizeof memory);
        alloc_walk_fail(failures + 1);
        nm_domain_to_unicode(names, &domain, &shown);
        if (!alloc_walk_failed())
            break;
        failures++;
        ck_assert_int_eq(
            nm_domain_parse(names, shown.text, shown.length, &again), NM_FAULT_NONE);
        ck_assert_str_eq(again.name, domain.name);
    }
    ck_assert_uint_ge(failures, 1);
    nm_names_free(&names);
}
END_TEST

START_TEST(test_ascii__allocates_nothing)
{
    static const char *const paths[] = {"<bob@army.mil>", "\"a b\"@Mail.Example.ORG.",
        "<@a,@b:bob@c_d.example>", "bob@[IPv6:2001:db8::1]", "postmaster", "<>",
        "bob@army..mil"};
    struct nm_names *names = names_with_loaded_tables();

    for (size_t i = 0; i < NM_COUNT(paths); i++) {
        struct nm_address address;

        alloc_walk_fail(1);
        nm_address_parse(names, paths[i], strlen(paths[i]), &address);
        if (address.kind == NM_ADDRESS_MAILBOX)
            (void)nm_domain_split(names, &address.domain);
        ck_assert_msg(!alloc_walk_failed(), "%s", paths[i]);
    }
    nm_names_free(&names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (!alloc_walk_hook_icu())
        return 1;
    tcase_add_test(cases, test_names__say_no_memory_and_make_nothing);
    tcase_add_test(cases, test_domain__is_whole_or_a_fault_when_memory_runs_out);
    tcase_add_test(cases, test_domain__is_shown_in_a_labels_when_memory_runs_out);
    tcase_add_test(cases, test_ascii__allocates_nothing);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
