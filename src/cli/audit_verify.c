/*
 * `nearmiss audit verify`: whether the audit log is what was written.
 */
#include "audit.h"
#include "json.h"
#include "text.h"
#include "times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINTS_BYTES_MAX = 256 * 1024 * 1024 };

struct verify {
    const struct nm_call *call;
    enum nm_format format;
    bool no_memory;
};

/* ---- checkpoints from elsewhere ----------------------------------------- */

static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    char part[16 * 1024];
    size_t length;

    if (memory == NULL)
        return NULL;
    while ((length = fread(part, 1, sizeof part, file)) > 0 &&
           ftell(memory) < (long)CHECKPOINTS_BYTES_MAX) {
        for (size_t i = 0; i < length; i++)
            if (part[i] == '\0')
                part[i] = ' ';
        (void)fwrite(part, 1, length, memory);
    }
    if (fclose(memory) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* A line itself, or a file of such lines; `*out` is the caller's to free. */
static enum nm_exit read_checkpoints(const struct nm_call *call, char **out)
{
    const char *given = call->values[NM_CLI_CHECKPOINT];
    FILE *file;

    if (given == NULL)
        return NM_EXIT_FINE;
    if (strstr(given, "log=") != NULL) {
        *out = strdup(given);
    } else {
        file = fopen(given, "rbe");
        if (file == NULL)
            return nm_complain_and(call, NM_EXIT_SYSTEM, "cannot read %s: %s",
                nm_show(given).text, strerror(errno));
        *out = read_all(file);
        (void)fclose(file);
    }
    return *out != NULL ? NM_EXIT_FINE
                        : nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
}

/* ---- telling ------------------------------------------------------------ */

static const char *name_of(enum nm_audit_finding_kind kind)
{
    static const char *const names[NM_FINDING_KINDS] = {
        [NM_FINDING_ALTERED] = "altered",
        [NM_FINDING_REMOVED] = "removed",
        [NM_FINDING_END] = "end",
        [NM_FINDING_SIGNATURE] = "signature",
        [NM_FINDING_KEY] = "key",
        [NM_FINDING_CHECKPOINT] = "checkpoint",
    };

    return names[kind];
}

static void add_time(struct nm_json *json, const char *key, int64_t time_us)
{
    nm_json_add_text(json, key, time_us != 0 ? nm_time_format(time_us).text : NULL);
}

static void put_finding_json(
    struct verify *verify, const struct nm_audit_finding *found)
{
    struct nm_json json = nm_json_begin();

    nm_json_add_text(&json, "finding", name_of(found->kind));
    nm_json_add(&json, "first", json_integer((json_int_t)found->first));
    nm_json_add(&json, "last", json_integer((json_int_t)found->last));
    add_time(&json, "sound_until", found->sound_us);
    nm_json_add_text(&json, "what", found->what);
    if (!nm_json_end(&json, verify->call->out))
        verify->no_memory = true;
}

static void put_finding(void *self, const struct nm_audit_finding *found)
{
    struct verify *verify = self;
    FILE *out = verify->call->out;

    if (verify->format == NM_FORMAT_JSON) {
        put_finding_json(verify, found);
        return;
    }
    nm_paint(out, verify->call->colour, NM_RED);
    (void)fprintf(out, "%s", found->what);
    nm_paint(out, verify->call->colour, NM_PLAIN);
    if (found->sound_us != 0)
        (void)fprintf(
            out, " (the event before is of %s)", nm_time_format(found->sound_us).text);
    (void)fputc('\n', out);
}

static void put_verdict_json(
    struct verify *verify, const struct nm_audit_verdict *verdict)
{
    struct nm_json json = nm_json_begin();

    nm_json_add(&json, "sound", json_boolean(verdict->findings == 0));
    nm_json_add(&json, "findings", json_integer((json_int_t)verdict->findings));
    nm_json_add(&json, "events", json_integer((json_int_t)verdict->events));
    nm_json_add(&json, "first", json_integer((json_int_t)verdict->first));
    nm_json_add(&json, "last", json_integer((json_int_t)verdict->last));
    nm_json_add(&json, "chained_from", json_integer((json_int_t)verdict->chained));
    nm_json_add(&json, "cut_off_upto", json_integer((json_int_t)verdict->cut_off_upto));
    nm_json_add(&json, "erased", json_integer((json_int_t)verdict->erased));
    nm_json_add(&json, "signed_upto", json_integer((json_int_t)verdict->signed_upto));
    add_time(&json, "signed_at", verdict->signed_us);
    nm_json_add(&json, "checkpoints", json_integer((json_int_t)verdict->checkpoints));
    nm_json_add_text(&json, "key", verdict->key_is_the_logs ? "log" : "file");
    if (!nm_json_end(&json, verify->call->out))
        verify->no_memory = true;
}

static void put_verdict(struct verify *verify, const struct nm_audit_verdict *verdict)
{
    FILE *out = verify->call->out;

    if (verify->format == NM_FORMAT_JSON) {
        put_verdict_json(verify, verdict);
        return;
    }
    nm_paint(out, verify->call->colour, verdict->findings == 0 ? NM_GREEN : NM_RED);
    (void)fputs(
        verdict->findings == 0 ? "The log is sound" : "The log is NOT sound", out);
    nm_paint(out, verify->call->colour, NM_PLAIN);
    (void)fprintf(out, ": %llu events, %lld to %lld.\n",
        (unsigned long long)verdict->events, (long long)verdict->first,
        (long long)verdict->last);
    if (verdict->first < verdict->chained)
        (void)fprintf(out,
            "  Those before %lld were written before the log was chained, and are not "
            "covered.\n",
            (long long)verdict->chained);
    if (verdict->cut_off_upto > 0)
        (void)fprintf(out, "  What was there up to %lld was cut off, as a seal says.\n",
            (long long)verdict->cut_off_upto);
    if (verdict->erased > 0)
        (void)fprintf(out, "  Of %llu events something personal was erased.\n",
            (unsigned long long)verdict->erased);
    if (verdict->signed_upto > 0)
        (void)fprintf(out,
            "  Its last checkpoint with a sound signature is event %lld, of %s.\n",
            (long long)verdict->signed_upto, nm_time_format(verdict->signed_us).text);
    else
        (void)fputs("  Nothing in it is signed.\n", out);
    if (verdict->checkpoints > 0)
        (void)fprintf(out, "  It fits %llu checkpoint%s from elsewhere.\n",
            (unsigned long long)verdict->checkpoints,
            verdict->checkpoints == 1 ? "" : "s");
    else
        (void)fputs("  Only checkpoints kept elsewhere prove that it was not written "
                    "anew: --checkpoint.\n",
            out);
    if (verdict->key_is_the_logs)
        (void)fputs("  The key came from the log itself; --key names one that is kept "
                    "elsewhere.\n",
            out);
}

/* ---- the subcommand ----------------------------------------------------- */

static enum nm_exit verify_log(
    struct verify *verify, const char *path, const char *checkpoint)
{
    const struct nm_call *call = verify->call;
    const struct nm_audit_verify_query query = {
        .path = path, .key = call->values[NM_CLI_KEY], .checkpoint = checkpoint};
    struct nm_audit_verdict verdict;
    struct nm_error error = {0};
    const enum nm_code code =
        nm_audit_verify(&query, put_finding, verify, &verdict, &error);

    if (code != NM_OK)
        return nm_complain_and(call,
            code == NM_BAD_INPUT ? NM_EXIT_USAGE : NM_EXIT_SYSTEM,
            "cannot verify the audit log: %s", error.message);
    put_verdict(verify, &verdict);
    if (verify->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    return verdict.findings == 0 ? NM_EXIT_FINE : NM_EXIT_FINDING;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct verify verify = {.call = call};
    char *checkpoint = NULL;
    char *path = NULL;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &verify.format))
        return NM_EXIT_USAGE;
    status = read_checkpoints(call, &checkpoint);
    if (status == NM_EXIT_FINE)
        status = nm_find_log(call, &path);
    if (status == NM_EXIT_FINE)
        status = verify_log(&verify, path, checkpoint);
    free(path);
    free(checkpoint);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_CHECKPOINT, "a line of the system log, or a file of such lines"},
    {NM_CLI_KEY, "public keys (default: DATABASE-key.pub)"},
    {NM_CLI_FORMAT, "text (default), or json: one object a line"},
    {NM_CLI_DATABASE, "verify this audit log; no configuration is read then"},
};

static const char description[] =
    "Computes the chain of hashes over all events anew and says which event was\n"
    "changed, removed, inserted or moved, and since when, and whether the end was\n"
    "cut off. The daemon may be running or not.\n"
    "\n"
    "Who can write the database and read the key can write the whole log anew. Only\n"
    "copies of checkpoints that are kept elsewhere prove that nobody did: the daemon\n"
    "writes each to the system log as \"audit checkpoint log=...\". --checkpoint "
    "takes\n"
    "such a line, or a file of them, a copy of the system log for example.\n"
    "\n"
    "In JSON there is an object for each finding, with finding (altered, removed,\n"
    "end, signature, key, checkpoint), first and last (sequences), sound_until (time\n"
    "of the event before) and what; and behind them one with sound, findings, events,\n"
    "first, last, chained_from, cut_off_upto, erased, signed_upto, signed_at,\n"
    "checkpoints (from elsewhere, that fit) and key (\"file\", or \"log\": its own).\n";

const struct nm_command nm_command_audit_verify = {
    .name = "audit verify",
    .summary = "whether the audit log is what was written",
    .arguments = "",
    .description = description,
    .finding = "the log is not sound",
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
