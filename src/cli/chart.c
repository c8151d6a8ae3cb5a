#include "chart.h"

enum { EIGHTHS = 8, LEVELS = 8 };

struct nm_number_text nm_number_text(uint64_t number)
{
    char digits[24];
    struct nm_number_text out;
    struct nm_buf buf;
    const int length =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);

    nm_buf_init(&buf, out.text, sizeof out.text);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            nm_buf_puts(&buf, ",");
        nm_buf_put(&buf, &digits[i], 1);
    }
    return out;
}

struct nm_number_text nm_share_text(uint64_t part, uint64_t whole)
{
    struct nm_number_text out = {""};
    const double percent = whole > 0 ? 100 * (double)part / (double)whole : 0;

    if (part > 0 && percent < 0.1)
        (void)snprintf(out.text, sizeof out.text, "<0.1%%");
    else if (part < whole && percent >= 99.5)
        (void)snprintf(out.text, sizeof out.text, ">99%%");
    else if (part > 0 && percent < 9.95)
        (void)snprintf(out.text, sizeof out.text, "%.1f%%", percent);
    else if (part > 0)
        (void)snprintf(out.text, sizeof out.text, "%.0f%%", percent);
    return out;
}

void nm_put_bar(FILE *out, bool unicode, uint64_t part, uint64_t most, size_t columns)
{
    static const char *const rests[EIGHTHS] = {"", "\xe2\x96\x8f", "\xe2\x96\x8e",
        "\xe2\x96\x8d", "\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89"};
    const double share = most > 0 ? (double)part / (double)most : 0;
    const size_t steps = unicode ? EIGHTHS : 1;
    size_t length = (size_t)(share * (double)(columns * steps) + 0.5);

    if (part > 0 && length == 0)
        length = 1;
    for (size_t i = 0; i < length / steps; i++)
        (void)fputs(unicode ? "\xe2\x96\x88" : "#", out);
    if (unicode)
        (void)fputs(rests[length % EIGHTHS], out);
}

void nm_put_sparkline(FILE *out, bool unicode, const uint64_t *values, size_t count)
{
    static const char *const blocks[LEVELS] = {"\xe2\x96\x81", "\xe2\x96\x82",
        "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87",
        "\xe2\x96\x88"};
    static const char *const plain[LEVELS] = {".", ":", "-", "=", "+", "*", "#", "@"};
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    for (size_t i = 0; i < count; i++) {
        const size_t level =
            most > 0 ? (size_t)((double)values[i] / (double)most * (LEVELS - 1) + 0.5)
                     : 0;

        if (values[i] == 0)
            (void)fputc(unicode ? ' ' : '_', out);
        else
            (void)fputs(unicode ? blocks[level] : plain[level], out);
    }
}
