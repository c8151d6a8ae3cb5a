#include "changes.h"

#include "log.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *answer_failure(const struct nm_error *error)
{
    char *text = NULL;

    return asprintf(&text, "wrong\n%s\n", error->message) < 0 ? NULL : text;
}

static void note_bad_line(
    void *self, unsigned line, const char *text, size_t length, const char *why)
{
    (void)text;
    (void)length;
    (void)nm_fail(
        self, NM_BAD_INPUT, "line %u of the counts cannot be read: %s", line, why);
}

/* The tool read them before and told of bad lines: here there are none. */
static enum nm_code read_counts(
    int file, struct nm_counts **out, struct nm_error *error)
{
    struct nm_error line = {.code = NM_OK};
    const struct nm_counts_complainer complainer = {&line, note_bad_line};
    struct nm_names *names = NULL;
    size_t bad = 0;
    enum nm_code code = nm_names_new(NULL, &names, error);

    if (code == NM_OK)
        code = nm_counts_read_file(names, file, &complainer, out, &bad, error);
    nm_names_free(&names);
    if (code != NM_OK || bad == 0)
        return code;
    nm_counts_free(out);
    return nm_fail(error, NM_BAD_INPUT, "%s", line.message);
}

static void log_import(const struct nm_counts *counts)
{
    char number[32];

    (void)snprintf(number, sizeof number, "%zu", nm_counts_size(counts));
    nm_log(nm_process_log(), NM_LOG_NOTICE, "counts imported into the history",
        {"domains", number});
}

char *nm_change_import(
    struct nm_runtime *runtime, const struct nm_control_request *request)
{
    struct nm_counts *counts = NULL;
    struct nm_error error = {.code = NM_OK};
    const int64_t now_us = runtime->ports.clock.now_us(runtime->ports.clock.self);
    enum nm_code code = request->file >= 0 ? read_counts(request->file, &counts, &error)
                                           : nm_fail(&error, NM_BAD_INPUT,
                                                 "no file came with the request");

    if (code == NM_OK)
        code = nm_state_import(runtime->state, counts, now_us, &error);
    if (code == NM_OK) {
        log_import(counts);
        code = nm_runtime_take_history(runtime, &error);
    }
    nm_counts_free(&counts);
    return code == NM_OK ? strdup("ok\n") : answer_failure(&error);
}

/* ---- exceptions --------------------------------------------------------- */

/* A member's text; NULL without one. */
static const char *text_of(const json_t *object, const char *key, size_t longest)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) && json_string_length(value) <= longest
               ? json_string_value(value)
               : NULL;
}

static bool read_domain(
    const struct nm_names *names, const char *text, struct nm_domain *out)
{
    return text != NULL &&
           nm_domain_parse(names, text, strlen(text), out) == NM_FAULT_NONE;
}

/* `out` borrows from `object`. */
static bool read_exception(
    const struct nm_names *names, const json_t *object, struct nm_exception *out)
{
    const json_t *expires = json_object_get(object, "expires_us");
    const char *target = text_of(object, "target", NM_DOMAIN_MAX);

    *out = (struct nm_exception){.expires_us = INT64_MAX,
        .sender = text_of(object, "sender", NM_EXCEPTION_SENDER_MAX),
        .reason = text_of(object, "reason", NM_EXCEPTION_REASON_MAX)};
    if (json_is_integer(expires))
        out->expires_us = json_integer_value(expires);
    return read_domain(names, text_of(object, "domain", NM_DOMAIN_MAX), &out->domain) &&
           (target == NULL || read_domain(names, target, &out->target));
}

typedef enum nm_code change_of_exception(struct nm_state *state,
    const struct nm_recorder *recorder, const struct nm_exception *exception,
    struct nm_error *error);

static enum nm_code change(struct nm_runtime *runtime, unsigned uid,
    change_of_exception *how, const json_t *object, struct nm_error *error)
{
    struct nm_snapshot *snapshot = nm_slot_pin(runtime->slot);
    const struct nm_snapshot_values *values = nm_snapshot_values(snapshot);
    const struct nm_actor actor = nm_control_actor(uid);
    const struct nm_recorder recorder = {.audit = &runtime->ports.audit,
        .clock = runtime->ports.clock,
        .random = runtime->ports.random,
        .gateway = values->gateway,
        .actor = actor.text};
    struct nm_exception exception;
    enum nm_code code =
        read_exception(values->names, object, &exception)
            ? how(runtime->state, &recorder, &exception, error)
            : nm_fail(error, NM_BAD_INPUT, "the request names no domain");

    nm_snapshot_release(&snapshot);
    return code == NM_OK ? nm_runtime_take_exceptions(runtime, error) : code;
}

static char *answer_change(struct nm_runtime *runtime,
    const struct nm_control_request *request, change_of_exception *how)
{
    struct nm_error error = {.code = NM_OK};
    json_error_t fault;
    json_t *object = json_loads(request->argument, JSON_REJECT_DUPLICATES, &fault);
    const enum nm_code code = change(runtime, request->uid, how, object, &error);

    json_decref(object);
    return code == NM_OK ? strdup("ok\n") : answer_failure(&error);
}

char *nm_change_allow(
    struct nm_runtime *runtime, const struct nm_control_request *request)
{
    return answer_change(runtime, request, nm_state_allow);
}

char *nm_change_disallow(
    struct nm_runtime *runtime, const struct nm_control_request *request)
{
    return answer_change(runtime, request, nm_state_disallow);
}

/* ---- the audit log ------------------------------------------------------ */

/* A client waits NM_CONTROL_TIMEOUT_MS; what takes longer goes on without it. */
enum { FORGET_WAIT_MS = 20 * 1000, ADDRESS_MAX = 1024, REASON_MAX = 1024 };

static char *answer_forgotten(const struct nm_audit_forgotten *forgotten)
{
    char *text = NULL;

    if (asprintf(&text,
            "ok\n{\"finished\":%s,\"cut_off\":%llu,\"erased\":%llu,\"new_key\":\"%s\"}"
            "\n",
            forgotten->finished ? "true" : "false",
            (unsigned long long)forgotten->cut_off,
            (unsigned long long)forgotten->erased, forgotten->new_key) < 0)
        return NULL;
    return text;
}

char *nm_change_forget(
    struct nm_runtime *runtime, const struct nm_control_request *request)
{
    const struct nm_actor actor = nm_control_actor(request->uid);
    struct nm_audit_forgotten forgotten;
    struct nm_error error = {.code = NM_OK};
    json_error_t fault;
    json_t *object = json_loads(request->argument, JSON_REJECT_DUPLICATES, &fault);
    const struct nm_audit_forget what = {
        .prune_before_us =
            json_integer_value(json_object_get(object, "prune_before_us")),
        .address = text_of(object, "address", ADDRESS_MAX),
        .rotate_key = json_is_true(json_object_get(object, "rotate_key")),
        .reason = text_of(object, "reason", REASON_MAX),
        .actor = actor.text};
    enum nm_code code;

    if (what.prune_before_us <= 0 && what.address == NULL && !what.rotate_key)
        code = nm_fail(&error, NM_BAD_INPUT, "the request names nothing to forget");
    else
        code =
            nm_audit_forget(runtime->audit, &what, FORGET_WAIT_MS, &forgotten, &error);
    json_decref(object);
    return code == NM_OK ? answer_forgotten(&forgotten) : answer_failure(&error);
}
