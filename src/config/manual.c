/* The option table as a list in mdoc, for nearmiss.conf(5). */
#include "loaded.h"

#include "words.h"

#include <ctype.h>
#include <string.h>

/* A backslash is mdoc's escape, a quote joins arguments, and a dot or apostrophe at a
 * line's beginning is a request: none of the table's lines begins so. */
static void put_escaped(struct nm_buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            nm_buf_puts(buf, "\\e");
        else
            nm_buf_put(buf, text, 1);
    }
}

static void print_sentence(FILE *out, const char *words)
{
    char text[NM_HELP_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, text, sizeof text);
    put_escaped(&buf, words);
    text[0] = (char)toupper((unsigned char)text[0]);
    nm_buf_puts(&buf, ".");
    nm_print_wrapped(out, "", "", text);
}

static void print_item(FILE *out, const struct nm_option *option)
{
    char text[NM_HELP_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, text, sizeof text);
    nm_option_words(option, &buf);
    fprintf(out, ".It Ic %s\n", option->path);
    print_sentence(out, text);
}

static void print_default(FILE *out, const struct nm_option *option)
{
    switch (option->type) {
    case NM_OPTION_BOOL:
        fprintf(
            out, "The default is\n.Li %s .\n", option->number != 0 ? "true" : "false");
        break;
    case NM_OPTION_INT:
    case NM_OPTION_REAL:
        fprintf(out, "The default is %g.\n", option->number);
        break;
    case NM_OPTION_CHOICE:
        fprintf(out, "The default is\n.Qq %s .\n",
            option->choices->name((int)option->number));
        break;
    default:
        if (option->text != NULL && option->text[0] != '\0')
            fprintf(out, "The default is\n.Qq %s .\n", option->text);
    }
}

static void print_default_rules(FILE *out)
{
    (void)fputs("Without this key the rules are\n.Bd -literal\n", out);
    for (size_t i = 0; i < NM_DEFAULT_RULE_COUNT; i++) {
        const struct nm_rule_spec rule = nm_default_rule(i);

        fprintf(out, "{ name = \"%s\"; confidence = %g; action = \"%s\"; }\n",
            rule.name, rule.confidence, nm_action_name(rule.action));
    }
    (void)fputs(".Ed\n", out);
}

static void print_rule_keys(FILE *out)
{
    (void)fputs("A rule is a group of these keys:\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < NM_RULE_KEY_COUNT; i++)
        print_item(out, &nm_rule_keys[i]);
    (void)fputs(".El\n", out);
    print_default_rules(out);
}

bool nm_config_print_mdoc(FILE *out)
{
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < NM_OPT_COUNT; i++) {
        const struct nm_option *option = &nm_options[i];

        print_item(out, option);
        if (option->type == NM_OPTION_RULES)
            print_rule_keys(out);
        else if (option->type != NM_OPTION_GROUP)
            print_default(out, option);
    }
    (void)fputs(".El\n", out);
    return fflush(out) == 0 && ferror(out) == 0;
}
