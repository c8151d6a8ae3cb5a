/*
 * Reads the text of a table line by line: a comment from `#` on, words between blanks.
 * What cannot be read is blamed on its line.
 */
#ifndef NM_MATCH_READER_H
#define NM_MATCH_READER_H

#include <nearmiss/match.h>

enum { NM_READER_LINE_MAX = 1023 }; /* bytes; a longer line is refused */

struct nm_reader {
    const char *next;
    const char *end;
    const char *file;
    unsigned line;
    struct nm_error *error;
    char *word;                        /* where the next word is looked for */
    char text[NM_READER_LINE_MAX + 1]; /* the line; words end in NUL as they are read */
};

/* `table`, or the one that is compiled in as `builtin` when its text is NULL. `error` is
 * where complaints go. */
void nm_reader_init(struct nm_reader *reader, const struct nm_table *table,
    const char *builtin, struct nm_error *error);

/* The next line that is not empty; `*more` is false behind the last. NM_BAD_INPUT for a
 * line that is too long or holds a NUL. */
enum nm_code nm_reader_line(struct nm_reader *reader, bool *more);

/* The next word of the line, or NULL. */
char *nm_reader_word(struct nm_reader *reader);

/* Fail with NM_BAD_INPUT on this line: `what: word`, or just `what`. */
enum nm_code nm_reader_blame(
    const struct nm_reader *reader, const char *what, const char *word);

/* Whether a label may have it. */
bool nm_is_name_char(char c);

#endif
