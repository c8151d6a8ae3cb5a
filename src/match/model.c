#include "model.h"

#include <math.h>
#include <string.h>

#define PRIOR NM_FACTOR_PRIOR
#define SLIP NM_FACTOR_SLIP
#define GENUINE NM_FACTOR_GENUINE
#define KIND(name) NM_FEATURE_KIND + NM_SLIP_##name
#define CLASS(name) NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name

const struct nm_weight nm_model[NM_FEATURE_COUNT] = {
    [NM_FEATURE_LISTED] = {PRIOR, 0.0},
    [NM_FEATURE_PROVIDER] = {PRIOR, 0.7},
    [NM_FEATURE_HISTORY] = {PRIOR, -3.0},
    [NM_FEATURE_SUFFIX_LISTED] = {PRIOR, 6.0},
    [NM_FEATURE_LN_WEIGHT] = {PRIOR, 1.0},
    [NM_FEATURE_LN_COUNT] = {PRIOR, 0.9},
    [NM_FEATURE_LN_LISTED] = {PRIOR, -0.6},

    [KIND(OMISSION)] = {SLIP, 0.6},
    [KIND(OMISSION_DIGIT)] = {SLIP, -2.4},
    [KIND(INSERTION)] = {SLIP, 0.9},
    [KIND(INSERTION_KEY)] = {SLIP, 0.5},
    [KIND(INSERTION_DIGIT)] = {SLIP, -2.4},
    [KIND(DOUBLING)] = {SLIP, 2.4},
    [KIND(UNDOUBLING)] = {SLIP, 1.2},
    [KIND(TRANSPOSITION)] = {SLIP, 1.6},
    [KIND(KEY)] = {SLIP, 0.3},
    [KIND(VOWEL)] = {SLIP, 0.3},
    [KIND(SUBSTITUTION)] = {SLIP, -2.2},
    [KIND(DIGIT)] = {SLIP, -3.9},
    [KIND(LETTER_DIGIT)] = {SLIP, -3.4},
    [KIND(GLYPH)] = {SLIP, 1.0},
    [KIND(DOT)] = {SLIP, 4.3},
    [KIND(DOT_OTHER)] = {SLIP, 3.0},
    [KIND(HYPHEN)] = {SLIP, 2.5},
    [KIND(SUFFIX)] = {SLIP, 0.0},
    [KIND(EMBEDDED)] = {SLIP, 0.0},
    [NM_FEATURE_FIRST] = {SLIP, -2.3},
    [NM_FEATURE_LAST] = {SLIP, -0.2},
    [NM_FEATURE_FURTHER] = {SLIP, -5.0},
    [NM_FEATURE_SUFFIX_GENERIC] = {SLIP, 3.8},
    [NM_FEATURE_SUFFIX_COUNTRY] = {SLIP, -1.0},
    [CLASS(OTHER)] = {SLIP, -4.5},
    [CLASS(SLIP)] = {SLIP, 3.8},
    [CLASS(SHORTER)] = {SLIP, -1.2},
    [CLASS(LONGER)] = {SLIP, -2.6},
    [CLASS(REPEATED)] = {SLIP, 5.0},
    [CLASS(TWIN)] = {SLIP, -1.7},
    [NM_FEATURE_KIN] = {SLIP, -4.0},

    [NM_FEATURE_CONSTANT] = {GENUINE, 1.0},
    [NM_FEATURE_LENGTH] = {GENUINE, -0.5},
    [NM_FEATURE_LENGTH_3] = {GENUINE, 2.8},
    [NM_FEATURE_LENGTH_4] = {GENUINE, 1.6},
    [NM_FEATURE_LENGTH_5] = {GENUINE, 0.3},
    [NM_FEATURE_SUFFIX_UNKNOWN] = {GENUINE, -8.8},
    [NM_FEATURE_REGISTRABLE_KNOWN] = {GENUINE, 0.6},
    [NM_FEATURE_SEEN] = {GENUINE, 1.2},
    [NM_FEATURE_LN_SEEN] = {GENUINE, 0.9},
};

static size_t core_length(const struct nm_query *query)
{
    if (query->parts.registrable >= query->parts.suffix)
        return query->parts.suffix;
    return query->parts.suffix - 1U - query->parts.registrable;
}

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
        value[NM_FEATURE_LN_COUNT] = log((double)name->count);
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

static void take_suffix(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    const char *text = nm_name_text(query->index, name);
    const size_t suffix = name->is_suffix ? 0 : name->suffix;

    if (finding->suffix_class != NM_SUFFIX_OTHER ||
        finding->kinds[0] == NM_SLIP_SUFFIX) {
        value[NM_FEATURE_SUFFIX_CLASS + finding->suffix_class] = 1;
        return;
    }
    if (name->is_suffix || is_generic(text + suffix, name->length - suffix))
        value[NM_FEATURE_SUFFIX_GENERIC] = 1;
    else
        value[NM_FEATURE_SUFFIX_COUNTRY] = 1;
}

static void take_slips(const struct nm_query *query, const struct nm_finding *finding,
    const struct nm_name *name, double *value)
{
    for (size_t i = 0; i < finding->slip_count; i++) {
        const struct nm_slip *slip = &finding->slips[i];

        if (slip->in_suffix) {
            take_suffix(query, finding, name, value);
            continue;
        }
        value[NM_FEATURE_KIND + finding->kinds[i]] += 1;
        if (slip->meant_at == 0 || query->typed->name[slip->typed_at - 1] == '.')
            value[NM_FEATURE_FIRST] = 1;
        if (slip->typed_at + slip->typed_length == query->parts.suffix - 1)
            value[NM_FEATURE_LAST] = 1;
    }
    value[NM_FEATURE_FURTHER] = finding->slip_count - 1;
    if (!name->is_suffix) {
        const size_t length = name->length - name->registrable;
        const size_t typed = query->typed->length - query->parts.registrable;

        value[NM_FEATURE_KIN] =
            length == typed && name->registrable < name->suffix &&
            memcmp(nm_name_text(query->index, name) + name->registrable,
                query->typed->name + query->parts.registrable, length) == 0;
    }
}

static void take_genuine(const struct nm_query *query, double *value)
{
    const size_t length = core_length(query);

    value[NM_FEATURE_CONSTANT] = 1;
    value[NM_FEATURE_LENGTH] = length < 14 ? (double)length : 14;
    value[NM_FEATURE_LENGTH_3] = length <= 3;
    value[NM_FEATURE_LENGTH_4] = length == 4;
    value[NM_FEATURE_LENGTH_5] = length == 5;
    value[NM_FEATURE_SUFFIX_UNKNOWN] = !query->parts.suffix_known;
    if (query->exact != NM_NO_NAME) {
        const double seen = (double)query->index->names[query->exact].count;

        value[NM_FEATURE_SEEN] = seen >= 2;
        value[NM_FEATURE_LN_SEEN] = seen >= 2 ? log(seen / 2) : 0;
    } else if (query->parts.registrable > 0 &&
               query->parts.registrable < query->typed->length) {
        value[NM_FEATURE_REGISTRABLE_KNOWN] =
            nm_index_find(query->index, query->tails.tail[query->parts.registrable],
                query->typed->name + query->parts.registrable,
                query->typed->length - query->parts.registrable) != NM_NO_NAME;
    }
}

void nm_features_take(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_features *out)
{
    const struct nm_name *name = &query->index->names[finding->name];

    memset(out, 0, sizeof *out);
    take_prior(query, name, out->value);
    take_slips(query, finding, name, out->value);
    take_genuine(query, out->value);
}

void nm_finding_weigh(const struct nm_query *query, struct nm_finding *finding)
{
    struct nm_features features;
    double factors[3] = {0, 0, 0};

    nm_features_take(query, finding, &features);
    for (size_t i = 0; i < NM_FEATURE_COUNT; i++)
        factors[nm_model[i].factor] += nm_model[i].weight * features.value[i];
    finding->prior = factors[NM_FACTOR_PRIOR];
    finding->slip = factors[NM_FACTOR_SLIP];
    finding->genuine = factors[NM_FACTOR_GENUINE];
    finding->score = finding->prior + finding->slip - finding->genuine;
}
