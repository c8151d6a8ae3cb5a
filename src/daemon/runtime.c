#include "runtime.h"

#include "counters.h"
#include "keeper.h"
#include "log.h"
#include "milter/milter.h"

#include <jansson.h>
#include <sodium.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_now_us(void *self)
{
    struct timespec now;

    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void random_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    randombytes_buf(bytes, size);
}

static const struct nm_clock wall_clock = {NULL, clock_now_us};

static enum nm_code start_audit(struct nm_runtime *runtime, struct nm_error *error)
{
    const struct nm_settings *settings = nm_config_settings(runtime->config);
    const struct nm_audit_options options = {
        .path = settings->audit_database,
        .wait_ms = settings->audit_wait_ms,
        .sender_local_part = settings->audit_sender_local_part,
        .recipient_local_part = settings->audit_recipient_local_part,
        .key = settings->audit_key,
        .group = settings->audit_group,
        .gateway = settings->gateway,
        .log = nm_process_log(),
        .clock = wall_clock,
    };
    const enum nm_code code = nm_audit_start(&options, &runtime->audit, error);

    if (code != NM_OK)
        return code;
    nm_audit_set_retention(
        runtime->audit, settings->audit_keep_days, settings->audit_keep_days_accepted);
    runtime->ports = (struct nm_ports){
        .audit = nm_audit_port(runtime->audit),
        .quarantine = nm_quarantine_port(runtime->quarantine),
        .counters = nm_counters_port(),
        .clock = wall_clock,
        .random = {NULL, random_fill},
        .log = nm_process_log(),
    };
    return nm_audit_note_config(runtime->audit, nm_config_hash(runtime->config),
        nm_config_text(runtime->config));
}

/* ---- the snapshot ----------------------------------------------------------- */

static enum nm_code build(const struct nm_config *config,
    const struct nm_counts *counts, struct nm_snapshot **out,
    struct nm_complaints *complaints)
{
    const struct nm_history_view history = nm_counts_view(counts);

    return nm_config_build(config, &history, out, complaints);
}

static enum nm_code start_learner(struct nm_runtime *runtime, struct nm_error *error)
{
    struct nm_snapshot *snapshot = nm_slot_pin(runtime->slot);
    const enum nm_code code =
        nm_learner_start(runtime->state, nm_snapshot_values(snapshot)->names,
            wall_clock, nm_process_log(), &runtime->learner, error);

    nm_snapshot_release(&snapshot);
    if (code == NM_OK)
        runtime->ports.contacts = nm_learner_port(runtime->learner);
    return code;
}

static enum nm_code start_confirmer(struct nm_runtime *runtime, struct nm_error *error)
{
    const struct nm_settings *settings = nm_config_settings(runtime->config);
    enum nm_code code = nm_codes_open(settings->confirm_key, &runtime->codes, error);

    if (code == NM_OK)
        code = nm_confirmer_start(runtime->state, runtime->codes, wall_clock,
            nm_process_log(), &runtime->confirmer, error);
    if (code == NM_OK)
        runtime->ports.confirms = nm_confirmer_port(runtime->confirmer);
    return code;
}

static enum nm_code open_state(struct nm_runtime *runtime, struct nm_error *error)
{
    const char *path = nm_config_settings(runtime->config)->history_database;
    const enum nm_code code = nm_state_open(path, &runtime->state, error);

    return code == NM_OK ? nm_state_counts(runtime->state, &runtime->counts, error)
                         : code;
}

enum nm_code nm_runtime_take_history(struct nm_runtime *runtime, struct nm_error *error)
{
    struct nm_counts *counts = NULL;
    struct nm_snapshot *snapshot = NULL;
    struct nm_complaints complaints;
    enum nm_code code = nm_state_counts(runtime->state, &counts, error);

    if (code != NM_OK)
        return code;
    nm_complaints_init(&complaints);
    (void)pthread_mutex_lock(&runtime->reloading);
    code = build(runtime->config, counts, &snapshot, &complaints);
    if (code == NM_OK) {
        struct nm_counts *before = runtime->counts;

        nm_learner_add(runtime->learner, nm_snapshot_values(snapshot)->names, counts);
        nm_slot_swap(runtime->slot, snapshot);
        runtime->counts = counts;
        counts = before;
    }
    (void)pthread_mutex_unlock(&runtime->reloading);
    if (code != NM_OK)
        code = nm_fail(error, code, "%s",
            complaints.count > 0 ? complaints.rows[0].error.message : "out of memory");
    nm_complaints_free(&complaints);
    nm_counts_free(&counts);
    return code;
}

enum nm_code nm_runtime_take_exceptions(
    struct nm_runtime *runtime, struct nm_error *error)
{
    struct nm_overlay *overlay = NULL;
    const enum nm_code code =
        nm_state_overlay(runtime->state, clock_now_us(NULL), &overlay, error);

    if (code == NM_OK)
        nm_slot_swap_overlay(runtime->slot, overlay);
    return code;
}

/* ---- notices ---------------------------------------------------------------- */

static enum nm_code start_notices(struct nm_runtime *runtime, struct nm_error *error)
{
    const struct nm_notices_options options = {
        .path = nm_config_settings(runtime->config)->notice_database,
        .ports = &runtime->ports};

    if (nm_notices_new(&options, &runtime->notices) != NM_OK)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    runtime->ports.notices = nm_notices_port(runtime->notices);
    return NM_OK;
}

/* Mail goes on where nobody can be told of it. */
static void configure_notices(struct nm_runtime *runtime)
{
    const struct nm_settings *settings = nm_config_settings(runtime->config);
    const struct nm_notice_settings notice = {.sender = settings->notice_sender,
        .reviewer = settings->notice_reviewer,
        .from = settings->notice_from,
        .route = settings->notice_route,
        .gateway = settings->gateway,
        .contact = settings->contact,
        .template = settings->notice_template,
        .reviewer_template = settings->notice_reviewer_template,
        .per_hour = settings->notice_per_hour};
    struct nm_error error = {.code = NM_OK};

    if (nm_notices_configure(runtime->notices, &notice, &error) != NM_OK)
        nm_log(nm_process_log(), NM_LOG_ERROR,
            "nobody can be told of what is held or kept", {"why", error.message});
}

/* ---- start and reload ------------------------------------------------------- */

static void open_quarantine(struct nm_runtime *runtime)
{
    struct nm_snapshot *snapshot = nm_slot_pin(runtime->slot);

    nm_keeper_configure(runtime->quarantine, nm_config_settings(runtime->config),
        nm_snapshot_values(snapshot)->needs_content);
    nm_snapshot_release(&snapshot);
}

enum nm_code nm_runtime_start(struct nm_runtime *runtime, const char *config_path,
    struct nm_config *config, struct nm_complaints *complaints, struct nm_error *error)
{
    struct nm_snapshot *snapshot = NULL;
    enum nm_code code;

    memset(runtime, 0, sizeof *runtime);
    runtime->config_path = config_path;
    runtime->config = config;
    runtime->started_us = clock_now_us(NULL);
    runtime->loaded_us = runtime->started_us;
    (void)pthread_mutex_init(&runtime->reloading, NULL);
    code = open_state(runtime, error);
    if (code == NM_OK)
        code = build(config, runtime->counts, &snapshot, complaints);
    if (code == NM_OK)
        code = nm_slot_new(snapshot, &runtime->slot);
    if (code == NM_OK)
        code = nm_runtime_take_exceptions(runtime, error);
    if (code == NM_OK)
        code = nm_keeper_start(
            nm_config_settings(config), wall_clock, &runtime->quarantine);
    if (code == NM_OK)
        code = start_audit(runtime, error);
    if (code == NM_OK)
        code = start_learner(runtime, error);
    if (code == NM_OK)
        code = start_confirmer(runtime, error);
    if (code == NM_OK)
        code = start_notices(runtime, error);
    if (code == NM_OK) {
        open_quarantine(runtime);
        configure_notices(runtime);
    }
    if (code != NM_OK)
        nm_runtime_stop(runtime);
    return code;
}

/* What a reload cannot change. */
static void warn_of_fixed_settings(
    const struct nm_settings *before, const struct nm_settings *now)
{
    const struct {
        const char *key;
        const char *before;
        const char *now;
    } fixed[] = {
        {"milter.socket", before->milter_socket, now->milter_socket},
        {"audit.database", before->audit_database, now->audit_database},
        {"audit.key", before->audit_key, now->audit_key},
        {"audit.group", before->audit_group, now->audit_group},
        {"history.database", before->history_database, now->history_database},
        {"confirm.key", before->confirm_key, now->confirm_key},
        {"control.socket", before->control_socket, now->control_socket},
        {"quarantine.directory", before->quarantine_directory,
            now->quarantine_directory},
        {"user", before->user, now->user},
    };

    for (size_t i = 0; i < NM_COUNT(fixed); i++) {
        if (strcmp(fixed[i].before, fixed[i].now) != 0)
            nm_log(nm_process_log(), NM_LOG_WARNING,
                "a changed setting takes effect only when nearmissd is restarted",
                {"key", fixed[i].key}, {"in_force", fixed[i].before},
                {"configured", fixed[i].now});
    }
}

static void put_in_force(
    struct nm_runtime *runtime, struct nm_config *next, struct nm_snapshot *snapshot)
{
    const struct nm_settings *settings = nm_config_settings(next);
    struct nm_config *before = runtime->config;

    warn_of_fixed_settings(nm_config_settings(before), settings);
    /* The row of the configuration precedes every decision that is taken by it. */
    if (nm_audit_note_config(
            runtime->audit, nm_config_hash(next), nm_config_text(next)) != NM_OK)
        nm_log_write(nm_process_log(), NM_LOG_ERROR,
            "the text of the configuration could not be recorded", NULL, 0);
    nm_audit_set_wait_ms(runtime->audit, settings->audit_wait_ms);
    nm_audit_set_local_parts(runtime->audit, settings->audit_sender_local_part,
        settings->audit_recipient_local_part);
    nm_audit_set_retention(
        runtime->audit, settings->audit_keep_days, settings->audit_keep_days_accepted);
    nm_slot_swap(runtime->slot, snapshot);
    nm_log_configure(settings->log_target == NM_LOG_TARGET_SYSLOG, settings->log_level);
    runtime->config = next;
    open_quarantine(runtime);
    configure_notices(runtime);
    runtime->loaded_us = clock_now_us(NULL);
    runtime->reloads++;
    nm_config_free(&before);
}

enum nm_code nm_runtime_reload(
    struct nm_runtime *runtime, struct nm_complaints *complaints)
{
    struct nm_config *next = NULL;
    struct nm_snapshot *snapshot = NULL;
    enum nm_code code;

    (void)pthread_mutex_lock(&runtime->reloading);
    code = nm_config_load(runtime->config_path, &next, complaints);
    if (code == NM_OK)
        code = build(next, runtime->counts, &snapshot, complaints);
    if (code == NM_OK) {
        put_in_force(runtime, next, snapshot);
        nm_log(nm_process_log(), NM_LOG_NOTICE, "configuration reloaded",
            {"file", runtime->config_path}, {"config", nm_config_hash(next)});
    } else {
        nm_config_free(&next);
        nm_log(nm_process_log(), NM_LOG_ERROR,
            "the new configuration is wrong; the old one stays in force",
            {"file", runtime->config_path},
            {"config", nm_config_hash(runtime->config)});
        for (size_t i = 0; i < complaints->count; i++) {
            const struct nm_error *error = &complaints->rows[i].error;
            char line[16];
            struct nm_buf buf;

            nm_buf_init(&buf, line, sizeof line);
            nm_buf_printf(&buf, "%u", error->line);
            nm_log(nm_process_log(), NM_LOG_ERROR, error->message,
                {"file", error->file}, {"line", line});
        }
    }
    (void)pthread_mutex_unlock(&runtime->reloading);
    return code;
}

void nm_runtime_log_ready(struct nm_runtime *runtime)
{
    const struct nm_settings *settings;

    (void)pthread_mutex_lock(&runtime->reloading);
    settings = nm_config_settings(runtime->config);
    nm_log(nm_process_log(), NM_LOG_NOTICE, "ready", {"version", NM_VERSION},
        {"socket", settings->milter_socket}, {"mode", nm_mode_name(settings->mode)},
        {"config", nm_config_hash(runtime->config)});
    (void)pthread_mutex_unlock(&runtime->reloading);
}

/* ---- status ----------------------------------------------------------------- */

static const struct {
    const char *name;
    enum nm_counter counter;
} counts[] = {
    {"sessions", NM_COUNTER_SESSIONS},
    {"messages", NM_COUNTER_MESSAGES},
    {"recipients", NM_COUNTER_RECIPIENTS},
    {"near_misses", NM_COUNTER_NEAR_MISSES},
    {"audit_failures", NM_COUNTER_AUDIT_FAILURES},
};

static json_t *count_of(int counter)
{
    return json_integer((json_int_t)nm_counter_value((enum nm_counter)counter));
}

static int put_counts(json_t *status)
{
    json_t *near_misses = json_object();
    int failed = near_misses == NULL;

    for (size_t i = 0; i < NM_COUNT(counts); i++)
        failed |= json_object_set_new(
            status, counts[i].name, count_of((int)counts[i].counter));
    for (int i = 0; i < NM_ACTION_COUNT; i++) {
        const char *name = nm_action_name((enum nm_action)i);

        failed |= json_object_set_new(status, name, count_of(NM_COUNTER_ACTION + i));
        failed |= json_object_set_new(
            near_misses, name, count_of(NM_COUNTER_NEAR_MISS_ACTION + i));
    }
    failed |= json_object_set_new(status, "near_misses_by_action", near_misses);
    return failed;
}

static int put_audit(const struct nm_runtime *runtime, json_t *status)
{
    struct nm_audit_status audit;

    nm_audit_status(runtime->audit, &audit);
    return json_object_set_new(status, "audit",
        json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:I}", "database",
            nm_config_settings(runtime->config)->audit_database, "failing",
            audit.failing, "error", audit.failing ? audit.last.message : "",
            "events_written", (json_int_t)audit.events_written, "commits",
            (json_int_t)audit.commits, "queued_bytes", (json_int_t)audit.queued_bytes,
            "wait_ms", (json_int_t)audit.wait_ms));
}

char *nm_runtime_status(struct nm_runtime *runtime)
{
    const struct nm_snapshot_values *values;
    struct nm_snapshot *snapshot = nm_slot_pin(runtime->slot);
    json_t *status;
    char *text = NULL;

    values = nm_snapshot_values(snapshot);
    (void)pthread_mutex_lock(&runtime->reloading);
    status = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                       "s:I, s:I}",
        "version", NM_VERSION, "config", values->config_hash, "mode",
        nm_mode_name(values->mode), "gateway", values->gateway, "pid",
        (json_int_t)getpid(), "uptime_s",
        (json_int_t)((clock_now_us(NULL) - runtime->started_us) / 1000000),
        "config_age_s",
        (json_int_t)((clock_now_us(NULL) - runtime->loaded_us) / 1000000), "reloads",
        (json_int_t)runtime->reloads, "open_sessions", (json_int_t)nm_milter_sessions(),
        "names", (json_int_t)nm_index_size(values->index), "rules",
        (json_int_t)nm_policy_size(values->policy), "history_domains",
        (json_int_t)nm_counts_size(runtime->counts), "known_domains",
        (json_int_t)nm_learner_size(runtime->learner), "notices_waiting",
        (json_int_t)nm_notices_waiting(runtime->notices));
    if (status != NULL && put_counts(status) == 0 && put_audit(runtime, status) == 0)
        text = json_dumps(status, JSON_COMPACT);
    (void)pthread_mutex_unlock(&runtime->reloading);
    json_decref(status);
    nm_snapshot_release(&snapshot);
    return text;
}

void nm_runtime_sweep(struct nm_runtime *runtime)
{
    struct nm_snapshot *snapshot = nm_slot_pin(runtime->slot);

    if (nm_quarantine_exists(runtime->quarantine))
        nm_keeper_sweep(runtime->quarantine, &runtime->ports,
            nm_snapshot_values(snapshot)->gateway);
    nm_snapshot_release(&snapshot);
}

void nm_runtime_abandon(struct nm_runtime *runtime)
{
    nm_audit_end(runtime->audit);
}

void nm_runtime_stop(struct nm_runtime *runtime)
{
    nm_notices_stop(&runtime->notices);
    if (runtime->audit != NULL)
        nm_audit_stop(&runtime->audit);
    nm_learner_stop(&runtime->learner);
    nm_confirmer_stop(&runtime->confirmer);
    nm_codes_close(&runtime->codes);
    nm_state_close(&runtime->state);
    nm_counts_free(&runtime->counts);
    nm_quarantine_close(&runtime->quarantine);
    nm_slot_free(&runtime->slot);
    nm_config_free(&runtime->config);
    (void)pthread_mutex_destroy(&runtime->reloading);
}
