/*
 * The weights of the model: what each piece of evidence adds to the logarithm of its
 * factor, in nats. This is the only place where they stand.
 *
 * The slips' weights are logarithms of ratios: how often a slip of the kind was met, over
 * how often two real names of different owners differ in just that way. So 0 is a slip
 * that tells nothing, and what is common among typos and rare among neighbours is above.
 * They are hand-set near ratios of typos to real one-edit neighbours measured over public
 * address streams and published lists of typos:
 *
 *     suffix that does not exist    (no neighbour)    omission                   2.4
 *     dot dropped or added          > 300             neighbouring key           1.6
 *     edited com, net, org, gov     16                other substitution         0.15
 *     doubled letter                10                first character            0.18
 *     transposition                 5.7               digit for digit            0.03
 *                                                     name of up to 4 letters    0.17
 *
 * and moved towards what separates typos from the other names of such streams. How usual
 * a name is counts for about a sixth of its logarithm, since real names are related: many
 * of the names that look improbable letter by letter are variants of one another.
 */
#include "model.h"

#define KIND(name) NM_FEATURE_KIND + NM_SLIP_##name
#define CLASS(name) NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name

const double nm_weights[NM_FEATURE_COUNT] = {
    /* ---- prior ---- */

    /* A name in a list of n counts as 1/sqrt(n): long lists hold what is seldom written
     * to. Weights count in full. A name that only history knows starts lower, since nobody
     * said that it is good, and has to earn more by its count. */
    [NM_FEATURE_LISTED] = 11.174,
    [NM_FEATURE_PROVIDER] = 11.943,
    [NM_FEATURE_HISTORY] = 10.310,
    [NM_FEATURE_LN_WEIGHT] = 1.0,
    [NM_FEATURE_LN_COUNT] = 3.604,
    [NM_FEATURE_LN_LISTED] = -3.642,
    /* An order, and so not fitted: with any slip of the suffix 0.9 and more, unless
     * something speaks for the typed name. */
    [NM_FEATURE_SUFFIX_LISTED] = 6.0,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 6.637,
    [KIND(OMISSION_DIGIT)] = -5.028,
    [KIND(INSERTION)] = 4.171,
    [KIND(INSERTION_KEY)] = -2.015,
    [KIND(INSERTION_DIGIT)] = -8.783,
    [KIND(DOUBLING)] = 5.360,
    [KIND(UNDOUBLING)] = 9.902,
    [KIND(TRANSPOSITION)] = 4.875,
    [KIND(ORDER)] = -3.627,
    [KIND(KEY)] = 2.261,
    [KIND(VOWEL)] = 4.029,
    [KIND(SUBSTITUTION)] = -4.137,
    [KIND(DIGIT)] = -8.903,
    [KIND(LETTER_DIGIT)] = -8.631,
    [KIND(DOT)] = 8.848,
    [KIND(DOT_OTHER)] = 6.000,
    [KIND(HYPHEN)] = 13.167,
    [KIND(HYPHEN_EXTRA)] = -8.022,
    /* Look-alikes are seldom typed and often meant to deceive; a name of another script
     * that looks like a listed one has hardly another purpose. No stream holds enough of
     * them to count. */
    [KIND(GLYPH)] = 1.869,
    [KIND(MARK)] = 8.000,
    [KIND(SCRIPT)] = 16.000,
    /* Not counted either, but set so that a name alone on its list is found. */
    [KIND(EMBEDDED)] = 3.440,
    [KIND(GLUED)] = 6.000,
    [KIND(GLUED_MAIL)] = -4.914,
    [NM_FEATURE_FIRST] = -3.921,
    [NM_FEATURE_LAST] = -0.085,
    [NM_FEATURE_FIRST_EXTRA] = -6.886,
    [NM_FEATURE_PLURAL] = -2.001,
    [NM_FEATURE_FURTHER] = -14.297,
    [NM_FEATURE_FURTHER_LENGTH] = 7.694,

    /* Suffixes. A slip of the fingers into a suffix that has few names of its own (`cm`,
     * `ml`) is sure; where firms own both names or others have the same (com and net, com
     * and com.au: 18 % of the best-known .com names have a .net twin), it is not. */
    [CLASS(SLIP)] = 15.094,
    [CLASS(REPEATED)] = 10.000,
    [CLASS(SHORTER)] = -11.674,
    [CLASS(LONGER)] = -2.510,
    [CLASS(TWIN)] = -6.908,
    [CLASS(OTHER)] = -10.169,
    [NM_FEATURE_SUFFIX_COST] = -0.938,
    [NM_FEATURE_SUFFIX_GENERIC] = 7.600,
    [NM_FEATURE_SUFFIX_COUNTRY] = 12.653,
    [NM_FEATURE_SUFFIX_EDIT] = -1.750,
    [KIND(SUFFIX)] = 0.000, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = -16.888,
    [NM_FEATURE_SPELLING] = 0.659,
    [NM_FEATURE_LENGTH] = -2.911,
    [NM_FEATURE_LN_LENGTH] = 5.165,
    [NM_FEATURE_LENGTH_3] = 0.018,
    [NM_FEATURE_LENGTH_4] = 1.984,
    [NM_FEATURE_LENGTH_5] = 1.025,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -17.608,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 5.792,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 9.289,
    [NM_FEATURE_BELOW] = 4.163,
    [NM_FEATURE_CROWD] = 5.718,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 11.237,
    [NM_FEATURE_LN_SEEN] = 0.511,
    /* A ranked list holds squatters, too: they rank far behind. */
    [NM_FEATURE_RANKED] = 13.727,
    [NM_FEATURE_LN_RANKS] = -1.286,
};
