#include "template.h"

#include <nearmiss/policy.h>

#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN_MAX = 32 }; /* bytes of an unknown %{name} that a complaint quotes */

static const char *const names[NM_TEMPLATE_VALUE_COUNT] = {
    [NM_TEMPLATE_DOMAIN] = "domain",
    [NM_TEMPLATE_TARGET] = "target",
    [NM_TEMPLATE_SLIP] = "slip",
    [NM_TEMPLATE_REF] = "ref",
    [NM_TEMPLATE_RULE] = "rule",
    [NM_TEMPLATE_SENDER] = "sender",
    [NM_TEMPLATE_CONFIRM] = "confirm",
};

/* What a `%` at `text` begins: NM_TEMPLATE_VALUE_COUNT for `%%`, a value, or -1. `*length`
 * is how many bytes it takes. */
static int read_escape(const char *text, size_t *length)
{
    if (text[1] == '%') {
        *length = 2;
        return NM_TEMPLATE_VALUE_COUNT;
    }
    for (int i = 0; i < NM_TEMPLATE_VALUE_COUNT; i++) {
        const size_t size = strlen(names[i]);

        if (text[1] == '{' && strncmp(text + 2, names[i], size) == 0 &&
            text[2 + size] == '}') {
            *length = size + 3;
            return i;
        }
    }
    return -1;
}

/* What is wrong with the `%` at `text`, and what could stand there. */
static void describe_unknown(const char *text, char *why, size_t why_size)
{
    const char *end = text[1] == '{' ? strchr(text, '}') : NULL;
    struct nm_buf buf;

    nm_buf_init(&buf, why, why_size);
    if (end != NULL && end - text <= NAME_SHOWN_MAX)
        nm_buf_printf(&buf, "has the unknown %.*s", (int)(end - text + 1), text);
    else
        nm_buf_puts(&buf, "has a % that begins nothing known");
    nm_buf_puts(&buf, "; there are");
    for (int i = 0; i < NM_TEMPLATE_VALUE_COUNT; i++)
        nm_buf_printf(&buf, " %%{%s}", names[i]);
    nm_buf_puts(&buf, ", and %% for a percent sign");
}

bool nm_template_check(const char *text, char *why, size_t why_size)
{
    const size_t size = strlen(text);
    uint32_t code_point;
    size_t step;

    if (size == 0 || size > NM_REPLY_TEMPLATE_MAX) {
        (void)snprintf(why, why_size, "must have 1 to %d bytes", NM_REPLY_TEMPLATE_MAX);
        return false;
    }
    for (size_t at = 0; at < size; at += step) {
        step = nm_utf8_decode(text + at, size - at, &code_point);
        if (step == 0 || code_point < 0x20 || code_point == 0x7f) {
            (void)nm_copy(why, why_size, "must be UTF-8 without control characters");
            return false;
        }
        if (text[at] == '%' && read_escape(text + at, &step) < 0) {
            describe_unknown(text + at, why, why_size);
            return false;
        }
    }
    return true;
}

void nm_template_expand(const char *text,
    const char *const values[NM_TEMPLATE_VALUE_COUNT], struct nm_buf *out)
{
    while (*text != '\0') {
        const size_t plain = strcspn(text, "%");
        size_t length = 1;
        int value;

        nm_buf_put(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        value = read_escape(text, &length);
        nm_buf_puts(
            out, value < 0 || value == NM_TEMPLATE_VALUE_COUNT ? "%" : values[value]);
        text += length;
    }
}

bool nm_template_uses(const char *text, enum nm_template_value value)
{
    size_t length = 1;

    for (text += strcspn(text, "%"); *text != '\0'; text += strcspn(text, "%")) {
        if (read_escape(text, &length) == (int)value)
            return true;
        text += length;
    }
    return false;
}
