#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_BYTES = NM_CONFIG_HASH_LENGTH / 2, FIRST_BYTES = 16 * 1024 };

void nm_digest_init(struct nm_digest *digest)
{
    (void)crypto_generichash_init(&digest->state, NULL, 0, HASH_BYTES);
}

void nm_digest_add(struct nm_digest *digest, const char *bytes, size_t length)
{
    unsigned char prefix[8];

    for (size_t i = 0; i < sizeof prefix; i++)
        prefix[i] = (unsigned char)((uint64_t)length >> (8 * i));
    (void)crypto_generichash_update(&digest->state, prefix, sizeof prefix);
    (void)crypto_generichash_update(
        &digest->state, (const unsigned char *)bytes, length);
}

void nm_digest_hex(struct nm_digest *digest, char hex[NM_CONFIG_HASH_LENGTH + 1])
{
    unsigned char hash[HASH_BYTES];

    (void)crypto_generichash_final(&digest->state, hash, sizeof hash);
    (void)sodium_bin2hex(hex, NM_CONFIG_HASH_LENGTH + 1, hash, sizeof hash);
}

/* ---- reading ------------------------------------------------------------ */

static enum nm_code grow(char **bytes, size_t *capacity, size_t cap_bytes)
{
    const size_t larger = *capacity < cap_bytes / 2 ? 2 * *capacity : cap_bytes + 1;
    char *moved = realloc(*bytes, larger + 1);

    if (moved == NULL)
        return NM_NO_MEMORY;
    *bytes = moved;
    *capacity = larger;
    return NM_OK;
}

/* The size is a hint only: what can be read counts. */
static size_t first_capacity(const struct stat *about, size_t cap_bytes)
{
    if (about->st_size < 0 || (uint64_t)about->st_size > cap_bytes)
        return FIRST_BYTES;
    return (size_t)about->st_size + 1;
}

/* Nobody may ever write to a pipe, and a device may have no end: a reload would wait for
 * either. A folder fails to be read. */
static enum nm_code check_kind(int fd, struct stat *about, struct nm_error *error)
{
    if (fstat(fd, about) != 0)
        return nm_fail(error, NM_BAD_INPUT, "cannot read: %s", strerror(errno));
    if (!S_ISREG(about->st_mode) && !S_ISDIR(about->st_mode))
        return nm_fail(error, NM_BAD_INPUT,
            "cannot read: it is a pipe, a device or a socket, not a regular file");
    return NM_OK;
}

static enum nm_code read_all(
    int fd, size_t cap_bytes, char **bytes, size_t *length, struct nm_error *error)
{
    struct stat about;
    size_t capacity;
    const enum nm_code code = check_kind(fd, &about, error);

    if (code != NM_OK)
        return code;
    capacity = first_capacity(&about, cap_bytes);
    *bytes = malloc(capacity + 1);
    if (*bytes == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    for (*length = 0;;) {
        ssize_t got;

        if (*length == capacity && grow(bytes, &capacity, cap_bytes) != NM_OK)
            return nm_fail(error, NM_NO_MEMORY, "out of memory");
        got = read(fd, *bytes + *length, capacity - *length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return nm_fail(error, NM_BAD_INPUT, "cannot read: %s", strerror(errno));
        if (got == 0)
            break;
        *length += (size_t)got;
        if (*length > cap_bytes)
            return nm_fail(error, NM_BAD_INPUT,
                "larger than %zu bytes, the most that is read", cap_bytes);
    }
    (*bytes)[*length] = '\0';
    return NM_OK;
}

enum nm_code nm_file_read(const char *path, size_t cap_bytes, char **bytes,
    size_t *length, struct nm_error *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *read_bytes = NULL;
    enum nm_code code;

    if (fd < 0)
        return nm_fail(error, NM_BAD_INPUT, "cannot open: %s", strerror(errno));
    code = read_all(fd, cap_bytes, &read_bytes, length, error);
    (void)close(fd);
    if (code != NM_OK) {
        free(read_bytes);
        return code;
    }
    *bytes = read_bytes;
    return NM_OK;
}

char *nm_path_below(struct nm_arena *arena, const char *folder, const char *path)
{
    const size_t folder_length = strlen(folder);
    const size_t path_length = strlen(path);
    char *joined;

    if (path[0] == '/')
        return nm_arena_copy(arena, path, path_length);
    joined = nm_arena_alloc(arena, folder_length + path_length + 2);
    if (joined == NULL)
        return NULL;
    memcpy(joined, folder, folder_length);
    joined[folder_length] = '/';
    memcpy(joined + folder_length + 1, path, path_length + 1);
    return joined;
}
