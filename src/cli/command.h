/*
 * Cli: the tool `nearmiss`. One file a subcommand, each with a `struct nm_command` that
 * the dispatcher lists; what they share is here and in the headers beside this one.
 *
 * May use every layer below but milter, jansson and ICU. One thread.
 *
 * `nm_cli_run` is the whole tool but for the process around it, so that tests can call
 * it.
 */
#ifndef NM_CLI_COMMAND_H
#define NM_CLI_COMMAND_H

#include <nearmiss/base.h>

#include <stdio.h>

#define NM_DEFAULT_CONFIG "/etc/nearmiss/nearmiss.conf"

/* The program's exit status; a contract. */
enum nm_exit {
    NM_EXIT_FINE = 0,
    NM_EXIT_FINDING = 1, /* a near miss, a line that was left out */
    NM_EXIT_USAGE = 2,
    NM_EXIT_CONFIGURATION = 3,
    NM_EXIT_SYSTEM = 4
};

/* All options of all subcommands; a name means the same everywhere. */
enum nm_cli_option {
    NM_CLI_CONFIG,
    NM_CLI_FORMAT,
    NM_CLI_SENDER,
    NM_CLI_CLIENT,
    NM_CLI_AUTH,
    NM_CLI_SINCE,
    NM_CLI_UNTIL,
    NM_CLI_DOMAIN,
    NM_CLI_TARGET,
    NM_CLI_RECIPIENT,
    NM_CLI_ACTION,
    NM_CLI_TECHNIQUE,
    NM_CLI_RULE,
    NM_CLI_MATCH,
    NM_CLI_OUTCOME,
    NM_CLI_ACTS,
    NM_CLI_LAST,
    NM_CLI_TO,
    NM_CLI_AGAIN,
    NM_CLI_DONE,
    NM_CLI_RAW,
    NM_CLI_COUNTS,
    NM_CLI_REASON,
    NM_CLI_EXPIRES,
    NM_CLI_FOLLOW,
    NM_CLI_HTML,
    NM_CLI_BEFORE,
    NM_CLI_CHECKPOINT,
    NM_CLI_KEY,
    NM_CLI_CURSOR,
    NM_CLI_DATABASE,
    NM_CLI_SOCKET,
    NM_CLI_HELP
};
enum { NM_CLI_COUNT = NM_CLI_HELP + 1 };

/* An option as one subcommand takes it. */
struct nm_cli_option_use {
    enum nm_cli_option option;
    const char *help; /* one line */
};

struct nm_call;

struct nm_command {
    const char *name;        /* one word or two: "check", "audit list" */
    const char *summary;     /* one line, for the list of subcommands */
    const char *arguments;   /* as the usage shows them; "" for none */
    const char *description; /* lines for --help, each ended by a newline */
    const char *finding;     /* what exit status 1 says, or NULL when it never is */
    const struct nm_cli_option_use *options;
    size_t option_count;
    size_t least; /* arguments */
    size_t most;
    enum nm_exit (*run)(const struct nm_call *call);
};

/* One call of a subcommand. Borrowed for the call. */
struct nm_call {
    const struct nm_command *command;
    const char *values[NM_CLI_COUNT]; /* NULL where the option was not given */
    char **arguments;
    size_t argument_count;
    int in; /* standard input, read unbuffered */
    FILE *out;
    FILE *err;
    bool colour;  /* on `out` */
    bool unicode; /* `out` is a terminal that shows more than ASCII */
    int64_t now_us;
};

extern const struct nm_command nm_command_check;
extern const struct nm_command nm_command_explain;
extern const struct nm_command nm_command_config_test;
extern const struct nm_command nm_command_config_defaults;
extern const struct nm_command nm_command_config_show;
extern const struct nm_command nm_command_audit_list;
extern const struct nm_command nm_command_audit_show;
extern const struct nm_command nm_command_audit_stats;
extern const struct nm_command nm_command_audit_export;
extern const struct nm_command nm_command_report;
extern const struct nm_command nm_command_history_import;
extern const struct nm_command nm_command_history_list;
extern const struct nm_command nm_command_allow_add;
extern const struct nm_command nm_command_allow_list;
extern const struct nm_command nm_command_allow_remove;
extern const struct nm_command nm_command_audit_verify;
extern const struct nm_command nm_command_quarantine_list;
extern const struct nm_command nm_command_quarantine_show;
extern const struct nm_command nm_command_quarantine_release;
extern const struct nm_command nm_command_quarantine_delete;
extern const struct nm_command nm_command_audit_prune;
extern const struct nm_command nm_command_audit_erase;
extern const struct nm_command nm_command_audit_rotate_key;
extern const struct nm_command nm_command_reload;
extern const struct nm_command nm_command_status;

/* The world as the tool sees it. */
struct nm_surroundings {
    int in;
    FILE *out;
    FILE *err;
    bool colour;
    bool unicode;
    int64_t now_us;
};

/* Run `nearmiss` with `argv`, whose order is changed; returns its exit status. `out` is
 * flushed, and a failure to write it is told. */
enum nm_exit nm_cli_run(
    const struct nm_surroundings *surroundings, int argc, char **argv);

/* Fill `call` from the words behind the subcommand's name. NM_EXIT_FINE, or the usage
 * was told. */
enum nm_exit nm_cli_parse_options(struct nm_call *call, int argc, char **argv);

/* The name of an option with its dashes, and what its value is called (NULL: none). */
const char *nm_cli_option_name(enum nm_cli_option option);
const char *nm_cli_option_value(enum nm_cli_option option);

/* Say on `err` what is wrong with the call and how it is to be; for `return
 * nm_usage(...)`. */
enum nm_exit nm_usage(const struct nm_call *call, const char *format, ...)
    NM_PRINTF(2, 3);

/* The same for a value that cannot be, without the list of options. */
enum nm_exit nm_wrong_value(const struct nm_call *call, const char *format, ...)
    NM_PRINTF(2, 3);

/* Say on `err` what failed: "nearmiss check: …". Returns `status`. */
enum nm_exit nm_complain_and(const struct nm_call *call, enum nm_exit status,
    const char *format, ...) NM_PRINTF(3, 4);

enum nm_format { NM_FORMAT_TEXT, NM_FORMAT_JSON, NM_FORMAT_PROMETHEUS, NM_FORMAT_CSV };

/* The value of --format among `count` that the subcommand has; the first unless given.
 * False: the usage was told. */
bool nm_call_format_of(const struct nm_call *call, const enum nm_format *formats,
    size_t count, enum nm_format *out);

/* The same for text, JSON and `last`, which may be JSON itself. */
bool nm_call_format(
    const struct nm_call *call, enum nm_format last, enum nm_format *out);

/* Look `value` up among `count` names; complain with a suggestion and the whole list
 * when it is none of them. */
bool nm_call_name(const struct nm_call *call, enum nm_cli_option option,
    const char *(*name)(const void *names, size_t i), const void *names, size_t count,
    size_t *out);

/* The `usage:` line alone. */
void nm_help_usage(const struct nm_command *command, FILE *out);

/* Help on `out`: of one subcommand, or of all whose name begins with the word `group`
 * (NULL: of all). */
void nm_help_command(const struct nm_command *command, FILE *out);
void nm_help_commands(const struct nm_command *const *commands, size_t count,
    const char *group, FILE *out);

#endif
