/*
 * Counts: how many messages went to which domains, in memory.
 *
 * Made for a million names: a name takes its bytes and a row of 16 bytes. One thread
 * fills it; then any may read.
 */
#ifndef NM_STATE_COUNTS_H
#define NM_STATE_COUNTS_H

#include "gate/snapshot.h"

#include <nearmiss/address.h>

enum {
    NM_COUNTS_MAX = NM_INDEX_NAMES_MAX,      /* names */
    NM_COUNTS_BYTES_MAX = 512 * 1024 * 1024, /* of a file of counts */
    NM_COUNTS_LINE_MAX = 1024                /* bytes of its line */
};
#define NM_MESSAGES_MAX 1000000000000 /* to one domain; more count as so many */

struct nm_counts;

struct nm_count {
    struct nm_domain domain;
    uint64_t messages;
};

enum nm_code nm_counts_new(struct nm_counts **out);
void nm_counts_free(struct nm_counts **counts);

/* Add a count, of 0 messages if need be. NM_NO_MEMORY, NM_LIMIT. */
enum nm_code nm_counts_add(
    struct nm_counts *counts, const struct nm_domain *domain, uint64_t messages);

/* Bring the names into the order of their bytes, and sum what one name was given several
 * times. Needed once, after the last is added. NM_NO_MEMORY. */
enum nm_code nm_counts_settle(struct nm_counts *counts);

size_t nm_counts_size(const struct nm_counts *counts);
void nm_counts_get(const struct nm_counts *counts, size_t i, struct nm_count *out);

/* As a snapshot takes them; `counts` must hold none of 0 messages, and outlive the
 * building. */
struct nm_history_view nm_counts_view(const struct nm_counts *counts);

/* What is wrong with a line of a file of counts: `text` and why it cannot be read. */
struct nm_counts_complainer {
    void *self;
    void (*complain)(
        void *self, unsigned line, const char *text, size_t length, const char *why);
};

/* Read `domain<TAB>messages` lines: a domain in UTF-8 or A-labels, blanks or a tab, a whole
 * number; `#` begins a comment. A line that cannot be read is complained of, counted in
 * `*bad`, and left out. The result is settled. NM_NO_MEMORY, NM_LIMIT. */
enum nm_code nm_counts_read(const struct nm_names *names, const char *text,
    size_t length, const struct nm_counts_complainer *complainer,
    struct nm_counts **out, size_t *bad);

/* The same from the file's beginning on, of at most NM_COUNTS_BYTES_MAX. NM_SYSTEM too. */
enum nm_code nm_counts_read_file(const struct nm_names *names, int file,
    const struct nm_counts_complainer *complainer, struct nm_counts **out, size_t *bad,
    struct nm_error *error);

/* Write them as such lines. False when writing failed. */
bool nm_counts_write(const struct nm_counts *counts, int file);

#endif
