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
        return NM_SLIP_HYPHEN;
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
