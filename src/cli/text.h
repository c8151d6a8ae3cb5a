/*
 * Text for people: hostile bytes made visible, domains in both forms, colours, columns.
 * Write errors show in the stream and are told once, at the end.
 */
#ifndef NM_CLI_TEXT_H
#define NM_CLI_TEXT_H

#include "command.h"

#include <nearmiss/address.h>

/* A word of the command line as a complaint may quote it, cut when it is long. */
struct nm_shown {
    char text[96];
};
struct nm_shown nm_show(const char *word);

void nm_put_visible(FILE *out, const char *bytes, size_t length);

/* A domain in A-labels; an IDN as people read it, with the A-labels in parentheses. */
void nm_put_domain(
    FILE *out, const struct nm_names *names, const struct nm_domain *domain);

enum nm_colour { NM_PLAIN, NM_BOLD, NM_DIM, NM_RED, NM_GREEN, NM_YELLOW };

/* Begin or, with NM_PLAIN, end a colour; nothing unless `enabled`. */
void nm_paint(FILE *out, bool enabled, enum nm_colour colour);

/* 0..1 to four digits. What is not quite certain is never shown as 1. */
enum { NM_CONFIDENCE_DIGITS = 4 };
double nm_confidence_round(double confidence);

/* The same as text: "0.997", "0.9999". */
struct nm_confidence_text {
    char text[16];
};
struct nm_confidence_text nm_confidence_text(double confidence);

/* Columns that shown text takes on a terminal: wide characters two, combining ones
 * none. */
size_t nm_columns(const char *text);

/* ---- a grid ------------------------------------------------------------- */

/* Rows of cells in aligned columns under a line of titles. Rows are kept until there
 * are enough to know the widths, and so a log of any length streams; a column never
 * becomes narrower again. A cell of more than NM_CELL_COLUMNS columns is cut. */
enum { NM_CELL_COLUMNS = 48, NM_GRID_ROWS = 200, NM_GRID_COLUMNS_MAX = 12 };

struct nm_grid;

/* NULL out of memory. `titles` is borrowed. */
struct nm_grid *nm_grid_new(
    FILE *out, bool colour, const char *const *titles, size_t column_count);
/* The next cell, left to right; hostile bytes are fine. */
void nm_grid_cell(
    struct nm_grid *grid, const char *bytes, size_t length, enum nm_colour colour);
/* Take the oldest row back that is not yet printed; there must be one. */
void nm_grid_drop_first_row(struct nm_grid *grid);
/* Print the rows that are kept, with the widths that are known by now. */
void nm_grid_flush(struct nm_grid *grid);
/* Print what is left. No title is printed when there was no row. */
void nm_grid_free(struct nm_grid **grid);

#endif
