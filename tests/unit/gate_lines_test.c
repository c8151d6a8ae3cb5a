#include "lines.h"

#include "gate/session.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

enum { WIDTH = NM_ANSWER_LINE_MAX, TEXT_MAX = 3 * WIDTH };

struct broken {
    char bytes[TEXT_MAX + NM_REPLY_LINES_MAX];
    const char *lines[NM_REPLY_LINES_MAX];
    size_t count;
};

static void break_up(const char *text, struct broken *out)
{
    struct nm_buf memory;

    nm_buf_init(&memory, out->bytes, sizeof out->bytes);
    out->count = nm_lines_put(text, &memory, out->lines);
    ck_assert(!memory.truncated);
    ck_assert_uint_eq(out->count, nm_lines_count(text));
}

/* `count` times `piece`. */
static const char *repeated(const char *piece, size_t count, const char *end)
{
    static char text[TEXT_MAX + 1];
    struct nm_buf buf;

    nm_buf_init(&buf, text, sizeof text);
    for (size_t i = 0; i < count; i++)
        nm_buf_puts(&buf, piece);
    nm_buf_puts(&buf, end);
    ck_assert(!buf.truncated);
    return text;
}

START_TEST(test_lines__break_at_blanks_or_between_characters)
{
    static const struct {
        const char *piece;
        size_t count;
        const char *end;
        size_t lengths[4]; /* of the lines */
    } rows[] = {
        {"", 0, "", {0}},
        {"a", 1, "", {1}},
        {"a", WIDTH, "", {WIDTH}},
        {"a", WIDTH + 1, "", {WIDTH, 1}},
        {"a", WIDTH, " b", {WIDTH, 1}},
        {"a", WIDTH - 1, " bc", {WIDTH - 1, 2}},
        {"ab ", 200, "cd", {479, 122}},
        {"a", 2 * WIDTH + 1, "", {WIDTH, WIDTH, 1}},
        {"\xc3\xa4", 240, "x", {WIDTH, 1}},
        {"\xe2\x82\xac", 161, "", {WIDTH, 3}},
        {"a\xc3\xa4", 161, "", {480, 3}},
        {"xx\xf0\x9f\x99\x82", 81, "", {480, 6}},
        {"x\xf0\x9f\x99\x82", 97, "", {480, 5}},
        {" ", WIDTH + 5, "b", {WIDTH, 1}},
        {"a", WIDTH, "    ", {WIDTH}},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct broken broken;

        break_up(repeated(rows[i].piece, rows[i].count, rows[i].end), &broken);
        for (size_t n = 0; n < broken.count; n++)
            ck_assert_msg(strlen(broken.lines[n]) == rows[i].lengths[n],
                "row %zu, line %zu: %zu", i, n, strlen(broken.lines[n]));
        ck_assert_uint_eq(rows[i].lengths[broken.count], 0);
    }
}
END_TEST

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

/* Nothing is lost but blanks, no line is too long, and no character is cut. */
START_TEST(test_lines__hold_the_whole_text)
{
    static const char *const pieces[] = {
        "a", "word ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x99\x82", "  ", "%"};
    uint32_t state = 7;

    for (int round = 0; round < 2000; round++) {
        char text[TEXT_MAX + 1];
        const char *at = text;
        const size_t size = next(&state) % TEXT_MAX;
        const unsigned kinds = 1 + next(&state) % NM_COUNT(pieces);
        struct broken broken;
        struct nm_buf buf;

        nm_buf_init(&buf, text, sizeof text);
        while (buf.length + 5 < size)
            nm_buf_puts(&buf, pieces[next(&state) % kinds]);
        break_up(text, &broken);
        for (size_t i = 0; i < broken.count; i++) {
            const size_t length = strlen(broken.lines[i]);

            ck_assert_uint_le(length, WIDTH);
            if (i > 0)
                at += strspn(at, " ");
            ck_assert_int_eq(strncmp(at, broken.lines[i], length), 0);
            at += length;
            ck_assert_int_ne((unsigned char)*at & 0xc0, 0x80);
        }
        ck_assert_uint_eq(strspn(at, " "), strlen(at));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("lines");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_lines__break_at_blanks_or_between_characters);
    tcase_add_test(cases, test_lines__hold_the_whole_text);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
