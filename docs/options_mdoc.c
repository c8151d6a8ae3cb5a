/*
 * options_mdoc IN OUT: copies a manual page and puts the list of options, written from
 * the loader's table, where a line says @OPTIONS@. Part of the build.
 */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

static bool copy(FILE *in, FILE *out)
{
    char line[4096];
    bool found = false;

    while (fgets(line, sizeof line, in) != NULL) {
        if (strcmp(line, "@OPTIONS@\n") != 0) {
            if (fputs(line, out) == EOF)
                return false;
            continue;
        }
        found = true;
        if (!nm_config_print_mdoc(out))
            return false;
    }
    return found && ferror(in) == 0;
}

int main(int argc, char **argv)
{
    FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
    FILE *out = in != NULL ? fopen(argv[2], "w") : NULL;
    bool copied;

    if (out == NULL) {
        fprintf(stderr, "usage: %s IN OUT\n", argv[0]);
        return 2;
    }
    copied = copy(in, out);
    (void)fclose(in);
    if (fclose(out) != 0 || !copied) {
        (void)remove(argv[2]);
        fprintf(stderr, "%s: cannot be made from %s\n", argv[2], argv[1]);
        return 1;
    }
    return 0;
}
