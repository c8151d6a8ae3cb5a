#include "lists.h"

#include "base/lines.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHT_TEXT_MAX = 32 };

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

static void complain(const struct reading *reading, const struct nm_line *line,
    const char *text, size_t length, const char *what)
{
    nm_complain(reading->complaints, reading->list->file, line->number, "%s%s",
        nm_quote(text, length).text, what);
}

static enum nm_code read_line(const struct reading *reading, struct nm_line line)
{
    const struct nm_line name = nm_line_take_word(&line);
    const struct nm_line weight_text = nm_line_take_word(&line);
    enum nm_address_fault fault;
    struct nm_domain domain;
    double weight = 1;

    if (line.length > 0) {
        complain(reading, &line, line.text, line.length,
            " is too much; a line has one domain, and a weight if need be");
        return NM_OK;
    }
    if (weight_text.length > 0 &&
        !parse_weight(weight_text.text, weight_text.length, &weight)) {
        complain(reading, &line, weight_text.text, weight_text.length,
            " is no weight; it is a number above 0, at most 1e9");
        return NM_OK;
    }
    fault = nm_entry_parse(reading->names, name.text, name.length, &domain);
    if (fault == NM_FAULT_MEMORY)
        return NM_NO_MEMORY;
    if (fault != NM_FAULT_NONE) {
        nm_complain(reading->complaints, reading->list->file, line.number, "%s: %s",
            nm_quote(name.text, name.length).text,
            nm_entry_fault_text(name.text, name.length, fault));
        return NM_OK;
    }
    return nm_list_add(reading->list, &domain, weight, line.number, reading->roster);
}

static enum nm_code read_raw_line(const struct reading *reading, struct nm_line line)
{
    if (line.length > NM_LIST_LINE_MAX) {
        nm_complain(reading->complaints, reading->list->file, line.number,
            "the line has %zu bytes; at most %d are read", line.length,
            NM_LIST_LINE_MAX);
        return NM_OK;
    }
    nm_line_cut_comment(&line, NM_COMMENT_ANYWHERE);
    nm_line_trim(&line);
    return line.length > 0 ? read_line(reading, line) : NM_OK;
}

enum nm_code nm_list_read(struct nm_list *list, const char *text, size_t length,
    const struct nm_names *names, struct nm_roster *roster,
    struct nm_complaints *complaints)
{
    const struct reading reading = {
        .list = list, .names = names, .roster = roster, .complaints = complaints};
    struct nm_text_lines lines = nm_text_lines(text, length);
    struct nm_line line;
    enum nm_code code = NM_OK;

    while (code == NM_OK && nm_text_lines_next(&lines, &line))
        code = read_raw_line(&reading, line);
    if (code == NM_LIMIT) {
        nm_complain(complaints, list->file, 0,
            "with this list there are more than %d names in all", NM_ROSTER_MAX);
        code = NM_OK;
    }
    nm_list_end(list, complaints);
    return code;
}
