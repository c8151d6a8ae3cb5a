/*
 * Handing a message over, against a mail server that is a table of replies: what it is
 * told, byte for byte, and what is made of each reply and of its absence.
 */
#include "smtp/submit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEARD_MAX = 64 * 1024, REPLIES_MAX = 8 };

/* Serves one connection on a thread of its own. */
struct server {
    int listener;
    unsigned port;
    const char *replies[REPLIES_MAX]; /* the greeting first; NULL: hang up */
    char heard[HEARD_MAX];
    size_t length;
    pthread_t thread;
};

static bool hears(struct server *server, int peer, const char *end)
{
    const size_t size = strlen(end);

    do {
        const ssize_t got = recv(peer, server->heard + server->length, 1, 0);

        if (got <= 0 || server->length + 1 == HEARD_MAX)
            return false;
        server->length++;
    } while (server->length < size ||
             memcmp(server->heard + server->length - size, end, size) != 0);
    return true;
}

static void *serve(void *self)
{
    struct server *server = self;
    const int peer = accept(server->listener, NULL, NULL);
    bool in_data = false;

    for (size_t i = 0; i < REPLIES_MAX && server->replies[i] != NULL; i++) {
        const char *reply = server->replies[i];

        if (i > 0 && !hears(server, peer, in_data ? "\r\n.\r\n" : "\r\n"))
            break;
        (void)send(peer, reply, strlen(reply), MSG_NOSIGNAL);
        in_data = reply[0] == '3';
    }
    if (in_data)
        (void)hears(server, peer, "\r\n.\r\n");
    (void)close(peer);
    return NULL;
}

static void server_listen(struct server *server)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    server->length = 0;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server->listener, 1), 0);
    ck_assert_int_eq(
        getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
}

static void server_start(struct server *server)
{
    server_listen(server);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
    server->heard[server->length] = '\0';
}

static int message_of(const char *text, size_t length)
{
    const int file = memfd_create("message", MFD_CLOEXEC);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq((int)write(file, text, length), (int)length);
    ck_assert_int_eq((int)lseek(file, 0, SEEK_SET), 0);
    return file;
}

static struct nm_submission submission_to(const struct server *server, char route[64])
{
    (void)snprintf(route, 64, "smtp:127.0.0.1:%u", server->port);
    return (struct nm_submission){.route = route,
        .option = "the.route",
        .name = "gw.example.org",
        .sender = "a@example.org",
        .mail_options = "SIZE=77 BODY=8BITMIME AUTH=<> ENVID=x+2By RET=HDRS",
        .recipient = "bob@army.ml",
        .rcpt_options = "NOTIFY=NEVER ORCPT=rfc822;b",
        .file = -1};
}

#define EHLO_ALL "250-mx\r\n250-SIZE 9\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"

START_TEST(test_submit__says_what_the_envelope_said)
{
    static const struct {
        const char *hello;
        const char *mail;
        const char *rcpt;
    } rows[] = {
        {EHLO_ALL, "MAIL FROM:<a@example.org> BODY=8BITMIME ENVID=x+2By RET=HDRS\r\n",
            "RCPT TO:<bob@army.ml> NOTIFY=NEVER ORCPT=rfc822;b\r\n"},
        {"250 mx\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<bob@army.ml>\r\n"},
        {"250-mx\r\n250 8bitmime\r\n", "MAIL FROM:<a@example.org> BODY=8BITMIME\r\n",
            "RCPT TO:<bob@army.ml>\r\n"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        static struct server server;
        struct nm_submit_result result;
        struct nm_submission submission;
        struct nm_error error = {.code = NM_OK};
        char route[64];
        char expected[1024];

        server = (struct server){
            .replies = {"220 mx\r\n", rows[i].hello, "250 ok\r\n", "250 ok\r\n",
                "354 go\r\n", "250-2.0.0 many\r\n250 2.0.0 queued as 4X\r\n",
                "221 bye\r\n"}};
        server_start(&server);
        submission = submission_to(&server, route);
        submission.file = message_of("A: b\r\n\r\n.x\r\ny", 13);
        ck_assert_msg(
            nm_submit(&submission, &result, &error) == NM_OK, "%s", error.message);
        server_stop(&server);
        (void)snprintf(expected, sizeof expected,
            "EHLO gw.example.org\r\n%s%sDATA\r\nA: b\r\n\r\n..x\r\ny\r\n.\r\nQUIT\r\n",
            rows[i].mail, rows[i].rcpt);
        ck_assert_str_eq(server.heard, expected);
        ck_assert_str_eq(result.reply, "250 2.0.0 queued as 4X");
        ck_assert(!result.is_unsure);
        (void)close(submission.file);
    }
}
END_TEST

START_TEST(test_submit__keeps_every_byte_but_a_lone_newline)
{
    static const char text[] = "A: b\r\n\r\n"
                               "a\rb\0c\xff\r\n..\r\n.\r\n\r\r\nlone\n.dot\n";
    static const char wire[] =
        "DATA\r\nA: b\r\n\r\n"
        "a\rb\0c\xff\r\n...\r\n..\r\n\r\r\nlone\r\n..dot\r\n.\r\n";
    static struct server server;
    struct nm_submit_result result;
    struct nm_submission submission;
    struct nm_error error;
    char route[64];

    server =
        (struct server){.replies = {"220 mx\r\n", "250 mx\r\n", "250 ok\r\n",
                            "250 ok\r\n", "354 go\r\n", "250 ok\r\n", "221 x\r\n"}};
    server_start(&server);
    submission = submission_to(&server, route);
    submission.file = message_of(text, sizeof text - 1);
    ck_assert_int_eq(nm_submit(&submission, &result, &error), NM_OK);
    server_stop(&server);
    ck_assert_ptr_nonnull(memmem(server.heard, server.length, wire, sizeof wire - 1));
    (void)close(submission.file);
}
END_TEST

START_TEST(test_submit__knows_what_was_not_taken)
{
    static const struct {
        const char *replies[REPLIES_MAX];
        enum nm_code code;
        bool is_unsure;
        const char *words;
    } rows[] = {
        {{NULL}, NM_SYSTEM, false, "hung up"},
        {{"SSH-2.0\r\n"}, NM_SYSTEM, false, "no mail server"},
        {{"554 no\x1b\r\n"}, NM_BAD_INPUT, false, "554 no\\x1b"},
        {{"220 mx\r\n", "250 mx\r\n", "550 sender\r\n", "221 x\r\n"}, NM_BAD_INPUT,
            false, "550 sender"},
        {{"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "450 later\r\n", "221 x\r\n"},
            NM_BAD_INPUT, false, "450 later"},
        {{"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", NULL}, NM_SYSTEM,
            false, "hung up"},
        {{"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n",
             "451 full\r\n", "221 x\r\n"},
            NM_BAD_INPUT, false, "451 full"},
        /* The message was sent, and no reply came. */
        {{"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", NULL},
            NM_SYSTEM, true, "hung up"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        static struct server server;
        struct nm_submit_result result;
        struct nm_submission submission;
        struct nm_error error;
        char route[64];

        server = (struct server){.length = 0};
        memcpy(server.replies, rows[i].replies, sizeof server.replies);
        server_start(&server);
        submission = submission_to(&server, route);
        submission.file = message_of("x\r\n", 3);
        ck_assert_int_eq(nm_submit(&submission, &result, &error), rows[i].code);
        server_stop(&server);
        ck_assert_msg(result.is_unsure == rows[i].is_unsure, "row %zu", i);
        ck_assert_msg(strstr(error.message, rows[i].words) != NULL, "row %zu: %s", i,
            error.message);
        (void)close(submission.file);
    }
}
END_TEST

START_TEST(test_submit__utf8_needs_a_server_that_offers_it)
{
    static struct server server;
    struct nm_submit_result result;
    struct nm_submission submission;
    struct nm_error error;
    char route[64];

    server = (struct server){.replies = {"220 mx\r\n", "250 mx\r\n", "221 x\r\n"}};
    server_start(&server);
    submission = submission_to(&server, route);
    submission.mail_options = "SMTPUTF8";
    submission.file = message_of("x\r\n", 3);
    ck_assert_int_eq(nm_submit(&submission, &result, &error), NM_BAD_INPUT);
    server_stop(&server);
    ck_assert_ptr_nonnull(strstr(error.message, "SMTPUTF8"));
    ck_assert_ptr_null(strstr(server.heard, "MAIL"));
    (void)close(submission.file);
}
END_TEST

START_TEST(test_submit__no_address_ends_a_line)
{
    static struct server server;
    struct nm_submit_result result;
    struct nm_submission submission;
    struct nm_error error;
    char route[64];

    server = (struct server){
        .replies = {"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "221 x\r\n"}};
    server_start(&server);
    submission = submission_to(&server, route);
    submission.recipient = "a@b>\r\nRCPT TO:<evil@x";
    submission.file = message_of("x\r\n", 3);
    ck_assert_int_eq(nm_submit(&submission, &result, &error), NM_BAD_INPUT);
    server_stop(&server);
    ck_assert_ptr_null(strstr(server.heard, "evil"));
    (void)close(submission.file);
}
END_TEST

START_TEST(test_submit__a_command_speaks_smtp_on_its_standard_input)
{
    char path[] = "/tmp/nearmiss-sendmail-XXXXXX";
    static const char script[] =
        "#!/bin/sh\n"
        "[ \"$1\" = -bs ] || exit 1\n"
        "printf '220 x\\r\\n'\n"
        "while read -r word rest; do case $word in DATA*) printf '354 x\\r\\n'\n"
        "  while read -r line && [ \"$line\" != \"$(printf '.\\r')\" ]; do :; done\n"
        "  printf '250 taken\\r\\n' ;; QUIT*) exit 0 ;; *) printf '250 x\\r\\n' ;;\n"
        "esac; done\n";
    const int file = mkstemp(path);
    char route[64];
    struct nm_submission submission = {.route = route,
        .option = "the.route",
        .name = "x",
        .sender = "",
        .mail_options = "",
        .recipient = "bob@army.ml",
        .rcpt_options = ""};
    struct nm_submit_result result;
    struct nm_error error = {.code = NM_OK};

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq((int)write(file, script, sizeof script - 1), sizeof script - 1);
    ck_assert_int_eq(fchmod(file, 0700), 0);
    (void)close(file);
    (void)snprintf(route, sizeof route, "sendmail:%s", path);
    submission.file = message_of("x\r\n", 3);
    ck_assert_msg(
        nm_submit(&submission, &result, &error) == NM_OK, "%s", error.message);
    ck_assert_str_eq(result.reply, "250 taken");
    (void)close(submission.file);
    ck_assert_int_eq(unlink(path), 0);
    submission.file = message_of("x\r\n", 3);
    ck_assert_int_eq(nm_submit(&submission, &result, &error), NM_SYSTEM);
    ck_assert(!result.is_unsure);
    (void)close(submission.file);
}
END_TEST

/* The server answers nothing, and the attempt ends all the same. */
START_TEST(test_submit__ends_when_it_is_told_to_stop)
{
    static struct server server;
    struct nm_submit_result result;
    struct nm_submission submission;
    struct nm_error error;
    char route[64];
    int stop[2];

    ck_assert_int_eq(pipe(stop), 0);
    server = (struct server){.listener = -1};
    server_listen(&server);
    submission = submission_to(&server, route);
    submission.stop = &stop[0];
    submission.file = message_of("x\r\n", 3);
    ck_assert_int_eq((int)write(stop[1], "x", 1), 1);
    ck_assert_int_eq(nm_submit(&submission, &result, &error), NM_STOPPED);
    ck_assert(!result.is_unsure);
    (void)close(submission.file);
    (void)close(server.listener);
    (void)close(stop[0]);
    (void)close(stop[1]);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("submit");
    Suite *suite = suite_create("smtp");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_submit__says_what_the_envelope_said);
    tcase_add_test(tests, test_submit__keeps_every_byte_but_a_lone_newline);
    tcase_add_test(tests, test_submit__knows_what_was_not_taken);
    tcase_add_test(tests, test_submit__utf8_needs_a_server_that_offers_it);
    tcase_add_test(tests, test_submit__no_address_ends_a_line);
    tcase_add_test(tests, test_submit__a_command_speaks_smtp_on_its_standard_input);
    tcase_add_test(tests, test_submit__ends_when_it_is_told_to_stop);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
