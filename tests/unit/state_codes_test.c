/* Codes: what they are bound to, how long they hold, the key, and guessing. */
#include "state_kit.h"

#include "state/codes.h"

#include <sys/stat.h>

static const int64_t second_us = 1000000;
static const struct nm_confirm_rules rules = {
    .by_code = true, .window_s = 3600, .remember_days = 90};

struct keys {
    char folder[64];
    char path[128];
    struct nm_codes *codes;
};

static void keys_init(struct keys *keys)
{
    struct nm_error error = {.code = NM_OK};

    (void)snprintf(keys->folder, sizeof keys->folder, "/tmp/nm-codes-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(keys->folder));
    (void)snprintf(keys->path, sizeof keys->path, "%s/confirm-key", keys->folder);
    ck_assert_msg(
        nm_codes_open(keys->path, &keys->codes, &error) == NM_OK, "%s", error.message);
}

static void keys_done(struct keys *keys)
{
    nm_codes_close(&keys->codes);
    ck_assert_ptr_null(keys->codes);
    (void)unlink(keys->path);
    ck_assert_int_eq(rmdir(keys->folder), 0); /* nothing else was left there */
}

static struct nm_confirm_case mail(const char *sender, const char *recipient)
{
    return (struct nm_confirm_case){.sender = sender,
        .origin = "",
        .recipient = {recipient, strlen(recipient)},
        .domain = {"army.ml", 7}};
}

static enum nm_confirm_finding find(const struct keys *keys, const char *sender,
    const char *recipient, int64_t now_us, const struct nm_confirm_code *code)
{
    const struct nm_confirm_case what = mail(sender, recipient);

    return nm_codes_find(keys->codes, &what, &rules, now_us, code);
}

START_TEST(test_codes__are_bound_to_sender_recipient_and_time)
{
    static const struct {
        const char *sender;
        const char *recipient;
        int64_t after_s;
        enum nm_confirm_finding finding;
    } rows[] = {{"alice@example.org", "bob@army.ml", 0, NM_CODE_RIGHT},
        {"alice@example.org", "bob@army.ml", 3600, NM_CODE_RIGHT},
        {"alice@example.org", "bob@army.ml", 4500, NM_CODE_STALE},
        {"alice@example.org", "bob@army.ml", 10800, NM_CODE_STALE},
        {"alice@example.org", "bob@army.ml", 11700, NM_CODE_WRONG},
        {"alice@example.org", "bob@army.ml", -900, NM_CODE_RIGHT},
        {"alice@example.org", "bob@army.ml", -1800, NM_CODE_WRONG},
        {"alice@example.or", "bob@army.ml", 0, NM_CODE_WRONG},
        {"alice@example.org", "bob@army.m", 0, NM_CODE_WRONG},
        {"alice@example.orgb", "ob@army.ml", 0, NM_CODE_WRONG},
        {"bob@army.ml", "alice@example.org", 0, NM_CODE_WRONG}};
    const struct nm_confirm_case what = mail("alice@example.org", "bob@army.ml");
    struct nm_confirm_code code;
    struct keys keys;

    keys_init(&keys);
    /* At the beginning of a quarter: those that are made later in it last no shorter. */
    code = nm_codes_make(keys.codes, &what, &rules, kit_now_us);
    ck_assert_int_eq(kit_now_us / second_us % (rules.window_s / 4), 0);
    for (size_t i = 0; i < NM_COUNT(rows); i++)
        ck_assert_msg(
            find(&keys, rows[i].sender, rows[i].recipient,
                kit_now_us + rows[i].after_s * second_us, &code) == rows[i].finding,
            "%zu", i);
    keys_done(&keys);
}
END_TEST

START_TEST(test_codes__are_short_and_easily_told_apart)
{
    const struct nm_confirm_case what = mail("alice@example.org", "bob@army.ml");
    struct keys keys;
    unsigned seen[256] = {0};

    keys_init(&keys);
    for (int i = 0; i < 2000; i++) {
        const struct nm_confirm_code code =
            nm_codes_make(keys.codes, &what, &rules, kit_now_us + i * 3600 * second_us);

        ck_assert_uint_eq(strlen(code.text), NM_CONFIRM_CODE_LENGTH);
        ck_assert_int_eq(strncmp(code.text, "NM-", 3), 0);
        for (const char *c = code.text + 3; *c != '\0'; c++)
            seen[(unsigned char)*c]++;
    }
    /* All digits come, equally often but for chance: 16000 of 32 kinds. */
    for (int c = 0; c < 256; c++) {
        const bool is_digit =
            c != 0 && strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c) != NULL;

        ck_assert_msg(is_digit ? seen[c] > 350 && seen[c] < 650 : seen[c] == 0,
            "%c: %u", c, seen[c]);
    }
    keys_done(&keys);
}
END_TEST

START_TEST(test_codes__of_one_key_are_taken_on_another_machine)
{
    const struct nm_confirm_case what = mail("alice@example.org", "bob@army.ml");
    struct nm_confirm_code code;
    struct keys keys;
    struct keys other;
    struct stat file;

    keys_init(&keys);
    ck_assert_int_eq(stat(keys.path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
    code = nm_codes_make(keys.codes, &what, &rules, kit_now_us);
    nm_codes_close(&keys.codes);
    ck_assert_int_eq(nm_codes_open(keys.path, &keys.codes, NULL), NM_OK);
    ck_assert_int_eq(
        find(&keys, what.sender, "bob@army.ml", kit_now_us, &code), NM_CODE_RIGHT);
    keys_init(&other);
    ck_assert_int_eq(
        find(&other, what.sender, "bob@army.ml", kit_now_us, &code), NM_CODE_WRONG);
    keys_done(&other);
    keys_done(&keys);
}
END_TEST

static void write_key(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(test_codes__a_key_that_cannot_be_used_is_told)
{
    static const char good[] = "nearmiss-confirm-key 1 "
                               "00112233445566778899aabbccddeeff"
                               "00112233445566778899aabbccddeeff\n";
    static const struct {
        const char *text;
        mode_t mode;
        enum nm_code code;
        const char *words;
    } rows[] = {{good, 0640, NM_SYSTEM, "others may read the key"},
        {good, 0604, NM_SYSTEM, "others may read the key"},
        {"", 0600, NM_BAD_INPUT, "holds no key of codes"},
        {"nearmiss-names-key 1 "
         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
            0600, NM_BAD_INPUT, "holds no key of codes"},
        {"nearmiss-confirm-key 1 00112233445566778899aabbccddeeff\n", 0600,
            NM_BAD_INPUT, "holds no key of codes"}};
    struct nm_error error = {.code = NM_OK};
    struct nm_codes *codes = NULL;
    struct keys keys;

    keys_init(&keys);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        write_key(keys.path, rows[i].text, rows[i].mode);
        ck_assert_int_eq(nm_codes_open(keys.path, &codes, &error), rows[i].code);
        ck_assert_ptr_null(codes);
        ck_assert_msg(
            strstr(error.message, rows[i].words) != NULL, "%s", error.message);
    }
    write_key(keys.path, good, 0600);
    ck_assert_int_eq(nm_codes_open(keys.path, &codes, &error), NM_OK);
    nm_codes_close(&codes);
    ck_assert_int_eq(nm_codes_open("/nonexistent/key", &codes, &error), NM_SYSTEM);
    ck_assert_msg(strstr(error.message, "cannot be made") != NULL, "%s", error.message);
    keys_done(&keys);
}
END_TEST

START_TEST(test_codes__are_not_to_be_guessed)
{
    static const int64_t hour_us = INT64_C(3600) * 1000000;
    const int64_t now_us = kit_now_us - kit_now_us % hour_us;
    const struct nm_confirm_case eve = {
        .sender = "eve@example.org", .origin = "192.0.2.7"};
    const struct nm_confirm_case shouting = {
        .sender = "Eve@Example.ORG", .origin = "192.0.2.7"};
    unsigned shared = 0;
    struct keys keys;

    keys_init(&keys);
    ck_assert(!nm_codes_guesses(keys.codes, &eve, 0, now_us));
    ck_assert(!nm_codes_guesses(keys.codes, &eve, NM_CODE_WRONG_MAX - 1, now_us));
    ck_assert(!nm_codes_guesses(keys.codes, &eve, 0, now_us));
    ck_assert(nm_codes_guesses(keys.codes, &shouting, 1, now_us));
    ck_assert(nm_codes_guesses(keys.codes, &eve, 0, now_us + hour_us - 1));
    ck_assert(nm_codes_guesses(keys.codes, &eve, UINT32_MAX, now_us + hour_us - 1));
    ck_assert(!nm_codes_guesses(keys.codes, &eve, 0, now_us + hour_us));
    /* Others may share its place, but few do; nor does who writes from elsewhere in her
     * name. */
    ck_assert(nm_codes_guesses(keys.codes, &eve, NM_CODE_WRONG_MAX, now_us + hour_us));
    for (int i = 0; i < 1000; i++) {
        char sender[32];
        char origin[32];
        const struct nm_confirm_case other = {.sender = sender, .origin = "192.0.2.7"};
        const struct nm_confirm_case elsewhere = {
            .sender = "eve@example.org", .origin = origin};

        (void)snprintf(sender, sizeof sender, "s%d@example.org", i);
        (void)snprintf(origin, sizeof origin, "198.51.100.%d", i);
        shared += nm_codes_guesses(keys.codes, &other, 0, now_us + hour_us);
        shared += nm_codes_guesses(keys.codes, &elsewhere, 0, now_us + hour_us);
    }
    ck_assert_uint_le(shared, 8);
    keys_done(&keys);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_codes__are_bound_to_sender_recipient_and_time);
    tcase_add_test(cases, test_codes__are_short_and_easily_told_apart);
    tcase_add_test(cases, test_codes__of_one_key_are_taken_on_another_machine);
    tcase_add_test(cases, test_codes__a_key_that_cannot_be_used_is_told);
    tcase_add_test(cases, test_codes__are_not_to_be_guessed);
}

int main(void)
{
    return kit_run("codes", add);
}
