#include "complaint.h"

#include <stdlib.h>
#include <string.h>

enum { QUOTED_BYTES_MAX = 60 };

void nm_complaints_init(struct nm_complaints *complaints)
{
    *complaints = (struct nm_complaints){0};
}

void nm_complaints_free(struct nm_complaints *complaints)
{
    free(complaints->rows);
    nm_complaints_init(complaints);
}

static bool make_room(struct nm_complaints *complaints)
{
    size_t capacity = complaints->capacity > 0 ? 2 * complaints->capacity : 4;
    struct nm_complaint *rows;

    if (complaints->count < complaints->capacity)
        return true;
    if (capacity > NM_COMPLAINTS_MAX)
        capacity = NM_COMPLAINTS_MAX;
    if (complaints->count == capacity)
        return false;
    rows = realloc(complaints->rows, capacity * sizeof *rows);
    if (rows == NULL)
        return false;
    complaints->rows = rows;
    complaints->capacity = capacity;
    return true;
}

/* What is quoted in a message is escaped already; what another layer quotes may not be. */
static void put_safely(struct nm_buf *buf, const char *message)
{
    for (size_t left = strlen(message); left > 0;) {
        char visible[NM_VISIBLE_MAX + 1];
        const size_t size = nm_visible(message, left, visible);

        nm_buf_puts(buf, *message == '\\' ? "\\" : visible);
        message += size;
        left -= size;
    }
}

static void add(struct nm_complaints *complaints, bool warning, const char *file,
    unsigned line, const char *message)
{
    struct nm_complaint *row;
    char text[NM_ERROR_MESSAGE_MAX];
    struct nm_buf safe;

    if (!warning)
        complaints->errors++;
    if (!make_room(complaints)) {
        complaints->dropped++;
        return;
    }
    row = &complaints->rows[complaints->count++];
    row->warning = warning;
    nm_buf_init(&safe, text, sizeof text);
    put_safely(&safe, message);
    (void)nm_fail_at(&row->error, NM_BAD_INPUT, file, line, "%s", text);
}

void nm_complain(struct nm_complaints *complaints, const char *file, unsigned line,
    const char *format, ...)
{
    char message[NM_ERROR_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    add(complaints, false, file, line, message);
}

void nm_warn(struct nm_complaints *complaints, const char *file, unsigned line,
    const char *format, ...)
{
    char message[NM_ERROR_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    add(complaints, true, file, line, message);
}

/* The files in `files` come first, then the others as they were first complained of. */
static size_t file_rank(const struct nm_complaints *complaints, const char *file,
    const char *const *files, size_t file_count)
{
    size_t rank = 0;

    /* A complaint keeps the beginning of a long name only. */
    while (rank < file_count && strncmp(file, files[rank], NM_ERROR_FILE_MAX - 1) != 0)
        rank++;
    if (rank < file_count)
        return rank;
    rank = 0;
    while (strcmp(file, complaints->rows[rank].error.file) != 0)
        rank++;
    return file_count + rank;
}

void nm_complaints_sort(
    struct nm_complaints *complaints, const char *const *files, size_t file_count)
{
    struct nm_complaint *rows = complaints->rows;
    size_t ranks[NM_COMPLAINTS_MAX];

    for (size_t i = 0; i < complaints->count; i++)
        ranks[i] = file_rank(complaints, rows[i].error.file, files, file_count);
    for (size_t i = 1; i < complaints->count; i++) {
        const struct nm_complaint row = rows[i];
        const size_t rank = ranks[i];
        size_t at = i;

        while (at > 0 &&
               (ranks[at - 1] > rank ||
                   (ranks[at - 1] == rank && rows[at - 1].error.line > row.error.line)))
            at--;
        memmove(&rows[at + 1], &rows[at], (i - at) * sizeof *rows);
        memmove(&ranks[at + 1], &ranks[at], (i - at) * sizeof *ranks);
        rows[at] = row;
        ranks[at] = rank;
    }
}

void nm_complaints_print(const struct nm_complaints *complaints, FILE *out)
{
    for (size_t i = 0; i < complaints->count; i++) {
        const struct nm_error *error = &complaints->rows[i].error;

        if (error->file[0] != '\0' && error->line > 0)
            fprintf(out, "%s:%u: ", error->file, error->line);
        else if (error->file[0] != '\0')
            fprintf(out, "%s: ", error->file);
        fprintf(out, "%s%s\n", complaints->rows[i].warning ? "warning: " : "",
            error->message);
    }
    if (complaints->dropped > 0)
        fprintf(out, "and %zu more\n", complaints->dropped);
}

/* ---- quoting ------------------------------------------------------------ */

static void show(struct nm_buf *buf, const char *bytes, size_t length)
{
    const size_t most = buf->length + QUOTED_BYTES_MAX;

    for (size_t at = 0; at < length;) {
        char visible[NM_VISIBLE_MAX + 1];

        if (buf->length >= most) {
            nm_buf_puts(buf, "...");
            break;
        }
        at += nm_visible(bytes + at, length - at, visible);
        nm_buf_puts(buf, visible);
    }
}

struct nm_quoted nm_quote_bare(const char *bytes, size_t length)
{
    struct nm_quoted shown;
    struct nm_buf buf;

    nm_buf_init(&buf, shown.text, sizeof shown.text);
    show(&buf, bytes, length);
    return shown;
}

struct nm_quoted nm_quote(const char *bytes, size_t length)
{
    struct nm_quoted quoted;
    struct nm_buf buf;

    nm_buf_init(&buf, quoted.text, sizeof quoted.text);
    nm_buf_puts(&buf, "\"");
    show(&buf, bytes, length);
    nm_buf_puts(&buf, "\"");
    return quoted;
}

struct nm_quoted nm_quote_text(const char *text)
{
    return nm_quote(text, strlen(text));
}
