#include "command.h"
#include "daemon.h"
#include "json.h"
#include "prometheus.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_COLUMNS = 24, KEY_BYTES = 64, DEPTH_MAX = 4 };

static void put_value(FILE *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (json_string_length(value) == 0)
            (void)fputc('-', out);
        nm_put_visible(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        (void)fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        (void)fprintf(out, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
        (void)fputs("yes", out);
        break;
    case JSON_FALSE:
        (void)fputs("no", out);
        break;
    default:
        (void)fputs("-", out);
        break;
    }
}

/* A member's name in words: `uptime_s` is "uptime", and its value has a unit. */
static void put_name(FILE *out, const char *key, int width, const char **unit)
{
    char words[KEY_BYTES];
    size_t length;

    (void)nm_copy(words, sizeof words, key);
    length = strlen(words);
    *unit = "";
    if (length > 2 && strcmp(words + length - 2, "_s") == 0) {
        words[length - 2] = '\0';
        *unit = " s";
    }
    for (char *c = words; *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
    (void)fprintf(out, "%-*s", width, words);
}

/* One line a member; of an object inside, one a member of that, indented. */
static void put_members(FILE *out, json_t *object, int depth)
{
    const char *key;
    const char *unit;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const bool nested = json_is_object(value) && depth < DEPTH_MAX;

        (void)fprintf(out, "%*s", 2 * depth, "");
        put_name(out, key, nested ? 0 : KEY_COLUMNS - 2 * depth, &unit);
        if (!nested)
            put_value(out, value);
        (void)fprintf(out, "%s\n", unit);
        if (nested)
            put_members(out, value, depth + 1);
    }
}

static enum nm_exit put_status(
    const struct nm_call *call, const char *text, enum nm_format format)
{
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    bool printed = true;

    if (!json_is_object(object)) {
        json_decref(object);
        return nm_complain_and(call, NM_EXIT_SYSTEM,
            "the daemon's answer cannot be understood: %s", nm_show(text).text);
    }
    if (format == NM_FORMAT_TEXT) {
        put_members(call->out, object, 0);
        json_decref(object);
    } else if (format == NM_FORMAT_PROMETHEUS) {
        nm_put_prometheus(call->out, object);
        json_decref(object);
    } else {
        struct nm_json json = {.object = object};

        printed = nm_json_end(&json, call->out);
    }
    return printed ? NM_EXIT_FINE
                   : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_daemon_answer answer = {0};
    enum nm_format format;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_PROMETHEUS, &format))
        return NM_EXIT_USAGE;
    status = nm_ask_daemon(call, "status", &answer);
    if (status == NM_EXIT_FINE) {
        status = put_status(call, answer.rest, format);
        free(answer.text);
    }
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SOCKET, "the daemon's control socket (default: configured)"},
    {NM_CLI_FORMAT, "text (default), json: one object, or prometheus"},
};

static const char description[] =
    "Asks the running daemon for the hash of the configuration in force and for its\n"
    "counts since it started: sessions, messages, recipients, near misses, and\n"
    "recipients by what was decided.\n"
    "\n"
    "The file that -c names says where the daemon's control socket is.\n";

const struct nm_command nm_command_status = {
    .name = "status",
    .summary = "what the daemon has done since it started",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
