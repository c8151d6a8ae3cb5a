/* A kept message as a reviewer reads it, whatever it holds. */
#include "mail_text.h"

#include <nearmiss/base.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *shown_of(const char *bytes, size_t length)
{
    char *exact =
        malloc(length > 0 ? length : 1); /* so that a sanitizer sees its end */
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(exact);
    ck_assert_ptr_nonnull(out);
    memcpy(exact, bytes, length);
    nm_mail_text_put(out, exact, length);
    ck_assert_int_eq(fclose(out), 0);
    free(exact);
    return text;
}

static void check_shown(const char *mail, const char *expected)
{
    char *shown = shown_of(mail, strlen(mail));

    ck_assert_str_eq(shown, expected);
    free(shown);
}

START_TEST(test_mail__text_is_decoded)
{
    check_shown("Subject: x\r\n\r\nplain\r\n", "Subject: x\n\nplain\n");
    check_shown("\r\nno header\r\n", "\nno header\n");
    check_shown("Subject: x\r\n", "Subject: x\n\n");
    check_shown("", "\n");
    check_shown("Content-Transfer-Encoding: BASE64\n\nSGVsbG8s\r\nIHdvcmxk\n",
        "Content-Transfer-Encoding: BASE64\n\nHello, world\n");
    check_shown("Content-Transfer-Encoding: quoted-printable\n\na=3Db=\r\nc =C3=A4=0\n",
        "Content-Transfer-Encoding: quoted-printable\n\na=bc \xc3\xa4=0\n");
    check_shown("Content-Type: text/plain;\r\n charset=\"iso-8859-1\"\r\n"
                "Content-Transfer-Encoding: 8bit\r\n\r\n\xe4\xf6\r\n",
        "Content-Type: text/plain;\n charset=\"iso-8859-1\"\n"
        "Content-Transfer-Encoding: 8bit\n\n\xc3\xa4\xc3\xb6\n");
    check_shown("Content-Type: text/plain; charset=none-such\n\n\xe4\n",
        "Content-Type: text/plain; charset=none-such\n\n\\xe4\n");
}
END_TEST

START_TEST(test_mail__html_is_shown_without_its_markup)
{
    check_shown("Content-Type: text/html\n\n<html><head><title>t</title></head>"
                "<style>p{}</style><script>alert('x')</script>"
                "<p>Pay &lt;now&gt; &amp; here<br>to <a href=\"http://x\">us</a></p>\n",
        "Content-Type: text/html\n\n[text/html, 146 bytes: shown without its markup]\n"
        "\nPay <now> & here\nto us\n\n");
    check_shown("Content-Type: text/html\n\na<",
        "Content-Type: text/html\n\n"
        "[text/html, 2 bytes: shown without its "
        "markup]\na\n");
    check_shown("Content-Type: text/html\n\n<script>x", "Content-Type: text/html\n\n"
                                                        "[text/html, 9 bytes: shown "
                                                        "without its markup]\n");
}
END_TEST

START_TEST(test_mail__attachments_are_named)
{
    check_shown("Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n"
                "preamble\r\n--a b\r\n\r\nfirst\r\n"
                "--a b\r\nContent-Type: application/pdf; name=x\r\n"
                "Content-Disposition: attachment; filename=\"a\\\"\x1b[2J.pdf\"\r\n\r\n"
                "JVBERi0=\r\n"
                "--a b\r\nContent-Type: text/plain\r\n"
                "Content-Disposition: attachment; filename=t.txt\r\n\r\nsecret\r\n"
                "--a b--\r\nepilogue\r\n",
        "Content-Type: multipart/mixed; boundary=\"a b\"\n\n"
        "first\n\n"
        "[application/pdf, \"a\"\\x1b[2J.pdf\", 10 bytes: not shown]\n\n"
        "[text/plain, \"t.txt\", 8 bytes: not shown]\n\n");
    check_shown("Content-Type: message/rfc822\n\nSubject: inner\n\nhello\n",
        "Content-Type: message/rfc822\n\n[message/rfc822, 22 bytes: a message, shown "
        "below]\nSubject: inner\n\nhello\n");
}
END_TEST

START_TEST(test_mail__nothing_reaches_a_terminal)
{
    static const char *const bodies[] = {"\x1b[2J", "G1syShtdMDtwd25lZAc=", "=1B[2J=07",
        "\xe2\x80\xae", "<p>\x1b[2J</p>", "&#27;[2J", "\x9b[2J"};
    static const char *const types[] = {"text/plain", "text/html",
        "text/plain; charset=utf-16", "text/plain; charset=iso-8859-1", "\x1b[2J",
        "application/x; name=\"\x1b[2J\""};
    static const char *const encodings[] = {
        "", "base64", "quoted-printable", "\x1b[2J"};

    for (size_t i = 0; i < NM_COUNT(bodies); i++)
        for (size_t j = 0; j < NM_COUNT(types); j++)
            for (size_t k = 0; k < NM_COUNT(encodings); k++) {
                char mail[512];
                char *shown;

                (void)snprintf(mail, sizeof mail,
                    "Content-Type: %s\nContent-Transfer-Encoding: %s\n\n%s\n", types[j],
                    encodings[k], bodies[i]);
                shown = shown_of(mail, strlen(mail));
                for (const char *at = shown; *at != '\0'; at++)
                    ck_assert_msg(
                        (unsigned char)*at >= 0x20 || *at == '\n', "%s", mail);
                ck_assert_ptr_null(strstr(shown, "\xc2\x9b"));
                ck_assert_ptr_null(strstr(shown, "\xe2\x80\xae"));
                free(shown);
            }
}
END_TEST

START_TEST(test_mail__has_caps)
{
    char *mail = malloc(200000);
    char *at = mail;
    char *shown;

    ck_assert_ptr_nonnull(mail);
    at += sprintf(at, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "--b\n\npart %d\n", i);
    shown = shown_of(mail, (size_t)(at - mail));
    ck_assert_ptr_nonnull(strstr(shown, "part 98\n"));
    ck_assert_ptr_null(strstr(shown, "part 99\n"));
    ck_assert_ptr_nonnull(strstr(shown, "[there are more parts, not shown]\n"));
    free(shown);

    at = mail;
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "Content-Type: message/rfc822\n\n");
    shown = shown_of(mail, (size_t)(at - mail));
    ck_assert_ptr_nonnull(strstr(shown, "nested too deep to be shown]\n"));
    free(shown);
    free(mail);
}
END_TEST

/* Every beginning of a message with something of each kind, and with bytes changed. */
START_TEST(test_mail__any_bytes_will_do)
{
    static const char mail[] =
        "Content-Type: multipart/alternative;\r\n boundary=\"b\"\r\n\r\n--b\r\n"
        "Content-Type: text/html; charset=utf-16\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nPGI+eDwvYj4=\r\n--b\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<script>=3D<style>&am<br\r\n--b--\r\n--b--\r\n";

    for (size_t length = 0; length < sizeof mail; length++) {
        char *shown = shown_of(mail, length);
        char changed[sizeof mail];

        free(shown);
        memcpy(changed, mail, sizeof mail);
        changed[length] = (char)(changed[length] ^ 0x5f);
        shown = shown_of(changed, sizeof mail - 1);
        free(shown);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mail_text");
    Suite *suite = suite_create("cli");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_mail__text_is_decoded);
    tcase_add_test(tests, test_mail__html_is_shown_without_its_markup);
    tcase_add_test(tests, test_mail__attachments_are_named);
    tcase_add_test(tests, test_mail__nothing_reaches_a_terminal);
    tcase_add_test(tests, test_mail__has_caps);
    tcase_add_test(tests, test_mail__any_bytes_will_do);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
