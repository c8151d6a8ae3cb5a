#include "words.h"

#include <string.h>

static bool is_offered(const struct nm_choices *choices, int value)
{
    return choices->fits == NULL || choices->fits(value);
}

/* "a", "b" or "c" */
static void put_choices(const struct nm_choices *choices, struct nm_buf *out)
{
    int last = choices->last;
    bool is_first = true;

    while (last > choices->first && !is_offered(choices, last))
        last--;
    for (int value = choices->first; value <= last; value++) {
        if (!is_offered(choices, value))
            continue;
        if (!is_first)
            nm_buf_puts(out, value == last ? " or " : ", ");
        nm_buf_printf(out, "\"%s\"", choices->name(value));
        is_first = false;
    }
}

void nm_option_words(const struct nm_option *option, struct nm_buf *out)
{
    const bool is_number =
        option->type == NM_OPTION_INT || option->type == NM_OPTION_REAL;

    nm_buf_puts(out, option->help);
    if (option->choices == NULL && !is_number)
        return;
    nm_buf_puts(out, " (");
    if (option->choices != NULL)
        put_choices(option->choices, out);
    else
        nm_buf_printf(out, "%g to %g%s%s", option->least, option->greatest,
            option->unit != NULL ? " " : "", option->unit != NULL ? option->unit : "");
    nm_buf_puts(out, ")");
}

void nm_print_wrapped(
    FILE *out, const char *first_prefix, const char *next_prefix, const char *text)
{
    const char *prefix = first_prefix;

    while (*text != '\0') {
        const size_t room = NM_HELP_COLUMNS - strlen(prefix);
        size_t length = strlen(text);

        if (length > room) {
            length = room;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0)
                length = strcspn(text, " ");
        }
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        text += length;
        text += strspn(text, " ");
        prefix = next_prefix;
    }
}
