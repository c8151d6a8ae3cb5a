#include "cores.h"

/* Whether the character at `at` is left out as well as the one before it: of a pair,
 * either gives the same form. */
static bool is_pair(const char *label, size_t at)
{
    return at > 0 && label[at] == label[at - 1];
}

size_t nm_core_forms(const struct nm_hash_powers *powers, const char *label,
    size_t length, uint64_t out[NM_CORE_FORMS_MAX])
{
    const size_t end = length < NM_CORE_BYTES_MAX ? length : NM_CORE_BYTES_MAX;
    uint64_t differences[NM_CORE_BYTES_MAX]; /* T[i] - T[i + 1] */
    uint64_t whole = 0;
    size_t count = 0;

    for (size_t i = end; i-- > 0;) {
        const uint64_t longer = nm_hash_value(label[i]) + NM_HASH_BASE * whole;

        differences[i] = longer - whole;
        whole = longer;
    }
    out[count++] = whole;
    for (size_t a = 0; a < end; a++) {
        const uint64_t one = whole - powers->power[a] * differences[a];

        if (is_pair(label, a))
            continue;
        out[count++] = one;
        for (size_t b = a + 1; b < end; b++)
            if (b == a + 1 || !is_pair(label, b))
                out[count++] = one - powers->power[b - 1] * differences[b];
    }
    return count;
}
