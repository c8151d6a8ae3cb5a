#include "changes.h"

#include "log.h"

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
