/* What happens: connections, the events of SMTP, reloads, and a log that fails. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers -------------------------------------------------------------- */

static void forget_answers(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->answer_count; i++)
        free(scenario->answers[i].text);
    free(scenario->answers);
    scenario->answers = NULL;
    scenario->answer_count = 0;
}

static char *joined(const struct nm_answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        abort();
    for (size_t i = 0; i < answer->line_count; i++)
        (void)fprintf(stream, "%s%s", i > 0 ? "\n" : "", answer->lines[i]);
    if (answer->hold != NULL)
        (void)fputs(answer->hold, stream);
    (void)fclose(stream);
    return text;
}

static void keep_taken_off(struct answer *kept, const struct nm_taken_off *off)
{
    struct nm_buf buf;

    nm_buf_init(&buf, kept->off, sizeof kept->off);
    for (; off != NULL; off = off->next)
        nm_buf_printf(&buf, "%s%s", buf.length > 0 ? "," : "", off->path);
}

static void keep_answer(
    struct scenario *scenario, size_t number, const struct nm_answer *answer)
{
    struct answer *kept = &scenario->answers[number];

    kept->kind = answer->kind;
    kept->code = answer->code;
    (void)nm_copy(kept->status, sizeof kept->status, answer->status);
    kept->text = joined(answer);
    kept->line_count = answer->line_count;
    kept->holds = answer->hold != NULL;
    kept->tags = answer->tag != NULL;
    (void)nm_copy(kept->tag, sizeof kept->tag, answer->tag != NULL ? answer->tag : "");
    kept->strip_count = answer->strip_count;
    kept->discards = answer->discard;
    if (answer->changes_subject)
        (void)nm_copy(kept->subject, sizeof kept->subject,
            answer->subject != NULL ? answer->subject : "-");
    keep_taken_off(kept, answer->take_off);
}

/* Send `input` as often as `words` say, and keep what is answered. */
static void send(
    struct scenario *scenario, const struct words *words, struct nm_input *input)
{
    const char *times_text = word_value(words, 1, "times");
    const size_t times =
        times_text != NULL ? word_number(scenario, times_text) : (size_t)1;
    const char *path = words->count > 1 ? words->word[1] : "";
    const char *hole = strstr(path, "{n}");

    if (scenario->session == NULL)
        scenario_fail(scenario, scenario->line, "nobody is connected");
    forget_answers(scenario);
    input->queue_id = word_value(words, 1, "queue");
    scenario->answers = calloc(times, sizeof *scenario->answers);
    if (scenario->answers == NULL)
        abort();
    for (size_t i = 0; i < times; i++) {
        char numbered[PATH_TEXT_MAX];
        struct nm_answer answer;

        if (hole != NULL) {
            (void)snprintf(numbered, sizeof numbered, "%.*s%zu%s", (int)(hole - path),
                path, i + 1, hole + 3);
            path = numbered;
        }
        if (input->event == NM_SESSION_MAIL || input->event == NM_SESSION_RCPT)
            input->path = (struct nm_bytes){path, strlen(path)};
        nm_session_event(scenario->session, input, &answer);
        if (scenario->confirm.refused > scenario->confirm.durable)
            scenario_fail(scenario, scenario->line,
                "told to send it again before that is stored");
        keep_answer(scenario, i, &answer);
        scenario->answer_count = i + 1;
        path = words->word[1];
    }
    scenario->event_line = scenario->line;
    scenario->answers_checked = false;
}

/* ---- the events of SMTP --------------------------------------------------- */

static void need_path(struct scenario *scenario, const struct words *words)
{
    if (words->count < 2)
        scenario_fail(scenario, scenario->line, "%s needs a path", words->word[0]);
}

static void on_mail(struct scenario *scenario, const struct words *words)
{
    struct nm_input input = {.event = NM_SESSION_MAIL,
        .auth = word_value(words, 2, "auth"),
        .smtputf8 = word_given(words, 2, "smtputf8"),
        .local_submission = word_given(words, 2, "local"),
        .without_content = word_given(words, 2, "unseen")};

    need_path(scenario, words);
    send(scenario, words, &input);
}

static void on_rcpt(struct scenario *scenario, const struct words *words)
{
    struct nm_input input = {.event = NM_SESSION_RCPT,
        .normalised = word_value(words, 2, "normalised"),
        .arguments = word_value(words, 2, "args")};

    need_path(scenario, words);
    send(scenario, words, &input);
}

static void on_header(struct scenario *scenario, const struct words *words)
{
    struct nm_input input = {.event = NM_SESSION_HEADER};

    need_path(scenario, words);
    input.header_name = words->word[1];
    input.header_gap = " ";
    input.header_value = word_value(words, 2, "value");
    send(scenario, words, &input);
}

static void on_body(struct scenario *scenario, const struct words *words)
{
    struct nm_input input = {.event = NM_SESSION_BODY};

    need_path(scenario, words);
    input.body = (struct nm_bytes){words->word[1], strlen(words->word[1])};
    send(scenario, words, &input);
}

static void on_data(struct scenario *scenario, const struct words *words)
{
    send(scenario, words, &(struct nm_input){.event = NM_SESSION_DATA});
}

static void on_end(struct scenario *scenario, const struct words *words)
{
    send(scenario, words, &(struct nm_input){.event = NM_SESSION_END});
}

static void on_abort(struct scenario *scenario, const struct words *words)
{
    send(scenario, words, &(struct nm_input){.event = NM_SESSION_ABORT});
}

static void on_close(struct scenario *scenario, const struct words *words)
{
    send(scenario, words, &(struct nm_input){.event = NM_SESSION_CLOSE});
    nm_session_free(&scenario->session);
}

static void on_undone(struct scenario *scenario, const struct words *words)
{
    (void)words;
    nm_session_finish(scenario->session, false);
}

/* ---- the world ------------------------------------------------------------ */

static void start(struct scenario *scenario)
{
    if (scenario->config_count == 0)
        scenario_fail(scenario, scenario->line, "there is no configuration yet");
    scenario->current = scenario_config(scenario, scenario->configs[0].name);
    if (nm_slot_new(scenario->current->snapshot, &scenario->slot) != NM_OK)
        abort();
    /* The slot took the reference over; the scenario keeps another. */
    scenario->current->snapshot = nm_slot_pin(scenario->slot);
}

static void on_connect(struct scenario *scenario, const struct words *words)
{
    struct nm_ip ip = {0};

    need_path(scenario, words);
    if (strcmp(words->word[1], "local") != 0 && !nm_ip_parse(words->word[1], &ip))
        scenario_fail(scenario, scenario->line, "%s is no address", words->word[1]);
    if (scenario->slot == NULL)
        start(scenario);
    nm_session_free(&scenario->session);
    if (nm_session_new(&scenario->ports, scenario->slot, &ip, &scenario->session) !=
        NM_OK)
        abort();
}

static void on_reload(struct scenario *scenario, const struct words *words)
{
    need_path(scenario, words);
    if (scenario->slot == NULL)
        start(scenario);
    scenario->current = scenario_config(scenario, words->word[1]);
    nm_slot_swap(scenario->slot, scenario->current->snapshot);
    scenario->current->snapshot = nm_slot_pin(scenario->slot);
}

static void on_audit(struct scenario *scenario, const struct words *words)
{
    static const struct {
        const char *words;
        enum nm_code append;
        enum nm_code wait;
    } rows[] = {{"works", NM_OK, NM_OK}, {"fails append", NM_LIMIT, NM_OK},
        {"fails wait", NM_OK, NM_SYSTEM}, {"fails timeout", NM_OK, NM_TIMEOUT}};
    char said[64];

    (void)snprintf(said, sizeof said, "%s%s%s", words->count > 1 ? words->word[1] : "",
        words->count > 2 ? " " : "", words->count > 2 ? words->word[2] : "");
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        if (strcmp(rows[i].words, said) != 0)
            continue;
        scenario->audit.append_fails = rows[i].append;
        scenario->audit.wait_fails = rows[i].wait;
        return;
    }
    scenario_fail(scenario, scenario->line, "audit does not know \"%s\"", said);
}

static void on_quarantine(struct scenario *scenario, const struct words *words)
{
    struct memory_quarantine *quarantine = &scenario->quarantine;
    const char *what = words->count > 1 ? words->word[1] : "";
    const char *which = words->count > 2 ? words->word[2] : "";

    quarantine->begin_fails = strcmp(which, "begin") == 0 ? NM_SYSTEM : NM_OK;
    quarantine->write_fails = strcmp(which, "write") == 0 ? NM_SYSTEM : NM_OK;
    quarantine->commit_fails = strcmp(which, "commit") == 0 ? NM_LIMIT : NM_OK;
    if (strcmp(what, "lets") == 0)
        (void)nm_copy(quarantine->lets_by, sizeof quarantine->lets_by, which);
    else if (strcmp(what, "fails") != 0 && strcmp(what, "works") != 0)
        scenario_fail(
            scenario, scenario->line, "quarantine does not know \"%s\"", what);
}

static void on_later(struct scenario *scenario, const struct words *words)
{
    need_path(scenario, words);
    scenario->audit.now_us += (int64_t)word_number(scenario, words->word[1]) * 1000000;
}

static const struct {
    const char *name;
    void (*run)(struct scenario *scenario, const struct words *words);
} events[] = {
    {"connect", on_connect},
    {"mail", on_mail},
    {"rcpt", on_rcpt},
    {"data", on_data},
    {"body", on_body},
    {"header", on_header},
    {"end", on_end},
    {"abort", on_abort},
    {"close", on_close},
    {"undone", on_undone},
    {"reload", on_reload},
    {"audit", on_audit},
    {"quarantine", on_quarantine},
    {"later", on_later},
};

bool scenario_run_event(struct scenario *scenario, const struct words *words)
{
    for (size_t i = 0; i < NM_COUNT(events); i++) {
        if (strcmp(events[i].name, words->word[0]) != 0)
            continue;
        scenario_check_answers(scenario);
        events[i].run(scenario, words);
        return true;
    }
    return false;
}
