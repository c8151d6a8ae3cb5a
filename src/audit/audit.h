/*
 * Audit: the event log, an SQLite database in WAL mode, written by one thread.
 *
 * May use gate and below, and SQLite. The writer is safe for any thread; a reader
 * belongs to one thread at a time.
 *
 * Answered means recorded: `append` queues events, `wait` returns when they are durable
 * (WAL, synchronous=FULL). Events that arrive together share one commit. The log is
 * never updated: what is learnt later about a message is a later event. The tables are
 * described in migrations/; people with SQL read the view `decisions`.
 *
 * What becomes of an event when the log fails: an event whose wait failed is withdrawn,
 * since its caller took the failure action and it would tell of what did not happen;
 * only one whose commit was under way by then may still be found in the log. An event
 * that nobody waits for stays queued, within NM_AUDIT_QUEUE_BYTES_MAX, until the log is
 * written again. A wait that failed is not repeated for the same ticket.
 */
#ifndef NM_AUDIT_AUDIT_H
#define NM_AUDIT_AUDIT_H

#include "gate/ports.h"

#include <nearmiss/base.h>

enum {
    NM_AUDIT_QUEUE_BYTES_MAX = 64 * 1024 * 1024, /* of events that wait to be written */
    NM_AUDIT_LINGER_MS = 50 /* how long an event may wait for company when nobody waits
                               for it */
};

/* An address as it is kept when it is keyed, by the key beside the database. NM_SYSTEM
 * when that cannot be read. */
enum nm_code nm_audit_keyed_address(const char *database, const char *address,
    char *out, size_t size, struct nm_error *error);

struct nm_audit_options {
    const char *path;    /* of the database; made, mode 0640, if it does not exist */
    unsigned wait_ms;    /* the longest that `wait` waits */
    const char *gateway; /* this machine's name in the log */
    const char *key;     /* path of the one that signs checkpoints, made if it does not
                            exist; NULL or "": PATH-key */
    enum nm_audit_local_part sender_local_part;
    enum nm_audit_local_part recipient_local_part;
    const char *group;        /* that may read the log; NULL or "": the process's own */
    const struct nm_log *log; /* borrowed */
    struct nm_clock clock;
};

struct nm_audit;

/* Start the writer. A database that cannot be opened or written now is not a failure
 * here: the log says what is wrong, `wait` fails, and the writer tries again until the
 * cause is gone. NM_NO_MEMORY, NM_SYSTEM (no thread). */
enum nm_code nm_audit_start(const struct nm_audit_options *options,
    struct nm_audit **out, struct nm_error *error);

/* The gate's port onto this log. */
struct nm_audit_port nm_audit_port(struct nm_audit *audit);

/* Change how long `wait` waits, from the next one on. */
void nm_audit_set_wait_ms(struct nm_audit *audit, unsigned wait_ms);

/* Change what is kept of local parts, for events that are appended from now on. */
void nm_audit_set_local_parts(struct nm_audit *audit, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient);

/* How long events are kept; 0: for ever. Applied at once, and then each hour. */
void nm_audit_set_retention(
    struct nm_audit *audit, unsigned keep_days, unsigned keep_days_accepted);

/* What the keepers of the log want done to it: mostly, what is to be forgotten. Strings
 * are copied. */
struct nm_audit_forget {
    int64_t prune_before_us;  /* cut off events older than this; 0: none */
    int64_t redact_before_us; /* take what is personal from uneventful decisions older
                                 than this; 0: from none */
    const char *address;      /* take what is personal of this address; NULL: of none */
    bool rotate_key;    /* and nothing else: let a new key sign the log from now on */
    const char *actor;  /* who wants it */
    const char *reason; /* may be NULL */
};

struct nm_audit_forgotten {
    bool finished;    /* else it goes on by itself */
    uint64_t cut_off; /* events that are gone, */
    uint64_t erased;  /* or have lost what is personal, so far */
    char new_key[65]; /* public half of the key that signs now, if it was rotated */
};

/* Forget, in small steps between the events that are written, and wait for that at most
 * so long. NM_LIMIT when something else is being forgotten, NM_SYSTEM when the log cannot
 * be written, NM_NO_MEMORY. */
enum nm_code nm_audit_forget(struct nm_audit *audit, const struct nm_audit_forget *what,
    unsigned wait_ms, struct nm_audit_forgotten *out, struct nm_error *error);

/* Note the configuration in force: its hash and text are stored once a hash, in every log
 * that this writer opens. NM_NO_MEMORY. */
enum nm_code nm_audit_note_config(
    struct nm_audit *audit, const char *hash, const char *text);

struct nm_audit_status {
    uint64_t events_written;
    uint64_t commits;
    size_t queued_bytes;
    unsigned wait_ms;     /* in force */
    bool failing;         /* the last attempt to write failed */
    struct nm_error last; /* why, while failing */
};
void nm_audit_status(struct nm_audit *audit, struct nm_audit_status *out);

/* Write what is queued (within `wait_ms`; the log says how many events could not be),
 * close the database, end the thread. Once: afterwards appending fails with NM_STOPPED,
 * and the rest may not be called. */
void nm_audit_end(struct nm_audit *audit);

/* End it, and free it: nobody may append or wait any more. */
void nm_audit_stop(struct nm_audit **audit);

/* Whether the database at `path` can be used, as `nearmissd -t` asks: opened and of a
 * version that we know, or creatable. Changes nothing. */
enum nm_code nm_audit_check(const char *path, struct nm_error *error);

/* ---- reading ------------------------------------------------------------ */

/* A decision joined with the outcome of its message; a recipient that was refused at
 * once has an outcome of its own. Borrowed for the callback. Text is as it was stored:
 * hostile. */
struct nm_audit_row {
    int64_t sequence; /* position in the log, from 1 */
    struct nm_audit_event
        decision;            /* `queue_id` and `outcome` from the outcome event */
    int64_t outcome_time_us; /* 0 while there is none */
    const char
        *checkpoint; /* of a signed event, its line for the system log; else NULL */
    const char
        *new_key; /* of a rotation, the key that signs from there on; else NULL */
};

/* What to list; a NULL or 0 asks nothing. */
struct nm_audit_query {
    int64_t since_us;      /* decisions at or after */
    int64_t until_us;      /* decisions before */
    const char *reference; /* id of a decision, id of a transaction, or queue id */
    const char *domain;    /* A-labels in lower case, as is the target */
    const char *target;
    const char *sender;    /* ASCII case is ignored; "" is the null sender */
    const char *recipient; /* the same; it has no index: give its domain as well */
    const char *rule;
    const char *action; /* names, as in configuration */
    const char *technique;
    const char *match;
    const char *outcome;
    size_t newest; /* at most so many, the newest, still given oldest first */
    int64_t after_sequence;
    int64_t upto_sequence; /* 0: the end */
};

/* What somebody did beside the mail. Borrowed for the callback. */
struct nm_audit_act {
    int64_t sequence;
    struct nm_audit_event event;
};

struct nm_audit_act_query {
    int64_t since_us;
    int64_t until_us;
    const char *decision; /* the id of the decision that they belong to */
    size_t newest;        /* at most so many, the newest, still given oldest first */
};

struct nm_audit_reader;

/* Open for reading, while the daemon runs or not. NM_SYSTEM when there is none or it is
 * not ours; NM_BAD_INPUT when it is of a newer version. */
enum nm_code nm_audit_reader_open(
    const char *path, struct nm_audit_reader **out, struct nm_error *error);
void nm_audit_reader_close(struct nm_audit_reader **reader);

/* Whether what stands at the path is still what was opened, as one who follows the log has
 * to ask now and then. NM_SYSTEM when it was replaced, removed, or is only written now. */
enum nm_code nm_audit_reader_check(
    struct nm_audit_reader *reader, struct nm_error *error);

/* Call `each` for every row, oldest first; it returns false to stop. The log is shown as
 * it was when this was called. `each` may take its time: nothing is locked meanwhile.
 * NM_BAD_INPUT for a name that does not exist, NM_SYSTEM, NM_NO_MEMORY. */
enum nm_code nm_audit_reader_list(struct nm_audit_reader *reader,
    const struct nm_audit_query *query,
    bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error);

/* The same for acts. It may be called from within `each` of a listing. */
enum nm_code nm_audit_reader_acts(struct nm_audit_reader *reader,
    const struct nm_audit_act_query *query,
    bool (*each)(void *self, const struct nm_audit_act *act), void *self,
    struct nm_error *error);

/* How many decisions of an hour are alike. */
struct nm_audit_hour {
    int64_t begin_us; /* a whole hour, UTC */
    enum nm_match match;
    enum nm_action action;
    enum nm_mode mode;
    uint64_t decisions;
};

/* The decisions at or after `since_us` and, unless it is 0, before `until_us`, counted by
 * the hours in which these lie, oldest first. */
enum nm_code nm_audit_reader_hours(struct nm_audit_reader *reader, int64_t since_us,
    int64_t until_us, bool (*each)(void *self, const struct nm_audit_hour *hour),
    void *self, struct nm_error *error);

/* The same decisions, one by one and in order of time, that are worth a note: near misses,
 * and what a rule did something about. These rows have just what figures ask for: id,
 * transaction, gateway, client, auth, recipient, reply, configuration and queue id are
 * "". */
enum nm_code nm_audit_reader_notable(struct nm_audit_reader *reader, int64_t since_us,
    int64_t until_us, bool (*each)(void *self, const struct nm_audit_row *row),
    void *self, struct nm_error *error);

/* Call `each` for every event behind the sequence `after` up to `upto`
 * (INT64_MAX: the end), in the order in which they were written; `decision.kind` says
 * which it is. A decision is joined with the outcome of its message as far as it is known. */
enum nm_code nm_audit_reader_events(struct nm_audit_reader *reader, int64_t after,
    int64_t upto, bool (*each)(void *self, const struct nm_audit_row *row), void *self,
    struct nm_error *error);

/* The sequence behind which the decisions at or after a time begin. Parts of the log
 * between such places, one after the other, hold each event once. */
enum nm_code nm_audit_reader_position(struct nm_audit_reader *reader, int64_t time_us,
    int64_t *before, struct nm_error *error);

/* The time of an event, 0 when there is none with this sequence. */
enum nm_code nm_audit_reader_time(struct nm_audit_reader *reader, int64_t sequence,
    int64_t *time_us, struct nm_error *error);

/* The sequence of the last event, 0 when there is none. */
enum nm_code nm_audit_reader_last(
    struct nm_audit_reader *reader, int64_t *sequence, struct nm_error *error);

/* The times of the first and the last decision; both 0 when there is none. */
enum nm_code nm_audit_reader_span(struct nm_audit_reader *reader, int64_t *first_us,
    int64_t *last_us, struct nm_error *error);

/* ---- verifying ---------------------------------------------------------- */

enum nm_audit_finding_kind {
    NM_FINDING_ALTERED,    /* not what was written there: changed, inserted or moved */
    NM_FINDING_REMOVED,    /* events are missing that later ones follow */
    NM_FINDING_END,        /* events are missing behind the last one */
    NM_FINDING_SIGNATURE,  /* a checkpoint in the log is not signed by the key */
    NM_FINDING_KEY,        /* a key follows that the one before did not announce */
    NM_FINDING_CHECKPOINT, /* a checkpoint from elsewhere does not fit */
    NM_FINDING_KINDS
};

/* A finding about the sequences first to last. */
struct nm_audit_finding {
    enum nm_audit_finding_kind kind;
    int64_t first;
    int64_t last;
    int64_t sound_us; /* time of the last event before them; 0 where there is none */
    char what[256];   /* in words */
};

struct nm_audit_verify_query {
    const char *path;
    const char *key; /* file of public halves, the newest first; NULL: PATH-key.pub, or
                        where that cannot be read, the one that the log itself names */
    const char *checkpoint; /* lines of the system log; NULL for none */
    unsigned threads;       /* 0: as many as there are processors, within reason */
};

struct nm_audit_verdict {
    int64_t first; /* event that is there, and the last one */
    int64_t last;
    int64_t chained;     /* the first one that the chain covers */
    uint64_t events;     /* that were looked at */
    uint64_t erased;     /* events of which something personal was erased */
    int64_t signed_upto; /* the last event that a sound checkpoint covers; 0 for none */
    int64_t signed_us;
    int64_t cut_off_upto; /* by a seal; 0 for nothing */
    uint64_t checkpoints; /* from elsewhere that fit */
    bool key_is_the_logs; /* the key was taken from the log itself: proves little */
    uint64_t findings;
};

/* Verify the whole log as it is now, while the daemon writes it or not. `each` gets the
 * findings in order of their sequences, at most NM_AUDIT_FINDINGS_MAX. NM_BAD_INPUT for a
 * checkpoint or a key that is none, NM_SYSTEM, NM_NO_MEMORY. */
enum { NM_AUDIT_FINDINGS_MAX = 1000 };
enum nm_code nm_audit_verify(const struct nm_audit_verify_query *query,
    void (*each)(void *self, const struct nm_audit_finding *finding), void *self,
    struct nm_audit_verdict *verdict, struct nm_error *error);

/* ---- configurations ----------------------------------------------------- */

/* The text of the configuration with this hash, or NULL; the caller frees it. */
char *nm_audit_reader_config(struct nm_audit_reader *reader, const char *hash);

#endif
