/*
 * `nearmiss audit show REF`: everything on record about a decision, or about all
 * recipients of a message, told as a story.
 */
#include "audit.h"
#include "command.h"
#include "story.h"
#include "text.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

struct show {
    const struct nm_call *call;
    enum nm_format format;
    struct nm_audit_reader *reader;
    struct nm_story story; /* text only */
    json_t *acts;          /* of one decision; JSON only */
    struct nm_error error;
    size_t rows;
    bool no_memory;
};

/* ---- JSON --------------------------------------------------------------- */

static bool collect_act(void *self, const struct nm_audit_act *act)
{
    struct show *show = self;
    struct nm_json json = nm_act_json(act);

    show->no_memory =
        json_array_append_new(show->acts, nm_json_take(&json)) != 0 || show->no_memory;
    return !show->no_memory;
}

static bool collect_acts(struct show *show, const struct nm_audit_row *row)
{
    const struct nm_audit_act_query query = {.decision = row->decision.id.text};

    return nm_audit_reader_acts(
               show->reader, &query, collect_act, show, &show->error) == NM_OK;
}

static bool put_json(struct show *show, const struct nm_audit_row *row)
{
    struct nm_json json = nm_row_json(row);
    bool fine;

    show->acts = json_array();
    fine = collect_acts(show, row);
    nm_json_add(&json, "acts", show->acts);
    return nm_json_end(&json, show->call->out) && fine;
}

/* ---- the subcommand ----------------------------------------------------- */

static bool each(void *self, const struct nm_audit_row *row)
{
    struct show *show = self;
    bool fine;

    show->rows++;
    if (show->format == NM_FORMAT_TEXT) {
        fine = nm_story_put(&show->story, row);
        show->error = show->story.error;
    } else {
        fine = put_json(show, row);
    }
    show->no_memory = show->no_memory || (!fine && show->error.code == NM_OK);
    return fine && !show->no_memory && !ferror(show->call->out);
}

static enum nm_exit show_rows(
    struct show *show, struct nm_audit_reader *reader, const char *path)
{
    const struct nm_call *call = show->call;
    const struct nm_audit_query query = {.reference = call->arguments[0]};
    struct nm_error error = {0};
    enum nm_code code;

    show->reader = reader;
    show->story.reader = reader;
    code = nm_audit_reader_list(reader, &query, each, show, &error);
    if (code == NM_OK && show->error.code != NM_OK) {
        code = show->error.code;
        error = show->error;
    }

    if (show->no_memory)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "out of memory");
    if (code != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the audit log: %s", error.message);
    if (show->rows == 0)
        return nm_complain_and(call, NM_EXIT_SYSTEM,
            "no decision, transaction or queue id \"%s\" is on record in %s",
            nm_show(call->arguments[0]).text, path);
    return NM_EXIT_FINE;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct show show = {.call = call, .story = {.call = call}};
    struct nm_names *names = NULL;
    struct nm_audit_reader *reader = NULL;
    struct nm_error error = {0};
    char *path = NULL;
    enum nm_exit status;

    if (!nm_call_format(call, NM_FORMAT_JSON, &show.format))
        return NM_EXIT_USAGE;
    if (nm_names_new(NULL, &names, &error) != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    show.story.names = names;
    status = nm_open_log(call, &reader, &path);
    if (status == NM_EXIT_FINE)
        status = show_rows(&show, reader, path);
    nm_audit_reader_close(&reader);
    nm_names_free(&names);
    free(path);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_FORMAT, "text (default), or json: one object a decision"},
    {NM_CLI_DATABASE, "read this audit log; no configuration is read then"},
};

static const char description[] =
    "Tells the story of a message: who wrote to whom, what was meant and why we think\n"
    "so, what was done by which rule as the configuration had it, what became of it,\n"
    "and what people did about it later, such as a release. For a message in the hold\n"
    "queue the command that releases it is shown.\n"
    "\n"
    "REF is the reference that a reply or an X-Nearmiss header quotes, in upper or\n"
    "lower case; or a transaction or the mail server's queue id, which stand for all\n"
    "recipients of a message.\n"
    "\n"
    "The JSON is that of \"nearmiss audit list\", with \"acts\", an array of objects "
    "as\n"
    "\"nearmiss audit list --acts\" prints them.\n";

const struct nm_command nm_command_audit_show = {
    .name = "audit show",
    .summary = "everything on record about one decision or message",
    .arguments = "REF",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
