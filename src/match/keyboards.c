/*
 * Which keys lie side by side, from the rows of the layouts in use; and what becomes of a
 * name when the computer has another layout than the fingers.
 */
#include "reader.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MAX = 8,   /* of a keyboard */
    KEYS_MAX = 16,  /* in a row of it */
    KEY_WIDTH = 4,  /* quarters */
    KNOWN_MAX = 32, /* layouts in a table */
    NAME_SHOWN_MAX = 15
};

struct layout {
    char name[NAME_SHOWN_MAX + 1]; /* for complaints */
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

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The sign on the key where `from` has `c`, on `to`. */
static char same_key(const struct layout *from, const struct layout *to, char c)
{
    for (size_t y = 0; y < from->row_count; y++)
        for (size_t x = 0; x < from->rows[y].key_count; x++) {
            if (from->rows[y].keys[x] != c)
                continue;
            if (y < to->row_count && x < to->rows[y].key_count &&
                to->rows[y].offset == from->rows[y].offset &&
                is_letter_or_digit(to->rows[y].keys[x]))
                return to->rows[y].keys[x];
            return '\0';
        }
    return '\0';
}

/* Names typed with the layout `typed` in force, the fingers on `meant`. */
static void add_shift(
    struct nm_tables *tables, const struct layout *typed, const struct layout *meant)
{
    char shift[128];
    bool differs = false;

    for (int c = 0; c < 128; c++)
        shift[c] =
            is_letter_or_digit((char)c) ? same_key(typed, meant, (char)c) : (char)c;
    for (char c = 'a'; c <= 'z'; c++)
        differs = differs || (shift[(uint8_t)c] != '\0' && shift[(uint8_t)c] != c);
    for (size_t i = 0; i < tables->shift_count; i++)
        differs = differs && memcmp(tables->shifts[i], shift, sizeof shift) != 0;
    if (!differs || tables->shift_count == NM_SHIFTS_MAX)
        return;
    for (size_t c = 0; c < sizeof shift; c++)
        if (shift[c] != (char)c)
            tables->shifted[tables->shift_count] |= 1ULL << (c & 63);
    memcpy(tables->shifts[tables->shift_count++], shift, sizeof shift);
}

/* Where two layouts are in use, what they have on one key is as near as neighbours. */
static void add_shifts(
    struct nm_tables *tables, const struct layout *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            if (i == k || !known[i].in_use)
                continue;
            add_shift(tables, &known[k], &known[i]);
            add_shift(tables, &known[i], &known[k]);
            for (char c = 'a'; known[k].in_use && c <= 'z'; c++) {
                const char other = same_key(&known[i], &known[k], c);

                if (other != '\0')
                    set_near(tables, c, other);
            }
        }
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

static enum nm_code read_row(struct layout *layout, struct nm_reader *reader)
{
    const char *offset = nm_reader_word(reader);
    const char *keys = nm_reader_word(reader);
    char *end = NULL;
    long value;

    if (layout == NULL)
        return nm_reader_blame(reader, "a row before the first layout", NULL);
    if (offset == NULL || keys == NULL || nm_reader_word(reader) != NULL)
        return nm_reader_blame(reader, "a row is `row OFFSET KEYS`", NULL);
    value = strtol(offset, &end, 10);
    if (*end != '\0' || value < 0 || value > 64)
        return nm_reader_blame(reader, "not an offset of 0 to 64 quarters", offset);
    if (layout->row_count == ROWS_MAX)
        return nm_reader_blame(reader, "more than 8 rows", NULL);
    if (strlen(keys) > KEYS_MAX)
        return nm_reader_blame(reader, "more than 16 keys in a row", keys);
    for (const char *key = keys; *key != '\0'; key++)
        if (!nm_is_name_char(*key) && *key != '.' && *key != '~')
            return nm_reader_blame(
                reader, "a key is a letter, a digit, one of - _ . or ~", keys);
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

static enum nm_code complain_of_layout(const char *name, const struct layout *known,
    size_t count, const char *file, struct nm_error *error)
{
    char names[256];
    struct nm_buf buf;

    nm_buf_init(&buf, names, sizeof names);
    for (size_t i = 0; i < count; i++)
        nm_buf_printf(&buf, "%s%s", i > 0 ? ", " : "", known[i].name);
    return nm_fail_at(error, NM_BAD_INPUT, file, 0,
        "no keyboard is named %s; there are %s", name, names);
}

/* `known` holds the layouts so far, the last one still growing. */
static enum nm_code read_keyboard_line(struct layout *known, size_t *count,
    const struct nm_index_spec *spec, unsigned *found, struct nm_reader *reader)
{
    const char *word = nm_reader_word(reader);
    const char *name;
    int place;

    if (strcmp(word, "row") == 0)
        return read_row(*count > 0 ? &known[*count - 1] : NULL, reader);
    if (strcmp(word, "layout") != 0)
        return nm_reader_blame(reader, "neither `layout` nor `row`", word);
    name = nm_reader_word(reader);
    if (name == NULL)
        return nm_reader_blame(reader, "a layout without a name", NULL);
    if (*count == KNOWN_MAX)
        return nm_reader_blame(reader, "more than 32 layouts", NULL);
    place = find_layout(spec, name);
    (void)nm_copy(known[*count].name, sizeof known[*count].name, name);
    known[(*count)++].in_use = place >= 0;
    if (place >= 0)
        *found |= 1U << place;
    return NM_OK;
}

enum nm_code nm_tables_read_keyboards(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error)
{
    struct layout known[KNOWN_MAX] = {{.in_use = false}};
    struct nm_reader reader;
    size_t count = 0;
    enum nm_code code;
    unsigned found = 0;
    bool more;

    if (spec->layout_count > NM_LAYOUTS_MAX)
        return nm_fail(error, NM_BAD_INPUT, "more than %d keyboards", NM_LAYOUTS_MAX);
    nm_reader_init(&reader, &spec->keyboards, "keyboards", error);
    while ((code = nm_reader_line(&reader, &more)) == NM_OK && more) {
        code = read_keyboard_line(known, &count, spec, &found, &reader);
        if (code != NM_OK)
            return code;
    }
    if (code != NM_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        if (known[i].in_use)
            use_layout(tables, &known[i]);
    add_shifts(tables, known, count);
    for (size_t i = 0; i < spec->layout_count; i++)
        if ((found >> find_layout(spec, spec->layouts[i]) & 1) == 0)
            return complain_of_layout(
                spec->layouts[i], known, count, reader.file, error);
    return NM_OK;
}

bool nm_tables_keys_are_near(const struct nm_tables *tables, char a, char b)
{
    const uint8_t x = (uint8_t)a;
    const uint8_t y = (uint8_t)b;

    return x < 128 && y < 128 && (tables->near_keys[x][y / 8] >> (y % 8) & 1) != 0;
}
