#include "figures.h"

#include "json.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DAYS = 30, PROGRESS_COLUMNS = 30, PROGRESS_AFTER_MS = 400 };
static const int64_t day_us = INT64_C(86400000000);

/* False: the usage was told. */
static bool read_span(const struct nm_call *call, int64_t *since_us, int64_t *until_us)
{
    *until_us = call->now_us;
    *since_us = 0;
    if (!nm_call_time(call, NM_CLI_UNTIL, until_us))
        return false;
    *since_us = *until_us - DAYS * day_us;
    if (!nm_call_time(call, NM_CLI_SINCE, since_us))
        return false;
    *since_us = *since_us < 0 ? 0 : *since_us;
    if (*since_us < *until_us)
        return true;
    (void)nm_wrong_value(call, "--since is not before --until");
    return false;
}

/* ---- gathering ---------------------------------------------------------- */

struct gather {
    const struct nm_call *call;
    struct nm_report *report;
    bool shows_progress;
    int64_t begun_ms;
    int percent;
    enum nm_code code;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is over in a moment shows none. */
static void show_progress(struct gather *gather, int64_t time_us)
{
    const struct nm_report *report = gather->report;
    const int64_t span_us = report->until_us - report->since_us;
    const int percent = (int)((time_us - report->since_us) / (span_us / 100 + 1));
    FILE *err = gather->call->err;

    if (!gather->shows_progress || percent <= gather->percent ||
        now_ms() - gather->begun_ms < PROGRESS_AFTER_MS)
        return;
    gather->percent = percent;
    (void)fprintf(err, "\r[%-*.*s] %3d%%", PROGRESS_COLUMNS,
        percent * PROGRESS_COLUMNS / 100, "##############################", percent);
    (void)fflush(err);
}

static void end_progress(struct gather *gather)
{
    if (gather->percent > 0)
        (void)fputs("\r\x1b[K", gather->call->err);
}

static bool take_hour(void *self, const struct nm_audit_hour *hour)
{
    struct gather *gather = self;

    nm_report_count(gather->report, hour->begin_us, hour->match, hour->decisions);
    return true;
}

static bool take_row(void *self, const struct nm_audit_row *row)
{
    struct gather *gather = self;

    gather->code = nm_report_note(gather->report, row->sequence, &row->decision);
    show_progress(gather, row->decision.time_us);
    return gather->code == NM_OK;
}

static bool take_act(void *self, const struct nm_audit_act *act)
{
    struct gather *gather = self;

    nm_report_act(gather->report, act->event.verb);
    return true;
}

/* As long a time before is read too, where the log goes back so far. */
static enum nm_code read_log(
    struct gather *gather, struct nm_audit_reader *reader, struct nm_error *error)
{
    const struct nm_report *report = gather->report;
    const int64_t before_us = 2 * report->since_us - report->until_us;
    const struct nm_audit_act_query acts = {
        .since_us = report->since_us, .until_us = report->until_us};
    int64_t first_us = 0;
    int64_t last_us = 0;
    enum nm_code code = nm_audit_reader_span(reader, &first_us, &last_us, error);

    if (code == NM_OK)
        code = nm_audit_reader_hours(reader,
            first_us > 0 && before_us >= first_us ? before_us : report->since_us,
            report->until_us, take_hour, gather, error);
    if (code == NM_OK)
        code = nm_audit_reader_notable(
            reader, report->since_us, report->until_us, take_row, gather, error);
    if (code == NM_OK)
        code = nm_audit_reader_acts(reader, &acts, take_act, gather, error);
    return code;
}

static void take_rule_value(void *self, const struct nm_config_value *value)
{
    struct gather *gather = self;

    if (strcmp(value->path, "name") == 0 && gather->code == NM_OK)
        gather->code = nm_report_add_rule(gather->report, value->text);
}

static void count_rules(void *self, const struct nm_config_value *value)
{
    size_t *count = self;

    if (value->kind == NM_CONFIG_RULES)
        *count = value->count;
}

static enum nm_code add_rules(struct gather *gather, const struct nm_config *config)
{
    size_t count = 0;
    enum nm_code code = NM_OK;

    if (config != NULL)
        code = nm_config_each(config, count_rules, &count);
    for (size_t i = 0; i < count && code == NM_OK && gather->code == NM_OK; i++)
        code = nm_config_each_of_rule(config, i, take_rule_value, gather);
    return code;
}

static enum nm_exit gather_report(const struct nm_call *call,
    struct nm_audit_reader *reader, const struct nm_config *config, int64_t since_us,
    int64_t until_us, struct nm_report **out)
{
    struct gather gather = {.call = call,
        .shows_progress = isatty(fileno(call->err)) != 0,
        .begun_ms = now_ms()};
    struct nm_error error = {0};
    enum nm_code code = nm_report_new(since_us, until_us, &gather.report);

    if (code == NM_OK)
        code = add_rules(&gather, config);
    if (code == NM_OK && gather.code == NM_OK)
        code = read_log(&gather, reader, &error);
    end_progress(&gather);
    if (code == NM_NO_MEMORY || gather.code != NM_OK || code != NM_OK) {
        nm_report_free(&gather.report);
        if (error.message[0] == '\0')
            return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
    }
    nm_report_settle(gather.report);
    *out = gather.report;
    return NM_EXIT_FINE;
}

enum nm_exit nm_figures_open(const struct nm_call *call, struct nm_figures *figures)
{
    int64_t since_us;
    int64_t until_us;
    enum nm_exit status;

    *figures = (struct nm_figures){0};
    if (!read_span(call, &since_us, &until_us))
        return NM_EXIT_USAGE;
    status = nm_open_log_and_config(
        call, &figures->reader, &figures->path, &figures->config);
    return status == NM_EXIT_FINE
               ? gather_report(call, figures->reader, figures->config, since_us,
                     until_us, &figures->report)
               : status;
}

void nm_figures_close(struct nm_figures *figures)
{
    nm_report_free(&figures->report);
    nm_audit_reader_close(&figures->reader);
    nm_config_free(&figures->config);
    free(figures->path);
    figures->path = NULL;
}

/* ---- JSON --------------------------------------------------------------- */

static void add_number(struct nm_json *json, const char *key, uint64_t number)
{
    nm_json_add(json, key, json_integer((json_int_t)number));
}

static void add_time(struct nm_json *json, const char *key, int64_t time_us)
{
    nm_json_add_text(json, key, nm_time_format(time_us).text);
}

static void add_fates(struct nm_json *json, const uint64_t fates[NM_FATE_COUNT])
{
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        add_number(json, nm_fate_name((enum nm_fate)fate), fates[fate]);
}

/* Append what was made to the array, or fail the object that it is for. */
static void append(struct nm_json *json, json_t *array, struct nm_json *item)
{
    if (json_array_append_new(array, nm_json_take(item)) != 0)
        json->failed = true;
}

static struct nm_json group_json(
    enum nm_dimension dimension, const struct nm_group *group)
{
    struct nm_json json = nm_json_begin();

    if (dimension == NM_BY_HABIT)
        nm_json_add_bytes(&json, "sender", group->sender.data, group->sender.length);
    nm_json_add_bytes(&json, dimension == NM_BY_HABIT ? "domain" : "name",
        group->name.data, group->name.length);
    if (dimension == NM_BY_HABIT || dimension == NM_BY_DOMAIN)
        nm_json_add_text(&json, "target", group->target);
    add_number(&json, "count", group->count);
    add_fates(&json, group->fates);
    if (dimension == NM_BY_DOMAIN)
        add_number(&json, "senders", group->senders);
    add_number(&json, "days", group->days);
    nm_json_add_text(
        &json, "first", group->count > 0 ? nm_time_format(group->first_us).text : NULL);
    nm_json_add_text(
        &json, "last", group->count > 0 ? nm_time_format(group->last_us).text : NULL);
    return json;
}

static void add_groups(
    struct nm_json *json, const struct nm_report *report, enum nm_dimension dimension)
{
    const struct nm_groups *groups = &report->by[dimension];
    json_t *array = json_array();

    for (size_t i = 0; i < groups->count; i++) {
        struct nm_json group = group_json(dimension, groups->items[i]);

        append(json, array, &group);
    }
    nm_json_add(json, nm_dimension_name(dimension), array);
}

static void add_buckets(struct nm_json *json, const struct nm_report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->bucket_count; i++) {
        const struct nm_bucket *bucket = &report->buckets[i];
        struct nm_json item = nm_json_begin();

        add_time(&item, "time", bucket->begin_us);
        add_number(&item, "recipients", bucket->recipients);
        add_number(&item, "near_misses", bucket->near_misses);
        add_fates(&item, bucket->fates);
        append(json, array, &item);
    }
    nm_json_add(json, "time", array);
}

static void add_totals(struct nm_json *json, const struct nm_report *report)
{
    struct nm_json matches = nm_json_begin();
    struct nm_json acts = nm_json_begin();

    add_time(json, "since", report->since_us);
    add_time(json, "until", report->until_us);
    add_number(json, "recipients", report->recipients);
    add_number(json, "near_misses", report->near_misses);
    nm_json_add(json, "near_misses_before",
        report->has_before ? json_integer((json_int_t)report->before) : json_null());
    add_fates(json, report->fates);
    add_number(json, "acted_on", report->acted_on);
    for (int match = 0; match < NM_MATCH_COUNT; match++)
        add_number(
            &matches, nm_match_name((enum nm_match)match), report->by_match[match]);
    for (int verb = 0; verb < NM_VERB_COUNT; verb++)
        if (nm_verb_is_counted((enum nm_verb)verb))
            add_number(&acts, nm_verb_name((enum nm_verb)verb), report->acts[verb]);
    nm_json_add(json, "match", nm_json_take(&matches));
    nm_json_add(json, "acts", nm_json_take(&acts));
}

bool nm_put_figures_json(FILE *out, const struct nm_report *report)
{
    struct nm_json json = nm_json_begin();

    add_totals(&json, report);
    add_buckets(&json, report);
    for (int dimension = 0; dimension < NM_DIMENSION_COUNT; dimension++)
        add_groups(&json, report, (enum nm_dimension)dimension);
    return nm_json_end(&json, out);
}

/* ---- CSV ---------------------------------------------------------------- */

static void put_fates_csv(struct nm_csv *csv, const uint64_t fates[NM_FATE_COUNT])
{
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        nm_csv_number(csv, fates[fate]);
}

static void put_titles_csv(struct nm_csv *csv)
{
    static const char *const before[] = {"by", "name", "sender", "target", "count"};
    static const char *const behind[] = {
        "recipients", "senders", "days", "first", "last"};

    for (size_t i = 0; i < NM_COUNT(before); i++)
        nm_csv_text(csv, before[i]);
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        nm_csv_text(csv, nm_fate_name((enum nm_fate)fate));
    for (size_t i = 0; i < NM_COUNT(behind); i++)
        nm_csv_text(csv, behind[i]);
    nm_csv_end_row(csv);
}

static void put_bucket_csv(struct nm_csv *csv, const struct nm_bucket *bucket)
{
    nm_csv_text(csv, "time");
    nm_csv_text(csv, nm_time_format(bucket->begin_us).text);
    nm_csv_text(csv, NULL);
    nm_csv_text(csv, NULL);
    nm_csv_number(csv, bucket->near_misses);
    put_fates_csv(csv, bucket->fates);
    nm_csv_number(csv, bucket->recipients);
    for (int i = 0; i < 4; i++)
        nm_csv_text(csv, NULL);
    nm_csv_end_row(csv);
}

static void put_group_csv(
    struct nm_csv *csv, enum nm_dimension dimension, const struct nm_group *group)
{
    nm_csv_text(csv, nm_dimension_name(dimension));
    nm_csv_bytes(csv, group->name.data, group->name.length);
    nm_csv_bytes(csv, group->sender.data, group->sender.length);
    nm_csv_text(csv,
        dimension == NM_BY_HABIT || dimension == NM_BY_DOMAIN ? group->target : NULL);
    nm_csv_number(csv, group->count);
    put_fates_csv(csv, group->fates);
    nm_csv_text(csv, NULL);
    if (dimension == NM_BY_DOMAIN)
        nm_csv_number(csv, group->senders);
    else
        nm_csv_text(csv, NULL);
    nm_csv_number(csv, group->days);
    nm_csv_text(csv, group->count > 0 ? nm_time_format(group->first_us).text : NULL);
    nm_csv_text(csv, group->count > 0 ? nm_time_format(group->last_us).text : NULL);
    nm_csv_end_row(csv);
}

void nm_put_figures_csv(FILE *out, const struct nm_report *report)
{
    struct nm_csv csv = nm_csv_begin(out);

    put_titles_csv(&csv);
    for (size_t i = 0; i < report->bucket_count; i++)
        put_bucket_csv(&csv, &report->buckets[i]);
    for (int dimension = 0; dimension < NM_DIMENSION_COUNT; dimension++)
        for (size_t i = 0; i < report->by[dimension].count; i++)
            put_group_csv(
                &csv, (enum nm_dimension)dimension, report->by[dimension].items[i]);
}
