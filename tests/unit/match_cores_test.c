/* Labels that two slips part have a form in common, however long they are. */
#include "cores.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 24, ROUNDS = 40000 };

static uint64_t state = 1;

static size_t below(size_t bound)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (size_t)(state >> 33) % bound;
}

/* Of few letters, so that runs and repetitions are frequent. */
static size_t make_label(char *out)
{
    const size_t length = NM_CORE_BYTES_MIN + below(LABEL_MAX - NM_CORE_BYTES_MIN - 4);

    for (size_t i = 0; i < length; i++)
        out[i] = (char)('a' + below(4));
    return length;
}

/* One character left out, put in, another, or two neighbours exchanged. */
static size_t slip(char *label, size_t length)
{
    const size_t at = below(length);
    char c;

    switch (below(4)) {
    case 0:
        memmove(label + at, label + at + 1, length - at - 1);
        return length - 1;
    case 1:
        memmove(label + at + 1, label + at, length - at);
        label[at] = (char)('a' + below(5));
        return length + 1;
    case 2:
        label[at] = (char)('a' + below(5));
        return length;
    default:
        if (at + 1 < length) {
            c = label[at];
            label[at] = label[at + 1];
            label[at + 1] = c;
        }
        return length;
    }
}

static bool share_a_form(const struct nm_hash_powers *powers, const char *a,
    size_t a_length, const char *b, size_t b_length)
{
    uint64_t a_forms[NM_CORE_FORMS_MAX];
    uint64_t b_forms[NM_CORE_FORMS_MAX];
    const size_t a_count = nm_core_forms(powers, a, a_length, a_forms);
    const size_t b_count = nm_core_forms(powers, b, b_length, b_forms);

    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            if (a_forms[i] == b_forms[j])
                return true;
    return false;
}

START_TEST(test_cores__two_slips_leave_a_form_in_common)
{
    struct nm_hash_powers powers;

    nm_hash_powers_init(&powers);
    for (int round = 0; round < ROUNDS; round++) {
        char meant[LABEL_MAX + 2];
        char typed[LABEL_MAX + 2];
        const size_t meant_length = make_label(meant);
        size_t typed_length = meant_length;

        memcpy(typed, meant, meant_length);
        for (size_t slips = below(3); slips > 0; slips--)
            typed_length = slip(typed, typed_length);
        ck_assert_msg(share_a_form(&powers, typed, typed_length, meant, meant_length),
            "%.*s and %.*s", (int)typed_length, typed, (int)meant_length, meant);
    }
}
END_TEST

/* The forms one by one: each hash is that of the beginning less up to two characters. */
START_TEST(test_cores__forms_are_those_of_the_beginning)
{
    static const char label[] = "abccdeefghijkl";
    uint64_t forms[NM_CORE_FORMS_MAX];
    struct nm_hash_powers powers;
    size_t count;

    nm_hash_powers_init(&powers);
    count = nm_core_forms(&powers, label, sizeof label - 1, forms);
    for (size_t a = 0; a < NM_CORE_BYTES_MAX; a++)
        for (size_t b = a; b < NM_CORE_BYTES_MAX; b++) {
            char form[NM_CORE_BYTES_MAX];
            size_t length = 0;
            size_t found = 0;

            for (size_t i = 0; i < NM_CORE_BYTES_MAX; i++)
                if (i != a && i != b)
                    form[length++] = label[i];
            while (found < count && forms[found] != nm_hash(form, length))
                found++;
            ck_assert_uint_lt(found, count);
        }
    ck_assert_uint_lt(count, NM_CORE_FORMS_MAX); /* of a pair, one */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match_cores");
    TCase *cases = tcase_create("cores");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_cores__two_slips_leave_a_form_in_common);
    tcase_add_test(cases, test_cores__forms_are_those_of_the_beginning);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
