/*
 * The slip between two names one edit apart.
 */
#ifndef NM_MATCH_SLIPS_H
#define NM_MATCH_SLIPS_H

#include "search.h"

/* Whether one edit (a character left out, put in or taken for another, or two neighbours
 * exchanged) turns `meant` into `typed`; if so, which, with its place in each. The
 * technique is set, `in_suffix` is not. */
bool nm_slip_between(const struct nm_tables *tables, const char *typed,
    size_t typed_length, const char *meant, size_t meant_length, struct nm_slip *slip,
    enum nm_slip_kind *kind);

/* The same for one slip or two, the first as far to the front as it can be; returns how
 * many, 0 when two do not do. */
size_t nm_slips_between(const struct nm_tables *tables, const char *typed,
    size_t typed_length, const char *meant, size_t meant_length,
    struct nm_slip slips[2], enum nm_slip_kind kinds[2]);

#endif
