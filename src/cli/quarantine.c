#include "quarantine.h"

#include "daemon.h"
#include "load.h"
#include "text.h"

#include "audit/audit.h"
#include "control/control.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_now_us(void *self)
{
    struct timespec now;

    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void random_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    randombytes_buf(bytes, size);
}

static const struct nm_clock wall_clock = {NULL, clock_now_us};

enum nm_exit nm_open_quarantine(
    const struct nm_call *call, struct nm_config **config, struct nm_quarantine **out)
{
    struct nm_quarantine_options options = {.clock = wall_clock};
    struct nm_error error = {0};
    enum nm_exit status = nm_load(call, config, NULL);

    if (status != NM_EXIT_FINE)
        return status;
    options.folder = nm_config_settings(*config)->quarantine_directory;
    if (nm_quarantine_open(&options, out, &error) == NM_OK)
        return NM_EXIT_FINE;
    nm_config_free(config);
    return nm_complain_and(
        call, NM_EXIT_SYSTEM, "cannot read the quarantine: %s", error.message);
}

/* ---- an entry ----------------------------------------------------------------- */

/* Bytes with a NUL behind. */
static bool take(struct nm_bytes from, char **out, struct nm_bytes *bytes)
{
    *out = malloc(from.length + 1);
    if (*out == NULL)
        return false;
    memcpy(*out, from.data, from.length);
    (*out)[from.length] = '\0';
    *bytes = (struct nm_bytes){*out, from.length};
    return true;
}

/* The texts one after the other. */
static bool take_texts(const struct nm_kept_entry *from, struct nm_entry *out)
{
    const char *const texts[] = {from->sender_arguments, from->recipient_arguments,
        from->domain, from->target != NULL ? from->target : "", from->rule,
        from->client, from->auth, from->queue_id, from->transaction};
    const char **const places[] = {&out->entry.sender_arguments,
        &out->entry.recipient_arguments, &out->entry.domain, &out->entry.target,
        &out->entry.rule, &out->entry.client, &out->entry.auth, &out->entry.queue_id,
        &out->entry.transaction};
    size_t length = 0;
    char *at;

    for (size_t i = 0; i < NM_COUNT(texts); i++)
        length += strlen(texts[i]) + 1;
    at = out->texts = malloc(length);
    for (size_t i = 0; at != NULL && i < NM_COUNT(texts); i++) {
        const size_t size = strlen(texts[i]) + 1;

        memcpy(at, texts[i], size);
        *places[i] = at;
        at += size;
    }
    if (from->target == NULL)
        out->entry.target = NULL;
    return at != NULL;
}

static bool keep_entry(void *self, const struct nm_kept_entry *entry)
{
    struct nm_entry *out = self;

    out->entry = *entry;
    out->entry.sent_to = (struct nm_bytes){NULL, 0};
    out->id = strdup(entry->id);
    out->entry.id = out->id;
    if (out->id == NULL || !take(entry->sender, &out->sender, &out->entry.sender) ||
        !take(entry->recipient, &out->recipient, &out->entry.recipient) ||
        !take_texts(entry, out))
        nm_entry_free(out);
    return false;
}

enum nm_exit nm_find_entry(
    const struct nm_call *call, struct nm_quarantine *quarantine, struct nm_entry *out)
{
    const char *id = call->arguments[0];
    struct nm_error error = {0};

    memset(out, 0, sizeof *out);
    if (quarantine != NULL &&
        nm_quarantine_list(quarantine, id, keep_entry, out, &error) != NM_OK)
        return nm_complain_and(
            call, NM_EXIT_SYSTEM, "cannot read the quarantine: %s", error.message);
    if (out->id == NULL)
        return nm_complain_and(call, NM_EXIT_SYSTEM,
            "there is no entry %s; see nearmiss quarantine list", nm_show(id).text);
    return NM_EXIT_FINE;
}

void nm_entry_free(struct nm_entry *entry)
{
    free(entry->id);
    free(entry->sender);
    free(entry->recipient);
    free(entry->texts);
    memset(entry, 0, sizeof *entry);
}

/* ---- acts --------------------------------------------------------------------- */

/* With no daemon the log is this process's to write. */
static enum nm_code act_alone(const struct nm_config *config,
    struct nm_quarantine *quarantine, nm_alone *alone, const char *id,
    struct nm_error *error)
{
    const struct nm_settings *settings = nm_config_settings(config);
    const struct nm_audit_options options = {.path = settings->audit_database,
        .wait_ms = settings->audit_wait_ms,
        .gateway = settings->gateway,
        .key = settings->audit_key,
        .group = settings->audit_group,
        .clock = wall_clock};
    const struct nm_actor actor = nm_control_actor((unsigned)getuid());
    struct nm_audit *audit = NULL;
    struct nm_ports ports = {.clock = wall_clock, .random = {NULL, random_fill}};
    const struct nm_reviewer reviewer = {
        .ports = &ports, .gateway = settings->gateway, .actor = actor.text};
    enum nm_code code = nm_audit_start(&options, &audit, error);

    if (code != NM_OK)
        return code;
    ports.audit = nm_audit_port(audit);
    code = alone(quarantine, &reviewer, id, error);
    nm_audit_stop(&audit);
    return code;
}

/* The daemon's answer, without its first line; whether it was "ok". */
static bool read_answer(char *text, char **rest)
{
    char *newline = strchr(text, '\n');
    const bool ok = strncmp(text, "ok\n", 3) == 0;

    *rest = newline != NULL ? newline + 1 : text;
    (*rest)[strcspn(*rest, "\n")] = '\0';
    return ok;
}

enum nm_exit nm_act(const struct nm_call *call, const struct nm_config *config,
    struct nm_quarantine *quarantine, const char *verb, const char *rest,
    nm_alone *alone, char **answer)
{
    const char *socket = nm_config_settings(config)->control_socket;
    const char *id = call->arguments[0];
    char request[NM_CONTROL_LINE_MAX];
    struct nm_error error = {0};
    enum nm_exit status = NM_EXIT_FINE;
    char *text = NULL;
    char *words;
    struct nm_buf buf;

    nm_buf_init(&buf, request, sizeof request);
    nm_buf_printf(
        &buf, "%s %s%s%s", verb, id, rest != NULL ? " " : "", rest != NULL ? rest : "");
    if (nm_control_ask(socket, request, &text, &error) != NM_OK) {
        if (alone == NULL)
            return nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
        return act_alone(config, quarantine, alone, id, &error) == NM_OK
                   ? NM_EXIT_FINE
                   : nm_complain_and(call, NM_EXIT_SYSTEM, "%s", error.message);
    }
    if (!read_answer(text, &words))
        status = nm_complain_and(
            call, NM_EXIT_SYSTEM, "the daemon says: %s", nm_show(words).text);
    else if (answer != NULL)
        *answer = strdup(words);
    free(text);
    return status;
}
