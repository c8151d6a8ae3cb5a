#include "keeper.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

enum nm_code nm_keeper_start(const struct nm_settings *settings, struct nm_clock clock,
    struct nm_quarantine **out)
{
    const struct nm_quarantine_options options = {
        .folder = settings->quarantine_directory,
        .bytes_max = settings->quarantine_bytes_max,
        .keep_days = settings->quarantine_keep_days,
        .clock = clock,
    };

    return nm_quarantine_new(&options, out);
}

void nm_keeper_configure(struct nm_quarantine *quarantine,
    const struct nm_settings *settings, bool is_needed)
{
    struct nm_error error = {.code = NM_OK};

    nm_quarantine_set_limits(
        quarantine, settings->quarantine_bytes_max, settings->quarantine_keep_days);
    if (is_needed && nm_quarantine_ready(quarantine, &error) != NM_OK)
        nm_log(nm_process_log(), NM_LOG_ERROR,
            "the quarantine cannot be opened; what should go there is put off",
            {"why", error.message});
}

void nm_keeper_sweep(
    struct nm_quarantine *quarantine, const struct nm_ports *ports, const char *gateway)
{
    const struct nm_reviewer reviewer = {
        .ports = ports, .gateway = gateway, .actor = "daemon"};
    struct nm_error error = {.code = NM_OK};

    if (nm_review_sweep(quarantine, &reviewer, &error) != NM_OK)
        nm_log(nm_process_log(), NM_LOG_ERROR,
            "messages that are too old could not be removed from the quarantine",
            {"why", error.message});
}

/* ---- what the tool asks for ----------------------------------------------------- */

struct asked {
    struct nm_quarantine *quarantine;
    struct nm_reviewer reviewer;
    const char *id;
    const char *rest; /* behind the id; "" for nothing */
    struct nm_queue_id came_by;
};

static enum nm_code look(struct asked *asked, struct nm_error *error)
{
    return nm_review_look(asked->quarantine, &asked->reviewer, asked->id, error);
}

static enum nm_code delete (struct asked *asked, struct nm_error *error) {
    return nm_review_delete(asked->quarantine, &asked->reviewer, asked->id, error);
}

static enum nm_code release(struct asked *asked, struct nm_error *error)
{
    return nm_review_release(asked->quarantine, &asked->reviewer, asked->id,
        asked->rest, false, &asked->came_by, error);
}

static enum nm_code release_again(struct asked *asked, struct nm_error *error)
{
    return nm_review_release(asked->quarantine, &asked->reviewer, asked->id,
        asked->rest, true, &asked->came_by, error);
}

static enum nm_code released(struct asked *asked, struct nm_error *error)
{
    return nm_review_released(asked->quarantine, asked->id, error);
}

static enum nm_code not_released(struct asked *asked, struct nm_error *error)
{
    return nm_review_not_released(
        asked->quarantine, &asked->reviewer, asked->id, asked->rest, error);
}

static const struct {
    const char *verb;
    enum nm_code (*run)(struct asked *asked, struct nm_error *error);
} acts[] = {
    {"kept-look", look},
    {"kept-delete", delete},
    {"kept-release", release},
    {"kept-release-again", release_again},
    {"kept-released", released},
    {"kept-not-released", not_released},
};

static enum nm_code run(const char *verb, struct asked *asked, struct nm_error *error)
{
    const enum nm_code code = nm_quarantine_ready(asked->quarantine, error);

    if (code != NM_OK)
        return code;
    for (size_t i = 0; i < NM_COUNT(acts); i++) {
        if (strcmp(acts[i].verb, verb) == 0)
            return acts[i].run(asked, error);
    }
    return nm_fail(error, NM_BAD_INPUT, "the daemon does not know \"%s\"", verb);
}

char *nm_keeper_answer(struct nm_quarantine *quarantine, const struct nm_ports *ports,
    const char *gateway, const struct nm_control_request *request)
{
    const struct nm_actor actor = nm_control_actor(request->uid);
    const size_t length = strcspn(request->argument, " ");
    char id[64] = "";
    struct asked asked = {.quarantine = quarantine,
        .reviewer = {.ports = ports, .gateway = gateway, .actor = actor.text},
        .id = id,
        .rest = request->argument + length + (request->argument[length] == ' ')};
    struct nm_error error = {.code = NM_OK};
    char *text = NULL;
    struct nm_buf buf;

    nm_buf_init(&buf, id, sizeof id);
    nm_buf_put(&buf, request->argument, length);
    if (run(request->verb, &asked, &error) == NM_OK)
        return asprintf(&text, "ok\n%s%s", asked.came_by.text,
                   asked.came_by.text[0] != '\0' ? "\n" : "") < 0
                   ? NULL
                   : text;
    return asprintf(&text, "wrong\n%s\n", error.message) < 0 ? NULL : text;
}
