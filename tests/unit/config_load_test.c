/* Right configurations: what they mean, what they print, what their hash says. */
#include "config_kit.h"

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

static const char least[] = "protect = { };\n";

/* ---- what a configuration means ----------------------------------------- */

static struct nm_snapshot *build(struct nm_config **config)
{
    struct nm_snapshot *snapshot = NULL;

    if (nm_config_build(*config, NULL, &snapshot, &kit_complaints) != NM_OK)
        ck_abort_msg("%s", kit_said());
    nm_config_free(config);
    ck_assert_ptr_null(*config);
    return snapshot;
}

static struct nm_verdict judge(const struct nm_snapshot *snapshot, const char *name)
{
    const struct nm_snapshot_values *values = nm_snapshot_values(snapshot);
    struct nm_domain domain;
    struct nm_verdict verdict;

    ck_assert_int_eq(
        nm_domain_parse(values->names, name, strlen(name), &domain), NM_FAULT_NONE);
    nm_index_match(values->index, &domain, &verdict);
    return verdict;
}

static void check_match(
    const struct nm_snapshot *snapshot, const char *name, enum nm_match expected)
{
    ck_assert_msg(judge(snapshot, name).match == expected, "%s is %s, not %s", name,
        nm_match_name(judge(snapshot, name).match), nm_match_name(expected));
}

START_TEST(test_config__the_contract_loads_and_builds)
{
    struct nm_config *config;
    struct nm_snapshot *snapshot;
    const struct nm_settings *settings;
    char expected[256];

    (void)kit_put("partners.txt", "listed.example 3\n");
    config = kit_config(contract);
    settings = nm_config_settings(config);
    (void)snprintf(expected, sizeof expected, "unix:%s/milter.sock", kit_folder);
    ck_assert_str_eq(settings->milter_socket, expected);
    ck_assert_uint_eq(settings->milter_socket_mode, 0660);
    ck_assert_str_eq(settings->milter_socket_group, "");
    (void)snprintf(expected, sizeof expected, "%s/audit.db", kit_folder);
    ck_assert_str_eq(settings->audit_database, expected);
    (void)snprintf(expected, sizeof expected, "%s/state.db", kit_folder);
    ck_assert_str_eq(settings->history_database, expected);
    ck_assert_str_eq(settings->control_socket, "unix:/run/nearmiss/control.sock");
    ck_assert_int_eq(settings->audit_on_failure, NM_ACTION_DEFER);
    ck_assert_str_eq(settings->gateway, "mx1");
    ck_assert_str_eq(nm_config_text(config), contract);

    snapshot = build(&config);
    ck_assert_uint_eq(kit_complaints.count, 0);
    check_match(snapshot, "army.ml", NM_MATCH_NEAR_MISS);
    check_match(snapshot, "www.example.org", NM_MATCH_OWN);
    check_match(snapshot, "listed.example", NM_MATCH_PROTECTED);
    check_match(snapshot, "mail.orange.ml", NM_MATCH_ALLOWED);
    ck_assert_uint_eq(nm_policy_size(nm_snapshot_values(snapshot)->policy), 4);
    nm_snapshot_release(&snapshot);
}
END_TEST

START_TEST(test_config__what_is_left_out_has_its_default)
{
    struct nm_config *config = kit_config(least);
    const struct nm_settings *settings = nm_config_settings(config);
    struct nm_snapshot *snapshot;
    const struct nm_snapshot_values *values;

    ck_assert_str_eq(
        settings->milter_socket, "unix:/var/spool/postfix/nearmiss/milter.sock");
    ck_assert_uint_eq(settings->milter_socket_mode, 0660);
    ck_assert_str_eq(settings->control_socket, "unix:/run/nearmiss/control.sock");
    ck_assert_str_eq(settings->audit_database, "/var/lib/nearmiss/audit.db");
    ck_assert_str_eq(settings->history_database, "/var/lib/nearmiss/state.db");
    ck_assert_uint_eq(settings->audit_wait_ms, 5000);
    ck_assert_int_eq(settings->audit_on_failure, NM_ACTION_DEFER);
    ck_assert_str_eq(settings->user, "");
    ck_assert_int_eq(settings->log_target, NM_LOG_TARGET_STDERR);
    ck_assert_int_eq(settings->log_level, NM_LOG_INFO);
    ck_assert_int_eq(settings->mode, NM_MODE_ENFORCE);
    ck_assert_str_ne(settings->gateway, "");

    snapshot = build(&config);
    values = nm_snapshot_values(snapshot);
    ck_assert_uint_eq(values->network_count, 0);
    ck_assert(!values->outbound_authenticated);
    ck_assert_int_eq(values->mode, NM_MODE_ENFORCE);
    ck_assert_int_eq(values->on_audit_failure, NM_ACTION_DEFER);
    ck_assert_int_eq(values->on_local_refusal, NM_ACTION_HOLD);
    ck_assert(!values->needs_content);
    ck_assert_uint_eq(values->max_refusals, 8);
    ck_assert(!values->partial_message);
    ck_assert_uint_eq(nm_policy_size(values->policy), 3);
    ck_assert_str_eq(nm_policy_rule_name(values->policy, 0), "sure");
    check_match(snapshot, "gmail.com", NM_MATCH_KNOWN);
    nm_snapshot_release(&snapshot);
}
END_TEST

START_TEST(test_config__every_key_reaches_its_place)
{
    struct nm_config *config = kit_config(
        "protect = { own = \"example.org\"; providers = false; };\n"
        "mode = \"observe\"; partial = \"message\"; max_refusals = 0; user = "
        "\"filter\";\n"
        "milter = { socket = \"inet:8893@127.0.0.1\"; socket_mode = \"666\";\n"
        "  socket_group = \"postfix\"; };\n"
        "outbound = { networks = [ \"192.0.2.0/24\", \"2001:db8::/32\" ];\n"
        "  authenticated = true; };\n"
        "audit = { database = \"/x/y.db\"; on_failure = \"accept\"; wait_ms = 100; };\n"
        "control = { socket = \"local:/x/c.sock\"; };\n"
        "log = { target = \"syslog\"; level = \"debug\"; };\n"
        "rules = ();\n");
    const struct nm_settings *settings = nm_config_settings(config);
    struct nm_snapshot *snapshot;
    const struct nm_snapshot_values *values;

    ck_assert_str_eq(settings->milter_socket, "inet:8893@127.0.0.1");
    ck_assert_uint_eq(settings->milter_socket_mode, 0666);
    ck_assert_str_eq(settings->milter_socket_group, "postfix");
    ck_assert_str_eq(settings->control_socket, "unix:/x/c.sock");
    ck_assert_str_eq(settings->audit_database, "/x/y.db");
    ck_assert_uint_eq(settings->audit_wait_ms, 100);
    ck_assert_str_eq(settings->user, "filter");
    ck_assert_int_eq(settings->log_target, NM_LOG_TARGET_SYSLOG);
    ck_assert_int_eq(settings->log_level, NM_LOG_DEBUG);

    snapshot = build(&config);
    values = nm_snapshot_values(snapshot);
    ck_assert_uint_eq(values->network_count, 2);
    ck_assert(values->outbound_authenticated);
    ck_assert_int_eq(values->mode, NM_MODE_OBSERVE);
    ck_assert_int_eq(values->on_audit_failure, NM_ACTION_ACCEPT);
    ck_assert_uint_eq(values->max_refusals, 0);
    ck_assert(values->partial_message);
    ck_assert_uint_eq(nm_policy_size(values->policy), 0);
    check_match(snapshot, "gmail.com", NM_MATCH_NONE);
    nm_snapshot_release(&snapshot);
}
END_TEST

/* A request that a rule sees: the mail is from `sender` to a name near `target`. */
static struct nm_decision decide(
    const struct nm_snapshot *snapshot, const char *name, const char *sender)
{
    const struct nm_verdict verdict = judge(snapshot, name);
    struct nm_address recipient = {.kind = NM_ADDRESS_MAILBOX};
    const struct nm_request request = {.verdict = &verdict,
        .recipient = &recipient,
        .sender = sender,
        .recipient_text = "bob@example.com",
        .auth = ""};
    struct nm_decision decision;

    ck_assert_int_eq(nm_domain_parse(nm_snapshot_values(snapshot)->names, name,
                         strlen(name), &recipient.domain),
        NM_FAULT_NONE);
    nm_policy_decide(nm_snapshot_values(snapshot)->policy, &request, &decision);
    return decision;
}

START_TEST(test_config__rules_carry_their_conditions)
{
    struct nm_config *config = kit_config(
        "protect = { domains = [ \"army.mil\" ]; suffixes = \"mil\"; };\n"
        "rules = (\n"
        "  { name = \"boss\"; sender = \"boss@example.org\"; action = \"tag\"; },\n"
        "  { name = \"none\"; confidence = 1; action = \"hold\"; },\n"
        "  { technique = [ \"omission\", \"suffix\" ]; target = \"*.mil\";\n"
        "    action = \"reject\"; reply = \"no: %{target}\"; mode = \"observe\"; },\n"
        "  { name = \"rest\"; domain = ( \"*.ml\", \"*.cm\" ); action = \"defer\"; }\n"
        ");\n");
    struct nm_snapshot *snapshot = build(&config);
    struct nm_decision decision = decide(snapshot, "army.ml", "boss@example.org");

    ck_assert_str_eq(decision.rule, "boss");
    ck_assert_int_eq(decision.action, NM_ACTION_TAG);
    decision = decide(snapshot, "army.ml", "a@example.org");
    ck_assert_str_eq(decision.rule, "rule-3");
    ck_assert_int_eq(decision.action, NM_ACTION_REJECT);
    ck_assert_int_eq(decision.mode, NM_MODE_OBSERVE);
    ck_assert_str_eq(decision.reply, "no: %{target}");
    decision = decide(snapshot, "unrelated-name.cm", "a@example.org");
    ck_assert_str_eq(decision.rule, "rest");
    decision = decide(snapshot, "unrelated-name.example", "a@example.org");
    ck_assert_ptr_null(decision.rule);
    nm_snapshot_release(&snapshot);
}
END_TEST

/* ---- the shipped file ---------------------------------------------------- */

/* That nobody has filled them in yet is the only complaint. */
static void check_asks_for_domains(void)
{
    ck_assert_ptr_nonnull(strstr(kit_said(), "warning: protect names no domains: "));
    ck_assert_uint_eq(kit_complaints.count, 1);
}

START_TEST(test_config__the_shipped_file_refuses_army_ml)
{
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot;
    struct nm_decision decision;

    if (nm_config_load(NM_SOURCE_DIR "/conf/nearmiss.conf", &config, &kit_complaints) !=
        NM_OK)
        ck_abort_msg("%s", kit_said());
    check_asks_for_domains();
    /* Debian's Postfix is locked into its queue folder and runs as postfix. */
    ck_assert_str_eq(nm_config_settings(config)->milter_socket,
        "unix:/var/spool/postfix/nearmiss/milter.sock");
    ck_assert_uint_eq(nm_config_settings(config)->milter_socket_mode, 0660);
    ck_assert_str_eq(nm_config_settings(config)->milter_socket_group, "postfix");
    ck_assert_str_eq(nm_config_settings(config)->user, "nearmiss");
    ck_assert_int_eq(nm_config_settings(config)->mode, NM_MODE_ENFORCE);
    snapshot = build(&config);
    decision = decide(snapshot, "army.ml", "a@example.org");
    ck_assert_int_eq(decision.action, NM_ACTION_REJECT);
    ck_assert_str_eq(decision.rule, "mil-ml");
    check_match(snapshot, "army.mil", NM_MATCH_NONE);
    nm_snapshot_release(&snapshot);
}
END_TEST

/* ---- printing ------------------------------------------------------------ */

static char *print(const struct nm_config *config, bool has_places)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    char *to;

    ck_assert_ptr_nonnull(out);
    ck_assert(
        config != NULL ? nm_config_print(config, out) : nm_config_print_defaults(out));
    ck_assert_int_eq(fclose(out), 0);
    if (has_places)
        return text;
    to = text;
    for (const char *at = text; *at != '\0';) {
        if (strncmp(at, "  # ", 4) == 0)
            at += strcspn(at, "\n");
        *to++ = *at++;
    }
    *to = '\0';
    return text;
}

static char *read_golden(const char *name)
{
    char path[512];
    char *text = calloc(1, 65536);
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/tests/unit/golden/%s", NM_SOURCE_DIR, name);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

START_TEST(test_config__lists_of_patterns_stand_in_files)
{
    static const char rules[] =
        "protect = { domains = [ \"army.mil\" ]; suffixes = \"mil\"; };\n"
        "rules = (\n"
        "  { name = \"staff\"; sender = [ \"eve@*\", \"file:staff.txt\" ];\n"
        "    unless = { domain = \"file:open.txt\"; }; action = \"hold\"; },\n"
        "  { name = \"empty\"; client = \"file:none.txt\"; action = \"defer\"; }\n"
        ");\n";
    struct nm_config *config;
    struct nm_snapshot *snapshot;
    char first[NM_CONFIG_HASH_LENGTH + 1];
    char *shown;

    kit_put("staff.txt", "\xef\xbb\xbf# all of us\r\nalice@example.org\r\n\r\n"
                         "  @sales.example\t# and theirs\r\nbob#1@*\n");
    kit_put("open.txt", "*.ml\n");
    kit_put("none.txt", "# nobody yet\n");
    config = kit_config(rules);
    (void)nm_copy(first, sizeof first, nm_config_hash(config));
    shown = print(config, false);
    ck_assert_ptr_nonnull(strstr(shown, "sender = [ \"eve@*\", \"file:staff.txt\" ]"));
    ck_assert_ptr_nonnull(
        strstr(shown, "unless = ( { domain = [ \"file:open.txt\" ]; } );"));
    free(shown);
    snapshot = build(&config);
    ck_assert_str_eq(decide(snapshot, "army.mi", "alice@example.org").rule, "staff");
    ck_assert_str_eq(decide(snapshot, "army.mi", "x@Sales.example").rule, "staff");
    ck_assert_str_eq(decide(snapshot, "army.mi", "bob#1@y.example").rule, "staff");
    ck_assert_str_eq(decide(snapshot, "army.mi", "eve@y.example").rule, "staff");
    ck_assert_ptr_null(decide(snapshot, "army.mi", "carol@example.org").rule);
    ck_assert_ptr_null(decide(snapshot, "army.ml", "alice@example.org").rule);
    nm_snapshot_release(&snapshot);
    kit_put("staff.txt", "carol@example.org\n");
    config = kit_config(rules);
    ck_assert_str_ne(nm_config_hash(config), first);
    nm_config_free(&config);
}
END_TEST

START_TEST(test_config__complains_of_lines_in_files_of_patterns)
{
    struct nm_config *config = NULL;

    kit_put(
        "staff.txt", "alice@example.org bob@example.org\n<x@y>\ngood@example.org\n");
    kit_put("nets.txt", "192.0.2.0/24\n192.0.2.7/24\n");
    ck_assert_int_eq(
        kit_load("protect = { own = \"a.example\"; };\n"
                 "rules = ( { name = \"s\"; sender = \"file:staff.txt\";\n"
                 "            client = [ \"file:nets.txt\", \"file:gone.txt\" ];\n"
                 "            action = \"tag\"; } );\n",
            &config),
        NM_BAD_INPUT);
    ck_assert_str_eq(kit_said(),
        "nearmiss.conf:2: rule \"s\": client: \"gone.txt\": cannot open: No such file "
        "or "
        "directory\n"
        "staff.txt:1: \"alice@example.org bob@example.org\": a line has one pattern\n"
        "staff.txt:2: rule \"s\": sender: \"<x@y>\" must stand without angle brackets\n"
        "nets.txt:2: rule \"s\": client: \"192.0.2.7/24\" must be an address or a "
        "network, "
        "such as 192.0.2.0/24, with no bits set behind the prefix\n");
}
END_TEST

START_TEST(test_config__defaults_print_as_people_read_them)
{
    char *printed = print(NULL, true);
    char *golden = read_golden("config-defaults.conf");

    ck_assert_msg(strcmp(printed, golden) == 0,
        "what \"nearmiss config defaults\" prints differs from the golden file");
    free(golden);
    free(printed);
}
END_TEST

START_TEST(test_config__defaults_load_again_and_change_nothing)
{
    char *defaults = print(NULL, true);
    struct nm_config *given = kit_config(defaults);
    struct nm_config *implied;
    char *a;
    char *b;

    check_asks_for_domains();
    a = print(given, false);
    implied = kit_config(least);
    b = print(implied, false);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    free(defaults);
    nm_config_free(&given);
    nm_config_free(&implied);
}
END_TEST

START_TEST(test_config__values_in_force_load_again)
{
    static const char odd[] =
        "protect = { own = [ \"example.org\", \"b\xc3\xbc"
        "cher.example\" ]; };\n"
        "match = { threshold = 0.123456789; };\n"
        "audit = { database = \"/a \\\"b\\\" \\\\ \\t\\n\\x7f.db\"; };\n"
        "rules = (\n"
        "  { name = \"q \\\"\"; technique = [ \"dot\", \"key\" ];\n"
        "    target = \"*.a\"; domain = \"*.b\"; sender = \"<>\"; recipient = "
        "\"r@c\";\n"
        "    auth = \"u\"; client = \"::1\"; authenticated = true; confidence = 1;\n"
        "    action = \"reject\"; reply = \"two \"\n"
        "      \"lines\"; mode = \"observe\"; },\n"
        "  { action = \"tag\"; authenticated = false; } );\n";
    static const char *const parts[] = {"    threshold = 0.123456789;\n",
        "    database = \"/a \\\"b\\\" \\\\ \\t\\n\\x7f.db\";\n",
        "    { name = \"q \\\"\"; confidence = 1.0; technique = [ \"dot\", \"key\" ]; "
        "target = [ \"*.a\" ]; domain = [ \"*.b\" ]; sender = [ \"<>\" ]; recipient = "
        "[ \"r@c\" ]; auth = [ \"u\" ]; client = [ \"::1\" ]; authenticated = true; "
        "action = \"reject\"; reply = \"two lines\"; mode = \"observe\"; },\n"
        "    { name = \"rule-2\"; authenticated = false; action = \"tag\"; }\n"};
    struct nm_config *given = kit_config(odd);
    char *first = print(given, false);
    struct nm_config *again;
    char *second;

    for (size_t i = 0; i < NM_COUNT(parts); i++)
        ck_assert_msg(strstr(first, parts[i]) != NULL, "%s", first);
    again = kit_config(first);
    second = print(again, false);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
    nm_config_free(&given);
    nm_config_free(&again);
}
END_TEST

START_TEST(test_config__values_in_force_say_where_they_are_from)
{
    struct nm_config *config;
    char expected[256];
    char *printed;

    (void)kit_put("more.conf", "\n\nmax_refusals = 3;\n");
    config = kit_config("@include \"more.conf\"\nprotect = { };\n");
    printed = print(config, true);
    (void)snprintf(
        expected, sizeof expected, "max_refusals = 3;  # %s/more.conf:3\n", kit_folder);
    ck_assert_ptr_nonnull(strstr(printed, expected));
    ck_assert_ptr_nonnull(strstr(printed, "mode = \"enforce\";\n"));
    free(printed);
    nm_config_free(&config);
}
END_TEST

START_TEST(test_config__the_manual_has_every_option)
{
    char *defaults = print(NULL, true);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    unsigned keys = 0;

    ck_assert_ptr_nonnull(out);
    ck_assert(nm_config_print_mdoc(out));
    ck_assert_int_eq(fclose(out), 0);
    for (const char *at = defaults; (at = strstr(at, " = ")) != NULL; at++) {
        const char *begin = at;
        char item[128];

        while (begin > defaults && begin[-1] != '\n' && begin[-1] != ' ')
            begin--;
        if (begin > defaults && begin[-1] == ' ' && strncmp(begin - 4, "    ", 4) != 0)
            continue; /* a rule's */
        (void)snprintf(item, sizeof item, "%.*s\n", (int)(at - begin), begin);
        ck_assert_msg(strstr(text, item) != NULL, "%s", item);
        keys++;
    }
    ck_assert_uint_ge(keys, 35);
    free(text);
    free(defaults);
}
END_TEST

START_TEST(test_config__printing_tells_of_a_full_disk)
{
    struct nm_config *config = kit_config(least);
    FILE *full = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(full);
    ck_assert(!nm_config_print(config, full));
    ck_assert(!nm_config_print_defaults(full));
    ck_assert(!nm_config_print_mdoc(full));
    (void)fclose(full);
    nm_config_free(&config);
}
END_TEST

/* ---- the hash ------------------------------------------------------------ */

static void hash_of(const char *text, char hash[NM_CONFIG_HASH_LENGTH + 1])
{
    struct nm_config *config = kit_config(text);

    ck_assert_uint_eq(strlen(nm_config_hash(config)), NM_CONFIG_HASH_LENGTH);
    (void)nm_copy(hash, NM_CONFIG_HASH_LENGTH + 1, nm_config_hash(config));
    nm_config_free(&config);
}

static const char ranked[] = "protect = { domains = \"aperture.example\"; };\n"
                             "popularity = { file = \"ranks.csv\"; };\n";

START_TEST(test_config__the_hash_covers_all_that_was_read)
{
    static const char text[] = "@include \"more.conf\"\n"
                               "protect = { files = [ \"a.txt\", \"b.txt\" ]; };\n"
                               "tables = { glyphs = \"glyphs.txt\"; };\n";
    char hashes[8][NM_CONFIG_HASH_LENGTH + 1];

    (void)kit_put("more.conf", "max_refusals = 3;\n");
    (void)kit_put("a.txt", "a.example\nb.example\n");
    (void)kit_put("b.txt", "c.example\n");
    (void)kit_put("glyphs.txt", "# none\n");
    hash_of(text, hashes[0]);
    hash_of(text, hashes[1]);
    ck_assert_str_eq(hashes[0], hashes[1]);

    (void)kit_put("more.conf", "max_refusals = 4;\n");
    hash_of(text, hashes[1]);
    /* The same bytes, with the border between the lists elsewhere. */
    (void)kit_put("a.txt", "a.example\n");
    (void)kit_put("b.txt", "b.example\nc.example\n");
    hash_of(text, hashes[2]);
    (void)kit_put("glyphs.txt", "# none, yet\n");
    hash_of(text, hashes[3]);
    hash_of(least, hashes[4]);
    hash_of("protect = { };\n\n", hashes[5]);
    (void)kit_put("ranks.csv", "1,a.example\n");
    hash_of(ranked, hashes[6]);
    (void)kit_put("ranks.csv", "2,a.example\n");
    hash_of(ranked, hashes[7]);
    for (size_t i = 0; i < NM_COUNT(hashes); i++) {
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(hashes[i], hashes[j]);
    }
}
END_TEST

/* From `printf '\017\0\0\0\0\0\0\0protect = { };\n' | b2sum -l 256`. */
START_TEST(test_config__the_hash_is_blake2b_with_lengths)
{
    char hash[NM_CONFIG_HASH_LENGTH + 1];

    hash_of(least, hash);
    ck_assert_str_eq(
        hash, "b731d4118fe03b2687ef8f0ac3dbd67bf8a8549d88a20664d6306feab59702f7");
}
END_TEST

/* ---- included files ------------------------------------------------------ */

START_TEST(test_include__stands_in_for_its_text)
{
    struct nm_config *config;
    struct nm_snapshot *snapshot;

    (void)kit_put("own.conf", "\xef\xbb\xbf"
                              "own = [ \"example.org\",\n"
                              "@include \"names.conf\"\n"
                              "\"example.net\" ];  # no newline behind this");
    (void)kit_put("names.conf", "  \"b.example\",\n");
    config = kit_config("protect = {\n"
                        "  @include \"own.conf\"  # ours\n"
                        "  suffixes = [ \"mil\" ];\n"
                        "};\r\n");
    snapshot = build(&config);
    check_match(snapshot, "example.org", NM_MATCH_OWN);
    check_match(snapshot, "b.example", NM_MATCH_OWN);
    check_match(snapshot, "example.net", NM_MATCH_OWN);
    check_match(snapshot, "army.ml", NM_MATCH_NEAR_MISS);
    nm_snapshot_release(&snapshot);
}
END_TEST

static void check_refused(const char *text, const char *expected)
{
    struct nm_config *config = NULL;

    ck_assert_int_eq(kit_load(text, &config), NM_BAD_INPUT);
    ck_assert_ptr_null(config);
    ck_assert_str_eq(kit_said(), kit_expand(expected));
}

START_TEST(test_include__complaints_name_the_file_and_line_they_are_about)
{
    (void)kit_put("a.conf", "mode = 1;\n\n@include \"b.conf\"\nmax_refusals = 99;\n");
    (void)kit_put("b.conf", "/* two\n lines */ protect = { own = [\n \"x..y\" ]; };\n");
    check_refused("\n@include \"a.conf\"\npartial = \"x\";\n",
        "nearmiss.conf:3: partial: \"x\" is none of \"recipient\", \"message\"\n"
        "a.conf:1: mode: expects a string, not the number 1\n"
        "a.conf:4: max_refusals: 99 is out of range; it goes from 0 to 20 a session\n"
        "b.conf:3: protect.own: \"x..y\": {DOMAIN}\n");
    (void)kit_put("b.conf", "protect = {\n  own = ;\n};\n");
    check_refused(
        "\n@include \"a.conf\"\n", "b.conf:2: syntax error at or before: own = ;\n");
}
END_TEST

START_TEST(test_include__of_what_cannot_be_read_is_refused)
{
    static const struct {
        const char *line;
        const char *said;
    } rows[] = {
        {"@include \"none.conf\"",
            "@include \"none.conf\": cannot open: No such file or "
            "directory"},
        /* libconfig's own scanner ends the process on this one. */
        {"@include \"/\"", "@include \"/\": cannot read: Is a directory"},
        {"@include \"\"", "an @include is a line like: @include \"file\""},
        {"@include file", "an @include is a line like: @include \"file\""},
        {"@include \"file", "an @include is a line like: @include \"file\""},
        {"@include \"a\" mode = 1;", "an @include is a line like: @include \"file\""},
        {"mode = @include \"a\"", "syntax error at or before: mode = @include \"a\""},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char text[256];
        char said[512];

        (void)snprintf(text, sizeof text, "protect = { };\n%s\n", rows[i].line);
        (void)snprintf(said, sizeof said, "nearmiss.conf:2: %s\n", rows[i].said);
        check_refused(text, said);
    }
}
END_TEST

START_TEST(test_include__that_goes_in_a_circle_ends)
{
    (void)kit_put("a.conf", "@include \"b.conf\"\n");
    (void)kit_put("b.conf", "@include \"a.conf\"\n");
    check_refused("@include \"a.conf\"\n",
        "b.conf:1: files include one another more than 8 deep\n");
}
END_TEST

START_TEST(test_include__not_in_a_comment_or_a_string)
{
    struct nm_config *config =
        kit_config("# x\n#@include \"none\"\n/*\n@include \"none\"\n*/\n"
                   "protect = { };\n"
                   "audit = { database = \"/\n@include \\\"none\\\"\n\"; };\n");

    nm_config_free(&config);
}
END_TEST

/* ---- files that are no configuration ------------------------------------- */

START_TEST(test_config__a_file_that_cannot_be_read_is_refused)
{
    struct nm_config *config = NULL;
    char path[KIT_PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/none.conf", kit_folder);
    ck_assert_int_eq(nm_config_load(path, &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_str_eq(kit_said(), "none.conf: cannot open: No such file or directory\n");
    nm_complaints_free(&kit_complaints);
    ck_assert_int_eq(
        nm_config_load("/nonexistent/x.conf", &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_str_eq(
        kit_said(), "/nonexistent/x.conf: cannot open: No such file or directory\n");
    nm_complaints_free(&kit_complaints);
    ck_assert_int_eq(
        nm_config_load(kit_folder, &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(kit_said(), " cannot read: Is a directory\n"));
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(test_config__a_nul_byte_is_refused)
{
    static const char text[] = "protect = { };\nmode = \"x\0y\";\n";
    struct nm_config *config = NULL;
    const char *path = kit_put_bytes("nearmiss.conf", text, sizeof text - 1);

    ck_assert_int_eq(nm_config_load(path, &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_str_eq(kit_said(), "nearmiss.conf:2: a NUL byte\n");
}
END_TEST

START_TEST(test_config__a_huge_file_is_refused)
{
    char *text = malloc(NM_CONFIG_BYTES_MAX + 2);
    struct nm_config *config = NULL;
    const char *path;

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', NM_CONFIG_BYTES_MAX + 1);
    path = kit_put_bytes("nearmiss.conf", text, NM_CONFIG_BYTES_MAX + 1);
    ck_assert_int_eq(nm_config_load(path, &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_str_eq(kit_said(),
        "nearmiss.conf: larger than 4194304 bytes, the most that is read\n");
    nm_complaints_free(&kit_complaints);
    path = kit_put_bytes("more.conf", text, NM_CONFIG_BYTES_MAX / 2);
    path = kit_put("nearmiss.conf",
        "@include \"more.conf\"\n@include \"more.conf\"\nprotect = { };\n");
    ck_assert_int_eq(nm_config_load(path, &config, &kit_complaints), NM_BAD_INPUT);
    ck_assert_str_eq(kit_said(), "more.conf: the configuration is larger than 4194304 "
                                 "bytes with all that it includes\n");
    free(text);
}
END_TEST

START_TEST(test_config__a_socket_path_is_measured_whole)
{
    char name[101];
    char text[256];
    struct nm_config *config = NULL;

    memset(name, 'x', 100);
    name[100] = '\0';
    (void)snprintf(text, sizeof text,
        "protect = { };\nmilter = { socket = \"unix:%s\"; };\n", name);
    ck_assert_int_eq(kit_load(text, &config), NM_BAD_INPUT);
    ck_assert_ptr_nonnull(
        strstr(kit_said(), " has a path of 122 bytes; a socket's has at most 107\n"));
}
END_TEST

/* ---- tables -------------------------------------------------------------- */

START_TEST(test_tables__a_file_takes_their_place)
{
    struct nm_config *config;
    struct nm_snapshot *snapshot;

    (void)kit_put("psl.dat", "com\nexample\nco.example\n");
    (void)kit_put("providers.txt", "only.example\n");
    config = kit_config("protect = { own = \"a.co.example\"; };\n"
                        "tables = { public_suffixes = \"psl.dat\";\n"
                        "           providers = \"providers.txt\"; };\n");
    ck_assert_str_eq(kit_said(), "");
    snapshot = build(&config);
    {
        const struct nm_names *names = nm_snapshot_values(snapshot)->names;
        struct nm_domain domain;

        ck_assert_int_eq(
            nm_domain_parse(names, "a.co.example", 12, &domain), NM_FAULT_NONE);
        ck_assert_uint_eq(nm_domain_split(names, &domain).suffix, 2);
        ck_assert_int_eq(nm_domain_parse(names, "a.co.uk", 7, &domain), NM_FAULT_NONE);
        ck_assert(!nm_domain_split(names, &domain).suffix_known);
    }
    check_match(snapshot, "only.example", NM_MATCH_KNOWN);
    check_match(snapshot, "gmail.com", NM_MATCH_NONE);
    nm_snapshot_release(&snapshot);
}
END_TEST

START_TEST(test_tables__wrong_ones_are_refused_when_loading)
{
    (void)kit_put("empty.txt", "");
    (void)kit_put("wrong.txt", "\nmil ml not-a-number and more\n");
    check_refused("protect = { own = \"a.example\"; };\ntables = { public_suffixes = "
                  "\"empty.txt\"; };\n",
        "empty.txt: holds no public suffix\n");
    ck_assert_int_eq(kit_load("protect = { own = \"a.example\"; };\ntables = { "
                              "suffix_slips = \"wrong.txt\"; };\n",
                         &(struct nm_config *){NULL}),
        NM_BAD_INPUT);
    ck_assert_int_eq(strncmp(kit_said(), "wrong.txt:2: ", 13), 0);
}
END_TEST

/* ---- popularity ---------------------------------------------------------- */

static double confidence_with_ranks(const char *lines)
{
    struct nm_config *config;
    struct nm_snapshot *snapshot;
    double confidence;

    (void)kit_put("ranks.csv", lines);
    config = kit_config(ranked);
    snapshot = build(&config);
    confidence = judge(snapshot, "apertue.example").confidence;
    nm_snapshot_release(&snapshot);
    return confidence;
}

/* A name that many people use is no slip of one that few do. */
START_TEST(test_popularity__a_ranked_name_is_less_of_a_slip)
{
    const double without = confidence_with_ranks("1,other.example\n");
    const double with = confidence_with_ranks("1,other.example\n"
                                              "20,Apertue.example.\r\n"
                                              "900,apertue.example\n"
                                              "90000,aperture.example");

    ck_assert_str_eq(kit_said(), "");
    ck_assert_double_gt(without, 0.5);
    ck_assert_double_lt(with, without / 2);
}
END_TEST

START_TEST(test_popularity__a_bad_line_is_left_out_with_a_warning)
{
    static const struct {
        const char *line;
        bool good;
    } rows[] = {{"1,a.example", true}, {"# a remark", true}, {"", true},
        {"rank,domain", false}, {"a.example", false}, {"a.example,1", false},
        {"0,a.example", false}, {"-1,a.example", false}, {"1.5,a.example", false},
        {"4294967295,a.example", true}, {"4294967296,a.example", false},
        {"1,a..example", false}, {"1,", false}, {",a.example", false}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char text[128];
        struct nm_config *config;

        (void)snprintf(text, sizeof text, "7,other.example\n%s\n", rows[i].line);
        (void)kit_put("ranks.csv", text);
        config = kit_config(ranked);
        ck_assert_msg(
            strcmp(kit_said(), rows[i].good ? ""
                                            : "ranks.csv:2: warning: the line "
                                              "is not of the form "
                                              "\"rank,domain\", and left "
                                              "out\n") == 0,
            "%s: %s", rows[i].line, kit_said());
        nm_config_free(&config);
        nm_complaints_free(&kit_complaints);
    }
    (void)kit_put("ranks.csv", "x\ny\n1,a.example\nz\n");
    {
        struct nm_config *config = kit_config(ranked);

        ck_assert_str_eq(kit_said(),
            "ranks.csv:1: warning: this line and 2 more are not "
            "of the form \"rank,domain\", and left out\n");
        nm_config_free(&config);
    }
}
END_TEST

/* ---- warnings ------------------------------------------------------------ */

START_TEST(test_config__warns_of_what_is_probably_not_meant)
{
    struct nm_config *config =
        kit_config("protect = {\n"
                   "  domains = [ \"a.example\", \"b.example\",\n"
                   "    \"A.example\" ];\n"
                   "  suffixes = [ \"mil\", \"army.mil\" ]; };\n"
                   "allow = { domains = [ \"b.example\" ]; };\n");

    ck_assert_str_eq(kit_said(),
        "nearmiss.conf:3: warning: \"a.example\" is listed a second time\n"
        "nearmiss.conf:4: warning: protect.suffixes: \"army.mil\" is no public suffix; "
        "a domain is protected by protect.domains\n"
        "nearmiss.conf:5: warning: \"b.example\" is both protected and allowed; "
        "allowed wins\n");
    ck_assert_uint_eq(kit_complaints.errors, 0);
    nm_config_free(&config);
}
END_TEST

static void check_warnings(const char *text, const char *expected)
{
    struct nm_config *config = kit_config(text);

    ck_assert_str_eq(kit_said(), expected);
    ck_assert_uint_eq(kit_complaints.errors, 0);
    nm_config_free(&config);
}

/* Who is told is known when the names are. */
static void check_reviewer(const char *reviewer, bool is_told, const char *expected)
{
    char text[512];
    struct nm_config *config;
    struct nm_snapshot *snapshot = NULL;

    (void)snprintf(text, sizeof text,
        "protect = { own = \"example.org\"; domains = \"army.mil\"; suffixes = "
        "\"mil\"; };\nnotice = { reviewer = \"%s\"; };\n",
        reviewer);
    config = kit_config(text);
    nm_complaints_free(&kit_complaints);
    ck_assert_int_eq(nm_config_build(config, NULL, &snapshot, &kit_complaints), NM_OK);
    ck_assert(nm_snapshot_values(snapshot)->notice_reviewer == is_told);
    ck_assert_str_eq(kit_said(), expected);
    nm_complaints_free(&kit_complaints);
    nm_snapshot_release(&snapshot);
    nm_config_free(&config);
}

START_TEST(test_config__a_reviewer_whose_address_is_a_slip_is_not_told)
{
    check_reviewer("", false, "");
    check_reviewer("rev@example.org", true, "");
    check_reviewer("rev@elsewhere.example", true, "");
    check_reviewer("rev@army.ml", false,
        "nearmiss.conf:2: warning: notice.reviewer: \"rev@army.ml\" looks like a slip "
        "for army.mil, so it is not told\n");
    check_reviewer("rev@a..b", false,
        "nearmiss.conf:2: warning: notice.reviewer: \"rev@a..b\" is no address, so "
        "nobody is told\n");
}
END_TEST

START_TEST(test_config__warns_where_no_sender_is_known_as_ones_own)
{
    static const char *const fine[] = {
        "protect = { own = \"example.org\"; };\n",
        "protect = { domains = \"a.example\"; };\n"
        "outbound = { authenticated = true; };\n",
        "protect = { domains = \"a.example\"; };\n"
        "outbound = { networks = [ \"192.0.2.0/24\" ]; };\n",
    };

    for (size_t i = 0; i < NM_COUNT(fine); i++) {
        char text[512];

        (void)snprintf(text, sizeof text, "%snotice = { sender = true; };\n", fine[i]);
        check_warnings(text, "");
    }
    check_warnings("protect = { domains = \"a.example\"; };\n"
                   "notice = { sender = true; };\n",
        "nearmiss.conf:2: warning: notice.sender: only who has logged in is told, as "
        "neither protect.own nor outbound says whose mail this is\n");
}
END_TEST

START_TEST(test_config__warns_of_a_suffix_among_the_domains)
{
    check_warnings("protect = {\n"
                   "  own = [ \"com\", \"github.io\" ];\n"
                   "  domains = [ \"co.uk\",\n"
                   "    \"intranet\", \"a.co.uk\" ];\n"
                   "};\n"
                   "allow = { domains = [ \"ml\" ]; };\n",
        "nearmiss.conf:2: warning: protect.own: \"com\" is a public suffix; no name "
        "below it is a near miss now; to catch slips of the suffix, name it in "
        "protect.suffixes\n"
        "nearmiss.conf:3: warning: protect.domains: \"co.uk\" is a public suffix; no "
        "name below it is a near miss now; to catch slips of the suffix, name it in "
        "protect.suffixes\n");
}
END_TEST

START_TEST(test_config__warns_of_rules_that_never_decide)
{
    static const char protect[] = "protect = { own = \"a.example\"; };\n";
    static const struct {
        const char *rules;
        const char *hidden; /* and the rule that hides it; NULL: none */
    } rows[] = {
        {"{ name = \"a\"; confidence = 0.5; }, { name = \"b\"; confidence = 0.9; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; confidence = 0.9; }, { name = \"b\"; confidence = 0.5; }",
            NULL},
        {"{ name = \"a\"; confidence = 0.1; }, { name = \"b\"; confidence = 0.2; }",
            "\"b\" never decides: rule \"a\""},
        /* No near miss is below the threshold. */
        {"{ name = \"a\"; confidence = 0.4; }, { name = \"b\"; confidence = 0.2; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; confidence = 0.5; }, { name = \"b\"; technique = \"dot\"; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; confidence = 0.6; }, { name = \"b\"; technique = \"dot\"; }",
            NULL},
        {"{ name = \"a\"; confidence = 0.5; }, { name = \"b\"; domain = \"*.ml\"; }",
            NULL},
        {"{ name = \"a\"; }, { name = \"b\"; domain = \"*.ml\"; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; sender = \"x@*\"; }, { name = \"b\"; confidence = 0.9; }",
            NULL},
        {"{ name = \"a\"; client = \"192.0.2.1\"; }, { name = \"b\"; }", NULL},
        {"{ name = \"a\"; authenticated = true; }, { name = \"b\"; }", NULL},
        {"{ name = \"a\"; near_misses = 2; }, { name = \"b\"; }", NULL},
        {"{ name = \"a\"; near_misses = 2; }, { name = \"b\"; near_misses = 3; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; sender = [ \"x@*\", \"y@*\" ]; }, { name = \"b\"; sender = "
         "\"Y@*\"; confidence = 0.9; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; sender = \"x@*\"; }, { name = \"b\"; sender = [ \"x@*\", "
         "\"y@*\" ]; }",
            NULL},
        {"{ name = \"a\"; client = \"192.0.2.0/24\"; }, { name = \"b\"; client = "
         "\"192.0.2.7\"; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; client = \"192.0.2.7\"; }, { name = \"b\"; client = "
         "\"192.0.2.0/24\"; }",
            NULL},
        {"{ name = \"a\"; technique = [ \"dot\", \"suffix\" ]; }, { name = \"b\"; "
         "technique = \"dot\"; }",
            "\"b\" never decides: rule \"a\""},
        {"{ name = \"a\"; technique = \"dot\"; }, { name = \"b\"; confidence = 0.9; }",
            NULL},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char text[1024];
        char expected[256] = "";
        char *at = text;

        at += sprintf(at, "%srules = ( ", protect);
        for (const char *from = rows[i].rules; *from != '\0'; from++)
            at += sprintf(at, *from == '}' ? "action = \"tag\"; %c" : "%c", *from);
        (void)sprintf(at, " );\n");
        if (rows[i].hidden != NULL)
            (void)snprintf(expected, sizeof expected,
                "nearmiss.conf:2: warning: rule %s stands before it and fits the same "
                "mail\n",
                rows[i].hidden);
        check_warnings(text, expected);
    }
}
END_TEST

START_TEST(test_config__warns_of_rules_that_fit_no_mail)
{
    /* One with exceptions hides nothing. */
    check_warnings("protect = { own = \"a.example\"; };\n"
                   "rules = ( { name = \"a\"; unless = { authenticated = true; };\n"
                   "  action = \"tag\"; }, { name = \"b\"; action = \"tag\"; } );\n",
        "");
    check_warnings(
        "protect = { own = \"a.example\"; };\n"
        "outbound = { networks = [ \"192.0.2.0/25\" ]; };\n"
        "rules = ( { name = \"a\"; client = \"192.0.2.0/24\"; action = "
        "\"tag\"; },\n"
        "  { name = \"b\"; client = \"198.51.100.0/24\"; action = \"tag\"; },\n"
        "  { name = \"c\"; auth = \"joe\"; authenticated = false;\n"
        "    action = \"tag\"; } );\n",
        "nearmiss.conf:4: warning: rule \"b\" never decides: by \"outbound\" no mail "
        "from "
        "its clients is judged\n"
        "nearmiss.conf:5: warning: rule \"c\" never decides: it asks for a user and "
        "for a "
        "client that has not logged in\n");
    check_warnings(
        "protect = { own = \"a.example\"; };\n"
        "outbound = { authenticated = true; };\n"
        "rules = ( { name = \"a\"; authenticated = false; action = \"tag\"; } "
        ");\n",
        "nearmiss.conf:3: warning: rule \"a\" never decides: by \"outbound\" only mail "
        "of "
        "clients that have logged in is judged\n");
}
END_TEST

START_TEST(test_config__warns_where_nobody_can_confirm)
{
    check_warnings("protect = { own = \"a.example\"; };\n"
                   "confirm = { min_s = 5; };\n"
                   "rules = (\n"
                   "  { name = \"a\"; sender = \"<>\"; action = \"confirm\"; },\n"
                   "  { name = \"b\"; action = \"confirm\"; } );\n",
        "nearmiss.conf:4: warning: rule \"a\": action: the null sender is never asked "
        "to confirm: write \"reject\", which it gets\n");
}
END_TEST

START_TEST(test_config__warns_of_a_code_in_a_reply)
{
    check_warnings("protect = { own = \"a.example\"; };\n"
                   "rules = ( { name = \"a\"; domain = \"*.ml\"; action = \"reject\";\n"
                   "            reply = \"550 5.7.1 No.\"; },\n"
                   "          { name = \"b\"; domain = \"*.ga\"; action = \"reject\";\n"
                   "            reply = \"5550100 is our number\"; } );\n",
        "nearmiss.conf:2: warning: rule \"a\": reply: leave out the code 550; the "
        "action "
        "puts its own before the text\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("load");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, kit_open, kit_close);
    tcase_add_test(cases, test_config__the_contract_loads_and_builds);
    tcase_add_test(cases, test_config__what_is_left_out_has_its_default);
    tcase_add_test(cases, test_config__every_key_reaches_its_place);
    tcase_add_test(cases, test_config__rules_carry_their_conditions);
    tcase_add_test(cases, test_config__lists_of_patterns_stand_in_files);
    tcase_add_test(cases, test_config__complains_of_lines_in_files_of_patterns);
    tcase_add_test(cases, test_config__the_shipped_file_refuses_army_ml);
    tcase_add_test(cases, test_config__defaults_print_as_people_read_them);
    tcase_add_test(cases, test_config__defaults_load_again_and_change_nothing);
    tcase_add_test(cases, test_config__values_in_force_load_again);
    tcase_add_test(cases, test_config__values_in_force_say_where_they_are_from);
    tcase_add_test(cases, test_config__the_manual_has_every_option);
    tcase_add_test(cases, test_config__printing_tells_of_a_full_disk);
    tcase_add_test(cases, test_config__the_hash_covers_all_that_was_read);
    tcase_add_test(cases, test_config__the_hash_is_blake2b_with_lengths);
    tcase_add_test(cases, test_include__stands_in_for_its_text);
    tcase_add_test(
        cases, test_include__complaints_name_the_file_and_line_they_are_about);
    tcase_add_test(cases, test_include__of_what_cannot_be_read_is_refused);
    tcase_add_test(cases, test_include__that_goes_in_a_circle_ends);
    tcase_add_test(cases, test_include__not_in_a_comment_or_a_string);
    tcase_add_test(cases, test_config__a_file_that_cannot_be_read_is_refused);
    tcase_add_test(cases, test_config__a_nul_byte_is_refused);
    tcase_add_test(cases, test_config__a_huge_file_is_refused);
    tcase_add_test(cases, test_config__a_socket_path_is_measured_whole);
    tcase_add_test(cases, test_tables__a_file_takes_their_place);
    tcase_add_test(cases, test_tables__wrong_ones_are_refused_when_loading);
    tcase_add_test(cases, test_popularity__a_ranked_name_is_less_of_a_slip);
    tcase_add_test(cases, test_popularity__a_bad_line_is_left_out_with_a_warning);
    tcase_add_test(cases, test_config__warns_of_what_is_probably_not_meant);
    tcase_add_test(cases, test_config__a_reviewer_whose_address_is_a_slip_is_not_told);
    tcase_add_test(cases, test_config__warns_where_no_sender_is_known_as_ones_own);
    tcase_add_test(cases, test_config__warns_of_a_suffix_among_the_domains);
    tcase_add_test(cases, test_config__warns_of_rules_that_never_decide);
    tcase_add_test(cases, test_config__warns_of_rules_that_fit_no_mail);
    tcase_add_test(cases, test_config__warns_where_nobody_can_confirm);
    tcase_add_test(cases, test_config__warns_of_a_code_in_a_reply);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
