#include <nearmiss/base.h>

#include <string.h>

enum { NAME_SHOWN_MAX = 32 }; /* bytes of an unknown %{name} that a complaint quotes */

/* What a `%` at `text` begins: `count` for `%%`, the place of a value's name, or -1.
 * `*length` is how many bytes it takes. */
static int read_escape(
    const char *text, const struct nm_template_names *names, size_t *length)
{
    if (text[1] == '%') {
        *length = 2;
        return (int)names->count;
    }
    for (size_t i = 0; i < names->count; i++) {
        const size_t size = strlen(names->names[i]);

        if (text[1] == '{' && strncmp(text + 2, names->names[i], size) == 0 &&
            text[2 + size] == '}') {
            *length = size + 3;
            return (int)i;
        }
    }
    return -1;
}

/* What is wrong with the `%` at `text`, and what could stand there. */
static void describe_unknown(
    const char *text, const struct nm_template_names *names, struct nm_buf *why)
{
    const char *end = text[1] == '{' ? strchr(text, '}') : NULL;

    if (end != NULL && end - text <= NAME_SHOWN_MAX)
        nm_buf_printf(why, "has the unknown %.*s", (int)(end - text + 1), text);
    else
        nm_buf_puts(why, "has a % that begins nothing known");
    nm_buf_puts(why, "; there are");
    for (size_t i = 0; i < names->count; i++)
        nm_buf_printf(why, " %%{%s}", names->names[i]);
    nm_buf_puts(why, ", and %% for a percent sign");
}

bool nm_template_check_text(const char *text, const struct nm_template_names *names,
    size_t bytes_max, bool takes_lines, struct nm_buf *why)
{
    const size_t size = strlen(text);
    uint32_t code_point;
    size_t step;

    if (size == 0 || size > bytes_max) {
        nm_buf_printf(why, "must have 1 to %zu bytes", bytes_max);
        return false;
    }
    for (size_t at = 0; at < size; at += step) {
        const bool is_line = takes_lines && strchr("\t\r\n", text[at]) != NULL;

        step = nm_utf8_decode(text + at, size - at, &code_point);
        if (step == 0 || ((code_point < 0x20 || code_point == 0x7f) && !is_line)) {
            nm_buf_puts(why, "must be UTF-8 without control characters");
            return false;
        }
        if (text[at] == '%' && read_escape(text + at, names, &step) < 0) {
            describe_unknown(text + at, names, why);
            return false;
        }
    }
    return true;
}

void nm_template_expand_text(const char *text, const struct nm_template_names *names,
    const char *const *values, struct nm_buf *out)
{
    while (*text != '\0') {
        const size_t plain = strcspn(text, "%");
        size_t length = 1;
        int value;

        nm_buf_put(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        value = read_escape(text, names, &length);
        nm_buf_puts(
            out, value < 0 || (size_t)value == names->count ? "%" : values[value]);
        text += length;
    }
}

bool nm_template_uses_value(
    const char *text, const struct nm_template_names *names, size_t value)
{
    size_t length = 1;

    for (text += strcspn(text, "%"); *text != '\0'; text += strcspn(text, "%")) {
        if (read_escape(text, names, &length) == (int)value)
            return true;
        text += length;
    }
    return false;
}
