/*
 * Gate: the only place where a mail event becomes a decision. The milter, `check`, the
 * text scenarios and the fuzzers all drive it.
 *
 * May use base, address, match and policy, and the ports; does no I/O of its own. A
 * session belongs to one connection: its events come one after the other, though each
 * may come on another thread.
 */
#ifndef NM_GATE_SESSION_H
#define NM_GATE_SESSION_H

#include "gate/ports.h"
#include "gate/snapshot.h"

#include <nearmiss/policy.h>

enum {
    /* Judged in a message. More are put off with 452; mail that did not come by SMTP is
     * held instead. */
    NM_RECIPIENTS_MAX = 50000,
    /* X-Nearmiss headers that are taken off a message, which is refused when it has more:
     * for each the mail server looks through all of its headers. */
    NM_TAG_HEADERS_MAX = 100,
    /* Bytes of a Subject that is looked at; in a longer one no code is found. */
    NM_SUBJECT_MAX = 8192,
    /* Bytes of a user's name, by which those who send again are told apart. */
    NM_CONFIRM_ORIGIN_MAX = 255,
    /* Kept of a message: its sender, its user, and the refusals that its end names. */
    NM_TRANSACTION_BYTES_MAX = 1024 * 1024
};

/* What happens on a connection, in the field's names. */
enum nm_session_event {
    NM_SESSION_MAIL,
    NM_SESSION_RCPT,
    NM_SESSION_DATA,
    NM_SESSION_HEADER,
    NM_SESSION_BODY, /* a part of it */
    NM_SESSION_END,  /* end of the message */
    NM_SESSION_ABORT,
    NM_SESSION_CLOSE
};
enum { NM_SESSION_EVENT_COUNT = NM_SESSION_CLOSE + 1 };

/* One event. Pointers are borrowed for the call; strings are never NULL, but where it
 * says so. */
struct nm_input {
    enum nm_session_event event;
    struct nm_bytes path;    /* MAIL, RCPT: the argument, byte for byte */
    const char *normalised;  /* RCPT: `{rcpt_addr}`, or NULL */
    const char *auth;        /* MAIL: `{auth_authen}`, or NULL */
    const char *queue_id;    /* any event: `i`, or NULL while there is none */
    bool smtputf8;           /* MAIL */
    bool local_submission;   /* MAIL: the message did not come by SMTP */
    bool without_content;    /* MAIL: the mail server will not show us the message */
    const char *arguments;   /* MAIL, RCPT: "ORCPT=… NOTIFY=…", or NULL for none */
    const char *header_name; /* HEADER */
    const char *header_gap;  /* HEADER: between colon and value; NULL stands for "" */
    const char
        *header_value;    /* HEADER: all behind the colon, lines ended by \n or \r\n;
                                 NULL stands for "" */
    struct nm_bytes body; /* BODY: byte for byte, lines ended by \r\n */
};

enum {
    /* Bytes of text in a line of a reply. With its code, `-5.7.1 ` and CRLF it is within
     * the 512 bytes of RFC 5321, 4.5.3.1.5, and what a mail server puts before it too;
     * with each percent sign doubled it is within NM_REPLY_LINE_MAX. */
    NM_ANSWER_LINE_MAX = 480
};

enum nm_answer_kind {
    NM_ANSWER_CONTINUE,
    NM_ANSWER_REPLY /* refuse the recipient, or at the end the message, with `lines` */
};

/* A recipient to take off the message: its argument, byte for byte. */
struct nm_taken_off {
    struct nm_taken_off *next;
    const char *path;
};

/* What to tell the mail server. Pointers live until the session's next event, or its
 * finish. */
struct nm_answer {
    enum nm_answer_kind kind;
    unsigned code;            /* of the reply: 550, 451, 452 */
    char status[8];           /* "5.7.1" */
    const char *const *lines; /* text of the reply, 1..NM_REPLY_LINES_MAX lines */
    size_t line_count;

    /* At NM_SESSION_END with NM_ANSWER_CONTINUE: */
    const char *hold;     /* reason to hold the message for, or NULL */
    const char *tag;      /* value of the X-Nearmiss header to add, or NULL */
    unsigned strip_count; /* X-Nearmiss headers that came with the message, to remove */
    bool changes_subject; /* the first Subject becomes this one, in the form in which */
    const char *subject;  /* it came, or with NULL is removed */
    const struct nm_taken_off *take_off; /* recipients; the others get the message */
    bool discard; /* all of them are taken off: accept the message and drop it */
};

struct nm_session;

/* A session from `client` (family 0: a local one). `ports` and `slot` are borrowed and
 * must outlive the session. NM_NO_MEMORY. */
enum nm_code nm_session_new(const struct nm_ports *ports, struct nm_slot *slot,
    const struct nm_ip *client, struct nm_session **out);

/* Tell the session what happened, and learn what to answer. Never fails: when something
 * in here does, the answer is the one that loses no mail (451, or continue in observe
 * mode), and the log says why. NM_SESSION_ABORT and NM_SESSION_CLOSE never wait. */
void nm_session_event(
    struct nm_session *session, const struct nm_input *input, struct nm_answer *answer);

/* After NM_SESSION_END: whether the answer could be given. If not, the message was put
 * off, whatever was decided, and its outcome says so. Lets go of the transaction and its
 * snapshot, which else the next event does. Waits for nothing but what there is to tell
 * people of the message, until that is durable. */
void nm_session_finish(struct nm_session *session, bool carried_out);

/* Whether the message's content is of any use: else NM_SESSION_BODY need not come. Known
 * once the recipients are. */
bool nm_session_wants_content(const struct nm_session *session);

/* Whether NM_SESSION_HEADER need come for a field of this name. */
bool nm_session_wants_header(const struct nm_session *session, const char *name);

/* Whether a transaction is open. */
bool nm_session_is_busy(const struct nm_session *session);

/* Ends an open transaction as aborted. */
void nm_session_free(struct nm_session **session);

/* The path as logs and people see it: what stands between its outer angle brackets, or
 * all of it. */
struct nm_bytes nm_without_brackets(struct nm_bytes path);

/* What a recipient is judged by: what the message has pinned, and the time. */
struct nm_view {
    const struct nm_snapshot *snapshot;
    const struct nm_overlay *overlay;       /* NULL for none */
    const struct nm_contact_port *contacts; /* NULL: every domain is known */
    const struct nm_confirm_port *confirms; /* NULL: nobody ever confirms */
    int64_t now_us;
    int64_t begun_us; /* when the message began: what it confirms was refused before */
};

/* Whether no mail went to this domain's registrable part before; never of this site's
 * own. */
bool nm_is_first_contact(
    const struct nm_view *view, const struct nm_domain *domain, enum nm_match match);

/* What `check` needs: the judgement of one recipient alone, through the same code that
 * a message's recipient takes. */
struct nm_judgement {
    struct nm_bytes path; /* that was judged; borrowed, as what the address points to */
    struct nm_address address;
    struct nm_verdict verdict;
    const struct nm_exception *exception; /* that applied; of the overlay, or NULL */
    struct nm_decision decision;
    struct nm_confirm_said confirm; /* for a decision that asks for it */
    bool is_confirmed;              /* so that its action is not taken */
    bool has_reply;
    struct nm_reply reply;
};

/* What a sender confirms, in the form in which it is remembered. */
struct nm_confirm_matter {
    struct nm_confirm_case what; /* points to the below, and into the judgement */
    char sender[NM_PATH_MAX + 1];
    char recipient[NM_PATH_MAX + NM_DOMAIN_MAX + 2];
    char origin[NM_CONFIRM_ORIGIN_MAX + 1];
};
void nm_confirm_matter_make(const struct nm_request *request,
    const struct nm_judgement *judgement, struct nm_confirm_matter *out);

/* `request` comes with everything but the recipient and the verdict, which are put into
 * it, a near miss being counted; its `recipient_text` is the path as given. An address with the fault
 * NM_FAULT_MEMORY was not judged, nor was one whose verdict lacked memory. */
void nm_judge(const struct nm_view *view, struct nm_request *request,
    struct nm_bytes path, const char *reference, struct nm_judgement *out);

#endif
