#include "match_kit.h"

static struct kit kit;

static void set_up(void)
{
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, "partner.com", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "us.army.mil", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "army.mil", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "hoover.org", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "data-centre.co.uk", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "modern.net", 1);
    kit_add(&kit, NM_LISTING_PROTECTED,
        "b\xc3\xbc"
        "cherei.de",
        1);
    kit_add(&kit, NM_LISTING_PROTECTED, "team42.com", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "lab.meadows.org", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "contractor.com", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "quartz-hill.net", 1);
    kit_add(&kit, NM_LISTING_PROTECTED, "azurzamry.de", 1);
    kit_build(&kit);
}

static void tear_down(void)
{
    kit_end(&kit);
}

static const struct {
    const char *typed;
    const char *target;
    enum nm_technique technique; /* of the candidate */
    enum nm_technique slip;      /* of its first slip, where it lies, and in words */
    uint8_t typed_at, typed_length, meant_at, meant_length;
    bool in_suffix;
    const char *words;
} rows[] = {
    {"partne.com", "partner.com", NM_TECHNIQUE_OMISSION, NM_TECHNIQUE_OMISSION, 6, 0, 6,
        1, false, "a letter is missing"},
    {"team4.com", "team42.com", NM_TECHNIQUE_OMISSION, NM_TECHNIQUE_OMISSION, 5, 0, 5,
        1, false, "a digit is missing"},
    {"army.ml", "army.mil", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_OMISSION, 6, 0, 6, 1,
        true, "a letter is missing in the suffix"},
    {"mail.army.ml", "mail.army.mil", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_OMISSION, 11, 0,
        11, 1, true, "a letter is missing in the suffix"},
    {"partmner.com", "partner.com", NM_TECHNIQUE_INSERTION, NM_TECHNIQUE_INSERTION, 4,
        1, 4, 0, false, "an extra letter m"},
    {"partner7.com", "partner.com", NM_TECHNIQUE_INSERTION, NM_TECHNIQUE_INSERTION, 7,
        1, 7, 0, false, "an extra digit 7"},
    {"army.mill", "army.mil", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_DOUBLING, 8, 1, 8, 0,
        true, "one l too many in the suffix"},
    {"parrtner.com", "partner.com", NM_TECHNIQUE_DOUBLING, NM_TECHNIQUE_DOUBLING, 3, 1,
        3, 0, false, "one r too many"},
    {"hover.org", "hoover.org", NM_TECHNIQUE_DOUBLING, NM_TECHNIQUE_DOUBLING, 2, 0, 2,
        1, false, "one o too few"},
    {"patrner.com", "partner.com", NM_TECHNIQUE_TRANSPOSITION,
        NM_TECHNIQUE_TRANSPOSITION, 2, 2, 2, 2, false, "r and t changed places"},
    {"partrne.com", "partner.com", NM_TECHNIQUE_TRANSPOSITION,
        NM_TECHNIQUE_TRANSPOSITION, 4, 3, 4, 3, false, "ner are in another order"},
    {"army.mli", "army.mil", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_TRANSPOSITION, 6, 2, 6,
        2, true, "i and l changed places in the suffix"},
    {"parrner.com", "partner.com", NM_TECHNIQUE_KEY, NM_TECHNIQUE_KEY, 3, 1, 3, 1,
        false, "the neighbouring key r was hit instead of t"},
    {"partnir.com", "partner.com", NM_TECHNIQUE_SUBSTITUTION, NM_TECHNIQUE_SUBSTITUTION,
        5, 1, 5, 1, false, "i was typed instead of e"},
    {"datascentre.co.uk", "data-centre.co.uk", NM_TECHNIQUE_SUBSTITUTION,
        NM_TECHNIQUE_SUBSTITUTION, 4, 1, 4, 1, false,
        "s was typed instead of a hyphen"},
    {"m0dern.net", "modern.net", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 1, 1, 1, 1,
        false, "0 looks like o"},
    {"rnodern.net", "modern.net", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 0, 2, 0, 1,
        false, "rn looks like m"},
    {"modem.net", "modern.net", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 4, 1, 4, 2,
        false, "m looks like rn"},
    {"rnoclern.net", "modern.net", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 0, 2, 0, 1,
        false, "rn looks like m, cl looks like d"},
    {"buchere1.de",
        "b\xc3\xbc"
        "cherei.de",
        NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 0, 8, 0, 15, false,
        "other letters that look alike"},
    {"p\xd0\xb0rtner.com", "partner.com", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 0, 14,
        0, 7, false, "other letters that look like partner"},
    {"usarmy.mil", "us.army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 2, 0, 2, 1, false,
        "a dot is missing"},
    {"ar.my.mil", "army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 2, 1, 2, 0, false,
        "an extra dot"},
    {"partnerc.om", "partner.com", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 7, 2, 7, 2,
        false, "a dot is in the wrong place"},
    {"us-army.mil", "us.army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 2, 1, 2, 1,
        false, "a hyphen was typed instead of a dot"},
    {"usarmymil", "us.army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 2, 0, 2, 1, false,
        "a dot is missing, twice"},
    {"partnerxcom", "partner.com", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 7, 1, 7, 1,
        false, "x was typed instead of a dot"},
    {"data-centreco.uk", "data-centre.co.uk", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 11, 0,
        11, 1, false, "a dot is missing"},
    {"data-centre.couk", "data-centre.co.uk", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_DOT, 14,
        0, 14, 1, true, "a dot is missing in the suffix"},
    {"datacentre.co.uk", "data-centre.co.uk", NM_TECHNIQUE_HYPHEN, NM_TECHNIQUE_HYPHEN,
        4, 0, 4, 1, false, "a hyphen is missing"},
    {"part-ner.com", "partner.com", NM_TECHNIQUE_HYPHEN, NM_TECHNIQUE_HYPHEN, 4, 1, 4,
        0, false, "an extra hyphen"},
    {"dat-acentre.co.uk", "data-centre.co.uk", NM_TECHNIQUE_HYPHEN, NM_TECHNIQUE_HYPHEN,
        3, 2, 3, 2, false, "a hyphen is in the wrong place"},
    {"datacentreco.uk", "data-centre.co.uk", NM_TECHNIQUE_SEVERAL, NM_TECHNIQUE_HYPHEN,
        4, 0, 4, 1, false, "a hyphen is missing, a dot is missing"},
    {"partner.net", "partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX, 8, 3, 8, 3,
        true, "it ends in .net instead of .com"},
    {"partner.com.com", "partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX, 8, 7,
        8, 3, true, "it ends in .com.com instead of .com"},
    {"mx.partner.com.com", "mx.partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX,
        11, 7, 11, 3, true, "it ends in .com.com instead of .com"},
    {"mx.de.partner.net", "mx.de.partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX,
        14, 3, 14, 3, true, "it ends in .net instead of .com"},
    {"mx.wwwpartner.com", "mx.partner.com", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 3, 3, 3, 0, false, "www stands before the name"},
    {"mx.usarmy.mil", "mx.us.army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 5, 0, 5, 1,
        false, "a dot is missing"},
    {"mx.rnodern.net", "mx.modern.net", NM_TECHNIQUE_GLYPH, NM_TECHNIQUE_GLYPH, 3, 2, 3,
        1, false, "rn looks like m"},
    {"lab.meadows.org.org", "lab.meadows.org", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX,
        12, 7, 12, 3, true, "it ends in .org.org instead of .org"},
    {"data-centre.com", "data-centre.co.uk", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX,
        12, 3, 12, 5, true, "it ends in .com instead of .co.uk"},
    {"army-mil.com", "army.mil", NM_TECHNIQUE_EMBEDDED, NM_TECHNIQUE_EMBEDDED, 0, 12, 0,
        8, false, "army.mil stands inside another name"},
    {"army.mil.example.net", "army.mil", NM_TECHNIQUE_EMBEDDED, NM_TECHNIQUE_EMBEDDED,
        0, 20, 0, 8, false, "army.mil stands inside another name"},
    {"x.army.mil-mail.example", "x.army.mil", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 2, 21, 2, 8, false,
        "army.mil stands inside another name"},
    {"wwwarmy.mil", "army.mil", NM_TECHNIQUE_EMBEDDED, NM_TECHNIQUE_EMBEDDED, 0, 3, 0,
        0, false, "www stands before the name"},
    {"www-partner.com", "partner.com", NM_TECHNIQUE_EMBEDDED, NM_TECHNIQUE_EMBEDDED, 0,
        4, 0, 0, false, "www- stands before the name"},
    {"mailcontractor.com", "contractor.com", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 0, 4, 0, 0, false, "mail stands before the name"},
    {"smtpcontractor.com", "contractor.com", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 0, 4, 0, 0, false, "smtp stands before the name"},
    {"contractorcom-mail.example", "contractor.com", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 0, 26, 0, 14, false,
        "contractor.com stands inside another name"},
    {"login.contractorcom.example.net", "login.contractor.com", NM_TECHNIQUE_EMBEDDED,
        NM_TECHNIQUE_EMBEDDED, 6, 25, 6, 14, false,
        "contractor.com stands inside another name"},
    {"www.contractorcom", "www.contractor.com", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 14,
        0, 14, 1, false, "a dot is missing"},
    {"contractorc.om", "contractor.com", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 10, 2, 10,
        2, false, "a dot is in the wrong place"},
    {"us.arm.ymil", "us.army.mil", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 6, 2, 6, 2,
        false, "a dot is in the wrong place"},
    {"data-centrec.o.uk", "data-centre.co.uk", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 11,
        2, 11, 2, false, "a dot is in the wrong place"},
    {"partner-com", "partner.com", NM_TECHNIQUE_DOT, NM_TECHNIQUE_DOT, 7, 1, 7, 1,
        false, "a hyphen was typed instead of a dot"},
    {"partner.com.au", "partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX, 8, 6, 8,
        3, true, "it ends in .com.au instead of .com"},
    {"data-centre.uk", "data-centre.co.uk", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_SUFFIX,
        12, 2, 12, 5, true, "it ends in .uk instead of .co.uk"},
    {"partner.vom", "partner.com", NM_TECHNIQUE_SUFFIX, NM_TECHNIQUE_KEY, 8, 1, 8, 1,
        true, "the neighbouring key v was hit instead of c in the suffix"},
    {"lba.meadows.org", "lab.meadows.org", NM_TECHNIQUE_TRANSPOSITION,
        NM_TECHNIQUE_TRANSPOSITION, 1, 2, 1, 2, false, "a and b changed places"},
    {"cnotratcor.com", "contractor.com", NM_TECHNIQUE_TRANSPOSITION,
        NM_TECHNIQUE_TRANSPOSITION, 1, 2, 1, 2, false,
        "o and n changed places, c and t changed places"},
    {"contrctoor.com", "contractor.com", NM_TECHNIQUE_SEVERAL, NM_TECHNIQUE_OMISSION, 5,
        0, 5, 1, false, "a letter is missing, one o too many"},
    {"contarctor.con", "contractor.com", NM_TECHNIQUE_SEVERAL,
        NM_TECHNIQUE_TRANSPOSITION, 4, 2, 4, 2, false,
        "r and a changed places, it ends in .con instead of .com"},
    {"auqrtw-hill.net", "quartz-hill.net", NM_TECHNIQUE_KEY, NM_TECHNIQUE_KEY, 0, 6, 0,
        6, false, "quartz typed with another keyboard layout"},
    {"ayuryamrz.de", "azurzamry.de", NM_TECHNIQUE_KEY, NM_TECHNIQUE_KEY, 1, 8, 1, 8,
        false, "zurzamry typed with another keyboard layout"},
};

static void expect_row(size_t i)
{
    const struct nm_domain typed = kit_domain(&kit, rows[i].typed);
    const struct nm_domain target = kit_domain(&kit, rows[i].target);
    struct nm_candidate candidate;
    const struct nm_slip *slip = &candidate.slips[0];
    char words[256];
    struct nm_buf buf;

    ck_assert_msg(nm_index_candidates(kit.index, &typed, &candidate, 1) == 1,
        "nothing is near %s", rows[i].typed);
    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(&candidate, &buf);
    ck_assert_msg(
        strcmp(candidate.target.name, target.name) == 0 &&
            candidate.technique == rows[i].technique &&
            slip->technique == rows[i].slip && slip->typed_at == rows[i].typed_at &&
            slip->typed_length == rows[i].typed_length &&
            slip->meant_at == rows[i].meant_at &&
            slip->meant_length == rows[i].meant_length &&
            slip->in_suffix == rows[i].in_suffix && strcmp(words, rows[i].words) == 0,
        "%s for %s is %s: %s %u+%u for %u+%u%s: %s", rows[i].typed,
        candidate.target.name, nm_technique_name(candidate.technique),
        nm_technique_name(slip->technique), slip->typed_at, slip->typed_length,
        slip->meant_at, slip->meant_length, slip->in_suffix ? " in the suffix" : "",
        words);
}

START_TEST(test_match__names_that_share_a_key_and_no_more_are_not_near)
{
    static const char *const typed[] = {
        "rotcartnoc.com",              /* all of the characters, turned round */
        "arm-ymil.example.net",        /* the separators are elsewhere */
        "mail.partner.travel.example", /* the label is not the registrable one */
        "xpartner.org.example", "wwwpartner.net",
        "contractorcom.example",                         /* a word of its own */
        "armymil.com", "lab.meadows.org.eu.meadows.org", /* a host of the same owner */
    };

    for (size_t i = 0; i < NM_COUNT(typed); i++)
        ck_assert_msg(kit_match(&kit, typed[i]).candidate_count == 0, "%s", typed[i]);
}
END_TEST

START_TEST(test_match__each_slip_has_its_technique_place_and_words)
{
    for (size_t i = 0; i < NM_COUNT(rows); i++)
        expect_row(i);
}
END_TEST

START_TEST(test_match__words_are_cut_to_the_room_there_is)
{
    const struct nm_domain typed = kit_domain(&kit, "patrner.com");
    struct nm_candidate candidate;
    char words[9];
    struct nm_buf buf;

    ck_assert_uint_eq(nm_index_candidates(kit.index, &typed, &candidate, 1), 1);
    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(&candidate, &buf);
    ck_assert_str_eq(words, "r and t ");
    ck_assert(buf.truncated);
}
END_TEST

START_TEST(test_match__names_of_techniques_and_matches_go_both_ways)
{
    enum nm_technique technique = NM_TECHNIQUE_KEY;
    enum nm_match match = NM_MATCH_OWN;

    for (int i = NM_TECHNIQUE_NONE + 1; i < NM_TECHNIQUE_COUNT; i++) {
        ck_assert(nm_technique_from_name(
            nm_technique_name((enum nm_technique)i), &technique));
        ck_assert_int_eq(technique, i);
    }
    for (int i = 0; i < NM_MATCH_COUNT; i++) {
        ck_assert(nm_match_from_name(nm_match_name((enum nm_match)i), &match));
        ck_assert_int_eq(match, i);
    }
    technique = NM_TECHNIQUE_KEY;
    ck_assert(!nm_technique_from_name("none", &technique));
    ck_assert(!nm_technique_from_name("Suffix", &technique));
    ck_assert_int_eq(technique, NM_TECHNIQUE_KEY);
    ck_assert(!nm_match_from_name("nearmiss", &match));
    ck_assert_str_eq(nm_match_name((enum nm_match)99), "invalid");
    ck_assert_str_eq(nm_technique_name((enum nm_technique)99), "none");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_slips");
    TCase *cases = tcase_create("slips");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_match__each_slip_has_its_technique_place_and_words);
    tcase_add_test(cases, test_match__names_that_share_a_key_and_no_more_are_not_near);
    tcase_add_test(cases, test_match__words_are_cut_to_the_room_there_is);
    tcase_add_test(cases, test_match__names_of_techniques_and_matches_go_both_ways);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
