#include "match_kit.h"

static struct kit kit;

static void set_up(void)
{
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_OWN, "example.org", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "army.mil", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "partner.example", 1);
    kit_add(&kit, NM_LISTING_ALLOWED, "orange.ml", 1);
    kit_add(&kit, NM_LISTING_PROVIDER, "gmail.com", 1);
    kit_add(&kit, NM_LISTING_HISTORY, "contractor.com", 400);
    kit_add_suffix(&kit, "mil");
    kit_add_suffix(&kit, "gov.uk");
    kit_build(&kit);
}

static void tear_down(void)
{
    kit_end(&kit);
}

START_TEST(test_match__listed_names_are_what_they_are_listed_as)
{
    kit_expect(&kit, "example.org", NM_MATCH_OWN);
    kit_expect(&kit, "army.mil", NM_MATCH_PROTECTED);
    kit_expect(&kit, "orange.ml", NM_MATCH_ALLOWED);
    kit_expect(&kit, "gmail.com", NM_MATCH_KNOWN);
    kit_expect(&kit, "contractor.com", NM_MATCH_KNOWN);
    ck_assert_str_eq(kit_match(&kit, "mail.army.mil").listed, "army.mil");
}
END_TEST

START_TEST(test_match__own_protected_and_allowed_cover_the_names_below)
{
    kit_expect(&kit, "mx.example.org", NM_MATCH_OWN);
    kit_expect(&kit, "a.b.army.mil", NM_MATCH_PROTECTED);
    kit_expect(&kit, "x.orange.ml", NM_MATCH_ALLOWED);
    kit_expect(&kit, "xorange.mx", NM_MATCH_NONE);
    kit_expect(&kit, "sub.contractor.com", NM_MATCH_NONE);
    kit_expect(&kit, "sub.gmail.com", NM_MATCH_NONE);
}
END_TEST

START_TEST(test_match__a_slip_of_a_listed_name_is_a_near_miss)
{
    kit_expect_near(&kit, "army.ml", "army.mil", 0.9);
    kit_expect_near(&kit, "gmial.com", "gmail.com", 0.9);
    kit_expect_near(&kit, "contracotr.com", "contractor.com", 0.9);
    kit_expect_near(&kit, "partnr.example", "partner.example", 0.9);
    kit_expect_near(&kit, "mail.army.ml", "mail.army.mil", 0.9);
    kit_expect_near(&kit, "exmaple.org", "example.org", 0.9);
}
END_TEST

START_TEST(test_match__a_protected_suffix_makes_its_slips_sure)
{
    static const char *const typed[] = {"navy.ml", "navy.il", "navy.mi", "navy.mli",
        "navy.mill", "mail.navy.ml", "x.ml"};

    for (size_t i = 0; i < NM_COUNT(typed); i++) {
        char target[64];

        (void)nm_copy(target, sizeof target, typed[i]);
        (void)nm_copy(strrchr(target, '.'), 5, ".mil");
        kit_expect_near(&kit, typed[i], target, 0.9);
    }
    kit_expect_near(&kit, "hmrc.go.uk", "hmrc.gov.uk", 0.9);
    kit_expect_near(&kit, "hmrc.govuk", "hmrc.gov.uk", 0.9);
    kit_expect_near(&kit, "hmrc.gov.ul", "hmrc.gov.uk", 0.9);
    kit_expect(&kit, "usarmy.mil", NM_MATCH_NONE);
    kit_expect(&kit, "navy.mil", NM_MATCH_NONE);
    kit_expect(&kit, "hmrc.gov.uk", NM_MATCH_NONE);
    kit_expect(&kit, "firm.co.il", NM_MATCH_NONE);
    kit_expect(&kit, "firm.co.uk", NM_MATCH_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_verdict");
    TCase *cases = tcase_create("verdict");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_match__listed_names_are_what_they_are_listed_as);
    tcase_add_test(cases, test_match__own_protected_and_allowed_cover_the_names_below);
    tcase_add_test(cases, test_match__a_slip_of_a_listed_name_is_a_near_miss);
    tcase_add_test(cases, test_match__a_protected_suffix_makes_its_slips_sure);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
