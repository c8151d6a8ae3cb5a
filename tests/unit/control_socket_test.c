#include "control/control.h"
#include "temp_folder.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A server in a folder of its own. `seen` is written on the server's thread and read
 * after it was stopped. */
struct bed {
    char folder[32];
    char path[64];
    struct nm_control_server *server;
    struct seen {
        unsigned uid;
        unsigned calls;
        bool signals_blocked;
    } seen;
    size_t answer_bytes; /* 0: none, as when out of memory */
};

static char *answer(void *self, const struct nm_control_request *request)
{
    struct bed *bed = self;
    char *text;
    sigset_t mask;

    bed->seen.uid = request->uid;
    bed->seen.calls++;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    bed->seen.signals_blocked =
        sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1;
    if (bed->answer_bytes == 0)
        return NULL;
    text = malloc(bed->answer_bytes + 64);
    ck_assert_ptr_nonnull(text);
    (void)sprintf(text, "ok\n%s ", request->verb);
    memset(text + strlen(text), '.', bed->answer_bytes);
    text[strlen("ok\n") + strlen(request->verb) + 1 + bed->answer_bytes] = '\0';
    return text;
}

/* What the argument is, and what the file holds that came along. */
static char *repeat(void *self, const struct nm_control_request *request)
{
    char bytes[32] = "no file";
    char *text = NULL;

    (void)self;
    if (request->file >= 0) {
        const ssize_t got = pread(request->file, bytes, sizeof bytes - 1, 0);

        ck_assert_int_ge(got, 0);
        bytes[got] = '\0';
    }
    return asprintf(&text, "ok\n[%s] %s", request->argument, bytes) < 0 ? NULL : text;
}

static const struct nm_control_verb verbs[] = {
    {.name = "status", .everyone = true, .answer = answer},
    {.name = "reload", .answer = answer},
    {.name = "repeat", .takes_argument = true, .answer = repeat},
};

static enum nm_code start(struct bed *bed, struct nm_error *error)
{
    const struct nm_control_handler handler = {bed, verbs, NM_COUNT(verbs)};

    return nm_control_start(bed->path, &handler, NULL, &bed->server, error);
}

static void set_up(struct bed *bed)
{
    *bed = (struct bed){.folder = "/tmp/nm-control-XXXXXX", .answer_bytes = 1};
    ck_assert_ptr_nonnull(temp_folder_from(bed->folder));
    (void)snprintf(bed->path, sizeof bed->path, "%s/control.sock", bed->folder);
}

static void set_up_and_start(struct bed *bed)
{
    struct nm_error error = {0};

    set_up(bed);
    ck_assert_msg(start(bed, &error) == NM_OK, "%s", error.message);
}

static void tear_down(struct bed *bed)
{
    nm_control_stop(&bed->server);
    ck_assert_ptr_null(bed->server);
    ck_assert_msg(rmdir(bed->folder) == 0, "%s is not empty", bed->folder);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    ck_assert(nm_copy(address.sun_path, sizeof address.sun_path, path));
    return address;
}

static int connect_to(const char *path)
{
    const struct sockaddr_un address = address_of(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Send `bytes` and read what comes until the end, which may be a reset. */
static size_t exchange(
    const char *path, const char *bytes, size_t length, char *out, size_t size)
{
    const int fd = connect_to(path);
    size_t total = 0;
    ssize_t got;

    (void)send(fd, bytes, length, MSG_NOSIGNAL);
    while (total < size - 1 && (got = recv(fd, out + total, size - 1 - total, 0)) > 0)
        total += (size_t)got;
    out[total] = '\0';
    (void)close(fd);
    return total;
}

static void ask_and_expect(const char *path, const char *request, const char *expected)
{
    struct nm_error error = {0};
    char *text = NULL;

    ck_assert_msg(
        nm_control_ask(path, request, &text, &error) == NM_OK, "%s", error.message);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_control__carries_a_request_and_its_answer)
{
    struct bed bed;
    char with_scheme[80];

    set_up_and_start(&bed);
    (void)snprintf(with_scheme, sizeof with_scheme, "unix:%s", bed.path);
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    ask_and_expect(with_scheme, "reload", "ok\nreload .");
    tear_down(&bed);
    ck_assert_uint_eq(bed.seen.calls, 2);
    ck_assert_uint_eq(bed.seen.uid, getuid());
    ck_assert(bed.seen.signals_blocked);
}
END_TEST

START_TEST(test_control__carries_a_long_answer_whole)
{
    struct bed bed;
    struct nm_error error = {0};
    char *text = NULL;

    set_up_and_start(&bed);
    bed.answer_bytes = 900 * 1000;
    ck_assert_int_eq(nm_control_ask(bed.path, "status", &text, &error), NM_OK);
    ck_assert_uint_eq(strlen(text), strlen("ok\nstatus ") + bed.answer_bytes);
    ck_assert_uint_eq(strspn(text + strlen("ok\nstatus "), "."), bed.answer_bytes);
    free(text);
    bed.answer_bytes = 3 * NM_CONTROL_ANSWER_MAX;
    text = NULL;
    ck_assert_int_eq(nm_control_ask(bed.path, "status", &text, &error), NM_LIMIT);
    ck_assert_ptr_null(text);
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__a_client_learns_that_nobody_answers)
{
    struct bed bed;
    struct nm_error error = {0};
    char *text = NULL;

    set_up(&bed);
    ck_assert_int_eq(nm_control_ask(bed.path, "status", &text, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, bed.path));
    ck_assert_ptr_null(text);
    ck_assert_int_eq(start(&bed, &error), NM_OK);
    bed.answer_bytes = 0;
    ck_assert_int_eq(nm_control_ask(bed.path, "status", &text, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "without an answer"));
    ck_assert_int_eq(
        nm_control_ask(bed.path, "two\nlines", &text, &error), NM_BAD_INPUT);
    ck_assert_int_eq(nm_control_ask(bed.path, "", &text, &error), NM_BAD_INPUT);
    ck_assert_int_eq(nm_control_ask("unix:", "status", &text, &error), NM_BAD_INPUT);
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__refuses_what_is_no_request)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *answer;
    } rows[] = {
        {"stop\n", 5, "refused\nunknown request\n"},
        {"\n", 1, "refused\nunknown request\n"},
        {"STATUS\n", 7, "refused\nunknown request\n"},
        {"status \n", 8, "refused\nunknown request\n"},
        {"status all\n", 11, "refused\nunknown request\n"},
        {" repeat\n", 8, "refused\nunknown request\n"},
        {"status\0x\n", 9, "refused\nunknown request\n"},
        {"\xff\xfe\x80\x1b[2J\n", 8, "refused\nunknown request\n"},
        {"status\nreload\n", 14, "ok\nstatus ."},
        {"status", 0, ""},
    };
    struct bed bed;
    char text[256];
    char long_line[2 * NM_CONTROL_LINE_MAX];

    set_up_and_start(&bed);
    for (size_t i = 0; i + 1 < NM_COUNT(rows); i++) {
        (void)exchange(bed.path, rows[i].bytes, rows[i].length, text, sizeof text);
        ck_assert_str_eq(text, rows[i].answer);
    }
    memset(long_line, 'x', sizeof long_line);
    (void)exchange(bed.path, long_line, NM_CONTROL_LINE_MAX - 1, text, 1);
    (void)exchange(bed.path, long_line, NM_CONTROL_LINE_MAX, text, sizeof text);
    ck_assert_str_eq(text, "refused\nthe request is too long\n");
    (void)exchange(bed.path, long_line, sizeof long_line, text, sizeof text);
    ck_assert_str_eq(text, "refused\nthe request is too long\n");
    tear_down(&bed);
    ck_assert_uint_eq(bed.seen.calls, 1);
}
END_TEST

START_TEST(test_control__carries_an_argument_and_a_file)
{
    FILE *stream = tmpfile();
    struct nm_error error = {0};
    struct bed bed;
    char *text = NULL;

    ck_assert_ptr_nonnull(stream);
    ck_assert_int_ge(fputs("in the file", stream), 0);
    ck_assert_int_eq(fflush(stream), 0);
    set_up_and_start(&bed);
    ask_and_expect(bed.path, "repeat", "ok\n[] no file");
    ask_and_expect(bed.path, "repeat  two words", "ok\n[ two words] no file");
    ck_assert_int_eq(
        nm_control_ask_with(bed.path, "repeat it", fileno(stream), &text, &error),
        NM_OK);
    ck_assert_str_eq(text, "ok\n[it] in the file");
    free(text);
    (void)fclose(stream);
    tear_down(&bed);
}
END_TEST

/* Descriptors of this process, in which the server runs too. */
static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(test_control__keeps_no_file_that_came_along)
{
    const int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct bed bed;
    unsigned before;

    set_up_and_start(&bed);
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    before = count_descriptors();
    for (int round = 0; round < 40; round++) {
        struct nm_error error = {0};
        char *text = NULL;

        ck_assert_int_eq(
            nm_control_ask_with(bed.path, round % 2 == 0 ? "status" : "nonsense",
                folder, &text, &error),
            NM_OK);
        free(text);
    }
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    ck_assert_uint_eq(count_descriptors(), before);
    (void)close(folder);
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__survives_random_bytes)
{
    struct bed bed;
    char bytes[400];
    char text[256];
    unsigned seed = 20240501;

    set_up_and_start(&bed);
    for (int round = 0; round < 500; round++) {
        const size_t length = 1 + (size_t)rand_r(&seed) % (sizeof bytes - 1);

        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)rand_r(&seed);
        bytes[length] = '\n';
        if (exchange(bed.path, bytes, length + 1, text, sizeof text) > 0)
            ck_assert_int_eq(strncmp(text, "refused\n", 8), 0);
    }
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__silent_peers_block_nobody)
{
    struct bed bed;
    int silent[3 * NM_CONTROL_PEERS_MAX];

    set_up_and_start(&bed);
    for (size_t i = 0; i < NM_COUNT(silent); i++) {
        silent[i] = connect_to(bed.path);
        if (i % 2 == 0)
            ck_assert_int_eq(send(silent[i], "sta", 3, MSG_NOSIGNAL), 3);
        ask_and_expect(bed.path, "status", "ok\nstatus .");
    }
    for (size_t i = 0; i < NM_COUNT(silent); i++)
        (void)close(silent[i]);
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__hangs_up_on_a_peer_that_sends_no_line)
{
    struct bed bed;
    char byte;
    int fd;

    set_up_and_start(&bed);
    fd = connect_to(bed.path);
    ck_assert_int_eq(send(fd, "status", 6, MSG_NOSIGNAL), 6);
    /* Returns at NM_CONTROL_REQUEST_MS; without the deadline the test's own ends it. */
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    (void)close(fd);
    tear_down(&bed);
    ck_assert_uint_eq(bed.seen.calls, 0);
}
END_TEST

START_TEST(test_control__peers_that_leave_early_do_no_harm)
{
    struct bed bed;

    set_up_and_start(&bed);
    bed.answer_bytes = 800 * 1000;
    for (int round = 0; round < 40; round++) {
        const int fd = connect_to(bed.path);

        if (round % 2 == 0)
            ck_assert_int_eq(send(fd, "status\n", 7, MSG_NOSIGNAL), 7);
        (void)close(fd);
    }
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__a_stale_socket_is_replaced)
{
    struct bed bed;
    struct sockaddr_un address;
    struct nm_error error = {0};
    int fd;

    set_up(&bed);
    address = address_of(bed.path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    ck_assert_msg(start(&bed, &error) == NM_OK, "%s", error.message);
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__a_live_socket_is_left_alone)
{
    struct bed bed;
    struct bed second;
    struct nm_error error = {0};

    set_up_and_start(&bed);
    second = bed;
    second.server = NULL;
    ck_assert_int_eq(start(&second, &error), NM_SYSTEM);
    ck_assert_ptr_null(second.server);
    ck_assert_ptr_nonnull(strstr(error.message, bed.path));
    ck_assert_ptr_nonnull(strstr(error.message, "another daemon"));
    ask_and_expect(bed.path, "status", "ok\nstatus .");
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__a_file_that_is_no_socket_is_left_alone)
{
    struct bed bed;
    struct nm_error error = {0};
    int fd;

    set_up(&bed);
    fd = open(bed.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(start(&bed, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "not a socket"));
    ck_assert_int_eq(access(bed.path, F_OK), 0);
    (void)close(fd);
    ck_assert_int_eq(unlink(bed.path), 0);
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__says_what_is_wrong_with_a_path)
{
    static const struct {
        const char *path;
        enum nm_code code;
        const char *words;
    } rows[] = {
        {"", NM_BAD_INPUT, "no path"},
        {"unix:", NM_BAD_INPUT, "no path"},
        {"/tmp/a-path-of-more-bytes-than-a-socket-address-has-room-for-which-is-one-"
         "hundred-and-seven-of-them-and-not-one-more",
            NM_BAD_INPUT, "too long"},
        {"/nonexistent/folder/control.sock", NM_SYSTEM, "/nonexistent/folder"},
        {"/dev/null/control.sock", NM_SYSTEM, "/dev/null"},
    };
    const struct nm_control_handler handler = {NULL, verbs, NM_COUNT(verbs)};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_control_server *server = NULL;
        struct nm_error error = {0};

        ck_assert_int_eq(
            nm_control_start(rows[i].path, &handler, NULL, &server, &error),
            rows[i].code);
        ck_assert_ptr_null(server);
        ck_assert_msg(
            strstr(error.message, rows[i].words) != NULL, "%s", error.message);
    }
}
END_TEST

START_TEST(test_control__the_socket_has_its_mode_whatever_the_umask)
{
    static const mode_t masks[] = {0000, 0022, 0077, 0777};

    for (size_t i = 0; i < NM_COUNT(masks); i++) {
        struct bed bed;
        struct nm_error error = {0};
        struct stat file;
        mode_t before;

        set_up(&bed);
        before = umask(masks[i]);
        ck_assert_int_eq(start(&bed, &error), NM_OK);
        (void)umask(before);
        ck_assert_int_eq(stat(bed.path, &file), 0);
        ck_assert_uint_eq(file.st_mode & 07777, NM_CONTROL_SOCKET_MODE);
        tear_down(&bed);
    }
}
END_TEST

START_TEST(test_control__stop_removes_its_own_socket_only)
{
    struct bed bed;
    int fd;

    set_up_and_start(&bed);
    ck_assert_int_eq(unlink(bed.path), 0);
    fd = open(bed.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    nm_control_stop(&bed.server);
    nm_control_stop(&bed.server);
    ck_assert_int_eq(access(bed.path, F_OK), 0);
    (void)close(fd);
    ck_assert_int_eq(unlink(bed.path), 0);
    tear_down(&bed);
}
END_TEST

/* In a child that has become somebody else: 0 when `reload` is refused and `status`
 * answered. */
static int ask_as_nobody(const char *path)
{
    enum { NOBODY = 65534 };
    struct nm_error error = {0};
    char *text = NULL;

    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 10;
    if (nm_control_ask(path, "reload", &text, &error) != NM_OK)
        return 11;
    if (strncmp(text, "refused\nonly root", 17) != 0)
        return 12;
    free(text);
    if (nm_control_ask(path, "status", &text, &error) != NM_OK)
        return 13;
    if (strcmp(text, "ok\nstatus .") != 0)
        return 14;
    free(text);
    return 0;
}

START_TEST(test_control__others_may_ask_for_the_status_only)
{
    struct bed bed;
    int status = -1;
    pid_t child;

    if (getuid() != 0)
        return; /* only root can become somebody else */
    set_up_and_start(&bed);
    ck_assert_int_eq(chmod(bed.folder, 0755), 0);
    ck_assert_int_eq(chmod(bed.path, 0666), 0);
    child = fork();
    if (child == 0)
        _exit(ask_as_nobody(bed.path));
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    tear_down(&bed);
    ck_assert_uint_eq(bed.seen.calls, 1);
    ck_assert_uint_eq(bed.seen.uid, 65534);
}
END_TEST

static void *ask_often(void *argument)
{
    const struct bed *bed = argument;
    size_t answered = 0;

    for (int i = 0; i < 50; i++) {
        char *text = NULL;

        if (nm_control_ask(bed->path, "status", &text, NULL) == NM_OK)
            answered += strcmp(text, "ok\nstatus .") == 0;
        free(text);
    }
    return (void *)answered;
}

START_TEST(test_control__answers_many_clients_at_once)
{
    struct bed bed;
    pthread_t threads[4];

    set_up_and_start(&bed);
    for (size_t i = 0; i < NM_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &bed), 0);
    for (size_t i = 0; i < NM_COUNT(threads); i++) {
        void *answered = NULL;

        ck_assert_int_eq(pthread_join(threads[i], &answered), 0);
        ck_assert_uint_eq((size_t)answered, 50);
    }
    tear_down(&bed);
}
END_TEST

START_TEST(test_control__stops_while_clients_ask)
{
    for (int round = 0; round < 20; round++) {
        struct bed bed;
        pthread_t thread;

        set_up_and_start(&bed);
        ck_assert_int_eq(pthread_create(&thread, NULL, ask_often, &bed), 0);
        ask_and_expect(bed.path, "status", "ok\nstatus .");
        nm_control_stop(&bed.server);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        tear_down(&bed);
    }
}
END_TEST

START_TEST(test_control__an_actor_is_named_with_the_number)
{
    ck_assert_str_eq(nm_control_actor(0).text, "root (uid 0)");
    ck_assert_str_eq(nm_control_actor(3999999999U).text, "uid 3999999999");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *cases = tcase_create("socket");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_control__carries_a_request_and_its_answer);
    tcase_add_test(cases, test_control__carries_a_long_answer_whole);
    tcase_add_test(cases, test_control__a_client_learns_that_nobody_answers);
    tcase_add_test(cases, test_control__refuses_what_is_no_request);
    tcase_add_test(cases, test_control__survives_random_bytes);
    tcase_add_test(cases, test_control__carries_an_argument_and_a_file);
    tcase_add_test(cases, test_control__keeps_no_file_that_came_along);
    tcase_add_test(cases, test_control__silent_peers_block_nobody);
    tcase_add_test(cases, test_control__hangs_up_on_a_peer_that_sends_no_line);
    tcase_add_test(cases, test_control__peers_that_leave_early_do_no_harm);
    tcase_add_test(cases, test_control__a_stale_socket_is_replaced);
    tcase_add_test(cases, test_control__a_live_socket_is_left_alone);
    tcase_add_test(cases, test_control__a_file_that_is_no_socket_is_left_alone);
    tcase_add_test(cases, test_control__says_what_is_wrong_with_a_path);
    tcase_add_test(cases, test_control__the_socket_has_its_mode_whatever_the_umask);
    tcase_add_test(cases, test_control__stop_removes_its_own_socket_only);
    tcase_add_test(cases, test_control__others_may_ask_for_the_status_only);
    tcase_add_test(cases, test_control__an_actor_is_named_with_the_number);
    tcase_add_test(cases, test_control__answers_many_clients_at_once);
    tcase_add_test(cases, test_control__stops_while_clients_ask);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
