#include "rule.h"

#include "template.h"

#include <string.h>

/* ---- checking --------------------------------------------------------------- */

static enum nm_code complain(struct nm_error *error, const struct nm_rule_spec *rule,
    const char *what, const char *value, const char *bound)
{
    return nm_fail_at(error, NM_BAD_INPUT, rule->file != NULL ? rule->file : "",
        rule->line, "rule \"%s\": %s: \"%s\" %s", rule->name != NULL ? rule->name : "",
        what, value, bound);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

static enum nm_code check_patterns(const struct nm_rule_spec *rule, const char *key,
    const char *const *patterns, size_t count, bool is_domain, struct nm_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (patterns[i][0] == '\0' || strcmp(patterns[i], "@") == 0)
            return complain(error, rule, key, patterns[i], "must not be empty");
        if (patterns[i][0] == '<' && strcmp(patterns[i], "<>") != 0)
            return complain(
                error, rule, key, patterns[i], "must stand without angle brackets");
        if (!is_domain)
            continue;
        if (!is_ascii(patterns[i]))
            return complain(error, rule, key, patterns[i],
                "must be written in A-labels (xn--...); \"nearmiss explain\" shows "
                "them");
        if (strchr(patterns[i], '@') != NULL)
            return complain(
                error, rule, key, patterns[i], "must be a domain, without @");
    }
    return NM_OK;
}

static enum nm_code check_networks(const struct nm_rule_spec *rule,
    const struct nm_rule_spec *spec, struct nm_error *error)
{
    struct nm_network network;

    for (size_t i = 0; i < spec->network_count; i++) {
        if (!nm_network_parse(spec->networks[i], &network))
            return complain(error, rule, "client", spec->networks[i],
                "must be an address or a network, such as 192.0.2.0/24, with no bits "
                "set "
                "behind the prefix");
    }
    return NM_OK;
}

static enum nm_code check_reply(const struct nm_rule_spec *rule, struct nm_error *error)
{
    char why[NM_ERROR_MESSAGE_MAX];

    if (rule->reply == NULL)
        return NM_OK;
    if (!nm_template_check(rule->reply, why, sizeof why))
        return complain(error, rule, "reply", rule->reply, why);
    return NM_OK;
}

/* A name stands in replies, in hold reasons and in the log. */
static bool is_name(const char *name)
{
    const size_t size = name != NULL ? strlen(name) : 0;
    uint32_t code_point;
    size_t step;

    for (size_t at = 0; at < size; at += step) {
        step = nm_utf8_decode(name + at, size - at, &code_point);
        if (step == 0 || code_point < 0x20 || code_point == 0x7f)
            return false;
    }
    return size > 0 && size <= NM_RULE_NAME_MAX;
}

static bool asks_for_something(const struct nm_rule_spec *spec)
{
    return spec->confidence >= 0 || spec->technique_count > 0 ||
           spec->target_count > 0 || spec->domain_count > 0 || spec->sender_count > 0 ||
           spec->recipient_count > 0 || spec->auth_count > 0 ||
           spec->network_count > 0 || spec->near_misses > 0 ||
           spec->authenticated != NM_ANY || spec->first_contact != NM_ANY;
}

/* `rule` is what the complaint names. */
static enum nm_code check_conditions(const struct nm_rule_spec *rule,
    const struct nm_rule_spec *spec, struct nm_error *error)
{
    enum nm_code code;

    if (!(spec->confidence <= 1))
        return complain(error, rule, "confidence",
            spec->confidence > 1 ? "above 1" : "not a number", "must be 0 to 1");
    for (size_t i = 0; i < spec->technique_count; i++) {
        if (spec->techniques[i] == NM_TECHNIQUE_NONE ||
            (size_t)spec->techniques[i] >= NM_TECHNIQUE_COUNT)
            return complain(error, rule, "technique",
                nm_technique_name(spec->techniques[i]), "must name a technique");
    }
    code =
        check_patterns(rule, "target", spec->targets, spec->target_count, true, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "domain", spec->domains, spec->domain_count, true, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "sender", spec->senders, spec->sender_count, false, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "recipient", spec->recipients, spec->recipient_count, false, error);
    if (code == NM_OK)
        code =
            check_patterns(rule, "auth", spec->auths, spec->auth_count, false, error);
    if (code == NM_OK)
        code = check_networks(rule, spec, error);
    return code;
}

enum nm_code nm_rule_check(const struct nm_rule_spec *rule, struct nm_error *error)
{
    enum nm_code code;

    if (!is_name(rule->name))
        return complain(error, rule, "name", "",
            "must have 1 to 64 bytes of UTF-8 without control characters");
    if ((size_t)rule->action >= NM_ACTION_COUNT)
        return complain(
            error, rule, "action", nm_action_name(rule->action), "is no action");
    code = check_conditions(rule, rule, error);
    for (size_t i = 0; code == NM_OK && i < rule->unless_count; i++) {
        if (!asks_for_something(&rule->unless[i]))
            return complain(error, rule, "unless", "{ }",
                "asks for nothing, so that the rule would never fit");
        code = check_conditions(rule, &rule->unless[i], error);
    }
    if (code == NM_OK)
        code = check_reply(rule, error);
    return code;
}

/* ---- compiling -------------------------------------------------------------- */

static char *copy_text(struct nm_arena *arena, const char *text)
{
    return nm_arena_copy(arena, text, strlen(text));
}

static bool copy_networks(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct nm_conditions *out)
{
    if (spec->network_count == 0)
        return true;
    out->networks = nm_arena_alloc(arena, spec->network_count * sizeof *out->networks);
    if (out->networks == NULL)
        return false;
    for (size_t i = 0; i < spec->network_count; i++) {
        if (!nm_network_parse(spec->networks[i], &out->networks[i]))
            return false;
    }
    out->network_count = spec->network_count;
    return true;
}

static bool compile_conditions(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct nm_conditions *out)
{
    out->confidence = spec->confidence;
    out->near_misses = spec->near_misses;
    out->authenticated = spec->authenticated;
    out->first_contact = spec->first_contact;
    for (size_t i = 0; i < spec->technique_count; i++)
        out->techniques |= 1U << spec->techniques[i];
    return nm_patterns_new(arena, spec->targets, spec->target_count, &out->targets) &&
           nm_patterns_new(arena, spec->domains, spec->domain_count, &out->domains) &&
           nm_patterns_new_addresses(
               arena, spec->senders, spec->sender_count, &out->senders) &&
           nm_patterns_new_addresses(
               arena, spec->recipients, spec->recipient_count, &out->recipients) &&
           nm_patterns_new(arena, spec->auths, spec->auth_count, &out->auths) &&
           copy_networks(arena, spec, out);
}

bool nm_rule_compile(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct nm_rule *out)
{
    out->name = copy_text(arena, spec->name);
    out->action = spec->action;
    out->mode = spec->mode;
    if (spec->reply != NULL) {
        out->reply = copy_text(arena, spec->reply);
        if (out->reply == NULL)
            return false;
    }
    if (out->name == NULL || !compile_conditions(arena, spec, &out->when))
        return false;
    if (spec->unless_count == 0)
        return true;
    out->unless = nm_arena_alloc(arena, spec->unless_count * sizeof *out->unless);
    for (size_t i = 0; out->unless != NULL && i < spec->unless_count; i++) {
        if (!compile_conditions(arena, &spec->unless[i], &out->unless[i]))
            return false;
    }
    out->unless_count = spec->unless_count;
    return out->unless != NULL;
}
