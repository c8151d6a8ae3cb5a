/*
 * Logs that earlier versions wrote, kept as SQL in fixtures/: each becomes a log of the
 * current version that says the same and can be written on.
 */
#include "audit_kit.h"

static const int versions[] = {1, 2, 3, 4, 5, 6};

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t size = 0;

    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_ge(getdelim(&bytes, &size, EOF, file), 1);
    (void)fclose(file);
    return bytes;
}

static void load(const struct kit *kit, int version)
{
    char path[KIT_PATH_MAX];
    char *sql;

    (void)snprintf(path, sizeof path, "%s/tests/unit/fixtures/audit-%d.sql",
        NM_SOURCE_DIR, version);
    sql = slurp(path);
    kit_sql(kit, sql);
    free(sql);
    ck_assert_int_eq(kit_sql_integer(kit, "PRAGMA user_version"), version);
}

/* Every decision with all that version 1 tells of one. */
static char *tell(const struct kit *kit)
{
    static const char sql[] =
        "SELECT group_concat(sequence || '|' || quote(time_us) || quote(id)"
        " || quote(transaction_id) || quote(queue_id) || quote(gateway) || "
        "quote(client)"
        " || quote(auth) || quote(sender) || quote(recipient) || quote(domain)"
        " || quote(match) || quote(target) || quote(technique) || quote(confidence)"
        " || quote(rule) || quote(action) || quote(mode) || quote(reply)"
        " || quote(config) || quote(outcome) || quote(outcome_time_us), x'0a')"
        " FROM (SELECT * FROM decisions ORDER BY sequence)";
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    char *text;

    ck_assert_int_eq(sqlite3_open(kit->path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    text = strdup((const char *)sqlite3_column_text(query, 0));
    ck_assert_ptr_nonnull(text);
    (void)sqlite3_finalize(query);
    (void)sqlite3_close(db);
    return text;
}

START_TEST(test_versions__a_log_of_an_earlier_version_says_the_same_later)
{
    struct kit kit;
    struct kit_rows rows = {0};
    struct nm_audit_event event;
    char *before;
    char *after;

    kit_init(&kit);
    load(&kit, versions[_i]);
    before = tell(&kit);
    kit_open(&kit);
    ck_assert_uint_eq(kit_errors(&kit), 0);
    after = tell(&kit);
    ck_assert_str_eq(after, before);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 9);
    ck_assert_str_eq(rows.items[0].decision.domain, "army.ml");
    ck_assert_int_eq(rows.items[3].decision.outcome, NM_OUTCOME_HELD);
    ck_assert_str_eq(rows.items[8].decision.id.text, event.id.text);
    /* What the old log's writer had not indexed is found too. */
    kit_list(&kit, &(struct nm_audit_query){.target = "army.mil"}, &rows);
    ck_assert_uint_eq(rows.count, 3);
    free(before);
    free(after);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* The tool of a newer version, before the daemon of it has run: it may not write. */
START_TEST(test_versions__who_only_reads_is_told_and_changes_nothing)
{
    struct kit kit;
    struct nm_audit_reader *reader = NULL;
    struct nm_audit_verdict verdict;
    struct nm_error error = {.code = NM_OK};
    char says[64];

    kit_init(&kit);
    load(&kit, versions[_i]);
    (void)snprintf(says, sizeof says, "still of version %d", versions[_i]);
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_SYSTEM);
    ck_assert_ptr_null(reader);
    ck_assert_ptr_nonnull(strstr(error.message, says));
    error.message[0] = '\0';
    ck_assert_int_eq(nm_audit_verify(&(struct nm_audit_verify_query){.path = kit.path},
                         NULL, NULL, &verdict, &error),
        NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, says));
    ck_assert_int_eq(kit_sql_integer(&kit, "PRAGMA user_version"), versions[_i]);
    kit_free(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("versions");
    TCase *cases = tcase_create("versions");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(cases,
        test_versions__a_log_of_an_earlier_version_says_the_same_later, 0,
        NM_COUNT(versions));
    tcase_add_loop_test(cases,
        test_versions__who_only_reads_is_told_and_changes_nothing, 0,
        NM_COUNT(versions));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
