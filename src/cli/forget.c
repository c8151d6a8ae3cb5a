#include "forget.h"

#include "daemon.h"
#include "json.h"
#include "text.h"

#include "control/control.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_ALONE_MS = 24 * 3600 * 1000 };

/* ---- by the daemon ------------------------------------------------------ */

static char *make_request(const struct nm_audit_forget *what)
{
    struct nm_json json = nm_json_begin();
    char *object = NULL;
    char *request = NULL;

    nm_json_add(&json, "prune_before_us", json_integer(what->prune_before_us));
    nm_json_add_text(&json, "address", what->address);
    nm_json_add_text(&json, "reason", what->reason);
    nm_json_add(&json, "rotate_key", json_boolean(what->rotate_key));
    if (!json.failed)
        object = json_dumps(json.object, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(json.object);
    if (object != NULL && asprintf(&request, "audit-forget %s", object) < 0)
        request = NULL;
    free(object);
    return request;
}

static bool read_forgotten(const char *text, struct nm_audit_forgotten *out)
{
    json_error_t fault;
    json_t *object = json_loads(text, 0, &fault);
    const bool fine = json_is_object(object);
    const char *key;

    out->finished = json_is_true(json_object_get(object, "finished"));
    out->cut_off = (uint64_t)json_integer_value(json_object_get(object, "cut_off"));
    out->erased = (uint64_t)json_integer_value(json_object_get(object, "erased"));
    key = json_string_value(json_object_get(object, "new_key"));
    (void)nm_copy(out->new_key, sizeof out->new_key, key != NULL ? key : "");
    json_decref(object);
    return fine;
}

static enum nm_exit ask_daemon(const struct nm_call *call, const char *socket,
    const char *request, struct nm_audit_forgotten *out)
{
    struct nm_daemon_answer answer = {0};
    enum nm_exit status = nm_ask_daemon_with(call, socket, request, -1, &answer);

    if (status != NM_EXIT_FINE)
        return status;
    if (!answer.ok || !read_forgotten(answer.rest, out)) {
        status = NM_EXIT_SYSTEM;
        (void)fprintf(call->err, "nearmiss %s: the daemon says: ", call->command->name);
        nm_put_lines(call->err, answer.rest);
    }
    free(answer.text);
    return status;
}

/* ---- without one -------------------------------------------------------- */

static int64_t now_us(void *self)
{
    struct timespec now;

    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum nm_exit forget_alone(const struct nm_call *call,
    const struct nm_settings *settings, const struct nm_audit_forget *what,
    struct nm_audit_forgotten *out)
{
    const struct nm_actor actor = nm_control_actor(getuid());
    const struct nm_audit_options options = {.path = settings->audit_database,
        .wait_ms = settings->audit_wait_ms,
        .gateway = settings->gateway,
        .key = settings->audit_key,
        .group = settings->audit_group,
        .clock = {NULL, now_us}};
    struct nm_audit_forget by_actor = *what;
    struct nm_audit *audit = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code = nm_audit_start(&options, &audit, &error);

    by_actor.actor = actor.text;
    if (code == NM_OK) {
        code = nm_audit_forget(audit, &by_actor, WAIT_ALONE_MS, out, &error);
        nm_audit_stop(&audit);
    }
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
}

/* ---- either ------------------------------------------------------------- */

/* Whether a daemon answers at all. */
static bool is_running(const char *socket)
{
    struct nm_error error;
    char *answer = NULL;
    const bool runs = nm_control_ask(socket, "status", &answer, &error) == NM_OK;

    free(answer);
    return runs;
}

enum nm_exit nm_forget_by_call(const struct nm_call *call,
    const struct nm_config *config, const struct nm_audit_forget *what,
    struct nm_audit_forgotten *out)
{
    const struct nm_settings *settings = nm_config_settings(config);
    char *request;
    enum nm_exit status;

    if (!is_running(settings->control_socket))
        return forget_alone(call, settings, what, out);
    request = make_request(what);
    status = request != NULL ? ask_daemon(call, settings->control_socket, request, out)
                             : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    free(request);
    return status;
}

void nm_tell_unfinished(
    const struct nm_call *call, const struct nm_audit_forgotten *forgotten)
{
    if (!forgotten->finished)
        (void)fputs("The daemon goes on with it by itself.\n", call->out);
}
