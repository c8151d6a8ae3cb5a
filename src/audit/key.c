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
    PUBLICS_BYTES_MAX = NM_PUBLIC_KEYS_MAX * LINE_MAX_BYTES,
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

/* A name is on the disk when its folder is. */
static bool sync_folder(const char *path)
{
    char folder[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    bool fine;
    int file;

    (void)snprintf(folder, sizeof folder, "%.*s",
        slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fine = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        (void)close(file);
    return fine;
}

/* Whole or not at all: a file with another name that gets this one when it is on disk. */
static enum nm_code write_text(
    const char *path, mode_t mode, const char *text, struct nm_error *error)
{
    char name[PATH_BYTES_MAX];
    enum nm_code code = NM_OK;
    int file;

    (void)snprintf(name, sizeof name, "%s.new", path);
    (void)unlink(name); /* of one that was cut off */
    file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(name, "cannot be made", error);
    if (dprintf(file, "%s", text) < 0 || fchmod(file, mode) != 0 ||
        !give_to_folders_owner(file, path) || fsync(file) != 0 ||
        rename(name, path) != 0 || !sync_folder(path)) {
        code = fail(path, "cannot be made", error);
        (void)unlink(name);
    }
    (void)close(file);
    return code;
}

static void put_line(
    struct nm_buf *buf, const char *head, const uint8_t bytes[SEED_BYTES])
{
    char hex[HEX_LENGTH + 1];

    (void)sodium_bin2hex(hex, sizeof hex, bytes, SEED_BYTES);
    nm_buf_printf(buf, "%s%s\n", head, hex);
    sodium_memzero(hex, sizeof hex);
}

static enum nm_code write_secret(const char *path, const char *head,
    const uint8_t bytes[SEED_BYTES], struct nm_error *error)
{
    char line[LINE_MAX_BYTES];
    struct nm_buf buf;
    enum nm_code code;

    nm_buf_init(&buf, line, sizeof line);
    put_line(&buf, head, bytes);
    code = write_text(path, 0600, line, error);
    sodium_memzero(line, sizeof line);
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
    return write_secret(path, head, out, error);
}

/* The public half, and behind it those that it follows. */
static enum nm_code write_publics(const char *path, const uint8_t *first,
    const struct nm_public_keys *others, struct nm_error *error)
{
    char text[PUBLICS_BYTES_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, text, sizeof text);
    put_line(&buf, public_head, first);
    for (size_t i = 0; i < others->count && i < NM_PUBLIC_KEYS_MAX - 1; i++)
        put_line(&buf, public_head, others->keys[i]);
    return write_text(path, 0644, text, error);
}

/* A key that nobody announced, and may be somebody else's, follows none. */
static enum nm_code publish(const struct nm_key *key, const char *path,
    bool follows_known, struct nm_error *error)
{
    char beside[PATH_BYTES_MAX];
    struct nm_public_keys known = {.count = 0};
    struct nm_error ignored;

    public_path(path, beside);
    if (nm_key_read_publics(beside, &known, &ignored) != NM_OK)
        known.count = 0;
    else if (memcmp(known.keys[0], key->public, NM_PUBLIC_KEY_BYTES) == 0)
        return NM_OK;
    if (!follows_known)
        known.count = 0;
    return write_publics(beside, key->public, &known, error);
}

/* Read the key at `path`, or make one; `make` a new one whatever is there. */
static enum nm_code load(
    const char *path, bool make, struct nm_key **out, struct nm_error *error)
{
    struct nm_key *key = malloc(sizeof *key);
    uint8_t seed[SEED_BYTES];
    enum nm_code code;

    if (key == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    if (make)
        (void)unlink(path);
    code = nm_key_file(path, secret_head, true, seed, error);
    if (code == NM_OK)
        (void)crypto_sign_seed_keypair(key->public, key->secret, seed);
    sodium_memzero(seed, sizeof seed);
    if (code != NM_OK) {
        nm_key_close(&key);
        return code;
    }
    *out = key;
    return NM_OK;
}

enum nm_code nm_key_open(const char *path, struct nm_key **out, struct nm_error *error)
{
    struct nm_key *key = NULL;
    enum nm_code code = load(path, false, &key, error);

    if (code == NM_OK)
        code = publish(key, path, false, error);
    if (code != NM_OK) {
        nm_key_close(&key);
        return code;
    }
    *out = key;
    return NM_OK;
}

/* ---- one that follows --------------------------------------------------- */

static void next_path(const char *path, char out[PATH_BYTES_MAX])
{
    (void)snprintf(out, PATH_BYTES_MAX, "%s.next", path);
}

enum nm_code nm_key_make_next(
    const char *path, struct nm_key **out, struct nm_error *error)
{
    char next[PATH_BYTES_MAX];

    next_path(path, next);
    return load(next, true, out, error);
}

enum nm_code nm_key_take_next(
    const char *path, const struct nm_key *next, struct nm_error *error)
{
    char name[PATH_BYTES_MAX];
    const enum nm_code code = publish(next, path, true, error);

    next_path(path, name);
    if (code != NM_OK)
        return code;
    return rename(name, path) == 0 && sync_folder(path)
               ? NM_OK
               : fail(name, "cannot take the place of the key before it", error);
}

enum nm_code nm_key_settle(
    const char *path, const uint8_t *public, struct nm_error *error)
{
    char name[PATH_BYTES_MAX];
    struct nm_key *next = NULL;
    enum nm_code code;

    next_path(path, name);
    if (access(name, F_OK) != 0)
        return NM_OK;
    code = load(name, false, &next, error);
    if (code != NM_OK)
        return code;
    if (public != NULL && memcmp(next->public, public, NM_PUBLIC_KEY_BYTES) == 0)
        code = nm_key_take_next(path, next, error);
    else
        (void)unlink(name);
    nm_key_close(&next);
    return code;
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

/* The whole file; a longer one has what we cannot read. */
static enum nm_code read_publics_text(
    const char *path, char text[PUBLICS_BYTES_MAX + 1], struct nm_error *error)
{
    FILE *file = fopen(path, "rbe");
    size_t length;

    if (file == NULL)
        return fail(path, "cannot be read", error);
    length = fread(text, 1, PUBLICS_BYTES_MAX, file);
    text[length] = '\0';
    (void)fclose(file);
    return NM_OK;
}

enum nm_code nm_key_read_publics(
    const char *path, struct nm_public_keys *out, struct nm_error *error)
{
    char text[PUBLICS_BYTES_MAX + 1];
    enum nm_code code = read_publics_text(path, text, error);

    out->count = 0;
    for (const char *line = text;
         code == NM_OK && (out->count == 0 || line[0] != '\0') &&
         out->count < NM_PUBLIC_KEYS_MAX;
         line += strcspn(line, "\n"), line += line[0] == '\n')
        code = parse_line(path, line, public_head, out->keys[out->count++], error);
    return code;
}

bool nm_key_is_among(
    const struct nm_public_keys *keys, const uint8_t public[NM_PUBLIC_KEY_BYTES])
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->keys[i], public, NM_PUBLIC_KEY_BYTES) == 0)
            return true;
    return false;
}
