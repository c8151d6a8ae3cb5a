#include <nearmiss/base.h>

struct nm_id nm_id_make(int64_t time_us, const uint8_t random[NM_ID_RANDOM_BYTES])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t time_ms = time_us > 0 ? (uint64_t)time_us / 1000 : 0;
    struct nm_id id;

    for (int i = 9; i >= 0; i--) {
        id.text[i] = digits[time_ms & 31];
        time_ms >>= 5;
    }
    for (int group = 0; group < 2; group++) {
        uint64_t bits = 0;

        for (int i = 0; i < 5; i++)
            bits = bits << 8 | random[group * 5 + i];
        for (int i = 7; i >= 0; i--) {
            id.text[10 + group * 8 + i] = digits[bits & 31];
            bits >>= 5;
        }
    }
    id.text[NM_ID_LENGTH] = '\0';
    return id;
}
