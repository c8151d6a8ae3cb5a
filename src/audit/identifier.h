/* Identifiers as the database keeps them: the 128 bits of a ULID, which sort as its text
 * does in 10 bytes less. */
#ifndef NM_AUDIT_IDENTIFIER_H
#define NM_AUDIT_IDENTIFIER_H

#include "gate/ports.h"

#include <sqlite3.h>

enum {
    NM_ID_TIME_BYTES = 6, /* first */
    NM_ID_PACKED_BYTES = NM_ID_TIME_BYTES + NM_ID_RANDOM_BYTES
};

/* Whether `text` is a ULID; case is ignored, and I, L and O are read as 1, 1 and 0. */
bool nm_id_pack(const char *text, uint8_t out[NM_ID_PACKED_BYTES]);
struct nm_id nm_id_unpack(const uint8_t packed[NM_ID_PACKED_BYTES]);

/* When it was made, to the millisecond. */
int64_t nm_id_packed_time_us(const uint8_t packed[NM_ID_PACKED_BYTES]);

/* Bind the 128 bits, kept in `packed` until the statement has run; a text that is no ULID
 * as it is. Gives the bytes that were bound. */
struct nm_bytes nm_id_bind(sqlite3_stmt *statement, int at, const struct nm_id *id,
    uint8_t packed[NM_ID_PACKED_BYTES]);

#endif
