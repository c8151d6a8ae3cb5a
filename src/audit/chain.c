#include "chain.h"

#include <sodium.h>

#include <assert.h>
#include <string.h>

enum {
    QUEUE_ID_MAX = 255,
    COMMIT_AT_ONCE_MAX = 512,
    LINK_BYTES_MAX = 512 + QUEUE_ID_MAX + NM_LINK_MORE_MAX,
    ONE_ERASED = 1 + NM_HASH_BYTES + NM_SALT_BYTES
};

static_assert(NM_HASH_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

bool nm_hash_equal(const struct nm_hash *a, const struct nm_hash *b)
{
    return memcmp(a->bytes, b->bytes, NM_HASH_BYTES) == 0;
}

static void hash(const void *bytes, size_t length, struct nm_hash *out)
{
    (void)crypto_generichash(out->bytes, NM_HASH_BYTES, bytes, length, NULL, 0);
}

struct nm_hash nm_digest(const char *bytes, size_t length)
{
    struct nm_hash out = {{0}};

    if (bytes != NULL)
        hash(bytes, length, &out);
    return out;
}

/* ---- personal parts ----------------------------------------------------- */

struct nm_salts nm_salts_new(const uint8_t random[NM_PARTS * NM_SALT_BYTES])
{
    struct nm_salts salts = {.length = (size_t)NM_PARTS * NM_SALT_BYTES};

    memcpy(salts.bytes, random, salts.length);
    return salts;
}

bool nm_salts_read(const void *bytes, size_t length, struct nm_salts *out)
{
    const uint8_t *column = bytes;

    if (length != NM_PARTS * NM_SALT_BYTES && length != ONE_ERASED &&
        length != NM_SALTS_BYTES_MAX)
        return false;
    if (length == ONE_ERASED && column[0] != 1 && column[0] != 2)
        return false;
    memcpy(out->bytes, bytes, length);
    out->length = length;
    return true;
}

bool nm_salts_is_erased(const struct nm_salts *salts, enum nm_part part)
{
    if (salts->length == ONE_ERASED)
        return salts->bytes[0] == (part == NM_PART_SENDER ? 1 : 2);
    return salts->length == NM_SALTS_BYTES_MAX;
}

/* Where the salt of the part is, or its commitment. */
static size_t place(const struct nm_salts *salts, enum nm_part part)
{
    if (salts->length == ONE_ERASED) {
        if (part == NM_PART_SENDER)
            return 1;
        return salts->bytes[0] == 1 ? 1 + NM_HASH_BYTES : 1 + NM_SALT_BYTES;
    }
    return part == NM_PART_SENDER ? 0 : salts->length / 2;
}

/* Most values are short: then in one go, which takes half the time. */
static void commit(const uint8_t salt[NM_SALT_BYTES], const struct nm_hash *texts,
    size_t text_count, struct nm_bytes rest, struct nm_hash *out)
{
    const size_t head = NM_SALT_BYTES + text_count * sizeof *texts;
    uint8_t bytes[COMMIT_AT_ONCE_MAX];
    crypto_generichash_state state;

    assert(head <= sizeof bytes);
    memcpy(bytes, salt, NM_SALT_BYTES);
    if (text_count > 0)
        memcpy(bytes + NM_SALT_BYTES, texts, text_count * sizeof *texts);
    if (rest.length <= sizeof bytes - head) {
        if (rest.length > 0)
            memcpy(bytes + head, rest.data, rest.length);
        hash(bytes, head + rest.length, out);
        return;
    }
    (void)crypto_generichash_init(&state, NULL, 0, NM_HASH_BYTES);
    (void)crypto_generichash_update(&state, bytes, head);
    (void)crypto_generichash_update(&state, (const uint8_t *)rest.data, rest.length);
    (void)crypto_generichash_final(&state, out->bytes, NM_HASH_BYTES);
}

void nm_commit(const struct nm_salts *salts, enum nm_part part,
    const struct nm_hash *texts, size_t text_count, struct nm_bytes rest,
    struct nm_hash *out)
{
    const uint8_t *at = salts->bytes + place(salts, part);

    if (nm_salts_is_erased(salts, part))
        memcpy(out->bytes, at, NM_HASH_BYTES);
    else
        commit(at, texts, text_count, rest, out);
}

void nm_salts_erase(
    struct nm_salts *salts, enum nm_part part, const struct nm_hash *commitment)
{
    struct nm_salts out = {.length = 0};
    const bool both = nm_salts_is_erased(
        salts, part == NM_PART_SENDER ? NM_PART_RECIPIENT : NM_PART_SENDER);

    assert(!nm_salts_is_erased(salts, part));
    if (!both)
        out.bytes[out.length++] = part == NM_PART_SENDER ? 1 : 2;
    for (int i = 0; i < NM_PARTS; i++) {
        const enum nm_part each = (enum nm_part)i;
        const size_t size =
            both || each == part ? (size_t)NM_HASH_BYTES : (size_t)NM_SALT_BYTES;

        memcpy(out.bytes + out.length,
            each == part ? commitment->bytes : salts->bytes + place(salts, each), size);
        out.length += size;
    }
    *salts = out;
}

/* ---- events ------------------------------------------------------------- */

void nm_link_add(struct nm_link *link, const void *bytes, size_t length)
{
    assert(length <= sizeof link->more - link->more_length);
    memcpy(link->more + link->more_length, bytes, length);
    link->more_length += length;
}

static uint8_t *put_number(uint8_t *to, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(number >> (8 * i));
    return to + size;
}

void nm_link_add_number(struct nm_link *link, int64_t number)
{
    uint8_t bytes[8];

    (void)put_number(bytes, (uint64_t)number, sizeof bytes);
    nm_link_add(link, bytes, sizeof bytes);
}

static uint8_t *put_id(uint8_t *to, struct nm_bytes id)
{
    struct nm_hash whole = {{0}};

    if (id.length > NM_LINK_ID_BYTES)
        whole = nm_digest(id.data, id.length);
    else if (id.length > 0)
        memcpy(whole.bytes, id.data, id.length);
    *to = (uint8_t)(id.length < 255 ? id.length : 255);
    memcpy(to + 1, whole.bytes, NM_LINK_ID_BYTES);
    return to + 1 + NM_LINK_ID_BYTES;
}

static uint8_t *put_hash(uint8_t *to, const struct nm_hash *hash_of)
{
    memcpy(to, hash_of->bytes, NM_HASH_BYTES);
    return to + NM_HASH_BYTES;
}

static uint8_t *put_confidence(uint8_t *to, double confidence)
{
    uint64_t bits = UINT64_MAX;

    if (confidence >= 0)
        memcpy(&bits, &confidence, sizeof bits);
    return put_number(to, bits, sizeof bits);
}

static uint8_t *put_queue_id(uint8_t *to, struct nm_bytes id)
{
    const size_t length = id.length < QUEUE_ID_MAX ? id.length : (size_t)QUEUE_ID_MAX;

    to = put_number(to, id.length, 2);
    if (length > 0)
        memcpy(to, id.data, length);
    return to + length;
}

static uint8_t *put_link(uint8_t *to, const struct nm_link *link)
{
    to = put_number(to, (uint64_t)link->sequence, 8);
    to = put_number(to, (uint64_t)link->kind, 1);
    to = put_number(to, (uint64_t)link->time_us, 8);
    to = put_id(to, link->id);
    to = put_id(to, link->transaction);
    to = put_hash(to, &link->gateway);
    to = put_hash(to, &link->domain);
    to = put_hash(to, &link->target);
    to = put_hash(to, &link->rule);
    to = put_hash(to, &link->config);
    to = put_number(to, (uint64_t)link->match, 1);
    to = put_number(to, (uint64_t)link->technique, 1);
    to = put_number(to, (uint64_t)link->action, 1);
    to = put_number(to, (uint64_t)link->mode, 1);
    to = put_number(to, (uint64_t)link->outcome, 1);
    to = put_confidence(to, link->confidence);
    to = put_queue_id(to, link->queue_id);
    for (size_t i = 0; i < NM_PARTS; i++)
        to = put_hash(to, &link->parts[i]);
    memcpy(to, link->more, link->more_length);
    return to + link->more_length;
}

struct nm_hash nm_chain_begin(const uint8_t log[NM_LOG_NAME_BYTES], int64_t first)
{
    static const char context[] = "nearmiss audit log";
    uint8_t bytes[sizeof context + NM_LOG_NAME_BYTES + 8];
    struct nm_hash out;

    memcpy(bytes, context, sizeof context);
    memcpy(bytes + sizeof context, log, NM_LOG_NAME_BYTES);
    (void)put_number(bytes + sizeof context + NM_LOG_NAME_BYTES, (uint64_t)first, 8);
    hash(bytes, sizeof bytes, &out);
    return out;
}

struct nm_hash nm_chain_next(const struct nm_hash *before, const struct nm_link *link)
{
    uint8_t bytes[LINK_BYTES_MAX];
    struct nm_hash out;
    const uint8_t *end = put_link(put_hash(bytes, before), link);

    assert((size_t)(end - bytes) <= sizeof bytes);
    hash(bytes, (size_t)(end - bytes), &out);
    return out;
}
