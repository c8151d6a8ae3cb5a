/*
 * Source: the text of a configuration with its @include directives already replaced by
 * the files that they name, and for each of its lines the file and line it came from.
 *
 * Files are read here, once, and not by libconfig: what is hashed, tried in a child and
 * loaded is the same text, and an @include of a folder, which libconfig's scanner
 * answers by ending the process, is a complaint. The text is looked through for what
 * libconfig would take in silence or explain badly: strings and comments that do not
 * end, neighbouring strings in a list (joined into one), hexadecimal numbers that lose
 * bits, nesting without end.
 */
#ifndef NM_CONFIG_SOURCE_H
#define NM_CONFIG_SOURCE_H

#include "complaint.h"

enum {
    NM_CONFIG_FILES_MAX = 64, /* with all that are included */
    NM_CONFIG_INCLUDE_DEPTH_MAX = 8,
    NM_CONFIG_NESTING_MAX = 16 /* brackets open at once */
};

struct nm_source;

struct nm_place {
    const char *file;
    unsigned line;
};

/* Read `path` and what it includes; relative includes are looked for in `folder`. With
 * errors in `complaints` NM_BAD_INPUT, `*out` then unset. */
enum nm_code nm_source_read(const char *path, const char *folder,
    struct nm_source **out, struct nm_complaints *complaints);

/* The same for a text in memory, called `name`; an @include in it is an error. */
enum nm_code nm_source_take(const char *name, const char *text, size_t length,
    struct nm_source **out, struct nm_complaints *complaints);

void nm_source_free(struct nm_source **source);

/* Ends with a newline and a NUL, and holds no other NUL. */
const char *nm_source_text(const struct nm_source *source);
size_t nm_source_length(const struct nm_source *source);

/* Where a line of the text (from 1) came from. */
struct nm_place nm_source_place(const struct nm_source *source, unsigned line);

/* The files in the order in which they were met. */
const char *const *nm_source_files(const struct nm_source *source, size_t *count);

/* The line of the text in which the nth string begins, neighbours that libconfig joins
 * being one; 0 past the last. */
unsigned nm_source_string_line(const struct nm_source *source, size_t n);

#endif
