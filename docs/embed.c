/*
 * How another program asks Nearmiss: is the domain of this address almost one of mine?
 *
 *     cc embed.c $(pkg-config --cflags --libs nearmiss) -o embed
 *     ./embed someone@partnr.example
 */
#include <nearmiss/address.h>
#include <nearmiss/match.h>

#include <stdio.h>
#include <string.h>

/* The names to protect. The index copies what it is given, so they may go out of scope. */
static enum nm_code make_index(
    const struct nm_names *names, struct nm_index **out, struct nm_error *error)
{
    static const char *const listed[] = {"partner.example", "army.mil"};
    static const char *const layouts[] = {"us"};
    struct nm_index_entry entries[2];
    struct nm_index_spec spec = {
        .names = names,
        .entries = entries,
        .entry_count = 2,
        .layouts = layouts,
        .layout_count = 1,
        .threshold = 0.5,
    };

    for (size_t i = 0; i < 2; i++) {
        entries[i].listing = NM_LISTING_PROTECTED;
        entries[i].weight = 1;
        if (nm_domain_parse(names, listed[i], strlen(listed[i]), &entries[i].name) !=
            NM_FAULT_NONE)
            return nm_fail(error, NM_BAD_INPUT, "%s is no domain", listed[i]);
    }
    return nm_index_new(&spec, out, error);
}

/* An index is immutable: from here on any number of threads may ask it at once. */
static void ask(
    const struct nm_names *names, const struct nm_index *index, const char *path)
{
    struct nm_address address;
    struct nm_verdict verdict;
    char words[256];
    struct nm_buf buf;

    nm_address_parse(names, path, strlen(path), &address);
    if (address.kind != NM_ADDRESS_MAILBOX) {
        printf("%s: no mailbox at a domain\n", path);
        return;
    }
    nm_index_match(index, &address.domain, &verdict);
    if (verdict.match != NM_MATCH_NEAR_MISS) {
        printf("%s: %s\n", path, nm_match_name(verdict.match));
        return;
    }
    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(&verdict.best, &buf);
    printf("%s: did you mean %s? (%s; probability %.2f)\n", path,
        verdict.best.target.name, words, verdict.confidence);
}

int main(int argc, char **argv)
{
    struct nm_names *names = NULL;
    struct nm_index *index = NULL;
    struct nm_error error = {.code = NM_OK};

    if (nm_names_new(NULL, &names, &error) != NM_OK ||
        make_index(names, &index, &error) != NM_OK) {
        fprintf(stderr, "%s\n", error.message);
        nm_names_free(&names);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        ask(names, index, argv[i]);
    nm_index_free(&index);
    nm_names_free(&names);
    return 0;
}
