/*
 * replay SCENARIO…             run scenarios (see scenario.h); 1 when one does not hold
 * replay --verdicts CONF       judge the addresses on standard input, one a line, each as
 *                              a recipient of a message of its own, and print what
 *                              `nearmiss check --format json -` prints
 */
#include "scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- failing -------------------------------------------------------------- */

static void tidy_up(struct scenario *scenario)
{
    scenario_remove_files(scenario);
    nm_session_free(&scenario->session);
    nm_slot_free(&scenario->slot);
    for (size_t i = 0; i < scenario->config_count; i++)
        nm_snapshot_release(&scenario->configs[i].snapshot);
    for (size_t i = 0; i < scenario->answer_count; i++)
        free(scenario->answers[i].text);
    free(scenario->answers);
    for (size_t i = 0; i < scenario->line_count; i++)
        free(scenario->lines[i]);
    free(scenario->lines);
    memory_audit_free(&scenario->audit);
}

void scenario_fail(struct scenario *scenario, size_t line, const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%s:%zu: ", scenario->file, line);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    (void)fflush(stderr);
    scenario_remove_files(scenario);
    _exit(1); /* what is still held is not worth a sanitizer's complaint */
}

/* ---- words ---------------------------------------------------------------- */

const char *word_value(const struct words *words, size_t from, const char *key)
{
    const size_t size = strlen(key);

    for (size_t i = from; i < words->count; i++) {
        if (strncmp(words->word[i], key, size) == 0 && words->word[i][size] == '=')
            return words->word[i] + size + 1;
    }
    return NULL;
}

bool word_given(const struct words *words, size_t from, const char *word)
{
    for (size_t i = from; i < words->count; i++) {
        if (strcmp(words->word[i], word) == 0)
            return true;
    }
    return false;
}

unsigned long word_number(struct scenario *scenario, const char *text)
{
    char *end;
    const unsigned long number = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0')
        scenario_fail(scenario, scenario->line, "no number: %s", text);
    return number;
}

static int hex_of(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* `\xNN` in place; other backslashes stay, for regular expressions. */
static void unescape(struct scenario *scenario, char *word)
{
    char *to = word;

    for (const char *from = word; *from != '\0';) {
        if (from[0] != '\\' || from[1] != 'x') {
            *to++ = *from++;
            continue;
        }
        if (hex_of(from[2]) < 0 || hex_of(from[3]) < 0 ||
            (from[2] == '0' && from[3] == '0'))
            scenario_fail(scenario, scenario->line, "no byte: %.4s", from);
        *to++ = (char)(16 * hex_of(from[2]) + hex_of(from[3]));
        from += 4;
    }
    *to = '\0';
}

/* The end of the word that begins here: a blank, but for those in a /regex/. */
static char *end_of_word(char *word)
{
    char *slash = word + strcspn(word, "/ =");

    if (*slash == '=')
        slash++;
    if (*slash == '/' && (slash == word || slash[-1] == '=')) {
        char *close = strchr(slash + 1, '/');

        while (close != NULL && close[1] != '\0' && close[1] != ' ')
            close = strchr(close + 1, '/');
        if (close != NULL)
            return close + 1;
    }
    return word + strcspn(word, " ");
}

static void split(struct scenario *scenario, char *line, struct words *out)
{
    out->count = 0;
    for (char *at = line; *(at += strspn(at, " ")) != '\0';) {
        char *end = end_of_word(at);
        const bool last = *end == '\0';

        if (out->count == WORDS_MAX)
            scenario_fail(scenario, scenario->line, "too many words");
        *end = '\0';
        unescape(scenario, at);
        out->word[out->count++] = at;
        at = last ? end : end + 1;
    }
}

/* ---- lines ---------------------------------------------------------------- */

static void read_lines(struct scenario *scenario)
{
    FILE *file = fopen(scenario->file, "r");
    size_t capacity = 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    if (file == NULL) {
        perror(scenario->file);
        exit(1);
    }
    while ((length = getline(&line, &size, file)) >= 0) {
        if (length > 0 && line[length - 1] == '\n')
            line[length - 1] = '\0';
        if (scenario->line_count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            scenario->lines = realloc(scenario->lines, capacity * sizeof(char *));
            if (scenario->lines == NULL)
                abort();
        }
        scenario->lines[scenario->line_count] = strdup(line);
        if (scenario->lines[scenario->line_count++] == NULL)
            abort();
    }
    free(line);
    (void)fclose(file);
}

/* `config:`, `config NAME:`, `file NAME:`. Whether it was one. */
static bool take_section(struct scenario *scenario, const struct words *words)
{
    char *last = words->word[words->count - 1];
    const bool config = strncmp(words->word[0], "config", 6) == 0;
    const bool file = strcmp(words->word[0], "file") == 0;

    if ((!config && !file) || words->count > 2 || last[strlen(last) - 1] != ':')
        return false;
    last[strlen(last) - 1] = '\0';
    if (config)
        scenario_take_config(scenario, words->count == 2 ? words->word[1] : "first");
    else
        scenario_take_file(scenario, words->count == 2 ? words->word[1] : "");
    return true;
}

static void run_line(struct scenario *scenario, char *line)
{
    struct words words;

    split(scenario, line, &words);
    if (words.count == 0 || words.word[0][0] == '#')
        return;
    if (!take_section(scenario, &words) && !scenario_run_event(scenario, &words) &&
        !scenario_run_expectation(scenario, &words))
        scenario_fail(scenario, scenario->line, "what is \"%s\"?", words.word[0]);
}

static bool knows(void *self, const char *domain, size_t length)
{
    const struct scenario *scenario = self;

    for (size_t i = 0; i < scenario->contact_count; i++)
        if (strlen(scenario->contacts[i]) == length &&
            memcmp(scenario->contacts[i], domain, length) == 0)
            return true;
    return false;
}

static void note(void *self, const char *domain, size_t length)
{
    struct scenario *scenario = self;
    struct nm_buf buf;

    if (knows(self, domain, length))
        return;
    if (scenario->contact_count == CONTACTS_MAX)
        abort();
    nm_buf_init(&buf, scenario->contacts[scenario->contact_count++], NM_DOMAIN_MAX + 1);
    nm_buf_put(&buf, domain, length);
}

static struct nm_contact_port scenario_contacts(struct scenario *scenario)
{
    return (struct nm_contact_port){scenario, knows, note};
}

static void run(const char *file)
{
    static struct scenario scenario;

    scenario = (struct scenario){.file = file};
    memory_audit_init(&scenario.audit);
    scenario.ports = memory_audit_ports(&scenario.audit);
    scenario.ports.quarantine = memory_quarantine_port(&scenario.quarantine);
    scenario.ports.confirms = memory_confirm_port(&scenario.confirm);
    scenario.ports.contacts = scenario_contacts(&scenario);
    read_lines(&scenario);
    while (scenario.line < scenario.line_count) {
        scenario.line++;
        run_line(&scenario, scenario.lines[scenario.line - 1]);
    }
    scenario_check_end(&scenario);
    tidy_up(&scenario);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--verdicts") == 0)
        return replay_verdicts(argv[2]);
    if (argc < 2 || argv[1][0] == '-') {
        (void)fputs(
            "usage: replay SCENARIO...\n       replay --verdicts CONF\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    return 0;
}
