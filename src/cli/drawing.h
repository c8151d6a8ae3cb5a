/* A typed name over the one that was meant, with marks where they differ. */
#ifndef NM_CLI_DRAWING_H
#define NM_CLI_DRAWING_H

#include <nearmiss/match.h>

enum { NM_DRAWING_MAX = NM_DOMAIN_UTF8_MAX };

/* Three lines, without trailing spaces:
 *
 *     army.m l
 *     army.mil
 *           ^
 *
 * An international name that has as many letters as the meant one is drawn as people read
 * it, with marks under the letters that differ; else it is drawn in A-labels, as the
 * slips count it.
 */
struct nm_drawing {
    char typed[NM_DRAWING_MAX + 1];
    char meant[NM_DRAWING_MAX + 1];
    char marks[NM_DRAWING_MAX + 1];
};

void nm_draw_slips(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out);

#endif
