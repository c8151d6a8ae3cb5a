#include "allow.h"
#include "json.h"
#include "load.h"
#include "state.h"
#include "text.h"
#include "times.h"

#include "audit/audit.h"
#include "control/control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- the call ----------------------------------------------------------- */

static bool read_domain(const struct nm_call *call, const struct nm_names *names,
    const char *what, const char *text, struct nm_domain *out)
{
    const enum nm_address_fault fault = nm_domain_parse(names, text, strlen(text), out);

    if (fault == NM_FAULT_NONE)
        return true;
    (void)nm_wrong_value(call, "%s is a domain, not \"%s\": %s", what,
        nm_show(text).text, nm_address_fault_text(fault));
    return false;
}

static bool read_domains(
    const struct nm_call *call, const struct nm_names *names, struct nm_exception *out)
{
    const char *target = call->values[NM_CLI_TARGET];

    return read_domain(call, names, "the argument", call->arguments[0], &out->domain) &&
           (target == NULL ||
               read_domain(call, names, "--target", target, &out->target));
}

/* Text that is kept: UTF-8 without control characters, of a bounded length. */
static bool read_text(const struct nm_call *call, enum nm_cli_option option,
    size_t longest, const char **out)
{
    const char *text = call->values[option];
    const size_t length = text != NULL ? strlen(text) : 0;
    size_t step;

    *out = text;
    if (length > longest) {
        (void)nm_wrong_value(call, "%s has %zu bytes; at most %zu are kept",
            nm_cli_option_name(option), length, longest);
        return false;
    }
    for (size_t at = 0; at < length; at += step) {
        uint32_t code_point = 0;

        step = nm_utf8_decode(text + at, length - at, &code_point);
        if (step == 0 || code_point < 0x20 || code_point == 0x7f) {
            (void)nm_wrong_value(call, "%s is text in UTF-8 without control characters",
                nm_cli_option_name(option));
            return false;
        }
    }
    return true;
}

static bool read_sender(const struct nm_call *call, const char **out)
{
    if (!read_text(call, NM_CLI_SENDER, NM_EXCEPTION_SENDER_MAX, out))
        return false;
    if (*out != NULL && strcmp(*out, "<>") == 0) {
        *out = "";
    } else if (*out != NULL && ((*out)[0] == '\0' || strchr(*out, ' ') != NULL)) {
        (void)nm_wrong_value(
            call, "--sender is an address, a domain, or <>, not \"%s\"", *out);
        return false;
    }
    return true;
}

static bool read_expiry(const struct nm_call *call, int64_t *out)
{
    const char *text = call->values[NM_CLI_EXPIRES];

    *out = INT64_MAX;
    if (text == NULL)
        return true;
    if (!nm_time_parse_ahead(text, call->now_us, out)) {
        (void)nm_wrong_value(call,
            "--expires is a time such as 2030-01-31T12:00:00Z or 30d, not \"%s\"",
            nm_show(text).text);
        return false;
    }
    if (*out <= call->now_us) {
        (void)nm_wrong_value(call, "--expires %s is past", nm_show(text).text);
        return false;
    }
    return true;
}

bool nm_call_exception(const struct nm_call *call, struct nm_exception *out)
{
    struct nm_names *names = NULL;
    struct nm_error error = {.code = NM_OK};
    bool good;

    memset(out, 0, sizeof *out);
    if (nm_names_new(NULL, &names, &error) != NM_OK) {
        (void)nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
        return false;
    }
    good = read_domains(call, names, out) && read_sender(call, &out->sender) &&
           read_text(call, NM_CLI_REASON, NM_EXCEPTION_REASON_MAX, &out->reason) &&
           read_expiry(call, &out->expires_us);
    nm_names_free(&names);
    return good;
}

/* ---- by the daemon ------------------------------------------------------ */

static enum nm_exit ask_daemon(const struct nm_call *call,
    const struct nm_config *config, enum nm_exception_change change,
    const struct nm_exception *exception)
{
    struct nm_json json = nm_json_begin();
    char *object = NULL;
    char *request = NULL;
    enum nm_exit status;

    nm_json_add_text(&json, "domain", exception->domain.name);
    nm_json_add_nonempty(&json, "target", exception->target.name);
    nm_json_add_text(&json, "sender", exception->sender);
    nm_json_add_text(&json, "reason", exception->reason);
    if (exception->expires_us != INT64_MAX)
        nm_json_add(&json, "expires_us", json_integer(exception->expires_us));
    if (!json.failed)
        object = json_dumps(json.object, JSON_COMPACT);
    json_decref(json.object);
    if (object == NULL ||
        asprintf(&request, "%s %s",
            change == NM_EXCEPTION_ADD ? "allow-add" : "allow-remove", object) < 0)
        status = nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    else
        status = nm_ask_for_change(call, config, request, -1, NM_EXIT_SYSTEM);
    free(object);
    free(request);
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

/* Of so few bytes getrandom(2) always gives all. */
static void fill_random(void *self, void *bytes, size_t size)
{
    (void)self;
    if (getrandom(bytes, size, 0) != (ssize_t)size)
        abort();
}

static enum nm_exit write_database(const struct nm_call *call,
    const struct nm_config *config, struct nm_state *state,
    enum nm_exception_change change, const struct nm_exception *exception)
{
    const struct nm_settings *settings = nm_config_settings(config);
    const struct nm_actor actor = nm_control_actor(getuid());
    const struct nm_audit_options options = {.path = settings->audit_database,
        .wait_ms = settings->audit_wait_ms,
        .gateway = settings->gateway,
        .key = settings->audit_key,
        .group = settings->audit_group,
        .clock = {NULL, now_us}};
    struct nm_audit *audit = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code = nm_audit_start(&options, &audit, &error);

    if (code == NM_OK) {
        const struct nm_audit_port port = nm_audit_port(audit);
        const struct nm_recorder recorder = {.audit = &port,
            .clock = options.clock,
            .random = {NULL, fill_random},
            .gateway = settings->gateway,
            .actor = actor.text};

        code = change == NM_EXCEPTION_ADD
                   ? nm_state_allow(state, &recorder, exception, &error)
                   : nm_state_disallow(state, &recorder, exception, &error);
        nm_audit_stop(&audit);
    }
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
}

/* ---- the change --------------------------------------------------------- */

static void tell(const struct nm_call *call, enum nm_exception_change change,
    const struct nm_exception *exception)
{
    char words[2 * NM_DOMAIN_MAX + NM_EXCEPTION_SENDER_MAX + 32];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_exception_describe(exception, &buf);
    (void)fputs(
        change == NM_EXCEPTION_ADD ? "allowed: " : "no longer allowed: ", call->out);
    nm_put_visible(call->out, words, buf.length);
    if (change == NM_EXCEPTION_ADD && exception->expires_us != INT64_MAX)
        (void)fprintf(call->out, ", until %s UTC",
            nm_time_format_short(exception->expires_us).text);
    (void)fputc('\n', call->out);
}

enum nm_exit nm_change_exception(const struct nm_call *call,
    enum nm_exception_change change, const struct nm_exception *exception)
{
    struct nm_config *config = NULL;
    struct nm_state *state = NULL;
    enum nm_exit status = nm_load(call, &config, NULL);

    if (status == NM_EXIT_FINE)
        status = nm_open_state_to_write(call, config, &state);
    if (status == NM_EXIT_FINE)
        status = state == NULL ? ask_daemon(call, config, change, exception)
                               : write_database(call, config, state, change, exception);
    if (status == NM_EXIT_FINE)
        tell(call, change, exception);
    nm_state_close(&state);
    nm_config_free(&config);
    return status;
}
