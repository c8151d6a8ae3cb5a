/* The socket's address and the time that is left: what both ends share. */
#ifndef NM_CONTROL_ADDRESS_H
#define NM_CONTROL_ADDRESS_H

#include <nearmiss/base.h>

#include <sys/un.h>

/* `path`, with or without `unix:` before it, as a socket's address. NM_BAD_INPUT when it
 * is empty or longer than an address can be. */
enum nm_code nm_control_address(
    const char *path, struct sockaddr_un *out, struct nm_error *error);

/* A clock that never goes back. */
int64_t nm_control_now_ms(void);

/* Milliseconds until `deadline_ms`, at least 0, for poll(). */
int nm_control_left_ms(int64_t deadline_ms);

#endif
