/*
 * Verifying: a sound log is sound, and whatever is changed in it, a value of any column, a
 * row removed, inserted or moved, or the end cut off, is found where it is.
 */
#include "audit_kit.h"

#include <sys/stat.h>

enum { MESSAGES = 20, EVENTS_MAX = 200 };

struct findings {
    size_t count;
    struct nm_audit_finding items[NM_AUDIT_FINDINGS_MAX];
    struct nm_audit_verdict verdict;
    struct nm_error error;
};

static void collect(void *self, const struct nm_audit_finding *finding)
{
    struct findings *findings = self;

    findings->items[findings->count++] = *finding;
}

static enum nm_code verify_with(const struct kit *kit, const char *checkpoint,
    unsigned threads, struct findings *findings)
{
    const struct nm_audit_verify_query query = {
        .path = kit->path, .checkpoint = checkpoint, .threads = threads};

    *findings = (struct findings){.count = 0};
    return nm_audit_verify(
        &query, collect, findings, &findings->verdict, &findings->error);
}

static void verify(const struct kit *kit, struct findings *findings)
{
    ck_assert_msg(
        verify_with(kit, NULL, 1, findings) == NM_OK, "%s", findings->error.message);
    ck_assert_uint_eq(findings->count, findings->verdict.findings);
}

/* Decisions, outcomes and acts; the writer has ended. */
static void make_log(struct kit *kit)
{
    kit_start(kit);
    for (int i = 0; i < MESSAGES; i++) {
        struct nm_audit_event events[3];

        kit->now_us = kit_epoch_us + i * 1000000;
        events[0] = kit_decision(kit, i % 3 == 0 ? "b\xffob@army.ml" : "bob@army.ml");
        if (i % 2 == 0) {
            events[0].client = "";
            events[0].rule = NULL;
            events[0].target = NULL;
            events[0].confidence = -1;
            events[0].sender = kit_bytes("");
            events[0].reply = "";
            events[0].config = "";
        }
        events[1] = kit_outcome(kit, &events[0], NM_OUTCOME_REFUSED);
        events[2] = (struct nm_audit_event){.kind = NM_EVENT_ACT,
            .id = kit_id(kit),
            .time_us = kit->now_us,
            .gateway = "mx1",
            .actor = "alice (uid 1000)",
            .verb = NM_VERB_RELEASED,
            .subject = "a message",
            .decision = events[0].id,
            .reason = i % 2 == 0 ? "a reason" : NULL};
        kit_record(kit, events, 3);
    }
    nm_audit_stop(&kit->audit);
}

static void copy_log(const struct kit *from, struct kit *to)
{
    char sql[KIT_PATH_MAX + 64];

    kit_init(to);
    (void)snprintf(sql, sizeof sql, "VACUUM INTO '%s'", to->path);
    kit_sql(from, sql);
}

/* The file whose name ends so, as it is. */
static void copy_file(const char *from, const char *tail, const char *to)
{
    char path[KIT_PATH_MAX + 16];
    char bytes[64 * 1024];
    size_t length;
    FILE *in;
    FILE *out;

    (void)snprintf(path, sizeof path, "%s%s", from, tail);
    in = fopen(path, "rb");
    (void)snprintf(path, sizeof path, "%s%s", to, tail);
    out = fopen(path, "wb");
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    while ((length = fread(bytes, 1, sizeof bytes, in)) > 0)
        ck_assert_uint_eq(fwrite(bytes, 1, length, out), length);
    (void)fclose(in);
    (void)fclose(out);
}

START_TEST(test_verify__a_sound_log_is_sound)
{
    struct kit kit;
    struct findings findings;

    make_log(&kit);
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_int_eq(findings.verdict.first, 1);
    ck_assert_int_eq(findings.verdict.last, 2 + 3 * MESSAGES);
    ck_assert_uint_eq(findings.verdict.events, 2 + 3 * MESSAGES);
    ck_assert_int_eq(findings.verdict.chained, 1);
    ck_assert_int_eq(findings.verdict.signed_upto, findings.verdict.last);
    ck_assert(!findings.verdict.key_is_the_logs);
    kit_free(&kit);
}
END_TEST

/* ---- changes ------------------------------------------------------------ */

/* What changes a row so that it says something else, in any column that says something,
 * and the other tables that events hang on. */
static const struct change {
    const char *sql; /* at 23, a decision with all that one can have, and behind it */
    int from;        /* the finding is there, relative to it, */
    int upto;        /* or up to there */
} changes[] = {
    {"UPDATE event SET kind = 2 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET time_us = time_us + 1 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET id = randomblob(10) WHERE sequence = 23", 0, 0},
    {"UPDATE event SET transaction_id = randomblob(16) WHERE sequence = 23", 0, 0},
    {"UPDATE event SET gateway = NULL WHERE sequence = 23", 0, 0},
    {"UPDATE event SET client = gateway WHERE sequence = 23", 0, 0},
    {"UPDATE event SET auth = NULL WHERE sequence = 23", 0, 0},
    {"UPDATE event SET sender = gateway WHERE sequence = 23", 0, 0},
    {"UPDATE event SET sender = 4711 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET recipient = 'eve@army.ml' WHERE sequence = 23", 0, 0},
    {"UPDATE event SET recipient = NULL WHERE sequence = 23", 0, 0},
    {"UPDATE event SET domain = gateway WHERE sequence = 23", 0, 0},
    {"UPDATE event SET match = 2 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET match = match + 256 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET target = gateway WHERE sequence = 23", 0, 0},
    {"UPDATE event SET technique = 1 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET confidence = 0.998 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET rule = gateway WHERE sequence = 23", 0, 0},
    {"UPDATE event SET action = 0 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET reply = 'no' WHERE sequence = 23", 0, 0},
    {"UPDATE event SET mode = 1 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET config = NULL WHERE sequence = 23", 0, 0},
    {"UPDATE event SET outcome = 3 WHERE sequence = 23", 0, 0},
    {"UPDATE event SET queue_id = 'x' WHERE sequence = 23", 0, 0},
    {"UPDATE event SET salt = zeroblob(32) WHERE sequence = 23", 0, 0},
    {"UPDATE event SET salt = NULL WHERE sequence = 23", 0, 0},
    {"UPDATE event SET salt = x'01' || zeroblob(48) WHERE sequence = 23", 0, 0},
    {"UPDATE event SET hash = zeroblob(32) WHERE sequence = 23", 0, 1},
    {"UPDATE event SET hash = NULL WHERE sequence = 23", 0, 1},
    /* of an outcome, and an act */
    {"UPDATE event SET queue_id = 'x' WHERE sequence = 24", 1, 1},
    {"UPDATE event SET outcome = 1 WHERE sequence = 24", 1, 1},
    {"UPDATE event SET recipient = 'bob' WHERE sequence = 24", 1, 1},
    {"UPDATE act SET verb = 1 WHERE sequence = 25", 2, 2},
    {"UPDATE act SET actor = 'bob' WHERE sequence = 25", 2, 2},
    {"UPDATE act SET subject = 'bob' WHERE sequence = 25", 2, 2},
    {"UPDATE act SET decision = NULL WHERE sequence = 25", 2, 2},
    {"UPDATE act SET reason = 'bob' WHERE sequence = 25", 2, 2},
    {"DELETE FROM act WHERE sequence = 25", 2, 2},
    /* moved: two that follow one another change places */
    {"UPDATE event SET sequence = -1 WHERE sequence = 23;"
     " UPDATE event SET sequence = sequence - 1 WHERE sequence = 24;"
     " UPDATE event SET sequence = 24 WHERE sequence = -1",
        0, 2},
    /* removed */
    {"DELETE FROM event WHERE sequence = 23", 0, 0},
    {"DELETE FROM event WHERE sequence BETWEEN 23 AND 27", 0, 4},
};

START_TEST(test_verify__finds_each_change_where_it_is)
{
    enum { AT = 23 };
    struct kit whole;
    struct kit kit;
    struct findings findings;
    const char *sql = changes[_i].sql;

    make_log(&whole);
    copy_log(&whole, &kit);
    kit_sql(&kit, sql);
    verify(&kit, &findings);
    ck_assert_msg(findings.count > 0, "not found: %s", sql);
    for (size_t i = 0; i < findings.count; i++) {
        ck_assert_msg(findings.items[i].first >= AT + changes[_i].from &&
                          findings.items[i].last <= AT + changes[_i].upto,
            "%s: %s", sql, findings.items[i].what);
        /* since when: the event before is named by its time */
        ck_assert_int_ge(findings.items[i].sound_us, kit_epoch_us + 6 * 1000000);
        ck_assert_int_le(findings.items[i].sound_us, kit_epoch_us + 9 * 1000000);
    }
    kit_free(&kit);
    kit_free(&whole);
}
END_TEST

START_TEST(test_verify__a_text_that_events_share_is_covered)
{
    struct kit kit;
    struct findings findings;

    make_log(&kit);
    kit_sql(&kit, "UPDATE text SET value = 'army.com' WHERE value = 'army.ml'");
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, MESSAGES);
    kit_free(&kit);
}
END_TEST

START_TEST(test_verify__an_inserted_event_is_found)
{
    struct kit kit;
    struct findings findings;

    make_log(&kit);
    kit_sql(&kit,
        "UPDATE event SET sequence = -sequence WHERE sequence > 10;"
        "UPDATE event SET sequence = 1 - sequence WHERE sequence < 0;"
        "UPDATE act SET sequence = -sequence WHERE sequence > 10;"
        "UPDATE act SET sequence = 1 - sequence WHERE sequence < 0;"
        "UPDATE checkpoint SET sequence = sequence + 1 WHERE sequence > 10;"
        "INSERT INTO event SELECT 11, kind, time_us, randomblob(10), transaction_id,"
        " gateway, client, auth, sender, recipient, domain, match, target, technique,"
        " confidence, rule, action, reply, mode, config, outcome, queue_id, salt, hash"
        " FROM event WHERE sequence = 8");
    verify(&kit, &findings);
    ck_assert_uint_ge(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_ALTERED);
    ck_assert_int_eq(findings.items[0].first, 11);
    kit_free(&kit);
}
END_TEST

START_TEST(test_verify__an_end_cut_off_is_told_by_what_is_left)
{
    struct kit kit;
    struct findings findings;

    make_log(&kit);
    kit_sql(&kit, "DELETE FROM event WHERE sequence > 50");
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_END);
    ck_assert_int_eq(findings.items[0].first, 51);
    ck_assert_int_eq(findings.items[0].last, 2 + 3 * MESSAGES);
    kit_free(&kit);
}
END_TEST

/* The writer takes up behind what was there, and so leaves a gap. */
START_TEST(test_verify__an_end_cut_off_stays_found_when_the_log_goes_on)
{
    struct kit kit;
    struct findings findings;
    struct nm_audit_event event;

    make_log(&kit);
    kit_sql(&kit, "DELETE FROM event WHERE sequence > 50");
    kit_open(&kit);
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    nm_audit_stop(&kit.audit);
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_REMOVED);
    ck_assert_int_eq(findings.items[0].first, 51);
    kit_free(&kit);
}
END_TEST

/* ---- checkpoints -------------------------------------------------------- */

/* Without its traces in other tables, a shorter log is a sound one: only a checkpoint from
 * elsewhere tells. */
START_TEST(test_verify__a_checkpoint_from_elsewhere_proves)
{
    struct kit kit;
    struct findings findings;

    make_log(&kit);
    ck_assert_int_eq(verify_with(&kit, kit.checkpoint, 1, &findings), NM_OK);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_uint_eq(findings.verdict.checkpoints, 1);
    kit_sql(&kit, "DELETE FROM event WHERE sequence > 50;"
                  "DELETE FROM act WHERE sequence > 50;"
                  "DELETE FROM checkpoint WHERE sequence > 50");
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_int_eq(verify_with(&kit, kit.checkpoint, 1, &findings), NM_OK);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_CHECKPOINT);
    kit_free(&kit);
}
END_TEST

/* What is left is a log that ended earlier, whole in itself: only who kept a checkpoint
 * elsewhere can tell. */
START_TEST(test_verify__a_write_ahead_log_cut_short_is_told_by_a_checkpoint)
{
    struct kit kit;
    struct kit copy;
    struct findings findings;
    sqlite3 *reader = NULL;
    char path[KIT_PATH_MAX + 16];
    struct stat found;

    kit_start(&kit);
    /* Who reads keeps the write-ahead log from beginning anew: what was written last stands
     * at its end. */
    ck_assert_int_eq(sqlite3_open(kit.path, &reader), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL),
        SQLITE_OK);
    for (int i = 0; i < 50; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        kit_record(&kit, &event, 1);
    }
    nm_audit_stop(&kit.audit);
    kit_init(&copy);
    copy_file(kit.path, "", copy.path);
    copy_file(kit.path, "-wal", copy.path);
    copy_file(kit.path, "-key.pub", copy.path);
    ck_assert_int_eq(verify_with(&copy, kit.checkpoint, 1, &findings), NM_OK);
    ck_assert_uint_eq(findings.count, 0);
    (void)snprintf(path, sizeof path, "%s-shm", copy.path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s-wal", copy.path);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(truncate(path, found.st_size - 1), 0);
    ck_assert_int_eq(verify_with(&copy, NULL, 1, &findings), NM_OK);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_int_eq(verify_with(&copy, kit.checkpoint, 1, &findings), NM_OK);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_CHECKPOINT);
    (void)sqlite3_close(reader);
    kit_free(&copy);
    kit_free(&kit);
}
END_TEST

START_TEST(test_verify__a_checkpoint_that_is_none_is_no_proof)
{
    struct kit kit;
    struct findings findings;
    char *digit;

    make_log(&kit);
    ck_assert_int_eq(
        verify_with(&kit, "audit checkpoint log=00", 1, &findings), NM_BAD_INPUT);
    digit = strstr(kit.checkpoint, "hash=") + 5;
    *digit = *digit == '0' ? '1' : '0';
    ck_assert_int_eq(verify_with(&kit, kit.checkpoint, 1, &findings), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(findings.error.message, "not signed by the key"));
    kit_free(&kit);
}
END_TEST

START_TEST(test_verify__a_checkpoint_needs_its_signature)
{
    static const char *const forgeries[] = {
        "UPDATE checkpoint SET signature = zeroblob(64) WHERE sequence = 1",
        "DELETE FROM checkpoint WHERE sequence = 1",
    };

    for (size_t i = 0; i < NM_COUNT(forgeries); i++) {
        struct kit kit;
        struct findings findings;

        make_log(&kit);
        kit_sql(&kit, forgeries[i]);
        verify(&kit, &findings);
        ck_assert_uint_eq(findings.count, 1);
        ck_assert_int_eq(findings.items[0].kind, NM_FINDING_SIGNATURE);
        ck_assert_int_eq(findings.items[0].first, 1);
        kit_free(&kit);
    }
}
END_TEST

START_TEST(test_verify__another_key_is_found)
{
    struct kit kit;
    struct findings findings;
    char path[KIT_PATH_MAX + 16];

    make_log(&kit);
    (void)snprintf(path, sizeof path, "%s-key", kit.path);
    ck_assert_int_eq(unlink(path), 0);
    kit_open(&kit); /* makes a new one */
    nm_audit_stop(&kit.audit);
    verify(&kit, &findings);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_KEY);
    (void)snprintf(path, sizeof path, "%s-key.pub", kit.path);
    ck_assert_int_eq(unlink(path), 0);
    verify(&kit, &findings);
    ck_assert(findings.verdict.key_is_the_logs);
    kit_free(&kit);
}
END_TEST

START_TEST(test_checkpoints__come_at_the_start_with_many_events_and_at_the_end)
{
    struct kit kit;
    struct findings findings;
    uint64_t ticket = 0;
    struct nm_error error;

    kit_start(&kit);
    ck_assert_uint_eq(kit.checkpoints, 1);
    for (int i = 0; i < 25000; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

        ck_assert_int_eq(kit.port.append(kit.port.self, &event, 1, &ticket), NM_OK);
    }
    ck_assert_int_eq(kit.port.wait(kit.port.self, ticket, &error), NM_OK);
    nm_audit_stop(&kit.audit);
    ck_assert_uint_eq(kit.checkpoints, 4);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM checkpoints"), 4);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM event"), 25004);
    for (unsigned threads = 0; threads < 4; threads++) {
        ck_assert_int_eq(verify_with(&kit, kit.checkpoint, threads, &findings), NM_OK);
        ck_assert_uint_eq(findings.count, 0);
        ck_assert_uint_eq(findings.verdict.events, 25004);
    }
    kit_free(&kit);
}
END_TEST

/* Mail is recorded all the same. */
START_TEST(test_checkpoints__a_key_that_others_may_read_signs_nothing)
{
    struct kit kit;
    char path[KIT_PATH_MAX + 16];
    struct nm_audit_event event;

    kit_init(&kit);
    kit_open(&kit);
    nm_audit_stop(&kit.audit);
    (void)snprintf(path, sizeof path, "%s-key", kit.path);
    ck_assert_int_eq(chmod(path, 0644), 0);
    kit_open(&kit);
    kit_await_line(&kit, "others may read this secret key");
    event = kit_decision(&kit, "bob@army.ml");
    kit_record(&kit, &event, 1);
    ck_assert_uint_eq(kit.checkpoints, 1);
    kit_stop(&kit);
}
END_TEST

/* ---- beside a writer ---------------------------------------------------- */

START_TEST(test_verify__a_log_that_is_written_meanwhile_is_sound)
{
    struct kit kit;
    struct findings findings;
    uint64_t ticket = 0;

    kit_start(&kit);
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 100; i++) {
            const struct nm_audit_event event = kit_decision(&kit, "bob@army.ml");

            ck_assert_int_eq(kit.port.append(kit.port.self, &event, 1, &ticket), NM_OK);
        }
        ck_assert_msg(verify_with(&kit, NULL, 2, &findings) == NM_OK, "%s",
            findings.error.message);
        ck_assert_uint_eq(findings.count, 0);
    }
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *cases = tcase_create("verify");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_verify__a_sound_log_is_sound);
    tcase_add_loop_test(
        cases, test_verify__finds_each_change_where_it_is, 0, NM_COUNT(changes));
    tcase_add_test(cases, test_verify__a_text_that_events_share_is_covered);
    tcase_add_test(cases, test_verify__an_inserted_event_is_found);
    tcase_add_test(cases, test_verify__an_end_cut_off_is_told_by_what_is_left);
    tcase_add_test(cases, test_verify__an_end_cut_off_stays_found_when_the_log_goes_on);
    tcase_add_test(cases, test_verify__a_checkpoint_from_elsewhere_proves);
    tcase_add_test(
        cases, test_verify__a_write_ahead_log_cut_short_is_told_by_a_checkpoint);
    tcase_add_test(cases, test_verify__a_checkpoint_that_is_none_is_no_proof);
    tcase_add_test(cases, test_verify__a_checkpoint_needs_its_signature);
    tcase_add_test(cases, test_verify__another_key_is_found);
    tcase_add_test(
        cases, test_checkpoints__come_at_the_start_with_many_events_and_at_the_end);
    tcase_add_test(cases, test_checkpoints__a_key_that_others_may_read_signs_nothing);
    tcase_add_test(cases, test_verify__a_log_that_is_written_meanwhile_is_sound);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
