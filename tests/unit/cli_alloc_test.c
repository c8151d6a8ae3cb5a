/*
 * Memory runs out in the tool at every place in turn, in its own code, in the layers
 * below and in jansson: it ends with a status and a message, and leaks nothing.
 */
#include "alloc_walk.h"

#include "cli/command.h"

#include "audit/audit.h"
#include "temp_folder.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char configuration[] =
    "protect = { own = [ \"example.org\" ]; domains = [ \"army.mil\" ];\n"
    "    providers = false; };\n"
    "rules = ( { name = \"all\"; confidence = 0.5; action = \"reject\"; } );\n"
    "audit = { database = \"audit.db\"; };\n";

static char folder[] = "/tmp/nm-cli-alloc-XXXXXX";
static char config_path[64];
static char database_path[64];

/* jansson allocates through these, and so is walked as well. */
static void *json_allocate(size_t size)
{
    return malloc(size);
}

static void json_release(void *memory)
{
    free(memory);
}

static int64_t fixed_now_us(void *self)
{
    (void)self;
    return 1772366400000000;
}

static void write_log(void)
{
    const struct nm_audit_options options = {.path = database_path,
        .wait_ms = 30000,
        .gateway = "mx",
        .clock = {NULL, fixed_now_us}};
    const struct nm_audit_event event = {.kind = NM_EVENT_DECISION,
        .id = {"01KJMMA2KV040G2081040G2081"},
        .transaction = {"01KJMMA2KV0000000000000000"},
        .time_us = 1772366400000000,
        .gateway = "mx",
        .client = "",
        .auth = "",
        .sender = {"a\xff@example.org", 14},
        .recipient = {"b\xff@army.ml", 10},
        .domain = "army.ml",
        .match = NM_MATCH_NEAR_MISS,
        .target = "army.mil",
        .technique = NM_TECHNIQUE_SUFFIX,
        .confidence = 0.997,
        .rule = "all",
        .action = NM_ACTION_REJECT,
        .reply = "550 5.7.1 no",
        .config = "9f",
        .queue_id = "7C0FFEE"};
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {0};
    uint64_t ticket;

    ck_assert_int_eq(nm_audit_start(&options, &audit, &error), NM_OK);
    port = nm_audit_port(audit);
    ck_assert_int_eq(port.append(port.self, &event, 1, &ticket), NM_OK);
    ck_assert_int_eq(port.wait(port.self, ticket, &error), NM_OK);
    nm_audit_stop(&audit);
}

static void set_up(void)
{
    FILE *file;

    ck_assert_ptr_nonnull(temp_folder_from(folder));
    (void)snprintf(config_path, sizeof config_path, "%s/nearmiss.conf", folder);
    (void)snprintf(database_path, sizeof database_path, "%s/audit.db", folder);
    file = fopen(config_path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(configuration, file);
    ck_assert_int_eq(fclose(file), 0);
    write_log();
}

static void tear_down(void)
{
    static const char *const names[] = {"nearmiss.conf", "audit.db", "audit.db-wal",
        "audit.db-shm", "audit.db-lock", "audit.db-key", "audit.db-key.pub"};
    char path[96];

    for (size_t i = 0; i < NM_COUNT(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

/* One run whose allocation number `nth` fails; whether it came to that. */
static bool run_failing(
    size_t nth, char *const *words, enum nm_exit *status, char *err, size_t err_size)
{
    struct nm_surroundings surroundings = {.in = -1, .now_us = 1772366400000000};
    char *argv[16] = {NULL};
    bool failed;
    int argc = 0;

    for (; words[argc] != NULL; argc++)
        argv[argc] = words[argc];
    memset(err, 0, err_size);
    surroundings.out = fopen("/dev/null", "w");
    surroundings.err = fmemopen(err, err_size, "w");
    ck_assert(surroundings.out != NULL && surroundings.err != NULL);
    alloc_walk_fail(nth);
    *status = nm_cli_run(&surroundings, argc, argv);
    failed = alloc_walk_failed();
    (void)fclose(surroundings.out);
    (void)fclose(surroundings.err);
    return failed;
}

/* The first allocations one by one; of hundreds that build one long text each seventh,
 * or all with NM_WALK_ALL, as the long tests have it. */
static size_t next_to_fail(size_t nth)
{
    return nth < 120 || getenv("NM_WALK_ALL") != NULL ? nth + 1 : nth + 7;
}

static void walk(enum nm_exit expected, char *const *words)
{
    enum nm_exit status;
    char err[4096];
    size_t nth = 1;

    for (; run_failing(nth, words, &status, err, sizeof err); nth = next_to_fail(nth)) {
        /* What an allocation was for may be done without: then nothing is amiss. */
        ck_assert_msg(status == NM_EXIT_SYSTEM || status == expected,
            "%s, allocation %zu: %d %s", words[1], nth, (int)status, err);
        if (status == NM_EXIT_SYSTEM)
            ck_assert_msg(strstr(err, "memory") != NULL, "%s, allocation %zu: %s",
                words[1], nth, err);
    }
    ck_assert_msg(
        status == expected, "%s %s: %d %s", words[1], words[2], (int)status, err);
    ck_assert_uint_gt(nth, 5);
}

#define WALK(expected, ...)                                                            \
    walk(expected, (char *const[]){(char[]){"nearmiss"}, __VA_ARGS__, NULL})
#define W(word) ((char[]){word})

START_TEST(test_cli__survives_lack_of_memory_anywhere)
{
    set_up();
    WALK(NM_EXIT_FINDING, W("check"), W("-c"), config_path, W("--format"), W("json"),
        W("bob@army.ml"), W("b\xc3@army.mil"));
    WALK(NM_EXIT_FINDING, W("explain"), W("-c"), config_path, W("--format"), W("json"),
        W("bob@army.ml"));
    WALK(NM_EXIT_FINE, W("config"), W("test"), W("-c"), config_path, W("--format"),
        W("json"));
    WALK(NM_EXIT_FINE, W("config"), W("show"), W("-c"), config_path, W("--format"),
        W("json"));
    WALK(NM_EXIT_FINE, W("audit"), W("list"), W("--database"), database_path,
        W("--domain"), W("army.ml"));
    WALK(NM_EXIT_FINE, W("audit"), W("show"), W("--database"), database_path,
        W("--format"), W("json"), W("01kjmma2kv0000000000000000"));
    WALK(NM_EXIT_FINE, W("audit"), W("show"), W("--database"), database_path,
        W("01KJMMA2KV040G2081040G2081"));
    WALK(NM_EXIT_FINE, W("audit"), W("stats"), W("--database"), database_path,
        W("--since"), W("2025-01-01"));
    WALK(NM_EXIT_FINE, W("audit"), W("stats"), W("--database"), database_path,
        W("--format"), W("json"), W("--since"), W("2025-01-01"));
    WALK(NM_EXIT_FINE, W("report"), W("--database"), database_path, W("--html"), W("-"),
        W("--since"), W("2025-01-01"));
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    json_set_alloc_funcs(json_allocate, json_release);
    tcase_add_test(cases, test_cli__survives_lack_of_memory_anywhere);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
