/*
 * Notices: the mail that tells senders and a reviewer of what is held or kept.
 *
 * May use gate and below, sql and smtp. What is to be told is a row in a database of its
 * own, written before the mail server has our answer; a thread hands it to a mail server
 * by SMTP. A message that nobody could be told of goes its way all the same.
 *
 * A row is sent at least once: it is done with once the mail server has said that it took
 * the mail. A crash, or a connection that is lost between the two, sends it a second time,
 * with the same Message-ID. What is refused for good is given up, and what is put off
 * tried again for two days. What was sent or given up is an act in the audit log.
 */
#ifndef NM_NOTICE_NOTICES_H
#define NM_NOTICE_NOTICES_H

#include "gate/notice.h"
#include "gate/ports.h"

enum {
    NM_NOTICES_WAITING_MAX = 10000, /* more are left out, and the log says so */
    NM_NOTICE_AGE_MAX_S = 2 * 86400,
    NM_NOTICE_PAUSE_MIN_S = 1, /* before the second attempt; then twice as long each */
    NM_NOTICE_PAUSE_MAX_S = 3600,
    NM_NOTICE_MEMORY_S = 6 * 86400, /* how long it is known who was told of what: longer
                                       than a client's retry joins its quarantined message */
    NM_NOTICE_ADDRESS_MAX = 254     /* bytes */
};

struct nm_notices;

/* Borrowed for as long as the notices live. */
struct nm_notices_options {
    const char *path;             /* of the database, which is made */
    const struct nm_ports *ports; /* audit, clock, random, log */
};

/* What a reload may change. Copied. */
struct nm_notice_settings {
    bool sender;
    const char *reviewer;          /* an address; "" for none */
    const char *from;              /* an address; "": postmaster of the gateway */
    const char *route;             /* "smtp:host:port" */
    const char *gateway;           /* this machine's name */
    const char *contact;           /* whom to ask; "": the postmaster */
    const char *template;          /* for the sender; NULL: the built-in text */
    const char *reviewer_template; /* likewise */
    unsigned per_hour;             /* to one address; the others are left out */
};

/* Nothing is opened yet, and nobody is told. NM_NO_MEMORY. */
enum nm_code nm_notices_new(
    const struct nm_notices_options *options, struct nm_notices **out);

/* Put settings in force. When somebody is to be told the database is opened, and the
 * thread runs, from here on; what a former process has left is sent. On failure nobody is
 * told until the next call succeeds: NM_SYSTEM, NM_BAD_INPUT when the database is of a
 * newer version, NM_NO_MEMORY. */
enum nm_code nm_notices_configure(struct nm_notices *notices,
    const struct nm_notice_settings *settings, struct nm_error *error);

struct nm_notice_port nm_notices_port(struct nm_notices *notices);

/* How many wait to be sent. */
uint64_t nm_notices_waiting(struct nm_notices *notices);

/* End the thread, at once: an attempt under way is broken off, and made again by the next
 * process. Nobody may tell any more. */
void nm_notices_stop(struct nm_notices **notices);

#endif
