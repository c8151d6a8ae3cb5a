/*
 * The tools behind names, public suffixes, and domains for people's eyes.
 */
#include "names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
    if (nm_rules_new(names->suffixes, &names->rules) != NM_OK) {
        nm_names_free(&names);
        return nm_fail(error, NM_NO_MEMORY, "no memory for the domain name tables");
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
    nm_rules_free(&(*names)->rules);
    free(*names);
    *names = NULL;
}

/* libpsl answers for wildcards and exceptions; NO_STAR_RULE makes it say no where only the
 * list's default rule `*` would fit. */
static bool is_suffix(const struct nm_names *names, const struct nm_domain *domain,
    const struct nm_tail *tail)
{
    const int type = PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE;

    if (tail->word != NM_RULE_ASK)
        return tail->word == NM_RULE_YES;
    return psl_is_public_suffix2(names->suffixes, domain->name + tail->at, type) != 0;
}

/* The longest rule that fits is the one that counts, so ask from the left. */
struct nm_domain_parts nm_domain_split(
    const struct nm_names *names, const struct nm_domain *domain)
{
    struct nm_tail tails[NM_SPLIT_TAILS_MAX];
    const size_t count = nm_rules_tails(names->rules, domain, tails);
    size_t suffix = count - 1;
    struct nm_domain_parts parts;

    assert(count > 0);
    while (suffix > 0 && !is_suffix(names, domain, &tails[suffix]))
        suffix--;
    parts.suffix_known = suffix > 0 || is_suffix(names, domain, &tails[0]);
    parts.suffix = (uint8_t)tails[suffix].at;
    parts.registrable = (uint8_t)tails[suffix + 1 < count ? suffix + 1 : suffix].at;
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
