#include "state_kit.h"

#include <sys/mman.h>

START_TEST(test_counts__reads_what_a_file_of_counts_may_hold)
{
    static const struct {
        const char *text;
        const char *counts;
    } rows[] = {
        {"", ""},
        {"army.mil\t12\n", "army.mil=12 "},
        {"army.mil\t12", "army.mil=12 "},
        {"army.mil 12\r\n", "army.mil=12 "},
        {"  ARMY.Mil.   12  \n", "army.mil=12 "},
        {"# a remark\n\n \t\na.example 1 # and another\n", "a.example=1 "},
        {"\xef\xbb\xbf"
         "a.example\t1\n",
            "a.example=1 "},
        {"b\xc3\xbc"
         "cher.example\t7\nxn--bcher-kva.example\t5\n",
            "xn--bcher-kva.example=12 "},
        {"b.example 1\na.example 2\nab.example 3\nb.example 4\n",
            "a.example=2 ab.example=3 b.example=5 "},
        {"a.example\t0\n", "a.example=0 "},
        {"a.example 999999999999999999\na.example 5\n", "a.example=1000000000000 "},
    };
    struct kit kit;

    kit_init(&kit);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_counts *counts = kit_counts(&kit, rows[i].text);

        kit_assert_counts(counts, rows[i].counts);
        nm_counts_free(&counts);
        ck_assert_ptr_null(counts);
    }
    kit_done(&kit);
}
END_TEST

START_TEST(test_counts__names_each_bad_line_and_keeps_the_others)
{
    static const char text[] = "a.example\t1\n"
                               "b.example\n"
                               "c.example\tmany\n"
                               "d.example\t-4\n"
                               "e.example\t1.5\n"
                               "f.example\t1\t2\n"
                               "g..example\t1\n"
                               "h.example\t1000000000000000000\n"
                               "i.example\t2\n"
                               "bob@j.example\t1\n";
    struct kit_bad_lines lines = {""};
    struct nm_counts *counts = NULL;
    struct kit kit;
    size_t bad = 0;

    kit_init(&kit);
    ck_assert_int_eq(kit_read(&kit, text, &counts, &lines, &bad), NM_OK);
    ck_assert_uint_eq(bad, 8);
    kit_assert_counts(counts, "a.example=1 i.example=2 ");
    ck_assert_ptr_nonnull(strstr(lines.text, "2:b.example: no count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "3:many: not a count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "4:-4: not a count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "5:1.5: not a count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "6:2: stands behind the count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "7:g..example: "));
    ck_assert_ptr_nonnull(strstr(lines.text, "8:1000000000000000000: not a count"));
    ck_assert_ptr_nonnull(strstr(lines.text, "10:bob@j.example: "));
    nm_counts_free(&counts);
    kit_done(&kit);
}
END_TEST

START_TEST(test_counts__a_line_without_end_is_bad_and_not_read)
{
    struct kit_bad_lines lines = {""};
    struct nm_counts *counts = NULL;
    struct kit kit;
    size_t bad = 0;
    char text[3 * NM_COUNTS_LINE_MAX];

    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 20, "\na.example\t1\n", 14);
    kit_init(&kit);
    ck_assert_int_eq(kit_read(&kit, text, &counts, &lines, &bad), NM_OK);
    ck_assert_uint_eq(bad, 1);
    ck_assert_ptr_nonnull(strstr(lines.text, "too long"));
    kit_assert_counts(counts, "a.example=1 ");
    nm_counts_free(&counts);
    kit_done(&kit);
}
END_TEST

static int compare_domains(const void *left, const void *right)
{
    const struct nm_count *a = left;
    const struct nm_count *b = right;
    const size_t shorter =
        a->domain.length < b->domain.length ? a->domain.length : b->domain.length;
    const int order = memcmp(a->domain.name, b->domain.name, shorter);

    return order != 0 ? order : (int)a->domain.length - (int)b->domain.length;
}

/* A plain array, sorted and summed the plain way. */
START_TEST(test_counts__settle_as_a_plain_sum_does)
{
    enum { ROUNDS = 60, NAMES_MAX = 300 };
    static struct nm_count model[NAMES_MAX];
    struct kit kit;
    unsigned seed = 20240602;

    kit_init(&kit);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t count = (size_t)rand_r(&seed) % NAMES_MAX;
        struct nm_counts *counts = NULL;
        size_t at = 0;

        ck_assert_int_eq(nm_counts_new(&counts), NM_OK);
        for (size_t i = 0; i < count; i++) {
            char name[32];

            (void)snprintf(name, sizeof name, "n%d.example", rand_r(&seed) % 100);
            model[i] =
                (struct nm_count){kit_domain(&kit, name), (uint64_t)rand_r(&seed)};
            ck_assert_int_eq(
                nm_counts_add(counts, &model[i].domain, model[i].messages), NM_OK);
        }
        ck_assert_int_eq(nm_counts_settle(counts), NM_OK);
        qsort(model, count, sizeof *model, compare_domains);
        for (size_t i = 0; i < count; at++) {
            const struct nm_domain *name = &model[i].domain;
            struct nm_count got;
            uint64_t sum = 0;

            for (; i < count && strcmp(model[i].domain.name, name->name) == 0; i++)
                sum += model[i].messages;
            ck_assert_uint_lt(at, nm_counts_size(counts));
            nm_counts_get(counts, at, &got);
            ck_assert_str_eq(got.domain.name, name->name);
            ck_assert_uint_eq(got.messages, sum);
        }
        ck_assert_uint_eq(at, nm_counts_size(counts));
        nm_counts_free(&counts);
    }
    kit_done(&kit);
}
END_TEST

START_TEST(test_counts__are_index_entries_of_a_history)
{
    struct nm_index_entry entry;
    struct nm_history_view view;
    struct nm_counts *counts;
    struct kit kit;

    kit_init(&kit);
    counts = kit_counts(&kit, "a.example 3\nxn--bcher-kva.example 5\n");
    view = nm_counts_view(counts);
    ck_assert_uint_eq(view.count, 2);
    view.entry(view.self, 1, &entry);
    ck_assert_str_eq(entry.name.name, "xn--bcher-kva.example");
    ck_assert_uint_eq(entry.name.length, strlen(entry.name.name));
    ck_assert(entry.name.idn);
    ck_assert_int_eq(entry.listing, NM_LISTING_HISTORY);
    ck_assert_double_eq(entry.weight, 5);
    nm_counts_free(&counts);
    kit_done(&kit);
}
END_TEST

START_TEST(test_counts__come_back_from_a_file_as_they_were)
{
    struct kit_bad_lines lines = {""};
    const struct nm_counts_complainer complainer = {&lines, kit_note_bad_line};
    const int file = memfd_create("counts", 0);
    struct nm_counts *counts;
    struct nm_counts *again = NULL;
    struct nm_error error = {.code = NM_OK};
    struct kit kit;
    size_t bad = 0;

    kit_init(&kit);
    ck_assert_int_eq(nm_counts_new(&counts), NM_OK);
    for (int i = 0; i < 20000; i++) {
        char name[64];
        struct nm_domain domain;

        (void)snprintf(name, sizeof name, "a-rather-long-name-%05d.example", i);
        domain = kit_domain(&kit, name);
        ck_assert_int_eq(nm_counts_add(counts, &domain, (uint64_t)i), NM_OK);
    }
    ck_assert(nm_counts_write(counts, file));
    ck_assert_int_eq(lseek(file, 0, SEEK_SET), 0);
    ck_assert_int_eq(
        nm_counts_read_file(kit.names, file, &complainer, &again, &bad, &error), NM_OK);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_eq(nm_counts_size(again), nm_counts_size(counts));
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_count a;
        struct nm_count b;

        nm_counts_get(counts, i, &a);
        nm_counts_get(again, i, &b);
        ck_assert_str_eq(a.domain.name, b.domain.name);
        ck_assert_uint_eq(a.messages, b.messages);
    }
    nm_counts_free(&again);
    nm_counts_free(&counts);
    (void)close(file);
    ck_assert_int_eq(
        nm_counts_read_file(kit.names, -1, &complainer, &again, &bad, &error),
        NM_SYSTEM);
    kit_done(&kit);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_counts__reads_what_a_file_of_counts_may_hold);
    tcase_add_test(cases, test_counts__names_each_bad_line_and_keeps_the_others);
    tcase_add_test(cases, test_counts__a_line_without_end_is_bad_and_not_read);
    tcase_add_test(cases, test_counts__settle_as_a_plain_sum_does);
    tcase_add_test(cases, test_counts__are_index_entries_of_a_history);
    tcase_add_test(cases, test_counts__come_back_from_a_file_as_they_were);
}

int main(void)
{
    return kit_run("state counts", add);
}
