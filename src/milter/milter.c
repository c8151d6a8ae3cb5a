#include "milter.h"

#include "registry.h"
#include "socket.h"

#include <libmilter/mfapi.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What any message may need, asked for always: steps are agreed on once a connection.
 * The end of the headers is among them: of a message that has no header libmilter's own
 * machine would else ignore the end, and the mail server wait for its answer in vain. */
enum {
    RIGHTS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
    RIGHTS_TO_KEEP = SMFIF_DELRCPT, /* when messages may go to quarantine */
    STEPS_LEFT_OUT = SMFIP_NOHELO | SMFIP_NOUNKNOWN,
    STEPS_TO_KEEP = SMFIP_SKIP | SMFIP_HDR_LEADSPC,
    ARGUMENTS_MAX = 4096,
    STEPS_WITHOUT_REPLY = SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH
};

static char tag_header[] = "X-Nearmiss";

/* libmilter gives its callbacks no argument of ours. Set before nm_milter_run, constant
 * from then on. */
static struct {
    const struct nm_ports *ports;
    struct nm_slot *slot;
    char socket[NM_MILTER_SOCKET_MAX + 1];
    bool over_inet;
    atomic_bool lets_go; /* from the drain on: what comes late is not put off */
} milter;

/* ---- in --------------------------------------------------------------------- */

static struct nm_connection *connection_of(SMFICTX *context)
{
    return smfi_getpriv(context);
}

/* What a callback returns whose step was agreed to have no reply. */
static sfsistat silent(SMFICTX *context, unsigned long step)
{
    const struct nm_connection *connection = connection_of(context);

    return connection != NULL && (connection->steps & step) != 0 ? SMFIS_NOREPLY
                                                                 : SMFIS_CONTINUE;
}

static struct nm_ip ip_of(const _SOCK_ADDR *address)
{
    struct nm_ip ip = {0};
    char text[INET6_ADDRSTRLEN] = "";

    if (address == NULL)
        return ip;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, address, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, address, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    (void)nm_ip_parse(text, &ip);
    return ip;
}

/* The parameters behind the path, with blanks between; one that does not fit is left out,
 * which no mail server's limits allow it to be. */
static const char *join_arguments(char **arguments, struct nm_buf *out)
{
    for (; *arguments != NULL; arguments++) {
        if (out->length + strlen(*arguments) + 2 > out->capacity)
            break;
        nm_buf_puts(out, out->length > 0 ? " " : "");
        nm_buf_puts(out, *arguments);
    }
    return out->text;
}

static bool has_argument(char **arguments, const char *name)
{
    for (; *arguments != NULL; arguments++) {
        if (nm_ascii_equal_nocase(*arguments, name))
            return true;
    }
    return false;
}

/* Mail that came by the sendmail command: Postfix's cleanup knows the queue id at MAIL,
 * its smtpd cannot know it yet. */
static bool is_local_submission(SMFICTX *context)
{
    const char *version = smfi_getsymval(context, (char[]){"v"});

    return version != NULL && strncmp(version, "Postfix", 7) == 0 &&
           smfi_getsymval(context, (char[]){"i"}) != NULL;
}

/* ---- out -------------------------------------------------------------------- */

/* libmilter takes a reply's text as a format: every percent sign is doubled. */
static void double_percent(const char *text, struct nm_buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '%')
            nm_buf_puts(out, "%%");
        else
            nm_buf_put(out, text, 1);
    }
}

/* smfi_setmlreply takes its lines as arguments, ended by NULL. */
static int set_reply(SMFICTX *context, const struct nm_answer *answer)
{
    char code[4] = {(char)('0' + answer->code / 100 % 10),
        (char)('0' + answer->code / 10 % 10), (char)('0' + answer->code % 10), '\0'};
    char status[sizeof answer->status];
    char lines[NM_REPLY_LINES_MAX][2 * NM_ANSWER_LINE_MAX + 1];
    char *l[NM_REPLY_LINES_MAX] = {NULL};

    static_assert(2 * (int)NM_ANSWER_LINE_MAX <= (int)NM_REPLY_LINE_MAX,
        "a line of percent signs is too long for libmilter");
    (void)nm_copy(status, sizeof status, answer->status);
    for (size_t i = 0; i < answer->line_count; i++) {
        struct nm_buf buf;

        nm_buf_init(&buf, lines[i], sizeof lines[i]);
        double_percent(answer->lines[i], &buf);
        l[i] = lines[i];
    }
    return smfi_setmlreply(context, code, status, l[0], l[1], l[2], l[3], l[4], l[5],
        l[6], l[7], l[8], l[9], l[10], l[11], l[12], l[13], l[14], l[15], l[16], l[17],
        l[18], l[19], l[20], l[21], l[22], l[23], l[24], l[25], l[26], l[27], l[28],
        l[29], l[30], l[31], (char *)NULL);
}

static sfsistat give_reply(SMFICTX *context, const struct nm_answer *answer)
{
    if (set_reply(context, answer) != MI_SUCCESS)
        nm_log(milter.ports->log, NM_LOG_ERROR,
            "libmilter refused a reply; the mail server sends its own",
            {"reply", answer->lines[0]});
    return answer->code >= 500 ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static bool take_off(SMFICTX *context, const struct nm_taken_off *off)
{
    for (; off != NULL; off = off->next) {
        char path[NM_PATH_MAX + 1];

        if (!nm_copy(path, sizeof path, off->path) ||
            smfi_delrcpt(context, path) != MI_SUCCESS)
            return false;
    }
    return true;
}

/* The first Subject, in the form in which it was told; NULL removes it. */
static bool change_subject(SMFICTX *context, const char *subject)
{
    char name[] = "Subject";
    char value[2 * NM_SUBJECT_MAX + 2];

    if (subject != NULL && !nm_copy(value, sizeof value, subject))
        return false;
    return smfi_chgheader(context, name, 1, subject != NULL ? value : NULL) ==
           MI_SUCCESS;
}

/* Take off, tag, strip, hold. Whether all of it could be said to the mail server. */
static bool modify(SMFICTX *context, const struct nm_answer *answer)
{
    if (!take_off(context, answer->take_off))
        return false;
    if (answer->changes_subject && !change_subject(context, answer->subject))
        return false;
    /* From the last: removing one moves those behind it. */
    for (unsigned i = answer->strip_count; i > 0; i--) {
        if (smfi_chgheader(context, tag_header, (int)i, NULL) != MI_SUCCESS)
            return false;
    }
    if (answer->tag != NULL) {
        char value[NM_ID_LENGTH + 1];

        (void)nm_copy(value, sizeof value, answer->tag);
        if (smfi_addheader(context, tag_header, value) != MI_SUCCESS)
            return false;
    }
    if (answer->hold != NULL) {
        char reason[NM_REPLY_LINE_MAX + 1];

        (void)nm_copy(reason, sizeof reason, answer->hold);
        return smfi_quarantine(context, reason) == MI_SUCCESS;
    }
    return true;
}

static sfsistat give_end(SMFICTX *context, const struct nm_answer *answer)
{
    if (answer->kind == NM_ANSWER_REPLY)
        return give_reply(context, answer);
    if (answer->discard)
        return SMFIS_DISCARD;
    if (modify(context, answer))
        return SMFIS_CONTINUE;
    nm_log(milter.ports->log, NM_LOG_ERROR,
        "the mail server would not change or hold a message; it was put off",
        {"hold", answer->hold != NULL ? answer->hold : ""});
    return SMFIS_TEMPFAIL;
}

/* ---- callbacks ---------------------------------------------------------------- */

/* Whether a message that is yet to come may be needed whole. What a reload makes of this
 * holds for new connections; on older ones, such messages are put off. */
static bool may_keep(void)
{
    struct nm_snapshot *snapshot = nm_slot_pin(milter.slot);
    const bool needed = nm_snapshot_values(snapshot)->needs_content;

    nm_snapshot_release(&snapshot);
    return needed;
}

/* For a mail server that negotiates; NULL out of memory, or once the stop has begun. */
static struct nm_connection *new_connection(void)
{
    struct nm_connection *connection;

    if (!nm_registry_enter())
        return NULL;
    connection = nm_registry_add();
    if (connection != NULL)
        connection->shows_content = may_keep();
    nm_registry_leave();
    return connection;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long rights,
    unsigned long steps, unsigned long unused_2, unsigned long unused_3,
    unsigned long *our_rights, unsigned long *our_steps, unsigned long *our_2,
    unsigned long *our_3)
{
    const unsigned long without_reply =
        STEPS_WITHOUT_REPLY | (milter.over_inet ? 0 : SMFIP_NR_DATA);
    struct nm_connection *connection = new_connection();
    const bool keeps = connection != NULL && connection->shows_content;
    const unsigned long wanted = RIGHTS | (keeps ? RIGHTS_TO_KEEP : 0);

    (void)unused_2;
    (void)unused_3;
    if ((rights & wanted) != wanted) {
        nm_log_write(milter.ports->log, NM_LOG_ERROR,
            "the mail server does not let filters add headers, change headers, hold "
            "messages and remove recipients; its connection is refused",
            NULL, 0);
        if (connection != NULL)
            nm_registry_remove(connection);
        return SMFIS_REJECT;
    }
    *our_rights = wanted;
    *our_steps = steps & (STEPS_LEFT_OUT | (keeps ? STEPS_TO_KEEP : SMFIP_NOBODY));
    *our_2 = 0;
    *our_3 = 0;
    if (connection == NULL) /* each of its recipients is told, see without_gate */
        return SMFIS_CONTINUE;
    *our_steps |= steps & without_reply;
    connection->steps = *our_steps;
    (void)smfi_setpriv(context, connection);
    return SMFIS_CONTINUE;
}

/* Negotiated before, unless the mail server goes on to its next client on the same
 * connection: what was agreed on is then libmilter's to keep to. */
static struct nm_connection *connection_to_use(SMFICTX *context)
{
    struct nm_connection *connection = connection_of(context);

    if (connection == NULL) {
        connection = nm_registry_add();
        (void)smfi_setpriv(context, connection);
    }
    return connection;
}

static sfsistat on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
    const struct nm_ip ip = ip_of(address);
    struct nm_connection *connection;

    (void)host;
    if (nm_registry_enter()) {
        connection = connection_to_use(context);
        if (connection != NULL && connection->session == NULL)
            (void)nm_session_new(milter.ports, milter.slot, &ip, &connection->session);
        nm_registry_leave();
    }
    return silent(context, SMFIP_NR_CONN);
}

/* Hand an event to the gate. False when there is no session to hand it to: no memory, or
 * the daemon stops. */
static bool hand_on(SMFICTX *context, struct nm_input *input, struct nm_answer *answer)
{
    struct nm_connection *connection = connection_of(context);

    if (connection == NULL || connection->session == NULL)
        return false;
    input->queue_id = smfi_getsymval(context, (char[]){"i"});
    nm_session_event(connection->session, input, answer);
    return true;
}

static sfsistat on_envfrom(SMFICTX *context, char **arguments)
{
    const struct nm_connection *connection = connection_of(context);
    struct nm_input input = {.event = NM_SESSION_MAIL,
        .path = {arguments[0], strlen(arguments[0])},
        .auth = smfi_getsymval(context, (char[]){"{auth_authen}"}),
        .smtputf8 = has_argument(arguments + 1, "SMTPUTF8"),
        .local_submission = is_local_submission(context),
        .without_content = connection != NULL && !connection->shows_content};
    char memory[ARGUMENTS_MAX];
    struct nm_answer answer;
    struct nm_buf buf;

    nm_buf_init(&buf, memory, sizeof memory);
    input.arguments = join_arguments(arguments + 1, &buf);
    if (nm_registry_enter()) {
        (void)hand_on(context, &input, &answer);
        nm_registry_leave();
    }
    return silent(context, SMFIP_NR_MAIL);
}

/* What to say once the stop has begun, when the gate may be gone. */
static sfsistat too_late(void)
{
    return atomic_load(&milter.lets_go) ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

/* What to say when there was no memory for a session. */
static sfsistat without_gate(void)
{
    struct nm_snapshot *snapshot = nm_slot_pin(milter.slot);
    const enum nm_mode mode = nm_snapshot_values(snapshot)->mode;

    nm_snapshot_release(&snapshot);
    return mode == NM_MODE_OBSERVE ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

static sfsistat on_envrcpt(SMFICTX *context, char **arguments)
{
    struct nm_input input = {.event = NM_SESSION_RCPT,
        .path = {arguments[0], strlen(arguments[0])},
        .normalised = smfi_getsymval(context, (char[]){"{rcpt_addr}"})};
    char memory[ARGUMENTS_MAX];
    struct nm_answer answer;
    struct nm_buf buf;
    sfsistat status;

    nm_buf_init(&buf, memory, sizeof memory);
    input.arguments = join_arguments(arguments + 1, &buf);
    if (!nm_registry_enter())
        return too_late();
    if (!hand_on(context, &input, &answer))
        status = without_gate();
    else if (answer.kind == NM_ANSWER_REPLY)
        status = give_reply(context, &answer);
    else
        status = SMFIS_CONTINUE;
    nm_registry_leave();
    return status;
}

static sfsistat on_data(SMFICTX *context)
{
    struct nm_input input = {.event = NM_SESSION_DATA};
    struct nm_answer answer;

    if (nm_registry_enter()) {
        (void)hand_on(context, &input, &answer);
        nm_registry_leave();
    }
    return silent(context, SMFIP_NR_DATA);
}

static bool wants_content(SMFICTX *context)
{
    const struct nm_connection *connection = connection_of(context);

    return connection != NULL && connection->session != NULL &&
           nm_session_wants_content(connection->session);
}

static bool wants_header(SMFICTX *context, const char *name)
{
    const struct nm_connection *connection = connection_of(context);

    return connection != NULL && connection->session != NULL &&
           nm_session_wants_header(connection->session, name);
}

/* What stands between the colon and the value came along only where that was agreed. */
static void hand_header_on(SMFICTX *context, char *name, char *value)
{
    const struct nm_connection *connection = connection_of(context);
    struct nm_input input = {.event = NM_SESSION_HEADER,
        .header_name = name,
        .header_value = value,
        .header_gap = connection != NULL && (connection->steps & SMFIP_HDR_LEADSPC) != 0
                          ? ""
                          : " "};
    struct nm_answer answer;

    (void)hand_on(context, &input, &answer);
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    if (nm_registry_enter()) {
        if (wants_header(context, name))
            hand_header_on(context, name, value);
        nm_registry_leave();
    }
    return silent(context, SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *context)
{
    return silent(context, SMFIP_NR_EOH);
}

/* Of a message that nobody wants to keep, one part is enough to say so. */
static sfsistat on_body(SMFICTX *context, unsigned char *bytes, size_t length)
{
    const struct nm_connection *connection = connection_of(context);
    struct nm_input input = {
        .event = NM_SESSION_BODY, .body = {(const char *)bytes, length}};
    struct nm_answer answer;
    bool wanted;

    if (!nm_registry_enter())
        return too_late();
    wanted = wants_content(context);
    if (wanted)
        (void)hand_on(context, &input, &answer);
    nm_registry_leave();
    return !wanted && connection != NULL && (connection->steps & SMFIP_SKIP) != 0
               ? SMFIS_SKIP
               : SMFIS_CONTINUE;
}

static sfsistat on_eom(SMFICTX *context)
{
    struct nm_input input = {.event = NM_SESSION_END};
    struct nm_answer answer;
    sfsistat status;

    if (!nm_registry_enter())
        return too_late();
    if (hand_on(context, &input, &answer)) {
        status = give_end(context, &answer);
        nm_session_finish(connection_of(context)->session,
            answer.kind == NM_ANSWER_REPLY || status != SMFIS_TEMPFAIL);
    } else {
        status = without_gate();
    }
    nm_registry_leave();
    return status;
}

static sfsistat on_abort(SMFICTX *context)
{
    struct nm_input input = {.event = NM_SESSION_ABORT};
    struct nm_answer answer;

    if (nm_registry_enter()) {
        (void)hand_on(context, &input, &answer);
        nm_registry_leave();
    }
    return SMFIS_CONTINUE;
}

/* libmilter calls this under a lock of its own on a time-out: it must not wait. */
static sfsistat on_close(SMFICTX *context)
{
    struct nm_connection *connection = connection_of(context);

    if (connection == NULL || !nm_registry_enter())
        return SMFIS_CONTINUE;
    (void)smfi_setpriv(context, NULL);
    nm_registry_remove(connection);
    nm_registry_leave();
    return SMFIS_CONTINUE;
}

/* ---- life ------------------------------------------------------------------- */

enum nm_code nm_milter_open(
    const struct nm_milter_options *options, struct nm_error *error)
{
    static char name[] = "nearmiss";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = RIGHTS,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_envfrom,
        .xxfi_envrcpt = on_envrcpt,
        .xxfi_data = on_data,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    milter.ports = options->ports;
    milter.slot = options->slot;
    if (!nm_copy(milter.socket, sizeof milter.socket, options->socket))
        return nm_fail(
            error, NM_BAD_INPUT, "milter.socket %s: too long", options->socket);
    milter.over_inet = strncmp(options->socket, "inet", 4) == 0;
    if (smfi_register(description) != MI_SUCCESS)
        return nm_fail(error, NM_SYSTEM, "libmilter refused to register the filter");
    return nm_milter_listen(
        options->socket, options->socket_mode, options->socket_group, error);
}

enum nm_code nm_milter_run(struct nm_error *error)
{
    if (smfi_main() != MI_SUCCESS)
        return nm_fail(error, NM_SYSTEM, "libmilter stopped with a failure");
    return NM_OK;
}

struct nm_milter_left nm_milter_drain(unsigned timeout_ms)
{
    struct nm_milter_left left;

    atomic_store(&milter.lets_go, without_gate() == SMFIS_CONTINUE);
    nm_milter_unlink(milter.socket);
    left.callbacks = nm_registry_drain(timeout_ms);
    left.connections = nm_registry_count();
    return left;
}

size_t nm_milter_sessions(void)
{
    return nm_registry_count();
}
