/* The socket file: made, found stale or live, removed. */
#ifndef NM_CONTROL_LISTENER_H
#define NM_CONTROL_LISTENER_H

#include <nearmiss/base.h>

#include <sys/stat.h>
#include <sys/un.h>

struct nm_control_listener {
    int fd; /* -1 while there is none */
    struct sockaddr_un address;
    dev_t device; /* of the file that we made, so that no other is removed; */
    ino_t inode;  /*   0 until then */
};

/* Listen at `path`, as nm_control_start() promises. `out` is to be closed on success and
 * on failure. */
enum nm_code nm_control_listen(
    const char *path, struct nm_control_listener *out, struct nm_error *error);

/* Remove the file if it is still ours, and close. */
void nm_control_unlisten(struct nm_control_listener *listener);

#endif
