#include "source.h"

#include "file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 2 * NM_CONFIG_FILES_MAX };

/* From line `first` of the text on, its lines are those of a file, from `line` on. */
struct segment {
    unsigned first;
    unsigned line;
    size_t file;
};

struct nm_source {
    char *text;
    size_t length;
    size_t capacity;
    unsigned lines; /* newlines in `text` */
    size_t read;    /* bytes of all files */
    struct segment segments[SEGMENTS_MAX];
    size_t segment_count;
    char *files[NM_CONFIG_FILES_MAX];
    size_t file_count;
    unsigned *string_lines;
    size_t string_count;
    size_t string_capacity;
};

/* The place in one file. What lies between `copied` and `at` is looked through and not
 * yet in the text. */
struct cursor {
    size_t file;
    const char *begin;
    const char *copied;
    const char *at;
    const char *end;
    unsigned line;
    unsigned copied_line;
};

/* The walk over all files; brackets and tokens go on through an included file. */
struct walk {
    struct nm_source *source;
    struct nm_complaints *complaints;
    const char *folder; /* NULL: nothing may be included */
    struct cursor *in;
    size_t includes; /* files open around this one */
    char brackets[NM_CONFIG_NESTING_MAX];
    size_t depth;
    char last; /* the token before: '"' for a string, ',' for a comma, else 0 */
    bool stop; /* after a complaint that leaves no sense in what follows */
};

static enum nm_code walk_text(
    struct walk *walk, const char *name, const char *text, size_t length);

/* ---- the text ----------------------------------------------------------- */

static unsigned count_lines(const char *bytes, size_t length)
{
    const char *end = bytes + length;
    unsigned lines = 0;

    for (const char *at = bytes; at < end; at++)
        lines += *at == '\n';
    return lines;
}

static enum nm_code append(struct nm_source *source, const char *bytes, size_t length)
{
    const size_t needed = source->length + length + 1;

    if (needed > source->capacity) {
        const size_t capacity = needed + needed / 2;
        char *moved = realloc(source->text, capacity);

        if (moved == NULL)
            return NM_NO_MEMORY;
        source->text = moved;
        source->capacity = capacity;
    }
    if (length > 0)
        memcpy(source->text + source->length, bytes, length);
    source->length += length;
    source->text[source->length] = '\0';
    source->lines += count_lines(bytes, length);
    return NM_OK;
}

static enum nm_code copy_so_far(struct walk *walk)
{
    struct cursor *in = walk->in;
    const enum nm_code code =
        append(walk->source, in->copied, (size_t)(in->at - in->copied));

    in->copied = in->at;
    in->copied_line = in->line;
    return code;
}

/* The lines of the text that follow are those of the cursor's file. */
static void begin_segment(struct nm_source *source, const struct cursor *in)
{
    if (source->segment_count < SEGMENTS_MAX)
        source->segments[source->segment_count++] = (struct segment){
            .first = source->lines + 1, .line = in->line, .file = in->file};
}

static enum nm_code note_string(const struct walk *walk)
{
    struct nm_source *source = walk->source;

    if (source->string_count == source->string_capacity) {
        const size_t capacity =
            source->string_capacity > 0 ? 2 * source->string_capacity : 64;
        unsigned *moved = realloc(source->string_lines, capacity * sizeof *moved);

        if (moved == NULL)
            return NM_NO_MEMORY;
        source->string_lines = moved;
        source->string_capacity = capacity;
    }
    source->string_lines[source->string_count++] =
        source->lines + 1 + (walk->in->line - walk->in->copied_line);
    return NM_OK;
}

/* ---- tokens ------------------------------------------------------------- */

static const char *file_name(const struct walk *walk)
{
    return walk->source->files[walk->in->file];
}

static void complain(struct walk *walk, unsigned line, const char *what)
{
    nm_complain(walk->complaints, file_name(walk), line, "%s", what);
}

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*';
}

static bool is_name(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool starts_with(const struct cursor *in, const char *text)
{
    const size_t length = strlen(text);

    return (size_t)(in->end - in->at) >= length && memcmp(in->at, text, length) == 0;
}

static void step(struct cursor *in)
{
    in->line += *in->at == '\n';
    in->at++;
}

static void skip_blanks(struct cursor *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

static void skip_line(struct cursor *in)
{
    while (in->at < in->end && *in->at != '\n')
        in->at++;
}

static void skip_comment(struct walk *walk)
{
    struct cursor *in = walk->in;
    const unsigned line = in->line;

    in->at += strlen("/*");
    while (in->at < in->end && !starts_with(in, "*/"))
        step(in);
    if (in->at == in->end) {
        complain(walk, line, "the comment that begins here does not end");
        walk->stop = true;
        return;
    }
    in->at += strlen("*/");
}

static enum nm_code take_string(struct walk *walk)
{
    struct cursor *in = walk->in;
    const unsigned line = in->line;
    const bool in_list = walk->depth > 0 && walk->brackets[walk->depth - 1] != '{';

    if (walk->last == '"' && in_list)
        complain(walk, line, "a comma is missing before this string");
    if (walk->last != '"' && note_string(walk) != NM_OK)
        return NM_NO_MEMORY;
    for (in->at++; in->at < in->end && *in->at != '"'; step(in)) {
        if (starts_with(in, "\\x00") || starts_with(in, "\\X00"))
            complain(walk, in->line, "\\x00 cannot stand in a string");
        if (*in->at == '\\' && in->at + 1 < in->end)
            step(in);
    }
    if (in->at == in->end) {
        complain(walk, line, "the string that begins here does not end");
        walk->stop = true;
        return NM_OK;
    }
    in->at++;
    walk->last = '"';
    return NM_OK;
}

static int digit_value(char c, int base)
{
    const char lower = nm_ascii_lower(c);

    if (c >= '0' && c <= '9')
        return c - '0';
    return base == 16 && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Digits of a whole number; whether it is above `greatest`. */
static bool skip_digits(struct cursor *in, int base, uint64_t greatest)
{
    uint64_t value = 0;
    bool is_above = false;

    for (; in->at < in->end && digit_value(*in->at, base) >= 0; in->at++) {
        value = value * (unsigned)base + (unsigned)digit_value(*in->at, base);
        is_above = is_above || value > greatest;
        value = is_above ? 0 : value;
    }
    return is_above;
}

/* libconfig keeps just the low 32 bits of a whole number without an L. */
static void skip_number(struct walk *walk)
{
    struct cursor *in = walk->in;
    const char *begin = in->at;
    const bool is_negative = begin > in->begin && begin[-1] == '-';
    const bool is_hex = starts_with(in, "0x") || starts_with(in, "0X");
    bool is_above;

    in->at += is_hex ? 2 : 0;
    is_above = skip_digits(in, is_hex ? 16 : 10, (uint64_t)INT32_MAX + is_negative);
    if (in->at < in->end && !is_hex && strchr(".eE", *in->at) != NULL) {
        while (in->at < in->end && strchr("0123456789.eE+-", *in->at) != NULL)
            in->at++;
        return;
    }
    if (is_above && (in->at == in->end || *in->at != 'L'))
        nm_complain(walk->complaints, file_name(walk), in->line,
            "%.*s does not fit 32 bits; such a number ends in L",
            (int)(in->at - begin < 40 ? in->at - begin : 40), begin);
}

static void open_bracket(struct walk *walk)
{
    if (walk->depth == NM_CONFIG_NESTING_MAX) {
        nm_complain(walk->complaints, file_name(walk), walk->in->line,
            "brackets are nested more than %d deep", NM_CONFIG_NESTING_MAX);
        walk->stop = true;
        return;
    }
    walk->brackets[walk->depth++] = *walk->in->at++;
}

static void close_bracket(struct walk *walk)
{
    if (walk->last == ',' && *walk->in->at != '}')
        complain(walk, walk->in->line, "nothing follows the comma before this bracket");
    if (walk->depth > 0)
        walk->depth--;
    walk->in->at++;
}

/* ---- includes ----------------------------------------------------------- */

static bool is_at_line_start(const struct cursor *in)
{
    const char *at = in->at;

    while (at > in->begin && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at == in->begin || at[-1] == '\n';
}

/* Take `@include "NAME"` and the rest of its line, on which nothing else may stand:
 * libconfig would read it after the file. */
static bool take_include(struct walk *walk, char name[PATH_MAX])
{
    struct cursor *in = walk->in;
    struct nm_buf buf;
    bool closed = false;

    nm_buf_init(&buf, name, PATH_MAX);
    in->at += strlen("@include");
    skip_blanks(in);
    if (in->at < in->end && *in->at == '"') {
        for (in->at++; in->at < in->end && *in->at != '"' && *in->at != '\n'; in->at++)
            nm_buf_put(&buf, in->at, 1);
        closed = in->at < in->end && *in->at == '"';
        in->at += closed;
    }
    skip_blanks(in);
    if (in->at < in->end && *in->at != '\n' && *in->at != '#' && !starts_with(in, "//"))
        closed = false;
    skip_line(in);
    return closed && buf.length > 0 && !buf.truncated;
}

static enum nm_code walk_included(struct walk *walk, const char *path)
{
    const struct cursor *in = walk->in;
    struct nm_error error;
    char *text = NULL;
    size_t length = 0;
    enum nm_code code = nm_file_read(path, NM_CONFIG_BYTES_MAX, &text, &length, &error);

    if (code == NM_BAD_INPUT) {
        nm_complain(walk->complaints, file_name(walk), in->line, "@include %s: %s",
            nm_quote_text(path).text, error.message);
        walk->stop = true;
        return NM_OK;
    }
    if (code != NM_OK)
        return code;
    walk->includes++;
    code = walk_text(walk, path, text, length);
    walk->includes--;
    free(text);
    return code;
}

static enum nm_code include(struct walk *walk)
{
    struct cursor *in = walk->in;
    char name[PATH_MAX];
    char path[2 * PATH_MAX];
    enum nm_code code = copy_so_far(walk);

    if (code != NM_OK)
        return code;
    walk->stop = true;
    if (walk->folder == NULL) {
        complain(walk, in->line, "@include is not possible here");
        return NM_OK;
    }
    if (!take_include(walk, name)) {
        complain(walk, in->line, "an @include is a line like: @include \"file\"");
        return NM_OK;
    }
    if (walk->includes == NM_CONFIG_INCLUDE_DEPTH_MAX) {
        nm_complain(walk->complaints, file_name(walk), in->line,
            "files include one another more than %d deep", NM_CONFIG_INCLUDE_DEPTH_MAX);
        return NM_OK;
    }
    walk->stop = false;
    (void)snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : walk->folder,
        name[0] == '/' ? "" : "/", name);
    code = walk_included(walk, path);
    /* The included text ends its line, so the newline behind the directive is spent. */
    if (in->at < in->end)
        step(in);
    in->copied = in->at;
    in->copied_line = in->line;
    begin_segment(walk->source, in);
    return code;
}

/* ---- the walk ----------------------------------------------------------- */

static enum nm_code walk_token(struct walk *walk)
{
    struct cursor *in = walk->in;
    const char c = *in->at;

    if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\n') {
        step(in);
        return NM_OK;
    }
    if (c == '#' || starts_with(in, "//")) {
        skip_line(in);
        return NM_OK;
    }
    if (starts_with(in, "/*")) {
        skip_comment(walk);
        return NM_OK;
    }
    if (starts_with(in, "@include") && is_at_line_start(in))
        return include(walk);
    if (c == '"')
        return take_string(walk);
    if (c == '{' || c == '[' || c == '(')
        open_bracket(walk);
    else if (c == '}' || c == ']' || c == ')')
        close_bracket(walk);
    else if ((c >= '0' && c <= '9') || c == '.')
        skip_number(walk);
    else if (is_name_start(c)) {
        while (in->at < in->end && is_name(*in->at))
            in->at++;
    } else
        in->at++;
    walk->last = c == ',' ? ',' : '\0';
    return NM_OK;
}

static enum nm_code add_file(struct nm_source *source, const char *name)
{
    char *copy = strdup(name);

    if (copy == NULL)
        return NM_NO_MEMORY;
    source->files[source->file_count++] = copy;
    return NM_OK;
}

/* Whether there is room for another file, and no NUL in it, where libconfig would stop
 * reading. */
static bool check_text(
    struct walk *walk, const char *name, const char *text, size_t length)
{
    const char *nul = memchr(text, '\0', length);

    if (nul != NULL)
        nm_complain(walk->complaints, name, 1 + count_lines(text, (size_t)(nul - text)),
            "a NUL byte");
    else if (walk->source->file_count == NM_CONFIG_FILES_MAX)
        nm_complain(walk->complaints, name, 0, "more than %d files are included",
            NM_CONFIG_FILES_MAX - 1);
    else if (length > NM_CONFIG_BYTES_MAX - walk->source->read)
        nm_complain(walk->complaints, name, 0,
            "the configuration is larger than %d bytes with all that it includes",
            NM_CONFIG_BYTES_MAX);
    else
        return true;
    walk->stop = true;
    return false;
}

static enum nm_code walk_text(
    struct walk *walk, const char *name, const char *text, size_t length)
{
    const size_t mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct cursor *outer = walk->in;
    struct cursor in = {.file = walk->source->file_count,
        .begin = text + mark,
        .copied = text + mark,
        .at = text + mark,
        .end = text + length,
        .line = 1,
        .copied_line = 1};
    enum nm_code code;

    if (!check_text(walk, name, text, length))
        return NM_OK;
    walk->source->read += length;
    code = add_file(walk->source, name);
    begin_segment(walk->source, &in);
    walk->in = &in;
    while (code == NM_OK && !walk->stop && in.at < in.end)
        code = walk_token(walk);
    if (code == NM_OK)
        code = copy_so_far(walk);
    /* Without a newline behind it libconfig does not see a comment. */
    if (code == NM_OK && (in.end == text + mark || in.end[-1] != '\n'))
        code = append(walk->source, "\n", 1);
    walk->in = outer;
    return code;
}

/* ---- the interface ------------------------------------------------------ */

static enum nm_code read_source(const char *name, const char *folder, const char *text,
    size_t length, struct nm_source **out, struct nm_complaints *complaints)
{
    struct nm_source *source = calloc(1, sizeof *source);
    struct walk walk = {.source = source, .complaints = complaints, .folder = folder};
    const size_t errors = complaints->errors;
    enum nm_code code;

    if (source == NULL)
        return NM_NO_MEMORY;
    code = walk_text(&walk, name, text, length);
    if (code == NM_OK && complaints->errors > errors)
        code = NM_BAD_INPUT;
    if (code != NM_OK) {
        nm_source_free(&source);
        return code;
    }
    *out = source;
    return NM_OK;
}

enum nm_code nm_source_read(const char *path, const char *folder,
    struct nm_source **out, struct nm_complaints *complaints)
{
    struct nm_error error;
    char *text = NULL;
    size_t length = 0;
    enum nm_code code = nm_file_read(path, NM_CONFIG_BYTES_MAX, &text, &length, &error);

    if (code == NM_BAD_INPUT)
        nm_complain(complaints, path, 0, "%s", error.message);
    if (code != NM_OK)
        return code;
    code = read_source(path, folder, text, length, out, complaints);
    free(text);
    return code;
}

enum nm_code nm_source_take(const char *name, const char *text, size_t length,
    struct nm_source **out, struct nm_complaints *complaints)
{
    return read_source(name, NULL, text, length, out, complaints);
}

void nm_source_free(struct nm_source **source)
{
    if (*source == NULL)
        return;
    for (size_t i = 0; i < (*source)->file_count; i++)
        free((*source)->files[i]);
    free((*source)->string_lines);
    free((*source)->text);
    free(*source);
    *source = NULL;
}

const char *nm_source_text(const struct nm_source *source)
{
    return source->text;
}

size_t nm_source_length(const struct nm_source *source)
{
    return source->length;
}

struct nm_place nm_source_place(const struct nm_source *source, unsigned line)
{
    size_t at = source->segment_count - 1;

    while (at > 0 && source->segments[at].first > line)
        at--;
    return (struct nm_place){.file = source->files[source->segments[at].file],
        .line = source->segments[at].line + (line - source->segments[at].first)};
}

const char *const *nm_source_files(const struct nm_source *source, size_t *count)
{
    *count = source->file_count;
    return (const char *const *)source->files;
}

unsigned nm_source_string_line(const struct nm_source *source, size_t n)
{
    return n < source->string_count ? source->string_lines[n] : 0;
}
