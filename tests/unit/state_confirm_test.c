/* What senders confirm: the set in memory, against a model; the database; the thread. */
#include "state_kit.h"

#include "state/confirmer.h"

#include <pthread.h>

static const int64_t second_us = 1000000;
static const int64_t day_us = INT64_C(86400) * 1000000;
static const struct nm_confirm_rules rules = {
    .min_s = 20, .window_s = 3600, .remember_days = 90};
static const uint8_t key[NM_CONFIRM_KEY_BYTES] = {1, 2, 3};

/* ---- cases -------------------------------------------------------------- */

struct mail {
    char sender[64];
    char recipient[64];
    char domain[64];
    char origin[64];
    struct nm_confirm_case what;
};

static void set_mail(
    struct mail *mail, const char *sender, const char *recipient, const char *origin)
{
    const char *at = strchr(recipient, '@');

    (void)nm_copy(mail->sender, sizeof mail->sender, sender);
    (void)nm_copy(mail->recipient, sizeof mail->recipient, recipient);
    (void)nm_copy(mail->domain, sizeof mail->domain, at != NULL ? at + 1 : "");
    (void)nm_copy(mail->origin, sizeof mail->origin, origin);
    mail->what = (struct nm_confirm_case){.sender = mail->sender,
        .origin = mail->origin,
        .recipient = {mail->recipient, strlen(mail->recipient)},
        .domain = {mail->domain, strlen(mail->domain)}};
}

static struct nm_id id_of(unsigned number)
{
    struct nm_id id;

    (void)snprintf(id.text, sizeof id.text, "%026u", number);
    return id;
}

/* ---- the set ------------------------------------------------------------ */

struct journal {
    struct nm_confirm_change *changes;
    size_t count;
    size_t capacity;
    struct nm_confirm_journal journal;
};

static void take(void *self, const struct nm_confirm_change *change)
{
    struct journal *journal = self;

    if (journal->count == journal->capacity) {
        journal->capacity = 2 * journal->capacity + 16;
        journal->changes =
            realloc(journal->changes, journal->capacity * sizeof *journal->changes);
        ck_assert_ptr_nonnull(journal->changes);
    }
    journal->changes[journal->count++] = *change;
}

static void journal_init(struct journal *journal)
{
    memset(journal, 0, sizeof *journal);
    journal->journal = (struct nm_confirm_journal){journal, take};
}

static struct nm_confirmations *new_set(void)
{
    struct nm_confirmations *set = NULL;

    ck_assert_int_eq(nm_confirmations_new(key, &set), NM_OK);
    return set;
}

static struct nm_confirm_said ask(
    const struct nm_confirmations *set, const struct mail *mail, int64_t now_us)
{
    struct nm_confirm_said said;

    nm_confirmations_ask(set, &mail->what, &rules, now_us, &said);
    return said;
}

static enum nm_code refuse(struct nm_confirmations *set, const struct mail *mail,
    unsigned decision, int64_t now_us, struct journal *journal)
{
    const struct nm_id id = id_of(decision);

    return nm_confirmations_refuse(
        set, &mail->what, &rules, &id, now_us, &journal->journal);
}

START_TEST(test_confirm__counts_after_a_while_and_for_a_while)
{
    static const struct {
        int64_t after_us;
        enum nm_confirm_standing standing;
        uint32_t wait_s;
    } rows[] = {{0, NM_CONFIRM_TOO_SOON, 20}, {1, NM_CONFIRM_TOO_SOON, 20},
        {1000000, NM_CONFIRM_TOO_SOON, 19}, {19999999, NM_CONFIRM_TOO_SOON, 1},
        {20000000, NM_CONFIRM_SENT_AGAIN, 0}, {3600000000, NM_CONFIRM_SENT_AGAIN, 0},
        {3600000001, NM_CONFIRM_NEW, 0}, {-5000000, NM_CONFIRM_TOO_SOON, 25},
        {-3600000001, NM_CONFIRM_NEW, 0}};
    struct nm_confirmations *set = new_set();
    struct journal journal;
    struct mail mail;

    journal_init(&journal);
    set_mail(&mail, "alice@example.org", "bob@army.ml", "192.0.2.7");
    ck_assert_int_eq(ask(set, &mail, kit_now_us).standing, NM_CONFIRM_NEW);
    ck_assert_int_eq(refuse(set, &mail, 1, kit_now_us, &journal), NM_OK);
    /* Another refusal within the window does not make it begin anew. */
    ck_assert_int_eq(
        refuse(set, &mail, 2, kit_now_us + 5 * second_us, &journal), NM_OK);
    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        const struct nm_confirm_said said =
            ask(set, &mail, kit_now_us + rows[i].after_us);

        ck_assert_msg(
            said.standing == rows[i].standing && said.wait_s == rows[i].wait_s,
            "%zu: %d, %u", i, (int)said.standing, said.wait_s);
        ck_assert_str_eq(
            said.first.text, said.standing != NM_CONFIRM_NEW ? id_of(1).text : "");
    }
    /* Behind the window it does. */
    ck_assert_int_eq(
        refuse(set, &mail, 3, kit_now_us + 3601 * second_us, &journal), NM_OK);
    ck_assert_uint_eq(nm_confirmations_pending(set), 1);
    ck_assert_str_eq(
        ask(set, &mail, kit_now_us + 3630 * second_us).first.text, id_of(3).text);
    free(journal.changes);
    nm_confirmations_free(&set);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(test_confirm__is_one_senders_word_on_one_domain)
{
    struct nm_confirmations *set = new_set();
    const int64_t now_us = kit_now_us;
    struct journal journal;
    struct mail mail;
    bool others = true;

    journal_init(&journal);
    set_mail(&mail, "alice@example.org", "bob@army.ml", "192.0.2.7");
    ck_assert_int_eq(refuse(set, &mail, 1, now_us, &journal), NM_OK);
    ck_assert_int_eq(nm_confirmations_confirm(
                         set, &mail.what, &rules, now_us, &journal.journal, &others),
        NM_OK);
    ck_assert(!others);
    ck_assert_uint_eq(nm_confirmations_pending(set), 0);
    set_mail(&mail, "alice@example.org", "carol@army.ml", "elsewhere");
    ck_assert_int_eq(ask(set, &mail, now_us).standing, NM_CONFIRM_REMEMBERED);
    ck_assert_int_eq(
        ask(set, &mail, now_us + 90 * day_us - 1).standing, NM_CONFIRM_REMEMBERED);
    ck_assert_int_eq(ask(set, &mail, now_us + 90 * day_us).standing, NM_CONFIRM_NEW);
    set_mail(&mail, "alice@example.org", "carol@x.army.ml", "elsewhere");
    ck_assert_int_eq(ask(set, &mail, now_us).standing, NM_CONFIRM_NEW);
    set_mail(&mail, "eve@example.org", "bob@army.ml", "192.0.2.7");
    ck_assert_int_eq(ask(set, &mail, now_us).standing, NM_CONFIRM_NEW);
    /* The same sender once more is nobody else; another one is. */
    set_mail(&mail, "alice@example.org", "bob@army.ml", "192.0.2.7");
    ck_assert_int_eq(nm_confirmations_confirm(
                         set, &mail.what, &rules, now_us, &journal.journal, &others),
        NM_OK);
    ck_assert(!others);
    set_mail(&mail, "eve@example.org", "dave@army.ml", "192.0.2.7");
    ck_assert_int_eq(nm_confirmations_confirm(
                         set, &mail.what, &rules, now_us, &journal.journal, &others),
        NM_OK);
    ck_assert(others);
    ck_assert_uint_eq(nm_confirmations_confirmed(set), 2);
    free(journal.changes);
    nm_confirmations_free(&set);
}
END_TEST

/* Nothing is made up where one part ends and the next begins. */
START_TEST(test_confirm__keeps_senders_and_recipients_apart)
{
    struct nm_confirmations *set = new_set();
    struct journal journal;
    struct mail mail;

    journal_init(&journal);
    set_mail(&mail, "ab", "c@d", "o");
    ck_assert_int_eq(refuse(set, &mail, 1, kit_now_us, &journal), NM_OK);
    set_mail(&mail, "a", "bc@d", "o");
    ck_assert_int_eq(ask(set, &mail, kit_now_us).standing, NM_CONFIRM_NEW);
    set_mail(&mail, "ab", "c@d", "p");
    ck_assert_int_eq(ask(set, &mail, kit_now_us).standing, NM_CONFIRM_TOO_SOON);
    free(journal.changes);
    nm_confirmations_free(&set);
}
END_TEST

/* ---- floods ------------------------------------------------------------- */

START_TEST(test_confirm__a_flood_pushes_out_its_own_rows_first)
{
    struct nm_confirmations *set = new_set();
    struct journal journal;
    struct mail victim;
    struct mail mail;
    char text[64];

    journal_init(&journal);
    set_mail(&victim, "alice@example.org", "bob@army.ml", "192.0.2.7");
    ck_assert_int_eq(refuse(set, &victim, 1, kit_now_us, &journal), NM_OK);
    /* One sender. */
    for (unsigned i = 0; i < 2 * NM_PENDING_PER_SENDER_MAX; i++) {
        (void)snprintf(text, sizeof text, "n%u@army.ml", i);
        set_mail(&mail, "eve@example.org", text, "192.0.2.9");
        ck_assert_int_eq(refuse(set, &mail, 2, kit_now_us + 1 + i, &journal),
            i < NM_PENDING_PER_SENDER_MAX ? NM_OK : NM_LIMIT);
    }
    ck_assert_uint_eq(nm_confirmations_pending(set), 1 + NM_PENDING_PER_SENDER_MAX);
    set_mail(&mail, "eve@example.org", "n0@army.ml", "192.0.2.9");
    ck_assert_int_eq(ask(set, &mail, kit_now_us + second_us).standing, NM_CONFIRM_NEW);
    /* One client that invents senders. */
    for (unsigned i = 0; i < NM_PENDING_PER_ORIGIN_MAX + 100; i++) {
        (void)snprintf(text, sizeof text, "s%u@example.org", i);
        set_mail(&mail, text, "bob@army.ml", "192.0.2.9");
        (void)refuse(set, &mail, 2, kit_now_us + 1000 + i, &journal);
    }
    ck_assert_uint_eq(nm_confirmations_pending(set), 1 + NM_PENDING_PER_ORIGIN_MAX);
    ck_assert_int_eq(
        ask(set, &victim, kit_now_us + second_us).standing, NM_CONFIRM_TOO_SOON);
    /* What was pushed out is gone from the disk, too. */
    ck_assert_int_eq(journal.changes[journal.count - 2].kind, NM_PENDING_GONE);
    ck_assert_int_eq(journal.changes[journal.count - 1].kind, NM_PENDING_PUT);
    free(journal.changes);
    nm_confirmations_free(&set);
}
END_TEST

START_TEST(test_confirm__one_sender_is_remembered_for_so_many_domains)
{
    struct nm_confirmations *set = new_set();
    struct journal journal;
    struct mail mail;
    char text[64];
    bool others;

    journal_init(&journal);
    for (unsigned i = 0; i < NM_CONFIRMED_PER_SENDER_MAX + 10; i++) {
        (void)snprintf(text, sizeof text, "bob@n%u.ml", i);
        set_mail(&mail, "eve@example.org", text, "o");
        ck_assert_int_eq(nm_confirmations_confirm(set, &mail.what, &rules,
                             kit_now_us + i, &journal.journal, &others),
            i < NM_CONFIRMED_PER_SENDER_MAX ? NM_OK : NM_LIMIT);
    }
    ck_assert_uint_eq(nm_confirmations_confirmed(set), NM_CONFIRMED_PER_SENDER_MAX);
    set_mail(&mail, "eve@example.org", "bob@n9.ml", "o");
    ck_assert_int_eq(ask(set, &mail, kit_now_us).standing, NM_CONFIRM_NEW);
    set_mail(&mail, "eve@example.org", "bob@n10.ml", "o");
    ck_assert_int_eq(ask(set, &mail, kit_now_us).standing, NM_CONFIRM_REMEMBERED);
    free(journal.changes);
    nm_confirmations_free(&set);
}
END_TEST

/* ---- against a model ---------------------------------------------------- */

enum { SENDERS = 3, RECIPIENTS = 4, DOMAINS = 2, STEPS = 20000 };

struct model {
    int64_t refused_us[SENDERS][RECIPIENTS]; /* 0: not */
    unsigned first[SENDERS][RECIPIENTS];
    int64_t expires_us[SENDERS][DOMAINS];
};

static void check_standing(const struct model *model, unsigned s, unsigned r,
    int64_t now_us, const struct nm_confirm_said *said)
{
    const int64_t age_us = now_us - model->refused_us[s][r];
    enum nm_confirm_standing standing = NM_CONFIRM_NEW;

    if (now_us < model->expires_us[s][r % DOMAINS])
        standing = NM_CONFIRM_REMEMBERED;
    else if (model->refused_us[s][r] != 0 && age_us <= rules.window_s * second_us)
        standing = age_us < rules.min_s * second_us ? NM_CONFIRM_TOO_SOON
                                                    : NM_CONFIRM_SENT_AGAIN;
    ck_assert_int_eq(said->standing, standing);
    if (standing == NM_CONFIRM_SENT_AGAIN || standing == NM_CONFIRM_TOO_SOON)
        ck_assert_str_eq(said->first.text, id_of(model->first[s][r]).text);
}

START_TEST(test_confirm__does_what_a_table_of_all_pairs_does)
{
    struct nm_confirmations *set = new_set();
    static struct model model;
    struct journal journal;
    uint32_t seed = 7;
    int64_t now_us = kit_now_us;

    journal_init(&journal);
    memset(&model, 0, sizeof model);
    for (unsigned i = 1; i < STEPS; i++) {
        struct nm_confirm_said said;
        struct mail mail;
        char sender[32];
        char recipient[32];
        unsigned s;
        unsigned r;

        seed = seed * 1664525 + 1013904223;
        s = seed >> 28 & 1U ? 0 : (seed >> 24) % SENDERS;
        r = (seed >> 20) % RECIPIENTS;
        now_us += (seed >> 8) % 16 == 0 ? 30 * day_us
                                        : (int64_t)((seed >> 8) % 4096) * second_us / 4;
        (void)snprintf(sender, sizeof sender, "s%u@example.org", s);
        (void)snprintf(recipient, sizeof recipient, "r%u@d%u.ml", r, r % DOMAINS);
        set_mail(&mail, sender, recipient, "o");
        said = ask(set, &mail, now_us);
        check_standing(&model, s, r, now_us, &said);
        if (said.standing == NM_CONFIRM_NEW) {
            ck_assert_int_eq(refuse(set, &mail, i, now_us, &journal), NM_OK);
            model.refused_us[s][r] = now_us;
            model.first[s][r] = i;
        } else if (said.standing == NM_CONFIRM_SENT_AGAIN) {
            bool others;
            bool expected = false;

            for (unsigned k = 0; k < SENDERS; k++)
                expected =
                    expected || (k != s && now_us < model.expires_us[k][r % DOMAINS]);
            ck_assert_int_eq(nm_confirmations_confirm(set, &mail.what, &rules, now_us,
                                 &journal.journal, &others),
                NM_OK);
            ck_assert_int_eq(others, expected);
            model.refused_us[s][r] = 0;
            model.expires_us[s][r % DOMAINS] = now_us + 90 * day_us;
        }
    }
    free(journal.changes);
    nm_confirmations_free(&set);
}
END_TEST

/* ---- the database ------------------------------------------------------- */

static struct nm_confirmer *start(struct kit *kit)
{
    struct nm_confirmer *confirmer = NULL;
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_confirmer_open(kit->state, &confirmer, &error) == NM_OK, "%s",
        error.message);
    return confirmer;
}

static int64_t now(void *self)
{
    (void)self;
    return kit_now_us;
}

static struct nm_confirmer *start_with_thread(struct kit *kit, const struct nm_log *log)
{
    struct nm_confirmer *confirmer = NULL;
    struct nm_error error = {.code = NM_OK};

    ck_assert_msg(nm_confirmer_start(kit->state, NULL, (struct nm_clock){NULL, now},
                      log, &confirmer, &error) == NM_OK,
        "%s", error.message);
    return confirmer;
}

static enum nm_confirm_standing standing(
    struct nm_confirmer *confirmer, const struct mail *mail, int64_t now_us)
{
    const struct nm_confirm_port port = nm_confirmer_port(confirmer);
    struct nm_confirm_said said;

    port.ask(port.self, &mail->what, &rules, now_us, &said);
    return said.standing;
}

static void refuse_and_wait(
    struct nm_confirmer *confirmer, const struct mail *mail, int64_t now_us)
{
    const struct nm_confirm_port port = nm_confirmer_port(confirmer);
    const struct nm_id id = nm_id_make(now_us, (const uint8_t[NM_ID_RANDOM_BYTES]){7});
    uint64_t ticket = 0;

    port.refused(port.self, &mail->what, &rules, &id, now_us, &ticket);
    port.wait(port.self, ticket);
}

/* As after a kill: what was waited for is there, though nothing was closed. */
START_TEST(test_confirmer__what_was_waited_for_is_on_the_disk)
{
    struct kit kit;
    struct nm_confirmer *confirmer;
    struct nm_confirmer *reader = NULL;
    struct nm_state *state = NULL;
    struct nm_error error = {.code = NM_OK};
    struct nm_confirm_said said;
    struct nm_confirm_port port;
    struct mail mail;

    kit_init(&kit);
    kit_open(&kit);
    set_mail(&mail, "alice@example.org", "bob@army.ml", "192.0.2.7");
    confirmer = start_with_thread(&kit, NULL);
    refuse_and_wait(confirmer, &mail, kit_now_us);
    ck_assert_msg(
        nm_state_open_to_read(kit.path, &state, &error) == NM_OK, "%s", error.message);
    ck_assert_int_eq(nm_confirmer_open(state, &reader, &error), NM_OK);
    port = nm_confirmer_port(reader);
    ck_assert(port.refused == NULL);
    port.ask(port.self, &mail.what, &rules, kit_now_us + 30 * second_us, &said);
    ck_assert_int_eq(said.standing, NM_CONFIRM_SENT_AGAIN);
    ck_assert_str_eq(said.first.text,
        nm_id_make(kit_now_us, (const uint8_t[NM_ID_RANDOM_BYTES]){7}).text);
    nm_confirmer_stop(&reader);
    nm_state_close(&state);
    nm_confirmer_stop(&confirmer);
    kit_done(&kit);
}
END_TEST

START_TEST(test_confirmer__remembers_over_a_restart)
{
    struct kit kit;
    struct nm_confirmer *confirmer;
    struct nm_confirm_port port;
    struct mail alice;
    struct mail eve;
    size_t pending;
    size_t confirmed;

    kit_init(&kit);
    kit_open(&kit);
    set_mail(&alice, "alice@example.org", "bob@army.ml", "192.0.2.7");
    set_mail(&eve, "eve@example.org", "bob@army.ml", "192.0.2.7");
    confirmer = start_with_thread(&kit, NULL);
    port = nm_confirmer_port(confirmer);
    refuse_and_wait(confirmer, &alice, kit_now_us);
    refuse_and_wait(confirmer, &eve, kit_now_us);
    ck_assert(!port.confirmed(port.self, &alice.what, &rules, kit_now_us));
    nm_confirmer_stop(&confirmer);
    kit_reopen(&kit);

    confirmer = start_with_thread(&kit, NULL);
    ck_assert_int_eq(standing(confirmer, &alice, kit_now_us), NM_CONFIRM_REMEMBERED);
    ck_assert_int_eq(
        standing(confirmer, &eve, kit_now_us + 30 * second_us), NM_CONFIRM_SENT_AGAIN);
    nm_confirmer_count(confirmer, &pending, &confirmed);
    ck_assert_uint_eq(pending, 1);
    ck_assert_uint_eq(confirmed, 1);
    port = nm_confirmer_port(confirmer);
    ck_assert(port.confirmed(port.self, &eve.what, &rules, kit_now_us));
    nm_confirmer_stop(&confirmer);

    /* What no configuration makes count any more goes with the next start. */
    kit_sql(&kit, "UPDATE confirmation SET expires_us = 5");
    confirmer = start_with_thread(&kit, NULL);
    nm_confirmer_count(confirmer, &pending, &confirmed);
    ck_assert_uint_eq(pending + confirmed, 0);
    nm_confirmer_stop(&confirmer);
    kit_done(&kit);
}
END_TEST

struct lines {
    pthread_mutex_t lock;
    char text[4096];
};

static void log_line(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct lines *lines = self;
    struct nm_buf buf;

    (void)level;
    (void)fields;
    (void)field_count;
    (void)pthread_mutex_lock(&lines->lock);
    nm_buf_init(&buf, lines->text + strlen(lines->text),
        sizeof lines->text - strlen(lines->text));
    nm_buf_printf(&buf, "%s\n", message);
    (void)pthread_mutex_unlock(&lines->lock);
}

/* It is in force all the same, nobody waits for it for ever, and it is stored at last. */
START_TEST(test_confirmer__a_database_that_cannot_be_written_is_tried_again)
{
    static struct lines lines = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct nm_log log = {&lines, log_line};
    struct kit kit;
    struct nm_confirmer *confirmer;
    struct mail mail;

    kit_init(&kit);
    kit_open(&kit);
    set_mail(&mail, "alice@example.org", "bob@army.ml", "192.0.2.7");
    confirmer = start_with_thread(&kit, &log);
    kit_sql(&kit, "ALTER TABLE pending RENAME TO elsewhere");
    refuse_and_wait(confirmer, &mail, kit_now_us);
    ck_assert_int_eq(
        standing(confirmer, &mail, kit_now_us + 30 * second_us), NM_CONFIRM_SENT_AGAIN);
    kit_sql(&kit, "ALTER TABLE elsewhere RENAME TO pending");
    nm_confirmer_stop(&confirmer);
    ck_assert_str_eq(lines.text,
        "what senders confirm cannot be stored; it is in force, and tried again\n"
        "what senders confirm is stored again\n");
    confirmer = start(&kit);
    ck_assert_int_eq(
        standing(confirmer, &mail, kit_now_us + 30 * second_us), NM_CONFIRM_SENT_AGAIN);
    nm_confirmer_stop(&confirmer);
    kit_done(&kit);
}
END_TEST

START_TEST(test_confirmer__says_what_is_wrong_with_a_database)
{
    static const struct {
        const char *sql;
        const char *words;
    } rows[] = {{"DELETE FROM confirm_key", "the key of the confirmations is missing"},
        {"UPDATE confirm_key SET key = x'00'", "damaged"},
        {"INSERT INTO pending VALUES (x'01', x'', x'', 'x', 5)", "damaged"},
        {"INSERT INTO confirmation VALUES (x'01', x'', x'', 5, 9)", "damaged"},
        {"INSERT INTO pending VALUES (zeroblob(16), zeroblob(16), zeroblob(16),"
         " 'nonsense', 5)",
            "damaged"}};

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        struct nm_error error = {.code = NM_OK};
        struct nm_confirmer *confirmer = NULL;
        struct kit kit;

        kit_init(&kit);
        kit_open(&kit);
        kit_sql(&kit, rows[i].sql);
        ck_assert_int_eq(nm_confirmer_open(kit.state, &confirmer, &error), NM_SYSTEM);
        ck_assert_msg(
            strstr(error.message, rows[i].words) != NULL, "%zu: %s", i, error.message);
        kit_done(&kit);
    }
}
END_TEST

/* Sessions ask and note while the thread stores. */
struct crowd {
    struct nm_confirmer *confirmer;
    unsigned number;
};

static void *come_and_go(void *argument)
{
    const struct crowd *crowd = argument;
    const struct nm_confirm_port port = nm_confirmer_port(crowd->confirmer);

    for (unsigned i = 0; i < 20; i++) {
        struct mail mail;
        char sender[32];
        char recipient[32];

        (void)snprintf(sender, sizeof sender, "s%u@example.org", crowd->number);
        (void)snprintf(recipient, sizeof recipient, "r@d%u.ml", i);
        set_mail(&mail, sender, recipient, "o");
        refuse_and_wait(crowd->confirmer, &mail, kit_now_us);
        if (standing(crowd->confirmer, &mail, kit_now_us + 30 * second_us) !=
            NM_CONFIRM_SENT_AGAIN)
            return NULL;
        (void)port.confirmed(port.self, &mail.what, &rules, kit_now_us);
    }
    return argument;
}

START_TEST(test_confirmer__serves_many_sessions_at_once)
{
    enum { THREADS = 6 };
    struct kit kit;
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    struct nm_confirmer *confirmer;
    size_t pending;
    size_t confirmed;

    kit_init(&kit);
    kit_open(&kit);
    confirmer = start_with_thread(&kit, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){confirmer, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result = NULL;

        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_nonnull(result);
    }
    nm_confirmer_stop(&confirmer);
    confirmer = start(&kit);
    nm_confirmer_count(confirmer, &pending, &confirmed);
    ck_assert_uint_eq(pending, 0);
    ck_assert_uint_eq(confirmed, 20 * THREADS);
    nm_confirmer_stop(&confirmer);
    kit_done(&kit);
}
END_TEST

static void add(TCase *cases)
{
    tcase_add_test(cases, test_confirm__counts_after_a_while_and_for_a_while);
    tcase_add_test(cases, test_confirm__is_one_senders_word_on_one_domain);
    tcase_add_test(cases, test_confirm__keeps_senders_and_recipients_apart);
    tcase_add_test(cases, test_confirm__a_flood_pushes_out_its_own_rows_first);
    tcase_add_test(cases, test_confirm__one_sender_is_remembered_for_so_many_domains);
    tcase_add_test(cases, test_confirm__does_what_a_table_of_all_pairs_does);
    tcase_add_test(cases, test_confirmer__what_was_waited_for_is_on_the_disk);
    tcase_add_test(cases, test_confirmer__remembers_over_a_restart);
    tcase_add_test(
        cases, test_confirmer__a_database_that_cannot_be_written_is_tried_again);
    tcase_add_test(cases, test_confirmer__says_what_is_wrong_with_a_database);
    tcase_add_test(cases, test_confirmer__serves_many_sessions_at_once);
}

int main(void)
{
    return kit_run("confirm", add);
}
