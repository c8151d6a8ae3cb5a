/* Memory that runs out while a configuration is loaded, built or printed. */
#include "alloc_walk.h"
#include "config_kit.h"

static const char good[] =
    "@include \"more.conf\"\n"
    "protect = { own = [ \"example.org\", \"b\xc3\xbc"
    "cher.example\" ];\n"
    "  domains = \"army.mil\"; suffixes = [ \"mil\" ]; files = [ \"list.txt\" ]; };\n"
    "outbound = { networks = [ \"192.0.2.0/24\" ]; };\n"
    "milter = { socket = \"unix:m.sock\"; };\n"
    "tables = { public_suffixes = \"psl.dat\"; };\n"
    "notice = { reviewer = \"a@example.org\"; template = \"n.txt\"; };\n"
    "popularity = { file = \"ranks.csv\"; };\n"
    "rules = ( { technique = \"suffix\"; target = [ \"*.mil\" ]; sender = \"a@b\";\n"
    "    action = \"reject\"; reply = \"no\"; },\n"
    "  { name = \"rest\"; action = \"tag\"; } );\n";

static const char *put_good(void)
{
    (void)kit_put("more.conf", "max_refusals = 3;\n");
    (void)kit_put("list.txt", "a.example 2\nb.example\n");
    (void)kit_put("n.txt", "Subject: x\n\n%{recipients}\n");
    (void)kit_put("ranks.csv", "1,a.example\n2,b.example\n");
    (void)kit_put("psl.dat", "example\norg\nmil\ncom\n");
    return kit_put("nearmiss.conf", good);
}

START_TEST(test_config__loads_whole_or_not_at_all)
{
    const char *path = put_good();
    struct nm_config *config = NULL;
    size_t failures = 0;

    for (;;) {
        enum nm_code code;

        alloc_walk_fail(failures + 1);
        code = nm_config_load(path, &config, &kit_complaints);
        if (!alloc_walk_failed())
            break;
        failures++;
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(config);
        ck_assert_uint_eq(kit_complaints.errors, 0);
    }
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_ge(failures, 20);
    nm_config_free(&config);
}
END_TEST

START_TEST(test_config__builds_whole_or_not_at_all)
{
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot = NULL;
    size_t failures = 0;

    ck_assert_int_eq(nm_config_load(put_good(), &config, &kit_complaints), NM_OK);
    for (;;) {
        enum nm_code code;

        alloc_walk_fail(failures + 1);
        code = nm_config_build(config, NULL, &snapshot, &kit_complaints);
        if (!alloc_walk_failed())
            break;
        failures++;
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(snapshot);
        ck_assert_uint_eq(kit_complaints.errors, 0);
    }
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_uint_ge(failures, 8);
    nm_snapshot_release(&snapshot);
    nm_config_free(&config);
}
END_TEST

START_TEST(test_config__a_wrong_one_is_never_taken)
{
    const char *path = kit_put("nearmiss.conf", "mode = 1;\nprotect = {\n"
                                                "  own = [ \"a..b\", \"c..d\" ]; };\n"
                                                "rules = ( { } );\nx = 1;\n");
    struct nm_config *config = NULL;
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        enum nm_code code;

        nm_complaints_free(&kit_complaints);
        alloc_walk_fail(nth);
        code = nm_config_load(path, &config, &kit_complaints);
        failed = alloc_walk_failed();
        ck_assert(code == NM_BAD_INPUT || (failed && code == NM_NO_MEMORY));
        ck_assert_ptr_null(config);
        if (code == NM_BAD_INPUT)
            ck_assert_uint_eq(kit_complaints.errors, 5);
        ck_assert_uint_eq(
            kit_complaints.count + kit_complaints.dropped, kit_complaints.errors);
    }
}
END_TEST

START_TEST(test_config__the_defaults_print_whole_or_say_so)
{
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        FILE *out = fopen("/dev/null", "w");
        bool is_written;

        ck_assert_ptr_nonnull(out);
        alloc_walk_fail(nth);
        is_written = nm_config_print_defaults(out);
        failed = alloc_walk_failed();
        ck_assert(is_written == !failed);
        ck_assert_int_eq(fclose(out), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, kit_open, kit_close);
    tcase_add_test(cases, test_config__loads_whole_or_not_at_all);
    tcase_add_test(cases, test_config__builds_whole_or_not_at_all);
    tcase_add_test(cases, test_config__a_wrong_one_is_never_taken);
    tcase_add_test(cases, test_config__the_defaults_print_whole_or_say_so);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
