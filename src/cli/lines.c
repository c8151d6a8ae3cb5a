#include "lines.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

void nm_lines_begin(struct nm_lines *lines, int fd, FILE *flush_before_wait)
{
    lines->fd = fd;
    lines->flush_before_wait = flush_before_wait;
    lines->ended = false;
    lines->skipping = false;
    lines->failure = 0;
    lines->at = 0;
    lines->end = 0;
}

/* Read more behind what is there. */
static void fill(struct nm_lines *lines)
{
    ssize_t got;

    memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
    lines->end -= lines->at;
    lines->at = 0;
    assert(lines->end < sizeof lines->buffer);
    (void)fflush(lines->flush_before_wait);
    do
        got = read(
            lines->fd, lines->buffer + lines->end, sizeof lines->buffer - lines->end);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        lines->ended = true;
        lines->failure = got < 0 ? errno : 0;
    } else {
        lines->end += (size_t)got;
    }
}

/* Drop the rest of a line of which the beginning was given. */
static void skip(struct nm_lines *lines)
{
    while (lines->skipping) {
        const char *from = lines->buffer + lines->at;
        const char *feed = memchr(from, '\n', lines->end - lines->at);

        if (feed != NULL) {
            lines->at += (size_t)(feed - from) + 1;
            lines->skipping = false;
            return;
        }
        lines->at = lines->end;
        if (lines->ended)
            return;
        fill(lines);
    }
}

/* Give `length` bytes, which `used` bytes of the buffer stand for. */
static bool give(struct nm_lines *lines, size_t length, size_t used, const char **line,
    size_t *line_length)
{
    *line = lines->buffer + lines->at;
    *line_length = length < NM_LINE_MAX ? length : NM_LINE_MAX;
    lines->at += used;
    return true;
}

bool nm_lines_next(struct nm_lines *lines, const char **line, size_t *length)
{
    skip(lines);
    for (;;) {
        const char *from = lines->buffer + lines->at;
        const size_t there = lines->end - lines->at;
        const char *feed = memchr(from, '\n', there);
        size_t size = feed != NULL ? (size_t)(feed - from) : there;

        if (feed != NULL) {
            const size_t used = size + 1;

            size -= size > 0 && from[size - 1] == '\r';
            return give(lines, size, used, line, length);
        }
        if (lines->failure != 0 || (lines->ended && there == 0))
            return false;
        if (lines->ended)
            return give(lines, there, there, line, length);
        if (there > NM_LINE_MAX) {
            lines->skipping = true;
            return give(lines, there, there, line, length);
        }
        fill(lines);
    }
}
