#include "cli/drawing.h"
#include "cli/json.h"
#include "cli/lines.h"
#include "cli/text.h"
#include "cli/times.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- times -------------------------------------------------------------- */

static const int64_t now_us = 1772366400000000; /* 2026-03-01T12:00:00Z */

START_TEST(test_time__reads_what_rfc_3339_allows)
{
    static const struct {
        const char *text;
        const char *shown; /* NULL: not a time */
    } rows[] = {
        {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"},
        {"2026-03-01t12:00:00z", "2026-03-01T12:00:00.000Z"},
        {"2026-03-01 12:00:00Z", "2026-03-01T12:00:00.000Z"},
        {"2026-03-01T12:00:00.1239Z", "2026-03-01T12:00:00.123Z"},
        {"2026-03-01T12:00:00.000000000000000000001Z", "2026-03-01T12:00:00.000Z"},
        {"2026-03-01T01:30:00+02:00", "2026-02-28T23:30:00.000Z"},
        {"2024-02-28T23:30:00-01:00", "2024-02-29T00:30:00.000Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"},
        {"2026-03-01", "2026-03-01T00:00:00.000Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
        {"0s", "2026-03-01T12:00:00.000Z"},
        {"90s", "2026-03-01T11:58:30.000Z"},
        {"15m", "2026-03-01T11:45:00.000Z"},
        {"24h", "2026-02-28T12:00:00.000Z"},
        {"30d", "2026-01-30T12:00:00.000Z"},
        {"2w", "2026-02-15T12:00:00.000Z"},
        {"", NULL},
        {"30", NULL},
        {"d", NULL},
        {"-1d", NULL},
        {"1.5h", NULL},
        {"1y", NULL},
        {"30 d", NULL},
        {"1234567890s", NULL},
        {"yesterday", NULL},
        {"2026-03-01T12:00:00", NULL},
        {"2026-03-01T12:00Z", NULL},
        {"2026-03-01T12:00:00.Z", NULL},
        {"2026-03-01T24:00:00Z", NULL},
        {"2026-03-01T12:60:00Z", NULL},
        {"2026-03-01T12:00:61Z", NULL},
        {"2026-03-01T12:00:00+24:00", NULL},
        {"2026-03-01T12:00:00+0100", NULL},
        {"2026-03-01T12:00:00Z ", NULL},
        {"2026-3-1", NULL},
        {"2026-02-29", NULL},
        {"2100-02-29", NULL},
        {"2026-13-01", NULL},
        {"2026-00-01", NULL},
        {"2026-04-31", NULL},
        {"2026-04-00", NULL},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        int64_t time_us = -1;
        const bool fine = nm_time_parse(rows[i].text, now_us, &time_us);

        ck_assert_msg(fine == (rows[i].shown != NULL), "%s", rows[i].text);
        if (fine)
            ck_assert_str_eq(nm_time_format(time_us).text, rows[i].shown);
        else
            ck_assert_int_eq(time_us, -1);
    }
}
END_TEST

/* ---- lines -------------------------------------------------------------- */

/* Write all of `bytes` from a child, so that a pipe of any size can be read. */
static int feed(const char *bytes, size_t length, size_t piece)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    if (fork() == 0) {
        while (length > 0) {
            const size_t size = length < piece ? length : piece;

            if (write(ends[1], bytes, size) != (ssize_t)size)
                _exit(1);
            bytes += size;
            length -= size;
        }
        _exit(0);
    }
    (void)close(ends[1]);
    return ends[0];
}

/* Read all lines of `bytes`; each is appended to `out` as `LENGTH:FIRST BYTES;`. */
static void read_lines(
    const char *bytes, size_t length, size_t piece, struct nm_buf *out)
{
    static struct nm_lines lines;
    const int fd = feed(bytes, length, piece);
    const char *line;
    size_t size;

    nm_lines_begin(&lines, fd, stdout);
    while (nm_lines_next(&lines, &line, &size))
        nm_buf_printf(out, "%zu:%.*s;", size, (int)(size < 4 ? size : 4), line);
    ck_assert_int_eq(lines.failure, 0);
    (void)close(fd);
}

START_TEST(test_lines__come_one_by_one_whatever_they_hold)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *expected;
    } rows[] = {{"", 0, ""}, {"a", 1, "1:a;"}, {"a\n", 2, "1:a;"}, {"\n", 1, "0:;"},
        {"\n\n", 2, "0:;0:;"}, {"a\r\nb\r", 5, "1:a;2:b\r;"}, {"\r\n", 2, "0:;"},
        {"a\0b\nc", 5, "3:a;1:c;"}, {"ab\n\ncd", 6, "2:ab;0:;2:cd;"}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            char memory[256];
            char expected[256];
            struct nm_buf buf;

            nm_buf_init(&buf, memory, sizeof memory);
            read_lines(rows[i].bytes, rows[i].length, piece, &buf);
            (void)snprintf(expected, sizeof expected, "%s", rows[i].expected);
            ck_assert_str_eq(memory, expected);
        }
    }
}
END_TEST

START_TEST(test_lines__a_line_of_any_length_is_one_line)
{
    static const size_t lengths[] = {NM_LINE_MAX - 1, NM_LINE_MAX, NM_LINE_MAX + 1,
        NM_LINES_BUFFER - 1, NM_LINES_BUFFER, NM_LINES_BUFFER + 1, 5 * NM_LINES_BUFFER};

    for (size_t i = 0; i < NM_COUNT(lengths); i++) {
        const size_t kept = lengths[i] < NM_LINE_MAX ? lengths[i] : NM_LINE_MAX;
        char *bytes = malloc(lengths[i] + 3);
        char memory[256];
        char expected[256];
        struct nm_buf buf;

        ck_assert_ptr_nonnull(bytes);
        memset(bytes, 'x', lengths[i]);
        memcpy(bytes + lengths[i], "\ny\n", 3);
        nm_buf_init(&buf, memory, sizeof memory);
        read_lines(bytes, lengths[i] + 3, 60000, &buf);
        (void)snprintf(expected, sizeof expected, "%zu:xxxx;1:y;", kept);
        ck_assert_str_eq(memory, expected);
        nm_buf_init(&buf, memory, sizeof memory);
        read_lines(bytes, lengths[i], 60000, &buf);
        (void)snprintf(expected, sizeof expected, "%zu:xxxx;", kept);
        ck_assert_str_eq(memory, expected);
        free(bytes);
    }
}
END_TEST

START_TEST(test_lines__a_failure_to_read_is_kept)
{
    static struct nm_lines lines;
    const char *line;
    size_t size;

    nm_lines_begin(&lines, -1, stdout);
    ck_assert(!nm_lines_next(&lines, &line, &size));
    ck_assert_int_ne(lines.failure, 0);
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

/* What one member prints as. */
static char *printed(
    void (*add)(struct nm_json *json, const void *row), const void *row)
{
    struct nm_json json = nm_json_begin();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    add(&json, row);
    ck_assert(nm_json_end(&json, out));
    (void)fclose(out);
    return text;
}

struct bytes_row {
    const char *bytes;
    size_t length;
    const char *expected;
};

static void add_bytes(struct nm_json *json, const void *row)
{
    const struct bytes_row *bytes = row;

    nm_json_add_bytes(json, "a", bytes->bytes, bytes->length);
    nm_json_add_hex_if_invalid(json, "hex", bytes->bytes, bytes->length);
}

START_TEST(test_json__invalid_utf8_is_replaced_and_kept_as_hex)
{
    /* The replacements are those of Unicode 15, table 3-8 and what follows it. */
    static const struct bytes_row rows[] = {
        {"", 0, "{\"a\":\"\"}\n"},
        {"bob@x", 5, "{\"a\":\"bob@x\"}\n"},
        {"a\0b\x1b\"\\", 6, "{\"a\":\"a\\u0000b\\u001B\\\"\\\\\"}\n"},
        {"\xd1\x80\xe2\x80\xae\xf0\x9f\x98\x80", 9,
            "{\"a\":\"\\u0440\\u202E\\uD83D\\uDE00\"}\n"},
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9,
            "{\"a\":\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFDA\","
            "\"hex\":\"c0afe080bff0818241\"}\n"},
        {"\xed\xa0\x80\xed\xbf\xbf", 6,
            "{\"a\":\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\","
            "\"hex\":\"eda080edbfbf\"}\n"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9,
            "{\"a\":\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFDA\\uFFFD\\uFFFDB\","
            "\"hex\":\"f4919293ff4180bf42\"}\n"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9,
            "{\"a\":\"\\uFFFD\\uFFFD\\uFFFD\\uFFFDA\",\"hex\":\"e180e2f09192f1bf41\"}"
            "\n"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char *text = printed(add_bytes, &rows[i]);

        ck_assert_str_eq(text, rows[i].expected);
        free(text);
    }
}
END_TEST

static void add_confidence(struct nm_json *json, const void *row)
{
    nm_json_add_confidence(json, "a", *(const double *)row);
}

START_TEST(test_json__confidence_has_four_digits)
{
    static const struct {
        double value;
        const char *json;
        const char *text;
    } rows[] = {{0.997, "0.997", "0.997"}, {0.9, "0.9", "0.9"}, {1, "1.0", "1"},
        {0, "0.0", "0"}, {0.99999999, "0.9999", "0.9999"},
        {0.99987654, "0.9999", "0.9999"}, {0.123456, "0.1235", "0.1235"},
        {0.0001, "0.0001", "0.0001"}, {0.00001, "0.0", "0"},
        {1.0 / 3, "0.3333", "0.3333"}};
    const double none = -1;
    char *text = printed(add_confidence, &none);

    ck_assert_str_eq(text, "{\"a\":null}\n");
    free(text);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char expected[64];

        text = printed(add_confidence, &rows[i].value);
        (void)snprintf(expected, sizeof expected, "{\"a\":%s}\n", rows[i].json);
        ck_assert_str_eq(text, expected);
        ck_assert_str_eq(nm_confidence_text(rows[i].value).text, rows[i].text);
        free(text);
    }
}
END_TEST

/* ---- columns ------------------------------------------------------------ */

START_TEST(test_columns__are_those_of_a_terminal)
{
    ck_assert_uint_eq(nm_columns(""), 0);
    ck_assert_uint_eq(nm_columns("army.mil"), 8);
    ck_assert_uint_eq(nm_columns("\xd1\x80\xd0\xb0ypal"), 6);
    ck_assert_uint_eq(nm_columns("\xe6\x97\xa5\xe6\x9c\xac.jp"), 7);
    ck_assert_uint_eq(nm_columns("e\xcc\x81"), 1);
}
END_TEST

static void put_row(struct nm_grid *grid, const char *a, const char *b, const char *c)
{
    nm_grid_cell(grid, a, strlen(a), NM_PLAIN);
    nm_grid_cell(grid, b, strlen(b), NM_RED);
    nm_grid_cell(grid, c, strlen(c), NM_PLAIN);
}

static const char *const titles[] = {"ONE", "TWO", "THREE"};

static char *grid_text(bool colour, void (*fill)(struct nm_grid *grid))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct nm_grid *grid = nm_grid_new(out, colour, titles, NM_COUNT(titles));

    ck_assert_ptr_nonnull(grid);
    fill(grid);
    nm_grid_free(&grid);
    ck_assert_ptr_null(grid);
    (void)fclose(out);
    return text;
}

static void fill_hostile(struct nm_grid *grid)
{
    put_row(grid, "a", "\xe6\x97\xa5", "x");
    put_row(grid, "longer", "", "\x1b[2J\xe2\x80\xae");
    put_row(grid, "b", "0123456789012345678901234567890123456789012345678901234567890",
        "y");
}

START_TEST(test_grid__aligns_and_cuts_and_escapes)
{
    char *text = grid_text(false, fill_hostile);

    ck_assert_str_eq(text,
        "ONE     TWO                                               THREE\n"
        "a       \xe6\x97\xa5                                                x\n"
        "longer                                                    \\x1b[2J\\u{202e}\n"
        "b       012345678901234567890123456789012345678901234...  y\n");
    free(text);
}
END_TEST

static void fill_two(struct nm_grid *grid)
{
    put_row(grid, "first", "1", "1");
    put_row(grid, "a", "b", "c");
    nm_grid_drop_first_row(grid);
}

START_TEST(test_grid__colours_only_when_told)
{
    char *text = grid_text(false, fill_two);

    ck_assert_str_eq(text, "ONE  TWO  THREE\na    b    c\n");
    free(text);
    text = grid_text(true, fill_two);
    ck_assert_str_eq(text, "\x1b[1mONE\x1b[0m  \x1b[1mTWO\x1b[0m  \x1b[1mTHREE\x1b[0m\n"
                           "a    \x1b[31mb\x1b[0m    c\n");
    free(text);
}
END_TEST

static void fill_nothing(struct nm_grid *grid)
{
    (void)grid;
}

static void fill_many(struct nm_grid *grid)
{
    for (int i = 0; i < 1000; i++)
        put_row(grid, "a", i == 900 ? "wider" : "b", "c");
}

START_TEST(test_grid__streams_a_table_of_any_length)
{
    char *text = grid_text(false, fill_nothing);
    size_t lines = 0;

    ck_assert_str_eq(text, "");
    free(text);
    text = grid_text(false, fill_many);
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 1001);
    ck_assert_ptr_nonnull(strstr(text, "a    wider  c\n"));
    free(text);
}
END_TEST

START_TEST(test_show__cuts_a_long_word)
{
    char word[500];

    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert_str_eq(nm_show("a\nb").text, "a\\x0ab");
    ck_assert_uint_lt(strlen(nm_show(word).text), sizeof nm_show(word).text);
    ck_assert_ptr_nonnull(strstr(nm_show(word).text, "xxx..."));
}
END_TEST

/* ---- drawings ----------------------------------------------------------- */

static struct nm_domain domain(const char *name)
{
    struct nm_domain out = {.length = (uint8_t)strlen(name)};

    (void)nm_copy(out.name, sizeof out.name, name);
    return out;
}

START_TEST(test_drawing__sets_the_names_under_each_other)
{
    static const struct {
        const char *typed;
        const char *meant;
        struct nm_slip slips[2];
        uint8_t slip_count;
        const char *lines[3];
    } rows[] = {
        {"army.ml", "army.mil", {{.typed_at = 6, .meant_at = 6, .meant_length = 1}}, 1,
            {"army.m l", "army.mil", "      ^"}},
        {"arrmy.mil", "army.mil", {{.typed_at = 2, .typed_length = 1, .meant_at = 2}},
            1, {"arrmy.mil", "ar my.mil", "  ^"}},
        {"gmial.com", "gmail.com",
            {{.typed_at = 2, .typed_length = 2, .meant_at = 2, .meant_length = 2}}, 1,
            {"gmial.com", "gmail.com", "  ^^"}},
        /* Two slips, given in the wrong order. */
        {"gmai.con", "gmail.com",
            {{.typed_at = 7, .typed_length = 1, .meant_at = 8, .meant_length = 1},
                {.typed_at = 4, .meant_at = 4, .meant_length = 1}},
            2, {"gmai .con", "gmail.com", "    ^   ^"}},
        {"same.org", "same.org", {{0}}, 0, {"same.org", "same.org", ""}},
        {"army.ml", "army.mil", {{.typed_at = 7, .meant_at = 7, .meant_length = 1}}, 1,
            {"army.ml", "army.mil", "       ^"}},
        /* Where it stands in the other one, its dots hyphens or left out. */
        {"my-army.mil.example", "army.mil",
            {{.technique = NM_TECHNIQUE_EMBEDDED,
                .typed_length = 19,
                .meant_length = 8}},
            1, {"my-army.mil.example", "   army.mil", "^^^        ^^^^^^^^"}},
        {"a.army-mil.example", "a.army.mil",
            {{.technique = NM_TECHNIQUE_EMBEDDED,
                .typed_at = 2,
                .typed_length = 16,
                .meant_at = 2,
                .meant_length = 8}},
            1, {"a.army-mil.example", "a.army.mil", "      ^   ^^^^^^^^"}},
        {"armymil-x.example", "army.mil",
            {{.technique = NM_TECHNIQUE_EMBEDDED,
                .typed_length = 17,
                .meant_length = 8}},
            1, {"army mil-x.example", "army.mil", "    ^   ^^^^^^^^^^"}},
        {"other.example", "army.mil",
            {{.technique = NM_TECHNIQUE_EMBEDDED,
                .typed_length = 13,
                .meant_length = 8}},
            1, {"other.example", "army.mil", "^^^^^^^^^^^^^"}},
        /* Slips that lie outside the names cannot be right, and do no harm. */
        {"a.b", "c.d",
            {{.typed_at = 200,
                 .typed_length = 200,
                 .meant_at = 250,
                 .meant_length = 255},
                {.typed_at = 1, .typed_length = 1, .meant_at = 0, .meant_length = 3}},
            2, {"a.b", "c.d", " ^^^"}},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_domain typed = domain(rows[i].typed);
        struct nm_candidate candidate = {
            .target = domain(rows[i].meant), .slip_count = rows[i].slip_count};
        struct nm_drawing drawing;

        memcpy(candidate.slips, rows[i].slips, sizeof rows[i].slips);
        nm_draw_slips(NULL, &typed, &candidate, &drawing);
        if (i + 1 == NM_COUNT(rows))
            break; /* that it returned is what was asked */
        ck_assert_str_eq(drawing.typed, rows[i].lines[0]);
        ck_assert_str_eq(drawing.meant, rows[i].lines[1]);
        ck_assert_str_eq(drawing.marks, rows[i].lines[2]);
    }
}
END_TEST

START_TEST(test_drawing__shows_letters_of_other_scripts)
{
    static const struct {
        const char *typed;
        const char *meant;
        const char *lines[3];
    } rows[] = {
        {"r\xd0\xb0ypal.com", "paypal.com", {"r\xd0\xb0ypal.com", "paypal.com", "^^"}},
        {"b\xc3\xbc"
         "cher.example",
            "bucher.example",
            {"b\xc3\xbc"
             "cher.example",
                "bucher.example", " ^"}},
        /* Not letter by letter: in A-labels. */
        {"\xe6\x97\xa5.example", "jp.example",
            {"xn--wgv.example", "jp     .example", "^^^^^^^"}},
        {"b\xc3\xbc"
         "cher.example",
            "buecher.example",
            {"b\xc3\xbc"
             " cher.example",
                "buecher.example", " ^^"}},
        {"\xd0\xbb\xd0\xbe.example", "lo.net",
            {"\xd0\xbb\xd0\xbe.example", "lo.net    ", "^^^^^^^^^^"}},
    };
    struct nm_names *names = NULL;

    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_domain typed;
        struct nm_candidate candidate = {
            .target = domain(rows[i].meant), .slip_count = 1};
        struct nm_drawing drawing;

        ck_assert_int_eq(
            nm_domain_parse(names, rows[i].typed, strlen(rows[i].typed), &typed),
            NM_FAULT_NONE);
        candidate.slips[0].typed_length = (uint8_t)strcspn(typed.name, ".");
        candidate.slips[0].meant_length = (uint8_t)strcspn(rows[i].meant, ".");
        nm_draw_slips(names, &typed, &candidate, &drawing);
        ck_assert_str_eq(drawing.typed, rows[i].lines[0]);
        ck_assert_str_eq(drawing.meant, rows[i].lines[1]);
        ck_assert_str_eq(drawing.marks, rows[i].lines[2]);
    }
    nm_names_free(&names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("text");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_time__reads_what_rfc_3339_allows);
    tcase_add_test(cases, test_lines__come_one_by_one_whatever_they_hold);
    tcase_add_test(cases, test_lines__a_line_of_any_length_is_one_line);
    tcase_add_test(cases, test_lines__a_failure_to_read_is_kept);
    tcase_add_test(cases, test_json__invalid_utf8_is_replaced_and_kept_as_hex);
    tcase_add_test(cases, test_json__confidence_has_four_digits);
    tcase_add_test(cases, test_columns__are_those_of_a_terminal);
    tcase_add_test(cases, test_grid__aligns_and_cuts_and_escapes);
    tcase_add_test(cases, test_grid__colours_only_when_told);
    tcase_add_test(cases, test_grid__streams_a_table_of_any_length);
    tcase_add_test(cases, test_show__cuts_a_long_word);
    tcase_add_test(cases, test_drawing__sets_the_names_under_each_other);
    tcase_add_test(cases, test_drawing__shows_letters_of_other_scripts);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
