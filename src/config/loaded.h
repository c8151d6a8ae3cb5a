/* A configuration in memory, and the steps that make it. */
#ifndef NM_CONFIG_LOADED_H
#define NM_CONFIG_LOADED_H

#include "file.h"
#include "lists.h"
#include "roster.h"
#include "tree.h"
#include "values.h"

enum { NM_RULES_MAX = 1000, NM_TABLE_BYTES_MAX = 16 * 1024 * 1024 };

/* A file that takes a table's place; `text` NULL: none does. */
struct nm_table_file {
    const char *path;
    char *text;
    size_t length;
};

struct nm_config {
    struct nm_arena *arena; /* of all that hangs here without a free of its own */
    struct nm_source *source;
    config_t tree; /* its strings are those of the values */
    struct nm_value values[NM_OPT_COUNT];
    const char *folder; /* of the configuration file, absolute */
    struct nm_settings settings;

    struct psl_ctx_st *suffix_list; /* what `names` borrows; NULL: the built-in */
    struct nm_names *names;
    struct nm_roster *roster;
    struct nm_roster *ranked; /* by popularity; a weight is the rank below zero */
    struct nm_domain *suffixes;
    size_t suffix_count;
    struct nm_network *networks;
    size_t network_count;
    struct nm_rule_spec *rules;       /* with the patterns of their lists */
    struct nm_rule_spec *given_rules; /* as they were given */
    size_t rule_count;
    const char **layouts;
    size_t layout_count;
    struct nm_table_file suffix_slips;
    struct nm_table_file keyboards;
    struct nm_table_file glyphs;
    struct nm_table_file public_suffixes;
    struct nm_table_file notice_template;
    struct nm_table_file notice_reviewer_template;
    const char *notice_database;

    struct nm_digest digest; /* of what was read so far */
    char hash[NM_CONFIG_HASH_LENGTH + 1];
    struct nm_complaints *complaints; /* while loading */
};

/* The reader for values of this configuration, while loading. */
struct nm_reader nm_config_reader(struct nm_config *config);

/* Each of these goes on past what it complains of; they fail with NM_NO_MEMORY only. */
enum nm_code nm_config_load_rules(struct nm_config *config);
enum nm_code nm_config_load_domains(struct nm_config *config);
enum nm_code nm_config_load_popularity(struct nm_config *config);

/* The public suffix list that the configuration names, for psl_free(); NULL when it
 * names none. NM_BAD_INPUT or NM_NO_MEMORY. */
enum nm_code nm_config_suffixes(
    const struct nm_config *config, struct psl_ctx_st **out, struct nm_error *error);

/* An index without names, or one of all lists, of the ranks, and of `history` or NULL. As
 * nm_index_new. */
enum nm_code nm_config_index_empty(const struct nm_config *config,
    const struct nm_names *names, struct nm_index **out, struct nm_error *error);
enum nm_code nm_config_index(const struct nm_config *config,
    const struct nm_names *names, const struct nm_history_view *history,
    struct nm_index **out, struct nm_error *error);

#endif
