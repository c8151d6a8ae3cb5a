/* The domains of a configuration, from its options and the lists that they name. */
#include "loaded.h"

#include <stdlib.h>
#include <string.h>

struct gathering {
    struct nm_config *config;
    struct nm_reader reader;
    unsigned lists; /* so far; numbers the next */
};

/* ---- options ------------------------------------------------------------ */

static enum nm_code parse_item(struct gathering *gathering, enum nm_option_id id,
    const struct nm_item *item, struct nm_domain *domain, bool *is_good)
{
    const enum nm_address_fault fault = nm_entry_parse(
        gathering->config->names, item->text, strlen(item->text), domain);

    *is_good = fault == NM_FAULT_NONE;
    if (fault == NM_FAULT_MEMORY)
        return NM_NO_MEMORY;
    if (fault != NM_FAULT_NONE)
        nm_complain_of(&gathering->reader, item->line, "%s: %s: %s",
            nm_options[id].path, nm_quote_text(item->text).text,
            nm_entry_fault_text(item->text, strlen(item->text), fault));
    return NM_OK;
}

/* Whoever lists `com` among domains puts an end to near misses in the whole of it. An
 * organisation may have made a public suffix of its own domain, but none of one label. */
static void warn_of_wide(struct gathering *gathering, enum nm_option_id id,
    const struct nm_item *item, const struct nm_domain *domain)
{
    const struct nm_domain_parts parts =
        nm_domain_split(gathering->config->names, domain);
    const bool is_suffix = parts.suffix == 0 && parts.suffix_known;
    const struct nm_place place =
        nm_source_place(gathering->config->source, item->line);

    if (is_suffix &&
        (id == NM_OPT_PROTECT_DOMAINS ||
            (id == NM_OPT_PROTECT_OWN && strchr(domain->name, '.') == NULL)))
        nm_warn(gathering->config->complaints, place.file, place.line,
            "%s: %s is a public suffix; no name below it is a near miss now; to catch "
            "slips of the suffix, name it in protect.suffixes",
            nm_options[id].path, nm_quote_text(item->text).text);
}

static enum nm_code add_domains(
    struct gathering *gathering, enum nm_option_id id, enum nm_listing listing)
{
    struct nm_config *config = gathering->config;
    const struct nm_value *value = &config->values[id];
    struct nm_list list = {.listing = listing, .number = ++gathering->lists};
    enum nm_code code = NM_OK;

    for (size_t i = 0; code == NM_OK && i < value->count; i++) {
        const struct nm_item *item = &value->items[i];
        const struct nm_place place = nm_source_place(config->source, item->line);
        struct nm_domain domain;
        bool is_good;

        list.file = place.file;
        code = parse_item(gathering, id, item, &domain, &is_good);
        if (code != NM_OK || !is_good)
            continue;
        warn_of_wide(gathering, id, item, &domain);
        code = nm_list_add(&list, &domain, 1, place.line, config->roster);
    }
    nm_list_end(&list, config->complaints);
    return code;
}

/* Nobody can register below what is no public suffix, so no slip of it goes anywhere:
 * whoever writes it means the domain. */
static void warn_of_suffix(struct gathering *gathering, const struct nm_item *item,
    const struct nm_domain *domain)
{
    const struct nm_place place =
        nm_source_place(gathering->config->source, item->line);
    const struct nm_domain_parts parts =
        nm_domain_split(gathering->config->names, domain);

    if (parts.suffix != 0 || !parts.suffix_known)
        nm_warn(gathering->config->complaints, place.file, place.line,
            "protect.suffixes: %s is no public suffix; a domain is protected by "
            "protect.domains",
            nm_quote_text(item->text).text);
}

static enum nm_code add_suffixes(struct gathering *gathering)
{
    struct nm_config *config = gathering->config;
    const struct nm_value *value = &config->values[NM_OPT_PROTECT_SUFFIXES];
    enum nm_code code = NM_OK;

    config->suffixes =
        nm_arena_alloc(config->arena, (value->count + 1) * sizeof *config->suffixes);
    if (config->suffixes == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; code == NM_OK && i < value->count; i++) {
        struct nm_domain *domain = &config->suffixes[config->suffix_count];
        bool is_good;

        code = parse_item(
            gathering, NM_OPT_PROTECT_SUFFIXES, &value->items[i], domain, &is_good);
        if (code != NM_OK || !is_good)
            continue;
        warn_of_suffix(gathering, &value->items[i], domain);
        config->suffix_count++;
    }
    return code;
}

/* ---- files -------------------------------------------------------------- */

static enum nm_code add_text(struct gathering *gathering, const char *file,
    const char *text, size_t length, enum nm_listing listing)
{
    struct nm_config *config = gathering->config;
    struct nm_list list = {
        .file = file, .listing = listing, .number = ++gathering->lists};

    return nm_list_read(
        &list, text, length, config->names, config->roster, config->complaints);
}

static enum nm_code add_file(struct gathering *gathering, enum nm_option_id id,
    const char *path, unsigned line, enum nm_listing listing)
{
    struct nm_config *config = gathering->config;
    struct nm_error error;
    char *text = NULL;
    size_t length = 0;
    enum nm_code code = nm_file_read(path, NM_LIST_BYTES_MAX, &text, &length, &error);

    if (code == NM_BAD_INPUT) {
        nm_complain_of(&gathering->reader, line, "%s: %s: %s", nm_options[id].path,
            nm_quote_text(path).text, error.message);
        return NM_OK;
    }
    if (code != NM_OK)
        return code;
    nm_digest_add(&config->digest, text, length);
    code = add_text(gathering, path, text, length, listing);
    free(text);
    return code;
}

static enum nm_code add_files(
    struct gathering *gathering, enum nm_option_id id, enum nm_listing listing)
{
    const struct nm_value *value = &gathering->config->values[id];
    enum nm_code code = NM_OK;

    for (size_t i = 0; code == NM_OK && i < value->count; i++)
        code = add_file(
            gathering, id, value->items[i].text, value->items[i].line, listing);
    return code;
}

static enum nm_code add_providers(struct gathering *gathering)
{
    const struct nm_value *values = gathering->config->values;
    const struct nm_value *file = &values[NM_OPT_TABLES_PROVIDERS];
    struct nm_table builtin;

    if (values[NM_OPT_PROTECT_PROVIDERS].number == 0)
        return NM_OK;
    if (file->text[0] != '\0')
        return add_file(gathering, NM_OPT_TABLES_PROVIDERS, file->text, file->line,
            NM_LISTING_PROVIDER);
    builtin = nm_builtin_table("providers");
    return add_text(gathering, "(built-in providers)", builtin.text, builtin.length,
        NM_LISTING_PROVIDER);
}

enum nm_code nm_config_load_domains(struct nm_config *config)
{
    struct gathering gathering = {.config = config, .reader = nm_config_reader(config)};
    enum nm_code code = nm_roster_new(&config->roster);

    if (code == NM_OK)
        code = add_domains(&gathering, NM_OPT_PROTECT_OWN, NM_LISTING_OWN);
    if (code == NM_OK)
        code = add_domains(&gathering, NM_OPT_PROTECT_DOMAINS, NM_LISTING_PROTECTED);
    if (code == NM_OK)
        code = add_domains(&gathering, NM_OPT_ALLOW_DOMAINS, NM_LISTING_ALLOWED);
    if (code == NM_OK)
        code = add_suffixes(&gathering);
    if (code == NM_OK)
        code = add_files(&gathering, NM_OPT_PROTECT_FILES, NM_LISTING_PROTECTED);
    if (code == NM_OK)
        code = add_files(&gathering, NM_OPT_ALLOW_FILES, NM_LISTING_ALLOWED);
    if (code == NM_OK)
        code = add_providers(&gathering);
    return code;
}
