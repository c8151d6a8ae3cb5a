#include "alloc_walk.h"
#include "state_kit.h"
#include "state_record.h"

#include "state/confirmer.h"
#include "state/learner.h"

START_TEST(test_state__reading_counts_without_memory_leaves_nothing)
{
    struct kit_bad_lines lines = {""};
    struct kit kit;
    char text[200 * 24];
    struct nm_buf buf;

    kit_init(&kit);
    nm_buf_init(&buf, text, sizeof text);
    for (int i = 0; i < 200; i++)
        nm_buf_printf(&buf, "n%d.example %d\n", i, i);
    for (size_t nth = 1;; nth++) {
        struct nm_counts *counts = NULL;
        size_t bad = 0;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = kit_read(&kit, text, &counts, &lines, &bad);
        if (!alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_OK);
            ck_assert_uint_gt(nth, 3);
            nm_counts_free(&counts);
            break;
        }
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(counts);
    }
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__opening_without_memory_leaves_nothing)
{
    struct kit kit;

    kit_init(&kit);
    for (size_t nth = 1;; nth++) {
        struct nm_state *state = NULL;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_state_open(kit.path, &state, NULL);
        if (!alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_OK);
            nm_state_close(&state);
            break;
        }
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(state);
    }
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__counting_without_memory_leaves_nothing)
{
    struct kit kit;

    kit_init(&kit);
    kit_open(&kit);
    kit_import(&kit, "a.example 1\nb.example 2\n");
    for (size_t nth = 1;; nth++) {
        struct nm_counts *counts = NULL;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_state_counts(kit.state, &counts, NULL);
        if (!alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_OK);
            ck_assert_uint_gt(nth, 2);
            nm_counts_free(&counts);
            break;
        }
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(counts);
    }
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__an_overlay_without_memory_leaves_nothing)
{
    struct kit kit;
    struct record record;
    struct nm_exception row;

    kit_init(&kit);
    kit_open(&kit);
    record_init(&record);
    row = kit_exception(&kit, "army.ml", "army.mil", "a@example.org");
    row.reason = "a reason";
    ck_assert_int_eq(nm_state_allow(kit.state, &record.recorder, &row, NULL), NM_OK);
    for (size_t nth = 1;; nth++) {
        struct nm_overlay *overlay = NULL;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_state_overlay(kit.state, kit_now_us, &overlay, NULL);
        if (!alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_OK);
            ck_assert_uint_gt(nth, 5);
            nm_overlay_release(&overlay);
            break;
        }
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(overlay);
    }
    kit_done(&kit);
}
END_TEST

static int64_t now(void *self)
{
    (void)self;
    return kit_now_us;
}

START_TEST(test_state__a_learner_without_memory_does_not_start)
{
    struct kit kit;
    size_t nth = 1;

    kit_init(&kit);
    kit_open(&kit);
    for (;; nth++) {
        struct nm_learner *learner = NULL;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_learner_start(
            kit.state, kit.names, (struct nm_clock){NULL, now}, NULL, &learner, NULL);
        if (!alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_OK);
            nm_learner_stop(&learner);
            break;
        }
        ck_assert_int_eq(code, NM_NO_MEMORY);
        ck_assert_ptr_null(learner);
    }
    ck_assert_uint_gt(nth, 4);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_confirmer_without_memory_does_not_start)
{
    static const struct nm_confirm_rules rules = {
        .min_s = 20, .window_s = 3600, .remember_days = 90};
    const struct nm_confirm_case what = {.sender = "alice@example.org",
        .origin = "192.0.2.7",
        .recipient = {"bob@army.ml", 11},
        .domain = {"army.ml", 7}};
    const struct nm_id id =
        nm_id_make(kit_now_us, (const uint8_t[NM_ID_RANDOM_BYTES]){1});
    struct kit kit;
    size_t nth = 1;

    kit_init(&kit);
    kit_open(&kit);
    for (;; nth++) {
        struct nm_confirmer *confirmer = NULL;
        struct nm_confirm_port port;
        struct nm_confirm_said said;
        uint64_t ticket = 0;
        enum nm_code code;

        alloc_walk_fail(nth);
        code = nm_confirmer_start(
            kit.state, NULL, (struct nm_clock){NULL, now}, NULL, &confirmer, NULL);
        if (alloc_walk_failed()) {
            ck_assert_int_eq(code, NM_NO_MEMORY);
            ck_assert_ptr_null(confirmer);
            continue;
        }
        ck_assert_int_eq(code, NM_OK);
        port = nm_confirmer_port(confirmer);
        /* What it has no memory to note is as if it had not been refused. */
        alloc_walk_fail(1);
        port.refused(port.self, &what, &rules, &id, kit_now_us, &ticket);
        ck_assert(alloc_walk_failed());
        port.ask(port.self, &what, &rules, kit_now_us, &said);
        ck_assert_int_eq(said.standing, NM_CONFIRM_NEW);
        nm_confirmer_stop(&confirmer);
        break;
    }
    ck_assert_uint_gt(nth, 3);
    kit_done(&kit);
}
END_TEST

START_TEST(test_state__a_set_that_cannot_grow_keeps_what_it_has)
{
    struct nm_contacts *contacts = NULL;
    int count = 0;
    enum nm_code code = NM_OK;
    char name[32];

    ck_assert_int_eq(nm_contacts_new(&contacts), NM_OK);
    for (; code == NM_OK; count++) {
        const int length = snprintf(name, sizeof name, "n%d.example", count);

        alloc_walk_fail(1);
        code = nm_contacts_add(contacts, name, (size_t)length, NULL);
    }
    ck_assert(alloc_walk_failed());
    ck_assert_int_eq(code, NM_NO_MEMORY);
    ck_assert_int_gt(count, 100);
    ck_assert_uint_eq(nm_contacts_size(contacts), (size_t)count - 1);
    ck_assert(nm_contacts_has(contacts, "n0.example", 10));
    ck_assert(!nm_contacts_has(contacts, name, strlen(name)));
    nm_contacts_free(&contacts);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_state__a_confirmer_without_memory_does_not_start);
    tcase_add_test(cases, test_state__a_learner_without_memory_does_not_start);
    tcase_add_test(cases, test_state__a_set_that_cannot_grow_keeps_what_it_has);
    tcase_add_test(cases, test_state__an_overlay_without_memory_leaves_nothing);
    tcase_add_test(cases, test_state__reading_counts_without_memory_leaves_nothing);
    tcase_add_test(cases, test_state__opening_without_memory_leaves_nothing);
    tcase_add_test(cases, test_state__counting_without_memory_leaves_nothing);
}

int main(void)
{
    return kit_run("state memory", add);
}
