#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750, FILE_MODE = 0640 };

static enum nm_code fail(struct nm_error *error, const char *folder, const char *what)
{
    return nm_fail(error, NM_SYSTEM, "%s: %s: %s", folder, what, strerror(errno));
}

/* ---- folders ---------------------------------------------------------------- */

/* What root makes belongs to whom the folder above belongs, so that the daemon's user can
 * write it. */
static bool give_to_owner(int above, int folder)
{
    struct stat owner;

    return geteuid() != 0 || fstat(above, &owner) != 0 ||
           fchown(folder, owner.st_uid, owner.st_gid) == 0;
}

static int open_folder(int above, const char *name)
{
    const bool made = mkdirat(above, name, FOLDER_MODE) == 0;
    const int folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder >= 0 && made && above != AT_FDCWD && !give_to_owner(above, folder)) {
        (void)close(folder);
        return -1;
    }
    return folder;
}

/* The folder itself belongs to whom the one around it belongs. */
static int open_top(const char *path)
{
    const bool made = mkdir(path, FOLDER_MODE) == 0;
    const int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int above;

    if (top < 0 || !made)
        return top;
    above = openat(top, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        (void)give_to_owner(above, top);
        (void)fsync(above);
        (void)close(above);
    }
    return top;
}

enum nm_code nm_files_open(
    const char *folder, struct nm_files *out, struct nm_error *error)
{
    out->top = out->incoming = out->messages = -1;
    if (!nm_copy(out->folder, sizeof out->folder, folder))
        return nm_fail(error, NM_BAD_INPUT, "%s: the path is too long", folder);
    out->top = open_top(folder);
    if (out->top >= 0)
        out->incoming = open_folder(out->top, "incoming");
    if (out->incoming >= 0)
        out->messages = open_folder(out->top, "messages");
    if (out->messages >= 0 && fsync(out->top) == 0)
        return NM_OK;
    (void)fail(error, folder,
        "the quarantine's folder cannot be made or used; the daemon's user must be "
        "able "
        "to write to it");
    nm_files_close(out);
    return NM_SYSTEM;
}

static void close_one(int *folder)
{
    if (*folder >= 0)
        (void)close(*folder);
    *folder = -1;
}

void nm_files_close(struct nm_files *files)
{
    close_one(&files->messages);
    close_one(&files->incoming);
    close_one(&files->top);
}

/* ---- a message ---------------------------------------------------------------- */

enum nm_code nm_files_begin(
    const struct nm_files *files, const char *name, int *out, struct nm_error *error)
{
    const int file = openat(
        files->incoming, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

    if (file < 0)
        return fail(error, files->folder, "a message's file cannot be made");
    *out = file;
    return NM_OK;
}

enum nm_code nm_files_write(
    int file, const char *bytes, size_t length, struct nm_error *error)
{
    while (length > 0) {
        const ssize_t written = write(file, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return nm_fail(error, NM_SYSTEM,
                "a message cannot be written to the quarantine: %s", strerror(errno));
        bytes += written;
        length -= (size_t)written;
    }
    return NM_OK;
}

enum nm_code nm_files_keep(
    const struct nm_files *files, const char *name, int file, struct nm_error *error)
{
    if (fsync(file) != 0)
        return fail(error, files->folder, "a message's file cannot be synced");
    if (renameat(files->incoming, name, files->messages, name) != 0)
        return fail(error, files->folder, "a message's file cannot be moved");
    if (fsync(files->messages) != 0)
        return fail(error, files->folder, "the folder cannot be synced");
    return NM_OK;
}

void nm_files_drop(const struct nm_files *files, const char *name)
{
    (void)unlinkat(files->incoming, name, 0);
}

enum nm_code nm_files_remove(
    const struct nm_files *files, const char *name, struct nm_error *error)
{
    if (unlinkat(files->messages, name, 0) != 0 && errno != ENOENT)
        return fail(error, files->folder, "a message's file cannot be removed");
    return NM_OK;
}

enum nm_code nm_files_read(
    const struct nm_files *files, const char *name, int *out, struct nm_error *error)
{
    const int file = openat(files->messages, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (file < 0 && errno == ENOENT)
        return nm_fail(error, NM_BAD_INPUT, "its message is not there any more");
    if (file < 0)
        return fail(error, files->folder, "a message's file cannot be read");
    *out = file;
    return NM_OK;
}

/* ---- after a crash ---------------------------------------------------------------- */

static enum nm_code sweep_folder(const struct nm_files *files, int folder,
    bool (*known)(void *self, const char *name), void *self, struct nm_error *error)
{
    const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;

    if (names == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return fail(error, files->folder, "the folder cannot be listed");
    }
    while ((entry = readdir(names)) != NULL) {
        if (entry->d_name[0] == '.' || (known != NULL && known(self, entry->d_name)))
            continue;
        (void)unlinkat(folder, entry->d_name, 0);
    }
    (void)closedir(names);
    return NM_OK;
}

enum nm_code nm_files_sweep(const struct nm_files *files,
    bool (*known)(void *self, const char *name), void *self, struct nm_error *error)
{
    const enum nm_code code = sweep_folder(files, files->incoming, NULL, NULL, error);

    return code == NM_OK ? sweep_folder(files, files->messages, known, self, error)
                         : code;
}
