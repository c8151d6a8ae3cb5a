#include "address.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum nm_code nm_control_address(
    const char *path, struct sockaddr_un *out, struct nm_error *error)
{
    static const char scheme[] = "unix:";
    const char *file =
        strncmp(path, scheme, sizeof scheme - 1) == 0 ? path + sizeof scheme - 1 : path;

    if (*file == '\0')
        return nm_fail(error, NM_BAD_INPUT, "the control socket has no path");
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (!nm_copy(out->sun_path, sizeof out->sun_path, file))
        return nm_fail(error, NM_BAD_INPUT,
            "the path of the control socket is too long (%zu bytes, at most %zu): %s",
            strlen(file), sizeof out->sun_path - 1, file);
    return NM_OK;
}

int64_t nm_control_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int nm_control_left_ms(int64_t deadline_ms)
{
    const int64_t left = deadline_ms - nm_control_now_ms();

    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}
