/*
 * Roster: the domains of a configuration, each once, with what it is listed as.
 *
 * Made for a million names: a name takes its bytes, a row of 24 bytes and two slots of
 * a hash table. One thread fills it; then any may read.
 */
#ifndef NM_CONFIG_ROSTER_H
#define NM_CONFIG_ROSTER_H

#include <nearmiss/match.h>

enum { NM_ROSTER_MAX = 20 * 1000 * 1000 }; /* names */

struct nm_roster;

enum nm_code nm_roster_new(struct nm_roster **out);
void nm_roster_free(struct nm_roster **roster);

/* What was known of a name before it was added. */
struct nm_roster_before {
    bool is_known;
    enum nm_listing listing;
    unsigned list; /* that named it last */
};

/* Add a name on behalf of list number `list`. A name that is there already keeps its
 * strongest listing and its greatest weight. NM_NO_MEMORY; NM_LIMIT at the cap. */
enum nm_code nm_roster_add(struct nm_roster *roster, const struct nm_domain *name,
    enum nm_listing listing, double weight, unsigned list,
    struct nm_roster_before *before);

size_t nm_roster_size(const struct nm_roster *roster);

/* Row `i`, in the order in which names first came. */
void nm_roster_entry(
    const struct nm_roster *roster, size_t i, struct nm_index_entry *out);

#endif
