/* From a configuration to a snapshot for the gate. */
#include "loaded.h"

#include <stdlib.h>
#include <string.h>

static struct nm_table table_of(const struct nm_table_file *file)
{
    return (struct nm_table){
        .text = file->text, .length = file->length, .file = file->path};
}

static enum nm_code make_index(const struct nm_config *config,
    const struct nm_names *names, struct nm_index **out, struct nm_error *error)
{
    const size_t count = nm_roster_size(config->roster);
    struct nm_index_entry *entries = calloc(count + 1, sizeof *entries);
    const struct nm_index_spec spec = {.names = names,
        .entries = entries,
        .entry_count = count,
        .suffixes = config->suffixes,
        .suffix_count = config->suffix_count,
        .suffix_slips = table_of(&config->suffix_slips),
        .keyboards = table_of(&config->keyboards),
        .glyphs = table_of(&config->glyphs),
        .layouts = config->layouts,
        .layout_count = config->layout_count,
        .threshold = config->values[NM_OPT_MATCH_THRESHOLD].number};
    enum nm_code code;

    if (entries == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        nm_roster_entry(config->roster, i, &entries[i]);
    code = nm_index_new(&spec, out, error);
    free(entries);
    return code;
}

static enum nm_code copy_networks(
    const struct nm_config *config, struct nm_snapshot_values *values)
{
    const size_t bytes = config->network_count * sizeof *values->networks;

    values->networks = malloc(bytes + 1);
    if (values->networks == NULL)
        return NM_NO_MEMORY;
    if (bytes > 0)
        memcpy(values->networks, config->networks, bytes);
    values->network_count = config->network_count;
    return NM_OK;
}

static void copy_values(
    const struct nm_config *config, struct nm_snapshot_values *values)
{
    const struct nm_value *given = config->values;

    values->outbound_authenticated = given[NM_OPT_OUTBOUND_AUTHENTICATED].number != 0;
    values->mode = config->settings.mode;
    values->on_audit_failure = config->settings.audit_on_failure;
    values->max_refusals = (unsigned)given[NM_OPT_MAX_REFUSALS].number;
    values->partial_message = given[NM_OPT_PARTIAL].number != 0;
    (void)nm_copy(values->gateway, sizeof values->gateway, config->settings.gateway);
    (void)nm_copy(values->config_hash, sizeof values->config_hash, config->hash);
}

static void free_values(struct nm_snapshot_values *values)
{
    free(values->networks);
    nm_policy_free(&values->policy);
    nm_index_free(&values->index);
    nm_names_free(&values->names);
}

enum nm_code nm_config_build(const struct nm_config *config, struct nm_snapshot **out,
    struct nm_complaints *complaints)
{
    struct nm_snapshot_values values = {0};
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;

    copy_values(config, &values);
    code = copy_networks(config, &values);
    if (code == NM_OK)
        code = nm_names_new(NULL, &values.names, &error);
    if (code == NM_OK)
        code = make_index(config, values.names, &values.index, &error);
    if (code == NM_OK)
        code = nm_policy_new(config->rules, config->rule_count, &values.policy, &error);
    if (code == NM_OK)
        return nm_snapshot_new(&values, out);
    free_values(&values);
    if (code != NM_NO_MEMORY)
        nm_complain(complaints, error.file, error.line, "%s", error.message);
    return code;
}
