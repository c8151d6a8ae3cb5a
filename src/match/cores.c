#include "cores.h"

void nm_core_forms_init(const struct nm_hash_powers *powers, const char *label,
    size_t length, struct nm_core_forms *out)
{
    uint64_t tail = 0; /* T[i + 1] */

    out->label = label;
    out->length = length;
    for (size_t i = length; i-- > 0;) {
        const uint64_t next = nm_hash_value(label[i]) + NM_HASH_BASE * tail;

        out->first[i] = powers->power[i] * (next - tail);
        out->second[i] = i > 0 ? powers->power[i - 1] * (next - tail) : 0;
        tail = next;
    }
    out->whole = tail;
}

size_t nm_core_forms_without(
    const struct nm_core_forms *forms, size_t a, uint64_t out[NM_CORE_BYTES_MAX])
{
    const uint64_t one = forms->whole - forms->first[a];
    size_t count = 0;

    if (nm_core_is_pair(forms, a))
        return 0;
    out[count++] = one;
    for (size_t b = a + 1; b < forms->length; b++)
        if (b == a + 1 || !nm_core_is_pair(forms, b))
            out[count++] = one - forms->second[b];
    return count;
}
