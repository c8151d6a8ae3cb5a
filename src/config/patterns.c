#include "patterns.h"

#include "base/lines.h"

#include <stdlib.h>
#include <string.h>

/* A list of patterns that grows. */
struct gathering {
    struct nm_config *config;
    const struct nm_rule_spec *rule; /* whom complaints name */
    enum nm_rule_key key;
    const char **texts;
    size_t count;
    size_t room;
};

/* The list of a spec that a key gives, and its length. */
static const char *const **list_of(
    struct nm_rule_spec *spec, enum nm_rule_key key, size_t **count)
{
    switch (key) {
    case NM_RULE_TARGET:
        *count = &spec->target_count;
        return &spec->targets;
    case NM_RULE_DOMAIN:
        *count = &spec->domain_count;
        return &spec->domains;
    case NM_RULE_SENDER:
        *count = &spec->sender_count;
        return &spec->senders;
    case NM_RULE_RECIPIENT:
        *count = &spec->recipient_count;
        return &spec->recipients;
    case NM_RULE_AUTH:
        *count = &spec->auth_count;
        return &spec->auths;
    default:
        *count = &spec->network_count;
        return &spec->networks;
    }
}

static enum nm_code gather(struct gathering *gathering, const char *text)
{
    if (gathering->count == gathering->room) {
        const size_t grown = 2 * gathering->room + 16;
        const char **moved =
            realloc(gathering->texts, grown * sizeof *gathering->texts);

        if (moved == NULL)
            return NM_NO_MEMORY;
        gathering->texts = moved;
        gathering->room = grown;
    }
    gathering->texts[gathering->count++] = text;
    return NM_OK;
}

/* ---- files -------------------------------------------------------------- */

/* A pattern of the file, checked as if the rule had nothing but it. */
static enum nm_code gather_line(
    struct gathering *gathering, const char *file, const struct nm_line *line)
{
    struct nm_config *config = gathering->config;
    struct nm_rule_spec alone = {.name = gathering->rule->name,
        .file = file,
        .line = line->number,
        .confidence = -1,
        .action = NM_ACTION_ACCEPT};
    struct nm_error error = {.code = NM_OK};
    const char *pattern;
    size_t *count;

    if (line->length > NM_LIST_LINE_MAX ||
        memchr(line->text, '\0', line->length) != NULL) {
        nm_complain(config->complaints, file, line->number,
            "the line has a NUL, or more than %d bytes", NM_LIST_LINE_MAX);
        return NM_OK;
    }
    pattern = nm_arena_copy(config->arena, line->text, line->length);
    if (pattern == NULL)
        return NM_NO_MEMORY;
    if (strpbrk(pattern, " \t") != NULL) {
        nm_complain(config->complaints, file, line->number,
            "%s: a line has one pattern", nm_quote_text(pattern).text);
        return NM_OK;
    }
    *list_of(&alone, gathering->key, &count) = &pattern;
    *count = 1;
    if (nm_rule_check(&alone, &error) == NM_OK)
        return gather(gathering, pattern);
    nm_complain(config->complaints, file, line->number, "%s", error.message);
    return NM_OK;
}

static enum nm_code gather_text(
    struct gathering *gathering, const char *file, const char *text, size_t length)
{
    struct nm_text_lines lines = nm_text_lines(text, length);
    struct nm_line line;
    enum nm_code code = NM_OK;

    while (code == NM_OK && nm_text_lines_next(&lines, &line)) {
        nm_line_cut_comment(&line, NM_COMMENT_BEHIND_BLANK);
        nm_line_trim(&line);
        if (line.length > 0)
            code = gather_line(gathering, file, &line);
    }
    return code;
}

static enum nm_code gather_file(struct gathering *gathering, const char *given)
{
    struct nm_config *config = gathering->config;
    const struct nm_rule_spec *rule = gathering->rule;
    const char *path = nm_path_below(config->arena, config->folder, given);
    const size_t before = gathering->count;
    const size_t errors = config->complaints->errors;
    struct nm_error error;
    char *text = NULL;
    size_t length = 0;
    enum nm_code code;

    if (path == NULL)
        return NM_NO_MEMORY;
    code = nm_file_read(path, NM_LIST_BYTES_MAX, &text, &length, &error);
    if (code == NM_BAD_INPUT) {
        nm_complain(config->complaints, rule->file, rule->line, "rule %s: %s: %s: %s",
            nm_quote_text(rule->name).text, nm_rule_keys[gathering->key].path,
            nm_quote_text(path).text, error.message);
        return NM_OK;
    }
    if (code != NM_OK)
        return code;
    nm_digest_add(&config->digest, text, length);
    code = gather_text(gathering, path, text, length);
    free(text);
    if (code == NM_OK && gathering->count == before &&
        config->complaints->errors == errors)
        nm_warn(config->complaints, path, 0,
            "the list is empty; rule %s has nothing to look for in it",
            nm_quote_text(rule->name).text);
    return code;
}

/* ---- rules -------------------------------------------------------------- */

/* What nothing fits, so that a list of empty files does not ask for anything at all: the
 * unspecified address, which no client has (RFC 4291, 2.5.2), or a line's end. */
static const char *nothing(enum nm_rule_key key)
{
    return key == NM_RULE_CLIENT ? "::" : "\n";
}

static enum nm_code expand_list(struct nm_config *config,
    const struct nm_rule_spec *rule, enum nm_rule_key key, struct nm_rule_spec *spec)
{
    struct gathering gathering = {.config = config, .rule = rule, .key = key};
    size_t *count;
    const char *const **list = list_of(spec, key, &count);
    enum nm_code code = NM_OK;
    bool has_file = false;
    const char **texts;

    for (size_t i = 0; i < *count; i++)
        has_file = has_file || nm_option_file(&nm_rule_keys[key], (*list)[i]) != NULL;
    if (!has_file)
        return NM_OK;
    for (size_t i = 0; code == NM_OK && i < *count; i++) {
        const char *file = nm_option_file(&nm_rule_keys[key], (*list)[i]);

        code = file != NULL ? gather_file(&gathering, file)
                            : gather(&gathering, (*list)[i]);
    }
    if (code == NM_OK && gathering.count == 0)
        code = gather(&gathering, nothing(key));
    texts = code == NM_OK
                ? nm_arena_alloc(config->arena, gathering.count * sizeof *texts)
                : NULL;
    if (texts != NULL) {
        memcpy(texts, gathering.texts, gathering.count * sizeof *texts);
        *list = texts;
        *count = gathering.count;
    }
    free(gathering.texts);
    return texts != NULL ? NM_OK : NM_NO_MEMORY;
}

static enum nm_code expand_conditions(struct nm_config *config,
    const struct nm_rule_spec *rule, struct nm_rule_spec *spec)
{
    static const enum nm_rule_key keys[] = {NM_RULE_TARGET, NM_RULE_DOMAIN,
        NM_RULE_SENDER, NM_RULE_RECIPIENT, NM_RULE_AUTH, NM_RULE_CLIENT};
    enum nm_code code = NM_OK;

    for (size_t i = 0; code == NM_OK && i < NM_COUNT(keys); i++)
        code = expand_list(config, rule, keys[i], spec);
    return code;
}

enum nm_code nm_config_expand_rule(struct nm_config *config,
    const struct nm_rule_spec *given, struct nm_rule_spec *out)
{
    struct nm_rule_spec *unless = NULL;
    enum nm_code code;

    *out = *given;
    code = expand_conditions(config, given, out);
    if (code != NM_OK || given->unless_count == 0)
        return code;
    unless = nm_arena_alloc(config->arena, given->unless_count * sizeof *unless);
    if (unless == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; code == NM_OK && i < given->unless_count; i++) {
        unless[i] = given->unless[i];
        code = expand_conditions(config, given, &unless[i]);
    }
    out->unless = unless;
    return code;
}
