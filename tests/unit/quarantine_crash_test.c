/*
 * A process that is killed at each step of keeping, releasing and deleting a message. The
 * steps are counted: every system call of ours that changes a disk, and every write of
 * SQLite's. A child does the work with the order to die before step n, for n = 1, 2, …
 * until it comes to its end; after each death the parent opens what is left, plays the mail
 * server that was told to try again, and looks at what there is.
 */
#include "quarantine_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* ---- dying ------------------------------------------------------------------ */

static unsigned steps_left; /* 0: live on */
static unsigned room_left;  /* steps until the disk is full; 0: it is not */
static bool disk_is_full;

/* Whether this step finds room on the disk. */
static bool step(void)
{
    if (steps_left > 0 && --steps_left == 0)
        (void)kill(getpid(), SIGKILL);
    if (room_left > 0 && --room_left == 0)
        disk_is_full = true;
    if (disk_is_full)
        errno = ENOSPC;
    return !disk_is_full;
}

ssize_t __real_write(int file, const void *bytes, size_t size);
int __real_fsync(int file);
int __real_renameat(int from, const char *name, int to, const char *new_name);
int __real_unlinkat(int folder, const char *name, int flags);
int __real_mkdirat(int folder, const char *name, mode_t mode);

ssize_t __wrap_write(int file, const void *bytes, size_t size)
{
    return step() ? __real_write(file, bytes, size) : -1;
}

int __wrap_fsync(int file)
{
    return step() ? __real_fsync(file) : -1;
}

int __wrap_renameat(int from, const char *name, int to, const char *new_name)
{
    return step() ? __real_renameat(from, name, to, new_name) : -1;
}

int __wrap_unlinkat(int folder, const char *name, int flags)
{
    (void)step(); /* which a full disk does not hinder */
    return __real_unlinkat(folder, name, flags);
}

int __wrap_mkdirat(int folder, const char *name, mode_t mode)
{
    return step() ? __real_mkdirat(folder, name, mode) : -1;
}

/* SQLite's own. */
static ssize_t step_pwrite(int file, const void *bytes, size_t size, off_t at)
{
    return step() ? pwrite(file, bytes, size, at) : -1;
}

static void count_sqlite(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    (void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)step_pwrite);
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)step_pwrite);
}

/* What the child has answered before it died; shared with it. */
struct told {
    bool kept;      /* "250" for the message */
    bool begun;     /* the release may be sent */
    bool delivered; /* "250" for what was released */
    bool released;
    bool deleted;
    struct nm_id id;
};

static struct told *told;

/* ---- the work --------------------------------------------------------------- */

static const char *const bob[] = {"bob@army.ml", NULL};
static const char body[] = "every byte of it\r\n";
static const char whole[] = "Subject: x\r\n\r\nevery byte of it\r\n";

/* Send the message; whether it was let by, where it was taken. */
static bool send(struct kit *kit, bool *taken)
{
    struct kit_message message;
    struct nm_error error;

    kit_compose(kit, &message, bob, body);
    *taken = kit_put(kit, &message, NULL, &error) == NM_OK;
    if (!message.recipients[0].is_released)
        told->id = message.recipients[0].id;
    return *taken && message.recipients[0].is_released;
}

static void keep(struct kit *kit)
{
    bool taken = false;

    (void)send(kit, &taken);
    told->kept = taken;
}

static void release(struct kit *kit)
{
    const struct nm_id id = told->id;
    struct nm_queue_id came_by;
    struct nm_error error;
    bool taken = false;

    if (nm_review_release(kit->quarantine, &kit->reviewer, id.text, bob[0], false,
            &came_by, &error) != NM_OK)
        return;
    told->begun = true;
    if (came_by.text[0] == '\0')
        told->delivered = send(kit, &taken);
    told->id = id;
    told->released = nm_review_released(kit->quarantine, id.text, &error) == NM_OK;
}

static void delete (struct kit *kit)
{
    struct nm_error error;

    told->deleted = nm_review_delete(kit->quarantine, &kit->reviewer, told->id.text,
                        &error) == NM_OK;
}

/* Run `work` in a child that dies before step `nth`; whether it lived. */
static bool survives(struct kit *kit, unsigned nth, void (*work)(struct kit *kit))
{
    const pid_t child = fork();
    int status = 0;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        steps_left = nth;
        kit_open(kit);
        work(kit);
        _exit(0); /* a crash too, but for what was answered */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL && nth > 0
                                  : WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

/* ---- what is left ----------------------------------------------------------- */

/* Files and rows agree, and every message that waits is whole. */
static void check_whole(struct kit *kit, struct kit_entries *entries)
{
    size_t files = 0;
    char text[64];

    kit_list(kit, entries);
    for (size_t i = 0; i < entries->count; i++) {
        const struct kit_entry *row = &entries->rows[i];

        if (row->state != NM_KEPT_WAITING && row->state != NM_KEPT_RELEASING)
            continue;
        files++;
        ck_assert(kit_read(kit, row->id.text, text, sizeof text));
        ck_assert_str_eq(text, whole);
    }
    ck_assert_uint_eq(kit_files(kit, "messages"), files);
    ck_assert_uint_eq(kit_files(kit, "incoming"), 0);
}

static size_t count_of(const struct kit_entries *entries, enum nm_kept_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < entries->count; i++)
        count += entries->rows[i].state == state;
    return count;
}

START_TEST(test_crash__a_message_is_kept_once_or_tried_again)
{
    bool lived = false;
    unsigned nth;

    for (nth = 1; !lived; nth++) {
        struct kit kit;
        struct kit_entries entries;
        bool taken = false;

        kit_init(&kit);
        memset(told, 0, sizeof *told);
        lived = survives(&kit, nth, keep);
        ck_assert(!lived || told->kept);
        kit.number = 100; /* what the child made had other ids */
        kit_open(&kit);
        check_whole(&kit, &entries);
        ck_assert_uint_eq(entries.count, told->kept ? 1 : entries.count);
        if (!told->kept) {
            (void)send(&kit, &taken);
            ck_assert(taken);
            check_whole(&kit, &entries);
        }
        ck_assert_uint_eq(entries.count, 1);
        kit_stop(&kit);
    }
    ck_assert_uint_gt(nth, 20);
}
END_TEST

/* The mail server got no answer: the tool hears of it, and says so to whoever is there. */
static void hear_of_failure(struct kit *kit, struct kit_entries *entries)
{
    struct nm_error error;

    if (count_of(entries, NM_KEPT_RELEASING) == 1 && !told->delivered)
        ck_assert_int_eq(nm_review_not_released(kit->quarantine, &kit->reviewer,
                             told->id.text, "it hung up", &error),
            NM_OK);
}

START_TEST(test_crash__a_release_is_delivered_once)
{
    bool lived = false;
    unsigned nth;

    for (nth = 1; !lived; nth++) {
        struct kit kit;
        struct kit_entries entries;
        struct nm_queue_id came_by = {""};
        struct nm_error error;
        unsigned delivered;

        kit_init(&kit);
        memset(told, 0, sizeof *told);
        ck_assert(survives(&kit, 0, keep));
        kit.number = 100;
        lived = survives(&kit, nth, release);
        delivered = told->delivered ? 1 : 0;
        ck_assert(!lived || (told->released && told->delivered));
        kit.number = 200;
        kit_open(&kit);
        check_whole(&kit, &entries);
        hear_of_failure(&kit, &entries);
        kit_list(&kit, &entries);
        if (count_of(&entries, NM_KEPT_RELEASED) == 0) {
            bool taken = false;

            ck_assert_int_eq(
                nm_review_release(kit.quarantine, &kit.reviewer,
                    entries.rows[0].id.text, bob[0], false, &came_by, &error),
                NM_OK);
            /* Whoever is told that it came by looks, and finds it delivered. */
            ck_assert(came_by.text[0] == '\0' || told->delivered);
            if (came_by.text[0] == '\0')
                delivered += send(&kit, &taken);
            ck_assert_int_eq(
                nm_review_released(kit.quarantine, entries.rows[0].id.text, &error),
                NM_OK);
        }
        ck_assert_uint_eq(delivered, 1);
        check_whole(&kit, &entries);
        ck_assert_uint_eq(count_of(&entries, NM_KEPT_RELEASED), 1);
        ck_assert_uint_eq(entries.count, 1);
        kit_stop(&kit);
    }
    ck_assert_uint_gt(nth, 10);
}
END_TEST

START_TEST(test_crash__a_deletion_is_whole)
{
    bool lived = false;
    unsigned nth;

    for (nth = 1; !lived; nth++) {
        struct kit kit;
        struct kit_entries entries;

        kit_init(&kit);
        memset(told, 0, sizeof *told);
        ck_assert(survives(&kit, 0, keep));
        lived = survives(&kit, nth, delete);
        kit_open(&kit);
        check_whole(&kit, &entries);
        ck_assert(!told->deleted || entries.rows[0].state == NM_KEPT_DELETED);
        ck_assert_uint_eq(entries.count, 1);
        kit_stop(&kit);
    }
    ck_assert_uint_gt(nth, 3);
}
END_TEST

/* The disk fills up at each step in turn, and has room again when the client tries again:
 * the message was taken and is whole, or was not taken; and in the end it is there once. */
START_TEST(test_crash__a_full_disk_loses_nothing_that_was_taken)
{
    bool was_full = true;
    unsigned nth;
    unsigned refused = 0;

    for (nth = 1; was_full; nth++) {
        struct kit kit;
        struct kit_entries entries;
        bool taken = false;

        kit_init(&kit);
        memset(told, 0, sizeof *told);
        kit_open(&kit);
        room_left = nth;
        (void)send(&kit, &taken);
        was_full = disk_is_full;
        disk_is_full = false;
        room_left = 0;
        ck_assert(taken || was_full);
        refused += !taken;
        if (!taken)
            (void)send(&kit, &taken);
        ck_assert(taken);
        nm_quarantine_close(&kit.quarantine);
        kit_open(&kit);
        check_whole(&kit, &entries);
        ck_assert_uint_eq(entries.count, 1);
        kit_stop(&kit);
    }
    ck_assert_uint_gt(refused, 10);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("crash");
    Suite *suite = suite_create("quarantine");
    SRunner *runner;
    int failed;

    told = mmap(
        NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        return EXIT_FAILURE;
    count_sqlite();
    tcase_set_timeout(tests, 250);
    tcase_add_test(tests, test_crash__a_message_is_kept_once_or_tried_again);
    tcase_add_test(tests, test_crash__a_release_is_delivered_once);
    tcase_add_test(tests, test_crash__a_deletion_is_whole);
    tcase_add_test(tests, test_crash__a_full_disk_loses_nothing_that_was_taken);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
