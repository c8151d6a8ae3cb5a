#include <nearmiss/base.h>

#include <string.h>

/* Code points that do something other than appear: controls, bidirectional marks and
 * other format characters, line and paragraph separators, spaces that pass for a plain
 * one, fillers, variation selectors, tags, private use and noncharacters. In ascending
 * order. Source: Unicode 15, General_Category Cc, Cf, Co, Zl, Zp and Zs, and
 * Default_Ignorable_Code_Point. */
static const struct range {
    uint32_t first;
    uint32_t last;
} unseen[] = {{0x0, 0x1f}, {0x7f, 0xa0}, {0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c},
    {0x70f, 0x70f}, {0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5},
    {0x180b, 0x180f}, {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f},
    {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164}, {0xe000, 0xf8ff},
    {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
    {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};

static bool is_seen(uint32_t code_point)
{
    for (size_t i = 0; i < NM_COUNT(unseen); i++)
        if (code_point <= unseen[i].last)
            return code_point < unseen[i].first;
    return true;
}

size_t nm_visible(const char *bytes, size_t length, char out[NM_VISIBLE_MAX + 1])
{
    uint32_t code_point;
    const size_t size = nm_utf8_decode(bytes, length, &code_point);
    struct nm_buf buf;

    nm_buf_init(&buf, out, NM_VISIBLE_MAX + 1);
    if (size == 0 || (code_point < 0x80 && !is_seen(code_point))) {
        nm_buf_printf(&buf, "\\x%02x", (unsigned char)bytes[0]);
        return 1;
    }
    if (!is_seen(code_point)) {
        nm_buf_printf(&buf, "\\u{%x}", (unsigned)code_point);
        return size;
    }
    if (code_point == '\\')
        nm_buf_puts(&buf, "\\\\");
    else
        nm_buf_put(&buf, bytes, size);
    return size;
}

void nm_buf_put_visible(struct nm_buf *buf, const char *bytes, size_t length)
{
    char shown[NM_VISIBLE_MAX + 1];

    for (size_t at = 0; at < length;) {
        at += nm_visible(bytes + at, length - at, shown);
        if (strlen(shown) > buf->capacity - 1 - buf->length) {
            buf->truncated = true;
            return;
        }
        nm_buf_puts(buf, shown);
    }
}
