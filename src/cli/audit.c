#include "audit.h"
#include "json.h"
#include "load.h"
#include "text.h"
#include "text.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

bool nm_call_time(const struct nm_call *call, enum nm_cli_option option, int64_t *out)
{
    const char *value = call->values[option];

    if (value == NULL || nm_time_parse(value, call->now_us, out))
        return true;
    (void)nm_wrong_value(call,
        "%s is a time such as 2026-03-01T12:00:00Z, a date, or how long ago (15m, 24h, "
        "30d), not \"%s\"",
        nm_cli_option_name(option), nm_show(value).text);
    return false;
}

bool nm_call_last(const struct nm_call *call, size_t *out)
{
    const char *value = call->values[NM_CLI_LAST];
    const size_t digits = value != NULL ? strspn(value, "0123456789") : 0;

    if (value == NULL)
        return true;
    if (digits > 0 && digits <= 18 && value[digits] == '\0') {
        *out = strtoull(value, NULL, 10);
        if (*out > 0)
            return true;
    }
    (void)nm_wrong_value(
        call, "--last is a number from 1 upwards, not \"%s\"", nm_show(value).text);
    return false;
}

/* `*config` stays NULL where the call names a log. */
static enum nm_exit find_log(
    const struct nm_call *call, char **path, struct nm_config **config)
{
    const char *given = call->values[NM_CLI_DATABASE];
    enum nm_exit status = NM_EXIT_FINE;

    if (given == NULL)
        status = nm_load(call, config, NULL);
    if (status != NM_EXIT_FINE)
        return status;
    *path = strdup(given != NULL ? given : nm_config_settings(*config)->audit_database);
    return *path != NULL ? NM_EXIT_FINE
                         : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

enum nm_exit nm_open_log_and_config(const struct nm_call *call,
    struct nm_audit_reader **reader, char **path, struct nm_config **config)
{
    struct nm_error error = {0};
    enum nm_exit status;

    *config = NULL;
    status = find_log(call, path, config);
    if (status == NM_EXIT_FINE &&
        nm_audit_reader_open(*path, reader, &error) != NM_OK) {
        status = nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
        free(*path);
        *path = NULL;
    }
    if (status != NM_EXIT_FINE)
        nm_config_free(config);
    return status;
}

enum nm_exit nm_open_log(
    const struct nm_call *call, struct nm_audit_reader **reader, char **path)
{
    struct nm_config *config = NULL;
    const enum nm_exit status = nm_open_log_and_config(call, reader, path, &config);

    nm_config_free(&config);
    return status;
}

enum nm_exit nm_find_log(const struct nm_call *call, char **path)
{
    struct nm_config *config = NULL;
    const enum nm_exit status = find_log(call, path, &config);

    nm_config_free(&config);
    return status;
}

struct nm_json nm_row_json(const struct nm_audit_row *row)
{
    const struct nm_audit_event *event = &row->decision;
    const bool near_miss = event->technique != NM_TECHNIQUE_NONE;
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "id", event->id.text);
    nm_json_add_text(&json, "time", nm_time_format(event->time_us).text);
    nm_json_add_text(&json, "gateway", event->gateway);
    nm_json_add_text(&json, "transaction", event->transaction.text);
    nm_json_add_nonempty(&json, "queue_id", event->queue_id);
    nm_json_add_nonempty(&json, "client", event->client);
    nm_json_add_nonempty(&json, "auth", event->auth);
    nm_json_add_bytes(&json, "sender", event->sender.data, event->sender.length);
    nm_json_add_bytes(
        &json, "recipient", event->recipient.data, event->recipient.length);
    nm_json_add_nonempty(&json, "domain", event->domain);
    nm_json_add_text(&json, "match", nm_match_name(event->match));
    nm_json_add_text(&json, "target", event->target);
    nm_json_add_text(
        &json, "technique", near_miss ? nm_technique_name(event->technique) : NULL);
    nm_json_add_confidence(&json, "confidence", event->confidence);
    nm_json_add_text(&json, "rule", event->rule);
    nm_json_add_text(&json, "action", nm_action_name(event->action));
    nm_json_add_nonempty(&json, "reply", event->reply);
    nm_json_add_text(&json, "mode", nm_mode_name(event->mode));
    nm_json_add_nonempty(&json, "config", event->config);
    nm_json_add_text(&json, "outcome", nm_outcome_name(event->outcome));
    nm_json_add_hex_if_invalid(
        &json, "sender_hex", event->sender.data, event->sender.length);
    nm_json_add_hex_if_invalid(
        &json, "recipient_hex", event->recipient.data, event->recipient.length);
    return json;
}

bool nm_put_row_json(FILE *out, const struct nm_audit_row *row)
{
    struct nm_json json = nm_row_json(row);

    return nm_json_end(&json, out);
}

static const char *const csv_titles[] = {"id", "time", "gateway", "transaction",
    "queue_id", "client", "auth", "sender", "recipient", "domain", "match", "target",
    "technique", "confidence", "rule", "action", "reply", "mode", "config", "outcome"};

void nm_put_csv_titles(struct nm_csv *csv)
{
    for (size_t i = 0; i < NM_COUNT(csv_titles); i++)
        nm_csv_text(csv, csv_titles[i]);
    nm_csv_end_row(csv);
}

static void put_verdict_csv(struct nm_csv *csv, const struct nm_audit_event *event)
{
    struct nm_confidence_text confidence = {""};

    if (event->confidence >= 0)
        confidence = nm_confidence_text(event->confidence);
    nm_csv_text(csv, event->domain);
    nm_csv_text(csv, nm_match_name(event->match));
    nm_csv_text(csv, event->target);
    nm_csv_text(csv, event->technique != NM_TECHNIQUE_NONE
                         ? nm_technique_name(event->technique)
                         : NULL);
    nm_csv_text(csv, confidence.text);
}

void nm_put_row_csv(struct nm_csv *csv, const struct nm_audit_row *row)
{
    const struct nm_audit_event *event = &row->decision;

    nm_csv_text(csv, event->id.text);
    nm_csv_text(csv, nm_time_format(event->time_us).text);
    nm_csv_text(csv, event->gateway);
    nm_csv_text(csv, event->transaction.text);
    nm_csv_text(csv, event->queue_id);
    nm_csv_text(csv, event->client);
    nm_csv_text(csv, event->auth);
    nm_csv_bytes(csv, event->sender.data, event->sender.length);
    nm_csv_bytes(csv, event->recipient.data, event->recipient.length);
    put_verdict_csv(csv, event);
    nm_csv_text(csv, event->rule);
    nm_csv_text(csv, nm_action_name(event->action));
    nm_csv_text(csv, event->reply);
    nm_csv_text(csv, nm_mode_name(event->mode));
    nm_csv_text(csv, event->config);
    nm_csv_text(csv, nm_outcome_name(event->outcome));
    nm_csv_end_row(csv);
}
