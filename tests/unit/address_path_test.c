#include <nearmiss/address.h>

#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nm_names *names;

static void set_up(void)
{
    struct nm_error error;

    ck_assert_int_eq(nm_names_new(NULL, &names, &error), NM_OK);
}

static void tear_down(void)
{
    nm_names_free(&names);
    ck_assert_ptr_null(names);
}

/* Parse a heap copy of just these bytes, so that a sanitizer sees a read past them. The
 * caller frees it. */
static char *parse_exact(const char *bytes, size_t length, struct nm_address *out)
{
    char *copy = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, length);
    nm_address_parse(names, copy, length, out);
    return copy;
}

static const struct {
    const char *path;
    const char *local_part;
    const char *domain; /* in A-labels; of a literal: as given */
    enum nm_address_kind kind;
    enum nm_address_fault fault;
} paths[] = {
    /* What every server sends. */
    {"<bob@army.mil>", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@army.mil", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {" <bob@army.mil> ", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"< bob@army.mil >", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<Bob@ARMY.Mil>", "Bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@army.mil.", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@localhost", "bob", "localhost", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@1.2.3.4", "bob", "1.2.3.4", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@a_b.-c-.d--e.org", "bob", "a_b.-c-.d--e.org", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"<>", "", NULL, NM_ADDRESS_NULL, NM_FAULT_NONE},
    {"< >", "", NULL, NM_ADDRESS_NULL, NM_FAULT_NONE},
    {"<postmaster>", "postmaster", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},
    {"Postmaster", "Postmaster", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},
    {"\"a@b\"", "\"a@b\"", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},
    {"army.mil!bob", "army.mil!bob", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},

    /* Local parts. */
    {"<bob%army.mil@gw.example>", "bob%army.mil", "gw.example", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"<a!b!bob@gw.example>", "a!b!bob", "gw.example", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"<bob@army.ml@gw.example>", "bob@army.ml", "gw.example", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"<\"a b\"@x.org>", "\"a b\"", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<\"a@b>c\"@x.org>", "\"a@b>c\"", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<\"a\\\"@b\\\\\"@x.org>", "\"a\\\"@b\\\\\"", "x.org", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"<\"\"@x.org>", "\"\"", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"a.\"@\".b@x.org", "a.\"@\".b", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"a\\@b@x.org", "a\\@b", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"a b@x.org", "a b", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"\xc3\xa4@x.org", "\xc3\xa4", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* What is no text hides no domain: servers deliver these. */
    {"<bob\t@army.mil>", "bob\t", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"b\x7fob@army.mil", "b\x7fob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"\"b\x01\"@army.mil", "\"b\x01\"", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"b\xe4r@x.org", "b\xe4r", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a\x01:bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* Source routes. */
    {"<@a:bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a.example,@b.example:bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"@[IPv6:::1],@b:bob@x.org", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a: bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a:postmaster>", "postmaster", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},
    {"<@a:b:c@x.org>", "b:c", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* Address literals. */
    {"bob@[192.0.2.1]", "bob", "[192.0.2.1]", NM_ADDRESS_LITERAL, NM_FAULT_NONE},
    {"<bob@[IPv6:2001:db8::1]>", "bob", "[IPv6:2001:db8::1]", NM_ADDRESS_LITERAL,
        NM_FAULT_NONE},
    {"bob@[ipv6:::ffff:192.0.2.1]", "bob", "[ipv6:::ffff:192.0.2.1]",
        NM_ADDRESS_LITERAL, NM_FAULT_NONE},
    {"bob@[x400:c=us@a]", "bob", "[x400:c=us@a]", NM_ADDRESS_LITERAL, NM_FAULT_NONE},

    /* A host's name in brackets, as Sendmail takes it. */
    {"bob@[army.mil]", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<bob@[Army]>", "bob", "army", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* International domains. */
    {"bob@b\xc3\xbc"
     "cher.example",
        "bob", "xn--bcher-kva.example", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@XN--BCHER-KVA.example", "bob", "xn--bcher-kva.example", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"bob@fa\xc3\x9f.de", "bob", "xn--fa-hia.de", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"bob@army\xe3\x80\x82mil\xe3\x80\x82", "bob", "army.mil", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"bob@\xef\xbd\x81rmy.mil", "bob", "army.mil", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* Faults. */
    {"", "", NULL, NM_ADDRESS_INVALID, NM_FAULT_EMPTY},
    {"  ", "", NULL, NM_ADDRESS_INVALID, NM_FAULT_EMPTY},
    {"<bob@army.mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"<", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"bob@army.mil>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"<bob@army.mil> SIZE=3", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"<bob@army.mil>>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"Bob <bob@army.mil>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_BRACKETS},
    {"bob@army.mil\r\n", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"bob@army\x7f.mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"b\x7fob", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"b\x01ob@army..mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"b\xe4r", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"b\xe4r@[192.0.2.1]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"bob@\xed\xa0\x80.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"bob@x.or\xc3", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"@a.example", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a,b:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a,>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@[a:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a:>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
    {"<@a:@b:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
    {"<@a:@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
    {"<\"bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
    {"bob\\", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
    {"bob@x.org\\", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@\"x.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@.", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@army..mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@army.mil..", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@.army.mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@army,mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@army mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@\"army\".mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@army.mil\xef\xbc\xa0x.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_DOMAIN},
    {"bob@xn--.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_IDNA},
    {"bob@xn--abc-.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_IDNA},
    {"bob@xn--a-.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_IDNA},
    {"bob@xn--99999999.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_IDNA},
    {"bob@a.xn--0ca24w", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_IDNA},
    {"bob@[]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2.256]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2.1.1]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2.0001]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2.1", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[192.0.2.1].", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[army.mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[army..mil]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[army.2]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[IPv6:2001:db8]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[IPv6:1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111]", NULL, NULL,
        NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[1.2.90292]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[4294967488.0.2.1]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[::1]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[tag-:x]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[tag:]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[tag:a b]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
};

static void check_part(const char *part, size_t length, const char *expected)
{
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(part, expected, length);
}

START_TEST(test_path__is_split_as_servers_split_it)
{
    for (size_t i = 0; i < NM_COUNT(paths); i++) {
        struct nm_address address;
        char *copy = parse_exact(paths[i].path, strlen(paths[i].path), &address);

        ck_assert_msg(address.kind == paths[i].kind && address.fault == paths[i].fault,
            "%s: kind %d, fault %d", paths[i].path, address.kind, address.fault);
        if (paths[i].local_part != NULL && paths[i].local_part[0] != '\0')
            check_part(
                address.local_part, address.local_part_length, paths[i].local_part);
        if (address.kind == NM_ADDRESS_LITERAL)
            check_part(
                address.domain_text, address.domain_text_length, paths[i].domain);
        else
            ck_assert_str_eq(
                address.domain.name, paths[i].domain != NULL ? paths[i].domain : "");
        ck_assert_uint_eq(address.domain.length, strlen(address.domain.name));
        free(copy);
    }
}
END_TEST

/* ---- limits and leftovers ----------------------------------------------- */

static enum nm_address_fault fault_of_lengths(size_t local_part, size_t blanks)
{
    struct nm_address address;
    char *text = malloc(local_part + blanks + sizeof "@x.org");
    enum nm_address_fault fault;

    ck_assert_ptr_nonnull(text);
    memset(text, 'a', local_part);
    memcpy(text + local_part, "@x.org", 6);
    memset(text + local_part + 6, ' ', blanks);
    nm_address_parse(names, text, local_part + 6 + blanks, &address);
    fault = address.fault;
    free(text);
    return fault;
}

START_TEST(test_path__has_a_greatest_length)
{
    ck_assert_int_eq(fault_of_lengths(NM_PATH_MAX - 6, 0), NM_FAULT_NONE);
    ck_assert_int_eq(fault_of_lengths(NM_PATH_MAX - 5, 0), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_lengths(1, NM_PATH_MAX - 7), NM_FAULT_NONE);
    ck_assert_int_eq(fault_of_lengths(1, NM_PATH_MAX - 6), NM_FAULT_TOO_LONG);
    ck_assert_int_eq(fault_of_lengths(100000, 0), NM_FAULT_TOO_LONG);
}
END_TEST

START_TEST(test_path__with_a_wrong_domain_still_says_which)
{
    static const char *const wrong[] = {"army..mil", "xn--0.org", "[192.0.2]", ""};

    for (size_t i = 0; i < NM_COUNT(wrong); i++) {
        char path[64];
        struct nm_address address;

        (void)snprintf(path, sizeof path, "<bob@%s>", wrong[i]);
        nm_address_parse(names, path, strlen(path), &address);
        ck_assert_int_eq(address.kind, NM_ADDRESS_INVALID);
        check_part(address.local_part, address.local_part_length, "bob");
        ck_assert_ptr_nonnull(address.domain_text);
        check_part(address.domain_text, address.domain_text_length, wrong[i]);
        ck_assert_str_eq(address.domain.name, "");
    }
}
END_TEST

START_TEST(test_path__with_a_nul_is_refused)
{
    struct nm_address address;

    nm_address_parse(names, "bob@army.mil\0.ml", 16, &address);
    ck_assert_int_eq(address.kind, NM_ADDRESS_INVALID);
    ck_assert_int_eq(address.fault, NM_FAULT_CONTROL);
    nm_address_parse(names, NULL, 0, &address);
    ck_assert_int_eq(address.fault, NM_FAULT_EMPTY);
}
END_TEST

START_TEST(test_fault__has_words_of_its_own)
{
    for (int a = NM_FAULT_NONE; a <= NM_FAULT_MEMORY; a++)
        for (int b = NM_FAULT_NONE; b < a; b++)
            ck_assert_str_ne(nm_address_fault_text((enum nm_address_fault)a),
                nm_address_fault_text((enum nm_address_fault)b));
}
END_TEST

/* ---- the splitter against a model --------------------------------------- */

/* The model has no state: a regular expression finds what is quoted, escaped or inside a
 * literal, that is painted over, and what is left speaks for itself. */
struct model {
    regex_t route;
    regex_t opaque;
};

#define HOP "@(\\[[^]]*\\]|[^],:@\"<>[ ]+)"

static void model_init(struct model *model)
{
    ck_assert_int_eq(regcomp(&model->route, "^" HOP "(," HOP ")*:", REG_EXTENDED), 0);
    ck_assert_int_eq(regcomp(&model->opaque, "\"([^\"\\]|\\\\.)*\"|\\\\.|@\\[[^]]*\\]",
                         REG_EXTENDED),
        0);
}

static void model_free(struct model *model)
{
    regfree(&model->route);
    regfree(&model->opaque);
}

static void paint(const struct model *model, char *mask)
{
    regmatch_t found;

    while (regexec(&model->opaque, mask, 1, &found, 0) == 0) {
        if (mask[found.rm_so] == '@')
            found.rm_so++;
        memset(mask + found.rm_so, '~', (size_t)(found.rm_eo - found.rm_so));
    }
}

static char *strip(char *text)
{
    size_t length;

    text += strspn(text, " ");
    for (length = strlen(text); length > 0 && text[length - 1] == ' '; length--)
        text[length - 1] = '\0';
    return text;
}

/* Cut `text` at the sign: the local part, and `*domain`, NULL without one. NULL when it
 * cannot be cut. */
static char *model_cut(const struct model *model, char *text, char **domain)
{
    char mask[64];
    char *open_quote;
    const char *sign;

    (void)nm_copy(mask, sizeof mask, text);
    paint(model, mask);
    open_quote = strchr(mask, '"');
    if (open_quote != NULL)
        *open_quote = '\0';
    sign = strrchr(mask, '@');
    if (strpbrk(mask, "<>") != NULL || strstr(mask, "@[") != NULL)
        return NULL;
    if (sign == NULL) {
        *domain = NULL;
        return open_quote != NULL || strchr(mask, '\\') != NULL ? NULL : text;
    }
    text[sign - mask] = '\0';
    *domain = text + (sign - mask) + 1;
    return text;
}

enum model_answer { MODEL_REFUSED, MODEL_NULL, MODEL_CUT };

static enum model_answer model_path(
    const struct model *model, char *text, char **local_part, char **domain)
{
    regmatch_t route;

    text = strip(text);
    if (text[0] == '<') {
        const size_t length = strlen(text);

        if (length < 2 || text[length - 1] != '>')
            return MODEL_REFUSED;
        text[length - 1] = '\0';
        text = strip(text + 1);
        if (text[0] == '\0')
            return MODEL_NULL;
    }
    if (text[0] == '@') {
        if (regexec(&model->route, text, 1, &route, 0) != 0)
            return MODEL_REFUSED;
        text = strip(text + route.rm_eo);
    }
    if (text[0] == '\0' || text[0] == '@')
        return MODEL_REFUSED;
    *local_part = model_cut(model, text, domain);
    return *local_part != NULL ? MODEL_CUT : MODEL_REFUSED;
}

static void check_cut(
    const struct nm_address *address, const char *local_part, const char *domain)
{
    const size_t length = domain != NULL ? strlen(domain) : 0;
    enum nm_address_fault fault = NM_FAULT_NONE;
    struct nm_domain parsed;

    check_part(address->local_part, address->local_part_length, local_part);
    if (domain == NULL) {
        ck_assert_ptr_null(address->domain_text);
        ck_assert_int_eq(address->kind, NM_ADDRESS_LOCAL);
        return;
    }
    check_part(address->domain_text, address->domain_text_length, domain);
    if (domain[0] == '\0')
        fault = NM_FAULT_DOMAIN;
    else if (domain[0] != '[')
        fault = nm_domain_parse(names, domain, length, &parsed);
    /* The letters of these tests make names, but no literal. */
    else if (length < 3 || domain[length - 1] != ']' || domain[length - 2] != 'a' ||
             nm_domain_parse(names, domain + 1, length - 2, &parsed) != NM_FAULT_NONE)
        fault = NM_FAULT_LITERAL;
    ck_assert_int_eq(address->fault, fault);
    if (fault == NM_FAULT_NONE)
        ck_assert_str_eq(address->domain.name, parsed.name);
}

static void check_with_model(const struct model *model, const char *path)
{
    struct nm_address address;
    char *copy = parse_exact(path, strlen(path), &address);
    char text[64];
    char *local_part = NULL;
    char *domain = NULL;

    (void)nm_copy(text, sizeof text, path);
    switch (model_path(model, text, &local_part, &domain)) {
    case MODEL_REFUSED:
        ck_assert_msg(address.kind == NM_ADDRESS_INVALID, "'%s' was taken", path);
        ck_assert_ptr_null(address.domain_text);
        break;
    case MODEL_NULL:
        ck_assert_msg(address.kind == NM_ADDRESS_NULL, "'%s' is not null", path);
        break;
    case MODEL_CUT:
        ck_assert_msg(address.local_part != NULL, "'%s' was refused", path);
        check_cut(&address, local_part, domain);
        break;
    }
    free(copy);
}

static const char letters[] = "<>@\":,[]\\ a.";

START_TEST(test_path__is_split_as_the_model_splits_it)
{
    enum { KINDS = sizeof letters - 1, SHORT = 4, LONG = 20, ROUNDS = 20000 };
    struct model model;
    unsigned seed = 20240502;
    char path[LONG + 1];

    model_init(&model);
    for (unsigned length = 0, count = 1; length <= SHORT; length++, count *= KINDS)
        for (unsigned number = 0; number < count; number++) {
            unsigned rest = number;

            for (unsigned at = 0; at < length; at++, rest /= KINDS)
                path[at] = letters[rest % KINDS];
            path[length] = '\0';
            check_with_model(&model, path);
        }
    for (int round = 0; round < ROUNDS; round++) {
        unsigned length;

        seed = seed * 1103515245 + 12345;
        length = SHORT + 1 + (seed >> 16) % (LONG - SHORT);
        for (unsigned at = 0; at < length; at++) {
            seed = seed * 1103515245 + 12345;
            path[at] = letters[(seed >> 16) % KINDS];
        }
        path[length] = '\0';
        check_with_model(&model, path);
    }
    model_free(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *cases = tcase_create("path");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_path__is_split_as_servers_split_it);
    tcase_add_test(cases, test_path__has_a_greatest_length);
    tcase_add_test(cases, test_path__with_a_wrong_domain_still_says_which);
    tcase_add_test(cases, test_path__with_a_nul_is_refused);
    tcase_add_test(cases, test_path__is_split_as_the_model_splits_it);
    tcase_add_test(cases, test_fault__has_words_of_its_own);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
