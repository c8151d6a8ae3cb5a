/*
 * The judgement: what is listed is known at once; anything else is searched for what is
 * near, the findings weighed, and the probabilities summed.
 */
#include "model.h"

#include <math.h>
#include <string.h>

enum { SCORE_MAX = 20 };

/* ---- what is known ------------------------------------------------------ */

static enum nm_match match_of(enum nm_listing listing)
{
    switch (listing) {
    case NM_LISTING_OWN:
        return NM_MATCH_OWN;
    case NM_LISTING_ALLOWED:
        return NM_MATCH_ALLOWED;
    case NM_LISTING_PROTECTED:
        return NM_MATCH_PROTECTED;
    case NM_LISTING_PROVIDER:
    case NM_LISTING_HISTORY:
        break;
    }
    return NM_MATCH_KNOWN;
}

/* The listed name that equals the typed one or, if it covers, stands above it; the
 * longest wins. */
static uint32_t find_listed(struct nm_query *query)
{
    const struct nm_domain *typed = query->typed;
    uint32_t at =
        nm_index_find(query->index, query->tails.tail[0], typed->name, typed->length);

    query->exact = at;
    if (at != NM_NO_NAME && query->index->names[at].listing > NM_LISTING_HISTORY)
        return at;
    for (size_t start = 1; start < typed->length; start++) {
        if (typed->name[start - 1] != '.')
            continue;
        at = nm_index_find(query->index, query->tails.tail[start], typed->name + start,
            typed->length - start);
        if (at != NM_NO_NAME && query->index->names[at].listing >= NM_LISTING_PROTECTED)
            return at;
    }
    return NM_NO_NAME;
}

/* ---- what is near ------------------------------------------------------- */

/* A character of the name that a finding says was meant. */
static char target_char(
    const struct nm_query *query, const struct nm_finding *finding, size_t at)
{
    const struct nm_name *name = &query->index->names[finding->name];

    return at < finding->kept ? query->typed->name[at]
                              : nm_name_text(query->index, name)[at - finding->kept];
}

static bool is_same_target(const struct nm_query *query, const struct nm_finding *a,
    const struct nm_finding *b)
{
    const size_t length = (size_t)a->kept + query->index->names[a->name].length;

    if (a->target_hash != b->target_hash ||
        length != (size_t)b->kept + query->index->names[b->name].length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (target_char(query, a, i) != target_char(query, b, i))
            return false;
    return true;
}

/* Two ways to one target: the better one stays. */
static void merge_targets(const struct nm_query *query, struct nm_findings *found)
{
    size_t kept = 0;

    for (size_t i = 0; i < found->count; i++) {
        size_t same = 0;

        while (
            same < kept && !is_same_target(query, &found->rows[same], &found->rows[i]))
            same++;
        if (same == kept)
            found->rows[kept++] = found->rows[i];
        else if (found->rows[i].score > found->rows[same].score)
            found->rows[same] = found->rows[i];
    }
    found->count = kept;
}

/* What is beyond SCORE_MAX is taken from all scores, which keeps them apart, and their powers
 * in bounds. */
static void bound_scores(struct nm_findings *found)
{
    double beyond = 0;

    for (size_t i = 0; i < found->count; i++)
        beyond = fmax(beyond, found->rows[i].score - SCORE_MAX);
    for (size_t i = 0; i < found->count; i++)
        found->rows[i].score -= beyond;
}

/* Search and weigh; returns the sum of what the candidates weigh against 1, the weight
 * of the name being meant; above 0 where there is one. */
static double search(struct nm_query *query, struct nm_findings *found)
{
    double sum = 0;

    nm_search(query, found);
    if (found->count > 0)
        nm_query_weigh(query);
    for (size_t i = 0; i < found->count; i++)
        nm_finding_weigh(query, &found->rows[i]);
    merge_targets(query, found);
    bound_scores(found);
    for (size_t i = 0; i < found->count; i++)
        sum += exp(found->rows[i].score);
    return sum;
}

static enum nm_technique technique_of(const struct nm_finding *finding)
{
    enum nm_technique technique = NM_TECHNIQUE_NONE;

    for (size_t i = 0; i < finding->slip_count; i++) {
        const enum nm_technique next = finding->slips[i].in_suffix
                                           ? NM_TECHNIQUE_SUFFIX
                                           : finding->slips[i].technique;

        if (technique != NM_TECHNIQUE_NONE && technique != next)
            return NM_TECHNIQUE_SEVERAL;
        technique = next;
    }
    return technique;
}

static void describe(const struct nm_query *query, const struct nm_finding *finding,
    double sum, struct nm_candidate *out)
{
    nm_finding_target(query, finding, &out->target);
    out->technique = technique_of(finding);
    out->slip_count = finding->slip_count;
    memcpy(out->slips, finding->slips, sizeof out->slips);
    out->prior = finding->prior;
    out->slip = finding->slip;
    out->genuine = finding->genuine;
    out->confidence = exp(finding->score) / sum * nm_confidence(log(sum));
}

void nm_index_match(
    const struct nm_index *index, const struct nm_domain *typed, struct nm_verdict *out)
{
    struct nm_findings found;
    struct nm_query query;
    uint32_t listed;
    size_t best = 0;
    double sum;

    memset(out, 0, sizeof *out);
    if (typed->length == 0)
        return;
    nm_query_init(index, typed, &query);
    listed = find_listed(&query);
    if (listed == NM_NO_NAME) {
        nm_query_split(&query);
        sum = search(&query, &found);
        for (size_t i = 1; i < found.count; i++)
            if (found.rows[i].score > found.rows[best].score)
                best = i;
        out->out_of_memory = query.out_of_memory;
        out->candidate_count = (uint8_t)found.count;
        if (found.count > 0) {
            out->confidence = nm_confidence(log(sum));
            describe(&query, &found.rows[best], sum, &out->best);
        }
        listed = query.exact;
        if (found.count > 0 && out->confidence >= index->threshold) {
            out->match = NM_MATCH_NEAR_MISS;
            return;
        }
    }
    if (listed == NM_NO_NAME) {
        out->match = NM_MATCH_NONE;
        return;
    }
    out->match = match_of(index->names[listed].listing);
    out->listed = nm_name_text(index, &index->names[listed]);
}

size_t nm_index_candidates(const struct nm_index *index, const struct nm_domain *typed,
    struct nm_candidate *out, size_t capacity)
{
    struct nm_findings found;
    struct nm_query query;
    size_t written = 0;
    double sum;

    if (typed->length == 0)
        return 0;
    nm_query_init(index, typed, &query);
    if (find_listed(&query) != NM_NO_NAME)
        return 0;
    nm_query_split(&query);
    sum = search(&query, &found);
    for (; written < capacity && written < found.count; written++) {
        size_t best = written;
        struct nm_finding swap;

        for (size_t i = written + 1; i < found.count; i++)
            if (found.rows[i].score > found.rows[best].score)
                best = i;
        swap = found.rows[written];
        found.rows[written] = found.rows[best];
        found.rows[best] = swap;
        memset(&out[written], 0, sizeof out[written]);
        describe(&query, &found.rows[written], sum, &out[written]);
    }
    return written;
}
