/* What a wrong configuration is told: every complaint, in full. */
#include "config_kit.h"

#include "complaint.h"

#include <sys/resource.h>
#include <sys/stat.h>

static void check_complaints(const char *text, const char *expected)
{
    struct nm_config *config = NULL;
    const enum nm_code code = kit_load(text, &config);
    const char *said = kit_said();

    expected = kit_expand(expected);
    ck_assert_msg(code == NM_BAD_INPUT, "not refused: %s", text);
    ck_assert_ptr_null(config);
    ck_assert_uint_ge(kit_complaints.errors, 1);
    ck_assert_msg(strcmp(said, expected) == 0, "of\n%s\nis said\n%snot\n%s", text, said,
        expected);
}

/* `row` with a right `protect` behind it, on its own line. */
static void check_row(const char *row, const char *expected)
{
    char text[4096];
    char file[4096];

    (void)snprintf(text, sizeof text, "%s\nprotect = { own = \"a.example\"; };\n", row);
    (void)snprintf(file, sizeof file, "nearmiss.conf:1: %s\n", expected);
    check_complaints(text, file);
}

START_TEST(test_config__says_what_is_wrong_with_one_value)
{
    static const struct {
        const char *row;
        const char *said;
    } rows[] = {
        /* keys */
        {"protct = { };", "unknown key \"protct\"; did you mean \"protect\"?"},
        {"audit = { wait_s = 1; };",
            "unknown key \"audit.wait_s\"; did you mean \"audit.wait_ms\"?"},
        {"threshold = 0.5;",
            "unknown key \"threshold\"; did you mean \"match.threshold\"?"},
        {"xyzzy = 1;", "unknown key \"xyzzy\""},
        {"audit = { audit = { }; };",
            "unknown key \"audit.audit\"; did you mean \"audit\"?"},
        {"history = { learn = 1; };",
            "history.learn: expects true or false, not the number 1"},
        {"confirm = { min_s = 60; window_s = 60; };",
            "confirm.min_s: 60 is not less than confirm.window_s, 60: nothing could be "
            "confirmed"},
        {"confirm = 5;", "confirm: expects a group, { ... }, not the number 5"},
        {"confirm = { mode = \"cod\"; };",
            "confirm.mode: \"cod\" is none of \"resend\", \"code\"; did you mean "
            "\"code\"?"},
        {"quarantine = { release = \"smtp:127.0.0.1\"; };",
            "quarantine.release: \"smtp:127.0.0.1\" is none of \"sendmail\", "
            "\"sendmail:/path\" and \"smtp:host:port\""},
        {"quarantine = { release = \"smtp:localhost:smtp\"; };",
            "quarantine.release: \"smtp:localhost:smtp\" has no port behind its last "
            "colon"},
        {"local_submission = \"reject\";",
            "local_submission: \"reject\" is none of \"accept\", \"tag\", "
            "\"quarantine\", \"hold\""},
        {"notice = { route = \"sendmail\"; };",
            "notice.route: \"sendmail\" is no route; write \"smtp:127.0.0.1:25\""},
        {"notice = { reviewer = \"a\\r\\nBcc: b@army.ml\"; };",
            "notice.reviewer: \"a\\x0d\\x0aBcc: b@army.ml\" is no address; write "
            "\"postmaster@example.org\""},
        {"notice = { from = \"<a@b.example>\"; };",
            "notice.from: \"<a@b.example>\" is no address; write "
            "\"postmaster@example.org\""},
        {"notice = { reviewer = \"a@b@c.example\"; };",
            "notice.reviewer: \"a@b@c.example\" is no address; write "
            "\"postmaster@example.org\""},
        {"notice = { per_hour = 0; };",
            "notice.per_hour: 0 is out of range; it goes from 1 to 10000 an hour"},
        {"notice = { template = \"none.txt\"; };",
            "notice.template: \"none.txt\": cannot open: No such file or directory"},
        {"notice = { template = \"wrong.txt\"; };",
            "notice.template: \"wrong.txt\" has the unknown %{who}; there are "
            "%{domain} "
            "%{target} %{slip} %{ref} %{rule} %{sender} %{recipient} %{recipients} "
            "%{subject} %{what} %{command} %{contact}, and %% for a percent sign"},
        {"notice = { reviewer_template = \"empty.csv\"; };",
            "notice.reviewer_template: \"empty.csv\" must have 1 to 8192 bytes"},
        {"notice = { reviewer_template = \"nul.txt\"; };",
            "notice.reviewer_template: \"nul.txt\" has a NUL byte"},
        {"contact = \"a\\nb\";",
            "contact: \"a\\x0ab\" must have at most 100 bytes of UTF-8, and no control "
            "characters"},

        /* types */
        {"mode = 1;", "mode: expects a string, not the number 1"},
        {"mode = [ \"enforce\" ];", "mode: expects a string, not a list"},
        {"audit = 7;", "audit: expects a group, { ... }, not the number 7"},
        {"audit = { wait_ms = \"5000\"; };",
            "audit.wait_ms: expects a whole number, not the string \"5000\""},
        {"audit = { wait_ms = 5000.5; };",
            "audit.wait_ms: expects a whole number, not the number 5000.5"},
        {"audit = { database = { }; };",
            "audit.database: expects a string, not a group"},
        {"outbound = { authenticated = 1; };",
            "outbound.authenticated: expects true or false, not the number 1"},
        {"outbound = { authenticated = \"yes\"; };",
            "outbound.authenticated: expects true or false, not the string \"yes\""},
        {"outbound = { networks = 5; };",
            "outbound.networks: expects a list of strings, not the number 5"},
        {"outbound = { networks = [ 5 ]; };",
            "outbound.networks: expects strings, not the number 5"},
        {"match = { threshold = true; };",
            "match.threshold: expects a number, not true"},
        {"rules = { };", "rules: expects a list of groups, ( { ... }, { ... } )"},

        /* bounds */
        {"audit = { wait_ms = 99; };",
            "audit.wait_ms: 99 is out of range; it goes from 100 to 60000 ms"},
        {"audit = { wait_ms = 60001; };",
            "audit.wait_ms: 60001 is out of range; it goes from 100 to 60000 ms"},
        {"audit = { wait_ms = 4294967396; };",
            "4294967396 does not fit 32 bits; such a number ends in L"},
        {"audit = { wait_ms = -2147483649; };",
            "2147483649 does not fit 32 bits; such a number ends in L"},
        {"audit = { wait_ms = -2147483648; };",
            "audit.wait_ms: -2147483648 is out of range; it goes from 100 to 60000 ms"},
        {"audit = { wait_ms = 99999999999999999999L; };",
            "audit.wait_ms: 9223372036854775807 is out of range; it goes from 100 to "
            "60000 ms"},
        {"audit = { wait_ms = 4294967396L; };",
            "audit.wait_ms: 4294967396 is out of range; it goes from 100 to 60000 ms"},
        {"audit = { wait_ms = 0x100001388; };",
            "0x100001388 does not fit 32 bits; such a number ends in L"},
        {"match = { threshold = 1.42946967396e0; };",
            "match.threshold: 1.42947 is out of range; it goes from 0 to 1"},
        {"max_refusals = -1;",
            "max_refusals: -1 is out of range; it goes from 0 to 20 a session"},
        {"match = { threshold = 1.01; };",
            "match.threshold: 1.01 is out of range; it goes from 0 to 1"},
        {"match = { threshold = 1e999; };",
            "match.threshold: inf is out of range; it goes from 0 to 1"},
        {"match = { threshold = 2; };",
            "match.threshold: 2 is out of range; it goes from 0 to 1"},

        /* names */
        {"mode = \"enforced\";", "mode: \"enforced\" is none of \"enforce\", "
                                 "\"observe\"; did you mean \"enforce\"?"},
        {"partial = \"all\";",
            "partial: \"all\" is none of \"recipient\", \"message\""},
        {"audit = { on_failure = \"reject\"; };",
            "audit.on_failure: \"reject\" is none of \"accept\", \"defer\""},
        {"log = { level = \"warn\"; };",
            "log.level: \"warn\" is none of \"error\", \"warning\", \"notice\", "
            "\"info\", \"debug\""},
        {"log = { target = \"sysklog\"; };",
            "log.target: \"sysklog\" is none of \"stderr\", \"syslog\"; did you mean "
            "\"syslog\"?"},

        /* sockets and the like */
        {"milter = { socket = \"/run/x\"; };",
            "milter.socket: \"/run/x\" is no socket; write \"unix:/path\", "
            "\"inet:port@host\", \"inet6:port@host\" or \"fd:number\""},
        {"milter = { socket = \"unix:\"; };", "milter.socket: \"unix:\" names no path"},
        {"milter = { socket = \"inet:8893\"; };",
            "milter.socket: \"inet:8893\" names no host; write "
            "\"inet:8893@127.0.0.1\""},
        {"milter = { socket = \"inet:0@localhost\"; };",
            "milter.socket: \"inet:0@localhost\" has no port from 1 to 65535; write "
            "\"inet:8893@127.0.0.1\""},
        {"milter = { socket = \"inet6:65536@::1\"; };",
            "milter.socket: \"inet6:65536@::1\" has no port from 1 to 65535; write "
            "\"inet:8893@127.0.0.1\""},
        {"milter = { socket = \"inet:8893@a b\"; };",
            "milter.socket: \"inet:8893@a b\" names no host that there can be"},
        {"milter = { socket = \"fd:x\"; };",
            "milter.socket: \"fd:x\" has no descriptor's number from 0 to 1023"},
        {"control = { socket = \"inet:1@h\"; };",
            "control.socket: \"inet:1@h\" is no unix socket; write \"unix:/path\""},
        {"milter = { socket_mode = 660; };",
            "milter.socket_mode: expects a string, not the number 660"},
        {"milter = { socket_mode = \"0690\"; };",
            "milter.socket_mode: \"0690\" is no mode; write three octal digits, as "
            "\"0660\""},
        {"milter = { socket_mode = \"1777\"; };",
            "milter.socket_mode: \"1777\" is no mode; write three octal digits, as "
            "\"0660\""},
        {"milter = { socket_group = \"a b\"; };",
            "milter.socket_group: \"a b\" is no account's name"},
        {"user = \"123456789012345678901234567890123\";",
            "user: \"123456789012345678901234567890123\" is longer than the 32 bytes "
            "of an account's name"},
        {"user = \"a\\x0ab\";", "user: \"a\\x0ab\" is no account's name"},
        {"gateway = \"m\xc3\xbcll\";", "gateway: \"m\xc3\xbcll\" holds something else "
                                       "than letters, digits and signs"},
        {"audit = { database = \"\"; };", "audit.database: \"\" names nothing"},
        {"outbound = { networks = \"192.0.2.1/24\"; };",
            "outbound.networks: \"192.0.2.1/24\" has bits behind its prefix; did you "
            "mean \"192.0.2.0/24\"?"},
        {"outbound = { networks = \"2001:db8::1/33\"; };",
            "outbound.networks: \"2001:db8::1/33\" has bits behind its prefix; did you "
            "mean \"2001:db8::/33\"?"},
        {"outbound = { networks = \"192.0.2.0/33\"; };",
            "outbound.networks: \"192.0.2.0/33\" is no network; write "
            "\"192.0.2.0/24\" or \"2001:db8::/32\""},

        /* domains */
        {"allow = { domains = \"a..b\"; };", "allow.domains: \"a..b\": {DOMAIN}"},
        {"allow = { domains = \"\"; };", "allow.domains: \"\": {EMPTY}"},
        {"allow = { domains = \"xn--99999999.example\"; };",
            "allow.domains: \"xn--99999999.example\": {IDNA}"},
        {"match = { keyboards = [ \"klingon\" ]; };",
            "match.keyboards: no keyboard is named klingon; there are us, uk, de, fr, "
            "es, it, "
            "nordic"},

        /* files */
        {"tables = { glyphs = \"none.txt\"; };",
            "tables.glyphs: \"none.txt\": cannot open: No such file or directory"},
        {"popularity = { file = \"none.csv\"; };",
            "popularity.file: \"none.csv\": cannot open: No such file or directory"},
        {"popularity = { file = \"/dev/null\"; };",
            "popularity.file: \"/dev/null\": cannot read: it is a pipe, a device or a "
            "socket, not a regular file"},
        {"popularity = { file = \"empty.csv\"; };",
            "popularity.file: \"empty.csv\": holds no line of the form "
            "\"rank,domain\""},
        {"allow = { files = \"none.txt\"; };",
            "allow.files: \"none.txt\": cannot open: No such file or directory"},
        {"allow = { files = \"/\"; };",
            "allow.files: \"/\": cannot read: Is a directory"},

        /* rules */
        {"rules = ( 5 );", "rule 1: expects { ... }"},
        {"rules = ( { } );", "rule 1: has no action"},
        {"rules = ( { name = \"a\"; } );", "rule \"a\": has no action"},
        {"rules = ( { action = \"accpet\"; } );",
            "rule 1: action: \"accpet\" is none of \"accept\", \"tag\", \"reject\", "
            "\"defer\", \"confirm\", \"quarantine\", \"hold\"; did you mean "
            "\"accept\"?"},
        {"rules = ( { action = \"tag\"; confidance = 1; } );",
            "rule 1: unknown key \"confidance\"; did you mean \"confidence\"?"},
        {"rules = ( { action = \"tag\"; confidence = 99; } );",
            "rule 1: confidence: 99 is out of range; it goes from 0 to 1"},
        {"rules = ( { action = \"tag\"; technique = \"sufix\"; } );",
            "rule 1: technique: \"sufix\" is none of \"omission\", \"insertion\", "
            "\"doubling\", \"transposition\", \"key\", \"substitution\", \"suffix\", "
            "\"dot\", \"hyphen\", \"glyph\", \"embedded\", \"several\"; did you mean "
            "\"suffix\"?"},
        {"rules = ( { action = \"tag\"; technique = \"none\"; } );",
            "rule 1: technique: \"none\" is none of \"omission\", \"insertion\", "
            "\"doubling\", \"transposition\", \"key\", \"substitution\", \"suffix\", "
            "\"dot\", \"hyphen\", \"glyph\", \"embedded\", \"several\""},
        {"rules = ( { action = \"tag\"; target = []; } );",
            "rule 1: target: the list is empty; leave the key out to ask nothing"},
        {"rules = ( { action = \"tag\"; client = \"10\"; } );",
            "rule 1: client: \"10\" is no network; write \"192.0.2.0/24\" or "
            "\"2001:db8::/32\""},
        {"rules = ( { name = \"r\"; action = \"reject\"; reply = \"%{who}\"; } );",
            "rule \"r\": reply: \"%{who}\" has the unknown %{who}; there are %{domain} "
            "%{target} %{slip} %{ref} %{rule} %{sender} %{confirm} %{contact}, and %% "
            "for a "
            "percent "
            "sign"},
        {"rules = ( { name = \"r\"; action = \"reject\"; reply = \"100% no\"; } );",
            "rule \"r\": reply: \"100% no\" has a % that begins nothing known; there "
            "are %{domain} %{target} %{slip} %{ref} %{rule} %{sender} %{confirm} "
            "%{contact}, and "
            "%% "
            "for a percent sign"},
        {"rules = ( { name = \"r\"; action = \"reject\"; recipient = "
         "\"<bob@army.ml>\"; } );",
            "rule \"r\": recipient: \"<bob@army.ml>\" must stand without angle "
            "brackets"},
        {"rules = ( { name = \"r\"; action = \"reject\"; sender = \"@\"; } );",
            "rule \"r\": sender: \"@\" must not be empty"},
        {"rules = ( { name = \"\\x1b\\t\\\\\"; action = \"reject\"; } );",
            "rule \"\\x1b\\x09\\\\\": name: \"\\x1b\\x09\\\\\" is no name; it has at "
            "most 64 bytes of UTF-8 and no control characters"},
        {"rules = ( { name = \"r\"; action = \"reject\"; domain = \"a@b\"; } );",
            "rule \"r\": domain: \"a@b\" must be a domain, without @"},
        {"rules = ( { name = \"r\"; action = \"tag\"; }, { name = \"r\"; action = "
         "\"tag\"; } );",
            "rule 2: rule 1 has the name \"r\" too"},
    };

    (void)kit_put("empty.csv", "");
    (void)kit_put("wrong.txt", "Subject: x\n\nHello %{who}\n");
    (void)kit_put_bytes("nul.txt", "a\0b", 3);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        check_row(rows[i].row, rows[i].said);
    }
}
END_TEST

/* Nobody writes to it: who opens it as it stands waits for ever. */
START_TEST(test_config__a_pipe_is_no_list_and_nothing_waits_for_it)
{
    static const struct {
        const char *row;
        const char *key;
    } rows[] = {
        {"allow = { files = \"list\"; };", "allow.files"},
        {"protect = { own = \"a.example\"; files = \"list\"; };", "protect.files"},
        {"popularity = { file = \"list\"; };", "popularity.file"},
        {"tables = { glyphs = \"list\"; };", "tables.glyphs"},
        {"rules = ( { action = \"tag\"; domain = \"file:list\"; } );",
            "rule \"rule-1\": domain"},
    };
    const char *pipe = kit_put("list", "");

    ck_assert_int_eq(unlink(pipe), 0);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char text[512];
        char said[512];

        (void)snprintf(text, sizeof text, "%s%s\n", rows[i].row,
            strstr(rows[i].row, "own") != NULL
                ? ""
                : " protect = { own = \"a.example\"; };");
        (void)snprintf(said, sizeof said,
            "nearmiss.conf:1: %s: \"list\": cannot read: it is a pipe, a device or a "
            "socket, not a regular file\n",
            rows[i].key);
        check_complaints(text, said);
    }
}
END_TEST

START_TEST(test_config__says_all_that_is_wrong_in_order)
{
    (void)kit_put("good.txt", "a.example\n");
    (void)kit_put("bad.txt", "fine.example\nb..example\nc.example x\n");
    (void)kit_put("worse.txt", "a b c\n");
    check_complaints("mode = 5;\n"
                     "allow = {\n"
                     "  files = [ \"worse.txt\",\n"
                     "            \"none.txt\" ];\n"
                     "};\n"
                     "protect = {\n"
                     "  own = [ \"a..b\",\n"
                     "    \"fine.example\",\n"
                     "    \"c d\"\n"
                     "  ];\n"
                     "  files = [ \"good.txt\", \"bad.txt\" ];\n"
                     "  sufixes = [ ];\n"
                     "};\n"
                     "rules = (\n"
                     "  { name = \"one\"; action = \"reject\"; },\n"
                     "  { name = \"two\"; action = \"hold\";\n"
                     "    confidence = 2; },\n"
                     "  { name = \"one\"; }\n"
                     ");\n"
                     "max_refusals = 21;\n",
        "nearmiss.conf:1: mode: expects a string, not the number 5\n"
        "nearmiss.conf:4: allow.files: \"none.txt\": cannot open: No such file or "
        "directory\n"
        "nearmiss.conf:7: protect.own: \"a..b\": {DOMAIN}\n"
        "nearmiss.conf:9: protect.own: \"c d\": {DOMAIN}\n"
        "nearmiss.conf:12: unknown key \"protect.sufixes\"; did you mean "
        "\"protect.suffixes\"?\n"
        "nearmiss.conf:17: rule \"two\": confidence: 2 is out of range; it goes from 0 "
        "to 1\n"
        "nearmiss.conf:18: rule \"one\": has no action\n"
        "nearmiss.conf:18: rule 3: rule 1 has the name \"one\" too\n"
        "nearmiss.conf:20: max_refusals: 21 is out of range; it goes from 0 to 20 a "
        "session\n"
        "bad.txt:2: \"b..example\": {DOMAIN}\n"
        "bad.txt:3: \"x\" is no weight; it is a number above 0, at most 1e9\n"
        "worse.txt:1: \"c\" is too much; a line has one domain, and a weight if need "
        "be\n");
}
END_TEST

START_TEST(test_config__has_caps)
{
    enum { RULE_BYTES = 18 };
    static const char head[] = "protect = { own = \"a.example\"; };\nrules = (\n";
    char *text = malloc(sizeof head + 1001 * RULE_BYTES + 16);
    char *at = text;

    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "%s", head);
    for (int i = 0; i < 1001; i++)
        at += sprintf(at, "%s{action=\"tag\";}", i > 0 ? "," : "");
    (void)sprintf(at, ");\n");
    check_complaints(
        text, "nearmiss.conf:2: rules: 1001 are more than the 1000 there may be\n");
    free(text);

    (void)kit_put("empty.conf", "\n");
    text = malloc(64 * 32);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < 64; i++)
        memcpy(text + 22 * i, "@include \"empty.conf\"\n", 22);
    text[22 * 64] = '\0';
    check_complaints(text, "empty.conf: more than 63 files are included\n");
    free(text);
}
END_TEST

/* With so few descriptors left that something in the way to the child fails. */
static void check_without_descriptors(int left, const char *expected)
{
    const char *path = kit_put("nearmiss.conf", "protect = { };\n");
    struct nm_config *config = NULL;
    struct rlimit before;
    struct rlimit few;
    const int first = dup(0);
    enum nm_code code;

    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(close(first), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)(first + left);
    nm_complaints_free(&kit_complaints);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    code = nm_config_load(path, &config, &kit_complaints);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(code, NM_BAD_INPUT);
    ck_assert_ptr_null(config);
    ck_assert_str_eq(kit_said(), expected);
}

START_TEST(test_config__says_what_became_of_the_child)
{
    check_without_descriptors(0, "nearmiss.conf: cannot open: Too many open files\n");
    check_without_descriptors(1,
        "nearmiss.conf: not read, as there is no process to try "
        "it in first: no pipe: Too many open files\n");
    check_without_descriptors(2,
        "nearmiss.conf: not read, as the process that tried it "
        "first ended with status 2, perhaps out of memory\n");
}
END_TEST

START_TEST(test_config__wants_something_to_protect)
{
    check_complaints("", "nearmiss.conf: protect is missing: it names the domains that "
                         "people here write to\n");
    check_complaints("mode = \"observe\";\n",
        "nearmiss.conf: protect is missing: it names the "
        "domains that people here write to\n");
    check_complaints("\nprotect = { providers = false; };\n",
        "nearmiss.conf:2: protect names nothing, so nothing can be near it\n");
}
END_TEST

START_TEST(test_config__says_the_first_error_of_syntax)
{
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"mode = ;\n", "1: syntax error at or before: mode = ;"},
        {"\n\nmode \"x\";\n", "3: syntax error at or before: mode \"x\";"},
        {"protect = {\n  own = [];\n",
            "3: syntax error, on this line or before (is a bracket still open?)"},
        {"mode = \"observe\";\nmode = \"enforce\";\n",
            "2: a key is set a second time at or before: mode = \"enforce\";"},
        {"protect = { own = [ 1, \"a\" ]; };\n",
            "1: what stands in brackets is not all of one kind at or before: protect = "
            "{ "
            "own = [ 1, \"a\" ]; };"},
        {"mode = observe;\n", "1: syntax error at or before: mode = observe; (text "
                              "stands in double quotes)"},
        {"a = true b;\n", "1: syntax error at or before: a = true b;"},
        {"rules = [\n  { action = \"tag\"; } ];\n",
            "2: syntax error at or before: { action = \"tag\"; } ];"},
        {"rules = [ { action = \"tag\"; } ];\n",
            "1: syntax error at or before: rules = [ { action = \"tag\"; } ]; (groups "
            "stand in parentheses: ( { ... }, { ... } ))"},
        {"mode = \"observe\n\n\n", "1: the string that begins here does not end"},
        {"\n/* x\n", "2: the comment that begins here does not end"},
        {"protect = { own = [ \"a.example\"\n \"b.example\" ]; };\n",
            "2: a comma is missing before this string"},
        {"protect = { own = [ \"a.example\",\n ]; };\n",
            "2: nothing follows the comma before this bracket"},
        {"protect = { own = \"a\\x00b\"; };\n", "1: \\x00 cannot stand in a string"},
        {"a=(((((((((((((((((\n", "1: brackets are nested more than 16 deep"},
    };

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        char said[512];

        (void)snprintf(said, sizeof said, "nearmiss.conf:%s\n", rows[i].said);
        check_complaints(rows[i].text, said);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("complaints");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, kit_open, kit_close);
    tcase_add_test(cases, test_config__says_what_is_wrong_with_one_value);
    tcase_add_test(cases, test_config__a_pipe_is_no_list_and_nothing_waits_for_it);
    tcase_add_test(cases, test_config__says_all_that_is_wrong_in_order);
    tcase_add_test(cases, test_config__has_caps);
    tcase_add_test(cases, test_config__says_what_became_of_the_child);
    tcase_add_test(cases, test_config__wants_something_to_protect);
    tcase_add_test(cases, test_config__says_the_first_error_of_syntax);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
