/* A typed name over the one that was meant, with marks where they differ. */
#ifndef NM_CLI_DRAWING_H
#define NM_CLI_DRAWING_H

#include <nearmiss/match.h>

enum { NM_DRAWING_MAX = 2 * NM_DOMAIN_MAX + NM_SLIPS_MAX };

/* Three lines of equal width, without trailing spaces:
 *
 *     army.m l
 *     army.mil
 *           ^
 */
struct nm_drawing {
    char typed[NM_DRAWING_MAX + 1];
    char meant[NM_DRAWING_MAX + 1];
    char marks[NM_DRAWING_MAX + 1];
};

void nm_draw_slips(const struct nm_domain *typed, const struct nm_candidate *candidate,
    struct nm_drawing *out);

#endif
