/*
 * What `wait` says is so: an event is durable when it returns NM_OK, and nothing that
 * failed comes to light later as if it had not. Under threads, on a disk that hangs and
 * on one that fails.
 */
#include "audit_disk.h"
#include "audit_kit.h"

#include <stdatomic.h>

static size_t count_rows(struct kit *kit, const char *recipient)
{
    struct kit_rows rows = {0};
    size_t count;

    kit_list(kit, &(struct nm_audit_query){.recipient = recipient}, &rows);
    count = rows.count;
    kit_rows_free(&rows);
    return count;
}

static uint64_t append(struct kit *kit, const char *recipient)
{
    const struct nm_audit_event event = kit_decision(kit, recipient);
    uint64_t ticket = 0;

    ck_assert_int_eq(kit->port.append(kit->port.self, &event, 1, &ticket), NM_OK);
    return ticket;
}

static struct nm_audit_status status_of(struct kit *kit)
{
    struct nm_audit_status status;

    nm_audit_status(kit->audit, &status);
    return status;
}

/* ---- durable ------------------------------------------------------------ */

/* Without synchronous=FULL the second assertion fails; with a `wait` that returns at once
 * the first, at the latest after some rounds. */
START_TEST(test_writer__nothing_is_durable_before_it_is_synced)
{
    struct kit kit;

    kit_start(&kit);
    for (size_t round = 1; round <= 50; round++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
        ck_assert_uint_eq(status_of(&kit).events_written, round);
        ck_assert(disk_is_synced());
    }
    ck_assert_uint_ge(disk.wal_syncs, 50);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__a_wait_covers_what_was_appended_before)
{
    struct kit kit;
    struct nm_error error;
    uint64_t ticket;

    kit_start(&kit);
    (void)append(&kit, "first@example.net");
    ticket = append(&kit, "second@example.net");
    (void)append(&kit, "third@example.net");
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, &error), NM_OK);
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket - 1, NULL), NM_OK);
    ck_assert_uint_eq(count_rows(&kit, "first@example.net"), 1);
    ck_assert_uint_eq(count_rows(&kit, "second@example.net"), 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__writes_what_nobody_waits_for)
{
    struct kit kit;

    kit_start(&kit);
    for (int i = 0; i < 100; i++)
        (void)append(&kit, "bob@army.ml");
    while (status_of(&kit).events_written < 100)
        usleep(1000);
    ck_assert_uint_eq(count_rows(&kit, "bob@army.ml"), 100);
    ck_assert_uint_eq(status_of(&kit).queued_bytes, 0);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__stopping_writes_what_is_queued)
{
    struct kit kit;

    kit_start(&kit);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "text"), NM_OK);
    for (int i = 0; i < 1000; i++)
        (void)append(&kit, "bob@army.ml");
    nm_audit_stop(&kit.audit);
    ck_assert_ptr_null(kit.audit);
    nm_audit_stop(&kit.audit);
    ck_assert_uint_eq(count_rows(&kit, "bob@army.ml"), 1000);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT text = 'text' FROM config"), 1);
    kit_free(&kit);
}
END_TEST

/* ---- a disk that hangs -------------------------------------------------- */

/* Without the change the wait would outlast the test. */
START_TEST(test_writer__a_wait_is_as_long_as_was_set_last)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_event event;

    kit_start(&kit);
    nm_audit_set_wait_ms(kit.audit, 150);
    disk_hang(true);
    event = kit_decision(&kit, "hanging@example.net");
    ck_assert_int_eq(kit_try(&kit, &event, 1, &error), NM_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(error.message, "within 150 ms (audit.wait_ms)"));
    disk_hang(false);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__a_wait_ends_when_the_disk_hangs)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_event event;

    kit_init(&kit);
    kit.wait_ms = 100;
    kit_open(&kit);
    disk_hang(true);
    event = kit_decision(&kit, "hanging@example.net");
    ck_assert_int_eq(kit_try(&kit, &event, 1, &error), NM_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(error.message, "no commit within 100 ms"));
    kit_await_line(&kit, "no commit within 100 ms");
    /* What was told to have failed before its commit began is not written later. */
    event = kit_decision(&kit, "withdrawn@example.net");
    ck_assert_int_eq(kit_try(&kit, &event, 1, &error), NM_TIMEOUT);
    (void)append(&kit, "kept@example.net");
    ck_assert_uint_eq(kit_errors(&kit), 1);

    disk_hang(false);
    while (status_of(&kit).events_written < 2)
        usleep(1000);
    ck_assert_uint_eq(count_rows(&kit, "hanging@example.net"), 1);
    ck_assert_uint_eq(count_rows(&kit, "withdrawn@example.net"), 0);
    ck_assert_uint_eq(count_rows(&kit, "kept@example.net"), 1);
    kit_await_line(&kit, "the audit log is written again");
    kit_stop(&kit);
}
END_TEST

/* Under way to the disk is not on it. */
START_TEST(test_writer__a_wait_for_what_is_being_written_waits)
{
    struct kit kit;
    uint64_t ticket;

    kit_init(&kit);
    kit.wait_ms = 100;
    kit_open(&kit);
    disk_hang(true);
    ticket = append(&kit, "hanging@example.net");
    disk_await_hanging();
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, NULL), NM_TIMEOUT);
    disk_hang(false);
    while (status_of(&kit).events_written == 0)
        usleep(1000);
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, NULL), NM_OK);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__the_queue_has_a_cap)
{
    enum { LARGE = 1024 * 1024 };
    struct kit kit;
    struct nm_audit_event event;
    uint64_t ticket;
    char *large = malloc(LARGE);
    enum nm_code code = NM_OK;
    size_t taken = 0;

    ck_assert_ptr_nonnull(large);
    memset(large, 'x', LARGE);
    kit_start(&kit);
    event = kit_decision(&kit, "");
    event.recipient = (struct nm_bytes){.data = large, .length = LARGE};
    disk_hang(true);
    while (code == NM_OK) {
        code = kit.port.append(kit.port.self, &event, 1, &ticket);
        taken += code == NM_OK;
        ck_assert_uint_le(status_of(&kit).queued_bytes, NM_AUDIT_QUEUE_BYTES_MAX);
    }
    ck_assert_int_eq(code, NM_LIMIT);
    ck_assert_uint_eq(taken, NM_AUDIT_QUEUE_BYTES_MAX / LARGE - 1);
    disk_hang(false);
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, NULL), NM_OK);
    ck_assert_int_eq(kit.port.append(kit.port.self, &event, 1, &ticket), NM_OK);
    free(large);
    kit_stop(&kit);
}
END_TEST

/* ---- a disk that fails -------------------------------------------------- */

START_TEST(test_writer__a_failed_sync_is_no_success_and_doubles_nothing)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    uint64_t ticket;

    kit_start(&kit);
    disk_fail_syncs(1);
    (void)append(&kit, "kept@example.net");
    ticket = append(&kit, "failed@example.net");
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "the storage fails"));
    while (status_of(&kit).events_written == 0)
        usleep(1000);
    kit_await_line(&kit, "the audit log is written again");
    ck_assert_uint_eq(kit_errors(&kit), 1);
    ck_assert_uint_eq(kit_notices(&kit), 1);
    ck_assert_uint_eq(count_rows(&kit, "kept@example.net"), 1);
    /* It was in the commit that failed, which may have reached the disk. */
    ck_assert_uint_le(count_rows(&kit, "failed@example.net"), 1);
    ck_assert(disk_is_synced());
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__complains_once_of_a_disk_that_goes_on_failing)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_event event;

    kit_start(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    disk_fail_syncs(UINT32_MAX);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(kit_try(&kit, &event, 1, &error), NM_SYSTEM);
    ck_assert(status_of(&kit).failing);
    ck_assert_str_eq(status_of(&kit).last.message, error.message);
    kit_await_line(&kit, "the audit log cannot be written");
    ck_assert_uint_eq(kit_errors(&kit), 1);
    ck_assert_uint_eq(kit_notices(&kit), 0);
    disk_fail_syncs(0);
    while (kit_try(&kit, &event, 1, &error) != NM_OK)
        usleep(1000);
    ck_assert(!status_of(&kit).failing);
    kit_await_line(&kit, "the audit log is written again");
    ck_assert_uint_eq(kit_notices(&kit), 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_writer__says_what_it_could_not_write_when_it_stops)
{
    struct kit kit;

    kit_init(&kit);
    kit.wait_ms = 100;
    kit_open(&kit);
    disk_fail_syncs(UINT32_MAX);
    (void)append(&kit, "lost@example.net");
    (void)append(&kit, "lost@example.net");
    nm_audit_stop(&kit.audit);
    disk_fail_syncs(0);
    kit_await_line(&kit, "closed before these events could be written");
    kit_await_line(&kit, "events=2");
    kit_free(&kit);
}
END_TEST

/* ---- threads ------------------------------------------------------------ */

enum { THREADS = 6, MESSAGES = 60 };

struct sender {
    struct kit *kit;
    pthread_t thread;
    unsigned number;
    struct nm_id ids[MESSAGES][3];
};

/* A message with three recipients; the second is refused at once. */
static void send_message(struct sender *sender, unsigned message)
{
    struct kit *kit = sender->kit;
    struct nm_audit_event events[4];
    uint8_t random[NM_ID_RANDOM_BYTES] = {(uint8_t)sender->number, (uint8_t)message};
    struct kit local = {.now_us = kit_epoch_us};
    uint64_t ticket = 0;

    for (size_t i = 0; i < 3; i++) {
        random[2] = (uint8_t)i;
        events[i] = kit_decision(&local, "bob@army.ml");
        events[i].id = sender->ids[message][i] = nm_id_make(kit_epoch_us, random);
        events[i].transaction = sender->ids[message][0];
    }
    events[3] = kit_outcome(&local, &events[0], NM_OUTCOME_PASSED);
    ck_assert_int_eq(kit->port.append(kit->port.self, &events[0], 1, &ticket), NM_OK);
    ck_assert_int_eq(kit->port.append(kit->port.self, &events[1], 1, &ticket), NM_OK);
    ck_assert_int_eq(kit->port.wait(kit->port.self, ticket, NULL), NM_OK);
    ck_assert_int_eq(kit->port.append(kit->port.self, &events[2], 2, &ticket), NM_OK);
    if (message % 7 != 0)
        ck_assert_int_eq(kit->port.wait(kit->port.self, ticket, NULL), NM_OK);
}

static void *send_all(void *self)
{
    struct sender *sender = self;

    for (unsigned message = 0; message < MESSAGES; message++)
        send_message(sender, message);
    return NULL;
}

static atomic_bool reading;

static void *read_meanwhile(void *self)
{
    struct kit *kit = self;
    struct kit_rows rows = {0};
    size_t before = 0;

    while (atomic_load(&reading)) {
        kit_list(kit, &(struct nm_audit_query){.domain = "army.ml"}, &rows);
        ck_assert_uint_ge(rows.count, before);
        before = rows.count;
        (void)status_of(kit);
        (void)nm_audit_note_config(kit->audit, "00ff", "text");
    }
    kit_rows_free(&rows);
    return NULL;
}

/* Each sender's events are all there, in its order. */
static void check_order(const struct kit_rows *rows, const struct sender *sender)
{
    size_t at = 0;

    for (size_t i = 0; i < rows->count && at < 3 * MESSAGES; i++)
        if (strcmp(rows->items[i].decision.id.text, sender->ids[at / 3][at % 3].text) ==
            0) {
            ck_assert_int_eq(rows->items[i].decision.outcome, NM_OUTCOME_PASSED);
            at++;
        }
    ck_assert_uint_eq(at, 3 * MESSAGES);
}

START_TEST(test_writer__takes_events_from_many_threads_and_keeps_their_order)
{
    static struct sender senders[THREADS];
    struct kit kit;
    struct kit_rows rows = {0};
    pthread_t reader;

    kit_start(&kit);
    atomic_store(&reading, true);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_meanwhile, &kit), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.kit = &kit, .number = i};
        ck_assert_int_eq(
            pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
    atomic_store(&reading, false);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    nm_audit_stop(&kit.audit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 3 * MESSAGES * THREADS);
    for (size_t i = 0; i < THREADS; i++)
        check_order(&rows, &senders[i]);
    kit_rows_free(&rows);
    kit_free(&kit);
}
END_TEST

/* Syncs fail now and then under many threads: what a wait called durable is there once,
 * what it did not at most once. */
struct gambler {
    struct kit *kit;
    pthread_t thread;
    unsigned number;
    struct nm_id ids[MESSAGES];
    enum nm_code codes[MESSAGES];
};

static void *gamble(void *self)
{
    struct gambler *gambler = self;
    struct kit *kit = gambler->kit;
    struct kit local = {.now_us = kit_epoch_us};

    for (unsigned i = 0; i < MESSAGES; i++) {
        const uint8_t random[NM_ID_RANDOM_BYTES] = {
            (uint8_t)gambler->number, (uint8_t)i};
        struct nm_audit_event event = kit_decision(&local, "bob@army.ml");

        if (i % 20 == gambler->number)
            disk_fail_syncs(1);
        event.id = gambler->ids[i] = nm_id_make(kit_epoch_us, random);
        event.transaction = event.id;
        gambler->codes[i] = kit_try(kit, &event, 1, NULL);
    }
    return NULL;
}

static size_t count_id(const struct kit_rows *rows, const struct nm_id *id)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++)
        count += strcmp(rows->items[i].decision.id.text, id->text) == 0;
    return count;
}

START_TEST(test_writer__no_wait_is_told_durable_in_vain)
{
    static struct gambler gamblers[THREADS];
    struct kit kit;
    struct kit_rows rows = {0};
    size_t durable = 0;

    kit_start(&kit);
    for (unsigned i = 0; i < THREADS; i++) {
        gamblers[i] = (struct gambler){.kit = &kit, .number = i};
        ck_assert_int_eq(
            pthread_create(&gamblers[i].thread, NULL, gamble, &gamblers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(gamblers[i].thread, NULL), 0);
    disk_fail_syncs(0);
    nm_audit_stop(&kit.audit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < MESSAGES; j++) {
            const size_t count = count_id(&rows, &gamblers[i].ids[j]);

            durable += gamblers[i].codes[j] == NM_OK;
            ck_assert_uint_le(count, 1);
            ck_assert(gamblers[i].codes[j] != NM_OK || count == 1);
        }
    ck_assert_uint_lt(durable, THREADS * MESSAGES);
    kit_rows_free(&rows);
    kit_free(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer");
    TCase *cases = tcase_create("writer");
    SRunner *runner = srunner_create(suite);
    int failed;

    disk_install();
    tcase_add_checked_fixture(cases, disk_heal, disk_heal);
    tcase_add_test(cases, test_writer__nothing_is_durable_before_it_is_synced);
    tcase_add_test(cases, test_writer__a_wait_covers_what_was_appended_before);
    tcase_add_test(cases, test_writer__writes_what_nobody_waits_for);
    tcase_add_test(cases, test_writer__stopping_writes_what_is_queued);
    tcase_add_test(cases, test_writer__a_wait_is_as_long_as_was_set_last);
    tcase_add_test(cases, test_writer__a_wait_ends_when_the_disk_hangs);
    tcase_add_test(cases, test_writer__a_wait_for_what_is_being_written_waits);
    tcase_add_test(cases, test_writer__the_queue_has_a_cap);
    tcase_add_test(cases, test_writer__a_failed_sync_is_no_success_and_doubles_nothing);
    tcase_add_test(cases, test_writer__complains_once_of_a_disk_that_goes_on_failing);
    tcase_add_test(cases, test_writer__says_what_it_could_not_write_when_it_stops);
    tcase_add_test(
        cases, test_writer__takes_events_from_many_threads_and_keeps_their_order);
    tcase_add_test(cases, test_writer__no_wait_is_told_durable_in_vain);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
