/*
 * The entries of all lists as the names of an index: equal ones made one, the most probable
 * first, so that a search that ends at its cap has seen the best.
 */
#ifndef NM_MATCH_DRAFTS_H
#define NM_MATCH_DRAFTS_H

#include <nearmiss/match.h>

struct nm_draft {
    const struct nm_domain *name; /* borrowed from an entry */
    enum nm_listing listing;
    float weight;
    float count;
    uint32_t place; /* in the order of names */
};

/* An array to be freed; NULL without memory. */
struct nm_draft *nm_drafts_make(const struct nm_index_spec *spec, size_t *count);

#endif
