/*
 * The weights of the model: what each piece of evidence adds to the logarithm of its
 * factor. This is the only place where they stand.
 *
 * Source: fitted by tests/accuracy/fit to one half of the works that tests/accuracy/README.md
 * describes (address streams, published lists of typos, ranked names), and drawn to the
 * ratios of tests/accuracy/priors.tsv, which say where they come from. Do not change them by
 * hand: a new kind of evidence gets a prior there and 0.000 here, and `fit --write` does the
 * rest.
 *
 * In nats. A slip's weight is above 0 where it is more common among typos than among pairs of
 * real names.
 */
#include "model.h"

#define KIND(name) NM_FEATURE_KIND + NM_SLIP_##name
#define CLASS(name) NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name

const double nm_weights[NM_FEATURE_COUNT] = {
    /* ---- prior ---- */

    /* Long lists hold what is seldom written to, and mail providers are written to by
     * everybody. Weights count in full. What history knows earns more by its count. */
    [NM_FEATURE_LISTED] = 0.186,
    [NM_FEATURE_PROVIDER] = 4.315,
    [NM_FEATURE_PROVIDER_HOST] = -4.011,
    [NM_FEATURE_HISTORY] = 0.822,
    [NM_FEATURE_LN_WEIGHT] = 1.000,
    [NM_FEATURE_LN_COUNT] = 1.045,
    [NM_FEATURE_LN_LISTED] = -1.580,
    [NM_FEATURE_LN_SHORT] = 0.500,
    [NM_FEATURE_TARGET_RANKED] = 1.250,
    [NM_FEATURE_LN_TARGET_RANK] = -0.191,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.000,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 1.994,
    [KIND(OMISSION_DIGIT)] = -2.405,
    [KIND(INSERTION)] = 0.519,
    [KIND(INSERTION_KEY)] = 0.045,
    [KIND(INSERTION_DIGIT)] = -2.572,
    [KIND(DOUBLING)] = 1.960,
    [KIND(UNDOUBLING)] = 2.013,
    [KIND(TRANSPOSITION)] = 1.634,
    [KIND(ORDER)] = -0.010,
    [KIND(KEY)] = 0.686,
    [KIND(LAYOUT)] = 3.000,
    [KIND(VOWEL)] = 0.541,
    [KIND(SUBSTITUTION)] = -2.751,
    [KIND(DIGIT)] = -3.953,
    [KIND(LETTER_DIGIT)] = -3.509,
    [KIND(DOT)] = 4.305,
    [KIND(DOT_OTHER)] = 3.000,
    [KIND(HYPHEN)] = 2.825,
    [KIND(HYPHEN_EXTRA)] = -1.006,
    /* A name of another script that looks like a listed one has hardly another purpose
     * than to deceive. */
    [KIND(GLYPH)] = 0.650,
    [KIND(MARK)] = 4.000,
    [KIND(SPELT)] = 2.500,
    [KIND(SCRIPT)] = 8.000,
    [KIND(EMBEDDED)] = 3.416,
    [KIND(GLUED)] = 3.000,
    [KIND(GLUED_MAIL)] = 0.832,
    [KIND(GLUED_SUFFIX)] = 1.998,
    [NM_FEATURE_FIRST] = -2.447,
    [NM_FEATURE_LAST] = -0.693,
    [NM_FEATURE_FIRST_EXTRA] = -0.874,
    [NM_FEATURE_PLURAL] = -1.039,
    [NM_FEATURE_FURTHER] = -4.530,
    [NM_FEATURE_FURTHER_LENGTH] = 1.863,

    /* A slip of the fingers into a suffix that has few names of its own (`cm`, `ml`) is
     * sure; where firms own both names or others have the same (com and net, com and
     * com.au), it is not. */
    [CLASS(SLIP)] = 5.009,
    [CLASS(REPEATED)] = 5.004,
    [CLASS(SHORTER)] = -2.126,
    [CLASS(LONGER)] = -2.391,
    [CLASS(TWIN)] = -2.238,
    [CLASS(CLOSED)] = 0.500,
    [CLASS(APPENDED)] = 3.500,
    [CLASS(OTHER)] = -3.636,
    [NM_FEATURE_SUFFIX_COST] = -0.539,
    [NM_FEATURE_SUFFIX_GENERIC] = 3.800,
    [NM_FEATURE_SUFFIX_COUNTRY] = 1.924,
    [NM_FEATURE_SUFFIX_EDIT] = 0.488,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 0.192,
    [NM_FEATURE_SPELLING] = 0.237,
    [NM_FEATURE_WORDS] = 1.715,
    [NM_FEATURE_LENGTH] = 0.086,
    [NM_FEATURE_LN_LENGTH] = 1.060,
    [NM_FEATURE_LENGTH_2] = 2.144,
    [NM_FEATURE_LENGTH_3] = 1.670,
    [NM_FEATURE_LENGTH_4] = 2.547,
    [NM_FEATURE_LENGTH_5] = 0.163,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -8.813,
    [NM_FEATURE_SUFFIX_USUAL] = 0.223,
    [NM_FEATURE_TYPED_PROVIDER] = 6.068,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 0.676,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 2.034,
    [NM_FEATURE_BELOW] = 0.549,
    [NM_FEATURE_CROWD] = 0.491,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 1.304,
    [NM_FEATURE_LN_SEEN] = 0.880,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 4.762,
    [NM_FEATURE_LN_RANKS] = -0.589,
};

/* Fitted by the same program, to the verdicts on three address streams that weights of
 * five folds give, each slip counted once; but for `above`, which only keeps apart what is not equally sure. */
const struct nm_curve nm_curve = {.surplus = 3.000, .below = 20.000, .above = 0.100};
