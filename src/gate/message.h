/*
 * Inside the gate: what a session remembers of the message under way, and what the files
 * that handle its events share. transaction.c has the machine, recipient.c RCPT, ending.c
 * the end; record.c writes to the log, answers.c to the mail server.
 */
#ifndef NM_GATE_MESSAGE_H
#define NM_GATE_MESSAGE_H

#include "gate/session.h"

enum nm_state { NM_IDLE, NM_ENVELOPE, NM_CONTENT, NM_ENDED };

enum {
    /* Domains that a message teaches; those of further recipients are taught by the next
     * message to them. */
    NM_LESSONS_MAX = 256,
    NM_QUEUE_ID_MAX = 64,
    /* Decisions of a message that nobody has waited for; with so many, one that goes on
     * waits for its record. */
    NM_KEPT_MAX = 512,
    NM_KEPT_BYTES_MAX = 255 /* of its recipient, which is cut */
};

/* A recipient whose refusal waits for the end of the message. */
struct nm_refusal {
    struct nm_refusal *next;
    const char *text;
};

/* A domain that was not written to before, to be noted once the message has passed. */
struct nm_lesson {
    struct nm_lesson *next;
    const char *domain; /* registrable */
    size_t length;
};

/* A decision of a message that goes on whether it is recorded or not: its event is queued,
 * and nobody has waited for it yet. */
struct nm_kept {
    struct nm_kept *next;
    struct nm_id id;
    char recipient[NM_KEPT_BYTES_MAX + 1];
    char target[NM_DOMAIN_MAX + 1];
    enum nm_match match;
    enum nm_action action;
    enum nm_mode mode;
};

struct nm_transaction {
    struct nm_snapshot *snapshot;
    struct nm_overlay *overlay; /* NULL for none */
    const struct nm_snapshot_values *values;
    struct nm_id id;
    int64_t begun_us;
    struct nm_bytes sender;
    const char *sender_text;
    const char *auth;
    char queue_id[NM_QUEUE_ID_MAX + 1];
    bool outbound;
    bool smtputf8;
    bool local_submission;
    bool broken;       /* no memory at MAIL: nothing in here can be judged */
    bool put_off;      /* one that goes on could not be judged for lack of memory */
    bool audit_failed; /* the event of one that goes on was not taken */

    bool is_full;         /* more recipients came than are judged */
    unsigned recipients;  /* judged */
    unsigned near_misses; /* of them */
    unsigned going_on;    /* of them, answered with continue */
    unsigned refused_late;
    bool late_for_good; /* one of them with a 5xx */
    struct nm_refusal *first_refusal;
    struct nm_refusal **next_refusal;
    unsigned kept_refusals;
    unsigned named_refusals; /* of them, in the answer */
    struct nm_spool_recipient
        *first_spooled; /* for whom the message goes to quarantine */
    struct nm_spool_recipient **next_spooled;
    struct nm_taken_off *first_off; /* the same, as the mail server knows them */
    struct nm_taken_off **next_off;
    unsigned to_spool;
    const char *arguments;  /* of MAIL */
    struct nm_spool *spool; /* NULL until there is content to keep */
    bool without_content;
    bool body_begun;
    bool spool_failed;    /* so that the message cannot be kept */
    bool in_quarantine;   /* it is durable in the quarantine */
    unsigned tag_headers; /* X-Nearmiss headers that came with the message */
    bool hold;
    char hold_reason[NM_REPLY_LINE_MAX + 1];
    bool tag;
    char tag_value[NM_ID_LENGTH + 1];
    struct nm_kept *kept;  /* the newest first */
    struct nm_kept *spare; /* to be used again */
    size_t kept_count;
    struct nm_lesson *lessons;
    size_t lesson_count;
    struct nm_confirming *confirmable; /* refused, and to be told how to confirm */
    struct nm_confirming *confirmed;   /* sent again, or by a code */
    struct nm_confirming *by_code;     /* to be looked for in the Subject */
    unsigned by_code_count;
    const char *code_subject; /* the first one, as it came; NULL for none */
    bool changes_subject;
    const char *new_subject;                   /* NULL: it is taken off */
    struct nm_notice_recipient *first_notable; /* whom a notice will name */
    struct nm_notice_recipient **next_notable;
    unsigned notable;    /* recipients to tell of, named or not */
    const char *subject; /* these two NULL while there is none */
    const char *message_id;
    bool is_automatic;       /* no person waits for what becomes of it */
    bool is_notice;          /* one of ours, or made of one */
    enum nm_outcome outcome; /* once ended */
};

struct nm_session {
    const struct nm_ports *ports;
    struct nm_slot *slot;
    struct nm_ip client;
    char client_text[NM_IP_TEXT_MAX + 1];
    unsigned wrong_codes; /* tried in this session */
    unsigned refusals;    /* in this session, at RCPT, since a message went through */
    enum nm_state state;
    struct nm_arena *arena; /* of the transaction */
    struct nm_transaction message;
    char reply[NM_REPLY_LINE_MAX + NM_REPLY_LINES_MAX]; /* the answer's lines live here
                                                           and in the arena */
    const char *lines[NM_REPLY_LINES_MAX];
};

typedef void nm_handler(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer);

/* Hold the message. The reason of the first recipient that asks for it stands for all. */
void nm_set_hold(struct nm_transaction *message, const char *reason);
/* The same with a reason in our words. `domain` "" for none, `target` NULL unless it is a
 * near miss; else `rule` says why. */
void nm_hold_for(struct nm_transaction *message, const char *domain, const char *target,
    const char *rule, const struct nm_id *reference);

nm_handler nm_on_rcpt, nm_on_end;

/* Keep a refusal for the end; only the first ones are named there, all are counted.
 * Whether this is one of those. */
bool nm_keep_refusal(struct nm_session *session, struct nm_bytes recipient,
    const struct nm_reply *reply);

/* What the recipients of a message are judged by. */
struct nm_view nm_view_of(const struct nm_session *session);
void nm_note_queue_id(struct nm_session *session, const struct nm_input *input);

static inline bool nm_observes(const struct nm_transaction *message)
{
    return message->values->mode == NM_MODE_OBSERVE;
}

/* Whether what cannot be recorded is put off; else it is let through. */
static inline bool nm_defers(const struct nm_transaction *message)
{
    return !nm_observes(message) &&
           message->values->on_audit_failure != NM_ACTION_ACCEPT;
}

/* ---- record.c --------------------------------------------------------------- */

int64_t nm_now_us(const struct nm_session *session);
struct nm_id nm_new_id(const struct nm_session *session, int64_t now_us);
/* `counter` is an enum nm_counter, or NM_COUNTER_ACTION and the like plus an action. */
void nm_count(const struct nm_session *session, int counter);

/* What all events of the message have in common. */
void nm_fill_event(const struct nm_session *session, enum nm_event_kind kind,
    int64_t time_us, struct nm_audit_event *event);

/* Queue a decision. `wait` says whether to return only when it is durable. On failure the
 * system log has the row. */
enum nm_code nm_record(
    struct nm_session *session, const struct nm_audit_event *event, bool wait);

/* Queue the outcome; on failure the system log has it. */
void nm_record_outcome(struct nm_session *session, enum nm_outcome outcome);

/* The same, where a failure is the caller's to log. */
enum nm_code nm_try_outcome(struct nm_session *session, enum nm_outcome outcome,
    bool wait, struct nm_error *why);

/* The message ends without its record. Where it goes on all the same, the system log has
 * each of its decisions that may be lost, a line each; and in any case its outcome. */
void nm_log_unrecorded(
    struct nm_session *session, enum nm_outcome outcome, const char *why);

/* ---- spooling.c: messages for the quarantine ------------------------------------ */

/* Note that the message is to be kept for this recipient, whose decision is `event`. */
void nm_spool_for(struct nm_session *session, const struct nm_input *input,
    const struct nm_audit_event *event);
/* Keep more of the message, if anything of it is wanted. */
void nm_spool_header(struct nm_session *session, const struct nm_input *input);
void nm_spool_body(struct nm_session *session, struct nm_bytes body);
/* Whether it is durable now, for all recipients noted. */
bool nm_spool_end(struct nm_session *session);
/* Forget what was kept of a message that did not come so far. */
void nm_spool_drop(struct nm_session *session);

/* ---- confirming.c: near misses that their senders confirm ----------------------- */

/* Note a recipient that is refused until it is confirmed: at once, or at its `place` from 1
 * among the refusals that wait for the end. Whether there is anything to note. */
bool nm_confirm_note_refusal(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision, unsigned place);
/* The answer goes out that tells of those that were noted, but for those that it has no
 * room to name: from now on they may be sent again. Waits until that is durable. */
void nm_confirm_refusals_told(struct nm_session *session);
/* Note a recipient that was sent again, if it is one. */
void nm_confirm_note_again(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision);
/* It is confirmed by this message, if that goes through. */
void nm_confirm_add(struct nm_session *session, struct nm_confirming *confirming);
/* Queue the events that say so. Whether the log took them. */
bool nm_confirm_record(struct nm_session *session);
/* The message goes through: remember what it confirms. */
void nm_confirm_remember(struct nm_session *session);

/* ---- codes.c: those whose codes may stand in the Subject ------------------------ */

/* Take a recipient until the end, where its code is looked for. False when it cannot be
 * taken. */
bool nm_code_want(struct nm_session *session, const struct nm_judgement *judgement,
    const struct nm_audit_event *event);
void nm_code_subject(struct nm_session *session, const char *value);
/* The end: all codes are there, and are taken out of the Subject; or those recipients are
 * refused with the message. */
void nm_codes_settle(struct nm_session *session);

/* ---- lessons.c ---------------------------------------------------------------- */

/* Remember the domain of a recipient that goes on, if it is to be noted. */
void nm_lesson_take(struct nm_session *session, const struct nm_judgement *judgement);
/* The message has passed: note what was remembered. */
void nm_lessons_give(const struct nm_session *session);

/* ---- notices.c ---------------------------------------------------------------- */

/* Remember a recipient for whom the message is held or kept. */
void nm_notice_take(struct nm_session *session, const struct nm_judgement *judgement,
    enum nm_action action, const struct nm_audit_event *event);
/* Remember what of the header is of use. */
bool nm_notice_wants_header(const struct nm_session *session, const char *name);
void nm_notice_header(struct nm_session *session, const struct nm_input *input);
/* The message's fate was carried out: tell of it. */
void nm_notice_give(struct nm_session *session);

/* ---- answers.c -------------------------------------------------------------- */

void nm_answer_continue(struct nm_answer *answer);
void nm_answer_reply(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, const char *text);
/* A reply of the lines that already stand in `session->lines`. */
void nm_answer_lines(struct nm_session *session, struct nm_answer *answer,
    unsigned code, const char *status, size_t line_count);
void nm_answer_no_memory(struct nm_session *session, struct nm_answer *answer);
void nm_answer_audit_failure(struct nm_session *session, struct nm_answer *answer);
void nm_answer_spool_failure(struct nm_session *session, struct nm_answer *answer);

#endif
