/* The mail that a notice is: pure text, from what happened and a template. */
#ifndef NM_NOTICE_COMPOSE_H
#define NM_NOTICE_COMPOSE_H

#include "notice/notices.h"

enum nm_notice_reader { NM_NOTICE_TO_SENDER, NM_NOTICE_TO_REVIEWER };
enum { NM_NOTICE_READERS = NM_NOTICE_TO_REVIEWER + 1 };

enum { NM_NOTICE_MAIL_MAX = 256 * 1024 /* bytes */ };

/* What goes around the text. All addresses can be put into a header as they are. */
struct nm_notice_envelope {
    enum nm_notice_reader reader;
    struct nm_id id;
    int64_t time_us;
    const char *to;
    const char *from; /* "": postmaster of the gateway */
    const char *gateway;
    const char *contact;
    const char *template; /* NULL: the built-in text */
};

/* The whole mail, lines ended by CRLF, ASCII but for addresses: whatever stood in the
 * message, no line of it is other than this program writes it. What is too long is cut.
 * `out` has NM_NOTICE_MAIL_MAX bytes. NM_NO_MEMORY. */
enum nm_code nm_notice_compose(const struct nm_notice *notice,
    const struct nm_notice_envelope *envelope, struct nm_buf *out);

#endif
