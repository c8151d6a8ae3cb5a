/*
 * Versions: an empty database becomes the current one, whole or not at all; what is newer
 * or not ours is left alone. And what people with SQL see.
 */
#include "audit_kit.h"
#include "schema.h"

#include <sys/stat.h>

static const int version = NM_SCHEMA_VERSION;

static enum nm_code record_once(struct kit *kit, struct nm_error *error)
{
    const struct nm_audit_event event = kit_decision(kit, "bob@army.ml");

    return kit_try(kit, &event, 1, error);
}

/* A copy of the file's bytes; the caller frees it. */
static char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes;
    struct stat found;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &found), 0);
    *size = (size_t)found.st_size;
    bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    (void)fclose(file);
    return bytes;
}

/* ---- versions ----------------------------------------------------------- */

START_TEST(test_schema__an_empty_file_becomes_a_log)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    FILE *file;

    kit_init(&kit);
    file = fopen(kit.path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert_int_eq(nm_audit_check(kit.path, &error), NM_OK);
    kit_open(&kit);
    ck_assert_int_eq(record_once(&kit, &error), NM_OK);
    ck_assert_int_eq(kit_sql_integer(&kit, "PRAGMA user_version"), version);
    ck_assert_int_eq(kit_sql_integer(&kit, "PRAGMA application_id"), 0x4e6d4c67);
    kit_restart(&kit);
    ck_assert_int_eq(record_once(&kit, &error), NM_OK);
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM event WHERE kind = 1"), 2);
    kit_stop(&kit);
}
END_TEST

/* The migration meets a table of the same name in its middle. */
START_TEST(test_schema__a_migration_that_fails_changes_nothing)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};

    kit_init(&kit);
    kit_sql(&kit, "PRAGMA application_id = 0x4e6d4c67; CREATE TABLE config (a)");
    kit_open(&kit);
    ck_assert_int_eq(record_once(&kit, &error), NM_SYSTEM);
    ck_assert_int_eq(kit_sql_integer(&kit, "PRAGMA user_version"), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM sqlite_schema"), 1);
    kit_sql(&kit, "DROP TABLE config");
    while (record_once(&kit, &error) != NM_OK)
        usleep(1000);
    ck_assert_int_eq(kit_sql_integer(&kit, "PRAGMA user_version"), version);
    kit_stop(&kit);
}
END_TEST

/* Each is refused by the check, the reader and the writer in the same words, and stays
 * as it was. */
START_TEST(test_schema__what_is_not_ours_is_refused_and_left_alone)
{
    char newer_sql[64];
    char newer_says[160];
    const struct {
        const char *sql;
        const char *says;
    } rows[] = {
        {newer_sql, newer_says},
        {"PRAGMA application_id = 7", "another program's database"},
        {"PRAGMA application_id = 0", "another program's database"},
    };

    (void)snprintf(
        newer_sql, sizeof newer_sql, "PRAGMA user_version = %d", version + 1);
    (void)snprintf(newer_says, sizeof newer_says,
        "of version %d, written by a newer Nearmiss; this one knows versions up to %d: "
        "install the newer one",
        version + 1, version);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct kit kit;
        struct nm_error error = {.code = NM_OK};
        struct nm_audit_reader *reader = NULL;
        char *before;
        char *after;
        size_t before_size;
        size_t after_size;

        kit_start(&kit);
        nm_audit_stop(&kit.audit);
        kit_sql(&kit, rows[i].sql);
        kit_sql(&kit, "PRAGMA journal_mode = DELETE");
        before = slurp(kit.path, &before_size);
        ck_assert_int_eq(nm_audit_check(kit.path, &error), NM_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(error.message, rows[i].says));
        error.message[0] = '\0';
        ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(error.message, rows[i].says));
        ck_assert_ptr_null(reader);
        kit_open(&kit);
        ck_assert_int_eq(record_once(&kit, &error), NM_SYSTEM);
        ck_assert_ptr_nonnull(strstr(error.message, rows[i].says));
        nm_audit_stop(&kit.audit);
        after = slurp(kit.path, &after_size);
        ck_assert_uint_eq(after_size, before_size);
        ck_assert_mem_eq(after, before, before_size);
        free(before);
        free(after);
        kit_free(&kit);
    }
}
END_TEST

START_TEST(test_schema__an_older_version_is_for_the_daemon_to_migrate)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_reader *reader = NULL;
    char says[64];

    kit_init(&kit);
    kit_sql(&kit, "PRAGMA application_id = 0x4e6d4c67; CREATE TABLE event (a)");
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_SYSTEM);
    (void)snprintf(says, sizeof says, "brings it to version %d", version);
    ck_assert_ptr_nonnull(strstr(error.message, says));
    ck_assert_int_eq(nm_audit_check(kit.path, &error), NM_OK);
    kit_free(&kit);
}
END_TEST

START_TEST(test_schema__a_program_that_knows_more_words_adds_them)
{
    struct kit kit;

    kit_start(&kit);
    nm_audit_stop(&kit.audit);
    kit_sql(&kit, "DELETE FROM word WHERE name IN ('hold', 'suffix', 'near-miss')");
    kit_open(&kit);
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM word"
                              " WHERE name IN ('hold', 'suffix', 'near-miss')"),
        3);
    kit_stop(&kit);
}
END_TEST

/* ---- the check ---------------------------------------------------------- */

START_TEST(test_check__changes_nothing_and_says_what_would_be_wrong)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    char path[KIT_PATH_MAX + 16];

    kit_init(&kit);
    ck_assert_int_eq(nm_audit_check(kit.path, &error), NM_OK);
    ck_assert_int_ne(access(kit.path, F_OK), 0);
    (void)snprintf(path, sizeof path, "%s/none/audit.db", kit.folder);
    ck_assert_int_eq(nm_audit_check(path, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "No such file or directory"));
    ck_assert_int_eq(nm_audit_check(kit.folder, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "this is a folder; name a file in it"));
    kit_open(&kit);
    ck_assert_int_eq(nm_audit_check(kit.path, &error), NM_OK);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_reader__names_a_log_that_is_not_there)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_reader *reader = NULL;

    kit_init(&kit);
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, &error), NM_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, kit.path));
    ck_assert_ptr_nonnull(strstr(error.message, "No such file or directory"));
    ck_assert_int_ne(access(kit.path, F_OK), 0);
    kit_free(&kit);
}
END_TEST

/* A path may hold whatever a file name can. */
START_TEST(test_reader__opens_a_path_with_odd_characters)
{
    struct kit kit;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_reader *reader = NULL;

    kit_init(&kit);
    (void)snprintf(
        kit.path, sizeof kit.path, "%s/a?mode=rw#b%%20c d\xc3\xa4", kit.folder);
    kit_open(&kit);
    ck_assert_int_eq(record_once(&kit, &error), NM_OK);
    ck_assert_int_eq(access(kit.path, F_OK), 0);
    ck_assert_msg(
        nm_audit_reader_open(kit.path, &reader, &error) == NM_OK, "%s", error.message);
    nm_audit_reader_close(&reader);
    kit_stop(&kit);
}
END_TEST

/* ---- the view ----------------------------------------------------------- */

struct view {
    sqlite3_stmt *rows;
    int columns;
};

static const char *view_text(const struct view *view, const char *name)
{
    for (int i = 0; i < view->columns; i++)
        if (strcmp(sqlite3_column_name(view->rows, i), name) == 0)
            return (const char *)sqlite3_column_text(view->rows, i);
    ck_abort_msg("the view has no column %s", name);
}

static const char *null_if_empty(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void assert_view_row(const struct view *view, const struct nm_audit_row *row)
{
    const struct nm_audit_event *decision = &row->decision;
    const bool near_miss = decision->technique != NM_TECHNIQUE_NONE;

    ck_assert_str_eq(view_text(view, "id"), decision->id.text);
    ck_assert_str_eq(view_text(view, "transaction_id"), decision->transaction.text);
    ck_assert_str_eq(view_text(view, "time"), "2024-06-01T00:00:00.000Z");
    ck_assert_str_eq(view_text(view, "gateway"), decision->gateway);
    ck_assert_str_eq(view_text(view, "client"), decision->client);
    ck_assert_pstr_eq(view_text(view, "auth"), null_if_empty(decision->auth));
    ck_assert_str_eq(view_text(view, "domain"), decision->domain);
    ck_assert_str_eq(view_text(view, "match"), nm_match_name(decision->match));
    ck_assert_pstr_eq(view_text(view, "target"), decision->target);
    ck_assert_pstr_eq(view_text(view, "technique"),
        near_miss ? nm_technique_name(decision->technique) : NULL);
    ck_assert_pstr_eq(view_text(view, "rule"), decision->rule);
    ck_assert_str_eq(view_text(view, "action"), nm_action_name(decision->action));
    ck_assert_str_eq(view_text(view, "mode"), nm_mode_name(decision->mode));
    ck_assert_pstr_eq(view_text(view, "reply"), null_if_empty(decision->reply));
    ck_assert_str_eq(view_text(view, "config"), decision->config);
    ck_assert_pstr_eq(view_text(view, "queue_id"), null_if_empty(decision->queue_id));
    ck_assert_str_eq(view_text(view, "outcome"), nm_outcome_name(decision->outcome));
}

enum { VIEWED = 8 };

static void fill(struct kit *kit, struct nm_audit_event events[VIEWED])
{
    events[0] = kit_decision(kit, "bob@army.ml");
    events[0].outcome = NM_OUTCOME_REFUSED;
    events[1] = kit_decision(kit, "eve@example.net");
    events[1].transaction = events[0].transaction;
    events[1].match = NM_MATCH_NONE;
    events[1].technique = NM_TECHNIQUE_NONE;
    events[1].target = NULL;
    events[1].rule = NULL;
    events[1].reply = "";
    events[1].auth = "";
    events[1].action = NM_ACTION_ACCEPT;
    /* An id of another time is kept in another way. */
    (void)nm_copy(
        events[1].id.text, sizeof events[1].id.text, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    events[2] = kit_outcome(kit, &events[0], NM_OUTCOME_PASSED);
    events[3] = kit_decision(kit, "mallory@example.net");
    events[3].mode = NM_MODE_OBSERVE;
    /* Taken off, and then the others got theirs; and one that could not be taken off. */
    events[4] = kit_decision(kit, "kept@army.ml");
    events[4].outcome = NM_OUTCOME_QUARANTINED;
    events[5] = kit_outcome(kit, &events[4], NM_OUTCOME_QUARANTINED);
    events[6] = kit_outcome(kit, &events[4], NM_OUTCOME_PASSED);
    events[7] = kit_decision(kit, "lost@army.ml");
    events[7].outcome = NM_OUTCOME_QUARANTINED;
}

START_TEST(test_schema__the_view_says_what_the_listing_says)
{
    struct kit kit;
    struct nm_audit_event events[VIEWED];
    struct kit_rows rows = {0};
    sqlite3 *db = NULL;
    struct view view;

    kit_start(&kit);
    fill(&kit, events);
    kit_record(&kit, events, VIEWED);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_eq(rows.count, 5);
    ck_assert_int_eq(rows.items[3].decision.outcome, NM_OUTCOME_QUARANTINED);
    ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT * FROM decisions ORDER BY sequence",
                         -1, &view.rows, NULL),
        SQLITE_OK);
    view.columns = sqlite3_column_count(view.rows);
    for (size_t i = 0; i < rows.count; i++) {
        ck_assert_int_eq(sqlite3_step(view.rows), SQLITE_ROW);
        assert_view_row(&view, &rows.items[i]);
    }
    ck_assert_int_eq(sqlite3_step(view.rows), SQLITE_DONE);
    (void)sqlite3_finalize(view.rows);
    (void)sqlite3_close(db);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* Codes are stored: their meaning must never move. */
START_TEST(test_schema__codes_mean_what_they_always_meant)
{
    struct kit kit;

    kit_start(&kit);
    ck_assert_int_eq(
        kit_sql_integer(&kit,
            "SELECT group_concat(topic || code || name, ' ') ="
            " 'action0accept action1tag action2reject action3defer action4confirm"
            " action5quarantine action6hold match0invalid match1none match2own"
            " match3protected match4allowed match5known match6near-miss mode0enforce"
            " mode1observe outcome0unknown outcome1passed outcome2refused outcome3held"
            " outcome4quarantined outcome5aborted technique0none technique1omission"
            " technique2insertion technique3doubling technique4transposition"
            " technique5key technique6substitution technique7suffix technique8dot"
            " technique9hyphen technique10glyph technique11embedded"
            " technique12several"
            " verb0allow-added verb1allow-removed verb2confirmed verb3released"
            " verb4deleted verb5looked-at verb6erased verb7pruned"
            " verb8key-rotated verb9confirms verb10notified'"
            " FROM (SELECT * FROM word ORDER BY topic, code)"),
        1);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *cases = tcase_create("schema");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_schema__an_empty_file_becomes_a_log);
    tcase_add_test(cases, test_schema__a_migration_that_fails_changes_nothing);
    tcase_add_test(cases, test_schema__what_is_not_ours_is_refused_and_left_alone);
    tcase_add_test(cases, test_schema__an_older_version_is_for_the_daemon_to_migrate);
    tcase_add_test(cases, test_schema__a_program_that_knows_more_words_adds_them);
    tcase_add_test(cases, test_check__changes_nothing_and_says_what_would_be_wrong);
    tcase_add_test(cases, test_reader__names_a_log_that_is_not_there);
    tcase_add_test(cases, test_reader__opens_a_path_with_odd_characters);
    tcase_add_test(cases, test_schema__the_view_says_what_the_listing_says);
    tcase_add_test(cases, test_schema__codes_mean_what_they_always_meant);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
