#include "html.h"

#include <string.h>
#include <time.h>

void nm_html_bytes(FILE *out, const char *bytes, size_t length)
{
    char shown[NM_VISIBLE_MAX + 1];

    for (size_t at = 0; at < length;) {
        at += nm_visible(bytes + at, length - at, shown);
        switch (shown[0]) {
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '"':
            (void)fputs("&quot;", out);
            break;
        case '\'':
            (void)fputs("&#39;", out);
            break;
        default:
            (void)fputs(shown, out);
        }
    }
}

void nm_html_text(FILE *out, const char *text)
{
    nm_html_bytes(out, text, strlen(text));
}

void nm_html_number(FILE *out, uint64_t number)
{
    char digits[24];
    const int length =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            (void)fputc(',', out);
        (void)fputc(digits[i], out);
    }
}

void nm_html_share(FILE *out, uint64_t part, uint64_t whole)
{
    const double percent = whole > 0 ? 100 * (double)part / (double)whole : 0;

    if (part == 0)
        return;
    if (percent < 0.1)
        (void)fputs("&lt; 0.1&nbsp;%", out);
    else if (percent >= 99.5 && part < whole)
        (void)fputs("&gt; 99&nbsp;%", out);
    else
        (void)fprintf(out, percent < 9.95 ? "%.1f&nbsp;%%" : "%.0f&nbsp;%%", percent);
}

/* The first `length` bytes of the time as RFC 3339 has it, with `between` for its T. */
static void put_time(FILE *out, int64_t time_us, int length, char between)
{
    const time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    char text[64];

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return;
    *strchr(text, 'T') = between;
    (void)fprintf(out, "%.*s", length, text);
}

void nm_html_day(FILE *out, int64_t time_us)
{
    put_time(out, time_us, (int)strlen("2026-03-01"), ' ');
}

void nm_html_minute(FILE *out, int64_t time_us)
{
    put_time(out, time_us, (int)strlen("2026-03-01 12:00"), ' ');
}

void nm_html_rfc3339(FILE *out, int64_t time_us)
{
    put_time(out, time_us, (int)strlen("2026-03-01T12:00:00Z"), 'T');
}

bool nm_html_is_plain_word(const char *bytes, size_t length)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789@._+-";

    for (size_t i = 0; i < length; i++)
        if (bytes[i] == '\0' || strchr(plain, bytes[i]) == NULL)
            return false;
    return length > 0 && bytes[0] != '-';
}
