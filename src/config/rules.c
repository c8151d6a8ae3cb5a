/* The rules of a configuration, as the policy layer takes them. */
#include "loaded.h"

#include "idle.h"
#include "patterns.h"

#include <stdio.h>
#include <string.h>

/* One rule while it is read. */
struct reading {
    struct nm_config *config;
    struct nm_reader reader;
    struct nm_value values[NM_RULE_KEY_COUNT];
    char prefix[128]; /* `rule "sure": `, or "rule 3: " when it has no name */
    unsigned line;
};

static enum nm_code take_texts(struct nm_arena *arena, const struct nm_value *value,
    const char *const **texts, size_t *count)
{
    const char **copy = nm_arena_alloc(arena, (value->count + 1) * sizeof *copy);

    if (copy == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < value->count; i++)
        copy[i] = value->items[i].text;
    *texts = copy;
    *count = value->count;
    return NM_OK;
}

static enum nm_code take_techniques(
    struct nm_arena *arena, const struct nm_value *value, struct nm_rule_spec *rule)
{
    enum nm_technique *copy = nm_arena_alloc(arena, (value->count + 1) * sizeof *copy);

    if (copy == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < value->count; i++)
        copy[i] = (enum nm_technique)value->items[i].choice;
    rule->techniques = copy;
    rule->technique_count = value->count;
    return NM_OK;
}

static enum nm_code take_name(
    const struct reading *reading, size_t number, struct nm_rule_spec *rule)
{
    char name[32];

    rule->name = reading->values[NM_RULE_NAME].text;
    if (rule->name[0] != '\0')
        return NM_OK;
    (void)snprintf(name, sizeof name, "rule-%zu", number);
    rule->name = nm_arena_copy(reading->config->arena, name, strlen(name));
    return rule->name != NULL ? NM_OK : NM_NO_MEMORY;
}

static enum nm_trilean take_trilean(const struct nm_value *value)
{
    if (value->line == 0)
        return NM_ANY;
    return value->number != 0 ? NM_YES : NM_NO;
}

static enum nm_code take_lists(
    struct nm_arena *arena, const struct nm_value *values, struct nm_rule_spec *rule)
{
    const struct {
        enum nm_rule_key key;
        const char *const **texts;
        size_t *count;
    } lists[] = {{NM_RULE_TARGET, &rule->targets, &rule->target_count},
        {NM_RULE_DOMAIN, &rule->domains, &rule->domain_count},
        {NM_RULE_SENDER, &rule->senders, &rule->sender_count},
        {NM_RULE_RECIPIENT, &rule->recipients, &rule->recipient_count},
        {NM_RULE_AUTH, &rule->auths, &rule->auth_count},
        {NM_RULE_CLIENT, &rule->networks, &rule->network_count}};
    enum nm_code code = take_techniques(arena, &values[NM_RULE_TECHNIQUE], rule);

    for (size_t i = 0; code == NM_OK && i < NM_COUNT(lists); i++)
        code = take_texts(arena, &values[lists[i].key], lists[i].texts, lists[i].count);
    return code;
}

static enum nm_code take_conditions(
    struct nm_arena *arena, const struct nm_value *values, struct nm_rule_spec *rule)
{
    rule->confidence = values[NM_RULE_CONFIDENCE].number;
    rule->authenticated = take_trilean(&values[NM_RULE_AUTHENTICATED]);
    rule->first_contact = take_trilean(&values[NM_RULE_FIRST_CONTACT]);
    rule->near_misses = (unsigned)values[NM_RULE_NEAR_MISSES].number;
    return take_lists(arena, values, rule);
}

/* An empty list in a rule would ask nothing, and the rule fit more than was meant. */
static void complain_of_empty_lists(
    struct reading *reading, const struct nm_value *values)
{
    for (size_t i = 0; i < NM_RULE_KEY_COUNT; i++) {
        if (values[i].is_empty)
            nm_complain_of(&reading->reader, values[i].line,
                "%s%s: the list is empty; leave the key out to ask nothing",
                reading->prefix, nm_rule_keys[i].path);
    }
}

static void check(struct reading *reading, const struct nm_rule_spec *rule)
{
    struct nm_error error = {.code = NM_OK};

    if (nm_rule_check(rule, &error) != NM_OK)
        nm_complain(
            reading->config->complaints, rule->file, rule->line, "%s", error.message);
}

/* One group of `unless`. */
static enum nm_code read_exception(
    struct reading *reading, const config_setting_t *setting, struct nm_rule_spec *out)
{
    struct nm_value values[NM_RULE_KEY_COUNT];
    const unsigned line = config_setting_source_line(setting);
    const size_t errors = reading->config->complaints->errors;
    char prefix[sizeof reading->prefix + 16];
    enum nm_code code = nm_values_default(
        reading->config->arena, nm_rule_keys, NM_RULE_KEY_COUNT, values);

    (void)snprintf(prefix, sizeof prefix, "%sunless: ", reading->prefix);
    if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
        nm_complain_of(&reading->reader, line,
            "%sexpects a group of conditions, { ... }, or a list of them", prefix);
        return NM_OK;
    }
    if (code == NM_OK)
        code = nm_values_read(&reading->reader, setting,
            &nm_rule_keys[NM_RULE_CONDITION_FIRST], NM_RULE_CONDITION_COUNT, prefix,
            &values[NM_RULE_CONDITION_FIRST]);
    if (code == NM_OK)
        code = take_conditions(reading->config->arena, values, out);
    complain_of_empty_lists(reading, values);
    if (config_setting_length(setting) == 0 &&
        reading->config->complaints->errors == errors)
        nm_complain_of(&reading->reader, line,
            "%sthe group is empty, so that the rule would never fit", prefix);
    return code;
}

static enum nm_code read_exceptions(struct reading *reading, struct nm_rule_spec *rule)
{
    const config_setting_t *setting = reading->values[NM_RULE_UNLESS].setting;
    const bool is_list =
        setting != NULL && config_setting_type(setting) == CONFIG_TYPE_LIST;
    const size_t count = is_list ? (size_t)config_setting_length(setting) : 1;
    struct nm_rule_spec *exceptions;
    enum nm_code code = NM_OK;

    if (setting == NULL)
        return NM_OK;
    exceptions =
        nm_arena_alloc(reading->config->arena, (count + 1) * sizeof *exceptions);
    if (exceptions == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; code == NM_OK && i < count; i++)
        code = read_exception(reading,
            is_list ? config_setting_get_elem(setting, (unsigned)i) : setting,
            &exceptions[i]);
    rule->unless = exceptions;
    rule->unless_count = count;
    return code;
}

static enum nm_code read_rule(struct reading *reading, const config_setting_t *setting,
    size_t number, struct nm_rule_spec *rule, struct nm_rule_spec *expanded)
{
    struct nm_complaints *complaints = reading->config->complaints;
    const struct nm_place place =
        nm_source_place(reading->config->source, reading->line);
    const struct nm_value *values = reading->values;
    const size_t errors = complaints->errors;
    enum nm_code code = nm_values_default(
        reading->config->arena, nm_rule_keys, NM_RULE_KEY_COUNT, reading->values);

    if (code == NM_OK)
        code = nm_values_read(&reading->reader, setting, nm_rule_keys,
            NM_RULE_KEY_COUNT, reading->prefix, reading->values);
    if (code == NM_OK)
        code = take_name(reading, number, rule);
    if (code == NM_OK)
        code = take_conditions(reading->config->arena, values, rule);
    if (code == NM_OK)
        code = read_exceptions(reading, rule);
    if (code != NM_OK)
        return code;
    if (values[NM_RULE_ACTION].line == 0)
        nm_complain_of(
            &reading->reader, reading->line, "%shas no action", reading->prefix);
    complain_of_empty_lists(reading, values);
    rule->file = place.file;
    rule->line = place.line;
    rule->action = (enum nm_action)(int)values[NM_RULE_ACTION].number;
    rule->mode = (enum nm_mode)(int)values[NM_RULE_MODE].number;
    if (values[NM_RULE_REPLY].text[0] != '\0')
        rule->reply = values[NM_RULE_REPLY].text;
    if (complaints->errors != errors)
        return NM_OK;
    code = nm_config_expand_rule(reading->config, rule, expanded);
    if (code == NM_OK && complaints->errors == errors)
        check(reading, expanded);
    return code;
}

static void complain_of_doubles(struct reading *reading)
{
    const struct nm_config *config = reading->config;

    for (size_t i = 1; i < config->rule_count; i++) {
        for (size_t before = 0; before < i; before++) {
            if (strcmp(config->given_rules[i].name, config->given_rules[before].name) !=
                0)
                continue;
            nm_complain(config->complaints, config->given_rules[i].file,
                config->given_rules[i].line, "rule %zu: rule %zu has the name %s too",
                i + 1, before + 1, nm_quote_text(config->given_rules[i].name).text);
            break;
        }
    }
}

/* ---- rules that are right and yet not what was meant ----------------------- */

/* The action gives the code; a second one would be shown as text. */
static void warn_of_codes(const struct nm_config *config)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct nm_rule_spec *rule = &config->rules[i];

        if (rule->reply != NULL && strspn(rule->reply, "0123456789") == 3 &&
            (rule->reply[3] == ' ' || rule->reply[3] == '-'))
            nm_warn(config->complaints, rule->file, rule->line,
                "rule %s: reply: leave out the code %.3s; the action puts its own "
                "before the text",
                nm_quote_text(rule->name).text, rule->reply);
    }
}

/* ---- the list -------------------------------------------------------------- */

static void set_prefix(
    struct reading *reading, const config_setting_t *setting, size_t number)
{
    const char *name = NULL;

    if (config_setting_type(setting) == CONFIG_TYPE_GROUP &&
        config_setting_lookup_string(setting, "name", &name) && name[0] != '\0')
        (void)snprintf(reading->prefix, sizeof reading->prefix,
            "rule %s: ", nm_quote_text(name).text);
    else
        (void)snprintf(reading->prefix, sizeof reading->prefix, "rule %zu: ", number);
}

static enum nm_code read_rules(struct nm_config *config, const config_setting_t *list)
{
    struct reading reading = {.config = config, .reader = nm_config_reader(config)};
    const size_t count = (size_t)config_setting_length(list);
    const size_t errors = config->complaints->errors;
    enum nm_code code = NM_OK;

    config->rules = nm_arena_alloc(config->arena, (count + 1) * sizeof *config->rules);
    config->given_rules =
        nm_arena_alloc(config->arena, (count + 1) * sizeof *config->rules);
    if (config->rules == NULL || config->given_rules == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; code == NM_OK && i < count; i++) {
        const config_setting_t *setting = config_setting_get_elem(list, (unsigned)i);

        reading.line = config_setting_source_line(setting);
        set_prefix(&reading, setting, i + 1);
        if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
            nm_complain_of(
                &reading.reader, reading.line, "%sexpects { ... }", reading.prefix);
            continue;
        }
        code = read_rule(&reading, setting, i + 1,
            &config->given_rules[config->rule_count],
            &config->rules[config->rule_count]);
        config->rule_count++;
    }
    if (code != NM_OK)
        return code;
    complain_of_doubles(&reading);
    if (config->complaints->errors == errors) {
        nm_config_warn_of_idle_rules(config);
        warn_of_codes(config);
    }
    return NM_OK;
}

static enum nm_code use_default_rules(struct nm_config *config)
{
    config->rules =
        nm_arena_alloc(config->arena, NM_DEFAULT_RULE_COUNT * sizeof *config->rules);
    if (config->rules == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < NM_DEFAULT_RULE_COUNT; i++)
        config->rules[i] = nm_default_rule(i);
    config->given_rules = config->rules;
    config->rule_count = NM_DEFAULT_RULE_COUNT;
    return NM_OK;
}

enum nm_code nm_config_load_rules(struct nm_config *config)
{
    const struct nm_value *value = &config->values[NM_OPT_RULES];
    struct nm_reader reader = nm_config_reader(config);
    const config_setting_t *list = value->setting;

    if (list == NULL)
        return use_default_rules(config);
    if (config_setting_type(list) != CONFIG_TYPE_LIST &&
        !(config_setting_type(list) == CONFIG_TYPE_ARRAY &&
            config_setting_length(list) == 0)) {
        nm_complain_of(&reader, value->line,
            "rules: expects a list of groups, ( { ... }, { ... } )");
        return NM_OK;
    }
    if (config_setting_length(list) > NM_RULES_MAX) {
        nm_complain_of(&reader, value->line,
            "rules: %d are more than the %d there may be", config_setting_length(list),
            NM_RULES_MAX);
        return NM_OK;
    }
    return read_rules(config, list);
}
