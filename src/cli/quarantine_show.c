#include "mail_text.h"
#include "quarantine.h"
#include "text.h"
#include "times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    DECODED_BYTES_MAX = 64 * 1024 * 1024 /* what is larger is shown as it came */
};

static void put_line(FILE *out, const char *name, const char *bytes, size_t length)
{
    (void)fprintf(out, "%-11s", name);
    nm_put_visible(out, bytes, length);
    (void)fputc('\n', out);
}

static void put_envelope(const struct nm_call *call, const struct nm_kept_entry *entry)
{
    FILE *out = call->out;
    const char *const fields[][2] = {{"meant", entry->target}, {"rule", entry->rule},
        {"client", entry->client}, {"auth", entry->auth},
        {"queue id", entry->queue_id}};

    put_line(out, "id", entry->id, strlen(entry->id));
    (void)fprintf(out, "%-11s%s\n", "time", nm_time_format_short(entry->time_us).text);
    (void)fprintf(out, "%-11s%s\n", "state", nm_kept_state_name(entry->state));
    if (entry->sender.length == 0)
        put_line(out, "sender", "<>", 2);
    else
        put_line(out, "sender", entry->sender.data, entry->sender.length);
    nm_paint(out, call->colour, NM_BOLD);
    put_line(out, "recipient", entry->recipient.data, entry->recipient.length);
    nm_paint(out, call->colour, NM_PLAIN);
    for (size_t i = 0; i < NM_COUNT(fields); i++) {
        if (fields[i][1] != NULL && fields[i][1][0] != '\0')
            put_line(out, fields[i][0], fields[i][1], strlen(fields[i][1]));
    }
    (void)fprintf(out, "%-11s%llu\n", "bytes", (unsigned long long)entry->bytes);
    if (entry->times > 1)
        (void)fprintf(out, "%-11s%u times\n", "sent", entry->times);
    (void)fputc('\n', out);
}

/* A line of the message, without its CRLF. A part of a line that is too long for the
 * buffer has no end yet. */
static void put_message_line(FILE *out, const char *line, size_t length, bool has_end)
{
    if (has_end && length > 0 && line[length - 1] == '\r')
        length--;
    nm_put_visible(out, line, length);
    if (has_end)
        (void)fputc('\n', out);
}

/* Show whole lines of the buffer; returns how many bytes of it are left over. */
static size_t put_lines(FILE *out, char *buffer, size_t length)
{
    size_t start = 0;

    for (size_t i = 0; i < length; i++) {
        if (buffer[i] != '\n')
            continue;
        put_message_line(out, buffer + start, i - start, true);
        start = i + 1;
    }
    if (start == 0 && length == READ_BYTES) {
        put_message_line(out, buffer, length, false);
        return 0;
    }
    memmove(buffer, buffer + start, length - start);
    return length - start;
}

static bool put_message(FILE *out, int file)
{
    static char buffer[READ_BYTES];
    size_t kept = 0;

    for (;;) {
        const ssize_t got = read(file, buffer + kept, sizeof buffer - kept);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        kept = put_lines(out, buffer, kept + (size_t)got);
    }
    if (kept > 0)
        put_message_line(out, buffer, kept, true);
    return true;
}

/* All of a file, for free(); NULL when it is too large, cannot be read, or for lack of
 * memory. */
static char *read_whole(int file, size_t *length)
{
    struct stat about;
    char *bytes;

    if (fstat(file, &about) != 0 || about.st_size > DECODED_BYTES_MAX)
        return NULL;
    bytes = malloc((size_t)about.st_size + 1);
    for (*length = 0; bytes != NULL && *length < (size_t)about.st_size;) {
        const ssize_t got = pread(
            file, bytes + *length, (size_t)about.st_size - *length, (off_t)*length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        *length += (size_t)got;
    }
    return bytes;
}

/* As a reviewer may read it; as it came where that is asked for, or cannot be helped. */
static bool put_readable(const struct nm_call *call, int file)
{
    size_t length = 0;
    char *bytes = call->values[NM_CLI_RAW] != NULL ? NULL : read_whole(file, &length);

    if (bytes == NULL)
        return put_message(call->out, file);
    nm_mail_text_put(call->out, bytes, length);
    free(bytes);
    return true;
}

static enum nm_exit show(const struct nm_call *call, const struct nm_config *config,
    struct nm_quarantine *quarantine, const struct nm_entry *entry)
{
    struct nm_error error = {0};
    enum nm_exit status;
    int file = -1;

    if (nm_quarantine_read(quarantine, entry->id, &file, &error) != NM_OK) {
        put_envelope(call, &entry->entry);
        return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    }
    status = nm_act(call, config, quarantine, "kept-look", NULL, nm_review_look, NULL);
    if (status == NM_EXIT_FINE) {
        put_envelope(call, &entry->entry);
        if (!put_readable(call, file))
            status = nm_complain_and(
                call, NM_EXIT_SYSTEM, "cannot read the message: %s", strerror(errno));
    }
    (void)close(file);
    return status;
}

static enum nm_exit run(const struct nm_call *call)
{
    struct nm_config *config = NULL;
    struct nm_quarantine *quarantine = NULL;
    struct nm_entry entry;
    enum nm_exit status = nm_open_quarantine(call, &config, &quarantine);

    if (status != NM_EXIT_FINE)
        return status;
    status = nm_find_entry(call, quarantine, &entry);
    if (status == NM_EXIT_FINE)
        status = show(call, config, quarantine, &entry);
    nm_entry_free(&entry);
    nm_quarantine_close(&quarantine);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_RAW, "the message as it came, nothing decoded or left out"},
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
};

static const char description[] =
    "Shows a message that is kept: its envelope, its headers as they came, and its "
    "text,\n"
    "decoded; HTML without its markup, and attachments by their names. What could act "
    "on a\n"
    "terminal or deceive the eye is made visible, and nothing is fetched. That you "
    "looked\n"
    "is put on record first, see nearmiss audit list --acts.\n";

const struct nm_command nm_command_quarantine_show = {
    .name = "quarantine show",
    .summary = "a message that is kept, safe to look at",
    .arguments = "ID",
    .description = description,
    .options = options,
    .option_count = NM_COUNT(options),
    .least = 1,
    .most = 1,
    .run = run,
};
