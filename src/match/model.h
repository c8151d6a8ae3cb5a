/*
 * The model: what a finding is worth.
 *
 * Evidence is taken down as features, each of which belongs to one of the three factors
 * of match.h and has one weight; a factor's logarithm is the sum of its features times
 * their weights. For each candidate then
 *
 *     score = prior + slip - genuine,   odds = sum of exp(scores) : 1
 *
 * where 1 stands for the name being meant as typed, and each candidate has the share
 * exp(score) of the sum. How often names of such odds turn out to be slips is another
 * matter, and what nm_confidence tells. What is taken down and what it is worth are apart,
 * so that a program can fit the weights again: it needs nm_features_take and writes
 * nm_weights.
 */
#ifndef NM_MATCH_MODEL_H
#define NM_MATCH_MODEL_H

#include "search.h"

/* 1 or 0 unless said otherwise. A factor's features stand together; those of slip begin at
 * NM_FEATURE_KIND, those of genuine at NM_FEATURE_CONSTANT. */
enum nm_feature {
    /* prior(t): what the target is listed as */
    NM_FEATURE_LISTED,
    NM_FEATURE_PROVIDER,      /* a mail provider's, besides, */
    NM_FEATURE_PROVIDER_HOST, /* or what nobody writes to: a name below one */
    NM_FEATURE_HISTORY,
    NM_FEATURE_SUFFIX_LISTED, /* a protected suffix, the name under it unknown */
    NM_FEATURE_LN_WEIGHT,     /* ln of the list's weight */
    NM_FEATURE_LN_COUNT, /* ln of the messages by history, at most 7; beside a list, of
                            what is more than a listing is worth */
    NM_FEATURE_LN_LISTED, /* ln of how many times 250 names are listed, to 16: of what the
                             operator listed, if it is such a name, and else of all */
    NM_FEATURE_LN_SHORT, /* for such a name that is no mail provider's, ln of how many
                             times fewer they are, to 25 */
    NM_FEATURE_TARGET_RANKED,  /* its registrable part is ranked, */
    NM_FEATURE_LN_TARGET_RANK, /* and ln of its rank */
    /* slip(q | t): how many of each kind; then where, and how many */
    NM_FEATURE_KIND,
    NM_FEATURE_FIRST = /* how many at a label's start, */
    NM_FEATURE_KIND + NM_SLIP_KIND_COUNT,
    NM_FEATURE_LAST,           /* before the suffix */
    NM_FEATURE_FIRST_EXTRA,    /* something typed before all of the meant label */
    NM_FEATURE_PLURAL,         /* an `s` at a label's end, more or less */
    NM_FEATURE_FURTHER,        /* slips beyond the first */
    NM_FEATURE_FURTHER_LENGTH, /* these times ln of an eighth of the label's length */
    /* slip(q | t): the suffix, if the slip lies there. A class of the table, */
    NM_FEATURE_SUFFIX_CLASS,
    NM_FEATURE_SUFFIX_GENERIC = /* or else an edit of com, net, org, gov, edu, mil, */
    NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_CLASS_COUNT,
    NM_FEATURE_SUFFIX_COUNTRY, /* or one country's for another's, */
    NM_FEATURE_SUFFIX_EDIT,    /* or an edit of another suffix; */
    NM_FEATURE_SUFFIX_COST, /* for a pair that is neither, how many edits it takes, 0..6 */
    /* genuine(q): how likely somebody really has the typed name */
    NM_FEATURE_CONSTANT,
    NM_FEATURE_SPELLING,  /* ln of the probability of its letters */
    NM_FEATURE_WORDS,     /* it is made of words, where a slip of letters stands */
    NM_FEATURE_LENGTH,    /* ln of the probability of its length */
    NM_FEATURE_LN_LENGTH, /* ln of its length */
    NM_FEATURE_LENGTH_2,  /* at most 2 letters: these names are all taken */
    NM_FEATURE_LENGTH_3,  /* at most 3 letters */
    NM_FEATURE_LENGTH_4,
    NM_FEATURE_LENGTH_5,
    NM_FEATURE_SUFFIX_UNKNOWN,    /* the typed suffix does not exist, */
    NM_FEATURE_SUFFIX_USUAL,      /* or is another one: how usual it is */
    NM_FEATURE_TYPED_PROVIDER,    /* its registrable part is a mail provider's */
    NM_FEATURE_REGISTRABLE_KNOWN, /* its registrable part is listed */
    NM_FEATURE_BELOW,             /* it lies below what was compared */
    NM_FEATURE_CROWD,             /* ln of the listed names one slip away, 1..4 */
    NM_FEATURE_KIN,               /* target and typed name have one registrable part */
    NM_FEATURE_SEEN,              /* it has been written to twice or more */
    NM_FEATURE_LN_SEEN, /* ln of half the messages it got, 0 for fewer than 2 */
    NM_FEATURE_RANKED,  /* its registrable part is ranked, */
    NM_FEATURE_LN_RANKS /* and ln of how many times better the target's rank is, 0..8 */
};
enum { NM_FEATURE_COUNT = NM_FEATURE_LN_RANKS + 1 };

/* What each is worth, in nats (weights.c). */
extern const double nm_weights[NM_FEATURE_COUNT];

/* From odds to confidence: `surplus` is what slips' being counted many times in the fit adds
 * to the logarithm of the odds; the other two are how fast confidence falls below and rises
 * above the odds of nine to one, at which it is 0.9, until the odds less that surplus say
 * more (weights.c). */
struct nm_curve {
    double surplus;
    double below;
    double above;
};

extern const struct nm_curve nm_curve;

struct nm_features {
    double value[NM_FEATURE_COUNT];
};

/* Take down the evidence for and against a finding. */
void nm_features_take(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_features *out);

/* The confidence, between 0 and 1, that a name is a slip for whose being one the odds have
 * this logarithm; it grows with them. */
double nm_confidence(double ln_odds);

/* Set the finding's three factors and its score. */
void nm_finding_weigh(const struct nm_query *query, struct nm_finding *finding);

#endif
