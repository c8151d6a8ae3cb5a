#include "csv.h"

#include <string.h>

struct nm_csv nm_csv_begin(FILE *out)
{
    return (struct nm_csv){.out = out};
}

static void begin_cell(struct nm_csv *csv)
{
    if (csv->begun)
        (void)fputc(',', csv->out);
    csv->begun = true;
}

/* Spreadsheets run what begins so, some of them the fullwidth forms (U+FF1D, U+FF0B,
 * U+FF0D, U+FF20), too. A control character never comes first: it is escaped and so
 * begins with a backslash. */
static bool begins_formula(const char *bytes, size_t length)
{
    if (length >= 3 && memcmp(bytes, "\xef\xbc", 2) == 0)
        return memchr("\x9d\x8b\x8d\xa0", bytes[2], 4) != NULL;
    return length > 0 && memchr("=+-@", bytes[0], 4) != NULL;
}

void nm_csv_bytes(struct nm_csv *csv, const char *bytes, size_t length)
{
    const bool formula = begins_formula(bytes, length);
    const bool quoted =
        formula || (length > 0 && (memchr(bytes, ',', length) != NULL ||
                                      memchr(bytes, '"', length) != NULL));
    char shown[NM_VISIBLE_MAX + 1];

    begin_cell(csv);
    if (quoted)
        (void)fputc('"', csv->out);
    if (formula)
        (void)fputc('\'', csv->out);
    for (size_t at = 0; at < length;) {
        if (bytes[at] == '"')
            (void)fputc('"', csv->out);
        at += nm_visible(bytes + at, length - at, shown);
        (void)fputs(shown, csv->out);
    }
    if (quoted)
        (void)fputc('"', csv->out);
}

void nm_csv_text(struct nm_csv *csv, const char *text)
{
    nm_csv_bytes(csv, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

void nm_csv_number(struct nm_csv *csv, uint64_t number)
{
    begin_cell(csv);
    (void)fprintf(csv->out, "%llu", (unsigned long long)number);
}

void nm_csv_end_row(struct nm_csv *csv)
{
    (void)fputs("\r\n", csv->out);
    csv->begun = false;
}
