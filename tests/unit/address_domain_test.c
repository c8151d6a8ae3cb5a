#include <nearmiss/address.h>

#include <check.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nm_names *names;

static void set_up(void)
{
    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
}

static void tear_down(void)
{
    nm_names_free(&names);
}

static struct nm_domain domain_of(const char *text)
{
    struct nm_domain domain;
    const enum nm_address_fault fault =
        nm_domain_parse(names, text, strlen(text), &domain);

    ck_assert_msg(fault == NM_FAULT_NONE, "%s: %s", text, nm_address_fault_text(fault));
    return domain;
}

static void check_shown(const struct nm_domain *domain, const char *expected)
{
    char memory[NM_DOMAIN_UTF8_MAX + 1];
    struct nm_buf shown;

    nm_buf_init(&shown, memory, sizeof memory);
    nm_domain_to_unicode(names, domain, &shown);
    ck_assert_str_eq(memory, expected);
    ck_assert(!shown.truncated);
}

/* ---- one form ----------------------------------------------------------- */

static const struct {
    const char *text;
    const char *name;    /* in A-labels */
    const char *unicode; /* as shown */
} forms[] = {
    {"Army.MIL", "army.mil", "army.mil"},
    {"army.mil.", "army.mil", "army.mil"},
    {"localhost", "localhost", "localhost"},
    {"_dmarc.a-.-b.r3---x.example", "_dmarc.a-.-b.r3---x.example",
        "_dmarc.a-.-b.r3---x.example"},
    {"B\xc3\x9c"
     "CHER.example",
        "xn--bcher-kva.example",
        "b\xc3\xbc"
        "cher.example"},
    {"bu\xcc\x88"
     "cher.example",
        "xn--bcher-kva.example",
        "b\xc3\xbc"
        "cher.example"},
    {"Xn--Bcher-KVA.example.", "xn--bcher-kva.example",
        "b\xc3\xbc"
        "cher.example"},
    /* Non-transitional: the sharp s, the final sigma and the joiner stay. */
    {"fa\xc3\x9f.de", "xn--fa-hia.de", "fa\xc3\x9f.de"},
    {"\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com", "xn--nxasmm1c.com",
        "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com"},
    /* Dots of other scripts, full-width letters, a soft hyphen. */
    {"army\xe3\x80\x82mil", "army.mil", "army.mil"},
    {"army\xef\xbc\x8emil\xef\xbd\xa1", "army.mil", "army.mil"},
    {"\xef\xbc\xa1rmy.mil", "army.mil", "army.mil"},
    {"ar\xc2\xadmy.mil", "army.mil", "army.mil"},
    /* A look-alike: Cyrillic a. */
    {"p\xd0\xb0ypal.com", "xn--pypal-4ve.com", "p\xd0\xb0ypal.com"},
    /* Hyphens in the third and fourth place, and `xn--` inside a label, are fine. */
    {"axn--xn--b.ab--\xc3\xbc.org", "axn--xn--b.xn--ab---3ra.org",
        "axn--xn--b.ab--\xc3\xbc.org"},
    {"b\xc3\xbc_x.example", "xn--b_x-hoa.example", "b\xc3\xbc_x.example"},
    {"\xf0\x9f\x92\xa9.la", "xn--ls8h.la", "\xf0\x9f\x92\xa9.la"},
};

START_TEST(test_domain__has_one_form)
{
    for (size_t i = 0; i < NM_COUNT(forms); i++) {
        const struct nm_domain domain = domain_of(forms[i].text);
        struct nm_domain again;

        ck_assert_str_eq(domain.name, forms[i].name);
        ck_assert_uint_eq(domain.length, strlen(forms[i].name));
        ck_assert_int_eq(domain.idn, strstr(forms[i].name, "xn--") != NULL);
        check_shown(&domain, forms[i].unicode);
        again = domain_of(domain.name);
        ck_assert_str_eq(again.name, domain.name);
        again = domain_of(forms[i].unicode);
        ck_assert_str_eq(again.name, domain.name);
    }
}
END_TEST

static const struct {
    const char *text;
    enum nm_address_fault fault;
} refused[] = {
    {"", NM_FAULT_EMPTY}, {".", NM_FAULT_DOMAIN}, {"..", NM_FAULT_DOMAIN},
    {"\xe3\x80\x82", NM_FAULT_DOMAIN}, {".mil", NM_FAULT_DOMAIN},
    {"army..mil", NM_FAULT_DOMAIN}, {"army.mil..", NM_FAULT_DOMAIN},
    {"b\xc3\xbc..mil", NM_FAULT_DOMAIN},
    {"b\xc3\xbc.mil\xe3\x80\x82.", NM_FAULT_DOMAIN}, {"army mil", NM_FAULT_DOMAIN},
    {"army,mil", NM_FAULT_DOMAIN}, {"a@b", NM_FAULT_DOMAIN},
    {"a*b.org", NM_FAULT_DOMAIN}, {"*.org", NM_FAULT_DOMAIN},
    /* What UTS #46 maps to characters that no domain has: @, no-break space, a/c. */
    {"a\xef\xbc\xa0"
     "b.org",
        NM_FAULT_DOMAIN},
    {"b\xc3\xbc\xc2\xa0"
     "c.org",
        NM_FAULT_DOMAIN},
    {"\xe2\x84\x80.org", NM_FAULT_DOMAIN}, {"army\n.mil", NM_FAULT_CONTROL},
    {"army.mil\x7f", NM_FAULT_CONTROL}, {"b\xc3\xbc\x01.mil", NM_FAULT_CONTROL},
    {"army\xff.mil", NM_FAULT_UTF8}, {"army\xc3", NM_FAULT_UTF8},
    {"\xc0\xae.mil", NM_FAULT_UTF8}, {"xn--.org", NM_FAULT_IDNA},
    {"xn--abc-.org", NM_FAULT_IDNA},      /* decodes to plain abc */
    {"xn--0.org", NM_FAULT_IDNA},         /* punycode that ends in the middle */
    {"xn--a-\xc3\xa4.pt", NM_FAULT_IDNA}, /* an A-label with a byte above 127 */
    {"xn--xn--a--gua.pt", NM_FAULT_IDNA}, /* decodes to the one before */
    {"xn--pypal-4ve.xn--x", NM_FAULT_IDNA},
    {"\xcc\x80"
     "a.org",
        NM_FAULT_IDNA}, /* begins with a combining mark */
    {"a\xe2\x80\x8d"
     "b.org",
        NM_FAULT_IDNA},                   /* a joiner with nothing to join */
    {"0a\xd7\x90.org", NM_FAULT_IDNA},    /* left-to-right and right-to-left */
    {"a\xe2\x92\x88.org", NM_FAULT_IDNA}, /* DIGIT ONE FULL STOP */
    {"a\xef\xbf\xbd.org", NM_FAULT_IDNA}, /* U+FFFD */
};

/* As it may have been stored when another release of Unicode allowed it. */
START_TEST(test_domain__is_shown_as_it_is_where_unicode_forbids_it)
{
    struct nm_domain domain = {.length = 27, .idn = true};

    (void)nm_copy(domain.name, sizeof domain.name, "xn--0.xn--bcher-kva.example");
    ck_assert_uint_eq(strlen(domain.name), domain.length);
    check_shown(&domain, "xn--0.b\xc3\xbc"
                         "cher.example");
}
END_TEST

START_TEST(test_domain__is_refused_with_the_fault_and_nothing_written)
{
    struct nm_domain untouched;

    memset(&untouched, 0x5a, sizeof untouched);
    for (size_t i = 0; i < NM_COUNT(refused); i++) {
        struct nm_domain domain = untouched;
        const enum nm_address_fault fault =
            nm_domain_parse(names, refused[i].text, strlen(refused[i].text), &domain);

        ck_assert_msg(
            fault == refused[i].fault, "%s: fault %d", refused[i].text, fault);
        ck_assert_mem_eq(&domain, &untouched, sizeof domain);
    }
    ck_assert_int_eq(nm_domain_parse(names, "a\0b", 3, &untouched), NM_FAULT_CONTROL);
}
END_TEST

/* `count` labels of `length` times the letter a. */
static char *labels(size_t count, size_t length, const char *letter)
{
    char *text = calloc(count, length * strlen(letter) + 1);

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < length; j++)
            strcat(text, letter);
        if (i + 1 < count)
            strcat(text, ".");
    }
    return text;
}

static enum nm_address_fault fault_of_labels(
    size_t count, size_t length, const char *letter, const char *tail)
{
    struct nm_domain domain;
    char text[4096];
    char *head = labels(count, length, letter);

    (void)snprintf(text, sizeof text, "%s%s", head, tail);
    free(head);
    return nm_domain_parse(names, text, strlen(text), &domain);
}

START_TEST(test_domain__keeps_the_limits_of_the_dns)
{
    const char *wide = "\xef\xbd\x81"; /* a full-width a: 3 bytes for 1 */

    ck_assert_int_eq(fault_of_labels(1, 63, "a", ""), NM_FAULT_NONE);
    ck_assert_int_eq(fault_of_labels(1, 64, "a", ""), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(4, 62, "a", ".a"), NM_FAULT_NONE);  /* 253 */
    ck_assert_int_eq(fault_of_labels(4, 62, "a", ".a."), NM_FAULT_NONE); /* 253 */
    ck_assert_int_eq(fault_of_labels(4, 62, "a", ".aa"), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(4, 62, "a", ".aa."), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(1, 63, wide, ""), NM_FAULT_NONE);
    ck_assert_int_eq(fault_of_labels(1, 64, wide, ""), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(4, 62, wide, ".a."), NM_FAULT_NONE);
    ck_assert_int_eq(fault_of_labels(4, 62, wide, ".aa"), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(5, 61, wide, ""), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_labels(1, 56, "\xc3\xbc", ""), NM_FAULT_NONE);
    /* Soft hyphens: a mail server leaves them out, however many there are. */
    ck_assert_int_eq(fault_of_labels(1, 2000, "\xc2\xad", "a"), NM_FAULT_NONE);
}
END_TEST

/* ---- public suffixes ---------------------------------------------------- */

static const struct {
    const char *name;
    const char *registrable;
    const char *suffix;
    bool known;
} splits[] = {
    {"army.mil", "army.mil", "mil", true},
    {"us.army.mil", "army.mil", "mil", true},
    {"mil", "mil", "mil", true},
    {"a.b.co.uk", "b.co.uk", "co.uk", true},
    {"co.uk", "co.uk", "co.uk", true},
    {"a.example", "a.example", "example", false},
    {"x.y.army.mill", "army.mill", "mill", false},
    {"localhost", "localhost", "localhost", false},
    {"1.2.3.4", "3.4", "4", false},
    /* A wildcard, and an exception to it. */
    {"a.b.c.ck", "b.c.ck", "c.ck", true},
    {"c.ck", "c.ck", "c.ck", true},
    {"a.www.ck", "www.ck", "ck", true},
    {"ck", "ck", "ck", true},
    /* The private section, and a rule of five labels. */
    {"me.github.io", "me.github.io", "github.io", true},
    {"x.schools.nsw.edu.au", "x.schools.nsw.edu.au", "schools.nsw.edu.au", true},
    /* A-labels. */
    {"a.b.xn--p1ai", "b.xn--p1ai", "xn--p1ai", true},
    {"xn--bcher-kva.xn--55qx5d.cn", "xn--bcher-kva.xn--55qx5d.cn", "xn--55qx5d.cn",
        true},
    {"a.xn--bcher-kva", "a.xn--bcher-kva", "xn--bcher-kva", false},
};

START_TEST(test_split__finds_suffix_and_registrable_part)
{
    for (size_t i = 0; i < NM_COUNT(splits); i++) {
        const struct nm_domain domain = domain_of(splits[i].name);
        const struct nm_domain_parts parts = nm_domain_split(names, &domain);

        ck_assert_str_eq(domain.name + parts.suffix, splits[i].suffix);
        ck_assert_str_eq(domain.name + parts.registrable, splits[i].registrable);
        ck_assert_msg(parts.suffix_known == splits[i].known, "%s", splits[i].name);
    }
}
END_TEST

static void check_split_as_libpsl(const char *name)
{
    const struct nm_domain domain = domain_of(name);
    const struct nm_domain_parts parts = nm_domain_split(names, &domain);
    const char *suffix = psl_unregistrable_domain(psl_builtin(), domain.name);
    const char *registrable = psl_registrable_domain(psl_builtin(), domain.name);

    ck_assert_str_eq(domain.name + parts.suffix, suffix);
    ck_assert_str_eq(
        domain.name + parts.registrable, registrable != NULL ? registrable : suffix);
    if (parts.suffix_known)
        ck_assert_int_eq(psl_is_public_suffix(psl_builtin(), suffix), 1);
    else
        ck_assert_ptr_null(strchr(suffix, '.'));
}

START_TEST(test_split__agrees_with_libpsl)
{
    static const char *const heads[] = {"", "a.", "www.", "a.b.", "city.", "x.y.z.",
        "com.", "co.", "xn--bcher-kva.", "a.b.c.d.e.f."};
    static const char *const tails[] = {"mil", "ml", "com", "uk", "co.uk", "gov.uk",
        "uk.com", "jp", "co.jp", "kawasaki.jp", "city.kawasaki.jp", "tokyo.jp", "ck",
        "www.ck", "er", "bd", "kh", "np", "pg", "fk", "github.io", "blogspot.com",
        "compute.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com",
        "compute.amazonaws.com.cn", "k12.ca.us", "ca.us", "schools.nsw.edu.au",
        "edu.au", "sth.ac.at", "arpa", "in-addr.arpa", "onion", "local", "invalid",
        "example", "mill", "con", "xn--p1ai", "xn--55qx5d.cn", "xn--fiqs8s",
        "xn--mgbaam7a8h", "xn--55qx5d.hk", "xn--bcher-kva"};
    char name[NM_DOMAIN_MAX + 1];

    for (size_t tail = 0; tail < NM_COUNT(tails); tail++)
        for (size_t head = 0; head < NM_COUNT(heads); head++) {
            (void)snprintf(name, sizeof name, "%s%s", heads[head], tails[tail]);
            check_split_as_libpsl(name);
        }
}
END_TEST

START_TEST(test_split__is_right_for_a_hundred_labels)
{
    char *text = labels(120, 1, "a");
    char name[NM_DOMAIN_MAX + 1];

    (void)snprintf(name, sizeof name, "%s.co.uk", text);
    check_split_as_libpsl(name);
    check_split_as_libpsl(text);
    free(text);
}
END_TEST

START_TEST(test_split__uses_the_list_that_it_is_given)
{
    static const char list[] = "// ===BEGIN ICANN DOMAINS===\nzz\n*.yy\n!in.yy\n"
                               "b\xc3\xbc"
                               "cher\n// ===END ICANN DOMAINS===\n";
    FILE *file = tmpfile();
    struct nm_names *own = NULL;
    psl_ctx_t *suffixes;
    struct nm_domain domain;
    struct nm_domain_parts parts;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(list, file), 0);
    rewind(file);
    suffixes = psl_load_fp(file);
    ck_assert_ptr_nonnull(suffixes);
    ck_assert_int_eq(nm_names_new(suffixes, &own, NULL), NM_OK);
    domain = domain_of("a.zz");
    ck_assert(nm_domain_split(own, &domain).suffix_known);
    domain = domain_of("a.mil");
    ck_assert(!nm_domain_split(own, &domain).suffix_known);
    domain = domain_of("a.in.yy");
    parts = nm_domain_split(own, &domain);
    ck_assert_str_eq(domain.name + parts.suffix, "yy");
    domain = domain_of("a.b\xc3\xbc"
                       "cher");
    parts = nm_domain_split(own, &domain);
    ck_assert_str_eq(domain.name + parts.suffix, "xn--bcher-kva");
    ck_assert(parts.suffix_known);
    nm_names_free(&own);
    psl_free(suffixes);
    (void)fclose(file);
}
END_TEST

/* ---- properties --------------------------------------------------------- */

static bool is_in_form(const struct nm_domain *domain)
{
    size_t label = 0;

    if (domain->length == 0 || strlen(domain->name) != domain->length)
        return false;
    for (size_t at = 0; at <= domain->length; at++) {
        const char c = domain->name[at];

        if (c == '.' || c == '\0') {
            if (at == label || at - label > NM_LABEL_MAX)
                return false;
            label = at + 1;
        } else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", c) == NULL) {
            return false;
        }
    }
    return true;
}

/* Whatever was accepted is in form, parses to itself, and so does what people see. */
static void check_random_domain(const char *text, size_t length, unsigned *accepted)
{
    char memory[NM_DOMAIN_UTF8_MAX + 1];
    struct nm_buf shown;
    struct nm_domain domain;
    struct nm_domain again;
    char *exact = malloc(length + 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, length);
    exact = realloc(exact, length > 0 ? length : 1);
    ck_assert_ptr_nonnull(exact);
    if (nm_domain_parse(names, exact, length, &domain) == NM_FAULT_NONE) {
        (*accepted)++;
        ck_assert_msg(is_in_form(&domain), "%s", domain.name);
        again = domain_of(domain.name);
        ck_assert_str_eq(again.name, domain.name);
        ck_assert_int_eq(again.idn, domain.idn);
        nm_buf_init(&shown, memory, sizeof memory);
        nm_domain_to_unicode(names, &domain, &shown);
        ck_assert(!shown.truncated);
        again = domain_of(memory);
        ck_assert_str_eq(again.name, domain.name);
    }
    free(exact);
}

START_TEST(test_domain__read_again_is_the_same)
{
    static const char *const pieces[] = {"a", "B", "-", "_", ".", "xn--", "XN--", "9",
        "kva", "bcher", "\xc3\xbc", "\xc3\x9f", "\xe3\x80\x82", "\xcc\x88", "\xd7\x90",
        "\xd0\xb0", "\xe4\xbe\x8b", "\xf0\x9f\x92\xa9", "\xef\xbc\xa1", "\xe2\x80\x8d",
        "\xc2\xad", "\xe0\xa5\x8d", "\xe0\xa4\x95", " ", "@", "\xff", "\x01", "hia"};
    unsigned accepted = 0;
    unsigned seed = 20240501;

    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t length = 0;

        seed = seed * 1103515245 + 12345;
        for (unsigned count = 1 + (seed >> 16) % 12; count > 0; count--) {
            const char *piece;

            seed = seed * 1103515245 + 12345;
            piece = pieces[(seed >> 16) % NM_COUNT(pieces)];
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
        check_random_domain(text, length, &accepted);
    }
    ck_assert_uint_gt(accepted, 1000);
}
END_TEST

static void *parse_all_forms(void *unused)
{
    (void)unused;
    for (int round = 0; round < 100; round++)
        for (size_t i = 0; i < NM_COUNT(forms); i++) {
            struct nm_domain domain;
            struct nm_domain_parts parts;
            char memory[NM_DOMAIN_UTF8_MAX + 1];
            struct nm_buf shown;

            if (nm_domain_parse(names, forms[i].text, strlen(forms[i].text), &domain) !=
                NM_FAULT_NONE)
                return NULL;
            nm_buf_init(&shown, memory, sizeof memory);
            nm_domain_to_unicode(names, &domain, &shown);
            parts = nm_domain_split(names, &domain);
            if (strcmp(domain.name, forms[i].name) != 0 ||
                strcmp(memory, forms[i].unicode) != 0 || parts.suffix >= domain.length)
                return NULL;
        }
    return names;
}

START_TEST(test_names__serve_many_threads_at_once)
{
    pthread_t threads[4];

    for (size_t i = 0; i < NM_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, parse_all_forms, NULL), 0);
    for (size_t i = 0; i < NM_COUNT(threads); i++) {
        void *fine = NULL;

        ck_assert_int_eq(pthread_join(threads[i], &fine), 0);
        ck_assert_ptr_nonnull(fine);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *cases = tcase_create("domain");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_domain__has_one_form);
    tcase_add_test(cases, test_domain__is_shown_as_it_is_where_unicode_forbids_it);
    tcase_add_test(cases, test_domain__is_refused_with_the_fault_and_nothing_written);
    tcase_add_test(cases, test_domain__keeps_the_limits_of_the_dns);
    tcase_add_test(cases, test_domain__read_again_is_the_same);
    tcase_add_test(cases, test_split__finds_suffix_and_registrable_part);
    tcase_add_test(cases, test_split__agrees_with_libpsl);
    tcase_add_test(cases, test_split__is_right_for_a_hundred_labels);
    tcase_add_test(cases, test_split__uses_the_list_that_it_is_given);
    tcase_add_test(cases, test_names__serve_many_threads_at_once);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
