/* Counts from a text of `domain<TAB>messages` lines. */
#include "state/counts.h"

#include "base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BYTES = 64 * 1024 };

struct reading {
    const struct nm_names *names;
    const struct nm_counts_complainer *complainer;
    struct nm_counts *counts;
    size_t bad;
};

static bool parse_messages(struct nm_line word, uint64_t *out)
{
    uint64_t value = 0;

    if (word.length == 0 || word.length > 18)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.text[i] < '0' || word.text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(word.text[i] - '0');
    }
    *out = value;
    return true;
}

static enum nm_code reject(
    struct reading *reading, struct nm_line word, const char *why)
{
    reading->bad++;
    reading->complainer->complain(
        reading->complainer->self, word.number, word.text, word.length, why);
    return NM_OK;
}

static enum nm_code read_line(struct reading *reading, const struct nm_line *line)
{
    struct nm_line rest = *line;
    struct nm_line name;
    struct nm_line number;
    struct nm_line more;
    enum nm_address_fault fault;
    struct nm_domain domain;
    uint64_t messages;

    nm_line_cut_comment(&rest, NM_COMMENT_ANYWHERE);
    name = nm_line_take_word(&rest);
    number = nm_line_take_word(&rest);
    more = nm_line_take_word(&rest);
    if (name.length == 0)
        return NM_OK;
    if (line->length > NM_COUNTS_LINE_MAX)
        return reject(reading, (struct nm_line){line->text, 32, line->number},
            "the line is too long");
    if (number.length == 0)
        return reject(reading, name, "no count stands behind the domain");
    if (!parse_messages(number, &messages))
        return reject(reading, number, "not a count of messages, a whole number");
    if (more.length > 0)
        return reject(reading, more, "stands behind the count");
    fault = nm_domain_parse(reading->names, name.text, name.length, &domain);
    if (fault == NM_FAULT_MEMORY)
        return NM_NO_MEMORY;
    if (fault != NM_FAULT_NONE)
        return reject(reading, name, nm_address_fault_text(fault));
    return nm_counts_add(reading->counts, &domain, messages);
}

static enum nm_code read_lines(struct reading *reading, const char *text, size_t length)
{
    struct nm_text_lines lines = nm_text_lines(text, length);
    struct nm_line line;
    enum nm_code code = NM_OK;

    while (code == NM_OK && nm_text_lines_next(&lines, &line))
        code = read_line(reading, &line);
    return code == NM_OK ? nm_counts_settle(reading->counts) : code;
}

enum nm_code nm_counts_read(const struct nm_names *names, const char *text,
    size_t length, const struct nm_counts_complainer *complainer,
    struct nm_counts **out, size_t *bad)
{
    struct reading reading = {.names = names, .complainer = complainer};
    enum nm_code code = nm_counts_new(&reading.counts);

    if (code == NM_OK)
        code = read_lines(&reading, text, length);
    if (code != NM_OK) {
        nm_counts_free(&reading.counts);
        return code;
    }
    *out = reading.counts;
    *bad = reading.bad;
    return NM_OK;
}

/* ---- a file ------------------------------------------------------------- */

/* Pipes have no size, and files grow: read until the end. */
static enum nm_code read_whole(
    int file, char **out, size_t *length, struct nm_error *error)
{
    size_t capacity = 0;
    char *bytes = NULL;
    ssize_t got = 1;

    *length = 0;
    while (got > 0) {
        if (*length == capacity) {
            const size_t larger = capacity > 0 ? 2 * capacity : FIRST_BYTES;
            char *moved = realloc(bytes, larger);

            if (moved == NULL)
                break;
            bytes = moved;
            capacity = larger;
        }
        do
            got = read(file, bytes + *length, capacity - *length);
        while (got < 0 && errno == EINTR);
        *length += got > 0 ? (size_t)got : 0;
        if (*length > NM_COUNTS_BYTES_MAX)
            break;
    }
    *out = bytes;
    if (got < 0)
        return nm_fail(error, NM_SYSTEM, "cannot read: %s", strerror(errno));
    if (*length > NM_COUNTS_BYTES_MAX)
        return nm_fail(error, NM_LIMIT, "is longer than %d bytes", NM_COUNTS_BYTES_MAX);
    return got == 0 ? NM_OK : nm_fail(error, NM_NO_MEMORY, "out of memory");
}

enum nm_code nm_counts_read_file(const struct nm_names *names, int file,
    const struct nm_counts_complainer *complainer, struct nm_counts **out, size_t *bad,
    struct nm_error *error)
{
    char *text = NULL;
    size_t length = 0;
    enum nm_code code = read_whole(file, &text, &length, error);

    if (code == NM_OK) {
        code = nm_counts_read(names, text, length, complainer, out, bad);
        if (code == NM_LIMIT)
            (void)nm_fail(
                error, code, "holds more than %d domains", (int)NM_COUNTS_MAX);
        else if (code != NM_OK)
            (void)nm_fail(error, code, "out of memory");
    }
    free(text);
    return code;
}
