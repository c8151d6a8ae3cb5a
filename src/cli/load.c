#include "load.h"

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
        code = nm_config_build(loaded, snapshot, complaints);
    if (code == NM_OK) {
        *config = loaded;
        return NM_EXIT_FINE;
    }
    nm_config_free(&loaded);
    if (code == NM_BAD_INPUT)
        return NM_EXIT_CONFIGURATION;
    return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

enum nm_exit nm_load(const struct nm_call *call, struct nm_config **config,
    struct nm_snapshot **snapshot)
{
    struct nm_complaints complaints;
    const enum nm_exit status = nm_load_quietly(call, config, snapshot, &complaints);

    nm_complaints_print(&complaints, call->err);
    nm_complaints_free(&complaints);
    return status;
}
