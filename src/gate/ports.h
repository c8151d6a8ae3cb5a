/*
 * Gate ports: what the gate needs from the world, as small const tables of functions
 * that the programs wire to adapters. Every function may be called from any thread.
 */
#ifndef NM_GATE_PORTS_H
#define NM_GATE_PORTS_H

#include <nearmiss/base.h>
#include <nearmiss/policy.h>

enum nm_event_kind {
    NM_EVENT_DECISION = 1,
    NM_EVENT_OUTCOME,
    NM_EVENT_ACT,
    NM_EVENT_CHECKPOINT, /* the audit log's own, and so are the next */
    NM_EVENT_SEAL,
    NM_EVENT_ROTATION
};

/* What became of a message. The order is fixed: audit logs store it. */
enum nm_outcome {
    NM_OUTCOME_UNKNOWN, /* no outcome event: the daemon ended before the message did */
    NM_OUTCOME_PASSED,  /* handed on, which is not delivered */
    NM_OUTCOME_REFUSED,
    NM_OUTCOME_HELD,
    NM_OUTCOME_QUARANTINED,
    NM_OUTCOME_ABORTED
};
enum { NM_OUTCOME_COUNT = NM_OUTCOME_ABORTED + 1 };

/* Never NULL. */
const char *nm_outcome_name(enum nm_outcome outcome);

/* What a person, or the daemon by itself, did beside the mail. The order is fixed: audit
 * logs store it. */
enum nm_verb {
    NM_VERB_ALLOW_ADDED,   /* an exception */
    NM_VERB_ALLOW_REMOVED, /* by hand, or for it had expired */
    NM_VERB_CONFIRMED,     /* a near miss, by its sender */
    NM_VERB_RELEASED,      /* a message, from the quarantine */
    NM_VERB_DELETED,       /* the same */
    NM_VERB_LOOKED_AT,     /* the same */
    NM_VERB_ERASED,        /* a person's data, from the log */
    NM_VERB_PRUNED,        /* the oldest part of the log */
    NM_VERB_KEY_ROTATED,   /* another key signs the log from then on */
    NM_VERB_CONFIRMS,      /* what NM_VERB_CONFIRMED is on record for, seen from the
                              message that did it */
    NM_VERB_NOTIFIED       /* a person, of a message that is held or kept */
};
enum { NM_VERB_COUNT = NM_VERB_NOTIFIED + 1 };

/* Never NULL: "allow-added" and so on. */
const char *nm_verb_name(enum nm_verb verb);

/* Whether it is an act of its own: false for what only tells of one from its other side. */
bool nm_verb_is_counted(enum nm_verb verb);

/* What the audit log keeps of the local part of an address. */
enum nm_audit_local_part {
    NM_LOCAL_CLEAR, /* all */
    NM_LOCAL_KEYED, /* a keyed hash: it groups, and can be searched with the key */
    NM_LOCAL_NONE
};
enum { NM_LOCAL_PARTS = NM_LOCAL_NONE + 1 };

/* Never NULL; "" for none of them. */
const char *nm_audit_local_part_name(enum nm_audit_local_part kept);

/* Bytes as a mail server gave them: any value, not terminated. */
struct nm_bytes {
    const char *data;
    size_t length;
};

/* One event for the log. A decision fills the second part, an outcome the third, an act
 * the last; all fill the first. All pointers are borrowed for the call. */
struct nm_audit_event {
    enum nm_event_kind kind;
    struct nm_id id; /* what a reply quotes as its reference; made of time_us */
    struct nm_id transaction; /* ours; one a message; an act has none */
    int64_t time_us;
    const char *gateway; /* this machine's name in the log */

    const char *client; /* IP address as text; "" for a local client */
    const char *auth;   /* "" for none */
    struct nm_bytes sender;
    struct nm_bytes recipient; /* without brackets, as given */
    const char *domain;        /* A-labels; "" for none */
    enum nm_match match;
    const char *target; /* NULL unless a near miss */
    enum nm_technique technique;
    double confidence; /* < 0: none */
    const char *rule;  /* NULL for none */
    enum nm_action action;
    const char *reply;  /* "550 5.7.1 …", or "" when the action refuses nothing */
    enum nm_mode mode;  /* NM_MODE_OBSERVE: action and reply are what would have been */
    const char *config; /* hash of the configuration in force */

    const char *queue_id; /* "" while the MTA has told none */
    /* Of the message; in a decision, NM_OUTCOME_REFUSED when this very answer settles
     * the recipient's fate, NM_OUTCOME_QUARANTINED when it will be if the message is kept,
     * else NM_OUTCOME_UNKNOWN. The last outcome event of a transaction counts; but for
     * recipients to be kept, one that says NM_OUTCOME_QUARANTINED wherever it stands. */
    enum nm_outcome outcome;

    const char *actor; /* "alice (uid 1000)", by the peer's credentials; or "daemon" */
    enum nm_verb verb;
    const char *subject;   /* what it was done to, in words: a domain, an address */
    struct nm_id decision; /* that it belongs to; "" for none */
    const char *reason;    /* as the person gave it; NULL for none */
};

/* The audit log. Events of one caller are stored in the order in which they came. */
struct nm_audit_port {
    void *self;
    /* Take `count` events; a copy is made. `*ticket` is for `wait`. Never blocks on a
     * disk. NM_LIMIT when the queue is full, NM_NO_MEMORY, NM_STOPPED. */
    enum nm_code (*append)(void *self, const struct nm_audit_event *events,
        size_t count, uint64_t *ticket);
    /* Wait until everything up to `ticket` is durable. NM_TIMEOUT after the configured
     * time, NM_SYSTEM when the log cannot be written; `error` then says why, and the
     * events of this ticket are withdrawn where that is still possible. */
    enum nm_code (*wait)(void *self, uint64_t ticket, struct nm_error *error);
};

/* Counts that `nearmiss status` shows. Each call adds one. */
enum nm_counter {
    NM_COUNTER_SESSIONS,
    NM_COUNTER_MESSAGES,
    NM_COUNTER_RECIPIENTS,
    NM_COUNTER_NEAR_MISSES,
    NM_COUNTER_AUDIT_FAILURES,
    NM_COUNTER_ACTION, /* + enum nm_action: recipients by what was decided */
    NM_COUNTER_NEAR_MISS_ACTION =
        NM_COUNTER_ACTION + NM_ACTION_COUNT, /* of near misses */
    NM_COUNTER_COUNT = NM_COUNTER_NEAR_MISS_ACTION + NM_ACTION_COUNT
};

struct nm_counter_port {
    void *self;
    void (*add)(void *self, enum nm_counter counter);
};

/* A recipient whose copy of a message is kept for a reviewer. */
struct nm_spool_recipient {
    struct nm_spool_recipient *next;
    struct nm_id id;           /* of its decision */
    struct nm_bytes recipient; /* without brackets, as given */
    const char *arguments;     /* of RCPT, "ORCPT=… NOTIFY=…"; "" for none */
    const char *domain;        /* A-labels; "" for none */
    const char *target;        /* NULL unless a near miss */
    const char *rule;
    bool is_released; /* set by `commit`: the message is one that a reviewer lets go */
    struct nm_id kept_as; /* set by `commit`: its entry, or that which it has joined */
};

/* Such a message, for its reviewer and for its release. */
struct nm_spool_message {
    struct nm_id transaction;
    int64_t time_us;
    struct nm_bytes sender;
    const char *arguments; /* of MAIL, "SMTPUTF8 BODY=8BITMIME ENVID=…" */
    const char *client;
    const char *auth;
    const char *queue_id;
    struct nm_spool_recipient *recipients;
};

/* What bytes of a message are. When its client sends it once more, trace may differ:
 * header fields that mail servers add on the way. */
enum nm_content { NM_CONTENT_TRACE, NM_CONTENT_HEADER, NM_CONTENT_BODY };

/* A message on its way into the quarantine. */
struct nm_spool;

/* The quarantine. A spool belongs to one message; one call at a time. */
struct nm_quarantine_port {
    void *self;
    enum nm_code (*begin)(void *self, const struct nm_id *transaction,
        struct nm_spool **out, struct nm_error *error);
    /* More of the message. NM_LIMIT when it is larger than the quarantine takes. */
    enum nm_code (*write)(void *self, struct nm_spool *spool, enum nm_content content,
        const char *bytes, size_t length, struct nm_error *error);
    /* Keep it for its recipients; on success it is durable. What was kept lately of the
     * same sender, recipient and content is not kept twice; and not at all for those
     * recipients for whom its release is under way. The spool is gone in any case. NM_LIMIT
     * when the quarantine is full. */
    enum nm_code (*commit)(void *self, struct nm_spool **spool,
        const struct nm_spool_message *message, struct nm_error *error);
    void (*drop)(void *self, struct nm_spool **spool);
    /* Whether a message from `sender` is being released to `recipient`. Quick. */
    bool (*expects)(void *self, struct nm_bytes sender, struct nm_bytes recipient);
};

/* A recipient that a notice tells of. */
struct nm_notice_recipient {
    struct nm_notice_recipient *next;
    struct nm_id id;           /* of its decision; of one that is kept, of its entry */
    struct nm_bytes recipient; /* without brackets, as given */
    const char *domain;        /* A-labels; "" for none */
    const char *target;        /* "" unless a near miss, as is the next */
    const char *slip;          /* in words */
    const char *rule;
    bool is_kept; /* in the quarantine; else the message is held */
};

enum { NM_NOTICE_RECIPIENTS_MAX = 20 /* of a message, that a notice names */ };
/* A header field of notices, by which they are known when they come by. */
#define NM_NOTICE_HEADER "X-Nearmiss-Notice"

/* A message that was held or kept. What came with it is as it came: hostile. */
struct nm_notice {
    struct nm_id transaction;
    int64_t time_us;
    struct nm_bytes sender; /* fit to be written to when `for_sender` is set */
    const char *client;
    const char *auth;
    const char *queue_id;
    const char *subject;                          /* "" for none */
    const char *message_id;                       /* "" for none */
    const struct nm_notice_recipient *recipients; /* the first of them */
    unsigned recipient_count;                     /* of all */
    bool is_held; /* the whole message; else the others have got it */
    bool for_sender;
    bool for_reviewer;
};

struct nm_notice_port {
    void *self;
    /* Tell of a message whose fate was carried out. What is to be told is durable when it
     * returns; a failure is logged, and no business of the message. */
    void (*tell)(void *self, const struct nm_notice *notice);
};

/* The registrable domains that mail from here went to. Both are quick: what is noted is
 * stored later, and nobody waits for it. */
struct nm_contact_port {
    void *self;
    bool (*knows)(void *self, const char *domain, size_t length);
    void (*note)(void *self, const char *domain, size_t length);
};

/* A near miss that its sender may confirm: who sends what to whom. */
struct nm_confirm_case {
    const char *sender;        /* without brackets */
    const char *origin;        /* the user who has logged in, or the client's address */
    struct nm_bytes recipient; /* in one form, however it was written */
    struct nm_bytes domain;    /* of the recipient; empty when it has none */
};

/* How a configuration has it. */
struct nm_confirm_rules {
    bool by_code; /* in the Subject; else by sending it again */
    uint32_t min_s;
    uint32_t window_s;
    uint32_t remember_days;
};

enum nm_confirm_standing {
    NM_CONFIRM_NEW,        /* nothing was sent before, or too long ago */
    NM_CONFIRM_TOO_SOON,   /* it was, a moment ago */
    NM_CONFIRM_SENT_AGAIN, /* it was, and that is confirmed now */
    NM_CONFIRM_REMEMBERED  /* its sender has confirmed the domain before */
};

/* A code: NM- and eight letters and digits, of which O stands for 0, and I and L for 1. */
enum { NM_CONFIRM_CODE_LENGTH = 11 };
struct nm_confirm_code {
    char text[NM_CONFIRM_CODE_LENGTH + 1]; /* "" for none */
};

enum nm_confirm_finding { NM_CODE_WRONG, NM_CODE_STALE, NM_CODE_RIGHT };

enum { NM_CONFIRM_STANDINGS = NM_CONFIRM_REMEMBERED + 1 };

/* Never NULL: "new", "too-soon" and so on. */
const char *nm_confirm_standing_name(enum nm_confirm_standing standing);

struct nm_confirm_said {
    enum nm_confirm_standing standing;
    struct nm_id first; /* the decision that refused it; "" when that is not known */
    uint32_t wait_s;    /* too soon: until it counts */
    struct nm_confirm_code
        code; /* to be put into the Subject, where that is asked for */
};

/* What senders have said of near misses. What is noted is in force at once. */
struct nm_confirm_port {
    void *self;
    /* Quick. */
    void (*ask)(void *self, const struct nm_confirm_case *what,
        const struct nm_confirm_rules *rules, int64_t now_us,
        struct nm_confirm_said *out);
    /* It was refused, by this decision, and its sender is told how to confirm. Quick;
     * `*ticket` is for `wait`. */
    void (*refused)(void *self, const struct nm_confirm_case *what,
        const struct nm_confirm_rules *rules, const struct nm_id *decision,
        int64_t now_us, uint64_t *ticket);
    /* Wait until what was refused up to `ticket` is durable, but not for ever: it is in
     * force in any case, and the log says when it cannot be stored. */
    void (*wait)(void *self, uint64_t ticket);
    /* Its sender has confirmed it. Quick. Returns whether that teaches that mail goes to
     * the domain: by a code, or a second sender has confirmed it now. */
    bool (*confirmed)(void *self, const struct nm_confirm_case *what,
        const struct nm_confirm_rules *rules, int64_t now_us);
    /* The code by which it may be confirmed from now on, for as long as `rules` say, on any
     * machine that has the same key and rules. NULL where codes are not made. */
    struct nm_confirm_code (*code)(void *self, const struct nm_confirm_case *what,
        const struct nm_confirm_rules *rules, int64_t now_us);
    /* What such a code, as somebody wrote it, is worth now. Takes as long whatever it is. */
    enum nm_confirm_finding (*find)(void *self, const struct nm_confirm_case *what,
        const struct nm_confirm_rules *rules, int64_t now_us,
        const struct nm_confirm_code *code);
    /* This sender, from this origin, has tried so many wrong codes, none in order to ask
     * alone. Whether it has tried too many lately: then no code is looked at. Who sends from
     * elsewhere in its name does not count. */
    bool (*guesses)(
        void *self, const struct nm_confirm_case *what, unsigned wrong, int64_t now_us);
};

struct nm_ports {
    struct nm_audit_port audit;
    struct nm_quarantine_port quarantine; /* all NULL: there is none */
    struct nm_counter_port counters;      /* `add` may be NULL */
    struct nm_contact_port contacts;      /* all NULL: every domain is known */
    struct nm_confirm_port confirms;      /* all NULL: nobody ever confirms */
    struct nm_notice_port notices;        /* all NULL: nobody is told */
    struct nm_clock clock;
    struct nm_random random;
    const struct nm_log *log; /* may be NULL */
};

#endif
