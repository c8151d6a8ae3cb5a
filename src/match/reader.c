#include "reader.h"

#include <assert.h>
#include <string.h>

void nm_reader_init(struct nm_reader *reader, const struct nm_table *table,
    const char *builtin, struct nm_error *error)
{
    struct nm_table text = table->text != NULL ? *table : nm_builtin_table(builtin);

    assert(text.text != NULL);
    reader->next = text.text;
    reader->end = text.text + text.length;
    reader->file = text.file != NULL ? text.file : builtin;
    reader->line = 0;
    reader->error = error;
    reader->word = reader->text;
}

enum nm_code nm_reader_blame(
    const struct nm_reader *reader, const char *what, const char *word)
{
    return nm_fail_at(reader->error, NM_BAD_INPUT, reader->file, reader->line, "%s%s%s",
        what, word != NULL ? ": " : "", word != NULL ? word : "");
}

enum nm_code nm_reader_line(struct nm_reader *reader, bool *more)
{
    while (reader->next < reader->end) {
        const size_t left = (size_t)(reader->end - reader->next);
        const char *stop = memchr(reader->next, '\n', left);
        const size_t length = stop != NULL ? (size_t)(stop - reader->next) : left;
        char *comment;

        reader->line++;
        if (length > NM_READER_LINE_MAX)
            return nm_reader_blame(reader, "a line longer than 1023 bytes", NULL);
        memcpy(reader->text, reader->next, length);
        reader->text[length] = '\0';
        reader->next += length + (stop != NULL ? 1 : 0);
        if (strlen(reader->text) != length)
            return nm_reader_blame(reader, "a NUL byte", NULL);
        comment = strchr(reader->text, '#');
        if (comment != NULL)
            *comment = '\0';
        reader->word = reader->text + strspn(reader->text, " \t\r");
        if (*reader->word != '\0') {
            *more = true;
            return NM_OK;
        }
    }
    *more = false;
    return NM_OK;
}

char *nm_reader_word(struct nm_reader *reader)
{
    char *word = reader->word + strspn(reader->word, " \t\r");
    const size_t length = strcspn(word, " \t\r");

    if (length == 0)
        return NULL;
    reader->word = word + length;
    if (*reader->word != '\0')
        *reader->word++ = '\0';
    return word;
}

bool nm_is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
