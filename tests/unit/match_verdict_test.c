#include "match_kit.h"

#include <math.h>

static struct kit kit;

static void set_up(void)
{
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_OWN, "example.org", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "army.mil", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "partner.example", 1);
    kit_add(&kit, NM_LISTING_ALLOWED, "orange.ml", 1);
    kit_add(&kit, NM_LISTING_PROVIDER, "postbox.com", 1);
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
    kit_expect(&kit, "postbox.com", NM_MATCH_KNOWN);
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
    kit_expect(&kit, "sub.postbox.com", NM_MATCH_NONE);
}
END_TEST

START_TEST(test_match__a_slip_of_a_listed_name_is_a_near_miss)
{
    kit_expect_near(&kit, "army.ml", "army.mil", 0.9);
    kit_expect_near(&kit, "psotbox.com", "postbox.com", 0.9);
    kit_expect_near(&kit, "contracotr.com", "contractor.com", 0.9);
    kit_expect_near(&kit, "partnr.example", "partner.example", 0.9);
    kit_expect_near(&kit, "mail.army.ml", "mail.army.mil", 0.9);
    kit_expect_near(&kit, "exmaple.org", "example.org", 0.9);
}
END_TEST

START_TEST(test_match__a_protected_suffix_makes_its_slips_sure)
{
    static const char *const typed[] = {"navy.ml", "navy.il", "navy.mi", "navy.mli",
        "navy.mill", "mail.navy.ml", "x.ml", "x.mol", "x.nil", "x.mkl"};

    for (size_t i = 0; i < NM_COUNT(typed); i++) {
        char target[64];

        (void)nm_copy(target, sizeof target, typed[i]);
        (void)nm_copy(strrchr(target, '.'), 5, ".mil");
        kit_expect_near(&kit, typed[i], target, 0.9);
    }
    kit_expect_near(&kit, "office.go.uk", "office.gov.uk", 0.9);
    kit_expect_near(&kit, "office.govuk", "office.gov.uk", 0.9);
    kit_expect_near(&kit, "office.gov.ul", "office.gov.uk", 0.9);
    kit_expect(&kit, "usarmy.mil", NM_MATCH_NONE);
    kit_expect(&kit, "navy.mil", NM_MATCH_NONE);
    kit_expect(&kit, "office.gov.uk", NM_MATCH_NONE);
    kit_expect(&kit, "firm.co.il", NM_MATCH_NONE);
    kit_expect(&kit, "firm.co.uk", NM_MATCH_NONE);
    ck_assert_uint_eq(kit_match(&kit, "firm.co.il").candidate_count, 0);
    ck_assert_uint_eq(kit_match(&kit, "unrelated.us").candidate_count, 0);
    ck_assert_uint_eq(kit_match(&kit, "mil").candidate_count, 0);
    ck_assert_uint_eq(kit_match(&kit, "ml").candidate_count, 0);
}
END_TEST

/* ---- what speaks for the typed name, and against it --------------------- */

static double confidence_of(const char *listed, const char *typed)
{
    struct kit one;
    double confidence;

    kit_begin(&one);
    kit_add(&one, NM_LISTING_PROTECTED, listed, 1);
    kit_build(&one);
    confidence = kit_match(&one, typed).confidence;
    kit_end(&one);
    return confidence;
}

START_TEST(test_match__strong_slips_of_a_protected_name_are_sure)
{
    static const char *const rows[][2] = {{"contractor.com", "contracor.com"},
        {"contractor.com", "contracotr.com"}, {"contractor.com", "conttractor.com"},
        {"contractor.com", "contractorcom"}, {"contractor.com", "contractor.cm"},
        {"contractor.com", "contractor.con"}, {"contractor.com", "contractor.ocm"},
        {"contractor.com", "contractor.com.com"}, {"contractor.com", "contractor.vom"},
        {"army.mil", "army.ml"}, {"firm.com.au", "firm.con.au"},
        {"firm.co.uk", "firm.couk"}, {"lab.contractor.com", "lab.contractor.com.com"},
        {"gov.example", "govexample"}, {"contractor.com", "c\xd0\xbentractor.com"}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const double confidence = confidence_of(rows[i][0], rows[i][1]);

        ck_assert_msg(confidence >= 0.9 && confidence < 1, "%s", rows[i][1]);
    }
}
END_TEST

START_TEST(test_match__short_labels_need_a_stronger_signal)
{
    ck_assert(confidence_of("contractor.com", "contracter.com") >
              confidence_of("tsb.com", "tsa.com"));
    ck_assert(confidence_of("tsa.gov", "usa.gov") < 0.5);
    ck_assert(confidence_of("mlb.com", "mtb.com") < 0.5);
    ck_assert(confidence_of("live.com", "ice.com") < 0.5);
}
END_TEST

START_TEST(test_match__digits_first_letters_and_twins_are_weak_evidence)
{
    ck_assert(confidence_of("team42.com", "team43.com") < 0.9);
    ck_assert(confidence_of("contractor.com", "contractor.net") < 0.9);
    ck_assert(confidence_of("contractor.com", "contractor.com.au") < 0.9);
    ck_assert(confidence_of("contractor.com.au", "contractor.com") < 0.9);
    ck_assert(confidence_of("contractor.com", "contractor.de") < 0.5);
    ck_assert(confidence_of("gmbh.de", "gmbh.dk") < 0.9);
    ck_assert(confidence_of("lindenhof.de", "lindenhof.dk") <
              confidence_of("lindenhof.de", "lindenhof.dj"));
    ck_assert(confidence_of("cater.com", "water.com") <
              confidence_of("cater.com", "caser.com"));
}
END_TEST

START_TEST(test_match__hosts_of_one_owner_are_no_slips_for_each_other)
{
    ck_assert(confidence_of("mail.example.com", "mail2.example.com") < 0.5);
    ck_assert(confidence_of("mx1.example.com", "mx2.example.com") < 0.5);
    ck_assert(confidence_of("mail.example.com", "example.com") < 0.5);
    ck_assert(confidence_of("mail.example.com", "mial.example.com") > 0.5);
    ck_assert(confidence_of("mail.example.com", "mail.exmaple.com") > 0.9);
}
END_TEST

START_TEST(test_match__local_names_are_no_slips_for_public_ones)
{
    ck_assert(confidence_of("contractor.com", "contractor.local") < 0.5);
    ck_assert(confidence_of("contractor.com", "mail.contractor.internal") < 0.5);
    ck_assert(confidence_of("192.com", "10.0.192.1") < 0.5);
}
END_TEST

/* `own` messages have gone to the typed name, `target` to the one that it is near. */
static struct nm_verdict with_history(double own, double target)
{
    struct nm_verdict verdict;
    struct kit history;

    kit_begin(&history);
    kit_add(&history, NM_LISTING_HISTORY, "contractor.com", target);
    if (own > 0)
        kit_add(&history, NM_LISTING_HISTORY, "contracotr.com", own);
    kit_build(&history);
    verdict = kit_match(&history, "contracotr.com");
    kit_end(&history);
    return verdict;
}

/* Confidences near 1 differ in no digit. */
static double score_of(struct nm_verdict verdict)
{
    return verdict.best.prior + verdict.best.slip - verdict.best.genuine;
}

START_TEST(test_match__history_is_weighed_and_ends_no_question)
{
    ck_assert_int_eq(with_history(0, 3000).match, NM_MATCH_NEAR_MISS);
    ck_assert_int_eq(with_history(2, 3000).match, NM_MATCH_NEAR_MISS);
    ck_assert_int_eq(with_history(3000, 3000).match, NM_MATCH_KNOWN);
    ck_assert_int_eq(with_history(3000, 2).match, NM_MATCH_KNOWN);
    ck_assert_int_eq(with_history(1, 1).match, NM_MATCH_KNOWN);
    ck_assert(score_of(with_history(0, 3000)) > score_of(with_history(0, 30)));
    ck_assert(score_of(with_history(0, 30)) > score_of(with_history(0, 2)));
    ck_assert(score_of(with_history(2, 300)) > score_of(with_history(20, 300)));
    ck_assert(score_of(with_history(20, 300)) > score_of(with_history(200, 300)));
}
END_TEST

START_TEST(test_match__a_suffix_slip_that_history_knows_is_spared)
{
    struct kit history;

    kit_begin(&history);
    kit_add_suffix(&history, "mil");
    kit_add(&history, NM_LISTING_HISTORY, "sotelma.ml", 5000);
    kit_build(&history);
    kit_expect_near(&history, "navy.ml", "navy.mil", 0.9);
    ck_assert(kit_match(&history, "sotelma.ml").confidence < 0.9);
    kit_end(&history);
}
END_TEST

START_TEST(test_match__doubling_a_weight_doubles_the_prior)
{
    const char *const typed = "contractcr.com";
    double priors[2];
    double confidences[2];

    for (int i = 0; i < 2; i++) {
        struct nm_verdict verdict;
        struct kit one;

        kit_begin(&one);
        kit_add(&one, NM_LISTING_PROTECTED, "contractor.com", 1 + i);
        kit_build(&one);
        verdict = kit_match(&one, typed);
        priors[i] = verdict.best.prior;
        confidences[i] = verdict.confidence;
        kit_end(&one);
    }
    ck_assert_double_eq_tol(priors[1] - priors[0], log(2), 1e-6);
    ck_assert(confidences[1] > confidences[0]);
}
END_TEST

START_TEST(test_match__a_name_under_a_protected_suffix_is_no_slip_of_another)
{
    struct kit both;

    kit_begin(&both);
    kit_add_suffix(&both, "mil");
    kit_add_suffix(&both, "ml");
    kit_build(&both);
    ck_assert_uint_eq(kit_match(&both, "navy.ml").candidate_count, 0);
    ck_assert_uint_eq(kit_match(&both, "navy.mil").candidate_count, 0);
    ck_assert_uint_gt(kit_match(&both, "navy.mli").candidate_count, 0);
    kit_end(&both);
}
END_TEST

START_TEST(test_match__of_two_ways_to_one_target_the_better_counts)
{
    static const double weights[][2] = {{1, 100}, {100, 1}};

    for (size_t i = 0; i < NM_COUNT(weights); i++) {
        struct kit two;
        struct nm_verdict verdict;

        kit_begin(&two);
        kit_add(&two, NM_LISTING_PROTECTED, "us.contractor.com", weights[i][0]);
        kit_add(&two, NM_LISTING_PROTECTED, "contractor.com", weights[i][1]);
        kit_build(&two);
        verdict = kit_match(&two, "us.contrector.com");
        ck_assert_uint_eq(verdict.candidate_count, 1);
        ck_assert_str_eq(verdict.best.target.name, "us.contractor.com");
        ck_assert(verdict.best.prior > 4);
        kit_end(&two);
    }
}
END_TEST

/* ---- lists -------------------------------------------------------------- */

START_TEST(test_match__the_strongest_listing_and_the_nearest_cover_count)
{
    struct kit lists;

    kit_begin(&lists);
    kit_add(&lists, NM_LISTING_HISTORY, "firm.example", 7);
    kit_add(&lists, NM_LISTING_ALLOWED, "firm.example", 1);
    kit_add(&lists, NM_LISTING_PROVIDER, "firm.example", 9);
    kit_add(&lists, NM_LISTING_OWN, "lab.firm.example", 1);
    kit_add(&lists, NM_LISTING_HISTORY, "x.lab.firm.example", 1);
    kit_build(&lists);
    ck_assert_uint_eq(nm_index_size(lists.index), 3);
    kit_expect(&lists, "firm.example", NM_MATCH_ALLOWED);
    kit_expect(&lists, "a.firm.example", NM_MATCH_ALLOWED);
    kit_expect(&lists, "a.lab.firm.example", NM_MATCH_OWN);
    kit_expect(&lists, "x.lab.firm.example", NM_MATCH_OWN);
    kit_end(&lists);
}
END_TEST

START_TEST(test_match__a_listed_name_is_never_a_near_miss_of_another)
{
    static const char *const names[] = {
        "contractor.com", "contractors.com", "contracter.com", "contractor.co"};
    struct kit lists;

    kit_begin(&lists);
    for (size_t i = 0; i < NM_COUNT(names); i++)
        kit_add(&lists, NM_LISTING_PROTECTED, names[i], 1);
    kit_build(&lists);
    for (size_t i = 0; i < NM_COUNT(names); i++)
        kit_expect(&lists, names[i], NM_MATCH_PROTECTED);
    kit_end(&lists);
}
END_TEST

START_TEST(test_match__the_threshold_draws_the_line)
{
    const double confidence = confidence_of("contractor.com", "contractor.net");
    const double thresholds[] = {0, confidence * 0.99, confidence * 1.01};
    static const enum nm_match expected[] = {
        NM_MATCH_NEAR_MISS, NM_MATCH_NEAR_MISS, NM_MATCH_NONE};

    for (size_t i = 0; i < NM_COUNT(thresholds); i++) {
        struct kit one;

        kit_begin(&one);
        kit_add(&one, NM_LISTING_PROTECTED, "contractor.com", 1);
        one.spec.threshold = thresholds[i];
        kit_build(&one);
        kit_expect(&one, "contractor.net", expected[i]);
        ck_assert_str_eq(
            kit_match(&one, "contractor.net").best.target.name, "contractor.com");
        kit_expect(&one, "nothing.like.it.example", NM_MATCH_NONE);
        kit_end(&one);
    }
}
END_TEST

START_TEST(test_match__an_empty_index_knows_nothing_and_a_name_of_no_bytes_is_invalid)
{
    struct nm_domain nothing;
    struct nm_verdict verdict;
    struct kit empty;

    memset(&nothing, 0, sizeof nothing);
    kit_begin(&empty);
    kit_build(&empty);
    kit_expect(&empty, "army.ml", NM_MATCH_NONE);
    nm_index_match(empty.index, &nothing, &verdict);
    ck_assert_int_eq(verdict.match, NM_MATCH_INVALID);
    ck_assert_uint_eq(nm_index_candidates(empty.index, &nothing, &verdict.best, 1), 0);
    ck_assert_uint_eq(nm_index_size(empty.index), 0);
    ck_assert_uint_gt(nm_index_bytes(empty.index), 0);
    kit_end(&empty);
}
END_TEST

START_TEST(test_match__names_of_the_greatest_length_are_judged)
{
    char text[NM_DOMAIN_MAX + 1];
    struct kit longest;

    for (size_t i = 0; i < NM_DOMAIN_MAX; i++)
        text[i] = i % 50 == 49 ? '.' : (char)('a' + i % 26);
    text[NM_DOMAIN_MAX] = '\0';
    kit_begin(&longest);
    kit_add(&longest, NM_LISTING_PROTECTED, text, 1);
    kit_build(&longest);
    kit_expect(&longest, text, NM_MATCH_PROTECTED);
    text[100] = text[100] == 'a' ? 'b' : 'a';
    kit_expect(&longest, text, NM_MATCH_NEAR_MISS);
    kit_end(&longest);
}
END_TEST

/* The built-in list, of which the caller frees the rows. */
static struct nm_index_entry *read_providers(
    const struct nm_names *names, size_t *count)
{
    const struct nm_table table = nm_builtin_table("providers");
    struct nm_index_entry *entries = calloc(table.length, sizeof *entries);

    ck_assert_ptr_nonnull(entries);
    *count = 0;
    for (size_t at = 0; at < table.length;) {
        const char *line = table.text + at;
        const size_t length = strcspn(line, "\n");

        at += length + 1;
        if (length == 0 || *line == '#')
            continue;
        ck_assert_int_eq(
            nm_domain_parse(names, line, length, &entries[*count].name), NM_FAULT_NONE);
        entries[*count].listing = NM_LISTING_PROVIDER;
        entries[(*count)++].weight = 1;
    }
    return entries;
}

/* Whoever protects some of them and leaves the list out is still told no other one is
 * a slip. */
START_TEST(test_match__a_built_in_provider_is_no_slip_listed_or_not)
{
    enum { PROTECTED = 40 };
    struct nm_index_entry *entries;
    struct nm_index *index = NULL;
    struct nm_index_spec spec;
    struct kit empty;
    size_t count;

    kit_begin(&empty);
    entries = read_providers(empty.names, &count);
    ck_assert_uint_gt(count, 2 * PROTECTED);
    for (size_t i = 0; i < PROTECTED; i++)
        entries[i].listing = NM_LISTING_PROTECTED;
    spec = empty.spec;
    spec.entries = entries;
    spec.entry_count = PROTECTED;
    ck_assert_int_eq(nm_index_new(&spec, &index, NULL), NM_OK);
    for (size_t i = PROTECTED; i < count; i++) {
        struct nm_verdict verdict;

        nm_index_match(index, &entries[i].name, &verdict);
        ck_assert_msg(verdict.confidence < 0.9, "%s", entries[i].name.name);
    }
    nm_index_free(&index);
    free(entries);
    nm_names_free(&empty.names);
}
END_TEST

START_TEST(test_match__the_built_in_providers_are_no_slips_for_each_other)
{
    struct nm_index_entry *entries;
    struct nm_index *index = NULL;
    struct nm_index_spec spec;
    struct kit empty;
    size_t count;

    kit_begin(&empty);
    entries = read_providers(empty.names, &count);
    spec = empty.spec;
    spec.entries = entries;
    spec.entry_count = count;
    ck_assert_int_eq(nm_index_new(&spec, &index, NULL), NM_OK);
    ck_assert_uint_eq(nm_index_size(index), count);
    for (size_t i = 0; i < count; i++) {
        struct nm_verdict verdict;

        nm_index_match(index, &entries[i].name, &verdict);
        ck_assert_int_eq(verdict.match, NM_MATCH_KNOWN);
    }
    nm_index_free(&index);
    free(entries);
    nm_names_free(&empty.names);
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
    tcase_add_test(cases, test_match__strong_slips_of_a_protected_name_are_sure);
    tcase_add_test(cases, test_match__short_labels_need_a_stronger_signal);
    tcase_add_test(cases, test_match__digits_first_letters_and_twins_are_weak_evidence);
    tcase_add_test(cases, test_match__hosts_of_one_owner_are_no_slips_for_each_other);
    tcase_add_test(cases, test_match__local_names_are_no_slips_for_public_ones);
    tcase_add_test(cases, test_match__history_is_weighed_and_ends_no_question);
    tcase_add_test(cases, test_match__a_suffix_slip_that_history_knows_is_spared);
    tcase_add_test(cases, test_match__doubling_a_weight_doubles_the_prior);
    tcase_add_test(
        cases, test_match__a_name_under_a_protected_suffix_is_no_slip_of_another);
    tcase_add_test(cases, test_match__of_two_ways_to_one_target_the_better_counts);
    tcase_add_test(
        cases, test_match__the_strongest_listing_and_the_nearest_cover_count);
    tcase_add_test(cases, test_match__a_listed_name_is_never_a_near_miss_of_another);
    tcase_add_test(cases, test_match__the_threshold_draws_the_line);
    tcase_add_test(cases,
        test_match__an_empty_index_knows_nothing_and_a_name_of_no_bytes_is_invalid);
    tcase_add_test(cases, test_match__names_of_the_greatest_length_are_judged);
    tcase_add_test(
        cases, test_match__the_built_in_providers_are_no_slips_for_each_other);
    tcase_add_test(cases, test_match__a_built_in_provider_is_no_slip_listed_or_not);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
