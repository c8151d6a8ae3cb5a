#include <nearmiss/address.h>

#include <check.h>
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

    /* Source routes. */
    {"<@a:bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a.example,@b.example:bob@x.org>", "bob", "x.org", NM_ADDRESS_MAILBOX,
        NM_FAULT_NONE},
    {"@[IPv6:::1],@b:bob@x.org", "bob", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},
    {"<@a:postmaster>", "postmaster", NULL, NM_ADDRESS_LOCAL, NM_FAULT_NONE},
    {"<@a:b:c@x.org>", "b:c", "x.org", NM_ADDRESS_MAILBOX, NM_FAULT_NONE},

    /* Address literals. */
    {"bob@[192.0.2.1]", "bob", "[192.0.2.1]", NM_ADDRESS_LITERAL, NM_FAULT_NONE},
    {"<bob@[IPv6:2001:db8::1]>", "bob", "[IPv6:2001:db8::1]", NM_ADDRESS_LITERAL,
        NM_FAULT_NONE},
    {"bob@[ipv6:::ffff:192.0.2.1]", "bob", "[ipv6:::ffff:192.0.2.1]",
        NM_ADDRESS_LITERAL, NM_FAULT_NONE},
    {"bob@[x400:c=us@a]", "bob", "[x400:c=us@a]", NM_ADDRESS_LITERAL, NM_FAULT_NONE},

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
    {"<bob\t@army.mil>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"bob@army.mil\r\n", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"bob@army\x7f.mil", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_CONTROL},
    {"b\xe4r@x.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"bob@\xed\xa0\x80.org", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"bob@x.or\xc3", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_UTF8},
    {"@a.example", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a,b:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a,>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@[a:bob@x.org>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_ROUTE},
    {"<@a:>", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LOCAL_PART},
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
    {"bob@[army.mil]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
    {"bob@[IPv6:2001:db8]", NULL, NULL, NM_ADDRESS_INVALID, NM_FAULT_LITERAL},
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

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *cases = tcase_create("path");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_path__is_split_as_servers_split_it);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
