#include "template.h"

#include <nearmiss/policy.h>

static const char *const names[NM_TEMPLATE_VALUE_COUNT] = {
    [NM_TEMPLATE_DOMAIN] = "domain",
    [NM_TEMPLATE_TARGET] = "target",
    [NM_TEMPLATE_SLIP] = "slip",
    [NM_TEMPLATE_REF] = "ref",
    [NM_TEMPLATE_RULE] = "rule",
    [NM_TEMPLATE_SENDER] = "sender",
    [NM_TEMPLATE_CONFIRM] = "confirm",
    [NM_TEMPLATE_CONTACT] = "contact",
};

static const struct nm_template_names all = {names, NM_TEMPLATE_VALUE_COUNT};

bool nm_template_check(const char *text, char *why, size_t why_size)
{
    struct nm_buf buf;

    nm_buf_init(&buf, why, why_size);
    return nm_template_check_text(text, &all, NM_REPLY_TEMPLATE_MAX, false, &buf);
}

void nm_template_expand(const char *text,
    const char *const values[NM_TEMPLATE_VALUE_COUNT], struct nm_buf *out)
{
    nm_template_expand_text(text, &all, values, out);
}

bool nm_template_uses(const char *text, enum nm_template_value value)
{
    return nm_template_uses_value(text, &all, value);
}
