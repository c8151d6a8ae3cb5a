/*
 * Rules and requests of any kind. A rule is taken exactly if its check says so; what
 * decides, what explains and a model that reads the rules as they were given agree; and a
 * reply keeps to what SMTP and libmilter take, whatever its template and sender hold.
 */
#include <nearmiss/policy.h>

#include "pattern.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "policy_rules: %s\n", what);
    abort();
}

/* ---- from bytes ----------------------------------------------------------- */

enum { RULES_MAX = 4, TEXTS_MAX = 2, TEXT_MAX = 48, LONG_TEXT_MAX = 400 };

struct source {
    const uint8_t *at;
    const uint8_t *end;
};

static unsigned take(struct source *source)
{
    return source->at < source->end ? *source->at++ : 0;
}

/* Words that fit one another now and then, or else the bytes themselves. */
static const char *take_text(struct source *source, char *memory, size_t size)
{
    static const char *const words[] = {"", "*", "?", "army.ml", "army.mil", "*.mil",
        "*.ml", "<>", "alice@example.org", "*@*", "EXAMPLE.org", "bob", "b*@a?my.ml",
        "192.0.2.0/24", "192.0.2.7", "2001:db8::/33", "::ffff:192.0.2.0/120",
        "%{domain} %{target} %{slip} %{ref} %{rule} %{sender} %%", "%{sender}",
        "%{target}", "\xc3\xa4\xe2\x80\xae"};
    const unsigned choice = take(source);
    size_t length;

    if (choice < 128)
        return words[choice % NM_COUNT(words)];
    length = choice - 128U;
    if (length == 127)
        length = 2 * take(source);
    if (length > size - 1)
        length = size - 1;
    for (size_t i = 0; i < length; i++)
        memory[i] = (char)take(source);
    memory[length] = '\0';
    return memory;
}

struct texts {
    char memory[TEXTS_MAX][TEXT_MAX];
    const char *text[TEXTS_MAX];
    size_t count;
};

static void take_texts(struct source *source, struct texts *out)
{
    out->count = take(source) % (TEXTS_MAX + 3);
    if (out->count > TEXTS_MAX)
        out->count = 0; /* most conditions are not asked */
    for (size_t i = 0; i < out->count; i++)
        out->text[i] = take_text(source, out->memory[i], TEXT_MAX);
}

static double take_confidence(struct source *source)
{
    static const double values[] = {
        -1, -1, -1, 0, 0.25, 0.5, 0.75, 1, 1.5, (double)NAN};

    return values[take(source) % NM_COUNT(values)];
}

struct rule {
    struct nm_rule_spec spec;
    struct texts targets;
    struct texts domains;
    struct texts senders;
    struct texts recipients;
    struct texts auths;
    struct texts networks;
    enum nm_technique techniques[TEXTS_MAX];
    char name[LONG_TEXT_MAX];
    char reply[LONG_TEXT_MAX];
};

static void take_rule(struct source *source, unsigned number, struct rule *out)
{
    struct nm_rule_spec *spec = &out->spec;
    const unsigned flags = take(source);

    memset(out, 0, sizeof *out);
    (void)snprintf(out->name, sizeof out->name, "rule-%u", number);
    spec->name =
        flags % 8 == 0 ? take_text(source, out->name, sizeof out->name) : out->name;
    spec->confidence = take_confidence(source);
    spec->techniques = out->techniques;
    spec->technique_count = take(source) % 4 / 2;
    for (size_t i = 0; i < spec->technique_count; i++)
        out->techniques[i] =
            (enum nm_technique)(take(source) % (NM_TECHNIQUE_COUNT + 1));
    take_texts(source, &out->targets);
    take_texts(source, &out->domains);
    take_texts(source, &out->senders);
    take_texts(source, &out->recipients);
    take_texts(source, &out->auths);
    take_texts(source, &out->networks);
    spec->targets = out->targets.text;
    spec->target_count = out->targets.count;
    spec->domains = out->domains.text;
    spec->domain_count = out->domains.count;
    spec->senders = out->senders.text;
    spec->sender_count = out->senders.count;
    spec->recipients = out->recipients.text;
    spec->recipient_count = out->recipients.count;
    spec->auths = out->auths.text;
    spec->auth_count = out->auths.count;
    spec->networks = out->networks.text;
    spec->network_count = out->networks.count;
    spec->authenticated = (enum nm_trilean)(take(source) % 3);
    spec->first_contact = (enum nm_trilean)(take(source) % 3);
    spec->action = (enum nm_action)(take(source) % (NM_ACTION_COUNT + 1));
    spec->mode = (enum nm_mode)(flags / 8 % 2);
    if (flags / 16 % 2 == 1)
        spec->reply = take_text(source, out->reply, sizeof out->reply);
    spec->near_misses = flags / 32 % 2 == 1 ? take(source) % 4 : 0;
    /* The rules before it are its exceptions. */
    if (flags / 64 % 2 == 1 && number > 0)
        spec->unless_count = 1 + flags / 128 % number;
}

struct scene {
    struct nm_request request;
    struct nm_verdict verdict;
    struct nm_address recipient;
    char sender[LONG_TEXT_MAX];
    char recipient_text[LONG_TEXT_MAX];
    char auth[TEXT_MAX];
};

static void take_domain(struct source *source, struct nm_domain *out)
{
    static const char *const names[] = {
        "army.ml", "army.mil", "us.army.mil", "a", "xn--rmy-5cd.mil"};
    const char *name = names[take(source) % NM_COUNT(names)];

    (void)nm_copy(out->name, sizeof out->name, name);
    out->length = (uint8_t)strlen(name);
}

static void take_scene(struct source *source, struct scene *out)
{
    struct nm_request *request = &out->request;
    struct nm_verdict *verdict = &out->verdict;
    unsigned flags;

    memset(out, 0, sizeof *out);
    verdict->match = (enum nm_match)(take(source) % NM_MATCH_COUNT);
    flags = take(source);
    if (verdict->match == NM_MATCH_NEAR_MISS) {
        verdict->candidate_count = 1;
        verdict->confidence = take(source) / 255.0;
        verdict->best.confidence = verdict->confidence / 2;
        verdict->best.technique =
            (enum nm_technique)(1 + take(source) % (NM_TECHNIQUE_COUNT - 1));
        take_domain(source, &verdict->best.target);
    }
    out->recipient.kind = (enum nm_address_kind)(flags % (NM_ADDRESS_MAILBOX + 1));
    if (out->recipient.kind == NM_ADDRESS_MAILBOX)
        take_domain(source, &out->recipient.domain);
    request->verdict = verdict;
    request->recipient = &out->recipient;
    request->sender = take_text(source, out->sender, sizeof out->sender);
    request->recipient_text =
        take_text(source, out->recipient_text, sizeof out->recipient_text);
    request->auth = flags / 8 % 2 == 1 ? NULL : take_text(source, out->auth, TEXT_MAX);
    request->first_contact = flags / 16 % 2 == 1;
    request->near_misses = verdict->candidate_count + take(source) % 4;
    request->smtputf8 = flags / 32 % 2 == 1;
    if (flags / 64 % 2 == 1)
        demand(nm_ip_parse(flags / 128 == 1 ? "2001:db8:8000::7" : "192.0.2.7",
                   &request->client),
            "no address");
}

/* ---- the model ------------------------------------------------------------ */

/* Exponential, and plain to see; hence for short patterns only. */
static bool glob(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return glob(pattern + 1, text) || (*text != '\0' && glob(pattern, text + 1));
    return *text != '\0' &&
           (*pattern == '?' || nm_ascii_lower(*pattern) == nm_ascii_lower(*text)) &&
           glob(pattern + 1, text + 1);
}

/* Above this the model leaves the question to the code under test. */
static bool fits_glob(const char *pattern, const char *text)
{
    size_t stars = 0;

    for (const char *at = pattern; *at != '\0'; at++)
        stars += *at == '*';
    if (stars > 3 || strlen(text) > 60)
        return nm_glob(pattern, text);
    return glob(pattern, text);
}

static bool is_authenticated(const struct nm_request *request)
{
    return request->auth != NULL && request->auth[0] != '\0';
}

static bool any_domain(const char *const *patterns, size_t count, const char *domain)
{
    for (size_t i = 0; i < count; i++) {
        if (fits_glob(patterns[i], domain))
            return true;
    }
    return count == 0;
}

static bool any_address(
    const char *const *patterns, size_t count, const char *address, const char *domain)
{
    const char *at = strrchr(address, '@');

    for (size_t i = 0; i < count; i++) {
        const bool whole = strchr(patterns[i], '@') != NULL;

        if (strcmp(patterns[i], "<>") == 0 ? address[0] == '\0'
            : whole ? address[0] != '\0' && fits_glob(patterns[i], address)
                    : (at != NULL && fits_glob(patterns[i], at + 1)) ||
                          (domain != NULL && fits_glob(patterns[i], domain)))
            return true;
    }
    return count == 0;
}

static unsigned bit_of(const struct nm_ip *ip, unsigned number)
{
    return (unsigned)ip->bytes[number / 8] >> (7 - number % 8) & 1U;
}

static bool any_network(
    const char *const *texts, size_t count, const struct nm_ip *client)
{
    for (size_t i = 0; i < count; i++) {
        struct nm_network network;
        bool equal;

        demand(nm_network_parse(texts[i], &network), "a checked network is none");
        equal = network.base.family == client->family;
        for (unsigned bit = 0; equal && bit < network.bits; bit++)
            equal = bit_of(&network.base, bit) == bit_of(client, bit);
        if (equal)
            return true;
    }
    return count == 0;
}

static bool has_technique(const struct nm_rule_spec *rule, enum nm_technique technique)
{
    for (size_t i = 0; i < rule->technique_count; i++) {
        if (rule->techniques[i] == technique)
            return true;
    }
    return rule->technique_count == 0;
}

static bool fits_trilean(enum nm_trilean asked, bool is)
{
    return asked == NM_ANY || (is ? asked == NM_YES : asked == NM_NO);
}

static bool fits_near_miss(
    const struct nm_rule_spec *rule, const struct nm_verdict *verdict)
{
    const bool asks =
        rule->confidence >= 0 || rule->technique_count > 0 || rule->target_count > 0;

    switch (verdict->match) {
    case NM_MATCH_OWN:
    case NM_MATCH_PROTECTED:
    case NM_MATCH_ALLOWED:
        return false;
    case NM_MATCH_INVALID:
    case NM_MATCH_NONE:
    case NM_MATCH_KNOWN:
        return !asks;
    case NM_MATCH_NEAR_MISS:
        break;
    }
    return verdict->confidence >= rule->confidence &&
           has_technique(rule, verdict->best.technique) &&
           any_domain(rule->targets, rule->target_count, verdict->best.target.name);
}

static bool fits(const struct nm_rule_spec *rule, const struct nm_request *request);

/* An exception's own exceptions are not looked at. */
static bool is_excepted(
    const struct nm_rule_spec *rule, const struct nm_request *request)
{
    for (size_t i = 0; i < rule->unless_count; i++) {
        struct nm_rule_spec exception = rule->unless[i];

        exception.unless_count = 0;
        if (fits(&exception, request))
            return true;
    }
    return false;
}

static bool fits(const struct nm_rule_spec *rule, const struct nm_request *request)
{
    const char *domain = request->recipient->kind == NM_ADDRESS_MAILBOX
                             ? request->recipient->domain.name
                             : NULL;

    return fits_near_miss(rule, request->verdict) &&
           any_domain(
               rule->domains, rule->domain_count, domain != NULL ? domain : "") &&
           any_address(rule->senders, rule->sender_count, request->sender, NULL) &&
           any_address(rule->recipients, rule->recipient_count, request->recipient_text,
               domain) &&
           (rule->auth_count == 0 ||
               (is_authenticated(request) &&
                   any_domain(rule->auths, rule->auth_count, request->auth))) &&
           any_network(rule->networks, rule->network_count, &request->client) &&
           fits_trilean(rule->authenticated, is_authenticated(request)) &&
           fits_trilean(rule->first_contact, request->first_contact) &&
           request->near_misses >= rule->near_misses && !is_excepted(rule, request);
}

/* ---- comparing ------------------------------------------------------------ */

static bool all_are_taken(const struct rule *rules, size_t count)
{
    bool taken = true;

    for (size_t i = 0; i < count; i++) {
        struct nm_error error = {.code = NM_OK};
        const enum nm_code code = nm_rule_check(&rules[i].spec, &error);

        demand(code == error.code && (code == NM_OK) == (error.message[0] == '\0'),
            "a complaint without words, or words without one");
        taken = taken && code == NM_OK;
        for (size_t j = 0; taken && j < i; j++)
            taken = strcmp(rules[i].spec.name, rules[j].spec.name) != 0;
    }
    return taken;
}

static void check_reply(
    const struct nm_decision *decision, const struct nm_request *request)
{
    const bool for_now = decision->action == NM_ACTION_DEFER;
    struct nm_reply reply;
    uint32_t code_point;
    size_t length;

    memset(&reply, 0x5a, sizeof reply);
    nm_reply_make(decision, request, "01ARYZ6S41TSV4RRFFQ69G5FAV", &reply);
    demand(reply.code == (for_now ? 451 : 550), "another reply code");
    demand(strcmp(reply.status, for_now ? "4.7.1" : "5.7.1") == 0, "another status");
    length = strnlen(reply.text, sizeof reply.text);
    demand(length >= 1 && length <= NM_REPLY_TEXT_MAX, "an empty or endless reply");
    for (size_t at = 0; at < length;) {
        const size_t size = nm_utf8_decode(reply.text + at, length - at, &code_point);

        demand(size > 0, "a reply that is no UTF-8");
        demand(code_point >= 0x20 && (code_point < 0x7f || code_point >= 0xa0),
            "a control character in a reply");
        demand(request->smtputf8 || code_point < 0x80, "a reply beyond ASCII");
        at += size;
    }
}

static void check_decision(const struct nm_policy *policy, const struct rule *rules,
    size_t count, const struct nm_request *request)
{
    const struct nm_rule_spec *first = NULL;
    struct nm_decision decision;

    nm_policy_decide(policy, request, &decision);
    for (size_t i = 0; i < count; i++) {
        const bool fit = fits(&rules[i].spec, request);
        const char *why_not = nm_policy_explain(policy, i, request);

        demand((why_not == NULL) == fit, "explained otherwise than the model");
        if (fit && first == NULL)
            first = &rules[i].spec;
    }
    demand((decision.rule != NULL) == (first != NULL), "a rule, or none");
    if (first == NULL) {
        demand(decision.action == NM_ACTION_ACCEPT && decision.reply == NULL,
            "no rule, and yet not accepted");
        return;
    }
    demand(strcmp(decision.rule, first->name) == 0, "another rule");
    demand(decision.action == first->action && decision.mode == first->mode,
        "another action or mode");
    demand((decision.reply != NULL) == (first->reply != NULL), "a template, or none");
    if (nm_action_refuses(decision.action))
        check_reply(&decision, request);
}

static void check_glob(struct source *source)
{
    char pattern_memory[12];
    char text_memory[24];
    const char *pattern = take_text(source, pattern_memory, sizeof pattern_memory);
    const char *text = take_text(source, text_memory, sizeof text_memory);

    if (strlen(pattern) < 12 && strlen(text) < 24)
        demand(nm_glob(pattern, text) == glob(pattern, text), "another glob");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = {data, data + size};
    const size_t count = take(&source) % (RULES_MAX + 1);
    struct rule *rules = calloc(RULES_MAX, sizeof *rules);
    struct nm_rule_spec specs[RULES_MAX];
    struct nm_policy *policy = NULL;
    struct scene scene;
    bool taken;

    demand(rules != NULL, "no memory");
    for (unsigned i = 0; i < count; i++) {
        take_rule(&source, i, &rules[i]);
        rules[i].spec.unless = specs;
        specs[i] = rules[i].spec;
    }
    taken = all_are_taken(rules, count);
    demand((nm_policy_new(specs, count, &policy, NULL) == NM_OK) == taken &&
               (policy != NULL) == taken,
        "rules are taken that were complained of, or the reverse");
    for (size_t i = 0; taken && i < count; i++)
        demand(nm_policy_size(policy) == count &&
                   strcmp(nm_policy_rule_name(policy, i), rules[i].spec.name) == 0,
            "other rules than were given");
    do {
        take_scene(&source, &scene);
        if (taken)
            check_decision(policy, rules, count, &scene.request);
        check_glob(&source);
    } while (source.at < source.end);
    nm_policy_free(&policy);
    free(rules);
    return 0;
}
