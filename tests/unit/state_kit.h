/* A state database in a folder of its own. For state_*_test.c. */
#ifndef NM_TESTS_STATE_KIT_H
#define NM_TESTS_STATE_KIT_H

#include "state/state.h"
#include "temp_folder.h"

#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kit {
    char folder[64];
    char path[128];
    struct nm_state *state;
    struct nm_names *names;
};

static const int64_t kit_now_us = 1717200000000000;

static inline void kit_init(struct kit *kit)
{
    const char *where = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";

    *kit = (struct kit){.state = NULL};
    (void)snprintf(kit->folder, sizeof kit->folder, "%s/nm-state-XXXXXX", where);
    ck_assert_ptr_nonnull(temp_folder_from(kit->folder));
    (void)snprintf(kit->path, sizeof kit->path, "%s/state.db", kit->folder);
    ck_assert_int_eq(nm_names_new(NULL, &kit->names, NULL), NM_OK);
}

static inline void kit_open(struct kit *kit)
{
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(
        nm_state_open(kit->path, &kit->state, &error) == NM_OK, "%s", error.message);
}

static inline void kit_reopen(struct kit *kit)
{
    nm_state_close(&kit->state);
    kit_open(kit);
}

static inline void kit_done(struct kit *kit)
{
    DIR *folder;
    const struct dirent *entry;

    nm_state_close(&kit->state);
    nm_names_free(&kit->names);
    folder = opendir(kit->folder);
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            ck_assert_int_eq(unlinkat(dirfd(folder), entry->d_name, 0), 0);
    (void)closedir(folder);
    ck_assert_int_eq(rmdir(kit->folder), 0);
}

/* Run SQL on the database as another program would. */
static inline void kit_sql(const struct kit *kit, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    ck_assert_int_eq(sqlite3_open(kit->path, &db), SQLITE_OK);
    ck_assert_msg(
        sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    (void)sqlite3_close(db);
}

static inline struct nm_domain kit_domain(const struct kit *kit, const char *text)
{
    struct nm_domain domain;

    ck_assert_int_eq(
        nm_domain_parse(kit->names, text, strlen(text), &domain), NM_FAULT_NONE);
    return domain;
}

struct kit_bad_lines {
    char text[1024]; /* "LINE:TEXT: WHY\n" each */
};

static inline void kit_note_bad_line(
    void *self, unsigned line, const char *text, size_t length, const char *why)
{
    struct kit_bad_lines *bad = self;
    struct nm_buf buf;
    const size_t used = strlen(bad->text);

    nm_buf_init(&buf, bad->text + used, sizeof bad->text - used);
    nm_buf_printf(&buf, "%u:%.*s: %s\n", line, (int)length, text, why);
}

static inline enum nm_code kit_read(const struct kit *kit, const char *text,
    struct nm_counts **out, struct kit_bad_lines *lines, size_t *bad)
{
    const struct nm_counts_complainer complainer = {lines, kit_note_bad_line};

    return nm_counts_read(kit->names, text, strlen(text), &complainer, out, bad);
}

static inline struct nm_counts *kit_counts(const struct kit *kit, const char *text)
{
    struct kit_bad_lines lines = {""};
    struct nm_counts *counts = NULL;
    size_t bad = 0;

    ck_assert_int_eq(kit_read(kit, text, &counts, &lines, &bad), NM_OK);
    ck_assert_msg(bad == 0, "%s", lines.text);
    return counts;
}

/* "domain=messages " of each, in order. */
static inline void kit_assert_counts(
    const struct nm_counts *counts, const char *expected)
{
    char text[2048];
    struct nm_buf buf;

    nm_buf_init(&buf, text, sizeof text);
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_count count;

        nm_counts_get(counts, i, &count);
        nm_buf_printf(
            &buf, "%s=%llu ", count.domain.name, (unsigned long long)count.messages);
    }
    ck_assert_str_eq(text, expected);
}

static inline void kit_import(struct kit *kit, const char *text)
{
    struct nm_counts *counts = kit_counts(kit, text);
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_state_import(kit->state, counts, kit_now_us, &error) == NM_OK,
        "%s", error.message);
    nm_counts_free(&counts);
}

static inline void kit_assert_history(struct kit *kit, const char *expected)
{
    struct nm_counts *counts = NULL;
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(
        nm_state_counts(kit->state, &counts, &error) == NM_OK, "%s", error.message);
    kit_assert_counts(counts, expected);
    nm_counts_free(&counts);
}

static inline int kit_run(const char *name, void (*add)(TCase *cases))
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner;
    int failed;

    add(cases);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
