#include "command.h"
#include "load.h"
#include "state.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct importing {
    const struct nm_call *call;
    const char *path; /* of the counts */
    struct nm_counts *counts;
    size_t bad; /* lines that were left out */
};

/* ---- reading ------------------------------------------------------------ */

static void complain_of_line(
    void *self, unsigned line, const char *text, size_t length, const char *why)
{
    const struct importing *importing = self;
    FILE *err = importing->call->err;

    (void)fprintf(err, "%s:%u: \"", importing->path, line);
    nm_put_visible(err, text, length);
    (void)fprintf(err, "\": %s\n", why);
}

static enum nm_exit read_file(struct importing *importing, const struct nm_names *names)
{
    const struct nm_counts_complainer complainer = {importing, complain_of_line};
    const int file = open(importing->path, O_RDONLY | O_CLOEXEC);
    struct nm_error error = {.code = NM_OK};
    enum nm_code code;

    if (file < 0)
        return nm_complain_and(importing->call, NM_EXIT_SYSTEM, "%s: cannot open: %s",
            importing->path, strerror(errno));
    code = nm_counts_read_file(
        names, file, &complainer, &importing->counts, &importing->bad, &error);
    (void)close(file);
    return code == NM_OK ? NM_EXIT_FINE
                         : nm_complain_and(importing->call, NM_EXIT_SYSTEM, "%s: %s",
                               importing->path, error.message);
}

static enum nm_exit read_counts(struct importing *importing)
{
    struct nm_names *names = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_exit status;

    if (nm_names_new(NULL, &names, &error) != NM_OK)
        return nm_complain_and(importing->call, NM_EXIT_SYSTEM, "%s", error.message);
    status = read_file(importing, names);
    nm_names_free(&names);
    return status;
}

/* ---- storing ------------------------------------------------------------ */

/* The daemon gets what was read, and not the file itself, which it may not open. */
static enum nm_exit send_to_daemon(
    const struct importing *importing, const struct nm_config *config)
{
    const int file = memfd_create("counts", MFD_CLOEXEC);
    enum nm_exit status;

    if (file < 0 || !nm_counts_write(importing->counts, file) ||
        lseek(file, 0, SEEK_SET) != 0)
        status = nm_complain_and(importing->call, NM_EXIT_SYSTEM,
            "cannot hand the counts to the daemon: %s", strerror(errno));
    else
        status = nm_ask_for_change(
            importing->call, config, "history-import", file, NM_EXIT_SYSTEM);
    if (file >= 0)
        (void)close(file);
    return status;
}

static enum nm_exit store(
    const struct importing *importing, const struct nm_config *config)
{
    struct nm_state *state = NULL;
    struct nm_error error = {.code = NM_OK};
    enum nm_exit status = nm_open_state_to_write(importing->call, config, &state);

    if (status != NM_EXIT_FINE)
        return status;
    if (state == NULL)
        return send_to_daemon(importing, config);
    if (nm_state_import(state, importing->counts, importing->call->now_us, &error) !=
        NM_OK)
        status = nm_complain_and(importing->call, NM_EXIT_SYSTEM, "%s", error.message);
    nm_state_close(&state);
    return status;
}

static void tell(const struct importing *importing)
{
    const size_t count = nm_counts_size(importing->counts);
    FILE *out = importing->call->out;

    (void)fprintf(out, "counts of %zu domain%s imported", count, count == 1 ? "" : "s");
    if (importing->bad > 0)
        (void)fprintf(out, ", %zu line%s left out", importing->bad,
            importing->bad == 1 ? "" : "s");
    (void)fputc('\n', out);
}

static enum nm_exit run(const struct nm_call *call)
{
    struct importing importing = {.call = call, .path = call->values[NM_CLI_COUNTS]};
    struct nm_config *config = NULL;
    enum nm_exit status;

    if (importing.path == NULL)
        return nm_usage(call, "--counts FILE is missing");
    status = nm_load(call, &config, NULL);
    if (status == NM_EXIT_FINE)
        status = read_counts(&importing);
    if (status == NM_EXIT_FINE)
        status = store(&importing, config);
    if (status == NM_EXIT_FINE)
        tell(&importing);
    if (status == NM_EXIT_FINE && importing.bad > 0)
        status = NM_EXIT_FINDING;
    nm_counts_free(&importing.counts);
    nm_config_free(&config);
    return status;
}

static const struct nm_cli_option_use options[] = {
    {NM_CLI_CONFIG, "configuration (default: " NM_DEFAULT_CONFIG ")"},
    {NM_CLI_COUNTS, "lines of a domain, a tab, and its messages"},
};

static const char description[] =
    "Tells how often mail from here went where, as evidence for what a name near it\n"
    "was meant to be. FILE has a line for each domain, in UTF-8 or A-labels: the\n"
    "domain, a tab or blanks, and the number of messages; # begins a comment. A "
    "domain\n"
    "that stands there several times has the sum.\n"
    "\n"
    "What FILE says of a domain takes the place of what an earlier import said of it,\n"
    "so that the same file may be imported again; other domains stay as they are, and\n"
    "0 messages take a domain out. A line that cannot be read is named as FILE:LINE "
    "and\n"
    "left out, and all others are imported.\n"
    "\n"
    "A running daemon stores the counts and puts them in force before this returns.\n"
    "While none runs, this writes the database, as root or as the daemon's user.\n";

const struct nm_command nm_command_history_import = {
    .name = "history import",
    .summary = "tell how often mail from here went to which domains",
    .arguments = "",
    .description = description,
    .finding = "at least one line was left out",
    .options = options,
    .option_count = NM_COUNT(options),
    .run = run,
};
