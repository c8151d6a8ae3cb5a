/* Reading a configuration, step by step; see config.h. */
#include "confirm.h"
#include "loaded.h"
#include "memory.h"

#include "syntax.h"

#include "gate/notice.h"

#include <errno.h>
#include <libpsl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BYTES_MAX = 256 * 1024 * 1024 };

struct nm_reader nm_config_reader(struct nm_config *config)
{
    return (struct nm_reader){.source = config->source,
        .arena = config->arena,
        .complaints = config->complaints};
}

/* ---- paths -------------------------------------------------------------- */

static char *join(struct nm_arena *arena, const char *a, const char *b)
{
    const size_t length = strlen(a);
    char *joined = nm_arena_alloc(arena, length + strlen(b) + 1);

    if (joined != NULL) {
        memcpy(joined, a, length);
        memcpy(joined + length, b, strlen(b) + 1);
    }
    return joined;
}

/* Relative paths are relative to the configuration file; an empty one stays empty. */
static const char *resolve_path(const struct nm_config *config, const char *path)
{
    return path[0] != '\0' ? nm_path_below(config->arena, config->folder, path) : path;
}

/* "local:" becomes "unix:"; sockets without a path stay. */
static const char *resolve_socket(const struct nm_config *config, const char *socket)
{
    const char *path = nm_unix_socket_path(socket);

    if (path == NULL)
        return socket;
    path = resolve_path(config, path);
    return path != NULL ? join(config->arena, "unix:", path) : NULL;
}

/* Before it was made absolute a socket's path may have been short enough. */
static void check_socket_again(struct nm_config *config, enum nm_option_id id)
{
    struct nm_reader reader = nm_config_reader(config);
    const struct nm_value *value = &config->values[id];
    char words[256];
    struct nm_buf why;

    nm_buf_init(&why, words, sizeof words);
    if (value->line > 0 && !nm_options[id].check(value->text, &why))
        nm_complain_of(&reader, value->line, "%s: %s %s", nm_options[id].path,
            nm_quote_text(value->text).text, words);
}

static bool resolve_value(struct nm_config *config, enum nm_option_id id)
{
    struct nm_value *value = &config->values[id];

    switch (nm_options[id].type) {
    case NM_OPTION_SOCKET:
        value->text = resolve_socket(config, value->text);
        if (value->text != NULL)
            check_socket_again(config, id);
        return value->text != NULL;
    case NM_OPTION_PATH:
        value->text = resolve_path(config, value->text);
        return value->text != NULL;
    case NM_OPTION_PATHS:
        for (size_t i = 0; i < value->count; i++) {
            value->items[i].text = resolve_path(config, value->items[i].text);
            if (value->items[i].text == NULL)
                return false;
        }
        return true;
    default:
        return true;
    }
}

static enum nm_code resolve_paths(struct nm_config *config)
{
    for (enum nm_option_id id = 0; id < NM_OPT_COUNT; id++) {
        if (!resolve_value(config, id))
            return NM_NO_MEMORY;
    }
    return NM_OK;
}

/* Beside the audit log, unless the configuration names a place. */
static enum nm_code place_history(struct nm_config *config)
{
    const char *log = config->values[NM_OPT_AUDIT_DATABASE].text;
    const char *slash = strrchr(log, '/');
    struct nm_value *value = &config->values[NM_OPT_HISTORY_DATABASE];
    char *folder;

    if (value->text[0] != '\0' || slash == NULL)
        return NM_OK;
    folder = nm_arena_copy(config->arena, log, (size_t)(slash - log) + 1);
    value->text = folder != NULL ? join(config->arena, folder, "state.db") : NULL;
    return value->text != NULL ? NM_OK : NM_NO_MEMORY;
}

/* ---- settings ----------------------------------------------------------- */

static enum nm_code name_gateway(struct nm_config *config)
{
    struct nm_value *value = &config->values[NM_OPT_GATEWAY];
    char name[HOST_NAME_MAX + 1] = "";

    if (value->text[0] != '\0')
        return NM_OK;
    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        (void)nm_copy(name, sizeof name, "localhost");
    value->text = nm_arena_copy(config->arena, name, strlen(name));
    return value->text != NULL ? NM_OK : NM_NO_MEMORY;
}

/* Where nothing else is said, messages are kept beside the audit log. */
/* The path of a file or folder that lies beside the audit log. NULL out of memory. */
static const char *beside_log(struct nm_config *config, const char *name)
{
    const char *database = config->values[NM_OPT_AUDIT_DATABASE].text;
    const char *slash = strrchr(database, '/');
    char path[PATH_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, path, sizeof path);
    nm_buf_put(&buf, database, slash != NULL ? (size_t)(slash - database) + 1 : 0);
    nm_buf_puts(&buf, name);
    return nm_arena_copy(config->arena, path, strlen(path));
}

/* Where an option names none. */
static enum nm_code place_beside(
    struct nm_config *config, enum nm_option_id option, const char *name)
{
    struct nm_value *value = &config->values[option];

    if (value->text[0] == '\0')
        value->text = beside_log(config, name);
    return value->text != NULL ? NM_OK : NM_NO_MEMORY;
}

static enum nm_code place_notices(struct nm_config *config)
{
    config->notice_database = beside_log(config, "notices.db");
    return config->notice_database != NULL ? NM_OK : NM_NO_MEMORY;
}

static enum nm_code place_files(struct nm_config *config)
{
    const enum nm_code code =
        place_beside(config, NM_OPT_QUARANTINE_DIRECTORY, "quarantine");

    return code == NM_OK ? place_beside(config, NM_OPT_CONFIRM_KEY, "confirm-key")
                         : code;
}

static enum nm_audit_local_part local_part(
    const struct nm_value *values, enum nm_option_id own)
{
    const int number = (int)values[own].number;

    return (enum nm_audit_local_part)(
        number < NM_LOCAL_PARTS ? number : (int)values[NM_OPT_AUDIT_LOCAL_PART].number);
}

static void fill_settings(struct nm_config *config)
{
    const struct nm_value *values = config->values;

    config->settings = (struct nm_settings){
        .milter_socket = values[NM_OPT_MILTER_SOCKET].text,
        .milter_socket_mode = nm_file_mode(values[NM_OPT_MILTER_SOCKET_MODE].text),
        .milter_socket_group = values[NM_OPT_MILTER_SOCKET_GROUP].text,
        .control_socket = values[NM_OPT_CONTROL_SOCKET].text,
        .audit_database = values[NM_OPT_AUDIT_DATABASE].text,
        .history_database = values[NM_OPT_HISTORY_DATABASE].text,
        .audit_on_failure = (enum nm_action)(int)values[NM_OPT_AUDIT_ON_FAILURE].number,
        .audit_wait_ms = (unsigned)values[NM_OPT_AUDIT_WAIT_MS].number,
        .audit_keep_days = (unsigned)values[NM_OPT_AUDIT_KEEP_DAYS].number,
        .audit_keep_days_accepted =
            (unsigned)values[NM_OPT_AUDIT_KEEP_DAYS_ACCEPTED].number,
        .audit_sender_local_part = local_part(values, NM_OPT_AUDIT_SENDER_LOCAL_PART),
        .audit_recipient_local_part =
            local_part(values, NM_OPT_AUDIT_RECIPIENT_LOCAL_PART),
        .audit_key = values[NM_OPT_AUDIT_KEY].text,
        .audit_group = values[NM_OPT_AUDIT_GROUP].text,
        .confirm_key = values[NM_OPT_CONFIRM_KEY].text,
        .quarantine_directory = values[NM_OPT_QUARANTINE_DIRECTORY].text,
        .quarantine_release = values[NM_OPT_QUARANTINE_RELEASE].text,
        .quarantine_bytes_max =
            (uint64_t)values[NM_OPT_QUARANTINE_MAX_MB].number * 1000000,
        .quarantine_keep_days = (unsigned)values[NM_OPT_QUARANTINE_KEEP_DAYS].number,
        .notice_sender = values[NM_OPT_NOTICE_SENDER].number != 0,
        .notice_reviewer = values[NM_OPT_NOTICE_REVIEWER].text,
        .notice_from = values[NM_OPT_NOTICE_FROM].text,
        .notice_route = values[NM_OPT_NOTICE_ROUTE].text,
        .notice_template = config->notice_template.text,
        .notice_reviewer_template = config->notice_reviewer_template.text,
        .notice_per_hour = (unsigned)values[NM_OPT_NOTICE_PER_HOUR].number,
        .notice_database = config->notice_database,
        .contact = values[NM_OPT_CONTACT].text,
        .user = values[NM_OPT_USER].text,
        .gateway = values[NM_OPT_GATEWAY].text,
        .log_target = (enum nm_log_target)(int)values[NM_OPT_LOG_TARGET].number,
        .log_level = (enum nm_log_level)(int)values[NM_OPT_LOG_LEVEL].number,
        .mode = (enum nm_mode)(int)values[NM_OPT_MODE].number};
}

/* ---- what needs no layer of its own ------------------------------------- */

static enum nm_code load_networks(struct nm_config *config)
{
    const struct nm_value *value = &config->values[NM_OPT_OUTBOUND_NETWORKS];

    config->networks =
        nm_arena_alloc(config->arena, (value->count + 1) * sizeof *config->networks);
    if (config->networks == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < value->count; i++)
        config->network_count += nm_network_parse(
            value->items[i].text, &config->networks[config->network_count]);
    return NM_OK;
}

static enum nm_code load_layouts(struct nm_config *config)
{
    const struct nm_value *value = &config->values[NM_OPT_MATCH_KEYBOARDS];

    config->layouts =
        nm_arena_alloc(config->arena, (value->count + 1) * sizeof *config->layouts);
    if (config->layouts == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < value->count; i++)
        config->layouts[i] = value->items[i].text;
    config->layout_count = value->count;
    return NM_OK;
}

static enum nm_code load_table(
    struct nm_config *config, enum nm_option_id id, struct nm_table_file *table)
{
    struct nm_reader reader = nm_config_reader(config);
    struct nm_error error;
    enum nm_code code;

    if (config->values[id].text[0] == '\0')
        return NM_OK;
    table->path = config->values[id].text;
    code = nm_file_read(
        table->path, NM_TABLE_BYTES_MAX, &table->text, &table->length, &error);
    if (code == NM_BAD_INPUT) {
        nm_complain_of(&reader, config->values[id].line, "%s: %s: %s",
            nm_options[id].path, nm_quote_text(table->path).text, error.message);
        return NM_OK;
    }
    if (code == NM_OK)
        nm_digest_add(&config->digest, table->text, table->length);
    return code;
}

static enum nm_code load_tables(struct nm_config *config)
{
    enum nm_code code =
        load_table(config, NM_OPT_TABLES_SUFFIX_SLIPS, &config->suffix_slips);

    if (code == NM_OK)
        code = load_table(config, NM_OPT_TABLES_KEYBOARDS, &config->keyboards);
    if (code == NM_OK)
        code = load_table(config, NM_OPT_TABLES_GLYPHS, &config->glyphs);
    if (code == NM_OK)
        code =
            load_table(config, NM_OPT_TABLES_PUBLIC_SUFFIXES, &config->public_suffixes);
    return code;
}

/* The text of a notice, with all that it may name known. */
static enum nm_code load_notice(
    struct nm_config *config, enum nm_option_id id, struct nm_table_file *file)
{
    struct nm_reader reader = nm_config_reader(config);
    const enum nm_code code = load_table(config, id, file);
    char words[NM_ERROR_MESSAGE_MAX];
    struct nm_buf why;

    if (code != NM_OK || file->text == NULL)
        return code;
    nm_buf_init(&why, words, sizeof words);
    if (strlen(file->text) != file->length)
        nm_buf_puts(&why, "has a NUL byte");
    else if (nm_template_check_text(
                 file->text, &nm_notice_names, NM_NOTICE_TEMPLATE_MAX, true, &why))
        return NM_OK;
    nm_complain_of(&reader, config->values[id].line, "%s: %s %s", nm_options[id].path,
        nm_quote_text(file->path).text, words);
    return NM_OK;
}

/* Senders are told of mail that is known to be this site's. */
static void warn_of_strangers(struct nm_config *config)
{
    const struct nm_value *values = config->values;
    const struct nm_place place =
        nm_source_place(config->source, values[NM_OPT_NOTICE_SENDER].line);

    if (values[NM_OPT_NOTICE_SENDER].number != 0 &&
        values[NM_OPT_PROTECT_OWN].count == 0 &&
        values[NM_OPT_OUTBOUND_NETWORKS].count == 0 &&
        values[NM_OPT_OUTBOUND_AUTHENTICATED].number == 0)
        nm_warn(config->complaints, place.file, place.line,
            "notice.sender: only who has logged in is told, as neither protect.own nor "
            "outbound says whose mail this is");
}

static enum nm_code load_notices(struct nm_config *config)
{
    enum nm_code code =
        load_notice(config, NM_OPT_NOTICE_TEMPLATE, &config->notice_template);

    if (code == NM_OK)
        code = load_notice(
            config, NM_OPT_NOTICE_REVIEWER_TEMPLATE, &config->notice_reviewer_template);
    if (code == NM_OK)
        warn_of_strangers(config);
    return code;
}

/* ---- the whole ---------------------------------------------------------- */

static bool is_unset(const struct nm_value *list)
{
    return list->line == 0 || list->is_empty;
}

/* As in a configuration that nobody has filled in yet. */
static void warn_of_no_domains(struct nm_config *config)
{
    const struct nm_place place =
        nm_source_place(config->source, config->values[NM_OPT_PROTECT].line);

    nm_warn(config->complaints, place.file, place.line,
        "protect names no domains: put your own into protect.own, and those that "
        "people "
        "here write to into protect.domains");
}

static void check_protect(struct nm_config *config)
{
    struct nm_reader reader = nm_config_reader(config);
    const struct nm_value *values = config->values;

    if (values[NM_OPT_PROTECT].line == 0)
        nm_complain(config->complaints, nm_source_place(config->source, 1).file, 0,
            "protect is missing: it names the domains that people here write to");
    else if (is_unset(&values[NM_OPT_PROTECT_OWN]) &&
             is_unset(&values[NM_OPT_PROTECT_DOMAINS]) &&
             is_unset(&values[NM_OPT_PROTECT_SUFFIXES]) &&
             is_unset(&values[NM_OPT_PROTECT_FILES]) &&
             values[NM_OPT_PROTECT_PROVIDERS].number == 0)
        nm_complain_of(&reader, values[NM_OPT_PROTECT].line,
            "protect names nothing, so nothing can be near it");
    else if (is_unset(&values[NM_OPT_PROTECT_OWN]) &&
             is_unset(&values[NM_OPT_PROTECT_DOMAINS]) &&
             is_unset(&values[NM_OPT_PROTECT_FILES]))
        warn_of_no_domains(config);
}

static enum nm_code load_names(struct nm_config *config)
{
    struct nm_error error;
    enum nm_code code = nm_config_suffixes(config, &config->suffix_list, &error);

    if (code == NM_OK)
        code = nm_names_new(config->suffix_list, &config->names, &error);
    if (code == NM_OK || code == NM_NO_MEMORY)
        return code;
    nm_complain(config->complaints, error.file, error.line, "%s", error.message);
    return NM_BAD_INPUT;
}

/* An index without names tells what is wrong with the tables, so that building the one
 * with all names has nothing left to complain of. */
static enum nm_code check_tables(struct nm_config *config)
{
    struct nm_reader reader = nm_config_reader(config);
    const struct nm_value *keyboards = &config->values[NM_OPT_MATCH_KEYBOARDS];
    struct nm_error error = {.code = NM_OK};
    struct nm_index *index = NULL;
    const enum nm_code code =
        nm_config_index_empty(config, config->names, &index, &error);

    nm_index_free(&index);
    if (code == NM_OK || code == NM_NO_MEMORY)
        return code;
    /* Without a line it is the choice of keyboards and not the table that is wrong. */
    if (error.line == 0 && keyboards->line > 0)
        nm_complain_of(&reader, keyboards->line, "match.keyboards: %s", error.message);
    else
        nm_complain(config->complaints, error.file, error.line, "%s", error.message);
    return NM_OK;
}

static enum nm_code load_parts(struct nm_config *config)
{
    enum nm_code (*const steps[])(struct nm_config *) = {resolve_paths, place_history,
        place_files, place_notices, name_gateway, load_networks, nm_config_load_rules,
        nm_config_check_confirm, load_layouts, load_tables, load_notices, load_names,
        check_tables, nm_config_load_domains, nm_config_load_popularity};
    enum nm_code code = NM_OK;

    for (size_t i = 0; code == NM_OK && i < NM_COUNT(steps); i++)
        code = steps[i](config);
    if (code == NM_OK)
        fill_settings(config);
    return code;
}

static enum nm_code load_values(struct nm_config *config)
{
    struct nm_reader reader = nm_config_reader(config);
    enum nm_code code =
        nm_values_default(config->arena, nm_options, NM_OPT_COUNT, config->values);

    if (code == NM_OK)
        code = nm_values_read(&reader, config_root_setting(&config->tree), nm_options,
            NM_OPT_COUNT, "", config->values);
    if (code == NM_OK)
        check_protect(config);
    return code;
}

/* From a source that was read to a whole configuration. */
static enum nm_code load(struct nm_config *config, enum nm_tree_trial trial)
{
    const size_t errors = config->complaints->errors;
    enum nm_code code =
        nm_tree_parse(config->source, trial, &config->tree, config->complaints);

    if (code != NM_OK)
        return code;
    nm_digest_init(&config->digest);
    nm_digest_add(&config->digest, nm_source_text(config->source),
        nm_source_length(config->source));
    code = load_values(config);
    if (code == NM_OK)
        code = load_parts(config);
    if (code == NM_OK)
        nm_digest_hex(&config->digest, config->hash);
    if (code == NM_OK && config->complaints->errors > errors)
        code = NM_BAD_INPUT;
    return code;
}

static enum nm_code new_config(struct nm_complaints *complaints, struct nm_config **out)
{
    struct nm_config *config = calloc(1, sizeof *config);

    if (config == NULL)
        return NM_NO_MEMORY;
    if (nm_arena_new(ARENA_BYTES_MAX, &config->arena) != NM_OK) {
        free(config);
        return NM_NO_MEMORY;
    }
    config_init(&config->tree);
    config->complaints = complaints;
    *out = config;
    return NM_OK;
}

static enum nm_code take_folder(struct nm_config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name =
        slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    char *folder = name != NULL ? realpath(name, NULL) : NULL;

    if (name == NULL)
        return NM_NO_MEMORY;
    free(name);
    if (folder == NULL && errno == ENOMEM)
        return NM_NO_MEMORY;
    if (folder == NULL) {
        nm_complain(config->complaints, path, 0, "cannot open: %s", strerror(errno));
        return NM_BAD_INPUT;
    }
    config->folder = nm_arena_copy(config->arena, folder, strlen(folder));
    free(folder);
    return config->folder != NULL ? NM_OK : NM_NO_MEMORY;
}

static void sort_complaints(const struct nm_config *config)
{
    size_t count = 0;
    const char *const *files =
        config->source != NULL ? nm_source_files(config->source, &count) : NULL;

    nm_complaints_sort(config->complaints, files, count);
}

static enum nm_code finish(
    struct nm_config *config, enum nm_code code, struct nm_config **out)
{
    sort_complaints(config);
    config->complaints = NULL;
    if (code == NM_OK)
        *out = config;
    else
        nm_config_free(&config);
    return code;
}

enum nm_code nm_config_load(
    const char *path, struct nm_config **out, struct nm_complaints *complaints)
{
    struct nm_config *config = NULL;
    enum nm_code code = new_config(complaints, &config);

    if (code != NM_OK)
        return code;
    code = take_folder(config, path);
    if (code == NM_OK)
        code = nm_source_read(path, config->folder, &config->source, complaints);
    if (code == NM_OK)
        code = load(config, NM_TREE_TRIAL);
    return finish(config, code, out);
}

enum nm_code nm_config_load_memory(const char *text, size_t length,
    struct nm_config **out, struct nm_complaints *complaints)
{
    struct nm_config *config = NULL;
    enum nm_code code = new_config(complaints, &config);

    if (code != NM_OK)
        return code;
    config->folder = "/nonexistent";
    code = nm_source_take("(memory)", text, length, &config->source, complaints);
    if (code == NM_OK)
        code = load(config, NM_TREE_NO_TRIAL);
    return finish(config, code, out);
}

void nm_config_free(struct nm_config **config)
{
    struct nm_config *old = *config;

    if (old == NULL)
        return;
    nm_roster_free(&old->roster);
    nm_roster_free(&old->ranked);
    nm_names_free(&old->names);
    psl_free(old->suffix_list);
    free(old->public_suffixes.text);
    free(old->suffix_slips.text);
    free(old->notice_template.text);
    free(old->notice_reviewer_template.text);
    free(old->keyboards.text);
    free(old->glyphs.text);
    config_destroy(&old->tree);
    nm_source_free(&old->source);
    nm_arena_free(&old->arena);
    free(old);
    *config = NULL;
}

const struct nm_settings *nm_config_settings(const struct nm_config *config)
{
    return &config->settings;
}

const char *nm_config_hash(const struct nm_config *config)
{
    return config->hash;
}

const char *nm_config_text(const struct nm_config *config)
{
    return nm_source_text(config->source);
}
