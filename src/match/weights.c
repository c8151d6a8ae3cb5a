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

    /* The longer a list, the less each of its names: long lists hold what is seldom
     * written to. Weights count in full. A name that only history knows starts lower,
     * since nobody said that it is good, and has to earn more by its count. */
    [NM_FEATURE_LISTED] = 4.6,
    [NM_FEATURE_PROVIDER] = 1.7,
    [NM_FEATURE_HISTORY] = 1.6,
    [NM_FEATURE_LN_WEIGHT] = 1.0,
    [NM_FEATURE_LN_COUNT] = 1.3,
    [NM_FEATURE_LN_LISTED] = -0.8,
    /* An order: with any edit of the suffix, 0.9 and more, unless the typed name has been
     * written to. */
    [NM_FEATURE_SUFFIX_LISTED] = 2.0,

    /* ---- slip ---- */

    [KIND(OMISSION)] = 1.5,
    [KIND(OMISSION_DIGIT)] = -2.4,
    [KIND(INSERTION)] = 1.7,
    [KIND(INSERTION_KEY)] = 0.2,
    [KIND(INSERTION_DIGIT)] = -2.4,
    [KIND(DOUBLING)] = 2.2,
    [KIND(UNDOUBLING)] = 1.2,
    [KIND(TRANSPOSITION)] = 1.8,
    [KIND(ORDER)] = 0.0,
    [KIND(KEY)] = 0.8,
    [KIND(VOWEL)] = 1.2,
    [KIND(SUBSTITUTION)] = -1.8,
    [KIND(DIGIT)] = -3.9,
    [KIND(LETTER_DIGIT)] = -3.4,
    [KIND(DOT)] = 4.3,
    [KIND(DOT_OTHER)] = 3.0,
    [KIND(HYPHEN)] = 2.5,
    /* Look-alikes are seldom typed and often meant to deceive; a name of another script
     * that looks like a listed one has hardly another purpose. No stream holds enough of
     * them to count. */
    [KIND(GLYPH)] = 1.0,
    [KIND(MARK)] = 4.0,
    [KIND(SCRIPT)] = 8.0,
    /* Not counted either, but set so that a name alone on its list is found. */
    [KIND(EMBEDDED)] = 2.5,
    [KIND(GLUED)] = 3.0,
    [KIND(GLUED_MAIL)] = -0.5,
    [NM_FEATURE_FIRST] = -1.5,
    [NM_FEATURE_LAST] = -0.1,
    [NM_FEATURE_FURTHER] = -5.0,

    /* Suffixes. A slip of the fingers into a suffix that has few names of its own (`cm`,
     * `ml`) is sure; where firms own both names or others have the same (com and net, com
     * and com.au: 18 % of the best-known .com names have a .net twin), it is not. */
    [CLASS(SLIP)] = 4.8,
    [CLASS(REPEATED)] = 5.0,
    [CLASS(SHORTER)] = -3.9,
    [CLASS(LONGER)] = -4.3,
    [CLASS(TWIN)] = -4.2,
    [CLASS(OTHER)] = -3.8,
    [NM_FEATURE_SUFFIX_COST] = -1.2,
    [NM_FEATURE_SUFFIX_GENERIC] = 3.8,
    [NM_FEATURE_SUFFIX_EDIT] = 0.8,
    [KIND(SUFFIX)] = 0.0, /* said by the class */

    /* ---- genuine ---- */

    [NM_FEATURE_CONSTANT] = 0.6,
    [NM_FEATURE_SPELLING] = 0.15,
    [NM_FEATURE_LENGTH] = 0.1,
    [NM_FEATURE_LENGTH_3] = 2.8,
    [NM_FEATURE_LENGTH_4] = 1.7,
    [NM_FEATURE_LENGTH_5] = 0.2,
    [NM_FEATURE_SUFFIX_UNKNOWN] = -8.8,
    [NM_FEATURE_REGISTRABLE_KNOWN] = 1.8,
    /* `mail` and `mail2` of one owner are neighbours and no slips. */
    [NM_FEATURE_KIN] = 4.6,
    /* What has been written to as often as its neighbour is no slip for it: typos of one
     * kind are a few hundredths of their target at most. */
    [NM_FEATURE_SEEN] = 2.5,
    [NM_FEATURE_LN_SEEN] = 1.6,
};
