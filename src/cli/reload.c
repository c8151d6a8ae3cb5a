#include "command.h"
#include "daemon.h"

#include <stdlib.h>

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_daemon_answer answer = {0};
    enum nm_exit status = nm_ask_daemon(call, "reload", &answer);

    if (status != NM_EXIT_FINE)
        return status;
    if (answer.ok) {
        nm_put_lines(call->err, answer.rest); /* warnings, if there are any */
        (void)fputs("reloaded\n", call->out);
    } else {
        nm_put_lines(call->err, answer.rest);
        status = nm_complain_and(call, NM_EXIT_CONFIGURATION,
            "the daemon goes on with the configuration it had");
    }
    free(answer.text);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SOCKET, "the daemon's control socket (default: configured)"},
};

static const char description[] =
    "Asks the running daemon to read its own configuration file again, and waits. A\n"
    "file that is wrong changes nothing: its complaints are printed on standard error\n"
    "and the daemon goes on with what it had. Messages under way are decided by the\n"
    "configuration they began with.\n"
    "\n"
    "Only root and the user that the daemon runs as may ask for this. The file that\n"
    "-c names says where the daemon's control socket is.\n";

const struct nm_command nm_command_reload = {
    .name = "reload",
    .summary = "let the daemon read its configuration again",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
