/*
 * The conditions of a rule stand in one table, so that what decides and what explains
 * cannot disagree.
 */
#include "rule.h"

static bool asks_for_a_near_miss(const struct nm_conditions *asked)
{
    return asked->confidence >= 0 || asked->techniques != 0 || asked->targets.count > 0;
}

static bool is_near_miss(const struct nm_request *request)
{
    return request->verdict->match == NM_MATCH_NEAR_MISS;
}

/* No rule fits what is own, protected or allowed; one that names no confidence, technique
 * or target fits every other recipient, near miss or not. */
static bool is_listed(const struct nm_request *request)
{
    switch (request->verdict->match) {
    case NM_MATCH_OWN:
    case NM_MATCH_PROTECTED:
    case NM_MATCH_ALLOWED:
        return true;
    case NM_MATCH_NEAR_MISS:
    case NM_MATCH_INVALID:
    case NM_MATCH_NONE:
    case NM_MATCH_KNOWN:
        break;
    }
    return false;
}

static bool fits_near_miss(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return is_near_miss(request) || !asks_for_a_near_miss(asked);
}

static bool fits_confidence(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->confidence < 0 || request->verdict->confidence >= asked->confidence;
}

static bool fits_technique(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->techniques == 0 ||
           (asked->techniques & 1U << request->verdict->best.technique) != 0;
}

static bool fits_target(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return nm_patterns_fit(&asked->targets,
        is_near_miss(request) ? request->verdict->best.target.name : "");
}

static bool fits_domain(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return nm_patterns_fit(&asked->domains,
        request->recipient->kind == NM_ADDRESS_MAILBOX ? request->recipient->domain.name
                                                       : "");
}

static bool fits_sender(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return nm_patterns_fit_address(&asked->senders, request->sender);
}

/* A pattern without `@` asks for the domain, however it was written. */
static bool fits_recipient(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    const struct nm_address *recipient = request->recipient;

    return nm_patterns_fit_address(&asked->recipients, request->recipient_text) ||
           (recipient->kind == NM_ADDRESS_MAILBOX &&
               nm_patterns_fit_domain(&asked->recipients, recipient->domain.name));
}

static bool is_authenticated(const struct nm_request *request)
{
    return request->auth != NULL && request->auth[0] != '\0';
}

static bool fits_auth(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->auths.count == 0 ||
           (is_authenticated(request) && nm_patterns_fit(&asked->auths, request->auth));
}

static bool fits_logged_in(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->authenticated != NM_YES || is_authenticated(request);
}

static bool fits_not_logged_in(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->authenticated != NM_NO || !is_authenticated(request);
}

static bool fits_first_contact(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->first_contact != NM_YES || request->first_contact;
}

static bool fits_known_contact(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return asked->first_contact != NM_NO || !request->first_contact;
}

static bool fits_network(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    for (size_t i = 0; i < asked->network_count; i++) {
        if (nm_network_contains(&asked->networks[i], &request->client))
            return true;
    }
    return asked->network_count == 0;
}

static bool fits_near_misses(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    return request->near_misses >= asked->near_misses;
}

static const struct {
    bool (*fits)(const struct nm_conditions *asked, const struct nm_request *request);
    const char *why_not;
} conditions[] = {
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
    {fits_near_misses, "for messages with more near misses"},
};

static const char *why_not(
    const struct nm_conditions *asked, const struct nm_request *request)
{
    for (size_t i = 0; i < NM_COUNT(conditions); i++) {
        if (!conditions[i].fits(asked, request))
            return conditions[i].why_not;
    }
    return NULL;
}

const char *nm_rule_why_not(
    const struct nm_rule *rule, const struct nm_request *request)
{
    const char *why = is_listed(request) ? "own, protected and allowed names are exempt"
                                         : why_not(&rule->when, request);

    for (size_t i = 0; why == NULL && i < rule->unless_count; i++) {
        if (why_not(&rule->unless[i], request) == NULL)
            why = "one of its exceptions (unless) applies";
    }
    return why;
}
