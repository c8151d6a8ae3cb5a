/* A connection for reading, and a page of rows. Belongs to one thread at a time. */
#ifndef NM_AUDIT_READER_H
#define NM_AUDIT_READER_H

#include "audit/audit.h"

#include <sqlite3.h>

enum {
    NM_PAGE_ROWS = 256,
    NM_PAGE_BYTES = 4 * 1024 * 1024, /* the row with which a page comes to it ends it */
    NM_ROW_BYTES_MAX = 64 * 1024 * 1024 /* a larger row cannot be read */
};

struct nm_audit_reader {
    char *path;
    sqlite3 *db;
    struct nm_arena *arena; /* what the rows point to */
    struct nm_audit_row rows[NM_PAGE_ROWS];
};

#endif
