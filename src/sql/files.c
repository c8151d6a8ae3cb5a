/* The files of a database: who makes them, whose they are, and who alone writes. */
#include "sql/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640, PATH_BYTES = 4096 };

/* The folder of `path`, as open() takes it. */
static void folder_of(const char *path, struct nm_buf *out)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        nm_buf_puts(out, ".");
    else
        nm_buf_put(out, path, slash == path ? 1 : (size_t)(slash - path));
}

static bool give_to_folders_owner(int file, const char *path)
{
    char name[PATH_BYTES];
    struct nm_buf folder;
    struct stat owner;

    nm_buf_init(&folder, name, sizeof name);
    folder_of(path, &folder);
    return geteuid() != 0 || folder.truncated || stat(name, &owner) != 0 ||
           fchown(file, owner.st_uid, owner.st_gid) == 0;
}

/* A new file of mode 0640, whatever the umask; -1 with an errno, EEXIST among them. */
static int make_file(const char *path)
{
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

    if (file >= 0 &&
        (!give_to_folders_owner(file, path) || fchmod(file, FILE_MODE) != 0)) {
        const int failure = errno;

        (void)unlink(path);
        (void)close(file);
        errno = failure;
        return -1;
    }
    return file;
}

/* SQLite gives the -wal and -shm files the mode and the owner of the database. */
enum nm_code nm_sql_create_file(const char *path, struct nm_error *error)
{
    const int file = make_file(path);

    if (file < 0 && errno != EEXIST)
        return nm_fail(error, NM_SYSTEM,
            "%s: the database cannot be made: %s; see that its folder exists and that "
            "the daemon's user may write to it",
            path, strerror(errno));
    if (file >= 0)
        (void)close(file);
    return NM_OK;
}

/* Not on the database itself: closing any descriptor of it would undo SQLite's locks. */
enum nm_code nm_sql_lock(const char *path, int *lock, struct nm_error *error)
{
    char name[PATH_BYTES];
    struct nm_buf buf;
    int file;

    nm_buf_init(&buf, name, sizeof name);
    nm_buf_printf(&buf, "%s-lock", path);
    file = make_file(name);
    if (file < 0 && errno == EEXIST)
        file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: %s; see that the folder exists and that "
            "the daemon's user may write to it",
            name, strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        const int failure = errno;

        (void)close(file);
        if (failure == EWOULDBLOCK)
            return nm_fail(error, NM_STOPPED, "%s: another process writes it", path);
        return nm_fail(error, NM_SYSTEM, "%s: %s", name, strerror(failure));
    }
    *lock = file;
    return NM_OK;
}
