/*
 * Answered means recorded: a writer is killed with SIGKILL while threads append and wait,
 * and each event for which a wait returned NM_OK must be in the database, on a real disk.
 *
 * `audit_crash_test ROUNDS` for more than the usual few. The claim hangs on the wait: with
 * a `wait` that returns NM_OK at once, events are missing after the first rounds.
 */
#include "audit_kit.h"

#include <signal.h>
#include <sys/wait.h>

enum { THREADS = 4, ROUNDS = 8, ACKNOWLEDGED_MAX = 400, IDS_MAX = 1 << 20 };

static unsigned rounds = ROUNDS;

static struct {
    struct nm_id ids[IDS_MAX];
    size_t count;
} acknowledged;

/* ---- the writer that is killed ------------------------------------------ */

struct client {
    struct kit *kit;
    pthread_t thread;
    unsigned number;
    unsigned round;
    int pipe;
};

static struct nm_id client_id(
    const struct client *client, uint32_t message, uint8_t part)
{
    uint8_t random[NM_ID_RANDOM_BYTES] = {(uint8_t)client->number, part};

    memcpy(&random[2], &message, sizeof message);
    memcpy(&random[6], &client->round, sizeof client->round);
    return nm_id_make(kit_epoch_us, random);
}

/* Two recipients and an outcome, in three appends and one wait, as a milter does. */
static void *send_until_killed(void *self)
{
    struct client *client = self;
    struct kit *kit = client->kit;
    struct kit local = {.now_us = kit_epoch_us};

    for (uint32_t message = 0;; message++) {
        struct nm_audit_event event = kit_decision(&local, "bob@army.ml");
        struct nm_audit_event outcome;
        struct nm_id ids[2];
        uint64_t ticket = 0;

        event.transaction = client_id(client, message, 0);
        outcome = kit_outcome(&local, &event, NM_OUTCOME_PASSED);
        for (uint8_t part = 0; part < 2; part++) {
            event.id = ids[part] = client_id(client, message, (uint8_t)(part + 1));
            if (kit->port.append(kit->port.self, &event, 1, &ticket) != NM_OK)
                abort();
        }
        if (kit->port.append(kit->port.self, &outcome, 1, &ticket) != NM_OK ||
            kit->port.wait(kit->port.self, ticket, NULL) != NM_OK)
            abort();
        /* Less than PIPE_BUF: whole or not at all. */
        if (write(client->pipe, ids, sizeof ids) != (ssize_t)sizeof ids)
            abort();
    }
}

static void run_writer(struct kit *kit, unsigned round, int out)
{
    static struct client clients[THREADS];

    kit_open(kit);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] =
            (struct client){.kit = kit, .number = i, .round = round, .pipe = out};
        if (pthread_create(&clients[i].thread, NULL, send_until_killed, &clients[i]) !=
            0)
            abort();
    }
    for (;;)
        pause();
}

/* ---- the one who kills -------------------------------------------------- */

/* Note what is acknowledged; false at the end. */
static bool read_acknowledged(int in)
{
    struct nm_id ids[2];
    const ssize_t size = read(in, ids, sizeof ids);

    if (size == 0)
        return false;
    ck_assert_int_eq(size, sizeof ids);
    ck_assert_uint_lt(acknowledged.count + 1, IDS_MAX);
    acknowledged.ids[acknowledged.count++] = ids[0];
    acknowledged.ids[acknowledged.count++] = ids[1];
    return true;
}

static void write_and_kill(struct kit *kit, unsigned round, unsigned when)
{
    int ends[2];
    pid_t child;
    int status;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        run_writer(kit, round, ends[1]);
    }
    (void)close(ends[1]);
    for (unsigned i = 0; i < when; i++)
        ck_assert_msg(read_acknowledged(ends[0]), "the writer ended by itself");
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    while (read_acknowledged(ends[0]))
        ;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(ends[0]);
}

static int compare_ids(const void *left, const void *right)
{
    const struct nm_audit_row *a = left;
    const struct nm_audit_row *b = right;

    return strcmp(a->decision.id.text, b->decision.id.text);
}

static void check_all_recorded(struct kit *kit)
{
    struct kit_rows rows = {0};

    kit_list(kit, &(struct nm_audit_query){0}, &rows);
    qsort(rows.items, rows.count, sizeof rows.items[0], compare_ids);
    for (size_t i = 0; i < acknowledged.count; i++) {
        const struct nm_audit_row key = {.decision.id = acknowledged.ids[i]};
        const struct nm_audit_row *found =
            bsearch(&key, rows.items, rows.count, sizeof rows.items[0], compare_ids);

        ck_assert_msg(found != NULL, "%s was acknowledged and is missing",
            acknowledged.ids[i].text);
        ck_assert_int_eq(found->decision.outcome, NM_OUTCOME_PASSED);
    }
    kit_rows_free(&rows);
}

START_TEST(test_crash__what_was_acknowledged_is_recorded)
{
    unsigned seed = 1 + rounds;
    struct kit kit;

    kit_init_on_disk(&kit);
    for (unsigned round = 0; round < rounds; round++) {
        write_and_kill(&kit, round, 1 + (unsigned)rand_r(&seed) / 7 % ACKNOWLEDGED_MAX);
        check_all_recorded(&kit);
        ck_assert_int_eq(kit_sql_integer(&kit, "SELECT integrity_check = 'ok'"
                                               " FROM pragma_integrity_check"),
            1);
    }
    printf("%zu events acknowledged in %u rounds, 0 missing\n", acknowledged.count,
        rounds);
    kit_free(&kit);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("crash");
    TCase *cases = tcase_create("crash");
    SRunner *runner;
    int failed;

    if (argc == 2)
        rounds = (unsigned)atoi(argv[1]);
    tcase_add_test(cases, test_crash__what_was_acknowledged_is_recorded);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
