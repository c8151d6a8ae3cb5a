/*
 * Slips in words for people. They stand in a reply behind "army.ml looks like a slip for
 * army.mil", in parentheses: a clause without a capital and a full stop.
 */
#include <nearmiss/match.h>

#include <string.h>

enum { CLAUSE_BYTES = 160 };

/* What a character is called, without its name. */
static const char *sort_of(char c)
{
    return c >= '0' && c <= '9' ? "digit" : "letter";
}

/* A character by name: a letter or a digit as it is, a sign in words. */
static void put_name(struct nm_buf *out, char c)
{
    if (c == '.')
        nm_buf_puts(out, "a dot");
    else if (c == '-')
        nm_buf_puts(out, "a hyphen");
    else
        nm_buf_put(out, &c, 1);
}

static void put_change(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    put_name(out, slip->typed_text[0]);
    nm_buf_puts(out, " was typed instead of ");
    put_name(out, meant[0]);
}

/* A dot or a hyphen, `sign`, that is missing, extra, or elsewhere. */
static void put_sign(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant, const char *sign)
{
    if (slip->typed_length == 0)
        nm_buf_printf(out, "a %s is missing", sign);
    else if (slip->meant_length == 0)
        nm_buf_printf(out, "an extra %s", sign);
    else if (slip->meant_length == 1)
        put_change(out, slip, meant);
    else
        nm_buf_printf(out, "a %s is in the wrong place", sign);
}

static void put_order(struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    if (slip->meant_length == 2)
        nm_buf_printf(out, "%c and %c changed places", meant[0], meant[1]);
    else
        nm_buf_printf(out, "%.*s are in another order", (int)slip->meant_length, meant);
}

static void put_glyph(struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    const bool is_label = slip->meant_length > 3 || slip->typed_text[0] == '\0' ||
                          strncmp(slip->typed_text, "xn--", 4) == 0;

    if (!is_label)
        nm_buf_printf(out, "%s looks like %.*s", slip->typed_text,
            (int)slip->meant_length, meant);
    else if (strncmp(meant, "xn--", 4) == 0)
        nm_buf_puts(out, "other letters that look alike");
    else
        nm_buf_printf(
            out, "other letters that look like %.*s", (int)slip->meant_length, meant);
}

static void put_suffix(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    if (slip->typed_text[0] != '\0')
        nm_buf_printf(out, "it ends in .%s instead of .%.*s", slip->typed_text,
            (int)slip->meant_length, meant);
    else
        nm_buf_printf(out, "it does not end in .%.*s", (int)slip->meant_length, meant);
}

static void put_embedded(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    if (slip->meant_length == 0)
        nm_buf_printf(out, "%s stands before the name", slip->typed_text);
    else
        nm_buf_printf(
            out, "%.*s stands inside another name", (int)slip->meant_length, meant);
}

/* A whole label, which one name spells with marks and the other without. */
static void put_spelling(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    if (strncmp(meant, "xn--", 4) == 0)
        nm_buf_puts(out, "letters with marks are spelt out");
    else
        nm_buf_printf(out, "letters with marks were typed for %.*s",
            (int)slip->meant_length, meant);
}

/* The characters of a slip that is neither a sign's nor the suffix's as a whole. */
static void put_characters(
    struct nm_buf *out, const struct nm_slip *slip, const char *meant)
{
    switch (slip->technique) {
    case NM_TECHNIQUE_OMISSION:
        nm_buf_printf(out, "a %s is missing", sort_of(meant[0]));
        break;
    case NM_TECHNIQUE_INSERTION:
        nm_buf_printf(
            out, "an extra %s %s", sort_of(slip->typed_text[0]), slip->typed_text);
        break;
    case NM_TECHNIQUE_DOUBLING:
        if (slip->meant_length == 0)
            nm_buf_printf(out, "one %s too many", slip->typed_text);
        else
            nm_buf_printf(out, "one %c too few", meant[0]);
        break;
    case NM_TECHNIQUE_TRANSPOSITION:
        put_order(out, slip, meant);
        break;
    case NM_TECHNIQUE_KEY:
        if (slip->meant_length > 1) {
            nm_buf_printf(out, "%.*s typed with another keyboard layout",
                (int)slip->meant_length, meant);
            break;
        }
        nm_buf_printf(out, "the neighbouring key %c was hit instead of %c",
            slip->typed_text[0], meant[0]);
        break;
    default:
        if (slip->meant_length > 1)
            put_spelling(out, slip, meant);
        else
            put_change(out, slip, meant);
        break;
    }
}

static void put_slip(struct nm_buf *out, const struct nm_slip *slip, const char *target)
{
    const char *meant = target + slip->meant_at;

    switch (slip->technique) {
    case NM_TECHNIQUE_DOT:
        put_sign(out, slip, meant, "dot");
        break;
    case NM_TECHNIQUE_HYPHEN:
        put_sign(out, slip, meant, "hyphen");
        break;
    case NM_TECHNIQUE_GLYPH:
        put_glyph(out, slip, meant);
        break;
    case NM_TECHNIQUE_SUFFIX:
        put_suffix(out, slip, meant);
        return;
    case NM_TECHNIQUE_EMBEDDED:
        put_embedded(out, slip, meant);
        return;
    default:
        put_characters(out, slip, meant);
        break;
    }
    if (slip->in_suffix)
        nm_buf_puts(out, " in the suffix");
}

static void put_times(struct nm_buf *out, unsigned times)
{
    if (times == 2)
        nm_buf_puts(out, ", twice");
    else if (times > 2)
        nm_buf_printf(out, ", %u times", times);
}

void nm_candidate_describe(const struct nm_candidate *candidate, struct nm_buf *out)
{
    char last[CLAUSE_BYTES] = "";
    unsigned times = 1;

    for (size_t i = 0; i < candidate->slip_count; i++) {
        char text[CLAUSE_BYTES];
        struct nm_buf clause;

        nm_buf_init(&clause, text, sizeof text);
        put_slip(&clause, &candidate->slips[i], candidate->target.name);
        if (strcmp(text, last) == 0) {
            times++;
            continue;
        }
        put_times(out, times);
        nm_buf_printf(out, "%s%s", i > 0 ? ", " : "", text);
        (void)nm_copy(last, sizeof last, text);
        times = 1;
    }
    put_times(out, times);
}
