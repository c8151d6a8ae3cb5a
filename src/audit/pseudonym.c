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
