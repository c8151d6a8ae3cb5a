/*
 * A Subject as people read it, with encoded words (RFC 2047) decoded, from which parts can
 * be taken out without touching the rest: what stays is written as it came.
 *
 * Nothing is converted between character sets: what is looked for in here is ASCII, which
 * is the same bytes in all sets that mail is written in. A word that cannot be decoded
 * stands as it is.
 */
#ifndef NM_GATE_SUBJECT_H
#define NM_GATE_SUBJECT_H

#include "gate/session.h"

struct nm_subject_line;

/* `value` (what stands behind the colon) is borrowed. NULL out of memory, or when it has
 * more than NM_SUBJECT_MAX bytes. */
struct nm_subject_line *nm_subject_line_read(struct nm_arena *arena, const char *value);

/* The text as it is read; not terminated, and any byte may be in it. */
struct nm_bytes nm_subject_line_text(const struct nm_subject_line *line);

/* Take out `length` bytes of the text at `at`, with the brackets that stand around just
 * them, and the blanks that would then be too many. */
void nm_subject_line_take(struct nm_subject_line *line, size_t at, size_t length);

/* The value without what was taken out; "" when only blanks are left. NULL out of memory. */
const char *nm_subject_line_write(
    const struct nm_subject_line *line, struct nm_arena *arena);

#endif
