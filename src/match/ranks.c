/*
 * An open-addressed table over one block of text, as the exact table of the index: one
 * look a name, and a comparison before it counts.
 */
#include "ranks.h"
#include "hash.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

struct row {
    uint32_t tag;  /* of the hash, spread; decides nothing by itself */
    uint32_t rank; /* 0: empty */
    uint32_t at;   /* into the text */
};

struct nm_ranks {
    struct row *rows; /* a power of two, at most half full */
    size_t mask;
    char *text; /* each name with its NUL */
    size_t text_bytes;
};

/* The row that holds `text`, or the empty one where it belongs. */
static struct row *find_row(
    const struct nm_ranks *ranks, uint64_t hash, const char *text, size_t length)
{
    const uint64_t spread = nm_hash_spread(hash);
    size_t slot = (spread >> 32) & ranks->mask;

    for (; ranks->rows[slot].rank != 0; slot = (slot + 1) & ranks->mask) {
        const struct row *row = &ranks->rows[slot];
        const char *name = ranks->text + row->at;

        if (row->tag == (uint32_t)spread && strncmp(name, text, length) == 0 &&
            name[length] == '\0')
            break;
    }
    return &ranks->rows[slot];
}

static void add(struct nm_ranks *ranks, const struct nm_index_rank *given)
{
    const struct nm_domain *name = &given->name;
    const uint64_t hash = nm_hash(name->name, name->length);
    struct row *row = find_row(ranks, hash, name->name, name->length);

    if (row->rank != 0) {
        row->rank = given->rank < row->rank ? given->rank : row->rank;
        return;
    }
    row->tag = (uint32_t)nm_hash_spread(hash);
    row->rank = given->rank;
    row->at = (uint32_t)ranks->text_bytes;
    memcpy(ranks->text + ranks->text_bytes, name->name, name->length + 1U);
    ranks->text_bytes += name->length + 1U;
}

enum nm_code nm_ranks_new(const struct nm_index_rank *rows, size_t count,
    struct nm_ranks **out, struct nm_error *error)
{
    struct nm_ranks *ranks = calloc(1, sizeof *ranks);
    size_t bytes = 1;
    size_t slots = 2;

    for (size_t i = 0; i < count; i++)
        bytes += rows[i].name.length + 1U;
    while (slots < 2 * count)
        slots *= 2;
    if (bytes > UINT32_MAX) {
        nm_ranks_free(&ranks);
        return nm_fail(error, NM_LIMIT, "the ranked names are too long to be indexed");
    }
    if (ranks != NULL) {
        ranks->rows = calloc(slots, sizeof *ranks->rows);
        ranks->mask = slots - 1;
        ranks->text = malloc(bytes);
    }
    if (ranks == NULL || ranks->rows == NULL || ranks->text == NULL) {
        nm_ranks_free(&ranks);
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++)
        add(ranks, &rows[i]);
    *out = ranks;
    return NM_OK;
}

/* `count` lines at most; how many were read is left there. */
static enum nm_code read_providers(const struct nm_names *names,
    struct nm_index_rank *rows, size_t *count, struct nm_error *error)
{
    const struct nm_table builtin = {NULL, 0, NULL};
    struct nm_reader reader;
    enum nm_code code;
    size_t room = *count;
    bool more;

    *count = 0;
    nm_reader_init(&reader, &builtin, "providers", error);
    while ((code = nm_reader_line(&reader, &more)) == NM_OK && more && *count < room) {
        const char *word = nm_reader_word(&reader);

        if (nm_domain_parse(names, word, strlen(word), &rows[*count].name) !=
            NM_FAULT_NONE)
            return nm_reader_blame(&reader, "no domain", word);
        rows[*count].rank = (uint32_t)*count + 1;
        ++*count;
    }
    return code;
}

enum nm_code nm_ranks_new_providers(
    const struct nm_names *names, struct nm_ranks **out, struct nm_error *error)
{
    const struct nm_table table = nm_builtin_table("providers");
    struct nm_index_rank *rows;
    size_t count = 0;
    enum nm_code code;

    for (size_t at = 0; at < table.length; at++)
        count += table.text[at] == '\n';
    rows = calloc(count + 1, sizeof *rows);
    if (rows == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    code = read_providers(names, rows, &count, error);
    if (code == NM_OK)
        code = nm_ranks_new(rows, count, out, error);
    free(rows);
    return code;
}

void nm_ranks_free(struct nm_ranks **ranks)
{
    if (*ranks == NULL)
        return;
    free((*ranks)->rows);
    free((*ranks)->text);
    free(*ranks);
    *ranks = NULL;
}

size_t nm_ranks_bytes(const struct nm_ranks *ranks)
{
    return sizeof *ranks + (ranks->mask + 1) * sizeof *ranks->rows + ranks->text_bytes;
}

uint32_t nm_ranks_find(
    const struct nm_ranks *ranks, uint64_t hash, const char *text, size_t length)
{
    return find_row(ranks, hash, text, length)->rank;
}
