/* From libconfig's tree to values, by a table of options. */
#ifndef NM_CONFIG_VALUES_H
#define NM_CONFIG_VALUES_H

#include "option.h"
#include "source.h"

#include <libconfig.h>

/* A list's item. Lines here are lines of the source's text. */
struct nm_item {
    const char *text;
    unsigned line;
    int choice; /* with NM_OPTION_CHOICES */
};

/* An option's value: `number` for truths, numbers and choices, `text`, `items`, or, with
 * NM_OPTION_RULES and NM_OPTION_UNLESS, the `setting`. Texts are the tree's or the table's. */
struct nm_value {
    unsigned line; /* 0: not given, this is the default */
    double number;
    const char *text;
    struct nm_item *items;
    size_t count;
    bool is_empty; /* a list was given that has no items, good or bad */
    const config_setting_t *setting;
};

struct nm_reader {
    const struct nm_source *source;
    struct nm_arena *arena; /* of the items */
    struct nm_complaints *complaints;
};

/* Complain of a line of the source's text. */
void nm_complain_of(struct nm_reader *reader, unsigned line, const char *format, ...)
    NM_PRINTF(3, 4);

/* The defaults of a table. NM_NO_MEMORY. */
enum nm_code nm_values_default(struct nm_arena *arena, const struct nm_option *table,
    size_t count, struct nm_value *values);

/* The values in `group`. `table` has `count` rows; complaints name a key as `prefix` and
 * its path. What cannot be used is complained of and left at its default. NM_OK, or
 * NM_NO_MEMORY. */
enum nm_code nm_values_read(struct nm_reader *reader, const config_setting_t *group,
    const struct nm_option *table, size_t count, const char *prefix,
    struct nm_value *values);

#endif
