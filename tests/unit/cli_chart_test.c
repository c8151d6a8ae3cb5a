/* Figures for people: exact to the character. */
#include "cli/chart.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint64_t number;
    const char *text;
} numbers[] = {{0, "0"}, {7, "7"}, {999, "999"}, {1000, "1,000"}, {12345, "12,345"},
    {999999, "999,999"}, {1000000, "1,000,000"},
    {UINT64_MAX, "18,446,744,073,709,551,615"}};

START_TEST(test_number__has_a_comma_for_each_thousand)
{
    ck_assert_str_eq(nm_number_text(numbers[_i].number).text, numbers[_i].text);
}
END_TEST

static const struct {
    uint64_t part;
    uint64_t whole;
    const char *text;
} shares[] = {{0, 0, ""}, {0, 5, ""}, {5, 5, "100%"}, {1, 3, "33%"}, {1, 10, "10%"},
    {99, 1000, "9.9%"}, {1, 1000, "0.1%"}, {1, 1001, "<0.1%"}, {1, 1000000, "<0.1%"},
    {999, 1000, ">99%"}, {3, 0, "<0.1%"}};

START_TEST(test_share__is_never_nothing_of_something)
{
    ck_assert_str_eq(
        nm_share_text(shares[_i].part, shares[_i].whole).text, shares[_i].text);
}
END_TEST

static char *drawn(void (*draw)(FILE *out, int which), int which)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(out);
    draw(out, which);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static const struct {
    bool unicode;
    uint64_t part;
    uint64_t most;
    const char *bar; /* in ten columns */
} bars[] = {
    {false, 0, 0, ""},
    {false, 0, 10, ""},
    {false, 10, 10, "##########"},
    {false, 5, 10, "#####"},
    {false, 1, 1000, "#"},
    {true, 0, 10, ""},
    {true, 10, 10, "██████████"},
    {true, 5, 10, "█████"},
    {true, 1, 16, "▋"},
    {true, 1, 80, "▏"},
    {true, 1, 100000, "▏"},
    {true, 79, 80, "█████████▉"},
};

static void draw_bar(FILE *out, int which)
{
    nm_put_bar(out, bars[which].unicode, bars[which].part, bars[which].most, 10);
}

START_TEST(test_bar__is_as_long_as_its_share)
{
    char *text = drawn(draw_bar, _i);

    ck_assert_str_eq(text, bars[_i].bar);
    free(text);
}
END_TEST

static const uint64_t values[] = {0, 1, 50, 100, 99, 25, 75};

static void draw_line(FILE *out, int which)
{
    nm_put_sparkline(out, which == 1, values, NM_COUNT(values));
}

static void draw_nothing(FILE *out, int which)
{
    static const uint64_t nothing[3];

    nm_put_sparkline(out, which == 1, nothing, NM_COUNT(nothing));
}

START_TEST(test_sparkline__shows_nothing_as_nothing)
{
    static const struct {
        void (*draw)(FILE *out, int which);
        int which;
        const char *line;
    } cases[] = {{draw_line, 0, "_.+@@-*"}, {draw_line, 1, " ▁▅██▃▆"},
        {draw_nothing, 0, "___"}, {draw_nothing, 1, "   "}};

    for (size_t i = 0; i < NM_COUNT(cases); i++) {
        char *text = drawn(cases[i].draw, cases[i].which);

        ck_assert_str_eq(text, cases[i].line);
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chart");
    TCase *cases = tcase_create("chart");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        cases, test_number__has_a_comma_for_each_thousand, 0, (int)NM_COUNT(numbers));
    tcase_add_loop_test(
        cases, test_share__is_never_nothing_of_something, 0, (int)NM_COUNT(shares));
    tcase_add_loop_test(
        cases, test_bar__is_as_long_as_its_share, 0, (int)NM_COUNT(bars));
    tcase_add_test(cases, test_sparkline__shows_nothing_as_nothing);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
