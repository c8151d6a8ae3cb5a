#include "listener.h"
#include "address.h"
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 16 };

/* Whether somebody listens at `address`: 0, or the errno of a connection. A connection is
 * refused only where a socket's file has no owner any more. */
static int probe(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failure = 0;

    if (fd < 0)
        return errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        failure = errno == EAGAIN ? 0 : errno; /* EAGAIN: its backlog is full */
    (void)close(fd);
    return failure;
}

/* Remove what an ended daemon left at `address`; fail if it is anything else. */
static enum nm_code clear_stale(
    const struct sockaddr_un *address, struct nm_error *error)
{
    const char *path = address->sun_path;
    struct stat file;
    int failure;

    if (lstat(path, &file) != 0)
        return errno == ENOENT ? NM_OK
                               : nm_fail(error, NM_SYSTEM, "cannot look at %s: %s",
                                     path, strerror(errno));
    if (!S_ISSOCK(file.st_mode))
        return nm_fail(
            error, NM_SYSTEM, "%s exists and is not a socket; it is left alone", path);
    failure = probe(address);
    if (failure == 0)
        return nm_fail(error, NM_SYSTEM,
            "another daemon answers at %s; stop it, or give this one another "
            "control.socket",
            path);
    if (failure != ECONNREFUSED && failure != ENOENT)
        return nm_fail(error, NM_SYSTEM,
            "cannot tell whether another daemon answers at %s: %s", path,
            strerror(failure));
    if (unlink(path) != 0 && errno != ENOENT)
        return nm_fail(error, NM_SYSTEM, "cannot remove the stale socket %s: %s", path,
            strerror(errno));
    return NM_OK;
}

/* The file gets its mode when bind() makes it, from the mode of the unbound socket less
 * the umask; the chmod() after gives back what the umask took. At no time may more
 * people connect than in the end. */
static enum nm_code bind_and_listen(
    struct nm_control_listener *listener, struct nm_error *error)
{
    const struct sockaddr_un *address = &listener->address;
    const char *path = address->sun_path;
    struct stat file;

    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return nm_fail(error, NM_SYSTEM, "no socket to be had: %s", strerror(errno));
    if (fchmod(listener->fd, NM_CONTROL_SOCKET_MODE) != 0 ||
        bind(listener->fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return nm_fail(error, NM_SYSTEM, "cannot make the control socket %s: %s", path,
            strerror(errno));
    if (lstat(path, &file) == 0) {
        listener->device = file.st_dev;
        listener->inode = file.st_ino;
    }
    if (chmod(path, NM_CONTROL_SOCKET_MODE) != 0 || listen(listener->fd, BACKLOG) != 0)
        return nm_fail(
            error, NM_SYSTEM, "cannot listen at %s: %s", path, strerror(errno));
    return NM_OK;
}

/* The folder's lock, so that of two daemons that start together none takes the other's
 * new socket for a stale one. Nothing is left behind; closing the folder unlocks it. */
static enum nm_code lock_folder(
    const struct sockaddr_un *address, int *out, struct nm_error *error)
{
    char folder[sizeof address->sun_path];
    char *slash;

    (void)nm_copy(folder, sizeof folder, address->sun_path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        (void)nm_copy(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    *out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0)
        return nm_fail(error, NM_SYSTEM,
            "control.socket: cannot open its folder %s: %s; make the folder for the "
            "daemon's user, as the systemd unit does, or name another",
            folder, strerror(errno));
    if (flock(*out, LOCK_EX | LOCK_NB) != 0)
        return nm_fail(error, NM_SYSTEM,
            "another daemon is making its socket in %s: %s", folder, strerror(errno));
    return NM_OK;
}

enum nm_code nm_control_listen(
    const char *path, struct nm_control_listener *out, struct nm_error *error)
{
    int folder = -1;
    enum nm_code code;

    *out = (struct nm_control_listener){.fd = -1};
    code = nm_control_address(path, &out->address, error);
    if (code == NM_OK)
        code = lock_folder(&out->address, &folder, error);
    if (code == NM_OK)
        code = clear_stale(&out->address, error);
    if (code == NM_OK)
        code = bind_and_listen(out, error);
    if (folder >= 0)
        (void)close(folder);
    return code;
}

void nm_control_unlisten(struct nm_control_listener *listener)
{
    struct stat file;

    if (listener->inode != 0 && lstat(listener->address.sun_path, &file) == 0 &&
        file.st_dev == listener->device && file.st_ino == listener->inode)
        (void)unlink(listener->address.sun_path);
    if (listener->fd >= 0)
        (void)close(listener->fd);
    *listener = (struct nm_control_listener){.fd = -1};
}
