/*
 * Config: nearmiss.conf and the lists it names, checked whole, and from them a snapshot
 * for the gate.
 *
 * May use gate and below, libconfig, libsodium, and libpsl to read a list of public
 * suffixes; reads files. Nothing here is shared between threads: one thread loads and
 * builds at a time, and what it made may then be read by any.
 *
 * One table of options (options.c) feeds the loader, `nearmiss config defaults`, the
 * suggestions for unknown keys and the list in nearmiss.conf(5).
 */
#ifndef NM_CONFIG_CONFIG_H
#define NM_CONFIG_CONFIG_H

#include "gate/ports.h"
#include "gate/snapshot.h"

#include <nearmiss/base.h>

#include <stdio.h>

enum {
    NM_COMPLAINTS_MAX = 200,               /* more are counted, not kept */
    NM_CONFIG_BYTES_MAX = 4 * 1024 * 1024, /* of nearmiss.conf and what it includes */
    NM_LIST_BYTES_MAX = 256 * 1024 * 1024, /* of one list */
    NM_LIST_LINE_MAX = 1024                /* bytes of a list's line */
};

/* What is wrong with a configuration, in the order of its files. Warnings do not keep a
 * configuration from being used. */
struct nm_complaint {
    bool warning;
    struct nm_error error;
};

struct nm_complaints {
    struct nm_complaint *rows;
    size_t count;
    size_t capacity;
    size_t errors;  /* among all that were made, kept or not */
    size_t dropped; /* made, but not kept */
};

void nm_complaints_init(struct nm_complaints *complaints);
void nm_complaints_free(struct nm_complaints *complaints);
/* One a line: `FILE:LINE: what`, `FILE: what`, or `what`. */
void nm_complaints_print(const struct nm_complaints *complaints, FILE *out);

enum nm_log_target { NM_LOG_TARGET_STDERR, NM_LOG_TARGET_SYSLOG };

/* What the programs themselves need; the gate's part is in the snapshot. Strings are
 * owned by the configuration. Paths are absolute. */
struct nm_settings {
    const char *milter_socket; /* "unix:/path", "inet:port@host", "inet6:…" or "fd:N" */
    unsigned milter_socket_mode;     /* permission bits */
    const char *milter_socket_group; /* "" for none */
    const char *control_socket;      /* "unix:/path" */
    const char *audit_database;
    const char *history_database;
    enum nm_action audit_on_failure;
    unsigned audit_wait_ms;
    unsigned audit_keep_days; /* 0: for ever */
    unsigned audit_keep_days_accepted;
    enum nm_audit_local_part audit_sender_local_part;
    enum nm_audit_local_part audit_recipient_local_part;
    const char *audit_key;   /* "": beside the database */
    const char *audit_group; /* "" for none */
    const char *confirm_key;
    const char *quarantine_directory;
    const char
        *quarantine_release; /* "sendmail", "sendmail:/path" or "smtp:host:port" */
    uint64_t quarantine_bytes_max; /* 0: no limit */
    unsigned quarantine_keep_days; /* 0: for ever */
    bool notice_sender;
    const char *notice_reviewer; /* "" for none */
    const char *notice_from;
    const char *notice_route;
    const char *notice_template; /* the text; NULL: the built-in one */
    const char *notice_reviewer_template;
    unsigned notice_per_hour;
    const char *notice_database;
    const char *contact; /* "" for none */
    const char *user;    /* "" for none */
    const char *gateway;
    enum nm_log_target log_target;
    enum nm_log_level log_level;
    enum nm_mode mode;
};

struct nm_config;

/* Read and check `path`, what it includes, and all lists and tables that it names. NM_OK,
 * with warnings at most; NM_BAD_INPUT with at least one error in `complaints`;
 * NM_NO_MEMORY. The complaints are the first error of syntax or else all that is wrong,
 * ordered by file and line. The text is parsed in a child process first: libconfig ends
 * the process on some inputs. */
enum nm_code nm_config_load(
    const char *path, struct nm_config **out, struct nm_complaints *complaints);
void nm_config_free(struct nm_config **config);

const struct nm_settings *nm_config_settings(const struct nm_config *config);

/* BLAKE2b-256 over the text of the configuration, its lists and tables, each with its
 * length before it, in hexadecimal; and the text of the configuration, with the files that
 * it includes in their places. */
const char *nm_config_hash(const struct nm_config *config);
const char *nm_config_text(const struct nm_config *config);

/* A snapshot for the gate, with one reference, that knows the names of `history` (or NULL)
 * beside those of the lists. The configuration may be freed after. NM_NO_MEMORY, or what a layer below cannot do (more names than it takes, ICU without its
 * data), then with a complaint. */
enum nm_code nm_config_build(const struct nm_config *config,
    const struct nm_history_view *history, struct nm_snapshot **out,
    struct nm_complaints *complaints);

/* The whole configuration with its defaults, as text that loads again: each option with
 * its help as a comment (`nearmiss config defaults`); or the values in force, each with
 * the place where it was given (`nearmiss config show`). Whether all was written. */
bool nm_config_print_defaults(FILE *out);
bool nm_config_print(const struct nm_config *config, FILE *out);

/* An option's value, for who prints it in another form. Pointers are borrowed for the
 * call. */
enum nm_config_kind {
    NM_CONFIG_BOOL,      /* `number`, 0 or 1 */
    NM_CONFIG_INTEGER,   /* `number` */
    NM_CONFIG_REAL,      /* `number` */
    NM_CONFIG_TEXT,      /* `text` */
    NM_CONFIG_TEXTS,     /* `texts`, `count` of them */
    NM_CONFIG_RULES,     /* `count`; see nm_config_each_of_rule */
    NM_CONFIG_EXCEPTIONS /* `count`; see nm_config_each_of_exception */
};

struct nm_config_value {
    const char *path; /* "audit.wait_ms"; of a rule "action" */
    enum nm_config_kind kind;
    double number;
    const char *text;
    const char *const *texts;
    size_t count;
    const char *file; /* where it was given; NULL: nowhere, this is the default */
    unsigned line;
    const char *help; /* NULL in a rule */
};

typedef void nm_config_visit(void *self, const struct nm_config_value *value);

/* Visit all options in the order of the table, or all that rule `i` gives: of `config`,
 * or of the defaults with NULL. NM_NO_MEMORY, with some not visited. */
enum nm_code nm_config_each(
    const struct nm_config *config, nm_config_visit *visit, void *self);
enum nm_code nm_config_each_of_rule(
    const struct nm_config *config, size_t i, nm_config_visit *visit, void *self);
/* Of a rule's exceptions the `i`th; no default rule has one. */
enum nm_code nm_config_each_of_exception(const struct nm_config *config, size_t rule,
    size_t i, nm_config_visit *visit, void *self);

/* The option list as mdoc, for nearmiss.conf(5). */
bool nm_config_print_mdoc(FILE *out);

#endif
