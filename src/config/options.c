#include "option.h"

#include "gate/session.h"
#include "syntax.h"

#include <string.h>

/* ---- choices ------------------------------------------------------------ */

static const char *mode_name(int value)
{
    return nm_mode_name((enum nm_mode)value);
}

static const char *action_name(int value)
{
    return nm_action_name((enum nm_action)value);
}

/* What can be done with a recipient whose decision cannot be recorded. */
static bool is_failure_action(int value)
{
    return value == NM_ACTION_DEFER || value == NM_ACTION_ACCEPT;
}

/* What can be done with a message that did not come by SMTP, where it is not refused. */
static bool refuses_nobody(int value)
{
    return !nm_action_refuses((enum nm_action)value);
}

static const char *technique_name(int value)
{
    return nm_technique_name((enum nm_technique)value);
}

static const char *log_target_name(int value)
{
    static const char *const names[] = {
        [NM_LOG_TARGET_STDERR] = "stderr", [NM_LOG_TARGET_SYSLOG] = "syslog"};

    return names[value];
}

static const char *log_level_name(int value)
{
    static const char *const names[] = {[NM_LOG_ERROR] = "error",
        [NM_LOG_WARNING] = "warning",
        [NM_LOG_NOTICE] = "notice",
        [NM_LOG_INFO] = "info",
        [NM_LOG_DEBUG] = "debug"};

    return names[value];
}

enum { PARTIAL_RECIPIENT, PARTIAL_MESSAGE };
static const char *partial_name(int value)
{
    return value == PARTIAL_MESSAGE ? "message" : "recipient";
}

enum { CONFIRM_RESEND, CONFIRM_CODE };
static const char *confirm_mode_name(int value)
{
    return value == CONFIRM_CODE ? "code" : "resend";
}

static const char *local_part_name(int value)
{
    return nm_audit_local_part_name((enum nm_audit_local_part)value);
}

/* One more, which stands last: as audit.local_part. */
static const char *own_local_part_name(int value)
{
    return value == NM_LOCAL_PARTS ? "same" : local_part_name(value);
}

static const struct nm_choices modes = {
    .first = NM_MODE_ENFORCE, .last = NM_MODE_OBSERVE, .name = mode_name};
static const struct nm_choices actions = {
    .first = 0, .last = NM_ACTION_COUNT - 1, .name = action_name};
static const struct nm_choices failure_actions = {.first = 0,
    .last = NM_ACTION_COUNT - 1,
    .name = action_name,
    .fits = is_failure_action};
static const struct nm_choices local_actions = {.first = 0,
    .last = NM_ACTION_COUNT - 1,
    .name = action_name,
    .fits = refuses_nobody};
static const struct nm_choices techniques = {.first = NM_TECHNIQUE_NONE + 1,
    .last = NM_TECHNIQUE_COUNT - 1,
    .name = technique_name};
static const struct nm_choices log_targets = {.first = NM_LOG_TARGET_STDERR,
    .last = NM_LOG_TARGET_SYSLOG,
    .name = log_target_name};
static const struct nm_choices log_levels = {
    .first = NM_LOG_ERROR, .last = NM_LOG_DEBUG, .name = log_level_name};
static const struct nm_choices partials = {
    .first = PARTIAL_RECIPIENT, .last = PARTIAL_MESSAGE, .name = partial_name};
static const struct nm_choices local_parts = {
    .first = NM_LOCAL_CLEAR, .last = NM_LOCAL_NONE, .name = local_part_name};
static const struct nm_choices own_local_parts = {
    .first = NM_LOCAL_CLEAR, .last = NM_LOCAL_PARTS, .name = own_local_part_name};
static const struct nm_choices confirm_modes = {
    .first = CONFIRM_RESEND, .last = CONFIRM_CODE, .name = confirm_mode_name};

/* ---- the tables --------------------------------------------------------- */

const struct nm_option nm_options[NM_OPT_COUNT] = {
    [NM_OPT_MODE] = {.path = "mode",
        .type = NM_OPTION_CHOICE,
        .choices = &modes,
        .number = NM_MODE_ENFORCE,
        .help = "\"observe\" decides and records, and never acts"},

    [NM_OPT_MILTER] = {.path = "milter",
        .type = NM_OPTION_GROUP,
        .help = "where the mail server reaches the daemon"},
    [NM_OPT_MILTER_SOCKET] = {.path = "milter.socket",
        .type = NM_OPTION_SOCKET,
        .text = "unix:/var/spool/postfix/nearmiss/milter.sock",
        .check = nm_check_milter_socket,
        .help =
            "\"unix:/path\", \"inet:port@host\", \"inet6:port@host\" or \"fd:number\""},
    [NM_OPT_MILTER_SOCKET_MODE] = {.path = "milter.socket_mode",
        .type = NM_OPTION_TEXT,
        .text = "0660",
        .check = nm_check_file_mode,
        .help = "permissions of a unix socket, in octal"},
    [NM_OPT_MILTER_SOCKET_GROUP] = {.path = "milter.socket_group",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_account,
        .help = "group of a unix socket; empty: the daemon's own"},

    [NM_OPT_OUTBOUND] = {.path = "outbound",
        .type = NM_OPTION_GROUP,
        .help = "which mail is judged; with neither key set, all of it"},
    [NM_OPT_OUTBOUND_NETWORKS] = {.path = "outbound.networks",
        .type = NM_OPTION_TEXTS,
        .check = nm_check_network,
        .help =
            "mail from clients in these networks: \"192.0.2.0/24\", \"2001:db8::/32\""},
    [NM_OPT_OUTBOUND_AUTHENTICATED] = {.path = "outbound.authenticated",
        .type = NM_OPTION_BOOL,
        .help = "mail from clients that have logged in"},

    [NM_OPT_PROTECT] = {.path = "protect",
        .type = NM_OPTION_GROUP,
        .help = "the names that people here write to; a listed domain covers those "
                "below it"},
    [NM_OPT_PROTECT_OWN] = {.path = "protect.own",
        .type = NM_OPTION_TEXTS,
        .help = "this site's own domains"},
    [NM_OPT_PROTECT_DOMAINS] = {.path = "protect.domains",
        .type = NM_OPTION_TEXTS,
        .help = "domains of others whose near misses are to be caught"},
    [NM_OPT_PROTECT_SUFFIXES] = {.path = "protect.suffixes",
        .type = NM_OPTION_TEXTS,
        .help =
            "suffixes whose slips are to be caught: \"mil\" catches x.ml for x.mil"},
    [NM_OPT_PROTECT_FILES] = {.path = "protect.files",
        .type = NM_OPTION_PATHS,
        .help = "more domains: files with one a line, and a weight if it is not 1"},
    [NM_OPT_PROTECT_PROVIDERS] = {.path = "protect.providers",
        .type = NM_OPTION_BOOL,
        .number = true,
        .help = "the built-in list of mail providers too"},

    [NM_OPT_POPULARITY] = {.path = "popularity",
        .type = NM_OPTION_GROUP,
        .help = "how often domains are written to elsewhere"},
    [NM_OPT_POPULARITY_FILE] = {.path = "popularity.file",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "a file of \"rank,domain\" lines, the most popular has rank 1; empty: "
                "none"},

    [NM_OPT_ALLOW] = {.path = "allow",
        .type = NM_OPTION_GROUP,
        .help = "names that are meant, whatever they look like, with those below them"},
    [NM_OPT_ALLOW_DOMAINS] = {.path = "allow.domains",
        .type = NM_OPTION_TEXTS,
        .help = "domains that are always let through"},
    [NM_OPT_ALLOW_FILES] = {.path = "allow.files",
        .type = NM_OPTION_PATHS,
        .help = "more of them: files with one a line"},

    [NM_OPT_MATCH] = {.path = "match",
        .type = NM_OPTION_GROUP,
        .help = "when a name is called a near miss"},
    [NM_OPT_MATCH_KEYBOARDS] = {.path = "match.keyboards",
        .type = NM_OPTION_TEXTS,
        .text = "us",
        .help = "the layouts that people here use: us, uk, de, fr, es, it, nordic"},
    [NM_OPT_MATCH_THRESHOLD] = {.path = "match.threshold",
        .type = NM_OPTION_REAL,
        .number = 0.5,
        .least = 0,
        .greatest = 1,
        .help = "the confidence from which a name is a near miss"},

    [NM_OPT_RULES] = {.path = "rules",
        .type = NM_OPTION_RULES,
        .help = "tried in order; the first that fits decides, and none means accept"},
    [NM_OPT_PARTIAL] = {.path = "partial",
        .type = NM_OPTION_CHOICE,
        .choices = &partials,
        .number = PARTIAL_RECIPIENT,
        .help = "what is refused: the one recipient, or the whole message with all its "
                "recipients"},
    [NM_OPT_MAX_REFUSALS] = {.path = "max_refusals",
        .type = NM_OPTION_INT,
        .number = 8,
        .least = 0,
        .greatest = 20,
        .unit = "a session",
        .help = "how many recipients are refused at RCPT; after that, the message at "
                "its end"},
    [NM_OPT_LOCAL_SUBMISSION] = {.path = "local_submission",
        .type = NM_OPTION_CHOICE,
        .choices = &local_actions,
        .number = NM_ACTION_HOLD,
        .help =
            "what is done where a rule refuses, with mail that did not come by SMTP: "
            "its recipients cannot be refused"},

    [NM_OPT_CONTACT] = {.path = "contact",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_contact,
        .help =
            "whom people are told to ask, such as an address or a telephone number; "
            "empty: their postmaster"},

    [NM_OPT_AUDIT] = {.path = "audit",
        .type = NM_OPTION_GROUP,
        .help = "the log of every decision"},
    [NM_OPT_AUDIT_DATABASE] = {.path = "audit.database",
        .type = NM_OPTION_PATH,
        .text = "/var/lib/nearmiss/audit.db",
        .check = nm_check_not_empty,
        .help = "SQLite database; other files lie beside it"},
    [NM_OPT_AUDIT_ON_FAILURE] = {.path = "audit.on_failure",
        .type = NM_OPTION_CHOICE,
        .choices = &failure_actions,
        .number = NM_ACTION_DEFER,
        .help = "what happens to mail whose decision cannot be recorded"},
    [NM_OPT_AUDIT_WAIT_MS] = {.path = "audit.wait_ms",
        .type = NM_OPTION_INT,
        .number = 5000,
        .least = 100,
        .greatest = 60000,
        .unit = "ms",
        .help = "how long an answer waits for its record"},
    [NM_OPT_AUDIT_KEEP_DAYS] = {.path = "audit.keep_days",
        .type = NM_OPTION_INT,
        .number = 0,
        .least = 0,
        .greatest = 36500,
        .unit = "days",
        .help = "how long events are kept; 0: for ever"},
    [NM_OPT_AUDIT_KEEP_DAYS_ACCEPTED] = {.path = "audit.keep_days_accepted",
        .type = NM_OPTION_INT,
        .number = 0,
        .least = 0,
        .greatest = 36500,
        .unit = "days",
        .help = "how long accepted mail that was no near miss keeps its sender, "
                "recipient, client and user; 0: as long as the rest"},
    [NM_OPT_AUDIT_LOCAL_PART] = {.path = "audit.local_part",
        .type = NM_OPTION_CHOICE,
        .choices = &local_parts,
        .number = NM_LOCAL_CLEAR,
        .help = "what is kept of addresses before the @: all, a keyed hash that groups "
                "and can be searched, or nothing"},
    [NM_OPT_AUDIT_SENDER_LOCAL_PART] = {.path = "audit.sender_local_part",
        .type = NM_OPTION_CHOICE,
        .choices = &own_local_parts,
        .number = NM_LOCAL_PARTS,
        .help = "the same for senders, and for the user who has logged in"},
    [NM_OPT_AUDIT_RECIPIENT_LOCAL_PART] = {.path = "audit.recipient_local_part",
        .type = NM_OPTION_CHOICE,
        .choices = &own_local_parts,
        .number = NM_LOCAL_PARTS,
        .help = "the same for recipients"},
    [NM_OPT_AUDIT_KEY] = {.path = "audit.key",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "the key that signs checkpoints, made if there is none; empty: the "
                "database's name with -key behind it"},
    [NM_OPT_AUDIT_GROUP] = {.path = "audit.group",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_account,
        .help = "group that may read the log; empty: the daemon's own"},

    [NM_OPT_HISTORY] = {.path = "history",
        .type = NM_OPTION_GROUP,
        .help = "what mail from here has gone to before"},
    [NM_OPT_HISTORY_DATABASE] = {.path = "history.database",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "SQLite database of what is learnt or changed while mail flows; empty: "
                "state.db beside audit.database"},
    [NM_OPT_HISTORY_LEARN] = {.path = "history.learn",
        .type = NM_OPTION_BOOL,
        .number = true,
        .help = "note the domains that mail passes to, for rules that ask for first "
                "contacts"},

    [NM_OPT_CONFIRM] = {.path = "confirm",
        .type = NM_OPTION_GROUP,
        .help = "how a sender says that a near miss is meant, where a rule's action is "
                "\"confirm\""},
    [NM_OPT_CONFIRM_MODE] = {.path = "confirm.mode",
        .type = NM_OPTION_CHOICE,
        .choices = &confirm_modes,
        .number = CONFIRM_RESEND,
        .help = "by sending the message again, or by a code in its Subject"},
    [NM_OPT_CONFIRM_MIN_S] = {.path = "confirm.min_s",
        .type = NM_OPTION_INT,
        .number = 20,
        .least = 0,
        .greatest = 3600,
        .unit = "s",
        .help =
            "sent again sooner it does not count: a server that tries at once confirms "
            "nothing"},
    [NM_OPT_CONFIRM_WINDOW_S] = {.path = "confirm.window_s",
        .type = NM_OPTION_INT,
        .number = 14400,
        .least = 60,
        .greatest = 604800,
        .unit = "s",
        .help = "how long after the refusal it counts"},
    [NM_OPT_CONFIRM_REMEMBER_DAYS] = {.path = "confirm.remember_days",
        .type = NM_OPTION_INT,
        .number = 90,
        .least = 0,
        .greatest = 3650,
        .unit = "days",
        .help = "how long the sender need not confirm that domain again; 0: each "
                "message is "
                "confirmed"},

    [NM_OPT_CONFIRM_KEY] = {.path = "confirm.key",
        .type = NM_OPTION_PATH,
        .text = "",
        .help =
            "the key of the codes, made if there is none; gateways that share it and "
            "window_s take each other's codes; empty: confirm-key beside "
            "audit.database"},

    [NM_OPT_QUARANTINE] = {.path = "quarantine",
        .type = NM_OPTION_GROUP,
        .help = "messages kept for a reviewer"},
    [NM_OPT_QUARANTINE_DIRECTORY] = {.path = "quarantine.directory",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "where they are kept; empty: in quarantine, beside audit.database"},
    [NM_OPT_QUARANTINE_RELEASE] = {.path = "quarantine.release",
        .type = NM_OPTION_TEXT,
        .text = "sendmail",
        .check = nm_check_release,
        .help =
            "how they leave: \"sendmail\", \"sendmail:/path\" or \"smtp:host:port\""},
    [NM_OPT_QUARANTINE_MAX_MB] = {.path = "quarantine.max_mb",
        .type = NM_OPTION_INT,
        .number = 10240,
        .least = 0,
        .greatest = 100000,
        .unit = "MB",
        .help =
            "of all of them; what is too much is put off, see audit.on_failure; 0: no "
            "limit"},
    [NM_OPT_QUARANTINE_KEEP_DAYS] = {.path = "quarantine.keep_days",
        .type = NM_OPTION_INT,
        .number = 30,
        .least = 0,
        .greatest = 3650,
        .unit = "days",
        .help = "how long they are kept; 0: until someone releases or deletes them"},

    [NM_OPT_NOTICE] = {.path = "notice",
        .type = NM_OPTION_GROUP,
        .help = "mail that tells people of what is held or kept in quarantine"},
    [NM_OPT_NOTICE_SENDER] = {.path = "notice.sender",
        .type = NM_OPTION_BOOL,
        .help = "tell the sender, unless that is a program, a list or a stranger"},
    [NM_OPT_NOTICE_REVIEWER] = {.path = "notice.reviewer",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_mailbox,
        .help = "an address that is told too, with the command that lets the message "
                "go; empty: none"},
    [NM_OPT_NOTICE_FROM] = {.path = "notice.from",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_mailbox,
        .help = "the address that notices are from; empty: postmaster at the gateway's "
                "name. Their envelope has the null sender"},
    [NM_OPT_NOTICE_ROUTE] = {.path = "notice.route",
        .type = NM_OPTION_TEXT,
        .text = "smtp:127.0.0.1:25",
        .check = nm_check_smtp_route,
        .help = "the mail server that takes them: \"smtp:host:port\""},
    [NM_OPT_NOTICE_TEMPLATE] = {.path = "notice.template",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "a file with the text for senders; empty: the built-in text"},
    [NM_OPT_NOTICE_REVIEWER_TEMPLATE] = {.path = "notice.reviewer_template",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "the same for the reviewer"},
    [NM_OPT_NOTICE_PER_HOUR] = {.path = "notice.per_hour",
        .type = NM_OPTION_INT,
        .number = 20,
        .least = 1,
        .greatest = 10000,
        .unit = "an hour",
        .help =
            "how many one address gets; further ones are left out, and the log says "
            "so"},

    [NM_OPT_CONTROL] = {.path = "control",
        .type = NM_OPTION_GROUP,
        .help = "where the nearmiss tool reaches the daemon"},
    [NM_OPT_CONTROL_SOCKET] = {.path = "control.socket",
        .type = NM_OPTION_SOCKET,
        .text = "unix:/run/nearmiss/control.sock",
        .check = nm_check_unix_socket,
        .help = "\"unix:/path\""},
    [NM_OPT_GATEWAY] = {.path = "gateway",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_gateway,
        .help = "this machine's name in the log; empty: its host name"},
    [NM_OPT_USER] = {.path = "user",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_account,
        .help = "the account that a daemon started as root changes to"},

    [NM_OPT_LOG] = {.path = "log",
        .type = NM_OPTION_GROUP,
        .help = "what the daemon says of itself"},
    [NM_OPT_LOG_TARGET] = {.path = "log.target",
        .type = NM_OPTION_CHOICE,
        .choices = &log_targets,
        .number = NM_LOG_TARGET_STDERR,
        .help = "where to"},
    [NM_OPT_LOG_LEVEL] = {.path = "log.level",
        .type = NM_OPTION_CHOICE,
        .choices = &log_levels,
        .number = NM_LOG_INFO,
        .help = "how much"},

    [NM_OPT_TABLES] = {.path = "tables",
        .type = NM_OPTION_GROUP,
        .help =
            "files that take the place of what is compiled in; empty: nothing does"},
    [NM_OPT_TABLES_SUFFIX_SLIPS] = {.path = "tables.suffix_slips",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "suffixes taken for one another"},
    [NM_OPT_TABLES_KEYBOARDS] = {.path = "tables.keyboards",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "keyboard layouts"},
    [NM_OPT_TABLES_GLYPHS] = {.path = "tables.glyphs",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "characters that look alike"},
    [NM_OPT_TABLES_PROVIDERS] = {.path = "tables.providers",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "mail providers, a domain a line"},
    [NM_OPT_TABLES_PUBLIC_SUFFIXES] = {.path = "tables.public_suffixes",
        .type = NM_OPTION_PATH,
        .text = "",
        .help = "the public suffix list, in the form of publicsuffix.org"},
};

const struct nm_option nm_rule_keys[NM_RULE_KEY_COUNT] = {
    [NM_RULE_NAME] = {.path = "name",
        .type = NM_OPTION_TEXT,
        .text = "",
        .check = nm_check_rule_name,
        .help = "how the log and the reports call the rule; empty: its number"},
    [NM_RULE_CONFIDENCE] = {.path = "confidence",
        .type = NM_OPTION_REAL,
        .number = -1,
        .least = 0,
        .greatest = 1,
        .help = "near misses of at least this confidence"},
    [NM_RULE_TECHNIQUE] = {.path = "technique",
        .type = NM_OPTION_CHOICES,
        .choices = &techniques,
        .help = "near misses by a slip of one of these kinds"},
    [NM_RULE_TARGET] = {.path = "target",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .help = "near misses of these domains; * and ? as in file names; here and in "
                "the next five \"file:PATH\" stands for the lines of a file"},
    [NM_RULE_DOMAIN] = {.path = "domain",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .help = "recipients at these domains"},
    [NM_RULE_SENDER] = {.path = "sender",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .help = "mail from these addresses, or domains; \"<>\" is the null sender"},
    [NM_RULE_RECIPIENT] = {.path = "recipient",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .help = "mail to these addresses, or domains"},
    [NM_RULE_AUTH] = {.path = "auth",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .help = "mail of these users, by the names they log in with"},
    [NM_RULE_CLIENT] = {.path = "client",
        .type = NM_OPTION_TEXTS,
        .takes_files = true,
        .check = nm_check_network,
        .help = "mail from clients in these networks"},
    [NM_RULE_AUTHENTICATED] = {.path = "authenticated",
        .type = NM_OPTION_BOOL,
        .help = "whether the client has logged in"},
    [NM_RULE_FIRST_CONTACT] = {.path = "first_contact",
        .type = NM_OPTION_BOOL,
        .help = "whether no mail from here to the domain is on record"},
    [NM_RULE_NEAR_MISSES] = {.path = "near_misses",
        .type = NM_OPTION_INT,
        .number = 0,
        .least = 1,
        .greatest = NM_RECIPIENTS_MAX,
        .help = "messages with at least so many near misses up to this recipient"},
    [NM_RULE_UNLESS] = {.path = "unless",
        .type = NM_OPTION_UNLESS,
        .help = "exceptions: a group of the conditions above, or a list of groups; the "
                "rule does not fit where all of a group's conditions do"},
    [NM_RULE_ACTION] = {.path = "action",
        .type = NM_OPTION_CHOICE,
        .choices = &actions,
        .help = "what is done"},
    [NM_RULE_REPLY] = {.path = "reply",
        .type = NM_OPTION_TEXT,
        .text = "",
        .help = "what the sender is told; %{domain}, %{target}, %{slip}, %{ref}, "
                "%{rule}, %{sender}, %{confirm} and %{contact} are replaced; empty: "
                "the built-in text"},
    [NM_RULE_MODE] = {.path = "mode",
        .type = NM_OPTION_CHOICE,
        .choices = &modes,
        .number = NM_MODE_ENFORCE,
        .help =
            "\"observe\" decides, before later rules, and records, and does not act"},
};

struct nm_rule_spec nm_default_rule(size_t i)
{
    static const struct nm_rule_spec rules[NM_DEFAULT_RULE_COUNT] = {
        {.name = "sure", .confidence = 0.99, .action = NM_ACTION_REJECT},
        {.name = "likely", .confidence = 0.90, .action = NM_ACTION_HOLD},
        {.name = "maybe", .confidence = 0.50, .action = NM_ACTION_TAG},
    };

    return rules[i];
}

const char *nm_option_file(const struct nm_option *option, const char *text)
{
    static const char mark[] = "file:";

    return option->takes_files && strncmp(text, mark, sizeof mark - 1) == 0
               ? text + sizeof mark - 1
               : NULL;
}

const char *nm_option_name(const struct nm_option *option)
{
    const char *dot = strrchr(option->path, '.');

    return dot != NULL ? dot + 1 : option->path;
}

bool nm_option_is_in(const struct nm_option *option, const char *group)
{
    const char *name = nm_option_name(option);
    const size_t length = name > option->path ? (size_t)(name - option->path) - 1 : 0;

    return strlen(group) == length && memcmp(option->path, group, length) == 0;
}
