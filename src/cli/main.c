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

/* As the locale's variables say it, in the order in which POSIX asks them. */
static bool shows_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < NM_COUNT(names); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && *value != '\0')
            return isatty(STDOUT_FILENO) && (strcasestr(value, "utf-8") != NULL ||
                                                strcasestr(value, "utf8") != NULL);
    }
    return false;
}

int main(int argc, char **argv)
{
    struct timespec now;
    struct nm_surroundings surroundings = {.in = STDIN_FILENO,
        .out = stdout,
        .err = stderr,
        .colour = wants_colour(),
        .unicode = shows_unicode()};

    /* Whoever started us may ignore it; a reader that has gone ends us quietly. */
    (void)signal(SIGPIPE, SIG_DFL);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    surroundings.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return (int)nm_cli_run(&surroundings, argc, argv);
}
