/*
 * What `check` and `explain` are asked about: an address or a bare domain, judged by the
 * code that a message's recipient goes through.
 */
#ifndef NM_CLI_SUBJECT_H
#define NM_CLI_SUBJECT_H

#include "command.h"
#include "lines.h"

#include "gate/session.h"

struct nm_subject {
    struct nm_bytes given; /* as typed, without angle brackets; borrowed */
    struct nm_request request;
    struct nm_judgement judgement;
    char
        path[NM_LINE_MAX + 8]; /* what was judged: an address, also for a bare domain */
    char recipient[NM_LINE_MAX + 8];
};

/* Read the options --sender, --client and --auth into a request. False: the usage was
 * told. Notes on standard error when the daemon would not judge such mail at all. */
bool nm_subject_request(const struct nm_call *call, const struct nm_snapshot *snapshot,
    struct nm_request *out);

/* Judge `length` (at most NM_LINE_MAX) bytes at `text`, which outlive `subject`. */
void nm_subject_judge(const struct nm_view *view, const struct nm_request *request,
    const char *text, size_t length, struct nm_subject *subject);

bool nm_subject_is_near_miss(const struct nm_subject *subject);

/* What the domain is to this site, in words: "near miss", "nothing known and nothing
 * near". */
const char *nm_match_words(enum nm_match match);

/* " (…)": why an address has no domain to judge; nothing when it has one. */
void nm_put_why_not_judged(FILE *out, const struct nm_address *address);

/* "reject, rule mil-ml", "accept", "reject, rule mil-ml, but only observed". */
void nm_put_decision(
    FILE *out, const struct nm_snapshot *snapshot, const struct nm_decision *decision);

/* Where a rule asks the sender to confirm, how that stands; else NULL. */
const char *nm_confirm_words(const struct nm_judgement *judgement);

/* "550 5.7.1 …", or "" when the recipient is not refused. */
enum { NM_REPLY_SHOWN_MAX = NM_REPLY_TEXT_MAX + 16 };
void nm_subject_reply(
    const struct nm_subject *subject, char out[NM_REPLY_SHOWN_MAX + 1]);

#endif
