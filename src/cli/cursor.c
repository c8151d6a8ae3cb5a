#include "cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 80 };

static const char format_version[] = "nearmiss-cursor 1";

/* One line: what it is, the sequence, the time, and an end, so that a file that was cut
 * off is no cursor. */
static bool parse(const char *line, struct nm_cursor *out)
{
    const size_t length = sizeof format_version - 1;
    long long sequence;
    long long time_us;
    int end = 0;

    if (strncmp(line, format_version, length) != 0 ||
        sscanf(line + length, " %lld %lld end\n%n", &sequence, &time_us, &end) != 2 ||
        end == 0 || line[length + (size_t)end] != '\0' || sequence < 0)
        return false;
    *out = (struct nm_cursor){.sequence = sequence, .time_us = time_us};
    return true;
}

enum nm_code nm_cursor_read(
    const char *path, struct nm_cursor *out, bool *found, struct nm_error *error)
{
    char line[LINE + 1] = "";
    FILE *file = fopen(path, "re");
    size_t length;
    bool failed;

    *out = (struct nm_cursor){0};
    *found = file != NULL;
    if (file == NULL)
        return errno == ENOENT
                   ? NM_OK
                   : nm_fail(error, NM_SYSTEM, "%s: %s", path, strerror(errno));
    length = fread(line, 1, LINE, file);
    failed = ferror(file) != 0;
    (void)fclose(file);
    line[length] = '\0';
    if (failed)
        return nm_fail(error, NM_SYSTEM, "%s: it cannot be read", path);
    if (!parse(line, out))
        return nm_fail(error, NM_BAD_INPUT,
            "%s: this is no cursor of an export; name another file, or remove it to "
            "export the log anew",
            path);
    return NM_OK;
}

static bool write_draft(const char *path, const struct nm_cursor *cursor)
{
    FILE *file = fopen(path, "we");
    bool fine;

    if (file == NULL)
        return false;
    fine = fprintf(file, "%s %lld %lld end\n", format_version,
               (long long)cursor->sequence, (long long)cursor->time_us) > 0 &&
           fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && fine;
}

/* The new name is durable when its folder is. */
static bool sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    int folder;
    bool fine;

    if (slash != NULL)
        slash[slash == path] = '\0';
    folder = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    fine = fsync(folder) == 0;
    (void)close(folder);
    return fine;
}

enum nm_code nm_cursor_write(
    const char *path, const struct nm_cursor *cursor, struct nm_error *error)
{
    char *draft = malloc(strlen(path) + sizeof ".draft");
    bool fine;

    if (draft == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    (void)sprintf(draft, "%s.draft", path);
    fine = write_draft(draft, cursor) && rename(draft, path) == 0 && sync_folder(draft);
    free(draft);
    return fine ? NM_OK : nm_fail(error, NM_SYSTEM, "%s: %s", path, strerror(errno));
}
