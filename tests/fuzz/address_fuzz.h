/*
 * What both targets of the address layer know of a domain that was accepted.
 */
#ifndef NM_FUZZ_ADDRESS_H
#define NM_FUZZ_ADDRESS_H

#include <nearmiss/address.h>

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Also where assertions are off. */
static void demand(bool holds, const char *what, const char *name)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, name);
    abort();
}

/* Made once and kept: a leak checker sees it here. */
static const struct nm_names *the_names(void)
{
    static struct nm_names *names;

    if (names == NULL && nm_names_new(NULL, &names, NULL) != NM_OK)
        abort();
    return names;
}

static bool is_in_form(const struct nm_domain *domain)
{
    size_t label = 0;

    if (domain->length == 0 || strlen(domain->name) != domain->length)
        return false;
    for (size_t at = 0; at <= domain->length; at++) {
        const char c = domain->name[at];

        if (c == '.' || c == '\0') {
            if (at == label || at - label > NM_LABEL_MAX)
                return false;
            label = at + 1;
        } else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", c) == NULL) {
            return false;
        }
    }
    return true;
}

static void demand_reads_as(const char *text, size_t length, const struct nm_domain *as)
{
    struct nm_domain again;

    demand(nm_domain_parse(the_names(), text, length, &again) == NM_FAULT_NONE,
        "refused when read again", as->name);
    demand(again.idn == as->idn && strcmp(again.name, as->name) == 0,
        "another when read again", as->name);
}

/* libpsl looks at all labels, nm_domain_split at the last dozen: no rule is longer. The
 * libpsl of Debian 12 finds suffixes under `m`, which is not in its list. */
static void demand_split(const struct nm_domain *domain)
{
    const struct nm_domain_parts parts = nm_domain_split(the_names(), domain);
    const char *suffix = psl_unregistrable_domain(psl_builtin(), domain->name);
    const char *registrable = psl_registrable_domain(psl_builtin(), domain->name);
    const char *dot = strrchr(domain->name, '.');

    if (dot != NULL && strcmp(dot, ".m") == 0)
        return;
    demand(domain->name + parts.suffix == suffix, "not libpsl's suffix", domain->name);
    demand(domain->name + parts.registrable ==
               (registrable != NULL ? registrable : suffix),
        "not libpsl's registrable part", domain->name);
}

static void demand_sound(const struct nm_domain *domain)
{
    char memory[NM_DOMAIN_UTF8_MAX + 1];
    struct nm_buf shown;

    demand(is_in_form(domain), "not in form", domain->name);
    demand_reads_as(domain->name, domain->length, domain);
    nm_buf_init(&shown, memory, sizeof memory);
    nm_domain_to_unicode(the_names(), domain, &shown);
    demand(!shown.truncated, "too long to be shown", domain->name);
    demand_reads_as(shown.text, shown.length, domain);
    demand_split(domain);
}

#endif
