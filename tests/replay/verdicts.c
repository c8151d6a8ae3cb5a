/* `replay --verdicts`: what `nearmiss check` prints, but by way of a message. */
#include "scenario.h"

#include "cli/json.h"
#include "cli/lines.h"
#include "cli/subject.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_CONFIG = 3, EXIT_SYSTEM = 4 };

/* The reply with `check`'s word where the reference stands. */
static void put_reply(const struct nm_audit_event *event, struct nm_buf *out)
{
    const char *reference = strstr(event->reply, event->id.text);

    if (reference == NULL) {
        nm_buf_puts(out, event->reply);
        return;
    }
    nm_buf_put(out, event->reply, (size_t)(reference - event->reply));
    nm_buf_puts(out, "(none)");
    nm_buf_puts(out, reference + NM_ID_LENGTH);
}

static bool print(const struct nm_subject *subject, const struct nm_audit_event *event)
{
    const bool near_miss = event->match == NM_MATCH_NEAR_MISS;
    char reply[NM_REPLY_SHOWN_MAX + 1];
    struct nm_json json = nm_json_begin();
    struct nm_buf buf;

    nm_buf_init(&buf, reply, sizeof reply);
    put_reply(event, &buf);
    nm_json_add_bytes(&json, "recipient", subject->given.data, subject->given.length);
    nm_json_add_nonempty(&json, "domain", event->domain);
    nm_json_add_text(&json, "match", nm_match_name(event->match));
    nm_json_add_text(&json, "target", event->target);
    nm_json_add_text(
        &json, "technique", near_miss ? nm_technique_name(event->technique) : NULL);
    nm_json_add_confidence(&json, "confidence", event->confidence);
    nm_json_add_text(&json, "rule", event->rule);
    nm_json_add_text(&json, "action", nm_action_name(event->action));
    nm_json_add_nonempty(&json, "reply", reply);
    nm_json_add_hex_if_invalid(
        &json, "recipient_hex", subject->given.data, subject->given.length);
    return nm_json_end(&json, stdout);
}

/* One message to one recipient; its row, or NULL when it was not judged. */
static const struct nm_audit_event *send(struct memory_audit *audit,
    const struct nm_ports *ports, struct nm_slot *slot,
    const struct nm_subject *subject, struct nm_bytes path)
{
    const struct nm_ip nowhere = {0};
    const struct nm_input mail = {.event = NM_SESSION_MAIL,
        .path = {"<>", 2},
        .smtputf8 = subject->request.smtputf8};
    const struct nm_input rcpt = {.event = NM_SESSION_RCPT, .path = path};
    const struct recorded *row;
    struct nm_session *session = NULL;
    struct nm_answer answer;

    if (nm_session_new(ports, slot, &nowhere, &session) != NM_OK)
        return NULL;
    nm_session_event(session, &mail, &answer);
    nm_session_event(session, &rcpt, &answer);
    nm_session_free(&session);
    row = memory_audit_decision(audit, 1);
    return row != NULL ? &row->event : NULL;
}

/* What `check` made of the line: an address stays as it is, a bare domain gets a local
 * part. Its bytes may be any, NUL too. */
static struct nm_bytes path_of(
    const struct nm_subject *subject, const char *line, size_t length)
{
    const bool as_it_is = length == 0 || memcmp(subject->path, line, length) == 0;

    return (struct nm_bytes){
        subject->path, as_it_is ? length : strlen("x@") + subject->given.length};
}

static bool judge(
    struct nm_slot *slot, const char *line, size_t length, struct nm_subject *subject)
{
    const struct nm_request request = {.sender = ""};
    struct nm_snapshot *snapshot = nm_slot_pin(slot);
    const struct nm_view view = {.snapshot = snapshot};
    const struct nm_audit_event *event;
    struct memory_audit audit;
    struct nm_ports ports;
    bool printed;

    memory_audit_init(&audit);
    ports = memory_audit_ports(&audit);
    nm_subject_judge(&view, &request, line, length, subject);
    event = send(&audit, &ports, slot, subject, path_of(subject, line, length));
    printed = event != NULL && print(subject, event);
    nm_snapshot_release(&snapshot);
    memory_audit_free(&audit);
    return printed;
}

static int judge_input(struct nm_slot *slot)
{
    static struct nm_subject subject;
    static struct nm_lines lines;
    const char *line;
    size_t length;

    nm_lines_begin(&lines, STDIN_FILENO, stdout);
    while (nm_lines_next(&lines, &line, &length)) {
        if (!judge(slot, line, length, &subject)) {
            (void)fprintf(stderr, "replay: not judged: %.*s\n", (int)length, line);
            return EXIT_SYSTEM;
        }
    }
    return lines.failure != 0 || fflush(stdout) != 0 ? EXIT_SYSTEM : EXIT_SUCCESS;
}

int replay_verdicts(const char *config)
{
    struct nm_complaints complaints;
    struct nm_config *loaded = NULL;
    struct nm_snapshot *snapshot = NULL;
    struct nm_slot *slot = NULL;
    int status = EXIT_CONFIG;

    nm_complaints_init(&complaints);
    if (nm_config_load(config, &loaded, &complaints) == NM_OK &&
        nm_config_build(loaded, NULL, &snapshot, &complaints) == NM_OK)
        status = nm_slot_new(snapshot, &slot) == NM_OK ? judge_input(slot)
                                                       : (int)EXIT_SYSTEM;
    nm_complaints_print(&complaints, stderr);
    nm_complaints_free(&complaints);
    nm_config_free(&loaded);
    nm_slot_free(&slot);
    return status;
}
