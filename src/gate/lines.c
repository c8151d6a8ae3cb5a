#include "lines.h"

#include "gate/session.h"

#include <string.h>

/* Bytes of the first line of a text that is not empty; at least 1. */
static size_t first_line(const char *text)
{
    const size_t size = strnlen(text, NM_ANSWER_LINE_MAX + 1);
    size_t at = NM_ANSWER_LINE_MAX;

    if (size <= NM_ANSWER_LINE_MAX)
        return size;
    while (at > 0 && text[at] != ' ')
        at--;
    if (at > 0)
        return at;
    at = NM_ANSWER_LINE_MAX;
    while (((unsigned char)text[at] & 0xc0) == 0x80 && at > NM_ANSWER_LINE_MAX - 3)
        at--;
    return at;
}

/* Behind the first line and the blanks at which it was broken. */
static const char *next_line(const char *text)
{
    text += first_line(text);
    return text + strspn(text, " ");
}

size_t nm_lines_count(const char *text)
{
    size_t count = 1;

    while (*text != '\0' && *(text = next_line(text)) != '\0')
        count++;
    return count;
}

size_t nm_lines_put(const char *text, struct nm_buf *memory, const char **lines)
{
    size_t count = 0;

    do {
        lines[count++] = memory->text + memory->length;
        if (*text != '\0')
            nm_buf_put(memory, text, first_line(text));
        nm_buf_put(memory, "", 1); /* its NUL */
        if (*text != '\0')
            text = next_line(text);
    } while (*text != '\0');
    return count;
}
