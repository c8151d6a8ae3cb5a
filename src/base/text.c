#include <nearmiss/base.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

void nm_buf_init(struct nm_buf *buf, char *memory, size_t capacity)
{
    assert(capacity > 0);
    buf->text = memory;
    buf->capacity = capacity;
    buf->length = 0;
    buf->truncated = false;
    memory[0] = '\0';
}

void nm_buf_put(struct nm_buf *buf, const char *bytes, size_t length)
{
    const size_t room = buf->capacity - 1 - buf->length;

    if (length > room) {
        length = room;
        buf->truncated = true;
    }
    if (length > 0)
        memcpy(buf->text + buf->length, bytes, length);
    buf->length += length;
    buf->text[buf->length] = '\0';
}

void nm_buf_puts(struct nm_buf *buf, const char *text)
{
    nm_buf_put(buf, text, strlen(text));
}

void nm_buf_printf(struct nm_buf *buf, const char *format, ...)
{
    const size_t room = buf->capacity - buf->length;
    va_list arguments;
    int written;

    va_start(arguments, format);
    written = vsnprintf(buf->text + buf->length, room, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= room) {
        buf->length = buf->capacity - 1;
        buf->text[buf->length] = '\0';
        buf->truncated = true;
        return;
    }
    buf->length += (size_t)written;
}

bool nm_copy(char *out, size_t size, const char *text)
{
    const size_t length = strlen(text);
    const bool fits = length < size;

    memcpy(out, text, fits ? length + 1 : size - 1);
    out[size - 1] = '\0';
    return fits;
}

char nm_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool nm_ascii_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && nm_ascii_lower(*a) == nm_ascii_lower(*b)) {
        a++;
        b++;
    }
    return nm_ascii_lower(*a) == nm_ascii_lower(*b);
}

size_t nm_utf8_decode(const char *bytes, size_t length, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = length > 0 ? (unsigned char)bytes[0] : 0;
    uint32_t value;
    size_t size;

    if (length == 0)
        return 0;
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > length)
        return 0;
    value = first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        const unsigned char next = (unsigned char)bytes[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3f);
    }
    if (value < smallest[size] || value > 0x10ffff ||
        (value >= 0xd800 && value < 0xe000))
        return 0;
    *code_point = value;
    return size;
}
