#include "command.h"
#include "text.h"

#include <string.h>

enum { LINE_COLUMNS = 80, OPTION_COLUMNS = 24 };

/* Put `word` on the line, or on a new one that is indented; `*column` is where it ends. */
static void put_word(FILE *out, const char *word, size_t indent, size_t *column)
{
    const size_t length = strlen(word);

    if (*column + 1 + length > LINE_COLUMNS) {
        (void)fprintf(out, "\n%*s", (int)indent, "");
        *column = indent - 1;
    } else {
        (void)fputc(' ', out);
    }
    (void)fputs(word, out);
    *column += 1 + length;
}

void nm_help_usage(const struct nm_command *command, FILE *out)
{
    const size_t indent = strlen("usage: nearmiss ") + strlen(command->name) + 1;
    size_t column = indent - 1;
    char word[80];

    (void)fprintf(out, "usage: nearmiss %s", command->name);
    for (size_t i = 0; i < command->option_count; i++) {
        const enum nm_cli_option option = command->options[i].option;
        const char *value = nm_cli_option_value(option);

        (void)snprintf(word, sizeof word, "[%s%s%s]",
            option == NM_CLI_CONFIG ? "-c" : nm_cli_option_name(option),
            value != NULL ? " " : "", value != NULL ? value : "");
        put_word(out, word, indent, &column);
    }
    if (command->arguments[0] != '\0')
        put_word(out, command->arguments, indent, &column);
    (void)fputc('\n', out);
}

static void put_option(FILE *out, enum nm_cli_option option, const char *help)
{
    const char *value = nm_cli_option_value(option);
    char name[80];

    (void)snprintf(name, sizeof name, "%s%s%s%s",
        option == NM_CLI_CONFIG ? "-c, "
        : option == NM_CLI_HELP ? "-h, "
                                : "    ",
        nm_cli_option_name(option), value != NULL ? " " : "",
        value != NULL ? value : "");
    (void)fprintf(out, "  %-*s  %s\n", OPTION_COLUMNS, name, help);
}

void nm_help_command(const struct nm_command *command, FILE *out)
{
    nm_help_usage(command, out);
    (void)fprintf(out, "\n%s\n", command->description);
    for (size_t i = 0; i < command->option_count; i++)
        put_option(out, command->options[i].option, command->options[i].help);
    put_option(out, NM_CLI_HELP, "show this and exit");
    (void)fputs("\nExit status:\n  0  fine\n", out);
    if (command->finding != NULL)
        (void)fprintf(out, "  1  %s\n", command->finding);
    (void)fputs("  2  wrong usage\n"
                "  3  the configuration is wrong\n"
                "  4  the system failed; standard error says at what\n",
        out);
}

void nm_help_commands(const struct nm_command *const *commands, size_t count,
    const char *group, FILE *out)
{
    const size_t length = group != NULL ? strlen(group) : 0;

    (void)fprintf(out, "usage: nearmiss %s%s[OPTION...] [ARGUMENT...]\n\n",
        group != NULL ? group : "SUBCOMMAND", group != NULL ? " SUBCOMMAND " : " ");
    for (size_t i = 0; i < count; i++)
        if (strncmp(commands[i]->name, group != NULL ? group : "", length) == 0)
            (void)fprintf(
                out, "  %-16s  %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n\"nearmiss SUBCOMMAND --help\" tells more of each.\n", out);
    if (group == NULL)
        (void)fputs("\"nearmiss --version\" prints the version.\n", out);
}
