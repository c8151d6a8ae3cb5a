/*
 * Reading without rights on the daemon: a member of the group that audit.group names reads
 * the log while it is written, when the writer has ended, and when it was killed.
 */
#include "audit_kit.h"

#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534, SKIPPED = 77, FAILED = 255 };

static const char group_name[] = "nogroup";

static bool count(void *self, const struct nm_audit_row *row)
{
    (void)row;
    (*(int *)self)++;
    return true;
}

/* How many decisions somebody in the group finds, who may write nothing. */
static int rows_for_a_reader(const struct kit *kit, gid_t gid)
{
    const pid_t child = fork();
    int status = 0;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct nm_audit_reader *reader = NULL;
        struct nm_error error = {.code = NM_OK};
        int rows = 0;

        if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(NOBODY) != 0)
            _exit(FAILED);
        if (nm_audit_reader_open(kit->path, &reader, &error) != NM_OK ||
            nm_audit_reader_list(
                reader, &(struct nm_audit_query){0}, count, &rows, &error) != NM_OK)
            _exit(FAILED);
        _exit(rows);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static void open_for_group(struct kit *kit)
{
    const struct nm_audit_options options = {
        .path = kit->path,
        .wait_ms = kit->wait_ms,
        .gateway = "mx1",
        .group = group_name,
        .log = &kit->log,
        .clock = {.self = kit, .now_us = kit_now_us},
    };
    struct nm_error error = {.code = NM_OK};

    ck_assert_int_eq(nm_audit_start(&options, &kit->audit, &error), NM_OK);
    kit->port = nm_audit_port(kit->audit);
    ck_assert_int_eq(chmod(kit->folder, 0755), 0);
}

static void record(struct kit *kit)
{
    const struct nm_audit_event event = kit_decision(kit, "bob@army.ml");

    kit_record(kit, &event, 1);
}

START_TEST(test_readers__of_the_group_read_while_it_is_written_and_after)
{
    const struct group *group = getgrnam(group_name);
    struct kit kit;

    ck_assert_ptr_nonnull(group);
    kit_init(&kit);
    open_for_group(&kit);
    record(&kit);
    ck_assert_int_eq(rows_for_a_reader(&kit, group->gr_gid), 1);
    ck_assert_int_eq(rows_for_a_reader(&kit, 12345), FAILED); /* of no group */
    record(&kit);
    ck_assert_int_eq(rows_for_a_reader(&kit, group->gr_gid), 2);
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(rows_for_a_reader(&kit, group->gr_gid), 2);
    kit_free(&kit);
}
END_TEST

/* What stands in the write-ahead log alone is read too. */
START_TEST(test_readers__of_the_group_read_what_a_killed_writer_left)
{
    const struct group *group = getgrnam(group_name);
    struct kit kit;
    int status = 0;
    pid_t child;

    kit_init(&kit);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        open_for_group(&kit);
        record(&kit);
        record(&kit);
        record(&kit);
        (void)raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(rows_for_a_reader(&kit, group->gr_gid), 3);
    kit_free(&kit);
}
END_TEST

START_TEST(test_readers__a_group_that_is_none_stops_no_mail)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    nm_audit_stop(&kit.audit);
    {
        const struct nm_audit_options options = {.path = kit.path,
            .wait_ms = kit.wait_ms,
            .gateway = "mx1",
            .group = "no-such-group",
            .log = &kit.log,
            .clock = {.self = &kit, .now_us = kit_now_us}};
        struct nm_error error = {.code = NM_OK};

        ck_assert_int_eq(nm_audit_start(&options, &kit.audit, &error), NM_OK);
        kit.port = nm_audit_port(kit.audit);
    }
    record(&kit);
    kit_await_line(&kit, "audit.group: there is no group \"no-such-group\"");
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readers");
    TCase *cases = tcase_create("readers");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (geteuid() != 0) {
        (void)puts("skipped: only root can become somebody else");
        return SKIPPED;
    }
    tcase_add_test(
        cases, test_readers__of_the_group_read_while_it_is_written_and_after);
    tcase_add_test(cases, test_readers__of_the_group_read_what_a_killed_writer_left);
    tcase_add_test(cases, test_readers__a_group_that_is_none_stops_no_mail);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
