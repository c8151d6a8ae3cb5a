/*
 * A world for the gate's tests: an audit log in memory that can be told to fail, a clock
 * that ticks by one millisecond a look, and random bytes that are none.
 */
#ifndef NM_TESTS_GATE_WORLD_H
#define NM_TESTS_GATE_WORLD_H

#include "gate/session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD_EVENTS_MAX = 4096, WORLD_TEXT_MAX = 1024 };

struct world_event {
    enum nm_event_kind kind;
    struct nm_id id;
    struct nm_id transaction;
    char sender[WORLD_TEXT_MAX];
    char recipient[WORLD_TEXT_MAX];
    char domain[WORLD_TEXT_MAX];
    char target[WORLD_TEXT_MAX];
    char rule[WORLD_TEXT_MAX];
    char reply[WORLD_TEXT_MAX];
    char queue_id[WORLD_TEXT_MAX];
    char client[WORLD_TEXT_MAX];
    char auth[WORLD_TEXT_MAX];
    char config[NM_CONFIG_HASH_LENGTH + 1];
    enum nm_match match;
    enum nm_action action;
    enum nm_mode mode;
    enum nm_outcome outcome;
    bool durable; /* somebody waited for it, or for a later one */
};

struct world {
    struct world_event events[WORLD_EVENTS_MAX];
    size_t event_count;
    unsigned waits;
    enum nm_code append_fails; /* NM_OK: it does not */
    enum nm_code wait_fails;
    int64_t now_us;
    uint64_t randomness;
    unsigned counts[NM_COUNTER_COUNT];
    unsigned errors_logged;
    char logged[64 * 1024]; /* lines, as long as there is room */
    struct nm_log log;
    struct nm_ports ports;
    struct nm_slot *slot;
    struct nm_session *session;
};

static inline void world_copy(char *out, struct nm_bytes bytes)
{
    (void)snprintf(out, WORLD_TEXT_MAX, "%.*s", (int)bytes.length,
        bytes.data != NULL ? bytes.data : "");
}

static inline enum nm_code world_append(
    void *self, const struct nm_audit_event *events, size_t count, uint64_t *ticket)
{
    struct world *world = self;

    if (world->append_fails != NM_OK)
        return world->append_fails;
    for (size_t i = 0; i < count && world->event_count < WORLD_EVENTS_MAX; i++) {
        struct world_event *row = &world->events[world->event_count++];

        row->kind = events[i].kind;
        row->id = events[i].id;
        row->transaction = events[i].transaction;
        row->match = events[i].match;
        row->action = events[i].action;
        row->mode = events[i].mode;
        row->outcome = events[i].outcome;
        world_copy(row->sender, events[i].sender);
        world_copy(row->recipient, events[i].recipient);
        (void)nm_copy(row->domain, WORLD_TEXT_MAX, events[i].domain);
        (void)nm_copy(row->target, WORLD_TEXT_MAX,
            events[i].target != NULL ? events[i].target : "");
        (void)nm_copy(
            row->rule, WORLD_TEXT_MAX, events[i].rule != NULL ? events[i].rule : "");
        (void)nm_copy(row->reply, WORLD_TEXT_MAX, events[i].reply);
        (void)nm_copy(row->queue_id, WORLD_TEXT_MAX, events[i].queue_id);
        (void)nm_copy(row->client, WORLD_TEXT_MAX, events[i].client);
        (void)nm_copy(row->auth, WORLD_TEXT_MAX, events[i].auth);
        (void)nm_copy(row->config, sizeof row->config, events[i].config);
    }
    *ticket = world->event_count;
    return NM_OK;
}

static inline enum nm_code world_wait(
    void *self, uint64_t ticket, struct nm_error *error)
{
    struct world *world = self;

    world->waits++;
    if (world->wait_fails != NM_OK)
        return nm_fail(error, world->wait_fails, "the test says so");
    for (uint64_t i = 0; i < ticket; i++)
        world->events[i].durable = true;
    return NM_OK;
}

static inline int64_t world_now(void *self)
{
    struct world *world = self;

    return world->now_us += 1000;
}

static inline void world_fill(void *self, void *bytes, size_t size)
{
    struct world *world = self;

    memset(bytes, 0, size);
    world->randomness++;
    memcpy(bytes, &world->randomness,
        size < sizeof world->randomness ? size : sizeof world->randomness);
}

static inline void world_count(void *self, enum nm_counter counter)
{
    struct world *world = self;

    world->counts[counter]++;
}

static inline void world_log(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    struct world *world = self;
    struct nm_buf buf;
    const size_t used = strlen(world->logged);

    nm_buf_init(&buf, world->logged + used, sizeof world->logged - used);
    nm_buf_puts(&buf, message);
    for (size_t i = 0; i < field_count; i++)
        nm_buf_printf(&buf, " %s=%s", fields[i].key, fields[i].value);
    nm_buf_puts(&buf, "\n");
    if (level == NM_LOG_ERROR)
        world->errors_logged++;
}

static inline struct nm_index *world_index(const struct nm_names *names)
{
    static const struct {
        const char *name;
        enum nm_listing listing;
    } rows[] = {{"example.org", NM_LISTING_OWN}, {"army.mil", NM_LISTING_PROTECTED},
        {"partner.example", NM_LISTING_PROTECTED},
        {"the-partner-with-quite-a-long-name.example", NM_LISTING_PROTECTED},
        {"orange.ml", NM_LISTING_ALLOWED}};
    struct nm_index_entry entries[NM_COUNT(rows)];
    struct nm_domain suffix;
    struct nm_index_spec spec = {.names = names,
        .entries = entries,
        .entry_count = NM_COUNT(rows),
        .suffixes = &suffix,
        .suffix_count = 1,
        .layouts = (const char *const[]){"us"},
        .layout_count = 1,
        .threshold = 0.5};
    struct nm_index *index = NULL;
    struct nm_error error;

    for (size_t i = 0; i < NM_COUNT(rows); i++) {
        entries[i] = (struct nm_index_entry){.listing = rows[i].listing, .weight = 1};
        ck_assert_int_eq(nm_domain_parse(names, rows[i].name, strlen(rows[i].name),
                             &entries[i].name),
            NM_FAULT_NONE);
    }
    ck_assert_int_eq(nm_domain_parse(names, "mil", 3, &suffix), NM_FAULT_NONE);
    ck_assert_int_eq(nm_index_new(&spec, &index, &error), NM_OK);
    return index;
}

/* What a configuration would say, before a test changes it. */
static inline struct nm_snapshot_values world_values(
    const struct nm_rule_spec *rules, size_t rule_count)
{
    struct nm_snapshot_values values = {.mode = NM_MODE_ENFORCE,
        .on_audit_failure = NM_ACTION_DEFER,
        .on_local_refusal = NM_ACTION_HOLD,
        .max_refusals = 8,
        .gateway = "gw",
        .config_hash = "hash"};
    struct nm_error error;

    ck_assert_int_eq(nm_names_new(NULL, &values.names, &error), NM_OK);
    values.index = world_index(values.names);
    ck_assert_int_eq(nm_policy_new(rules, rule_count, &values.policy, &error), NM_OK);
    return values;
}

static inline struct world *world_new(const struct nm_snapshot_values *values)
{
    struct world *world = calloc(1, sizeof *world);
    struct nm_snapshot *snapshot = NULL;

    ck_assert_ptr_nonnull(world);
    ck_assert_int_eq(nm_snapshot_new(values, &snapshot), NM_OK);
    ck_assert_int_eq(nm_slot_new(snapshot, &world->slot), NM_OK);
    world->log = (struct nm_log){world, world_log};
    world->ports = (struct nm_ports){.audit = {world, world_append, world_wait},
        .counters = {world, world_count},
        .clock = {world, world_now},
        .random = {world, world_fill},
        .log = &world->log};
    return world;
}

static inline void world_connect(struct world *world, const char *client)
{
    struct nm_ip ip = {0};

    if (client[0] != '\0')
        ck_assert(nm_ip_parse(client, &ip));
    nm_session_free(&world->session);
    ck_assert_int_eq(
        nm_session_new(&world->ports, world->slot, &ip, &world->session), NM_OK);
}

static inline struct nm_answer world_send(struct world *world, struct nm_input input)
{
    struct nm_answer answer;

    nm_session_event(world->session, &input, &answer);
    return answer;
}

static inline struct nm_answer world_mail(struct world *world, const char *sender)
{
    return world_send(world,
        (struct nm_input){.event = NM_SESSION_MAIL, .path = {sender, strlen(sender)}});
}

static inline struct nm_answer world_rcpt(struct world *world, const char *recipient)
{
    return world_send(world, (struct nm_input){.event = NM_SESSION_RCPT,
                                 .path = {recipient, strlen(recipient)}});
}

static inline struct nm_answer world_event(
    struct world *world, enum nm_session_event event)
{
    return world_send(
        world, (struct nm_input){
                   .event = event, .queue_id = "4XYZ", .header_name = "Subject"});
}

static inline const struct world_event *world_last(const struct world *world)
{
    ck_assert_uint_gt(world->event_count, 0);
    return &world->events[world->event_count - 1];
}

static inline void world_free(struct world **world)
{
    nm_session_free(&(*world)->session);
    nm_slot_free(&(*world)->slot);
    free(*world);
    *world = NULL;
}

#endif
