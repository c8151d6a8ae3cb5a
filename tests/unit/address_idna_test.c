/*
 * Conformance to UTS #46 by Unicode's own table, IdnaTestV2-15.0.0.txt, which lies in an
 * evaluation data folder: the one that NM_DATA_DIR names, else ../shared/data beside the
 * source tree. Without it the test is skipped.
 */
#include <nearmiss/address.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

enum { SKIPPED = 77, LINE_MAX_BYTES = 8192, COLUMNS = 5 };

static const char table_version[] = "15.0";
static FILE *table;

struct row {
    char *column[COLUMNS]; /* source, toUnicode, its status, toAsciiN, its status */
};

static bool split_row(char *line, struct row *row)
{
    line[strcspn(line, "#\n")] = '\0';
    for (int i = 0; i < COLUMNS; i++) {
        size_t length;

        line += strspn(line, " \t");
        row->column[i] = line;
        length = strcspn(line, ";");
        if (line[length] == '\0')
            return false;
        line[length] = '\0';
        line += length + 1;
        while (length > 0 && strchr(" \t", row->column[i][length - 1]) != NULL)
            row->column[i][--length] = '\0';
    }
    return true;
}

static size_t put_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) { /* a lone surrogate too: it must be refused */
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* `\uXXXX` and `\x{X…}` become characters, in place. */
static void unescape(char *text)
{
    char *out = text;

    while (*text != '\0') {
        if (text[0] == '\\' && text[1] == 'u') {
            char digits[5] = {text[2], text[3], text[4], text[5], '\0'};

            out += put_utf8(out, strtoul(digits, NULL, 16));
            text += 6;
        } else if (text[0] == '\\' && text[1] == 'x') {
            out += put_utf8(out, strtoul(text + 3, &text, 16));
            text++;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

/* Whether a status holds an error other than those of CheckHyphens, which is off here. */
static bool has_error(const char *status)
{
    while ((status = strpbrk(status, "ABCPVX")) != NULL) {
        if (strncmp(status, "V2", 2) != 0 && strncmp(status, "V3", 2) != 0)
            return true;
        status++;
    }
    return false;
}

/* The table is for UseSTD3ASCIIRules; without it these few are valid: `_`, U+2260,
 * U+226E, U+226F. */
static bool has_what_std3_forbids(const char *unicode)
{
    return strchr(unicode, '_') != NULL || strstr(unicode, "\xe2\x89\xa0") != NULL ||
           strstr(unicode, "\xe2\x89\xae") != NULL ||
           strstr(unicode, "\xe2\x89\xaf") != NULL;
}

/* The name in ASCII that the table expects, without the root's dot. */
static const char *expected_name(struct row *row)
{
    char *name = row->column[3];
    size_t length;

    if (name[0] == '\0')
        name = row->column[1][0] != '\0' ? row->column[1] : row->column[0];
    length = strlen(name);
    if (length > 0 && name[length - 1] == '.')
        name[length - 1] = '\0';
    return name;
}

START_TEST(test_domain__agrees_with_unicodes_table)
{
    char line[LINE_MAX_BYTES];
    struct nm_names *names = NULL;
    unsigned accepted = 0;
    unsigned refused = 0;
    unsigned looser = 0;
    unsigned number = 0;

    ck_assert_int_eq(nm_names_new(NULL, &names, NULL), NM_OK);
    while (fgets(line, sizeof line, table) != NULL) {
        struct row row;
        struct nm_domain domain;
        enum nm_address_fault fault;
        bool wrong;

        number++;
        if (!split_row(line, &row))
            continue;
        for (int i = 0; i < COLUMNS; i++)
            unescape(row.column[i]);
        wrong = has_error(row.column[4][0] != '\0' ? row.column[4] : row.column[2]);
        fault = nm_domain_parse(names, row.column[0], strlen(row.column[0]), &domain);
        if (fault != NM_FAULT_NONE) {
            /* Stricter in one thing: no A-label hides another `xn--`. */
            if (!wrong)
                ck_assert_msg(strstr(row.column[0], "xn--xn--") != NULL,
                    "line %u: %s is valid: %s", number, row.column[0],
                    nm_address_fault_text(fault));
            refused++;
            continue;
        }
        accepted++;
        if (wrong && has_what_std3_forbids(
                         row.column[1][0] != '\0' ? row.column[1] : row.column[0])) {
            looser++;
            continue;
        }
        ck_assert_msg(!wrong, "line %u: %s is invalid", number, row.column[0]);
        ck_assert_msg(strcmp(domain.name, expected_name(&row)) == 0,
            "line %u: %s became %s", number, row.column[0], domain.name);
    }
    printf("%u accepted (%u of them by STD3 rules off), %u refused\n", accepted, looser,
        refused);
    ck_assert_uint_eq(accepted + refused, 6235);
    nm_names_free(&names);
}
END_TEST

static FILE *open_table(void)
{
    const char *folder = getenv("NM_DATA_DIR");
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/lookalike/IdnaTestV2-15.0.0.txt",
        folder != NULL ? folder : NM_SOURCE_DIR "/../shared/data");
    return fopen(path, "r");
}

int main(void)
{
    Suite *suite;
    TCase *cases;
    SRunner *runner;
    int failed;

    if (strcmp(U_UNICODE_VERSION, table_version) != 0) {
        printf("skipped: the table is for Unicode %s, ICU has %s\n", table_version,
            U_UNICODE_VERSION);
        return SKIPPED;
    }
    table = open_table();
    if (table == NULL) {
        printf("skipped: no IdnaTestV2-15.0.0.txt; NM_DATA_DIR names the evaluation "
               "data folder\n");
        return SKIPPED;
    }
    suite = suite_create("address");
    cases = tcase_create("idna");
    runner = srunner_create(suite);
    tcase_add_test(cases, test_domain__agrees_with_unicodes_table);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    (void)fclose(table);
    return failed == 0 ? 0 : 1;
}
