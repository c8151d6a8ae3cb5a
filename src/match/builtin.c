/* The tables and lists that are compiled in, by name. */
#include <nearmiss/match.h>

#include "embedded.h"

#include <string.h>

struct nm_table nm_builtin_table(const char *name)
{
    struct nm_table table = {NULL, 0, NULL};

    for (const struct nm_embedded *file = nm_embedded; file->name != NULL; file++)
        if (strcmp(file->name, name) == 0) {
            table.text = file->bytes;
            table.length = file->length;
            table.file = file->name;
        }
    return table;
}
