/*
 * A client of SMTP (RFC 5321) for one message and one recipient. Each command waits for
 * its reply. The end of the message is the one moment at which a lost reply leaves it open
 * whether the message was taken over.
 */
#include "submit.h"

#include "route.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COMMAND_MAX = 8192,
    LINE_MAX_BYTES = 4096,
    READ_BYTES = 32 * 1024,
    REPLY_LINES_MAX = 200
};

struct client {
    struct nm_route route;
    const int *stop;
    char line[LINE_MAX_BYTES]; /* of the last reply, its last line */
    char input[LINE_MAX_BYTES];
    size_t input_length;
    bool offers_dsn;
    bool offers_8bitmime;
    bool offers_smtputf8;
};

/* ---- bytes ------------------------------------------------------------------ */

static enum nm_code send_all(
    struct client *client, const char *bytes, size_t length, struct nm_error *error)
{
    while (length > 0) {
        const enum nm_code code =
            nm_route_wait(client->route.peer, POLLOUT, client->stop, error);
        ssize_t sent;

        if (code != NM_OK)
            return code;
        sent = send(client->route.peer, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (sent < 0)
            return nm_fail(
                error, NM_SYSTEM, "the mail server hung up: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
    return NM_OK;
}

static enum nm_code fill(struct client *client, struct nm_error *error)
{
    const enum nm_code code =
        nm_route_wait(client->route.peer, POLLIN, client->stop, error);
    ssize_t got;

    if (code != NM_OK)
        return code;
    if (client->input_length == sizeof client->input)
        return nm_fail(error, NM_SYSTEM, "the mail server's reply has too long a line");
    got = recv(client->route.peer, client->input + client->input_length,
        sizeof client->input - client->input_length, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        return nm_fail(error, NM_SYSTEM, "the mail server hung up");
    client->input_length += got > 0 ? (size_t)got : 0;
    return NM_OK;
}

/* The next line into `line`, without its end. */
static enum nm_code read_line(struct client *client, struct nm_error *error)
{
    const char *newline;
    size_t length;

    while ((newline = memchr(client->input, '\n', client->input_length)) == NULL) {
        const enum nm_code code = fill(client, error);

        if (code != NM_OK)
            return code;
    }
    length = (size_t)(newline - client->input);
    memcpy(client->line, client->input, length);
    client->line[length > 0 && client->line[length - 1] == '\r' ? length - 1 : length] =
        '\0';
    client->input_length -= length + 1;
    memmove(client->input, newline + 1, client->input_length);
    return NM_OK;
}

/* ---- replies ---------------------------------------------------------------- */

static void note_offer(struct client *client, const char *word)
{
    if (strncasecmp(word, "DSN", 3) == 0)
        client->offers_dsn = true;
    else if (strcasecmp(word, "8BITMIME") == 0)
        client->offers_8bitmime = true;
    else if (strcasecmp(word, "SMTPUTF8") == 0)
        client->offers_smtputf8 = true;
}

/* A whole reply, which must begin with the digit `wanted`. */
static enum nm_code expect(struct client *client, char wanted, struct nm_error *error)
{
    char shown[NM_SUBMIT_REPLY_MAX / 2];
    struct nm_buf buf;

    for (size_t i = 0; i < REPLY_LINES_MAX; i++) {
        const enum nm_code code = read_line(client, error);

        if (code != NM_OK)
            return code;
        if (strspn(client->line, "0123456789") != 3)
            return nm_fail(error, NM_SYSTEM, "what answers is no mail server");
        if (client->line[3] != '\0')
            note_offer(client, client->line + 4);
        if (client->line[3] != '-')
            break;
    }
    if (client->line[0] == wanted)
        return NM_OK;
    nm_buf_init(&buf, shown, sizeof shown);
    nm_buf_put_visible(&buf, client->line, strlen(client->line));
    return nm_fail(error, NM_BAD_INPUT, "the mail server says: %s", shown);
}

static enum nm_code command(struct client *client, const struct nm_buf *line,
    char wanted, struct nm_error *error)
{
    enum nm_code code;

    if (line->truncated)
        return nm_fail(error, NM_LIMIT, "an SMTP command is too long");
    code = send_all(client, line->text, line->length, error);
    return code == NM_OK ? expect(client, wanted, error) : code;
}

static enum nm_code say(
    struct client *client, const char *words, char wanted, struct nm_error *error)
{
    char text[COMMAND_MAX];
    struct nm_buf line;

    nm_buf_init(&line, text, sizeof text);
    nm_buf_printf(&line, "%s\r\n", words);
    return command(client, &line, wanted, error);
}

/* ---- the envelope ------------------------------------------------------------ */

static bool is_offered(const struct client *client, const char *option)
{
    static const char *const dsn[] = {"RET=", "ENVID=", "ORCPT=", "NOTIFY="};

    if (strncasecmp(option, "BODY=", 5) == 0)
        return client->offers_8bitmime;
    if (strncasecmp(option, "SMTPUTF8", 8) == 0)
        return client->offers_smtputf8;
    for (size_t i = 0; i < NM_COUNT(dsn); i++) {
        if (strncasecmp(option, dsn[i], strlen(dsn[i])) == 0)
            return client->offers_dsn;
    }
    return false;
}

/* Addresses and parameters came from a mail server's own commands; still no byte of them
 * may end a line. */
static bool is_one_line(const char *text)
{
    return strpbrk(text, "\r\n") == NULL;
}

static enum nm_code say_path(struct client *client, const char *verb, const char *path,
    const char *options, struct nm_error *error)
{
    char text[COMMAND_MAX];
    struct nm_buf line;

    if (!is_one_line(path) || !is_one_line(options))
        return nm_fail(error, NM_BAD_INPUT, "the envelope holds a line's end");
    nm_buf_init(&line, text, sizeof text);
    nm_buf_printf(&line, "%s:<%s>", verb, path);
    while (*options != '\0') {
        const size_t length = strcspn(options, " ");

        if (is_offered(client, options)) {
            nm_buf_puts(&line, " ");
            nm_buf_put(&line, options, length);
        }
        options += length + (options[length] == ' ');
    }
    nm_buf_puts(&line, "\r\n");
    return command(client, &line, '2', error);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

static enum nm_code greet(
    struct client *client, const char *name, struct nm_error *error)
{
    char hello[512];
    struct nm_buf buf;
    enum nm_code code = expect(client, '2', error);

    client->offers_dsn = client->offers_8bitmime = client->offers_smtputf8 = false;
    nm_buf_init(&buf, hello, sizeof hello);
    nm_buf_printf(
        &buf, "EHLO %s", is_one_line(name) && name[0] != '\0' ? name : "localhost");
    return code == NM_OK ? say(client, hello, '2', error) : code;
}

/* What was sent to a UTF-8 address needs a server that takes one. */
static enum nm_code say_envelope(struct client *client,
    const struct nm_submission *submission, struct nm_error *error)
{
    const bool needs_utf8 = strcasestr(submission->mail_options, "SMTPUTF8") != NULL;
    const bool is_plain =
        is_ascii(submission->sender) && is_ascii(submission->recipient);
    char options[COMMAND_MAX];
    struct nm_buf buf;
    enum nm_code code;

    if (needs_utf8 && !client->offers_smtputf8)
        return nm_fail(error, NM_BAD_INPUT,
            "the message needs SMTPUTF8, which the mail server does not offer");
    nm_buf_init(&buf, options, sizeof options);
    nm_buf_puts(&buf, submission->mail_options);
    if (!needs_utf8 && !is_plain && client->offers_smtputf8)
        nm_buf_puts(&buf, " SMTPUTF8");
    code = say_path(client, "MAIL FROM", submission->sender, options, error);
    if (code == NM_OK)
        code = say_path(
            client, "RCPT TO", submission->recipient, submission->rcpt_options, error);
    return code;
}

/* ---- the message -------------------------------------------------------------- */

/* Bytes as DATA wants them: a dot more at the beginning of a line that has one, and every
 * line ended by CRLF. What is no line's end is left alone. */
struct stuffing {
    char last; /* byte that was sent; '\n' at the beginning of a line */
    char out[2 * READ_BYTES];
    size_t length;
};

static void stuff(struct stuffing *stuffing, const char *bytes, size_t length)
{
    stuffing->length = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '.' && stuffing->last == '\n')
            stuffing->out[stuffing->length++] = '.';
        if (bytes[i] == '\n' && stuffing->last != '\r')
            stuffing->out[stuffing->length++] = '\r';
        stuffing->out[stuffing->length++] = bytes[i];
        stuffing->last = bytes[i];
    }
}

static enum nm_code send_content(
    struct client *client, int file, struct nm_error *error)
{
    static _Thread_local struct stuffing stuffing;
    char bytes[READ_BYTES];
    enum nm_code code = NM_OK;

    stuffing.last = '\n';
    while (code == NM_OK) {
        const ssize_t got = read(file, bytes, sizeof bytes);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return nm_fail(
                error, NM_SYSTEM, "the message cannot be read: %s", strerror(errno));
        if (got == 0)
            break;
        stuff(&stuffing, bytes, (size_t)got);
        code = send_all(client, stuffing.out, stuffing.length, error);
    }
    if (code == NM_OK && stuffing.last != '\n')
        code = send_all(client, "\r\n", 2, error);
    return code;
}

static enum nm_code transfer(struct client *client,
    const struct nm_submission *submission, struct nm_submit_result *result,
    struct nm_error *error)
{
    enum nm_code code = greet(client, submission->name, error);

    if (code == NM_OK)
        code = say_envelope(client, submission, error);
    if (code == NM_OK)
        code = say(client, "DATA", '3', error);
    if (code == NM_OK)
        code = send_content(client, submission->file, error);
    if (code != NM_OK)
        return code;
    code = say(client, ".", '2', error);
    result->is_unsure = code != NM_OK && code != NM_BAD_INPUT;
    return code;
}

enum nm_code nm_submit(const struct nm_submission *submission,
    struct nm_submit_result *result, struct nm_error *error)
{
    struct client client = {.stop = submission->stop};
    struct nm_error ignored;
    struct nm_buf reply;
    enum nm_code code;

    result->is_unsure = false;
    nm_buf_init(&reply, result->reply, sizeof result->reply);
    code = nm_route_open(
        submission->route, submission->option, submission->stop, &client.route, error);
    if (code != NM_OK)
        return code;
    code = transfer(&client, submission, result, error);
    nm_buf_put_visible(&reply, client.line, strlen(client.line));
    /* It has the message or it has not: how it takes leave does not matter. */
    if (code == NM_OK || code == NM_BAD_INPUT)
        (void)say(&client, "QUIT", '2', &ignored);
    nm_route_close(&client.route);
    return code;
}
