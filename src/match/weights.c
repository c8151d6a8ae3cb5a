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
 * A slip's weight is above 0 where it is more common among typos than among pairs of real
 * names. The unit is a third of a nat, since scores are made three times as steep: evidence
 * is seldom as independent as a sum of logarithms has it, and a slip that is asked about at
 * 0.9 would else lie at 0.6 when it is none.
 */
#include "model.h"

#define KIND(name) NM_FEATURE_KIND + NM_SLIP_##name
#define CLASS(name) NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name

const double nm_weights[NM_FEATURE_COUNT] = {
    /* ---- prior ---- */

    /* Long lists hold what is seldom written to, and mail providers are written to by
     * everybody. Weights count in full. What history knows earns more by its count. */
    [NM_FEATURE_LISTED] = 1.816,
    [NM_FEATURE_PROVIDER] = 13.670,
    [NM_FEATURE_HISTORY] = 4.276,
    [NM_FEATURE_LN_WEIGHT] = 1.000,
    [NM_FEATURE_LN_COUNT] = 3.124,
    [NM_FEATURE_LN_LISTED] = -5.597,
    [NM_FEATURE_TARGET_RANKED] = 4.793,
    [NM_FEATURE_LN_TARGET_RANK] = -0.424,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.000,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 6.771,
    [KIND(OMISSION_DIGIT)] = -7.209,
    [KIND(INSERTION)] = 2.610,
    [KIND(INSERTION_KEY)] = -1.204,
    [KIND(INSERTION_DIGIT)] = -8.771,
    [KIND(DOUBLING)] = 3.965,
    [KIND(UNDOUBLING)] = 4.891,
    [KIND(TRANSPOSITION)] = 4.963,
    [KIND(ORDER)] = -0.466,
    [KIND(KEY)] = 2.707,
    [KIND(VOWEL)] = 2.108,
    [KIND(SUBSTITUTION)] = -9.471,
    [KIND(DIGIT)] = -12.336,
    [KIND(LETTER_DIGIT)] = -11.258,
    [KIND(DOT)] = 12.937,
    [KIND(DOT_OTHER)] = 9.000,
    [KIND(HYPHEN)] = 9.860,
    [KIND(HYPHEN_EXTRA)] = -0.071,
    /* A name of another script that looks like a listed one has hardly another purpose
     * than to deceive. */
    [KIND(GLYPH)] = 0.203,
    [KIND(MARK)] = 12.001,
    [KIND(SCRIPT)] = 24.000,
    [KIND(EMBEDDED)] = 6.991,
    [KIND(GLUED)] = 9.000,
    [KIND(GLUED_MAIL)] = -3.140,
    [NM_FEATURE_FIRST] = -8.605,
    [NM_FEATURE_LAST] = -2.979,
    [NM_FEATURE_FIRST_EXTRA] = -4.180,
    [NM_FEATURE_PLURAL] = -3.287,
    [NM_FEATURE_FURTHER] = -14.028,
    [NM_FEATURE_FURTHER_LENGTH] = 7.466,

    /* A slip of the fingers into a suffix that has few names of its own (`cm`, `ml`) is
     * sure; where firms own both names or others have the same (com and net, com and
     * com.au), it is not. */
    [CLASS(SLIP)] = 15.424,
    [CLASS(REPEATED)] = 15.100,
    [CLASS(SHORTER)] = -5.375,
    [CLASS(LONGER)] = -6.194,
    [CLASS(TWIN)] = -6.167,
    [CLASS(OTHER)] = -11.501,
    [NM_FEATURE_SUFFIX_COST] = -1.710,
    [NM_FEATURE_SUFFIX_GENERIC] = 11.403,
    [NM_FEATURE_SUFFIX_COUNTRY] = 0.053,
    [NM_FEATURE_SUFFIX_EDIT] = 1.289,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 1.903,
    [NM_FEATURE_SPELLING] = 0.714,
    [NM_FEATURE_LENGTH] = -0.836,
    [NM_FEATURE_LN_LENGTH] = 3.568,
    [NM_FEATURE_LENGTH_3] = 3.547,
    [NM_FEATURE_LENGTH_4] = 8.534,
    [NM_FEATURE_LENGTH_5] = 0.365,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -26.567,
    [NM_FEATURE_SUFFIX_USUAL] = 0.679,
    [NM_FEATURE_TYPED_PROVIDER] = 19.045,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 2.576,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 9.046,
    [NM_FEATURE_BELOW] = 2.764,
    [NM_FEATURE_CROWD] = 2.105,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 4.338,
    [NM_FEATURE_LN_SEEN] = 2.436,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 14.849,
    [NM_FEATURE_LN_RANKS] = -1.563,
};
