/*
 * Notices in a temporary folder, with a clock that moves at each look, an audit log that
 * keeps the last act, and a mail server on a thread that takes what it is told to take.
 */
#ifndef NM_TESTS_NOTICE_KIT_H
#define NM_TESTS_NOTICE_KIT_H

#include "notice/notices.h"

#include "temp_folder.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIT_HEARD_MAX = 64 * 1024, KIT_ENDS_MAX = 64, KIT_LINE_MAX = 2048 };

/* What the server answers to the end of a message. */
enum kit_end { KIT_TAKES, KIT_PUTS_OFF, KIT_REFUSES, KIT_HANGS_UP, KIT_SAYS_NOTHING };

struct kit {
    char folder[64];
    char database[96];
    char route[64];
    _Atomic int64_t now_us;
    _Atomic int64_t step_us; /* by which the clock moves at a look */
    atomic_uint random;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    int listener;
    pthread_t thread;
    bool offers_smtputf8;
    enum kit_end ends[KIT_ENDS_MAX]; /* of the messages in their order */
    unsigned messages;               /* of which it has heard the end */
    char heard[KIT_HEARD_MAX];
    size_t length;
    unsigned acts;
    char act[512]; /* the last one */
    char logged[8192];
    void (*on_end)(void);

    struct nm_log log;
    struct nm_ports ports;
    struct nm_notices *notices;
    struct nm_notice_port port;
};

/* ---- the world ---------------------------------------------------------------- */

static inline int64_t kit_now(void *self)
{
    struct kit *kit = self;

    return atomic_fetch_add(&kit->now_us, atomic_load(&kit->step_us));
}

static inline void kit_fill(void *self, void *bytes, size_t size)
{
    struct kit *kit = self;
    const unsigned number = atomic_fetch_add(&kit->random, 1);

    memset(bytes, 0, size);
    memcpy(bytes, &number, size < sizeof number ? size : sizeof number);
}

static inline enum nm_code kit_append(
    void *self, const struct nm_audit_event *event, size_t count, uint64_t *ticket)
{
    struct kit *kit = self;

    (void)count;
    *ticket = 1;
    (void)pthread_mutex_lock(&kit->lock);
    kit->acts++;
    (void)snprintf(kit->act, sizeof kit->act, "%s %s %s of %s: %s", event->actor,
        nm_verb_name(event->verb), event->subject, event->decision.text, event->reason);
    (void)pthread_cond_broadcast(&kit->changed);
    (void)pthread_mutex_unlock(&kit->lock);
    return NM_OK;
}

static inline enum nm_code kit_wait(void *self, uint64_t ticket, struct nm_error *error)
{
    (void)self;
    (void)ticket;
    (void)error;
    return NM_OK;
}

static inline void kit_log(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct kit *kit = self;
    struct nm_buf buf;
    size_t used;

    (void)level;
    (void)pthread_mutex_lock(&kit->lock);
    used = strlen(kit->logged);
    nm_buf_init(&buf, kit->logged + used, sizeof kit->logged - used);
    nm_buf_puts(&buf, message);
    for (size_t i = 0; i < field_count; i++)
        nm_buf_printf(&buf, " %s=%s", fields[i].key, fields[i].value);
    nm_buf_puts(&buf, "\n");
    (void)pthread_cond_broadcast(&kit->changed);
    (void)pthread_mutex_unlock(&kit->lock);
}

/* ---- the mail server ------------------------------------------------------------ */

static inline void kit_say(int peer, const char *words)
{
    (void)send(peer, words, strlen(words), MSG_NOSIGNAL);
}

static inline bool kit_hear(struct kit *kit, int peer, char line[KIT_LINE_MAX])
{
    size_t length = 0;

    while (length < KIT_LINE_MAX - 1 && recv(peer, &line[length], 1, 0) == 1) {
        if (line[length++] != '\n')
            continue;
        line[length] = '\0';
        (void)pthread_mutex_lock(&kit->lock);
        if (kit->length + length < KIT_HEARD_MAX) {
            memcpy(kit->heard + kit->length, line, length + 1);
            kit->length += length;
        }
        (void)pthread_mutex_unlock(&kit->lock);
        return true;
    }
    return false;
}

static inline enum kit_end kit_note_end(struct kit *kit)
{
    enum kit_end end;

    (void)pthread_mutex_lock(&kit->lock);
    end = kit->ends[kit->messages < KIT_ENDS_MAX ? kit->messages : KIT_ENDS_MAX - 1];
    kit->messages++;
    if (kit->on_end != NULL)
        kit->on_end();
    (void)pthread_cond_broadcast(&kit->changed);
    (void)pthread_mutex_unlock(&kit->lock);
    return end;
}

/* False to hang up. */
static inline bool kit_answer(struct kit *kit, int peer, const char *line)
{
    char text[KIT_LINE_MAX];

    if (strncmp(line, "EHLO", 4) == 0) {
        kit_say(
            peer, kit->offers_smtputf8 ? "250-mx\r\n250 SMTPUTF8\r\n" : "250 mx\r\n");
        return true;
    }
    if (strncmp(line, "DATA", 4) != 0) {
        kit_say(peer, "250 ok\r\n");
        return strncmp(line, "QUIT", 4) != 0;
    }
    kit_say(peer, "354 go\r\n");
    do {
        if (!kit_hear(kit, peer, text))
            return false;
    } while (strcmp(text, ".\r\n") != 0);
    switch (kit_note_end(kit)) {
    case KIT_TAKES:
        kit_say(peer, "250 taken\r\n");
        return true;
    case KIT_PUTS_OFF:
        kit_say(peer, "451 later\r\n");
        return true;
    case KIT_REFUSES:
        kit_say(peer, "550 never\r\n");
        return true;
    case KIT_SAYS_NOTHING:
        (void)kit_hear(kit, peer, text); /* until it hangs up */
        return false;
    case KIT_HANGS_UP:
        break;
    }
    return false;
}

static inline void *kit_serve(void *self)
{
    struct kit *kit = self;
    int peer;

    while ((peer = accept(kit->listener, NULL, NULL)) >= 0) {
        char line[KIT_LINE_MAX];

        kit_say(peer, "220 mx\r\n");
        while (kit_hear(kit, peer, line) && kit_answer(kit, peer, line))
            continue;
        (void)close(peer);
    }
    return NULL;
}

static inline void kit_listen(struct kit *kit)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    kit->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(kit->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(kit->listener, 16), 0);
    ck_assert_int_eq(getsockname(kit->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(
        kit->route, sizeof kit->route, "smtp:127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&kit->thread, NULL, kit_serve, kit), 0);
}

/* ---- waiting -------------------------------------------------------------------- */

static inline bool kit_has_log(const struct kit *kit, const void *words)
{
    return strstr(kit->logged, words) != NULL;
}

static inline bool kit_has_acts(const struct kit *kit, const void *count)
{
    return kit->acts >= *(const unsigned *)count;
}

static inline bool kit_has_messages(const struct kit *kit, const void *count)
{
    return kit->messages >= *(const unsigned *)count;
}

static inline void kit_until(struct kit *kit,
    bool (*holds)(const struct kit *kit, const void *what), const void *what)
{
    (void)pthread_mutex_lock(&kit->lock);
    while (!holds(kit, what))
        (void)pthread_cond_wait(&kit->changed, &kit->lock);
    (void)pthread_mutex_unlock(&kit->lock);
}

/* The thread marks a notice as done after its act is recorded. */
static inline void kit_until_done(struct kit *kit)
{
    while (nm_notices_waiting(kit->notices) > 0)
        (void)usleep(1000);
}

/* ---- life ----------------------------------------------------------------------- */

static inline struct nm_notice_settings kit_settings(const struct kit *kit)
{
    return (struct nm_notice_settings){.sender = true,
        .reviewer = "",
        .from = "",
        .route = kit->route,
        .gateway = "gw.example.org",
        .contact = "",
        .per_hour = 1000};
}

static inline void kit_open(struct kit *kit, const struct nm_notice_settings *settings)
{
    const struct nm_notices_options options = {kit->database, &kit->ports};
    struct nm_error error = {.code = NM_OK};

    ck_assert_int_eq(nm_notices_new(&options, &kit->notices), NM_OK);
    kit->port = nm_notices_port(kit->notices);
    ck_assert_msg(nm_notices_configure(kit->notices, settings, &error) == NM_OK, "%s",
        error.message);
}

static inline void kit_start(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    temp_folder_make("notice", kit->folder, sizeof kit->folder);
    (void)snprintf(kit->database, sizeof kit->database, "%s/notices.db", kit->folder);
    atomic_store(&kit->now_us, INT64_C(1767225600) * 1000000);
    (void)pthread_mutex_init(&kit->lock, NULL);
    (void)pthread_cond_init(&kit->changed, NULL);
    kit->log = (struct nm_log){kit, kit_log};
    kit->ports = (struct nm_ports){.audit = {kit, kit_append, kit_wait},
        .clock = {kit, kit_now},
        .random = {kit, kit_fill},
        .log = &kit->log};
    kit_listen(kit);
}

static inline void kit_stop(struct kit *kit)
{
    nm_notices_stop(&kit->notices);
    (void)shutdown(kit->listener, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(kit->thread, NULL), 0);
    (void)close(kit->listener);
    (void)pthread_cond_destroy(&kit->changed);
    (void)pthread_mutex_destroy(&kit->lock);
    temp_folder_remove(kit->folder);
}

/* ---- what is told ----------------------------------------------------------------- */

static inline struct nm_notice_recipient kit_recipient(const char *id, bool is_kept)
{
    struct nm_notice_recipient recipient = {.recipient = {"bob@army.ml", 11},
        .domain = "army.ml",
        .target = "army.mil",
        .slip = "a slip",
        .rule = "r",
        .is_kept = is_kept};

    (void)nm_copy(recipient.id.text, sizeof recipient.id.text, id);
    return recipient;
}

static inline void kit_tell(struct kit *kit, const char *sender,
    const struct nm_notice_recipient *recipients, unsigned count)
{
    const struct nm_notice notice = {.time_us = kit_now(kit),
        .sender = {sender, strlen(sender)},
        .client = "",
        .auth = "",
        .queue_id = "4XYZ",
        .subject = "s",
        .message_id = "",
        .recipients = recipients,
        .recipient_count = count,
        .is_held = !recipients->is_kept,
        .for_sender = true,
        .for_reviewer = true};

    kit->port.tell(kit->port.self, &notice);
}

#endif
