#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Combining characters take no column, so bytes have a cap of their own. */
enum { CELL_BYTES = 4 * NM_CELL_COLUMNS };

struct cell {
    char text[CELL_BYTES + 1];
    size_t columns;
    enum nm_colour colour;
};

struct nm_grid {
    FILE *out;
    bool colour;
    bool titled;
    const char *const *titles;
    size_t column_count;
    size_t widths[NM_GRID_COLUMNS_MAX];
    size_t used; /* of `cells` */
    struct cell *cells;
};

struct nm_grid *nm_grid_new(
    FILE *out, bool colour, const char *const *titles, size_t column_count)
{
    struct nm_grid *grid = calloc(1, sizeof *grid);

    assert(column_count > 0 && column_count <= NM_GRID_COLUMNS_MAX);
    if (grid == NULL)
        return NULL;
    grid->cells = calloc(NM_GRID_ROWS * column_count, sizeof *grid->cells);
    if (grid->cells == NULL) {
        free(grid);
        return NULL;
    }
    grid->out = out;
    grid->colour = colour;
    grid->titles = titles;
    grid->column_count = column_count;
    for (size_t i = 0; i < column_count; i++)
        grid->widths[i] = strlen(titles[i]);
    return grid;
}

/* The last column is not padded, so that no line ends in spaces. */
static void put_cell(const struct nm_grid *grid, size_t column, const char *text,
    size_t columns, enum nm_colour colour)
{
    if (colour != NM_PLAIN)
        nm_paint(grid->out, grid->colour, colour);
    (void)fputs(text, grid->out);
    if (colour != NM_PLAIN)
        nm_paint(grid->out, grid->colour, NM_PLAIN);
    if (column + 1 == grid->column_count)
        (void)fputc('\n', grid->out);
    else
        (void)fprintf(grid->out, "%*s", (int)(grid->widths[column] - columns + 2), "");
}

void nm_grid_flush(struct nm_grid *grid)
{
    assert(grid->used % grid->column_count == 0);
    for (size_t i = 0; i < grid->used; i++) {
        size_t *width = &grid->widths[i % grid->column_count];

        if (grid->cells[i].columns > *width)
            *width = grid->cells[i].columns;
    }
    if (!grid->titled && grid->used > 0) {
        for (size_t i = 0; i < grid->column_count; i++)
            put_cell(grid, i, grid->titles[i], strlen(grid->titles[i]), NM_BOLD);
        grid->titled = true;
    }
    for (size_t i = 0; i < grid->used; i++)
        put_cell(grid, i % grid->column_count, grid->cells[i].text,
            grid->cells[i].columns, grid->cells[i].colour);
    grid->used = 0;
}

/* Fill `cell` with what fits, leaving room for the dots that say that more was there. */
static void fill_cell(struct cell *cell, const char *bytes, size_t length)
{
    static const char more[] = "...";
    char shown[NM_VISIBLE_MAX + 1];
    struct nm_buf buf;
    size_t at = 0;
    size_t cut = 0; /* where the dots would go */

    nm_buf_init(&buf, cell->text, sizeof cell->text);
    cell->columns = 0;
    while (at < length) {
        const size_t step = nm_visible(bytes + at, length - at, shown);
        const size_t columns = nm_columns(shown);

        if (cell->columns + columns > NM_CELL_COLUMNS ||
            buf.length + strlen(shown) > CELL_BYTES)
            break;
        nm_buf_puts(&buf, shown);
        cell->columns += columns;
        if (cell->columns <= NM_CELL_COLUMNS - strlen(more) &&
            buf.length <= CELL_BYTES - strlen(more))
            cut = buf.length;
        at += step;
    }
    if (at < length) {
        memcpy(cell->text + cut, more, sizeof more);
        cell->columns = nm_columns(cell->text);
    }
}

void nm_grid_cell(
    struct nm_grid *grid, const char *bytes, size_t length, enum nm_colour colour)
{
    struct cell *cell = &grid->cells[grid->used++];

    fill_cell(cell, bytes, length);
    cell->colour = colour;
    if (grid->used == NM_GRID_ROWS * grid->column_count)
        nm_grid_flush(grid);
}

void nm_grid_drop_first_row(struct nm_grid *grid)
{
    assert(grid->used >= grid->column_count);
    grid->used -= grid->column_count;
    memmove(grid->cells, grid->cells + grid->column_count,
        grid->used * sizeof *grid->cells);
}

void nm_grid_free(struct nm_grid **grid)
{
    if (*grid == NULL)
        return;
    nm_grid_flush(*grid);
    free((*grid)->cells);
    free(*grid);
    *grid = NULL;
}
