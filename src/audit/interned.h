/*
 * Interned: the numbers of texts that stand once in the table `text`, remembered so that
 * a rule's name or a busy domain costs no look-up. Holds only what was committed or is
 * part of the open transaction: after a rollback it must be emptied.
 */
#ifndef NM_AUDIT_INTERNED_H
#define NM_AUDIT_INTERNED_H

#include <nearmiss/base.h>

enum {
    NM_INTERNED_MAX = 48 * 1024, /* texts; the next one empties the memory */
    NM_INTERNED_BYTES_MAX = 8 * 1024 * 1024, /* likewise */
    NM_INTERNED_TEXT_MAX = 1024              /* bytes of a text that is remembered */
};

struct nm_interned;

enum nm_code nm_interned_new(struct nm_interned **out);
void nm_interned_free(struct nm_interned **interned);

/* The number of a text, or 0 when it is not remembered. */
int64_t nm_interned_find(
    const struct nm_interned *interned, const char *text, size_t length);

/* Remember, if there is memory for it. */
void nm_interned_add(
    struct nm_interned *interned, const char *text, size_t length, int64_t number);

void nm_interned_clear(struct nm_interned *interned);

#endif
