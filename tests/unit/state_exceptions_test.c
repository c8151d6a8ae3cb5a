#include "state_kit.h"

#include "state_record.h"

START_TEST(test_exceptions__come_back_as_they_were_set)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", NULL, NULL);
    row.reason = "a customer, says Bob";
    ck_assert_int_eq(
        nm_state_allow(kit.state, &record.recorder, &row, &record.error), NM_OK);
    row = kit_exception(&kit, "gmial.com", "gmail.com", "bob@example.org");
    row.expires_us = kit_now_us + 1;
    ck_assert_int_eq(
        nm_state_allow(kit.state, &record.recorder, &row, &record.error), NM_OK);
    row = kit_exception(&kit, "bounces.example", NULL, "");
    ck_assert_int_eq(
        nm_state_allow(kit.state, &record.recorder, &row, &record.error), NM_OK);
    kit_reopen(&kit);
    kit_assert_exceptions(&kit, "army.ml (a customer, says Bob) by alice (uid 1000)\n"
                                "bounces.example, from <> by alice (uid 1000)\n"
                                "gmial.com, for gmail.com, from bob@example.org until "
                                "1717200000000001 by alice (uid 1000)\n");
    ck_assert_str_eq(record.lines,
        "allow-added army.ml (a customer, says Bob) by alice (uid 1000)\n"
        "allow-added gmial.com, for gmail.com, from bob@example.org by alice (uid "
        "1000)\n"
        "allow-added bounces.example, from <> by alice (uid 1000)\n");
    kit_done(&kit);
}
END_TEST

START_TEST(test_exceptions__one_for_the_same_is_replaced)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", NULL, NULL);
    row.expires_us = kit_now_us + 5;
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    row.expires_us = INT64_MAX;
    row.reason = "for good";
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    kit_assert_exceptions(&kit, "army.ml (for good) by alice (uid 1000)\n");
    kit_done(&kit);
}
END_TEST

START_TEST(test_exceptions__just_the_one_named_is_removed)
{
    struct kit kit;
    struct record record;
    struct nm_exception whole;
    struct nm_exception pair;
    struct nm_exception other;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    whole = kit_exception(&kit, "army.ml", NULL, NULL);
    pair = kit_exception(&kit, "army.ml", "army.mil", NULL);
    other = kit_exception(&kit, "army.ml", NULL, "a@example.org");
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &whole, NULL), NM_OK);
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &pair, NULL), NM_OK);
    record.lines[0] = '\0';
    ck_assert_int_eq(
        nm_state_disallow(kit.state, &record.recorder, &other, &record.error),
        NM_BAD_INPUT);
    ck_assert_str_eq(record.error.message, "there is no such exception");
    ck_assert_str_eq(record.lines, "");
    whole.reason = "no more";
    ck_assert_int_eq(
        nm_state_disallow(kit.state, &record.recorder, &whole, NULL), NM_OK);
    ck_assert_str_eq(
        record.lines, "allow-removed army.ml (no more) by alice (uid 1000)\n");
    kit_assert_exceptions(&kit, "army.ml, for army.mil by alice (uid 1000)\n");
    kit_done(&kit);
}
END_TEST

/* The log that takes the event but does not get it to the disk, and the one that takes
 * none. */
START_TEST(test_exceptions__what_cannot_be_recorded_is_not_changed)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        record.append_fails = i == 0 ? NM_LIMIT : NM_OK;
        record.wait_fails = i == 1 ? NM_SYSTEM : NM_OK;
        ck_assert_int_ne(
            nm_state_allow(kit.state, &record.recorder, &row, &record.error), NM_OK);
        ck_assert_str_ne(record.error.message, "");
        kit_assert_exceptions(&kit, "");
    }
    record.wait_fails = NM_OK;
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    record.wait_fails = NM_TIMEOUT;
    ck_assert_int_eq(
        nm_state_disallow(kit.state, &record.recorder, &row, NULL), NM_TIMEOUT);
    kit_assert_exceptions(&kit, "army.ml by alice (uid 1000)\n");
    kit_done(&kit);
}
END_TEST

START_TEST(test_exceptions__those_in_force_are_the_overlay)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;
    struct nm_overlay *overlay = NULL;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", NULL, NULL);
    row.expires_us = kit_now_us + 5;
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    row = kit_exception(&kit, "other.example", NULL, "a@example.org");
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    ck_assert_int_eq(
        nm_state_overlay(kit.state, kit_now_us, &overlay, &record.error), NM_OK);
    ck_assert_uint_eq(nm_overlay_size(overlay), 2);
    ck_assert_ptr_nonnull(
        nm_overlay_find(overlay, &row.domain, NULL, "a@example.org", kit_now_us));
    ck_assert_ptr_null(
        nm_overlay_find(overlay, &row.domain, NULL, "b@example.org", kit_now_us));
    nm_overlay_release(&overlay);
    ck_assert_int_eq(
        nm_state_overlay(kit.state, kit_now_us + 5, &overlay, &record.error), NM_OK);
    ck_assert_uint_eq(nm_overlay_size(overlay), 1);
    nm_overlay_release(&overlay);
    kit_done(&kit);
}
END_TEST

START_TEST(test_exceptions__at_the_cap_expired_ones_make_room)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;
    char sql[512];

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", NULL, NULL);
    (void)snprintf(sql, sizeof sql,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO exception SELECT 'n' || i || '.example', '', '', NULL, 'x', 0,"
        " CASE WHEN i = 7 THEN 5 END FROM n",
        NM_EXCEPTIONS_MAX);
    kit_sql(&kit, sql);
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    row = kit_exception(&kit, "navy.ml", NULL, NULL);
    ck_assert_int_eq(
        nm_state_allow(kit.state, &record.recorder, &row, &record.error), NM_LIMIT);
    ck_assert_ptr_nonnull(strstr(record.error.message, "20000 exceptions"));
    ck_assert_str_eq(record.lines, "allow-added army.ml by alice (uid 1000)\n");
    kit_done(&kit);
}
END_TEST

START_TEST(test_exceptions__values_that_cannot_be_are_damage)
{
    static const char *const rows[] = {"('A.example', '', '', NULL, 'x', 0, NULL)",
        "('a.example', 'b..c', '', NULL, 'x', 0, NULL)"};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_overlay *overlay = NULL;
        struct kit kit;
        char sql[128];

        kit_init(&kit);
        kit_open(&kit);
        (void)snprintf(sql, sizeof sql, "INSERT INTO exception VALUES %s", rows[i]);
        kit_sql(&kit, sql);
        ck_assert_int_eq(
            nm_state_overlay(kit.state, kit_now_us, &overlay, NULL), NM_SYSTEM);
        ck_assert_ptr_null(overlay);
        kit_done(&kit);
    }
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_exceptions__come_back_as_they_were_set);
    tcase_add_test(cases, test_exceptions__one_for_the_same_is_replaced);
    tcase_add_test(cases, test_exceptions__just_the_one_named_is_removed);
    tcase_add_test(cases, test_exceptions__what_cannot_be_recorded_is_not_changed);
    tcase_add_test(cases, test_exceptions__those_in_force_are_the_overlay);
    tcase_add_test(cases, test_exceptions__at_the_cap_expired_ones_make_room);
    tcase_add_test(cases, test_exceptions__values_that_cannot_be_are_damage);
}

int main(void)
{
    return kit_run("state exceptions", add);
}
