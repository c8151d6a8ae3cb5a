/*
 * Each way in which a log can become unwritable: a wait says so at once and in words that
 * say what to do, the log has one line, and when the cause is gone the writer goes on by
 * itself and says that too.
 */
#include "audit_kit.h"
#include "schema.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

struct fault {
    const char *name;
    const char *says;               /* part of the message */
    void (*begin)(struct kit *kit); /* the fault, */
    void (*end)(struct kit *kit);   /* and its cause's removal */
    bool (*prepare)(
        struct kit *kit); /* before the first start; false: not possible here */
    void (*tidy)(struct kit *kit);
    bool at_start; /* it begins while no writer runs */
};

static void nothing(struct kit *kit)
{
    (void)kit;
}

static void path_of(
    const struct kit *kit, const char *suffix, char out[KIT_PATH_MAX + 16])
{
    (void)snprintf(out, KIT_PATH_MAX + 16, "%s%s", kit->path, suffix);
}

static void move_away(struct kit *kit)
{
    char away[KIT_PATH_MAX + 16];

    path_of(kit, ".old", away);
    ck_assert_int_eq(rename(kit->path, away), 0);
}

/* ---- what is at the path ------------------------------------------------ */

static void remove_database(struct kit *kit)
{
    ck_assert_int_eq(unlink(kit->path), 0);
}

static void remove_wal(struct kit *kit)
{
    char path[KIT_PATH_MAX + 16];

    path_of(kit, "-wal", path);
    ck_assert_int_eq(unlink(path), 0);
}

static void overwrite(struct kit *kit, off_t from, size_t size)
{
    /* What is in the write-ahead log needs not be in the database. */
    const int64_t busy = kit_sql_integer(kit, "PRAGMA wal_checkpoint(TRUNCATE)");
    const int file = open(kit->path, O_WRONLY | O_CLOEXEC);
    char *garbage = malloc(size);

    ck_assert_int_eq(busy, 0);
    ck_assert_int_ge(file, 0);
    ck_assert_ptr_nonnull(garbage);
    memset(garbage, 0xa5, size);
    ck_assert_int_eq(pwrite(file, garbage, size, from), (ssize_t)size);
    free(garbage);
    (void)close(file);
}

static void overwrite_head(struct kit *kit)
{
    overwrite(kit, 0, 4096);
}

static void overwrite_middle(struct kit *kit)
{
    overwrite(kit, 4096, 64 * 1024);
}

static void make_newer(struct kit *kit)
{
    kit_sql(kit, "PRAGMA user_version = 99");
}

static void make_current(struct kit *kit)
{
    char sql[64];

    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", NM_SCHEMA_VERSION);
    kit_sql(kit, sql);
}

static void make_foreign(struct kit *kit)
{
    remove_database(kit);
    kit_sql(kit, "CREATE TABLE recipes (name TEXT)");
}

static void make_folder_there(struct kit *kit)
{
    remove_database(kit);
    ck_assert_int_eq(mkdir(kit->path, 0700), 0);
}

static void remove_folder_there(struct kit *kit)
{
    ck_assert_int_eq(rmdir(kit->path), 0);
}

/* ---- rights ------------------------------------------------------------- */

static bool become_nobody(struct kit *kit)
{
    if (geteuid() != 0)
        return true;
    return chown(kit->folder, NOBODY, NOBODY) == 0 && setegid(NOBODY) == 0 &&
           seteuid(NOBODY) == 0;
}

static void become_root(struct kit *kit)
{
    (void)kit;
    if (getuid() == 0)
        ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}

static void forbid_file(struct kit *kit)
{
    ck_assert_int_eq(chmod(kit->path, 0440), 0);
}

static void allow_file(struct kit *kit)
{
    ck_assert_int_eq(chmod(kit->path, 0640), 0);
}

static void forbid_folder(struct kit *kit)
{
    kit_remove_files(kit);
    ck_assert_int_eq(chmod(kit->folder, 0500), 0);
}

static void allow_folder(struct kit *kit)
{
    ck_assert_int_eq(chmod(kit->folder, 0700), 0);
}

static void remove_folder(struct kit *kit)
{
    kit_remove_files(kit);
    ck_assert_int_eq(rmdir(kit->folder), 0);
}

static void make_folder(struct kit *kit)
{
    ck_assert_int_eq(mkdir(kit->folder, 0700), 0);
}

/* ---- another process ---------------------------------------------------- */

static struct {
    pid_t child;
    int to;
    int from;
} locker;

/* Runs the SQL that each byte stands for. Never returns. */
static void be_locker(const char *path, int in, int out)
{
    sqlite3 *db = NULL;
    char command;

    while (read(in, &command, 1) == 1) {
        if (db == NULL && sqlite3_open(path, &db) != SQLITE_OK)
            _exit(1);
        (void)sqlite3_busy_timeout(db, 10000);
        if (sqlite3_exec(db, command == 'l' ? "BEGIN EXCLUSIVE" : "ROLLBACK", NULL,
                NULL, NULL) != SQLITE_OK ||
            write(out, &command, 1) != 1)
            _exit(1);
    }
    (void)sqlite3_close(db);
    _exit(0);
}

static bool start_locker(struct kit *kit)
{
    int to[2];
    int from[2];

    ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
    locker.child = fork();
    ck_assert_int_ge(locker.child, 0);
    if (locker.child == 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        be_locker(kit->path, to[0], from[1]);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    locker.to = to[1];
    locker.from = from[0];
    return true;
}

static void tell_locker(char command)
{
    ck_assert_int_eq(write(locker.to, &command, 1), 1);
    ck_assert_int_eq(read(locker.from, &command, 1), 1);
}

static void lock_database(struct kit *kit)
{
    (void)kit;
    tell_locker('l');
}

static void unlock_database(struct kit *kit)
{
    (void)kit;
    tell_locker('u');
}

static void end_locker(struct kit *kit)
{
    int status;

    (void)kit;
    (void)close(locker.to);
    (void)close(locker.from);
    ck_assert_int_eq(waitpid(locker.child, &status, 0), locker.child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- a small disk ------------------------------------------------------- */

/* In a mount namespace of this process's own, so that it goes with the process. */
static bool mount_small_disk(struct kit *kit)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", kit->folder, "tmpfs", 0, "size=2m") == 0;
}

static void unmount_small_disk(struct kit *kit)
{
    kit_remove_files(kit);
    ck_assert_int_eq(umount(kit->folder), 0);
}

static void fill_disk(struct kit *kit)
{
    char path[KIT_PATH_MAX + 16];
    char bytes[4096] = {0};
    int file;

    path_of(kit, ".ballast", path);
    file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    while (write(file, bytes, sizeof bytes) > 0)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    (void)close(file);
}

static void make_room(struct kit *kit)
{
    char path[KIT_PATH_MAX + 16];

    path_of(kit, ".ballast", path);
    ck_assert_int_eq(unlink(path), 0);
}

/* ---- the matrix --------------------------------------------------------- */

static const struct fault faults[] = {
    {.name = "removed",
        .says = "removed or replaced while in use",
        .begin = remove_database},
    {.name = "moved away",
        .says = "removed or replaced while in use",
        .begin = move_away},
    {.name = "-wal removed",
        .says = "removed or replaced while in use",
        .begin = remove_wal},
    {.name = "no folder",
        .says = "see that its folder exists",
        .begin = remove_folder,
        .end = make_folder,
        .at_start = true},
    {.name = "a folder in its place",
        .says = "it cannot be opened",
        .begin = make_folder_there,
        .end = remove_folder_there,
        .at_start = true},
    {.name = "folder not writable",
        .says = "the daemon's user may write to it",
        .begin = forbid_folder,
        .end = allow_folder,
        .prepare = become_nobody,
        .tidy = become_root,
        .at_start = true},
    {.name = "file not writable",
        .says = "it may not be written",
        .begin = forbid_file,
        .end = allow_file,
        .prepare = become_nobody,
        .tidy = become_root,
        .at_start = true},
    {.name = "head overwritten",
        .says = "it is no SQLite database; if it should be one, move it away",
        .begin = overwrite_head,
        .end = move_away,
        .at_start = true},
    {.name = "middle overwritten",
        .says = "it is damaged; move it away",
        .begin = overwrite_middle,
        .end = move_away,
        .at_start = true},
    {.name = "newer version",
        .says = "written by a newer Nearmiss",
        .begin = make_newer,
        .end = make_current,
        .at_start = true},
    {.name = "another program's",
        .says = "another program's database",
        .begin = make_foreign,
        .end = remove_database,
        .at_start = true},
    {.name = "locked",
        .says = "another process keeps it locked",
        .begin = lock_database,
        .end = unlock_database,
        .prepare = start_locker,
        .tidy = end_locker},
    {.name = "locked at start",
        .says = "another process keeps it locked",
        .begin = lock_database,
        .end = unlock_database,
        .prepare = start_locker,
        .tidy = end_locker,
        .at_start = true},
    {.name = "disk full",
        .says = "the disk is full; make room",
        .begin = fill_disk,
        .end = make_room,
        .prepare = mount_small_disk,
        .tidy = unmount_small_disk},
};

static void record_until_durable(struct kit *kit, const char *recipient)
{
    const struct nm_audit_event event = kit_decision(kit, recipient);
    struct nm_error error;

    while (kit_try(kit, &event, 1, &error) != NM_OK) {
        ck_assert_int_eq(error.code, NM_SYSTEM);
        usleep(10000);
    }
}

static void assert_fails(struct kit *kit, const struct fault *fault)
{
    const struct nm_audit_event event = kit_decision(kit, "failed@example.net");
    struct nm_audit_status status;

    for (int i = 0; i < 3; i++) {
        struct nm_error error = {.code = NM_OK};

        ck_assert_msg(kit_try(kit, &event, 1, &error) == NM_SYSTEM, "%s", fault->name);
        ck_assert_msg(strstr(error.message, fault->says) != NULL, "%s: %s", fault->name,
            error.message);
        ck_assert_msg(strncmp(error.message, kit->path, strlen(kit->path)) == 0,
            "%s: %s", fault->name, error.message);
        if (fault->end == NULL)
            return; /* it may be over already */
    }
    nm_audit_status(kit->audit, &status);
    ck_assert(status.failing);
    ck_assert_ptr_nonnull(strstr(status.last.message, fault->says));
}

static void assert_recovers(struct kit *kit, const struct fault *fault)
{
    struct kit_rows rows = {0};

    record_until_durable(kit, "after@example.net");
    kit_await_line(kit, "the audit log is written again");
    ck_assert_msg(kit_errors(kit) == 1 && kit_notices(kit) == 1, "%s: %s", fault->name,
        kit->lines);
    kit_list(kit, &(struct nm_audit_query){.recipient = "after@example.net"}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    kit_list(kit, &(struct nm_audit_query){.recipient = "kept@example.net"}, &rows);
    ck_assert_msg(rows.count == 1, "%s: what nobody waited for", fault->name);
    kit_rows_free(&rows);
}

START_TEST(test_fault__is_told_and_gone_when_its_cause_is)
{
    const struct fault *fault = &faults[_i];
    struct nm_audit_event kept;
    struct kit kit;
    uint64_t ticket;

    kit_init(&kit);
    if (fault->prepare != NULL && !fault->prepare(&kit)) {
        printf("skipped: %s: %s\n", fault->name, strerror(errno));
        kit_free(&kit);
        return;
    }
    kit_open(&kit);
    record_until_durable(&kit, "before@example.net");
    if (fault->at_start)
        nm_audit_stop(&kit.audit);
    fault->begin(&kit);
    if (fault->at_start)
        kit_open(&kit);
    kept = kit_decision(&kit, "kept@example.net");
    ck_assert_int_eq(kit.port.append(kit.port.self, &kept, 1, &ticket), NM_OK);
    assert_fails(&kit, fault);
    kit_await_line(&kit, fault->says);
    (fault->end != NULL ? fault->end : nothing)(&kit);
    assert_recovers(&kit, fault);
    nm_audit_stop(&kit.audit);
    if (fault->tidy != NULL)
        fault->tidy(&kit);
    kit_free(&kit);
}
END_TEST

/* ---- more of single faults ---------------------------------------------- */

START_TEST(test_fault__a_log_that_was_moved_away_is_whole)
{
    struct kit kit;
    struct kit_rows rows = {0};

    kit_start(&kit);
    record_until_durable(&kit, "before@example.net");
    move_away(&kit);
    record_until_durable(&kit, "after@example.net");
    nm_audit_stop(&kit.audit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    (void)strcat(kit.path, ".old");
    kit_list(&kit, &(struct nm_audit_query){.recipient = "before@example.net"}, &rows);
    ck_assert_uint_eq(rows.count, 1);
    kit_rows_free(&rows);
    kit_free(&kit);
}
END_TEST

START_TEST(test_fault__a_new_log_is_told_the_configuration_again)
{
    struct kit kit;

    kit_start(&kit);
    ck_assert_int_eq(nm_audit_note_config(kit.audit, "00ff", "text"), NM_OK);
    record_until_durable(&kit, "before@example.net");
    remove_database(&kit);
    record_until_durable(&kit, "after@example.net");
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM config WHERE text = 'text'"), 1);
    kit_free(&kit);
}
END_TEST

START_TEST(test_fault__a_short_lock_is_waited_out)
{
    struct kit kit;
    struct nm_audit_event event;
    uint64_t ticket;

    kit_init(&kit);
    ck_assert(start_locker(&kit));
    kit_open(&kit);
    tell_locker('l');
    event = kit_decision(&kit, "bob@army.ml");
    ck_assert_int_eq(kit.port.append(kit.port.self, &event, 1, &ticket), NM_OK);
    tell_locker('u');
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, NULL), NM_OK);
    ck_assert_uint_eq(kit_errors(&kit), 0);
    nm_audit_stop(&kit.audit);
    end_locker(&kit);
    kit_free(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    TCase *cases = tcase_create("fault");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(cases, test_fault__is_told_and_gone_when_its_cause_is, 0,
        (int)NM_COUNT(faults));
    tcase_add_test(cases, test_fault__a_log_that_was_moved_away_is_whole);
    tcase_add_test(cases, test_fault__a_new_log_is_told_the_configuration_again);
    tcase_add_test(cases, test_fault__a_short_lock_is_waited_out);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
