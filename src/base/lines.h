/* Lines of a text in memory, and words of a line: for files that people write. */
#ifndef NM_BASE_LINES_H
#define NM_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* A line of a text, or what is left of one; borrowed, and not terminated. */
struct nm_line {
    const char *text;
    size_t length;
    unsigned number; /* in its text, from 1 */
};

/* The lines of a text, one after the other. A byte order mark before the first one is
 * passed over; what stands behind the last newline is a line if it is not empty. */
struct nm_text_lines {
    const char *at;
    const char *end;
    unsigned number;
};
struct nm_text_lines nm_text_lines(const char *text, size_t length);
bool nm_text_lines_next(struct nm_text_lines *lines, struct nm_line *out);

/* A space, a tab or a carriage return. */
bool nm_is_blank(char c);

/* Without the blanks around it. */
void nm_line_trim(struct nm_line *line);

/* Without its comment: the first `#` that follows a blank, or any one, and all behind it. */
enum nm_comment { NM_COMMENT_BEHIND_BLANK, NM_COMMENT_ANYWHERE };
void nm_line_cut_comment(struct nm_line *line, enum nm_comment where);

/* The first word, of no length where there is none; the line goes on behind it. */
struct nm_line nm_line_take_word(struct nm_line *line);

#endif
