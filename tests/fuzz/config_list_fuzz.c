/* Any bytes as a list: every name that gets in is a domain that parses to itself, with a
 * weight in bounds, once; and reading the list a second time adds none. */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

static void check_entry(
    const struct nm_names *names, const struct nm_roster *roster, size_t i)
{
    struct nm_index_entry entry;
    struct nm_domain again;

    nm_roster_entry(roster, i, &entry);
    if (!(entry.weight > 0) || entry.weight > NM_WEIGHT_MAX ||
        entry.listing != NM_LISTING_PROTECTED ||
        entry.name.length != strlen(entry.name.name))
        abort();
    if (nm_domain_parse(names, entry.name.name, entry.name.length, &again) !=
            NM_FAULT_NONE ||
        strcmp(again.name, entry.name.name) != 0)
        abort();
}

static void read_list(const struct nm_names *names, struct nm_roster *roster,
    const uint8_t *data, size_t size, unsigned number)
{
    struct nm_list list = {
        .file = "list", .listing = NM_LISTING_PROTECTED, .number = number};
    struct nm_complaints complaints;

    nm_complaints_init(&complaints);
    if (nm_list_read(&list, (const char *)data, size, names, roster, &complaints) !=
        NM_OK)
        abort();
    nm_complaints_free(&complaints);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nm_names *names;
    struct nm_roster *roster = NULL;
    size_t count;

    if (names == NULL && nm_names_new(NULL, &names, NULL) != NM_OK)
        abort();
    if (nm_roster_new(&roster) != NM_OK)
        abort();
    read_list(names, roster, data, size, 1);
    count = nm_roster_size(roster);
    for (size_t i = 0; i < count; i++)
        check_entry(names, roster, i);
    read_list(names, roster, data, size, 2);
    if (nm_roster_size(roster) != count)
        abort();
    nm_roster_free(&roster);
    return 0;
}
