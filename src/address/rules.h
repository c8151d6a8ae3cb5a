/*
 * What libpsl need not be asked about a domain's tails.
 *
 * A name is a public suffix by libpsl's word only. But to ask costs it some 0.2 us, for
 * each label, and for nearly every name of the world the answer is the same: no rule of the
 * list names it, but its last label is a suffix. So a filter over the rules tells of which
 * tails the list says nothing, and a table holds the last labels that libpsl was asked
 * about at the start; only of the other tails it is asked again. The rules come from the
 * very list that libpsl holds, compiled in; where it holds another one, it is always asked.
 *
 * Immutable once made.
 */
#ifndef NM_ADDRESS_RULES_H
#define NM_ADDRESS_RULES_H

#include <nearmiss/address.h>

#include <libpsl.h>

enum {
    /* No rule of the public suffix list is longer: the longest have five labels. Of a name
     * with more labels only the end is asked about, which bounds the work on hostile
     * ones. */
    NM_SUFFIX_LABELS_MAX = 12,
    NM_SPLIT_TAILS_MAX = NM_SUFFIX_LABELS_MAX + 1 /* and the label before them */
};

struct nm_rules;

enum nm_rule_word {
    NM_RULE_ASK, /* a rule may name it */
    NM_RULE_NO,  /* no rule names it */
    NM_RULE_YES  /* it is a public suffix */
};

/* The end of a domain from a label on. */
struct nm_tail {
    size_t at;
    enum nm_rule_word word;
};

/* `*out` is NULL where `suffixes` is not the list that is compiled in. Fails with
 * NM_NO_MEMORY only. */
enum nm_code nm_rules_new(const psl_ctx_t *suffixes, struct nm_rules **out);
void nm_rules_free(struct nm_rules **rules);

/* The tails of a domain that may be suffixes, the shortest first; returns how many. What
 * `rules` (or NULL) have to say is for names without an A-label. */
size_t nm_rules_tails(const struct nm_rules *rules, const struct nm_domain *domain,
    struct nm_tail out[NM_SPLIT_TAILS_MAX]);

#endif
