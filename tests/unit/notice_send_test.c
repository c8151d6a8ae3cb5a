/* Notices on their way: sent, put off, refused, cut off, left out; each told once. */
#include "notice_kit.h"

static const char A[] = "01J000000000000000000000AA";
static const char B[] = "01J000000000000000000000BB";
static struct kit kit;

static void start(void)
{
    kit_start(&kit);
}

static void stop(void)
{
    kit_stop(&kit);
}

static unsigned count_of(const char *words)
{
    unsigned count = 0;

    for (const char *at = kit.heard; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

START_TEST(test_notices__go_out_once_from_nobody_and_on_record)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;

    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &one);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 1);
    ck_assert_ptr_nonnull(
        strstr(kit.heard, "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\n"));
    ck_assert_ptr_nonnull(strstr(kit.heard, "bob@army.ml\r\n"));
    ck_assert_str_eq(kit.act,
        "daemon notified a@example.org of 01J000000000000000000000AA: the mail server "
        "says: 250 taken");
}
END_TEST

START_TEST(test_notices__what_is_put_off_or_cut_off_is_sent_again)
{
    static const enum kit_end first[] = {KIT_PUTS_OFF, KIT_HANGS_UP};

    atomic_store(&kit.step_us, 2000000);
    for (size_t i = 0; i < NM_COUNT(first); i++)
        kit.ends[2 * i] = first[i];
    for (unsigned i = 0; i < NM_COUNT(first); i++) {
        const struct nm_notice_settings settings = kit_settings(&kit);
        const struct nm_notice_recipient bob = kit_recipient(A, false);
        const unsigned acts = i + 1;

        if (kit.notices == NULL)
            kit_open(&kit, &settings);
        kit_tell(&kit, "a@example.org", &bob, 1);
        kit_until(&kit, kit_has_acts, &acts);
        kit_until_done(&kit);
        ck_assert_uint_eq(kit.messages, 2 * (i + 1));
        ck_assert_ptr_nonnull(strstr(kit.act, "250 taken"));
    }
    /* Twice the same, so that whoever gets both can tell. */
    for (const char *at = kit.heard; (at = strstr(at, "Message-ID: ")) != NULL; at++) {
        char line[128];

        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\r"), at);
        ck_assert_uint_eq(count_of(line), 2);
    }
}
END_TEST

START_TEST(test_notices__what_is_refused_for_good_is_given_up)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;

    kit.ends[0] = KIT_REFUSES;
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &one);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 1);
    ck_assert_ptr_nonnull(
        strstr(kit.act, ": given up: the mail server says: 550 never"));
}
END_TEST

START_TEST(test_notices__what_is_put_off_for_two_days_is_given_up)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;

    atomic_store(&kit.step_us, INT64_C(8) * 3600 * 1000000);
    for (size_t i = 0; i < KIT_ENDS_MAX; i++)
        kit.ends[i] = KIT_PUTS_OFF;
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &one);
    kit_until_done(&kit);
    ck_assert_uint_gt(kit.messages, 1);
    ck_assert_uint_lt(kit.messages, 10);
    ck_assert_ptr_nonnull(
        strstr(kit.act, ": given up: the mail server says: 451 later"));
}
END_TEST

START_TEST(test_notices__a_utf8_address_needs_a_server_that_offers_it)
{
    static const char sender[] = "\xc3\xa4@example.org";

    for (unsigned i = 0; i < 2; i++) {
        const struct nm_notice_settings settings = kit_settings(&kit);
        const struct nm_notice_recipient bob = kit_recipient(A, false);
        const unsigned acts = i + 1;

        (void)pthread_mutex_lock(&kit.lock);
        kit.offers_smtputf8 = i == 1;
        (void)pthread_mutex_unlock(&kit.lock);
        if (kit.notices == NULL)
            kit_open(&kit, &settings);
        kit_tell(&kit, sender, &bob, 1);
        kit_until(&kit, kit_has_acts, &acts);
        kit_until_done(&kit);
        ck_assert_uint_eq(kit.messages, i);
    }
    ck_assert_ptr_nonnull(strstr(kit.heard, "MAIL FROM:<> SMTPUTF8\r\n"));
    ck_assert_ptr_nonnull(strstr(kit.heard, "RCPT TO:<\xc3\xa4@example.org>\r\n"));
}
END_TEST

START_TEST(test_notices__an_address_gets_so_many_an_hour)
{
    struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned three = 3;
    const unsigned four = 4;

    settings.per_hour = 2;
    kit_open(&kit, &settings);
    for (int i = 0; i < 5; i++)
        kit_tell(&kit, i % 2 == 0 ? "a@example.org" : "A@Example.org", &bob, 1);
    kit_tell(&kit, "b@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &three);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 3);
    ck_assert(kit_has_log(&kit, "a notice was left out: its reader has had as many as "
                                "notice.per_hour says to=a@example.org"));
    atomic_fetch_add(&kit.now_us, INT64_C(3601) * 1000000);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &four);
    kit_until_done(&kit);
}
END_TEST

START_TEST(test_notices__a_clock_that_was_put_back_keeps_none_from_being_told)
{
    struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;
    const unsigned two = 2;

    settings.per_hour = 1;
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &one);
    atomic_fetch_sub(&kit.now_us, INT64_C(86400) * 1000000);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &two);
    kit_until_done(&kit);
}
END_TEST

/* A client that sends its message again joins what is kept, and no one is told again. */
START_TEST(test_notices__an_entry_is_told_of_once)
{
    struct nm_notice_settings settings = kit_settings(&kit);
    struct nm_notice_recipient both[] = {
        kit_recipient(A, true), kit_recipient(B, true)};
    const unsigned two = 2;

    both[0].next = &both[1];
    both[1].recipient = (struct nm_bytes){"eve@army.ml", 11};
    kit_open(&kit, &settings);
    for (int i = 0; i < 3; i++) {
        const struct nm_notice_recipient bob = kit_recipient(A, true);

        kit_tell(&kit, "a@example.org", &bob, 1);
    }
    kit_tell(&kit, "a@example.org", both, 2);
    kit_until(&kit, kit_has_acts, &two);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 2);
    ck_assert_uint_eq(count_of("  bob@army.ml\r\n"), 1);
    ck_assert_uint_eq(count_of("  eve@army.ml\r\n"), 1);
}
END_TEST

START_TEST(test_notices__the_reviewer_gets_a_text_of_their_own)
{
    struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, true);
    const unsigned two = 2;
    const unsigned three = 3;

    settings.reviewer = "rev@example.org";
    settings.reviewer_template = "Subject: R\n\n%{command}\n";
    settings.template = "Subject: S\n\n%{ref}\n";
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &two);
    ck_assert_uint_eq(count_of("RCPT TO:<rev@example.org>"), 1);
    ck_assert_uint_eq(count_of("RCPT TO:<a@example.org>"), 1);
    ck_assert_uint_eq(count_of("Subject: R\r\n"), 1);
    ck_assert_uint_eq(count_of("  nearmiss quarantine release "), 1);
    ck_assert_uint_eq(count_of("Subject: S\r\n"), 1);

    /* A reviewer's own mail: once, as the reviewer. */
    {
        const struct nm_notice_recipient other = kit_recipient(B, true);

        kit_tell(&kit, "Rev@example.org", &other, 1);
    }
    kit_until(&kit, kit_has_acts, &three);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 3);
    ck_assert_uint_eq(count_of("Subject: R\r\n"), 2);
}
END_TEST

START_TEST(test_notices__a_stop_breaks_off_and_the_next_process_sends)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;

    kit.ends[0] = KIT_SAYS_NOTHING;
    kit_open(&kit, &settings);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_messages, &one);
    nm_notices_stop(&kit.notices);
    ck_assert_uint_eq(kit.acts, 0);
    kit_open(&kit, &settings);
    kit_until(&kit, kit_has_acts, &one);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 2);
}
END_TEST

START_TEST(test_notices__switched_off_none_is_made_and_what_waits_stays)
{
    struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    const unsigned one = 1;

    settings.sender = false;
    kit_open(&kit, &settings);
    ck_assert_int_ne(access(kit.database, F_OK), 0);
    kit_tell(&kit, "a@example.org", &bob, 1);
    ck_assert_uint_eq(nm_notices_waiting(kit.notices), 0);
    settings.sender = true;
    ck_assert_int_eq(nm_notices_configure(kit.notices, &settings, NULL), NM_OK);
    kit_tell(&kit, "a@example.org", &bob, 1);
    kit_until(&kit, kit_has_acts, &one);
    kit_until_done(&kit);
    ck_assert_uint_eq(kit.messages, 1);
}
END_TEST

START_TEST(test_notices__a_database_that_cannot_be_opened_harms_nobody)
{
    const struct nm_notice_settings settings = kit_settings(&kit);
    const struct nm_notices_options options = {"/nonexistent/notices.db", &kit.ports};
    const struct nm_notice_recipient bob = kit_recipient(A, false);
    struct nm_error error = {.code = NM_OK};

    ck_assert_int_eq(nm_notices_new(&options, &kit.notices), NM_OK);
    kit.port = nm_notices_port(kit.notices);
    ck_assert_int_eq(nm_notices_configure(kit.notices, &settings, &error), NM_SYSTEM);
    kit_tell(&kit, "a@example.org", &bob, 1);
    ck_assert(
        kit_has_log(&kit, "nobody could be told of a message that is held or kept"));
    ck_assert_uint_eq(nm_notices_waiting(kit.notices), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("send");
    Suite *suite = suite_create("notice");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, test_notices__go_out_once_from_nobody_and_on_record);
    tcase_add_test(tests, test_notices__what_is_put_off_or_cut_off_is_sent_again);
    tcase_add_test(tests, test_notices__what_is_refused_for_good_is_given_up);
    tcase_add_test(tests, test_notices__what_is_put_off_for_two_days_is_given_up);
    tcase_add_test(tests, test_notices__a_utf8_address_needs_a_server_that_offers_it);
    tcase_add_test(tests, test_notices__an_address_gets_so_many_an_hour);
    tcase_add_test(
        tests, test_notices__a_clock_that_was_put_back_keeps_none_from_being_told);
    tcase_add_test(tests, test_notices__an_entry_is_told_of_once);
    tcase_add_test(tests, test_notices__the_reviewer_gets_a_text_of_their_own);
    tcase_add_test(tests, test_notices__a_stop_breaks_off_and_the_next_process_sends);
    tcase_add_test(tests, test_notices__switched_off_none_is_made_and_what_waits_stays);
    tcase_add_test(tests, test_notices__a_database_that_cannot_be_opened_harms_nobody);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
