/* `nearmiss config test`, `defaults` and `show`. */
#include "command.h"
#include "json.h"
#include "load.h"

#include <string.h>

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text or json (default: text)"},
};

/* ---- test --------------------------------------------------------------- */

/* How much a configuration that is fine holds. */
struct sizes {
    size_t names;
    size_t rules;
};

static void print_fine(const struct nm_call *call, const struct sizes *sizes)
{
    (void)fprintf(call->out, "%s: fine (%zu name%s, %zu rule%s)\n",
        nm_call_config(call), sizes->names, sizes->names == 1 ? "" : "s", sizes->rules,
        sizes->rules == 1 ? "" : "s");
}

static json_t *complaint_json(const struct nm_complaint *complaint)
{
    const struct nm_error *error = &complaint->error;
    struct nm_json json = nm_json_begin();

    nm_json_add_nonempty(&json, "file", error->file);
    nm_json_add(
        &json, "line", error->line > 0 ? json_integer(error->line) : json_null());
    nm_json_add_text(&json, "severity", complaint->warning ? "warning" : "error");
    nm_json_add_text(&json, "message", error->message);
    return nm_json_take(&json);
}

static json_t *complaints_json(const struct nm_complaints *complaints)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < complaints->count; i++) {
        if (json_array_append_new(array, complaint_json(&complaints->rows[i])) == 0)
            continue;
        json_decref(array);
        array = NULL;
    }
    return array;
}

/* `sizes` and `hash` are NULL for a configuration that is wrong. */
static bool print_test_json(const struct nm_call *call, const struct sizes *sizes,
    const char *hash, const struct nm_complaints *complaints)
{
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "file", nm_call_config(call));
    nm_json_add(&json, "fine", json_boolean(sizes != NULL));
    nm_json_add_text(&json, "config", hash);
    nm_json_add(&json, "names",
        sizes != NULL ? json_integer((json_int_t)sizes->names) : json_null());
    nm_json_add(&json, "rules",
        sizes != NULL ? json_integer((json_int_t)sizes->rules) : json_null());
    nm_json_add(&json, "complaints", complaints_json(complaints));
    nm_json_add(
        &json, "complaints_dropped", json_integer((json_int_t)complaints->dropped));
    return nm_json_end(&json, call->out);
}

static enum nm_exit run_test(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot = NULL;
    struct nm_complaints complaints;
    struct sizes sizes = {0};
    enum nm_format format;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &format))
        return NM_EXIT_USAGE;
    status = nm_load_quietly(call, &config, &snapshot, &complaints);
    if (status == NM_EXIT_FINE) {
        sizes.names = nm_index_size(nm_snapshot_values(snapshot)->index);
        sizes.rules = nm_policy_size(nm_snapshot_values(snapshot)->policy);
        nm_snapshot_release(&snapshot);
    }
    if (format == NM_FORMAT_TEXT) {
        nm_complaints_print(&complaints, call->err);
        if (status == NM_EXIT_FINE)
            print_fine(call, &sizes);
    } else if (status != NM_EXIT_SYSTEM &&
               !print_test_json(call, config != NULL ? &sizes : NULL,
                   config != NULL ? nm_config_hash(config) : NULL, &complaints)) {
        status = nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    }
    nm_complaints_free(&complaints);
    nm_config_free(&config);
    return status;
}

static const char test_description[] =
    "Reads the configuration and everything it names, as the daemon does, and says\n"
    "that it is fine, with the numbers of names and rules; or prints each complaint\n"
    "on standard error as FILE:LINE: what. Nothing is changed. With --format json, "
    "one\n"
    "object says it all, complaints and warnings included.\n";

const struct nm_command nm_command_config_test = {
    .name = "config test",
    .summary = "check the configuration, its lists and tables",
    .arguments = "",
    .description = test_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_test,
};

/* ---- values as JSON ----------------------------------------------------- */

/* One object an option, printed as they come. */
struct printing {
    const struct nm_call *call;
    const struct nm_config *config; /* NULL: the defaults */
    bool failed;
    size_t rule; /* the one that is being printed */
};

/* An object that is filled from what a rule, or an exception, gives. */
struct filling {
    struct printing *printing;
    struct nm_json json;
};

static void add_rule_key(void *self, const struct nm_config_value *value);

static json_t *texts_json(const struct nm_config_value *value)
{
    struct nm_json list = {.object = json_array()};

    for (size_t i = 0; list.object != NULL && i < value->count; i++) {
        const char *text = value->texts[i];

        if (json_array_append_new(list.object, nm_json_bytes(text, strlen(text))) != 0)
            list.failed = true;
    }
    return nm_json_take(&list);
}

/* `exception` is one of the rule's, or NO_EXCEPTION for the rule itself. */
#define NO_EXCEPTION SIZE_MAX

static json_t *rule_json(struct printing *printing, size_t exception)
{
    struct filling filling = {.printing = printing, .json = nm_json_begin()};
    const enum nm_code code =
        exception == NO_EXCEPTION
            ? nm_config_each_of_rule(
                  printing->config, printing->rule, add_rule_key, &filling)
            : nm_config_each_of_exception(
                  printing->config, printing->rule, exception, add_rule_key, &filling);

    if (code != NM_OK)
        filling.json.failed = true;
    return nm_json_take(&filling.json);
}

static json_t *rules_json(struct printing *printing, size_t count)
{
    struct nm_json list = {.object = json_array()};

    for (size_t i = 0; list.object != NULL && i < count; i++) {
        printing->rule = i;
        if (json_array_append_new(list.object, rule_json(printing, NO_EXCEPTION)) != 0)
            list.failed = true;
    }
    return nm_json_take(&list);
}

static json_t *exceptions_json(struct printing *printing, size_t count)
{
    struct nm_json list = {.object = json_array()};

    for (size_t i = 0; list.object != NULL && i < count; i++) {
        if (json_array_append_new(list.object, rule_json(printing, i)) != 0)
            list.failed = true;
    }
    return nm_json_take(&list);
}

static void add_value(struct printing *printing, struct nm_json *json, const char *key,
    const struct nm_config_value *value)
{
    switch (value->kind) {
    case NM_CONFIG_BOOL:
        nm_json_add(json, key, json_boolean(value->number != 0));
        break;
    case NM_CONFIG_INTEGER:
        nm_json_add(json, key, json_integer((json_int_t)value->number));
        break;
    case NM_CONFIG_REAL:
        nm_json_add(json, key, json_real(value->number));
        break;
    case NM_CONFIG_TEXT:
        nm_json_add_text(json, key, value->text);
        break;
    case NM_CONFIG_TEXTS:
        nm_json_add(json, key, texts_json(value));
        break;
    case NM_CONFIG_RULES:
        nm_json_add(json, key, rules_json(printing, value->count));
        break;
    case NM_CONFIG_EXCEPTIONS:
        nm_json_add(json, key, exceptions_json(printing, value->count));
        break;
    }
}

static void add_rule_key(void *self, const struct nm_config_value *value)
{
    struct filling *filling = self;

    add_value(filling->printing, &filling->json, value->path, value);
}

static void print_option(void *self, const struct nm_config_value *value)
{
    struct printing *printing = self;
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "option", value->path);
    add_value(printing, &json, "value", value);
    if (printing->config == NULL) {
        nm_json_add_text(&json, "help", value->help);
    } else {
        nm_json_add_text(&json, "file", value->file);
        nm_json_add(&json, "line",
            value->file != NULL ? json_integer(value->line) : json_null());
    }
    if (!nm_json_end(&json, printing->call->out))
        printing->failed = true;
}

static enum nm_exit print_json(
    const struct nm_call *call, const struct nm_config *config)
{
    struct printing printing = {.call = call, .config = config};

    if (nm_config_each(config, print_option, &printing) != NM_OK || printing.failed)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    return NM_EXIT_FINE;
}

/* ---- defaults ----------------------------------------------------------- */

static enum nm_exit run_defaults(const struct nm_call *call)
{
    enum nm_format format;

    if (!nm_call_format(call, NM_FORMAT_JSON, &format))
        return NM_EXIT_USAGE;
    if (format == NM_FORMAT_JSON)
        return print_json(call, NULL);
    (void)nm_config_print_defaults(call->out); /* what fails is told at the end */
    return NM_EXIT_FINE;
}

static const char defaults_description[] =
    "Prints every option with its default and what it is for, as a configuration\n"
    "that can be read again. The file that -c names is not read. With --format json,\n"
    "an object an option: option, value, help.\n";

const struct nm_command nm_command_config_defaults = {
    .name = "config defaults",
    .summary = "print a configuration that holds every default",
    .arguments = "",
    .description = defaults_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_defaults,
};

/* ---- show --------------------------------------------------------------- */

static enum nm_exit run_show(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    enum nm_format format;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &format))
        return NM_EXIT_USAGE;
    status = nm_load(call, &config, NULL);
    if (status == NM_EXIT_FINE && format == NM_FORMAT_JSON)
        status = print_json(call, config);
    else if (status == NM_EXIT_FINE)
        (void)nm_config_print(config, call->out);
    nm_config_free(&config);
    return status;
}

static const char show_description[] =
    "Prints every option with its value: the configuration's, or the default where\n"
    "it gives none. The output can be read again. With --format json, an object an\n"
    "option: option, value, and file and line where it was given.\n";

const struct nm_command nm_command_config_show = {
    .name = "config show",
    .summary = "print the values in force",
    .arguments = "",
    .description = show_description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run_show,
};
