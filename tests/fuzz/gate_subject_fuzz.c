/*
 * Any bytes as a Subject: written without a change it is what it was; of what is taken out
 * nothing is read any more, and of what is left everything but blanks and brackets, in its
 * order.
 *
 * Of the input the first two bytes say what is taken out.
 */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "gate_subject: %s\n", what);
    abort();
}

static bool is_all_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* Blanks go or come where words meet. Brackets may go with what they stood around, and
 * without a taken part's bytes a rest may be read otherwise: where it begins a word. */
static bool is_loose(char c)
{
    return strchr(" \t\r\n[]()", c) != NULL;
}

/* Whether `left` is `all` but for the bytes from `at` to `end`, and loose ones. */
static bool is_rest(struct nm_bytes all, size_t at, size_t end, struct nm_bytes left)
{
    size_t i = 0;
    size_t k = 0;

    for (;;) {
        while (i < all.length && ((i >= at && i < end) || is_loose(all.data[i])))
            i++;
        while (k < left.length && is_loose(left.data[k]))
            k++;
        if (i == all.length || k == left.length)
            return i == all.length && k == left.length;
        if (all.data[i++] != left.data[k++])
            return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_arena *arena = NULL;
    struct nm_subject_line *line;
    struct nm_bytes text;
    const char *written;
    char *value;

    if (size < 2 || size > 1024)
        return 0;
    demand(nm_arena_new(4 * 1024 * 1024, &arena) == NM_OK, "no arena");
    value = malloc(size - 1);
    demand(value != NULL, "no memory");
    memcpy(value, data + 2, size - 2);
    value[size - 2] = '\0';
    line = nm_subject_line_read(arena, value);
    demand(line != NULL, "it cannot be read");
    text = nm_subject_line_text(line);
    demand(text.length <= strlen(value), "more is read than is written");
    written = nm_subject_line_write(line, arena);
    demand(strcmp(written, is_all_blank(value) ? "" : value) == 0,
        "it was changed without a cause");
    if (text.length > 0) {
        const size_t at = data[0] % text.length;
        const size_t length = 1 + data[1] % (text.length - at);
        struct nm_subject_line *again;

        nm_subject_line_take(line, at, length);
        written = nm_subject_line_write(line, arena);
        demand(strlen(written) <= 2 * strlen(value), "it has grown");
        again = nm_subject_line_read(arena, written);
        demand(again != NULL, "what is left cannot be read");
        /* A part that was no word may become one when something in it goes. */
        demand(strstr(value, "=?") != NULL ||
                   is_rest(text, at, at + length, nm_subject_line_text(again)),
            "something else is left");
    }
    free(value);
    nm_arena_free(&arena);
    return 0;
}
