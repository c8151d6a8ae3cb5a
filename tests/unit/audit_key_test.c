/*
 * Keys that follow one another: a rotation is an event that the key before signed, a known
 * key vouches for all others, and nobody else's key gets in.
 */
#include "audit_kit.h"
#include "key.h"

#include <sys/stat.h>

enum { TEXT_MAX = 16 * 1024 };

struct findings {
    size_t count;
    struct nm_audit_finding items[NM_AUDIT_FINDINGS_MAX];
    struct nm_audit_verdict verdict;
};

static void collect(void *self, const struct nm_audit_finding *finding)
{
    struct findings *findings = self;

    findings->items[findings->count++] = *finding;
}

/* `key` is the name of a file in the kit's folder, NULL for the one beside the log. */
static void verify(const struct kit *kit, const char *key, const char *checkpoint,
    struct findings *findings)
{
    char path[KIT_PATH_MAX];
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_verify_query query = {
        .path = kit->path, .checkpoint = checkpoint, .threads = 1};

    if (key != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", kit->folder, key);
        query.key = path;
    }
    *findings = (struct findings){.count = 0};
    ck_assert_msg(
        nm_audit_verify(&query, collect, findings, &findings->verdict, &error) == NM_OK,
        "%s", error.message);
}

static void assert_sound(const struct kit *kit, const char *key, const char *checkpoint)
{
    struct findings findings;

    verify(kit, key, checkpoint, &findings);
    ck_assert_msg(findings.count == 0, "%s", findings.items[0].what);
}

static bool has_finding(
    const struct findings *findings, enum nm_audit_finding_kind kind, int64_t sequence)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].kind == kind && findings->items[i].first <= sequence &&
            findings->items[i].last >= sequence)
            return true;
    return false;
}

/* ---- files -------------------------------------------------------------- */

static void name(const struct kit *kit, const char *file, char out[KIT_PATH_MAX])
{
    (void)snprintf(out, KIT_PATH_MAX, "%s/%s", kit->folder, file);
}

static void read_file(const struct kit *kit, const char *file, char out[TEXT_MAX])
{
    char path[KIT_PATH_MAX];
    FILE *stream;

    name(kit, file, path);
    stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    out[fread(out, 1, TEXT_MAX - 1, stream)] = '\0';
    (void)fclose(stream);
}

static void write_file(const struct kit *kit, const char *file, const char *text)
{
    char path[KIT_PATH_MAX];
    FILE *stream;

    name(kit, file, path);
    (void)unlink(path);
    stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_ge(fputs(text, stream), 0);
    (void)fclose(stream);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void remove_file(const struct kit *kit, const char *file)
{
    char path[KIT_PATH_MAX];

    name(kit, file, path);
    ck_assert_int_eq(unlink(path), 0);
}

static bool is_there(const struct kit *kit, const char *file)
{
    char path[KIT_PATH_MAX];

    name(kit, file, path);
    return access(path, F_OK) == 0;
}

/* ---- the log ------------------------------------------------------------ */

static void record(struct kit *kit)
{
    struct nm_audit_event events[2];

    events[0] = kit_decision(kit, "bob@army.ml");
    events[1] = kit_outcome(kit, &events[0], NM_OUTCOME_REFUSED);
    kit_record(kit, events, 2);
}

static enum nm_code try_rotate(
    struct kit *kit, struct nm_audit_forgotten *done, struct nm_error *error)
{
    const struct nm_audit_forget what = {
        .rotate_key = true, .actor = "alice (uid 1000)", .reason = "a year is over"};

    return nm_audit_forget(kit->audit, &what, 120000, done, error);
}

static void rotate(struct kit *kit, char new_key[65])
{
    struct nm_audit_forgotten done = {.finished = false};
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(try_rotate(kit, &done, &error) == NM_OK, "%s", error.message);
    ck_assert(done.finished);
    (void)nm_copy(new_key, 65, done.new_key);
}

static int64_t rotation(const struct kit *kit)
{
    return kit_sql_integer(kit, "SELECT max(sequence) FROM rotation");
}

/* With a rotation in its middle; the writer has ended. `old` keeps the public half of the
 * key before it, "old.pub" too. */
static void make_rotated(struct kit *kit, char new_key[65])
{
    char text[TEXT_MAX];

    kit_start(kit);
    read_file(kit, "audit.db-key.pub", text);
    write_file(kit, "old.pub", text);
    record(kit);
    rotate(kit, new_key);
    record(kit);
    nm_audit_stop(&kit->audit);
}

/* ---- rotations ---------------------------------------------------------- */

START_TEST(test_key__either_key_vouches_for_a_log_that_both_signed)
{
    struct kit kit;
    char new_key[65];
    char text[TEXT_MAX];
    char old[TEXT_MAX];

    make_rotated(&kit, new_key);
    assert_sound(&kit, NULL, NULL);
    assert_sound(&kit, "old.pub", NULL);
    (void)snprintf(text, sizeof text, "nearmiss-public-key 1 %s\n", new_key);
    write_file(&kit, "new.pub", text);
    assert_sound(&kit, "new.pub", NULL);
    /* The file beside the log has both, the newer first. */
    read_file(&kit, "old.pub", old);
    strcat(text, old);
    read_file(&kit, "audit.db-key.pub", old);
    ck_assert_str_eq(old, text);
    ck_assert(!is_there(&kit, "audit.db-key.next"));
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM rotations AS r, chain AS c"
                              " WHERE r.new_key = lower(hex(c.key))"),
        1);
    ck_assert_int_eq(
        kit_sql_integer(&kit, "SELECT count(*) FROM acts WHERE verb = 'key-rotated'"
                              " AND actor = 'alice (uid 1000)'"
                              " AND reason = 'a year is over'"),
        1);
    kit_free(&kit);
}
END_TEST

START_TEST(test_key__many_rotations_are_a_line_of_keys)
{
    enum { TIMES = 5 };
    struct kit kit;
    char new_key[65];

    kit_start(&kit);
    for (int i = 0; i < TIMES; i++) {
        record(&kit);
        rotate(&kit, new_key);
        if (i % 2 == 0)
            kit_restart(&kit);
        assert_sound(&kit, NULL, NULL);
    }
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), TIMES);
    /* Checkpoints of every key, from elsewhere. */
    ck_assert_uint_eq(kit_errors(&kit), 0);
    kit_stop(&kit);
}
END_TEST

static bool collect_line(void *self, const struct nm_audit_row *row)
{
    char *lines = self;

    if (row->checkpoint != NULL) {
        strcat(lines, row->checkpoint);
        strcat(lines, "\n");
    }
    ck_assert_int_eq(row->new_key != NULL, row->decision.kind == NM_EVENT_ROTATION);
    return true;
}

/* Each line names the key that signed it. */
START_TEST(test_key__checkpoints_of_each_key_prove_from_elsewhere)
{
    struct kit kit;
    char new_key[65];
    char lines[TEXT_MAX] = "";
    struct nm_audit_reader *reader = NULL;
    struct nm_audit_forgotten done;
    struct findings findings;

    make_rotated(&kit, new_key);
    ck_assert_int_eq(nm_audit_reader_open(kit.path, &reader, NULL), NM_OK);
    ck_assert_int_eq(
        nm_audit_reader_events(reader, 0, INT64_MAX, collect_line, lines, NULL), NM_OK);
    nm_audit_reader_close(&reader);
    verify(&kit, NULL, lines, &findings);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_uint_eq(findings.verdict.checkpoints, 4);
    /* And of what is cut off, the rotation too. */
    kit_open(&kit);
    kit.now_us += INT64_C(86400) * 1000000;
    record(&kit);
    ck_assert_int_eq(
        nm_audit_forget(kit.audit,
            &(struct nm_audit_forget){.prune_before_us = kit.now_us, .actor = "test"},
            120000, &done, NULL),
        NM_OK);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 0);
    assert_sound(&kit, NULL, lines);
    kit_stop(&kit);
}
END_TEST

/* ---- forgeries ---------------------------------------------------------- */

/* Who can write the log, and has a key of his own. */
START_TEST(test_key__a_rotation_that_the_old_key_did_not_sign_is_found)
{
    struct kit kit;
    struct findings findings;
    char old[TEXT_MAX];
    char text[TEXT_MAX];

    kit_start(&kit);
    record(&kit);
    nm_audit_stop(&kit.audit);
    read_file(&kit, "audit.db-key.pub", old);
    write_file(&kit, "old.pub", old);
    remove_file(&kit, "audit.db-key");
    kit_open(&kit); /* with another one */
    record(&kit);
    nm_audit_stop(&kit.audit);
    verify(&kit, "old.pub", NULL, &findings);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert(has_finding(&findings, NM_FINDING_KEY, rotation(&kit)));
    /* The new key alone does not vouch for it either. */
    verify(&kit, NULL, NULL, &findings);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert(has_finding(&findings, NM_FINDING_KEY, rotation(&kit)));
    /* Who knows that the old one was lost names both. */
    read_file(&kit, "audit.db-key.pub", text);
    strcat(text, old);
    write_file(&kit, "both.pub", text);
    assert_sound(&kit, "both.pub", NULL);
    kit_free(&kit);
}
END_TEST

/* Who has stolen a key that signs no more. */
START_TEST(test_key__an_old_key_signs_nothing_behind_its_end)
{
    struct kit kit;
    struct findings findings;
    char secret[TEXT_MAX];
    char new_key[65];

    kit_start(&kit);
    read_file(&kit, "audit.db-key", secret);
    record(&kit);
    rotate(&kit, new_key);
    nm_audit_stop(&kit.audit);
    kit_sql(&kit, "UPDATE chain SET key = (SELECT old_key FROM rotation)");
    write_file(&kit, "audit.db-key", secret);
    kit_open(&kit);
    record(&kit);
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 1);
    verify(&kit, NULL, NULL, &findings);
    ck_assert_uint_ge(findings.count, 1);
    ck_assert_int_eq(findings.items[0].kind, NM_FINDING_SIGNATURE);
    ck_assert_int_gt(findings.items[0].first, rotation(&kit));
    kit_free(&kit);
}
END_TEST

/* Anybody can announce a key; that of ours signed behind it, he cannot make. */
START_TEST(test_key__a_stranger_who_announces_our_key_is_found)
{
    struct kit kit;
    struct findings findings;
    char new_key[65];
    char text[TEXT_MAX];
    char sql[512];
    const char *const tables[] = {"event", "checkpoint", "act"};

    make_rotated(&kit, new_key);
    for (size_t i = 0; i < NM_COUNT(tables); i++) {
        (void)snprintf(sql, sizeof sql,
            "DELETE FROM %s WHERE sequence > (SELECT sequence FROM rotation)",
            tables[i]);
        kit_sql(&kit, sql);
    }
    (void)snprintf(text, sizeof text, "nearmiss-public-key 1 %s\n", new_key);
    write_file(&kit, "ours.pub", text);
    verify(&kit, "ours.pub", NULL, &findings);
    ck_assert(has_finding(&findings, NM_FINDING_KEY, rotation(&kit)));
    kit_free(&kit);
}
END_TEST

/* What changes a rotation, or takes it away. */
static const struct {
    const char *sql;
    enum nm_audit_finding_kind kind;
    int at; /* relative to it */
} changes[] = {
    {"UPDATE rotation SET new_key = randomblob(32)", NM_FINDING_ALTERED, 0},
    {"UPDATE rotation SET old_key = randomblob(32)", NM_FINDING_ALTERED, 0},
    {"UPDATE rotation SET new_key = old_key", NM_FINDING_SIGNATURE, 1},
    {"UPDATE rotation SET new_key = x'00'", NM_FINDING_ALTERED, 0},
    {"UPDATE rotation SET old_key = x'', new_key = 'key'", NM_FINDING_ALTERED, 0},
    {"DELETE FROM rotation", NM_FINDING_ALTERED, 0},
    {"UPDATE event SET kind = 4 WHERE kind = 6", NM_FINDING_ALTERED, 0},
    {"DELETE FROM event WHERE kind = 6", NM_FINDING_REMOVED, 0},
    {"UPDATE checkpoint SET signature = randomblob(64)"
     " WHERE sequence = (SELECT sequence FROM rotation)",
        NM_FINDING_KEY, 0},
    {"DELETE FROM checkpoint WHERE sequence = (SELECT sequence FROM rotation)",
        NM_FINDING_KEY, 0},
    {"UPDATE checkpoint SET signature = randomblob(64)"
     " WHERE sequence = (SELECT sequence FROM rotation) + 1",
        NM_FINDING_SIGNATURE, 1},
    {"UPDATE event SET time_us = time_us + 1 WHERE kind = 6", NM_FINDING_ALTERED, 0},
    /* One more, from a key to another, without an event or with one. */
    {"INSERT INTO rotation SELECT sequence + 3, randomblob(32), randomblob(32)"
     " FROM rotation; UPDATE event SET kind = 6 WHERE sequence ="
     " (SELECT max(sequence) FROM rotation)",
        NM_FINDING_ALTERED, 3},
};

START_TEST(test_key__a_rotation_that_is_changed_is_found)
{
    struct kit kit;
    struct findings findings;
    char new_key[65];
    int64_t at;

    make_rotated(&kit, new_key);
    at = rotation(&kit);
    kit_sql(&kit, changes[_i].sql);
    verify(&kit, "old.pub", NULL, &findings);
    ck_assert_msg(has_finding(&findings, changes[_i].kind, at + changes[_i].at),
        "%s: %zu findings, the first: %s", changes[_i].sql, findings.count,
        findings.items[0].what);
    kit_free(&kit);
}
END_TEST

/* A row that no event has is no rotation. */
START_TEST(test_key__a_row_without_an_event_changes_nothing)
{
    struct kit kit;
    char new_key[65];

    make_rotated(&kit, new_key);
    kit_sql(&kit, "INSERT INTO rotation VALUES (2, randomblob(32), randomblob(32))");
    assert_sound(&kit, NULL, NULL);
    assert_sound(&kit, "old.pub", NULL);
    kit_free(&kit);
}
END_TEST

START_TEST(test_key__a_key_that_no_rotation_tells_of_vouches_for_nothing)
{
    struct kit kit;
    struct findings findings;
    char new_key[65];

    make_rotated(&kit, new_key);
    write_file(&kit, "other.pub",
        "nearmiss-public-key 1 "
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    verify(&kit, "other.pub", NULL, &findings);
    ck_assert(has_finding(&findings, NM_FINDING_KEY, rotation(&kit)));
    kit_free(&kit);
}
END_TEST

/* ---- cut off ------------------------------------------------------------ */

/* Made, and then nothing was written. */
START_TEST(test_key__a_rotation_that_was_cut_off_before_the_log_had_it_is_none)
{
    struct kit kit;
    struct nm_key *next = NULL;
    char path[KIT_PATH_MAX];

    kit_start(&kit);
    record(&kit);
    nm_audit_stop(&kit.audit);
    name(&kit, "audit.db-key", path);
    ck_assert_int_eq(nm_key_make_next(path, &next, NULL), NM_OK);
    nm_key_close(&next);
    ck_assert(is_there(&kit, "audit.db-key.next"));
    kit_open(&kit);
    nm_audit_stop(&kit.audit);
    ck_assert(!is_there(&kit, "audit.db-key.next"));
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 0);
    assert_sound(&kit, NULL, NULL);
    kit_free(&kit);
}
END_TEST

/* The log has it, and the files do not. */
START_TEST(test_key__a_rotation_that_the_log_has_is_carried_out)
{
    struct kit kit;
    char old_secret[TEXT_MAX];
    char old_public[TEXT_MAX];
    char new_secret[TEXT_MAX];
    char new_public[TEXT_MAX];
    char found[TEXT_MAX];
    char new_key[65];

    kit_start(&kit);
    read_file(&kit, "audit.db-key", old_secret);
    read_file(&kit, "audit.db-key.pub", old_public);
    record(&kit);
    rotate(&kit, new_key);
    nm_audit_stop(&kit.audit);
    read_file(&kit, "audit.db-key", new_secret);
    read_file(&kit, "audit.db-key.pub", new_public);
    write_file(&kit, "audit.db-key", old_secret);
    write_file(&kit, "audit.db-key.next", new_secret);
    write_file(&kit, "audit.db-key.pub", old_public);
    kit_open(&kit);
    record(&kit);
    nm_audit_stop(&kit.audit);
    read_file(&kit, "audit.db-key", found);
    ck_assert_str_eq(found, new_secret);
    read_file(&kit, "audit.db-key.pub", found);
    ck_assert_str_eq(found, new_public);
    ck_assert(!is_there(&kit, "audit.db-key.next"));
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 1);
    assert_sound(&kit, NULL, NULL);
    kit_free(&kit);
}
END_TEST

/* It may be the one that the log names: nothing is signed until that can be told. */
START_TEST(test_key__a_next_key_that_cannot_be_read_is_left_alone)
{
    struct kit kit;
    char path[KIT_PATH_MAX];
    char secret[TEXT_MAX];
    char found[TEXT_MAX];
    char new_key[65];

    make_rotated(&kit, new_key);
    read_file(&kit, "audit.db-key", secret);
    write_file(&kit, "audit.db-key.next", secret);
    name(&kit, "audit.db-key.next", path);
    ck_assert_int_eq(chmod(path, 0644), 0);
    kit_open(&kit);
    kit_await_line(&kit, "others may read this secret key");
    record(&kit);
    nm_audit_stop(&kit.audit);
    read_file(&kit, "audit.db-key.next", found);
    ck_assert_str_eq(found, secret);
    ck_assert_int_eq(chmod(path, 0600), 0);
    kit_open(&kit);
    nm_audit_stop(&kit.audit);
    ck_assert(!is_there(&kit, "audit.db-key.next"));
    assert_sound(&kit, NULL, NULL);
    kit_free(&kit);
}
END_TEST

/* It signs already: were it lost with the process, nobody could announce another. */
START_TEST(test_key__one_that_could_not_take_its_place_outlives_another_rotation)
{
    struct kit kit;
    char path[KIT_PATH_MAX];
    char secret[TEXT_MAX];
    char found[TEXT_MAX];
    struct nm_audit_forgotten done;
    struct nm_error error = {.code = NM_OK};

    kit_start(&kit);
    record(&kit);
    name(&kit, "audit.db-key.pub.new", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_ne(try_rotate(&kit, &done, &error), NM_OK);
    read_file(&kit, "audit.db-key.next", secret);
    ck_assert_int_ne(try_rotate(&kit, &done, &error), NM_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "audit.db-key.pub"));
    read_file(&kit, "audit.db-key.next", found);
    ck_assert_str_eq(found, secret);
    record(&kit);
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(rmdir(path), 0);
    kit_open(&kit);
    nm_audit_stop(&kit.audit);
    read_file(&kit, "audit.db-key", found);
    ck_assert_str_eq(found, secret);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 1);
    assert_sound(&kit, NULL, NULL);
    kit_free(&kit);
}
END_TEST

/* Mail goes on, and the old key signs on. */
START_TEST(test_key__where_no_key_can_be_made_all_stays_as_it_was)
{
    struct kit kit;
    char path[KIT_PATH_MAX];
    struct nm_audit_forgotten done;
    struct nm_error error = {.code = NM_OK};
    struct nm_audit_status status;

    kit_start(&kit);
    name(&kit, "audit.db-key.next", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_ne(try_rotate(&kit, &done, &error), NM_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "audit.db-key.next"));
    nm_audit_status(kit.audit, &status);
    ck_assert(!status.failing);
    record(&kit);
    nm_audit_stop(&kit.audit);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM rotation"), 0);
    assert_sound(&kit, NULL, NULL);
    kit_free(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key");
    TCase *cases = tcase_create("key");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_key__either_key_vouches_for_a_log_that_both_signed);
    tcase_add_test(cases, test_key__many_rotations_are_a_line_of_keys);
    tcase_add_test(cases, test_key__checkpoints_of_each_key_prove_from_elsewhere);
    tcase_add_test(cases, test_key__a_rotation_that_the_old_key_did_not_sign_is_found);
    tcase_add_test(cases, test_key__an_old_key_signs_nothing_behind_its_end);
    tcase_add_test(cases, test_key__a_stranger_who_announces_our_key_is_found);
    tcase_add_loop_test(
        cases, test_key__a_rotation_that_is_changed_is_found, 0, NM_COUNT(changes));
    tcase_add_test(cases, test_key__a_row_without_an_event_changes_nothing);
    tcase_add_test(
        cases, test_key__a_key_that_no_rotation_tells_of_vouches_for_nothing);
    tcase_add_test(
        cases, test_key__a_rotation_that_was_cut_off_before_the_log_had_it_is_none);
    tcase_add_test(cases, test_key__a_rotation_that_the_log_has_is_carried_out);
    tcase_add_test(cases, test_key__a_next_key_that_cannot_be_read_is_left_alone);
    tcase_add_test(
        cases, test_key__one_that_could_not_take_its_place_outlives_another_rotation);
    tcase_add_test(cases, test_key__where_no_key_can_be_made_all_stays_as_it_was);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
