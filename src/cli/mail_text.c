#include "mail_text.h"

#include "text.h"

#include <nearmiss/base.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>

enum { VALUE_MAX = 1024, NAME_MAX_BYTES = 256 };

struct span {
    const char *data;
    size_t length;
};

struct view {
    FILE *out;
    unsigned parts; /* so far */
};

/* What a part's own header says of it. */
struct part {
    char type[VALUE_MAX];     /* "text/plain" */
    char encoding[VALUE_MAX]; /* "base64"; "" for none */
    char charset[VALUE_MAX];
    char boundary[VALUE_MAX];
    char name[VALUE_MAX]; /* of an attachment; "" for none */
    bool is_attached;
};

/* ---- spans ------------------------------------------------------------------ */

/* The next line of `rest`, with its end; both shrink. */
static struct span take_line(struct span *rest)
{
    const char *newline = memchr(rest->data, '\n', rest->length);
    const struct span line = {rest->data,
        newline != NULL ? (size_t)(newline - rest->data) + 1 : rest->length};

    rest->data += line.length;
    rest->length -= line.length;
    return line;
}

static struct span without_end(struct span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* Part a message, or a part of one, at its first empty line. */
static struct span split_header(struct span whole, struct span *body)
{
    struct span rest = whole;

    while (rest.length > 0) {
        const struct span before = rest;

        if (without_end(take_line(&rest)).length == 0) {
            *body = rest;
            return (struct span){whole.data, (size_t)(before.data - whole.data)};
        }
    }
    *body = rest;
    return whole;
}

static void put_text(FILE *out, struct span text)
{
    while (text.length > 0) {
        const struct span line = without_end(take_line(&text));

        nm_put_visible(out, line.data, line.length);
        (void)fputc('\n', out);
    }
}

/* ---- fields ----------------------------------------------------------------- */

/* The value of the first field called `name`, its lines joined; "" for none. */
static void read_field(struct span header, const char *name, char out[VALUE_MAX])
{
    const size_t length = strlen(name);
    struct nm_buf buf;
    bool found = false;

    nm_buf_init(&buf, out, VALUE_MAX);
    while (header.length > 0) {
        struct span line = without_end(take_line(&header));
        const bool folded =
            line.length > 0 && (line.data[0] == ' ' || line.data[0] == '\t');

        if (found && !folded)
            return;
        if (!folded) {
            found = line.length > length && line.data[length] == ':' &&
                    strncasecmp(line.data, name, length) == 0;
            line.data += found ? length + 1 : 0;
            line.length -= found ? length + 1 : 0;
        }
        if (found)
            nm_buf_put(&buf, line.data, line.length);
    }
}

/* The word at the beginning of a value, in lower case. */
static void read_word(const char *value, char out[VALUE_MAX])
{
    size_t length = 0;

    value += strspn(value, " \t");
    while (value[length] != '\0' && strchr("; \t(", value[length]) == NULL) {
        out[length] = nm_ascii_lower(value[length]);
        length++;
    }
    out[length] = '\0';
}

/* `value` stands behind the `=`; returns what is behind it. */
static const char *read_value(const char *value, struct nm_buf *out)
{
    if (*value != '"') {
        const size_t length = strcspn(value, "; \t");

        nm_buf_put(out, value, length);
        return value + length;
    }
    for (value++; *value != '\0' && *value != '"'; value++) {
        if (*value == '\\' && value[1] != '\0')
            value++;
        nm_buf_put(out, value, 1);
    }
    return value + (*value == '"');
}

/* A parameter of a field (RFC 2045, 5.1); "" for none. */
static void read_parameter(const char *field, const char *name, char out[VALUE_MAX])
{
    const size_t length = strlen(name);
    char ignored[VALUE_MAX];
    struct nm_buf buf;

    out[0] = '\0';
    for (field += strcspn(field, ";"); *field != '\0'; field += strcspn(field, ";")) {
        size_t named;

        field++;
        field += strspn(field, " \t");
        named = strcspn(field, "= \t;");
        if (field[named] != '=')
            continue;
        if (named == length && strncasecmp(field, name, length) == 0) {
            nm_buf_init(&buf, out, VALUE_MAX);
            (void)read_value(field + named + 1, &buf);
            return;
        }
        nm_buf_init(&buf, ignored, sizeof ignored);
        field = read_value(field + named + 1, &buf);
    }
}

static void read_part(struct span header, struct part *out)
{
    char type[VALUE_MAX];
    char disposition[VALUE_MAX];
    char encoding[VALUE_MAX];
    char word[VALUE_MAX];

    read_field(header, "Content-Type", type);
    read_field(header, "Content-Disposition", disposition);
    read_field(header, "Content-Transfer-Encoding", encoding);
    read_word(type, out->type);
    if (out->type[0] == '\0')
        (void)nm_copy(out->type, sizeof out->type, "text/plain");
    read_word(encoding, out->encoding);
    read_word(disposition, word);
    out->is_attached = strcmp(word, "attachment") == 0;
    read_parameter(type, "charset", out->charset);
    read_parameter(type, "boundary", out->boundary);
    read_parameter(disposition, "filename", out->name);
    if (out->name[0] == '\0')
        read_parameter(type, "name", out->name);
}

/* ---- decoding --------------------------------------------------------------- */

static int base64_digit(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* What is no digit is passed over (RFC 2045, 6.8). `out` has room for the input. */
static size_t decode_base64(struct span text, char *out)
{
    unsigned group = 0;
    unsigned bits = 0;
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        const int digit = base64_digit(text.data[i]);

        if (digit < 0)
            continue;
        group = group << 6 | (unsigned)digit;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        out[length++] = (char)(group >> bits & 0xff);
    }
    return length;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, nm_ascii_lower(c)) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* What is wrong stays as it is (RFC 2045, 6.7). */
static size_t decode_quoted(struct span text, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        const size_t left = text.length - i;
        const char *at = text.data + i;

        if (*at == '=' && left > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
            out[length++] = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
            i += 2;
        } else if (*at == '=' && left > 1 && at[1] == '\n') {
            i++;
        } else if (*at == '=' && left > 2 && at[1] == '\r' && at[2] == '\n') {
            i += 2;
        } else {
            out[length++] = *at;
        }
    }
    return length;
}

/* In UTF-8, for free(); NULL when the charset is none that ICU knows, or out of memory. */
static char *convert(struct span text, const char *charset, size_t *length)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t needed;
    char *out;

    if (text.length > INT32_MAX / 8)
        return NULL;
    needed = ucnv_convert(
        "UTF-8", charset, NULL, 0, text.data, (int32_t)text.length, &status);
    if (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR)
        return NULL;
    out = malloc((size_t)needed + 1);
    if (out == NULL)
        return NULL;
    status = U_ZERO_ERROR;
    (void)ucnv_convert(
        "UTF-8", charset, out, needed + 1, text.data, (int32_t)text.length, &status);
    if (U_FAILURE(status)) {
        free(out);
        return NULL;
    }
    *length = (size_t)needed;
    return out;
}

static bool is_utf8(const char *charset)
{
    return charset[0] == '\0' || strcasecmp(charset, "utf-8") == 0 ||
           strcasecmp(charset, "us-ascii") == 0;
}

/* ---- HTML ------------------------------------------------------------------- */

static bool begins_tag(struct span rest, const char *name)
{
    const size_t length = strlen(name);

    return rest.length > length && strncasecmp(rest.data, name, length) == 0 &&
           strchr(" \t\r\n/>", rest.data[length]) != NULL;
}

/* Bytes up to `</name`, or all. */
static size_t length_until_end_of(struct span rest, const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i + 2 + length < rest.length; i++)
        if (rest.data[i] == '<' && rest.data[i + 1] == '/' &&
            strncasecmp(rest.data + i + 2, name, length) == 0)
            return i;
    return rest.length;
}

/* A tag at `<`: how long it is, with what belongs to it and is no text. */
static size_t skip_tag(struct span rest, char *out, size_t *length)
{
    static const char *const silent[] = {"script", "style", "head", "title"};
    static const char *const breaks[] = {
        "br", "p", "div", "tr", "li", "h1", "h2", "h3", "/p", "/div", "/tr", "/table"};
    const struct span name = {rest.data + 1, rest.length - 1};
    const char *end = memchr(rest.data, '>', rest.length);

    for (size_t i = 0; i < NM_COUNT(silent); i++)
        if (begins_tag(name, silent[i]))
            return 1 + length_until_end_of(name, silent[i]);
    for (size_t i = 0; i < NM_COUNT(breaks); i++)
        if (begins_tag(name, breaks[i])) {
            out[(*length)++] = '\n';
            break;
        }
    return end != NULL ? (size_t)(end - rest.data) + 1 : rest.length;
}

/* One of the entities that stand for a character of markup; 0 for none. */
static size_t read_entity(struct span rest, char *out)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
        {"&apos;", '\''}, {"&#39;", '\''}, {"&nbsp;", ' '}};

    for (size_t i = 0; i < NM_COUNT(entities); i++) {
        const size_t length = strlen(entities[i].name);

        if (rest.length >= length &&
            strncasecmp(rest.data, entities[i].name, length) == 0) {
            *out = entities[i].character;
            return length;
        }
    }
    return 0;
}

/* The text between the tags, empty lines in a row as one. `out` has room for the input. */
static size_t strip_markup(struct span text, char *out)
{
    size_t length = 0;

    while (text.length > 0) {
        size_t step = 1;

        if (*text.data == '<') {
            step = skip_tag(text, out, &length);
        } else if (*text.data == '&' && (step = read_entity(text, out + length)) > 0) {
            length++;
        } else {
            step = 1;
            if (*text.data != '\r')
                out[length++] = *text.data;
        }
        if (length >= 3 && memcmp(out + length - 3, "\n\n\n", 3) == 0)
            length--;
        text.data += step;
        text.length -= step;
    }
    return length;
}

/* ---- parts ------------------------------------------------------------------ */

static void put_note(
    const struct view *view, const struct part *part, size_t bytes, const char *what)
{
    (void)fputc('[', view->out);
    nm_put_visible(view->out, part->type, strnlen(part->type, NAME_MAX_BYTES));
    if (part->name[0] != '\0') {
        (void)fputs(", \"", view->out);
        nm_put_visible(view->out, part->name, strnlen(part->name, NAME_MAX_BYTES));
        (void)fputc('"', view->out);
    }
    (void)fprintf(view->out, ", %zu bytes: %s]\n", bytes, what);
}

/* Decoded, in UTF-8, without markup. `memory` has room for the body, as does what is made
 * of it. */
static void put_decoded(
    const struct view *view, const struct part *part, struct span body, char *memory)
{
    struct span text = body;
    char *converted = NULL;

    if (strcmp(part->encoding, "base64") == 0)
        text = (struct span){memory, decode_base64(body, memory)};
    else if (strcmp(part->encoding, "quoted-printable") == 0)
        text = (struct span){memory, decode_quoted(body, memory)};
    if (!is_utf8(part->charset))
        converted = convert(text, part->charset, &text.length);
    if (converted != NULL)
        text.data = converted;
    if (strcmp(part->type, "text/html") == 0) {
        char *plain = malloc(text.length + 1);

        put_note(view, part, body.length, "shown without its markup");
        if (plain != NULL)
            text = (struct span){plain, strip_markup(text, plain)};
        put_text(view->out, text);
        free(plain);
    } else {
        put_text(view->out, text);
    }
    free(converted);
}

static void put_leaf(const struct view *view, const struct part *part, struct span body)
{
    const bool is_text =
        strcmp(part->type, "text/plain") == 0 || strcmp(part->type, "text/html") == 0;
    char *memory;

    if (!is_text || part->is_attached) {
        put_note(view, part, body.length, "not shown");
        return;
    }
    memory = malloc(body.length + 1);
    if (memory == NULL) {
        put_note(view, part, body.length, "not shown for lack of memory");
        return;
    }
    put_decoded(view, part, body, memory);
    free(memory);
}

static void put_part(struct view *view, struct span whole, unsigned depth);

/* Whether the line parts two parts, or ends the last. */
static bool is_delimiter(struct span line, const char *boundary, bool *is_last)
{
    const size_t length = strlen(boundary);

    *is_last = line.length >= length + 4 && line.data[length + 2] == '-' &&
               line.data[length + 3] == '-';
    return line.length >= length + 2 && line.data[0] == '-' && line.data[1] == '-' &&
           memcmp(line.data + 2, boundary, length) == 0;
}

/* What stands before the first part and behind the last is for nobody (RFC 2046, 5.1). */
static void put_parts(
    struct view *view, const char *boundary, struct span body, unsigned depth)
{
    struct span rest = body;
    const char *start = NULL;
    bool is_last = false;

    while (rest.length > 0 && !is_last) {
        const char *line_start = rest.data;
        const struct span line = take_line(&rest);
        const bool parts = is_delimiter(line, boundary, &is_last);

        is_last = is_last && parts;
        if (parts && start != NULL) {
            put_part(view, (struct span){start, (size_t)(line_start - start)}, depth);
            (void)fputc('\n', view->out);
        }
        if (parts)
            start = rest.data;
    }
    if (!is_last && start != NULL)
        put_part(view, (struct span){start, (size_t)(body.data + body.length - start)},
            depth);
}

/* A message in the message: its header too. */
static void put_message(
    struct view *view, const struct part *part, struct span whole, unsigned depth)
{
    struct span body;

    put_note(view, part, whole.length, "a message, shown below");
    put_text(view->out, split_header(whole, &body));
    (void)fputc('\n', view->out);
    put_part(view, whole, depth);
}

static void put_body(
    struct view *view, const struct part *part, struct span body, unsigned depth)
{
    if (depth > NM_MAIL_DEPTH_MAX)
        put_note(view, part, body.length, "nested too deep to be shown");
    else if (strncmp(part->type, "multipart/", 10) == 0 && part->boundary[0] != '\0')
        put_parts(view, part->boundary, body, depth + 1);
    else if (strcmp(part->type, "message/rfc822") == 0)
        put_message(view, part, body, depth + 1);
    else
        put_leaf(view, part, body);
}

static void put_part(struct view *view, struct span whole, unsigned depth)
{
    struct span body;
    const struct span header = split_header(whole, &body);
    struct part *part;

    if (++view->parts > NM_MAIL_PARTS_MAX) {
        if (view->parts == NM_MAIL_PARTS_MAX + 1)
            (void)fputs("[there are more parts, not shown]\n", view->out);
        return;
    }
    part = malloc(sizeof *part);
    if (part == NULL) {
        (void)fputs("[a part, not shown for lack of memory]\n", view->out);
        return;
    }
    read_part(header, part);
    put_body(view, part, body, depth);
    free(part);
}

void nm_mail_text_put(FILE *out, const char *bytes, size_t length)
{
    struct view view = {.out = out};
    struct span body;
    const struct span header = split_header((struct span){bytes, length}, &body);

    put_text(out, header);
    (void)fputc('\n', out);
    put_part(&view, (struct span){bytes, length}, 0);
}
