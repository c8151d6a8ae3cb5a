/*
 * Codes by which a sender confirms a near miss: made of a key, the sender, the recipient and
 * the time, so that each machine with the same key knows its own and the others', and none
 * has to remember one.
 *
 *   code = the first 40 bits of BLAKE2b(key; "nearmiss code 1", time / (window / 4),
 *          sender, recipient), each text with its length before it,
 *   as eight digits of Crockford's base 32 behind "NM-".
 *
 * A code is right in the quarter of the window in which it was made and in the four behind
 * it (and in the one before, for clocks that differ); stale for eight more. One thread at a
 * time.
 */
#ifndef NM_STATE_CODES_H
#define NM_STATE_CODES_H

#include "gate/ports.h"

#include <nearmiss/base.h>

enum {
    NM_CODE_KEY_BYTES = 32,
    /* Wrong codes of one sender, from one origin, within an hour; behind them none is
     * looked at. Counts are kept in so many places, which some share by chance. */
    NM_CODE_WRONG_MAX = 20,
    NM_CODE_PLACES = 4096
};

struct nm_codes;

/* Read the key, a file that nobody but its owner may read; it is made when there is none.
 * NM_BAD_INPUT for a file that holds no such key, NM_SYSTEM, NM_NO_MEMORY. */
enum nm_code nm_codes_open(
    const char *path, struct nm_codes **out, struct nm_error *error);
void nm_codes_close(struct nm_codes **codes);

struct nm_confirm_code nm_codes_make(const struct nm_codes *codes,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us);
enum nm_confirm_finding nm_codes_find(const struct nm_codes *codes,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, const struct nm_confirm_code *code);

/* As the port's `guesses`. */
bool nm_codes_guesses(struct nm_codes *codes, const struct nm_confirm_case *what,
    unsigned wrong, int64_t now_us);

#endif
