#include "lists.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHT_TEXT_MAX = 32 };

/* A line without its comment and the blanks around it. */
struct line {
    const char *text;
    size_t length;
    unsigned number;
};

/* What reading a list needs. */
struct reading {
    struct nm_list *list;
    const struct nm_names *names;
    struct nm_roster *roster;
    struct nm_complaints *complaints;
};

enum nm_address_fault nm_entry_parse(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out)
{
    size_t skip = 0;

    if (length > 0 && (text[0] == '@' || text[0] == '.'))
        skip = 1;
    else if (length > 1 && text[0] == '*' && text[1] == '.')
        skip = 2;
    return nm_domain_parse(names, text + skip, length - skip, out);
}

const char *nm_entry_fault_text(
    const char *text, size_t length, enum nm_address_fault fault)
{
    if (fault != NM_FAULT_DOMAIN)
        return nm_address_fault_text(fault);
    if (memmem(text, length, "://", 3) != NULL)
        return "it is a URL; write the domain alone";
    if (memchr(text, '@', length) != NULL)
        return "it is an address; write the domain alone";
    if (memchr(text, '*', length) != NULL)
        return "it has a *; a domain covers the names below it as it is";
    return "it has an empty label, or a character that no domain has";
}

/* ---- doubles ------------------------------------------------------------ */

static bool contradicts(enum nm_listing a, enum nm_listing b)
{
    return (a == NM_LISTING_PROTECTED && b == NM_LISTING_ALLOWED) ||
           (a == NM_LISTING_ALLOWED && b == NM_LISTING_PROTECTED);
}

static void sight(struct nm_sighting *sighting, const struct nm_list *list,
    const struct nm_domain *domain, unsigned line)
{
    if (sighting->count++ > 0)
        return;
    sighting->line = line;
    sighting->file = list->file;
    (void)nm_copy(sighting->name, sizeof sighting->name, domain->name);
}

enum nm_code nm_list_add(struct nm_list *list, const struct nm_domain *domain,
    double weight, unsigned line, struct nm_roster *roster)
{
    struct nm_roster_before before;
    const enum nm_code code =
        nm_roster_add(roster, domain, list->listing, weight, list->number, &before);

    if (code != NM_OK || !before.is_known)
        return code;
    if (before.list == list->number)
        sight(&list->doubles, list, domain, line);
    if (contradicts(before.listing, list->listing))
        sight(&list->contradictions, list, domain, line);
    return NM_OK;
}

/* A list that repeats itself does so often: its first case stands for all. */
static void warn_of(const struct nm_sighting *sighting, const char *what,
    struct nm_complaints *complaints)
{
    const struct nm_quoted name = nm_quote_text(sighting->name);

    if (sighting->count == 1)
        nm_warn(
            complaints, sighting->file, sighting->line, "%s is %s", name.text, what);
    else if (sighting->count > 1)
        nm_warn(complaints, sighting->file, sighting->line, "%s and %zu more are %s",
            name.text, sighting->count - 1, what);
}

void nm_list_end(const struct nm_list *list, struct nm_complaints *complaints)
{
    warn_of(&list->doubles, "listed a second time", complaints);
    warn_of(
        &list->contradictions, "both protected and allowed; allowed wins", complaints);
}

/* ---- lines -------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct line *line)
{
    const char *comment = memchr(line->text, '#', line->length);

    if (comment != NULL)
        line->length = (size_t)(comment - line->text);
    while (line->length > 0 && is_blank(line->text[line->length - 1]))
        line->length--;
    while (line->length > 0 && is_blank(*line->text)) {
        line->text++;
        line->length--;
    }
}

/* The bytes of the line's first word; the line goes on behind it. */
static size_t take_word(struct line *line)
{
    size_t length = 0;

    while (length < line->length && !is_blank(line->text[length]))
        length++;
    line->text += length;
    line->length -= length;
    while (line->length > 0 && is_blank(*line->text)) {
        line->text++;
        line->length--;
    }
    return length;
}

static bool parse_weight(const char *text, size_t length, double *weight)
{
    char copy[WEIGHT_TEXT_MAX + 1];
    char *end;

    if (length > WEIGHT_TEXT_MAX)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strspn(copy, "0123456789.eE+-") != length)
        return false;
    *weight = strtod(copy, &end);
    return *end == '\0' && *weight > 0 && *weight <= NM_WEIGHT_MAX;
}

static void complain(const struct reading *reading, const struct line *line,
    const char *text, size_t length, const char *what)
{
    nm_complain(reading->complaints, reading->list->file, line->number, "%s%s",
        nm_quote(text, length).text, what);
}

static enum nm_code read_line(const struct reading *reading, struct line line)
{
    const char *name = line.text;
    const size_t name_length = take_word(&line);
    const char *weight_text = line.text;
    const size_t weight_length = take_word(&line);
    enum nm_address_fault fault;
    struct nm_domain domain;
    double weight = 1;

    if (line.length > 0) {
        complain(reading, &line, line.text, line.length,
            " is too much; a line has one domain, and a weight if need be");
        return NM_OK;
    }
    if (weight_length > 0 && !parse_weight(weight_text, weight_length, &weight)) {
        complain(reading, &line, weight_text, weight_length,
            " is no weight; it is a number above 0, at most 1e9");
        return NM_OK;
    }
    fault = nm_entry_parse(reading->names, name, name_length, &domain);
    if (fault == NM_FAULT_MEMORY)
        return NM_NO_MEMORY;
    if (fault != NM_FAULT_NONE) {
        nm_complain(reading->complaints, reading->list->file, line.number, "%s: %s",
            nm_quote(name, name_length).text,
            nm_entry_fault_text(name, name_length, fault));
        return NM_OK;
    }
    return nm_list_add(reading->list, &domain, weight, line.number, reading->roster);
}

static enum nm_code read_raw_line(
    const struct reading *reading, const char *text, size_t length, unsigned number)
{
    struct line line = {.text = text, .length = length, .number = number};

    if (length > NM_LIST_LINE_MAX) {
        nm_complain(reading->complaints, reading->list->file, number,
            "the line has %zu bytes; at most %d are read", length, NM_LIST_LINE_MAX);
        return NM_OK;
    }
    trim(&line);
    return line.length > 0 ? read_line(reading, line) : NM_OK;
}

enum nm_code nm_list_read(struct nm_list *list, const char *text, size_t length,
    const struct nm_names *names, struct nm_roster *roster,
    struct nm_complaints *complaints)
{
    const struct reading reading = {
        .list = list, .names = names, .roster = roster, .complaints = complaints};
    const bool has_mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    const char *at = has_mark ? text + 3 : text;
    const char *end = text + length;
    enum nm_code code = NM_OK;

    for (unsigned number = 1; code == NM_OK && at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;

        code = read_raw_line(&reading, at, (size_t)(stop - at), number);
        at = newline != NULL ? newline + 1 : end;
    }
    if (code == NM_LIMIT) {
        nm_complain(complaints, list->file, 0,
            "with this list there are more than %d names in all", NM_ROSTER_MAX);
        code = NM_OK;
    }
    nm_list_end(list, complaints);
    return code;
}
