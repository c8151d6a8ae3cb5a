/*
 * Taking evidence down as features, and weighing it. The weights stand in weights.c.
 */
#include "model.h"

#include <math.h>
#include <string.h>

enum {
    LN_COUNT_MAX = 7,
    LN_RANKS_MAX = 8,
    LISTED_COUNT = 10,    /* the messages that a listing is worth */
    CROWD_MAX = 4,        /* neighbours that are counted */
    LISTED_LEAST = 10,    /* a list of three is no surer than one of ten, */
    LISTED_FEW = 250,     /* one of providers than one of 250, */
    LISTED_MANY = 4000,   /* and one of 100,000 no less than one of 4,000 */
    USUAL_LENGTH = 8,     /* of a label, */
    USUAL_SPELLING = -20, /* and ln of its letters' probability */
    COST_MAX = 6,         /* edits of a suffix that are told apart */
    COST_BYTES_MAX = 12
};

/* How many names share the mail that goes to those listed like this one: what the operator
 * listed is no less written to because history knows thousands of other names. */
static void take_size(const struct nm_query *query, const struct nm_name *name,
    bool is_provider, double *value)
{
    const double ln_size = name->listing >= NM_LISTING_PROTECTED
                               ? query->index->ln_ordered
                               : query->index->ln_listed;

    value[NM_FEATURE_LN_LISTED] =
        fmin(fmax(ln_size - log(LISTED_FEW), 0), log(LISTED_MANY / LISTED_FEW));
    if (name->listing >= NM_LISTING_PROTECTED && !is_provider)
        value[NM_FEATURE_LN_SHORT] =
            fmin(fmax(log(LISTED_FEW) - ln_size, 0), log(LISTED_FEW / LISTED_LEAST));
}

static void take_prior(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const bool is_provider = name->is_provider || name->listing == NM_LISTING_PROVIDER;

    if (name->is_suffix) {
        value[NM_FEATURE_SUFFIX_LISTED] = 1;
        return;
    }
    take_size(query, name, is_provider, value);
    if (name->rank > 0) {
        value[NM_FEATURE_TARGET_RANKED] = 1;
        value[NM_FEATURE_LN_TARGET_RANK] = log((double)name->rank);
    }
    value[NM_FEATURE_PROVIDER] = is_provider;
    value[NM_FEATURE_PROVIDER_HOST] = is_provider && finding->kept > 0;
    if (name->weight > 0) {
        value[NM_FEATURE_LISTED] = 1;
        value[NM_FEATURE_LN_WEIGHT] = log((double)name->weight);
        value[NM_FEATURE_LN_COUNT] = fmin(
            log(fmax(name->count / LISTED_COUNT, 1)), LN_COUNT_MAX - log(LISTED_COUNT));
    } else {
        value[NM_FEATURE_HISTORY] = 1;
        value[NM_FEATURE_LN_COUNT] = fmin(log((double)name->count), LN_COUNT_MAX);
    }
}

static bool is_generic(const char *suffix, size_t length)
{
    static const char *const generic[] = {"com", "net", "org", "gov", "edu", "mil"};

    for (size_t i = 0; i < NM_COUNT(generic); i++)
        if (strlen(generic[i]) == length && memcmp(generic[i], suffix, length) == 0)
            return true;
    return false;
}

/* Whether a name ends in a country's two letters. */
static bool is_country(const char *name)
{
    const char *dot = strrchr(name, '.');

    return strlen(dot != NULL ? dot + 1 : name) == 2;
}

/* The least number of edits, neighbours exchanged counting as one, from one suffix to the
 * other; COST_MAX for long ones. */
static unsigned count_edits(
    const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][COST_BYTES_MAX + 1]; /* the last two and the one that is filled */
    unsigned result;

    if (a_length > COST_BYTES_MAX || b_length > COST_BYTES_MAX)
        return COST_MAX;
    for (size_t y = 0; y <= a_length; y++) {
        unsigned *row = rows[y % 3];
        const unsigned *above = rows[(y + 2) % 3];
        const unsigned *higher = rows[(y + 1) % 3];

        row[0] = (unsigned)y;
        for (size_t x = 1; x <= b_length; x++) {
            if (y == 0) {
                row[x] = (unsigned)x;
                continue;
            }
            row[x] = above[x - 1] + (a[y - 1] != b[x - 1]);
            if (above[x] + 1 < row[x])
                row[x] = above[x] + 1;
            if (row[x - 1] + 1 < row[x])
                row[x] = row[x - 1] + 1;
            if (y > 1 && x > 1 && a[y - 1] == b[x - 2] && a[y - 2] == b[x - 1] &&
                higher[x - 2] + 1 < row[x])
                row[x] = higher[x - 2] + 1;
        }
    }
    result = rows[a_length % 3][b_length];
    return result < COST_MAX ? result : COST_MAX;
}

static void take_suffix(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, size_t slip, double *value)
{
    const char *suffix = nm_name_text(query->index, name) + name->suffix;

    const struct nm_slip *whole = &finding->slips[slip];

    if (finding->kinds[slip] == NM_SLIP_SUFFIX &&
        finding->suffix_class == NM_SUFFIX_OTHER)
        value[NM_FEATURE_SUFFIX_COST] =
            count_edits(query->typed->name + whole->typed_at, whole->typed_length,
                nm_name_text(query->index, name) + whole->meant_at - finding->kept,
                whole->meant_length);
    if (finding->suffix_class != NM_SUFFIX_OTHER ||
        finding->kinds[slip] == NM_SLIP_SUFFIX)
        value[NM_FEATURE_SUFFIX_CLASS + finding->suffix_class] = 1;
    else if (is_generic(suffix, name->length - (size_t)name->suffix))
        value[NM_FEATURE_SUFFIX_GENERIC] = 1;
    else if (query->parts.suffix_known && is_country(query->typed->name) &&
             is_country(suffix))
        value[NM_FEATURE_SUFFIX_COUNTRY] = 1;
    else
        value[NM_FEATURE_SUFFIX_EDIT] = 1;
}

/* A slip of a kind that has no place in the name. */
static bool is_of_whole(unsigned kind)
{
    return kind == NM_SLIP_SUFFIX || kind == NM_SLIP_LAYOUT || kind >= NM_SLIP_EMBEDDED;
}

/* A slip that the whole label stands for, wherever in it its letters are. */
static bool is_of_label(unsigned kind)
{
    return kind == NM_SLIP_MARK || kind == NM_SLIP_SPELT || kind == NM_SLIP_SCRIPT;
}

static bool is_label_start(const char *name, size_t at)
{
    return at == 0 || name[at - 1] == '.';
}

/* What is one more or one less, and an `s`, at the end of a label. */
static bool is_plural(const struct nm_query *query, const struct nm_slip *slip)
{
    const char *typed = query->typed->name;
    const size_t end = slip->typed_at + (size_t)slip->typed_length;

    if (end + 1U != query->parts.suffix || slip->typed_length + slip->meant_length != 1)
        return false;
    return slip->typed_length == 1 && typed[slip->typed_at] == 's';
}

static void take_place(
    const struct nm_query *query, const struct nm_slip *slip, double *value)
{
    const char *typed = query->typed->name;

    if (is_label_start(typed, slip->typed_at)) {
        value[NM_FEATURE_FIRST] += 1;
        value[NM_FEATURE_FIRST_EXTRA] =
            slip->meant_length == 0 &&
            typed[slip->typed_at] != typed[slip->typed_at + 1];
    }
    if (slip->typed_at + slip->typed_length + 1 == query->parts.suffix)
        value[NM_FEATURE_LAST] = 1;
    if (is_plural(query, slip))
        value[NM_FEATURE_PLURAL] = 1;
}

static void take_slips(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    for (size_t i = 0; i < finding->slip_count; i++) {
        const struct nm_slip *slip = &finding->slips[i];

        if (slip->in_suffix)
            take_suffix(query, finding, name, i, value);
        if (finding->kinds[i] != NM_SLIP_SUFFIX)
            value[NM_FEATURE_KIND + finding->kinds[i]] += 1;
        if (!slip->in_suffix && !is_of_whole(finding->kinds[i]) &&
            !is_of_label(finding->kinds[i]))
            take_place(query, slip, value);
    }
    value[NM_FEATURE_FURTHER] = finding->slip_count - 1;
    if (finding->slip_count > 1 && name->registrable < name->suffix)
        value[NM_FEATURE_FURTHER_LENGTH] =
            value[NM_FEATURE_FURTHER] *
            log((name->suffix - 1.0 - name->registrable) / USUAL_LENGTH);
}

/* Whether the slip left the whole of the meant label as it is. */
static bool is_label_whole(const struct nm_finding *finding, const struct nm_name *name)
{
    return name->registrable < name->suffix &&
           (finding->slips[0].in_suffix || is_of_whole(finding->kinds[0]));
}

/* One suffix for another of equal standing: whoever has a name that nobody else would
 * hit upon is likely to have it twice. */
static bool is_sister(const struct nm_query *query, const struct nm_finding *finding)
{
    return finding->kinds[0] == NM_SLIP_SUFFIX && query->parts.suffix_known &&
           finding->suffix_class != NM_SUFFIX_SLIP &&
           finding->suffix_class != NM_SUFFIX_REPEATED &&
           finding->suffix_class != NM_SUFFIX_APPENDED;
}

/* All of the meant name stands in the typed one, suffix and all. */
static bool holds_name(const struct nm_finding *finding)
{
    return finding->kinds[0] == NM_SLIP_EMBEDDED ||
           finding->suffix_class == NM_SUFFIX_APPENDED;
}

/* A slip among letters makes one word of another but seldom; people choose words. */
static bool is_of_letters(const struct nm_finding *finding)
{
    return finding->kinds[0] <= NM_SLIP_GLYPH && finding->kinds[0] != NM_SLIP_LAYOUT &&
           !finding->slips[0].in_suffix;
}

static bool is_made_of_words(
    const struct nm_query *query, const struct nm_finding *finding)
{
    return query->is_words &&
           (is_of_letters(finding) || finding->kinds[0] == NM_SLIP_GLUED_SUFFIX);
}

/* Names that are numbered come in series, however long they are. */
static bool is_of_series(const struct nm_finding *finding)
{
    return finding->kinds[0] == NM_SLIP_DIGIT && finding->slip_count == 1;
}

/* The label whose rarity speaks against chance: the typed one or the meant one; of a name
 * that stands inside another all of it, and of one whose dots are elsewhere all before its
 * suffix. */
static void take_label(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const struct nm_letters *letters = &query->index->tables->letters;
    size_t length;

    if (is_label_whole(finding, name)) {
        length = name->suffix - 1U - name->registrable;
        value[NM_FEATURE_SPELLING] = nm_letters_spelling(
            letters, nm_name_text(query->index, name) + name->registrable, length);
    } else {
        (void)nm_query_label(query, &length);
        value[NM_FEATURE_SPELLING] = query->spelling;
    }
    value[NM_FEATURE_WORDS] = is_made_of_words(query, finding);
    if (holds_name(finding))
        length = name->length - 1U;
    else if (finding->kinds[0] == NM_SLIP_GLUED_SUFFIX)
        length = name->suffix - 1U - name->registrable;
    else if (finding->kinds[0] == NM_SLIP_DOT && length + 1 < name->suffix)
        length = name->suffix - 1U;
    if (is_sister(query, finding) || is_of_series(finding)) {
        length = length < USUAL_LENGTH ? length : USUAL_LENGTH;
        value[NM_FEATURE_SPELLING] = fmax(value[NM_FEATURE_SPELLING], USUAL_SPELLING);
    }
    value[NM_FEATURE_LN_LENGTH] = log((double)length);
    value[NM_FEATURE_LENGTH] = nm_letters_length(letters, length);
    value[NM_FEATURE_LENGTH_2] = length <= 2;
    value[NM_FEATURE_LENGTH_3] = length <= 3;
    value[NM_FEATURE_LENGTH_4] = length == 4;
    value[NM_FEATURE_LENGTH_5] = length == 5;
}

/* Whether both have one registrable part: hosts of one owner. */
static bool is_kin(const struct nm_query *query, const struct nm_name *name)
{
    const size_t length = (size_t)name->length - name->registrable;

    return !name->is_suffix && name->registrable < name->suffix &&
           length == (size_t)query->typed->length - query->parts.registrable &&
           memcmp(nm_name_text(query->index, name) + name->registrable,
               query->typed->name + query->parts.registrable, length) == 0;
}

static bool is_registrable_listed(const struct nm_query *query)
{
    const size_t at = query->parts.registrable;

    return at > 0 && at < query->parts.suffix &&
           nm_index_find(query->index, query->tails.tail[at], query->typed->name + at,
               query->typed->length - at) != NM_NO_NAME;
}

/* Whether somebody may have a name under the typed suffix: it stands in the public suffix
 * list, or it is one of those that sites use among themselves. Sources: RFC 2606, 6761,
 * 6762 (appendix G) and 7686, and ICANN's resolution on `internal` of 29 July 2024. */
static bool suffix_exists(const struct nm_query *query)
{
    static const char *const local[] = {"alt", "arpa", "corp", "example", "home",
        "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost",
        "onion", "private", "test"};
    const char *dot = strrchr(query->typed->name, '.');

    if (query->parts.suffix_known)
        return true;
    for (size_t i = 0; dot != NULL && i < NM_COUNT(local); i++)
        if (strcmp(dot + 1, local[i]) == 0)
            return true;
    return false;
}

static bool has_same_suffix(const struct nm_query *query, const struct nm_name *name)
{
    const size_t length = (size_t)name->length - name->suffix;

    return length == (size_t)query->typed->length - query->parts.suffix &&
           memcmp(nm_name_text(query->index, name) + name->suffix,
               query->typed->name + query->parts.suffix, length) == 0;
}

static void take_genuine(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const bool is_order = name->is_suffix; /* however short the name, or far below */
    const double seen = query->exact != NM_NO_NAME
                            ? (double)query->index->names[query->exact].count
                            : 0;

    if (!is_order) {
        value[NM_FEATURE_CONSTANT] = 1;
        value[NM_FEATURE_BELOW] = finding->slips[0].in_suffix
                                      ? finding->kept > 0
                                      : query->parts.registrable > 0;
        value[NM_FEATURE_CROWD] = log(fmin(finding->crowd, CROWD_MAX));
        take_label(query, finding, name, value);
    }
    value[NM_FEATURE_KIN] = is_kin(query, name);
    value[NM_FEATURE_SUFFIX_UNKNOWN] = !suffix_exists(query);
    if (!is_order && !has_same_suffix(query, name))
        value[NM_FEATURE_SUFFIX_USUAL] = query->suffix_usual;
    value[NM_FEATURE_TYPED_PROVIDER] = query->is_provider && value[NM_FEATURE_KIN] == 0;
    value[NM_FEATURE_REGISTRABLE_KNOWN] = is_registrable_listed(query);
    value[NM_FEATURE_SEEN] = seen >= 2;
    value[NM_FEATURE_LN_SEEN] = seen >= 2 ? log(seen / 2) : 0;
    if (query->rank == 0 || value[NM_FEATURE_KIN] != 0)
        return;
    value[NM_FEATURE_RANKED] = 1;
    if (name->rank > 0 && name->rank < query->rank)
        value[NM_FEATURE_LN_RANKS] =
            fmin(log((double)query->rank / name->rank), LN_RANKS_MAX);
}

void nm_features_take(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_features *out)
{
    const struct nm_name *name = &query->index->names[finding->name];

    memset(out, 0, sizeof *out);
    take_prior(query, finding, name, out->value);
    if (!name->is_suffix)
        take_slips(query, finding, name, out->value);
    take_genuine(query, finding, name, out->value);
}

static double sum_of(const struct nm_features *features, size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += nm_weights[i] * features->value[i];
    return sum;
}

void nm_finding_weigh(const struct nm_query *query, struct nm_finding *finding)
{
    struct nm_features features;

    nm_features_take(query, finding, &features);
    finding->prior = sum_of(&features, 0, NM_FEATURE_KIND);
    finding->slip = sum_of(&features, NM_FEATURE_KIND, NM_FEATURE_CONSTANT);
    finding->genuine = sum_of(&features, NM_FEATURE_CONSTANT, NM_FEATURE_COUNT);
    finding->score = finding->prior + finding->slip - finding->genuine;
}

/* The weights are fitted with slips counted many times, since missing one costs more than
 * asking once in vain. So odds of nine to one are those from which it is worth asking; how
 * many of the names that have them are slips, the odds tell less that surplus. Between the
 * two the confidence keeps to 0.9 above, and falls fast below. */
double nm_confidence(double ln_odds)
{
    static const double most = 20; /* no verdict is certain */
    const double sure = log(9);
    const double slope = ln_odds < sure ? nm_curve.below : nm_curve.above;
    const double asked = sure + slope * (ln_odds - sure);

    return 1 / (1 + exp(-fmin(fmax(asked, ln_odds - nm_curve.surplus), most)));
}
