#include "base/lines.h"

#include <string.h>

struct nm_text_lines nm_text_lines(const char *text, size_t length)
{
    const bool has_mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;

    return (struct nm_text_lines){
        .at = has_mark ? text + 3 : text, .end = length > 0 ? text + length : text};
}

bool nm_text_lines_next(struct nm_text_lines *lines, struct nm_line *out)
{
    const size_t left = (size_t)(lines->end - lines->at);
    const char *newline = left > 0 ? memchr(lines->at, '\n', left) : NULL;

    if (left == 0)
        return false;
    *out = (struct nm_line){.text = lines->at,
        .length = newline != NULL ? (size_t)(newline - lines->at) : left,
        .number = ++lines->number};
    lines->at = newline != NULL ? newline + 1 : lines->end;
    return true;
}

bool nm_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim_front(struct nm_line *line)
{
    while (line->length > 0 && nm_is_blank(*line->text)) {
        line->text++;
        line->length--;
    }
}

void nm_line_trim(struct nm_line *line)
{
    while (line->length > 0 && nm_is_blank(line->text[line->length - 1]))
        line->length--;
    trim_front(line);
}

void nm_line_cut_comment(struct nm_line *line, enum nm_comment where)
{
    for (size_t i = 0; i < line->length; i++)
        if (line->text[i] == '#' &&
            (where == NM_COMMENT_ANYWHERE || i == 0 || nm_is_blank(line->text[i - 1])))
            line->length = i;
}

struct nm_line nm_line_take_word(struct nm_line *line)
{
    struct nm_line word;

    trim_front(line);
    word = (struct nm_line){.text = line->text, .number = line->number};
    while (word.length < line->length && !nm_is_blank(word.text[word.length]))
        word.length++;
    line->text += word.length;
    line->length -= word.length;
    trim_front(line);
    return word;
}
