#include "rules.h"

#include "embedded.h"

#include <base/filter.h>

#include <stdlib.h>
#include <string.h>

enum {
    LABEL_BYTES = sizeof(uint64_t), /* of a last label that is kept, in a number */
    LABELS_SLOTS = 4096             /* for at most a third as many */
};

/* What a rule says of the name that it names; mixed into its key. */
enum kind {
    IS_SUFFIX,
    ABOVE_SUFFIXES /* all names one label below it are, by a wildcard */
};

struct nm_rules {
    struct nm_filter filter;
    uint64_t labels[LABELS_SLOTS]; /* open-addressed; 0 in a free one */
};

/* ---- hashes ------------------------------------------------------------- */

/* Of a name from right to left: one character more before it. */
static uint64_t extend(uint64_t hash, char c)
{
    return (hash ^ (uint8_t)c) * 0x9e3779b97f4a7c15ULL;
}

static uint64_t key_of(enum kind kind, uint64_t hash)
{
    return nm_hash_spread(hash + (uint64_t)kind);
}

static uint64_t number_of(const char *label, size_t length)
{
    uint64_t number = 0;

    memcpy(&number, label, length);
    return number;
}

static size_t slot_of(const struct nm_rules *rules, uint64_t number)
{
    size_t slot = nm_hash_spread(number * 0x9e3779b97f4a7c15ULL) % LABELS_SLOTS;

    while (rules->labels[slot] != 0 && rules->labels[slot] != number)
        slot = (slot + 1) % LABELS_SLOTS;
    return slot;
}

/* ---- making ------------------------------------------------------------- */

/* The rules in a text are its lines, up to a blank. */
struct reader {
    const char *next;
    const char *end;
};

static size_t next_rule(struct reader *reader, const char **rule)
{
    size_t length = 0;

    while (length == 0 && reader->next < reader->end) {
        const char *line = reader->next;

        while (line + length < reader->end && (uint8_t)line[length] > ' ')
            length++;
        *rule = line;
        reader->next = memchr(line, '\n', (size_t)(reader->end - line));
        reader->next = reader->next != NULL ? reader->next + 1 : reader->end;
    }
    return length;
}

/* Whether the text is the list that libpsl holds: of the same SHA-1, and all of it there. */
static bool is_same_list(
    const psl_ctx_t *suffixes, const struct nm_embedded *text, struct reader *rules)
{
    struct reader reader = {text->bytes, text->bytes + text->length};
    const char *sha1 = psl_builtin_sha1sum();
    const char *rule;
    size_t length = next_rule(&reader, &rule);
    int count = 0;

    if (suffixes != psl_builtin() || sha1 == NULL || length == 0 ||
        strlen(sha1) != length || memcmp(sha1, rule, length) != 0)
        return false;
    *rules = reader;
    while (next_rule(&reader, &rule) > 0)
        count += *rule != '!';
    return count == psl_suffix_count(suffixes);
}

static void keep_label(struct nm_rules *rules, const psl_ctx_t *suffixes,
    const char *text, size_t length, size_t *kept)
{
    char label[LABEL_BYTES + 1] = "";

    if (length > LABEL_BYTES || *kept == LABELS_SLOTS / 2 ||
        memchr(text, '.', length) != NULL)
        return;
    memcpy(label, text, length);
    if (psl_is_public_suffix2(suffixes, label, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE)) {
        const uint64_t number = number_of(label, length);

        rules->labels[slot_of(rules, number)] = number;
        ++*kept;
    }
}

/* An exception says of a name what the wildcard beside it does: that libpsl knows. A rule
 * in U-labels is for names that libpsl is always asked about. The last label of each rule
 * goes in besides, so that nothing need be asked about what lies under any other. */
static void add_rule(struct nm_rules *rules, const char *text, size_t length)
{
    const bool is_wildcard = length > 2 && text[0] == '*' && text[1] == '.';
    const size_t start = is_wildcard ? 2 : text[0] == '!';
    uint64_t hash = 0;

    for (size_t at = length; at-- > start;) {
        if (text[at] == '.' && memchr(text + at + 1, '.', length - at - 1) == NULL)
            nm_filter_add(&rules->filter, key_of(IS_SUFFIX, hash));
        hash = extend(hash, nm_ascii_lower(text[at]));
    }
    nm_filter_add(&rules->filter, key_of(IS_SUFFIX, hash));
    if (is_wildcard)
        nm_filter_add(&rules->filter, key_of(ABOVE_SUFFIXES, hash));
}

static enum nm_code read_rules(
    struct nm_rules *rules, const psl_ctx_t *suffixes, struct reader reader)
{
    const struct reader start = reader;
    size_t count = 0;
    size_t kept = 0;
    const char *rule;
    size_t length;

    while (next_rule(&reader, &rule) > 0)
        count += *rule == '*' ? 2 : 1;
    if (!nm_filter_init(&rules->filter, count))
        return NM_NO_MEMORY;
    reader = start;
    while ((length = next_rule(&reader, &rule)) > 0) {
        add_rule(rules, rule, length);
        keep_label(rules, suffixes, rule, length, &kept);
    }
    return NM_OK;
}

enum nm_code nm_rules_new(const psl_ctx_t *suffixes, struct nm_rules **out)
{
    struct nm_rules *rules;
    struct reader reader;
    enum nm_code code;

    *out = NULL;
    if (!is_same_list(suffixes, &nm_address_embedded[0], &reader))
        return NM_OK;
    rules = calloc(1, sizeof *rules);
    if (rules == NULL)
        return NM_NO_MEMORY;
    code = read_rules(rules, suffixes, reader);
    if (code != NM_OK)
        nm_rules_free(&rules);
    *out = rules;
    return code;
}

void nm_rules_free(struct nm_rules **rules)
{
    if (*rules == NULL)
        return;
    nm_filter_free(&(*rules)->filter);
    free(*rules);
    *rules = NULL;
}

/* ---- asking ------------------------------------------------------------- */

/* Of the last label. */
static enum nm_rule_word word_of_label(
    const struct nm_rules *rules, const char *label, size_t length, uint64_t hash)
{
    if (length <= LABEL_BYTES) {
        const uint64_t number = number_of(label, length);

        if (rules->labels[slot_of(rules, number)] == number)
            return NM_RULE_YES;
    }
    return nm_filter_may_have(&rules->filter, key_of(IS_SUFFIX, hash)) ? NM_RULE_ASK
                                                                       : NM_RULE_NO;
}

/* Of a longer tail; `above` is the hash of what is behind its first label. */
static enum nm_rule_word word_of_tail(
    const struct nm_rules *rules, uint64_t hash, uint64_t above)
{
    return nm_filter_may_have(&rules->filter, key_of(IS_SUFFIX, hash)) ||
                   nm_filter_may_have(&rules->filter, key_of(ABOVE_SUFFIXES, above))
               ? NM_RULE_ASK
               : NM_RULE_NO;
}

size_t nm_rules_tails(const struct nm_rules *rules, const struct nm_domain *domain,
    struct nm_tail out[NM_SPLIT_TAILS_MAX])
{
    const bool is_told = rules != NULL && !domain->idn;
    const char *name = domain->name;
    size_t count = 0;
    uint64_t hash = 0;
    uint64_t above = 0;

    for (size_t at = domain->length; at > 0 && count < NM_SPLIT_TAILS_MAX;) {
        at--;
        hash = extend(hash, name[at]);
        if (at > 0 && name[at - 1] != '.')
            continue;
        out[count].at = at;
        if (!is_told)
            out[count].word = NM_RULE_ASK;
        else if (count == 0)
            out[count].word =
                word_of_label(rules, name + at, domain->length - at, hash);
        else if (out[0].word == NM_RULE_NO)
            out[count].word = NM_RULE_NO;
        else
            out[count].word = word_of_tail(rules, hash, above);
        count++;
        above = hash;
        if (at > 0)
            hash = extend(hash, name[--at]);
    }
    return count;
}
