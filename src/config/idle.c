#include "idle.h"

#include <string.h>

/* Longer lists are not compared with each other. */
enum { COMPARED_MAX = 32, EARLIER_MAX = 200 /* and rules before a rule */ };

static bool is_for_near_misses(const struct nm_rule_spec *rule)
{
    return rule->confidence >= 0 || rule->technique_count > 0 || rule->target_count > 0;
}

/* ---- hidden by an earlier rule ------------------------------------------ */

struct texts {
    const char *const *items;
    size_t count;
};

static bool has_text(const struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (nm_ascii_equal_nocase(texts->items[i], text))
            return true;
    return false;
}

/* Whether what one of `later` fits, one of `first` does too; none asks for nothing. */
static bool covers_texts(struct texts first, struct texts later)
{
    if (first.count == 0)
        return true;
    if (later.count == 0 || later.count > COMPARED_MAX || first.count > COMPARED_MAX)
        return false;
    for (size_t i = 0; i < later.count; i++)
        if (!has_text(&first, later.items[i]))
            return false;
    return true;
}

static bool covers_techniques(
    const struct nm_rule_spec *first, const struct nm_rule_spec *later)
{
    unsigned given = 0;

    for (size_t i = 0; i < first->technique_count; i++)
        given |= 1U << first->techniques[i];
    for (size_t i = 0; i < later->technique_count; i++)
        if (first->technique_count > 0 && (given & 1U << later->techniques[i]) == 0)
            return false;
    return first->technique_count == 0 || later->technique_count > 0;
}

/* Whether `network` lies in one of the rule's. */
static bool covers_network(const struct nm_rule_spec *rule, const char *network)
{
    struct nm_network inner;
    struct nm_network outer;

    if (!nm_network_parse(network, &inner))
        return false;
    for (size_t i = 0; i < rule->network_count; i++)
        if (nm_network_parse(rule->networks[i], &outer) && outer.bits <= inner.bits &&
            nm_network_contains(&outer, &inner.base))
            return true;
    return false;
}

static bool covers_networks(
    const struct nm_rule_spec *first, const struct nm_rule_spec *later)
{
    if (first->network_count == 0)
        return true;
    if (later->network_count == 0 || later->network_count > COMPARED_MAX ||
        first->network_count > COMPARED_MAX)
        return false;
    for (size_t i = 0; i < later->network_count; i++)
        if (!covers_network(first, later->networks[i]))
            return false;
    return true;
}

/* No near miss is below the threshold. */
static bool covers_confidence(const struct nm_rule_spec *first,
    const struct nm_rule_spec *later, double threshold)
{
    return first->confidence < 0 ||
           (is_for_near_misses(later) && (first->confidence <= threshold ||
                                             first->confidence <= later->confidence));
}

static bool covers_trilean(enum nm_trilean first, enum nm_trilean later)
{
    return first == NM_ANY || first == later;
}

/* Whether `first` fits whatever `later` fits. */
static bool hides(const struct nm_rule_spec *first, const struct nm_rule_spec *later,
    double threshold)
{
    return first->unless_count == 0 && covers_confidence(first, later, threshold) &&
           covers_techniques(first, later) &&
           covers_texts((struct texts){first->targets, first->target_count},
               (struct texts){later->targets, later->target_count}) &&
           covers_texts((struct texts){first->domains, first->domain_count},
               (struct texts){later->domains, later->domain_count}) &&
           covers_texts((struct texts){first->senders, first->sender_count},
               (struct texts){later->senders, later->sender_count}) &&
           covers_texts((struct texts){first->recipients, first->recipient_count},
               (struct texts){later->recipients, later->recipient_count}) &&
           covers_texts((struct texts){first->auths, first->auth_count},
               (struct texts){later->auths, later->auth_count}) &&
           covers_networks(first, later) &&
           covers_trilean(first->authenticated, later->authenticated) &&
           covers_trilean(first->first_contact, later->first_contact) &&
           first->near_misses <= later->near_misses;
}

/* ---- what cannot be together -------------------------------------------- */

static bool overlaps(const struct nm_network *a, const struct nm_network *b)
{
    return nm_network_contains(a, &b->base) || nm_network_contains(b, &a->base);
}

/* Whether a client of these networks may be judged at all. */
static bool is_in_outbound(
    const struct nm_config *config, const struct nm_rule_spec *rule)
{
    struct nm_network network;

    for (size_t i = 0; i < rule->network_count; i++)
        for (size_t k = 0; k < config->network_count; k++)
            if (nm_network_parse(rule->networks[i], &network) &&
                overlaps(&network, &config->networks[k]))
                return true;
    return false;
}

/* Why the rule fits no mail, or NULL. */
static const char *contradiction(
    const struct nm_config *config, const struct nm_rule_spec *rule)
{
    const bool by_login = config->values[NM_OPT_OUTBOUND_AUTHENTICATED].number != 0;

    if (rule->authenticated == NM_NO && rule->auth_count > 0)
        return "it asks for a user and for a client that has not logged in";
    if (rule->authenticated == NM_NO && by_login && config->network_count == 0)
        return "by \"outbound\" only mail of clients that have logged in is judged";
    if (rule->network_count > 0 && rule->network_count <= COMPARED_MAX &&
        config->network_count > 0 && !by_login && !is_in_outbound(config, rule))
        return "by \"outbound\" no mail from its clients is judged";
    return NULL;
}

/* ---- both --------------------------------------------------------------- */

/* The rule that hides rule `i`, or `i`. */
static size_t find_hider(const struct nm_config *config, size_t i)
{
    const double threshold = config->values[NM_OPT_MATCH_THRESHOLD].number;

    for (size_t before = i > EARLIER_MAX ? i - EARLIER_MAX : 0; before < i; before++)
        if (hides(&config->rules[before], &config->rules[i], threshold))
            return before;
    return i;
}

void nm_config_warn_of_idle_rules(const struct nm_config *config)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct nm_rule_spec *rule = &config->rules[i];
        const char *why = contradiction(config, rule);
        const size_t hider = find_hider(config, i);

        if (why != NULL)
            nm_warn(config->complaints, rule->file, rule->line,
                "rule %s never decides: %s", nm_quote_text(rule->name).text, why);
        else if (hider < i)
            nm_warn(config->complaints, rule->file, rule->line,
                "rule %s never decides: rule %s stands before it and fits the same "
                "mail",
                nm_quote_text(rule->name).text,
                nm_quote_text(config->rules[hider].name).text);
    }
}
