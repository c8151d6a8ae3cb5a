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

static bool is_separator(char c)
{
    return c == '.' || c == '-';
}

/* Draw the meant name over the typed one from `start` on, where its dots may be hyphens or
 * left out. False, and nothing drawn, when it does not stand there. */
static bool draw_inside(struct pen *pen, size_t start, bool is_drawn)
{
    size_t typed = start;

    for (size_t meant = pen->meant_at; meant < pen->to->length; meant++) {
        const char a = typed < pen->from->length ? pen->from->name[typed] : '\0';
        const char b = pen->to->name[meant];

        if (a != b && !is_separator(b))
            return false;
        typed += a == b || a == '-';
        if (is_drawn)
            draw_to(pen, typed, meant + 1, a == b ? ' ' : '^');
    }
    return true;
}

/* The whole of the meant name stands inside the typed one: what is marked is what was put
 * around it. */
static void draw_embedded(struct pen *pen, const struct nm_slip *slip)
{
    size_t start = within(slip->typed_at, pen->typed_at, pen->from->length);

    draw_to(pen, start, within(slip->meant_at, pen->meant_at, pen->to->length), ' ');
    while (start < pen->from->length && !draw_inside(pen, start, false))
        start++;
    if (start == pen->from->length) {
        draw_slip(pen, slip);
        return;
    }
    draw_to(pen, start, pen->meant_at, '^');
    (void)draw_inside(pen, start, true);
    draw_to(pen, pen->from->length, pen->to->length, '^');
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
        if (slips[i].technique == NM_TECHNIQUE_EMBEDDED && slips[i].meant_length > 0)
            draw_embedded(&pen, &slips[i]);
        else
            draw_slip(&pen, &slips[i]);
    draw_to(&pen, typed->length, candidate->target.length, ' ');
    trim(&pen.typed);
    trim(&pen.meant);
    trim(&pen.marks);
}

/* ---- as people read it -------------------------------------------------- */

/* A name's letters, each of which takes one column and is shown as it is. */
struct letters {
    size_t count;
    uint32_t letter[NM_DOMAIN_MAX];
    size_t at[NM_DOMAIN_MAX + 1]; /* where each begins, and the last ends */
};

/* False when a character of the name is none. */
static bool take_letters(const char *text, struct letters *out)
{
    size_t at = 0;

    for (out->count = 0; text[at] != '\0' && out->count < NM_DOMAIN_MAX; out->count++) {
        char shown[NM_VISIBLE_MAX + 1];
        const size_t size = nm_visible(text + at, strlen(text + at), shown);

        if (strncmp(shown, text + at, size) != 0 || nm_columns(shown) != 1)
            return false;
        (void)nm_utf8_decode(text + at, size, &out->letter[out->count]);
        out->at[out->count] = at;
        at += size;
    }
    out->at[out->count] = at;
    return text[at] == '\0';
}

/* Put as many spaces into a name as make it `count` letters longer, before its letter `at`. */
static void part_letters(
    char *text, const struct letters *letters, size_t at, size_t count)
{
    const size_t from = letters->at[at];

    memmove(text + from + count, text + from, letters->at[letters->count] - from + 1);
    memset(text + from, ' ', count);
}

/* Of two names of unlike length, set what both end with under each other, and mark what
 * stands before that and behind what they begin with. */
static void mark_middle(struct nm_drawing *out, const struct letters *typed,
    const struct letters *meant, struct nm_buf *marks)
{
    const size_t longest = larger(typed->count, meant->count);
    const size_t shortest = typed->count + meant->count - longest;
    size_t front = 0;
    size_t back = 0;

    while (front < shortest && typed->letter[front] == meant->letter[front])
        front++;
    while (back < shortest - front && typed->letter[typed->count - 1 - back] ==
                                          meant->letter[meant->count - 1 - back])
        back++;
    pad(marks, front, ' ');
    pad(marks, longest - front - back, '^');
    part_letters(out->typed, typed, typed->count - back, longest - typed->count);
    part_letters(out->meant, meant, meant->count - back, longest - meant->count);
}

static void mark_letters(
    const struct letters *typed, const struct letters *meant, struct nm_buf *marks)
{
    for (size_t i = 0; i < typed->count; i++)
        pad(marks, 1, typed->letter[i] == meant->letter[i] ? ' ' : '^');
}

static bool draw_letters(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out)
{
    struct letters from;
    struct letters to;
    struct nm_buf line;

    if (!typed->idn && !candidate->target.idn)
        return false;
    nm_buf_init(&line, out->typed, sizeof out->typed);
    nm_domain_to_unicode(names, typed, &line);
    nm_buf_init(&line, out->meant, sizeof out->meant);
    nm_domain_to_unicode(names, &candidate->target, &line);
    nm_buf_init(&line, out->marks, sizeof out->marks);
    if (!take_letters(out->typed, &from) || !take_letters(out->meant, &to))
        return false;
    if (from.count == to.count)
        mark_letters(&from, &to, &line);
    else
        mark_middle(out, &from, &to, &line);
    trim(&line);
    return true;
}

void nm_draw_slips(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out)
{
    if (!draw_letters(names, typed, candidate, out))
        draw_labels(typed, candidate, out);
}
