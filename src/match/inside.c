/*
 * A known name inside another:
 *
 *   embedded  suffix and all, with more behind it (`army-mil.com`, `army.mil.example.net`,
 *             `armymil-mail.example`, `firmcom.com`)
 *   glued     behind a host's usual name without its dot (`wwwarmy.mil`)
 */
#include "search.h"

#include <string.h>

enum {
    TOKENS_MAX = 24,       /* of a typed name, between dots and hyphens */
    SPAN_TOKENS_MAX = 6,   /* of a known name inside another */
    EMBEDDED_BYTES_MIN = 6 /* of it, without dots and hyphens: `x.com` is everywhere */
};

static bool is_separator(char c)
{
    return c == '.' || c == '-';
}

/* ---- embedded ----------------------------------------------------------- */

struct tokens {
    size_t count;
    uint8_t start[TOKENS_MAX];
    uint8_t end[TOKENS_MAX];
};

static void find_tokens(const struct nm_domain *typed, struct tokens *tokens)
{
    size_t start = 0;

    tokens->count = 0;
    for (size_t at = 0; at <= typed->length && tokens->count < TOKENS_MAX; at++) {
        if (at < typed->length && !is_separator(typed->name[at]))
            continue;
        if (at > start) {
            tokens->start[tokens->count] = (uint8_t)start;
            tokens->end[tokens->count++] = (uint8_t)at;
        }
        start = at + 1;
    }
}

/* How many of the typed bytes are the listed name, a hyphen as good as a dot, and either
 * all of its dots and hyphens there or none; 0 if they are not. */
static size_t match_name(const char *typed, const char *meant, size_t meant_length)
{
    bool kept = false;
    bool left_out = false;
    size_t t = 0;

    for (size_t m = 0; m < meant_length; m++)
        if (typed[t] == meant[m] || (typed[t] == '-' && meant[m] == '.')) {
            kept = kept || is_separator(meant[m]);
            t++;
        } else if (is_separator(meant[m])) {
            left_out = true;
        } else {
            return 0;
        }
    return kept && left_out ? 0 : t;
}

/* Without its dots a name may be any word; it takes a hyphen beside it, or labels enough
 * behind it, to make it one that is imitated: `armymil-mail.example`. */
static bool stands_out(const char *typed, size_t start, const char *rest)
{
    const char *dot = strchr(rest + 1, '.');

    return rest[0] == '-' || (start > 0 && typed[start - 1] == '-') || dot != NULL;
}

/* Its suffix behind its suffix. */
static bool is_suffix_twice(
    const struct nm_query *query, const struct nm_name *name, const char *rest)
{
    return rest[0] == '.' &&
           strcmp(rest + 1, nm_name_text(query->index, name) + name->suffix) == 0;
}

/* Whether both have one registrable part: what its owner calls a host imitates nobody. */
static bool is_of_same_owner(const struct nm_query *query, const struct nm_name *name)
{
    const size_t at = query->parts.registrable;
    const size_t length = (size_t)name->length - name->registrable;

    return query->typed->length - at == length &&
           memcmp(query->typed->name + at,
               nm_name_text(query->index, name) + name->registrable, length) == 0;
}

/* A listed name may stand behind `start` bytes, where all but the last of its labels is
 * followed by a dot or a hyphen. A single label behind it all is taken for a suffix added:
 * `army.mil.us`. */
static void try_embedded(
    const struct nm_query *query, uint32_t at, size_t start, struct nm_findings *found)
{
    const struct nm_name *name = &query->index->names[at];
    const char *meant = nm_name_text(query->index, name);
    const char *typed = query->typed->name;
    const size_t length = match_name(typed + start, meant, name->length);
    const char *rest = typed + start + length;
    /* `mail.army.mil.example`: mail.army.mil; `mail-army.mil.example`: army.mil. */
    const size_t kept = start > 0 && typed[start - 1] == '.' ? start : 0;
    struct nm_slip slip = {.typed_length = (uint8_t)(query->typed->length - kept),
        .meant_length = name->length};
    const bool is_bare = length < name->length;
    const bool is_twice = is_bare && is_suffix_twice(query, name, rest);
    struct nm_finding *finding;

    if (name->registrable >= name->suffix || length == 0 || !is_separator(rest[0]) ||
        (is_bare && !is_twice && !stands_out(typed, start, rest)) ||
        is_of_same_owner(query, name))
        return;
    if (rest[0] == '.' && strchr(rest + 1, '.') == NULL && kept == start &&
        length == name->length && memcmp(typed + start, meant, length) == 0) {
        nm_keep_suffix(query, at, kept, kept + name->suffix, name->suffix,
            NM_SUFFIX_LONGER, found);
        return;
    }
    finding = nm_findings_claim(query, found, at, kept);
    if (finding == NULL)
        return;
    (void)nm_finding_add(
        query, finding, is_twice ? NM_SLIP_GLUED_SUFFIX : NM_SLIP_EMBEDDED, &slip);
    nm_findings_keep(query, found, finding);
}

/* Something must follow: what a name ends in is its own suffix. */
static void search_embedded(const struct nm_query *query, struct nm_findings *found)
{
    const struct nm_hash_powers *powers = &query->index->powers;
    struct tokens tokens;

    find_tokens(query->typed, &tokens);
    for (size_t i = 0; i < tokens.count; i++) {
        const size_t start = tokens.start[i];
        uint64_t bare = 0;
        size_t bytes = 0;

        for (size_t j = i; j < tokens.count && j < i + SPAN_TOKENS_MAX; j++) {
            const size_t end = tokens.end[j];

            bare += powers->power[bytes] *
                    nm_hash_part(powers, &query->tails, tokens.start[j], end);
            bytes += end - tokens.start[j];
            if (end < query->typed->length && end - start >= EMBEDDED_BYTES_MIN + j - i)
                nm_look_up(
                    query, nm_key(NM_KEY_BARE, bare), start, try_embedded, found);
        }
    }
}

/* ---- glued -------------------------------------------------------------- */

struct host {
    const char *name;
    size_t length;
    enum nm_slip_kind kind;
};

/* `host` before a listed name, with a hyphen or without: `www-army.mil`. */
static void try_glued(const struct nm_query *query, const struct host *host,
    size_t start, struct nm_findings *found)
{
    const struct nm_domain *typed = query->typed;
    struct nm_slip slip = {.typed_at = 0};
    struct nm_finding *finding;
    size_t at = start + host->length;
    uint32_t name;

    if (at >= typed->length ||
        memcmp(typed->name + start, host->name, host->length) != 0)
        return;
    at += typed->name[at] == '-';
    name = nm_index_find(
        query->index, query->tails.tail[at], typed->name + at, typed->length - at);
    finding = name != NM_NO_NAME ? nm_findings_claim(query, found, name, start) : NULL;
    if (finding == NULL)
        return;
    slip.typed_length = (uint8_t)(at - start);
    (void)nm_finding_add(query, finding, host->kind, &slip);
    nm_findings_keep(query, found, finding);
}

static void search_glued(const struct nm_query *query, struct nm_findings *found)
{
    static const struct host hosts[] = {{"www", 3, NM_SLIP_GLUED},
        {"smtp", 4, NM_SLIP_GLUED}, {"mail", 4, NM_SLIP_GLUED_MAIL},
        {"webmail", 7, NM_SLIP_GLUED_MAIL}};
    const size_t start =
        query->parts.registrable < query->typed->length ? query->parts.registrable : 0;

    for (size_t i = 0; i < NM_COUNT(hosts); i++)
        try_glued(query, &hosts[i], start, found);
}

void nm_search_inside(const struct nm_query *query, struct nm_findings *found)
{
    search_glued(query, found);
    search_embedded(query, found);
}
