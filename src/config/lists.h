/*
 * Lists: domains from files and from options, into a roster.
 *
 * A list is text: a domain a line, UTF-8 or A-labels, behind it an optional weight,
 * separated by blanks; `#` begins a comment; LF or CRLF. `@example.org`, `.example.org`
 * and `*.example.org` mean `example.org`, which as every listed domain covers the names
 * below it.
 */
#ifndef NM_CONFIG_LISTS_H
#define NM_CONFIG_LISTS_H

#include "complaint.h"
#include "roster.h"

#include <nearmiss/address.h>

/* The greatest weight; the least is anything above 0. */
#define NM_WEIGHT_MAX 1e9

/* Names of one kind: how many, and the first. */
struct nm_sighting {
    size_t count;
    unsigned line;
    const char *file;
    char name[NM_DOMAIN_MAX + 1];
};

/* One list, as the complaints about it need it. */
struct nm_list {
    const char *file;
    enum nm_listing listing;           /* of its names */
    unsigned number;                   /* from 1, another for each list */
    struct nm_sighting doubles;        /* given again by this same list */
    struct nm_sighting contradictions; /* protected and allowed */
};

/* A domain as a list or an option may give it. */
enum nm_address_fault nm_entry_parse(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out);

/* What is wrong with such a one, in words that say what to write instead. */
const char *nm_entry_fault_text(
    const char *text, size_t length, enum nm_address_fault fault);

/* Add one domain that stands in a line. NM_NO_MEMORY or NM_LIMIT. */
enum nm_code nm_list_add(struct nm_list *list, const struct nm_domain *domain,
    double weight, unsigned line, struct nm_roster *roster);

/* Warn of what was found in the list as a whole. */
void nm_list_end(const struct nm_list *list, struct nm_complaints *complaints);

/* Add all of a list's text, and end it. Bad lines are complained of and left out.
 * NM_NO_MEMORY. */
enum nm_code nm_list_read(struct nm_list *list, const char *text, size_t length,
    const struct nm_names *names, struct nm_roster *roster,
    struct nm_complaints *complaints);

#endif
