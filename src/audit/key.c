#include "key.h"

#include <sodium.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is one line: what it is, and 32 bytes in hexadecimal. */
static const char secret_head[] = "nearmiss-signing-key 1 ";
static const char public_head[] = "nearmiss-public-key 1 ";

enum {
    SEED_BYTES = 32,
    HEX_LENGTH = 2 * SEED_BYTES,
    LINE_MAX_BYTES = 128,
    PATH_BYTES_MAX = 4096
};

static_assert(SEED_BYTES == crypto_sign_SEEDBYTES, "the files hold seeds");
static_assert(NM_PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(NM_SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");

struct nm_key {
    uint8_t public[NM_PUBLIC_KEY_BYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

/* ---- files -------------------------------------------------------------- */

static enum nm_code fail(const char *path, const char *what, struct nm_error *error)
{
    return nm_fail(error, NM_SYSTEM, "%s: %s: %s", path, what, strerror(errno));
}

/* Root's tools make files for the user whom the folder belongs to. */
static bool give_to_folders_owner(int file, const char *path)
{
    char folder[PATH_BYTES_MAX];
    struct stat owner;
    const char *slash = strrchr(path, '/');

    (void)snprintf(folder, sizeof folder, "%.*s",
        slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    return geteuid() != 0 || stat(folder, &owner) != 0 ||
           fchown(file, owner.st_uid, owner.st_gid) == 0;
}

/* Whole or not at all: a file with another name that gets this one when it is on disk. */
static enum nm_code write_line(const char *path, mode_t mode, const char *head,
    const uint8_t bytes[SEED_BYTES], struct nm_error *error)
{
    char name[PATH_BYTES_MAX];
    char hex[HEX_LENGTH + 1];
    enum nm_code code = NM_OK;
    int file;

    (void)snprintf(name, sizeof name, "%s.new", path);
    (void)unlink(name); /* of one that was cut off */
    file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(name, "cannot be made", error);
    (void)sodium_bin2hex(hex, sizeof hex, bytes, SEED_BYTES);
    if (dprintf(file, "%s%s\n", head, hex) < 0 || fchmod(file, mode) != 0 ||
        !give_to_folders_owner(file, path) || fsync(file) != 0 ||
        rename(name, path) != 0) {
        code = fail(path, "cannot be made", error);
        (void)unlink(name);
    }
    sodium_memzero(hex, sizeof hex);
    (void)close(file);
    return code;
}

static enum nm_code parse_line(const char *path, const char *line, const char *head,
    uint8_t out[SEED_BYTES], struct nm_error *error)
{
    const size_t head_length = strlen(head);
    size_t length = 0;

    if (strncmp(line, head, head_length) == 0 &&
        sodium_hex2bin(out, SEED_BYTES, line + head_length, HEX_LENGTH, NULL, &length,
            NULL) == 0 &&
        length == SEED_BYTES)
        return NM_OK;
    return nm_fail(error, NM_BAD_INPUT, "%s: this file holds no %.*s", path,
        (int)strcspn(head, " "), head);
}

/* Where there is no file, errno is ENOENT afterwards. */
static enum nm_code read_line(const char *path, const char *head, mode_t forbidden,
    uint8_t out[SEED_BYTES], struct nm_error *error)
{
    char line[LINE_MAX_BYTES + 1] = "";
    struct stat found;
    enum nm_code code;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const int failure = errno;

    if (file < 0) {
        code = fail(path, "cannot be read", error);
        errno = failure;
        return code;
    }
    if (fstat(file, &found) != 0 || read(file, line, LINE_MAX_BYTES) < 0)
        code = fail(path, "cannot be read", error);
    else if ((found.st_mode & forbidden) != 0)
        code = nm_fail(error, NM_SYSTEM,
            "%s: others may read this secret key; take that right from them: chmod 600",
            path);
    else
        code = parse_line(path, line, head, out, error);
    (void)close(file);
    sodium_memzero(line, sizeof line);
    errno = 0;
    return code;
}

static void public_path(const char *path, char out[PATH_BYTES_MAX])
{
    (void)snprintf(out, PATH_BYTES_MAX, "%s.pub", path);
}

/* ---- the key ------------------------------------------------------------ */

enum nm_code nm_key_file(const char *path, const char *head, bool make,
    uint8_t out[SEED_BYTES], struct nm_error *error)
{
    enum nm_code code = read_line(path, head, 077, out, error);

    if (code == NM_OK || errno != ENOENT || !make)
        return code;
    randombytes_buf(out, SEED_BYTES);
    return write_line(path, 0600, head, out, error);
}

static enum nm_code read_or_make(const char *path, struct nm_key *key,
    uint8_t seed[SEED_BYTES], struct nm_error *error)
{
    char beside[PATH_BYTES_MAX];
    uint8_t known[NM_PUBLIC_KEY_BYTES];
    struct nm_error ignored;
    enum nm_code code = nm_key_file(path, secret_head, true, seed, error);

    if (code != NM_OK)
        return code;
    (void)crypto_sign_seed_keypair(key->public, key->secret, seed);
    public_path(path, beside);
    if (nm_key_read_public(beside, known, &ignored) == NM_OK &&
        memcmp(known, key->public, sizeof known) == 0)
        return NM_OK;
    return write_line(beside, 0644, public_head, key->public, error);
}

enum nm_code nm_key_open(const char *path, struct nm_key **out, struct nm_error *error)
{
    struct nm_key *key = malloc(sizeof *key);
    uint8_t seed[SEED_BYTES];
    enum nm_code code;

    if (key == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    code = read_or_make(path, key, seed, error);
    sodium_memzero(seed, sizeof seed);
    if (code != NM_OK) {
        nm_key_close(&key);
        return code;
    }
    *out = key;
    return NM_OK;
}

void nm_key_close(struct nm_key **key)
{
    if (*key == NULL)
        return;
    sodium_memzero(*key, sizeof **key);
    free(*key);
    *key = NULL;
}

const uint8_t *nm_key_public(const struct nm_key *key)
{
    return key->public;
}

void nm_key_sign(const struct nm_key *key, const void *bytes, size_t length,
    uint8_t signature[NM_SIGNATURE_BYTES])
{
    (void)crypto_sign_detached(signature, NULL, bytes, length, key->secret);
}

bool nm_key_verify(const uint8_t public[NM_PUBLIC_KEY_BYTES], const void *bytes,
    size_t length, const uint8_t signature[NM_SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, bytes, length, public) == 0;
}

enum nm_code nm_key_read_public(
    const char *path, uint8_t out[NM_PUBLIC_KEY_BYTES], struct nm_error *error)
{
    return read_line(path, public_head, 0, out, error);
}
