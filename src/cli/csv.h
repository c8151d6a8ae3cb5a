/*
 * CSV as the tool prints it (RFC 4180, lines ended by CR LF): a cell is quoted where it
 * must be; one that a spreadsheet would take for a formula begins with an apostrophe; what
 * a terminal must not see is escaped as in text.
 */
#ifndef NM_CLI_CSV_H
#define NM_CLI_CSV_H

#include <nearmiss/base.h>

#include <stdio.h>

struct nm_csv {
    FILE *out;
    bool begun; /* the row has a cell */
};

struct nm_csv nm_csv_begin(FILE *out);
void nm_csv_bytes(struct nm_csv *csv, const char *bytes, size_t length);
/* NULL is an empty cell. */
void nm_csv_text(struct nm_csv *csv, const char *text);
void nm_csv_number(struct nm_csv *csv, uint64_t number);
void nm_csv_end_row(struct nm_csv *csv);

#endif
