/* An audit log from somebody else is opened and listed. */
#include "changed_database.h"

#include "audit/audit.h"

enum { ROWS_MAX = 1000 };

/* ---- a sound log -------------------------------------------------------- */

static int64_t fixed_now_us(void *self)
{
    (void)self;
    return 1717200000000000;
}

static struct nm_audit_event some_event(uint8_t number)
{
    const uint8_t random[NM_ID_RANDOM_BYTES] = {number};

    return (struct nm_audit_event){
        .kind = number % 3 == 2 ? NM_EVENT_OUTCOME : NM_EVENT_DECISION,
        .id = nm_id_make(1717200000000000, random),
        .transaction = nm_id_make(1717200000000000, random),
        .time_us = 1717200000000000,
        .gateway = "mx1",
        .client = "192.0.2.7",
        .auth = "alice",
        .sender = {"Alice@example.org", 17},
        .recipient = {"b\xffo\0b", 5},
        .domain = "army.ml",
        .match = NM_MATCH_NEAR_MISS,
        .target = "army.mil",
        .technique = NM_TECHNIQUE_SUFFIX,
        .confidence = 0.997,
        .rule = "mil-ml",
        .action = NM_ACTION_REJECT,
        .reply = "550 5.7.1 no",
        .config = "00ff",
        .queue_id = "4bXyZ12Tz9z3P",
        .outcome = NM_OUTCOME_REFUSED,
    };
}

static void write_log(void)
{
    const struct nm_audit_options options = {.path = database.path,
        .wait_ms = 10000,
        .gateway = "mx1",
        .clock = {.now_us = fixed_now_us}};
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error;
    uint64_t ticket = 0;

    must(nm_audit_start(&options, &audit, &error) == NM_OK, "start");
    port = nm_audit_port(audit);
    for (uint8_t i = 0; i < 30; i++) {
        const struct nm_audit_event event = some_event(i);

        must(port.append(port.self, &event, 1, &ticket) == NM_OK, "append");
    }
    must(port.wait(port.self, ticket, &error) == NM_OK, "wait");
    nm_audit_stop(&audit);
}

static void prepare(void)
{
    database_begin("audit.db", NULL);
    write_log();
    database_take(
        "INSERT INTO mention SELECT domain, sequence FROM event WHERE kind = 1;"
        "UPDATE state SET indexed = 15");
}

/* ---- the target --------------------------------------------------------- */

struct seen {
    int64_t sequence;
    size_t rows;
};

static bool look(void *self, const struct nm_audit_row *row)
{
    struct seen *seen = self;
    const struct nm_audit_event *decision = &row->decision;
    size_t length = strlen(decision->gateway) + strlen(decision->client) +
                    strlen(decision->auth) + strlen(decision->domain) +
                    strlen(decision->reply) + strlen(decision->queue_id) +
                    strlen(decision->id.text) + strlen(decision->transaction.text) +
                    strlen(nm_match_name(decision->match)) +
                    strlen(nm_action_name(decision->action)) +
                    strlen(nm_outcome_name(decision->outcome));

    for (size_t i = 0; i < decision->recipient.length; i++)
        length += (uint8_t)decision->recipient.data[i];
    if (row->sequence <= seen->sequence || length == 0)
        abort();
    seen->sequence = row->sequence;
    return ++seen->rows < ROWS_MAX;
}

static void list_all(struct nm_audit_reader *reader)
{
    static const struct nm_audit_query queries[] = {{.newest = 5},
        {.since_us = 1, .until_us = INT64_MAX},
        {.sender = "alice@example.org", .newest = 3},
        {.domain = "army.ml", .action = "reject"}, {.reference = "4bXyZ12Tz9z3P"},
        {.reference = "01HZ8Y7Q00000000000000000R", .technique = "suffix"}};
    struct nm_error error;

    for (size_t i = 0; i < NM_COUNT(queries); i++) {
        struct seen seen = {0};

        (void)nm_audit_reader_list(reader, &queries[i], look, &seen, &error);
    }
    free(nm_audit_reader_config(reader, "00ff"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_audit_reader *reader = NULL;
    struct nm_error error;

    if (database.size == 0)
        prepare();
    if (size == 0)
        return 0;
    database_put(data, size);
    (void)nm_audit_check(database.path, &error);
    if (nm_audit_reader_open(database.path, &reader, &error) != NM_OK)
        return 0;
    list_all(reader);
    nm_audit_reader_close(&reader);
    return 0;
}
