#include "state/counts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct row {
    uint64_t messages;
    uint32_t name_at;
    uint8_t length;
    bool idn;
};

struct nm_counts {
    char *names; /* end to end */
    size_t names_length;
    size_t names_capacity;
    struct row *rows;
    size_t count;
    size_t capacity;
};

enum { FIRST_ROWS = 64, FIRST_BYTES = 4096, WRITE_BYTES = 64 * 1024 };

enum nm_code nm_counts_new(struct nm_counts **out)
{
    struct nm_counts *counts = calloc(1, sizeof *counts);

    if (counts == NULL)
        return NM_NO_MEMORY;
    *out = counts;
    return NM_OK;
}

void nm_counts_free(struct nm_counts **counts)
{
    if (*counts == NULL)
        return;
    free((*counts)->names);
    free((*counts)->rows);
    free(*counts);
    *counts = NULL;
}

static bool make_room(struct nm_counts *counts, size_t name_bytes)
{
    if (counts->count == counts->capacity) {
        const size_t capacity =
            counts->capacity > 0 ? 2 * counts->capacity : FIRST_ROWS;
        struct row *rows = realloc(counts->rows, capacity * sizeof *rows);

        if (rows == NULL)
            return false;
        counts->rows = rows;
        counts->capacity = capacity;
    }
    if (counts->names_capacity - counts->names_length < name_bytes) {
        const size_t capacity = 2 * counts->names_capacity + FIRST_BYTES;
        char *names = realloc(counts->names, capacity);

        if (names == NULL)
            return false;
        counts->names = names;
        counts->names_capacity = capacity;
    }
    return true;
}

enum nm_code nm_counts_add(
    struct nm_counts *counts, const struct nm_domain *domain, uint64_t messages)
{
    if (counts->count == NM_COUNTS_MAX ||
        counts->names_length + domain->length > UINT32_MAX)
        return NM_LIMIT;
    if (!make_room(counts, domain->length))
        return NM_NO_MEMORY;
    counts->rows[counts->count++] = (struct row){
        .messages = messages < NM_MESSAGES_MAX ? messages : NM_MESSAGES_MAX,
        .name_at = (uint32_t)counts->names_length,
        .length = domain->length,
        .idn = domain->idn};
    memcpy(counts->names + counts->names_length, domain->name, domain->length);
    counts->names_length += domain->length;
    return NM_OK;
}

/* ---- order -------------------------------------------------------------- */

static int compare(
    const struct nm_counts *counts, const struct row *a, const struct row *b)
{
    const size_t shorter = a->length < b->length ? a->length : b->length;
    const int order =
        memcmp(counts->names + a->name_at, counts->names + b->name_at, shorter);

    return order != 0 ? order : (int)a->length - (int)b->length;
}

/* Merge the sorted runs `from`..`middle` and `middle`..`to` of `rows` into `out`. */
static void merge(const struct nm_counts *counts, const struct row *rows, size_t from,
    size_t middle, size_t to, struct row *out)
{
    size_t left = from;
    size_t right = middle;

    for (size_t at = from; at < to; at++) {
        const bool takes_left =
            left < middle &&
            (right == to || compare(counts, &rows[left], &rows[right]) <= 0);

        out[at] = takes_left ? rows[left++] : rows[right++];
    }
}

/* Runs of one, two, four... rows; those of a file that is in order already cost one look
 * each. */
static enum nm_code sort(struct nm_counts *counts)
{
    struct row *other = malloc(counts->count * sizeof *other + 1);

    if (other == NULL)
        return NM_NO_MEMORY;
    for (size_t run = 1; run < counts->count; run *= 2) {
        struct row *rows = counts->rows;

        for (size_t from = 0; from < counts->count; from += 2 * run) {
            const size_t middle =
                from + run < counts->count ? from + run : counts->count;
            const size_t to =
                middle + run < counts->count ? middle + run : counts->count;

            merge(counts, rows, from, middle, to, other);
        }
        counts->rows = other;
        counts->capacity = counts->count;
        other = rows;
    }
    free(other);
    return NM_OK;
}

enum nm_code nm_counts_settle(struct nm_counts *counts)
{
    size_t kept = 0;

    if (counts->count == 0)
        return NM_OK;
    if (sort(counts) != NM_OK)
        return NM_NO_MEMORY;
    for (size_t i = 1; i < counts->count; i++) {
        struct row *last = &counts->rows[kept];

        if (compare(counts, last, &counts->rows[i]) != 0) {
            counts->rows[++kept] = counts->rows[i];
            continue;
        }
        last->messages += counts->rows[i].messages;
        if (last->messages > NM_MESSAGES_MAX)
            last->messages = NM_MESSAGES_MAX;
    }
    counts->count = kept + 1;
    return NM_OK;
}

/* ---- reading them out --------------------------------------------------- */

size_t nm_counts_size(const struct nm_counts *counts)
{
    return counts->count;
}

void nm_counts_get(const struct nm_counts *counts, size_t i, struct nm_count *out)
{
    const struct row *row = &counts->rows[i];

    out->domain.length = row->length;
    out->domain.idn = row->idn;
    memcpy(out->domain.name, counts->names + row->name_at, row->length);
    out->domain.name[row->length] = '\0';
    out->messages = row->messages;
}

static void get_entry(const void *self, size_t i, struct nm_index_entry *out)
{
    struct nm_count count;

    nm_counts_get(self, i, &count);
    out->name = count.domain;
    out->listing = NM_LISTING_HISTORY;
    out->weight = (double)count.messages;
}

struct nm_history_view nm_counts_view(const struct nm_counts *counts)
{
    return (struct nm_history_view){
        .self = counts, .count = counts->count, .entry = get_entry};
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t put = write(file, bytes, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

bool nm_counts_write(const struct nm_counts *counts, int file)
{
    char bytes[WRITE_BYTES];
    struct nm_buf buf;

    nm_buf_init(&buf, bytes, sizeof bytes);
    for (size_t i = 0; i < counts->count; i++) {
        struct nm_count count;

        nm_counts_get(counts, i, &count);
        nm_buf_printf(
            &buf, "%s\t%llu\n", count.domain.name, (unsigned long long)count.messages);
        if (buf.length < sizeof bytes - NM_COUNTS_LINE_MAX)
            continue;
        if (!write_all(file, bytes, buf.length))
            return false;
        nm_buf_init(&buf, bytes, sizeof bytes);
    }
    return write_all(file, bytes, buf.length);
}
