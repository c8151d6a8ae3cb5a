/*
 * make_log FILE: writes an audit log with a known content, through the layer that the
 * daemon writes with. Times run from 2026-03-01T12:00:00Z, a minute a message; the n-th
 * event has the identifier that its time and n random bytes of value n make.
 */
#include "audit/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t first_us = 1772366400123456;
static const int64_t minute_us = 60000000;

/* Bytes of a literal, NULs and all. */
#define BYTES(literal)                                                                 \
    {                                                                                  \
        literal, sizeof(literal) - 1                                                   \
    }

static const char config_hash[] =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

static const char config_text[] =
    "rules = (\n"
    "    { name = \"mil-ml\"; technique = [ \"suffix\" ];\n"
    "      target = [ \"*.mil\" ];  # {\n"
    "      action = \"reject\"; },\n"
    "    { name = \"maybe\"; confidence = 0.5; action = \"tag\"; }\n"
    ");\n";

static int64_t now_us(void *self)
{
    (void)self;
    return first_us;
}

static struct nm_id id_of(int64_t time_us, uint8_t number)
{
    uint8_t random[NM_ID_RANDOM_BYTES];

    memset(random, number, sizeof random);
    return nm_id_make(time_us, random);
}

/* One message: what all its events share, its decisions, and how it ended. */
struct message {
    const char *client;
    const char *auth;
    struct nm_bytes sender;
    const char *queue_id;
    enum nm_outcome outcome;
    bool ended; /* else it has no outcome event */
    struct decision {
        struct nm_bytes recipient;
        const char *domain;
        enum nm_match match;
        const char *target;
        enum nm_technique technique;
        double confidence;
        const char *rule;
        enum nm_action action;
        const char *reply;
        enum nm_mode mode;
        bool refused; /* at once */
    } decisions[3];
    size_t count;
};

static const struct message messages[] = {
    {.client = "192.0.2.7",
        .auth = "alice",
        .sender = BYTES("alice@example.org"),
        .queue_id = "",
        .outcome = NM_OUTCOME_REFUSED,
        .ended = true,
        .decisions = {{BYTES("bob@army.ml"), "army.ml", NM_MATCH_NEAR_MISS, "army.mil",
            NM_TECHNIQUE_SUFFIX, 0.997, "mil-ml", NM_ACTION_REJECT,
            "550 5.7.1 army.ml looks like a slip for army.mil (a letter is missing in "
            "the "
            "suffix). Not sent. Ref 01KJMMA2KV040G2081040G2081",
            NM_MODE_ENFORCE, true}},
        .count = 1},
    {.client = "2001:db8::25",
        .auth = "",
        .sender = BYTES("printer@example.org"),
        .queue_id = "4fPq2R1Zc3z9vL",
        .outcome = NM_OUTCOME_PASSED,
        .ended = true,
        .decisions = {{BYTES("carol@example.org"), "example.org", NM_MATCH_OWN, NULL,
                          NM_TECHNIQUE_NONE, -1, NULL, NM_ACTION_ACCEPT, "",
                          NM_MODE_ENFORCE, false},
            {BYTES("dan@gmial.com"), "gmial.com", NM_MATCH_NEAR_MISS, "gmail.com",
                NM_TECHNIQUE_TRANSPOSITION, 0.61234, "maybe", NM_ACTION_TAG, "",
                NM_MODE_ENFORCE, false}},
        .count = 2},
    {.client = "",
        .auth = "",
        .sender = BYTES("root@example.org"),
        .queue_id = "7C0FFEE42",
        .outcome = NM_OUTCOME_HELD,
        .ended = true,
        .decisions = {{BYTES("x@xn--ypal-43d9g.com"), "xn--ypal-43d9g.com",
            NM_MATCH_NEAR_MISS, "paypal.com", NM_TECHNIQUE_GLYPH, 0.93, "likely",
            NM_ACTION_HOLD, "", NM_MODE_ENFORCE, false}},
        .count = 1},
    {.client = "192.0.2.8",
        .auth = "",
        .sender = BYTES(""),
        .queue_id = "5DEADBEEF",
        .outcome = NM_OUTCOME_PASSED,
        .ended = true,
        .decisions = {{BYTES("eve@armymil.com"), "armymil.com", NM_MATCH_NEAR_MISS,
            "army.mil", NM_TECHNIQUE_SEVERAL, 0.7, "trial", NM_ACTION_DEFER,
            "451 4.7.1 armymil.com looks like a slip", NM_MODE_OBSERVE, false}},
        .count = 1},
    /* Everything that a mail may bring in. */
    {.client = "198.51.100.66",
        .auth = "mallory\x1b]0;owned\x07",
        .sender = BYTES("\xe2\x80\xaelist\x1b[2J@evil.example"),
        .queue_id = "1; rm -rf /",
        .outcome = NM_OUTCOME_HELD,
        .ended = true,
        .decisions = {{BYTES("a\0b\r\n\xff\xfe<script>@army.ml"), "", NM_MATCH_INVALID,
            NULL, NM_TECHNIQUE_NONE, -1, "strange", NM_ACTION_HOLD, "", NM_MODE_ENFORCE,
            false}},
        .count = 1},
    {.client = "192.0.2.7",
        .auth = "alice",
        .sender = BYTES("alice@example.org"),
        .queue_id = "",
        .outcome = NM_OUTCOME_UNKNOWN,
        .ended = false,
        .decisions = {{BYTES("frank@partner.example"), "partner.example",
            NM_MATCH_PROTECTED, NULL, NM_TECHNIQUE_NONE, -1, NULL, NM_ACTION_ACCEPT, "",
            NM_MODE_ENFORCE, false}},
        .count = 1},
    {.client = "192.0.2.7",
        .auth = "alice",
        .sender = BYTES("alice@example.org"),
        .queue_id = "6ABCDEF01",
        .outcome = NM_OUTCOME_ABORTED,
        .ended = true,
        .decisions = {{BYTES("gina@nowhere.example"), "nowhere.example", NM_MATCH_NONE,
            NULL, NM_TECHNIQUE_NONE, -1, NULL, NM_ACTION_ACCEPT, "", NM_MODE_ENFORCE,
            false}},
        .count = 1},
};

static struct nm_audit_event common(
    const struct message *message, int64_t time_us, uint8_t *number)
{
    return (struct nm_audit_event){
        .id = id_of(time_us, (*number)++),
        .time_us = time_us,
        .gateway = "mx1.example.org",
        .client = message->client,
        .auth = message->auth,
        .sender = message->sender,
        .domain = "",
        .confidence = -1,
        .reply = "",
        .config = config_hash,
        .queue_id = message->queue_id,
    };
}

static bool append(const struct nm_audit_port *port, const struct nm_audit_event *event)
{
    struct nm_error error = {0};
    uint64_t ticket;

    return port->append(port->self, event, 1, &ticket) == NM_OK &&
           port->wait(port->self, ticket, &error) == NM_OK;
}

static bool write_message(const struct nm_audit_port *port,
    const struct message *message, int64_t time_us, uint8_t *number)
{
    const struct nm_id transaction = id_of(time_us, (*number)++);
    struct nm_audit_event event;

    for (size_t i = 0; i < message->count; i++) {
        const struct decision *decision = &message->decisions[i];

        event = common(message, time_us, number);
        event.kind = NM_EVENT_DECISION;
        event.transaction = transaction;
        event.recipient = decision->recipient;
        event.domain = decision->domain;
        event.match = decision->match;
        event.target = decision->target;
        event.technique = decision->technique;
        event.confidence = decision->confidence;
        event.rule = decision->rule;
        event.action = decision->action;
        event.reply = decision->reply;
        event.mode = decision->mode;
        event.outcome = decision->refused ? NM_OUTCOME_REFUSED : NM_OUTCOME_UNKNOWN;
        if (!append(port, &event))
            return false;
    }
    event = common(message, time_us + 1500000, number);
    event.kind = NM_EVENT_OUTCOME;
    event.transaction = transaction;
    event.outcome = message->outcome;
    return !message->ended || append(port, &event);
}

/* What came after the messages. */
static const struct act {
    const char *actor;
    enum nm_verb verb;
    const char *subject;
    int64_t decision_minute; /* -1: it belongs to none */
    uint8_t decision_number;
    const char *reason;
} acts[] = {
    {"daemon", NM_VERB_CONFIRMED, "dan@gmial.com", 1, 5, NULL},
    {"alice (uid 1000)", NM_VERB_ALLOW_ADDED, "armymil.com", 3, 11,
        "a \x1b[31mpartner"},
    {"bob (uid 1001)", NM_VERB_LOOKED_AT, "message 7C0FFEE42", -1, 0, "review"},
};

static bool write_acts(const struct nm_audit_port *port, uint8_t *number)
{
    bool fine = true;

    for (size_t i = 0; i < NM_COUNT(acts) && fine; i++) {
        const int64_t time_us = first_us + (int64_t)(60 + i) * minute_us;
        struct nm_audit_event event = {
            .kind = NM_EVENT_ACT,
            .id = id_of(time_us, (*number)++),
            .time_us = time_us,
            .gateway = "mx1.example.org",
            .actor = acts[i].actor,
            .verb = acts[i].verb,
            .subject = acts[i].subject,
            .reason = acts[i].reason,
        };

        if (acts[i].decision_minute >= 0)
            event.decision = id_of(first_us + acts[i].decision_minute * minute_us,
                acts[i].decision_number);
        fine = append(port, &event);
    }
    return fine;
}

int main(int argc, char **argv)
{
    const struct nm_audit_options options = {
        .path = argc == 2 ? argv[1] : "",
        .wait_ms = 30000,
        .gateway = "mx1.example.org",
        .clock = {NULL, now_us},
    };
    struct nm_audit *audit = NULL;
    struct nm_audit_port port;
    struct nm_error error = {0};
    uint8_t number = 0;
    bool fine = true;

    if (argc != 2 || nm_audit_start(&options, &audit, &error) != NM_OK) {
        (void)fprintf(stderr, "usage: make_log FILE %s\n", error.message);
        return 2;
    }
    port = nm_audit_port(audit);
    fine = nm_audit_note_config(audit, config_hash, config_text) == NM_OK;
    for (size_t i = 0; fine && i < NM_COUNT(messages); i++)
        fine = write_message(
            &port, &messages[i], first_us + (int64_t)i * minute_us, &number);
    fine = fine && write_acts(&port, &number);
    nm_audit_stop(&audit);
    return fine ? 0 : 1;
}
