#include "compose.h"

#include <nearmiss/base.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    VALUE_MAX = 4096,
    LINES_MAX = 32 * 1024, /* of the recipients, of the commands */
    TEXT_MAX = 64 * 1024,
    SUBJECT_MAX = 200,
    HOST_MAX = 255,
    QP_LINE_MAX = 76,   /* RFC 2045, 6.7 */
    WORD_BYTES_MAX = 45 /* in an encoded word of 75 characters, RFC 2047, 2 */
};

static const char *const built_in[NM_NOTICE_READERS] = {
    [NM_NOTICE_TO_SENDER] =
        "Subject: Your mail to %{domain} was not sent yet\n"
        "\n"
        "Your mail, subject: %{subject}\n"
        "%{what}\n"
        "\n"
        "%{recipients}\n"
        "\n"
        "If an address is wrong, send your mail again to the right one; what was held\n"
        "back can then be deleted. If it is right, you need do nothing: somebody "
        "looks\n"
        "at your mail, and lets it go. To ask, write to %{contact}, and name this\n"
        "reference: %{ref}\n",
    [NM_NOTICE_TO_REVIEWER] =
        "Subject: To be reviewed: mail from %{sender} to %{domain}\n"
        "\n"
        "A mail from %{sender}, subject: %{subject}\n"
        "%{what}\n"
        "\n"
        "%{recipients}\n"
        "\n"
        "What is known of it:  nearmiss audit show %{ref}\n"
        "To let it go:\n"
        "%{command}\n",
};

static const char is_held[] =
    "was not sent to anybody yet: it waits until someone has looked at it, because of";
static const char is_kept[] =
    "was not sent to these, and is kept until someone has looked at it; all other\n"
    "recipients have got it:";

/* ---- values ----------------------------------------------------------------- */

/* All that a template may name. */
struct values {
    char domain[VALUE_MAX];
    char rule[VALUE_MAX];
    char sender[VALUE_MAX];
    char recipient[VALUE_MAX];
    char subject[VALUE_MAX];
    char recipients[LINES_MAX];
    char command[LINES_MAX];
    char contact[VALUE_MAX];
    const char *all[NM_NOTICE_VALUE_COUNT];
};

static void put_visible(struct nm_bytes text, char *memory, size_t size)
{
    struct nm_buf buf;

    nm_buf_init(&buf, memory, size);
    nm_buf_put_visible(&buf, text.data, text.length);
}

static void put_visible_text(const char *text, char *memory, size_t size)
{
    put_visible((struct nm_bytes){text, strlen(text)}, memory, size);
}

/* Folded, a field has blanks where its lines ended. */
static void put_subject(const char *text, char *memory, size_t size)
{
    struct nm_buf buf;

    nm_buf_init(&buf, memory, size);
    for (size_t at = 0; text[at] != '\0'; at++) {
        const size_t plain = strcspn(text + at, "\r\n\t");

        nm_buf_put_visible(&buf, text + at, plain);
        at += plain;
        if (text[at] == '\0')
            break;
        if (text[at] == '\t')
            nm_buf_puts(&buf, " ");
    }
    if (buf.length == 0)
        nm_buf_puts(&buf, "(none)");
}

static void put_recipient(const struct nm_notice_recipient *one, struct nm_buf *out)
{
    nm_buf_puts(out, "  ");
    nm_buf_put_visible(out, one->recipient.data, one->recipient.length);
    if (one->target[0] != '\0')
        nm_buf_printf(out, "\n      looks like %s (%s). Ref %s", one->target, one->slip,
            one->id.text);
    else
        nm_buf_printf(out, "\n      rule %s. Ref %s", one->rule, one->id.text);
}

static void put_recipients(const struct nm_notice *notice, char *memory, size_t size)
{
    unsigned named = 0;
    struct nm_buf buf;

    nm_buf_init(&buf, memory, size);
    for (const struct nm_notice_recipient *one = notice->recipients; one != NULL;
         one = one->next) {
        nm_buf_puts(&buf, named++ > 0 ? "\n" : "");
        put_recipient(one, &buf);
    }
    if (named < notice->recipient_count)
        nm_buf_printf(&buf, "\n  and %u more", notice->recipient_count - named);
}

/* As mail servers make them; nothing else is put into a command line. */
static bool is_queue_id(const char *id)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return *id != '\0' && id[strspn(id, allowed)] == '\0';
}

static void put_commands(const struct nm_notice *notice, char *memory, size_t size)
{
    struct nm_buf buf;

    nm_buf_init(&buf, memory, size);
    if (notice->is_held && is_queue_id(notice->queue_id))
        nm_buf_printf(&buf,
            "  postsuper -H %s              with Postfix\n"
            "  sendmail -qQ -qI%s -Q        with Sendmail",
            notice->queue_id, notice->queue_id);
    else if (notice->is_held)
        nm_buf_puts(&buf, "  its queue id is not known; look for it with mailq");
    for (const struct nm_notice_recipient *one = notice->recipients; one != NULL;
         one = one->next)
        if (one->is_kept)
            nm_buf_printf(&buf, "%s  nearmiss quarantine release %s",
                buf.length > 0 ? "\n" : "", one->id.text);
}

static struct values *new_values(
    const struct nm_notice *notice, const struct nm_notice_envelope *envelope)
{
    const struct nm_notice_recipient *first = notice->recipients;
    struct values *values = calloc(1, sizeof *values);

    if (values == NULL)
        return NULL;
    put_visible_text(first->domain[0] != '\0' ? first->domain : "this address",
        values->domain, VALUE_MAX);
    put_visible_text(first->rule, values->rule, VALUE_MAX);
    put_visible(notice->sender, values->sender, VALUE_MAX);
    put_visible(first->recipient, values->recipient, VALUE_MAX);
    put_subject(notice->subject, values->subject, VALUE_MAX);
    put_visible_text(
        envelope->contact[0] != '\0' ? envelope->contact : "your postmaster",
        values->contact, VALUE_MAX);
    put_recipients(notice, values->recipients, LINES_MAX);
    put_commands(notice, values->command, LINES_MAX);
    values->all[NM_NOTICE_DOMAIN] = values->domain;
    values->all[NM_NOTICE_TARGET] = first->target;
    values->all[NM_NOTICE_SLIP] = first->slip;
    values->all[NM_NOTICE_REF] = first->id.text;
    values->all[NM_NOTICE_RULE] = values->rule;
    values->all[NM_NOTICE_SENDER] = values->sender;
    values->all[NM_NOTICE_RECIPIENT] = values->recipient;
    values->all[NM_NOTICE_RECIPIENTS] = values->recipients;
    values->all[NM_NOTICE_SUBJECT] = values->subject;
    values->all[NM_NOTICE_WHAT] = notice->is_held ? is_held : is_kept;
    values->all[NM_NOTICE_COMMAND] = values->command;
    values->all[NM_NOTICE_CONTACT] = values->contact;
    return values;
}

/* ---- the header ------------------------------------------------------------- */

static void put_date(int64_t time_us, struct nm_buf *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t seconds = (time_t)(time_us / 1000000);
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    nm_buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday],
        utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
        utc.tm_sec);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static void put_base64(const char *bytes, size_t length, struct nm_buf *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t at = 0; at < length; at += 3) {
        const size_t left = length - at;
        const unsigned group =
            (unsigned)(unsigned char)bytes[at] << 16 |
            (left > 1 ? (unsigned)(unsigned char)bytes[at + 1] << 8 : 0) |
            (left > 2 ? (unsigned)(unsigned char)bytes[at + 2] : 0);

        nm_buf_put(out, &digits[group >> 18], 1);
        nm_buf_put(out, &digits[group >> 12 & 63], 1);
        nm_buf_put(out, left > 1 ? &digits[group >> 6 & 63] : "=", 1);
        nm_buf_put(out, left > 2 ? &digits[group & 63] : "=", 1);
    }
}

/* How many bytes of valid UTF-8 make a word of at most `most`. */
static size_t word_length(const char *text, size_t most)
{
    size_t length = 0;
    uint32_t code_point;

    while (text[length] != '\0') {
        const size_t step =
            nm_utf8_decode(text + length, strlen(text + length), &code_point);

        if (step == 0 || length + step > most)
            break;
        length += step;
    }
    return length;
}

/* RFC 2047: what is not ASCII stands in encoded words, a line each. */
static void put_encoded(const char *text, struct nm_buf *out)
{
    while (*text != '\0') {
        const size_t length = word_length(text, WORD_BYTES_MAX);

        if (length == 0)
            break;
        nm_buf_puts(out, " =?utf-8?B?");
        put_base64(text, length, out);
        nm_buf_puts(out, "?=\r\n");
        text += length;
    }
}

/* `text` may hold anything: an end of a line in it does not end the field. */
static void put_subject_field(const char *text, struct nm_buf *out)
{
    char line[SUBJECT_MAX + 1];
    const size_t length = word_length(text, SUBJECT_MAX);

    for (size_t i = 0; i < length; i++)
        line[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    line[length] = '\0';
    nm_buf_puts(out, "Subject:");
    if (is_ascii(line))
        nm_buf_printf(out, " %s\r\n", line);
    else
        put_encoded(line, out);
}

/* A message's identifier that can be named as it is (RFC 5322, 3.6.4). */
static bool is_message_id(const char *id)
{
    const size_t length = strlen(id);

    if (length < 5 || id[0] != '<' || id[length - 1] != '>')
        return false;
    for (size_t i = 1; i < length - 1; i++)
        if (id[i] <= 0x20 || id[i] >= 0x7f || id[i] == '<' || id[i] == '>')
            return false;
    return strchr(id, '@') != NULL;
}

static const char *host_of(const char *gateway)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";

    const size_t length = strspn(gateway, allowed);

    return length > 0 && length <= HOST_MAX && gateway[length] == '\0' ? gateway
                                                                       : "localhost";
}

static void put_header(const struct nm_notice *notice,
    const struct nm_notice_envelope *envelope, const char *subject, bool is_plain,
    struct nm_buf *out)
{
    const char *host = host_of(envelope->gateway);

    put_date(envelope->time_us, out);
    if (envelope->from[0] != '\0')
        nm_buf_printf(out, "From: Mail filter <%s>\r\n", envelope->from);
    else
        nm_buf_printf(out, "From: Mail filter <postmaster@%s>\r\n", host);
    nm_buf_printf(out, "To: <%s>\r\n", envelope->to);
    put_subject_field(subject, out);
    nm_buf_printf(out, "Message-ID: <nearmiss.%s@%s>\r\n", envelope->id.text, host);
    if (is_message_id(notice->message_id))
        nm_buf_printf(out, "In-Reply-To: %s\r\nReferences: %s\r\n", notice->message_id,
            notice->message_id);
    nm_buf_printf(out,
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n" NM_NOTICE_HEADER ": %s\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: %s\r\n"
        "\r\n",
        notice->recipients->id.text, is_plain ? "7bit" : "quoted-printable");
}

/* ---- the body --------------------------------------------------------------- */

/* Whether it may go as it is: ASCII, in lines that every mail server takes. */
static bool is_plain(const char *text)
{
    size_t length = 0;

    for (; *text != '\0'; text++) {
        length = *text == '\n' ? 0 : length + 1;
        if ((unsigned char)*text >= 0x7f || length > 900 ||
            ((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t'))
            return false;
    }
    return true;
}

static bool needs_quoting(const char *at)
{
    const unsigned char byte = (unsigned char)*at;
    const bool is_last = at[1] == '\0' || at[1] == '\n';

    return byte >= 0x7f || byte == '=' || (byte < 0x20 && byte != '\t') ||
           ((byte == ' ' || byte == '\t') && is_last);
}

/* RFC 2045, 6.7. */
static void put_quoted(const char *text, struct nm_buf *out)
{
    size_t column = 0;

    for (; *text != '\0'; text++) {
        const bool quoted = needs_quoting(text);
        const size_t width = quoted ? 3 : 1;

        if (*text == '\n') {
            nm_buf_puts(out, "\r\n");
            column = 0;
            continue;
        }
        if (column + width > QP_LINE_MAX - 1) {
            nm_buf_puts(out, "=\r\n");
            column = 0;
        }
        if (quoted)
            nm_buf_printf(out, "=%02X", (unsigned char)*text);
        else
            nm_buf_put(out, text, 1);
        column += width;
    }
}

static void put_plain(const char *text, struct nm_buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            nm_buf_puts(out, "\r");
        nm_buf_put(out, text, 1);
    }
}

/* ---- the whole -------------------------------------------------------------- */

/* Part a template that begins with `Subject:` at its first line's end. */
static const char *split_subject(const char *template, char *subject, size_t size)
{
    static const char name[] = "Subject:";
    const size_t line = strcspn(template, "\r\n");
    const char *text = template;
    struct nm_buf buf;

    nm_buf_init(&buf, subject, size);
    if (strncmp(template, name, sizeof name - 1) != 0) {
        nm_buf_puts(&buf, "Mail that was not sent yet");
        return template;
    }
    text += sizeof name - 1;
    text += strspn(text, " \t");
    if (text < template + line)
        nm_buf_put(&buf, text, (size_t)(template + line - text));
    text = template + line;
    for (int ends = 0; ends < 2 && (*text == '\r' || *text == '\n'); text++)
        ends += *text == '\n';
    return text;
}

/* What stands in a template may have lines ended by CRLF. */
static void drop_returns(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++)
        if (*from != '\r')
            *to++ = *from;
    *to = '\0';
}

struct texts {
    char subject_template[NM_NOTICE_TEMPLATE_MAX + 1];
    char subject[TEXT_MAX];
    char body[TEXT_MAX];
};

static void expand(const char *template, const struct values *values, char *memory)
{
    struct nm_buf buf;

    nm_buf_init(&buf, memory, TEXT_MAX);
    nm_template_expand_text(template, &nm_notice_names, values->all, &buf);
    drop_returns(memory);
}

enum nm_code nm_notice_compose(const struct nm_notice *notice,
    const struct nm_notice_envelope *envelope, struct nm_buf *out)
{
    const char *template =
        envelope->template != NULL ? envelope->template : built_in[envelope->reader];
    struct texts *texts = calloc(1, sizeof *texts);
    struct values *values = new_values(notice, envelope);

    if (texts != NULL && values != NULL) {
        template = split_subject(
            template, texts->subject_template, sizeof texts->subject_template);
        expand(texts->subject_template, values, texts->subject);
        expand(template, values, texts->body);
        put_header(notice, envelope, texts->subject, is_plain(texts->body), out);
        if (is_plain(texts->body))
            put_plain(texts->body, out);
        else
            put_quoted(texts->body, out);
        if (out->text[out->length - 1] != '\n')
            nm_buf_puts(out, "\r\n");
    }
    free(values);
    free(texts);
    return texts != NULL && values != NULL ? NM_OK : NM_NO_MEMORY;
}
