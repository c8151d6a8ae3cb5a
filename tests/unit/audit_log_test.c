#include "audit_kit.h"

#include <check.h>

START_TEST(test_log__returns_what_was_appended)
{
    struct kit kit;
    struct nm_audit_event events[2];
    static struct kit_rows rows;
    struct nm_audit_query query = {0};

    kit_start(&kit);
    events[0] = kit_decision(&kit, "bob@army.ml");
    events[1] = kit_outcome(&kit, &events[0], NM_OUTCOME_REFUSED);
    kit_record(&kit, events, 2);
    kit_list(&kit, &query, &rows);
    ck_assert_uint_eq(rows.count, 1);
    ck_assert_str_eq(rows.row[0].recipient, "bob@army.ml");
    ck_assert_str_eq(rows.row[0].queue_id, "4bXyZ12Tz9z3P");
    ck_assert_int_eq(rows.row[0].outcome, NM_OUTCOME_REFUSED);
    kit_stop(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *cases = tcase_create("log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_log__returns_what_was_appended);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
