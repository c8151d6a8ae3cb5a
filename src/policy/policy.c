/*
 * A policy is an array of rules, compiled once: patterns are copied, networks become
 * numbers, techniques a bit set. A rule's conditions stand in one table, so that what
 * decides and what explains cannot disagree.
 */
#include <nearmiss/policy.h>

#include "pattern.h"
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 10000, POLICY_BYTES_MAX = 64 * 1024 * 1024 };

struct patterns {
    const char **texts;
    size_t count;
};

struct rule {
    const char *name;
    const char *reply;
    enum nm_action action;
    enum nm_mode mode;
    double confidence;
    unsigned techniques; /* bit set of 1 << enum nm_technique; 0: any */
    struct patterns targets;
    struct patterns domains;
    struct patterns senders;
    struct patterns recipients;
    struct patterns auths;
    struct nm_network *networks;
    size_t network_count;
    enum nm_trilean authenticated;
    enum nm_trilean first_contact;
};

struct nm_policy {
    struct nm_arena *arena; /* holds everything else, this struct aside */
    struct rule *rules;
    size_t rule_count;
};

/* ---- conditions ----------------------------------------------------------- */

typedef bool (*glob_function)(const char *pattern, const char *text);

static bool any_fits(
    const struct patterns *patterns, glob_function glob, const char *text)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (glob(patterns->texts[i], text))
            return true;
    }
    return patterns->count == 0;
}

static bool asks_for_a_near_miss(const struct rule *rule)
{
    return rule->confidence >= 0 || rule->techniques != 0 || rule->targets.count > 0;
}

static bool is_near_miss(const struct nm_request *request)
{
    return request->verdict->match == NM_MATCH_NEAR_MISS;
}

/* DESIGN: a rule that names no confidence, technique or target fits any recipient that
 * is not own, protected or allowed; the next two conditions say so. */
static bool fits_listing(const struct rule *rule, const struct nm_request *request)
{
    (void)rule;
    switch (request->verdict->match) {
    case NM_MATCH_OWN:
    case NM_MATCH_PROTECTED:
    case NM_MATCH_ALLOWED:
        return false;
    case NM_MATCH_NEAR_MISS:
    case NM_MATCH_INVALID:
    case NM_MATCH_NONE:
    case NM_MATCH_KNOWN:
        break;
    }
    return true;
}

static bool fits_near_miss(const struct rule *rule, const struct nm_request *request)
{
    return is_near_miss(request) || !asks_for_a_near_miss(rule);
}

static bool fits_confidence(const struct rule *rule, const struct nm_request *request)
{
    return rule->confidence < 0 || request->verdict->confidence >= rule->confidence;
}

static bool fits_technique(const struct rule *rule, const struct nm_request *request)
{
    return rule->techniques == 0 ||
           (rule->techniques & 1U << request->verdict->best.technique) != 0;
}

static bool fits_target(const struct rule *rule, const struct nm_request *request)
{
    return any_fits(&rule->targets, nm_glob,
        is_near_miss(request) ? request->verdict->best.target.name : "");
}

static bool fits_domain(const struct rule *rule, const struct nm_request *request)
{
    return any_fits(&rule->domains, nm_glob,
        request->recipient->kind == NM_ADDRESS_MAILBOX ? request->recipient->domain.name
                                                       : "");
}

static bool fits_sender(const struct rule *rule, const struct nm_request *request)
{
    return any_fits(&rule->senders, nm_glob_address, request->sender);
}

/* A pattern without `@` asks for the domain, however it was written. */
static bool fits_recipient(const struct rule *rule, const struct nm_request *request)
{
    const struct nm_address *recipient = request->recipient;

    if (any_fits(&rule->recipients, nm_glob_address, request->recipient_text))
        return true;
    for (size_t i = 0; i < rule->recipients.count; i++) {
        if (recipient->kind == NM_ADDRESS_MAILBOX &&
            strchr(rule->recipients.texts[i], '@') == NULL &&
            nm_glob(rule->recipients.texts[i], recipient->domain.name))
            return true;
    }
    return false;
}

static bool is_authenticated(const struct nm_request *request)
{
    return request->auth != NULL && request->auth[0] != '\0';
}

static bool fits_auth(const struct rule *rule, const struct nm_request *request)
{
    return rule->auths.count == 0 ||
           (is_authenticated(request) &&
               any_fits(&rule->auths, nm_glob, request->auth));
}

static bool fits_logged_in(const struct rule *rule, const struct nm_request *request)
{
    return rule->authenticated != NM_YES || is_authenticated(request);
}

static bool fits_not_logged_in(
    const struct rule *rule, const struct nm_request *request)
{
    return rule->authenticated != NM_NO || !is_authenticated(request);
}

static bool fits_first_contact(
    const struct rule *rule, const struct nm_request *request)
{
    return rule->first_contact != NM_YES || request->first_contact;
}

static bool fits_known_contact(
    const struct rule *rule, const struct nm_request *request)
{
    return rule->first_contact != NM_NO || !request->first_contact;
}

static bool fits_network(const struct rule *rule, const struct nm_request *request)
{
    for (size_t i = 0; i < rule->network_count; i++) {
        if (nm_network_contains(&rule->networks[i], &request->client))
            return true;
    }
    return rule->network_count == 0;
}

static const struct {
    bool (*fits)(const struct rule *rule, const struct nm_request *request);
    const char *why_not;
} conditions[] = {
    {fits_listing, "own, protected and allowed names are exempt"},
    {fits_near_miss, "for near misses only"},
    {fits_confidence, "for a higher confidence"},
    {fits_technique, "for another technique"},
    {fits_target, "for another target"},
    {fits_domain, "for another domain"},
    {fits_sender, "for another sender"},
    {fits_recipient, "for another recipient"},
    {fits_auth, "for another user"},
    {fits_logged_in, "for clients that have logged in"},
    {fits_not_logged_in, "for clients that have not logged in"},
    {fits_network, "for another client network"},
    {fits_first_contact, "for first contacts only"},
    {fits_known_contact, "for domains that mail has gone to before"},
};

static const char *why_not(const struct rule *rule, const struct nm_request *request)
{
    for (size_t i = 0; i < NM_COUNT(conditions); i++) {
        if (!conditions[i].fits(rule, request))
            return conditions[i].why_not;
    }
    return NULL;
}

void nm_policy_decide(const struct nm_policy *policy, const struct nm_request *request,
    struct nm_decision *out)
{
    *out = (struct nm_decision){.action = NM_ACTION_ACCEPT, .mode = NM_MODE_ENFORCE};
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];

        if (why_not(rule, request) == NULL) {
            out->action = rule->action;
            out->mode = rule->mode;
            out->rule = rule->name;
            out->reply = rule->reply;
            return;
        }
    }
}

const char *nm_policy_explain(
    const struct nm_policy *policy, size_t rule, const struct nm_request *request)
{
    return why_not(&policy->rules[rule], request);
}

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

static enum nm_code check_networks(
    const struct nm_rule_spec *rule, struct nm_error *error)
{
    struct nm_network network;

    for (size_t i = 0; i < rule->network_count; i++) {
        if (!nm_network_parse(rule->networks[i], &network))
            return complain(error, rule, "client", rule->networks[i],
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

enum nm_code nm_rule_check(const struct nm_rule_spec *rule, struct nm_error *error)
{
    enum nm_code code;

    if (!is_name(rule->name))
        return complain(error, rule, "name", "",
            "must have 1 to 64 bytes of UTF-8 without control characters");
    if (!(rule->confidence <= 1))
        return complain(error, rule, "confidence",
            rule->confidence > 1 ? "above 1" : "not a number", "must be 0 to 1");
    for (size_t i = 0; i < rule->technique_count; i++) {
        if (rule->techniques[i] == NM_TECHNIQUE_NONE ||
            (size_t)rule->techniques[i] >= NM_TECHNIQUE_COUNT)
            return complain(error, rule, "technique",
                nm_technique_name(rule->techniques[i]), "must name a technique");
    }
    if (!nm_action_is_built(rule->action))
        return complain(error, rule, "action", nm_action_name(rule->action),
            "is not built in this version");
    code =
        check_patterns(rule, "target", rule->targets, rule->target_count, true, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "domain", rule->domains, rule->domain_count, true, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "sender", rule->senders, rule->sender_count, false, error);
    if (code == NM_OK)
        code = check_patterns(
            rule, "recipient", rule->recipients, rule->recipient_count, false, error);
    if (code == NM_OK)
        code =
            check_patterns(rule, "auth", rule->auths, rule->auth_count, false, error);
    if (code == NM_OK)
        code = check_networks(rule, error);
    if (code == NM_OK)
        code = check_reply(rule, error);
    return code;
}

/* ---- building --------------------------------------------------------------- */

static char *copy_text(struct nm_arena *arena, const char *text)
{
    return nm_arena_copy(arena, text, strlen(text));
}

static bool copy_patterns(struct nm_arena *arena, const char *const *texts,
    size_t count, struct patterns *out)
{
    if (count == 0)
        return true;
    out->texts = nm_arena_alloc(arena, count * sizeof *out->texts);
    if (out->texts == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        out->texts[i] = copy_text(arena, texts[i]);
        if (out->texts[i] == NULL)
            return false;
    }
    out->count = count;
    return true;
}

/* Addresses: `@example.org` asks for the domain, as `example.org` does. */
static bool copy_addresses(struct nm_arena *arena, const char *const *texts,
    size_t count, struct patterns *out)
{
    if (!copy_patterns(arena, texts, count, out))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (out->texts[i][0] == '@' && strchr(out->texts[i] + 1, '@') == NULL)
            out->texts[i]++;
    }
    return true;
}

static bool copy_networks(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct rule *out)
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

static bool compile(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct rule *out)
{
    out->name = copy_text(arena, spec->name);
    out->action = spec->action;
    out->mode = spec->mode;
    out->confidence = spec->confidence;
    out->authenticated = spec->authenticated;
    out->first_contact = spec->first_contact;
    for (size_t i = 0; i < spec->technique_count; i++)
        out->techniques |= 1U << spec->techniques[i];
    if (spec->reply != NULL) {
        out->reply = copy_text(arena, spec->reply);
        if (out->reply == NULL)
            return false;
    }
    return out->name != NULL &&
           copy_patterns(arena, spec->targets, spec->target_count, &out->targets) &&
           copy_patterns(arena, spec->domains, spec->domain_count, &out->domains) &&
           copy_addresses(arena, spec->senders, spec->sender_count, &out->senders) &&
           copy_addresses(
               arena, spec->recipients, spec->recipient_count, &out->recipients) &&
           copy_patterns(arena, spec->auths, spec->auth_count, &out->auths) &&
           copy_networks(arena, spec, out);
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
                return complain(error, &rules[i], "name", rules[i].name,
                    "is used by an earlier rule");
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
        if (!compile(policy->arena, &rules[i], &policy->rules[i]))
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
