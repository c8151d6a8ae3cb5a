/*
 * A fold replaces each group of look-alike characters by one of them, and each run of
 * characters that reads as a single one (`rn`, `vv`) by that one, the longest run first,
 * from left to right. It brings together names that may look alike; whether they do is
 * decided where they are compared.
 */
#include "looks.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

struct run {
    char text[NM_GLYPH_TEXT_MAX + 1];
    uint8_t length;
    char single;
};

struct nm_looks {
    USpoofChecker *checker;
    char single[128]; /* what stands for each character */
    struct run runs[NM_GLYPH_PAIRS_MAX];
    size_t run_count;
    uint16_t firsts[128]; /* the first of the runs that begin so */
    /* What stands second in the runs that begin so: a bit for each sign, modulo 64. */
    uint64_t seconds[128];
};

/* ---- making ------------------------------------------------------------- */

/* Let `a` and `b`, and all that look like either, be one: the smallest of them. */
static void join(struct nm_looks *looks, char a, char b)
{
    const char x = looks->single[(uint8_t)a];
    const char y = looks->single[(uint8_t)b];

    for (int c = 0; c < 128; c++)
        if (looks->single[c] == x || looks->single[c] == y)
            looks->single[c] = x < y ? x : y;
}

static void add_run(struct nm_looks *looks, const char *run, const char *single)
{
    struct run *row = &looks->runs[looks->run_count++];

    (void)nm_copy(row->text, sizeof row->text, run);
    row->length = (uint8_t)strlen(run);
    row->single = looks->single[(uint8_t)*single];
    looks->seconds[(uint8_t)run[0]] |= 1ULL << (run[1] & 63);
}

/* Of those that begin alike. */
static int longest_first(const void *a, const void *b)
{
    const struct run *x = a;
    const struct run *y = b;

    if (x->text[0] != y->text[0])
        return x->text[0] < y->text[0] ? -1 : 1;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return strcmp(x->text, y->text);
}

static void add_pairs(struct nm_looks *looks, const struct nm_tables *tables)
{
    for (int c = 0; c < 128; c++)
        looks->single[c] = (char)c;
    for (size_t i = 0; i < tables->glyph_count; i++)
        if (tables->glyphs[i].a_length == 1 && tables->glyphs[i].b_length == 1)
            join(looks, tables->glyphs[i].a[0], tables->glyphs[i].b[0]);
    for (size_t i = 0; i < tables->glyph_count; i++) {
        const struct nm_glyph_pair *pair = &tables->glyphs[i];

        if (pair->a_length > 1 && pair->b_length == 1)
            add_run(looks, pair->a, pair->b);
        else if (pair->a_length == 1 && pair->b_length > 1)
            add_run(looks, pair->b, pair->a);
    }
    qsort(looks->runs, looks->run_count, sizeof *looks->runs, longest_first);
    for (size_t i = looks->run_count; i-- > 0;)
        looks->firsts[(uint8_t)looks->runs[i].text[0]] = (uint16_t)i;
}

enum nm_code nm_looks_new(
    const struct nm_tables *tables, struct nm_looks **out, struct nm_error *error)
{
    struct nm_looks *looks = calloc(1, sizeof *looks);
    UErrorCode status = U_ZERO_ERROR;

    if (looks == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    add_pairs(looks, tables);
    looks->checker = uspoof_open(&status);
    if (U_FAILURE(status)) {
        nm_looks_free(&looks);
        if (status == U_MEMORY_ALLOCATION_ERROR)
            return nm_fail(error, NM_NO_MEMORY, "out of memory");
        return nm_fail(error, NM_SYSTEM, "ICU has no table of confusables: %s",
            u_errorName(status));
    }
    *out = looks;
    return NM_OK;
}

void nm_looks_free(struct nm_looks **looks)
{
    if (*looks == NULL)
        return;
    if ((*looks)->checker != NULL)
        uspoof_close((*looks)->checker);
    free(*looks);
    *looks = NULL;
}

/* ---- folding ------------------------------------------------------------ */

static const struct run *find_run(
    const struct nm_looks *looks, const char *text, size_t length)
{
    if (length < 2 || (uint8_t)text[0] >= 128 ||
        (looks->seconds[(uint8_t)text[0]] >> (text[1] & 63) & 1) == 0)
        return NULL;
    for (size_t i = looks->firsts[(uint8_t)text[0]]; i < looks->run_count; i++) {
        const struct run *run = &looks->runs[i];

        if (run->text[0] != text[0])
            return NULL;
        if (run->length <= length && memcmp(text, run->text, run->length) == 0)
            return run;
    }
    return NULL;
}

size_t nm_look_ascii(
    const struct nm_looks *looks, const char *text, size_t length, char *out)
{
    size_t written = 0;

    for (size_t at = 0; at < length && written < NM_LOOK_MAX;) {
        const struct run *run = find_run(looks, text + at, length - at);
        const uint8_t byte = (uint8_t)text[at];

        out[written++] = run != NULL  ? run->single
                         : byte < 128 ? looks->single[byte]
                                      : text[at];
        at += run != NULL ? run->length : 1;
    }
    out[written] = '\0';
    return written;
}

/* A skeleton's marks fall away and its capitals (the skeleton of 0 is O) become small;
 * in place. */
static size_t strip(char *text, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length;) {
        uint32_t code_point = 0;
        const size_t size = nm_utf8_decode(text + at, length - at, &code_point);
        const bool is_mark =
            size > 0 && u_charType((UChar32)code_point) == U_NON_SPACING_MARK;

        if (size == 0)
            break;
        if (!is_mark) {
            memmove(text + kept, text + at, size);
            text[kept] = nm_ascii_lower(text[kept]);
            kept += size;
        }
        at += size;
    }
    return kept;
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] >= 128)
            return false;
    return true;
}

static bool put_label(
    const struct nm_looks *looks, const char *label, size_t length, struct nm_buf *out)
{
    char skeleton[NM_LOOK_MAX + 1];
    char look[NM_LOOK_MAX + 1];
    UErrorCode status = U_ZERO_ERROR;
    int32_t size = 0;

    if (!is_ascii(label, length))
        size = uspoof_getSkeletonUTF8(
            looks->checker, 0, label, (int32_t)length, skeleton, NM_LOOK_MAX, &status);
    if (size > 0 && U_SUCCESS(status))
        nm_buf_put(out, look,
            nm_look_ascii(looks, skeleton, strip(skeleton, (size_t)size), look));
    else
        nm_buf_put(out, look, nm_look_ascii(looks, label, length, look));
    return (U_SUCCESS(status) || status == U_BUFFER_OVERFLOW_ERROR) &&
           (length < 4 || memcmp(label, "xn--", 4) != 0);
}

/* Whether ICU objects to a name; if it could not do it otherwise, it lacked memory. */
static bool is_refused(const struct nm_names *names, const struct nm_domain *domain)
{
    struct nm_domain again;
    const enum nm_address_fault fault =
        nm_domain_parse(names, domain->name, domain->length, &again);

    return fault != NM_FAULT_NONE && fault != NM_FAULT_MEMORY;
}

static bool is_foreign(const char *text, size_t length)
{
    uint32_t code_point;

    for (size_t at = 0; at < length;) {
        const size_t size = nm_utf8_decode(text + at, length - at, &code_point);
        UErrorCode status = U_ZERO_ERROR;
        UScriptCode script;

        if (size == 0)
            break;
        script = uscript_getScript((UChar32)code_point, &status);
        if (script != USCRIPT_LATIN && script != USCRIPT_COMMON &&
            script != USCRIPT_INHERITED)
            return true;
        at += size;
    }
    return false;
}

/* Which letters stand for one with a mark: ICAO Doc 9303, part 3, section 6, where it has
 * two of them. */
static const char *spelling_of(uint32_t code_point)
{
    static const struct {
        uint32_t code_point;
        const char *text;
    } spellings[] = {{0xdf, "ss"}, {0xe4, "ae"}, {0xe5, "aa"}, {0xe6, "ae"},
        {0xf6, "oe"}, {0xf8, "oe"}, {0xfc, "ue"}, {0xfe, "th"}, {0x153, "oe"}};

    for (size_t i = 0; i < NM_COUNT(spellings); i++)
        if (spellings[i].code_point == code_point)
            return spellings[i].text;
    return NULL;
}

static void spell(const char *text, size_t length, char out[NM_DOMAIN_MAX + 1])
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, NM_DOMAIN_MAX + 1);
    for (size_t at = 0; at < length;) {
        uint32_t code_point = 0;
        const size_t size = nm_utf8_decode(text + at, length - at, &code_point);
        const char *spelling = spelling_of(code_point);

        if (size == 1)
            nm_buf_put(&buf, text + at, 1);
        else if (size > 1 && spelling != NULL)
            nm_buf_puts(&buf, spelling);
        else
            break;
        at += size;
        if (at == length && !buf.truncated)
            return;
    }
    out[0] = '\0';
}

enum nm_code nm_look(const struct nm_looks *looks, const struct nm_names *names,
    const struct nm_domain *domain, struct nm_look *out)
{
    char unicode[NM_DOMAIN_UTF8_MAX + 1];
    struct nm_buf buf;
    struct nm_buf look;
    bool is_whole = true;

    out->is_foreign = false;
    out->spelt[0] = '\0';
    if (!domain->idn) {
        (void)nm_look_ascii(looks, domain->name, domain->length, out->text);
        return NM_OK;
    }
    nm_buf_init(&buf, unicode, sizeof unicode);
    nm_buf_init(&look, out->text, sizeof out->text);
    nm_domain_to_unicode(names, domain, &buf);
    out->is_foreign = is_foreign(unicode, buf.length);
    spell(unicode, buf.length, out->spelt);
    for (size_t at = 0; at <= buf.length;) {
        const size_t length = strcspn(unicode + at, ".");

        is_whole = put_label(looks, unicode + at, length, &look) && is_whole;
        at += length + 1;
        if (at <= buf.length)
            nm_buf_puts(&look, ".");
    }
    if (is_whole)
        return NM_OK;
    return is_refused(names, domain) ? NM_SYSTEM : NM_NO_MEMORY;
}

size_t nm_look_tail(const struct nm_look *look, size_t dots)
{
    size_t at = 0;

    for (; dots > 0 && look->text[at] != '\0'; dots--) {
        at += strcspn(look->text + at, ".");
        at += look->text[at] == '.';
    }
    return at;
}
