#include "base/lines.h"

#include <nearmiss/base.h>

#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_arena__never_grows_past_its_cap)
{
    struct nm_arena *arena = NULL;

    ck_assert_int_eq(nm_arena_new(100, &arena), NM_OK);
    ck_assert_ptr_nonnull(nm_arena_alloc(arena, 60));
    ck_assert_ptr_null(nm_arena_alloc(arena, 60));
    ck_assert_ptr_null(nm_arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_nonnull(nm_arena_alloc(arena, 16));
    nm_arena_reset(arena);
    ck_assert_uint_eq(nm_arena_used(arena), 0);
    ck_assert_ptr_nonnull(nm_arena_alloc(arena, 96));
    nm_arena_free(&arena);
    ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(test_arena__gives_zeroed_memory_also_after_a_reset)
{
    struct nm_arena *arena = NULL;

    ck_assert_int_eq(nm_arena_new(1 << 20, &arena), NM_OK);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 9000; size += 777) {
            unsigned char *memory = nm_arena_alloc(arena, size);

            ck_assert_ptr_nonnull(memory);
            ck_assert_uint_eq((uintptr_t)memory % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                ck_assert_uint_eq(memory[i], 0);
            memset(memory, 0xff, size);
        }
        nm_arena_reset(arena);
    }
    nm_arena_free(&arena);
}
END_TEST

START_TEST(test_buf__cuts_and_says_so)
{
    char memory[8];
    struct nm_buf buf;

    nm_buf_init(&buf, memory, sizeof memory);
    nm_buf_puts(&buf, "abc");
    nm_buf_printf(&buf, "%d", 1234);
    ck_assert_str_eq(memory, "abc1234");
    ck_assert(!buf.truncated);
    nm_buf_puts(&buf, "x");
    ck_assert_str_eq(memory, "abc1234");
    ck_assert(buf.truncated);
    nm_buf_init(&buf, memory, sizeof memory);
    nm_buf_printf(&buf, "%s", "longer than eight");
    ck_assert_str_eq(memory, "longer ");
    ck_assert(buf.truncated);
}
END_TEST

START_TEST(test_id__sorts_by_time_and_is_crockford)
{
    const uint8_t zeros[NM_ID_RANDOM_BYTES] = {0};
    const uint8_t ones[NM_ID_RANDOM_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const struct nm_id early = nm_id_make(1469918176385000, ones);
    const struct nm_id late = nm_id_make(1469918176386000, zeros);

    /* The example time of the specification. */
    ck_assert_str_eq(early.text, "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
    ck_assert_str_eq(late.text, "01ARYZ6S420000000000000000");
    ck_assert_int_lt(strcmp(early.text, late.text), 0);
}
END_TEST

START_TEST(test_utf8__rejects_what_rfc_3629_rejects)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t code_point;
    } rows[] = {{"a", 1, 'a'}, {"\xc3\xa4", 2, 0xe4}, {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600}, {"\xc0\x80", 0, 0}, {"\xe0\x80\x80", 0, 0},
        {"\xed\xa0\x80", 0, 0}, {"\xf4\x90\x80\x80", 0, 0}, {"\xf5\x80\x80\x80", 0, 0},
        {"\x80", 0, 0}, {"\xc3", 0, 0}, {"\xc3(", 0, 0}, {"\xff", 0, 0}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        uint32_t code_point = 0;

        ck_assert_uint_eq(
            nm_utf8_decode(rows[i].bytes, strlen(rows[i].bytes), &code_point),
            rows[i].size);
        ck_assert_uint_eq(code_point, rows[i].code_point);
    }
}
END_TEST

START_TEST(test_visible__escapes_what_is_not_seen)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *shown;
    } rows[] = {{"bob@army.ml", 11, "bob@army.ml"}, {"", 0, ""},
        {"a\0b\n\x1b[2J\x7f", 9, "a\\x00b\\x0a\\x1b[2J\\x7f"},
        {"a\\x00", 5, "a\\\\x00"}, {"\xc2\x9b", 2, "\\u{9b}"},
        {"\xd1\x80\xd0\xb0y", 5, "\xd1\x80\xd0\xb0y"},
        {"\xe2\x80\xae"
         "lm",
            5, "\\u{202e}lm"},
        {"\xe2\x81\xa6", 3, "\\u{2066}"}, {"\xef\xbb\xbf", 3, "\\u{feff}"},
        {"\xf3\xa0\x81\x81", 4, "\\u{e0041}"}, {"\xf4\x8f\xbf\xbf", 4, "\\u{10ffff}"},
        {"\xff\xc3(", 3, "\\xff\\xc3("}, {"\xe2\x82\xac", 3, "\xe2\x82\xac"},
        {"\xe2\x82", 2, "\\xe2\\x82"}};
    char memory[64];
    struct nm_buf buf;

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        nm_buf_init(&buf, memory, sizeof memory);
        nm_buf_put_visible(&buf, rows[i].bytes, rows[i].length);
        ck_assert_str_eq(memory, rows[i].shown);
        ck_assert(!buf.truncated);
    }
}
END_TEST

START_TEST(test_visible__cuts_between_characters)
{
    char memory[6];
    struct nm_buf buf;

    nm_buf_init(&buf, memory, sizeof memory);
    nm_buf_put_visible(&buf, "ab\x1b", 3);
    ck_assert_str_eq(memory, "ab");
    ck_assert(buf.truncated);
    nm_buf_init(&buf, memory, sizeof memory);
    nm_buf_put_visible(&buf, "abc\xe2\x82\xac", 6);
    ck_assert_str_eq(memory, "abc");
    ck_assert(buf.truncated);
}
END_TEST

static const char *word_at(const void *words, size_t i)
{
    return ((const char *const *)words)[i];
}

START_TEST(test_suggest__the_nearest_name_if_it_is_near)
{
    static const char *const words[] = {"check", "explain", "audit list", "on", NULL};
    static const struct {
        const char *typed;
        const char *meant;
    } rows[] = {{"chekc", "check"}, {"chck", "check"}, {"explian", "explain"},
        {"audit lst", "audit list"}, {"aduit lits", "audit list"}, {"xyzzy", NULL},
        {"", NULL}, {"an", "on"}, {"no", "on"}, {"zz", NULL},
        {"a word of more than the sixty-four letters that a suggestion looks at",
            NULL}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const char *meant = nm_suggest(rows[i].typed, word_at, words, NM_COUNT(words));

        if (rows[i].meant == NULL)
            ck_assert_ptr_null(meant);
        else
            ck_assert_pstr_eq(meant, rows[i].meant);
    }
}
END_TEST

START_TEST(test_fail__cuts_a_long_message_and_keeps_the_place)
{
    struct nm_error error;
    char text[2 * NM_ERROR_MESSAGE_MAX];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(
        nm_fail_at(&error, NM_BAD_INPUT, "a.conf", 7, "%s", text), NM_BAD_INPUT);
    ck_assert_str_eq(error.file, "a.conf");
    ck_assert_uint_eq(error.line, 7);
    ck_assert_uint_eq(strlen(error.message), NM_ERROR_MESSAGE_MAX - 1);
    ck_assert_int_eq(nm_fail(NULL, NM_LIMIT, "nobody listens"), NM_LIMIT);
}
END_TEST

/* ---- lines -------------------------------------------------------------- */

/* Words of a line in brackets, lines apart by a slash. */
static void tell_lines(
    const char *text, size_t length, enum nm_comment where, struct nm_buf *out)
{
    struct nm_text_lines lines = nm_text_lines(text, length);
    struct nm_line line;

    while (nm_text_lines_next(&lines, &line)) {
        struct nm_line word;

        nm_buf_printf(out, "%u:", line.number);
        nm_line_cut_comment(&line, where);
        nm_line_trim(&line);
        while ((word = nm_line_take_word(&line)).length > 0)
            nm_buf_printf(out, "[%.*s]", (int)word.length, word.text);
        ck_assert_uint_eq(line.length, 0);
        nm_buf_puts(out, "/");
    }
}

START_TEST(test_lines__words_and_comments)
{
    static const struct {
        const char *text;
        const char *anywhere;
        const char *behind_blank;
    } cases[] = {
        {"", "", ""},
        {"\n", "1:/", "1:/"},
        {"a", "1:[a]/", "1:[a]/"},
        {"a\n", "1:[a]/", "1:[a]/"},
        {" a\t b \r\n\nc", "1:[a][b]/2:/3:[c]/", "1:[a][b]/2:/3:[c]/"},
        {"\xef\xbb\xbf a", "1:[a]/", "1:[a]/"},
        {"\xef\xbb", "1:[\xef\xbb]/", "1:[\xef\xbb]/"},
        {"a#b", "1:[a]/", "1:[a#b]/"},
        {"a #b#c", "1:[a]/", "1:[a]/"},
        {"#a\n #b", "1:/2:/", "1:/2:/"},
    };

    for (size_t i = 0; i < NM_COUNT(cases); i++) {
        char text[64];
        struct nm_buf out;

        nm_buf_init(&out, text, sizeof text);
        tell_lines(cases[i].text, strlen(cases[i].text), NM_COMMENT_ANYWHERE, &out);
        ck_assert_str_eq(text, cases[i].anywhere);
        nm_buf_init(&out, text, sizeof text);
        tell_lines(cases[i].text, strlen(cases[i].text), NM_COMMENT_BEHIND_BLANK, &out);
        ck_assert_str_eq(text, cases[i].behind_blank);
    }
}
END_TEST

/* Nothing behind the given length is read, and a NUL is a byte like others. */
START_TEST(test_lines__end_where_the_text_ends)
{
    struct nm_text_lines lines = nm_text_lines("a\0b\nc", 3);
    struct nm_line line;

    ck_assert(nm_text_lines_next(&lines, &line));
    ck_assert_uint_eq(line.length, 3);
    ck_assert(!nm_text_lines_next(&lines, &line));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *cases = tcase_create("base");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_arena__never_grows_past_its_cap);
    tcase_add_test(cases, test_arena__gives_zeroed_memory_also_after_a_reset);
    tcase_add_test(cases, test_buf__cuts_and_says_so);
    tcase_add_test(cases, test_id__sorts_by_time_and_is_crockford);
    tcase_add_test(cases, test_utf8__rejects_what_rfc_3629_rejects);
    tcase_add_test(cases, test_visible__escapes_what_is_not_seen);
    tcase_add_test(cases, test_visible__cuts_between_characters);
    tcase_add_test(cases, test_suggest__the_nearest_name_if_it_is_near);
    tcase_add_test(cases, test_fail__cuts_a_long_message_and_keeps_the_place);
    tcase_add_test(cases, test_lines__words_and_comments);
    tcase_add_test(cases, test_lines__end_where_the_text_ends);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
