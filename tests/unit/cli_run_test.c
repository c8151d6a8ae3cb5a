/*
 * The whole tool in this process: what transcripts cannot do. A daemon that answers what
 * the test wants, lines of random bytes, a log of more decisions than are shown.
 */
#include "cli/command.h"

#include "audit/audit.h"
#include "control/control.h"
#include "temp_folder.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t now_us = 1772366400000000; /* 2026-03-01T12:00:00Z */

static const char configuration[] =
    "protect = { own = [ \"example.org\" ]; domains = [ \"army.mil\" ];\n"
    "    suffixes = [ \"mil\" ]; providers = false; };\n"
    "rules = ( { name = \"all\"; confidence = 0.5; action = \"reject\"; } );\n"
    "audit = { database = \"audit.db\"; };\n"
    "control = { socket = \"unix:control.sock\"; };\n";

/* ---- a bed -------------------------------------------------------------- */

struct bed {
    char folder[32];
    char config[64];
    char database[64];
    char socket[64];
    char input[64];
    char *out; /* of the last run */
    size_t out_length;
    char *err;
    size_t err_length;
};

static void path_in(const struct bed *bed, char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s/%s", bed->folder, name);
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void set_up(struct bed *bed)
{
    *bed = (struct bed){.folder = "/tmp/nm-cli-run-XXXXXX"};
    ck_assert_ptr_nonnull(temp_folder_from(bed->folder));
    path_in(bed, bed->config, sizeof bed->config, "nearmiss.conf");
    path_in(bed, bed->database, sizeof bed->database, "audit.db");
    path_in(bed, bed->socket, sizeof bed->socket, "control.sock");
    path_in(bed, bed->input, sizeof bed->input, "input");
    write_file(bed->config, configuration, strlen(configuration));
    write_file(bed->input, "", 0);
}

static void tear_down(struct bed *bed)
{
    static const char *const names[] = {"nearmiss.conf", "audit.db", "audit.db-wal",
        "audit.db-shm", "audit.db-lock", "audit.db-key", "audit.db-key.pub", "input"};
    char path[96];

    for (size_t i = 0; i < NM_COUNT(names); i++) {
        path_in(bed, path, sizeof path, names[i]);
        (void)unlink(path);
    }
    ck_assert_msg(rmdir(bed->folder) == 0, "%s is not empty", bed->folder);
    free(bed->out);
    free(bed->err);
}

/* Run `nearmiss` with these words, the input file as standard input. */
static enum nm_exit run(struct bed *bed, ...)
{
    char *argv[32] = {(char[]){"nearmiss"}};
    struct nm_surroundings surroundings = {.now_us = now_us};
    enum nm_exit status;
    va_list words;
    int argc = 1;

    va_start(words, bed);
    while ((argv[argc] = va_arg(words, char *)) != NULL)
        argc++;
    va_end(words);
    free(bed->out);
    free(bed->err);
    surroundings.in = open(bed->input, O_RDONLY | O_CLOEXEC);
    surroundings.out = open_memstream(&bed->out, &bed->out_length);
    surroundings.err = open_memstream(&bed->err, &bed->err_length);
    ck_assert(
        surroundings.in >= 0 && surroundings.out != NULL && surroundings.err != NULL);
    status = nm_cli_run(&surroundings, argc, argv);
    (void)close(surroundings.in);
    (void)fclose(surroundings.out);
    (void)fclose(surroundings.err);
    return status;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* ---- lines -------------------------------------------------------------- */

/* Random lines of the bytes that matter most, and of all others. */
static size_t random_lines(char *bytes, size_t size, unsigned *seed)
{
    static const char likely[] =
        "@.<>\"\\ \r\n[]:;,%!-_army.mlexampleorg\xc3\xa4\xe2\x80";
    size_t lines = 0;

    for (size_t i = 0; i < size; i++) {
        const unsigned draw = (unsigned)rand_r(seed);

        bytes[i] = draw % 3 == 0 ? (char)(draw >> 8)
                                 : likely[(draw >> 8) % (sizeof likely - 1)];
        lines += bytes[i] == '\n';
    }
    return lines + (size > 0 && bytes[size - 1] != '\n');
}

static void expect_check_object(const char *line, size_t length)
{
    static const char *const keys[] = {"recipient", "domain", "match", "target",
        "technique", "confidence", "rule", "action", "reply"};
    json_error_t error;
    json_t *object =
        json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    size_t i = 0;
    const char *key;
    json_t *value;

    ck_assert_msg(json_is_object(object), "%s: %.*s", error.text, (int)length, line);
    json_object_foreach(object, key, value)
    {
        if (i < NM_COUNT(keys))
            ck_assert_str_eq(key, keys[i]);
        else
            ck_assert_str_eq(key, "recipient_hex");
        i++;
    }
    ck_assert_uint_ge(i, NM_COUNT(keys));
    json_decref(object);
}

START_TEST(test_check__gives_one_object_for_each_line_of_any_bytes)
{
    struct bed bed;
    unsigned seed = 20260301;

    set_up(&bed);
    for (int round = 0; round < 20; round++) {
        char bytes[6000];
        const size_t size = (size_t)rand_r(&seed) % sizeof bytes;
        const size_t lines = random_lines(bytes, size, &seed);
        size_t objects = 0;
        enum nm_exit status;

        write_file(bed.input, bytes, size);
        status =
            run(&bed, "check", "-c", bed.config, "--format", "json", "-", (char *)NULL);
        ck_assert(status == NM_EXIT_FINE || status == NM_EXIT_FINDING);
        for (const char *line = bed.out; *line != '\0'; objects++) {
            const size_t length = strcspn(line, "\n");

            expect_check_object(line, length);
            ck_assert_int_eq(line[length], '\n');
            line += length + 1;
        }
        ck_assert_uint_eq(objects, lines);
        ck_assert_str_eq(bed.err, "");
    }
    tear_down(&bed);
}
END_TEST

/* Printable ASCII and line ends are all that text output ever has of hostile input. */
START_TEST(test_check__text_shows_no_byte_that_could_do_harm)
{
    struct bed bed;
    unsigned seed = 7;
    char bytes[4000];

    set_up(&bed);
    for (int round = 0; round < 10; round++) {
        (void)random_lines(bytes, sizeof bytes, &seed);
        write_file(bed.input, bytes, sizeof bytes);
        (void)run(&bed, "check", "-c", bed.config, "-", (char *)NULL);
        for (size_t i = 0; i < bed.out_length;) {
            char shown[NM_VISIBLE_MAX + 1];
            const size_t step = nm_visible(bed.out + i, bed.out_length - i, shown);

            ck_assert_msg(bed.out[i] == '\n' || bed.out[i] == '\\' ||
                              strncmp(shown, bed.out + i, step) == 0,
                "%s", shown);
            i += step;
        }
    }
    tear_down(&bed);
}
END_TEST

START_TEST(test_check__a_line_without_end_is_one_object)
{
    struct bed bed;
    const size_t size = 3 * 1000 * 1000;
    char *bytes = malloc(size);

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'a', size);
    memcpy(bytes + size - 9, "@army.ml\n", 9);
    set_up(&bed);
    write_file(bed.input, bytes, size);
    ck_assert_int_eq(
        run(&bed, "check", "-c", bed.config, "--format", "json", "-", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 1);
    ck_assert_ptr_nonnull(strstr(bed.out, "\"domain\":null,\"match\":\"invalid\""));
    tear_down(&bed);
    free(bytes);
}
END_TEST

/* ---- a daemon ----------------------------------------------------------- */

struct daemon {
    struct nm_control_server *server;
    const char *reload; /* what it answers */
    const char *status;
};

static char *answer(void *self, const struct nm_control_request *request)
{
    const struct daemon *daemon = self;

    return strdup(
        strcmp(request->verb, "reload") == 0 ? daemon->reload : daemon->status);
}

static const struct nm_control_verb verbs[] = {
    {.name = "reload", .answer = answer},
    {.name = "status", .answer = answer},
};

static void start_daemon(const struct bed *bed, struct daemon *daemon)
{
    const struct nm_control_handler handler = {daemon, verbs, NM_COUNT(verbs)};
    struct nm_error error = {0};

    ck_assert_msg(
        nm_control_start(bed->socket, &handler, NULL, &daemon->server, &error) == NM_OK,
        "%s", error.message);
}

START_TEST(test_reload__says_what_the_daemon_says)
{
    static const struct {
        const char *answer;
        enum nm_exit status;
        const char *out;
        const char *err;
    } rows[] = {
        {"ok\n", NM_EXIT_FINE, "reloaded\n", ""},
        {"ok\na.conf:3: warning: old\n", NM_EXIT_FINE, "reloaded\n",
            "a.conf:3: warning: old\n"},
        {"wrong\na.conf:3: \x1b[2Jbad\na.conf:9: worse", NM_EXIT_CONFIGURATION, "",
            "a.conf:3: \\x1b[2Jbad\na.conf:9: worse\n"
            "nearmiss reload: the daemon goes on with the configuration it had\n"},
        {"refused\nnot you\n", NM_EXIT_SYSTEM, "",
            "nearmiss reload: the daemon refuses:\nnot you\n"},
        {"nonsense", NM_EXIT_SYSTEM, "",
            "nearmiss reload: the daemon's answer cannot be understood: nonsense\n"},
    };
    struct bed bed;
    struct daemon daemon = {.status = ""};

    set_up(&bed);
    start_daemon(&bed, &daemon);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        daemon.reload = rows[i].answer;
        ck_assert_int_eq(
            run(&bed, "reload", "-c", bed.config, (char *)NULL), rows[i].status);
        ck_assert_str_eq(bed.out, rows[i].out);
        ck_assert_str_eq(bed.err, rows[i].err);
    }
    nm_control_stop(&daemon.server);
    tear_down(&bed);
}
END_TEST

START_TEST(test_status__shows_members_of_any_kind)
{
    struct bed bed;
    struct daemon daemon = {.status = "ok\n{\"config\":\"9f\\u001b86\",\"sessions\":12,"
                                      "\"near_misses\":1,\"by_action\":{\"reject\":1},"
                                      "\"failing\":false,\"rate\":0.5,\"none\":null,"
                                      "\"age_s\":7,\"error\":\"\"}\n"};

    set_up(&bed);
    start_daemon(&bed, &daemon);
    ck_assert_int_eq(
        run(&bed, "status", "--socket", bed.socket, (char *)NULL), NM_EXIT_FINE);
    ck_assert_str_eq(bed.out, "config                  9f\\x1b86\n"
                              "sessions                12\n"
                              "near misses             1\n"
                              "by action\n"
                              "  reject                1\n"
                              "failing                 no\n"
                              "rate                    0.5\n"
                              "none                    -\n"
                              "age                     7 s\n"
                              "error                   -\n");
    ck_assert_int_eq(
        run(&bed, "status", "-c", bed.config, "--format", "json", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_str_eq(bed.out,
        "{\"config\":\"9f\\u001B86\",\"sessions\":12,\"near_misses\":1,"
        "\"by_action\":{\"reject\":1},\"failing\":false,\"rate\":0.5,\"none\":null,"
        "\"age_s\":7,\"error\":\"\"}\n");
    daemon.status =
        "ok\n{\"config\":\"9\\n\\\"f\",\"mode\":\"enforce\",\"sessions\":12,"
        "\"near_misses\":3,\"reject\":2,\"uptime_s\":7,\"names\":9,"
        "\"near_misses_by_action\":{\"reject\":1,\"tag\":2},"
        "\"audit\":{\"failing\":true,\"database\":\"/x\"}}\n";
    ck_assert_int_eq(
        run(&bed, "status", "-c", bed.config, "--format", "prometheus", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_str_eq(bed.out, "# TYPE nearmiss_info gauge\n"
                              "nearmiss_info{config=\"9\\n\\\"f\",mode=\"enforce\"} 1\n"
                              "# TYPE nearmiss_sessions_total counter\n"
                              "nearmiss_sessions_total 12\n"
                              "# TYPE nearmiss_actions_total counter\n"
                              "nearmiss_actions_total{action=\"reject\"} 2\n"
                              "# TYPE nearmiss_near_misses_total counter\n"
                              "nearmiss_near_misses_total{action=\"tag\"} 2\n"
                              "nearmiss_near_misses_total{action=\"reject\"} 1\n"
                              "# TYPE nearmiss_uptime_seconds gauge\n"
                              "nearmiss_uptime_seconds 7\n"
                              "# TYPE nearmiss_names gauge\n"
                              "nearmiss_names 9\n"
                              "# TYPE nearmiss_audit_failing gauge\n"
                              "nearmiss_audit_failing 1\n");
    daemon.status = "ok\n[1,2";
    ck_assert_int_eq(
        run(&bed, "status", "-c", bed.config, (char *)NULL), NM_EXIT_SYSTEM);
    ck_assert_ptr_nonnull(strstr(bed.err, "cannot be understood"));
    nm_control_stop(&daemon.server);
    ck_assert_int_eq(
        run(&bed, "status", "-c", bed.config, (char *)NULL), NM_EXIT_SYSTEM);
    ck_assert_ptr_nonnull(strstr(bed.err, "no daemon answers at"));
    tear_down(&bed);
}
END_TEST

/* ---- a log -------------------------------------------------------------- */

static int64_t fixed_now_us(void *self)
{
    (void)self;
    return now_us;
}

/* `count` decisions, one a minute, the last a minute before `now_us`. */
static void write_log(const struct bed *bed, int count)
{
    const struct nm_audit_options options = {.path = bed->database,
        .wait_ms = 30000,
        .gateway = "mx",
        .clock = {NULL, fixed_now_us}};
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {0};
    uint64_t ticket = 0;

    ck_assert_int_eq(nm_audit_start(&options, &audit, &error), NM_OK);
    port = nm_audit_port(audit);
    for (int i = 0; i < count; i++) {
        const uint8_t random[NM_ID_RANDOM_BYTES] = {(uint8_t)(i >> 8), (uint8_t)i};
        const int64_t time_us = now_us - (int64_t)(count - i) * 60 * 1000000;
        const struct nm_audit_event event = {.kind = NM_EVENT_DECISION,
            .id = nm_id_make(time_us, random),
            .transaction = nm_id_make(time_us, random),
            .time_us = time_us,
            .gateway = "mx",
            .client = "",
            .auth = "",
            .sender = {"a@example.org", 13},
            .recipient = {"b@example.net", 13},
            .domain = "example.net",
            .match = NM_MATCH_NONE,
            .confidence = -1,
            .reply = "",
            .config = "",
            .queue_id = ""};

        ck_assert_int_eq(port.append(port.self, &event, 1, &ticket), NM_OK);
    }
    ck_assert_int_eq(port.wait(port.self, ticket, &error), NM_OK);
    nm_audit_stop(&audit);
}

START_TEST(test_audit_list__text_shows_the_newest_hundred_and_says_so)
{
    struct bed bed;

    set_up(&bed);
    write_log(&bed, 150);
    ck_assert_int_eq(
        run(&bed, "audit", "list", "-c", bed.config, (char *)NULL), NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 101);
    ck_assert_ptr_nonnull(strstr(bed.out, "2026-03-01 11:59:00"));
    ck_assert_ptr_nonnull(strstr(bed.out, "2026-03-01 10:20:00"));
    ck_assert_ptr_null(strstr(bed.out, "2026-03-01 10:19:00"));
    ck_assert_ptr_nonnull(strstr(bed.err, "the newest 100"));
    ck_assert_int_eq(
        run(&bed, "audit", "list", "-c", bed.config, "--last", "120", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 121);
    ck_assert_str_eq(bed.err, "");
    ck_assert_int_eq(
        run(&bed, "audit", "list", "-c", bed.config, "--format", "json", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 150);
    ck_assert_str_eq(bed.err, "");
    tear_down(&bed);
}
END_TEST

START_TEST(test_audit_list__exactly_a_hundred_are_all)
{
    struct bed bed;

    set_up(&bed);
    write_log(&bed, 100);
    ck_assert_int_eq(
        run(&bed, "audit", "list", "-c", bed.config, (char *)NULL), NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 101);
    ck_assert_str_eq(bed.err, "");
    tear_down(&bed);
}
END_TEST

START_TEST(test_audit_list__counts_back_from_now)
{
    struct bed bed;

    set_up(&bed);
    write_log(&bed, 90);
    ck_assert_int_eq(run(&bed, "audit", "list", "-c", bed.config, "--since", "1h",
                         "--until", "15m", "--format", "json", (char *)NULL),
        NM_EXIT_FINE);
    ck_assert_uint_eq(count_lines(bed.out), 45);
    ck_assert_ptr_nonnull(strstr(bed.out, "2026-03-01T11:00:00.000Z"));
    ck_assert_ptr_null(strstr(bed.out, "2026-03-01T11:45:00.000Z"));
    tear_down(&bed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("run");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_check__gives_one_object_for_each_line_of_any_bytes);
    tcase_add_test(cases, test_check__text_shows_no_byte_that_could_do_harm);
    tcase_add_test(cases, test_check__a_line_without_end_is_one_object);
    tcase_add_test(cases, test_reload__says_what_the_daemon_says);
    tcase_add_test(cases, test_status__shows_members_of_any_kind);
    tcase_add_test(cases, test_audit_list__text_shows_the_newest_hundred_and_says_so);
    tcase_add_test(cases, test_audit_list__exactly_a_hundred_are_all);
    tcase_add_test(cases, test_audit_list__counts_back_from_now);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
