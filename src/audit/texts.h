/*
 * Texts: each text that events repeat stands once in the table `text`, and has a number.
 * What was asked for is remembered, with its digest for the chain, so that a rule's name or
 * a busy domain costs neither a look-up nor a hash.
 *
 * Belongs to one connection and knows of its open transaction: after a rollback it must
 * be thrown away. Functions return SQLite's status.
 */
#ifndef NM_AUDIT_TEXTS_H
#define NM_AUDIT_TEXTS_H

#include "chain.h"

#include <sqlite3.h>

enum {
    NM_TEXTS_MAX = 48 * 1024, /* remembered; the next one empties the memory */
    NM_TEXTS_BYTES_MAX = 8 * 1024 * 1024, /* likewise */
    NM_TEXTS_TEXT_MAX = 1024              /* bytes; a longer one is not remembered */
};

struct nm_texts;

int nm_texts_open(sqlite3 *db, struct nm_texts **out);
void nm_texts_close(struct nm_texts **texts);

struct nm_text {
    int64_t number; /* at least 1 */
    struct nm_hash digest;
};

/* A text, which is added to the table if it is new. */
int nm_texts_find(
    struct nm_texts *texts, const char *bytes, size_t length, struct nm_text *out);

/* Remember nothing: rows of the table were removed. */
void nm_texts_forget(struct nm_texts *texts);

/* The number of the same text with its ASCII letters in lower case; `number` is that of
 * the text as it is. */
int nm_texts_lower(struct nm_texts *texts, const char *bytes, size_t length,
    int64_t number, int64_t *out);

#endif
