/*
 * Lines of a file descriptor, whatever bytes they hold. Before the reader waits for more
 * it flushes the output, so that who writes a line and waits for its answer gets it.
 */
#ifndef NM_CLI_LINES_H
#define NM_CLI_LINES_H

#include <nearmiss/address.h>
#include <nearmiss/base.h>

#include <stdio.h>

enum {
    NM_LINE_MAX = 2 * NM_PATH_MAX, /* bytes kept of a line; longer than any address */
    NM_LINES_BUFFER = 64 * 1024
};

struct nm_lines {
    int fd;
    FILE *flush_before_wait;
    bool ended;
    bool skipping; /* the rest of a line that was cut */
    int failure;   /* an errno, once ended */
    size_t at;     /* bytes `at`..`end` of `buffer` are not yet used */
    size_t end;
    char buffer[NM_LINES_BUFFER];
};

void nm_lines_begin(struct nm_lines *lines, int fd, FILE *flush_before_wait);

/* The next line without its LF or CR LF; of a longer one the first NM_LINE_MAX bytes.
 * The last line may lack its LF. `*line` points into `lines` until the next call. False
 * at the end, or when reading failed. */
bool nm_lines_next(struct nm_lines *lines, const char **line, size_t *length);

#endif
