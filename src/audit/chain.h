/*
 * The chain: each event of the log carries a hash over itself and the hash of the event
 * before, so that whoever changes, removes, inserts or moves one has to make all later
 * hashes anew; signed checkpoints, kept elsewhere, do not fit then.
 *
 *   hash(n) = BLAKE2b-256(hash(n - 1) | event n)
 *
 * The first event that a log chained follows nm_chain_begin(). An event is, in this
 * order, numbers little-endian:
 *
 *   sequence (8 bytes), kind (1), time_us (8),
 *   id and transaction_id, each its length (1) and 16 bytes, filled up with zeros
 *     (of one that is longer, the first 16 bytes of its digest),
 *   the digests (32 each) of gateway, domain, target, rule and the configuration's hash,
 *   match, technique, action, mode, outcome (1 each; 0 for none),
 *   confidence as an IEEE double (8; all ones for none),
 *   length of the queue id (2) and the queue id, of which at most 255 bytes,
 *   the commitments (32 each) to its two personal parts,
 *   and what kinds other than decisions and outcomes have beside (see rows.c).
 *
 * The digest of a text is BLAKE2b-256 over its bytes; 32 zeros where there is none.
 *
 * What is personal stands in it as commitments, BLAKE2b-256 over a salt of the row and the
 * values: one to who sent (digests of sender, client and auth, then the reply), one to the
 * recipient. An act has them too: to the actor's digest and the reason, and to the
 * subject. To erase a part, its values are removed and its salt replaced by the
 * commitment, which tells nothing without the salt: the hash stays as it was. So the
 * column `salt` is
 *
 *   32 bytes: both salts;
 *   49 bytes: 1, the first commitment, the second salt; or 2, the first salt, the second
 *     commitment;
 *   64 bytes: both commitments.
 *
 * Pure: no database in here.
 */
#ifndef NM_AUDIT_CHAIN_H
#define NM_AUDIT_CHAIN_H

#include "gate/ports.h"

enum {
    NM_HASH_BYTES = 32,
    NM_SALT_BYTES = 16,
    NM_SALTS_BYTES_MAX = 2 * NM_HASH_BYTES, /* of the column `salt` */
    NM_LINK_ID_BYTES = 16,
    NM_LINK_MORE_MAX = 128
};

struct nm_hash {
    uint8_t bytes[NM_HASH_BYTES];
};

bool nm_hash_equal(const struct nm_hash *a, const struct nm_hash *b);

/* The digest of a text; NULL is none. */
struct nm_hash nm_digest(const char *bytes, size_t length);

/* ---- personal parts ----------------------------------------------------- */

enum nm_part { NM_PART_SENDER, NM_PART_RECIPIENT, NM_PARTS };

/* The column `salt`. */
struct nm_salts {
    uint8_t bytes[NM_SALTS_BYTES_MAX];
    size_t length;
};

/* Salts for a new event, of which nothing is erased. */
struct nm_salts nm_salts_new(const uint8_t random[NM_PARTS * NM_SALT_BYTES]);

/* False when `bytes` are not what the column can hold. */
bool nm_salts_read(const void *bytes, size_t length, struct nm_salts *out);

bool nm_salts_is_erased(const struct nm_salts *salts, enum nm_part part);

/* The commitment to values; of a part that is erased, the one that was kept, whatever the
 * values. `texts` are three digests for who sent, one for an act's actor, none for a
 * recipient. */
void nm_commit(const struct nm_salts *salts, enum nm_part part,
    const struct nm_hash *texts, size_t text_count, struct nm_bytes rest,
    struct nm_hash *out);

/* Put the commitment in the place of the part's salt. */
void nm_salts_erase(
    struct nm_salts *salts, enum nm_part part, const struct nm_hash *commitment);

/* ---- events ------------------------------------------------------------- */

struct nm_link {
    int64_t sequence;
    int kind;
    int64_t time_us;
    struct nm_bytes id; /* as the columns hold them */
    struct nm_bytes transaction;
    struct nm_hash gateway;
    struct nm_hash domain;
    struct nm_hash target;
    struct nm_hash rule;
    struct nm_hash config;
    int match;
    int technique;
    int action;
    int mode;
    int outcome;
    double confidence; /* < 0: none */
    struct nm_bytes queue_id;
    struct nm_hash parts[NM_PARTS];
    uint8_t more[NM_LINK_MORE_MAX];
    size_t more_length;
};

/* Append to `more`. */
void nm_link_add(struct nm_link *link, const void *bytes, size_t length);
void nm_link_add_number(struct nm_link *link, int64_t number);

/* What the first event that is chained follows: the log's name, and its sequence. */
enum { NM_LOG_NAME_BYTES = 16 };
struct nm_hash nm_chain_begin(const uint8_t log[NM_LOG_NAME_BYTES], int64_t first);

struct nm_hash nm_chain_next(const struct nm_hash *before, const struct nm_link *link);

#endif
