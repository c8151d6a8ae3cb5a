#include "quarantine.h"
#include "text.h"

#include "smtp/submit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct releasing {
    const struct nm_call *call;
    const struct nm_config *config;
    struct nm_quarantine *quarantine;
    const struct nm_entry *entry;
    const char *recipient; /* whom it goes to */
};

static void tell(const struct releasing *releasing, const char *how)
{
    FILE *out = releasing->call->out;

    (void)fprintf(out, "released %s to ", releasing->entry->id);
    nm_put_visible(out, releasing->recipient, strlen(releasing->recipient));
    (void)fputs(": ", out);
    nm_put_visible(out, how, strlen(how));
    (void)fputc('\n', out);
}

static enum nm_code not_released_alone(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error)
{
    return nm_review_not_released(
        quarantine, reviewer, id, "and the daemon had ended", error);
}

static enum nm_code released_alone(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error)
{
    (void)reviewer;
    return nm_review_released(quarantine, id, error);
}

/* The message was refused, or never reached anybody: it waits as before. */
static enum nm_exit give_back(
    const struct releasing *releasing, const struct nm_error *error)
{
    (void)nm_act(releasing->call, releasing->config, releasing->quarantine,
        "kept-not-released", error->message, not_released_alone, NULL);
    return nm_complain_and(
        releasing->call, NM_EXIT_SYSTEM, "not released: %s", error->message);
}

static enum nm_exit finish(const struct releasing *releasing, const char *how)
{
    const enum nm_exit status = nm_act(releasing->call, releasing->config,
        releasing->quarantine, "kept-released", NULL, released_alone, NULL);

    if (status == NM_EXIT_FINE)
        tell(releasing, how);
    return status;
}

static enum nm_exit hand_over(const struct releasing *releasing, int file)
{
    const struct nm_settings *settings = nm_config_settings(releasing->config);
    const struct nm_kept_entry *entry = &releasing->entry->entry;
    const struct nm_submission submission = {.route = settings->quarantine_release,
        .option = "quarantine.release",
        .name = settings->gateway,
        .sender = releasing->entry->sender,
        .mail_options = entry->sender_arguments,
        .recipient = releasing->recipient,
        .rcpt_options = entry->recipient_arguments,
        .file = file};
    struct nm_submit_result result;
    struct nm_error error = {0};

    if (nm_submit(&submission, &result, &error) != NM_OK && !result.is_unsure)
        return give_back(releasing, &error);
    if (result.is_unsure)
        return nm_complain_and(releasing->call, NM_EXIT_SYSTEM,
            "%s after the message was sent, so it may have it; release %s again to "
            "find "
            "out and to go on",
            error.message, releasing->entry->id);
    return finish(releasing, result.reply);
}

/* Under way is only what nobody else has under way. */
static enum nm_exit release(const struct releasing *releasing, int file)
{
    const struct nm_call *call = releasing->call;
    char *came_by = NULL;
    enum nm_exit status;

    if (flock(file, LOCK_EX | LOCK_NB) != 0)
        return nm_complain_and(call, NM_EXIT_SYSTEM,
            "its message is being released by somebody else just now");
    if (call->values[NM_CLI_DONE] != NULL)
        return finish(releasing, "as you say");
    status = nm_act(call, releasing->config, releasing->quarantine,
        call->values[NM_CLI_AGAIN] != NULL ? "kept-release-again" : "kept-release",
        releasing->recipient, NULL, &came_by);
    if (status != NM_EXIT_FINE)
        return status;
    if (came_by != NULL && came_by[0] != '\0')
        status = nm_complain_and(call, NM_EXIT_SYSTEM,
            "an earlier release was cut off after its message had come by, queue id "
            "%s; "
            "look for that in the mail server's log, and release with --done if it was "
            "taken, or else with --again",
            nm_show(came_by).text);
    else
        status = hand_over(releasing, file);
    free(came_by);
    return status;
}

static enum nm_exit release_entry(struct releasing *releasing)
{
    const struct nm_call *call = releasing->call;
    const struct nm_kept_entry *entry = &releasing->entry->entry;
    const char *to = call->values[NM_CLI_TO];
    struct nm_error error = {0};
    enum nm_exit status;
    int file = -1;

    releasing->recipient = to != NULL ? to : releasing->entry->recipient;
    if (to == NULL && strlen(releasing->entry->recipient) != entry->recipient.length)
        return nm_wrong_value(
            call, "its recipient holds a NUL: name another with --to");
    if (releasing->recipient[0] == '\0' ||
        strpbrk(releasing->recipient, "<>\r\n") != NULL)
        return nm_wrong_value(call, "--to is an address without brackets, not \"%s\"",
            nm_show(releasing->recipient).text);
    if (nm_quarantine_read(releasing->quarantine, entry->id, &file, &error) != NM_OK)
        return nm_complain_and(call, NM_EXIT_SYSTEM, "entry %s is %s: %s", entry->id,
            nm_kept_state_name(entry->state), error.message);
    status = release(releasing, file);
    (void)close(file);
    return status;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_entry entry;
    struct releasing releasing = {.call = call, .entry = &entry};
    enum nm_exit status = nm_open_quarantine(call, &config, &releasing.quarantine);

    if (status != NM_EXIT_FINE)
        return status;
    releasing.config = config;
    status = nm_find_entry(call, releasing.quarantine, &entry);
    if (status == NM_EXIT_FINE)
        status = release_entry(&releasing);
    nm_entry_free(&entry);
    nm_quarantine_close(&releasing.quarantine);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_TO, "send it there, to the address that was meant"},
    {NM_CLI_AGAIN, "send it, though a release that was cut off may have"},
    {NM_CLI_DONE, "send nothing: the release that was cut off did"},
};

static const char description[] =
    "Hands a message that is kept to the mail server, by quarantine.release, with its\n"
    "envelope sender and what else its envelope asked for. The filter lets it through "
    "for\n"
    "ten minutes, once. The daemon must be running. Who released it, and to whom, is "
    "on\n"
    "record. When the mail server does not take the message, it waits as before.\n"
    "\n"
    "A release that was cut off may be repeated: if the message had come by, nothing "
    "is\n"
    "sent twice.\n";

const struct nm_command nm_command_quarantine_release = {
    .name = "quarantine release",
    .summary = "send a message that is kept on its way",
    .arguments = "ID",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
