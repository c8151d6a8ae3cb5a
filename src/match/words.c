/* Slips in words for people. */
#include <nearmiss/match.h>

#include <string.h>

static const char *kind_of(char c)
{
    return c >= '0' && c <= '9' ? "digit" : "letter";
}

static void describe_slip(
    const struct nm_slip *slip, const char *meant, struct nm_buf *out)
{
    const char c = slip->meant_length > 0 ? meant[slip->meant_at] : 'x';

    switch (slip->technique) {
    case NM_TECHNIQUE_OMISSION:
        nm_buf_printf(out, "a %s is missing", kind_of(c));
        break;
    case NM_TECHNIQUE_INSERTION:
        nm_buf_puts(out, "a character too many");
        break;
    case NM_TECHNIQUE_DOUBLING:
        nm_buf_puts(out, slip->meant_length == 0 ? "a character is doubled"
                                                 : "a double character is single");
        break;
    case NM_TECHNIQUE_TRANSPOSITION:
        nm_buf_printf(out, "%c and %c changed places", c, meant[slip->meant_at + 1]);
        break;
    case NM_TECHNIQUE_KEY:
        nm_buf_printf(out, "a neighbouring key was hit instead of %c", c);
        break;
    case NM_TECHNIQUE_SUBSTITUTION:
        nm_buf_printf(out, "another character stands for %c", c);
        break;
    case NM_TECHNIQUE_GLYPH:
        nm_buf_puts(out, "characters look alike");
        break;
    case NM_TECHNIQUE_DOT:
        nm_buf_puts(out, "a dot is missing, extra or moved");
        break;
    case NM_TECHNIQUE_HYPHEN:
        nm_buf_puts(out, "a hyphen is missing or extra");
        break;
    case NM_TECHNIQUE_SUFFIX:
        nm_buf_puts(out, "another suffix");
        break;
    default:
        nm_buf_puts(out, nm_technique_name(slip->technique));
        break;
    }
    if (slip->in_suffix && slip->technique != NM_TECHNIQUE_SUFFIX)
        nm_buf_puts(out, " in the suffix");
}

void nm_candidate_describe(const struct nm_candidate *candidate, struct nm_buf *out)
{
    for (size_t i = 0; i < candidate->slip_count; i++) {
        if (i > 0)
            nm_buf_puts(out, "; ");
        describe_slip(&candidate->slips[i], candidate->target.name, out);
    }
}
