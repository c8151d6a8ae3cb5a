#include "report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOURS_A_DAY = 24,
    HOURLY_DAYS_MAX = 3, /* a longer time is shown by days */
    GROUPS_FIRST = 64,
    CANDIDATE_SENDERS = 3,
    CANDIDATE_DAYS = 3,
    HABIT_COUNT = 4,
    HABIT_DAYS = 3
};
static const int64_t hour_us = INT64_C(3600000000);
static const int64_t day_us = HOURS_A_DAY * INT64_C(3600000000);
static const double candidate_confidence = 0.85;

/* ---- words -------------------------------------------------------------- */

const char *nm_fate_name(enum nm_fate fate)
{
    static const char *const names[NM_FATE_COUNT] = {[NM_FATE_STOPPED] = "stopped",
        [NM_FATE_KEPT] = "kept",
        [NM_FATE_MARKED] = "marked",
        [NM_FATE_OBSERVED] = "observed",
        [NM_FATE_PASSED] = "passed",
        [NM_FATE_UNFINISHED] = "unfinished"};

    return names[fate];
}

const char *nm_fate_words(enum nm_fate fate)
{
    static const char *const words[NM_FATE_COUNT] = {
        [NM_FATE_STOPPED] = "refused or put off",
        [NM_FATE_KEPT] = "held for a person",
        [NM_FATE_MARKED] = "went on, marked",
        [NM_FATE_OBSERVED] = "went on, observed only",
        [NM_FATE_PASSED] = "went on",
        [NM_FATE_UNFINISHED] = "broken off or unknown"};

    return words[fate];
}

/* The outcome of a decision is that of its recipient: of one in quarantine it says so, even
 * where the others got the message. */
enum nm_fate nm_fate_of(const struct nm_audit_event *decision)
{
    const bool observed =
        decision->mode == NM_MODE_OBSERVE && decision->action != NM_ACTION_ACCEPT;

    switch (decision->outcome) {
    case NM_OUTCOME_REFUSED:
        return NM_FATE_STOPPED;
    case NM_OUTCOME_HELD:
    case NM_OUTCOME_QUARANTINED:
        return NM_FATE_KEPT;
    case NM_OUTCOME_PASSED:
        break;
    case NM_OUTCOME_UNKNOWN:
    case NM_OUTCOME_ABORTED:
        return NM_FATE_UNFINISHED;
    }
    if (observed)
        return NM_FATE_OBSERVED;
    return decision->action == NM_ACTION_TAG ? NM_FATE_MARKED : NM_FATE_PASSED;
}

const char *nm_dimension_name(enum nm_dimension dimension)
{
    static const char *const names[NM_DIMENSION_COUNT] = {[NM_BY_TARGET] = "target",
        [NM_BY_TECHNIQUE] = "technique",
        [NM_BY_SENDERS] = "senders",
        [NM_BY_DOMAIN] = "domain",
        [NM_BY_HABIT] = "habit",
        [NM_BY_RULE] = "rule",
        [NM_BY_ACTION] = "action"};

    return names[dimension];
}

/* ---- groups ------------------------------------------------------------- */

static bool same(struct nm_bytes a, struct nm_bytes b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* FNV-1a over both parts of a name. */
static size_t hash(struct nm_bytes sender, struct nm_bytes name)
{
    uint64_t value = 0xcbf29ce484222325U;

    for (size_t i = 0; i < sender.length; i++)
        value = (value ^ (unsigned char)sender.data[i]) * 0x100000001b3U;
    value = (value ^ 0x100U) * 0x100000001b3U;
    for (size_t i = 0; i < name.length; i++)
        value = (value ^ (unsigned char)name.data[i]) * 0x100000001b3U;
    return (size_t)(value ^ value >> 32);
}

/* Where the group is, or the empty slot where it would be. There is always one. */
static size_t *search(
    const struct nm_groups *groups, struct nm_bytes sender, struct nm_bytes name)
{
    size_t at = hash(sender, name) & (groups->slot_count - 1);

    while (groups->slots[at] != 0) {
        const struct nm_group *group = groups->items[groups->slots[at] - 1];

        if (same(group->sender, sender) && same(group->name, name))
            break;
        at = (at + 1) & (groups->slot_count - 1);
    }
    return &groups->slots[at];
}

/* Twice as large, with at most half of the slots in use. */
static bool grow(struct nm_groups *groups)
{
    const size_t capacity = groups->capacity > 0 ? 2 * groups->capacity : GROUPS_FIRST;
    struct nm_group **items =
        realloc(groups->items, capacity * sizeof(struct nm_group *));
    size_t *slots;

    if (items == NULL)
        return false;
    groups->items = items;
    slots = calloc(2 * capacity, sizeof *slots);
    if (slots == NULL)
        return false;
    free(groups->slots);
    groups->slots = slots;
    groups->slot_count = 2 * capacity;
    groups->capacity = capacity;
    for (size_t i = 0; i < groups->count; i++)
        *search(groups, items[i]->sender, items[i]->name) = i + 1;
    return true;
}

static bool copy_bytes(
    struct nm_arena *arena, struct nm_bytes from, struct nm_bytes *out)
{
    out->length = from.length;
    out->data = nm_arena_copy(arena, from.data != NULL ? from.data : "", from.length);
    return out->data != NULL;
}

/* The group of this name, made if need be; `*out` is NULL when there is no room for one
 * more. */
static enum nm_code find_group(struct nm_report *report, enum nm_dimension dimension,
    struct nm_bytes sender, struct nm_bytes name, struct nm_group **out)
{
    struct nm_groups *groups = &report->by[dimension];
    struct nm_group *group;
    size_t *slot;

    *out = NULL;
    if (groups->count == groups->capacity && !grow(groups))
        return NM_NO_MEMORY;
    slot = search(groups, sender, name);
    if (*slot != 0) {
        *out = groups->items[*slot - 1];
        return NM_OK;
    }
    if (groups->count == NM_REPORT_GROUPS_MAX)
        return NM_OK;
    group = nm_arena_alloc(report->arena, sizeof *group);
    if (group == NULL || !copy_bytes(report->arena, sender, &group->sender) ||
        !copy_bytes(report->arena, name, &group->name))
        return NM_NO_MEMORY;
    groups->items[groups->count++] = group;
    *slot = groups->count;
    *out = group;
    return NM_OK;
}

static void remember_row(struct nm_group *group, int64_t sequence)
{
    if (group->newest_count == NM_REPORT_NEWEST) {
        memmove(group->newest, group->newest + 1,
            (NM_REPORT_NEWEST - 1) * sizeof group->newest[0]);
        group->newest_count--;
    }
    group->newest[group->newest_count++] = sequence;
}

/* Texts that change are copied only when they do. */
static bool set_text(struct nm_arena *arena, const char **text, const char *to)
{
    if (to == NULL || (*text != NULL && strcmp(*text, to) == 0))
        return true;
    *text = nm_arena_copy(arena, to, strlen(to));
    return *text != NULL;
}

static enum nm_code add_to_group(struct nm_report *report, struct nm_group *group,
    int64_t sequence, const struct nm_audit_event *decision)
{
    const int64_t day = decision->time_us / day_us;

    if (group->count == 0)
        group->first_us = decision->time_us;
    if (group->count == 0 || group->last_us / day_us != day)
        group->days++;
    group->last_us = decision->time_us;
    group->count++;
    group->fates[nm_fate_of(decision)]++;
    group->confidence += decision->confidence > 0 ? decision->confidence : 0;
    remember_row(group, sequence);
    return set_text(report->arena, &group->domain, decision->domain) &&
                   set_text(report->arena, &group->target, decision->target)
               ? NM_OK
               : NM_NO_MEMORY;
}

static struct nm_bytes bytes_of(const char *text)
{
    return (struct nm_bytes){text, strlen(text)};
}

/* `*made` says whether the group is new. */
static enum nm_code note_in(struct nm_report *report, enum nm_dimension dimension,
    struct nm_bytes sender, struct nm_bytes name, int64_t sequence,
    const struct nm_audit_event *decision, bool *made)
{
    struct nm_group *group = NULL;
    const enum nm_code code = find_group(report, dimension, sender, name, &group);

    *made = false;
    if (code != NM_OK)
        return code;
    if (group == NULL) {
        report->by[dimension].others++;
        return NM_OK;
    }
    *made = group->count == 0;
    return add_to_group(report, group, sequence, decision);
}

static enum nm_code note_text(struct nm_report *report, enum nm_dimension dimension,
    const char *name, int64_t sequence, const struct nm_audit_event *decision)
{
    bool made;

    return note_in(report, dimension, (struct nm_bytes){"", 0}, bytes_of(name),
        sequence, decision, &made);
}

/* ---- near misses -------------------------------------------------------- */

/* What stands behind the last @; all of it where there is none. */
static struct nm_bytes domain_of(struct nm_bytes address)
{
    const char *at =
        address.length > 0 ? memrchr(address.data, '@', address.length) : NULL;

    if (at == NULL)
        return address;
    return (struct nm_bytes){at + 1, address.length - (size_t)(at + 1 - address.data)};
}

static void note_bucket(struct nm_report *report, const struct nm_audit_event *decision)
{
    const int64_t at =
        (decision->time_us - report->buckets[0].begin_us) / report->bucket_us;

    if (at < 0 || at >= (int64_t)report->bucket_count)
        return;
    report->buckets[at].near_misses++;
    report->buckets[at].fates[nm_fate_of(decision)]++;
}

/* Who writes to a domain counts once for it. */
static enum nm_code note_habit(
    struct nm_report *report, int64_t sequence, const struct nm_audit_event *decision)
{
    struct nm_group *domain = NULL;
    bool made;
    enum nm_code code = note_in(report, NM_BY_HABIT, decision->sender,
        bytes_of(decision->domain), sequence, decision, &made);

    if (code == NM_OK && made)
        code = find_group(report, NM_BY_DOMAIN, (struct nm_bytes){"", 0},
            bytes_of(decision->domain), &domain);
    if (domain != NULL)
        domain->senders++;
    return code;
}

static enum nm_code note_near_miss(
    struct nm_report *report, int64_t sequence, const struct nm_audit_event *decision)
{
    bool made;
    enum nm_code code = note_text(report, NM_BY_TARGET,
        decision->target != NULL ? decision->target : "", sequence, decision);

    report->near_misses++;
    report->fates[nm_fate_of(decision)]++;
    note_bucket(report, decision);
    if (code == NM_OK)
        code = note_text(report, NM_BY_TECHNIQUE,
            nm_technique_name(decision->technique), sequence, decision);
    if (code == NM_OK)
        code = note_in(report, NM_BY_SENDERS, (struct nm_bytes){"", 0},
            domain_of(decision->sender), sequence, decision, &made);
    if (code == NM_OK)
        code = note_text(report, NM_BY_DOMAIN, decision->domain, sequence, decision);
    return code == NM_OK ? note_habit(report, sequence, decision) : code;
}

enum nm_code nm_report_note(
    struct nm_report *report, int64_t sequence, const struct nm_audit_event *decision)
{
    enum nm_code code = NM_OK;

    if (decision->technique != NM_TECHNIQUE_NONE)
        code = note_near_miss(report, sequence, decision);
    else
        report->acted_on++;
    if (code == NM_OK && decision->rule != NULL)
        code = note_text(report, NM_BY_RULE, decision->rule, sequence, decision);
    if (code == NM_OK)
        code = note_text(
            report, NM_BY_ACTION, nm_action_name(decision->action), sequence, decision);
    return code;
}

enum nm_code nm_report_add_rule(struct nm_report *report, const char *name)
{
    struct nm_group *group = NULL;

    return find_group(
        report, NM_BY_RULE, (struct nm_bytes){"", 0}, bytes_of(name), &group);
}

void nm_report_act(struct nm_report *report, enum nm_verb verb)
{
    report->acts[verb]++;
}

/* ---- totals ------------------------------------------------------------- */

void nm_report_count(
    struct nm_report *report, int64_t begin_us, enum nm_match match, uint64_t decisions)
{
    const int64_t at = (begin_us - report->buckets[0].begin_us) / report->bucket_us;

    if (begin_us < report->since_us) {
        report->has_before = true;
        report->before += match == NM_MATCH_NEAR_MISS ? decisions : 0;
        return;
    }
    if (begin_us >= report->until_us)
        return;
    report->recipients += decisions;
    report->by_match[match] += decisions;
    if (at < (int64_t)report->bucket_count)
        report->buckets[at].recipients += decisions;
}

/* ---- order -------------------------------------------------------------- */

static int compare_bytes(struct nm_bytes a, struct nm_bytes b)
{
    const size_t length = a.length < b.length ? a.length : b.length;
    const int order = memcmp(a.data, b.data, length);

    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

/* The largest first, then by name, so that a report is the same each time. */
static int compare_groups(const void *left, const void *right)
{
    const struct nm_group *const *a = left;
    const struct nm_group *const *b = right;
    int order = ((*a)->count < (*b)->count) - ((*a)->count > (*b)->count);

    if (order == 0)
        order = compare_bytes((*a)->name, (*b)->name);
    return order != 0 ? order : compare_bytes((*a)->sender, (*b)->sender);
}

void nm_report_settle(struct nm_report *report)
{
    for (size_t i = 0; i < NM_DIMENSION_COUNT; i++)
        if (report->by[i].count > 0)
            qsort(report->by[i].items, report->by[i].count, sizeof(struct nm_group *),
                compare_groups);
}

/* How likely a typed domain is meant, to put candidates in order: many people, and doubt. */
static double doubt(const struct nm_group *domain)
{
    const double mean = domain->confidence / (double)domain->count;

    return (double)domain->senders * (1 - mean);
}

static bool is_candidate(const struct nm_group *domain)
{
    return domain->senders >= CANDIDATE_SENDERS && domain->days >= CANDIDATE_DAYS &&
           domain->confidence < candidate_confidence * (double)domain->count;
}

size_t nm_report_candidates(
    const struct nm_report *report, const struct nm_group **out, size_t capacity)
{
    const struct nm_groups *domains = &report->by[NM_BY_DOMAIN];
    size_t count = 0;

    for (size_t i = 0; i < domains->count; i++) {
        size_t at = count;

        if (!is_candidate(domains->items[i]))
            continue;
        while (at > 0 && doubt(out[at - 1]) < doubt(domains->items[i]))
            at--;
        if (at == capacity)
            continue;
        count += count < capacity;
        memmove(out + at + 1, out + at, (count - at - 1) * sizeof(struct nm_group *));
        out[at] = domains->items[i];
    }
    return count;
}

size_t nm_report_habits(
    const struct nm_report *report, const struct nm_group **out, size_t capacity)
{
    const struct nm_groups *habits = &report->by[NM_BY_HABIT];
    size_t count = 0;

    for (size_t i = 0; i < habits->count && count < capacity; i++)
        if (habits->items[i]->count >= HABIT_COUNT &&
            habits->items[i]->days >= HABIT_DAYS)
            out[count++] = habits->items[i];
    return count;
}

/* ---- made and freed ----------------------------------------------------- */

/* By hours, by days, or by as many days as keep the columns few enough. */
static void make_buckets(struct nm_report *report)
{
    int64_t begin_us = report->since_us;
    int64_t days;

    report->bucket_us = hour_us;
    if (report->until_us - begin_us > HOURLY_DAYS_MAX * day_us) {
        begin_us -= begin_us % day_us;
        report->since_us = begin_us;
        days = (report->until_us - begin_us - 1) / day_us / NM_REPORT_BUCKETS_MAX + 1;
        report->bucket_us = (days > 1 ? (days + 6) / 7 * 7 : 1) * day_us;
    }
    do {
        report->buckets[report->bucket_count++].begin_us = begin_us;
        begin_us += report->bucket_us;
    } while (
        begin_us < report->until_us && report->bucket_count < NM_REPORT_BUCKETS_MAX);
}

enum nm_code nm_report_new(int64_t since_us, int64_t until_us, struct nm_report **out)
{
    struct nm_report *report = calloc(1, sizeof *report);

    assert(since_us >= 0 && since_us <= until_us);
    if (report == NULL)
        return NM_NO_MEMORY;
    if (nm_arena_new(NM_REPORT_BYTES_MAX, &report->arena) != NM_OK) {
        free(report);
        return NM_NO_MEMORY;
    }
    report->since_us = since_us - since_us % hour_us;
    report->until_us = until_us + (hour_us - until_us % hour_us) % hour_us;
    make_buckets(report);
    *out = report;
    return NM_OK;
}

void nm_report_free(struct nm_report **report)
{
    if (*report == NULL)
        return;
    for (size_t i = 0; i < NM_DIMENSION_COUNT; i++) {
        free((*report)->by[i].items);
        free((*report)->by[i].slots);
    }
    nm_arena_free(&(*report)->arena);
    free(*report);
    *report = NULL;
}
