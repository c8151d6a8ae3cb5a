/*
 * A rule as it is kept: patterns copied and sorted, networks as numbers, techniques as a
 * bit set. Everything hangs in the policy's arena.
 */
#ifndef NM_POLICY_RULE_H
#define NM_POLICY_RULE_H

#include "pattern.h"

#include <nearmiss/policy.h>

struct nm_conditions {
    double confidence;
    unsigned techniques;  /* bit set of 1 << enum nm_technique; 0: any */
    unsigned near_misses; /* at least so many in the message; 0: not asked */
    struct nm_patterns targets;
    struct nm_patterns domains;
    struct nm_patterns senders;
    struct nm_patterns recipients;
    struct nm_patterns auths;
    struct nm_network *networks;
    size_t network_count;
    enum nm_trilean authenticated;
    enum nm_trilean first_contact;
};

struct nm_rule {
    const char *name;
    const char *reply;
    enum nm_action action;
    enum nm_mode mode;
    struct nm_conditions when;
    struct nm_conditions *unless; /* the rule does not fit where one of these does */
    size_t unless_count;
};

/* What of the rule does not fit, in constant words; NULL when it fits. */
const char *nm_rule_why_not(
    const struct nm_rule *rule, const struct nm_request *request);

/* From a spec that nm_rule_check found fine. False without memory. */
bool nm_rule_compile(
    struct nm_arena *arena, const struct nm_rule_spec *spec, struct nm_rule *out);

#endif
