/* `nearmiss audit export`: the log for other programs, whole or as it grows. */
#include "audit.h"
#include "command.h"
#include "cursor.h"
#include "follow.h"
#include "json.h"
#include "times.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAVE_EVERY = 1000 /* events */ };

struct export
{
    const struct nm_call *call;
    enum nm_format format;
    const char *cursor_path; /* NULL for none */
    struct nm_cursor cursor;
    struct nm_audit_reader *reader;
    struct nm_csv csv;
    size_t unsaved; /* events behind the cursor's file */
    bool no_memory;
    struct nm_error error;
};

/* ---- lines -------------------------------------------------------------- */

static struct nm_json outcome_json(const struct nm_audit_event *event)
{
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "time", nm_time_format(event->time_us).text);
    nm_json_add_text(&json, "gateway", event->gateway);
    nm_json_add_text(&json, "transaction", event->transaction.text);
    nm_json_add_nonempty(&json, "queue_id", event->queue_id);
    nm_json_add_text(&json, "outcome", nm_outcome_name(event->outcome));
    return json;
}

/* The line holds all that `audit verify --checkpoint` asks for: so an export that is kept
 * elsewhere proves. */
static struct nm_json checkpoint_json(const struct nm_audit_row *row)
{
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "time", nm_time_format(row->decision.time_us).text);
    nm_json_add_text(&json, "gateway", row->decision.gateway);
    nm_json_add_text(&json, "checkpoint", row->checkpoint);
    if (row->new_key != NULL)
        nm_json_add_text(&json, "new_key", row->new_key);
    return json;
}

static struct nm_json event_json(const struct nm_audit_row *row, const char **kind)
{
    const struct nm_audit_act act = {.sequence = row->sequence, .event = row->decision};

    switch (row->decision.kind) {
    case NM_EVENT_OUTCOME:
        *kind = "outcome";
        return outcome_json(&row->decision);
    case NM_EVENT_ACT:
        *kind = "act";
        return nm_act_json(&act);
    case NM_EVENT_CHECKPOINT:
        *kind = "checkpoint";
        return checkpoint_json(row);
    case NM_EVENT_SEAL:
        *kind = "seal";
        return checkpoint_json(row);
    case NM_EVENT_ROTATION:
        *kind = "rotation";
        return checkpoint_json(row);
    case NM_EVENT_DECISION:
        break;
    }
    *kind = "decision";
    return nm_row_json(row);
}

/* What it is and where it stands in the log come first. */
static bool put_line(FILE *out, const struct nm_audit_row *row)
{
    const char *kind = NULL;
    struct nm_json fields = event_json(row, &kind);
    struct nm_json json = nm_json_begin();
    json_t *rest = nm_json_take(&fields);

    nm_json_add_text(&json, "event", kind);
    nm_json_add(&json, "sequence", json_integer(row->sequence));
    if (rest == NULL || (!json.failed && json_object_update(json.object, rest) != 0))
        json.failed = true;
    json_decref(rest);
    return nm_json_end(&json, out);
}

/* ---- the cursor --------------------------------------------------------- */

/* What stands before the cursor has left us for good: written, and where the output is a
 * file, on the disk. */
static bool save_cursor(struct export *export)
{
    FILE *out = export->call->out;

    if (export->cursor_path == NULL || export->unsaved == 0)
        return true;
    if (fflush(out) != 0 || ferror(out))
        return false;
    if (fsync(fileno(out)) != 0 && errno != EINVAL && errno != EROFS &&
        errno != ENOTSUP) {
        (void)nm_fail(&export->error, NM_SYSTEM, "the output: %s", strerror(errno));
        return false;
    }
    export->unsaved = 0;
    return nm_cursor_write(export->cursor_path, &export->cursor, &export->error) ==
           NM_OK;
}

/* A log that was begun anew has other events at the same places. What was pruned is no
 * longer there to be compared. */
static enum nm_code check_cursor(struct export *export)
{
    int64_t last = 0;
    int64_t time_us = 0;
    enum nm_code code = nm_audit_reader_last(export->reader, &last, &export->error);

    if (code == NM_OK)
        code = nm_audit_reader_time(
            export->reader, export->cursor.sequence, &time_us, &export->error);
    if (code == NM_OK && (export->cursor.sequence > last ||
                             (time_us != 0 && time_us != export->cursor.time_us)))
        code = nm_fail(&export->error, NM_BAD_INPUT,
            "%s: the cursor is of another log; remove it to export this one from its "
            "beginning",
            export->cursor_path);
    return code;
}

/* An export into a file may have been cut off within a line; what comes now begins a new
 * one. Where we cannot see how the file ends, an empty line does no harm. */
static void end_cut_line(const struct export *export)
{
    FILE *out = export->call->out;
    char path[64];
    char last = '\0';
    struct stat found;
    int file;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(out));
    if (fstat(fileno(out), &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size == 0)
        return;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (pread(file, &last, 1, found.st_size - 1) != 1)
            last = '\0';
        (void)close(file);
    }
    if (last != '\n')
        (void)fputc('\n', out);
}

/* Where to begin: behind the cursor, or at --since. */
static enum nm_code find_begin(struct export *export, int64_t since_us)
{
    bool found = false;
    enum nm_code code = NM_OK;

    if (export->cursor_path != NULL)
        code = nm_cursor_read(
            export->cursor_path, &export->cursor, &found, &export->error);
    if (code != NM_OK)
        return code;
    if (export->cursor_path != NULL)
        end_cut_line(export);
    if (found)
        return check_cursor(export);
    if (since_us == 0)
        return NM_OK;
    return nm_audit_reader_position(
        export->reader, since_us, &export->cursor.sequence, &export->error);
}

/* ---- events ------------------------------------------------------------- */

/* Sequences are dense. What is not there any more, an export that came too late for it
 * has to say. */
static void tell_gap(const struct export *export, int64_t next)
{
    const int64_t last = export->cursor.sequence;

    if (last == 0 || next <= last + 1)
        return;
    (void)fprintf(export->call->err,
        "nearmiss %s: events %lld to %lld were cut off or removed before they were "
        "exported\n",
        export->call->command->name, (long long)last + 1, (long long)next - 1);
}

static bool each(void *self, const struct nm_audit_row *row)
{
    struct export *export = self;
    FILE *out = export->call->out;

    tell_gap(export, row->sequence);
    if (export->format == NM_FORMAT_JSON)
        export->no_memory = !put_line(out, row);
    else if (row->decision.kind == NM_EVENT_DECISION)
        nm_put_row_csv(&export->csv, row);
    if (export->no_memory || ferror(out))
        return false;
    export->cursor = (struct nm_cursor){row->sequence, row->decision.time_us};
    export->unsaved++;
    return export->unsaved < SAVE_EVERY || save_cursor(export);
}

static enum nm_code put_events(struct export *export, int64_t upto)
{
    const enum nm_code code = nm_audit_reader_events(
        export->reader, export->cursor.sequence, upto, each, export, &export->error);

    if (code != NM_OK)
        return code;
    if (export->no_memory)
        return NM_NO_MEMORY;
    if (export->error.code == NM_OK && !ferror(export->call->out))
        (void)save_cursor(export);
    return export->error.code;
}

static enum nm_code follow(struct export *export)
{
    enum nm_code code = put_events(export, INT64_MAX);

    while (code == NM_OK && nm_follow_pause(export->call)) {
        code = nm_audit_reader_check(export->reader, &export->error);
        if (code == NM_OK)
            code = put_events(export, INT64_MAX);
    }
    return code;
}

static enum nm_code export_log(
    struct export *export, int64_t since_us, int64_t until_us)
{
    int64_t upto = INT64_MAX;
    enum nm_code code = find_begin(export, since_us);

    if (code == NM_OK && export->format == NM_FORMAT_CSV)
        nm_put_csv_titles(&export->csv);
    if (code == NM_OK && export->call->values[NM_CLI_FOLLOW] != NULL)
        return follow(export);
    if (code == NM_OK && until_us != 0)
        code =
            nm_audit_reader_position(export->reader, until_us, &upto, &export->error);
    return code == NM_OK ? put_events(export, upto) : code;
}

/* ---- the subcommand ----------------------------------------------------- */

static bool read_question(struct export *export, int64_t *since_us, int64_t *until_us)
{
    static const enum nm_format formats[] = {NM_FORMAT_JSON, NM_FORMAT_CSV};
    const struct nm_call *call = export->call;
    const bool follows = call->values[NM_CLI_FOLLOW] != NULL;

    if (!nm_call_format_of(call, formats, NM_COUNT(formats), &export->format) ||
        !nm_call_time(call, NM_CLI_SINCE, since_us) ||
        !nm_call_time(call, NM_CLI_UNTIL, until_us))
        return false;
    if (follows && *until_us != 0) {
        (void)nm_usage(call, "--follow has no end, and --until gives one");
        return false;
    }
    if (export->format == NM_FORMAT_CSV && (follows || export->cursor_path != NULL)) {
        (void)nm_usage(call, "--follow and --cursor are for JSON");
        return false;
    }
    return true;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct export export = {.call = call,
        .cursor_path = call->values[NM_CLI_CURSOR],
        .csv = nm_csv_begin(call->out)};
    int64_t since_us = 0;
    int64_t until_us = 0;
    char *path = NULL;
    enum nm_exit status;
    enum nm_code code;

    if (!read_question(&export, &since_us, &until_us))
        return NM_EXIT_USAGE;
    status = nm_open_log(call, &export.reader, &path);
    if (status != NM_EXIT_FINE)
        return status;
    code = export_log(&export, since_us, until_us);
    nm_audit_reader_close(&export.reader);
    free(path);
    if (code == NM_OK)
        return NM_EXIT_FINE;
    return nm_complain_and(call, NM_EXIT_SYSTEM, "%s",
        export.error.message[0] != '\0' ? export.error.message : "out of memory");
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_SINCE, "begin with the decisions of this time"},
    {NM_CLI_UNTIL, "end before those of this time"},
    {NM_CLI_FOLLOW, "go on with what is recorded from now on"},
    {NM_CLI_CURSOR, "begin where the last export with this file ended"},
    {NM_CLI_FORMAT, "json (default): one object a line, or csv"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Prints the events of the log, in the order in which they were written, for other\n"
    "programs. In JSON each line has event (decision, outcome, act, checkpoint,\n"
    "seal or rotation) and sequence, its place in the log. A decision has the fields "
    "of \"nearmiss "
    "audit\n"
    "list\", with queue_id and outcome as far as they are known by then; what became "
    "of a\n"
    "message later is an outcome with the same transaction. An act has the fields of\n"
    "\"nearmiss audit list --acts\"; a checkpoint the line that \"nearmiss audit "
    "verify\n"
    "--checkpoint\" takes. CSV has the decisions alone.\n"
    "\n"
    "With --cursor the place behind the last event is kept in FILE, which is written\n"
    "when the lines before it have been: an export that was cut off goes on there, "
    "and\n"
    "prints no more than the last 1000 events again. Nothing is left out. --since "
    "counts\n"
    "only while there is no FILE yet.\n";

const struct nm_command nm_command_audit_export = {
    .name = "audit export",
    .summary = "the events of the log for other programs",
    .arguments = "",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
