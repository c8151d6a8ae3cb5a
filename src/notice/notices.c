#include "notice/notices.h"

#include "compose.h"
#include "queue.h"
#include "smtp/submit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_MS = 60 * 1000, /* the longest wait, in case the clock was set */
    HOUR_S = 3600,
    FAILING_PAUSE_MS = 10 * 1000, /* when the database cannot be read */
    ROUTE_MAX = 300
};

/* A copy of what a reload may change. */
struct settings {
    struct nm_notice_settings values;
    char *texts[7];
};

struct nm_notices {
    const struct nm_ports *ports;
    char *path;
    pthread_t thread;
    bool has_thread;
    int stop_event;       /* readable once the thread is to end */
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    struct settings settings;
    struct nm_notice_queue *queue; /* NULL while it is not open */
    bool stopping;
    struct nm_id done; /* the last one that was sent or given up: not to be sent again
                          where the database cannot be told */
    bool failing;      /* the database failed, and the log said so */
};

static int64_t now_us(const struct nm_notices *notices)
{
    return notices->ports->clock.now_us(notices->ports->clock.self);
}

static struct nm_id new_id(const struct nm_notices *notices, int64_t time_us)
{
    uint8_t random[NM_ID_RANDOM_BYTES];

    notices->ports->random.fill(notices->ports->random.self, random, sizeof random);
    return nm_id_make(time_us, random);
}

/* ---- settings --------------------------------------------------------------- */

static void free_settings(struct settings *settings)
{
    for (size_t i = 0; i < NM_COUNT(settings->texts); i++)
        free(settings->texts[i]);
    *settings = (struct settings){.values = {.sender = false}};
}

/* Each text in its own copy; NULL stays NULL. */
static bool copy_settings(const struct nm_notice_settings *from, struct settings *out)
{
    struct nm_notice_settings *values = &out->values;
    const char **const texts[] = {&values->reviewer, &values->from, &values->route,
        &values->gateway, &values->contact, &values->template,
        &values->reviewer_template};

    *out = (struct settings){.values = *from};
    for (size_t i = 0; i < NM_COUNT(texts); i++) {
        if (*texts[i] == NULL)
            continue;
        out->texts[i] = strdup(*texts[i]);
        if (out->texts[i] == NULL) {
            free_settings(out);
            return false;
        }
        *texts[i] = out->texts[i];
    }
    return true;
}

static bool is_on(const struct nm_notice_settings *settings)
{
    return settings->sender ||
           (settings->reviewer != NULL && settings->reviewer[0] != '\0');
}

/* ---- putting in --------------------------------------------------------------- */

/* The recipients that this reader was not told of yet, in the order in which they were.
 * Of what is held nothing is known from before. */
static enum nm_code choose(struct nm_notices *notices, const struct nm_notice *notice,
    enum nm_notice_reader reader, struct nm_notice *chosen,
    struct nm_notice_recipient *memory, struct nm_error *error)
{
    struct nm_notice_recipient *last = NULL;
    size_t count = 0;

    *chosen = *notice;
    chosen->recipients = NULL;
    for (const struct nm_notice_recipient *one = notice->recipients;
         one != NULL && count < NM_NOTICE_RECIPIENTS_MAX; one = one->next) {
        bool is_new = true;
        enum nm_code code = NM_OK;

        if (one->is_kept)
            code = nm_notice_queue_tell(
                notices->queue, &one->id, reader, notice->time_us, &is_new, error);
        if (code != NM_OK)
            return code;
        if (!is_new) {
            chosen->recipient_count--;
            continue;
        }
        memory[count] = *one;
        memory[count].next = NULL;
        if (last != NULL)
            last->next = &memory[count];
        else
            chosen->recipients = &memory[count];
        last = &memory[count++];
    }
    return NM_OK;
}

static enum nm_code compose(struct nm_notices *notices, const struct nm_notice *notice,
    struct nm_notice_mail *mail, struct nm_error *error)
{
    const struct nm_notice_settings *settings = &notices->settings.values;
    const struct nm_notice_envelope envelope = {.reader = mail->reader,
        .id = mail->id,
        .time_us = mail->made_us,
        .to = mail->address,
        .from = settings->from,
        .gateway = settings->gateway,
        .contact = settings->contact,
        .template = mail->reader == NM_NOTICE_TO_SENDER ? settings->template
                                                        : settings->reviewer_template};
    struct nm_buf buf;

    mail->content = malloc(NM_NOTICE_MAIL_MAX);
    if (mail->content == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    nm_buf_init(&buf, mail->content, NM_NOTICE_MAIL_MAX);
    if (nm_notice_compose(notice, &envelope, &buf) != NM_OK)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    mail->length = buf.length;
    return NM_OK;
}

/* Whether the address may be told of one thing more. */
static enum nm_code has_room(struct nm_notices *notices,
    const struct nm_notice_mail *mail, bool *out, struct nm_error *error)
{
    const int64_t since_us = mail->made_us - (int64_t)HOUR_S * 1000000;
    uint64_t made = 0;
    uint64_t waiting = 0;
    const enum nm_code code = nm_notice_queue_count(
        notices->queue, mail->address, since_us, mail->made_us, &made, &waiting, error);

    *out = code == NM_OK && made < notices->settings.values.per_hour &&
           waiting < NM_NOTICES_WAITING_MAX;
    if (code == NM_OK && !*out)
        nm_log(notices->ports->log, NM_LOG_WARNING,
            waiting < NM_NOTICES_WAITING_MAX
                ? "a notice was left out: its reader has had as many as "
                  "notice.per_hour says"
                : "a notice was left out: too many wait to be sent",
            {"to", mail->address}, {"decision", mail->decision.text});
    return code;
}

static enum nm_code put_for(struct nm_notices *notices, const struct nm_notice *notice,
    enum nm_notice_reader reader, struct nm_bytes address, struct nm_error *error)
{
    struct nm_notice_recipient memory[NM_NOTICE_RECIPIENTS_MAX];
    struct nm_notice_mail mail = {.reader = reader,
        .id = new_id(notices, notice->time_us),
        .made_us = notice->time_us};
    struct nm_notice chosen;
    struct nm_buf buf;
    bool has = false;
    enum nm_code code = choose(notices, notice, reader, &chosen, memory, error);

    if (code != NM_OK || chosen.recipients == NULL)
        return code;
    mail.decision = chosen.recipients->id;
    nm_buf_init(&buf, mail.address, sizeof mail.address);
    nm_buf_put(&buf, address.data, address.length);
    code = has_room(notices, &mail, &has, error);
    if (code != NM_OK || !has)
        return code;
    code = compose(notices, &chosen, &mail, error);
    if (code == NM_OK)
        code = nm_notice_queue_put(notices->queue, &mail, error);
    free(mail.content);
    return code;
}

/* A reviewer who has sent the mail himself is told as the reviewer. */
static bool is_reviewer(
    const struct nm_notice_settings *settings, struct nm_bytes sender)
{
    char address[NM_NOTICE_ADDRESS_MAX + 1];
    struct nm_buf buf;

    nm_buf_init(&buf, address, sizeof address);
    nm_buf_put(&buf, sender.data, sender.length);
    return nm_ascii_equal_nocase(address, settings->reviewer);
}

static enum nm_code put(
    struct nm_notices *notices, const struct nm_notice *notice, struct nm_error *error)
{
    const struct nm_notice_settings *settings = &notices->settings.values;
    const bool for_reviewer = notice->for_reviewer && settings->reviewer[0] != '\0';
    const bool for_sender = notice->for_sender && settings->sender &&
                            !(for_reviewer && is_reviewer(settings, notice->sender));
    enum nm_code code;

    if (notices->queue == NULL)
        return nm_fail(error, NM_SYSTEM, "the database of notices is not open");
    code = nm_notice_queue_begin(notices->queue, error);
    if (code == NM_OK && for_sender)
        code = put_for(notices, notice, NM_NOTICE_TO_SENDER, notice->sender, error);
    if (code == NM_OK && for_reviewer)
        code = put_for(notices, notice, NM_NOTICE_TO_REVIEWER,
            (struct nm_bytes){settings->reviewer, strlen(settings->reviewer)}, error);
    if (code != NM_OK) {
        (void)nm_notice_queue_end(notices->queue, false, NULL);
        return code;
    }
    return nm_notice_queue_end(notices->queue, true, error);
}

static void tell(void *self, const struct nm_notice *notice)
{
    struct nm_notices *notices = self;
    struct nm_error error = {.code = NM_OK};
    enum nm_code code = NM_OK;

    (void)pthread_mutex_lock(&notices->lock);
    if (is_on(&notices->settings.values))
        code = put(notices, notice, &error);
    (void)pthread_cond_signal(&notices->work);
    (void)pthread_mutex_unlock(&notices->lock);
    if (code != NM_OK)
        nm_log(notices->ports->log, NM_LOG_ERROR,
            "nobody could be told of a message that is held or kept",
            {"why", error.message}, {"transaction", notice->transaction.text});
}

struct nm_notice_port nm_notices_port(struct nm_notices *notices)
{
    return (struct nm_notice_port){notices, tell};
}

/* ---- sending ------------------------------------------------------------------ */

/* What was done is done, whether that can be recorded or not. */
static void record(const struct nm_notices *notices, const struct nm_notice_mail *mail,
    const char *gateway, const char *what)
{
    const struct nm_ports *ports = notices->ports;
    const int64_t time_us = now_us(notices);
    const struct nm_audit_event event = {.kind = NM_EVENT_ACT,
        .id = new_id(notices, time_us),
        .time_us = time_us,
        .gateway = gateway,
        .actor = "daemon",
        .verb = NM_VERB_NOTIFIED,
        .subject = mail->address,
        .decision = mail->decision,
        .reason = what};
    struct nm_error error = {.code = NM_OK};
    uint64_t ticket = 0;
    enum nm_code code = ports->audit.append(ports->audit.self, &event, 1, &ticket);

    if (code == NM_OK)
        code = ports->audit.wait(ports->audit.self, ticket, &error);
    if (code != NM_OK)
        nm_log(ports->log, NM_LOG_ERROR, "a notice could not be recorded",
            {"why", error.message}, {"to", mail->address}, {"what", what});
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static int file_of(const struct nm_notice_mail *mail)
{
    const int file = memfd_create("notice", MFD_CLOEXEC);
    size_t done = 0;

    while (file >= 0 && done < mail->length) {
        const ssize_t written = write(file, mail->content + done, mail->length - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            (void)close(file);
            return -1;
        }
        done += (size_t)written;
    }
    if (file >= 0)
        (void)lseek(file, 0, SEEK_SET);
    return file;
}

/* Hand it over. The null sender: nobody answers it. */
static enum nm_code hand_over(struct nm_notices *notices,
    const struct nm_notice_mail *mail, const char *route, const char *name,
    struct nm_submit_result *result, struct nm_error *error)
{
    const int file = file_of(mail);
    const struct nm_submission submission = {.route = route,
        .option = "notice.route",
        .stop = &notices->stop_event,
        .name = name,
        .sender = "",
        .mail_options = is_ascii(mail->content, mail->length) ? "" : "SMTPUTF8",
        .recipient = mail->address,
        .rcpt_options = "NOTIFY=NEVER",
        .file = file};
    enum nm_code code;

    result->reply[0] = '\0';
    if (file < 0)
        return nm_fail(error, NM_SYSTEM, "no memory for a notice: %s", strerror(errno));
    code = nm_submit(&submission, result, error);
    (void)close(file);
    return code;
}

/* Whether it makes no sense to try again. */
static bool is_final(enum nm_code code, const struct nm_submit_result *result)
{
    return code == NM_LIMIT || (code == NM_BAD_INPUT && result->reply[0] != '4');
}

static int64_t pause_us(unsigned tries)
{
    int64_t pause_s = NM_NOTICE_PAUSE_MIN_S;

    for (; tries > 0 && pause_s < NM_NOTICE_PAUSE_MAX_S; tries--)
        pause_s *= 2;
    return (pause_s < NM_NOTICE_PAUSE_MAX_S ? pause_s : NM_NOTICE_PAUSE_MAX_S) *
           1000000;
}

/* Bring the database up to date after an attempt, and say what came of it. The lock is
 * held, but while the audit log is waited for. */
static enum nm_code settle(struct nm_notices *notices,
    const struct nm_notice_mail *mail, const char *gateway, enum nm_code sent,
    const struct nm_submit_result *result, const struct nm_error *why,
    struct nm_error *error)
{
    const bool is_too_old =
        now_us(notices) - mail->made_us > (int64_t)NM_NOTICE_AGE_MAX_S * 1000000;
    char what[NM_ERROR_MESSAGE_MAX + 32];

    if (sent != NM_OK && !is_final(sent, result) && !is_too_old) {
        nm_log(notices->ports->log, mail->tries == 0 ? NM_LOG_WARNING : NM_LOG_INFO,
            "a notice could not be sent; tried again", {"why", why->message},
            {"to", mail->address}, {"decision", mail->decision.text});
        return nm_notice_queue_put_off(
            notices->queue, &mail->id, now_us(notices) + pause_us(mail->tries), error);
    }
    if (sent == NM_OK)
        (void)snprintf(what, sizeof what, "the mail server says: %s", result->reply);
    else
        (void)snprintf(what, sizeof what, "given up: %s", why->message);
    if (sent != NM_OK)
        nm_log(notices->ports->log, NM_LOG_ERROR, "a notice was given up",
            {"why", why->message}, {"to", mail->address},
            {"decision", mail->decision.text});
    notices->done = mail->id;
    (void)pthread_mutex_unlock(&notices->lock);
    record(notices, mail, gateway, what);
    (void)pthread_mutex_lock(&notices->lock);
    return nm_notice_queue_done(notices->queue, &mail->id, error);
}

/* With the lock, which is not held while the mail server is talked to. */
static enum nm_code send_one(
    struct nm_notices *notices, struct nm_notice_mail *mail, struct nm_error *error)
{
    struct nm_submit_result result;
    struct nm_error why = {.code = NM_OK};
    char route[ROUTE_MAX];
    char name[256];
    enum nm_code sent;

    if (strcmp(notices->done.text, mail->id.text) == 0)
        return nm_notice_queue_done(notices->queue, &mail->id, error);
    (void)nm_copy(route, sizeof route, notices->settings.values.route);
    (void)nm_copy(name, sizeof name, notices->settings.values.gateway);
    (void)pthread_mutex_unlock(&notices->lock);
    sent = hand_over(notices, mail, route, name, &result, &why);
    (void)pthread_mutex_lock(&notices->lock);
    if (sent == NM_STOPPED)
        return NM_OK; /* the next process tries it again */
    return settle(notices, mail, name, sent, &result, &why, error);
}

/* ---- the thread ---------------------------------------------------------------- */

/* Wait for work, for `ms` at most. With the lock. */
static void pause_for(struct nm_notices *notices, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    if (!notices->stopping)
        (void)pthread_cond_timedwait(&notices->work, &notices->lock, &until);
}

static void say_failing(
    struct nm_notices *notices, enum nm_code code, const struct nm_error *error)
{
    if (code != NM_OK && !notices->failing)
        nm_log(notices->ports->log, NM_LOG_ERROR,
            "the database of notices fails; tried again", {"why", error->message});
    notices->failing = code != NM_OK;
}

/* Send what is due, or wait until something is. */
static void work(struct nm_notices *notices)
{
    const int64_t time_us = now_us(notices);
    struct nm_notice_mail mail = {.content = NULL};
    struct nm_error error = {.code = NM_OK};
    int64_t next_us = INT64_MAX;
    enum nm_code code =
        nm_notice_queue_due(notices->queue, time_us, &mail, &next_us, &error);

    if (code == NM_OK && mail.content != NULL) {
        code = send_one(notices, &mail, &error);
        free(mail.content);
        say_failing(notices, code, &error);
        if (code != NM_OK)
            pause_for(notices, FAILING_PAUSE_MS);
        return;
    }
    if (code == NM_OK)
        code = nm_notice_queue_forget(
            notices->queue, time_us - (int64_t)NM_NOTICE_MEMORY_S * 1000000, &error);
    say_failing(notices, code, &error);
    if (code != NM_OK)
        pause_for(notices, FAILING_PAUSE_MS);
    else if (next_us - time_us < (int64_t)IDLE_MS * 1000)
        pause_for(notices, (next_us - time_us) / 1000 + 1);
    else
        pause_for(notices, IDLE_MS);
}

static void *run(void *argument)
{
    struct nm_notices *notices = argument;

    (void)pthread_mutex_lock(&notices->lock);
    while (!notices->stopping) {
        if (notices->queue == NULL || !is_on(&notices->settings.values))
            pause_for(notices, IDLE_MS);
        else
            work(notices);
    }
    (void)pthread_mutex_unlock(&notices->lock);
    return NULL;
}

/* A thread inherits the mask of the one that makes it. */
static enum nm_code start_thread(struct nm_notices *notices, struct nm_error *error)
{
    sigset_t all;
    sigset_t before;
    int failure;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&notices->thread, NULL, run, notices);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0)
        return nm_fail(
            error, NM_SYSTEM, "no thread to send notices: %s", strerror(failure));
    notices->has_thread = true;
    return NM_OK;
}

/* ---- life ------------------------------------------------------------------------ */

enum nm_code nm_notices_new(
    const struct nm_notices_options *options, struct nm_notices **out)
{
    struct nm_notices *notices = calloc(1, sizeof *notices);
    pthread_condattr_t attributes;

    if (notices == NULL)
        return NM_NO_MEMORY;
    notices->ports = options->ports;
    notices->path = strdup(options->path);
    notices->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (notices->path == NULL || notices->stop_event < 0) {
        if (notices->stop_event >= 0)
            (void)close(notices->stop_event);
        free(notices->path);
        free(notices);
        return NM_NO_MEMORY;
    }
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&notices->lock, NULL);
    (void)pthread_cond_init(&notices->work, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    *out = notices;
    return NM_OK;
}

enum nm_code nm_notices_configure(struct nm_notices *notices,
    const struct nm_notice_settings *settings, struct nm_error *error)
{
    struct settings copy;
    enum nm_code code = NM_OK;

    if (!copy_settings(settings, &copy))
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    (void)pthread_mutex_lock(&notices->lock);
    free_settings(&notices->settings);
    notices->settings = copy;
    if (is_on(settings) && notices->queue == NULL)
        code = nm_notice_queue_open(notices->path, &notices->queue, error);
    if (code == NM_OK && notices->queue != NULL && !notices->has_thread)
        code = start_thread(notices, error);
    (void)pthread_cond_signal(&notices->work);
    (void)pthread_mutex_unlock(&notices->lock);
    return code;
}

uint64_t nm_notices_waiting(struct nm_notices *notices)
{
    uint64_t made = 0;
    uint64_t waiting = 0;

    (void)pthread_mutex_lock(&notices->lock);
    if (notices->queue != NULL)
        (void)nm_notice_queue_count(
            notices->queue, "", INT64_MAX, INT64_MAX, &made, &waiting, NULL);
    (void)pthread_mutex_unlock(&notices->lock);
    return waiting;
}

void nm_notices_stop(struct nm_notices **notices)
{
    struct nm_notices *stopped = *notices;
    const uint64_t one = 1;

    if (stopped == NULL)
        return;
    *notices = NULL;
    (void)pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    (void)pthread_cond_signal(&stopped->work);
    (void)pthread_mutex_unlock(&stopped->lock);
    if (write(stopped->stop_event, &one, sizeof one) < 0)
        nm_log_write(stopped->ports->log, NM_LOG_ERROR,
            "the thread that sends notices cannot be told to stop", NULL, 0);
    if (stopped->has_thread)
        (void)pthread_join(stopped->thread, NULL);
    nm_notice_queue_close(&stopped->queue);
    free_settings(&stopped->settings);
    (void)pthread_cond_destroy(&stopped->work);
    (void)pthread_mutex_destroy(&stopped->lock);
    (void)close(stopped->stop_event);
    free(stopped->path);
    free(stopped);
}
