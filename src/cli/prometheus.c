#include "prometheus.h"

#include <nearmiss/policy.h>

/* Where each metric stands in the status: a member of it, or of the member `inside`. */
static const struct metric {
    const char *inside; /* NULL: of the status itself */
    const char *key;
    const char *name;
    const char *type;
} before_actions[] =
    {
        {NULL, "sessions", "nearmiss_sessions_total", "counter"},
        {NULL, "messages", "nearmiss_messages_total", "counter"},
        {NULL, "recipients", "nearmiss_recipients_total", "counter"},
},
  after_actions[] = {
      {NULL, "audit_failures", "nearmiss_audit_failures_total", "counter"},
      {"audit", "events_written", "nearmiss_audit_events_total", "counter"},
      {"audit", "commits", "nearmiss_audit_commits_total", "counter"},
      {NULL, "reloads", "nearmiss_reloads_total", "counter"},
      {NULL, "uptime_s", "nearmiss_uptime_seconds", "gauge"},
      {NULL, "config_age_s", "nearmiss_config_age_seconds", "gauge"},
      {NULL, "open_sessions", "nearmiss_open_sessions", "gauge"},
      {NULL, "names", "nearmiss_names", "gauge"},
      {NULL, "rules", "nearmiss_rules", "gauge"},
      {"audit", "queued_bytes", "nearmiss_audit_queued_bytes", "gauge"},
      {"audit", "failing", "nearmiss_audit_failing", "gauge"},
};

/* Whether `value` is a number or a truth; `*out` is then what stands for it. */
static bool number_of(const json_t *value, json_int_t *out)
{
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (json_is_boolean(value))
        *out = json_is_true(value) ? 1 : 0;
    else
        return false;
    return true;
}

static void put_type(FILE *out, const char *name, const char *type)
{
    (void)fprintf(out, "# TYPE %s %s\n", name, type);
}

static void put_metrics(
    FILE *out, const json_t *status, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *object = metrics[i].inside != NULL
                                   ? json_object_get(status, metrics[i].inside)
                                   : status;
        json_int_t number;

        if (!number_of(json_object_get(object, metrics[i].key), &number))
            continue;
        put_type(out, metrics[i].name, metrics[i].type);
        (void)fprintf(out, "%s %" JSON_INTEGER_FORMAT "\n", metrics[i].name, number);
    }
}

/* One line an action that `object` has a count of. */
static void put_by_action(FILE *out, const json_t *object, const char *name)
{
    bool typed = false;

    for (int i = 0; i < NM_ACTION_COUNT; i++) {
        const char *action = nm_action_name((enum nm_action)i);
        json_int_t number;

        if (!number_of(json_object_get(object, action), &number))
            continue;
        if (!typed)
            put_type(out, name, "counter");
        typed = true;
        (void)fprintf(
            out, "%s{action=\"%s\"} %" JSON_INTEGER_FORMAT "\n", name, action, number);
    }
}

/* A label's value: backslash, quote and line feed are escaped. */
static void put_label(FILE *out, const char *name, const json_t *value)
{
    const char *text = json_string_value(value);

    (void)fprintf(out, "%s=\"", name);
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '\n')
            (void)fputs("\\n", out);
        else if (*text == '"' || *text == '\\')
            (void)fprintf(out, "\\%c", *text);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

void nm_put_prometheus(FILE *out, const json_t *status)
{
    put_type(out, "nearmiss_info", "gauge");
    (void)fputs("nearmiss_info{", out);
    put_label(out, "config", json_object_get(status, "config"));
    (void)fputc(',', out);
    put_label(out, "mode", json_object_get(status, "mode"));
    (void)fputs("} 1\n", out);
    put_metrics(out, status, before_actions, NM_COUNT(before_actions));
    put_by_action(out, status, "nearmiss_actions_total");
    put_by_action(out, json_object_get(status, "near_misses_by_action"),
        "nearmiss_near_misses_total");
    put_metrics(out, status, after_actions, NM_COUNT(after_actions));
}
