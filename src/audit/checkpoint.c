#include "checkpoint.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char context[] = "nearmiss audit checkpoint 1"; /* with its zero byte */

enum { SIGNED_BYTES = sizeof context + NM_LOG_NAME_BYTES + 16 + NM_HASH_BYTES };

static uint8_t *put_number(uint8_t *to, int64_t number)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (uint8_t)((uint64_t)number >> (8 * i));
    return to + 8;
}

static void put_signed(
    const struct nm_checkpoint *checkpoint, uint8_t out[SIGNED_BYTES])
{
    memcpy(out, context, sizeof context);
    out += sizeof context;
    memcpy(out, checkpoint->log, NM_LOG_NAME_BYTES);
    out = put_number(out + NM_LOG_NAME_BYTES, checkpoint->sequence);
    out = put_number(out, checkpoint->time_us);
    memcpy(out, checkpoint->hash.bytes, NM_HASH_BYTES);
}

void nm_checkpoint_sign(struct nm_checkpoint *checkpoint, const struct nm_key *key)
{
    uint8_t bytes[SIGNED_BYTES];

    memcpy(checkpoint->key, nm_key_public(key), NM_PUBLIC_KEY_BYTES);
    put_signed(checkpoint, bytes);
    nm_key_sign(key, bytes, sizeof bytes, checkpoint->signature);
}

bool nm_checkpoint_verify(
    const struct nm_checkpoint *checkpoint, const uint8_t key[NM_PUBLIC_KEY_BYTES])
{
    uint8_t bytes[SIGNED_BYTES];

    put_signed(checkpoint, bytes);
    return nm_key_verify(key, bytes, sizeof bytes, checkpoint->signature);
}

/* ---- as text ------------------------------------------------------------ */

void nm_checkpoint_format(
    const struct nm_checkpoint *checkpoint, struct nm_checkpoint_text *out)
{
    (void)sodium_bin2hex(
        out->log, sizeof out->log, checkpoint->log, sizeof checkpoint->log);
    (void)snprintf(
        out->sequence, sizeof out->sequence, "%lld", (long long)checkpoint->sequence);
    (void)snprintf(
        out->time_us, sizeof out->time_us, "%lld", (long long)checkpoint->time_us);
    (void)sodium_bin2hex(
        out->hash, sizeof out->hash, checkpoint->hash.bytes, NM_HASH_BYTES);
    (void)sodium_bin2hex(
        out->key, sizeof out->key, checkpoint->key, sizeof checkpoint->key);
    (void)sodium_bin2hex(out->signature, sizeof out->signature, checkpoint->signature,
        sizeof checkpoint->signature);
}

/* The value behind `key=`, which stands at the beginning of a word. */
static const char *find_value(const char *line, const char *key)
{
    const size_t length = strlen(key);

    for (const char *at = line; (at = strstr(at, key)) != NULL; at += length)
        if ((at == line || at[-1] == ' ' || at[-1] == '\t' || at[-1] == '"') &&
            at[length] == '=')
            return at + length + 1;
    return NULL;
}

static bool find_bytes(const char *line, const char *key, uint8_t *out, size_t size)
{
    const char *value = find_value(line, key);
    const size_t digits = value != NULL ? strspn(value, "0123456789abcdefABCDEF") : 0;

    return digits == 2 * size &&
           sodium_hex2bin(out, size, value, digits, NULL, NULL, NULL) == 0;
}

static bool find_number(const char *line, const char *key, int64_t *out)
{
    const char *value = find_value(line, key);
    char *end = NULL;

    if (value == NULL || *value < '0' || *value > '9')
        return false;
    errno = 0;
    *out = strtoll(value, &end, 10);
    return errno == 0 && (*end == '\0' || strchr(" \t\r\n\"", *end) != NULL);
}

bool nm_checkpoint_parse(const char *line, struct nm_checkpoint *out)
{
    struct nm_checkpoint found;

    line = strstr(line, NM_CHECKPOINT_MESSAGE " log=");
    if (line == NULL || !find_bytes(line, "log", found.log, sizeof found.log) ||
        !find_number(line, "sequence", &found.sequence) ||
        !find_number(line, "time_us", &found.time_us) ||
        !find_bytes(line, "hash", found.hash.bytes, NM_HASH_BYTES) ||
        !find_bytes(line, "key", found.key, sizeof found.key) ||
        !find_bytes(line, "signature", found.signature, sizeof found.signature))
        return false;
    *out = found;
    return true;
}
