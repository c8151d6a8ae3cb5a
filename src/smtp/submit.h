/*
 * Smtp: handing a message to a mail server, by SMTP to a port, or to the sendmail command,
 * which speaks SMTP on its standard input (`-bs`).
 *
 * May use base and the operating system. Any thread.
 */
#ifndef NM_SMTP_SUBMIT_H
#define NM_SMTP_SUBMIT_H

#include <nearmiss/base.h>

enum {
    NM_SUBMIT_TIMEOUT_MS = 300 * 1000, /* for each reply */
    NM_SUBMIT_REPLY_MAX = 512
};

struct nm_submission {
    const char *route;  /* "sendmail", "sendmail:/path" or "smtp:host:port" */
    const char *option; /* that names it, for who reads an error */
    const int *stop;  /* a descriptor: once it can be read, this fails with NM_STOPPED;
                           NULL for none */
    const char *name; /* ours, for EHLO */
    const char *sender; /* without brackets; "" is the null sender */
    const char
        *mail_options; /* parameters as the message came with; those that the mail
                                 server offers are given again, but SIZE and AUTH */
    const char *recipient;
    const char *rcpt_options;
    int file; /* the message, from its beginning */
};

struct nm_submit_result {
    bool is_unsure; /* it failed, but the mail server may have taken the message */
    char reply[NM_SUBMIT_REPLY_MAX]; /* the last one, made visible */
};

/* NM_OK: the mail server has taken the message over. NM_BAD_INPUT when it refuses, with
 * its reply in `error`; NM_SYSTEM, NM_TIMEOUT, NM_STOPPED. */
enum nm_code nm_submit(const struct nm_submission *submission,
    struct nm_submit_result *result, struct nm_error *error);

#endif
