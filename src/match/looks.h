/*
 * How a name looks: names that people take for one another have one look.
 *
 * An A-label is shown as people see it, becomes its UTS #39 skeleton
 * (https://www.unicode.org/reports/tr39/#Confusable_Detection) without combining marks,
 * and then, as every ASCII label, has the look-alikes of conf/tables/glyphs.txt made
 * equal. Only names with an A-label need ICU, which may allocate.
 */
#ifndef NM_MATCH_LOOKS_H
#define NM_MATCH_LOOKS_H

#include "tables.h"

enum { NM_LOOK_MAX = 1500 }; /* bytes of a look; the rest of a longer one is cut */

struct nm_looks;

/* `tables` is borrowed and must outlive the result. NM_SYSTEM when ICU has no data. */
enum nm_code nm_looks_new(
    const struct nm_tables *tables, struct nm_looks **out, struct nm_error *error);
void nm_looks_free(struct nm_looks **looks);

/* The look of a name into `out` of NM_LOOK_MAX + 1 bytes, label by label, so that a look
 * has as many dots as the name. False when ICU could not do it, so that a label looks as
 * it is written. */
bool nm_look(const struct nm_looks *looks, const struct nm_names *names,
    const struct nm_domain *domain, char *out);

/* The same for ASCII as it stands. */
size_t nm_look_ascii(
    const struct nm_looks *looks, const char *text, size_t length, char *out);

#endif
