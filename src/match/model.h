/*
 * The model: what a finding is worth. Evidence is taken down as features (model.c), each
 * of which has one weight and belongs to one of the three factors of match.h; a factor's
 * logarithm is the sum of its features times their weights. The weights stand in one
 * table, so that a program can fit them again.
 */
#ifndef NM_MATCH_MODEL_H
#define NM_MATCH_MODEL_H

#include "search.h"

enum nm_factor { NM_FACTOR_PRIOR, NM_FACTOR_SLIP, NM_FACTOR_GENUINE };

enum nm_feature {
    /* prior(t) */
    NM_FEATURE_LISTED,
    NM_FEATURE_PROVIDER,
    NM_FEATURE_HISTORY,
    NM_FEATURE_SUFFIX_LISTED,
    NM_FEATURE_LN_WEIGHT,
    NM_FEATURE_LN_COUNT,
    NM_FEATURE_LN_LISTED,
    /* slip(q | t): one for each kind, then where, how many, and in which suffix */
    NM_FEATURE_KIND,
    NM_FEATURE_FIRST = NM_FEATURE_KIND + NM_SLIP_KIND_COUNT,
    NM_FEATURE_LAST,
    NM_FEATURE_FURTHER,
    NM_FEATURE_SUFFIX_GENERIC,
    NM_FEATURE_SUFFIX_COUNTRY,
    NM_FEATURE_SUFFIX_CLASS,
    NM_FEATURE_KIN = NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_CLASS_COUNT,
    /* genuine(q) */
    NM_FEATURE_CONSTANT,
    NM_FEATURE_LENGTH,
    NM_FEATURE_LENGTH_3,
    NM_FEATURE_LENGTH_4,
    NM_FEATURE_LENGTH_5,
    NM_FEATURE_SUFFIX_UNKNOWN,
    NM_FEATURE_REGISTRABLE_KNOWN,
    NM_FEATURE_SEEN,
    NM_FEATURE_LN_SEEN
};
enum { NM_FEATURE_COUNT = NM_FEATURE_LN_SEEN + 1 };

struct nm_weight {
    enum nm_factor factor;
    double weight;
};

extern const struct nm_weight nm_model[NM_FEATURE_COUNT];

struct nm_features {
    double value[NM_FEATURE_COUNT];
};

/* Take down the evidence for and against a finding. */
void nm_features_take(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_features *out);

/* Set the finding's three factors and its score. */
void nm_finding_weigh(const struct nm_query *query, struct nm_finding *finding);

#endif
