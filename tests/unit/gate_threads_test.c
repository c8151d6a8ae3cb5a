/*
 * Snapshots among threads: one that is swapped out lives until the last message that
 * pinned it has ended, and each message is decided whole by one. For a run under TSan.
 */
#include "gate_world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { READERS = 4, SWAPPERS = 2, PINS = 3000, SWAPS = 1500, MESSAGES = 200 };

static struct nm_snapshot *snapshot_number(unsigned number)
{
    struct nm_snapshot_values values = {.max_refusals = number};
    struct nm_snapshot *snapshot = NULL;

    (void)snprintf(values.gateway, sizeof values.gateway, "gateway-%u", number);
    (void)snprintf(values.config_hash, sizeof values.config_hash, "hash-%u", number);
    ck_assert_int_eq(nm_snapshot_new(&values, &snapshot), NM_OK);
    return snapshot;
}

/* ---- pin, swap, release --------------------------------------------------- */

struct race {
    struct nm_slot *slot;
    pthread_barrier_t start;
    atomic_uint torn; /* values that belong to two snapshots */
};

static bool is_whole(const struct nm_snapshot_values *values)
{
    char gateway[64];
    char hash[64];

    (void)snprintf(gateway, sizeof gateway, "gateway-%u", values->max_refusals);
    (void)snprintf(hash, sizeof hash, "hash-%u", values->max_refusals);
    return strcmp(values->gateway, gateway) == 0 &&
           strcmp(values->config_hash, hash) == 0;
}

static void *read_snapshots(void *argument)
{
    struct race *race = argument;

    (void)pthread_barrier_wait(&race->start);
    for (unsigned i = 0; i < PINS; i++) {
        struct nm_snapshot *first = nm_slot_pin(race->slot);
        struct nm_snapshot *second = nm_slot_pin(race->slot);

        if (!is_whole(nm_snapshot_values(first)))
            atomic_fetch_add(&race->torn, 1);
        nm_snapshot_release(&first);
        if (!is_whole(nm_snapshot_values(second)))
            atomic_fetch_add(&race->torn, 1);
        nm_snapshot_release(&second);
    }
    return NULL;
}

static void *swap_snapshots(void *argument)
{
    struct race *race = argument;

    (void)pthread_barrier_wait(&race->start);
    for (unsigned i = 1; i <= SWAPS; i++)
        nm_slot_swap(race->slot, snapshot_number(i));
    return NULL;
}

START_TEST(test_slot__a_pinned_snapshot_outlives_its_swap)
{
    pthread_t threads[READERS + SWAPPERS];
    struct nm_snapshot *last;
    struct race race;

    atomic_init(&race.torn, 0);
    ck_assert_int_eq(nm_slot_new(snapshot_number(0), &race.slot), NM_OK);
    ck_assert_int_eq(pthread_barrier_init(&race.start, NULL, READERS + SWAPPERS), 0);
    for (size_t i = 0; i < READERS + SWAPPERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                             i < READERS ? read_snapshots : swap_snapshots, &race),
            0);
    for (size_t i = 0; i < READERS + SWAPPERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&race.torn), 0);
    last = nm_slot_pin(race.slot);
    ck_assert_uint_eq(nm_snapshot_references(last), 2);
    ck_assert_uint_eq(nm_snapshot_values(last)->max_refusals, SWAPS);
    nm_snapshot_release(&last);
    nm_slot_free(&race.slot);
    (void)pthread_barrier_destroy(&race.start);
}
END_TEST

/* ---- exceptions ------------------------------------------------------------- */

static struct nm_overlay *overlay_number(unsigned number)
{
    char author[32];
    const struct nm_exception row = {.domain = {.length = 7, .name = "army.ml"},
        .author = author,
        .created_us = number,
        .expires_us = INT64_MAX};
    struct nm_overlay *overlay = NULL;

    (void)snprintf(author, sizeof author, "author-%u", number);
    ck_assert_int_eq(nm_overlay_new(&row, 1, &overlay), NM_OK);
    return overlay;
}

static void *read_exceptions(void *argument)
{
    struct race *race = argument;
    const struct nm_domain domain = {.length = 7, .name = "army.ml"};

    (void)pthread_barrier_wait(&race->start);
    for (unsigned i = 0; i < PINS; i++) {
        struct nm_overlay *overlay = NULL;
        struct nm_snapshot *snapshot = nm_slot_pin_both(race->slot, &overlay);
        const struct nm_exception *found =
            nm_overlay_find(overlay, &domain, NULL, "", 0);
        char author[32];

        (void)snprintf(author, sizeof author, "author-%u",
            found != NULL ? (unsigned)found->created_us : 0);
        if (found != NULL && strcmp(found->author, author) != 0)
            atomic_fetch_add(&race->torn, 1);
        nm_overlay_release(&overlay);
        nm_snapshot_release(&snapshot);
    }
    return NULL;
}

static void *swap_exceptions(void *argument)
{
    struct race *race = argument;

    (void)pthread_barrier_wait(&race->start);
    for (unsigned i = 1; i <= SWAPS; i++)
        nm_slot_swap_overlay(race->slot, i % 8 == 0 ? NULL : overlay_number(i));
    return NULL;
}

START_TEST(test_slot__a_pinned_overlay_outlives_its_swap)
{
    pthread_t threads[READERS + SWAPPERS];
    struct race race;

    atomic_init(&race.torn, 0);
    ck_assert_int_eq(nm_slot_new(snapshot_number(0), &race.slot), NM_OK);
    ck_assert_int_eq(pthread_barrier_init(&race.start, NULL, READERS + SWAPPERS), 0);
    for (size_t i = 0; i < READERS + SWAPPERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                             i < READERS ? read_exceptions : swap_exceptions, &race),
            0);
    for (size_t i = 0; i < READERS + SWAPPERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&race.torn), 0);
    nm_slot_free(&race.slot);
    (void)pthread_barrier_destroy(&race.start);
}
END_TEST

/* ---- messages while the configuration changes ------------------------------ */

enum { KINDS = 3 };

static const struct nm_rule_spec kinds[KINDS] = {
    {.name = "0", .confidence = 0.5, .action = NM_ACTION_REJECT},
    {.name = "1", .confidence = 0.5, .action = NM_ACTION_TAG},
    {.name = "2", .confidence = 0.5, .action = NM_ACTION_HOLD},
};

static struct nm_snapshot *snapshot_of_kind(size_t kind)
{
    struct nm_snapshot_values values = world_values(&kinds[kind], 1);
    struct nm_snapshot *snapshot = NULL;

    (void)nm_copy(values.config_hash, sizeof values.config_hash, kinds[kind].name);
    ck_assert_int_eq(nm_snapshot_new(&values, &snapshot), NM_OK);
    return snapshot;
}

struct client {
    struct world *world; /* of its own, but for the slot */
    atomic_bool *done;
    unsigned mixed; /* messages that were not decided by one configuration */
};

/* The log's rows all name one configuration, and it is the one whose rule decided. */
static bool is_of_one_kind(const struct world *world, const struct nm_answer *rcpt,
    const struct nm_answer *end)
{
    const char *kind = world->events[0].config;

    for (size_t i = 1; i < world->event_count; i++) {
        if (strcmp(world->events[i].config, kind) != 0)
            return false;
    }
    return strcmp(world->events[0].rule, kind) == 0 &&
           (rcpt->kind == NM_ANSWER_REPLY) == (kind[0] == '0') &&
           (end->tag != NULL) == (kind[0] == '1') &&
           (end->hold != NULL) == (kind[0] == '2');
}

static void *send_messages(void *argument)
{
    struct client *client = argument;
    struct world *world = client->world;

    for (unsigned i = 0; i < MESSAGES; i++) {
        struct nm_answer rcpt;
        struct nm_answer end;

        if (i % 8 == 0)
            world_connect(world, "192.0.2.7");
        world->event_count = 0;
        world_mail(world, "<alice@example.org>");
        rcpt = world_rcpt(world, "<bob@army.ml>");
        (void)world_rcpt(world, "<carol@army.mil>");
        end = world_event(world, NM_SESSION_END);
        if (!is_of_one_kind(world, &rcpt, &end))
            client->mixed++;
    }
    nm_session_free(&world->session);
    return NULL;
}

/* Until the messages are through. The snapshots are kept and swapped in again and again:
 * to build one takes longer than a message. */
static void *reload(void *argument)
{
    struct client *client = argument;
    struct nm_slot *slot = client->world->slot;
    struct nm_snapshot *kept[KINDS];

    for (size_t i = 0; i < KINDS; i++)
        kept[i] = snapshot_of_kind(i);
    for (size_t i = 0; !atomic_load(client->done); i = (i + 1) % KINDS) {
        nm_slot_swap(slot, kept[i]);
        kept[i] = nm_slot_pin(slot);
    }
    for (size_t i = 0; i < KINDS; i++)
        nm_snapshot_release(&kept[i]);
    return NULL;
}

static struct world *world_on(struct nm_slot *slot)
{
    struct nm_snapshot_values nothing = {.gateway = "unused"};
    struct world *world = world_new(&nothing);

    nm_slot_free(&world->slot);
    world->slot = slot;
    return world;
}

START_TEST(test_gate__each_message_is_decided_by_one_configuration)
{
    struct nm_slot *slot = NULL;
    atomic_bool done = false;
    struct client clients[READERS + 1]; /* the last one reloads */
    pthread_t threads[READERS + 1];

    ck_assert_int_eq(nm_slot_new(snapshot_of_kind(0), &slot), NM_OK);
    for (size_t i = 0; i < READERS + 1; i++) {
        clients[i] = (struct client){.world = world_on(slot), .done = &done};
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                             i < READERS ? send_messages : reload, &clients[i]),
            0);
    }
    for (size_t i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    atomic_store(&done, true);
    ck_assert_int_eq(pthread_join(threads[READERS], NULL), 0);
    for (size_t i = 0; i < READERS + 1; i++) {
        ck_assert_uint_eq(clients[i].mixed, 0);
        clients[i].world->slot = NULL;
        world_free(&clients[i].world);
    }
    nm_slot_free(&slot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_slot__a_pinned_snapshot_outlives_its_swap);
    tcase_add_test(cases, test_slot__a_pinned_overlay_outlives_its_swap);
    tcase_add_test(cases, test_gate__each_message_is_decided_by_one_configuration);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
