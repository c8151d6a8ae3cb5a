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

/* ---- with what the state database has ----------------------------------- */

struct known {
    struct nm_counts *counts; /* NULL while there is no database */
    struct nm_overlay *overlay;
};

static enum nm_exit read_state(
    const struct nm_call *call, const struct nm_config *config, struct known *out)
{
    struct nm_state *state = NULL;
    struct nm_error error = {.code = NM_OK};
    const enum nm_exit status = nm_open_state(call, config, &state);
    enum nm_code code;

    if (status != NM_EXIT_FINE || state == NULL)
        return status;
    code = nm_state_counts(state, &out->counts, &error);
    if (code == NM_OK)
        code = nm_state_overlay(state, call->now_us, &out->overlay, &error);
    nm_state_close(&state);
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM,
                               "cannot read the state database: %s", error.message);
}

static enum nm_exit build(const struct nm_call *call, const struct nm_config *config,
    const struct nm_counts *counts, struct nm_snapshot **out,
    struct nm_complaints *complaints)
{
    const struct nm_history_view history =
        counts != NULL ? nm_counts_view(counts) : (struct nm_history_view){.count = 0};
    const enum nm_code code = nm_config_build(config, &history, out, complaints);

    if (code == NM_BAD_INPUT)
        return NM_EXIT_CONFIGURATION;
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

static enum nm_exit build_world(const struct nm_call *call,
    const struct nm_config *config, struct nm_world *out,
    struct nm_complaints *complaints)
{
    struct known known = {NULL, NULL};
    enum nm_exit status = read_state(call, config, &known);

    if (status == NM_EXIT_FINE)
        status = build(call, config, known.counts, &out->snapshot, complaints);
    nm_counts_free(&known.counts);
    out->overlay = known.overlay;
    if (status != NM_EXIT_FINE)
        nm_world_free(out);
    return status;
}

struct nm_view nm_world_view(const struct nm_world *world, int64_t now_us)
{
    return (struct nm_view){
        .snapshot = world->snapshot, .overlay = world->overlay, .now_us = now_us};
}

void nm_world_free(struct nm_world *world)
{
    nm_snapshot_release(&world->snapshot);
    nm_overlay_release(&world->overlay);
}

enum nm_exit nm_load(
    const struct nm_call *call, struct nm_config **config, struct nm_world *world)
{
    struct nm_complaints complaints;
    enum nm_exit status = nm_load_quietly(call, config, NULL, &complaints);

    if (status == NM_EXIT_FINE && world != NULL) {
        status = build_world(call, *config, world, &complaints);
        if (status != NM_EXIT_FINE)
            nm_config_free(config);
    }
    nm_complaints_print(&complaints, call->err);
    nm_complaints_free(&complaints);
    return status;
}
