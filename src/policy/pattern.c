#include "pattern.h"

#include <stdlib.h>
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

/* ---- sets --------------------------------------------------------------- */

static int compare_nocase(const char *a, const char *b)
{
    while (*a != '\0' && nm_ascii_lower(*a) == nm_ascii_lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)nm_ascii_lower(*a) - (unsigned char)nm_ascii_lower(*b);
}

static int compare_exact(const void *a, const void *b)
{
    return compare_nocase(*(const char *const *)a, *(const char *const *)b);
}

bool nm_patterns_new(struct nm_arena *arena, const char *const *texts, size_t count,
    struct nm_patterns *out)
{
    *out = (struct nm_patterns){.count = count};
    if (count == 0)
        return true;
    out->exact = nm_arena_alloc(arena, count * sizeof *out->exact);
    out->globs = nm_arena_alloc(arena, count * sizeof *out->globs);
    if (out->exact == NULL || out->globs == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *text = nm_arena_copy(arena, texts[i], strlen(texts[i]));

        if (text == NULL)
            return false;
        if (strpbrk(text, "*?") != NULL)
            out->globs[out->glob_count++] = text;
        else
            out->exact[out->exact_count++] = text;
    }
    qsort(out->exact, out->exact_count, sizeof *out->exact, compare_exact);
    return true;
}

bool nm_patterns_new_addresses(struct nm_arena *arena, const char *const *texts,
    size_t count, struct nm_patterns *out)
{
    const char **bare = nm_arena_alloc(arena, (count + 1) * sizeof *bare);

    if (bare == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        bare[i] = texts[i][0] == '@' && strchr(texts[i] + 1, '@') == NULL ? texts[i] + 1
                                                                          : texts[i];
    return nm_patterns_new(arena, bare, count, out);
}

static bool has_exact(const struct nm_patterns *patterns, const char *text)
{
    return patterns->exact_count > 0 &&
           bsearch(&text, patterns->exact, patterns->exact_count,
               sizeof *patterns->exact, compare_exact) != NULL;
}

bool nm_patterns_fit(const struct nm_patterns *patterns, const char *text)
{
    if (patterns->count == 0 || has_exact(patterns, text))
        return true;
    for (size_t i = 0; i < patterns->glob_count; i++) {
        if (nm_glob(patterns->globs[i], text))
            return true;
    }
    return false;
}

bool nm_patterns_fit_address(const struct nm_patterns *patterns, const char *address)
{
    const char *at = strrchr(address, '@');

    if (patterns->count == 0 || (*address == '\0' && has_exact(patterns, "<>")))
        return true;
    if (at != NULL && (has_exact(patterns, address) || has_exact(patterns, at + 1)))
        return true;
    for (size_t i = 0; i < patterns->glob_count; i++) {
        if (nm_glob_address(patterns->globs[i], address))
            return true;
    }
    return false;
}

bool nm_patterns_fit_domain(const struct nm_patterns *patterns, const char *domain)
{
    if (patterns->count == 0 || has_exact(patterns, domain))
        return true;
    for (size_t i = 0; i < patterns->glob_count; i++) {
        if (strchr(patterns->globs[i], '@') == NULL &&
            nm_glob(patterns->globs[i], domain))
            return true;
    }
    return false;
}
