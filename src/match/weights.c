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
    [NM_FEATURE_LISTED] = 0.840,
    [NM_FEATURE_PROVIDER] = 13.765,
    [NM_FEATURE_HISTORY] = 3.337,
    [NM_FEATURE_LN_WEIGHT] = 1.000,
    [NM_FEATURE_LN_COUNT] = 3.148,
    [NM_FEATURE_LN_LISTED] = -5.543,
    [NM_FEATURE_TARGET_RANKED] = 4.849,
    [NM_FEATURE_LN_TARGET_RANK] = -0.417,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.000,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 7.038,
    [KIND(OMISSION_DIGIT)] = -7.208,
    [KIND(INSERTION)] = 2.556,
    [KIND(INSERTION_KEY)] = -1.277,
    [KIND(INSERTION_DIGIT)] = -8.795,
    [KIND(DOUBLING)] = 4.051,
    [KIND(UNDOUBLING)] = 4.944,
    [KIND(TRANSPOSITION)] = 5.035,
    [KIND(ORDER)] = -0.358,
    [KIND(KEY)] = 2.519,
    [KIND(LAYOUT)] = 9.000,
    [KIND(VOWEL)] = 2.265,
    [KIND(SUBSTITUTION)] = -9.715,
    [KIND(DIGIT)] = -12.383,
    [KIND(LETTER_DIGIT)] = -11.254,
    [KIND(DOT)] = 12.935,
    [KIND(DOT_OTHER)] = 9.000,
    [KIND(HYPHEN)] = 9.858,
    [KIND(HYPHEN_EXTRA)] = -0.073,
    /* A name of another script that looks like a listed one has hardly another purpose
     * than to deceive. */
    [KIND(GLYPH)] = 0.147,
    [KIND(MARK)] = 12.000,
    [KIND(SCRIPT)] = 24.000,
    [KIND(EMBEDDED)] = 9.795,
    [KIND(GLUED)] = 9.000,
    [KIND(GLUED_MAIL)] = -5.576,
    [NM_FEATURE_FIRST] = -8.366,
    [NM_FEATURE_LAST] = -2.867,
    [NM_FEATURE_FIRST_EXTRA] = -4.270,
    [NM_FEATURE_PLURAL] = -3.313,
    [NM_FEATURE_FURTHER] = -14.210,
    [NM_FEATURE_FURTHER_LENGTH] = 7.136,

    /* A slip of the fingers into a suffix that has few names of its own (`cm`, `ml`) is
     * sure; where firms own both names or others have the same (com and net, com and
     * com.au), it is not. */
    [CLASS(SLIP)] = 15.575,
    [CLASS(REPEATED)] = 15.041,
    [CLASS(SHORTER)] = -4.861,
    [CLASS(LONGER)] = -6.333,
    [CLASS(TWIN)] = -6.117,
    [CLASS(OTHER)] = -11.325,
    [NM_FEATURE_SUFFIX_COST] = -1.635,
    [NM_FEATURE_SUFFIX_GENERIC] = 11.400,
    [NM_FEATURE_SUFFIX_COUNTRY] = 2.766,
    [NM_FEATURE_SUFFIX_EDIT] = 1.231,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 3.818,
    [NM_FEATURE_SPELLING] = 0.848,
    [NM_FEATURE_LENGTH] = -0.705,
    [NM_FEATURE_LN_LENGTH] = 3.883,
    [NM_FEATURE_LENGTH_3] = 3.244,
    [NM_FEATURE_LENGTH_4] = 8.234,
    [NM_FEATURE_LENGTH_5] = 0.259,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -26.541,
    [NM_FEATURE_SUFFIX_USUAL] = 0.514,
    [NM_FEATURE_TYPED_PROVIDER] = 19.043,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 2.687,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 6.112,
    [NM_FEATURE_BELOW] = 2.775,
    [NM_FEATURE_CROWD] = 2.123,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 4.396,
    [NM_FEATURE_LN_SEEN] = 2.436,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 15.159,
    [NM_FEATURE_LN_RANKS] = -1.431,
};
