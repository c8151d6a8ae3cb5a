/*
 * A scanner that knows of libconfig's syntax just what is needed: braces nest, and within
 * strings and comments they do not count.
 */
#include "rule_text.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

struct scan {
    const char *config;
    const char *at;
    const char *open[DEPTH_MAX]; /* the braces that are open */
    size_t depth;                /* of them; those deeper than DEPTH_MAX are not kept */
    size_t named; /* the depth of the group that has the name; 0 for none yet */
};

static const char *skip_comment(const char *at)
{
    const char *end = NULL;

    if (at[0] == '#' || (at[0] == '/' && at[1] == '/'))
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return NULL;
    end = strstr(at + 2, "*/");
    return end != NULL ? end + 2 : at + strlen(at);
}

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

static const char *skip_space_back(const char *begin, const char *at)
{
    while (at > begin && isspace((unsigned char)at[-1]))
        at--;
    return at;
}

/* Whether `name =` or `name :` stands before `at`. */
static bool is_value_of_name(const char *begin, const char *at)
{
    static const char key[] = "name";
    const size_t length = sizeof key - 1;

    at = skip_space_back(begin, at);
    if (at == begin || (at[-1] != '=' && at[-1] != ':'))
        return false;
    at = skip_space_back(begin, at - 1);
    return (size_t)(at - begin) > length && memcmp(at - length, key, length) == 0 &&
           strchr("{;, \t\r\n", at[-(ptrdiff_t)length - 1]) != NULL;
}

static void take_string(struct scan *scan, const char *name)
{
    const char *end = skip_string(scan->at);
    const size_t length = strlen(name);

    if (scan->depth > 0 && scan->depth <= DEPTH_MAX &&
        (size_t)(end - scan->at) == length + 2 &&
        memcmp(scan->at + 1, name, length) == 0 &&
        is_value_of_name(scan->config, scan->at))
        scan->named = scan->depth;
    scan->at = end;
}

/* True at the end of the group that has the name. */
static bool take_brace(struct scan *scan)
{
    const char brace = *scan->at++;

    if (brace == '{') {
        if (scan->depth < DEPTH_MAX)
            scan->open[scan->depth] = scan->at - 1;
        scan->depth++;
        return false;
    }
    if (scan->depth == 0)
        return false;
    return scan->depth-- == scan->named;
}

bool nm_rule_text(
    const char *config, const char *name, const char **out, size_t *length)
{
    struct scan scan = {.config = config, .at = config};

    while (*scan.at != '\0') {
        const char *behind = skip_comment(scan.at);

        if (behind != NULL) {
            scan.at = behind;
        } else if (*scan.at == '"') {
            take_string(&scan, name);
        } else if (*scan.at != '{' && *scan.at != '}') {
            scan.at++;
        } else if (take_brace(&scan)) {
            *out = scan.open[scan.depth];
            *length = (size_t)(scan.at - *out);
            return true;
        }
    }
    return false;
}
