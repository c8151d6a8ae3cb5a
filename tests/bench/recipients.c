#include "recipients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64: the same number gives the same bits. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static bool add_domain(struct domains *domains, const char *name)
{
    if (domains->count == DOMAINS_MAX) {
        errno = EFBIG;
        return false;
    }
    domains->names[domains->count] = strdup(name);
    if (domains->names[domains->count] == NULL)
        return false;
    domains->count++;
    return true;
}

static bool read_lines(FILE *file, struct domains *out)
{
    char line[DOMAIN_MAX + 2];

    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && !add_domain(out, line))
            return false;
    }
    if (out->count == 0)
        errno = EINVAL;
    return !ferror(file) && out->count > 0;
}

static bool read_domains(const char *path, struct domains *out)
{
    FILE *file;
    bool fine;

    out->names = calloc(DOMAINS_MAX, sizeof *out->names);
    if (out->names == NULL)
        return false;
    if (path == NULL)
        return add_domain(out, "example.net");
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    fine = read_lines(file, out);
    (void)fclose(file);
    return fine;
}

bool recipients_read(
    struct recipients *recipients, const char *domains_file, const char *near_file)
{
    return read_domains(domains_file, &recipients->domains) &&
           (near_file == NULL || read_domains(near_file, &recipients->near));
}

static void free_domains(struct domains *domains)
{
    for (size_t i = 0; i < domains->count; i++)
        free(domains->names[i]);
    free(domains->names);
    *domains = (struct domains){0};
}

void recipients_free(struct recipients *recipients)
{
    free_domains(&recipients->domains);
    free_domains(&recipients->near);
}

bool recipients_path(
    const struct recipients *recipients, uint64_t number, char out[PATH_SIZE])
{
    const bool near =
        recipients->near.count > 0 && mix(number) % 1000 < recipients->near_per_mille;
    const struct domains *from = near ? &recipients->near : &recipients->domains;

    (void)snprintf(out, PATH_SIZE, "<user%llu@%s>", (unsigned long long)number,
        from->names[mix(~number) % from->count]);
    return near;
}
