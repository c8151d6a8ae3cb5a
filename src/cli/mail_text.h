/*
 * A message as a reviewer may read it: its text parts decoded, HTML without its markup,
 * everything else named and not shown. Nothing in it reaches a terminal as it is, and
 * nothing is fetched. What is broken is shown as it came.
 */
#ifndef NM_CLI_MAIL_TEXT_H
#define NM_CLI_MAIL_TEXT_H

#include <stddef.h>
#include <stdio.h>

enum {
    NM_MAIL_DEPTH_MAX = 8,  /* of parts in parts; deeper ones are named, not shown */
    NM_MAIL_PARTS_MAX = 100 /* of a message; of further ones that there are more */
};

/* The header as it came, and the body as above. Writes to `out` only; without memory the
 * part in question is named and not shown. */
void nm_mail_text_put(FILE *out, const char *bytes, size_t length);

#endif
