#include "syntax.h"

#include "gate/snapshot.h"

#include <nearmiss/policy.h>

#include <string.h>
#include <sys/un.h>

enum {
    PORT_MAX = 65535,
    FD_MAX = 1023,
    ACCOUNT_MAX = 32,
    HOST_MAX = 255,
    RULE_NAME_MAX = 64,
    MAILBOX_MAX = 254, /* RFC 5321, 4.5.3.1.3 */
    CONTACT_MAX = NM_CONTACT_MAX
};

static bool fail(struct nm_buf *why, const char *text)
{
    nm_buf_puts(why, text);
    return false;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether `text` begins with a decimal number of at most `greatest`; `*end` is behind. */
static bool take_number(
    const char *text, unsigned greatest, unsigned *number, const char **end)
{
    unsigned value = 0;

    if (*text < '0' || *text > '9')
        return false;
    for (*end = text; **end >= '0' && **end <= '9'; (*end)++) {
        value = 10 * value + (unsigned)(**end - '0');
        if (value > greatest)
            return false;
    }
    *number = value;
    return true;
}

/* ---- release ------------------------------------------------------------ */

static bool check_smtp(const char *text, const char *expected, struct nm_buf *why)
{
    const char *colon = strrchr(text, ':');
    const char *end = "";
    unsigned port = 0;

    if (!has_prefix(text, "smtp:") || colon < text + strlen("smtp:") + 1)
        return fail(why, expected);
    if (!take_number(colon + 1, PORT_MAX, &port, &end) || *end != '\0' || port == 0)
        return fail(why, "has no port behind its last colon");
    return true;
}

bool nm_check_release(const char *text, struct nm_buf *why)
{
    if (strcmp(text, "sendmail") == 0 || has_prefix(text, "sendmail:/"))
        return true;
    return check_smtp(text,
        "is none of \"sendmail\", \"sendmail:/path\" and \"smtp:host:port\"", why);
}

bool nm_check_smtp_route(const char *text, struct nm_buf *why)
{
    return check_smtp(text, "is no route; write \"smtp:127.0.0.1:25\"", why);
}

/* ---- people ------------------------------------------------------------- */

/* Whether all of it can be seen, and nothing of it means more than itself. */
static bool is_visible(const char *text, const char *not_allowed)
{
    char shown[NM_VISIBLE_MAX + 1];
    size_t step;

    for (size_t left = strlen(text); left > 0; text += step, left -= step) {
        step = nm_visible(text, left, shown);
        if (strlen(shown) != step || memcmp(shown, text, step) != 0 ||
            strchr(not_allowed, *text) != NULL)
            return false;
    }
    return true;
}

bool nm_check_mailbox(const char *text, struct nm_buf *why)
{
    const char *at = strchr(text, '@');

    if (text[0] == '\0')
        return true;
    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
        strlen(text) > MAILBOX_MAX || !is_visible(text, " \"\\<>(),:;[]"))
        return fail(why, "is no address; write \"postmaster@example.org\"");
    return true;
}

bool nm_check_contact(const char *text, struct nm_buf *why)
{
    if (strlen(text) > CONTACT_MAX || !is_visible(text, "\\"))
        return fail(
            why, "must have at most 100 bytes of UTF-8, and no control characters");
    return true;
}

/* ---- sockets ------------------------------------------------------------ */

const char *nm_unix_socket_path(const char *text)
{
    if (has_prefix(text, "unix:"))
        return text + strlen("unix:");
    if (has_prefix(text, "local:"))
        return text + strlen("local:");
    return NULL;
}

bool nm_check_unix_socket(const char *text, struct nm_buf *why)
{
    const size_t longest = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    const char *path = nm_unix_socket_path(text);

    if (path == NULL)
        return fail(why, "is no unix socket; write \"unix:/path\"");
    if (path[0] == '\0')
        return fail(why, "names no path");
    if (strlen(path) > longest) {
        nm_buf_printf(why, "has a path of %zu bytes; a socket's has at most %zu",
            strlen(path), longest);
        return false;
    }
    return true;
}

static bool check_inet_socket(const char *text, struct nm_buf *why)
{
    const char *end;
    unsigned port;

    if (!take_number(text, PORT_MAX, &port, &end) || port == 0)
        return fail(why, "has no port from 1 to 65535; write \"inet:8893@127.0.0.1\"");
    if (*end != '@' || end[1] == '\0')
        return fail(why, "names no host; write \"inet:8893@127.0.0.1\"");
    if (strlen(end + 1) > HOST_MAX || strpbrk(end + 1, " \t\r\n@") != NULL)
        return fail(why, "names no host that there can be");
    return true;
}

bool nm_check_milter_socket(const char *text, struct nm_buf *why)
{
    const char *end;
    unsigned fd;

    if (nm_unix_socket_path(text) != NULL)
        return nm_check_unix_socket(text, why);
    if (has_prefix(text, "inet:"))
        return check_inet_socket(text + strlen("inet:"), why);
    if (has_prefix(text, "inet6:"))
        return check_inet_socket(text + strlen("inet6:"), why);
    if (has_prefix(text, "fd:")) {
        if (take_number(text + strlen("fd:"), FD_MAX, &fd, &end) && *end == '\0')
            return true;
        return fail(why, "has no descriptor's number from 0 to 1023");
    }
    return fail(why, "is no socket; write \"unix:/path\", \"inet:port@host\", "
                     "\"inet6:port@host\" or \"fd:number\"");
}

/* ---- the rest ----------------------------------------------------------- */

bool nm_check_not_empty(const char *text, struct nm_buf *why)
{
    return text[0] != '\0' || fail(why, "names nothing");
}

bool nm_check_file_mode(const char *text, struct nm_buf *why)
{
    const size_t length = strlen(text);

    if (length >= 3 && length <= 4 && strspn(text, "01234567") == length &&
        (length == 3 || text[0] == '0'))
        return true;
    return fail(why, "is no mode; write three octal digits, as \"0660\"");
}

unsigned nm_file_mode(const char *text)
{
    unsigned mode = 0;

    for (; *text != '\0'; text++)
        mode = mode << 3 | (unsigned)(*text - '0');
    return mode;
}

bool nm_check_account(const char *text, struct nm_buf *why)
{
    const size_t length = strlen(text);

    if (length > ACCOUNT_MAX)
        return fail(why, "is longer than the 32 bytes of an account's name");
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == ':' || text[i] == '/' ||
            text[i] == 0x7f)
            return fail(why, "is no account's name");
    }
    return true;
}

bool nm_check_gateway(const char *text, struct nm_buf *why)
{
    if (strlen(text) > HOST_MAX)
        return fail(why, "is longer than 255 bytes");
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return fail(why, "holds something else than letters, digits and signs");
    }
    return true;
}

/* It stands in the log, in reports and in replies. */
bool nm_check_rule_name(const char *text, struct nm_buf *why)
{
    size_t left = strlen(text);
    bool is_good = left <= NM_RULE_NAME_MAX;

    while (is_good && left > 0) {
        uint32_t c = 0;
        const size_t size = nm_utf8_decode(text, left, &c);

        is_good = size > 0 && c >= 0x20 && (c < 0x7f || c > 0x9f);
        text += size;
        left -= size;
    }
    return is_good || fail(why, "is no name; it has at most 64 bytes of UTF-8 and no "
                                "control characters");
}

bool nm_check_network(const char *text, struct nm_buf *why)
{
    struct nm_network network;
    char address[NM_IP_TEXT_MAX + 1];

    if (nm_network_parse(text, &network))
        return true;
    if (!nm_network_around(text, &network))
        return fail(why, "is no network; write \"192.0.2.0/24\" or \"2001:db8::/32\"");
    nm_ip_format(&network.base, address);
    nm_buf_printf(why, "has bits behind its prefix; did you mean \"%s/%u\"?", address,
        (unsigned)network.bits);
    return false;
}
