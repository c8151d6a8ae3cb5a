#include "quarantine/review.h"

#include <string.h>

enum {
    SUBJECT_MAX = 512,
    WAITING = 1 << NM_KEPT_WAITING,
    RELEASING = 1 << NM_KEPT_RELEASING
};

/* What an act is about, copied from its entry. */
struct subject {
    bool found;
    enum nm_kept_state state;
    struct nm_id id;
    char recipient[SUBJECT_MAX]; /* visible */
};

static void read_subject(const struct nm_kept_entry *entry, struct subject *out)
{
    struct nm_buf buf;

    out->found = true;
    out->state = entry->state;
    (void)nm_copy(out->id.text, sizeof out->id.text, entry->id);
    nm_buf_init(&buf, out->recipient, sizeof out->recipient);
    nm_buf_put_visible(&buf, entry->recipient.data, entry->recipient.length);
}

static bool note_subject(void *self, const struct nm_kept_entry *entry)
{
    read_subject(entry, self);
    return true;
}

static enum nm_code find(struct nm_quarantine *quarantine, const char *id,
    unsigned states, const char *to_do, struct subject *out, struct nm_error *error)
{
    const enum nm_code code =
        nm_quarantine_list(quarantine, id, note_subject, out, error);

    if (code != NM_OK)
        return code;
    if (!out->found)
        return nm_fail(error, NM_BAD_INPUT, "there is no entry %s", id);
    if ((states & 1u << out->state) == 0)
        return nm_fail(error, NM_BAD_INPUT, "entry %s cannot be %s: it is %s", id,
            to_do, nm_kept_state_name(out->state));
    return NM_OK;
}

/* The act is durable when this returns. */
static enum nm_code record(const struct nm_reviewer *reviewer, enum nm_verb verb,
    const struct subject *subject, const char *reason, struct nm_error *error)
{
    const struct nm_ports *ports = reviewer->ports;
    const int64_t now_us = ports->clock.now_us(ports->clock.self);
    struct nm_audit_event event;
    uint8_t random[NM_ID_RANDOM_BYTES];
    uint64_t ticket = 0;
    enum nm_code code;

    memset(&event, 0, sizeof event);
    ports->random.fill(ports->random.self, random, sizeof random);
    event.kind = NM_EVENT_ACT;
    event.id = nm_id_make(now_us, random);
    event.time_us = now_us;
    event.gateway = reviewer->gateway;
    event.actor = reviewer->actor;
    event.verb = verb;
    event.subject = subject->recipient;
    event.decision = subject->id;
    event.reason = reason;
    code = ports->audit.append(ports->audit.self, &event, 1, &ticket);
    if (code != NM_OK)
        return nm_fail(error, code, "the act cannot be recorded, so it was not done");
    return ports->audit.wait(ports->audit.self, ticket, error);
}

enum nm_code nm_review_look(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error)
{
    struct subject subject = {0};
    const enum nm_code code =
        find(quarantine, id, WAITING | RELEASING, "shown", &subject, error);

    return code == NM_OK ? record(reviewer, NM_VERB_LOOKED_AT, &subject, NULL, error)
                         : code;
}

enum nm_code nm_review_delete(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error)
{
    struct subject subject = {0};
    enum nm_code code =
        find(quarantine, id, WAITING | RELEASING, "deleted", &subject, error);

    if (code == NM_OK)
        code = record(reviewer, NM_VERB_DELETED, &subject, NULL, error);
    if (code == NM_OK)
        code = nm_quarantine_change(
            quarantine, id, WAITING | RELEASING, NM_KEPT_DELETED, NULL, error);
    return code;
}

/* ---- release ---------------------------------------------------------------- */

enum nm_code nm_review_release(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, const char *recipient,
    bool again, struct nm_queue_id *came_by, struct nm_error *error)
{
    struct subject subject = {0};
    char reason[SUBJECT_MAX];
    struct nm_buf buf;
    enum nm_code code =
        find(quarantine, id, WAITING | RELEASING, "released", &subject, error);

    came_by->text[0] = '\0';
    nm_buf_init(&buf, reason, sizeof reason);
    nm_buf_puts(&buf, "to ");
    nm_buf_put_visible(&buf, recipient, strlen(recipient));
    if (code == NM_OK && subject.state == NM_KEPT_RELEASING && !again)
        code = nm_quarantine_passed(quarantine, id, came_by, error);
    if (code != NM_OK || came_by->text[0] != '\0')
        return code;
    code = record(reviewer, NM_VERB_RELEASED, &subject, reason, error);
    if (code == NM_OK)
        code = nm_quarantine_change(
            quarantine, id, WAITING | RELEASING, NM_KEPT_RELEASING, recipient, error);
    return code;
}

enum nm_code nm_review_released(
    struct nm_quarantine *quarantine, const char *id, struct nm_error *error)
{
    return nm_quarantine_change(
        quarantine, id, RELEASING, NM_KEPT_RELEASED, NULL, error);
}

enum nm_code nm_review_not_released(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, const char *why,
    struct nm_error *error)
{
    struct subject subject = {0};
    char reason[SUBJECT_MAX];
    struct nm_buf buf;
    enum nm_code code = find(quarantine, id, RELEASING, "kept again", &subject, error);

    nm_buf_init(&buf, reason, sizeof reason);
    nm_buf_puts(&buf, "failed: ");
    nm_buf_put_visible(&buf, why, strlen(why));
    if (code == NM_OK)
        code = nm_quarantine_change(
            quarantine, id, RELEASING, NM_KEPT_WAITING, NULL, error);
    if (code == NM_OK)
        code = record(reviewer, NM_VERB_RELEASED, &subject, reason, error);
    return code;
}

/* ---- age -------------------------------------------------------------------- */

struct sweeping {
    const struct nm_reviewer *reviewer;
    struct nm_error *error;
    enum nm_code code;
};

static bool let_go(void *self, const struct nm_kept_entry *entry)
{
    struct sweeping *sweeping = self;
    struct subject subject = {0};

    read_subject(entry, &subject);
    sweeping->code = record(sweeping->reviewer, NM_VERB_DELETED, &subject,
        "kept for too long", sweeping->error);
    return sweeping->code == NM_OK;
}

enum nm_code nm_review_sweep(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, struct nm_error *error)
{
    struct sweeping sweeping = {reviewer, error, NM_OK};
    const enum nm_code code = nm_quarantine_sweep(quarantine, let_go, &sweeping, error);

    return code == NM_OK ? sweeping.code : code;
}
