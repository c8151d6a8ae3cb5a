/*
 * Report: figures on the near misses of a span of time, and the page that shows them.
 *
 * May use gate and below. It reads no log: who makes a report feeds it what a log says,
 * oldest first. A report belongs to one thread at a time.
 */
#ifndef NM_REPORT_REPORT_H
#define NM_REPORT_REPORT_H

#include "gate/ports.h"

#include <nearmiss/base.h>

#include <stdio.h>

enum {
    NM_REPORT_BUCKETS_MAX = 100, /* columns of a chart over time */
    NM_REPORT_GROUPS_MAX =
        1 << 18, /* of one dimension; what is more is not told apart */
    NM_REPORT_BYTES_MAX = 512 << 20, /* of all names */
    NM_REPORT_NEWEST = 6             /* rows that a group remembers */
};

/* What became of a recipient's copy, as far as the gateway knows. */
enum nm_fate {
    NM_FATE_STOPPED,   /* refused or put off: not sent */
    NM_FATE_KEPT,      /* held or in quarantine: a person decides */
    NM_FATE_MARKED,    /* went on with a header */
    NM_FATE_OBSERVED,  /* went on, for the rule or the gateway only observes */
    NM_FATE_PASSED,    /* went on, as was decided */
    NM_FATE_UNFINISHED /* broken off, or its end is not on record */
};
enum { NM_FATE_COUNT = NM_FATE_UNFINISHED + 1 };

/* For machines, "stopped"; and for people, "refused or put off". */
const char *nm_fate_name(enum nm_fate fate);
const char *nm_fate_words(enum nm_fate fate);
enum nm_fate nm_fate_of(const struct nm_audit_event *decision);

/* By what decisions are put into groups. */
enum nm_dimension {
    NM_BY_TARGET,
    NM_BY_TECHNIQUE,
    NM_BY_SENDERS, /* the domain of the envelope sender */
    NM_BY_DOMAIN,  /* as typed */
    NM_BY_HABIT,   /* a sender who writes to a domain */
    NM_BY_RULE,    /* all that rules acted on, near misses or not */
    NM_BY_ACTION   /* the same */
};
enum { NM_DIMENSION_COUNT = NM_BY_ACTION + 1 };

/* "target", "technique", "senders", "domain", "habit", "rule", "action". */
const char *nm_dimension_name(enum nm_dimension dimension);

struct nm_group {
    struct nm_bytes name;   /* hostile, as all texts here; of a habit, the domain */
    struct nm_bytes sender; /* of a habit */
    const char *domain;     /* typed last */
    const char *target;     /* meant then; NULL for none */
    uint64_t count;
    uint64_t fates[NM_FATE_COUNT];
    uint64_t senders;  /* how many there are; of a domain */
    uint64_t days;     /* on which there was one */
    double confidence; /* their sum */
    int64_t first_us;
    int64_t last_us;
    int64_t newest[NM_REPORT_NEWEST]; /* sequences, oldest first */
    size_t newest_count;
};

struct nm_groups {
    struct nm_group **items; /* once settled, the largest first */
    size_t count;
    size_t capacity;
    size_t *slots; /* of `items`, plus 1; the hash table */
    size_t slot_count;
    uint64_t others; /* decisions that found no room */
};

struct nm_bucket {
    int64_t begin_us;
    uint64_t recipients;
    uint64_t fates[NM_FATE_COUNT]; /* near misses */
    uint64_t near_misses;
};

struct nm_report {
    int64_t since_us;
    int64_t until_us;
    int64_t bucket_us; /* an hour, or whole days */
    struct nm_bucket buckets[NM_REPORT_BUCKETS_MAX];
    size_t bucket_count;
    uint64_t recipients;
    uint64_t by_match[NM_MATCH_COUNT];
    uint64_t near_misses;
    uint64_t fates[NM_FATE_COUNT]; /* near misses */
    uint64_t acted_on; /* recipients that were no near misses, but a rule acted on */
    uint64_t before;   /* near misses in as long a time before */
    bool has_before;   /* the log goes back so far */
    uint64_t acts[NM_VERB_COUNT];
    struct nm_groups by[NM_DIMENSION_COUNT];
    struct nm_arena *arena;
};

/* `since` is rounded down to a whole hour, or of a longer time to a whole day, and `until`
 * up to an hour. NM_NO_MEMORY. */
enum nm_code nm_report_new(int64_t since_us, int64_t until_us, struct nm_report **out);
void nm_report_free(struct nm_report **report);

/* Decisions of an hour that are alike; those before the report's time are what it is
 * compared with: all of as long a time, or none. */
void nm_report_count(
    struct nm_report *report, int64_t hour_us, enum nm_match match, uint64_t decisions);
/* A rule of the configuration, so that one that never fired is known too. */
enum nm_code nm_report_add_rule(struct nm_report *report, const char *name);
/* A decision that is a near miss or that a rule acted on. NM_NO_MEMORY. */
enum nm_code nm_report_note(
    struct nm_report *report, int64_t sequence, const struct nm_audit_event *decision);
void nm_report_act(struct nm_report *report, enum nm_verb verb);
/* Sort the groups; nothing is added any more. */
void nm_report_settle(struct nm_report *report);

/* A domain that may well be meant: several people write to it, on several days, and the
 * matcher is not sure. At most `capacity` of them, the likeliest first. */
size_t nm_report_candidates(
    const struct nm_report *report, const struct nm_group **out, size_t capacity);
/* A sender who makes the same slip for ever, as address books and devices do. */
size_t nm_report_habits(
    const struct nm_report *report, const struct nm_group **out, size_t capacity);

/* ---- the page ----------------------------------------------------------- */

struct nm_report_page {
    const struct nm_report *report; /* settled */
    const char *gateway;            /* whose log it is; "" if not known */
    const char *program;            /* that made it, with its version */
    int64_t made_us;
    bool rules_known; /* rules that never fired are in the report */
    /* The decision of this sequence; NULL when it is not to be had any more. Borrowed
     * until the next call. */
    const struct nm_audit_event *(*row)(void *self, int64_t sequence);
    void *self;
};

/* One self-contained page of HTML, with no script and nothing from outside. What fails to
 * be written shows in `out`. */
void nm_report_put_html(FILE *out, const struct nm_report_page *page);

#endif
