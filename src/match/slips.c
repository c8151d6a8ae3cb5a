/*
 * Two names are laid side by side: what they have in common at the front and at the back
 * leaves the middle, where the slip is. Of several places that explain a slip equally
 * (`armmy`: either m), the last is taken, since the front is measured first.
 */
#include "slips.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* A character `c` left out of, or put into, `text` at `at`, where text[at] == c. */
static enum nm_slip_kind kind_of_extra(const struct nm_tables *tables, const char *text,
    size_t length, size_t at, bool inserted)
{
    const char c = text[at];
    const char before = at > 0 ? text[at - 1] : '\0';
    const char after = at + 1 < length ? text[at + 1] : '\0';

    if (c == '.')
        return NM_SLIP_DOT;
    if (c == '-')
        return inserted ? NM_SLIP_HYPHEN_EXTRA : NM_SLIP_HYPHEN;
    if (c == before || c == after)
        return inserted ? NM_SLIP_DOUBLING : NM_SLIP_UNDOUBLING;
    if (is_digit(c))
        return inserted ? NM_SLIP_INSERTION_DIGIT : NM_SLIP_OMISSION_DIGIT;
    if (!inserted)
        return NM_SLIP_OMISSION;
    return nm_tables_keys_are_near(tables, c, before) ||
                   nm_tables_keys_are_near(tables, c, after)
               ? NM_SLIP_INSERTION_KEY
               : NM_SLIP_INSERTION;
}

static enum nm_slip_kind kind_of_change(
    const struct nm_tables *tables, char typed, char meant)
{
    bool swapped;

    if (typed == '.' || meant == '.')
        return NM_SLIP_DOT_OTHER;
    if (typed == '-' || meant == '-')
        return NM_SLIP_SUBSTITUTION;
    if (nm_tables_glyph(tables, &typed, 1, &meant, 1, &swapped) != NULL)
        return NM_SLIP_GLYPH;
    if (is_digit(typed) && is_digit(meant))
        return NM_SLIP_DIGIT;
    if (is_digit(typed) || is_digit(meant))
        return NM_SLIP_LETTER_DIGIT;
    if (nm_tables_keys_are_near(tables, typed, meant))
        return NM_SLIP_KEY;
    if (is_vowel(typed) && is_vowel(meant))
        return NM_SLIP_VOWEL;
    return NM_SLIP_SUBSTITUTION;
}

static enum nm_slip_kind kind_of_exchange(char a, char b)
{
    if (a == '.' || b == '.')
        return NM_SLIP_DOT;
    if (a == '-' || b == '-')
        return NM_SLIP_HYPHEN;
    return NM_SLIP_TRANSPOSITION;
}

/* What is left between the common front and the common back: `typed_length` and
 * `meant_length` bytes from `at` on. */
static bool kind_of_middle(const struct nm_tables *tables, const char *typed,
    size_t typed_length, const char *meant, size_t meant_length, size_t at,
    size_t typed_left, size_t meant_left, enum nm_slip_kind *kind)
{
    if (typed_left == 1 && meant_left == 0)
        *kind = kind_of_extra(tables, typed, typed_length, at, true);
    else if (typed_left == 0 && meant_left == 1)
        *kind = kind_of_extra(tables, meant, meant_length, at, false);
    else if (typed_left == 1 && meant_left == 1)
        *kind = kind_of_change(tables, typed[at], meant[at]);
    else if (typed_left == 2 && meant_left == 2 && typed[at] == meant[at + 1] &&
             typed[at + 1] == meant[at])
        *kind = kind_of_exchange(typed[at], typed[at + 1]);
    else
        return false;
    return true;
}

bool nm_slip_between(const struct nm_tables *tables, const char *typed,
    size_t typed_length, const char *meant, size_t meant_length, struct nm_slip *slip,
    enum nm_slip_kind *kind)
{
    const size_t shorter = typed_length < meant_length ? typed_length : meant_length;
    size_t front = 0;
    size_t back = 0;

    while (front < shorter && typed[front] == meant[front])
        front++;
    while (back < shorter - front &&
           typed[typed_length - 1 - back] == meant[meant_length - 1 - back])
        back++;
    if (!kind_of_middle(tables, typed, typed_length, meant, meant_length, front,
            typed_length - front - back, meant_length - front - back, kind))
        return false;
    slip->technique = nm_technique_of(*kind);
    slip->typed_at = (uint8_t)front;
    slip->meant_at = (uint8_t)front;
    slip->typed_length = (uint8_t)(typed_length - front - back);
    slip->meant_length = (uint8_t)(meant_length - front - back);
    slip->in_suffix = false;
    return true;
}

/* ---- two ---------------------------------------------------------------- */

/* The slip that stands first when `typed_length` bytes of the one at `at` are laid over
 * `meant_length` of the other. */
static enum nm_slip_kind kind_of_first(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length,
    const struct nm_slip *slip)
{
    const size_t at = slip->typed_at;

    if (slip->typed_length == 2)
        return kind_of_exchange(typed[at], typed[at + 1]);
    if (slip->meant_length == 0)
        return kind_of_extra(tables, typed, typed_length, at, true);
    if (slip->typed_length == 0)
        return kind_of_extra(tables, meant, meant_length, at, false);
    return kind_of_change(tables, typed[at], meant[at]);
}

/* Where the two part one slip must stand, since what they have in common before is best
 * left alone; each kind is tried, and one slip must explain the rest. */
size_t nm_slips_between(const struct nm_tables *tables, const char *typed,
    size_t typed_length, const char *meant, size_t meant_length,
    struct nm_slip slips[2], enum nm_slip_kind kinds[2])
{
    static const uint8_t lengths[][2] = {{2, 2}, {0, 1}, {1, 0}, {1, 1}};
    const size_t shorter = typed_length < meant_length ? typed_length : meant_length;
    size_t front = 0;

    if (nm_slip_between(
            tables, typed, typed_length, meant, meant_length, &slips[0], &kinds[0]))
        return 1;
    while (front < shorter && typed[front] == meant[front])
        front++;
    for (size_t i = 0; i < NM_COUNT(lengths); i++) {
        const size_t typed_at = front + lengths[i][0];
        const size_t meant_at = front + lengths[i][1];

        if (typed_at > typed_length || meant_at > meant_length ||
            (i == 0 && (typed[front] != meant[front + 1] ||
                           typed[front + 1] != meant[front])) ||
            !nm_slip_between(tables, typed + typed_at, typed_length - typed_at,
                meant + meant_at, meant_length - meant_at, &slips[1], &kinds[1]))
            continue;
        slips[1].typed_at = (uint8_t)(slips[1].typed_at + typed_at);
        slips[1].meant_at = (uint8_t)(slips[1].meant_at + meant_at);
        slips[0] = (struct nm_slip){.typed_at = (uint8_t)front,
            .typed_length = lengths[i][0],
            .meant_at = (uint8_t)front,
            .meant_length = lengths[i][1]};
        kinds[0] =
            kind_of_first(tables, typed, typed_length, meant, meant_length, &slips[0]);
        slips[0].technique = nm_technique_of(kinds[0]);
        return 2;
    }
    return 0;
}
