/* Lists as people and programs write them, and the roster that they fill. */
#include "config_kit.h"

#include "lists.h"

static struct nm_names *names;
static struct nm_roster *roster;

static void open_roster(void)
{
    nm_complaints_init(&kit_complaints);
    kit_folder[0] = '\0';
    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
    ck_assert_int_eq(nm_roster_new(&roster), NM_OK);
}

static void close_roster(void)
{
    nm_complaints_free(&kit_complaints);
    nm_roster_free(&roster);
    nm_names_free(&names);
}

/* The bytes are read from a block of just their size, so that a sanitizer sees a read
 * past the end. */
static void read_bytes(unsigned number, enum nm_listing listing, const char *file,
    const char *bytes, size_t length)
{
    struct nm_list list = {.file = file, .listing = listing, .number = number};
    char *exact = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, length);
    ck_assert_int_eq(
        nm_list_read(&list, exact, length, names, roster, &kit_complaints), NM_OK);
    free(exact);
}

static void read_text(const char *text)
{
    read_bytes(1, NM_LISTING_PROTECTED, "list", text, strlen(text));
}

static const char *said(void)
{
    FILE *out = fmemopen(kit_words, sizeof kit_words, "w");

    ck_assert_ptr_nonnull(out);
    kit_words[0] = '\0';
    nm_complaints_print(&kit_complaints, out);
    ck_assert_int_eq(fclose(out), 0);
    return kit_words;
}

static void check_row(size_t i, const char *name, double weight)
{
    struct nm_index_entry entry;

    ck_assert_uint_lt(i, nm_roster_size(roster));
    nm_roster_entry(roster, i, &entry);
    ck_assert_str_eq(entry.name.name, name);
    ck_assert_uint_eq(entry.name.length, strlen(name));
    ck_assert(entry.weight == weight);
}

START_TEST(test_list__takes_what_people_write)
{
    static const char text[] = "\xef\xbb\xbf# customers\r\n"
                               "\r\n"
                               "  \t \n"
                               "a.example\r\n"
                               "  B.Example.  \n"
                               "c.example\t2.5\n"
                               "d.example 3e2 # three hundred\n"
                               "e.example# no blank before this\n"
                               "@f.example\n"
                               "*.g.example\n"
                               ".h.example 1\n"
                               "b\xc3\xbc"
                               "cher.example\n"
                               "xn--mnchen-3ya.example\n"
                               "_x.example\n"
                               "last.example";
    static const struct {
        const char *name;
        double weight;
    } rows[] = {{"a.example", 1}, {"b.example", 1}, {"c.example", 2.5},
        {"d.example", 300}, {"e.example", 1}, {"f.example", 1}, {"g.example", 1},
        {"h.example", 1}, {"xn--bcher-kva.example", 1}, {"xn--mnchen-3ya.example", 1},
        {"_x.example", 1}, {"last.example", 1}};

    read_text(text);
    ck_assert_str_eq(said(), "");
    ck_assert_uint_eq(nm_roster_size(roster), NM_COUNT(rows));
    for (size_t i = 0; i < NM_COUNT(rows); i++)
        check_row(i, rows[i].name, rows[i].weight);
}
END_TEST

START_TEST(test_list__is_empty_where_nothing_stands)
{
    read_text("");
    read_text("\n");
    read_text("\r\n\r\n#");
    read_text("\xef\xbb\xbf");
    ck_assert_uint_eq(nm_roster_size(roster), 0);
    ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(test_list__says_of_each_bad_line_why)
{
    static const struct {
        const char *line;
        const char *said;
    } rows[] = {
        {"a..example", "\"a..example\": {DOMAIN}"},
        {"bob@a.example",
            "\"bob@a.example\": it is an address; write the domain alone"},
        {"https://a.example",
            "\"https://a.example\": it is a URL; write the domain alone"},
        {"a.example 0", "\"0\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example -1", "\"-1\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example 1e10",
            "\"1e10\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example nan", "\"nan\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example inf", "\"inf\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example 1e-999",
            "\"1e-999\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example 1,5", "\"1,5\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example 0x10",
            "\"0x10\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example .", "\".\" is no weight; it is a number above 0, at most 1e9"},
        {"a.example 1 2 3",
            "\"2 3\" is too much; a line has one domain, and a weight if need be"},
        {"a.example, b.example",
            "\"b.example\" is no weight; it is a number above 0, at most 1e9"},
        {"@", "\"@\": {EMPTY}"},
        {"*.", "\"*.\": {EMPTY}"},
        {"*.*.example",
            "\"*.*.example\": it has a *; a domain covers the names below it as it is"},
        {"xn--99999999.example", "\"xn--99999999.example\": {IDNA}"},
        {"a\xff.example", "\"a\\xff.example\": {UTF8}"},
        {"a\x1b[2J.example", "\"a\\x1b[2J.example\": {CONTROL}"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char text[256];
        char expected[512];

        nm_complaints_free(&kit_complaints);
        (void)snprintf(text, sizeof text, "# x\n\n%s\nfine.example\n", rows[i].line);
        (void)snprintf(expected, sizeof expected, "list:3: %s\n", rows[i].said);
        read_bytes((unsigned)i + 1, NM_LISTING_PROTECTED, "list", text, strlen(text));
        ck_assert_str_eq(said(), kit_expand(expected));
        ck_assert_uint_eq(kit_complaints.errors, 1);
    }
    ck_assert_uint_eq(nm_roster_size(roster), 1);
}
END_TEST

START_TEST(test_list__a_nul_is_a_control_character)
{
    read_bytes(1, NM_LISTING_PROTECTED, "list", "a.ex\0ample\nb.example\n", 21);
    ck_assert_str_eq(said(), kit_expand("list:1: \"a.ex\\x00ample\": {CONTROL}\n"));
    ck_assert_uint_eq(nm_roster_size(roster), 1);
}
END_TEST

START_TEST(test_list__a_line_has_its_cap)
{
    char text[NM_LIST_LINE_MAX + 32];

    memset(text, ' ', sizeof text);
    memcpy(text, "a.example", 9);
    read_bytes(1, NM_LISTING_PROTECTED, "list", text, NM_LIST_LINE_MAX);
    ck_assert_str_eq(said(), "");
    read_bytes(2, NM_LISTING_PROTECTED, "list", text, NM_LIST_LINE_MAX + 1);
    ck_assert_str_eq(
        said(), "list:1: the line has 1025 bytes; at most 1024 are read\n");
}
END_TEST

START_TEST(test_list__counts_the_complaints_it_does_not_keep)
{
    enum { LINES = 1000 };
    char text[LINES * 5 + 1];

    for (size_t i = 0; i < LINES; i++)
        memcpy(text + 5 * i, "a..b\n", 5);
    read_bytes(1, NM_LISTING_PROTECTED, "list", text, 5 * LINES);
    ck_assert_uint_eq(kit_complaints.count, NM_COMPLAINTS_MAX);
    ck_assert_uint_eq(kit_complaints.errors, LINES);
    ck_assert_uint_eq(kit_complaints.dropped, LINES - NM_COMPLAINTS_MAX);
    ck_assert_ptr_nonnull(strstr(said(), "\nand 800 more\n"));
}
END_TEST

START_TEST(test_list__merges_doubles_and_warns_once)
{
    read_bytes(1, NM_LISTING_PROTECTED, "one", "a.example 2\nb.example\n", 22);
    /* Other lists may repeat it. */
    read_bytes(2, NM_LISTING_PROTECTED, "two", "A.example 5\n", 12);
    ck_assert_str_eq(said(), "");
    check_row(0, "a.example", 5);
    read_text("c.example\nC.Example 7\n*.c.example 3\nd.example\n");
    ck_assert_str_eq(
        said(), "list:2: warning: \"c.example\" and 1 more are listed a second time\n");
    check_row(2, "c.example", 7);
    ck_assert_uint_eq(nm_roster_size(roster), 4);
}
END_TEST

START_TEST(test_list__the_strongest_listing_counts_and_a_contradiction_is_told)
{
    struct nm_index_entry entry;

    read_bytes(1, NM_LISTING_PROTECTED, "one", "a.example\nb.example\n", 20);
    read_bytes(2, NM_LISTING_ALLOWED, "two", "a.example\n\nb.example\n", 21);
    read_bytes(3, NM_LISTING_PROVIDER, "three", "a.example\nc.example\n", 20);
    read_bytes(4, NM_LISTING_OWN, "four", "c.example\n", 10);
    read_bytes(5, NM_LISTING_PROTECTED, "five", "c.example\n", 10);
    ck_assert_str_eq(said(), "two:1: warning: \"a.example\" and 1 more are both "
                             "protected and allowed; allowed wins\n");
    nm_roster_entry(roster, 0, &entry);
    ck_assert_int_eq(entry.listing, NM_LISTING_ALLOWED);
    nm_roster_entry(roster, 2, &entry);
    ck_assert_str_eq(entry.name.name, "c.example");
    ck_assert_int_eq(entry.listing, NM_LISTING_OWN);
}
END_TEST

/* ---- the roster against a model ------------------------------------------ */

/* All possible names, by number; what the roster should hold of each. */
enum { MODEL_NAMES = 3000, MODEL_STEPS = 20000 };
struct model_row {
    bool is_known;
    enum nm_listing listing;
    double weight;
    unsigned list;
    size_t order;
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void name_of(size_t i, struct nm_domain *name)
{
    name->length =
        (uint8_t)snprintf(name->name, sizeof name->name, "n%zu.example%zu", i, i % 7);
    name->idn = i % 3 == 0;
}

static void check_against(const struct model_row *model, size_t count)
{
    ck_assert_uint_eq(nm_roster_size(roster), count);
    for (size_t i = 0; i < MODEL_NAMES; i++) {
        struct nm_index_entry entry;
        struct nm_domain name;

        if (!model[i].is_known)
            continue;
        name_of(i, &name);
        nm_roster_entry(roster, model[i].order, &entry);
        ck_assert_str_eq(entry.name.name, name.name);
        ck_assert_uint_eq(entry.name.length, name.length);
        ck_assert(entry.name.idn == name.idn);
        ck_assert_int_eq(entry.listing, model[i].listing);
        ck_assert(entry.weight == model[i].weight);
    }
}

START_TEST(test_roster__is_a_map_that_merges)
{
    static struct model_row model[MODEL_NAMES];
    uint32_t random = 20240605;
    size_t count = 0;

    memset(model, 0, sizeof model);
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        const size_t i = next_random(&random) % MODEL_NAMES;
        const enum nm_listing listing = next_random(&random) % (NM_LISTING_OWN + 1);
        const double weight = 1 + next_random(&random) % 100;
        const unsigned list = next_random(&random) % 10;
        struct model_row *row = &model[i];
        struct nm_roster_before before;
        struct nm_domain name;

        name_of(i, &name);
        ck_assert_int_eq(
            nm_roster_add(roster, &name, listing, weight, list, &before), NM_OK);
        ck_assert(before.is_known == row->is_known);
        if (row->is_known) {
            ck_assert_int_eq(before.listing, row->listing);
            ck_assert_uint_eq(before.list, row->list);
        } else {
            row->order = count++;
        }
        row->listing =
            !row->is_known || listing > row->listing ? listing : row->listing;
        row->weight = !row->is_known || weight > row->weight ? weight : row->weight;
        row->list = list;
        row->is_known = true;
    }
    check_against(model, count);
}
END_TEST

START_TEST(test_list__of_very_many_names)
{
    enum { LINES = 200000, LINE_BYTES = 16 };
    char *text = malloc((size_t)LINES * LINE_BYTES + 1);
    struct nm_index_entry entry;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < LINES; i++)
        (void)snprintf(text + i * LINE_BYTES, LINE_BYTES + 1, "n%06zu.example\n", i);
    read_bytes(1, NM_LISTING_PROTECTED, "list", text, (size_t)LINES * LINE_BYTES);
    ck_assert_uint_eq(nm_roster_size(roster), LINES);
    nm_roster_entry(roster, LINES - 1, &entry);
    ck_assert_str_eq(entry.name.name, "n199999.example");
    ck_assert_str_eq(said(), "");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("lists");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, open_roster, close_roster);
    tcase_add_test(cases, test_list__takes_what_people_write);
    tcase_add_test(cases, test_list__is_empty_where_nothing_stands);
    tcase_add_test(cases, test_list__says_of_each_bad_line_why);
    tcase_add_test(cases, test_list__a_nul_is_a_control_character);
    tcase_add_test(cases, test_list__a_line_has_its_cap);
    tcase_add_test(cases, test_list__counts_the_complaints_it_does_not_keep);
    tcase_add_test(cases, test_list__merges_doubles_and_warns_once);
    tcase_add_test(
        cases, test_list__the_strongest_listing_counts_and_a_contradiction_is_told);
    tcase_add_test(cases, test_roster__is_a_map_that_merges);
    tcase_add_test(cases, test_list__of_very_many_names);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
