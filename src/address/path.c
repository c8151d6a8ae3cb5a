/*
 * Paths of RFC 5321, 4.1.2, as mail servers hand them to a filter: more than the grammar
 * allows, because servers pass more than it allows.
 *
 * The point is to find the domain that the mail would go to. So the local part may be
 * anything (servers deliver control bytes, Latin-1 and VERP's long names there), and the
 * domain nothing but a domain. The domain begins behind the last `@` that is neither
 * quoted, nor escaped, nor inside an address literal; servers choose the same one. A `%`
 * or `!` in a local part (`user%there@gateway`) is left to the server that gets the mail.
 */
#include "names.h"

#include <arpa/inet.h>
#include <string.h>

/* Bytes from `at` up to `end`. */
struct span {
    const char *at;
    const char *end;
};

static size_t length_of(struct span span)
{
    return (size_t)(span.end - span.at);
}

static struct span trim(struct span span)
{
    while (span.at < span.end && span.at[0] == ' ')
        span.at++;
    while (span.at < span.end && span.end[-1] == ' ')
        span.end--;
    return span;
}

/* Every byte once: controls, and UTF-8 where it is not ASCII. */
static enum nm_address_fault check_bytes(struct span path)
{
    uint32_t code_point;

    while (path.at < path.end) {
        const unsigned char byte = (unsigned char)path.at[0];
        size_t size = 1;

        if (byte < 0x20 || byte == 0x7f)
            return NM_FAULT_CONTROL;
        if (byte > 0x7f)
            size = nm_utf8_decode(path.at, length_of(path), &code_point);
        if (size == 0)
            return NM_FAULT_UTF8;
        path.at += size;
    }
    return NM_FAULT_NONE;
}

/* Take `<` and `>` off, if both are there. */
static enum nm_address_fault take_brackets(struct span *path)
{
    if (path->at[0] != '<')
        return NM_FAULT_NONE;
    if (length_of(*path) < 2 || path->end[-1] != '>')
        return NM_FAULT_BRACKETS;
    path->at++;
    path->end--;
    *path = trim(*path);
    return NM_FAULT_NONE;
}

/* The end of a hop of a source route, which is not judged: a name or an address literal.
 * NULL when it is empty or does not end. */
static const char *skip_hop(struct span hop)
{
    const char *at = hop.at;

    if (at < hop.end && *at == '[') {
        at = memchr(at, ']', length_of(hop));
        return at != NULL ? at + 1 : NULL;
    }
    while (at < hop.end && strchr(",:@\"<>[] ", *at) == NULL)
        at++;
    return at > hop.at ? at : NULL;
}

/* `@hop,@hop:` before the mailbox; RFC 5321, appendix C: ignore it. One is enough. */
static enum nm_address_fault skip_route(struct span *path)
{
    while (path->at < path->end && path->at[0] == '@') {
        const char *behind = skip_hop((struct span){path->at + 1, path->end});

        if (behind == NULL || behind == path->end)
            return NM_FAULT_ROUTE;
        path->at = behind + 1;
        if (*behind == ':') {
            *path = trim(*path);
            return NM_FAULT_NONE;
        }
        if (*behind != ',' || path->at == path->end || path->at[0] != '@')
            return NM_FAULT_ROUTE;
    }
    return NM_FAULT_NONE;
}

/* The last byte of `@[…]`, or the `@` itself where no literal follows; NULL when the
 * literal does not end. */
static const char *skip_literal(struct span rest)
{
    if (length_of(rest) < 2 || rest.at[1] != '[')
        return rest.at;
    return memchr(rest.at, ']', length_of(rest));
}

/* Find the `@` before the domain, `*sign` NULL when there is none. A quoted string that
 * does not end, or a backslash with nothing behind it, is left to the domain's scan when
 * it stands behind the `@`. */
static enum nm_address_fault find_sign(struct span path, const char **sign)
{
    static const bool means_something[256] = {
        ['\\'] = true, ['"'] = true, ['<'] = true, ['>'] = true, ['@'] = true};
    bool quoted = false;
    bool open_escape = false;

    *sign = NULL;
    for (const char *at = path.at; at < path.end; at++) {
        if (!means_something[(uint8_t)*at])
            continue;
        if (*at == '\\') {
            open_escape = ++at == path.end;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (quoted) {
            continue;
        } else if (*at == '<' || *at == '>') {
            return NM_FAULT_BRACKETS;
        } else if (*at == '@') {
            *sign = at;
            at = skip_literal((struct span){at, path.end});
            if (at == NULL)
                return NM_FAULT_LITERAL;
        }
    }
    return (quoted || open_escape) && *sign == NULL ? NM_FAULT_LOCAL_PART
                                                    : NM_FAULT_NONE;
}

static bool is_ipv4(struct span text)
{
    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        int digits = 0;

        for (; text.at < text.end && *text.at >= '0' && *text.at <= '9'; text.at++) {
            value = value * 10 + (unsigned)(*text.at - '0');
            digits++;
        }
        if (digits < 1 || digits > 3 || value > 255)
            return false;
        if (part < 3 && (text.at == text.end || *text.at++ != '.'))
            return false;
    }
    return text.at == text.end;
}

static bool is_ipv6(struct span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (length_of(text) >= sizeof copy)
        return false;
    memcpy(copy, text.at, length_of(text));
    copy[length_of(text)] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_tag(struct span text)
{
    for (const char *at = text.at; at < text.end; at++) {
        const char c = nm_ascii_lower(*at);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return text.at < text.end && text.end[-1] != '-';
}

static bool is_ipv6_tag(struct span text)
{
    return length_of(text) == 4 && nm_ascii_lower(text.at[0]) == 'i' &&
           nm_ascii_lower(text.at[1]) == 'p' && nm_ascii_lower(text.at[2]) == 'v' &&
           text.at[3] == '6';
}

/* RFC 5321, 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[tag:content]`. */
static bool is_literal(struct span text)
{
    const char *colon;

    if (length_of(text) < 2 || text.end[-1] != ']')
        return false;
    text.at++;
    text.end--;
    colon = memchr(text.at, ':', length_of(text));
    if (colon == NULL)
        return is_ipv4(text);
    if (is_ipv6_tag((struct span){text.at, colon}))
        return is_ipv6((struct span){colon + 1, text.end});
    if (!is_tag((struct span){text.at, colon}) || colon + 1 == text.end)
        return false;
    for (const char *at = colon + 1; at < text.end; at++)
        if (*at <= ' ' || *at > '~' || *at == '[' || *at == '\\' || *at == ']')
            return false;
    return true;
}

/* `[army.mil]`: not in RFC 5321, but Sendmail takes it for the host of that name. One that
 * ends in a number was meant for an address. */
static bool is_bracketed_name(struct span text)
{
    const char *dot;

    if (length_of(text) < 3 || text.end[-1] != ']')
        return false;
    dot = memrchr(text.at, '.', length_of(text));
    return nm_ascii_lower(dot != NULL ? dot[1] : text.at[1]) >= 'a';
}

static enum nm_address_fault parse_domain(
    const struct nm_names *names, struct span text, struct nm_address *out)
{
    enum nm_address_fault fault;

    out->domain_text = text.at;
    out->domain_text_length = length_of(text);
    if (length_of(text) == 0)
        return NM_FAULT_DOMAIN;
    out->kind = NM_ADDRESS_MAILBOX;
    if (text.at[0] != '[')
        return nm_domain_parse(names, text.at, length_of(text), &out->domain);
    if (is_bracketed_name(text)) {
        fault = nm_domain_parse(names, text.at + 1, length_of(text) - 2, &out->domain);
        if (fault == NM_FAULT_NONE || fault == NM_FAULT_MEMORY)
            return fault;
    }
    out->kind = NM_ADDRESS_LITERAL;
    return is_literal(text) ? NM_FAULT_NONE : NM_FAULT_LITERAL;
}

static enum nm_address_fault parse_mailbox(
    const struct nm_names *names, struct span path, struct nm_address *out)
{
    const char *sign;
    enum nm_address_fault fault = find_sign(path, &sign);

    if (fault != NM_FAULT_NONE)
        return fault;
    if (length_of(path) == 0 || path.at[0] == '@')
        return NM_FAULT_LOCAL_PART;
    out->kind = NM_ADDRESS_LOCAL;
    out->local_part = path.at;
    out->local_part_length = (size_t)((sign != NULL ? sign : path.end) - path.at);
    if (sign == NULL)
        return NM_FAULT_NONE;
    return parse_domain(names, (struct span){sign + 1, path.end}, out);
}

static enum nm_address_fault split_path(
    const struct nm_names *names, struct span path, struct nm_address *out)
{
    enum nm_address_fault fault;

    path = trim(path);
    if (length_of(path) == 0)
        return NM_FAULT_EMPTY;
    fault = take_brackets(&path);
    if (fault != NM_FAULT_NONE)
        return fault;
    out->kind = NM_ADDRESS_NULL;
    if (length_of(path) == 0)
        return NM_FAULT_NONE;
    fault = skip_route(&path);
    return fault != NM_FAULT_NONE ? fault : parse_mailbox(names, path, out);
}

/* Bytes that text does not have are the fault only where no domain was found: they must
 * not hide one. A NUL always is, since no server passes one on. */
static enum nm_address_fault parse_path(
    const struct nm_names *names, struct span path, struct nm_address *out)
{
    enum nm_address_fault fault;
    enum nm_address_fault bytes;

    if (length_of(path) > NM_PATH_MAX)
        return NM_FAULT_TOO_LONG;
    if (memchr(path.at, '\0', length_of(path)) != NULL)
        return NM_FAULT_CONTROL;
    fault = split_path(names, path, out);
    if (fault == NM_FAULT_MEMORY ||
        (fault == NM_FAULT_NONE && out->kind == NM_ADDRESS_MAILBOX))
        return fault;
    bytes = check_bytes(path);
    return bytes != NM_FAULT_NONE ? bytes : fault;
}

void nm_address_parse(const struct nm_names *names, const char *path, size_t length,
    struct nm_address *out)
{
    *out = (struct nm_address){.kind = NM_ADDRESS_INVALID};
    if (length == 0) {
        out->fault = NM_FAULT_EMPTY;
        return;
    }
    out->fault = parse_path(names, (struct span){path, path + length}, out);
    if (out->fault != NM_FAULT_NONE)
        out->kind = NM_ADDRESS_INVALID;
}

const char *nm_address_fault_text(enum nm_address_fault fault)
{
    switch (fault) {
    case NM_FAULT_NONE:
        return "nothing is wrong with it";
    case NM_FAULT_EMPTY:
        return "it is empty";
    case NM_FAULT_CONTROL:
        return "it contains a control character";
    case NM_FAULT_UTF8:
        return "it is not valid UTF-8";
    case NM_FAULT_TOO_LONG:
        return "it is too long, or a part of it is";
    case NM_FAULT_BRACKETS:
        return "its angle brackets do not match, or something stands behind them";
    case NM_FAULT_ROUTE:
        return "its source route is broken";
    case NM_FAULT_LOCAL_PART:
        return "its part before the @ is empty, or holds a quoted string that does not "
               "end";
    case NM_FAULT_DOMAIN:
        return "its domain has an empty label, or a character that no domain has";
    case NM_FAULT_IDNA:
        return "its domain is not a valid international name";
    case NM_FAULT_LITERAL:
        return "its square brackets do not hold an address";
    case NM_FAULT_MEMORY:
        return "memory ran out while it was read";
    }
    return "unknown fault";
}
