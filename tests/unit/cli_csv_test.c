/* Cells of CSV: what a spreadsheet or a terminal would act on does nothing. */
#include "cli/csv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CELL(bytes, shown)                                                             \
    {                                                                                  \
        bytes, sizeof(bytes) - 1, shown                                                \
    }

static const struct {
    const char *bytes;
    size_t length;
    const char *shown;
} cells[] = {
    CELL("", ""),
    CELL("alice@example.org", "alice@example.org"),
    CELL("a,b", "\"a,b\""),
    CELL("say \"hi\"", "\"say \"\"hi\"\"\""),
    CELL("\"", "\"\"\"\""),
    CELL("=1+1", "\"'=1+1\""),
    CELL("+1", "\"'+1\""),
    CELL("-1", "\"'-1\""),
    CELL("@SUM(A1)", "\"'@SUM(A1)\""),
    CELL("=\"a\"", "\"'=\"\"a\"\"\""),
    CELL("\xef\xbc\x9d"
         "1",
        "\"'\xef\xbc\x9d"
        "1\""),
    CELL("\xef\xbc\xa0x", "\"'\xef\xbc\xa0x\""),
    CELL("\xef\xbc\xa1x", "\xef\xbc\xa1x"),
    CELL("a=1", "a=1"),
    CELL("\t=1", "\\x09=1"),
    CELL("\r=1", "\\x0d=1"),
    CELL("a\r\nb", "a\\x0d\\x0ab"),
    CELL("a\0b", "a\\x00b"),
    CELL("\x1b[2J", "\\x1b[2J"),
    CELL("\xff", "\\xff"),
    CELL("\xe2\x80\xaex", "\\u{202e}x"),
    CELL("a\\b", "a\\\\b"),
    CELL("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"),
};

static void assert_row(const char *bytes, size_t length, const char *shown)
{
    char *got = NULL;
    size_t got_length = 0;
    FILE *out = open_memstream(&got, &got_length);
    struct nm_csv csv = nm_csv_begin(out);
    char want[256];

    ck_assert_ptr_nonnull(out);
    nm_csv_number(&csv, 7);
    nm_csv_bytes(&csv, bytes, length);
    nm_csv_text(&csv, NULL);
    nm_csv_end_row(&csv);
    nm_csv_text(&csv, "next");
    ck_assert_int_eq(fclose(out), 0);
    (void)snprintf(want, sizeof want, "7,%s,\r\nnext", shown);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(test_csv__a_cell_is_only_ever_a_cell)
{
    assert_row(cells[_i].bytes, cells[_i].length, cells[_i].shown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *cases = tcase_create("csv");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        cases, test_csv__a_cell_is_only_ever_a_cell, 0, (int)NM_COUNT(cells));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
