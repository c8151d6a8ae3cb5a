#include "identifier.h"

#include "sql/sql.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 0..31, or -1 for a character that is no digit. */
static int digit_value(char c)
{
    const char *found;

    if (c >= 'a' && c <= 'z')
        c = (char)(c - ('a' - 'A'));
    if (c == 'I' || c == 'L')
        c = '1';
    if (c == 'O')
        c = '0';
    found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

bool nm_id_pack(const char *text, uint8_t out[NM_ID_PACKED_BYTES])
{
    uint8_t packed[NM_ID_PACKED_BYTES];
    unsigned bits = 0;
    unsigned bit_count = 0;
    size_t at = 0;

    if (strlen(text) != NM_ID_LENGTH || digit_value(text[0]) > 7)
        return false;
    for (size_t i = 0; i < NM_ID_LENGTH; i++) {
        const int value = digit_value(text[i]);

        if (value < 0)
            return false;
        bits = (bits << 5 | (unsigned)value) & 0xfffU;
        bit_count += i == 0 ? 3 : 5; /* 26 digits hold 130 bits: two too many */
        if (bit_count >= 8) {
            bit_count -= 8;
            packed[at++] = (uint8_t)(bits >> bit_count);
        }
    }
    memcpy(out, packed, sizeof packed);
    return true;
}

struct nm_id nm_id_unpack(const uint8_t packed[NM_ID_PACKED_BYTES])
{
    struct nm_id id;
    unsigned bits = 0;
    unsigned bit_count = 2;
    size_t at = 0;

    for (size_t i = 0; i < NM_ID_LENGTH; i++) {
        if (bit_count < 5) {
            bits = (bits << 8 | packed[at++]) & 0x1fffU;
            bit_count += 8;
        }
        bit_count -= 5;
        id.text[i] = digits[bits >> bit_count & 31U];
    }
    id.text[NM_ID_LENGTH] = '\0';
    return id;
}

int64_t nm_id_packed_time_us(const uint8_t packed[NM_ID_PACKED_BYTES])
{
    int64_t time_ms = 0;

    for (size_t i = 0; i < NM_ID_TIME_BYTES; i++)
        time_ms = time_ms << 8 | packed[i];
    return time_ms * 1000;
}

struct nm_bytes nm_id_bind(sqlite3_stmt *statement, int at, const struct nm_id *id,
    uint8_t packed[NM_ID_PACKED_BYTES])
{
    if (!nm_id_pack(id->text, packed)) {
        nm_sql_bind_bytes(statement, at, id->text, strlen(id->text));
        return (struct nm_bytes){id->text, strlen(id->text)};
    }
    (void)sqlite3_bind_blob(statement, at, packed, NM_ID_PACKED_BYTES, SQLITE_STATIC);
    return (struct nm_bytes){(const char *)packed, NM_ID_PACKED_BYTES};
}
