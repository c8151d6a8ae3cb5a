/*
 * Nearmiss policy: from a verdict and what is known of the message to a decision, by
 * the first rule that fits.
 *
 * Pure: may use nearmiss/base.h, address.h and match.h; opens no file, takes no lock,
 * reads no clock. A struct nm_policy is immutable once made: any number of threads may
 * ask it at once.
 */
#ifndef NEARMISS_POLICY_H
#define NEARMISS_POLICY_H

#include <nearmiss/address.h>
#include <nearmiss/base.h>
#include <nearmiss/match.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a rule may do. The order is fixed (audit logs store it) and is not an order of
 * severity: see nm_action_severity. */
enum nm_action {
    NM_ACTION_ACCEPT,
    NM_ACTION_TAG,
    NM_ACTION_REJECT,
    NM_ACTION_DEFER,
    NM_ACTION_CONFIRM,
    NM_ACTION_QUARANTINE,
    NM_ACTION_HOLD
};
enum { NM_ACTION_COUNT = NM_ACTION_HOLD + 1 };

const char *nm_action_name(enum nm_action action);
bool nm_action_from_name(const char *name, enum nm_action *out);

/* 0 (accept) upwards: of two verdicts on one recipient the more severe counts. */
int nm_action_severity(enum nm_action action);

/* Whether the action is carried out by refusing the recipient. */
bool nm_action_refuses(enum nm_action action);

enum nm_mode { NM_MODE_ENFORCE, NM_MODE_OBSERVE };

const char *nm_mode_name(enum nm_mode mode);
bool nm_mode_from_name(const char *name, enum nm_mode *out);

/* ---- what is asked ------------------------------------------------------ */

/* An IP address: `family` is 4, 6, or 0 for none (a local client). An IPv4 address
 * mapped into IPv6 is given as IPv4. */
struct nm_ip {
    uint8_t family;
    uint8_t bytes[16];
};

/* Whether `text` is an IP address; `IPv6:` may stand before it. */
bool nm_ip_parse(const char *text, struct nm_ip *out);

/* The address as text; "" for none. `out` holds at least NM_IP_TEXT_MAX + 1 bytes. */
enum { NM_IP_TEXT_MAX = 45 };
void nm_ip_format(const struct nm_ip *ip, char *out);

/* `192.0.2.0/24`, `2001:db8::/32`, or an address alone. */
struct nm_network {
    struct nm_ip base;
    uint8_t bits; /* of the prefix: 0..32, 0..128 */
};

/* Whether `text` is a network whose bits behind the prefix are zero. */
bool nm_network_parse(const char *text, struct nm_network *out);
/* The same with bits behind the prefix, which become zero: what was perhaps meant. */
bool nm_network_around(const char *text, struct nm_network *out);
bool nm_network_contains(const struct nm_network *network, const struct nm_ip *address);

/* What a sender is told who may confirm that a near miss is meant. */
struct nm_confirm_terms {
    bool too_soon;     /* it was sent again, sooner than it counts */
    uint32_t wait_s;   /* how long to wait before it is sent again; 0: not at all */
    uint32_t window_s; /* and how long it counts */
    const char *code;  /* to be put into the Subject; NULL: it is just sent again */
};

struct nm_request {
    const struct nm_verdict *verdict;
    const struct nm_address *recipient;
    const char *sender;         /* without brackets; "" is the null sender */
    const char *recipient_text; /* likewise, as given */
    const char *auth;           /* authenticated user; NULL or "" for none */
    struct nm_ip client;
    unsigned near_misses; /* of the message's recipients so far, this one included */
    bool first_contact;   /* no earlier mail from here to this domain is on record */
    bool smtputf8;        /* the session may be answered in UTF-8 (RFC 6531) */
    bool sender_unknown;  /* `sender` is nobody in particular, not the null sender */
    struct nm_confirm_terms confirm; /* for the reply of a rule that asks for it */
    const char *contact; /* whom the sender may ask; NULL or "": their postmaster */
};

/* ---- rules -------------------------------------------------------------- */

enum nm_trilean { NM_ANY, NM_YES, NM_NO };

/* A rule as the configuration gives it. All conditions must fit; an absent one (NULL,
 * count 0, NM_ANY, confidence < 0) always does. Patterns are globs (`*` any bytes, `?`
 * one), ASCII case ignored. Domains and targets are matched as A-labels; a pattern
 * `*.mil` matches the names below `mil`. Sender and recipient patterns match the whole
 * address; one without `@`, or with one only at its beginning, matches its domain; `<>`
 * matches the null sender. */
enum { NM_RULE_NAME_MAX = 64 }; /* bytes */

struct nm_rule_spec {
    const char *name; /* UTF-8 without control characters */
    const char *file; /* for complaints; may be NULL */
    unsigned line;

    double confidence; /* fits at this confidence and above; < 0: not asked */
    const enum nm_technique *techniques;
    size_t technique_count;
    const char *const *targets;
    size_t target_count;
    const char *const *domains;
    size_t domain_count;
    const char *const *senders;
    size_t sender_count;
    const char *const *recipients;
    size_t recipient_count;
    const char *const *auths;
    size_t auth_count;
    const char *const *networks; /* `192.0.2.0/24`, `2001:db8::/32`, an address */
    size_t network_count;
    enum nm_trilean authenticated;
    enum nm_trilean first_contact;
    unsigned near_misses; /* of the message's recipients, at least; 0: not asked */

    /* Exceptions: the rule does not fit where all conditions of one of these do. Nothing
     * else of them is looked at. */
    const struct nm_rule_spec *unless;
    size_t unless_count;

    enum nm_action action;
    enum nm_mode mode; /* NM_MODE_OBSERVE: decide and record only */
    const char *reply; /* template, or NULL for the built-in text */
};

struct nm_policy;

/* Everything in the specs is copied. The first complaint is in `error`: a pattern or
 * network that cannot be read, an unknown `%{…}` in a reply, a name that is used before,
 * an action that is not built. NM_BAD_INPUT, NM_LIMIT (more than 10,000 rules) or
 * NM_NO_MEMORY. */
enum nm_code nm_policy_new(const struct nm_rule_spec *rules, size_t rule_count,
    struct nm_policy **out, struct nm_error *error);
void nm_policy_free(struct nm_policy **policy);

/* Check one rule alone, so that a loader can complain of each. NM_OK or as above. */
enum nm_code nm_rule_check(const struct nm_rule_spec *rule, struct nm_error *error);

size_t nm_policy_size(const struct nm_policy *policy);

/* Whether a rule asks for first contacts, so that `first_contact` of a request counts. */
bool nm_policy_asks_first_contact(const struct nm_policy *policy);
const char *nm_policy_rule_name(const struct nm_policy *policy, size_t rule);

/* ---- decisions ---------------------------------------------------------- */

struct nm_decision {
    enum nm_action action;
    enum nm_mode mode; /* of the rule; NM_MODE_ENFORCE without one */
    const char *rule;  /* its name, borrowed from the policy; NULL when none fits */
    const char *reply; /* its template, borrowed likewise; NULL for the built-in */
};

/* The first rule that fits; accept without one. The null sender, who reads no reply, is
 * not asked to confirm but rejected. */
void nm_policy_decide(const struct nm_policy *policy, const struct nm_request *request,
    struct nm_decision *out);

/* Why a rule does not fit, for people: the first condition that fails, or NULL when the
 * rule fits. The words are constant. */
const char *nm_policy_explain(
    const struct nm_policy *policy, size_t rule, const struct nm_request *request);

/* ---- replies ------------------------------------------------------------ */

enum {
    NM_REPLY_LINE_MAX = 980, /* bytes a line that libmilter takes */
    NM_REPLY_LINES_MAX = 32,
    NM_REPLY_TEXT_MAX = 900,    /* bytes of one recipient's explanation */
    NM_REPLY_TEMPLATE_MAX = 300 /* bytes of a rule's template */
};

/* An SMTP reply. `text` has no code, no CR or LF and no control bytes. Domains stand in
 * it as A-labels, and it is ASCII unless the request is SMTPUTF8. A `%` is single here; who hands it to libmilter
 * doubles it. */
struct nm_reply {
    unsigned code;  /* 550, 451 */
    char status[8]; /* enhanced status code, RFC 3463: "5.7.1" */
    char text[NM_REPLY_TEXT_MAX + 1];
};

/* The reply that goes with a decision that refuses (reject, defer, confirm), naming the
 * domain, the target, the slip in words, and `reference`. `%{domain}`, `%{target}`,
 * `%{slip}`, `%{ref}`, `%{rule}`, `%{sender}`, `%{confirm}` and `%%` are the template's.
 * `%{confirm}` says how to confirm, "" where that is not asked for; a template without it
 * gets it at its end. */
void nm_reply_make(const struct nm_decision *decision, const struct nm_request *request,
    const char *reference, struct nm_reply *out);

#ifdef __cplusplus
}
#endif

#endif
