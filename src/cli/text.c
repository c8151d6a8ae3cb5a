#include "text.h"

#include <unicode/uchar.h>

#include <math.h>
#include <string.h>

struct nm_shown nm_show(const char *word)
{
    struct nm_shown shown;
    struct nm_buf buf;

    nm_buf_init(&buf, shown.text, sizeof shown.text - sizeof "...");
    nm_buf_put_visible(&buf, word, strlen(word));
    if (buf.truncated)
        (void)strcat(shown.text, "...");
    return shown;
}

void nm_put_visible(FILE *out, const char *bytes, size_t length)
{
    char shown[NM_VISIBLE_MAX + 1];

    for (size_t at = 0; at < length;) {
        at += nm_visible(bytes + at, length - at, shown);
        (void)fputs(shown, out);
    }
}

void nm_put_domain(
    FILE *out, const struct nm_names *names, const struct nm_domain *domain)
{
    char unicode[NM_DOMAIN_UTF8_MAX + 1];
    struct nm_buf buf;

    if (!domain->idn) {
        nm_put_visible(out, domain->name, domain->length);
        return;
    }
    nm_buf_init(&buf, unicode, sizeof unicode);
    nm_domain_to_unicode(names, domain, &buf);
    nm_put_visible(out, unicode, buf.length);
    (void)fprintf(out, " (%s)", domain->name);
}

double nm_confidence_round(double confidence)
{
    const double scale = pow(10, NM_CONFIDENCE_DIGITS);
    const double rounded = round(confidence * scale) / scale;

    return rounded >= 1 && confidence < 1 ? 1 - 1 / scale : rounded;
}

struct nm_confidence_text nm_confidence_text(double confidence)
{
    struct nm_confidence_text out;

    (void)snprintf(out.text, sizeof out.text, "%.*g", NM_CONFIDENCE_DIGITS,
        nm_confidence_round(confidence));
    return out;
}

void nm_paint(FILE *out, bool enabled, enum nm_colour colour)
{
    static const char *const codes[] = {[NM_PLAIN] = "\x1b[0m",
        [NM_BOLD] = "\x1b[1m",
        [NM_DIM] = "\x1b[2m",
        [NM_RED] = "\x1b[31m",
        [NM_GREEN] = "\x1b[32m",
        [NM_YELLOW] = "\x1b[33m"};

    if (enabled)
        (void)fputs(codes[colour], out);
}

/* The columns of a terminal that a visible character takes. */
static size_t columns_of(uint32_t code_point)
{
    const UChar32 c = (UChar32)code_point;
    const int8_t category = u_charType(c);
    const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);

    if (category == U_NON_SPACING_MARK || category == U_ENCLOSING_MARK)
        return 0;
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

size_t nm_columns(const char *text)
{
    size_t length = strlen(text);
    size_t columns = 0;

    while (length > 0) {
        uint32_t code_point = 0;
        const size_t size = nm_utf8_decode(text, length, &code_point);

        if (size == 0)
            return columns;
        columns += code_point < 0x80 ? 1 : columns_of(code_point);
        text += size;
        length -= size;
    }
    return columns;
}
