/*
 * What is kept of local parts: everything, a keyed hash that groups and can be found, or
 * nothing; and never more where the key is missing.
 */
#include "audit_kit.h"

#include <sys/stat.h>

static void open_with(struct kit *kit, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient)
{
    kit_start(kit);
    nm_audit_set_local_parts(kit->audit, sender, recipient);
}

static void record(struct kit *kit, const char *sender, const char *recipient)
{
    struct nm_audit_event event = kit_decision(kit, recipient);
    char reply[256];

    (void)snprintf(reply, sizeof reply, "550 5.7.1 Dear %s, not %s", sender, "army.ml");
    event.sender = kit_bytes(sender);
    event.reply = reply;
    kit_record(kit, &event, 1);
}

static void list(struct kit *kit, struct kit_rows *rows)
{
    kit_list(kit, &(struct nm_audit_query){0}, rows);
}

static void no_finding(void *self, const struct nm_audit_finding *finding)
{
    (void)self;
    ck_abort_msg("%s", finding->what);
}

static void assert_verified(const struct kit *kit)
{
    const struct nm_audit_verify_query query = {.path = kit->path, .threads = 1};
    struct nm_audit_verdict verdict;

    ck_assert_int_eq(nm_audit_verify(&query, no_finding, NULL, &verdict, NULL), NM_OK);
}

static bool is(struct nm_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

START_TEST(test_pseudonyms__none_keeps_the_domain_alone)
{
    struct kit kit;
    struct kit_rows rows = {0};

    open_with(&kit, NM_LOCAL_NONE, NM_LOCAL_NONE);
    record(&kit, "alice@example.org", "\"b@b\"@army.ml");
    record(&kit, "", "postmaster");
    list(&kit, &rows);
    ck_assert(is(rows.items[0].decision.sender, "~@example.org"));
    ck_assert(is(rows.items[0].decision.recipient, "~@army.ml"));
    ck_assert_str_eq(rows.items[0].decision.auth, "~");
    ck_assert_str_eq(
        rows.items[0].decision.reply, "550 5.7.1 Dear ~@example.org, not army.ml");
    ck_assert_str_eq(rows.items[0].decision.domain, "army.ml");
    ck_assert(is(rows.items[1].decision.sender, "")); /* the null sender stays */
    ck_assert(is(rows.items[1].decision.recipient, "~"));
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_pseudonyms__keyed_groups_and_is_found)
{
    struct kit kit;
    struct kit_rows rows = {0};
    char keyed[1024];
    struct nm_error error = {.code = NM_OK};

    open_with(&kit, NM_LOCAL_KEYED, NM_LOCAL_CLEAR);
    record(&kit, "Alice@example.org", "bob@army.ml");
    record(&kit, "alice@EXAMPLE.org", "bob@army.ml");
    record(&kit, "alice@example.net", "bob@army.ml");
    record(&kit, "carol@example.org", "bob@army.ml");
    ck_assert_int_eq(nm_audit_keyed_address(
                         kit.path, "alice@example.org", keyed, sizeof keyed, &error),
        NM_OK);
    ck_assert_uint_eq(strlen(keyed), strlen("~") + 16 + strlen("@example.org"));
    kit_list(&kit, &(struct nm_audit_query){.sender = keyed}, &rows);
    ck_assert_uint_eq(rows.count, 2);
    ck_assert_ptr_null(strstr(rows.items[0].decision.reply, "Alice"));
    ck_assert(is(rows.items[0].decision.recipient, "bob@army.ml"));
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(DISTINCT lower(sender)) FROM decisions"),
        3);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM text"
                                           " WHERE value LIKE '%alice%'"
                                           " OR value LIKE '%carol%'"),
        0);
    /* The same after a restart, and in a log with another key not. */
    nm_audit_stop(&kit.audit);
    kit_open(&kit);
    nm_audit_set_local_parts(kit.audit, NM_LOCAL_KEYED, NM_LOCAL_CLEAR);
    record(&kit, "alice@example.org", "bob@army.ml");
    kit_list(&kit, &(struct nm_audit_query){.sender = keyed}, &rows);
    ck_assert_uint_eq(rows.count, 3);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_pseudonyms__without_the_key_nothing_is_kept)
{
    struct kit kit;
    struct kit_rows rows = {0};
    char path[KIT_PATH_MAX + 16];
    FILE *file;

    kit_start(&kit);
    (void)snprintf(path, sizeof path, "%s-names-key", kit.path);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs("no key", file);
    (void)fclose(file);
    ck_assert_int_eq(chmod(path, 0600), 0);
    nm_audit_set_local_parts(kit.audit, NM_LOCAL_KEYED, NM_LOCAL_KEYED);
    record(&kit, "alice@example.org", "bob@army.ml");
    list(&kit, &rows);
    ck_assert(is(rows.items[0].decision.sender, "~@example.org"));
    ck_assert(is(rows.items[0].decision.recipient, "~@army.ml"));
    nm_audit_stop(&kit.audit); /* with the checkpoint comes the complaint */
    ck_assert_ptr_nonnull(strstr(kit.lines, "keeps no local parts"));
    kit_rows_free(&rows);
    kit_free(&kit);
}
END_TEST

START_TEST(test_pseudonyms__a_person_is_erased_in_either_form)
{
    struct kit kit;
    struct kit_rows rows = {0};
    struct nm_audit_forgotten done;
    struct nm_error error = {.code = NM_OK};
    const struct nm_audit_forget what = {
        .address = "alice@example.org", .actor = "daemon"};

    kit_start(&kit);
    record(&kit, "alice@example.org", "bob@army.ml");
    nm_audit_set_local_parts(kit.audit, NM_LOCAL_KEYED, NM_LOCAL_KEYED);
    record(&kit, "alice@example.org", "bob@army.ml");
    record(&kit, "carol@example.org", "alice@example.org");
    ck_assert_int_eq(nm_audit_forget(kit.audit, &what, 60000, &done, &error), NM_OK);
    ck_assert_uint_eq(done.erased, 3);
    list(&kit, &rows);
    ck_assert(is(rows.items[0].decision.sender, "[erased]"));
    ck_assert(is(rows.items[1].decision.sender, "[erased]"));
    ck_assert(is(rows.items[2].decision.recipient, "[erased]"));
    ck_assert(!is(rows.items[2].decision.sender, "[erased]"));
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* ---- what people wrote -------------------------------------------------- */

static struct nm_audit_event act(
    struct kit *kit, const char *actor, const char *subject, const char *reason)
{
    return (struct nm_audit_event){.kind = NM_EVENT_ACT,
        .id = kit_id(kit),
        .time_us = kit->now_us,
        .gateway = "mx1",
        .actor = actor,
        .verb = NM_VERB_RELEASED,
        .subject = subject,
        .reason = reason};
}

START_TEST(test_pseudonyms__addresses_in_acts_are_kept_like_others)
{
    static const struct {
        const char *text;
        const char *kept;
    } cases[] = {
        {"bob@army.ml", "~@army.ml"},
        {"message 4711", "message 4711"},
        {"@ home", "@ home"},
        {"me @", "me @"},
        {"Bob asked (<Bob.X@army.ml>, and eve@b.example).",
            "Bob asked (<~@army.ml>, and ~@b.example)."},
        {"\"b \\\" b\"@army.ml", "~@army.ml"},
        {"\"@army.ml", "\"@army.ml"},
        {"b\xc3\xb6\x62@\xc3\xa4.example!", "~@\xc3\xa4.example!"},
        {"a@b@c", "~@b@c"},
        {"~@army.ml is kept", "~@army.ml is kept"},
        {"~aaaabbbbccccdddd@army.ml", "~aaaabbbbccccdddd@army.ml"},
        {"~aaaabbbbccccddd1@army.ml", "~@army.ml"},
    };
    struct kit kit;

    open_with(&kit, NM_LOCAL_CLEAR, NM_LOCAL_NONE);
    for (size_t i = 0; i < NM_COUNT(cases); i++) {
        const struct nm_audit_event event =
            act(&kit, "alice (uid 1000)", cases[i].text, cases[i].text);
        sqlite3 *db = NULL;
        sqlite3_stmt *row = NULL;

        kit_record(&kit, &event, 1);
        ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db,
                             "SELECT actor, subject, reason FROM acts"
                             " ORDER BY sequence DESC LIMIT 1",
                             -1, &row, NULL),
            SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(row, 0), "alice (uid 1000)");
        ck_assert_str_eq((const char *)sqlite3_column_text(row, 1), cases[i].kept);
        ck_assert_str_eq((const char *)sqlite3_column_text(row, 2), cases[i].kept);
        (void)sqlite3_finalize(row);
        (void)sqlite3_close(db);
    }
    assert_verified(&kit);
    kit_stop(&kit);
}
END_TEST

/* In clear or keyed, wherever it stands, and not where it is but a part of another. */
START_TEST(test_pseudonyms__an_act_is_erased_in_either_form)
{
    struct kit kit;
    struct nm_audit_forgotten done;
    struct nm_audit_event events[4];

    open_with(&kit, NM_LOCAL_CLEAR, NM_LOCAL_CLEAR);
    events[0] = act(&kit, "alice", "bob@army.ml", "asked by Carol@example.org.");
    events[1] = act(&kit, "alice", "jimbob@army.ml", "bob@army.ml.example");
    kit_record(&kit, events, 2);
    nm_audit_set_local_parts(kit.audit, NM_LOCAL_KEYED, NM_LOCAL_KEYED);
    events[2] = act(&kit, "alice", "bob@army.ml", "asked by carol@example.org");
    events[3] = act(&kit, "carol@example.org", "eve@army.ml", NULL);
    kit_record(&kit, &events[2], 2);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM act WHERE sequence > 3"
                                           " AND (subject LIKE '%bob%'"
                                           " OR reason LIKE '%carol%'"
                                           " OR actor LIKE '%carol%')"),
        0);
    ck_assert_int_eq(
        nm_audit_forget(kit.audit,
            &(struct nm_audit_forget){.address = "carol@example.org", .actor = "test"},
            120000, &done, NULL),
        NM_OK);
    ck_assert_uint_eq(done.erased, 3);
    ck_assert_int_eq(
        nm_audit_forget(kit.audit,
            &(struct nm_audit_forget){.address = "bob@army.ml", .actor = "test"},
            120000, &done, NULL),
        NM_OK);
    ck_assert_uint_eq(done.erased, 2);
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM act WHERE subject = "
                              "'jimbob@army.ml' AND reason = 'bob@army.ml.example'"),
        1);
    assert_verified(&kit);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pseudonyms");
    TCase *cases = tcase_create("pseudonyms");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_pseudonyms__none_keeps_the_domain_alone);
    tcase_add_test(cases, test_pseudonyms__keyed_groups_and_is_found);
    tcase_add_test(cases, test_pseudonyms__without_the_key_nothing_is_kept);
    tcase_add_test(cases, test_pseudonyms__a_person_is_erased_in_either_form);
    tcase_add_test(cases, test_pseudonyms__addresses_in_acts_are_kept_like_others);
    tcase_add_test(cases, test_pseudonyms__an_act_is_erased_in_either_form);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
