/*
 * Checkpoints: the end of the chain at a moment, signed. The signature is Ed25519 over
 *
 *   "nearmiss audit checkpoint 1", a zero byte, the log's name (16 bytes),
 *   sequence and time_us (8 bytes each, little-endian), hash (32 bytes).
 *
 * The hash is that of the checkpoint's own event, and so covers all before it.
 */
#ifndef NM_AUDIT_CHECKPOINT_H
#define NM_AUDIT_CHECKPOINT_H

#include "chain.h"
#include "key.h"

struct nm_checkpoint {
    uint8_t log[NM_LOG_NAME_BYTES];
    int64_t sequence;
    int64_t time_us;
    struct nm_hash hash;
    uint8_t key[NM_PUBLIC_KEY_BYTES]; /* the public half of the one that signed */
    uint8_t signature[NM_SIGNATURE_BYTES];
};

void nm_checkpoint_sign(struct nm_checkpoint *checkpoint, const struct nm_key *key);
bool nm_checkpoint_verify(
    const struct nm_checkpoint *checkpoint, const uint8_t key[NM_PUBLIC_KEY_BYTES]);

/* The values as they stand in the system log. */
struct nm_checkpoint_text {
    char log[2 * NM_LOG_NAME_BYTES + 1];
    char sequence[24];
    char time_us[24];
    char hash[2 * NM_HASH_BYTES + 1];
    char key[2 * NM_PUBLIC_KEY_BYTES + 1];
    char signature[2 * NM_SIGNATURE_BYTES + 1];
};
void nm_checkpoint_format(
    const struct nm_checkpoint *checkpoint, struct nm_checkpoint_text *out);

/* From a line of the system log: behind NM_CHECKPOINT_MESSAGE stand log=, sequence=,
 * time_us=, hash=, key= and signature= with their values. */
#define NM_CHECKPOINT_MESSAGE "audit checkpoint"
bool nm_checkpoint_parse(const char *line, struct nm_checkpoint *out);

#endif
