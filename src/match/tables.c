/*
 * Suffixes and look-alikes; keyboards and letters have files of their own.
 */
#include "hash.h"
#include "reader.h"
#include "tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing arrays ----------------------------------------------------- */

/* Room for one row more in an array of `*count`, doubled from 64 up to `cap`. */
static enum nm_code make_room(const struct nm_reader *reader, void **rows,
    size_t row_bytes, size_t count, size_t cap)
{
    const bool full = count == 0 || (count >= 64 && (count & (count - 1)) == 0);
    void *grown;

    if (count >= cap)
        return nm_reader_blame(reader, "more rows than the table may have", NULL);
    if (!full)
        return NM_OK;
    grown = realloc(*rows, (count == 0 ? 64 : 2 * count) * row_bytes);
    if (grown == NULL)
        return nm_fail(reader->error, NM_NO_MEMORY, "out of memory");
    *rows = grown;
    return NM_OK;
}

/* ---- suffixes ----------------------------------------------------------- */

static const char *const class_names[NM_SUFFIX_CLASS_COUNT] = {
    [NM_SUFFIX_SLIP] = "slip",
    [NM_SUFFIX_SHORTER] = "shorter",
    [NM_SUFFIX_LONGER] = "longer",
    [NM_SUFFIX_REPEATED] = "repeated",
    [NM_SUFFIX_TWIN] = "twin",
    [NM_SUFFIX_CLOSED] = "closed",
};

static enum nm_suffix_class find_class(const char *word)
{
    for (int class = NM_SUFFIX_SLIP; class < NM_SUFFIX_APPENDED; class ++)
        if (strcmp(class_names[class], word) == 0)
            return (enum nm_suffix_class) class;
    return NM_SUFFIX_OTHER;
}

/* Lower-case labels with single dots between them. */
static bool is_suffix(const char *word)
{
    const size_t length = strlen(word);

    for (size_t i = 0; i < length; i++)
        if (!nm_is_name_char(word[i]) &&
            (word[i] != '.' || i == 0 || i + 1 == length || word[i - 1] == '.'))
            return false;
    return length > 0 && length <= NM_SUFFIX_TEXT_MAX;
}

static enum nm_code add_suffix(struct nm_tables *tables, const struct nm_reader *reader,
    enum nm_suffix_class class, const char *meant, const char *typed)
{
    void *rows = tables->suffixes;
    struct nm_suffix_row *row;
    enum nm_code code;

    if (!is_suffix(typed))
        return nm_reader_blame(reader, "not a suffix in lower-case ASCII", typed);
    if (strcmp(meant, typed) == 0)
        return nm_reader_blame(reader, "a suffix cannot stand for itself", typed);
    code =
        make_room(reader, &rows, sizeof *row, tables->suffix_count, NM_SUFFIX_ROWS_MAX);
    tables->suffixes = rows;
    if (code != NM_OK)
        return code;
    row = &tables->suffixes[tables->suffix_count++];
    memset(row, 0, sizeof *row);
    (void)nm_copy(row->typed, sizeof row->typed, typed);
    (void)nm_copy(row->meant, sizeof row->meant, meant);
    row->typed_length = (uint8_t)strlen(typed);
    row->meant_length = (uint8_t)strlen(meant);
    row->class = class;
    row->meant_hash = nm_hash(meant, row->meant_length);
    return NM_OK;
}

static enum nm_code read_suffix_line(struct nm_tables *tables, struct nm_reader *reader)
{
    const char *word = nm_reader_word(reader);
    const enum nm_suffix_class class = find_class(word);
    const char *meant = nm_reader_word(reader);
    enum nm_code code = NM_OK;
    const char *typed;

    if (class == NM_SUFFIX_OTHER)
        return nm_reader_blame(reader, "not a class of suffix slips", word);
    if (meant == NULL || !is_suffix(meant))
        return nm_reader_blame(reader, "not a suffix in lower-case ASCII", meant);
    typed = nm_reader_word(reader);
    if (typed == NULL)
        return nm_reader_blame(reader, "no typed suffix behind", meant);
    for (; code == NM_OK && typed != NULL; typed = nm_reader_word(reader))
        code = add_suffix(tables, reader, class, meant, typed);
    return code;
}

static int compare_suffixes(const void *a, const void *b)
{
    const struct nm_suffix_row *x = a;
    const struct nm_suffix_row *y = b;
    const int order = strcmp(x->typed, y->typed);

    return order != 0 ? order : strcmp(x->meant, y->meant);
}

/* The slot of the rows whose typed side is `typed`, or the free one where it would be. */
static size_t find_slot(
    const struct nm_tables *tables, uint64_t hash, const char *typed, size_t length)
{
    size_t slot = nm_hash_spread(hash) % NM_SUFFIX_SLOTS;

    while (tables->suffix_slots[slot] != 0) {
        const struct nm_suffix_row *row =
            &tables->suffixes[tables->suffix_slots[slot] - 1];

        if (row->typed_length == length && memcmp(row->typed, typed, length) == 0)
            return slot;
        slot = (slot + 1) % NM_SUFFIX_SLOTS;
    }
    return slot;
}

/* Of each group the first row is filed last. */
static void file_suffixes(struct nm_tables *tables)
{
    for (size_t i = tables->suffix_count; i-- > 0;) {
        struct nm_suffix_row *row = &tables->suffixes[i];
        const size_t slot = find_slot(tables, nm_hash(row->typed, row->typed_length),
            row->typed, row->typed_length);

        row->group = 1;
        if (tables->suffix_slots[slot] != 0)
            row->group = (uint16_t)(tables->suffixes[i + 1].group + 1);
        tables->suffix_slots[slot] = (uint16_t)(i + 1);
    }
}

static enum nm_code read_suffixes(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error)
{
    struct nm_reader reader;
    enum nm_code code;
    bool more;

    nm_reader_init(&reader, &spec->suffix_slips, "suffix-slips", error);
    while ((code = nm_reader_line(&reader, &more)) == NM_OK && more) {
        code = read_suffix_line(tables, &reader);
        if (code != NM_OK)
            return code;
    }
    if (code == NM_OK && tables->suffix_count > 0)
        qsort(tables->suffixes, tables->suffix_count, sizeof *tables->suffixes,
            compare_suffixes);
    file_suffixes(tables);
    return code;
}

const struct nm_suffix_row *nm_tables_suffixes(const struct nm_tables *tables,
    uint64_t hash, const char *typed, size_t length, size_t *count)
{
    size_t slot;

    *count = 0;
    if (length == 0 || length > NM_SUFFIX_TEXT_MAX)
        return NULL;
    slot = tables->suffix_slots[find_slot(tables, hash, typed, length)];
    if (slot == 0)
        return NULL;
    *count = tables->suffixes[slot - 1].group;
    return &tables->suffixes[slot - 1];
}

enum nm_suffix_class nm_tables_suffix_class(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length)
{
    size_t count;
    const struct nm_suffix_row *rows = nm_tables_suffixes(
        tables, nm_hash(typed, typed_length), typed, typed_length, &count);

    for (size_t i = 0; i < count; i++)
        if (rows[i].meant_length == meant_length &&
            memcmp(rows[i].meant, meant, meant_length) == 0)
            return rows[i].class;
    return NM_SUFFIX_OTHER;
}

/* ---- glyphs ------------------------------------------------------------- */

static bool is_glyph(const char *word)
{
    const size_t length = strlen(word);

    for (size_t i = 0; i < length; i++)
        if (!nm_is_name_char(word[i]))
            return false;
    return length > 0 && length <= NM_GLYPH_TEXT_MAX;
}

static enum nm_code read_glyph_line(struct nm_tables *tables, struct nm_reader *reader)
{
    const char *a = nm_reader_word(reader);
    const char *b = nm_reader_word(reader);
    void *rows = tables->glyphs;
    struct nm_glyph_pair *pair;
    enum nm_code code;

    if (b == NULL || nm_reader_word(reader) != NULL)
        return nm_reader_blame(reader, "a line is two look-alikes", NULL);
    if (!is_glyph(a) || !is_glyph(b))
        return nm_reader_blame(reader, "a look-alike is one to three letters or digits",
            is_glyph(a) ? b : a);
    if (strlen(a) > 1 && strlen(b) > 1)
        return nm_reader_blame(reader, "one of the two must be a single character", a);
    if (strcmp(a, b) == 0)
        return nm_reader_blame(reader, "a look-alike cannot stand for itself", a);
    code =
        make_room(reader, &rows, sizeof *pair, tables->glyph_count, NM_GLYPH_PAIRS_MAX);
    tables->glyphs = rows;
    if (code != NM_OK)
        return code;
    pair = &tables->glyphs[tables->glyph_count++];
    (void)nm_copy(pair->a, sizeof pair->a, a);
    (void)nm_copy(pair->b, sizeof pair->b, b);
    pair->a_length = (uint8_t)strlen(a);
    pair->b_length = (uint8_t)strlen(b);
    return NM_OK;
}

static enum nm_code read_glyphs(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error)
{
    struct nm_reader reader;
    enum nm_code code;
    bool more;

    nm_reader_init(&reader, &spec->glyphs, "glyphs", error);
    while ((code = nm_reader_line(&reader, &more)) == NM_OK && more) {
        code = read_glyph_line(tables, &reader);
        if (code != NM_OK)
            return code;
    }
    return code;
}

static bool begins(
    const char *text, size_t length, const char *with, size_t with_length)
{
    return with_length <= length && memcmp(text, with, with_length) == 0;
}

const struct nm_glyph_pair *nm_tables_glyph(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length,
    bool *swapped)
{
    const struct nm_glyph_pair *best = NULL;

    for (size_t i = 0; i < tables->glyph_count; i++) {
        const struct nm_glyph_pair *pair = &tables->glyphs[i];

        if (best != NULL &&
            pair->a_length + pair->b_length <= best->a_length + best->b_length)
            continue;
        if (begins(typed, typed_length, pair->a, pair->a_length) &&
            begins(meant, meant_length, pair->b, pair->b_length)) {
            best = pair;
            *swapped = false;
        } else if (begins(typed, typed_length, pair->b, pair->b_length) &&
                   begins(meant, meant_length, pair->a, pair->a_length)) {
            best = pair;
            *swapped = true;
        }
    }
    return best;
}

/* ---- all ---------------------------------------------------------------- */

enum nm_code nm_tables_new(
    const struct nm_index_spec *spec, struct nm_tables **out, struct nm_error *error)
{
    struct nm_tables *tables = calloc(1, sizeof *tables);
    enum nm_code code;

    if (tables == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    code = read_suffixes(tables, spec, error);
    if (code == NM_OK)
        code = nm_tables_read_keyboards(tables, spec, error);
    if (code == NM_OK)
        code = read_glyphs(tables, spec, error);
    if (code == NM_OK)
        code = nm_tables_read_letters(tables, error);
    if (code != NM_OK) {
        nm_tables_free(&tables);
        return code;
    }
    *out = tables;
    return NM_OK;
}

void nm_tables_free(struct nm_tables **tables)
{
    if (*tables == NULL)
        return;
    free((*tables)->suffixes);
    free((*tables)->glyphs);
    free(*tables);
    *tables = NULL;
}

size_t nm_tables_bytes(const struct nm_tables *tables)
{
    return sizeof *tables + tables->suffix_count * sizeof *tables->suffixes +
           tables->glyph_count * sizeof *tables->glyphs;
}
