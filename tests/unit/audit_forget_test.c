/*
 * Forgetting: what is cut off or erased is gone from every table and every byte of the
 * files, all else stays, and the log is sound before, in the middle of it and after.
 */
#include "audit_kit.h"

enum { DAYS = 40, A_DAY = 3 };

static const int64_t day_us = INT64_C(86400) * 1000000;

/* Three decisions a day: a near miss, and two that were accepted. */
static void make_log(struct kit *kit)
{
    for (int day = 0; day < DAYS; day++) {
        struct nm_audit_event events[A_DAY + 1];
        char sender[64];
        char recipient[64];

        kit->now_us = kit_epoch_us + (day - DAYS) * day_us;
        (void)snprintf(sender, sizeof sender, "Person-%d@example.org", day % 10);
        (void)snprintf(recipient, sizeof recipient, "friend-%d@army.ml", day);
        for (int i = 0; i < A_DAY; i++) {
            events[i] = kit_decision(kit, recipient);
            events[i].sender = kit_bytes(sender);
            if (i == 0)
                continue;
            events[i].match = NM_MATCH_PROTECTED;
            events[i].technique = NM_TECHNIQUE_NONE;
            events[i].target = NULL;
            events[i].confidence = -1;
            events[i].action = NM_ACTION_ACCEPT;
            events[i].domain = "army.mil";
            events[i].reply = "";
        }
        events[A_DAY] = kit_outcome(kit, &events[0], NM_OUTCOME_PASSED);
        kit_record(kit, events, A_DAY + 1);
    }
    kit->now_us = kit_epoch_us;
}

static struct nm_audit_forgotten forget(
    struct kit *kit, const struct nm_audit_forget *what, unsigned wait_ms)
{
    struct nm_audit_forgotten out;
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_audit_forget(kit->audit, what, wait_ms, &out, &error) == NM_OK,
        "%s", error.message);
    return out;
}

static void complain(void *self, const struct nm_audit_finding *finding)
{
    (void)self;
    ck_abort_msg("%s", finding->what);
}

static struct nm_audit_verdict assert_sound(const struct kit *kit)
{
    const struct nm_audit_verify_query query = {.path = kit->path};
    struct nm_audit_verdict verdict;
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_audit_verify(&query, complain, NULL, &verdict, &error) == NM_OK,
        "%s", error.message);
    return verdict;
}

static void assert_no_orphans(const struct kit *kit)
{
    static const char *const none[] = {
        "SELECT count(*) FROM mention WHERE sequence NOT IN"
        " (SELECT sequence FROM event)",
        "SELECT count(*) FROM mention WHERE text NOT IN (SELECT id FROM text)",
        "SELECT count(*) FROM act WHERE sequence NOT IN (SELECT sequence FROM event)",
        "SELECT count(*) FROM checkpoint WHERE sequence NOT IN"
        " (SELECT sequence FROM event)",
        "SELECT count(*) FROM text WHERE id NOT IN (SELECT text FROM mention)"
        " AND id NOT IN (SELECT coalesce(gateway, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(client, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(auth, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(sender, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(domain, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(target, 0) FROM event)"
        " AND id NOT IN (SELECT coalesce(rule, 0) FROM event)"
        " AND lower(value) NOT IN (SELECT lower(t.value) FROM event AS e"
        "   JOIN text AS t ON t.id = e.sender)",
        "SELECT (SELECT coalesce(sum(decisions), 0) FROM tally)"
        " - (SELECT count(*) FROM event WHERE kind = 1)",
    };

    for (size_t i = 0; i < NM_COUNT(none); i++)
        ck_assert_msg(kit_sql_integer(kit, none[i]) == 0, "%s", none[i]);
}

/* Whether the files of the log hold these bytes anywhere, whatever their case. */
static bool holds(const struct kit *kit, const char *text)
{
    static const char *const tails[] = {"", "-wal"};
    bool found = false;

    for (size_t i = 0; i < NM_COUNT(tails); i++) {
        char path[KIT_PATH_MAX + 8];
        char *bytes = NULL;
        size_t size = 0;
        ssize_t length;
        FILE *file;

        (void)snprintf(path, sizeof path, "%s%s", kit->path, tails[i]);
        file = fopen(path, "rb");
        ck_assert_ptr_nonnull(file);
        while ((length = getdelim(&bytes, &size, '\0', file)) > 0)
            found = found || strcasestr(bytes, text) != NULL;
        free(bytes);
        (void)fclose(file);
    }
    return found;
}

/* ---- cutting off -------------------------------------------------------- */

START_TEST(test_forget__what_is_older_is_cut_off_behind_a_seal)
{
    struct kit kit;
    struct kit_rows rows = {0};
    struct nm_audit_forgotten done;
    struct nm_audit_verdict verdict;
    const struct nm_audit_forget what = {.prune_before_us = kit_epoch_us - 10 * day_us,
        .actor = "alice (uid 1000)",
        .reason = "as agreed"};

    kit_start(&kit);
    make_log(&kit);
    ck_assert(holds(&kit, "friend-5@army.ml"));
    done = forget(&kit, &what, 110000);
    ck_assert(done.finished);
    ck_assert_uint_ge(done.cut_off, (DAYS - 11) * (A_DAY + 1));
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_ge(rows.count, 10 * A_DAY);
    ck_assert_uint_le(rows.count, 11 * A_DAY);
    ck_assert_int_ge(rows.items[0].decision.time_us, kit_epoch_us - 11 * day_us);
    verdict = assert_sound(&kit);
    ck_assert_int_gt(verdict.cut_off_upto, 0);
    ck_assert_int_eq(verdict.first, verdict.cut_off_upto + 1);
    ck_assert_int_gt(verdict.signed_upto, verdict.cut_off_upto);
    assert_no_orphans(&kit);
    ck_assert(!holds(&kit, "friend-5@army.ml"));
    ck_assert_int_eq(kit_sql_integer(&kit,
                         "SELECT count(*) FROM acts WHERE verb = 'pruned'"
                         " AND actor = 'alice (uid 1000)' AND reason = 'as agreed'"),
        1);
    /* Once more, further. */
    done = forget(&kit,
        &(struct nm_audit_forget){
            .prune_before_us = kit_epoch_us - 5 * day_us, .actor = "daemon"},
        60000);
    ck_assert_uint_gt(done.cut_off, 0);
    (void)assert_sound(&kit);
    nm_audit_stop(&kit.audit);
    (void)assert_sound(&kit);
    kit_open(&kit);
    (void)assert_sound(&kit);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_forget__a_cut_that_was_broken_off_is_sound_and_goes_on)
{
    struct kit kit;
    struct nm_audit_forgotten done;
    const struct nm_audit_forget what = {
        .prune_before_us = kit_epoch_us - 2 * day_us, .actor = "daemon"};

    kit_start(&kit);
    for (int i = 0; i < 10; i++)
        make_log(
            &kit); /* more than one step takes; the order of times is broken, too */
    (void)forget(&kit, &what, 0); /* goes on, unless this thread is late */
    nm_audit_stop(&kit.audit);
    (void)assert_sound(&kit);
    kit_open(&kit);
    done = forget(&kit, &what, 110000);
    ck_assert(done.finished);
    (void)assert_sound(&kit);
    assert_no_orphans(&kit);
    kit_stop(&kit);
}
END_TEST

/* Without its seal a log that begins later is one that was tampered with. */
static void count(void *self, const struct nm_audit_finding *finding)
{
    (void)finding;
    (*(size_t *)self)++;
}

START_TEST(test_forget__a_cut_without_a_seal_is_found)
{
    static const char *const cuts[] = {
        "DELETE FROM event WHERE sequence < 20",
        "UPDATE seal SET upto = upto + 4; DELETE FROM event WHERE sequence <="
        " (SELECT max(upto) FROM seal)",
    };

    for (size_t i = 0; i < NM_COUNT(cuts); i++) {
        struct kit kit;
        struct nm_audit_verify_query query;
        struct nm_audit_verdict verdict;
        struct nm_error error = {.code = NM_OK};
        size_t findings = 0;

        kit_start(&kit);
        make_log(&kit);
        if (i == 1)
            (void)forget(&kit,
                &(struct nm_audit_forget){
                    .prune_before_us = kit_epoch_us - 10 * day_us, .actor = "daemon"},
                60000);
        nm_audit_stop(&kit.audit);
        kit_sql(&kit, cuts[i]);
        query = (struct nm_audit_verify_query){.path = kit.path};
        ck_assert_int_eq(
            nm_audit_verify(&query, count, &findings, &verdict, &error), NM_OK);
        ck_assert_uint_gt(findings, 0);
        kit_free(&kit);
    }
}
END_TEST

/* ---- erasing ------------------------------------------------------------ */

START_TEST(test_forget__an_address_is_gone_from_every_byte)
{
    static const char *const addresses[] = {
        "person-3@example.org", "FRIEND-13@army.ml"};

    for (size_t i = 0; i < NM_COUNT(addresses); i++) {
        struct kit kit;
        struct kit_rows rows = {0};
        struct nm_audit_forgotten done;
        struct nm_audit_verdict verdict;
        const struct nm_audit_forget what = {.address = addresses[i],
            .actor = "alice (uid 1000)",
            .reason = "asked on 2024-06-01"};
        const size_t expected = i == 0 ? (size_t)A_DAY * 4 : A_DAY;

        kit_start(&kit);
        make_log(&kit);
        ck_assert(holds(&kit, addresses[i]));
        done = forget(&kit, &what, 110000);
        ck_assert(done.finished);
        ck_assert_uint_eq(done.erased, expected);
        verdict = assert_sound(&kit);
        ck_assert_uint_eq(verdict.erased, expected);
        assert_no_orphans(&kit);
        ck_assert(!holds(&kit, addresses[i]));
        kit_list(&kit, &(struct nm_audit_query){0}, &rows);
        ck_assert_uint_eq(rows.count, DAYS * A_DAY); /* the decisions stay */
        kit_list(
            &kit, &(struct nm_audit_query){.sender = "person-3@example.org"}, &rows);
        ck_assert_uint_eq(rows.count, i == 0 ? 0 : (size_t)A_DAY * 4);
        kit_list(
            &kit, &(struct nm_audit_query){.recipient = "friend-13@army.ml"}, &rows);
        ck_assert_uint_eq(rows.count, i == 0 ? (size_t)A_DAY : 0);
        kit_list(
            &kit, &(struct nm_audit_query){.sender = "person-4@example.org"}, &rows);
        ck_assert_uint_eq(rows.count, (size_t)A_DAY * 4);
        ck_assert_int_eq(
            kit_sql_integer(&kit, "SELECT count(*) FROM acts WHERE verb = 'erased'"
                                  " AND reason = 'asked on 2024-06-01'"),
            1);
        done = forget(&kit, &what, 110000); /* nothing is left */
        ck_assert_uint_eq(done.erased, 0);
        (void)assert_sound(&kit);
        kit_rows_free(&rows);
        kit_stop(&kit);
    }
}
END_TEST

/* First the one part of a row, then the other. */
START_TEST(test_forget__both_parts_of_an_event_can_go)
{
    struct kit kit;
    struct kit_rows rows = {0};
    struct nm_audit_verdict verdict;

    kit_start(&kit);
    make_log(&kit);
    (void)forget(&kit,
        &(struct nm_audit_forget){.address = "friend-3@army.ml", .actor = "daemon"},
        60000);
    (void)forget(&kit,
        &(struct nm_audit_forget){.address = "person-3@example.org", .actor = "daemon"},
        60000);
    verdict = assert_sound(&kit);
    ck_assert_uint_eq(verdict.erased, (uint64_t)A_DAY * 4);
    kit_list(
        &kit, &(struct nm_audit_query){.newest = (size_t)(DAYS - 3) * A_DAY}, &rows);
    ck_assert_mem_eq(rows.items[0].decision.sender.data, "[erased]", 8);
    ck_assert_mem_eq(rows.items[0].decision.recipient.data, "[erased]", 8);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

/* The chain holds no commitment to them any more but the one that is kept. */
START_TEST(test_forget__values_in_the_place_of_erased_ones_are_found)
{
    static const char *const forgeries[] = {
        "UPDATE event SET recipient = 'eve@army.ml' WHERE length(salt) > 32",
        "UPDATE event SET reply = 'no' WHERE length(salt) > 32",
    };
    static const char *const addresses[] = {"friend-3@army.ml", "person-3@example.org"};

    for (size_t i = 0; i < NM_COUNT(forgeries); i++) {
        struct kit kit;
        struct nm_audit_verify_query query;
        struct nm_audit_verdict verdict;
        struct nm_error error = {.code = NM_OK};
        size_t findings = 0;

        kit_start(&kit);
        make_log(&kit);
        (void)forget(&kit,
            &(struct nm_audit_forget){.address = addresses[i], .actor = "daemon"},
            60000);
        nm_audit_stop(&kit.audit);
        (void)assert_sound(&kit);
        kit_sql(&kit, forgeries[i]);
        query = (struct nm_audit_verify_query){.path = kit.path};
        ck_assert_int_eq(
            nm_audit_verify(&query, count, &findings, &verdict, &error), NM_OK);
        ck_assert_uint_gt(findings, 0);
        kit_free(&kit);
    }
}
END_TEST

START_TEST(test_forget__an_act_that_names_the_address_loses_that)
{
    struct kit kit;
    struct nm_audit_event act;

    kit_start(&kit);
    act = (struct nm_audit_event){.kind = NM_EVENT_ACT,
        .id = kit_id(&kit),
        .time_us = kit.now_us,
        .gateway = "mx1",
        .actor = "alice (uid 1000)",
        .verb = NM_VERB_ALLOW_ADDED,
        .subject = "army.ml, from Bob@example.org",
        .reason = "asked for"};
    kit_record(&kit, &act, 1);
    (void)forget(&kit,
        &(struct nm_audit_forget){.address = "bob@example.org", .actor = "daemon"},
        60000);
    (void)assert_sound(&kit);
    ck_assert(!holds(&kit, "bob@example.org"));
    ck_assert_int_eq(kit_sql_integer(&kit, "SELECT count(*) FROM acts WHERE"
                                           " verb = 'allow-added' AND subject IS NULL"
                                           " AND reason = 'asked for'"),
        1);
    kit_stop(&kit);
}
END_TEST

/* ---- retention ---------------------------------------------------------- */

START_TEST(test_retention__is_applied_by_itself)
{
    struct kit kit;
    struct kit_rows rows = {0};

    kit_start(&kit);
    make_log(&kit);
    nm_audit_set_retention(kit.audit, 30, 5);
    while (kit_sql_integer(&kit, "SELECT count(*) FROM acts") < 2)
        usleep(1000);
    while (kit_sql_integer(&kit, "SELECT redacted FROM state") == 0)
        usleep(1000);
    (void)assert_sound(&kit);
    kit_list(&kit, &(struct nm_audit_query){0}, &rows);
    ck_assert_uint_le(rows.count, 31 * A_DAY);
    ck_assert_uint_ge(rows.count, 29 * A_DAY);
    for (size_t i = 0; i < rows.count; i++) {
        const struct nm_audit_event *event = &rows.items[i].decision;
        const bool erased = memcmp(event->sender.data, "[erased]", 8) == 0;
        const int64_t age_us = kit_epoch_us - event->time_us;

        if (event->match == NM_MATCH_NEAR_MISS || age_us < 5 * day_us)
            ck_assert(!erased);
        else if (age_us > 6 * day_us)
            ck_assert(erased);
    }
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

START_TEST(test_forget__writes_what_comes_meanwhile)
{
    struct kit kit;
    struct kit_rows rows = {0};

    kit_start(&kit);
    for (int i = 0; i < 10; i++)
        make_log(&kit);
    (void)forget(&kit,
        &(struct nm_audit_forget){
            .prune_before_us = kit_epoch_us + day_us, .actor = "daemon"},
        0);
    for (int i = 0; i < 200; i++) {
        const struct nm_audit_event event = kit_decision(&kit, "new@army.ml");

        kit_record(&kit, &event, 1);
    }
    while (kit_sql_integer(&kit, "SELECT count(*) FROM event WHERE sequence <="
                                 " (SELECT max(upto) FROM seal)") > 0)
        usleep(1000);
    kit_list(&kit, &(struct nm_audit_query){.recipient = "new@army.ml"}, &rows);
    ck_assert_uint_eq(rows.count, 200);
    (void)assert_sound(&kit);
    kit_rows_free(&rows);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forget");
    TCase *cases = tcase_create("forget");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_forget__what_is_older_is_cut_off_behind_a_seal);
    tcase_add_test(cases, test_forget__a_cut_that_was_broken_off_is_sound_and_goes_on);
    tcase_add_test(cases, test_forget__a_cut_without_a_seal_is_found);
    tcase_add_test(cases, test_forget__an_address_is_gone_from_every_byte);
    tcase_add_test(cases, test_forget__both_parts_of_an_event_can_go);
    tcase_add_test(cases, test_forget__values_in_the_place_of_erased_ones_are_found);
    tcase_add_test(cases, test_forget__an_act_that_names_the_address_loses_that);
    tcase_add_test(cases, test_retention__is_applied_by_itself);
    tcase_add_test(cases, test_forget__writes_what_comes_meanwhile);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
