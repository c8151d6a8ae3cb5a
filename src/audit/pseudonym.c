#include "pseudonym.h"

#include "key.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key_head[] = "nearmiss-names-key 1 ";

enum { KEY_BYTES = 32, NAME_BYTES = 10, NAME_DIGITS = 16 };

struct nm_pseudonyms {
    uint8_t key[KEY_BYTES];
};

enum nm_code nm_pseudonyms_open(
    const char *path, bool make, struct nm_pseudonyms **out, struct nm_error *error)
{
    struct nm_pseudonyms *pseudonyms = malloc(sizeof *pseudonyms);
    enum nm_code code;

    if (pseudonyms == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    code = nm_key_file(path, key_head, make, pseudonyms->key, error);
    if (code != NM_OK) {
        nm_pseudonyms_close(&pseudonyms);
        return code;
    }
    *out = pseudonyms;
    return NM_OK;
}

void nm_pseudonyms_close(struct nm_pseudonyms **pseudonyms)
{
    if (*pseudonyms == NULL)
        return;
    sodium_memzero(*pseudonyms, sizeof **pseudonyms);
    free(*pseudonyms);
    *pseudonyms = NULL;
}

/* The part with its @; "" without one. */
static struct nm_bytes domain_of(struct nm_bytes address)
{
    for (size_t at = address.length; at > 0; at--)
        if (address.data[at - 1] == '@')
            return (struct nm_bytes){address.data + at - 1, address.length - (at - 1)};
    return (struct nm_bytes){"", 0};
}

/* Base 32 as in RFC 4648, in lower case. */
static void put_digits(const uint8_t name[NAME_BYTES], struct nm_buf *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

    for (size_t i = 0; i < NAME_DIGITS; i++) {
        const size_t bit = 5 * i;
        const unsigned pair =
            (unsigned)name[bit / 8] << 8 |
            (bit / 8 + 1 < NAME_BYTES ? (unsigned)name[bit / 8 + 1] : 0U);

        nm_buf_put(out, &digits[pair >> (11 - bit % 8) & 31U], 1);
    }
}

static void put_keyed(
    const struct nm_pseudonyms *pseudonyms, struct nm_bytes address, struct nm_buf *out)
{
    crypto_generichash_state state;
    uint8_t name[crypto_generichash_BYTES];

    (void)crypto_generichash_init(&state, pseudonyms->key, KEY_BYTES, sizeof name);
    for (size_t i = 0; i < address.length; i++) {
        const uint8_t lower = (uint8_t)nm_ascii_lower(address.data[i]);

        (void)crypto_generichash_update(&state, &lower, 1);
    }
    (void)crypto_generichash_final(&state, name, sizeof name);
    put_digits(name, out);
}

struct nm_bytes nm_pseudonym(const struct nm_pseudonyms *pseudonyms,
    enum nm_audit_local_part kept, struct nm_bytes address, char out[NM_PSEUDONYM_MAX])
{
    const struct nm_bytes domain = domain_of(address);
    struct nm_buf buf;

    if (kept == NM_LOCAL_CLEAR || address.length == 0)
        return address;
    nm_buf_init(&buf, out, NM_PSEUDONYM_MAX);
    nm_buf_puts(&buf, "~");
    if (kept == NM_LOCAL_KEYED && pseudonyms != NULL)
        put_keyed(pseudonyms, address, &buf);
    nm_buf_put(&buf, domain.data, domain.length);
    return (struct nm_bytes){out, buf.length};
}

/* ---- addresses in a text ------------------------------------------------ */

/* What may stand in an address that nobody quoted; bytes of UTF-8 may. */
static bool is_of_address(char c)
{
    return (unsigned char)c > ' ' && c != 127 &&
           strchr("\"'(),:;<>[]\\`{|}", c) == NULL;
}

/* A local part in quotes may hold anything else. */
static size_t begin_of_address(const char *text, size_t from, size_t sign)
{
    size_t begin = sign;

    if (sign > from + 1 && text[sign - 1] == '"') {
        for (begin = sign - 1; begin > from; begin--)
            if (text[begin - 1] == '"' &&
                (begin - 1 == from || text[begin - 2] != '\\'))
                return begin - 1;
        return sign;
    }
    while (begin > from && is_of_address(text[begin - 1]))
        begin--;
    return begin;
}

/* A full stop behind an address ends a sentence. */
static size_t end_of_address(const char *text, size_t from)
{
    size_t end = from;

    while (is_of_address(text[end]) && text[end] != '@')
        end++;
    while (end > from && strchr(".!?", text[end - 1]) != NULL)
        end--;
    return end;
}

/* One that is kept like this already: `~`, and sixteen digits or nothing. */
static bool is_kept(struct nm_bytes address)
{
    const size_t local = address.length - domain_of(address).length;

    return address.data[0] == '~' &&
           (local == 1 || (local == NAME_DIGITS + 1 &&
                              strspn(address.data + 1,
                                  "abcdefghijklmnopqrstuvwxyz234567") == NAME_DIGITS));
}

/* The first address at or behind `from`; false when there is none. */
static bool find_address(const char *text, size_t from, struct nm_bytes *out)
{
    const char *sign = strchr(text + from, '@');

    for (; sign != NULL; sign = strchr(sign + 1, '@')) {
        const size_t at = (size_t)(sign - text);
        const size_t begin = begin_of_address(text, from, at);
        const size_t end = end_of_address(text, at + 1);

        if (begin < at && end > at + 1) {
            *out = (struct nm_bytes){text + begin, end - begin};
            return true;
        }
    }
    return false;
}

const char *nm_pseudonyms_in(const struct nm_pseudonyms *pseudonyms,
    enum nm_audit_local_part kept, const char *text, char *out, size_t size)
{
    char memory[NM_PSEUDONYM_MAX];
    struct nm_bytes address;
    struct nm_buf buf;
    size_t from = 0;

    if (kept == NM_LOCAL_CLEAR || text == NULL || !find_address(text, 0, &address))
        return text;
    nm_buf_init(&buf, out, size);
    while (find_address(text, from, &address)) {
        const struct nm_bytes kept_as =
            is_kept(address) ? address
                             : nm_pseudonym(pseudonyms, kept, address, memory);

        nm_buf_put(&buf, text + from, (size_t)(address.data - (text + from)));
        nm_buf_put(&buf, kept_as.data, kept_as.length);
        from = (size_t)(address.data - text) + address.length;
    }
    nm_buf_puts(&buf, text + from);
    return out;
}

static bool is_same(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (nm_ascii_lower(a[i]) != nm_ascii_lower(b[i]))
            return false;
    return true;
}

/* `bob@army.ml` stands in `(BOB@army.ml)`, and neither in `jimbob@army.ml` nor in
 * `bob@army.ml.example`; that it does in `bob@army.ml.` is the end of a sentence. */
bool nm_text_has_address(struct nm_bytes text, struct nm_bytes address)
{
    for (size_t at = 0; at + address.length <= text.length; at++) {
        const size_t end = at + address.length;

        if (!is_same(text.data + at, address.data, address.length) ||
            (at > 0 && is_of_address(text.data[at - 1])))
            continue;
        if (end == text.length || !is_of_address(text.data[end]) ||
            (strchr(".!?", text.data[end]) != NULL &&
                (end + 1 == text.length || !is_of_address(text.data[end + 1]))))
            return true;
    }
    return false;
}

enum nm_code nm_audit_keyed_address(const char *database, const char *address,
    char *out, size_t size, struct nm_error *error)
{
    char path[4096];
    char memory[NM_PSEUDONYM_MAX];
    struct nm_pseudonyms *pseudonyms = NULL;
    struct nm_bytes kept;
    struct nm_buf buf;
    enum nm_code code;

    (void)snprintf(path, sizeof path, "%s-names-key", database);
    code = nm_pseudonyms_open(path, false, &pseudonyms, error);
    if (code != NM_OK)
        return code;
    kept = nm_pseudonym(pseudonyms, NM_LOCAL_KEYED,
        (struct nm_bytes){address, strlen(address)}, memory);
    nm_buf_init(&buf, out, size);
    nm_buf_put(&buf, kept.data, kept.length);
    nm_pseudonyms_close(&pseudonyms);
    return NM_OK;
}
