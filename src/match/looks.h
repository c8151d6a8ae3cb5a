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

/* Bytes of a look; the rest of a longer one is cut. The longest name has some 230
 * characters, and no skeleton of Unicode 15 has more than 21 bytes a character. */
enum { NM_LOOK_MAX = 6000 };

struct nm_looks;

/* `tables` is borrowed and must outlive the result. NM_SYSTEM when ICU has no data. */
enum nm_code nm_looks_new(
    const struct nm_tables *tables, struct nm_looks **out, struct nm_error *error);
void nm_looks_free(struct nm_looks **looks);

struct nm_look {
    bool is_foreign; /* it has a letter of another script than Latin */
    /* The name with two letters of ASCII for each one that keyboards may lack (`ue` for a u
     * with two dots); empty where that does not make it ASCII, and for one that is. */
    char spelt[NM_DOMAIN_MAX + 1];
    char text[NM_LOOK_MAX + 1];
};

/* The look of a name, label by label, so that a look has as many dots as the name, unless
 * it is cut or a letter looks like a dot.
 * NM_SYSTEM when ICU objects to the name, which may be one that another release of
 * Unicode allowed, and NM_NO_MEMORY; a label then looks as it is written. */
enum nm_code nm_look(const struct nm_looks *looks, const struct nm_names *names,
    const struct nm_domain *domain, struct nm_look *out);

/* Where what stands behind so many dots begins; the end when there are fewer. */
size_t nm_look_tail(const struct nm_look *look, size_t dots);

/* The same for ASCII as it stands. */
size_t nm_look_ascii(
    const struct nm_looks *looks, const char *text, size_t length, char *out);

#endif
