/* The set of known domains, and the thread that stores what is new. */
#include "state_kit.h"

#include "state/learner.h"

#include <pthread.h>
#include <sched.h>

/* ---- the set ------------------------------------------------------------ */

START_TEST(test_contacts__are_a_set)
{
    enum { NAMES = 20000 };
    struct nm_contacts *contacts = NULL;
    bool is_new = false;

    ck_assert_int_eq(nm_contacts_new(&contacts), NM_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NAMES; i += 2) {
            char name[32];
            const int length = snprintf(name, sizeof name, "n%d.example", i);

            ck_assert_int_eq(
                nm_contacts_add(contacts, name, (size_t)length, &is_new), NM_OK);
            ck_assert_int_eq(is_new, round == 0);
        }
        ck_assert_uint_eq(nm_contacts_size(contacts), NAMES / 2);
    }
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        const int length = snprintf(name, sizeof name, "n%d.example", i);

        ck_assert_int_eq(nm_contacts_has(contacts, name, (size_t)length), i % 2 == 0);
    }
    ck_assert(!nm_contacts_has(contacts, "n0.exampl", 9));
    nm_contacts_free(&contacts);
    ck_assert_ptr_null(contacts);
}
END_TEST

/* ---- the learner -------------------------------------------------------- */

struct lines {
    pthread_mutex_t lock;
    unsigned errors;
    unsigned notices;
};

static void count_line(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct lines *lines = self;

    (void)message;
    (void)fields;
    (void)field_count;
    (void)pthread_mutex_lock(&lines->lock);
    lines->errors += level == NM_LOG_ERROR;
    lines->notices += level == NM_LOG_NOTICE;
    (void)pthread_mutex_unlock(&lines->lock);
}

static int64_t now(void *self)
{
    (void)self;
    return kit_now_us;
}

struct bed {
    struct kit kit;
    struct lines lines;
    struct nm_log log;
    struct nm_learner *learner;
    struct nm_contact_port port;
};

static void start(struct bed *bed)
{
    struct nm_error error = {.code = NM_OK};

    kit_open(&bed->kit);
    ck_assert_msg(
        nm_learner_start(bed->kit.state, bed->kit.names, (struct nm_clock){NULL, now},
            &bed->log, &bed->learner, &error) == NM_OK,
        "%s", error.message);
    bed->port = nm_learner_port(bed->learner);
}

static void stop(struct bed *bed)
{
    nm_learner_stop(&bed->learner);
    ck_assert_ptr_null(bed->learner);
    nm_state_close(&bed->kit.state);
}

static void set_up(struct bed *bed)
{
    memset(bed, 0, sizeof *bed);
    kit_init(&bed->kit);
    (void)pthread_mutex_init(&bed->lines.lock, NULL);
    bed->log = (struct nm_log){&bed->lines, count_line};
    start(bed);
}

static void tear_down(struct bed *bed)
{
    stop(bed);
    kit_done(&bed->kit);
    (void)pthread_mutex_destroy(&bed->lines.lock);
}

static bool knows(const struct bed *bed, const char *domain)
{
    return bed->port.knows(bed->port.self, domain, strlen(domain));
}

static void note(const struct bed *bed, const char *domain)
{
    bed->port.note(bed->port.self, domain, strlen(domain));
}

START_TEST(test_learner__what_is_noted_is_known_at_once_and_after_a_restart)
{
    struct bed bed;

    set_up(&bed);
    ck_assert(!knows(&bed, "a.example"));
    note(&bed, "a.example");
    note(&bed, "a.example");
    ck_assert(knows(&bed, "a.example"));
    ck_assert_uint_eq(nm_learner_size(bed.learner), 1);
    stop(&bed);
    start(&bed);
    ck_assert(knows(&bed, "a.example"));
    ck_assert(!knows(&bed, "b.example"));
    tear_down(&bed);
}
END_TEST

/* Waits for the thread; a thread that stores nothing ends the test by its time-out. */
START_TEST(test_learner__stores_without_being_stopped)
{
    struct bed bed;
    struct nm_state *reader = NULL;
    size_t found = 0;

    set_up(&bed);
    note(&bed, "a.example");
    while (found == 0) {
        struct nm_contacts *contacts = NULL;

        ck_assert_int_eq(nm_state_open_to_read(bed.kit.path, &reader, NULL), NM_OK);
        ck_assert_int_eq(nm_contacts_new(&contacts), NM_OK);
        ck_assert_int_eq(
            nm_state_contacts(reader, bed.kit.names, contacts, NULL), NM_OK);
        found = nm_contacts_size(contacts);
        nm_contacts_free(&contacts);
        nm_state_close(&reader);
        (void)sched_yield();
    }
    tear_down(&bed);
}
END_TEST

START_TEST(test_learner__knows_the_registrable_domains_of_the_history)
{
    struct bed bed;
    struct nm_counts *counts;

    set_up(&bed);
    kit_import(&bed.kit, "mail.a.example 5\nb.co.uk 7\n");
    stop(&bed);
    start(&bed);
    ck_assert(knows(&bed, "a.example"));
    ck_assert(knows(&bed, "b.co.uk"));
    ck_assert(!knows(&bed, "mail.a.example"));
    ck_assert(!knows(&bed, "c.example"));
    counts = kit_counts(&bed.kit, "www.c.example 5\n");
    nm_learner_add(bed.learner, bed.kit.names, counts);
    ck_assert(knows(&bed, "c.example"));
    nm_counts_free(&counts);
    tear_down(&bed);
}
END_TEST

/* The database refuses, so that nothing can be stored; once it no longer does, what waited
 * is, at the latest when the learner stops. */
START_TEST(test_learner__what_could_not_be_stored_is_tried_again)
{
    struct bed bed;
    unsigned errors = 0;

    set_up(&bed);
    kit_sql(&bed.kit, "CREATE TRIGGER no BEFORE INSERT ON contact"
                      " BEGIN SELECT raise(ABORT, 'no'); END");
    note(&bed, "a.example");
    while (errors == 0) {
        (void)pthread_mutex_lock(&bed.lines.lock);
        errors = bed.lines.errors;
        (void)pthread_mutex_unlock(&bed.lines.lock);
        (void)sched_yield();
    }
    ck_assert(knows(&bed, "a.example"));
    note(&bed, "b.example");
    kit_sql(&bed.kit, "DROP TRIGGER no");
    stop(&bed);
    ck_assert_uint_eq(bed.lines.errors, 1);
    ck_assert_uint_eq(bed.lines.notices, 1);
    start(&bed);
    ck_assert(knows(&bed, "a.example"));
    ck_assert(knows(&bed, "b.example"));
    tear_down(&bed);
}
END_TEST

/* ---- threads ------------------------------------------------------------ */

enum { THREADS = 4, EACH = 400 };

static void *note_many(void *argument)
{
    const struct bed *bed = argument;

    for (int i = 0; i < EACH; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "n%d.example", i);
        note(bed, name);
        ck_assert(knows(bed, name));
    }
    return NULL;
}

START_TEST(test_learner__serves_many_threads)
{
    pthread_t threads[THREADS];
    struct bed bed;

    set_up(&bed);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, note_many, &bed), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(nm_learner_size(bed.learner), EACH);
    stop(&bed);
    start(&bed);
    ck_assert_uint_eq(nm_learner_size(bed.learner), EACH);
    tear_down(&bed);
}
END_TEST

START_TEST(test_learner__values_that_cannot_be_are_damage)
{
    struct bed bed;
    struct nm_learner *learner = NULL;
    struct nm_error error = {.code = NM_OK};

    set_up(&bed);
    kit_sql(&bed.kit, "INSERT INTO contact VALUES ('A b', 0)");
    ck_assert_int_eq(nm_learner_start(bed.kit.state, bed.kit.names,
                         (struct nm_clock){NULL, now}, NULL, &learner, &error),
        NM_SYSTEM);
    ck_assert_ptr_null(learner);
    ck_assert_ptr_nonnull(strstr(error.message, "damaged"));
    tear_down(&bed);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_contacts__are_a_set);
    tcase_add_test(
        cases, test_learner__what_is_noted_is_known_at_once_and_after_a_restart);
    tcase_add_test(cases, test_learner__stores_without_being_stopped);
    tcase_add_test(cases, test_learner__knows_the_registrable_domains_of_the_history);
    tcase_add_test(cases, test_learner__what_could_not_be_stored_is_tried_again);
    tcase_add_test(cases, test_learner__serves_many_threads);
    tcase_add_test(cases, test_learner__values_that_cannot_be_are_damage);
}

int main(void)
{
    return kit_run("state learner", add);
}
