/*
 * A database from somebody else is opened and listed. The first byte says what the others
 * are: 0, the file itself; else changes to a sound log, four bytes each: where (three
 * bytes, modulo the size of the log) and what.
 */
#include "audit/audit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, ROWS_MAX = 1000, CHANGE_BYTES = 4 };

static char folder[] = "/tmp/nm-audit-fuzz-XXXXXX";
static char path[64];
static uint8_t sound[FILE_MAX];
static size_t sound_size;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

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
    const struct nm_audit_options options = {.path = path,
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

/* Small pages, so that a change meets something; and a file that needs no other. */
static void shrink_log(void)
{
    sqlite3 *db = NULL;

    must(sqlite3_open(path, &db) == SQLITE_OK, "open");
    must(sqlite3_exec(db,
             "INSERT INTO mention SELECT domain, sequence FROM event WHERE kind = 1;"
             "UPDATE state SET indexed = 15;"
             "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM",
             NULL, NULL, NULL) == SQLITE_OK,
        "shrink");
    (void)sqlite3_close(db);
}

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char name[80];

    for (size_t i = 0; i < NM_COUNT(suffixes); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void clean_up(void)
{
    remove_files();
    (void)rmdir(folder);
}

static void prepare(void)
{
    FILE *file;

    must(mkdtemp(folder) != NULL, folder);
    (void)snprintf(path, sizeof path, "%s/audit.db", folder);
    (void)atexit(clean_up);
    write_log();
    shrink_log();
    file = fopen(path, "rb");
    must(file != NULL, path);
    sound_size = fread(sound, 1, sizeof sound, file);
    must(sound_size > 0 && sound_size < sizeof sound, "read");
    (void)fclose(file);
}

/* ---- the target --------------------------------------------------------- */

static void put_file(const uint8_t *bytes, size_t size)
{
    FILE *file;

    remove_files();
    file = fopen(path, "wb");
    must(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0,
        path);
}

static void put_changed(const uint8_t *changes, size_t size)
{
    static uint8_t changed[FILE_MAX];

    memcpy(changed, sound, sound_size);
    for (; size >= CHANGE_BYTES; size -= CHANGE_BYTES, changes += CHANGE_BYTES) {
        const size_t at =
            (size_t)changes[0] << 16 | (size_t)changes[1] << 8 | changes[2];

        changed[at % sound_size] = changes[3];
    }
    put_file(changed, sound_size);
}

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

    if (sound_size == 0)
        prepare();
    if (size == 0)
        return 0;
    if (data[0] == 0)
        put_file(data + 1, size - 1);
    else
        put_changed(data + 1, size - 1);
    (void)nm_audit_check(path, &error);
    if (nm_audit_reader_open(path, &reader, &error) != NM_OK)
        return 0;
    list_all(reader);
    nm_audit_reader_close(&reader);
    return 0;
}
