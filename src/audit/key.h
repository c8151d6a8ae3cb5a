/*
 * The key with which checkpoints and seals are signed: a file that only the daemon's user
 * may read, and beside it, with `.pub` behind its name, the public half for everybody.
 */
#ifndef NM_AUDIT_KEY_H
#define NM_AUDIT_KEY_H

#include <nearmiss/base.h>

enum { NM_PUBLIC_KEY_BYTES = 32, NM_SIGNATURE_BYTES = 64 };

struct nm_key;

/* Read the key, or make one where there is none. NM_SYSTEM when it cannot be read or made,
 * or when others may read it; NM_BAD_INPUT when the file holds none; NM_NO_MEMORY. */
enum nm_code nm_key_open(const char *path, struct nm_key **out, struct nm_error *error);
void nm_key_close(struct nm_key **key);

const uint8_t *nm_key_public(const struct nm_key *key);

void nm_key_sign(const struct nm_key *key, const void *bytes, size_t length,
    uint8_t signature[NM_SIGNATURE_BYTES]);
bool nm_key_verify(const uint8_t public[NM_PUBLIC_KEY_BYTES], const void *bytes,
    size_t length, const uint8_t signature[NM_SIGNATURE_BYTES]);

/* The 32 bytes of a secret that a file holds behind `head`; with `make`, new ones where
 * there is no file. Only its owner may read it. */
enum nm_code nm_key_file(const char *path, const char *head, bool make, uint8_t out[32],
    struct nm_error *error);

/* Read a public half from its file. NM_SYSTEM, NM_BAD_INPUT. */
enum nm_code nm_key_read_public(
    const char *path, uint8_t out[NM_PUBLIC_KEY_BYTES], struct nm_error *error);

#endif
