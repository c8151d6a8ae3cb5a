/* A state database from somebody else: read, and then written to. */
#include "changed_database.h"

#include "state/state.h"

enum { NOW_US = 1717200000 };

static struct nm_names *names;

static int64_t fixed_now_us(void *self)
{
    (void)self;
    return (int64_t)NOW_US * 1000000;
}

static void fill(void *self, void *bytes, size_t size)
{
    (void)self;
    memset(bytes, 7, size);
}

static enum nm_code append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    (void)self;
    (void)events;
    *ticket = count;
    return NM_OK;
}

static enum nm_code wait_durable(void *self, uint64_t ticket, struct nm_error *error)
{
    (void)self;
    (void)ticket;
    (void)error;
    return NM_OK;
}

static struct nm_domain domain(const char *text)
{
    struct nm_domain out;

    must(nm_domain_parse(names, text, strlen(text), &out) == NM_FAULT_NONE, text);
    return out;
}

/* Every kind of change; whether all were made. */
static bool change(struct nm_state *state, struct nm_error *error)
{
    static const char lines[] = "army.mil\t1200\nb\xc3\xbc"
                                "cher.example\t3\n";
    const struct nm_audit_port audit = {NULL, append, wait_durable};
    const struct nm_recorder recorder = {.audit = &audit,
        .clock = {.now_us = fixed_now_us},
        .random = {.fill = fill},
        .gateway = "mx1",
        .actor = "alice (uid 1000)"};
    const struct nm_domain seen[] = {domain("partner.example"), domain("army.mil")};
    const struct nm_exception pair = {.domain = domain("army.ml"),
        .target = domain("army.mil"),
        .sender = "bob@example.org",
        .reason = "a customer",
        .expires_us = INT64_MAX};
    const struct nm_exception gone = {
        .domain = domain("gone.example"), .expires_us = INT64_MAX};
    struct nm_counts *counts = NULL;
    size_t bad = 0;
    bool fine;

    must(nm_counts_read(names, lines, sizeof lines - 1, NULL, &counts, &bad) == NM_OK,
        "counts");
    fine = nm_state_import(state, counts, fixed_now_us(NULL), error) == NM_OK &&
           nm_state_note_contacts(state, seen, 2, fixed_now_us(NULL), error) == NM_OK &&
           nm_state_allow(state, &recorder, &pair, error) == NM_OK &&
           nm_state_allow(state, &recorder, &gone, error) == NM_OK &&
           nm_state_disallow(state, &recorder, &gone, error) == NM_OK;
    nm_counts_free(&counts);
    return fine;
}

static void prepare(void)
{
    struct nm_state *state = NULL;
    struct nm_error error;

    must(nm_names_new(NULL, &names, NULL) == NM_OK, "names");
    database_begin("state.db", NULL);
    must(nm_state_open(database.path, &state, &error) == NM_OK, "open");
    must(change(state, &error), "change");
    nm_state_close(&state);
    database_take("");
}

/* ---- the target --------------------------------------------------------- */

static bool look(void *self, const struct nm_exception *exception)
{
    char memory[1024];
    struct nm_buf out;
    size_t *left = self;

    nm_buf_init(&out, memory, sizeof memory);
    nm_exception_describe(exception, &out);
    if (exception->domain.length == 0 || exception->domain.length > NM_DOMAIN_MAX ||
        strlen(exception->domain.name) != exception->domain.length)
        abort();
    return --*left > 0;
}

static void read_all(struct nm_state *state)
{
    struct nm_counts *counts = NULL;
    struct nm_overlay *overlay = NULL;
    struct nm_contacts *contacts = NULL;
    struct nm_error error;
    size_t left = 1000;

    if (nm_state_counts(state, &counts, &error) == NM_OK) {
        for (size_t i = 0; i < nm_counts_size(counts); i++) {
            struct nm_count count;

            nm_counts_get(counts, i, &count);
            if (count.messages > NM_MESSAGES_MAX ||
                strlen(count.domain.name) != count.domain.length)
                abort();
        }
    }
    must(nm_contacts_new(&contacts) == NM_OK, "contacts");
    (void)nm_state_contacts(state, names, contacts, &error);
    (void)nm_state_exceptions(state, look, &left, &error);
    if (nm_state_overlay(state, fixed_now_us(NULL), &overlay, &error) == NM_OK)
        nm_overlay_release(&overlay);
    nm_contacts_free(&contacts);
    nm_counts_free(&counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_state *state = NULL;
    struct nm_error error;

    if (database.size == 0)
        prepare();
    if (size == 0)
        return 0;
    database_put(data, size);
    (void)nm_state_check(database.path, &error);
    if (nm_state_open_to_read(database.path, &state, &error) == NM_OK && state != NULL)
        read_all(state);
    nm_state_close(&state);
    if (nm_state_open(database.path, &state, &error) == NM_OK) {
        (void)change(state, &error);
        read_all(state);
    }
    nm_state_close(&state);
    return 0;
}
