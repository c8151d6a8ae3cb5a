/* The file: made, found, locked, damaged, another's, newer; and what it remembers. */
#include "state_kit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- history ------------------------------------------------------------ */

START_TEST(test_state__an_import_is_there_after_a_restart)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    kit_assert_history(&kit, "");
    kit_import(&kit, "army.mil 5\nb.example 7\n");
    kit_reopen(&kit);
    kit_assert_history(&kit, "army.mil=5 b.example=7 ");
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_later_import_replaces_what_it_names)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 5\nb.example 7\nc.example 9\n");
    kit_import(&kit, "a.example 6\nb.example 0\nd.example 0\n");
    kit_assert_history(&kit, "a.example=6 c.example=9 ");
    kit_import(&kit, "a.example 6\nb.example 0\nd.example 0\n");
    kit_assert_history(&kit, "a.example=6 c.example=9 ");
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__an_import_that_fails_changes_nothing)
{
    struct nm_counts *counts;
    struct nm_error error = {.code = NM_OK};
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 5\n");
    kit_sql(&kit, "CREATE TRIGGER no BEFORE INSERT ON history WHEN new.domain ="
                  " 'c.example' BEGIN SELECT raise(ABORT, 'no'); END");
    counts = kit_counts(&kit, "a.example 6\nb.example 7\nc.example 8\n");
    ck_assert_int_eq(nm_state_import(kit.state, counts, kit_now_us, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, kit.path));
    nm_counts_free(&counts);
    kit_assert_history(&kit, "a.example=5 ");
    kit_sql(&kit, "DROP TRIGGER no");
    kit_import(&kit, "c.example 8\n");
    kit_assert_history(&kit, "a.example=5 c.example=8 ");
    kit_done(&kit);
}
END_TEST

/* ---- the file ----------------------------------------------------------- */

static void assert_fails(
    const struct kit *kit, enum nm_code expected, const char *expected_words)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_state *state = NULL;

    ck_assert_int_eq(nm_state_open(kit->path, &state, &error), expected);
    ck_assert_ptr_null(state);
    ck_assert_msg(strstr(error.message, expected_words) != NULL, "%s", error.message);
    ck_assert_msg(strstr(error.message, kit->path) != NULL, "%s", error.message);
}

static void assert_unreadable(
    const struct kit *kit, enum nm_code expected, const char *expected_words)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_state *state = NULL;

    ck_assert_int_eq(nm_state_open_to_read(kit->path, &state, &error), expected);
    ck_assert_ptr_null(state);
    ck_assert_msg(strstr(error.message, expected_words) != NULL, "%s", error.message);
}

static void write_file(const struct kit *kit, const char *text)
{
    FILE *file = fopen(kit->path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_state__is_made_for_its_user_and_group_alone)
{
    struct kit kit;
    struct stat file;

    kit_init(&kit);
    ck_assert_int_eq(nm_state_check(kit.path, NULL), NM_OK);
    ck_assert_int_ne(access(kit.path, F_OK), 0);
    kit_open(&kit);
    ck_assert_int_eq(stat(kit.path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0640);
    ck_assert_int_eq(nm_state_check(kit.path, NULL), NM_OK);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_reader_says_that_there_is_none_yet)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_state *state = NULL;
    struct kit kit;

    kit_init(&kit);
    ck_assert_int_eq(nm_state_open_to_read(kit.path, &state, &error), NM_OK);
    ck_assert_ptr_null(state);
    ck_assert_int_ne(access(kit.path, F_OK), 0);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__is_read_while_another_writes_it)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_counts *counts = NULL;
    struct nm_state *reader = NULL;
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 5\n");
    ck_assert_int_eq(nm_state_open_to_read(kit.path, &reader, &error), NM_OK);
    kit_import(&kit, "b.example 6\n");
    ck_assert_int_eq(nm_state_counts(reader, &counts, &error), NM_OK);
    kit_assert_counts(counts, "a.example=5 b.example=6 ");
    nm_counts_free(&counts);
    nm_state_close(&reader);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__has_one_writer)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    assert_fails(&kit, NM_STOPPED, "another process writes it");
    nm_state_close(&kit.state);
    kit_open(&kit);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__what_is_not_ours_is_left_alone)
{
    struct kit kit;

    kit_init(&kit);
    kit_sql(&kit, "CREATE TABLE other (x); PRAGMA application_id = 7");
    assert_fails(&kit, NM_BAD_INPUT, "not a Nearmiss state database");
    assert_unreadable(&kit, NM_BAD_INPUT, "not a Nearmiss state database");
    ck_assert_int_eq(nm_state_check(kit.path, NULL), NM_BAD_INPUT);
    kit_sql(&kit, "INSERT INTO other VALUES (1)");
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_version_that_never_was_is_damage)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    nm_state_close(&kit.state);
    kit_sql(&kit, "PRAGMA user_version = -1");
    assert_fails(&kit, NM_SYSTEM, "damaged");
    assert_unreadable(&kit, NM_SYSTEM, "damaged");
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_newer_versions_is_left_alone)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    nm_state_close(&kit.state);
    kit_sql(&kit, "PRAGMA user_version = 99");
    assert_fails(&kit, NM_BAD_INPUT, "newer Nearmiss");
    assert_unreadable(&kit, NM_BAD_INPUT, "newer Nearmiss");
    ck_assert_int_eq(nm_state_check(kit.path, NULL), NM_BAD_INPUT);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__an_empty_file_becomes_one)
{
    struct kit kit;

    kit_init(&kit);
    write_file(&kit, "");
    assert_unreadable(&kit, NM_SYSTEM, "still of version 0");
    kit_open(&kit);
    kit_import(&kit, "a.example 5\n");
    kit_assert_history(&kit, "a.example=5 ");
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__what_is_no_database_is_left_alone)
{
    static const char text[] =
        "these are notes of mine and no database at all, so that "
        "nobody should ever write into them\n";
    char found[sizeof text + 1] = "";
    struct kit kit;
    FILE *file;

    kit_init(&kit);
    write_file(&kit, text);
    assert_fails(&kit, NM_SYSTEM, "no SQLite database");
    assert_unreadable(&kit, NM_SYSTEM, "no SQLite database");
    file = fopen(kit.path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(found, 1, sizeof found - 1, file), sizeof text - 1);
    (void)fclose(file);
    ck_assert_str_eq(found, text);
    kit_done(&kit);
}
END_TEST

/* Overwrite all pages but the first. */
START_TEST(test_state__damage_is_told)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_counts *counts = NULL;
    struct kit kit;
    struct stat found;
    char bytes[4096];
    int file;

    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 5\n");
    nm_state_close(&kit.state);
    file = open(kit.path, O_RDWR);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(fstat(file, &found), 0);
    memset(bytes, 0xa5, sizeof bytes);
    for (off_t at = 4096; at < found.st_size; at += 4096)
        ck_assert_int_eq(pwrite(file, bytes, sizeof bytes, at), sizeof bytes);
    (void)close(file);
    kit_open(&kit);
    ck_assert_int_eq(nm_state_counts(kit.state, &counts, &error), NM_SYSTEM);
    ck_assert_ptr_null(counts);
    ck_assert_ptr_nonnull(strstr(error.message, "damaged"));
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__values_that_cannot_be_are_damage)
{
    static const char *const rows[] = {"('A.example', 1, 0)", "('a..example', 1, 0)",
        "('', 1, 0)", "('a b', 1, 0)", "(x'61ff', 1, 0)", "('a/b', 1, 0)"};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_error error = {.code = NM_OK};
        struct nm_counts *counts = NULL;
        struct kit kit;
        char sql[128];

        kit_init(&kit);
        kit_open(&kit);
        (void)snprintf(sql, sizeof sql, "INSERT INTO history VALUES %s", rows[i]);
        kit_sql(&kit, sql);
        ck_assert_msg(
            nm_state_counts(kit.state, &counts, &error) == NM_SYSTEM, "%s", rows[i]);
        ck_assert_ptr_null(counts);
        kit_done(&kit);
    }
}
END_TEST

START_TEST(test_state__a_lock_of_another_program_is_told)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_counts *counts;
    struct kit kit;
    sqlite3 *other = NULL;

    kit_init(&kit);
    kit_open(&kit);
    ck_assert_int_eq(sqlite3_open(kit.path, &other), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    counts = kit_counts(&kit, "a.example 5\n");
    ck_assert_int_eq(nm_state_import(kit.state, counts, kit_now_us, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "keeps it locked"));
    (void)sqlite3_close(other);
    ck_assert_int_eq(nm_state_import(kit.state, counts, kit_now_us, &error), NM_OK);
    nm_counts_free(&counts);
    kit_done(&kit);
}
END_TEST

enum { NOBODY = 65534 };

/* In a child: what a user finds who may read the file but not write it. 0: as it must be. */
static int try_as_nobody(const char *path)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_state *state = NULL;
    struct nm_counts *counts = NULL;

    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 1;
    if (nm_state_open(path, &state, &error) != NM_SYSTEM || state != NULL)
        return 2;
    if (nm_state_check(path, &error) != NM_SYSTEM ||
        strstr(error.message, "may not be written") == NULL)
        return 3;
    if (nm_state_open_to_read(path, &state, &error) != NM_OK || state == NULL)
        return 4;
    if (nm_state_counts(state, &counts, &error) != NM_OK || nm_counts_size(counts) != 1)
        return 5;
    nm_counts_free(&counts);
    nm_state_close(&state);
    return 0;
}

START_TEST(test_state__who_may_only_read_it_reads_it)
{
    struct kit kit;
    int status = 0;
    pid_t child;

    if (geteuid() != 0) {
        puts("skipped: only root becomes another user");
        return;
    }
    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 5\n");
    nm_state_close(&kit.state);
    ck_assert_int_eq(chmod(kit.path, 0644), 0);
    ck_assert_int_eq(chmod(kit.folder, 0755), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(try_as_nobody(kit.path));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__says_why_it_cannot_be_made)
{
    struct nm_error error = {.code = NM_OK};
    struct nm_state *state = NULL;

    ck_assert_int_eq(nm_state_open("/nonexistent/state.db", &state, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/state.db"));
    ck_assert_int_eq(nm_state_check("/nonexistent/state.db", &error), NM_SYSTEM);
    ck_assert_ptr_null(state);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_state__an_import_is_there_after_a_restart);
    tcase_add_test(cases, test_state__a_later_import_replaces_what_it_names);
    tcase_add_test(cases, test_state__an_import_that_fails_changes_nothing);
    tcase_add_test(cases, test_state__is_made_for_its_user_and_group_alone);
    tcase_add_test(cases, test_state__a_reader_says_that_there_is_none_yet);
    tcase_add_test(cases, test_state__is_read_while_another_writes_it);
    tcase_add_test(cases, test_state__has_one_writer);
    tcase_add_test(cases, test_state__what_is_not_ours_is_left_alone);
    tcase_add_test(cases, test_state__a_version_that_never_was_is_damage);
    tcase_add_test(cases, test_state__a_newer_versions_is_left_alone);
    tcase_add_test(cases, test_state__an_empty_file_becomes_one);
    tcase_add_test(cases, test_state__what_is_no_database_is_left_alone);
    tcase_add_test(cases, test_state__damage_is_told);
    tcase_add_test(cases, test_state__values_that_cannot_be_are_damage);
    tcase_add_test(cases, test_state__a_lock_of_another_program_is_told);
    tcase_add_test(cases, test_state__who_may_only_read_it_reads_it);
    tcase_add_test(cases, test_state__says_why_it_cannot_be_made);
}

int main(void)
{
    return kit_run("state database", add);
}
