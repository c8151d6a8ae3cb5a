#include "state.h"

#include "daemon.h"

#include "control/control.h"

#include <stdlib.h>

enum nm_exit nm_open_state(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out)
{
    const char *path = nm_config_settings(config)->history_database;
    struct nm_error error = {0};

    if (nm_state_open_to_read(path, out, &error) == NM_OK)
        return NM_EXIT_FINE;
    return nm_complain_and(
        call, NM_EXIT_SYSTEM, "cannot read the state database: %s", error.message);
}

enum nm_exit nm_open_state_that_is(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out)
{
    const enum nm_exit status = nm_open_state(call, config, out);

    if (status != NM_EXIT_FINE || *out != NULL)
        return status;
    return nm_complain_and(call, NM_EXIT_SYSTEM,
        "%s: there is no state database yet; nearmissd makes it when it starts",
        nm_config_settings(config)->history_database);
}

enum nm_exit nm_open_state_to_write(
    const struct nm_call *call, const struct nm_config *config, struct nm_state **out)
{
    const char *path = nm_config_settings(config)->history_database;
    struct nm_error error = {0};
    const enum nm_code code = nm_state_open(path, out, &error);

    if (code == NM_OK)
        return NM_EXIT_FINE;
    *out = NULL;
    if (code == NM_STOPPED)
        return NM_EXIT_FINE;
    return nm_complain_and(
        call, NM_EXIT_SYSTEM, "cannot write the state database: %s", error.message);
}

enum nm_exit nm_ask_for_change(const struct nm_call *call,
    const struct nm_config *config, const char *request, int file, enum nm_exit wrong)
{
    struct nm_daemon_answer answer = {0};
    enum nm_exit status = nm_ask_daemon_with(
        call, nm_config_settings(config)->control_socket, request, file, &answer);

    if (status != NM_EXIT_FINE)
        return status;
    if (!answer.ok) {
        status = wrong;
        (void)fprintf(call->err, "nearmiss %s: the daemon says: ", call->command->name);
        nm_put_lines(call->err, answer.rest);
    }
    free(answer.text);
    return status;
}
