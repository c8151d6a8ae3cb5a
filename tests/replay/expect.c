/* What must have come of it: answers, rows of the log, counts. */
#include "scenario.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_MAX = 1200 };

/* ---- values --------------------------------------------------------------- */

/* `text` with `$N` replaced by the reference of the Nth decision. */
static void expand(struct scenario *scenario, const char *text, char out[FIELD_MAX])
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, FIELD_MAX);
    while (*text != '\0') {
        const struct recorded *row;
        char *end;

        if (text[0] != '$' || text[1] < '1' || text[1] > '9') {
            nm_buf_put(&buf, text++, 1);
            continue;
        }
        row = memory_audit_decision(&scenario->audit, strtoul(text + 1, &end, 10));
        if (row == NULL)
            scenario_fail(scenario, scenario->line, "there is no decision %.*s yet",
                (int)(end - text), text);
        nm_buf_puts(&buf, row->event.id.text);
        text = end;
    }
}

static bool is_regex(const char *text)
{
    const size_t size = strlen(text);

    return size >= 2 && text[0] == '/' && text[size - 1] == '/';
}

/* Whether `got` is `expected`, or fits it when that is a /regular expression/. */
static bool fits(struct scenario *scenario, const char *expected, const char *got)
{
    char wanted[FIELD_MAX];
    regex_t regex;
    bool fit;

    expand(scenario, expected, wanted);
    if (!is_regex(wanted))
        return strcmp(wanted, got) == 0;
    wanted[strlen(wanted) - 1] = '\0';
    if (regcomp(&regex, wanted + 1, REG_EXTENDED | REG_NOSUB) != 0)
        scenario_fail(scenario, scenario->line, "no regular expression: %s", expected);
    fit = regexec(&regex, got, 0, NULL, 0) == 0;
    regfree(&regex);
    return fit;
}

/* ---- answers -------------------------------------------------------------- */

static void show_answer(const struct answer *answer, char out[FIELD_MAX])
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, FIELD_MAX);
    if (answer->kind == NM_ANSWER_REPLY) {
        nm_buf_printf(&buf, "%u %s %s", answer->code, answer->status, answer->text);
        return;
    }
    nm_buf_puts(&buf, answer->holds ? "hold " : "continue");
    nm_buf_puts(&buf, answer->text);
    if (answer->tags)
        nm_buf_printf(&buf, " tag=%s", answer->tag);
    if (answer->strip_count > 0)
        nm_buf_printf(&buf, " strip=%u", answer->strip_count);
    if (answer->off[0] != '\0')
        nm_buf_printf(&buf, " off=%s", answer->off);
    if (answer->discards)
        nm_buf_puts(&buf, " discard");
    if (answer->subject[0] != '\0')
        nm_buf_printf(&buf, " subject=%s", answer->subject);
}

/* What the words behind `->` ask for. */
struct wanted {
    bool reply;
    unsigned code;
    const char *status;
    const char *regex;
    bool holds;
    const char *tag;
    unsigned long strip_count;
    unsigned long line_count; /* 0: not asked */
    const char *off;
    bool discards;
    const char *subject;
};

static void read_wanted(
    struct scenario *scenario, const struct words *words, struct wanted *out)
{
    const char *lines = word_value(words, 1, "lines");
    const char *strip = word_value(words, 1, "strip");

    memset(out, 0, sizeof *out);
    out->tag = word_value(words, 1, "tag");
    out->off = word_value(words, 1, "off");
    out->subject = word_value(words, 1, "subject");
    out->line_count = lines != NULL ? word_number(scenario, lines) : 0;
    out->strip_count = strip != NULL ? word_number(scenario, strip) : 0;
    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->word[i];

        if (is_regex(word))
            out->regex = word;
        else if (strcmp(word, "hold") == 0)
            out->holds = true;
        else if (strcmp(word, "discard") == 0)
            out->discards = true;
        else if (word[0] >= '2' && word[0] <= '5' && word[1] == '.')
            out->status = word;
        else if (word[0] >= '4' && word[0] <= '5')
            out->code = (unsigned)word_number(scenario, word);
        else if (strcmp(word, "continue") != 0 && strchr(word, '=') == NULL)
            scenario_fail(scenario, scenario->line, "no answer is \"%s\"", word);
    }
    out->reply = out->code != 0;
    if (out->reply && out->status == NULL)
        scenario_fail(scenario, scenario->line, "which enhanced status code?");
}

static bool is_wanted(
    struct scenario *scenario, const struct wanted *wanted, const struct answer *answer)
{
    if (wanted->regex != NULL && !fits(scenario, wanted->regex, answer->text))
        return false;
    if (wanted->reply)
        return answer->kind == NM_ANSWER_REPLY && answer->code == wanted->code &&
               strcmp(answer->status, wanted->status) == 0 &&
               (wanted->line_count == 0 || answer->line_count == wanted->line_count);
    return answer->kind == NM_ANSWER_CONTINUE && answer->holds == wanted->holds &&
           answer->tags == (wanted->tag != NULL) &&
           (wanted->tag == NULL || fits(scenario, wanted->tag, answer->tag)) &&
           answer->strip_count == wanted->strip_count &&
           strcmp(answer->off, wanted->off != NULL ? wanted->off : "") == 0 &&
           answer->discards == wanted->discards &&
           (wanted->subject != NULL ? fits(scenario, wanted->subject, answer->subject)
                                    : answer->subject[0] == '\0');
}

static void check_answers(struct scenario *scenario, const struct wanted *wanted,
    size_t line, const char *expected)
{
    for (size_t i = 0; i < scenario->answer_count; i++) {
        char got[FIELD_MAX];

        if (is_wanted(scenario, wanted, &scenario->answers[i]))
            continue;
        show_answer(&scenario->answers[i], got);
        scenario_fail(
            scenario, line, "answer %zu: expected %s\n  got %s", i + 1, expected, got);
    }
    scenario->answers_checked = true;
}

void scenario_check_answers(struct scenario *scenario)
{
    const struct wanted wanted = {.reply = false};

    if (scenario->answer_count > 0 && !scenario->answers_checked)
        check_answers(scenario, &wanted, scenario->event_line, "continue");
}

static void rest_of_line(const struct words *words, char out[FIELD_MAX])
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, FIELD_MAX);
    for (size_t i = 1; i < words->count; i++) {
        nm_buf_puts(&buf, i > 1 ? " " : "");
        nm_buf_puts(&buf, words->word[i]);
    }
}

static void on_answer(struct scenario *scenario, const struct words *words)
{
    struct wanted wanted;
    char expected[FIELD_MAX];

    if (scenario->answer_count == 0)
        scenario_fail(scenario, scenario->line, "nothing was answered");
    read_wanted(scenario, words, &wanted);
    rest_of_line(words, expected);
    check_answers(scenario, &wanted, scenario->line, expected);
}

/* ---- rows of the log ------------------------------------------------------ */

static void put_or_dash(struct nm_buf *out, const char *text)
{
    nm_buf_puts(out, text != NULL && text[0] != '\0' ? text : "-");
}

static void put_bytes(struct nm_buf *out, struct nm_bytes bytes)
{
    if (bytes.length == 0)
        nm_buf_puts(out, "-");
    nm_buf_put_visible(out, bytes.data, bytes.length);
}

/* The name that the scenario gave to the configuration in force. */
static void put_config(
    struct scenario *scenario, const struct recorded *row, struct nm_buf *out)
{
    for (size_t i = 0; i < scenario->config_count; i++) {
        const struct named_config *config = &scenario->configs[i];

        if (config->snapshot != NULL &&
            strcmp(nm_snapshot_values(config->snapshot)->config_hash,
                row->event.config) == 0) {
            nm_buf_puts(out, config->name);
            return;
        }
    }
    nm_buf_puts(out, "?");
}

/* Transactions are numbered in the order of their first rows. */
static void put_transaction(
    struct scenario *scenario, const struct recorded *row, struct nm_buf *out)
{
    const struct memory_audit *audit = &scenario->audit;
    unsigned number = 0;
    const char *last = "";

    for (size_t i = 0; i < audit->count; i++) {
        const char *id = audit->rows[i].event.transaction.text;

        if (audit->rows[i].event.kind == NM_EVENT_ACT)
            continue;
        number += strcmp(id, last) != 0;
        last = id;
        if (strcmp(id, row->event.transaction.text) == 0)
            break;
    }
    nm_buf_printf(out, "%u", number);
}

enum field {
    RECIPIENT,
    DOMAIN,
    MATCH,
    TARGET,
    TECHNIQUE,
    RULE,
    ACTION,
    REPLY,
    MODE,
    SENDER,
    CLIENT,
    AUTH,
    GATEWAY,
    QUEUE,
    OUTCOME,
    DURABLE,
    CONFIG,
    TRANSACTION,
    VERB,
    ACTOR,
    SUBJECT,
    OF,
    REASON
};

static const char *const field_names[] = {
    [RECIPIENT] = "recipient",
    [DOMAIN] = "domain",
    [MATCH] = "match",
    [TARGET] = "target",
    [TECHNIQUE] = "technique",
    [RULE] = "rule",
    [ACTION] = "action",
    [REPLY] = "reply",
    [MODE] = "mode",
    [SENDER] = "sender",
    [CLIENT] = "client",
    [AUTH] = "auth",
    [GATEWAY] = "gateway",
    [QUEUE] = "queue",
    [OUTCOME] = "outcome",
    [DURABLE] = "durable",
    [CONFIG] = "config",
    [TRANSACTION] = "transaction",
    [VERB] = "verb",
    [ACTOR] = "actor",
    [SUBJECT] = "subject",
    [OF] = "of",
    [REASON] = "reason",
};

static enum field field_of(struct scenario *scenario, const char *word)
{
    const size_t size = strcspn(word, "=");

    for (size_t i = 0; i < NM_COUNT(field_names); i++) {
        if (strlen(field_names[i]) == size && strncmp(field_names[i], word, size) == 0)
            return (enum field)i;
    }
    scenario_fail(scenario, scenario->line, "a row has no \"%.*s\"", (int)size, word);
}

static void put_field(struct scenario *scenario, const struct recorded *row,
    enum field field, struct nm_buf *out)
{
    const struct nm_audit_event *event = &row->event;

    switch (field) {
    case RECIPIENT:
        put_bytes(out, event->recipient);
        break;
    case DOMAIN:
        put_or_dash(out, event->domain);
        break;
    case MATCH:
        nm_buf_puts(out, nm_match_name(event->match));
        break;
    case TARGET:
        put_or_dash(out, event->target);
        break;
    case TECHNIQUE:
        nm_buf_puts(out, nm_technique_name(event->technique));
        break;
    case RULE:
        put_or_dash(out, event->rule);
        break;
    case ACTION:
        nm_buf_puts(out, nm_action_name(event->action));
        break;
    case REPLY:
        put_or_dash(out, event->reply);
        break;
    case MODE:
        nm_buf_puts(out, nm_mode_name(event->mode));
        break;
    case SENDER:
        put_bytes(out, event->sender);
        break;
    case CLIENT:
        put_or_dash(out, event->client);
        break;
    case AUTH:
        put_or_dash(out, event->auth);
        break;
    case GATEWAY:
        put_or_dash(out, event->gateway);
        break;
    case QUEUE:
        put_or_dash(out, event->queue_id);
        break;
    case OUTCOME:
        nm_buf_puts(out, nm_outcome_name(event->outcome));
        break;
    case DURABLE:
        nm_buf_puts(out, row->durable ? "yes" : "no");
        break;
    case CONFIG:
        put_config(scenario, row, out);
        break;
    case TRANSACTION:
        put_transaction(scenario, row, out);
        break;
    case VERB:
        nm_buf_puts(out, nm_verb_name(event->verb));
        break;
    case ACTOR:
        put_or_dash(out, event->actor);
        break;
    case SUBJECT:
        put_or_dash(out, event->subject);
        break;
    case OF:
        put_or_dash(out, event->decision.text);
        break;
    case REASON:
        put_or_dash(out, event->reason);
        break;
    }
}

static void check_field(
    struct scenario *scenario, const struct recorded *row, const char *word)
{
    const enum field field = field_of(scenario, word);
    const char *expected = strchr(word, '=');
    char got[FIELD_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, got, sizeof got);
    put_field(scenario, row, field, &buf);
    if (!fits(scenario, expected != NULL ? expected + 1 : "", got))
        scenario_fail(scenario, scenario->line,
            "event %zu of the log: expected %s\n  got %s=%s",
            scenario->rows_checked + 1, word, field_names[field], got);
}

static const struct recorded *next_row(
    struct scenario *scenario, enum nm_event_kind kind)
{
    static const char *const names[] = {[NM_EVENT_DECISION] = "a decision",
        [NM_EVENT_OUTCOME] = "an outcome",
        [NM_EVENT_ACT] = "an act"};
    const struct recorded *row;

    if (scenario->rows_checked == scenario->audit.count)
        scenario_fail(
            scenario, scenario->line, "expected %s\n  got no more events", names[kind]);
    row = &scenario->audit.rows[scenario->rows_checked];
    if (row->event.kind != kind)
        scenario_fail(scenario, scenario->line,
            "event %zu of the log: expected %s\n  got %s (%s)",
            scenario->rows_checked + 1, names[kind], names[row->event.kind],
            nm_outcome_name(row->event.outcome));
    return row;
}

static void check_rows(struct scenario *scenario, const struct words *words,
    enum nm_event_kind kind, size_t first_field)
{
    const char *times_text = word_value(words, 1, "times");
    const size_t times =
        times_text != NULL ? word_number(scenario, times_text) : (size_t)1;

    for (size_t n = 0; n < times; n++) {
        const struct recorded *row = next_row(scenario, kind);

        for (size_t i = first_field; i < words->count; i++) {
            if (words->word[i] + strlen("times=") != times_text)
                check_field(scenario, row, words->word[i]);
        }
        scenario->rows_checked++;
    }
}

static void on_row(struct scenario *scenario, const struct words *words)
{
    check_rows(scenario, words, NM_EVENT_DECISION, 1);
}

static void on_outcome(struct scenario *scenario, const struct words *words)
{
    char word[64];

    if (words->count < 2)
        scenario_fail(scenario, scenario->line, "which outcome?");
    (void)snprintf(word, sizeof word, "outcome=%s", words->word[1]);
    check_field(scenario, next_row(scenario, NM_EVENT_OUTCOME), word);
    check_rows(scenario, words, NM_EVENT_OUTCOME, 2);
}

static void on_act(struct scenario *scenario, const struct words *words)
{
    char word[64];

    if (words->count < 2)
        scenario_fail(scenario, scenario->line, "which act?");
    (void)snprintf(word, sizeof word, "verb=%s", words->word[1]);
    check_field(scenario, next_row(scenario, NM_EVENT_ACT), word);
    check_rows(scenario, words, NM_EVENT_ACT, 2);
}

static void on_contact(struct scenario *scenario, const struct words *words)
{
    const struct nm_contact_port *port = &scenario->ports.contacts;
    bool known;

    if (words->count != 3)
        scenario_fail(scenario, scenario->line, "contact needs a domain and yes or no");
    known = port->knows(port->self, words->word[1], strlen(words->word[1]));
    if (known != (strcmp(words->word[2], "yes") == 0))
        scenario_fail(scenario, scenario->line, "expected %s\n  got %s", words->word[2],
            known ? "yes" : "no");
}

/* ---- counts --------------------------------------------------------------- */

static int counter_of(struct scenario *scenario, const char *name)
{
    static const struct {
        const char *name;
        enum nm_counter counter;
    } rows[] = {{"sessions", NM_COUNTER_SESSIONS}, {"messages", NM_COUNTER_MESSAGES},
        {"recipients", NM_COUNTER_RECIPIENTS}, {"near_misses", NM_COUNTER_NEAR_MISSES},
        {"audit_failures", NM_COUNTER_AUDIT_FAILURES}};
    const char *dot = strchr(name, '.');
    enum nm_action action;

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return (int)rows[i].counter;
    }
    if (!nm_action_from_name(dot != NULL ? dot + 1 : name, &action) ||
        (dot != NULL && strncmp(name, "near_misses.", 12) != 0))
        scenario_fail(scenario, scenario->line, "nobody counts \"%s\"", name);
    return (dot != NULL ? (int)NM_COUNTER_NEAR_MISS_ACTION : (int)NM_COUNTER_ACTION) +
           (int)action;
}

static void check_number(
    struct scenario *scenario, const char *expected, unsigned long got)
{
    if (word_number(scenario, expected) != got)
        scenario_fail(
            scenario, scenario->line, "expected %s\n  got %lu", expected, got);
}

static void on_count(struct scenario *scenario, const struct words *words)
{
    if (words->count != 3)
        scenario_fail(scenario, scenario->line, "count needs a name and a number");
    check_number(scenario, words->word[2],
        scenario->audit.counts[counter_of(scenario, words->word[1])]);
}

static void on_waits(struct scenario *scenario, const struct words *words)
{
    const unsigned since = scenario->audit.waits - scenario->waits_checked;

    if (words->count != 2)
        scenario_fail(scenario, scenario->line, "waits needs a number");
    check_number(scenario, words->word[1], since);
    scenario->waits_checked = scenario->audit.waits;
}

static void on_logged(struct scenario *scenario, const struct words *words)
{
    const unsigned since = scenario->audit.errors_logged - scenario->errors_checked;

    if (words->count < 2 || words->count > 3)
        scenario_fail(scenario, scenario->line, "logged needs a number");
    check_number(scenario, words->word[1], since);
    if (words->count == 3 &&
        !fits(scenario, words->word[2], scenario->audit.last_error))
        scenario_fail(scenario, scenario->line, "expected %s\n  got %s", words->word[2],
            scenario->audit.last_error);
    scenario->errors_checked = scenario->audit.errors_logged;
}

static void on_pinned(struct scenario *scenario, const struct words *words)
{
    const struct named_config *config;
    unsigned without_message;
    bool pinned;

    if (words->count != 3)
        scenario_fail(
            scenario, scenario->line, "pinned needs a configuration and yes or no");
    config = scenario_config(scenario, words->word[1]);
    without_message = config == scenario->current ? 2 : 1;
    pinned = nm_snapshot_references(config->snapshot) > without_message;
    if (pinned != (strcmp(words->word[2], "yes") == 0))
        scenario_fail(scenario, scenario->line, "expected %s\n  got %s", words->word[2],
            pinned ? "yes" : "no");
}

static void on_kept(struct scenario *scenario, const struct words *words)
{
    const struct memory_quarantine *quarantine = &scenario->quarantine;
    const struct memory_kept *kept = &quarantine->kept[scenario->kept_checked];
    const char *id = word_value(words, 2, "id");
    const char *arguments = word_value(words, 2, "args");
    const char *last = words->word[words->count - 1];

    if (words->count < 2)
        scenario_fail(scenario, scenario->line, "kept needs a recipient");
    if (scenario->kept_checked == quarantine->count)
        scenario_fail(scenario, scenario->line, "nothing more is in the quarantine");
    scenario->kept_checked++;
    if (strcmp(words->word[1], kept->recipient) != 0 ||
        (id != NULL && !fits(scenario, id, kept->id.text)) ||
        (arguments != NULL && strcmp(arguments, kept->arguments) != 0) ||
        (is_regex(last) && !fits(scenario, last, kept->content)))
        scenario_fail(scenario, scenario->line, "kept is %s id=%s args=%s\n%s",
            kept->recipient, kept->id.text, kept->arguments, kept->content);
}

static const struct {
    const char *name;
    void (*run)(struct scenario *scenario, const struct words *words);
} expectations[] = {
    {"->", on_answer},
    {"row", on_row},
    {"outcome", on_outcome},
    {"act", on_act},
    {"contact", on_contact},
    {"count", on_count},
    {"waits", on_waits},
    {"logged", on_logged},
    {"pinned", on_pinned},
    {"kept", on_kept},
};

bool scenario_run_expectation(struct scenario *scenario, const struct words *words)
{
    for (size_t i = 0; i < NM_COUNT(expectations); i++) {
        if (strcmp(expectations[i].name, words->word[0]) == 0) {
            expectations[i].run(scenario, words);
            return true;
        }
    }
    return false;
}

void scenario_check_end(struct scenario *scenario)
{
    const struct memory_audit *audit = &scenario->audit;
    const struct recorded *row;

    scenario_check_answers(scenario);
    if (audit->errors_logged != scenario->errors_checked)
        scenario_fail(scenario, scenario->line,
            "errors were logged that the scenario does not tell of, the last: %s",
            audit->last_error);
    if (scenario->kept_checked != scenario->quarantine.count)
        scenario_fail(scenario, scenario->line, "the quarantine has %s besides",
            scenario->quarantine.kept[scenario->kept_checked].recipient);
    if (scenario->session == NULL && scenario->quarantine.open > 0)
        scenario_fail(scenario, scenario->line, "a message is still on its way in");
    if (scenario->rows_checked == audit->count)
        return;
    row = &audit->rows[scenario->rows_checked];
    scenario_fail(scenario, scenario->line,
        "the log has more than the scenario tells of, %zu in all; the first: %s %.*s, "
        "outcome %s",
        audit->count - scenario->rows_checked,
        row->event.kind == NM_EVENT_DECISION ? "decision" : "outcome",
        (int)row->event.recipient.length, row->event.recipient.data,
        nm_outcome_name(row->event.outcome));
}
