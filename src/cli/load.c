#include "load.h"

#include "state.h"

#include "state/confirmer.h"

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

/* NULL for no database yet, which knows nothing. */
static enum nm_code read_state(struct nm_state *state, int64_t now_us,
    struct nm_counts **counts, struct nm_world *out, struct nm_error *error)
{
    enum nm_code code;

    if (state == NULL)
        return NM_OK;
    code = nm_state_counts(state, counts, error);
    if (code == NM_OK)
        code = nm_state_overlay(state, now_us, &out->overlay, error);
    if (code == NM_OK)
        code = nm_confirmer_open(state, &out->confirmer, error);
    if (code == NM_OK)
        out->confirms = nm_confirmer_port(out->confirmer);
    return code;
}

static bool knows(void *self, const char *domain, size_t length)
{
    return nm_contacts_has(self, domain, length);
}

/* The domains that mail went to, if a rule asks for them. */
static enum nm_code read_contacts(
    struct nm_state *state, struct nm_world *world, struct nm_error *error)
{
    const struct nm_snapshot_values *values = nm_snapshot_values(world->snapshot);
    enum nm_code code;

    if (!nm_policy_asks_first_contact(values->policy))
        return NM_OK;
    code = nm_contacts_new(&world->known);
    if (code != NM_OK)
        return nm_fail(error, code, "out of memory");
    world->contacts = (struct nm_contact_port){.self = world->known, .knows = knows};
    if (state != NULL)
        code = nm_state_contacts(state, values->names, world->known, error);
    return code == NM_LIMIT ? NM_OK : code; /* as the daemon does */
}

static enum nm_exit complain_of_state(
    const struct nm_call *call, const struct nm_error *error)
{
    return nm_complain_and(
        call, NM_EXIT_SYSTEM, "cannot read the state database: %s", error->message);
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
    struct nm_state *state = NULL;
    struct nm_counts *counts = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_exit status = nm_open_state(call, config, &state);

    if (status == NM_EXIT_FINE &&
        read_state(state, call->now_us, &counts, out, &error) != NM_OK)
        status = complain_of_state(call, &error);
    if (status == NM_EXIT_FINE)
        status = build(call, config, counts, &out->snapshot, complaints);
    if (status == NM_EXIT_FINE && read_contacts(state, out, &error) != NM_OK)
        status = complain_of_state(call, &error);
    nm_counts_free(&counts);
    nm_state_close(&state);
    if (status != NM_EXIT_FINE)
        nm_world_free(out);
    return status;
}

struct nm_view nm_world_view(const struct nm_world *world, int64_t now_us)
{
    return (struct nm_view){.snapshot = world->snapshot,
        .overlay = world->overlay,
        .contacts = &world->contacts,
        .confirms = &world->confirms,
        .now_us = now_us,
        .begun_us = now_us};
}

void nm_world_free(struct nm_world *world)
{
    nm_snapshot_release(&world->snapshot);
    nm_overlay_release(&world->overlay);
    nm_contacts_free(&world->known);
    nm_confirmer_stop(&world->confirmer);
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
