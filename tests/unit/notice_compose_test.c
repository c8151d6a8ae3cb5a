/* The mail that a notice is, whatever the message held. */
#include "compose.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REF "01J000000000000000000000AA"

static const struct nm_notice_recipient bob = {.id = {REF},
    .recipient = {"bob@army.ml", 11},
    .domain = "army.ml",
    .target = "army.mil",
    .slip = "the suffix ml for mil",
    .rule = "mil-ml"};
static const struct nm_notice held = {.sender = {"a@example.org", 13},
    .client = "192.0.2.1",
    .auth = "",
    .queue_id = "4XYZ",
    .subject = "Figures",
    .message_id = "<1@example.org>",
    .recipients = &bob,
    .recipient_count = 1,
    .is_held = true};
static const struct nm_notice_envelope to_sender = {.reader = NM_NOTICE_TO_SENDER,
    .id = {"01J000000000000000000000BB"},
    .time_us = 1767225600000000, /* 2026-01-01 */
    .to = "a@example.org",
    .from = "",
    .gateway = "gw.example.org",
    .contact = "helpdesk@example.org"};

static const char *composed(
    const struct nm_notice *notice, const struct nm_notice_envelope *envelope)
{
    static char memory[NM_NOTICE_MAIL_MAX];
    struct nm_buf buf;

    nm_buf_init(&buf, memory, sizeof memory);
    ck_assert_int_eq(nm_notice_compose(notice, envelope, &buf), NM_OK);
    return memory;
}

START_TEST(test_compose__writes_what_a_person_can_act_on)
{
    ck_assert_str_eq(composed(&held, &to_sender),
        "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        "From: Mail filter <postmaster@gw.example.org>\r\n"
        "To: <a@example.org>\r\n"
        "Subject: Your mail to army.ml was not sent yet\r\n"
        "Message-ID: <nearmiss.01J000000000000000000000BB@gw.example.org>\r\n"
        "In-Reply-To: <1@example.org>\r\n"
        "References: <1@example.org>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        "X-Nearmiss-Notice: " REF "\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Your mail, subject: Figures\r\n"
        "was not sent to anybody yet: it waits until someone has looked at it, because "
        "of\r\n"
        "\r\n"
        "  bob@army.ml\r\n"
        "      looks like army.mil (the suffix ml for mil). Ref " REF "\r\n"
        "\r\n"
        "If an address is wrong, send your mail again to the right one; what was "
        "held\r\n"
        "back can then be deleted. If it is right, you need do nothing: somebody "
        "looks\r\n"
        "at your mail, and lets it go. To ask, write to helpdesk@example.org, and name "
        "this\r\n"
        "reference: " REF "\r\n");
}
END_TEST

START_TEST(test_compose__gives_the_reviewer_the_command)
{
    static const struct {
        bool is_held;
        bool is_kept;
        const char *queue_id;
        const char *command;
    } rows[] = {
        {true, false, "4XYZ", "  postsuper -H 4XYZ "},
        {true, false, "4XYZ", "  sendmail -qQ -qI4XYZ -Q "},
        {false, true, "4XYZ", "  nearmiss quarantine release " REF "\r\n"},
        {true, false, "", "  its queue id is not known"},
        {true, false, "4X;rm -rf /", "  its queue id is not known"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_notice_recipient recipient = bob;
        struct nm_notice_envelope envelope = to_sender;
        struct nm_notice notice = held;
        const char *text;

        recipient.is_kept = rows[i].is_kept;
        notice.recipients = &recipient;
        notice.is_held = rows[i].is_held;
        notice.queue_id = rows[i].queue_id;
        envelope.reader = NM_NOTICE_TO_REVIEWER;
        text = composed(&notice, &envelope);
        ck_assert_msg(strstr(text, rows[i].command) != NULL, "%zu: %s", i, text);
        ck_assert_ptr_null(strstr(text, "rm -rf"));
        ck_assert_ptr_nonnull(strstr(text, "nearmiss audit show " REF));
    }
}
END_TEST

/* Every line of the header is one that this program writes, and no line is too long. */
static void check_lines(const char *text)
{
    static const char *const fields[] = {"Date: ", "From: Mail filter <", "To: <a@",
        "Subject:", " =?utf-8?B?", "Message-ID: <nearmiss.", "In-Reply-To: <",
        "References: <", "Auto-Submitted: auto-generated\r",
        "X-Auto-Response-Suppress: ", "X-Nearmiss-Notice: 01", "MIME-Version: 1.0\r",
        "Content-Type: text/plain; ", "Content-Transfer-Encoding: "};
    bool in_header = true;

    for (const char *end; *text != '\0'; text = end + 2) {
        bool known = false;

        end = strstr(text, "\r\n");
        ck_assert_ptr_nonnull(end);
        ck_assert_int_le(end - text, 998);
        if (end == text)
            in_header = false;
        for (const char *at = text; at < end; at++)
            ck_assert_msg((unsigned char)*at < 0x7f &&
                              ((unsigned char)*at >= 0x20 || *at == '\t'),
                "a byte %d in %.*s", *at, (int)(end - text), text);
        for (size_t i = 0; in_header && !known && i < NM_COUNT(fields); i++)
            known = strncmp(text, fields[i], strlen(fields[i])) == 0;
        ck_assert_msg(known || !in_header, "%.*s", (int)(end - text), text);
    }
    ck_assert(!in_header);
}

START_TEST(test_compose__no_message_writes_a_line_of_the_header)
{
    static const char *const hostile[] = {"x\r\nBcc: evil@army.ml",
        "x\nBcc: evil@army.ml", "\r\n\r\n<html>", "\x1b[2J", "\xff\xfe",
        "\xe2\x80\xae txt", "=?utf-8?B?Cg==?=", "a\tb", "%{recipients}", "%s%n",
        "\xc3\xa4", "Subject: x\r\n\r\n", "\\"};
    static const char *const templates[] = {NULL,
        "Subject: %{subject} %{sender} %{recipient} %{rule} %{domain} %{recipients}\n\n"
        "%{subject} %{sender} %{recipient} %{rule} %{domain} %{contact}\n",
        "%{subject}"};
    char longest[5000];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i <= NM_COUNT(hostile); i++) {
        const char *bytes = i < NM_COUNT(hostile) ? hostile[i] : longest;

        for (size_t j = 0; j < NM_COUNT(templates); j++) {
            struct nm_notice_recipient recipient = bob;
            struct nm_notice_envelope envelope = to_sender;
            struct nm_notice notice = held;

            recipient.recipient = (struct nm_bytes){bytes, strlen(bytes)};
            recipient.rule = bytes;
            recipient.target = "";
            recipient.domain = bytes;
            notice.recipients = &recipient;
            notice.sender = recipient.recipient;
            notice.subject = bytes;
            notice.message_id = bytes;
            notice.queue_id = bytes;
            envelope.template = templates[j];
            envelope.contact = bytes;
            envelope.gateway = bytes;
            check_lines(composed(&notice, &envelope));
        }
    }
}
END_TEST

START_TEST(test_compose__a_template_of_any_language_is_kept)
{
    struct nm_notice_envelope envelope = to_sender;
    const char *text;

    envelope.template = "Subject: Zur\xc3\xbc"
                        "ckgehalten: %{domain}\r\n"
                        "\r\n"
                        "Gr\xc3\xbc\xc3\x9f"
                        "e, 100%% an %{recipient} = %{target} \n";
    text = composed(&held, &envelope);
    ck_assert_ptr_nonnull(
        strstr(text, "Subject: =?utf-8?B?WnVyw7xja2dlaGFsdGVuOiBhcm15Lm1s?=\r\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "Content-Transfer-Encoding: quoted-printable\r\n"));
    ck_assert_ptr_nonnull(strstr(
        text, "\r\n\r\nGr=C3=BC=C3=9Fe, 100% an bob@army.ml =3D army.mil=20\r\n"));
    envelope.template = "Nothing but text.";
    text = composed(&held, &envelope);
    ck_assert_ptr_nonnull(strstr(text, "\r\nSubject: Mail that was not sent yet\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nNothing but text.\r\n"));
    envelope.template = "Subject:\n";
    check_lines(composed(&held, &envelope));
}
END_TEST

START_TEST(test_compose__names_only_a_message_id_that_is_one)
{
    static const char *const bad[] = {"", "1@example.org", "<1>", "<1@x> <2@x>",
        "<1 @example.org>", "<1@example.org", "<\xc3\xa4@example.org>"};

    for (size_t i = 0; i < NM_COUNT(bad); i++) {
        struct nm_notice notice = held;

        notice.message_id = bad[i];
        ck_assert_ptr_null(strstr(composed(&notice, &to_sender), "In-Reply-To"));
    }
}
END_TEST

START_TEST(test_compose__says_how_many_it_does_not_name)
{
    struct nm_notice notice = held;

    notice.recipient_count = 300;
    ck_assert_ptr_nonnull(
        strstr(composed(&notice, &to_sender), "\r\n  and 299 more\r\n"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("compose");
    Suite *suite = suite_create("notice");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_compose__writes_what_a_person_can_act_on);
    tcase_add_test(tests, test_compose__gives_the_reviewer_the_command);
    tcase_add_test(tests, test_compose__no_message_writes_a_line_of_the_header);
    tcase_add_test(tests, test_compose__a_template_of_any_language_is_kept);
    tcase_add_test(tests, test_compose__names_only_a_message_id_that_is_one);
    tcase_add_test(tests, test_compose__says_how_many_it_does_not_name);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
