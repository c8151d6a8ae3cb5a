#include "pattern.h"

#include <nearmiss/base.h>

#include <string.h>

/*
 * The usual two-pointer match: on a mismatch, go back to the last star and let it take
 * one byte more. Only the last star is ever tried again, hence the bound.
 */
bool nm_glob(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern == '?' ||
                   nm_ascii_lower(*pattern) == nm_ascii_lower(*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool nm_glob_address(const char *pattern, const char *address)
{
    const char *at = strrchr(address, '@');

    if (strcmp(pattern, "<>") == 0)
        return *address == '\0';
    if (*address == '\0')
        return false;
    if (strchr(pattern, '@') != NULL)
        return nm_glob(pattern, address);
    return at != NULL && nm_glob(pattern, at + 1);
}
