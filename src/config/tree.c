#include "tree.h"

#include "trial.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* How long each of the trials may take. A memory allocator that is not the C library's
 * may be locked for ever in a child that was forked while another thread used it: the
 * next child finds it free. */
static const int trial_ms[] = {2000, 4000, 8000};

/* What libconfig says of a text. */
struct verdict {
    bool is_right;
    unsigned line;
    char error[64];
};

static void parse(
    const struct nm_source *source, config_t *tree, struct verdict *verdict)
{
    const char *error;

    *verdict = (struct verdict){.is_right = true};
    if (config_read_string(tree, nm_source_text(source)) == CONFIG_TRUE)
        return;
    error = config_error_text(tree);
    verdict->is_right = false;
    verdict->line = (unsigned)config_error_line(tree);
    (void)nm_copy(
        verdict->error, sizeof verdict->error, error != NULL ? error : "syntax error");
}

static void try_parse(void *self, void *answer)
{
    const struct nm_source *source = self;
    struct verdict verdict;
    config_t tree;

    config_init(&tree);
    parse(source, &tree, &verdict);
    memcpy(answer, &verdict, sizeof verdict);
}

/* libconfig finds where a string in a list ends by reading on, and so gives it the line
 * of what follows. The source knows better: strings stand in the tree in the order in
 * which they stand in the text. */
static void correct_lines(
    const struct nm_source *source, config_setting_t *setting, size_t *strings)
{
    const int count =
        config_setting_is_aggregate(setting) ? config_setting_length(setting) : 0;

    if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
        const unsigned line = nm_source_string_line(source, (*strings)++);

        assert(line > 0);
        setting->line = line;
    }
    for (int i = 0; i < count; i++)
        correct_lines(source, config_setting_get_elem(setting, (unsigned)i), strings);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a value begins at `at` with letters that are neither true nor false. */
static bool is_bare_word(const char *at)
{
    size_t length = 0;

    while (is_letter(at[length]))
        length++;
    return length > 0 && !(length == 4 && strncasecmp(at, "true", 4) == 0) &&
           !(length == 5 && strncasecmp(at, "false", 5) == 0);
}

/* What is most often wrong with a line that looks like this one; "" when nobody knows. */
static const char *hint_for(const char *line, size_t length)
{
    const char *value = memchr(line, '=', length);

    if (value == NULL)
        return "";
    value += 1 + strspn(value + 1, " \t");
    if (is_bare_word(value))
        return " (text stands in double quotes)";
    if (*value == '[' && value[1 + strspn(value + 1, " \t\r\n")] == '{')
        return " (groups stand in parentheses: ( { ... }, { ... } ))";
    return "";
}

static void complain_of_syntax(const struct nm_source *source,
    const struct verdict *verdict, struct nm_complaints *complaints)
{
    const unsigned line = verdict->line > 0 ? verdict->line : 1;
    const struct nm_place place = nm_source_place(source, line);
    const char *error = verdict->error;
    const char *at = nm_source_text(source);

    for (unsigned i = 1; i < line && strchr(at, '\n') != NULL; i++)
        at = strchr(at, '\n') + 1;
    at += strspn(at, " \t");
    if (strcmp(error, "duplicate setting name") == 0)
        error = "a key is set a second time";
    else if (strcmp(error, "mismatched element type in array") == 0)
        error = "what stands in brackets is not all of one kind";
    if (*at == '\n' || *at == '\0')
        nm_complain(complaints, place.file, place.line,
            "%s, on this line or before (is a bracket still open?)", error);
    else
        nm_complain(complaints, place.file, place.line, "%s at or before: %s%s", error,
            nm_quote_bare(at, strcspn(at, "\r\n")).text,
            hint_for(at, strcspn(at, "\r\n")));
}

/* The child also keeps to itself what libconfig loses on an error of syntax, the string
 * that it has just read. */
static enum nm_code try_in_child(const struct nm_source *source,
    struct verdict *verdict, struct nm_complaints *complaints)
{
    struct nm_error error;
    enum nm_code code = NM_TIMEOUT;

    for (size_t i = 0; i < NM_COUNT(trial_ms) && code == NM_TIMEOUT; i++)
        code = nm_trial_run(try_parse, (void *)(uintptr_t)source, verdict,
            sizeof *verdict, trial_ms[i], &error);
    if (code == NM_SYSTEM)
        nm_complain(complaints, nm_source_place(source, 1).file, 0,
            "not read, as there is no process to try it in first: %s", error.message);
    else if (code != NM_OK)
        nm_complain(complaints, nm_source_place(source, 1).file, 0,
            "not read, as the process that tried it first %s, perhaps out of memory",
            error.message);
    return code == NM_OK ? NM_OK : NM_BAD_INPUT;
}

enum nm_code nm_tree_parse(const struct nm_source *source, enum nm_tree_trial trial,
    config_t *tree, struct nm_complaints *complaints)
{
    struct verdict verdict = {.is_right = true};
    size_t strings = 0;

    if (trial == NM_TREE_TRIAL && try_in_child(source, &verdict, complaints) != NM_OK)
        return NM_BAD_INPUT;
    if (verdict.is_right)
        parse(source, tree, &verdict);
    if (!verdict.is_right) {
        complain_of_syntax(source, &verdict, complaints);
        return NM_BAD_INPUT;
    }
    correct_lines(source, config_root_setting(tree), &strings);
    return NM_OK;
}
