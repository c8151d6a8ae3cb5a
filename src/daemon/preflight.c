#include "preflight.h"

#include "process.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum nm_code nm_preflight_user(
    const struct nm_settings *settings, struct nm_error *error)
{
    if (geteuid() != 0 || settings->user[0] != '\0')
        return nm_process_drop_privileges(settings->user, error);
    fprintf(stderr,
        "nearmissd: warning: user is not set; without it nearmissd does not start as "
        "root\n");
    return NM_OK;
}

/* Where a socket of the file system lies; NULL for another one. */
static const char *path_of(const char *socket)
{
    return strncmp(socket, "unix:", 5) == 0 ? socket + 5 : NULL;
}

/* Warn when no socket can be made at `path`. A missing folder does no harm where
 * systemd makes it at the start. */
static void check_folder(const char *key, const char *path, bool may_be_missing)
{
    char *copy = strdup(path);
    const char *folder = copy != NULL ? dirname(copy) : NULL;

    if (folder != NULL && access(folder, W_OK | X_OK) != 0 &&
        !(may_be_missing && errno == ENOENT))
        fprintf(stderr,
            "nearmissd: warning: %s: no socket can be made in %s: %s; see that the "
            "folder is there and that the daemon's user may write to it\n",
            key, folder, strerror(errno));
    free(copy);
}

static void check_group(const char *group)
{
    if (group[0] != '\0' && getgrnam(group) == NULL)
        fprintf(stderr,
            "nearmissd: warning: milter.socket_group: there is no group \"%s\"\n",
            group);
}

void nm_preflight_warn(const char *config_path, const struct nm_settings *settings)
{
    const char *milter = path_of(settings->milter_socket);
    const char *control = path_of(settings->control_socket);

    if (access(config_path, R_OK) != 0)
        fprintf(stderr,
            "nearmissd: warning: %s: the daemon's user cannot read it, and so not "
            "reload it: %s\n",
            config_path, strerror(errno));
    if (milter != NULL)
        check_folder("milter.socket", milter, false);
    if (control != NULL)
        check_folder("control.socket", control, true);
    check_group(settings->milter_socket_group);
}
