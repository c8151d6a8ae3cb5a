/* The files of messages: FOLDER/messages/NAME, and FOLDER/incoming/NAME until they are
 * whole. A name is a transaction's id. */
#ifndef NM_QUARANTINE_FILES_H
#define NM_QUARANTINE_FILES_H

#include <nearmiss/base.h>

#include <limits.h>

/* Descriptors of the three folders. */
struct nm_files {
    char folder[PATH_MAX];
    int top;
    int incoming;
    int messages;
};

/* Make what is missing, mode 0750. NM_SYSTEM. */
enum nm_code nm_files_open(
    const char *folder, struct nm_files *out, struct nm_error *error);
void nm_files_close(struct nm_files *files);

/* A new file in incoming. */
enum nm_code nm_files_begin(
    const struct nm_files *files, const char *name, int *out, struct nm_error *error);

/* All of `bytes`. */
enum nm_code nm_files_write(
    int file, const char *bytes, size_t length, struct nm_error *error);

/* Sync the file, then move it to messages, then sync that folder. */
enum nm_code nm_files_keep(
    const struct nm_files *files, const char *name, int file, struct nm_error *error);

/* Remove it from incoming, or from messages; as if it had never been there. */
void nm_files_drop(const struct nm_files *files, const char *name);
enum nm_code nm_files_remove(
    const struct nm_files *files, const char *name, struct nm_error *error);

enum nm_code nm_files_read(
    const struct nm_files *files, const char *name, int *out, struct nm_error *error);

/* Remove what lies in incoming, and what lies in messages and is not `known`. */
enum nm_code nm_files_sweep(const struct nm_files *files,
    bool (*known)(void *self, const char *name), void *self, struct nm_error *error);

#endif
