#include "quarantine_kit.h"

#include <sqlite3.h>
#include <sys/stat.h>

static const char *const bob[] = {"bob@army.ml", NULL};

START_TEST(test_quarantine__keeps_a_message_for_each_recipient)
{
    const char *const recipients[] = {"bob@army.ml", "x\xff@army.ml", NULL};
    struct kit kit;
    struct kit_message message;
    struct kit_entries entries;
    struct nm_error error;
    char text[64];

    kit_start(&kit);
    kit_compose(&kit, &message, recipients, "hello\r\n");
    ck_assert_int_eq(kit_put(&kit, &message, "Received: y\r\n", &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(entries.rows[i].id.text, message.recipients[i].id.text);
        ck_assert_str_eq(entries.rows[i].recipient, recipients[i]);
        ck_assert_str_eq(entries.rows[i].sender, "a@example.org");
        ck_assert_int_eq(entries.rows[i].state, NM_KEPT_WAITING);
        ck_assert(kit_read(&kit, entries.rows[i].id.text, text, sizeof text));
        ck_assert_str_eq(text, "Received: y\r\nSubject: x\r\n\r\nhello\r\n");
        ck_assert_uint_eq(entries.rows[i].bytes, strlen(text));
    }
    ck_assert_uint_eq(kit_files(&kit, "messages"), 1);
    ck_assert_uint_eq(kit_files(&kit, "incoming"), 0);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__nobody_else_may_read_it)
{
    struct kit kit;
    struct stat status;
    char path[128];

    kit_start(&kit);
    (void)kit_keep(&kit, bob[0], "x");
    for (size_t i = 0; i < 3; i++) {
        const char *const names[] = {"", "/index.db", "/messages"};

        (void)snprintf(path, sizeof path, "%s%s", kit.folder, names[i]);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 07, 0);
    }
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__what_is_sent_once_more_joins)
{
    static const struct {
        const char *sender;
        const char *header;
        const char *trace;
        const char *body;
        int64_t later_s;
        bool joins;
    } rows[] = {
        {"a@example.org", "Subject: x\r\n", "Received: 2\r\n", "one\r\n", 60, true},
        {"a@example.org", "Subject: x\r\n", "Date: 2\r\n", "one\r\n", 432000, true},
        {"a@example.org", "Subject: x\r\n", NULL, "one\r\n", 432001, false},
        {"a@example.org", "Subject: y\r\n", NULL, "one\r\n", 60, false},
        {"a@example.org", "Subject: x\r\n", NULL, "two\r\n", 60, false},
        {"b@example.org", "Subject: x\r\n", NULL, "one\r\n", 60, false},
        {"", "Subject: x\r\n", NULL, "one\r\n", 60, false},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct kit kit;
        struct kit_message message;
        struct kit_entries entries;
        struct nm_error error;

        kit_start(&kit);
        (void)kit_keep(&kit, bob[0], "one\r\n");
        kit.now_us += rows[i].later_s * 1000000;
        kit_compose(&kit, &message, bob, rows[i].body);
        message.header = rows[i].header;
        message.message.sender =
            (struct nm_bytes){rows[i].sender, strlen(rows[i].sender)};
        ck_assert_int_eq(kit_put(&kit, &message, rows[i].trace, &error), NM_OK);
        kit_list(&kit, &entries);
        ck_assert_msg(entries.count == (rows[i].joins ? 1 : 2), "row %zu", i);
        ck_assert_uint_eq(entries.rows[0].times, rows[i].joins ? 2 : 1);
        ck_assert_uint_eq(kit_files(&kit, "messages"), entries.count);
        kit_stop(&kit);
    }
}
END_TEST

START_TEST(test_quarantine__a_recipient_given_twice_is_one_entry)
{
    const char *const twice[] = {"bob@army.ml", "eve@army.ml", "bob@army.ml", NULL};
    struct kit kit;
    struct kit_message message;
    struct kit_entries entries;
    struct nm_error error;

    kit_start(&kit);
    kit_compose(&kit, &message, twice, "x\r\n");
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__what_is_done_with_is_joined_no_more)
{
    struct kit kit;
    struct kit_entries entries;
    struct nm_error error;
    struct nm_id id;

    kit_start(&kit);
    id = kit_keep(&kit, bob[0], "x\r\n");
    ck_assert_int_eq(
        nm_review_delete(kit.quarantine, &kit.reviewer, id.text, &error), NM_OK);
    ck_assert_uint_eq(kit_files(&kit, "messages"), 0);
    (void)kit_keep(&kit, bob[0], "x\r\n");
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    ck_assert_uint_eq(kit_files(&kit, "messages"), 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__a_full_one_takes_no_more)
{
    struct kit kit;
    struct kit_message message;
    struct kit_entries entries;
    struct nm_error error;

    kit_start(&kit);
    nm_quarantine_set_limits(kit.quarantine, 60, 30);
    (void)kit_keep(&kit, bob[0], "1234567890\r\n");
    (void)kit_keep(&kit, bob[0], "2234567890\r\n");
    kit_compose(&kit, &message, bob, "3234567890\r\n");
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.message, "quarantine.max_mb"));
    kit_compose(&kit, &message, bob,
        "a message that alone is larger than all that may be kept together here\r\n");
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_LIMIT);
    /* What is there already needs no room. */
    kit_compose(&kit, &message, bob, "2234567890\r\n");
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    ck_assert_uint_eq(kit_files(&kit, "messages"), 2);
    ck_assert_uint_eq(kit_files(&kit, "incoming"), 0);
    nm_quarantine_set_limits(kit.quarantine, 0, 30);
    (void)kit_keep(&kit, bob[0], "3234567890\r\n");
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__what_cannot_be_opened_is_tried_again)
{
    struct kit kit;
    struct kit_message message;
    struct kit_entries entries;
    struct nm_error error;
    FILE *file;

    kit_start(&kit);
    file = fopen(kit.folder, "w"); /* where the folder should be */
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    kit_compose(&kit, &message, bob, "x");
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_SYSTEM);
    ck_assert_int_eq(unlink(kit.folder), 0);
    ck_assert_int_eq(kit_put(&kit, &message, NULL, &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 1);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__of_a_newer_version_is_left_alone)
{
    struct kit kit;
    struct nm_error error;
    char path[128];
    sqlite3 *db = NULL;

    kit_start(&kit);
    (void)kit_keep(&kit, bob[0], "x");
    nm_quarantine_close(&kit.quarantine);
    (void)snprintf(path, sizeof path, "%s/index.db", kit.folder);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    kit_open(&kit);
    ck_assert_int_eq(nm_quarantine_ready(kit.quarantine, &error), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message, "written by a newer"));
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__grows_old)
{
    struct kit kit;
    struct kit_entries entries;
    struct nm_error error;

    kit_start(&kit);
    (void)kit_keep(&kit, bob[0], "old\r\n");
    kit.now_us += INT64_C(29) * 86400 * 1000000;
    (void)kit_keep(&kit, bob[0], "young\r\n");
    ck_assert_int_eq(nm_review_sweep(kit.quarantine, &kit.reviewer, &error), NM_OK);
    ck_assert_uint_eq(kit.acts, 0);
    kit.now_us += INT64_C(2) * 86400 * 1000000;

    /* What cannot be recorded is not done. */
    kit.log_fails = NM_SYSTEM;
    ck_assert_int_eq(nm_review_sweep(kit.quarantine, &kit.reviewer, &error), NM_SYSTEM);
    kit_list(&kit, &entries);
    ck_assert_int_eq(entries.rows[0].state, NM_KEPT_WAITING);
    kit.log_fails = NM_OK;
    ck_assert_int_eq(nm_review_sweep(kit.quarantine, &kit.reviewer, &error), NM_OK);
    ck_assert_uint_eq(kit.acts, 1);
    ck_assert_int_eq(kit.last_verb, NM_VERB_DELETED);
    ck_assert_str_eq(kit.last_reason, "kept for too long");
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    ck_assert_int_eq(entries.rows[0].state, NM_KEPT_EXPIRED);
    ck_assert_int_eq(entries.rows[1].state, NM_KEPT_WAITING);
    ck_assert_uint_eq(kit_files(&kit, "messages"), 1);

    /* And what was done with is forgotten. */
    kit.now_us += INT64_C(31) * 86400 * 1000000;
    nm_quarantine_set_limits(kit.quarantine, 0, 0);
    ck_assert_int_eq(nm_review_sweep(kit.quarantine, &kit.reviewer, &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 2);
    nm_quarantine_set_limits(kit.quarantine, 0, 30);
    ck_assert_int_eq(nm_review_sweep(kit.quarantine, &kit.reviewer, &error), NM_OK);
    kit_list(&kit, &entries);
    ck_assert_uint_eq(entries.count, 1);
    ck_assert_int_eq(entries.rows[0].state, NM_KEPT_EXPIRED);
    ck_assert_uint_eq(kit_files(&kit, "messages"), 0);
    kit_stop(&kit);
}
END_TEST

/* ---- acts ------------------------------------------------------------------- */

START_TEST(test_quarantine__an_act_that_cannot_be_recorded_is_not_done)
{
    struct kit kit;
    struct kit_entries entries;
    struct nm_error error;
    struct nm_queue_id came_by;
    struct nm_id id;

    kit_start(&kit);
    id = kit_keep(&kit, bob[0], "x\r\n");
    kit.log_fails = NM_TIMEOUT;
    ck_assert_int_eq(
        nm_review_look(kit.quarantine, &kit.reviewer, id.text, &error), NM_TIMEOUT);
    ck_assert_int_eq(
        nm_review_delete(kit.quarantine, &kit.reviewer, id.text, &error), NM_TIMEOUT);
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, bob[0],
                         false, &came_by, &error),
        NM_TIMEOUT);
    kit_list(&kit, &entries);
    ck_assert_int_eq(entries.rows[0].state, NM_KEPT_WAITING);
    ck_assert(!kit.port.expects(kit.port.self, (struct nm_bytes){"a@example.org", 13},
        (struct nm_bytes){bob[0], strlen(bob[0])}));
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__an_act_needs_an_entry_in_a_state_for_it)
{
    struct kit kit;
    struct nm_error error;
    struct nm_id id;

    kit_start(&kit);
    id = kit_keep(&kit, bob[0], "x\r\n");
    ck_assert_int_eq(
        nm_review_look(kit.quarantine, &kit.reviewer, "none", &error), NM_BAD_INPUT);
    ck_assert_int_eq(nm_review_released(kit.quarantine, id.text, &error), NM_BAD_INPUT);
    ck_assert_int_eq(
        nm_review_not_released(kit.quarantine, &kit.reviewer, id.text, "so", &error),
        NM_BAD_INPUT);
    ck_assert_int_eq(
        nm_review_delete(kit.quarantine, &kit.reviewer, id.text, &error), NM_OK);
    ck_assert_str_eq(kit.last_subject, "bob@army.ml");
    ck_assert_int_eq(
        nm_review_delete(kit.quarantine, &kit.reviewer, id.text, &error), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message, "it is deleted"));
    ck_assert_uint_eq(kit.acts, 1);
    kit_stop(&kit);
}
END_TEST

/* A message of bob's that is sent again, as a release does it; whether it is let by. */
static bool comes_by(
    struct kit *kit, const char *sender, const char *recipient, const char *body)
{
    const char *const recipients[] = {recipient, NULL};
    struct kit_message message;
    struct nm_error error;

    kit_compose(kit, &message, recipients, body);
    message.message.sender = (struct nm_bytes){sender, strlen(sender)};
    ck_assert_int_eq(kit_put(kit, &message, "Received: new\r\n", &error), NM_OK);
    return message.recipients[0].is_released;
}

START_TEST(test_quarantine__a_release_is_let_by_once_and_no_other_message_is)
{
    static const char sender[] = "a@example.org";
    const char *to = "bob@army.mil";
    struct kit kit;
    struct nm_error error;
    struct nm_queue_id came_by;
    struct nm_id id;

    kit_start(&kit);
    id = kit_keep(&kit, bob[0], "x\r\n");
    ck_assert(!comes_by(&kit, sender, to, "x\r\n"));
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, to,
                         false, &came_by, &error),
        NM_OK);
    ck_assert_str_eq(came_by.text, "");
    ck_assert_str_eq(kit.last_reason, "to bob@army.mil");
    ck_assert(kit.port.expects(kit.port.self, (struct nm_bytes){sender, 13},
        (struct nm_bytes){"BOB@army.mil", strlen(to)}));
    ck_assert(!kit.port.expects(
        kit.port.self, (struct nm_bytes){"", 0}, (struct nm_bytes){to, strlen(to)}));
    ck_assert(!comes_by(&kit, sender, bob[0], "x\r\n"));
    ck_assert(!comes_by(&kit, sender, to, "y\r\n"));
    ck_assert(!comes_by(&kit, "b@example.org", to, "x\r\n"));
    ck_assert(comes_by(&kit, sender, to, "x\r\n"));
    ck_assert(!kit.port.expects(kit.port.self, (struct nm_bytes){sender, 13},
        (struct nm_bytes){to, strlen(to)}));
    ck_assert(!comes_by(&kit, sender, to, "x\r\n"));

    /* Who releases it again is asked to look, and may insist. */
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, to,
                         false, &came_by, &error),
        NM_OK);
    ck_assert_str_eq(came_by.text, "4XYZ");
    ck_assert(!comes_by(&kit, sender, to, "x\r\n"));
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, to, true,
                         &came_by, &error),
        NM_OK);
    ck_assert(comes_by(&kit, sender, to, "x\r\n"));
    ck_assert_int_eq(nm_review_released(kit.quarantine, id.text, &error), NM_OK);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_quarantine__a_pass_ends)
{
    struct kit kit;
    struct nm_error error;
    struct nm_queue_id came_by;
    struct nm_id id;

    kit_start(&kit);
    id = kit_keep(&kit, bob[0], "x\r\n");
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, bob[0],
                         false, &came_by, &error),
        NM_OK);
    kit.now_us += INT64_C(601) * 1000000;
    ck_assert(!comes_by(&kit, "a@example.org", bob[0], "x\r\n"));
    ck_assert_int_eq(nm_review_not_released(
                         kit.quarantine, &kit.reviewer, id.text, "550 no\n", &error),
        NM_OK);
    ck_assert_str_eq(kit.last_reason, "failed: 550 no\\x0a");
    ck_assert_int_eq(nm_review_release(kit.quarantine, &kit.reviewer, id.text, bob[0],
                         false, &came_by, &error),
        NM_OK);
    /* The sendmail command has the message before the filter does. */
    ck_assert_int_eq(nm_review_released(kit.quarantine, id.text, &error), NM_OK);
    ck_assert(comes_by(&kit, "a@example.org", bob[0], "x\r\n"));
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("quarantine");
    Suite *suite = suite_create("quarantine");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_quarantine__keeps_a_message_for_each_recipient);
    tcase_add_test(tests, test_quarantine__nobody_else_may_read_it);
    tcase_add_test(tests, test_quarantine__what_is_sent_once_more_joins);
    tcase_add_test(tests, test_quarantine__a_recipient_given_twice_is_one_entry);
    tcase_add_test(tests, test_quarantine__what_is_done_with_is_joined_no_more);
    tcase_add_test(tests, test_quarantine__a_full_one_takes_no_more);
    tcase_add_test(tests, test_quarantine__what_cannot_be_opened_is_tried_again);
    tcase_add_test(tests, test_quarantine__of_a_newer_version_is_left_alone);
    tcase_add_test(tests, test_quarantine__grows_old);
    tcase_add_test(tests, test_quarantine__an_act_that_cannot_be_recorded_is_not_done);
    tcase_add_test(tests, test_quarantine__an_act_needs_an_entry_in_a_state_for_it);
    tcase_add_test(
        tests, test_quarantine__a_release_is_let_by_once_and_no_other_message_is);
    tcase_add_test(tests, test_quarantine__a_pass_ends);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
