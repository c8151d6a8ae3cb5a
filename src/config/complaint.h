/* Making complaints; the list itself is in config.h. */
#ifndef NM_CONFIG_COMPLAINT_H
#define NM_CONFIG_COMPLAINT_H

#include "config/config.h"

/* Add an error, or a warning. `file` is "" and `line` 0 where there is none. Past the
 * cap, or out of memory, it is counted and not kept. */
void nm_complain(struct nm_complaints *complaints, const char *file, unsigned line,
    const char *format, ...) NM_PRINTF(4, 5);
void nm_warn(struct nm_complaints *complaints, const char *file, unsigned line,
    const char *format, ...) NM_PRINTF(4, 5);

/* Order by file, as `files` lists them (others last), then by line; equals keep their
 * order. */
void nm_complaints_sort(
    struct nm_complaints *complaints, const char *const *files, size_t file_count);

/* Bytes from a file in quotes, as a terminal and a log may show them: control and
 * bidirectional characters and invalid UTF-8 escaped, cut after about 60 bytes. */
struct nm_quoted {
    char text[96];
};
struct nm_quoted nm_quote(const char *bytes, size_t length);
struct nm_quoted nm_quote_text(const char *text);
/* The same without the quotes. */
struct nm_quoted nm_quote_bare(const char *bytes, size_t length);

#endif
