#include "stored.h"

#include <string.h>

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 bytes that a name may have; tells whether one is an A-label. */
static bool check_labels(const char *name, size_t length, bool *idn)
{
    size_t label = 0;

    *idn = false;
    for (size_t i = 0; i <= length; i++) {
        const size_t size = i - label;

        if (i < length && name[i] != '.') {
            if (!is_name_byte(name[i]))
                return false;
            continue;
        }
        if (size == 0 || size > NM_LABEL_MAX)
            return false;
        if (size >= 4 && memcmp(name + label, "xn--", 4) == 0)
            *idn = true;
        label = i + 1;
    }
    return true;
}

bool nm_stored_domain(sqlite3_stmt *row, int column, struct nm_domain *out)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    const int length = sqlite3_column_bytes(row, column);

    if (text == NULL || length < 1 || length > NM_DOMAIN_MAX ||
        !check_labels(text, (size_t)length, &out->idn))
        return false;
    out->length = (uint8_t)length;
    memcpy(out->name, text, (size_t)length);
    out->name[length] = '\0';
    return true;
}
