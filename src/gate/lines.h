/* Texts as lines of a reply, of at most NM_ANSWER_LINE_MAX bytes. */
#ifndef NM_GATE_LINES_H
#define NM_GATE_LINES_H

#include <nearmiss/base.h>

/* How many lines a text makes, at least 1. */
size_t nm_lines_count(const char *text);

/* Put the lines of `text` into `memory`, which has room for them and a NUL behind each,
 * and point `lines` there. Returns how many there are. Broken at blanks, or else between
 * characters. */
size_t nm_lines_put(const char *text, struct nm_buf *memory, const char **lines);

#endif
