/* A typed name over the one that was meant, with marks where they differ. */
#ifndef NM_CLI_DRAWING_H
#define NM_CLI_DRAWING_H

#include <nearmiss/match.h>

enum { NM_DRAWING_MAX = NM_DOMAIN_UTF8_MAX + NM_DOMAIN_MAX };

/* Three lines, without trailing spaces:
 *
 *     army.m l
 *     army.mil
 *           ^
 *
 * Where one of the two is international, both are drawn as people read them, with marks
 * under the letters that differ; in A-labels, as the slips count them, where a character
 * cannot be shown as it is. A name that stands inside another is drawn where it stands.
 */
struct nm_drawing {
    char typed[NM_DRAWING_MAX + 1];
    char meant[NM_DRAWING_MAX + 1];
    char marks[NM_DRAWING_MAX + 1];
};

void nm_draw_slips(const struct nm_names *names, const struct nm_domain *typed,
    const struct nm_candidate *candidate, struct nm_drawing *out);

#endif
