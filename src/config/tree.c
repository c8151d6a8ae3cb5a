#include "tree.h"

#include "trial.h"

#include <assert.h>
#include <string.h>

enum { TRIAL_MS = 10000 };

static void try_parse(void *self)
{
    const struct nm_source *source = self;
    config_t tree;

    config_init(&tree);
    (void)config_read_string(&tree, nm_source_text(source));
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

static void complain_of_syntax(const struct nm_source *source, const config_t *tree,
    struct nm_complaints *complaints)
{
    const unsigned line = (unsigned)config_error_line(tree);
    const struct nm_place place = nm_source_place(source, line > 0 ? line : 1);
    const char *at = nm_source_text(source);
    const char *text = config_error_text(tree);

    for (unsigned i = 1; i < line && strchr(at, '\n') != NULL; i++)
        at = strchr(at, '\n') + 1;
    at += strspn(at, " \t");
    if (text != NULL && strcmp(text, "duplicate setting name") == 0)
        text = "a key is set a second time";
    if (*at == '\n' || *at == '\0')
        nm_complain(complaints, place.file, place.line, "%s, on this line or before",
            text != NULL ? text : "syntax error");
    else
        nm_complain(complaints, place.file, place.line, "%s at or before %s",
            text != NULL ? text : "syntax error",
            nm_quote(at, strcspn(at, "\r\n")).text);
}

enum nm_code nm_tree_parse(const struct nm_source *source, enum nm_tree_trial trial,
    config_t *tree, struct nm_complaints *complaints)
{
    const struct nm_place first = nm_source_place(source, 1);
    struct nm_error error;
    size_t strings = 0;

    if (trial == NM_TREE_TRIAL &&
        nm_trial_run(try_parse, (void *)(uintptr_t)source, TRIAL_MS, &error) != NM_OK) {
        nm_complain(complaints, first.file, 0,
            "cannot be read: the process that parsed it %s; it may have run out of "
            "memory",
            error.message);
        return NM_BAD_INPUT;
    }
    if (config_read_string(tree, nm_source_text(source)) != CONFIG_TRUE) {
        complain_of_syntax(source, tree, complaints);
        return NM_BAD_INPUT;
    }
    correct_lines(source, config_root_setting(tree), &strings);
    return NM_OK;
}
