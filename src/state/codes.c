#include "state/codes.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char key_head[] = "nearmiss-confirm-key 1 ";

enum {
    HEX_LENGTH = 2 * NM_CODE_KEY_BYTES,
    KEY_LINE_LENGTH = (int)sizeof key_head - 1 + HEX_LENGTH + 1,
    PATH_BYTES_MAX = 4096,
    QUARTERS_AHEAD = 1,
    QUARTERS_RIGHT = 4,
    QUARTERS_STALE = 12,
    HASH_BYTES = 16,
    DIGITS = 8,
    HOUR_S = 3600
};

/* How often wrong codes were tried, in an hour by the clock. */
struct place {
    int64_t hour;
    unsigned wrong;
};

struct nm_codes {
    uint8_t key[NM_CODE_KEY_BYTES];
    uint8_t place_key[crypto_generichash_KEYBYTES];
    struct place places[NM_CODE_PLACES];
};

/* ---- the key ------------------------------------------------------------ */

static enum nm_code fail(const char *path, const char *what, struct nm_error *error)
{
    return nm_fail(error, NM_SYSTEM, "%s: the key of the codes %s: %s", path, what,
        strerror(errno));
}

static bool parse(const char *line, size_t length, uint8_t key[NM_CODE_KEY_BYTES])
{
    const size_t head = sizeof key_head - 1;
    size_t bytes = 0;

    return length >= (size_t)KEY_LINE_LENGTH - 1 && memcmp(line, key_head, head) == 0 &&
           sodium_hex2bin(key, NM_CODE_KEY_BYTES, line + head, HEX_LENGTH, NULL, &bytes,
               NULL) == 0 &&
           bytes == NM_CODE_KEY_BYTES;
}

static enum nm_code read_key(
    const char *path, int file, uint8_t key[NM_CODE_KEY_BYTES], struct nm_error *error)
{
    char line[KEY_LINE_LENGTH + 1] = "";
    enum nm_code code = NM_OK;
    struct stat found;
    ssize_t length;

    if (fstat(file, &found) != 0)
        return fail(path, "cannot be read", error);
    if ((found.st_mode & 077) != 0)
        return nm_fail(error, NM_SYSTEM,
            "%s: others may read the key of the codes, and make some; take that right "
            "from them: chmod 600",
            path);
    length = read(file, line, KEY_LINE_LENGTH);
    if (length < 0)
        code = fail(path, "cannot be read", error);
    else if (!parse(line, (size_t)length, key))
        code = nm_fail(error, NM_BAD_INPUT,
            "%s: this file holds no key of codes; name another in confirm.key", path);
    sodium_memzero(line, sizeof line);
    return code;
}

/* Whole or not at all, and never in the place of one that another process has made. */
static enum nm_code make_key(const char *path, struct nm_error *error)
{
    char name[PATH_BYTES_MAX];
    char hex[HEX_LENGTH + 1];
    uint8_t key[NM_CODE_KEY_BYTES];
    enum nm_code code = NM_OK;
    int file;

    if (snprintf(name, sizeof name, "%s.%d.new", path, (int)getpid()) >= PATH_BYTES_MAX)
        return nm_fail(error, NM_SYSTEM, "%s: the name is too long", path);
    file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return fail(path, "cannot be made", error);
    randombytes_buf(key, sizeof key);
    (void)sodium_bin2hex(hex, sizeof hex, key, sizeof key);
    if (dprintf(file, "%s%s\n", key_head, hex) != KEY_LINE_LENGTH || fsync(file) != 0 ||
        (link(name, path) != 0 && errno != EEXIST))
        code = fail(path, "cannot be made", error);
    (void)unlink(name);
    (void)close(file);
    sodium_memzero(key, sizeof key);
    sodium_memzero(hex, sizeof hex);
    return code;
}

static enum nm_code open_key(
    const char *path, uint8_t key[NM_CODE_KEY_BYTES], struct nm_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    enum nm_code code = NM_OK;

    if (file < 0 && errno == ENOENT) {
        code = make_key(path, error);
        if (code != NM_OK)
            return code;
        file = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (file < 0)
        return fail(path, "cannot be read", error);
    code = read_key(path, file, key, error);
    (void)close(file);
    return code;
}

enum nm_code nm_codes_open(
    const char *path, struct nm_codes **out, struct nm_error *error)
{
    struct nm_codes *codes = calloc(1, sizeof *codes);
    enum nm_code code;

    if (codes == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", path);
    code = open_key(path, codes->key, error);
    if (code != NM_OK) {
        nm_codes_close(&codes);
        return code;
    }
    randombytes_buf(codes->place_key, sizeof codes->place_key);
    *out = codes;
    return NM_OK;
}

void nm_codes_close(struct nm_codes **codes)
{
    if (*codes == NULL)
        return;
    sodium_memzero(*codes, sizeof **codes);
    free(*codes);
    *codes = NULL;
}

/* ---- codes -------------------------------------------------------------- */

static int64_t quarter_of(const struct nm_confirm_rules *rules, int64_t now_us)
{
    const int64_t quarter_s = rules->window_s >= 4 ? rules->window_s / 4 : 1;

    return now_us / 1000000 / quarter_s;
}

static void add_number(crypto_generichash_state *state, uint64_t number)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    (void)crypto_generichash_update(state, bytes, sizeof bytes);
}

static void add_text(crypto_generichash_state *state, const char *bytes, size_t length)
{
    add_number(state, length);
    if (length > 0)
        (void)crypto_generichash_update(state, (const uint8_t *)bytes, length);
}

static struct nm_confirm_code make(
    const struct nm_codes *codes, const struct nm_confirm_case *what, int64_t quarter)
{
    static const char context[] = "nearmiss code 1";
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct nm_confirm_code out = {.text = "NM-"};
    crypto_generichash_state state;
    uint8_t hash[HASH_BYTES];
    uint64_t bits = 0;

    (void)crypto_generichash_init(&state, codes->key, sizeof codes->key, sizeof hash);
    (void)crypto_generichash_update(&state, (const uint8_t *)context, sizeof context);
    add_number(&state, (uint64_t)quarter);
    add_text(&state, what->sender, strlen(what->sender));
    add_text(&state, what->recipient.data, what->recipient.length);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    for (size_t i = 0; i < 5; i++)
        bits = bits << 8 | hash[i];
    for (size_t i = 0; i < DIGITS; i++)
        out.text[3 + i] = digits[bits >> (5 * (DIGITS - 1 - i)) & 31];
    return out;
}

struct nm_confirm_code nm_codes_make(const struct nm_codes *codes,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us)
{
    return make(codes, what, quarter_of(rules, now_us));
}

enum nm_confirm_finding nm_codes_find(const struct nm_codes *codes,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, const struct nm_confirm_code *code)
{
    const int64_t now = quarter_of(rules, now_us);
    int right = 0;
    int stale = 0;

    for (int64_t back = -QUARTERS_AHEAD; back <= QUARTERS_STALE; back++) {
        const struct nm_confirm_code made = make(codes, what, now - back);
        const int same =
            sodium_memcmp(made.text, code->text, NM_CONFIRM_CODE_LENGTH) == 0;

        right |= same & (back <= QUARTERS_RIGHT);
        stale |= same & (back > QUARTERS_RIGHT);
    }
    if (right != 0)
        return NM_CODE_RIGHT;
    return stale != 0 ? NM_CODE_STALE : NM_CODE_WRONG;
}

/* ---- guessing ----------------------------------------------------------- */

bool nm_codes_guesses(struct nm_codes *codes, const struct nm_confirm_case *what,
    unsigned wrong, int64_t now_us)
{
    const int64_t hour = now_us / 1000000 / HOUR_S;
    crypto_generichash_state state;
    uint8_t hash[HASH_BYTES];
    struct place *place;
    uint32_t at;

    /* Senders differ by case in no way that counts. */
    (void)crypto_generichash_init(
        &state, codes->place_key, sizeof codes->place_key, sizeof hash);
    for (const char *text = what->sender; *text != '\0'; text++) {
        const uint8_t lower = (uint8_t)nm_ascii_lower(*text);

        (void)crypto_generichash_update(&state, &lower, 1);
    }
    (void)crypto_generichash_update(
        &state, (const uint8_t *)what->origin, strlen(what->origin));
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(&at, hash, sizeof at);
    place = &codes->places[at % NM_CODE_PLACES];
    if (place->hour != hour)
        *place = (struct place){.hour = hour};
    if (wrong < NM_CODE_WRONG_MAX - place->wrong)
        place->wrong += wrong;
    else
        place->wrong = NM_CODE_WRONG_MAX;
    return place->wrong >= NM_CODE_WRONG_MAX;
}
