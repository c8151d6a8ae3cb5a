/* Reading files whole, and the hash over everything that was read. */
#ifndef NM_CONFIG_FILE_H
#define NM_CONFIG_FILE_H

#include "gate/snapshot.h"

#include <nearmiss/base.h>

#include <sodium.h>

/* BLAKE2b-256 over texts, each with its length before it, so that no two sequences of
 * texts look alike. */
struct nm_digest {
    crypto_generichash_state state;
};

void nm_digest_init(struct nm_digest *digest);
void nm_digest_add(struct nm_digest *digest, const char *bytes, size_t length);
/* Ends the digest. */
void nm_digest_hex(struct nm_digest *digest, char hex[NM_CONFIG_HASH_LENGTH + 1]);

/* All of a regular file, of at most `cap_bytes`, with a NUL behind, for free(). NM_BAD_INPUT
 * with the cause in `error` (no file or line in it), or NM_NO_MEMORY. */
enum nm_code nm_file_read(const char *path, size_t cap_bytes, char **bytes,
    size_t *length, struct nm_error *error);

/* `path` as an absolute path, in `arena`: below `folder` unless it is absolute itself.
 * NULL out of memory. */
char *nm_path_below(struct nm_arena *arena, const char *folder, const char *path);

#endif
