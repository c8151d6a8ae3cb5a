/*
 * Every kind of slip on several invented names, each the only one that is protected: which
 * target, which technique, and that it is sure; where it is not meant to be, why.
 */
#include "match_kit.h"

struct row {
    const char *protected_name;
    const char *typed;
    enum nm_technique technique;
    const char *target; /* NULL: the protected name */
};

#define OMISSION NM_TECHNIQUE_OMISSION
#define INSERTION NM_TECHNIQUE_INSERTION
#define DOUBLING NM_TECHNIQUE_DOUBLING
#define TRANSPOSITION NM_TECHNIQUE_TRANSPOSITION
#define KEY NM_TECHNIQUE_KEY
#define SUBSTITUTION NM_TECHNIQUE_SUBSTITUTION
#define SUFFIX NM_TECHNIQUE_SUFFIX
#define DOT NM_TECHNIQUE_DOT
#define HYPHEN NM_TECHNIQUE_HYPHEN
#define GLYPH NM_TECHNIQUE_GLYPH
#define EMBEDDED NM_TECHNIQUE_EMBEDDED
#define SEVERAL NM_TECHNIQUE_SEVERAL

static const char long_name[] = "quillharbour.com";
static const char net_name[] = "ketterby.net";
static const char local_name[] = "tarnwick.example";
static const char short_name[] = "scoap.org";
static const char british_name[] = "fenwold-mill.co.uk";
static const char below_name[] = "us.quarrow.mil";
static const char host_name[] = "mail.ostrelby.com";
static const char marked_name[] = "m\xc3\xbc"
                                  "llerwerk.example";
static const char plain_name[] = "gruenwerk.example";

/* Nothing speaks for what was typed: 0.9 and more. */
static const struct row sure_rows[] = {
    /* a letter missing, one too many */
    {long_name, "quillharbur.com", OMISSION, NULL},
    {net_name, "kettrby.net", OMISSION, NULL},
    {net_name, "ketterb.net", OMISSION, NULL},
    {local_name, "tarnwik.example", OMISSION, NULL},
    {short_name, "scoa.org", OMISSION, NULL},
    {long_name, "quillharbouzr.com", INSERTION, NULL},
    {long_name, "quillharboiur.com", INSERTION, NULL}, /* beside a neighbouring key */
    {net_name, "kettierby.net", INSERTION, NULL},
    {local_name, "tarnwilck.example", INSERTION, NULL},
    /* doubled, and a double letter single */
    {long_name, "quillharrbour.com", DOUBLING, NULL},
    {net_name, "ketterbyy.net", DOUBLING, NULL},
    {local_name, "tarnnwick.example", DOUBLING, NULL},
    {long_name, "quilharbour.com", DOUBLING, NULL},
    {net_name, "keterby.net", DOUBLING, NULL},
    /* exchanged: neighbours, and with one between */
    {long_name, "quillhabrour.com", TRANSPOSITION, NULL},
    {net_name, "ketetrby.net", TRANSPOSITION, NULL},
    {local_name, "tanrwick.example", TRANSPOSITION, NULL},
    {short_name, "csoap.org", TRANSPOSITION, NULL},
    {long_name, "quillrahbour.com", TRANSPOSITION, NULL},
    /* a neighbouring key, a vowel, another letter, spellings */
    {long_name, "quillharbpur.com", KEY, NULL},
    {net_name, "kettrrby.net", KEY, NULL},
    {local_name, "tarnwivk.example", KEY, NULL},
    {long_name, "quillherbour.com", SUBSTITUTION, NULL},
    {net_name, "kettarby.net", SUBSTITUTION, NULL},
    {long_name, "quillharfour.com", SUBSTITUTION, NULL},
    {"brieffield.org", "breiffield.org", TRANSPOSITION, NULL},
    {local_name, "tarnweick.example", INSERTION, NULL},
    /* look-alikes of ASCII */
    {local_name, "tamwick.example", GLYPH, NULL},
    {british_name, "fenwold-rnill.co.uk", GLYPH, NULL},
    {local_name, "tarnvvick.example", GLYPH, NULL},
    {british_name, "fenvvold-mill.co.uk", GLYPH, NULL},
    {british_name, "fenwolcl-mill.co.uk", GLYPH, NULL},
    {long_name, "quillharb0ur.com", GLYPH, NULL},
    {long_name, "qui11harbour.com", GLYPH, NULL},
    {long_name, "guillharbour.com", GLYPH, NULL},
    /* of Unicode: a letter of another script, all of them, marks */
    {long_name, "quillh\xd0\xb0rbour.com", GLYPH, NULL},
    {short_name, "sc\xd0\xbe\xd0\xb0p.org", GLYPH, NULL},
    {short_name, "\xd1\x95\xd1\x81\xd0\xbe\xd0\xb0\xd1\x80.org", GLYPH, NULL},
    {long_name, "qu\xc3\xadllharbour.com", GLYPH, NULL},
    {marked_name, "mullerwerk.example", GLYPH, NULL},
    /* a letter that keyboards lack, and the two for it */
    {marked_name, "muellerwerk.example", SUBSTITUTION, NULL},
    {plain_name, "gr\xc3\xbcnwerk.example", SUBSTITUTION, NULL},
    {"kobberoe.example", "kobber\xc3\xb8.example", SUBSTITUTION, NULL},
    {"stra\xc3\x9f"
     "enhof.example",
        "strassenhof.example", SUBSTITUTION, NULL},
    {marked_name, "mx.muellerwerk.example", SUBSTITUTION,
        "mx.m\xc3\xbc"
        "llerwerk.example"},
    /* hyphens: missing, extra, elsewhere, for a dot */
    {british_name, "fenwoldmill.co.uk", HYPHEN, NULL},
    {long_name, "quill-harbour.com", HYPHEN, NULL},
    {british_name, "fenwol-dmill.co.uk", HYPHEN, NULL},
    {below_name, "us-quarrow.mil", DOT, NULL},
    {host_name, "mail-ostrelby.com", DOT, NULL},
    {long_name, "quillharbour-com", DOT, NULL},
    /* dots: missing, extra, elsewhere, across the registrable name */
    {below_name, "usquarrow.mil", DOT, NULL},
    {host_name, "mailostrelby.com", DOT, NULL},
    {"us.tarnwick.example", "ustarnwick.example", DOT, NULL},
    {long_name, "quillharbourcom", DOT, NULL},
    {british_name, "fenwold-millco.uk", DOT, NULL},
    {british_name, "fenwold-mill.couk", SUFFIX, NULL},
    {long_name, "quill.harbour.com", DOT, NULL},
    {british_name, "fenwold.mill.co.uk", DOT, NULL},
    {long_name, "quillharbourc.om", DOT, NULL},
    {long_name, "quillharbou.rcom", DOT, NULL},
    {net_name, "ketterbyn.et", DOT, NULL},
    {below_name, "us.quarro.wmil", DOT, NULL},
    {below_name, "u.squarrow.mil", DOT, NULL},
    {british_name, "fenwold-millc.o.uk", DOT, NULL},
    {long_name, "quillharbourxcom", DOT, NULL},
    /* the suffix: by the table, by an edit */
    {long_name, "quillharbour.cm", SUFFIX, NULL},
    {long_name, "quillharbour.co", SUFFIX, NULL},
    {long_name, "quillharbour.om", SUFFIX, NULL},
    {long_name, "quillharbour.con", SUFFIX, NULL},
    {net_name, "ketterby.ner", SUFFIX, NULL},
    {net_name, "ketterby.ne", SUFFIX, NULL},
    {short_name, "scoap.og", SUFFIX, NULL},
    {below_name, "us.quarrow.ml", SUFFIX, NULL},
    {below_name, "us.quarrow.mill", SUFFIX, NULL},
    {british_name, "fenwold-mill.co.ul", SUFFIX, NULL},
    {british_name, "fenwold-mill.uk.co", SUFFIX, NULL},
    {local_name, "tarnwick.exmaple", SUFFIX, NULL},
    {long_name, "quillharbour.xcom", SUFFIX, NULL},
    {"brackenfield.gov", "brackenfield.gv", SUFFIX, NULL},
    {"brackenfield.gov.uk", "brackenfield.gov", SUFFIX, NULL},
    {"brackenfield.gov", "brackenfield.gov.uk", SUFFIX, NULL},
    /* added behind it, and there twice */
    {below_name, "us.quarrow.mil.us", SUFFIX, NULL},
    {below_name, "us.quarrow.mil.com", SUFFIX, NULL},
    {local_name, "tarnwick.example.net", SUFFIX, NULL},
    {long_name, "quillharbour.com.example", SUFFIX, NULL},
    {long_name, "quillharbour.com.com", SUFFIX, NULL},
    {net_name, "ketterby.net.net", SUFFIX, NULL},
    {long_name, "quillharbourcom.com", EMBEDDED, NULL},
    {net_name, "ketterbynet.net", EMBEDDED, NULL},
    /* inside another name */
    {long_name, "quillharbour-com.example", EMBEDDED, NULL},
    {long_name, "quillharbour.com.login.example", EMBEDDED, NULL},
    {long_name, "quillharbour.com-login.example", EMBEDDED, NULL},
    {below_name, "us-quarrow-mil.com", EMBEDDED, NULL},
    {below_name, "us.quarrow.mil.example.net", EMBEDDED, NULL},
    {below_name, "us.quarrow.mil-mail.example", EMBEDDED, NULL},
    /* glued to a host's usual name */
    {long_name, "wwwquillharbour.com", EMBEDDED, NULL},
    {local_name, "wwwtarnwick.example", EMBEDDED, NULL},
    {long_name, "www-quillharbour.com", EMBEDDED, NULL},
    {long_name, "mailquillharbour.com", EMBEDDED, NULL},
    {local_name, "mailtarnwick.example", EMBEDDED, NULL},
    {net_name, "smtpketterby.net", EMBEDDED, NULL},
    {local_name, "smtptarnwick.example", EMBEDDED, NULL},
    /* two at once */
    {long_name, "qiullharbuor.com", TRANSPOSITION, NULL},
    {long_name, "quilharborr.com", SEVERAL, NULL},
    {long_name, "quilharbour.con", SEVERAL, NULL},
    {british_name, "fenwoldmil.co.uk", SEVERAL, NULL},
    {british_name, "fenwoldmillco.uk", SEVERAL, NULL},
    /* in a host's name, and in what stands above it */
    {host_name, "mial.ostrelby.com", TRANSPOSITION, NULL},
    {host_name, "mal.ostrelby.com", OMISSION, NULL},
    {host_name, "mail.osterlby.com", TRANSPOSITION, NULL},
    {net_name, "mx.ketetrby.net", TRANSPOSITION, "mx.ketterby.net"},
    /* another keyboard's layout */
    {"azurquarz.de", "ayurquary.de", KEY, NULL},
    {"quarzwerk.example", "auqrwzerk.example", KEY, NULL},
};

struct weak_row {
    const char *protected_name;
    const char *typed;
    double below;
    const char *why;
};

static const struct weak_row weak_rows[] = {
    {long_name, "quillharbour.net", 0.5,
        "firms own both, or somebody else has the other"},
    {long_name, "quillharbour.org", 0.5, "likewise"},
    {long_name, "quillharbour.biz", 0.9, "likewise, though few names are under biz"},
    {long_name, "quillharbour.com.au", 0.5, "a firm's name in another country"},
    {"quillharbour.com.au", "quillharbour.com", 0.5, "likewise"},
    {british_name, "fenwold-mill.uk", 0.5,
        "whoever has the one could have the other first"},
    {british_name, "fenwold-mill.com", 0.5, "any other suffix"},
    {long_name, "quillharbour.de", 0.5, "likewise"},
    {"acme.gov.uk", "acme.gov", 0.5, "so short a name is had by more than one body"},
    {net_name, "ketterb4.net", 0.9, "fingers seldom hit a digit, names are numbered"},
    {"ketterby2.net", "ketterby3.net", 0.5, "likewise"},
    {"tsa.gov", "usa.gov", 0.5, "all names of three letters are taken"},
    {"mlb.com", "mtb.com", 0.5, "likewise"},
    {"cater.com", "water.com", 0.5,
        "the first letter is looked at, and both are words"},
    {"moonstone.com", "moonshine.com", 0.5, "words, and two letters apart"},
    {host_name, "mail2.ostrelby.com", 0.5, "hosts of one owner"},
    {"tele.com", "telecom.com", 0.5, "a short name less its dot may be a word"},
    {net_name, "ketterby.local", 0.5, "a name of a site of its own"},
};

/* One index for each name that is protected: rows of one stand together. */
static void protect(struct kit *kit, const char *name)
{
    if (kit->index != NULL)
        kit_end(kit);
    kit_begin(kit);
    kit_add(kit, NM_LISTING_PROTECTED, name, 1);
    kit_build(kit);
}

static bool is_protected(const struct kit *kit, const char *name)
{
    return kit->index != NULL &&
           strcmp(kit->entries[0].name.name, kit_domain(kit, name).name) == 0;
}

START_TEST(test_match__each_kind_of_slip_is_sure_where_nothing_speaks_against_it)
{
    struct kit kit = {.index = NULL};

    for (size_t i = 0; i < NM_COUNT(sure_rows); i++) {
        const struct row *row = &sure_rows[i];
        const char *target = row->target != NULL ? row->target : row->protected_name;
        struct nm_verdict verdict;

        if (!is_protected(&kit, row->protected_name))
            protect(&kit, row->protected_name);
        verdict = kit_match(&kit, row->typed);
        ck_assert_msg(verdict.candidate_count > 0, "nothing is near %s", row->typed);
        ck_assert_msg(
            verdict.confidence >= 0.9, "%s at %g", row->typed, verdict.confidence);
        ck_assert_str_eq(verdict.best.target.name, kit_domain(&kit, target).name);
        ck_assert_msg(verdict.best.technique == row->technique, "%s is %s", row->typed,
            nm_technique_name(verdict.best.technique));
    }
    kit_end(&kit);
}
END_TEST

START_TEST(test_match__what_people_may_well_mean_is_not_sure)
{
    for (size_t i = 0; i < NM_COUNT(weak_rows); i++) {
        const struct weak_row *row = &weak_rows[i];
        struct kit kit = {.index = NULL};
        struct nm_verdict verdict;

        protect(&kit, row->protected_name);
        verdict = kit_match(&kit, row->typed);
        ck_assert_msg(verdict.confidence < row->below, "%s for %s at %g: %s",
            row->typed, row->protected_name, verdict.confidence, row->why);
        kit_end(&kit);
    }
}
END_TEST

/* The provider's host is nobody's mail domain, and the other one has an order behind it. */
START_TEST(test_match__a_host_below_a_provider_is_hardly_meant)
{
    struct kit kit;

    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, "quarrow.mil", 1);
    kit_add(&kit, NM_LISTING_PROVIDER, "mail.com", 1);
    kit_build(&kit);
    kit_expect_near(&kit, "quarrow.mil.com", "quarrow.mil", 0.9);
    kit_expect_near(&kit, "maill.com", "mail.com", 0.9);
    kit_end(&kit);
}
END_TEST

/* What history knows says how many names there are, and not how much mail goes to one that
 * the operator listed. */
START_TEST(test_match__names_that_history_knows_take_nothing_from_a_protected_one)
{
    enum { KNOWN = 3000 };
    struct nm_index_entry *entries = calloc(KNOWN + 1, sizeof *entries);
    struct nm_index *index = NULL;
    struct nm_verdict alone, among;
    struct nm_domain typed;
    struct kit kit;
    char name[32];

    ck_assert_ptr_nonnull(entries);
    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, short_name, 1);
    kit_build(&kit);
    alone = kit_match(&kit, "scop.org");
    entries[0] = kit.entries[0];
    for (int i = 1; i <= KNOWN; i++) {
        (void)snprintf(name, sizeof name, "known%d.example", i);
        entries[i].name = kit_domain(&kit, name);
        entries[i].listing = NM_LISTING_HISTORY;
        entries[i].weight = 5;
    }
    kit.spec.entries = entries;
    kit.spec.entry_count = KNOWN + 1;
    ck_assert_int_eq(nm_index_new(&kit.spec, &index, NULL), NM_OK);
    typed = kit_domain(&kit, "scop.org");
    nm_index_match(index, &typed, &among);
    ck_assert_double_eq_tol(among.confidence, alone.confidence, 1e-9);
    nm_index_free(&index);
    free(entries);
    kit_end(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_kinds");
    TCase *cases = tcase_create("kinds");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 60);
    tcase_add_test(
        cases, test_match__each_kind_of_slip_is_sure_where_nothing_speaks_against_it);
    tcase_add_test(cases, test_match__what_people_may_well_mean_is_not_sure);
    tcase_add_test(cases, test_match__a_host_below_a_provider_is_hardly_meant);
    tcase_add_test(
        cases, test_match__names_that_history_knows_take_nothing_from_a_protected_one);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
