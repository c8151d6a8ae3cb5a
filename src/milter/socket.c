#include "socket.h"

#include <libmilter/mfapi.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* The path of a socket in the file system, or NULL. */
static const char *path_of(const char *spec)
{
    static const char *const schemes[] = {"unix:", "local:"};

    for (size_t i = 0; i < NM_COUNT(schemes); i++) {
        const size_t length = strlen(schemes[i]);

        if (strncmp(spec, schemes[i], length) == 0)
            return spec + length;
    }
    return spec[0] == '/' ? spec : NULL;
}

/* A connection to a socket in the file system; -1 with errno. */
static int connect_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (!nm_copy(address.sun_path, sizeof address.sun_path, path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EAGAIN) {
        const int saved = errno;

        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Make way at `path`: nothing there, or a socket that nobody answers on. */
static enum nm_code make_way(const char *path, struct nm_error *error)
{
    struct stat status;
    int fd;

    if (lstat(path, &status) != 0) {
        if (errno == ENOENT)
            return NM_OK;
        return nm_fail(error, NM_SYSTEM,
            "milter.socket %s: %s; may the daemon's user look into its folder?", path,
            strerror(errno));
    }
    if (!S_ISSOCK(status.st_mode))
        return nm_fail(error, NM_SYSTEM,
            "milter.socket %s: there is a file that is no socket; it is left alone",
            path);
    fd = connect_path(path);
    if (fd >= 0) {
        (void)close(fd);
        return nm_fail(error, NM_SYSTEM,
            "milter.socket %s: another process answers there; is nearmissd running "
            "already?",
            path);
    }
    if (errno != ECONNREFUSED || unlink(path) != 0)
        return nm_fail(error, NM_SYSTEM,
            "milter.socket %s: a stale socket is there: %s", path, strerror(errno));
    return NM_OK;
}

static enum nm_code set_group(
    const char *path, const char *group, struct nm_error *error)
{
    const struct group *entry;
    struct stat status;

    if (group[0] == '\0')
        return NM_OK;
    entry = getgrnam(group);
    if (entry == NULL)
        return nm_fail(
            error, NM_SYSTEM, "milter.socket_group: there is no group \"%s\"", group);
    /* A folder with the set-group-ID bit has done it already. */
    if (stat(path, &status) == 0 && status.st_gid == entry->gr_gid)
        return NM_OK;
    if (chown(path, (uid_t)-1, entry->gr_gid) != 0)
        return nm_fail(error, NM_SYSTEM,
            "milter.socket_group: cannot give %s to group %s: %s (the daemon's user "
            "must be in it)",
            path, group, strerror(errno));
    return NM_OK;
}

static enum nm_code open_path(
    const char *path, unsigned mode, const char *group, struct nm_error *error)
{
    const mode_t before = umask(0777 & ~mode);
    const int opened = smfi_opensocket(false);
    const int saved = errno;

    (void)umask(before);
    if (opened != MI_SUCCESS)
        return nm_fail(error, NM_SYSTEM,
            "milter.socket %s: cannot listen: %s; is the folder there, and may the "
            "daemon's user write to it?",
            path, strerror(saved));
    return set_group(path, group, error);
}

enum nm_code nm_milter_listen(
    const char *spec, unsigned mode, const char *group, struct nm_error *error)
{
    const char *path = path_of(spec);
    char connection[512];

    if (path != NULL) {
        const enum nm_code code = make_way(path, error);

        if (code != NM_OK)
            return code;
    }
    if (!nm_copy(connection, sizeof connection, spec) ||
        smfi_setconn(connection) != MI_SUCCESS)
        return nm_fail(
            error, NM_BAD_INPUT, "milter.socket %s: libmilter refuses it", spec);
    (void)smfi_setbacklog(BACKLOG);
    if (path != NULL)
        return open_path(path, mode, group, error);
    if (smfi_opensocket(false) != MI_SUCCESS)
        return nm_fail(error, NM_SYSTEM, "milter.socket %s: cannot listen: %s", spec,
            strerror(errno));
    return NM_OK;
}

void nm_milter_unlink(const char *spec)
{
    const char *path = path_of(spec);

    if (path != NULL)
        (void)unlink(path);
}
