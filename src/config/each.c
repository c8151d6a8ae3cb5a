/* The option table and the rules as values, one after the other, for a printer that is
 * not ours. */
#include "loaded.h"

#include "words.h"

#include <stdlib.h>

struct visiting {
    nm_config_visit *visit;
    void *self;
    struct nm_arena *arena; /* of the texts of one list */
};

static enum nm_config_kind kind_of(enum nm_option_type type)
{
    switch (type) {
    case NM_OPTION_BOOL:
        return NM_CONFIG_BOOL;
    case NM_OPTION_INT:
        return NM_CONFIG_INTEGER;
    case NM_OPTION_REAL:
        return NM_CONFIG_REAL;
    case NM_OPTION_CHOICE:
    case NM_OPTION_TEXT:
    case NM_OPTION_SOCKET:
    case NM_OPTION_PATH:
        return NM_CONFIG_TEXT;
    case NM_OPTION_TEXTS:
    case NM_OPTION_PATHS:
    case NM_OPTION_CHOICES:
        return NM_CONFIG_TEXTS;
    case NM_OPTION_GROUP:
    case NM_OPTION_RULES:
    case NM_OPTION_UNLESS:
        break;
    }
    return NM_CONFIG_RULES;
}

static enum nm_code texts_of(
    struct nm_arena *arena, const struct nm_value *value, struct nm_config_value *out)
{
    const char **texts = nm_arena_alloc(arena, (value->count + 1) * sizeof *texts);

    if (texts == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < value->count; i++)
        texts[i] = value->items[i].text;
    out->texts = texts;
    out->count = value->count;
    return NM_OK;
}

static enum nm_code visit_option(const struct visiting *visiting,
    const struct nm_config *config, const struct nm_option *option,
    const struct nm_value *value)
{
    struct nm_config_value shown = {.path = option->path,
        .kind = kind_of(option->type),
        .number = value->number,
        .text = value->text,
        .count = config != NULL ? config->rule_count : (size_t)NM_DEFAULT_RULE_COUNT};
    char words[NM_HELP_MAX];
    struct nm_buf help;

    nm_buf_init(&help, words, sizeof words);
    nm_option_words(option, &help);
    shown.help = words;
    if (option->type == NM_OPTION_CHOICE)
        shown.text = option->choices->name((int)value->number);
    if (shown.kind == NM_CONFIG_TEXTS &&
        texts_of(visiting->arena, value, &shown) != NM_OK)
        return NM_NO_MEMORY;
    if (config != NULL && value->line != 0) {
        const struct nm_place place = nm_source_place(config->source, value->line);

        shown.file = place.file;
        shown.line = place.line;
    }
    visiting->visit(visiting->self, &shown);
    return NM_OK;
}

enum nm_code nm_config_each(
    const struct nm_config *config, nm_config_visit *visit, void *self)
{
    struct nm_value defaults[NM_OPT_COUNT];
    struct visiting visiting = {visit, self, NULL};
    enum nm_code code = nm_arena_new(NM_CONFIG_BYTES_MAX, &visiting.arena);

    if (code == NM_OK && config == NULL)
        code = nm_values_default(visiting.arena, nm_options, NM_OPT_COUNT, defaults);
    for (size_t i = 0; code == NM_OK && i < NM_OPT_COUNT; i++) {
        if (nm_options[i].type == NM_OPTION_GROUP)
            continue;
        code = visit_option(&visiting, config, &nm_options[i],
            config != NULL ? &config->values[i] : &defaults[i]);
    }
    nm_arena_free(&visiting.arena);
    return code;
}

/* ---- a rule ------------------------------------------------------------- */

static void visit_text(const struct visiting *visiting, enum nm_rule_key key,
    enum nm_config_kind kind, const char *text)
{
    const struct nm_config_value shown = {
        .path = nm_rule_keys[key].path, .kind = kind, .text = text};

    if (text != NULL)
        visiting->visit(visiting->self, &shown);
}

static void visit_texts(const struct visiting *visiting, enum nm_rule_key key,
    const char *const *texts, size_t count)
{
    const struct nm_config_value shown = {.path = nm_rule_keys[key].path,
        .kind = NM_CONFIG_TEXTS,
        .texts = texts,
        .count = count};

    if (count > 0)
        visiting->visit(visiting->self, &shown);
}

static void visit_number(const struct visiting *visiting, enum nm_rule_key key,
    enum nm_config_kind kind, double number)
{
    const struct nm_config_value shown = {
        .path = nm_rule_keys[key].path, .kind = kind, .number = number};

    visiting->visit(visiting->self, &shown);
}

static void visit_trilean(
    const struct visiting *visiting, enum nm_rule_key key, enum nm_trilean wanted)
{
    if (wanted != NM_ANY)
        visit_number(visiting, key, NM_CONFIG_BOOL, wanted == NM_YES);
}

static enum nm_code visit_conditions(
    const struct visiting *visiting, const struct nm_rule_spec *rule)
{
    const char **techniques = calloc(rule->technique_count + 1, sizeof *techniques);

    if (techniques == NULL)
        return NM_NO_MEMORY;
    for (size_t at = 0; at < rule->technique_count; at++)
        techniques[at] = nm_technique_name(rule->techniques[at]);
    if (rule->confidence >= 0)
        visit_number(visiting, NM_RULE_CONFIDENCE, NM_CONFIG_REAL, rule->confidence);
    visit_texts(visiting, NM_RULE_TECHNIQUE, techniques, rule->technique_count);
    visit_texts(visiting, NM_RULE_TARGET, rule->targets, rule->target_count);
    visit_texts(visiting, NM_RULE_DOMAIN, rule->domains, rule->domain_count);
    visit_texts(visiting, NM_RULE_SENDER, rule->senders, rule->sender_count);
    visit_texts(visiting, NM_RULE_RECIPIENT, rule->recipients, rule->recipient_count);
    visit_texts(visiting, NM_RULE_AUTH, rule->auths, rule->auth_count);
    visit_texts(visiting, NM_RULE_CLIENT, rule->networks, rule->network_count);
    visit_trilean(visiting, NM_RULE_AUTHENTICATED, rule->authenticated);
    visit_trilean(visiting, NM_RULE_FIRST_CONTACT, rule->first_contact);
    if (rule->near_misses > 0)
        visit_number(
            visiting, NM_RULE_NEAR_MISSES, NM_CONFIG_INTEGER, rule->near_misses);
    free(techniques);
    return NM_OK;
}

enum nm_code nm_config_each_of_rule(
    const struct nm_config *config, size_t i, nm_config_visit *visit, void *self)
{
    const struct nm_rule_spec rule =
        config != NULL ? config->given_rules[i] : nm_default_rule(i);
    const struct visiting visiting = {visit, self, NULL};
    const struct nm_config_value unless = {.path = nm_rule_keys[NM_RULE_UNLESS].path,
        .kind = NM_CONFIG_EXCEPTIONS,
        .count = rule.unless_count};
    enum nm_code code;

    visit_text(&visiting, NM_RULE_NAME, NM_CONFIG_TEXT, rule.name);
    code = visit_conditions(&visiting, &rule);
    if (rule.unless_count > 0)
        visit(self, &unless);
    visit_text(&visiting, NM_RULE_ACTION, NM_CONFIG_TEXT, nm_action_name(rule.action));
    visit_text(&visiting, NM_RULE_REPLY, NM_CONFIG_TEXT, rule.reply);
    visit_text(&visiting, NM_RULE_MODE, NM_CONFIG_TEXT, nm_mode_name(rule.mode));
    return code;
}

enum nm_code nm_config_each_of_exception(const struct nm_config *config, size_t rule,
    size_t i, nm_config_visit *visit, void *self)
{
    const struct visiting visiting = {visit, self, NULL};

    return visit_conditions(&visiting, &config->given_rules[rule].unless[i]);
}
