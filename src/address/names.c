/*
 * The tools behind names, public suffixes, and domains for people's eyes.
 */
#include "names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* No rule of the public suffix list is longer: the longest have five labels. Of a name
 * with more labels only the end is asked about, which bounds the work on hostile ones. */
enum { SUFFIX_LABELS_MAX = 12 };

enum nm_code nm_names_new(
    const psl_ctx_t *suffixes, struct nm_names **out, struct nm_error *error)
{
    const uint32_t options =
        UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII;
    UErrorCode status = U_ZERO_ERROR;
    struct nm_names *names = calloc(1, sizeof *names);

    if (names == NULL)
        return nm_fail(error, NM_NO_MEMORY, "no memory for the domain name tables");
    names->suffixes = suffixes != NULL ? suffixes : psl_builtin();
    if (names->suffixes == NULL) {
        nm_names_free(&names);
        return nm_fail(
            error, NM_SYSTEM, "libpsl was built without a public suffix list");
    }
    names->idna = uidna_openUTS46(options, &status);
    if (U_FAILURE(status)) {
        nm_names_free(&names);
        if (status == U_MEMORY_ALLOCATION_ERROR)
            return nm_fail(error, NM_NO_MEMORY, "no memory for the domain name tables");
        return nm_fail(error, NM_SYSTEM, "ICU cannot process international domains: %s",
            u_errorName(status));
    }
    *out = names;
    return NM_OK;
}

void nm_names_free(struct nm_names **names)
{
    if (*names == NULL)
        return;
    if ((*names)->idna != NULL)
        uidna_close((*names)->idna);
    free(*names);
    *names = NULL;
}

/* Where the last `count` labels of `domain` begin; 0 when it has no more than these. */
static size_t tail_of_labels(const struct nm_domain *domain, unsigned count)
{
    for (size_t at = domain->length; at > 0; at--)
        if (domain->name[at - 1] == '.' && --count == 0)
            return at;
    return 0;
}

/* The longest rule that fits is the one that counts, so ask from the left. libpsl
 * answers for wildcards and exceptions; NO_STAR_RULE makes it say no where only the
 * list's default rule `*` would fit. */
struct nm_domain_parts nm_domain_split(
    const struct nm_names *names, const struct nm_domain *domain)
{
    const int type = PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE;
    const size_t first = tail_of_labels(domain, SUFFIX_LABELS_MAX + 1);
    struct nm_domain_parts parts;
    size_t suffix = first;
    size_t before = first;

    parts.suffix_known = true;
    while (!psl_is_public_suffix2(names->suffixes, domain->name + suffix, type)) {
        const char *dot = strchr(domain->name + suffix, '.');

        if (dot == NULL) {
            parts.suffix_known = false;
            break;
        }
        before = suffix;
        suffix = (size_t)(dot - domain->name) + 1;
    }
    assert(suffix < domain->length);
    parts.suffix = (uint8_t)suffix;
    parts.registrable = (uint8_t)before;
    return parts;
}

/* A label that ICU objects to stays as it is. nm_domain_parse lets none through, but
 * memory may run out, and a name kept from earlier may be one that another release of
 * Unicode allowed. */
static void put_label(
    const struct nm_names *names, const char *label, size_t length, struct nm_buf *out)
{
    char shown[NM_DOMAIN_UTF8_MAX + 1];
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    int32_t size;

    if (strncmp(label, "xn--", 4) != 0) {
        nm_buf_put(out, label, length);
        return;
    }
    size = uidna_labelToUnicodeUTF8(
        names->idna, label, (int32_t)length, shown, sizeof shown, &info, &status);
    if (U_FAILURE(status) || (info.errors & NM_IDNA_ERRORS) != 0)
        nm_buf_put(out, label, length);
    else
        nm_buf_put(out, shown, (size_t)size);
}

void nm_domain_to_unicode(
    const struct nm_names *names, const struct nm_domain *domain, struct nm_buf *out)
{
    const char *label = domain->name;

    if (!domain->idn) {
        nm_buf_put(out, domain->name, domain->length);
        return;
    }
    for (;;) {
        const size_t length = strcspn(label, ".");

        put_label(names, label, length, out);
        if (label[length] == '\0')
            return;
        nm_buf_put(out, ".", 1);
        label += length + 1;
    }
}
