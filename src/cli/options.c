/*
 * Options by one table. Not getopt_long(): that takes any beginning of a name, so that an
 * option added later would break calls that work today.
 */
#include "command.h"
#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static const struct option {
    const char *name;
    char letter;       /* '\0' for none */
    const char *value; /* what the value is called; NULL: the option has none */
} options[NM_CLI_COUNT] = {
    [NM_CLI_CONFIG] = {"--config", 'c', "FILE"},
    [NM_CLI_FORMAT] = {"--format", '\0', "FORMAT"},
    [NM_CLI_SENDER] = {"--sender", '\0', "ADDRESS"},
    [NM_CLI_CLIENT] = {"--client", '\0', "IP"},
    [NM_CLI_AUTH] = {"--auth", '\0', "USER"},
    [NM_CLI_SINCE] = {"--since", '\0', "TIME"},
    [NM_CLI_UNTIL] = {"--until", '\0', "TIME"},
    [NM_CLI_DOMAIN] = {"--domain", '\0', "DOMAIN"},
    [NM_CLI_TARGET] = {"--target", '\0', "DOMAIN"},
    [NM_CLI_RECIPIENT] = {"--recipient", '\0', "ADDRESS"},
    [NM_CLI_ACTION] = {"--action", '\0', "ACTION"},
    [NM_CLI_TECHNIQUE] = {"--technique", '\0', "NAME"},
    [NM_CLI_RULE] = {"--rule", '\0', "NAME"},
    [NM_CLI_MATCH] = {"--match", '\0', "MATCH"},
    [NM_CLI_OUTCOME] = {"--outcome", '\0', "OUTCOME"},
    [NM_CLI_ACTS] = {"--acts", '\0', NULL},
    [NM_CLI_LAST] = {"--last", '\0', "N"},
    [NM_CLI_REASON] = {"--reason", '\0', "TEXT"},
    [NM_CLI_EXPIRES] = {"--expires", '\0', "TIME"},
    [NM_CLI_TO] = {"--to", '\0', "ADDRESS"},
    [NM_CLI_AGAIN] = {"--again", '\0', NULL},
    [NM_CLI_DONE] = {"--done", '\0', NULL},
    [NM_CLI_RAW] = {"--raw", '\0', NULL},
    [NM_CLI_COUNTS] = {"--counts", '\0', "FILE"},
    [NM_CLI_FOLLOW] = {"--follow", '\0', NULL},
    [NM_CLI_CURSOR] = {"--cursor", '\0', "FILE"},
    [NM_CLI_HTML] = {"--html", '\0', "FILE"},
    [NM_CLI_BEFORE] = {"--before", '\0', "TIME"},
    [NM_CLI_CHECKPOINT] = {"--checkpoint", '\0', "TEXT"},
    [NM_CLI_KEY] = {"--key", '\0', "FILE"},
    [NM_CLI_DATABASE] = {"--database", '\0', "FILE"},
    [NM_CLI_SOCKET] = {"--socket", '\0', "PATH"},
    [NM_CLI_HELP] = {"--help", 'h', NULL},
};

const char *nm_cli_option_name(enum nm_cli_option option)
{
    return options[option].name;
}

const char *nm_cli_option_value(enum nm_cli_option option)
{
    return options[option].value;
}

/* ---- complaints --------------------------------------------------------- */

static void complain(const struct nm_call *call, const char *format, va_list arguments)
    NM_PRINTF(2, 0);

static void complain(const struct nm_call *call, const char *format, va_list arguments)
{
    (void)fprintf(call->err, "nearmiss %s: ", call->command->name);
    (void)vfprintf(call->err, format, arguments);
    (void)fputc('\n', call->err);
}

static enum nm_exit point_to_help(const struct nm_call *call)
{
    (void)fprintf(
        call->err, "Try \"nearmiss %s --help\" for more.\n", call->command->name);
    return NM_EXIT_USAGE;
}

enum nm_exit nm_usage(const struct nm_call *call, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(call, format, arguments);
    va_end(arguments);
    nm_help_usage(call->command, call->err);
    return point_to_help(call);
}

enum nm_exit nm_wrong_value(const struct nm_call *call, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(call, format, arguments);
    va_end(arguments);
    return point_to_help(call);
}

enum nm_exit nm_complain_and(
    const struct nm_call *call, enum nm_exit status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(call, format, arguments);
    va_end(arguments);
    return status;
}

static const char *used_name(const void *names, size_t i)
{
    const struct nm_command *command = names;

    return i < command->option_count ? options[command->options[i].option].name
                                     : options[NM_CLI_HELP].name;
}

static enum nm_exit complain_of_option(const struct nm_call *call, const char *word)
{
    const struct nm_command *command = call->command;
    const char *meant = nm_suggest(word, used_name, command, command->option_count + 1);

    if (meant != NULL)
        return nm_usage(
            call, "there is no option %s; did you mean %s?", nm_show(word).text, meant);
    return nm_usage(call, "there is no option %s", nm_show(word).text);
}

/* ---- parsing ------------------------------------------------------------ */

static bool takes(const struct nm_command *command, enum nm_cli_option option)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].option == option)
            return true;
    return option == NM_CLI_HELP;
}

/* The option that the first `length` bytes of `word` name, or NM_CLI_COUNT. */
static unsigned find_option(
    const struct nm_command *command, const char *word, size_t length)
{
    const bool is_long = strncmp(word, "--", 2) == 0;

    for (unsigned i = 0; i < NM_CLI_COUNT; i++) {
        const struct option *option = &options[i];
        const bool named = is_long
                               ? strlen(option->name) == length &&
                                     strncmp(option->name, word, length) == 0
                               : option->letter != '\0' && option->letter == word[1];

        if (named && takes(command, (enum nm_cli_option)i))
            return i;
    }
    return NM_CLI_COUNT;
}

/* Take the option at `argv[*at]` and its value; `*at` is left at the last word used. */
static enum nm_exit take_option(struct nm_call *call, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const bool is_long = strncmp(word, "--", 2) == 0;
    const size_t length = is_long ? strcspn(word, "=") : 2;
    const char *joined =
        word[length] == '\0' ? NULL : word + length + (is_long ? 1 : 0);
    const unsigned found = find_option(call->command, word, length);

    if (found == NM_CLI_COUNT)
        return complain_of_option(call, word);
    if (options[found].value == NULL && joined != NULL)
        return nm_usage(call, "%s takes no value", options[found].name);
    if (options[found].value == NULL)
        joined = "";
    if (joined == NULL && *at + 1 == argc)
        return nm_usage(
            call, "%.*s needs a value: %s", (int)length, word, options[found].value);
    if (joined == NULL)
        joined = argv[++*at];
    call->values[found] = joined;
    return NM_EXIT_FINE;
}

static enum nm_exit check_count(const struct nm_call *call)
{
    const struct nm_command *command = call->command;

    if (call->values[NM_CLI_HELP] != NULL)
        return NM_EXIT_FINE;
    if (call->argument_count < command->least)
        return nm_usage(call, "an argument is missing: %s", command->arguments);
    if (call->argument_count > command->most)
        return nm_usage(call, "one argument too many: %s",
            nm_show(call->arguments[command->most]).text);
    return NM_EXIT_FINE;
}

enum nm_exit nm_cli_parse_options(struct nm_call *call, int argc, char **argv)
{
    bool only_arguments = false;

    call->arguments = argv;
    for (int at = 0; at < argc; at++) {
        char *word = argv[at];

        if (only_arguments || word[0] != '-' || word[1] == '\0') {
            argv[call->argument_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_arguments = true;
        } else {
            const enum nm_exit status = take_option(call, argc, argv, &at);

            if (status != NM_EXIT_FINE)
                return status;
        }
    }
    return check_count(call);
}

/* ---- values ------------------------------------------------------------- */

bool nm_call_name(const struct nm_call *call, enum nm_cli_option option,
    const char *(*name)(const void *names, size_t i), const void *names, size_t count,
    size_t *out)
{
    const char *value = call->values[option];
    const char *meant;
    char all[512];
    struct nm_buf buf;

    assert(value != NULL);
    nm_buf_init(&buf, all, sizeof all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name(names, i), value) == 0) {
            *out = i;
            return true;
        }
        nm_buf_printf(&buf, "%s%s",
            i == 0           ? ""
            : i + 1 == count ? " or "
                             : ", ",
            name(names, i));
    }
    meant = nm_suggest(value, name, names, count);
    if (meant != NULL)
        (void)nm_wrong_value(call, "%s is one of %s, not \"%s\"; did you mean %s?",
            options[option].name, all, nm_show(value).text, meant);
    else
        (void)nm_wrong_value(call, "%s is one of %s, not \"%s\"", options[option].name,
            all, nm_show(value).text);
    return false;
}

static const char *format_name(const void *names, size_t i)
{
    static const char *const all[] = {[NM_FORMAT_TEXT] = "text",
        [NM_FORMAT_JSON] = "json",
        [NM_FORMAT_PROMETHEUS] = "prometheus",
        [NM_FORMAT_CSV] = "csv"};
    const enum nm_format *formats = names;

    return all[formats[i]];
}

bool nm_call_format_of(const struct nm_call *call, const enum nm_format *formats,
    size_t count, enum nm_format *out)
{
    size_t found = 0;

    if (call->values[NM_CLI_FORMAT] != NULL &&
        !nm_call_name(call, NM_CLI_FORMAT, format_name, formats, count, &found))
        return false;
    *out = formats[found];
    return true;
}

bool nm_call_format(
    const struct nm_call *call, enum nm_format last, enum nm_format *out)
{
    const enum nm_format formats[] = {NM_FORMAT_TEXT, NM_FORMAT_JSON, last};

    return nm_call_format_of(call, formats, last == NM_FORMAT_JSON ? 2 : 3, out);
}
