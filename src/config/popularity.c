/* The ranked list that the configuration names: `rank,domain` lines, as lists of popular
 * names are published. Such a list is somebody else's, so that a line of it that cannot be
 * read is left out with a warning. */
#include "loaded.h"

#include "base/lines.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct nm_config *config;
    const char *file;
    size_t bad; /* lines left out; the first is named */
    unsigned first_bad;
};

static bool parse_rank(const char *text, size_t length, uint32_t *out)
{
    uint64_t rank = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        rank = rank * 10 + (uint64_t)(text[i] - '0');
        if (rank > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)rank;
    return rank > 0;
}

static enum nm_code note_bad(struct reading *reading, unsigned line)
{
    if (reading->bad++ == 0)
        reading->first_bad = line;
    return NM_OK;
}

/* Of a name that is ranked twice the better rank counts: the roster keeps the greater
 * weight. */
static enum nm_code read_line(
    struct reading *reading, const char *text, size_t length, unsigned line)
{
    struct nm_config *config = reading->config;
    const char *comma = memchr(text, ',', length);
    struct nm_roster_before before;
    enum nm_address_fault fault;
    struct nm_domain domain;
    size_t rank_length;
    uint32_t rank;

    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length == 0 || text[0] == '#')
        return NM_OK;
    if (comma == NULL)
        return note_bad(reading, line);
    rank_length = (size_t)(comma - text);
    if (!parse_rank(text, rank_length, &rank))
        return note_bad(reading, line);
    fault =
        nm_domain_parse(config->names, comma + 1, length - rank_length - 1, &domain);
    if (fault == NM_FAULT_MEMORY)
        return NM_NO_MEMORY;
    if (fault != NM_FAULT_NONE)
        return note_bad(reading, line);
    return nm_roster_add(
        config->ranked, &domain, NM_LISTING_HISTORY, -(double)rank, 1, &before);
}

static enum nm_code read_text(struct reading *reading, const char *text, size_t length)
{
    struct nm_text_lines lines = nm_text_lines(text, length);
    struct nm_line line;
    enum nm_code code = NM_OK;

    while (code == NM_OK && nm_text_lines_next(&lines, &line))
        code = read_line(reading, line.text, line.length, line.number);
    return code;
}

static void complain_of_lines(
    const struct reading *reading, const struct nm_value *value)
{
    struct nm_reader reader = nm_config_reader(reading->config);
    struct nm_complaints *complaints = reading->config->complaints;

    if (nm_roster_size(reading->config->ranked) == 0)
        nm_complain_of(&reader, value->line,
            "popularity.file: %s: holds no line of the form \"rank,domain\"",
            nm_quote_text(value->text).text);
    else if (reading->bad == 1)
        nm_warn(complaints, reading->file, reading->first_bad,
            "the line is not of the form \"rank,domain\", and left out");
    else if (reading->bad > 1)
        nm_warn(complaints, reading->file, reading->first_bad,
            "this line and %zu more are not of the form \"rank,domain\", and left out",
            reading->bad - 1);
}

enum nm_code nm_config_load_popularity(struct nm_config *config)
{
    const struct nm_value *value = &config->values[NM_OPT_POPULARITY_FILE];
    struct nm_reader reader = nm_config_reader(config);
    struct reading reading = {.config = config, .file = value->text};
    struct nm_error error;
    char *text = NULL;
    size_t length = 0;
    enum nm_code code = nm_roster_new(&config->ranked);

    if (code != NM_OK || value->text[0] == '\0')
        return code;
    code = nm_file_read(value->text, NM_LIST_BYTES_MAX, &text, &length, &error);
    if (code == NM_BAD_INPUT) {
        nm_complain_of(&reader, value->line, "popularity.file: %s: %s",
            nm_quote_text(value->text).text, error.message);
        return NM_OK;
    }
    if (code != NM_OK)
        return code;
    nm_digest_add(&config->digest, text, length);
    code = read_text(&reading, text, length);
    free(text);
    if (code == NM_LIMIT) {
        nm_complain_of(&reader, value->line,
            "popularity.file: %s: ranks more than %d names",
            nm_quote_text(value->text).text, NM_ROSTER_MAX);
        return NM_OK;
    }
    if (code == NM_OK)
        complain_of_lines(&reading, value);
    return code;
}
