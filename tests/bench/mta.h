/*
 * MTA: the mail server's side of the milter protocol, version 6, as Postfix speaks it.
 *
 * It offers every step and right that Postfix offers, leaves out the steps that the
 * filter declines, does not wait for the answers that the filter said it will not give,
 * stops an event after SKIP, and sends the macros that Postfix sends by default or that
 * the filter asked for. Like Postfix it gathers what it sends and writes it when it
 * must wait for an answer.
 *
 * A connection belongs to one thread at a time. Nothing here exits or logs: a failure
 * is MTA_BROKEN, and `mta_failure` says why.
 */
#ifndef BENCH_MTA_H
#define BENCH_MTA_H

#include <stddef.h>
#include <stdint.h>

enum { MTA_BODY_CHUNK_MAX = 65535, MTA_TIMEOUT_S = 60 };

/* Macros that an MTA can define; those that are NULL are not sent. */
enum mta_macro {
    MTA_MACRO_J,
    MTA_MACRO_V,
    MTA_MACRO__,
    MTA_MACRO_I,
    MTA_MACRO_DAEMON_NAME,
    MTA_MACRO_DAEMON_ADDR,
    MTA_MACRO_CLIENT_ADDR,
    MTA_MACRO_CLIENT_NAME,
    MTA_MACRO_CLIENT_PORT,
    MTA_MACRO_AUTH_TYPE,
    MTA_MACRO_AUTH_AUTHEN,
    MTA_MACRO_MAIL_ADDR,
    MTA_MACRO_MAIL_HOST,
    MTA_MACRO_MAIL_MAILER,
    MTA_MACRO_RCPT_ADDR,
    MTA_MACRO_RCPT_HOST,
    MTA_MACRO_RCPT_MAILER
};
enum { MTA_MACRO_COUNT = MTA_MACRO_RCPT_MAILER + 1 };

/* Places at which macros are sent; the numbers are the protocol's. */
enum { MTA_PLACE_COUNT = 7 };

enum mta_answer {
    MTA_CONTINUE,
    MTA_SILENT, /* the event has no answer, or was not sent */
    MTA_SKIP,
    MTA_ACCEPT,
    MTA_DISCARD,
    MTA_REJECT, /* and a reply of 5xx */
    MTA_DEFER,  /* and a reply of 4xx */
    MTA_BROKEN
};
enum { MTA_ANSWER_COUNT = MTA_BROKEN + 1 };

/* Never NULL. */
const char *mta_answer_name(enum mta_answer answer);

/* What a filter asked to change at the end of a message. */
struct mta_edits {
    unsigned holds;
    unsigned headers;
    unsigned recipients;
    unsigned others;
};

struct mta {
    const char *macros[MTA_MACRO_COUNT]; /* set by the caller, borrowed */
    uint32_t steps;                      /* SMFIP_… that the filter chose */
    uint32_t actions;                    /* SMFIF_… that it may take */
    struct mta_edits edits;              /* since mta_open */
    char reply[128];                     /* the last reply with a text, cut to fit */

    int fd;
    char skipped; /* the event that is not sent for now, or 0 */
    unsigned char places[MTA_PLACE_COUNT][MTA_MACRO_COUNT + 1];
    const char *failure;
    size_t out_length;
    size_t in_start;
    size_t in_end;
    char out[4096];
    char in[65536 + 5];
};

/* Connect to "unix:/path" or "inet:port@address" and negotiate. The macros are kept.
 * Returns MTA_CONTINUE or MTA_BROKEN. */
enum mta_answer mta_open(struct mta *mta, const char *address);

/* The events of a connection, in their order. MAIL and RCPT take the path with its
 * brackets. */
enum mta_answer mta_connect(struct mta *mta, const char *host, const char *ipv4);
enum mta_answer mta_helo(struct mta *mta, const char *name);
enum mta_answer mta_mail(struct mta *mta, const char *path);
enum mta_answer mta_rcpt(struct mta *mta, const char *path);
enum mta_answer mta_data(struct mta *mta);
enum mta_answer mta_header(struct mta *mta, const char *name, const char *value);
enum mta_answer mta_end_of_headers(struct mta *mta);
enum mta_answer mta_body(struct mta *mta, const char *bytes, size_t length);
enum mta_answer mta_end(struct mta *mta);
/* Sent after each message too, as Postfix does. */
enum mta_answer mta_abort(struct mta *mta);
/* Says goodbye and closes; does nothing when closed. */
void mta_close(struct mta *mta);

/* Why the last answer was MTA_BROKEN. */
const char *mta_failure(const struct mta *mta);

#endif
