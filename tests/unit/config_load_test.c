#include "config/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test; removed with what was put into it. */
static char folder[] = "/tmp/nm-config-XXXXXX";
static char files[16][64];
static size_t file_count;

static void setup(void)
{
    (void)nm_copy(folder, sizeof folder, "/tmp/nm-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    file_count = 0;
}

static void teardown(void)
{
    for (size_t i = 0; i < file_count; i++)
        ck_assert_int_eq(unlink(files[i]), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static const char *put(const char *name, const char *text)
{
    char *path = files[file_count++];
    FILE *file;

    ck_assert_uint_le(file_count, NM_COUNT(files));
    (void)snprintf(path, sizeof files[0], "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* What the complaints print, with the folder's name left out. */
static void words_of(const struct nm_complaints *complaints, char *words, size_t size)
{
    const size_t skip = strlen(folder) + 1;
    char *at;
    FILE *out = fmemopen(words, size, "w");

    ck_assert_ptr_nonnull(out);
    nm_complaints_print(complaints, out);
    ck_assert_int_eq(fclose(out), 0);
    while ((at = strstr(words, folder)) != NULL)
        memmove(at, at + skip, strlen(at + skip) + 1);
}

static const char contract[] =
    "mode = \"enforce\";\n"
    "milter   = { socket = \"unix:milter.sock\";\n"
    "             socket_mode = \"0660\"; socket_group = \"\"; };\n"
    "outbound = { networks = []; authenticated = false; };\n"
    "protect  = {\n"
    "    own       = [ \"example.org\" ];\n"
    "    domains   = [ \"army.mil\", \"partner.example\" ];\n"
    "    suffixes  = [ \"mil\", \"gov.uk\" ];\n"
    "    files     = [ \"partners.txt\" ];\n"
    "    providers = true;\n"
    "};\n"
    "allow    = { domains = [ \"orange.ml\" ]; files = []; };\n"
    "match    = { keyboards = [ \"us\" ]; threshold = 0.5; };\n"
    "rules = (\n"
    "    { name = \"mil-ml\"; technique = [ \"suffix\" ]; target = [ \"*.mil\" ];\n"
    "      action = \"reject\"; },\n"
    "    { name = \"sure\";   confidence = 0.99; action = \"reject\"; },\n"
    "    { name = \"likely\"; confidence = 0.90; action = \"hold\"; },\n"
    "    { name = \"maybe\";  confidence = 0.50; action = \"tag\"; }\n"
    ");\n"
    "audit    = { database = \"audit.db\"; on_failure = \"defer\"; };\n"
    "control  = { socket = \"unix:/run/nearmiss/control.sock\"; };\n"
    "gateway  = \"mx1\";\n";

static enum nm_match match_of(const struct nm_snapshot *snapshot, const char *name)
{
    const struct nm_snapshot_values *values = nm_snapshot_values(snapshot);
    struct nm_domain domain;
    struct nm_verdict verdict;

    ck_assert_int_eq(
        nm_domain_parse(values->names, name, strlen(name), &domain), NM_FAULT_NONE);
    nm_index_match(values->index, &domain, &verdict);
    return verdict.match;
}

START_TEST(test_config__the_contract_loads_and_builds)
{
    const char *path = put("nearmiss.conf", contract);
    struct nm_complaints complaints;
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot = NULL;
    const struct nm_settings *settings;
    char words[4096];
    char expected[256];

    (void)put("partners.txt", "listed.example 3\n");
    nm_complaints_init(&complaints);
    if (nm_config_load(path, &config, &complaints) != NM_OK) {
        words_of(&complaints, words, sizeof words);
        ck_abort_msg("%s", words);
    }
    settings = nm_config_settings(config);
    (void)snprintf(expected, sizeof expected, "unix:%s/milter.sock", folder);
    ck_assert_str_eq(settings->milter_socket, expected);
    ck_assert_uint_eq(settings->milter_socket_mode, 0660);
    (void)snprintf(expected, sizeof expected, "%s/audit.db", folder);
    ck_assert_str_eq(settings->audit_database, expected);
    ck_assert_str_eq(settings->control_socket, "unix:/run/nearmiss/control.sock");
    ck_assert_int_eq(settings->audit_on_failure, NM_ACTION_DEFER);
    ck_assert_uint_eq(settings->audit_wait_ms, 5000);
    ck_assert_str_eq(settings->gateway, "mx1");
    ck_assert_uint_eq(strlen(nm_config_hash(config)), NM_CONFIG_HASH_LENGTH);
    ck_assert_str_eq(nm_config_text(config), contract);

    ck_assert_int_eq(nm_config_build(config, &snapshot, &complaints), NM_OK);
    nm_config_free(&config);
    ck_assert_ptr_null(config);
    ck_assert_uint_eq(complaints.count, 0);
    ck_assert_int_eq(match_of(snapshot, "army.ml"), NM_MATCH_NEAR_MISS);
    ck_assert_int_eq(match_of(snapshot, "www.example.org"), NM_MATCH_OWN);
    ck_assert_int_eq(match_of(snapshot, "listed.example"), NM_MATCH_PROTECTED);
    ck_assert_int_eq(match_of(snapshot, "orange.ml"), NM_MATCH_ALLOWED);
    ck_assert_uint_eq(nm_policy_size(nm_snapshot_values(snapshot)->policy), 4);
    nm_snapshot_release(&snapshot);
    nm_complaints_free(&complaints);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("load");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_config__the_contract_loads_and_builds);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
