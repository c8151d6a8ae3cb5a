/*
 * The tables' texts are read line by line: a comment from `#` on, words between blanks.
 * What cannot be read is blamed on its line.
 */
#include "tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES_MAX = 1023,
    ROWS_MAX = 8,  /* of a keyboard */
    KEYS_MAX = 16, /* in a row of it */
    KEY_WIDTH = 4  /* quarters */
};

/* ---- lines and words ---------------------------------------------------- */

struct reader {
    const char *next;
    const char *end;
    const char *file;
    unsigned line;
    struct nm_error *error;
    char text[LINE_BYTES_MAX +
              1]; /* the line, words in it ended by NUL as they are read */
    char *word;
};

static void reader_init(struct reader *reader, const struct nm_table *table,
    const char *builtin, struct nm_error *error)
{
    struct nm_table text = table->text != NULL ? *table : nm_builtin_table(builtin);

    assert(text.text != NULL);
    reader->next = text.text;
    reader->end = text.text + text.length;
    reader->file = text.file != NULL ? text.file : builtin;
    reader->line = 0;
    reader->error = error;
    reader->word = reader->text;
}

static enum nm_code blame(
    const struct reader *reader, const char *what, const char *word)
{
    return nm_fail_at(reader->error, NM_BAD_INPUT, reader->file, reader->line, "%s%s%s",
        what, word != NULL ? ": " : "", word != NULL ? word : "");
}

/* The next line that is not empty; `*more` is false behind the last. */
static enum nm_code read_line(struct reader *reader, bool *more)
{
    while (reader->next < reader->end) {
        const size_t left = (size_t)(reader->end - reader->next);
        const char *stop = memchr(reader->next, '\n', left);
        const size_t length = stop != NULL ? (size_t)(stop - reader->next) : left;
        char *comment;

        reader->line++;
        if (length > LINE_BYTES_MAX)
            return blame(reader, "a line longer than 1023 bytes", NULL);
        memcpy(reader->text, reader->next, length);
        reader->text[length] = '\0';
        reader->next += length + (stop != NULL ? 1 : 0);
        if (strlen(reader->text) != length)
            return blame(reader, "a NUL byte", NULL);
        comment = strchr(reader->text, '#');
        if (comment != NULL)
            *comment = '\0';
        reader->word = reader->text + strspn(reader->text, " \t\r");
        if (*reader->word != '\0') {
            *more = true;
            return NM_OK;
        }
    }
    *more = false;
    return NM_OK;
}

/* The next word of the line, or NULL. */
static char *read_word(struct reader *reader)
{
    char *word = reader->word + strspn(reader->word, " \t\r");
    const size_t length = strcspn(word, " \t\r");

    if (length == 0)
        return NULL;
    reader->word = word + length;
    if (*reader->word != '\0')
        *reader->word++ = '\0';
    return word;
}

/* ---- growing arrays ----------------------------------------------------- */

/* Room for one row more in an array of `*count`, doubled from 64 up to `cap`. */
static enum nm_code make_room(const struct reader *reader, void **rows,
    size_t row_bytes, size_t count, size_t cap)
{
    const bool full = count == 0 || (count >= 64 && (count & (count - 1)) == 0);
    void *grown;

    if (count >= cap)
        return blame(reader, "more rows than the table may have", NULL);
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
};

static enum nm_suffix_class find_class(const char *word)
{
    for (int class = NM_SUFFIX_SLIP; class < NM_SUFFIX_CLASS_COUNT; class ++)
        if (strcmp(class_names[class], word) == 0)
            return (enum nm_suffix_class) class;
    return NM_SUFFIX_OTHER;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Lower-case labels with single dots between them. */
static bool is_suffix(const char *word)
{
    const size_t length = strlen(word);

    for (size_t i = 0; i < length; i++)
        if (!is_name_char(word[i]) &&
            (word[i] != '.' || i == 0 || i + 1 == length || word[i - 1] == '.'))
            return false;
    return length > 0 && length <= NM_SUFFIX_TEXT_MAX;
}

static enum nm_code add_suffix(struct nm_tables *tables, const struct reader *reader,
    enum nm_suffix_class class, const char *meant, const char *typed)
{
    void *rows = tables->suffixes;
    struct nm_suffix_row *row;
    enum nm_code code;

    if (!is_suffix(typed))
        return blame(reader, "not a suffix in lower-case ASCII", typed);
    if (strcmp(meant, typed) == 0)
        return blame(reader, "a suffix cannot stand for itself", typed);
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
    return NM_OK;
}

static enum nm_code read_suffix_line(struct nm_tables *tables, struct reader *reader)
{
    const char *word = read_word(reader);
    const enum nm_suffix_class class = find_class(word);
    const char *meant = read_word(reader);
    enum nm_code code = NM_OK;
    const char *typed;

    if (class == NM_SUFFIX_OTHER)
        return blame(reader, "not a class of suffix slips", word);
    if (meant == NULL || !is_suffix(meant))
        return blame(reader, "not a suffix in lower-case ASCII", meant);
    typed = read_word(reader);
    if (typed == NULL)
        return blame(reader, "no typed suffix behind", meant);
    for (; code == NM_OK && typed != NULL; typed = read_word(reader))
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

static enum nm_code read_suffixes(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error)
{
    struct reader reader;
    enum nm_code code;
    bool more;

    reader_init(&reader, &spec->suffix_slips, "suffix-slips", error);
    while ((code = read_line(&reader, &more)) == NM_OK && more) {
        code = read_suffix_line(tables, &reader);
        if (code != NM_OK)
            return code;
    }
    if (code == NM_OK && tables->suffix_count > 0)
        qsort(tables->suffixes, tables->suffix_count, sizeof *tables->suffixes,
            compare_suffixes);
    return code;
}

const struct nm_suffix_row *nm_tables_suffixes(
    const struct nm_tables *tables, const char *typed, size_t length, size_t *count)
{
    size_t low = 0;
    size_t high = tables->suffix_count;
    size_t end;

    *count = 0;
    if (length == 0 || length > NM_SUFFIX_TEXT_MAX)
        return NULL;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct nm_suffix_row *row = &tables->suffixes[middle];
        /* The rows' NULs make memcmp over a longer `typed` end at them. */
        const int order = memcmp(row->typed, typed, length);

        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low;
         end < tables->suffix_count && tables->suffixes[end].typed_length == length &&
         memcmp(tables->suffixes[end].typed, typed, length) == 0;
         end++)
        ++*count;
    return *count > 0 ? &tables->suffixes[low] : NULL;
}

enum nm_suffix_class nm_tables_suffix_class(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length)
{
    size_t count;
    const struct nm_suffix_row *rows =
        nm_tables_suffixes(tables, typed, typed_length, &count);

    for (size_t i = 0; i < count; i++)
        if (rows[i].meant_length == meant_length &&
            memcmp(rows[i].meant, meant, meant_length) == 0)
            return rows[i].class;
    return NM_SUFFIX_OTHER;
}

/* ---- keyboards ---------------------------------------------------------- */

struct layout {
    bool begun;
    bool in_use;
    size_t row_count;
    struct {
        int offset;
        size_t key_count;
        char keys[KEYS_MAX];
    } rows[ROWS_MAX];
};

static void set_near(struct nm_tables *tables, char a, char b)
{
    if (a == b || a == '~' || b == '~')
        return;
    tables->near_keys[(uint8_t)a][(uint8_t)b / 8] |= (uint8_t)(1U << ((uint8_t)b % 8));
    tables->near_keys[(uint8_t)b][(uint8_t)a / 8] |= (uint8_t)(1U << ((uint8_t)a % 8));
}

static void use_layout(struct nm_tables *tables, const struct layout *layout)
{
    for (size_t y = 0; y < layout->row_count; y++)
        for (size_t x = 0; x < layout->rows[y].key_count; x++) {
            const int at = layout->rows[y].offset + (int)x * KEY_WIDTH;

            if (x + 1 < layout->rows[y].key_count)
                set_near(tables, layout->rows[y].keys[x], layout->rows[y].keys[x + 1]);
            if (y + 1 == layout->row_count)
                continue;
            for (size_t below = 0; below < layout->rows[y + 1].key_count; below++) {
                const int other = layout->rows[y + 1].offset + (int)below * KEY_WIDTH;

                if (abs(at - other) < KEY_WIDTH)
                    set_near(tables, layout->rows[y].keys[x],
                        layout->rows[y + 1].keys[below]);
            }
        }
}

static enum nm_code read_row(struct layout *layout, struct reader *reader)
{
    const char *offset = read_word(reader);
    const char *keys = read_word(reader);
    char *end = NULL;
    long value;

    if (!layout->begun)
        return blame(reader, "a row before the first layout", NULL);
    if (offset == NULL || keys == NULL || read_word(reader) != NULL)
        return blame(reader, "a row is `row OFFSET KEYS`", NULL);
    value = strtol(offset, &end, 10);
    if (*end != '\0' || value < 0 || value > 64)
        return blame(reader, "not an offset of 0 to 64 quarters", offset);
    if (layout->row_count == ROWS_MAX)
        return blame(reader, "more than 8 rows", NULL);
    if (strlen(keys) > KEYS_MAX)
        return blame(reader, "more than 16 keys in a row", keys);
    for (const char *key = keys; *key != '\0'; key++)
        if (!is_name_char(*key) && *key != '.' && *key != '~')
            return blame(reader, "a key is a letter, a digit, one of - _ . or ~", keys);
    layout->rows[layout->row_count].offset = (int)value;
    layout->rows[layout->row_count].key_count = strlen(keys);
    memcpy(layout->rows[layout->row_count].keys, keys, strlen(keys));
    layout->row_count++;
    return NM_OK;
}

/* The place of `name` among the layouts asked for, or -1. */
static int find_layout(const struct nm_index_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->layout_count; i++)
        if (strcmp(spec->layouts[i], name) == 0)
            return (int)i;
    return -1;
}

static enum nm_code read_keyboard_line(struct nm_tables *tables, struct layout *layout,
    const struct nm_index_spec *spec, unsigned *found, struct reader *reader)
{
    const char *word = read_word(reader);
    const char *name;
    int place;

    if (strcmp(word, "row") == 0)
        return read_row(layout, reader);
    if (strcmp(word, "layout") != 0)
        return blame(reader, "neither `layout` nor `row`", word);
    name = read_word(reader);
    if (name == NULL)
        return blame(reader, "a layout without a name", NULL);
    if (layout->in_use)
        use_layout(tables, layout);
    memset(layout, 0, sizeof *layout);
    layout->begun = true;
    place = find_layout(spec, name);
    layout->in_use = place >= 0;
    if (place >= 0)
        *found |= 1U << place;
    return NM_OK;
}

static enum nm_code read_keyboards(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error)
{
    struct layout layout = {.begun = false};
    struct reader reader;
    enum nm_code code;
    unsigned found = 0;
    bool more;

    if (spec->layout_count > NM_LAYOUTS_MAX)
        return nm_fail(error, NM_BAD_INPUT, "more than %d keyboards", NM_LAYOUTS_MAX);
    reader_init(&reader, &spec->keyboards, "keyboards", error);
    while ((code = read_line(&reader, &more)) == NM_OK && more) {
        code = read_keyboard_line(tables, &layout, spec, &found, &reader);
        if (code != NM_OK)
            return code;
    }
    if (code != NM_OK)
        return code;
    if (layout.in_use)
        use_layout(tables, &layout);
    for (size_t i = 0; i < spec->layout_count; i++)
        if ((found >> find_layout(spec, spec->layouts[i]) & 1) == 0)
            return nm_fail_at(error, NM_BAD_INPUT, reader.file, 0,
                "no keyboard is named %s", spec->layouts[i]);
    return NM_OK;
}

bool nm_tables_keys_are_near(const struct nm_tables *tables, char a, char b)
{
    const uint8_t x = (uint8_t)a;
    const uint8_t y = (uint8_t)b;

    return x < 128 && y < 128 && (tables->near_keys[x][y / 8] >> (y % 8) & 1) != 0;
}

/* ---- glyphs ------------------------------------------------------------- */

static bool is_glyph(const char *word)
{
    const size_t length = strlen(word);

    for (size_t i = 0; i < length; i++)
        if (!is_name_char(word[i]))
            return false;
    return length > 0 && length <= NM_GLYPH_TEXT_MAX;
}

static enum nm_code read_glyph_line(struct nm_tables *tables, struct reader *reader)
{
    const char *a = read_word(reader);
    const char *b = read_word(reader);
    void *rows = tables->glyphs;
    struct nm_glyph_pair *pair;
    enum nm_code code;

    if (b == NULL || read_word(reader) != NULL)
        return blame(reader, "a line is two look-alikes", NULL);
    if (!is_glyph(a) || !is_glyph(b))
        return blame(reader, "a look-alike is one to three letters or digits",
            is_glyph(a) ? b : a);
    if (strcmp(a, b) == 0)
        return blame(reader, "a glyph cannot stand for itself", a);
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
    struct reader reader;
    enum nm_code code;
    bool more;

    reader_init(&reader, &spec->glyphs, "glyphs", error);
    while ((code = read_line(&reader, &more)) == NM_OK && more) {
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
        code = read_keyboards(tables, spec, error);
    if (code == NM_OK)
        code = read_glyphs(tables, spec, error);
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
