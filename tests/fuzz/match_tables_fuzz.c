/*
 * Any text as a table: the first byte chooses which. A table is taken whole or refused
 * with a line; one that is taken is used.
 */
#include <nearmiss/match.h>

#include <stdlib.h>
#include <string.h>

static struct nm_names *names;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct nm_domain domain(const char *text)
{
    struct nm_domain result;

    require(nm_domain_parse(names, text, strlen(text), &result) == NM_FAULT_NONE);
    return result;
}

static void use(const struct nm_index *index)
{
    static const char *const typed[] = {"contracotr.com", "c0ntractor.con",
        "contraclor.co.uk", "czntractor.ml", "x.ml"};
    struct nm_verdict verdict;

    for (size_t i = 0; i < NM_COUNT(typed); i++) {
        const struct nm_domain name = domain(typed[i]);

        nm_index_match(index, &name, &verdict);
        require(verdict.confidence >= 0 && verdict.confidence <= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const layouts[] = {"us"};
    struct nm_index_entry entry = {.listing = NM_LISTING_PROTECTED, .weight = 1};
    struct nm_domain suffix;
    struct nm_index_spec spec = {
        .layouts = layouts, .layout_count = 1, .entries = &entry, .entry_count = 1};
    struct nm_index *index = NULL;
    struct nm_error error = {.code = NM_OK};
    struct nm_table table;

    if (names == NULL)
        require(nm_names_new(NULL, &names, NULL) == NM_OK);
    if (size == 0)
        return 0;
    entry.name = domain("contractor.com");
    suffix = domain("mil");
    table = (struct nm_table){(const char *)data + 1, size - 1, "table"};
    spec.names = names;
    spec.suffixes = &suffix;
    spec.suffix_count = 1;
    if (data[0] % 3 == 0)
        spec.suffix_slips = table;
    else if (data[0] % 3 == 1)
        spec.keyboards = table;
    else
        spec.glyphs = table;
    if (nm_index_new(&spec, &index, &error) == NM_OK) {
        use(index);
    } else {
        require(error.code == NM_BAD_INPUT && index == NULL);
        require(error.message[0] != '\0');
    }
    nm_index_free(&index);
    return 0;
}
