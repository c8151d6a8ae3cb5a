/* The option table as a configuration: with its defaults and help, or with the values in
 * force and where they come from. */
#include "loaded.h"

#include "words.h"

#include <stdlib.h>
#include <string.h>

/* What is printed, and whether each option's help goes with it. */
struct printing {
    FILE *out;
    const struct nm_value *values;
    const struct nm_config *config; /* NULL: the defaults */
    bool has_help;
};

/* ---- values ------------------------------------------------------------- */

/* In libconfig's own syntax. */
static void print_string(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (*text == '\n')
            (void)fputs("\\n", out);
        else if (*text == '\t')
            (void)fputs("\\t", out);
        else if ((unsigned char)*text < ' ' || *text == 0x7f)
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

/* As few digits as give the same number again, and a point or exponent. */
static void print_real(FILE *out, double number)
{
    char digits[32];
    int precision = 1;

    do
        (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
    while (strtod(digits, NULL) != number && precision++ < 17);
    fprintf(out, "%s%s", digits, strpbrk(digits, ".e") == NULL ? ".0" : "");
}

static void print_strings(FILE *out, const char *const *texts, size_t count)
{
    (void)fputs("[", out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i > 0 ? ", " : " ", out);
        print_string(out, texts[i]);
    }
    (void)fputs(count > 0 ? " ]" : "]", out);
}

static void print_items(FILE *out, const struct nm_value *value)
{
    (void)fputs("[", out);
    for (size_t i = 0; i < value->count; i++) {
        (void)fputs(i > 0 ? ", " : " ", out);
        print_string(out, value->items[i].text);
    }
    (void)fputs(value->count > 0 ? " ]" : "]", out);
}

static void print_value(
    FILE *out, const struct nm_option *option, const struct nm_value *value)
{
    switch (option->type) {
    case NM_OPTION_BOOL:
        (void)fputs(value->number != 0 ? "true" : "false", out);
        break;
    case NM_OPTION_INT:
        fprintf(out, "%.0f", value->number);
        break;
    case NM_OPTION_REAL:
        print_real(out, value->number);
        break;
    case NM_OPTION_CHOICE:
        print_string(out, option->choices->name((int)value->number));
        break;
    case NM_OPTION_TEXT:
    case NM_OPTION_SOCKET:
    case NM_OPTION_PATH:
        print_string(out, value->text);
        break;
    case NM_OPTION_TEXTS:
    case NM_OPTION_PATHS:
    case NM_OPTION_CHOICES:
        print_items(out, value);
        break;
    case NM_OPTION_GROUP:
    case NM_OPTION_RULES:
    case NM_OPTION_UNLESS:
        break;
    }
}

/* ---- rules -------------------------------------------------------------- */

static void print_rule_texts(
    FILE *out, enum nm_rule_key key, const char *const *texts, size_t count)
{
    if (count == 0)
        return;
    fprintf(out, " %s = ", nm_rule_keys[key].path);
    print_strings(out, texts, count);
    (void)fputc(';', out);
}

static void print_techniques(FILE *out, const struct nm_rule_spec *rule)
{
    if (rule->technique_count == 0)
        return;
    fprintf(out, " %s = [", nm_rule_keys[NM_RULE_TECHNIQUE].path);
    for (size_t i = 0; i < rule->technique_count; i++)
        fprintf(out, "%s\"%s\"", i > 0 ? ", " : " ",
            nm_technique_name(rule->techniques[i]));
    (void)fputs(" ];", out);
}

static void print_conditions(FILE *out, const struct nm_rule_spec *rule)
{
    if (rule->confidence >= 0) {
        fprintf(out, " %s = ", nm_rule_keys[NM_RULE_CONFIDENCE].path);
        print_real(out, rule->confidence);
        (void)fputc(';', out);
    }
    print_techniques(out, rule);
    print_rule_texts(out, NM_RULE_TARGET, rule->targets, rule->target_count);
    print_rule_texts(out, NM_RULE_DOMAIN, rule->domains, rule->domain_count);
    print_rule_texts(out, NM_RULE_SENDER, rule->senders, rule->sender_count);
    print_rule_texts(out, NM_RULE_RECIPIENT, rule->recipients, rule->recipient_count);
    print_rule_texts(out, NM_RULE_AUTH, rule->auths, rule->auth_count);
    print_rule_texts(out, NM_RULE_CLIENT, rule->networks, rule->network_count);
    if (rule->authenticated != NM_ANY)
        fprintf(out, " %s = %s;", nm_rule_keys[NM_RULE_AUTHENTICATED].path,
            rule->authenticated == NM_YES ? "true" : "false");
    if (rule->first_contact != NM_ANY)
        fprintf(out, " %s = %s;", nm_rule_keys[NM_RULE_FIRST_CONTACT].path,
            rule->first_contact == NM_YES ? "true" : "false");
    if (rule->near_misses > 0)
        fprintf(out, " %s = %u;", nm_rule_keys[NM_RULE_NEAR_MISSES].path,
            rule->near_misses);
}

static void print_exceptions(FILE *out, const struct nm_rule_spec *rule)
{
    if (rule->unless_count == 0)
        return;
    fprintf(out, " %s = (", nm_rule_keys[NM_RULE_UNLESS].path);
    for (size_t i = 0; i < rule->unless_count; i++) {
        (void)fputs(i > 0 ? ", {" : " {", out);
        print_conditions(out, &rule->unless[i]);
        (void)fputs(" }", out);
    }
    (void)fputs(" );", out);
}

static void print_rule(FILE *out, const struct nm_rule_spec *rule)
{
    (void)fputs("    { name = ", out);
    print_string(out, rule->name);
    (void)fputc(';', out);
    print_conditions(out, rule);
    print_exceptions(out, rule);
    fprintf(out, " %s = \"%s\";", nm_rule_keys[NM_RULE_ACTION].path,
        nm_action_name(rule->action));
    if (rule->reply != NULL) {
        fprintf(out, " %s = ", nm_rule_keys[NM_RULE_REPLY].path);
        print_string(out, rule->reply);
        (void)fputc(';', out);
    }
    if (rule->mode != NM_MODE_ENFORCE)
        fprintf(out, " %s = \"%s\";", nm_rule_keys[NM_RULE_MODE].path,
            nm_mode_name(rule->mode));
    (void)fputs(" }", out);
}

static void print_rule_help(FILE *out)
{
    for (size_t i = 0; i < NM_RULE_KEY_COUNT; i++) {
        char text[NM_HELP_MAX];
        char prefix[32];
        struct nm_buf buf;

        nm_buf_init(&buf, text, sizeof text);
        nm_option_words(&nm_rule_keys[i], &buf);
        (void)snprintf(prefix, sizeof prefix, "#   %-14s ", nm_rule_keys[i].path);
        nm_print_wrapped(out, prefix, "#                  ", text);
    }
}

static void print_rules(const struct printing *printing)
{
    const size_t count = printing->config != NULL ? printing->config->rule_count
                                                  : (size_t)NM_DEFAULT_RULE_COUNT;

    if (printing->has_help)
        print_rule_help(printing->out);
    (void)fputs("rules = (", printing->out);
    for (size_t i = 0; i < count; i++) {
        const struct nm_rule_spec rule = printing->config != NULL
                                             ? printing->config->given_rules[i]
                                             : nm_default_rule(i);

        (void)fputs(i > 0 ? ",\n" : "\n", printing->out);
        print_rule(printing->out, &rule);
    }
    (void)fputs(count > 0 ? "\n);\n" : ");\n", printing->out);
}

/* ---- the configuration -------------------------------------------------- */

/* Where a value in force was given. */
static void print_place(const struct printing *printing, const struct nm_value *value)
{
    struct nm_place place;

    if (printing->config == NULL || value->line == 0)
        return;
    place = nm_source_place(printing->config->source, value->line);
    (void)fputs("  # ", printing->out);
    for (const char *at = place.file; *at != '\0';) {
        char visible[NM_VISIBLE_MAX + 1];

        at += nm_visible(at, strlen(at), visible);
        (void)fputs(visible, printing->out);
    }
    fprintf(printing->out, ":%u", place.line);
}

static void print_help(
    const struct printing *printing, const struct nm_option *option, const char *indent)
{
    char text[NM_HELP_MAX];
    char prefix[16];
    struct nm_buf buf;

    if (!printing->has_help)
        return;
    nm_buf_init(&buf, text, sizeof text);
    nm_option_words(option, &buf);
    (void)snprintf(prefix, sizeof prefix, "%s# ", indent);
    nm_print_wrapped(printing->out, prefix, prefix, text);
}

static void print_option(const struct printing *printing, size_t i, const char *indent)
{
    const struct nm_option *option = &nm_options[i];
    const struct nm_value *value = &printing->values[i];

    print_help(printing, option, indent);
    if (option->type == NM_OPTION_RULES) {
        print_rules(printing);
        return;
    }
    fprintf(printing->out, "%s%s = ", indent, nm_option_name(option));
    print_value(printing->out, option, value);
    (void)fputs(";", printing->out);
    print_place(printing, value);
    (void)fputs("\n", printing->out);
}

static void print_group(const struct printing *printing, size_t group)
{
    print_help(printing, &nm_options[group], "");
    fprintf(printing->out, "%s = {\n", nm_options[group].path);
    for (size_t i = group + 1; i < NM_OPT_COUNT; i++) {
        if (nm_option_is_in(&nm_options[i], nm_options[group].path))
            print_option(printing, i, "    ");
    }
    (void)fputs("};\n", printing->out);
}

static bool print_all(const struct printing *printing)
{
    for (size_t i = 0; i < NM_OPT_COUNT; i++) {
        if (!nm_option_is_in(&nm_options[i], ""))
            continue;
        if (printing->has_help && i > 0)
            (void)fputc('\n', printing->out);
        if (nm_options[i].type == NM_OPTION_GROUP)
            print_group(printing, i);
        else
            print_option(printing, i, "");
    }
    return fflush(printing->out) == 0 && ferror(printing->out) == 0;
}

bool nm_config_print_defaults(FILE *out)
{
    struct nm_value values[NM_OPT_COUNT];
    struct nm_arena *arena = NULL;
    const struct printing printing = {.out = out, .values = values, .has_help = true};
    bool is_written;

    if (nm_arena_new(4096, &arena) != NM_OK)
        return false;
    is_written = nm_values_default(arena, nm_options, NM_OPT_COUNT, values) == NM_OK &&
                 print_all(&printing);
    nm_arena_free(&arena);
    return is_written;
}

bool nm_config_print(const struct nm_config *config, FILE *out)
{
    const struct printing printing = {
        .out = out, .values = config->values, .config = config};

    return print_all(&printing);
}
