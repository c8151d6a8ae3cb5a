/* From a configuration to a snapshot for the gate. */
#include "loaded.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nm_table table_of(const struct nm_table_file *file)
{
    return (struct nm_table){
        .text = file->text, .length = file->length, .file = file->path};
}

enum nm_code nm_config_suffixes(
    const struct nm_config *config, struct psl_ctx_st **out, struct nm_error *error)
{
    const struct nm_table_file *file = &config->public_suffixes;
    psl_ctx_t *list = NULL;
    FILE *stream;

    *out = NULL;
    if (file->text == NULL)
        return NM_OK;
    if (file->length > 0) {
        stream = fmemopen(file->text, file->length, "r");
        if (stream == NULL)
            return NM_NO_MEMORY;
        list = psl_load_fp(stream);
        (void)fclose(stream);
        if (list == NULL)
            return NM_NO_MEMORY;
    }
    if (list == NULL || psl_suffix_count(list) == 0) {
        psl_free(list);
        return nm_fail_at(error, NM_BAD_INPUT, file->path, 0, "holds no public suffix");
    }
    *out = list;
    return NM_OK;
}

static struct nm_index_spec spec_of(
    const struct nm_config *config, const struct nm_names *names)
{
    return (struct nm_index_spec){.names = names,
        .suffixes = config->suffixes,
        .suffix_count = config->suffix_count,
        .suffix_slips = table_of(&config->suffix_slips),
        .keyboards = table_of(&config->keyboards),
        .glyphs = table_of(&config->glyphs),
        .layouts = config->layouts,
        .layout_count = config->layout_count,
        .threshold = config->values[NM_OPT_MATCH_THRESHOLD].number};
}

enum nm_code nm_config_index_empty(const struct nm_config *config,
    const struct nm_names *names, struct nm_index **out, struct nm_error *error)
{
    const struct nm_index_spec spec = spec_of(config, names);

    return nm_index_new(&spec, out, error);
}

/* NULL out of memory. */
static struct nm_index_entry *gather_entries(const struct nm_config *config,
    const struct nm_history_view *history, size_t *count)
{
    const size_t listed = nm_roster_size(config->roster);
    const size_t more = history != NULL ? history->count : 0;
    struct nm_index_entry *entries = calloc(listed + more + 1, sizeof *entries);

    *count = listed + more;
    if (entries == NULL)
        return NULL;
    for (size_t i = 0; i < listed; i++)
        nm_roster_entry(config->roster, i, &entries[i]);
    for (size_t i = 0; i < more; i++)
        history->entry(history->self, i, &entries[listed + i]);
    return entries;
}

static struct nm_index_rank *gather_ranks(const struct nm_config *config, size_t *count)
{
    struct nm_index_rank *ranks;

    *count = nm_roster_size(config->ranked);
    ranks = calloc(*count + 1, sizeof *ranks);
    if (ranks == NULL)
        return NULL;
    for (size_t i = 0; i < *count; i++) {
        struct nm_index_entry entry;

        nm_roster_entry(config->ranked, i, &entry);
        ranks[i] = (struct nm_index_rank){entry.name, (uint32_t)-entry.weight};
    }
    return ranks;
}

enum nm_code nm_config_index(const struct nm_config *config,
    const struct nm_names *names, const struct nm_history_view *history,
    struct nm_index **out, struct nm_error *error)
{
    struct nm_index_spec spec = spec_of(config, names);
    struct nm_index_entry *entries = gather_entries(config, history, &spec.entry_count);
    struct nm_index_rank *ranks = gather_ranks(config, &spec.rank_count);
    enum nm_code code = NM_NO_MEMORY;

    if (entries != NULL && ranks != NULL) {
        spec.entries = entries;
        spec.ranks = ranks;
        code = nm_index_new(&spec, out, error);
    }
    free(entries);
    free(ranks);
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

/* Whether any message may come to the quarantine. */
static bool may_quarantine(
    const struct nm_config *config, enum nm_action on_local_refusal)
{
    if (on_local_refusal == NM_ACTION_QUARANTINE)
        return true;
    for (size_t i = 0; i < config->rule_count; i++) {
        if (config->rules[i].action == NM_ACTION_QUARANTINE)
            return true;
    }
    return false;
}

static void copy_values(
    const struct nm_config *config, struct nm_snapshot_values *values)
{
    const struct nm_value *given = config->values;

    values->names_own = given[NM_OPT_PROTECT_OWN].count > 0;
    values->outbound_authenticated = given[NM_OPT_OUTBOUND_AUTHENTICATED].number != 0;
    values->mode = config->settings.mode;
    values->on_audit_failure = config->settings.audit_on_failure;
    values->max_refusals = (unsigned)given[NM_OPT_MAX_REFUSALS].number;
    values->learn = given[NM_OPT_HISTORY_LEARN].number != 0;
    values->partial_message = given[NM_OPT_PARTIAL].number != 0;
    values->on_local_refusal =
        (enum nm_action)(int)given[NM_OPT_LOCAL_SUBMISSION].number;
    values->confirm =
        (struct nm_confirm_rules){.by_code = given[NM_OPT_CONFIRM_MODE].number != 0,
            .min_s = (uint32_t)given[NM_OPT_CONFIRM_MIN_S].number,
            .window_s = (uint32_t)given[NM_OPT_CONFIRM_WINDOW_S].number,
            .remember_days = (uint32_t)given[NM_OPT_CONFIRM_REMEMBER_DAYS].number};
    (void)nm_copy(values->contact, sizeof values->contact, config->settings.contact);
    values->notice_sender = config->settings.notice_sender;
    values->needs_content = may_quarantine(config, values->on_local_refusal);
    (void)nm_copy(values->gateway, sizeof values->gateway, config->settings.gateway);
    (void)nm_copy(values->config_hash, sizeof values->config_hash, config->hash);
}

/* A reviewer's address that is itself near to another is not written to. */
static void check_reviewer(const struct nm_config *config,
    struct nm_snapshot_values *values, struct nm_complaints *complaints)
{
    const struct nm_value *given = &config->values[NM_OPT_NOTICE_REVIEWER];
    const struct nm_place place = nm_source_place(config->source, given->line);
    struct nm_address address;
    struct nm_verdict verdict;

    if (given->text[0] == '\0')
        return;
    nm_address_parse(values->names, given->text, strlen(given->text), &address);
    if (address.kind != NM_ADDRESS_MAILBOX) {
        nm_warn(complaints, place.file, place.line,
            "notice.reviewer: \"%s\" is no address, so nobody is told", given->text);
        return;
    }
    nm_index_match(values->index, &address.domain, &verdict);
    values->notice_reviewer = verdict.match != NM_MATCH_NEAR_MISS;
    if (!values->notice_reviewer)
        nm_warn(complaints, place.file, place.line,
            "notice.reviewer: \"%s\" looks like a slip for %s, so it is not told",
            given->text, verdict.best.target.name);
}

static void free_values(struct nm_snapshot_values *values)
{
    free(values->networks);
    nm_policy_free(&values->policy);
    nm_index_free(&values->index);
    nm_names_free(&values->names);
    psl_free(values->suffixes);
}

enum nm_code nm_config_build(const struct nm_config *config,
    const struct nm_history_view *history, struct nm_snapshot **out,
    struct nm_complaints *complaints)
{
    struct nm_snapshot_values values = {0};
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;

    copy_values(config, &values);
    code = copy_networks(config, &values);
    if (code == NM_OK)
        code = nm_config_suffixes(config, &values.suffixes, &error);
    if (code == NM_OK)
        code = nm_names_new(values.suffixes, &values.names, &error);
    if (code == NM_OK)
        code = nm_config_index(config, values.names, history, &values.index, &error);
    if (code == NM_OK)
        code = nm_policy_new(config->rules, config->rule_count, &values.policy, &error);
    if (code == NM_OK) {
        check_reviewer(config, &values, complaints);
        return nm_snapshot_new(&values, out);
    }
    free_values(&values);
    if (code != NM_NO_MEMORY)
        nm_complain(complaints, error.file, error.line, "%s", error.message);
    return code;
}
