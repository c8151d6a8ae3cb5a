/*
 * The value is cut into pieces: plain text, encoded words, and the blanks between two of
 * these, which are not shown. Each byte that is read knows the bytes that it was written
 * with, so that taking it out means leaving them out; only a word in base 64 is written
 * anew.
 */
#include "subject.h"

#include <string.h>

enum kind { TEXT, GAP, WORD_Q, WORD_B };

struct piece {
    struct piece *next;
    enum kind kind;
    size_t at; /* in the value */
    size_t length;
    size_t head;  /* of a word: bytes before its encoded text: =?charset?Q? */
    size_t first; /* of what is read */
    size_t count;
};

/* A byte that is read, and where in the value it is written. */
struct byte {
    char c;
    bool taken;
    uint16_t at;
    uint8_t length; /* 1, or 3 for =XX; of base 64 it says nothing */
};

struct nm_subject_line {
    const char *value;
    size_t length;
    struct piece *pieces;
    struct byte *bytes;
    char *text;
    size_t count;
};

/* ---- reading ------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add(struct nm_subject_line *line, char c, size_t at, size_t length)
{
    line->bytes[line->count++] =
        (struct byte){.c = c, .at = (uint16_t)at, .length = (uint8_t)length};
}

/* Both return whether the text could be decoded; on failure nothing is added. */
static bool decode_q(struct nm_subject_line *line, size_t at, size_t end)
{
    const size_t before = line->count;

    while (at < end) {
        const char *from = line->value + at;
        int high;
        int low;

        if (*from != '=') {
            add(line, *from == '_' ? ' ' : *from, at, 1);
            at++;
            continue;
        }
        high = at + 2 < end ? hex_of(from[1]) : -1;
        low = at + 2 < end ? hex_of(from[2]) : -1;
        if (high < 0 || low < 0) {
            line->count = before;
            return false;
        }
        add(line, (char)(16 * high + low), at, 3);
        at += 3;
    }
    return true;
}

static bool decode_b(struct nm_subject_line *line, size_t at, size_t end)
{
    const size_t before = line->count;
    uint32_t bits = 0;
    unsigned held = 0;

    while (end > at && line->value[end - 1] == '=')
        end--;
    for (; at < end; at++) {
        const char *digit = strchr(digits64, line->value[at]);

        if (digit == NULL || *digit == '\0') {
            line->count = before;
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit - digits64);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        add(line, (char)(bits >> held & 0xff), at, 1);
    }
    return true;
}

/* Whether an encoded word begins at `at`: `*head` bytes, its text, and `?=`, up to `*end`.
 * RFC 2047, 2. */
static bool find_word(const struct nm_subject_line *line, size_t at, enum kind *kind,
    size_t *head, size_t *end)
{
    const char *value = line->value + at;
    size_t i = 2;

    if (value[0] != '=' || value[1] != '?')
        return false;
    while (value[i] != '\0' && value[i] != '?' && !is_blank(value[i]))
        i++;
    if (i == 2 || value[i] != '?' || value[i + 1] == '\0' || value[i + 2] != '?')
        return false;
    switch (value[i + 1]) {
    case 'q':
    case 'Q':
        *kind = WORD_Q;
        break;
    case 'b':
    case 'B':
        *kind = WORD_B;
        break;
    default:
        return false;
    }
    i += 3;
    *head = i;
    while (value[i] != '\0' && value[i] != '?' && !is_blank(value[i]))
        i++;
    *end = at + i + 2;
    return value[i] == '?' && value[i + 1] == '=';
}

static struct piece *add_piece(struct nm_arena *arena, struct nm_subject_line *line,
    struct piece ***last, enum kind kind, size_t at)
{
    struct piece *piece = nm_arena_alloc(arena, sizeof *piece);

    if (piece == NULL)
        return NULL;
    *piece = (struct piece){.kind = kind, .at = at, .first = line->count};
    **last = piece;
    *last = &piece->next;
    return piece;
}

/* How far blanks go on from `at` to another word; `at` itself when they do not. */
static size_t gap_end(const struct nm_subject_line *line, size_t at)
{
    size_t end = at;
    enum kind kind;
    size_t head;
    size_t word_end;

    while (is_blank(line->value[end]))
        end++;
    return end > at && find_word(line, end, &kind, &head, &word_end) ? end : at;
}

static bool read_word(struct nm_arena *arena, struct nm_subject_line *line,
    struct piece ***last, size_t *at, bool *failed)
{
    enum kind kind;
    size_t head = 0;
    size_t end = 0;
    struct piece *piece;
    const size_t first = line->count;

    if (!find_word(line, *at, &kind, &head, &end) ||
        !(kind == WORD_Q ? decode_q(line, *at + head, end - 2)
                         : decode_b(line, *at + head, end - 2)))
        return false;
    piece = add_piece(arena, line, last, kind, *at);
    *failed = piece == NULL;
    if (piece == NULL)
        return true;
    piece->first = first;
    piece->length = end - *at;
    piece->head = head;
    piece->count = line->count - first;
    *at = end;
    return true;
}

static bool read_gap(struct nm_arena *arena, struct nm_subject_line *line,
    struct piece ***last, size_t *at)
{
    const size_t end = gap_end(line, *at);
    struct piece *piece;

    if (end == *at)
        return true;
    piece = add_piece(arena, line, last, GAP, *at);
    if (piece == NULL)
        return false;
    piece->length = end - *at;
    *at = end;
    return true;
}

static bool read_pieces(struct nm_arena *arena, struct nm_subject_line *line)
{
    struct piece **last = &line->pieces;
    struct piece *text = NULL; /* that goes on */
    size_t at = 0;

    while (at < line->length) {
        bool failed = false;

        if (read_word(arena, line, &last, &at, &failed)) {
            if (failed || !read_gap(arena, line, &last, &at))
                return false;
            text = NULL;
            continue;
        }
        if (text == NULL)
            text = add_piece(arena, line, &last, TEXT, at);
        if (text == NULL)
            return false;
        add(line, line->value[at], at, 1);
        text->length++;
        text->count++;
        at++;
    }
    return true;
}

struct nm_subject_line *nm_subject_line_read(struct nm_arena *arena, const char *value)
{
    struct nm_subject_line *line = nm_arena_alloc(arena, sizeof *line);
    const size_t length = strlen(value);

    if (line == NULL || length > NM_SUBJECT_MAX)
        return NULL;
    *line = (struct nm_subject_line){.value = value, .length = length};
    line->bytes = nm_arena_alloc(arena, (length + 1) * sizeof *line->bytes);
    line->text = nm_arena_alloc(arena, length + 1);
    if (line->bytes == NULL || line->text == NULL || !read_pieces(arena, line))
        return NULL;
    for (size_t i = 0; i < line->count; i++)
        line->text[i] = line->bytes[i].c;
    return line;
}

struct nm_bytes nm_subject_line_text(const struct nm_subject_line *line)
{
    return (struct nm_bytes){line->text, line->count};
}

/* ---- taking out --------------------------------------------------------- */

static void take(struct nm_subject_line *line, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        line->bytes[i].taken = true;
}

static bool stands_in(
    const struct nm_subject_line *line, size_t from, size_t to, char open, char close)
{
    return from > 0 && to < line->count && line->text[from - 1] == open &&
           line->text[to] == close;
}

/* What was taken before counts as if it were not there. */
static size_t blanks_before(const struct nm_subject_line *line, size_t from)
{
    while (from > 0 && (line->bytes[from - 1].taken || is_blank(line->text[from - 1])))
        from--;
    return from;
}

static size_t blanks_behind(const struct nm_subject_line *line, size_t to)
{
    while (to < line->count && (line->bytes[to].taken || is_blank(line->text[to])))
        to++;
    return to;
}

void nm_subject_line_take(struct nm_subject_line *line, size_t at, size_t length)
{
    size_t from = at;
    size_t to = at + length;
    size_t before;
    size_t behind;

    if (stands_in(line, from, to, '[', ']') || stands_in(line, from, to, '(', ')')) {
        from--;
        to++;
    }
    take(line, from, to);
    before = blanks_before(line, from);
    behind = blanks_behind(line, to);
    if (before == 0) /* the first blank belongs to the colon */
        take(line, to, behind);
    else if (behind > to || to == line->count)
        take(line, before, from);
}

/* ---- writing ------------------------------------------------------------ */

static size_t count_left(const struct nm_subject_line *line, const struct piece *piece)
{
    size_t left = 0;

    for (size_t i = 0; i < piece->count; i++)
        left += !line->bytes[piece->first + i].taken;
    return left;
}

static void put_text(
    const struct nm_subject_line *line, const struct piece *piece, struct nm_buf *out)
{
    for (size_t i = 0; i < piece->count; i++) {
        const struct byte *byte = &line->bytes[piece->first + i];

        if (!byte->taken)
            nm_buf_put(out, line->value + byte->at, byte->length);
    }
}

/* `blank_first`: with a blank before it. */
static void put_base64(const struct nm_subject_line *line, const struct piece *piece,
    bool blank_first, struct nm_buf *out)
{
    uint32_t bits = blank_first ? ' ' : 0;
    unsigned held = blank_first ? 2 : 0;
    size_t left = blank_first ? 1 : 0;

    if (blank_first)
        nm_buf_put(out, &digits64[' ' >> 2], 1);
    for (size_t i = 0; i < piece->count; i++) {
        if (line->bytes[piece->first + i].taken)
            continue;
        left++;
        bits = bits << 8 | (uint8_t)line->bytes[piece->first + i].c;
        for (held += 8; held >= 6; held -= 6)
            nm_buf_put(out, &digits64[bits >> (held - 6) & 63], 1);
    }
    if (held > 0)
        nm_buf_put(out, &digits64[bits << (6 - held) & 63], 1);
    for (; left % 3 != 0; left++)
        nm_buf_puts(out, "=");
}

static void put_word(const struct nm_subject_line *line, const struct piece *piece,
    bool blank_first, struct nm_buf *out)
{
    const size_t left = count_left(line, piece);

    if (left == piece->count && !blank_first) {
        nm_buf_put(out, line->value + piece->at, piece->length);
        return;
    }
    nm_buf_put(out, line->value + piece->at, piece->head);
    if (piece->kind == WORD_B) {
        put_base64(line, piece, blank_first, out);
    } else {
        nm_buf_puts(out, blank_first ? "_" : "");
        put_text(line, piece, out);
    }
    nm_buf_puts(out, "?=");
}

/* Whether of a text only blanks are left. */
static bool has_become_blank(
    const struct nm_subject_line *line, const struct piece *piece)
{
    const size_t left = count_left(line, piece);

    for (size_t i = 0; i < piece->count; i++)
        if (!line->bytes[piece->first + i].taken &&
            !is_blank(line->text[piece->first + i]))
            return false;
    return left > 0 && left < piece->count;
}

/* Blanks between words go with a word of which nothing is left. Those of a text that has
 * become blank between two words would not be shown any more: one stands in the second. */
static void put_pieces(const struct nm_subject_line *line, struct nm_buf *out)
{
    const struct piece *gap = NULL;
    bool behind_word = false;
    bool blank_first = false;

    for (const struct piece *piece = line->pieces; piece != NULL; piece = piece->next) {
        if (piece->kind == TEXT) {
            put_text(line, piece, out);
            blank_first = behind_word && has_become_blank(line, piece);
            behind_word = false;
        } else if (piece->kind == GAP) {
            gap = piece;
        } else if (piece->count == 0 || count_left(line, piece) > 0) {
            if (behind_word && gap != NULL)
                nm_buf_put(out, line->value + gap->at, gap->length);
            put_word(line, piece, blank_first, out);
            behind_word = true;
            blank_first = false;
        }
    }
}

static bool is_all_blank(const char *text)
{
    while (is_blank(*text))
        text++;
    return *text == '\0';
}

const char *nm_subject_line_write(
    const struct nm_subject_line *line, struct nm_arena *arena)
{
    const size_t size =
        2 * line->length + 1; /* base 64 that had no = at its end gets it */
    char *memory = nm_arena_alloc(arena, size);
    struct nm_buf out;

    if (memory == NULL)
        return NULL;
    nm_buf_init(&out, memory, size);
    put_pieces(line, &out);
    return is_all_blank(memory) ? "" : memory;
}
