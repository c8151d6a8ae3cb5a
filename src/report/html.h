/* Pieces of HTML: text that may be hostile, numbers, times. For the page alone. */
#ifndef NM_REPORT_HTML_H
#define NM_REPORT_HTML_H

#include <nearmiss/base.h>

#include <stdio.h>

/* Text as it may stand in an element or in an attribute between double quotes. What must
 * not be shown is escaped so that it can be seen. */
void nm_html_bytes(FILE *out, const char *bytes, size_t length);
void nm_html_text(FILE *out, const char *text);

/* "1,234,567". */
void nm_html_number(FILE *out, uint64_t number);
/* "65 %", "0.4 %"; nothing of nothing. */
void nm_html_share(FILE *out, uint64_t part, uint64_t whole);

/* "2026-03-01", "2026-03-01 12:00", and as a command line takes it. UTC. */
void nm_html_day(FILE *out, int64_t time_us);
void nm_html_minute(FILE *out, int64_t time_us);
void nm_html_rfc3339(FILE *out, int64_t time_us);

/* Whether a word may stand in a command line as it is. */
bool nm_html_is_plain_word(const char *bytes, size_t length);

#endif
