/*
 * Runs a fuzz target over a folder of seeds without libFuzzer: each seed as it is, each
 * prefix of it, each single byte left out and each single bit flipped, up to a cap that
 * keeps a sanitizer build quick. No seeds is a failure: a test that tests nothing must
 * not pass.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_MAX = 64 * 1024, VARIED_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy is exact, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void vary(uint8_t *data, size_t size)
{
    uint8_t shorter[VARIED_MAX];

    run(data, size);
    if (size > VARIED_MAX)
        return;
    for (size_t length = 0; length < size; length++)
        run(data, length);
    for (size_t at = 0; at < size; at++) {
        memcpy(shorter, data, at);
        memcpy(shorter + at, data + at + 1, size - at - 1);
        run(shorter, size - 1);
        data[at] ^= (uint8_t)(1U << (at & 7));
        run(data, size);
        data[at] ^= (uint8_t)(1U << (at & 7));
    }
}

int main(int argc, char **argv)
{
    static uint8_t seed[SEED_MAX];
    unsigned seeds = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        FILE *file;
        size_t size;

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        file = fopen(path, "rb");
        if (file == NULL) {
            perror(path);
            return 1;
        }
        size = fread(seed, 1, sizeof seed, file);
        (void)fclose(file);
        vary(seed, size);
        seeds++;
    }
    (void)closedir(folder);
    printf("%u seeds\n", seeds);
    return seeds > 0 ? 0 : 1;
}
