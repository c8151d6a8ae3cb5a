/*
 * Made mail: the mail of a made-up agency, message by message, as its gateway would have
 * decided it. The same seed makes the same mail.
 *
 * What is in it: staff who write to colleagues, to partners and to a long tail of others,
 * by day more than by night and on weekdays more than at weekends; hands that slip now
 * and then; two devices and a forward with a wrong address in their books; a genuine
 * company whose name is near that of a partner; days on which one list goes wrong.
 */
#ifndef NM_BENCH_MADE_MAIL_H
#define NM_BENCH_MADE_MAIL_H

#include "gate/ports.h"

enum { MADE_RECIPIENTS_MAX = 6, MADE_TEXT_MAX = 96, MADE_REPLY_MAX = 320 };

/* The configuration that decided it, and its hash. */
extern const char made_config[];
extern const char made_config_hash[];
extern const char made_gateway[];

struct made_spec {
    uint64_t rows; /* recipients */
    unsigned days;
    int64_t end_us; /* the last day ends here */
    uint64_t seed;
    unsigned near_per_million; /* recipients that are near misses */
};

/* One message: its decisions and, with `ended`, its outcome come in `events`, in order. */
struct made_message {
    struct nm_audit_event events[MADE_RECIPIENTS_MAX + 1];
    size_t count;
    size_t recipients;
    char sender[MADE_TEXT_MAX];
    char auth[MADE_TEXT_MAX];
    char client[MADE_TEXT_MAX];
    char queue_id[MADE_TEXT_MAX];
    char recipient[MADE_RECIPIENTS_MAX][MADE_TEXT_MAX];
    char domain[MADE_RECIPIENTS_MAX][MADE_TEXT_MAX];
    char reply[MADE_RECIPIENTS_MAX][MADE_REPLY_MAX];
};

struct made_mail {
    struct made_spec spec;
    uint64_t random;
    uint64_t rows;      /* made so far */
    uint64_t hour;      /* since the first day began */
    double weight_done; /* of the hours before this one */
    double weight_all;
};

/* The next number of its random sequence. */
uint64_t made_mail_random(struct made_mail *mail);

void made_mail_begin(struct made_mail *mail, const struct made_spec *spec);
/* The next message, or false after the last row. */
bool made_mail_next(struct made_mail *mail, struct made_message *out);

#endif
