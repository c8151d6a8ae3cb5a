/*
 * The recipients that a run sends. What a recipient looks like depends on its number
 * alone, so that a run with the same options sends the same recipients, whichever
 * client sends them.
 */
#ifndef BENCH_RECIPIENTS_H
#define BENCH_RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOMAINS_MAX = 1000 * 1000, DOMAIN_MAX = 255, PATH_SIZE = DOMAIN_MAX + 64 };

struct domains {
    char **names;
    size_t count;
};

/* Domains that people mean, and near misses of them, of which there are `near_per_mille`
 * among 1,000 recipients. */
struct recipients {
    struct domains domains;
    struct domains near;
    unsigned long near_per_mille;
};

/* Read the lists, one domain a line; without `domains_file` everybody is at
 * example.net, without `near_file` there are no near misses. Returns false, with errno,
 * when a list cannot be read or has no domain. */
bool recipients_read(
    struct recipients *recipients, const char *domains_file, const char *near_file);
void recipients_free(struct recipients *recipients);

/* The path of recipient `number`, in brackets. Returns whether it is a near miss. */
bool recipients_path(
    const struct recipients *recipients, uint64_t number, char out[PATH_SIZE]);

#endif
