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
    [NM_FEATURE_LISTED] = 0.111,
    [NM_FEATURE_PROVIDER] = 4.444,
    [NM_FEATURE_HISTORY] = 0.961,
    [NM_FEATURE_LN_WEIGHT] = 1.000,
    [NM_FEATURE_LN_COUNT] = 1.025,
    [NM_FEATURE_LN_LISTED] = -1.692,
    [NM_FEATURE_TARGET_RANKED] = 1.433,
    [NM_FEATURE_LN_TARGET_RANK] = -0.169,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.000,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 2.119,
    [KIND(OMISSION_DIGIT)] = -2.403,
    [KIND(INSERTION)] = 0.645,
    [KIND(INSERTION_KEY)] = -0.075,
    [KIND(INSERTION_DIGIT)] = -2.701,
    [KIND(DOUBLING)] = 1.775,
    [KIND(UNDOUBLING)] = 1.918,
    [KIND(TRANSPOSITION)] = 1.661,
    [KIND(ORDER)] = -0.112,
    [KIND(KEY)] = 0.770,
    [KIND(LAYOUT)] = 3.000,
    [KIND(VOWEL)] = 0.600,
    [KIND(SUBSTITUTION)] = -3.041,
    [KIND(DIGIT)] = -4.023,
    [KIND(LETTER_DIGIT)] = -3.558,
    [KIND(DOT)] = 4.307,
    [KIND(DOT_OTHER)] = 3.000,
    [KIND(HYPHEN)] = 2.956,
    [KIND(HYPHEN_EXTRA)] = -0.014,
    /* A name of another script that looks like a listed one has hardly another purpose
     * than to deceive. */
    [KIND(GLYPH)] = 0.402,
    [KIND(MARK)] = 4.000,
    [KIND(SCRIPT)] = 8.000,
    [KIND(EMBEDDED)] = 3.366,
    [KIND(GLUED)] = 3.000,
    [KIND(GLUED_MAIL)] = -2.669,
    [NM_FEATURE_FIRST] = -2.598,
    [NM_FEATURE_LAST] = -0.856,
    [NM_FEATURE_FIRST_EXTRA] = -1.079,
    [NM_FEATURE_PLURAL] = -1.054,
    [NM_FEATURE_FURTHER] = -4.663,
    [NM_FEATURE_FURTHER_LENGTH] = 2.066,

    /* A slip of the fingers into a suffix that has few names of its own (`cm`, `ml`) is
     * sure; where firms own both names or others have the same (com and net, com and
     * com.au), it is not. */
    [CLASS(SLIP)] = 5.026,
    [CLASS(REPEATED)] = 5.007,
    [CLASS(SHORTER)] = -1.417,
    [CLASS(LONGER)] = -2.269,
    [CLASS(TWIN)] = -2.193,
    [CLASS(OTHER)] = -3.684,
    [NM_FEATURE_SUFFIX_COST] = -0.549,
    [NM_FEATURE_SUFFIX_GENERIC] = 3.800,
    [NM_FEATURE_SUFFIX_COUNTRY] = 1.508,
    [NM_FEATURE_SUFFIX_EDIT] = 0.477,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 0.128,
    [NM_FEATURE_SPELLING] = 0.243,
    [NM_FEATURE_LENGTH] = 0.103,
    [NM_FEATURE_LN_LENGTH] = 1.131,
    [NM_FEATURE_LENGTH_2] = 2.073,
    [NM_FEATURE_LENGTH_3] = 1.616,
    [NM_FEATURE_LENGTH_4] = 2.631,
    [NM_FEATURE_LENGTH_5] = 0.219,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -8.823,
    [NM_FEATURE_SUFFIX_USUAL] = 0.192,
    [NM_FEATURE_TYPED_PROVIDER] = 6.168,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 0.732,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 2.035,
    [NM_FEATURE_BELOW] = 0.700,
    [NM_FEATURE_CROWD] = 0.616,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 1.387,
    [NM_FEATURE_LN_SEEN] = 0.850,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 4.816,
    [NM_FEATURE_LN_RANKS] = -0.557,
};
