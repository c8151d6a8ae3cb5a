/*
 * Messages come on several threads, while somebody reviews: each is kept, once.
 */
#include "quarantine_kit.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, MESSAGES = 25 };

struct sender {
    struct kit *kit;
    unsigned number;
    unsigned kept;
    pthread_t thread;
};

static atomic_bool is_over;

/* One message, with identifiers of this thread's own. */
static bool send_one(const struct sender *sender, unsigned message)
{
    const struct nm_quarantine_port *port = &sender->kit->port;
    const uint8_t random[NM_ID_RANDOM_BYTES] = {
        (uint8_t)sender->number, (uint8_t)message};
    struct nm_spool_recipient recipient = {
        .id = nm_id_make(sender->kit->now_us, random),
        .recipient = {"bob@army.ml", 11},
        .arguments = "",
        .domain = "army.ml",
        .rule = "keep"};
    const struct nm_spool_message envelope = {.transaction = recipient.id,
        .time_us = sender->kit->now_us,
        .sender = {"", 0},
        .arguments = "",
        .client = "",
        .auth = "",
        .queue_id = "",
        .recipients = &recipient};
    struct nm_spool *spool = NULL;
    struct nm_error error;

    if (port->begin(port->self, &envelope.transaction, &spool, &error) != NM_OK)
        return false;
    if (port->write(port->self, spool, NM_CONTENT_BODY, recipient.id.text, NM_ID_LENGTH,
            &error) != NM_OK) {
        port->drop(port->self, &spool);
        return false;
    }
    return port->commit(port->self, &spool, &envelope, &error) == NM_OK;
}

static void *send_all(void *self)
{
    struct sender *sender = self;

    for (unsigned i = 0; i < MESSAGES; i++)
        sender->kept += send_one(sender, i);
    return NULL;
}

static bool count_entry(void *self, const struct nm_kept_entry *entry)
{
    (void)entry;
    ++*(size_t *)self;
    return true;
}

static void *review(void *self)
{
    struct kit *kit = self;
    struct nm_error error;

    while (!atomic_load(&is_over)) {
        size_t count = 0;

        (void)nm_quarantine_list(kit->quarantine, NULL, count_entry, &count, &error);
        (void)kit->port.expects(kit->port.self, (struct nm_bytes){"", 0},
            (struct nm_bytes){"bob@army.ml", 11});
        nm_quarantine_set_limits(kit->quarantine, 0, 30);
    }
    return NULL;
}

START_TEST(test_threads__each_message_is_kept_once)
{
    struct kit kit;
    struct sender senders[THREADS];
    struct nm_error error;
    pthread_t reviewer;
    size_t count = 0;

    kit_start(&kit);
    atomic_store(&is_over, false);
    ck_assert_int_eq(pthread_create(&reviewer, NULL, review, &kit), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.kit = &kit, .number = i};
        ck_assert_int_eq(
            pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_uint_eq(senders[i].kept, MESSAGES);
    }
    atomic_store(&is_over, true);
    ck_assert_int_eq(pthread_join(reviewer, NULL), 0);
    ck_assert_int_eq(
        nm_quarantine_list(kit.quarantine, NULL, count_entry, &count, &error), NM_OK);
    ck_assert_uint_eq(count, THREADS * MESSAGES);
    ck_assert_uint_eq(kit_files(&kit, "messages"), THREADS * MESSAGES);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("threads");
    Suite *suite = suite_create("quarantine");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_threads__each_message_is_kept_once);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
