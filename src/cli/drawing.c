#include "drawing.h"

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

void nm_draw_slips(const struct nm_domain *typed, const struct nm_candidate *candidate,
    struct nm_drawing *out)
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
