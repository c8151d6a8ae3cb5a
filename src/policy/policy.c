/*
 * A policy is an array of rules, compiled once. The first that fits decides.
 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 10000, POLICY_BYTES_MAX = 256 * 1024 * 1024 };

struct nm_policy {
    struct nm_arena *arena; /* holds everything else, this struct aside */
    struct nm_rule *rules;
    size_t rule_count;
};

void nm_policy_decide(const struct nm_policy *policy, const struct nm_request *request,
    struct nm_decision *out)
{
    *out = (struct nm_decision){.action = NM_ACTION_ACCEPT, .mode = NM_MODE_ENFORCE};
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct nm_rule *rule = &policy->rules[i];

        if (nm_rule_why_not(rule, request) == NULL) {
            out->action = rule->action;
            out->mode = rule->mode;
            out->rule = rule->name;
            out->reply = rule->reply;
            if (out->action == NM_ACTION_CONFIRM && request->sender[0] == '\0' &&
                !request->sender_unknown)
                out->action = NM_ACTION_REJECT;
            return;
        }
    }
}

const char *nm_policy_explain(
    const struct nm_policy *policy, size_t rule, const struct nm_request *request)
{
    return nm_rule_why_not(&policy->rules[rule], request);
}

static enum nm_code check_all(
    const struct nm_rule_spec *rules, size_t rule_count, struct nm_error *error)
{
    if (rule_count > RULES_MAX)
        return nm_fail(error, NM_LIMIT, "%zu rules, at most %d", rule_count, RULES_MAX);
    for (size_t i = 0; i < rule_count; i++) {
        const enum nm_code code = nm_rule_check(&rules[i], error);

        if (code != NM_OK)
            return code;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(rules[i].name, rules[j].name) == 0)
                return nm_fail_at(error, NM_BAD_INPUT,
                    rules[i].file != NULL ? rules[i].file : "", rules[i].line,
                    "rule \"%s\": name: \"%s\" is used by an earlier rule",
                    rules[i].name, rules[i].name);
        }
    }
    return NM_OK;
}

enum nm_code nm_policy_new(const struct nm_rule_spec *rules, size_t rule_count,
    struct nm_policy **out, struct nm_error *error)
{
    struct nm_policy *policy = NULL;
    enum nm_code code = check_all(rules, rule_count, error);

    if (code != NM_OK)
        return code;
    policy = calloc(1, sizeof *policy);
    if (policy == NULL || nm_arena_new(POLICY_BYTES_MAX, &policy->arena) != NM_OK)
        goto no_memory;
    policy->rules =
        nm_arena_alloc(policy->arena, (rule_count + 1) * sizeof *policy->rules);
    if (policy->rules == NULL)
        goto no_memory;
    for (size_t i = 0; i < rule_count; i++) {
        if (!nm_rule_compile(policy->arena, &rules[i], &policy->rules[i]))
            goto no_memory;
    }
    policy->rule_count = rule_count;
    *out = policy;
    return NM_OK;

no_memory:
    nm_policy_free(&policy);
    return nm_fail(error, NM_NO_MEMORY, "out of memory while the rules were compiled");
}

void nm_policy_free(struct nm_policy **policy)
{
    if (*policy == NULL)
        return;
    nm_arena_free(&(*policy)->arena);
    free(*policy);
    *policy = NULL;
}

size_t nm_policy_size(const struct nm_policy *policy)
{
    return policy->rule_count;
}

const char *nm_policy_rule_name(const struct nm_policy *policy, size_t rule)
{
    return policy->rules[rule].name;
}

static bool asks_first_contact(const struct nm_rule *rule)
{
    for (size_t i = 0; i < rule->unless_count; i++)
        if (rule->unless[i].first_contact != NM_ANY)
            return true;
    return rule->when.first_contact != NM_ANY;
}

bool nm_policy_asks_first_contact(const struct nm_policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (asks_first_contact(&policy->rules[i]))
            return true;
    return false;
}
