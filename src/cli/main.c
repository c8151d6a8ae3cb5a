#include "command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool wants_colour(void)
{
    const char *refusal = getenv("NO_COLOR"); /* https://no-color.org */
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && (refusal == NULL || *refusal == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

int main(int argc, char **argv)
{
    struct timespec now;
    struct nm_surroundings surroundings = {
        .in = STDIN_FILENO, .out = stdout, .err = stderr, .colour = wants_colour()};

    /* Whoever started us may ignore it; a reader that has gone ends us quietly. */
    (void)signal(SIGPIPE, SIG_DFL);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    surroundings.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return (int)nm_cli_run(&surroundings, argc, argv);
}
