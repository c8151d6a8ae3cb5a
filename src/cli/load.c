#include "load.h"

#include "state.h"

const char *nm_call_config(const struct nm_call *call)
{
    const char *given = call->values[NM_CLI_CONFIG];

    return given != NULL ? given : NM_DEFAULT_CONFIG;
}

enum nm_exit nm_load_quietly(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot, struct nm_complaints *complaints)
{
    struct nm_config *loaded = NULL;
    enum nm_code code;

    nm_complaints_init(complaints);
    code = nm_config_load(nm_call_config(call), &loaded, complaints);
    if (code == NM_OK && snapshot != NULL)
        code = nm_config_build(loaded, NULL, snapshot, complaints);
    if (code == NM_OK) {
        *config = loaded;
        return NM_EXIT_FINE;
    }
    nm_config_free(&loaded);
    if (code == NM_BAD_INPUT)
        return NM_EXIT_CONFIGURATION;
    return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

static enum nm_exit read_history(
    const struct nm_call *call, const struct nm_config *config, struct nm_counts **out)
{
    struct nm_state *state = NULL;
    struct nm_error error = {.code = NM_OK};
    const enum nm_exit status = nm_open_state(call, config, &state);
    enum nm_code code = NM_OK;

    if (status != NM_EXIT_FINE || state == NULL)
        return status;
    code = nm_state_counts(state, out, &error);
    nm_state_close(&state);
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM,
                               "cannot read the state database: %s", error.message);
}

/* With the counts that the daemon would use. */
static enum nm_exit build(const struct nm_call *call, const struct nm_config *config,
    struct nm_snapshot **out, struct nm_complaints *complaints)
{
    struct nm_history_view history = {.count = 0};
    struct nm_counts *counts = NULL;
    enum nm_exit status = read_history(call, config, &counts);
    enum nm_code code = NM_OK;

    if (status != NM_EXIT_FINE)
        return status;
    if (counts != NULL)
        history = nm_counts_view(counts);
    code = nm_config_build(config, &history, out, complaints);
    nm_counts_free(&counts);
    if (code == NM_BAD_INPUT)
        return NM_EXIT_CONFIGURATION;
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

enum nm_exit nm_load(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot)
{
    struct nm_complaints complaints;
    enum nm_exit status = nm_load_quietly(call, config, NULL, &complaints);

    if (status == NM_EXIT_FINE && snapshot != NULL) {
        status = build(call, *config, snapshot, &complaints);
        if (status != NM_EXIT_FINE)
            nm_config_free(config);
    }
    nm_complaints_print(&complaints, call->err);
    nm_complaints_free(&complaints);
    return status;
}
