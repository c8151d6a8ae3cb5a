/* Figures for people: numbers, shares, bars and sparklines. */
#ifndef NM_CLI_CHART_H
#define NM_CLI_CHART_H

#include <nearmiss/base.h>

#include <stdio.h>

/* "1,234,567". */
struct nm_number_text {
    char text[32];
};
struct nm_number_text nm_number_text(uint64_t number);

/* "65%", "0.4%", "<0.1%", ">99%"; "" of nothing. */
struct nm_number_text nm_share_text(uint64_t part, uint64_t whole);

/* A bar of `part` in `most`, at most `columns` wide, without trailing spaces. What is not
 * nothing shows. */
void nm_put_bar(FILE *out, bool unicode, uint64_t part, uint64_t most, size_t columns);

/* A column a value, as high as it is great; nothing shows as nothing. */
void nm_put_sparkline(FILE *out, bool unicode, const uint64_t *values, size_t count);

#endif
