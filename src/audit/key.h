/*
 * The key with which checkpoints and seals are signed: a file that only the daemon's user
 * may read, and beside it, with `.pub` behind its name, the public half for everybody:
 * a line, and behind it one for each key that it followed, the newest first.
 *
 * A key that is to follow lies in a file with `.next` behind its name until the log says
 * that it does; so whatever a crash leaves, the log tells which of both it is.
 */
#ifndef NM_AUDIT_KEY_H
#define NM_AUDIT_KEY_H

#include <nearmiss/base.h>

enum {
    NM_PUBLIC_KEY_BYTES = 32,
    NM_SIGNATURE_BYTES = 64,
    NM_PUBLIC_KEYS_MAX = 64 /* in one file; the oldest ones are left out */
};

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

/* Make the key that is to follow the one at `path`. Fails as above. */
enum nm_code nm_key_make_next(
    const char *path, struct nm_key **out, struct nm_error *error);

/* Let it take its place. NM_SYSTEM. */
enum nm_code nm_key_take_next(
    const char *path, const struct nm_key *next, struct nm_error *error);

/* What was cut off in between: the next key takes its place if it is `public`, which the
 * log names (NULL: it names none), and else goes. Fails as above where that cannot be told
 * or done; then it stays. */
enum nm_code nm_key_settle(
    const char *path, const uint8_t *public, struct nm_error *error);

/* Public halves, as their file has them. */
struct nm_public_keys {
    uint8_t keys[NM_PUBLIC_KEYS_MAX][NM_PUBLIC_KEY_BYTES];
    size_t count;
};

/* Read them; at least one. NM_SYSTEM, NM_BAD_INPUT. */
enum nm_code nm_key_read_publics(
    const char *path, struct nm_public_keys *out, struct nm_error *error);

bool nm_key_is_among(
    const struct nm_public_keys *keys, const uint8_t public[NM_PUBLIC_KEY_BYTES]);

#endif
