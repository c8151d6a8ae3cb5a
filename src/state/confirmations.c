/*
 * Pending rows lie in the order of their times: there are few, and each comes with a write
 * to disk, so that going through all of them costs little beside it. Confirmed ones lie in
 * the order of their hashes, since each recipient that a rule asks about is looked up.
 */
#include "state/confirmations.h"

#include <sodium.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 64 };

/* A clock that was put back leaves rows of the future, which count no more than this. */
static const int64_t ahead_us_max = INT64_C(3600) * 1000000;
static const int64_t second_us = 1000000;
static const int64_t day_s = 24 * 3600;

struct nm_confirmations {
    struct nm_pending *pending;
    size_t pending_count;
    size_t pending_capacity;
    struct nm_confirmed *confirmed;
    size_t confirmed_count;
    size_t confirmed_capacity;
    uint8_t key[NM_CONFIRM_KEY_BYTES];
};

/* ---- hashes ------------------------------------------------------------- */

enum topic { PAIR, PAIR_WITH_DOMAIN, SENDER, ORIGIN, DOMAIN };

static void update(crypto_generichash_state *state, struct nm_bytes part)
{
    const uint32_t length = (uint32_t)part.length;

    (void)crypto_generichash_update(state, (const uint8_t *)&length, sizeof length);
    if (part.length > 0)
        (void)crypto_generichash_update(state, (const uint8_t *)part.data, part.length);
}

static struct nm_confirm_tag tag(const struct nm_confirmations *confirmations,
    enum topic topic, struct nm_bytes first, struct nm_bytes second)
{
    const uint8_t begin = (uint8_t)topic;
    crypto_generichash_state state;
    struct nm_confirm_tag out;

    static_assert(NM_CONFIRM_TAG_BYTES >= crypto_generichash_BYTES_MIN, "BLAKE2b");
    (void)crypto_generichash_init(
        &state, confirmations->key, NM_CONFIRM_KEY_BYTES, sizeof out.bytes);
    (void)crypto_generichash_update(&state, &begin, 1);
    update(&state, first);
    update(&state, second);
    (void)crypto_generichash_final(&state, out.bytes, sizeof out.bytes);
    return out;
}

static struct nm_bytes bytes_of(const char *text)
{
    return (struct nm_bytes){text, strlen(text)};
}

static bool equal(const struct nm_confirm_tag *a, const struct nm_confirm_tag *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* A recipient without a domain stands for itself. */
static struct nm_confirm_tag tag_with_domain(
    const struct nm_confirmations *confirmations, const struct nm_confirm_case *what)
{
    return tag(confirmations, PAIR_WITH_DOMAIN, bytes_of(what->sender),
        what->domain.length > 0 ? what->domain : what->recipient);
}

static struct nm_pending pending_of(
    const struct nm_confirmations *confirmations, const struct nm_confirm_case *what)
{
    const struct nm_bytes sender = bytes_of(what->sender);
    const struct nm_bytes none = {NULL, 0};

    return (struct nm_pending){
        .what = tag(confirmations, PAIR, sender, what->recipient),
        .sender = tag(confirmations, SENDER, sender, none),
        .origin = tag(confirmations, ORIGIN, bytes_of(what->origin), none)};
}

static struct nm_confirmed confirmed_of(
    const struct nm_confirmations *confirmations, const struct nm_confirm_case *what)
{
    const struct nm_bytes none = {NULL, 0};

    return (struct nm_confirmed){.what = tag_with_domain(confirmations, what),
        .sender = tag(confirmations, SENDER, bytes_of(what->sender), none),
        .domain = tag(confirmations, DOMAIN,
            what->domain.length > 0 ? what->domain : what->recipient, none)};
}

/* ---- life --------------------------------------------------------------- */

enum nm_code nm_confirmations_new(
    const uint8_t key[NM_CONFIRM_KEY_BYTES], struct nm_confirmations **out)
{
    struct nm_confirmations *confirmations = calloc(1, sizeof *confirmations);

    if (confirmations == NULL)
        return NM_NO_MEMORY;
    memcpy(confirmations->key, key, NM_CONFIRM_KEY_BYTES);
    *out = confirmations;
    return NM_OK;
}

void nm_confirmations_free(struct nm_confirmations **confirmations)
{
    struct nm_confirmations *freed = *confirmations;

    if (freed == NULL)
        return;
    *confirmations = NULL;
    free(freed->pending);
    free(freed->confirmed);
    sodium_memzero(freed->key, sizeof freed->key);
    free(freed);
}

/* Room for one row more. */
static bool grow(void **rows, size_t *capacity, size_t count, size_t size)
{
    const size_t more = *capacity > 0 ? 2 * *capacity : FIRST_ROWS;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*rows, more * size);
    if (grown == NULL)
        return false;
    *rows = grown;
    *capacity = more;
    return true;
}

static bool grow_pending(struct nm_confirmations *confirmations)
{
    void *rows = confirmations->pending;
    const bool fine = grow(&rows, &confirmations->pending_capacity,
        confirmations->pending_count, sizeof *confirmations->pending);

    confirmations->pending = rows;
    return fine;
}

static bool grow_confirmed(struct nm_confirmations *confirmations)
{
    void *rows = confirmations->confirmed;
    const bool fine = grow(&rows, &confirmations->confirmed_capacity,
        confirmations->confirmed_count, sizeof *confirmations->confirmed);

    confirmations->confirmed = rows;
    return fine;
}

enum nm_code nm_confirmations_load_pending(
    struct nm_confirmations *confirmations, const struct nm_pending *pending)
{
    if (confirmations->pending_count == NM_PENDING_MAX)
        return NM_OK;
    if (!grow_pending(confirmations))
        return NM_NO_MEMORY;
    confirmations->pending[confirmations->pending_count++] = *pending;
    return NM_OK;
}

enum nm_code nm_confirmations_load_confirmed(
    struct nm_confirmations *confirmations, const struct nm_confirmed *confirmed)
{
    if (confirmations->confirmed_count == NM_CONFIRMED_MAX)
        return NM_OK;
    if (!grow_confirmed(confirmations))
        return NM_NO_MEMORY;
    confirmations->confirmed[confirmations->confirmed_count++] = *confirmed;
    return NM_OK;
}

static int compare(const void *left, const void *right)
{
    const struct nm_confirmed *a = left;
    const struct nm_confirmed *b = right;

    return memcmp(a->what.bytes, b->what.bytes, sizeof a->what.bytes);
}

void nm_confirmations_settle(struct nm_confirmations *confirmations)
{
    if (confirmations->confirmed_count > 0)
        qsort(confirmations->confirmed, confirmations->confirmed_count,
            sizeof *confirmations->confirmed, compare);
}

size_t nm_confirmations_pending(const struct nm_confirmations *confirmations)
{
    return confirmations->pending_count;
}

size_t nm_confirmations_confirmed(const struct nm_confirmations *confirmations)
{
    return confirmations->confirmed_count;
}

/* ---- asking ------------------------------------------------------------- */

static bool counts(const struct nm_pending *pending,
    const struct nm_confirm_rules *rules, int64_t now_us)
{
    return pending->refused_us - now_us <= ahead_us_max &&
           now_us - pending->refused_us <= rules->window_s * second_us;
}

static const struct nm_pending *find_pending(
    const struct nm_confirmations *confirmations, const struct nm_confirm_tag *what)
{
    for (size_t i = 0; i < confirmations->pending_count; i++)
        if (equal(&confirmations->pending[i].what, what))
            return &confirmations->pending[i];
    return NULL;
}

/* Where a confirmed row is, or belongs. */
static size_t place_of(
    const struct nm_confirmations *confirmations, const struct nm_confirm_tag *what)
{
    size_t low = 0;
    size_t high = confirmations->confirmed_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (memcmp(confirmations->confirmed[middle].what.bytes, what->bytes,
                sizeof what->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct nm_confirmations *confirmations, size_t place,
    const struct nm_confirm_tag *what)
{
    return place < confirmations->confirmed_count &&
           equal(&confirmations->confirmed[place].what, what);
}

static bool is_remembered(const struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, int64_t now_us)
{
    const struct nm_confirm_tag wanted = tag_with_domain(confirmations, what);
    const size_t place = place_of(confirmations, &wanted);

    return has(confirmations, place, &wanted) &&
           now_us < confirmations->confirmed[place].expires_us;
}

void nm_confirmations_ask(const struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, struct nm_confirm_said *out)
{
    const struct nm_confirm_tag wanted =
        tag(confirmations, PAIR, bytes_of(what->sender), what->recipient);
    const struct nm_pending *pending;
    int64_t wait_us;

    memset(out, 0, sizeof *out);
    out->standing = NM_CONFIRM_REMEMBERED;
    if (is_remembered(confirmations, what, now_us))
        return;
    out->standing = NM_CONFIRM_NEW;
    pending = find_pending(confirmations, &wanted);
    if (pending == NULL || !counts(pending, rules, now_us))
        return;
    out->first = pending->decision;
    wait_us = pending->refused_us + rules->min_s * second_us - now_us;
    out->standing = wait_us > 0 || now_us <= pending->refused_us
                        ? NM_CONFIRM_TOO_SOON
                        : NM_CONFIRM_SENT_AGAIN;
    if (wait_us > 0)
        out->wait_s = (uint32_t)((wait_us + second_us - 1) / second_us);
}

/* ---- noting ------------------------------------------------------------- */

static void remove_pending(struct nm_confirmations *confirmations, size_t i,
    const struct nm_confirm_journal *journal)
{
    const struct nm_confirm_change change = {
        .kind = NM_PENDING_GONE, .row.pending = confirmations->pending[i]};

    confirmations->pending_count--;
    memmove(&confirmations->pending[i], &confirmations->pending[i + 1],
        (confirmations->pending_count - i) * sizeof *confirmations->pending);
    journal->take(journal->self, &change);
}

static void forget_old(struct nm_confirmations *confirmations,
    const struct nm_confirm_rules *rules, int64_t now_us,
    const struct nm_confirm_journal *journal)
{
    while (confirmations->pending_count > 0 &&
           !counts(&confirmations->pending[0], rules, now_us))
        remove_pending(confirmations, 0, journal);
}

/* Whose row goes for a new one: the oldest of its sender, of its origin, or of all, when
 * there are too many of these; else none, which is the number of rows. */
static size_t find_victim(
    const struct nm_confirmations *confirmations, const struct nm_pending *next)
{
    const size_t count = confirmations->pending_count;
    size_t of_sender = 0;
    size_t of_origin = 0;
    size_t sender_at = count;
    size_t origin_at = count;

    for (size_t i = count; i > 0; i--) {
        const struct nm_pending *each = &confirmations->pending[i - 1];

        if (equal(&each->sender, &next->sender)) {
            of_sender++;
            sender_at = i - 1;
        }
        if (equal(&each->origin, &next->origin)) {
            of_origin++;
            origin_at = i - 1;
        }
    }
    if (of_sender >= NM_PENDING_PER_SENDER_MAX)
        return sender_at;
    if (of_origin >= NM_PENDING_PER_ORIGIN_MAX)
        return origin_at;
    return count >= NM_PENDING_MAX ? 0 : count;
}

enum nm_code nm_confirmations_refuse(struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    const struct nm_id *decision, int64_t now_us,
    const struct nm_confirm_journal *journal)
{
    struct nm_confirm_change change = {
        .kind = NM_PENDING_PUT, .row.pending = pending_of(confirmations, what)};
    const struct nm_pending *before;
    size_t victim;

    forget_old(confirmations, rules, now_us, journal);
    before = find_pending(confirmations, &change.row.pending.what);
    if (before != NULL && counts(before, rules, now_us))
        return NM_OK;
    if (before != NULL)
        remove_pending(
            confirmations, (size_t)(before - confirmations->pending), journal);
    if (!grow_pending(confirmations))
        return NM_NO_MEMORY;
    victim = find_victim(confirmations, &change.row.pending);
    if (victim < confirmations->pending_count)
        remove_pending(confirmations, victim, journal);
    else
        victim = SIZE_MAX;
    change.row.pending.decision = *decision;
    change.row.pending.refused_us = now_us;
    confirmations->pending[confirmations->pending_count++] = change.row.pending;
    journal->take(journal->self, &change);
    return victim != SIZE_MAX ? NM_LIMIT : NM_OK;
}

static void remove_confirmed(struct nm_confirmations *confirmations, size_t i,
    const struct nm_confirm_journal *journal)
{
    const struct nm_confirm_change change = {
        .kind = NM_CONFIRMED_GONE, .row.confirmed = confirmations->confirmed[i]};

    confirmations->confirmed_count--;
    memmove(&confirmations->confirmed[i], &confirmations->confirmed[i + 1],
        (confirmations->confirmed_count - i) * sizeof *confirmations->confirmed);
    journal->take(journal->self, &change);
}

/* The one that would be forgotten first, of the sender or, with NULL, of all. */
static size_t find_first_to_go(const struct nm_confirmations *confirmations,
    const struct nm_confirm_tag *sender, size_t *count)
{
    size_t found = confirmations->confirmed_count;

    *count = 0;
    for (size_t i = 0; i < confirmations->confirmed_count; i++) {
        const struct nm_confirmed *each = &confirmations->confirmed[i];

        if (sender != NULL && !equal(&each->sender, sender))
            continue;
        (*count)++;
        if (found == confirmations->confirmed_count ||
            each->expires_us < confirmations->confirmed[found].expires_us)
            found = i;
    }
    return found;
}

static bool make_room(struct nm_confirmations *confirmations,
    const struct nm_confirm_tag *sender, int64_t now_us,
    const struct nm_confirm_journal *journal)
{
    size_t count;
    size_t victim = find_first_to_go(confirmations, sender, &count);
    bool expired;

    if (count < NM_CONFIRMED_PER_SENDER_MAX) {
        victim = find_first_to_go(confirmations, NULL, &count);
        if (count < NM_CONFIRMED_MAX)
            return false;
    }
    expired = confirmations->confirmed[victim].expires_us <= now_us;
    remove_confirmed(confirmations, victim, journal);
    return !expired;
}

static bool has_another_sender(const struct nm_confirmations *confirmations,
    const struct nm_confirmed *of, int64_t now_us)
{
    for (size_t i = 0; i < confirmations->confirmed_count; i++) {
        const struct nm_confirmed *each = &confirmations->confirmed[i];

        if (equal(&each->domain, &of->domain) && !equal(&each->sender, &of->sender) &&
            now_us < each->expires_us)
            return true;
    }
    return false;
}

/* `row` takes the place of what was there. */
static enum nm_code put_confirmed(struct nm_confirmations *confirmations,
    const struct nm_confirmed *row, const struct nm_confirm_journal *journal)
{
    const struct nm_confirm_change change = {
        .kind = NM_CONFIRMED_PUT, .row.confirmed = *row};
    enum nm_code code = NM_OK;
    size_t place = place_of(confirmations, &row->what);

    if (!has(confirmations, place, &row->what)) {
        if (!grow_confirmed(confirmations))
            return NM_NO_MEMORY;
        if (make_room(confirmations, &row->sender, row->confirmed_us, journal))
            code = NM_LIMIT;
        place = place_of(confirmations, &row->what);
        memmove(&confirmations->confirmed[place + 1], &confirmations->confirmed[place],
            (confirmations->confirmed_count - place) * sizeof *row);
        confirmations->confirmed_count++;
    }
    confirmations->confirmed[place] = *row;
    journal->take(journal->self, &change);
    return code;
}

enum nm_code nm_confirmations_confirm(struct nm_confirmations *confirmations,
    const struct nm_confirm_case *what, const struct nm_confirm_rules *rules,
    int64_t now_us, const struct nm_confirm_journal *journal, bool *others)
{
    struct nm_confirmed row = confirmed_of(confirmations, what);
    const struct nm_confirm_tag wanted =
        tag(confirmations, PAIR, bytes_of(what->sender), what->recipient);
    const struct nm_pending *pending = find_pending(confirmations, &wanted);
    enum nm_code code = NM_OK;

    row.confirmed_us = now_us;
    row.expires_us = now_us + rules->remember_days * day_s * second_us;
    *others = rules->by_code || has_another_sender(confirmations, &row, now_us);
    if (rules->remember_days > 0)
        code = put_confirmed(confirmations, &row, journal);
    if (pending != NULL && code != NM_NO_MEMORY)
        remove_pending(
            confirmations, (size_t)(pending - confirmations->pending), journal);
    return code;
}
