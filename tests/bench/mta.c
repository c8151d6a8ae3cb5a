#include "mta.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const macro_names[MTA_MACRO_COUNT] = {
    [MTA_MACRO_J] = "j",
    [MTA_MACRO_V] = "v",
    [MTA_MACRO__] = "_",
    [MTA_MACRO_I] = "i",
    [MTA_MACRO_DAEMON_NAME] = "{daemon_name}",
    [MTA_MACRO_DAEMON_ADDR] = "{daemon_addr}",
    [MTA_MACRO_CLIENT_ADDR] = "{client_addr}",
    [MTA_MACRO_CLIENT_NAME] = "{client_name}",
    [MTA_MACRO_CLIENT_PORT] = "{client_port}",
    [MTA_MACRO_AUTH_TYPE] = "{auth_type}",
    [MTA_MACRO_AUTH_AUTHEN] = "{auth_authen}",
    [MTA_MACRO_MAIL_ADDR] = "{mail_addr}",
    [MTA_MACRO_MAIL_HOST] = "{mail_host}",
    [MTA_MACRO_MAIL_MAILER] = "{mail_mailer}",
    [MTA_MACRO_RCPT_ADDR] = "{rcpt_addr}",
    [MTA_MACRO_RCPT_HOST] = "{rcpt_host}",
    [MTA_MACRO_RCPT_MAILER] = "{rcpt_mailer}",
};

/* Postfix's defaults, milter_connect_macros and so on, each list ended by
 * MTA_MACRO_COUNT. */
static const unsigned char default_places[MTA_PLACE_COUNT][MTA_MACRO_COUNT + 1] = {
    [SMFIM_CONNECT] = {MTA_MACRO_J, MTA_MACRO_DAEMON_NAME, MTA_MACRO_DAEMON_ADDR,
        MTA_MACRO_V, MTA_MACRO__, MTA_MACRO_COUNT},
    [SMFIM_HELO] = {MTA_MACRO_COUNT},
    [SMFIM_ENVFROM] = {MTA_MACRO_I, MTA_MACRO_AUTH_TYPE, MTA_MACRO_AUTH_AUTHEN,
        MTA_MACRO_MAIL_ADDR, MTA_MACRO_MAIL_HOST, MTA_MACRO_MAIL_MAILER,
        MTA_MACRO_COUNT},
    [SMFIM_ENVRCPT] = {MTA_MACRO_I, MTA_MACRO_RCPT_ADDR, MTA_MACRO_RCPT_HOST,
        MTA_MACRO_RCPT_MAILER, MTA_MACRO_COUNT},
    [SMFIM_DATA] = {MTA_MACRO_I, MTA_MACRO_COUNT},
    [SMFIM_EOM] = {MTA_MACRO_I, MTA_MACRO_COUNT},
    [SMFIM_EOH] = {MTA_MACRO_I, MTA_MACRO_COUNT},
};

/* What the protocol says of an event: the bits by which a filter declines it or its
 * answer, and where its macros are sent. Postfix sends the macros of an envelope's event
 * that the filter declined, and those of a content's event it does not. */
struct event {
    char command;
    int place;
    uint32_t declined;
    uint32_t no_reply;
    bool bare_macros;
};

static const struct event events[] = {
    {SMFIC_CONNECT, SMFIM_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, true},
    {SMFIC_HELO, SMFIM_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, true},
    {SMFIC_MAIL, SMFIM_ENVFROM, SMFIP_NOMAIL, SMFIP_NR_MAIL, true},
    {SMFIC_RCPT, SMFIM_ENVRCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, true},
    {SMFIC_DATA, SMFIM_DATA, SMFIP_NODATA, SMFIP_NR_DATA, true},
    {SMFIC_HEADER, SMFIM_EOH, SMFIP_NOHDRS, SMFIP_NR_HDR, false},
    {SMFIC_EOH, SMFIM_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, false},
    {SMFIC_BODY, SMFIM_EOM, SMFIP_NOBODY, SMFIP_NR_BODY, false},
    {SMFIC_BODYEOB, SMFIM_EOM, 0, 0, false},
};

/* One piece of an event's data. */
struct piece {
    const void *bytes;
    size_t length;
};

static struct piece text(const char *string)
{
    return (struct piece){string, strlen(string) + 1};
}

const char *mta_answer_name(enum mta_answer answer)
{
    static const char *const names[MTA_ANSWER_COUNT] = {
        [MTA_CONTINUE] = "continue",
        [MTA_SILENT] = "silent",
        [MTA_SKIP] = "skip",
        [MTA_ACCEPT] = "accept",
        [MTA_DISCARD] = "discard",
        [MTA_REJECT] = "reject",
        [MTA_DEFER] = "defer",
        [MTA_BROKEN] = "broken",
    };

    assert((unsigned)answer < MTA_ANSWER_COUNT);
    return names[answer];
}

const char *mta_failure(const struct mta *mta)
{
    return mta->failure != NULL ? mta->failure : "";
}

static enum mta_answer broken(struct mta *mta, const char *why)
{
    mta->failure = why;
    return MTA_BROKEN;
}

/* ---- bytes --------------------------------------------------------------- */

static bool flush(struct mta *mta)
{
    size_t sent = 0;

    while (sent < mta->out_length) {
        const ssize_t n =
            send(mta->fd, mta->out + sent, mta->out_length - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    mta->out_length = 0;
    return true;
}

static bool put(struct mta *mta, const void *bytes, size_t length)
{
    const char *from = bytes;

    while (length > 0) {
        const size_t room = sizeof mta->out - mta->out_length;
        const size_t part = length < room ? length : room;

        memcpy(mta->out + mta->out_length, from, part);
        mta->out_length += part;
        from += part;
        length -= part;
        if (mta->out_length == sizeof mta->out && !flush(mta))
            return false;
    }
    return true;
}

static bool put_packet(
    struct mta *mta, char command, const struct piece *pieces, size_t count)
{
    uint32_t length = 1;

    for (size_t i = 0; i < count; i++)
        length += (uint32_t)pieces[i].length;
    length = htonl(length);
    if (!put(mta, &length, sizeof length) || !put(mta, &command, 1))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!put(mta, pieces[i].bytes, pieces[i].length))
            return false;
    return true;
}

/* At least `count` bytes in `in`, from in_start. */
static bool fill(struct mta *mta, size_t count)
{
    if (mta->in_start == mta->in_end)
        mta->in_start = mta->in_end = 0;
    if (mta->in_start + count > sizeof mta->in) {
        memmove(mta->in, mta->in + mta->in_start, mta->in_end - mta->in_start);
        mta->in_end -= mta->in_start;
        mta->in_start = 0;
    }
    while (mta->in_end - mta->in_start < count) {
        const ssize_t n =
            recv(mta->fd, mta->in + mta->in_end, sizeof mta->in - mta->in_end, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        mta->in_end += (size_t)n;
    }
    return true;
}

/* The next packet: its command, or 0 when there is none. The data stay where they are
 * until the next call. */
static char get_packet(struct mta *mta, const char **data, size_t *length)
{
    uint32_t size;

    if (!flush(mta) || !fill(mta, sizeof size))
        return 0;
    memcpy(&size, mta->in + mta->in_start, sizeof size);
    size = ntohl(size);
    if (size < 1 || size > sizeof mta->in - sizeof size ||
        !fill(mta, sizeof size + size))
        return 0;
    *data = mta->in + mta->in_start + sizeof size + 1;
    *length = size - 1;
    mta->in_start += sizeof size + size;
    return (*data)[-1];
}

/* ---- events -------------------------------------------------------------- */

static const struct event *find_event(char command)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i].command == command)
            return &events[i];
    return NULL;
}

static bool put_macros(struct mta *mta, const struct event *event)
{
    struct piece pieces[1 + 2 * MTA_MACRO_COUNT];
    size_t count = 0;

    pieces[count++] = (struct piece){&event->command, 1};
    for (const unsigned char *at = mta->places[event->place]; *at < MTA_MACRO_COUNT;
         at++) {
        if (mta->macros[*at] == NULL)
            continue;
        pieces[count++] = text(macro_names[*at]);
        pieces[count++] = text(mta->macros[*at]);
    }
    return put_packet(mta, SMFIC_MACRO, pieces, count);
}

static enum mta_answer reply_of(struct mta *mta, const char *data, size_t length)
{
    const size_t kept = length < sizeof mta->reply ? length : sizeof mta->reply - 1;

    memcpy(mta->reply, data, kept);
    mta->reply[kept] = '\0';
    if (mta->reply[0] == '4')
        return MTA_DEFER;
    return mta->reply[0] == '5' ? MTA_REJECT : broken(mta, "a reply that is no reply");
}

static bool note_edit(struct mta *mta, char command)
{
    switch (command) {
    case SMFIR_PROGRESS:
        return true;
    case SMFIR_QUARANTINE:
        mta->edits.holds++;
        return true;
    case SMFIR_ADDHEADER:
    case SMFIR_INSHEADER:
    case SMFIR_CHGHEADER:
        mta->edits.headers++;
        return true;
    case SMFIR_ADDRCPT:
    case SMFIR_ADDRCPT_PAR:
    case SMFIR_DELRCPT:
        mta->edits.recipients++;
        return true;
    case SMFIR_REPLBODY:
    case SMFIR_CHGFROM:
        mta->edits.others++;
        return true;
    default:
        return false;
    }
}

static enum mta_answer wait_for_answer(struct mta *mta, char event)
{
    for (;;) {
        const char *data = NULL;
        size_t length = 0;
        const char command = get_packet(mta, &data, &length);

        switch (command) {
        case 0:
            return broken(mta, "the filter hung up or gave no answer in time");
        case SMFIR_CONTINUE:
            return MTA_CONTINUE;
        case SMFIR_ACCEPT:
            return MTA_ACCEPT;
        case SMFIR_DISCARD:
            return MTA_DISCARD;
        case SMFIR_REJECT:
            return MTA_REJECT;
        case SMFIR_TEMPFAIL:
            return MTA_DEFER;
        case SMFIR_REPLYCODE:
            return reply_of(mta, data, length);
        case SMFIR_SKIP:
            mta->skipped = event;
            return MTA_SKIP;
        default:
            if (event != SMFIC_BODYEOB || !note_edit(mta, command))
                return broken(mta, "an answer that this event cannot have");
        }
    }
}

static enum mta_answer send_event(
    struct mta *mta, char command, const struct piece *pieces, size_t count)
{
    const struct event *event = find_event(command);

    assert(event != NULL);
    if (mta->skipped == command)
        return MTA_SILENT;
    mta->skipped = 0;
    if ((mta->steps & event->declined) != 0 && !event->bare_macros)
        return MTA_SILENT;
    if (!put_macros(mta, event))
        return broken(mta, "the filter hung up");
    if ((mta->steps & event->declined) != 0)
        return MTA_SILENT;
    if (!put_packet(mta, command, pieces, count))
        return broken(mta, "the filter hung up");
    if ((mta->steps & event->no_reply) != 0)
        return MTA_SILENT;
    return wait_for_answer(mta, command);
}

enum mta_answer mta_connect(struct mta *mta, const char *host, const char *ipv4)
{
    const uint16_t port = htons(50000);
    const char family = SMFIA_INET;
    const struct piece pieces[] = {
        text(host), {&family, 1}, {&port, sizeof port}, text(ipv4)};

    return send_event(mta, SMFIC_CONNECT, pieces, 4);
}

enum mta_answer mta_helo(struct mta *mta, const char *name)
{
    const struct piece piece = text(name);

    return send_event(mta, SMFIC_HELO, &piece, 1);
}

enum mta_answer mta_mail(struct mta *mta, const char *path)
{
    const struct piece piece = text(path);

    return send_event(mta, SMFIC_MAIL, &piece, 1);
}

enum mta_answer mta_rcpt(struct mta *mta, const char *path)
{
    const struct piece piece = text(path);

    return send_event(mta, SMFIC_RCPT, &piece, 1);
}

/* The connection then goes from smtpd to cleanup, so that Postfix writes what it has
 * gathered. */
enum mta_answer mta_data(struct mta *mta)
{
    const enum mta_answer answer = send_event(mta, SMFIC_DATA, NULL, 0);

    return flush(mta) ? answer : broken(mta, "the filter hung up");
}

enum mta_answer mta_header(struct mta *mta, const char *name, const char *value)
{
    const struct piece pieces[] = {text(name), text(value)};

    return send_event(mta, SMFIC_HEADER, pieces, 2);
}

enum mta_answer mta_end_of_headers(struct mta *mta)
{
    return send_event(mta, SMFIC_EOH, NULL, 0);
}

enum mta_answer mta_body(struct mta *mta, const char *bytes, size_t length)
{
    const struct piece piece = {bytes, length};

    assert(length <= MTA_BODY_CHUNK_MAX);
    return send_event(mta, SMFIC_BODY, &piece, 1);
}

enum mta_answer mta_end(struct mta *mta)
{
    return send_event(mta, SMFIC_BODYEOB, NULL, 0);
}

enum mta_answer mta_abort(struct mta *mta)
{
    mta->skipped = 0;
    return put_packet(mta, SMFIC_ABORT, NULL, 0) ? MTA_SILENT
                                                 : broken(mta, "the filter hung up");
}

void mta_close(struct mta *mta)
{
    if (mta->fd < 0)
        return;
    (void)(put_packet(mta, SMFIC_QUIT, NULL, 0) && flush(mta));
    (void)close(mta->fd);
    mta->fd = -1;
}

/* ---- connecting ---------------------------------------------------------- */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int connect_inet(const char *port_at_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *at = NULL;
    const unsigned long port = strtoul(port_at_address, &at, 10);
    int fd;

    if (*at != '@' || port == 0 || port > UINT16_MAX ||
        inet_pton(AF_INET, at + 1, &address.sin_addr) != 1)
        return -1;
    address.sin_port = htons((uint16_t)port);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int connect_to(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0)
        return connect_unix(address + 5);
    if (strncmp(address, "inet:", 5) == 0)
        return connect_inet(address + 5);
    return -1;
}

static void set_place(struct mta *mta, size_t place, const char *names)
{
    size_t count = 0;

    while (*names != '\0' && count < MTA_MACRO_COUNT) {
        const size_t length = strcspn(names, " ,");

        for (unsigned char i = 0; i < MTA_MACRO_COUNT; i++)
            if (strlen(macro_names[i]) == length &&
                memcmp(macro_names[i], names, length) == 0)
                mta->places[place][count++] = i;
        names += length;
        names += strspn(names, " ,");
    }
    mta->places[place][count] = MTA_MACRO_COUNT;
}

/* The filter's wishes for macros follow its three numbers: place, names, … */
static bool take_wishes(struct mta *mta, const char *data, size_t length)
{
    while (length > 0) {
        uint32_t place;
        size_t name_length;

        if (length <= sizeof place)
            return false;
        memcpy(&place, data, sizeof place);
        place = ntohl(place);
        data += sizeof place;
        length -= sizeof place;
        name_length = strnlen(data, length);
        if (place >= MTA_PLACE_COUNT || name_length == length)
            return false;
        set_place(mta, place, data);
        data += name_length + 1;
        length -= name_length + 1;
    }
    return true;
}

static enum mta_answer negotiate(struct mta *mta)
{
    const uint32_t offer[3] = {
        htonl(SMFI_PROT_VERSION), htonl(SMFI_CURR_ACTS), htonl(SMFI_CURR_PROT)};
    const struct piece piece = {offer, sizeof offer};
    uint32_t chosen[3];
    const char *data = NULL;
    size_t length = 0;

    if (!put_packet(mta, SMFIC_OPTNEG, &piece, 1) ||
        get_packet(mta, &data, &length) != SMFIC_OPTNEG || length < sizeof chosen)
        return broken(mta, "the filter did not negotiate");
    memcpy(chosen, data, sizeof chosen);
    mta->actions = ntohl(chosen[1]);
    mta->steps = ntohl(chosen[2]);
    if (ntohl(chosen[0]) > SMFI_PROT_VERSION ||
        (mta->steps & ~(uint32_t)SMFI_CURR_PROT) != 0 ||
        !take_wishes(mta, data + sizeof chosen, length - sizeof chosen))
        return broken(mta, "the filter wants what was not offered");
    return MTA_CONTINUE;
}

enum mta_answer mta_open(struct mta *mta, const char *address)
{
    const struct timeval timeout = {.tv_sec = MTA_TIMEOUT_S};

    mta->skipped = 0;
    mta->out_length = 0;
    mta->in_start = mta->in_end = 0;
    mta->edits = (struct mta_edits){0};
    mta->reply[0] = '\0';
    memcpy(mta->places, default_places, sizeof mta->places);
    mta->fd = connect_to(address);
    if (mta->fd < 0)
        return broken(mta, "cannot connect");
    (void)setsockopt(mta->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(mta->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return negotiate(mta);
}
