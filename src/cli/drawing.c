#include "drawing.h"
#include "text.h"

#include <string.h>

/* The three lines as they grow, and how far each name has been drawn. */
struct pen {
    struct nm_buf typed;
    struct nm_buf meant;
    struct nm_buf marks;
    const struct nm_domain *from;
    const struct nm_domain *to;
    size_t typed_at;
    size_t meant_at;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void pad(struct nm_buf *line, size_t width, char with)
{
    for (size_t i = 0; i < width; i++)
        nm_buf_put(line, &with, 1);
}

/* Draw both names as far as `typed_end` and `meant_end`, the shorter part padded. */
static void draw_to(struct pen *pen, size_t typed_end, size_t meant_end, char mark)
{
    const size_t typed_length = typed_end - pen->typed_at;
    const size_t meant_length = meant_end - pen->meant_at;
    const size_t width = larger(typed_length, meant_length);

    nm_buf_put(&pen->typed, pen->from->name + pen->typed_at, typed_length);
    pad(&pen->typed, width - typed_length, ' ');
    nm_buf_put(&pen->meant, pen->to->name + pen->meant_at, meant_length);
    pad(&pen->meant, width - meant_length, ' ');
    pad(&pen->marks, width, mark);
    pen->typed_at = typed_end;
    pen->meant_at = meant_end;
}

/* An end that lies within the name and not before where the pen is. */
static size_t within(size_t end, size_t at, size_t length)
{
    return end < at ? at : end > length ? length : end;
}

static void draw_slip(struct pen *pen, const struct nm_slip *slip)
{
    const size_t typed = within(slip->typed_at, pen->typed_at, pen->from->length);
    const size_t meant = within(slip->meant_at, pen->meant_at, pen->to->length);

    draw_to(pen, typed, meant, ' ');
    draw_to(pen,
        within((size_t)slip->typed_at + slip->typed_length, typed, pen->from->length),
        within((size_t)slip->meant_at + slip->meant_length, meant, pen->to->length),
        '^');
}

static void trim(struct nm_buf *line)
{
    while (line->length > 0 && line->text[line->length - 1] == ' ')
        line->text[--line->length] = '\0';
}

/* Copy the slips in the order of the typed name; there are a handful. */
static size_t sort_slips(
    const struct nm_candidate *candidate, struct nm_slip out[NM_SLIPS_MAX])
{
    size_t count = 0;

    for (; count < candidate->slip_count && count < NM_SLIPS_MAX; count++) {
        const struct nm_slip slip = candidate->slips[count];
        size_t at = count;

        for (; at > 0 && out[at - 1].typed_at > slip.typed_at; at--)
            out[at] = out[at - 1];
        out[at] = slip;
    }
    return count;
}

static void draw_labels(const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out)
{
    struct pen pen = {.from = typed, .to = &candidate->target};
    struct nm_slip slips[NM_SLIPS_MAX];
    const size_t count = sort_slips(candidate, slips);

    nm_buf_init(&pen.typed, out->typed, sizeof out->typed);
    nm_buf_init(&pen.meant, out->meant, sizeof out->meant);
    nm_buf_init(&pen.marks, out->marks, sizeof out->marks);
    for (size_t i = 0; i < count; i++)
        draw_slip(&pen, &slips[i]);
    draw_to(&pen, typed->length, candidate->target.length, ' ');
    trim(&pen.typed);
    trim(&pen.meant);
    trim(&pen.marks);
}

/* ---- as people read it -------------------------------------------------- */

/* The character at `*text`, which is moved behind it. False when it is not one that takes
 * one column and is shown as it is. */
static bool take_letter(const char **text, uint32_t *letter)
{
    char shown[NM_VISIBLE_MAX + 1];
    const size_t size = nm_visible(*text, strlen(*text), shown);

    if (strncmp(shown, *text, size) != 0 || nm_columns(shown) != 1)
        return false;
    (void)nm_utf8_decode(*text, size, letter);
    *text += size;
    return true;
}

/* Put a mark under each letter that differs. False when the names cannot be set under
 * each other letter by letter. */
static bool mark_letters(const char *typed, const char *meant, struct nm_buf *marks)
{
    while (*typed != '\0' && *meant != '\0') {
        uint32_t a = 0;
        uint32_t b = 0;

        if (!take_letter(&typed, &a) || !take_letter(&meant, &b))
            return false;
        pad(marks, 1, a == b ? ' ' : '^');
    }
    return *typed == *meant;
}

static bool draw_letters(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out)
{
    struct nm_buf line;

    if (!typed->idn && !candidate->target.idn)
        return false;
    nm_buf_init(&line, out->typed, sizeof out->typed);
    nm_domain_to_unicode(names, typed, &line);
    nm_buf_init(&line, out->meant, sizeof out->meant);
    nm_domain_to_unicode(names, &candidate->target, &line);
    nm_buf_init(&line, out->marks, sizeof out->marks);
    if (!mark_letters(out->typed, out->meant, &line))
        return false;
    trim(&line);
    return true;
}

void nm_draw_slips(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out)
{
    if (!draw_letters(names, typed, candidate, out))
        draw_labels(typed, candidate, out);
}
