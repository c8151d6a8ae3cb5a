/* How far an export has come, in a file that outlives it. */
#ifndef NM_CLI_CURSOR_H
#define NM_CLI_CURSOR_H

#include <nearmiss/base.h>

/* The last event that was exported: its sequence, and its time, by which another log is
 * told apart. Both 0 before the first. */
struct nm_cursor {
    int64_t sequence;
    int64_t time_us;
};

/* `*found` says whether there is a file. NM_BAD_INPUT when it is no cursor, NM_SYSTEM. */
enum nm_code nm_cursor_read(
    const char *path, struct nm_cursor *out, bool *found, struct nm_error *error);

/* Take the file's place whole; when this returns NM_OK, it is on the disk. NM_SYSTEM,
 * NM_NO_MEMORY. */
enum nm_code nm_cursor_write(
    const char *path, const struct nm_cursor *cursor, struct nm_error *error);

#endif
