/* Reply templates: text with `%{name}` for what is put in and `%%` for a percent sign. */
#ifndef NM_POLICY_TEMPLATE_H
#define NM_POLICY_TEMPLATE_H

#include <nearmiss/base.h>

enum nm_template_value {
    NM_TEMPLATE_DOMAIN,
    NM_TEMPLATE_TARGET,
    NM_TEMPLATE_SLIP,
    NM_TEMPLATE_REF,
    NM_TEMPLATE_RULE,
    NM_TEMPLATE_SENDER,
    NM_TEMPLATE_CONFIRM,
    NM_TEMPLATE_CONTACT
};
enum { NM_TEMPLATE_VALUE_COUNT = NM_TEMPLATE_CONTACT + 1 };

/* Whether `text` can be used; if not, `why` says what is wrong. */
bool nm_template_check(const char *text, char *why, size_t why_size);

/* Whether the value stands in a template that was checked. */
bool nm_template_uses(const char *text, enum nm_template_value value);

/* Expand a template that was checked. */
void nm_template_expand(const char *text,
    const char *const values[NM_TEMPLATE_VALUE_COUNT], struct nm_buf *out);

#endif
