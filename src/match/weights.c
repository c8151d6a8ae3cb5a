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
 * names. The unit is a fifth of a nat, since scores are made five times as steep: evidence
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
    [NM_FEATURE_LISTED] = 0.475,
    [NM_FEATURE_PROVIDER] = 22.436,
    [NM_FEATURE_HISTORY] = 4.986,
    [NM_FEATURE_LN_WEIGHT] = 1.000,
    [NM_FEATURE_LN_COUNT] = 5.169,
    [NM_FEATURE_LN_LISTED] = -8.571,
    [NM_FEATURE_TARGET_RANKED] = 7.088,
    [NM_FEATURE_LN_TARGET_RANK] = -0.849,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.000,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 10.661,
    [KIND(OMISSION_DIGIT)] = -12.014,
    [KIND(INSERTION)] = 3.197,
    [KIND(INSERTION_KEY)] = -0.429,
    [KIND(INSERTION_DIGIT)] = -13.525,
    [KIND(DOUBLING)] = 8.859,
    [KIND(UNDOUBLING)] = 9.571,
    [KIND(TRANSPOSITION)] = 8.293,
    [KIND(ORDER)] = -0.577,
    [KIND(KEY)] = 3.855,
    [KIND(LAYOUT)] = 15.000,
    [KIND(VOWEL)] = 3.041,
    [KIND(SUBSTITUTION)] = -15.282,
    [KIND(DIGIT)] = -20.133,
    [KIND(LETTER_DIGIT)] = -17.815,
    [KIND(DOT)] = 21.535,
    [KIND(DOT_OTHER)] = 15.000,
    [KIND(HYPHEN)] = 14.843,
    [KIND(HYPHEN_EXTRA)] = -0.075,
    /* A name of another script that looks like a listed one has hardly another purpose
     * than to deceive. */
    [KIND(GLYPH)] = 1.962,
    [KIND(MARK)] = 20.000,
    [KIND(SCRIPT)] = 40.000,
    [KIND(EMBEDDED)] = 16.827,
    [KIND(GLUED)] = 15.000,
    [KIND(GLUED_MAIL)] = -13.350,
    [NM_FEATURE_FIRST] = -13.036,
    [NM_FEATURE_LAST] = -4.354,
    [NM_FEATURE_FIRST_EXTRA] = -5.447,
    [NM_FEATURE_PLURAL] = -5.270,
    [NM_FEATURE_FURTHER] = -23.352,
    [NM_FEATURE_FURTHER_LENGTH] = 10.382,

    /* A slip of the fingers into a suffix that has few names of its own (`cm`, `ml`) is
     * sure; where firms own both names or others have the same (com and net, com and
     * com.au), it is not. */
    [CLASS(SLIP)] = 25.157,
    [CLASS(REPEATED)] = 25.034,
    [CLASS(SHORTER)] = -7.113,
    [CLASS(LONGER)] = -11.315,
    [CLASS(TWIN)] = -10.962,
    [CLASS(OTHER)] = -18.459,
    [NM_FEATURE_SUFFIX_COST] = -2.757,
    [NM_FEATURE_SUFFIX_GENERIC] = 19.000,
    [NM_FEATURE_SUFFIX_COUNTRY] = 7.520,
    [NM_FEATURE_SUFFIX_EDIT] = 2.382,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 9.328,
    [NM_FEATURE_SPELLING] = 1.225,
    [NM_FEATURE_LENGTH] = 0.514,
    [NM_FEATURE_LN_LENGTH] = 5.650,
    [NM_FEATURE_LENGTH_2] = 10.349,
    [NM_FEATURE_LENGTH_3] = 8.076,
    [NM_FEATURE_LENGTH_4] = 13.217,
    [NM_FEATURE_LENGTH_5] = 1.062,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -44.119,
    [NM_FEATURE_SUFFIX_USUAL] = 0.956,
    [NM_FEATURE_TYPED_PROVIDER] = 30.888,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 3.685,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 10.183,
    [NM_FEATURE_BELOW] = 3.511,
    [NM_FEATURE_CROWD] = 3.104,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 6.939,
    [NM_FEATURE_LN_SEEN] = 4.246,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 24.118,
    [NM_FEATURE_LN_RANKS] = -2.777,
};
