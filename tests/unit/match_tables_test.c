#include "match_kit.h"

enum which { SUFFIX_SLIPS, KEYBOARDS, GLYPHS };

/* Make an index of `kit` with one table replaced; what nm_index_new says. */
static enum nm_code build_with(
    struct kit *kit, enum which which, const char *text, struct nm_error *error)
{
    const struct nm_table table = {text, strlen(text), "a.txt"};
    struct nm_index_spec spec = kit->spec;

    if (which == SUFFIX_SLIPS)
        spec.suffix_slips = table;
    else if (which == KEYBOARDS)
        spec.keyboards = table;
    else
        spec.glyphs = table;
    return nm_index_new(&spec, &kit->index, error);
}

START_TEST(test_match__what_a_table_cannot_say_is_blamed_on_its_line)
{
    static const struct {
        enum which which;
        const char *text;
        unsigned line;
        const char *message;
    } rows[] = {
        {SUFFIX_SLIPS, "# a\n\nslop mil ml\n", 3, "not a class of suffix slips: slop"},
        {SUFFIX_SLIPS, "slip\n", 1, "not a suffix in lower-case ASCII"},
        {SUFFIX_SLIPS, "slip mil", 1, "no typed suffix behind: mil"},
        {SUFFIX_SLIPS, "slip mil ml MI", 1, "not a suffix in lower-case ASCII: MI"},
        {SUFFIX_SLIPS, "slip mil mil", 1, "a suffix cannot stand for itself: mil"},
        {SUFFIX_SLIPS, "slip co..uk uk", 1, "not a suffix in lower-case ASCII: co..uk"},
        {SUFFIX_SLIPS, "slip .uk uk", 1, "not a suffix in lower-case ASCII: .uk"},
        {SUFFIX_SLIPS, "slip uk. uk", 1, "not a suffix in lower-case ASCII: uk."},
        {SUFFIX_SLIPS, "slip a abcdefghijklmnopqrstuvwxyzabcdef", 1,
            "not a suffix in lower-case ASCII: abcdefghijklmnopqrstuvwxyzabcdef"},
        {KEYBOARDS, "row 0 abc\n", 1, "a row before the first layout"},
        {KEYBOARDS, "layout\n", 1, "a layout without a name"},
        {KEYBOARDS, "keys us\n", 1, "neither `layout` nor `row`: keys"},
        {KEYBOARDS, "layout us\nrow 0\n", 2, "a row is `row OFFSET KEYS`"},
        {KEYBOARDS, "layout us\nrow 0 abc def\n", 2, "a row is `row OFFSET KEYS`"},
        {KEYBOARDS, "layout us\nrow x abc\n", 2,
            "not an offset of 0 to 64 quarters: x"},
        {KEYBOARDS, "layout us\nrow 65 abc\n", 2,
            "not an offset of 0 to 64 quarters: 65"},
        {KEYBOARDS, "layout us\nrow 0 aBc\n", 2,
            "a key is a letter, a digit, one of - _ . or ~: aBc"},
        {KEYBOARDS, "layout us\nrow 0 abcdefghijklmnopq\n", 2,
            "more than 16 keys in a row: abcdefghijklmnopq"},
        {KEYBOARDS,
            "layout us\nrow 0 a\nrow 0 a\nrow 0 a\nrow 0 a\nrow 0 a\nrow 0 a\nrow 0 a\n"
            "row 0 a\nrow 0 a\n",
            10, "more than 8 rows"},
        {KEYBOARDS, "layout de\nrow 0 abc\n", 0,
            "no keyboard is named us; there are de"},
        {GLYPHS, "rn\n", 1, "a line is two look-alikes"},
        {GLYPHS, "rn m x\n", 1, "a line is two look-alikes"},
        {GLYPHS, "rn nn\n", 1, "one of the two must be a single character: rn"},
        {GLYPHS, "rnrn m\n", 1, "a look-alike is one to three letters or digits: rnrn"},
        {GLYPHS, "m O\n", 1, "a look-alike is one to three letters or digits: O"},
        {GLYPHS, "m m\n", 1, "a look-alike cannot stand for itself: m"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_error error;
        struct kit kit;

        kit_begin(&kit);
        ck_assert_int_eq(
            build_with(&kit, rows[i].which, rows[i].text, &error), NM_BAD_INPUT);
        ck_assert_ptr_null(kit.index);
        ck_assert_str_eq(error.message, rows[i].message);
        ck_assert_str_eq(error.file, "a.txt");
        ck_assert_uint_eq(error.line, rows[i].line);
        kit_end(&kit);
    }
}
END_TEST

START_TEST(test_match__lines_and_tables_have_their_bounds)
{
    static char text[400 * 1024];
    struct nm_error error;
    struct kit kit;
    size_t length = 0;

    kit_begin(&kit);
    memset(text, 'x', 1024);
    ck_assert_int_eq(build_with(&kit, GLYPHS, text, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message, "a line longer than 1023 bytes");
    for (unsigned i = 0; i < 9000; i++)
        length += (size_t)sprintf(text + length, "slip mil x%u\n", i);
    ck_assert_int_eq(build_with(&kit, SUFFIX_SLIPS, text, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message, "more rows than the table may have");
    ck_assert_uint_eq(error.line, 8193);
    kit.spec.glyphs = (struct nm_table){"m\0n", 3, "b.txt"};
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message, "a NUL byte");
    kit_end(&kit);
}
END_TEST

START_TEST(test_match__tables_of_ones_own_take_the_place_of_those_compiled_in)
{
    struct nm_error error;
    struct kit kit;

    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, "contractor.com", 1);
    ck_assert_int_eq(
        build_with(&kit, GLYPHS, "# mine\nxy t # comment\r\n\n", &error), NM_OK);
    ck_assert_int_eq(
        kit_match(&kit, "conxyractor.com").best.technique, NM_TECHNIQUE_GLYPH);
    ck_assert_int_eq(
        kit_match(&kit, "c0ntractor.com").best.technique, NM_TECHNIQUE_SUBSTITUTION);
    nm_index_free(&kit.index);
    ck_assert_int_eq(
        build_with(&kit, KEYBOARDS, "layout us\nrow 0 oz\nrow 4 qn\n", &error), NM_OK);
    ck_assert_int_eq(
        kit_match(&kit, "czntractor.com").best.technique, NM_TECHNIQUE_KEY);
    ck_assert_int_eq(
        kit_match(&kit, "coqtractor.com").best.technique, NM_TECHNIQUE_KEY);
    ck_assert_int_eq(
        kit_match(&kit, "cintractor.com").best.technique, NM_TECHNIQUE_SUBSTITUTION);
    nm_index_free(&kit.index);
    ck_assert_int_eq(build_with(&kit, SUFFIX_SLIPS, "slip com zz\n", &error), NM_OK);
    kit_expect_near(&kit, "contractor.zz", "contractor.com", 0.9);
    kit_end(&kit);
}
END_TEST

/* The letters of the typed word, one after the other, for those of the meant. */
static enum nm_technique key_technique(const char *layout, const char *typed)
{
    enum nm_technique technique;
    struct kit kit;

    kit_begin(&kit);
    kit.spec.layouts = &layout;
    kit.spec.layout_count = 1;
    kit_add(&kit, NM_LISTING_PROTECTED, "hazyqua.example", 1);
    kit_build(&kit);
    technique = kit_match(&kit, typed).best.technique;
    kit_end(&kit);
    return technique;
}

START_TEST(test_match__the_keyboard_in_use_says_which_keys_are_neighbours)
{
    static const struct {
        const char *layout;
        const char *typed;
        enum nm_technique technique;
    } rows[] = {
        {"us", "haztqua.example", NM_TECHNIQUE_KEY},          /* t beside y */
        {"de", "haztqua.example", NM_TECHNIQUE_SUBSTITUTION}, /* y is at the left */
        {"de", "hatyqua.example", NM_TECHNIQUE_KEY},          /* and z beside t */
        {"fr", "hzzyqua.example", NM_TECHNIQUE_KEY},          /* z beside a */
        {"us", "hzzyqua.example", NM_TECHNIQUE_KEY},          /* and below it */
        {"us", "hqzyqua.example", NM_TECHNIQUE_KEY},
        {"es", "hpzyqua.example", NM_TECHNIQUE_SUBSTITUTION},
        {"nordic", "gazyqua.example", NM_TECHNIQUE_KEY},
        {"uk", "hazyqya.example", NM_TECHNIQUE_KEY},
        {"it", "hazywua.example", NM_TECHNIQUE_KEY},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++)
        ck_assert_msg(key_technique(rows[i].layout, rows[i].typed) == rows[i].technique,
            "%s on %s", rows[i].typed, rows[i].layout);
}
END_TEST

START_TEST(test_match__several_keyboards_may_be_in_use_and_each_must_exist)
{
    static const char *const two[] = {"us", "de"};
    static const char *const unknown[] = {"us", "dvorak"};
    struct nm_error error;
    struct kit kit;

    kit_begin(&kit);
    kit_add(&kit, NM_LISTING_PROTECTED, "hazyqua.example", 1);
    kit.spec.layouts = two;
    kit.spec.layout_count = 2;
    kit_build(&kit);
    ck_assert_int_eq(
        kit_match(&kit, "haztqua.example").best.technique, NM_TECHNIQUE_KEY);
    ck_assert_int_eq(
        kit_match(&kit, "hatyqua.example").best.technique, NM_TECHNIQUE_KEY);
    /* what one has where the other has something else */
    ck_assert_int_eq(
        kit_match(&kit, "hazzqua.example").best.technique, NM_TECHNIQUE_KEY);
    nm_index_free(&kit.index);
    kit.spec.layouts = unknown;
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_BAD_INPUT);
    ck_assert_str_eq(error.message,
        "no keyboard is named dvorak; there are us, uk, de, fr, es, it, nordic");
    kit.spec.layout_count = 9;
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_BAD_INPUT);
    kit_end(&kit);
}
END_TEST

START_TEST(test_match__the_caps_of_an_index_are_told)
{
    struct nm_error error;
    struct kit kit;

    kit_begin(&kit);
    kit.spec.entry_count = (size_t)NM_INDEX_NAMES_MAX + 1;
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_LIMIT);
    kit.spec.entry_count = 0;
    kit.spec.suffix_count = NM_SUFFIXES_MAX + 1;
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_LIMIT);
    kit.spec.suffix_count = 0;
    kit_add(&kit, NM_LISTING_PROTECTED, "contractor.com", 0);
    ck_assert_int_eq(nm_index_new(&kit.spec, &kit.index, &error), NM_BAD_INPUT);
    ck_assert_str_eq(
        error.message, "contractor.com: a weight must be above 0 and at most 1e+12");
    kit_end(&kit);
}
END_TEST

START_TEST(test_match__the_tables_compiled_in_are_there)
{
    static const char *const names[] = {
        "suffix-slips", "keyboards", "glyphs", "letter-pairs", "providers"};

    for (size_t i = 0; i < NM_COUNT(names); i++) {
        const struct nm_table table = nm_builtin_table(names[i]);

        ck_assert_ptr_nonnull(table.text);
        ck_assert_uint_gt(table.length, 100);
        ck_assert_int_eq(table.text[0], '#');
        ck_assert_int_eq(table.text[table.length - 1], '\n');
        ck_assert_str_eq(table.file, names[i]);
    }
    ck_assert_ptr_null(nm_builtin_table("nothing").text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_tables");
    TCase *cases = tcase_create("tables");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_match__what_a_table_cannot_say_is_blamed_on_its_line);
    tcase_add_test(cases, test_match__lines_and_tables_have_their_bounds);
    tcase_add_test(
        cases, test_match__tables_of_ones_own_take_the_place_of_those_compiled_in);
    tcase_add_test(
        cases, test_match__the_keyboard_in_use_says_which_keys_are_neighbours);
    tcase_add_test(
        cases, test_match__several_keyboards_may_be_in_use_and_each_must_exist);
    tcase_add_test(cases, test_match__the_caps_of_an_index_are_told);
    tcase_add_test(cases, test_match__the_tables_compiled_in_are_there);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
