/*
 * Options: what nearmiss.conf may hold, as tables. The loader, `nearmiss config
 * defaults`, `config show`, the suggestions for unknown keys and the list in
 * nearmiss.conf(5) all read them.
 */
#ifndef NM_CONFIG_OPTION_H
#define NM_CONFIG_OPTION_H

#include "complaint.h"

enum nm_option_type {
    NM_OPTION_GROUP, /* its keys follow it in the table */
    NM_OPTION_BOOL,
    NM_OPTION_INT,
    NM_OPTION_REAL,
    NM_OPTION_CHOICE,
    NM_OPTION_TEXT,
    NM_OPTION_SOCKET, /* a text; relative paths become absolute in these three */
    NM_OPTION_PATH,
    NM_OPTION_TEXTS, /* lists; a string stands for a list of one */
    NM_OPTION_PATHS,
    NM_OPTION_CHOICES,
    NM_OPTION_RULES, /* a list of groups */
    NM_OPTION_UNLESS /* a group, or a list of groups */
};

/* The names that an option may take: those of an enum, from the layer that owns it. */
struct nm_choices {
    int first;
    int last;
    const char *(*name)(int value);
    bool (*fits)(int value); /* NULL: all do */
};

struct nm_option {
    const char *path; /* "audit.wait_ms" */
    enum nm_option_type type;
    double number; /* the default, with NM_OPTION_CHOICE the enum's value; for the */
    const char
        *text; /* others this one, of a list the only item; NULL: an empty list */
    double least;
    double greatest;
    const char *unit;
    const struct nm_choices *choices;
    /* Whether a text can be used; if not, why, as the rest of "KEY: VALUE ". */
    bool (*check)(const char *text, struct nm_buf *why);
    bool takes_files; /* "file:PATH" stands for the lines of a file */
    const char *help;
};

/* The order is that of the table, and of the printed configuration. */
enum nm_option_id {
    NM_OPT_MODE,
    NM_OPT_MILTER,
    NM_OPT_MILTER_SOCKET,
    NM_OPT_MILTER_SOCKET_MODE,
    NM_OPT_MILTER_SOCKET_GROUP,
    NM_OPT_OUTBOUND,
    NM_OPT_OUTBOUND_NETWORKS,
    NM_OPT_OUTBOUND_AUTHENTICATED,
    NM_OPT_PROTECT,
    NM_OPT_PROTECT_OWN,
    NM_OPT_PROTECT_DOMAINS,
    NM_OPT_PROTECT_SUFFIXES,
    NM_OPT_PROTECT_FILES,
    NM_OPT_PROTECT_PROVIDERS,
    NM_OPT_POPULARITY,
    NM_OPT_POPULARITY_FILE,
    NM_OPT_ALLOW,
    NM_OPT_ALLOW_DOMAINS,
    NM_OPT_ALLOW_FILES,
    NM_OPT_MATCH,
    NM_OPT_MATCH_KEYBOARDS,
    NM_OPT_MATCH_THRESHOLD,
    NM_OPT_RULES,
    NM_OPT_PARTIAL,
    NM_OPT_MAX_REFUSALS,
    NM_OPT_LOCAL_SUBMISSION,
    NM_OPT_CONTACT,
    NM_OPT_AUDIT,
    NM_OPT_AUDIT_DATABASE,
    NM_OPT_AUDIT_ON_FAILURE,
    NM_OPT_AUDIT_WAIT_MS,
    NM_OPT_AUDIT_KEEP_DAYS,
    NM_OPT_AUDIT_KEEP_DAYS_ACCEPTED,
    NM_OPT_AUDIT_LOCAL_PART,
    NM_OPT_AUDIT_SENDER_LOCAL_PART,
    NM_OPT_AUDIT_RECIPIENT_LOCAL_PART,
    NM_OPT_AUDIT_KEY,
    NM_OPT_AUDIT_GROUP,
    NM_OPT_HISTORY,
    NM_OPT_HISTORY_DATABASE,
    NM_OPT_HISTORY_LEARN,
    NM_OPT_CONFIRM,
    NM_OPT_CONFIRM_MODE,
    NM_OPT_CONFIRM_MIN_S,
    NM_OPT_CONFIRM_WINDOW_S,
    NM_OPT_CONFIRM_REMEMBER_DAYS,
    NM_OPT_CONFIRM_KEY,
    NM_OPT_QUARANTINE,
    NM_OPT_QUARANTINE_DIRECTORY,
    NM_OPT_QUARANTINE_RELEASE,
    NM_OPT_QUARANTINE_MAX_MB,
    NM_OPT_QUARANTINE_KEEP_DAYS,
    NM_OPT_NOTICE,
    NM_OPT_NOTICE_SENDER,
    NM_OPT_NOTICE_REVIEWER,
    NM_OPT_NOTICE_FROM,
    NM_OPT_NOTICE_ROUTE,
    NM_OPT_NOTICE_TEMPLATE,
    NM_OPT_NOTICE_REVIEWER_TEMPLATE,
    NM_OPT_NOTICE_PER_HOUR,
    NM_OPT_CONTROL,
    NM_OPT_CONTROL_SOCKET,
    NM_OPT_GATEWAY,
    NM_OPT_USER,
    NM_OPT_LOG,
    NM_OPT_LOG_TARGET,
    NM_OPT_LOG_LEVEL,
    NM_OPT_TABLES,
    NM_OPT_TABLES_SUFFIX_SLIPS,
    NM_OPT_TABLES_KEYBOARDS,
    NM_OPT_TABLES_GLYPHS,
    NM_OPT_TABLES_PROVIDERS,
    NM_OPT_TABLES_PUBLIC_SUFFIXES,
    NM_OPT_COUNT
};

enum nm_rule_key {
    NM_RULE_NAME,
    NM_RULE_CONFIDENCE,
    NM_RULE_TECHNIQUE,
    NM_RULE_TARGET,
    NM_RULE_DOMAIN,
    NM_RULE_SENDER,
    NM_RULE_RECIPIENT,
    NM_RULE_AUTH,
    NM_RULE_CLIENT,
    NM_RULE_AUTHENTICATED,
    NM_RULE_FIRST_CONTACT,
    NM_RULE_NEAR_MISSES,
    NM_RULE_UNLESS,
    NM_RULE_ACTION,
    NM_RULE_REPLY,
    NM_RULE_MODE,
    NM_RULE_KEY_COUNT
};
/* The keys that are conditions, and may stand in `unless` too. */
enum {
    NM_RULE_CONDITION_FIRST = NM_RULE_CONFIDENCE,
    NM_RULE_CONDITION_COUNT = NM_RULE_UNLESS - NM_RULE_CONFIDENCE
};

extern const struct nm_option nm_options[NM_OPT_COUNT];
extern const struct nm_option nm_rule_keys[NM_RULE_KEY_COUNT];

/* The rules in force when the configuration has none. */
enum { NM_DEFAULT_RULE_COUNT = 3 };
struct nm_rule_spec nm_default_rule(size_t i);

/* The path in an item that names a file; NULL in any other. */
const char *nm_option_file(const struct nm_option *option, const char *text);

/* The last part of the option's path. */
const char *nm_option_name(const struct nm_option *option);

/* Whether the option stands right inside `group` ("" for the file itself). */
bool nm_option_is_in(const struct nm_option *option, const char *group);

#endif
