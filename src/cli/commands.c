#include "command.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct nm_command *const commands[] = {
    &nm_command_check,
    &nm_command_explain,
    &nm_command_config_test,
    &nm_command_config_defaults,
    &nm_command_config_show,
    &nm_command_audit_list,
    &nm_command_audit_show,
    &nm_command_audit_stats,
    &nm_command_audit_export,
    &nm_command_report,
    &nm_command_allow_add,
    &nm_command_allow_list,
    &nm_command_allow_remove,
    &nm_command_history_import,
    &nm_command_history_list,
    &nm_command_audit_verify,
    &nm_command_audit_prune,
    &nm_command_audit_erase,
    &nm_command_audit_rotate_key,
    &nm_command_quarantine_list,
    &nm_command_quarantine_show,
    &nm_command_quarantine_release,
    &nm_command_quarantine_delete,
    &nm_command_reload,
    &nm_command_status,
};

static const char *command_name(const void *names, size_t i)
{
    (void)names;
    return commands[i]->name;
}

/* The first word of a name. */
static size_t first_word(const char *name)
{
    return strcspn(name, " ");
}

/* How many of the words at `words` name `command`: 0 when they name another. */
static int words_of(const struct nm_command *command, int count, char **words)
{
    const size_t first = first_word(command->name);
    const char *second = command->name[first] == ' ' ? command->name + first + 1 : NULL;

    if (count < 1 || strlen(words[0]) != first ||
        strncmp(words[0], command->name, first) != 0)
        return 0;
    if (second == NULL)
        return 1;
    return count >= 2 && strcmp(words[1], second) == 0 ? 2 : 0;
}

static const struct nm_command *find_command(int count, char **words, int *used)
{
    for (size_t i = 0; i < NM_COUNT(commands); i++) {
        *used = words_of(commands[i], count, words);
        if (*used > 0)
            return commands[i];
    }
    return NULL;
}

/* The second word of the commands whose first is `group`; NULL for the others. */
static const char *second_word(const void *group, size_t i)
{
    const size_t first = first_word(commands[i]->name);
    const char *name = commands[i]->name;

    return name[first] == ' ' && strlen(group) == first &&
                   strncmp(group, name, first) == 0
               ? name + first + 1
               : NULL;
}

static bool is_group(const char *word)
{
    for (size_t i = 0; i < NM_COUNT(commands); i++) {
        const size_t first = first_word(commands[i]->name);

        if (commands[i]->name[first] == ' ' && strlen(word) == first &&
            strncmp(word, commands[i]->name, first) == 0)
            return true;
    }
    return false;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `nearmiss`, `nearmiss audit`, and words that name nothing. */
static enum nm_exit complain_of_words(FILE *err, int count, char **words)
{
    const bool group = count > 0 && is_group(words[0]);
    const bool second = group && count > 1 && words[1][0] != '-';
    const struct nm_shown first = nm_show(count > 0 ? words[0] : "");
    char tried[2 * sizeof first.text + 2];
    const char *meant;

    (void)snprintf(tried, sizeof tried, "%s%s%s", first.text, second ? " " : "",
        second ? nm_show(words[1]).text : "");
    meant = second ? nm_suggest(words[1], second_word, words[0], NM_COUNT(commands))
                   : nm_suggest(first.text, command_name, NULL, NM_COUNT(commands));
    if (count == 0)
        (void)fputs("nearmiss: a subcommand is missing\n", err);
    else if (first.text[0] == '-')
        (void)fprintf(err,
            "nearmiss: the subcommand comes first, then its options: %s\n", first.text);
    else if (group && !second)
        (void)fprintf(err, "nearmiss %s: a subcommand is missing\n", tried);
    else
        (void)fprintf(err, "nearmiss: there is no subcommand \"%s\"%s%s%s%s%s\n", tried,
            meant != NULL ? "; did you mean \"" : "",
            meant != NULL && second ? words[0] : "", meant != NULL && second ? " " : "",
            meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
    nm_help_commands(commands, NM_COUNT(commands), group ? words[0] : NULL, err);
    return NM_EXIT_USAGE;
}

static enum nm_exit run_command(const struct nm_surroundings *surroundings,
    const struct nm_command *command, int argc, char **argv)
{
    struct nm_call call = {.command = command,
        .in = surroundings->in,
        .out = surroundings->out,
        .err = surroundings->err,
        .colour = surroundings->colour,
        .unicode = surroundings->unicode,
        .now_us = surroundings->now_us};
    const enum nm_exit status = nm_cli_parse_options(&call, argc, argv);

    if (status != NM_EXIT_FINE)
        return status;
    if (call.values[NM_CLI_HELP] != NULL) {
        nm_help_command(command, call.out);
        return NM_EXIT_FINE;
    }
    return command->run(&call);
}

static enum nm_exit dispatch(
    const struct nm_surroundings *surroundings, int count, char **words)
{
    int used = 0;
    const struct nm_command *command = find_command(count, words, &used);

    if (command != NULL)
        return run_command(surroundings, command, count - used, words + used);
    if (count > 0 && strcmp(words[0], "--version") == 0) {
        (void)fputs("nearmiss " NM_VERSION "\n", surroundings->out);
        return NM_EXIT_FINE;
    }
    if (count > 0 && is_help(words[0])) {
        nm_help_commands(commands, NM_COUNT(commands), NULL, surroundings->out);
        return NM_EXIT_FINE;
    }
    if (count > 1 && is_group(words[0]) && is_help(words[1])) {
        nm_help_commands(commands, NM_COUNT(commands), words[0], surroundings->out);
        return NM_EXIT_FINE;
    }
    return complain_of_words(surroundings->err, count, words);
}

enum nm_exit nm_cli_run(
    const struct nm_surroundings *surroundings, int argc, char **argv)
{
    enum nm_exit status = dispatch(surroundings, argc > 0 ? argc - 1 : 0, argv + 1);
    const bool failed = ferror(surroundings->out) != 0;

    errno = 0;
    if (fflush(surroundings->out) != 0 || failed) {
        (void)fprintf(surroundings->err, "nearmiss: cannot write the output%s%s\n",
            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
        status = NM_EXIT_SYSTEM;
    }
    return status;
}
