/* Words about options that the printed configuration, the manual and complaints share. */
#ifndef NM_CONFIG_WORDS_H
#define NM_CONFIG_WORDS_H

#include "option.h"

enum { NM_HELP_MAX = 512, NM_HELP_COLUMNS = 80 };

/* The option's help, and behind it in brackets what it may be, if that is bounded: "(100
 * to 60000 ms)". */
void nm_option_words(const struct nm_option *option, struct nm_buf *out);

/* Words over as many lines as they need, each behind a prefix. */
void nm_print_wrapped(
    FILE *out, const char *first_prefix, const char *next_prefix, const char *text);

#endif
