/*
 * nearmissd: wires the adapters to the gate and lives until it is told to stop.
 */
#include "changes.h"
#include "control/control.h"
#include "keeper.h"
#include "log.h"
#include "milter/milter.h"
#include "preflight.h"
#include "process.h"
#include "runtime.h"

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* DESIGN's contract for all programs. */
enum { EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_SYSTEM = 4 };

static const char default_config[] = "/etc/nearmiss/nearmiss.conf";

static const char usage[] =
    "usage: nearmissd [-c FILE] [-t]\n"
    "\n"
    "  -c, --config FILE  the configuration (default /etc/nearmiss/nearmiss.conf)\n"
    "  -t, --test         check the configuration, the databases and the sockets'\n"
    "                     folders, and exit: 0 fine, 3 the configuration is wrong,\n"
    "                     4 the system is\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n"
    "\n"
    "Runs in the foreground. SIGUSR1 reloads the configuration, SIGTERM stops.\n";

struct daemon {
    struct nm_runtime runtime;
    struct nm_control_server *control;
    atomic_bool milter_failed;
};

/* ---- parts ------------------------------------------------------------------ */

/* Tell systemd that a reload begins; it wants to know when, by the monotonic clock. */
static void notify_reloading(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
        (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static char *text_of(const struct nm_complaints *complaints, const char *head)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    (void)fputs(head, stream);
    nm_complaints_print(complaints, stream);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *reload(struct daemon *daemon)
{
    struct nm_complaints complaints;
    enum nm_code code;
    char *text;

    nm_complaints_init(&complaints);
    notify_reloading();
    code = nm_runtime_reload(&daemon->runtime, &complaints);
    (void)sd_notify(0, "READY=1");
    text = text_of(&complaints, code == NM_OK ? "ok\n" : "wrong\n");
    nm_complaints_free(&complaints);
    return text;
}

static char *status(struct daemon *daemon)
{
    char *object = nm_runtime_status(&daemon->runtime);
    char *text = NULL;

    if (object == NULL || asprintf(&text, "ok\n%s\n", object) < 0)
        text = NULL;
    free(object);
    return text;
}

static char *answer_reload(void *self, const struct nm_control_request *request)
{
    (void)request;
    return reload(self);
}

static char *answer_status(void *self, const struct nm_control_request *request)
{
    (void)request;
    return status(self);
}

static char *answer_import(void *self, const struct nm_control_request *request)
{
    struct daemon *daemon = self;

    return nm_change_import(&daemon->runtime, request);
}

static char *answer_allow(void *self, const struct nm_control_request *request)
{
    struct daemon *daemon = self;

    return nm_change_allow(&daemon->runtime, request);
}

static char *answer_disallow(void *self, const struct nm_control_request *request)
{
    struct daemon *daemon = self;

    return nm_change_disallow(&daemon->runtime, request);
}

static char *answer_kept(void *self, const struct nm_control_request *request)
{
    struct daemon *daemon = self;
    struct nm_snapshot *snapshot = nm_slot_pin(daemon->runtime.slot);
    char *text = nm_keeper_answer(daemon->runtime.quarantine, &daemon->runtime.ports,
        nm_snapshot_values(snapshot)->gateway, request);

    nm_snapshot_release(&snapshot);
    return text;
}

static char *answer_forget(void *self, const struct nm_control_request *request)
{
    struct daemon *daemon = self;

    return nm_change_forget(&daemon->runtime, request);
}

/* What the tool may ask for. */
static const struct nm_control_verb verbs[] = {
    {.name = "allow-add", .takes_argument = true, .answer = answer_allow},
    {.name = "allow-remove", .takes_argument = true, .answer = answer_disallow},
    {.name = "audit-forget", .takes_argument = true, .answer = answer_forget},
    {.name = "history-import", .answer = answer_import},
    {.name = "kept-delete", .takes_argument = true, .answer = answer_kept},
    {.name = "kept-look", .takes_argument = true, .answer = answer_kept},
    {.name = "kept-not-released", .takes_argument = true, .answer = answer_kept},
    {.name = "kept-release", .takes_argument = true, .answer = answer_kept},
    {.name = "kept-release-again", .takes_argument = true, .answer = answer_kept},
    {.name = "kept-released", .takes_argument = true, .answer = answer_kept},
    {.name = "reload", .answer = answer_reload},
    {.name = "status", .everyone = true, .answer = answer_status},
};

static void *run_milter(void *self)
{
    struct daemon *daemon = self;
    struct nm_error error;

    if (nm_milter_run(&error) != NM_OK) {
        atomic_store(&daemon->milter_failed, true);
        nm_log_write(nm_process_log(), NM_LOG_ERROR, error.message, NULL, 0);
    }
    nm_process_wake_to_stop();
    return NULL;
}

/* The path of a control socket, as configured with its scheme. */
static const char *control_path(const struct nm_settings *settings)
{
    const char *colon = strchr(settings->control_socket, ':');

    return colon != NULL ? colon + 1 : settings->control_socket;
}

/* Everything that makes threads. */
static enum nm_code start_parts(void *self, struct nm_error *error)
{
    struct daemon *daemon = self;
    const struct nm_settings *settings = nm_config_settings(daemon->runtime.config);
    const struct nm_control_handler handler = {daemon, verbs, NM_COUNT(verbs)};
    const struct nm_milter_options options = {
        .socket = settings->milter_socket,
        .socket_mode = settings->milter_socket_mode,
        .socket_group = settings->milter_socket_group,
        .ports = &daemon->runtime.ports,
        .slot = daemon->runtime.slot,
    };
    pthread_t milter_thread;
    enum nm_code code = nm_milter_open(&options, error);

    if (code == NM_OK)
        code = nm_control_start(control_path(settings), &handler, nm_process_log(),
            &daemon->control, error);
    if (code != NM_OK)
        return code;
    if (pthread_create(&milter_thread, NULL, run_milter, daemon) != 0)
        return nm_fail(error, NM_SYSTEM, "cannot start the milter's thread");
    (void)pthread_detach(milter_thread); /* it ends with the process */
    return NM_OK;
}

/* ---- life ------------------------------------------------------------------- */

static int watchdog_interval_ms(void)
{
    uint64_t limit_us = 0;

    if (sd_watchdog_enabled(0, &limit_us) <= 0)
        return -1;
    return (int)(limit_us / 2000);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sweep_when_due(struct daemon *daemon, int64_t *due_ms)
{
    const int64_t now_ms = monotonic_ms();

    if (now_ms < *due_ms)
        return;
    nm_runtime_sweep(&daemon->runtime);
    *due_ms = now_ms + NM_KEEPER_SWEEP_MS;
}

static void serve(struct daemon *daemon)
{
    const int watchdog_ms = watchdog_interval_ms();
    const int interval_ms = watchdog_ms >= 0 && watchdog_ms < NM_KEEPER_SWEEP_MS
                                ? watchdog_ms
                                : NM_KEEPER_SWEEP_MS;
    int64_t sweep_due_ms = 0;

    nm_runtime_log_ready(&daemon->runtime);
    (void)sd_notify(0, "READY=1");
    for (;;) {
        sweep_when_due(daemon, &sweep_due_ms);
        switch (nm_process_wait(interval_ms)) {
        case NM_WAKE_STOP:
            return;
        case NM_WAKE_RELOAD:
            free(reload(daemon));
            break;
        case NM_WAKE_TIMEOUT:
            break;
        }
        if (watchdog_ms >= 0)
            (void)sd_notify(0, "WATCHDOG=1");
    }
}

static void tell_left(size_t count, const char *message)
{
    char number[32];
    struct nm_buf buf;

    if (count == 0)
        return;
    nm_buf_init(&buf, number, sizeof number);
    nm_buf_printf(&buf, "%zu", count);
    nm_log(nm_process_log(), NM_LOG_NOTICE, message, {"connections", number});
}

static int stop(struct daemon *daemon)
{
    struct nm_milter_left left;
    unsigned drain_ms;

    (void)sd_notify(0, "STOPPING=1");
    nm_log_write(nm_process_log(), NM_LOG_NOTICE, "stopping", NULL, 0);
    nm_control_stop(&daemon->control);
    /* Nobody reloads any more: the configuration stays as it is. */
    drain_ms = nm_config_settings(daemon->runtime.config)->audit_wait_ms + 1000;
    left = nm_milter_drain(drain_ms);
    tell_left(left.connections,
        "connections were open at the stop; their mail servers will try again");
    tell_left(left.callbacks, "mail servers did not take an answer until the stop");
    if (left.callbacks > 0)
        nm_runtime_abandon(&daemon->runtime);
    else
        nm_runtime_stop(&daemon->runtime);
    nm_log_write(nm_process_log(), NM_LOG_NOTICE, "stopped", NULL, 0);
    return atomic_load(&daemon->milter_failed) ? EXIT_SYSTEM : EXIT_SUCCESS;
}

static int exit_status(enum nm_code code)
{
    return code == NM_BAD_INPUT || code == NM_LIMIT ? EXIT_CONFIG : EXIT_SYSTEM;
}

/* Say what is wrong: the complaints of a configuration, or else the error. */
static int complain(enum nm_code code, const struct nm_complaints *complaints,
    const struct nm_error *error)
{
    nm_complaints_print(complaints, stderr);
    if (complaints->errors > 0)
        return EXIT_CONFIG;
    if (error->message[0] != '\0')
        fprintf(stderr, "nearmissd: %s\n", error->message);
    else
        fprintf(stderr, "nearmissd: out of memory\n");
    return exit_status(code);
}

static int run(const char *config_path, struct nm_config *config,
    struct nm_complaints *complaints, struct nm_error *error)
{
    static struct daemon daemon;
    const struct nm_settings *settings = nm_config_settings(config);
    enum nm_code code = nm_process_drop_privileges(settings->user, error);

    if (code == NM_OK)
        code = nm_process_catch_signals(error);
    if (code != NM_OK) {
        nm_config_free(&config);
        return complain(code, complaints, error);
    }
    (void)umask(027);
    (void)nm_process_raise_descriptors();
    nm_log_configure(settings->log_target == NM_LOG_TARGET_SYSLOG, settings->log_level);
    code = nm_runtime_start(&daemon.runtime, config_path, config, complaints, error);
    if (code != NM_OK)
        return complain(code, complaints, error);
    nm_complaints_print(complaints, stderr);
    code = nm_process_without_signals(start_parts, &daemon, error);
    if (code != NM_OK) {
        if (daemon.control != NULL)
            nm_control_stop(&daemon.control);
        nm_runtime_stop(&daemon.runtime);
        return complain(code, complaints, error);
    }
    serve(&daemon);
    return stop(&daemon);
}

/* `-t`: the configuration is built whole, and the databases are looked at, by the user
 * that the daemon will be. */
static int test(const char *config_path, struct nm_config *config,
    struct nm_complaints *complaints, struct nm_error *error)
{
    struct nm_snapshot *snapshot = NULL;
    const struct nm_settings *settings = nm_config_settings(config);
    enum nm_code code = nm_config_build(config, NULL, &snapshot, complaints);

    if (code == NM_OK)
        code = nm_preflight_user(settings, error);
    if (code == NM_OK)
        code = nm_audit_check(settings->audit_database, error);
    if (code == NM_OK)
        code = nm_state_check(settings->history_database, error);
    if (code == NM_OK)
        nm_preflight_warn(config_path, settings);
    nm_snapshot_release(&snapshot);
    nm_config_free(&config);
    if (code != NM_OK)
        return complain(code, complaints, error);
    nm_complaints_print(complaints, stderr);
    printf("%s: fine\n", config_path);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
        {"test", no_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    const char *config_path = default_config;
    struct nm_error error = {.code = NM_OK};
    struct nm_complaints complaints;
    struct nm_config *config = NULL;
    bool only_test = false;
    enum nm_code code;
    int option;
    int status_code;

    while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 't':
            only_test = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        case 'V':
            puts("nearmissd " NM_VERSION);
            return EXIT_SUCCESS;
        default:
            (void)fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(
            stderr, "nearmissd: no argument is taken: \"%s\"\n%s", argv[optind], usage);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0) {
        fprintf(stderr, "nearmissd: libsodium finds no source of randomness\n");
        return EXIT_SYSTEM;
    }
    nm_complaints_init(&complaints);
    code = nm_config_load(config_path, &config, &complaints);
    if (code != NM_OK)
        status_code = complain(code, &complaints, &error);
    else if (only_test)
        status_code = test(config_path, config, &complaints, &error);
    else
        status_code = run(config_path, config, &complaints, &error);
    nm_complaints_free(&complaints);
    return status_code;
}
