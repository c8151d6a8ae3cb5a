#include "values.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 96 };

/* A table, and where in it the reading is. */
struct level {
    struct nm_reader *reader;
    const struct nm_option *table;
    size_t count;
    const char *prefix;
    struct nm_value *values;
    const char *group; /* "" or a group's path */
};

void nm_complain_of(struct nm_reader *reader, unsigned line, const char *format, ...)
{
    const struct nm_place place = nm_source_place(reader->source, line);
    char message[NM_ERROR_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    nm_complain(reader->complaints, place.file, place.line, "%s", message);
}

/* ---- words for what was found ------------------------------------------- */

struct described {
    char text[128];
};

static struct described describe(const config_setting_t *setting)
{
    struct described is;
    struct nm_buf buf;

    nm_buf_init(&buf, is.text, sizeof is.text);
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        nm_buf_printf(&buf, "the string %s",
            nm_quote_text(config_setting_get_string(setting)).text);
        break;
    case CONFIG_TYPE_BOOL:
        nm_buf_puts(&buf, config_setting_get_bool(setting) ? "true" : "false");
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        nm_buf_printf(&buf, "the number %lld", config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        nm_buf_printf(&buf, "the number %g", config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_GROUP:
        nm_buf_puts(&buf, "a group");
        break;
    default:
        nm_buf_puts(&buf, "a list");
        break;
    }
    return is;
}

static void complain_of_type(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, const char *wanted)
{
    nm_complain_of(level->reader, config_setting_source_line(setting),
        "%s%s: expects %s, not %s", level->prefix, option->path, wanted,
        describe(setting).text);
}

/* ---- single values ------------------------------------------------------ */

static void read_bool(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, struct nm_value *value)
{
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
        complain_of_type(level, option, setting, "true or false");
        return;
    }
    value->number = config_setting_get_bool(setting);
}

static void complain_of_range(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting)
{
    char number[32];

    if (config_setting_type(setting) == CONFIG_TYPE_FLOAT)
        (void)snprintf(number, sizeof number, "%g", config_setting_get_float(setting));
    else
        (void)snprintf(
            number, sizeof number, "%lld", config_setting_get_int64(setting));
    nm_complain_of(level->reader, config_setting_source_line(setting),
        "%s%s: %s is out of range; it goes from %g to %g%s%s", level->prefix,
        option->path, number, option->least, option->greatest,
        option->unit != NULL ? " " : "", option->unit != NULL ? option->unit : "");
}

/* A whole number will do where a real one is meant. */
static void read_number(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, struct nm_value *value)
{
    const int type = config_setting_type(setting);
    const bool is_whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    const bool wants_whole = option->type == NM_OPTION_INT;
    double number;

    if (!is_whole && (wants_whole || type != CONFIG_TYPE_FLOAT)) {
        complain_of_type(
            level, option, setting, wants_whole ? "a whole number" : "a number");
        return;
    }
    number = is_whole ? (double)config_setting_get_int64(setting)
                      : config_setting_get_float(setting);
    if (number >= option->least && number <= option->greatest)
        value->number = number;
    else
        complain_of_range(level, option, setting);
}

static bool is_choice(const struct nm_choices *choices, int value)
{
    return choices->fits == NULL || choices->fits(value);
}

static const char *choice_name(const void *names, size_t i)
{
    const struct nm_choices *choices = names;
    const int value = choices->first + (int)i;

    return is_choice(choices, value) ? choices->name(value) : NULL;
}

static size_t choice_count(const struct nm_choices *choices)
{
    return (size_t)(choices->last - choices->first) + 1;
}

static void complain_of_choice(const struct level *level,
    const struct nm_option *option, const char *text, unsigned line)
{
    const struct nm_choices *choices = option->choices;
    const char *suggestion =
        nm_suggest(text, choice_name, choices, choice_count(choices));
    char names[256];
    struct nm_buf buf;

    nm_buf_init(&buf, names, sizeof names);
    for (size_t i = 0; i < choice_count(choices); i++) {
        const char *name = choice_name(choices, i);

        if (name != NULL)
            nm_buf_printf(&buf, "%s\"%s\"", buf.length > 0 ? ", " : "", name);
    }
    nm_complain_of(level->reader, line, "%s%s: %s is none of %s%s%s%s", level->prefix,
        option->path, nm_quote_text(text).text, names,
        suggestion != NULL ? "; did you mean \"" : "",
        suggestion != NULL ? suggestion : "", suggestion != NULL ? "\"?" : "");
}

static bool find_choice(const struct level *level, const struct nm_option *option,
    const char *text, unsigned line, int *choice)
{
    const struct nm_choices *choices = option->choices;

    for (int value = choices->first; value <= choices->last; value++) {
        if (!is_choice(choices, value) || strcmp(choices->name(value), text) != 0)
            continue;
        *choice = value;
        return true;
    }
    complain_of_choice(level, option, text, line);
    return false;
}

static bool check_text(const struct level *level, const struct nm_option *option,
    const char *text, unsigned line)
{
    char words[256];
    struct nm_buf why;

    nm_buf_init(&why, words, sizeof words);
    if (option->check == NULL || nm_option_file(option, text) != NULL ||
        option->check(text, &why))
        return true;
    nm_complain_of(level->reader, line, "%s%s: %s %s", level->prefix, option->path,
        nm_quote_text(text).text, words);
    return false;
}

static void read_text(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, struct nm_value *value)
{
    const unsigned line = config_setting_source_line(setting);
    const char *text = config_setting_get_string(setting);
    int choice = 0;

    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        complain_of_type(level, option, setting, "a string");
        return;
    }
    if (option->type == NM_OPTION_CHOICE) {
        if (find_choice(level, option, text, line, &choice))
            value->number = choice;
    } else if (check_text(level, option, text, line)) {
        value->text = text;
    }
}

/* ---- lists -------------------------------------------------------------- */

static bool read_item(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, struct nm_item *item)
{
    item->line = config_setting_source_line(setting);
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        complain_of_type(level, option, setting, "strings");
        return false;
    }
    item->text = config_setting_get_string(setting);
    if (option->type == NM_OPTION_CHOICES)
        return find_choice(level, option, item->text, item->line, &item->choice);
    return check_text(level, option, item->text, item->line);
}

static enum nm_code read_list(const struct level *level, const struct nm_option *option,
    const config_setting_t *setting, struct nm_value *value)
{
    const int type = config_setting_type(setting);
    const bool is_list = type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
    const size_t length = is_list ? (size_t)config_setting_length(setting) : 1;
    struct nm_item *items;
    size_t count = 0;

    if (!is_list && type != CONFIG_TYPE_STRING) {
        complain_of_type(level, option, setting, "a list of strings");
        return NM_OK;
    }
    items = nm_arena_alloc(level->reader->arena, (length + 1) * sizeof *items);
    if (items == NULL)
        return NM_NO_MEMORY;
    for (size_t i = 0; i < length; i++) {
        const config_setting_t *element =
            is_list ? config_setting_get_elem(setting, (unsigned)i) : setting;

        count += read_item(level, option, element, &items[count]);
    }
    value->items = items;
    value->count = count;
    value->is_empty = length == 0;
    return NM_OK;
}

/* ---- groups ------------------------------------------------------------- */

struct scope {
    const struct nm_option *table;
    const char *group;
};

static const char *name_in_scope(const void *names, size_t i)
{
    const struct scope *scope = names;
    const struct nm_option *option = &scope->table[i];

    return nm_option_is_in(option, scope->group) ? nm_option_name(option) : NULL;
}

/* The path of an option that was meant by `name`, or NULL: one that is written nearly
 * so here, or just so in some other group. */
static const struct nm_option *guess(const struct level *level, const char *name)
{
    const struct scope scope = {.table = level->table, .group = level->group};
    const char *suggestion = nm_suggest(name, name_in_scope, &scope, level->count);
    const struct nm_option *other = NULL;

    for (size_t i = 0; i < level->count; i++) {
        const struct nm_option *option = &level->table[i];

        if (suggestion == nm_option_name(option))
            return option;
        if (strcmp(nm_option_name(option), name) == 0)
            other = option;
    }
    return other;
}

static void complain_of_key(const struct level *level, const config_setting_t *setting)
{
    const char *name = config_setting_name(setting);
    const struct nm_option *meant = guess(level, name);
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "%s%s%s", level->group,
        level->group[0] != '\0' ? "." : "", name);
    if (meant != NULL)
        nm_complain_of(level->reader, config_setting_source_line(setting),
            "%sunknown key %s; did you mean \"%s\"?", level->prefix,
            nm_quote_text(path).text, meant->path);
    else
        nm_complain_of(level->reader, config_setting_source_line(setting),
            "%sunknown key %s", level->prefix, nm_quote_text(path).text);
}

static const struct nm_option *find(const struct level *level, const char *name)
{
    for (size_t i = 0; i < level->count; i++) {
        if (nm_option_is_in(&level->table[i], level->group) &&
            strcmp(nm_option_name(&level->table[i]), name) == 0)
            return &level->table[i];
    }
    return NULL;
}

static enum nm_code read_level(
    const struct level *level, const config_setting_t *group);

static enum nm_code read_group(const struct level *level,
    const struct nm_option *option, const config_setting_t *setting)
{
    struct level inner = *level;

    inner.group = option->path;
    if (config_setting_type(setting) == CONFIG_TYPE_GROUP)
        return read_level(&inner, setting);
    complain_of_type(level, option, setting, "a group, { ... }");
    return NM_OK;
}

static enum nm_code read_option(const struct level *level,
    const struct nm_option *option, const config_setting_t *setting)
{
    struct nm_value *value = &level->values[option - level->table];

    value->line = config_setting_source_line(setting);
    switch (option->type) {
    case NM_OPTION_GROUP:
        return read_group(level, option, setting);
    case NM_OPTION_BOOL:
        read_bool(level, option, setting, value);
        break;
    case NM_OPTION_INT:
    case NM_OPTION_REAL:
        read_number(level, option, setting, value);
        break;
    case NM_OPTION_CHOICE:
    case NM_OPTION_TEXT:
    case NM_OPTION_SOCKET:
    case NM_OPTION_PATH:
        read_text(level, option, setting, value);
        break;
    case NM_OPTION_TEXTS:
    case NM_OPTION_PATHS:
    case NM_OPTION_CHOICES:
        return read_list(level, option, setting, value);
    case NM_OPTION_RULES:
    case NM_OPTION_UNLESS:
        value->setting = setting;
        break;
    }
    return NM_OK;
}

static enum nm_code read_level(const struct level *level, const config_setting_t *group)
{
    enum nm_code code = NM_OK;

    for (int i = 0; code == NM_OK && i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const struct nm_option *option = find(level, config_setting_name(setting));

        if (option == NULL)
            complain_of_key(level, setting);
        else
            code = read_option(level, option, setting);
    }
    return code;
}

enum nm_code nm_values_read(struct nm_reader *reader, const config_setting_t *group,
    const struct nm_option *table, size_t count, const char *prefix,
    struct nm_value *values)
{
    const struct level level = {.reader = reader,
        .table = table,
        .count = count,
        .prefix = prefix,
        .values = values,
        .group = ""};

    return read_level(&level, group);
}

enum nm_code nm_values_default(struct nm_arena *arena, const struct nm_option *table,
    size_t count, struct nm_value *values)
{
    for (size_t i = 0; i < count; i++) {
        const bool is_list = table[i].type == NM_OPTION_TEXTS ||
                             table[i].type == NM_OPTION_PATHS ||
                             table[i].type == NM_OPTION_CHOICES;
        struct nm_item *item;

        values[i] = (struct nm_value){.number = table[i].number, .text = table[i].text};
        if (!is_list || table[i].text == NULL)
            continue;
        item = nm_arena_alloc(arena, sizeof *item);
        if (item == NULL)
            return NM_NO_MEMORY;
        item->text = table[i].text;
        values[i].items = item;
        values[i].count = 1;
    }
    return NM_OK;
}
