#include "model.h"

#include <math.h>
#include <string.h>

enum {
    LN_COUNT_MAX = 7,
    COST_MAX = 6, /* edits of a suffix that are told apart */
    COST_BYTES_MAX = 12
};

#define PRIOR NM_FACTOR_PRIOR
#define SLIP NM_FACTOR_SLIP
#define GENUINE NM_FACTOR_GENUINE
#define KIND(name) NM_FEATURE_KIND + NM_SLIP_##name
#define CLASS(name) NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name

const struct nm_weight nm_model[NM_FEATURE_COUNT] = {
    [NM_FEATURE_LISTED] = {PRIOR, 2.6},
    [NM_FEATURE_PROVIDER] = {PRIOR, 1.7},
    [NM_FEATURE_HISTORY] = {PRIOR, -2.8},
    [NM_FEATURE_SUFFIX_LISTED] = {PRIOR, 6.0},
    [NM_FEATURE_LN_WEIGHT] = {PRIOR, 1.0},
    [NM_FEATURE_LN_COUNT] = {PRIOR, 1.6},
    [NM_FEATURE_LN_LISTED] = {PRIOR, -0.50},

    [KIND(OMISSION)] = {SLIP, 1.5},
    [KIND(OMISSION_DIGIT)] = {SLIP, -2.4},
    [KIND(INSERTION)] = {SLIP, 1.7},
    [KIND(INSERTION_KEY)] = {SLIP, 0.20},
    [KIND(INSERTION_DIGIT)] = {SLIP, -2.4},
    [KIND(DOUBLING)] = {SLIP, 2.2},
    [KIND(UNDOUBLING)] = {SLIP, 1.2},
    [KIND(TRANSPOSITION)] = {SLIP, 1.8},
    [KIND(ORDER)] = {SLIP, 0.00},
    [KIND(KEY)] = {SLIP, 0.80},
    [KIND(VOWEL)] = {SLIP, 1.2},
    [KIND(SUBSTITUTION)] = {SLIP, -1.2},
    [KIND(DIGIT)] = {SLIP, -3.9},
    [KIND(LETTER_DIGIT)] = {SLIP, -3.4},
    [KIND(GLYPH)] = {SLIP, 1.0},
    [KIND(MARK)] = {SLIP, 4.0},
    [KIND(SCRIPT)] = {SLIP, 8.0},
    [KIND(DOT)] = {SLIP, 4.3},
    [KIND(DOT_OTHER)] = {SLIP, 3.0},
    [KIND(HYPHEN)] = {SLIP, 2.5},
    [KIND(SUFFIX)] = {SLIP, 0.0},
    [KIND(EMBEDDED)] = {SLIP, 2.5},
    [KIND(GLUED)] = {SLIP, 3.0},
    [KIND(GLUED_MAIL)] = {SLIP, -0.5},
    [NM_FEATURE_FIRST] = {SLIP, -1.5},
    [NM_FEATURE_LAST] = {SLIP, -0.10},
    [NM_FEATURE_FURTHER] = {SLIP, -5.0},
    [NM_FEATURE_SUFFIX_GENERIC] = {SLIP, 3.8},
    [NM_FEATURE_SUFFIX_EDIT] = {SLIP, 0.80},
    [NM_FEATURE_SUFFIX_COST] = {SLIP, -1.2},
    [CLASS(OTHER)] = {SLIP, -3.3},
    [CLASS(SLIP)] = {SLIP, 4.8},
    [CLASS(SHORTER)] = {SLIP, -2.8},
    [CLASS(LONGER)] = {SLIP, -3.6},
    [CLASS(REPEATED)] = {SLIP, 5.0},
    [CLASS(TWIN)] = {SLIP, -3.5},

    [NM_FEATURE_CONSTANT] = {GENUINE, 0.60},
    [NM_FEATURE_SPELLING] = {GENUINE, 0.15},
    [NM_FEATURE_LENGTH] = {GENUINE, 0.10},
    [NM_FEATURE_KIN] = {GENUINE, 4.6},
    [NM_FEATURE_LENGTH_3] = {GENUINE, 2.5},
    [NM_FEATURE_LENGTH_4] = {GENUINE, 1.6},
    [NM_FEATURE_LENGTH_5] = {GENUINE, 0.20},
    [NM_FEATURE_SUFFIX_UNKNOWN] = {GENUINE, -8.8},
    [NM_FEATURE_REGISTRABLE_KNOWN] = {GENUINE, 1.8},
    [NM_FEATURE_SEEN] = {GENUINE, 2.0},
    [NM_FEATURE_LN_SEEN] = {GENUINE, 1.0},
};

static void take_prior(
    const struct nm_query *query, const struct nm_name *name, double *value)
{
    if (name->is_suffix) {
        value[NM_FEATURE_SUFFIX_LISTED] = 1;
        return;
    }
    value[NM_FEATURE_LN_LISTED] = query->index->ln_listed;
    if (name->weight > 0) {
        value[NM_FEATURE_LISTED] = 1;
        value[NM_FEATURE_PROVIDER] = name->listing == NM_LISTING_PROVIDER;
        value[NM_FEATURE_LN_WEIGHT] = log((double)name->weight);
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
    else if (name->is_suffix || is_generic(suffix, name->length - (size_t)name->suffix))
        value[NM_FEATURE_SUFFIX_GENERIC] = 1;
    else
        value[NM_FEATURE_SUFFIX_EDIT] = 1;
}

/* A slip of a kind that has no place in the name. */
static bool is_of_whole(unsigned kind)
{
    return kind == NM_SLIP_SUFFIX || kind >= NM_SLIP_EMBEDDED;
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
        if (is_of_whole(finding->kinds[i]))
            continue;
        if (slip->typed_at == 0 || query->typed->name[slip->typed_at - 1] == '.')
            value[NM_FEATURE_FIRST] = 1;
        if (slip->typed_at + slip->typed_length + 1 == query->parts.suffix)
            value[NM_FEATURE_LAST] = 1;
    }
    value[NM_FEATURE_FURTHER] = finding->slip_count - 1;
}

/* The label whose rarity speaks against chance: the typed one, unless the slip left the
 * whole of the meant one as it is. */
static void take_label(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const struct nm_letters *letters = &query->index->tables->letters;
    const bool is_whole =
        !name->is_suffix && name->registrable < name->suffix &&
        (finding->slips[0].in_suffix || is_of_whole(finding->kinds[0]));
    const char *label = query->typed->name + query->parts.registrable;
    size_t length = query->parts.suffix > query->parts.registrable
                        ? query->parts.suffix - 1U - query->parts.registrable
                        : query->typed->length - (size_t)query->parts.registrable;

    if (is_whole) {
        label = nm_name_text(query->index, name) + name->registrable;
        length = name->suffix - 1U - name->registrable;
    }
    value[NM_FEATURE_SPELLING] = nm_letters_spelling(letters, label, length);
    value[NM_FEATURE_LENGTH] = nm_letters_length(letters, length);
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

static void take_genuine(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const double seen = query->exact != NM_NO_NAME
                            ? (double)query->index->names[query->exact].count
                            : 0;

    value[NM_FEATURE_CONSTANT] = 1;
    take_label(query, finding, name, value);
    value[NM_FEATURE_SUFFIX_UNKNOWN] = !query->parts.suffix_known;
    value[NM_FEATURE_REGISTRABLE_KNOWN] = is_registrable_listed(query);
    value[NM_FEATURE_KIN] = is_kin(query, name);
    value[NM_FEATURE_SEEN] = seen >= 2;
    value[NM_FEATURE_LN_SEEN] = seen >= 2 ? log(seen / 2) : 0;
}

void nm_features_take(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_features *out)
{
    const struct nm_name *name = &query->index->names[finding->name];

    memset(out, 0, sizeof *out);
    take_prior(query, name, out->value);
    take_slips(query, finding, name, out->value);
    take_genuine(query, finding, name, out->value);
}

void nm_finding_weigh(const struct nm_query *query, struct nm_finding *finding)
{
    struct nm_features features;
    double factors[NM_FACTOR_COUNT] = {0};

    nm_features_take(query, finding, &features);
    for (size_t i = 0; i < NM_FEATURE_COUNT; i++)
        factors[nm_model[i].factor] += nm_model[i].weight * features.value[i];
    finding->prior = factors[NM_FACTOR_PRIOR];
    finding->slip = factors[NM_FACTOR_SLIP];
    finding->genuine = factors[NM_FACTOR_GENUINE];
    finding->score = finding->prior + finding->slip - finding->genuine;
}
