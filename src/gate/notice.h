/*
 * Notices: what the sender or a reviewer is told of a message that is held or kept. The
 * gate gathers the facts (notices.c); who sends them is behind struct nm_notice_port.
 *
 * A template is text of many lines. A first line `Subject: …`, with an empty line behind
 * it, is the notice's subject.
 */
#ifndef NM_GATE_NOTICE_H
#define NM_GATE_NOTICE_H

#include <nearmiss/base.h>

/* What stands in `%{…}`: first what a reply's template has. */
enum nm_notice_value {
    NM_NOTICE_DOMAIN,
    NM_NOTICE_TARGET,
    NM_NOTICE_SLIP,
    NM_NOTICE_REF,
    NM_NOTICE_RULE,
    NM_NOTICE_SENDER,
    NM_NOTICE_RECIPIENT,
    NM_NOTICE_RECIPIENTS, /* all of them, a line each */
    NM_NOTICE_SUBJECT,
    NM_NOTICE_WHAT,    /* what happened, as the end of "Your mail …" */
    NM_NOTICE_COMMAND, /* that releases it */
    NM_NOTICE_CONTACT
};
enum {
    NM_NOTICE_VALUE_COUNT = NM_NOTICE_CONTACT + 1,
    NM_NOTICE_TEMPLATE_MAX = 8192 /* bytes */
};

extern const struct nm_template_names nm_notice_names;

#endif
