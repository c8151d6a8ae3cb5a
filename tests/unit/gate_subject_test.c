/* Subjects: what is read of encoded words, and what is left when something is taken out. */
#include "subject.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char code[] = "NM-7K3Q9F2M";

/* Take the code out wherever it is read; what is left, or "-" when nothing can be read. */
static void check_taken(
    const char *value, const char *expected_text, const char *expected_value)
{
    struct nm_arena *arena = NULL;
    struct nm_subject_line *line;
    struct nm_bytes text;
    const char *written;
    char *read;

    ck_assert_int_eq(nm_arena_new(1024 * 1024, &arena), NM_OK);
    line = nm_subject_line_read(arena, value);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(nm_subject_line_write(line, arena),
        value[strspn(value, " \t\r\n")] != '\0' ? value : "");
    text = nm_subject_line_text(line);
    read = strndup(text.data, text.length);
    ck_assert_ptr_nonnull(read);
    if (expected_text != NULL)
        ck_assert_msg(strcmp(read, expected_text) == 0, "%s: read %s", value, read);
    for (size_t at = text.length; at > 0; at--)
        if (strncmp(read + at - 1, code, sizeof code - 1) == 0)
            nm_subject_line_take(line, at - 1, sizeof code - 1);
    written = nm_subject_line_write(line, arena);
    ck_assert_msg(
        strcmp(written, expected_value) == 0, "%s: left is \"%s\"", value, written);
    free(read);
    nm_arena_free(&arena);
}

START_TEST(test_subject__a_code_is_taken_out_and_the_rest_stays)
{
    static const struct {
        const char *value;
        const char *text; /* NULL: as the value */
        const char *left;
    } rows[] = {
        {"Hello", NULL, "Hello"},
        {"", NULL, ""},
        {" ", NULL, ""},
        {"NM-7K3Q9F2M", NULL, ""},
        {" NM-7K3Q9F2M", NULL, ""},
        {" [NM-7K3Q9F2M]", NULL, ""},
        {"NM-7K3Q9F2M Hello", NULL, "Hello"},
        {" NM-7K3Q9F2M Hello", NULL, " Hello"},
        {" Hello NM-7K3Q9F2M", NULL, " Hello"},
        {" Hello [NM-7K3Q9F2M]", NULL, " Hello"},
        {" Hello (NM-7K3Q9F2M) there", NULL, " Hello there"},
        {" Hello  NM-7K3Q9F2M there", NULL, " Hello there"},
        {"a,NM-7K3Q9F2M,b", NULL, "a,,b"},
        {"[NM-7K3Q9F2M x]", NULL, "[ x]"},
        {" Hello NM-7K3Q9F2M NM-7K3Q9F2M", NULL, " Hello"},
        {" NM-7K3Q9F2M NM-7K3Q9F2M Hello", NULL, " Hello"},
        {" Hello\n NM-7K3Q9F2M", NULL, " Hello"},
        {" Hello\r\n\tNM-7K3Q9F2M\r\n there", NULL, " Hello\r\n there"},
        {" NM-7K3Q9F2M\n Hello", NULL, " Hello"},
        {" Gr\xc3\xbc\xc3\x9f"
         "e NM-7K3Q9F2M",
            NULL,
            " Gr\xc3\xbc\xc3\x9f"
            "e"},
        /* between two words, whose blanks are not shown */
        {" =?utf-8?Q?a?= NM-7K3Q9F2M =?utf-8?Q?b?=", " a NM-7K3Q9F2M b",
            " =?utf-8?Q?a?= =?utf-8?Q?_b?="},
        {" =?utf-8?Q?a?= [NM-7K3Q9F2M]\n =?utf-8?B?YmM=?=", " a [NM-7K3Q9F2M]\n bc",
            " =?utf-8?Q?a?=\n =?utf-8?B?IGJj?="},
        {" =?utf-8?Q?a?= NM-7K3Q9F2M x =?utf-8?Q?b?=", " a NM-7K3Q9F2M x b",
            " =?utf-8?Q?a?= x =?utf-8?Q?b?="},
        /* quoted-printable */
        {" =?utf-8?Q?Gr=C3=BC=C3=9Fe_NM-7K3Q9F2M?=",
            " Gr\xc3\xbc\xc3\x9f"
            "e NM-7K3Q9F2M",
            " =?utf-8?Q?Gr=C3=BC=C3=9Fe?="},
        {" =?utf-8?q?=4E=4d-7K3Q9F2M_x?= y", " NM-7K3Q9F2M x y", " =?utf-8?q?x?= y"},
        {" =?utf-8?Q?a_[NM-7K3Q9F2M]?= b", " a [NM-7K3Q9F2M] b", " =?utf-8?Q?a?= b"},
        {" =?utf-8?Q?NM-7K3Q9F2M?= b", " NM-7K3Q9F2M b", " b"},
        {" a =?utf-8?Q?NM-7K3Q9F2M?=", " a NM-7K3Q9F2M", " a"},
        /* over several words, whose blanks between are not read */
        {" =?utf-8?Q?a_NM-7K?=\r\n =?utf-8?Q?3Q9F2M_b?=", " a NM-7K3Q9F2M b",
            " =?utf-8?Q?a?=\r\n =?utf-8?Q?_b?="},
        {" =?utf-8?Q?a?= =?utf-8?Q?NM-7K3Q9F2M?= =?utf-8?Q?b?=", " aNM-7K3Q9F2Mb",
            " =?utf-8?Q?a?= =?utf-8?Q?b?="},
        {" =?utf-8?Q?NM-7K3Q9F2M?= =?utf-8?Q?_b?=", " NM-7K3Q9F2M b", " =?utf-8?Q?b?="},
        {" =?utf-8?Q?a?= =?utf-8?Q?_NM-7K3Q9F2M?=", " a NM-7K3Q9F2M", " =?utf-8?Q?a?="},
        /* base 64: "Grüße NM-7K3Q9F2M", "NM-7K3Q9F2M", without its padding */
        {" =?utf-8?B?R3LDvMOfZSBOTS03SzNROUYyTQ==?=",
            " Gr\xc3\xbc\xc3\x9f"
            "e NM-7K3Q9F2M",
            " =?utf-8?B?R3LDvMOfZQ==?="},
        {" x =?utf-8?b?Tk0tN0szUTlGMk0?=", " x NM-7K3Q9F2M", " x"},
        {" =?utf-8?B?TlM=?= =?utf-8?B?TS03SzNROUYyTQ==?=", " NSM-7K3Q9F2M",
            " =?utf-8?B?TlM=?= =?utf-8?B?TS03SzNROUYyTQ==?="},
        /* what is no word stands as it is */
        {" =?utf-8?Q?NM-7K3Q9F2M", NULL, " =?utf-8?Q?"},
        {" =?utf-8?X?NM-7K3Q9F2M?=", NULL, " =?utf-8?X?\?="},
        {" =?utf-8?Q?=XY_NM-7K3Q9F2M?=", NULL, " =?utf-8?Q?=XY_?="},
        {" =?utf-8?B?NM-7K3Q9F2M?=", NULL, " =?utf-8?B?\?="},
        {" =??Q?NM-7K3Q9F2M?=", NULL, " =??Q?\?="},
        {" =?a b?Q?NM-7K3Q9F2M?=", NULL, " =?a b?Q?\?="},
        {" =?utf-8?Q?a b NM-7K3Q9F2M?=", NULL, " =?utf-8?Q?a b ?="},
        {"=?", NULL, "=?"},
        {"=?x", NULL, "=?x"},
        {"=?x?", NULL, "=?x?"},
        {"=?x?q", NULL, "=?x?q"},
        {"=?x?q?", NULL, "=?x?q?"},
        {"=?x?q??", NULL, "=?x?q??"},
        {"=?x?q?\?=", "", "=?x?q?\?="},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++)
        check_taken(rows[i].value, rows[i].text != NULL ? rows[i].text : rows[i].value,
            rows[i].left);
}
END_TEST

START_TEST(test_subject__one_that_is_too_long_is_not_read)
{
    struct nm_arena *arena = NULL;
    char *value = malloc(NM_SUBJECT_MAX + 2);

    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(nm_arena_new(1024 * 1024, &arena), NM_OK);
    memset(value, 'x', NM_SUBJECT_MAX + 1);
    value[NM_SUBJECT_MAX + 1] = '\0';
    ck_assert_ptr_null(nm_subject_line_read(arena, value));
    value[NM_SUBJECT_MAX] = '\0';
    ck_assert_ptr_nonnull(nm_subject_line_read(arena, value));
    nm_arena_free(&arena);
    free(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subject");
    TCase *cases = tcase_create("subject");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, test_subject__a_code_is_taken_out_and_the_rest_stays);
    tcase_add_test(cases, test_subject__one_that_is_too_long_is_not_read);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
