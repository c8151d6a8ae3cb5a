/*
 * Sequences of events, with a log that fails and configurations that change, against a
 * model: for each event, what must be answered and which events the log must have got,
 * and whether somebody waited for them. The model keeps a message's recipients in a list
 * and goes through it at the end; the gate folds as it goes.
 *
 * Of the input each byte is an operation, with its argument in the high bits.
 */
#include "gate/session.h"
#include "memory_audit.h"
#include "memory_confirm.h"
#include "memory_quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "gate_session: %s\n", what);
    abort();
}

/* ---- what is played with -------------------------------------------------- */

enum {
    RECIPIENTS_MAX = 40,
    ROWS_MAX = 8,   /* that one event may bring */
    NAMED_MAX = 24, /* refusals that a reply at the end names */
    VARIANT_COUNT = 8
};

/* The clock leaps, or stands as good as still: within a leap it is too soon to send again,
 * and after two it is too late. */
enum {
    LEAP_S = 1500000,
    MIN_S = 1000000,
    WINDOW_S = 2500000,
    CODES_MAX = 4096,
    WANTED_MAX = 24, /* whose codes are looked for */
    WRONG_MAX = 10,  /* codes in a session, */
    WRONG_OF_ALL_MAX = 20,
    NO_CODE = 99999999
};

static const struct nm_rule_spec rules[] = {
    {.name = "trial",
        .confidence = 0.5,
        .recipients = (const char *const[]){"o@*"},
        .recipient_count = 1,
        .action = NM_ACTION_REJECT,
        .mode = NM_MODE_OBSERVE},
    {.name = "later",
        .confidence = 0.5,
        .recipients = (const char *const[]){"d@*"},
        .recipient_count = 1,
        .action = NM_ACTION_DEFER},
    {.name = "wait",
        .confidence = 0.5,
        .recipients = (const char *const[]){"h@*"},
        .recipient_count = 1,
        .action = NM_ACTION_HOLD},
    {.name = "mark",
        .confidence = 0.5,
        .recipients = (const char *const[]){"t@*"},
        .recipient_count = 1,
        .action = NM_ACTION_TAG},
    {.name = "keep",
        .confidence = 0.5,
        .recipients = (const char *const[]){"q@*"},
        .recipient_count = 1,
        .action = NM_ACTION_QUARANTINE},
    {.name = "ask",
        .confidence = 0.5,
        .recipients = (const char *const[]){"c@*"},
        .recipient_count = 1,
        .action = NM_ACTION_CONFIRM},
    {.name = "sure", .confidence = 0.5, .action = NM_ACTION_REJECT},
    {.name = "closed",
        .confidence = -1,
        .domains = (const char *const[]){"closed.example"},
        .domain_count = 1,
        .action = NM_ACTION_REJECT},
};

/* Recipients, and what the rules above make of them. */
static const struct known {
    const char *path;
    const char *normalised;
    enum nm_match match;
    enum nm_action action;
    enum nm_mode mode;
} knowns[] = {
    {"<a@army.mil>", NULL, NM_MATCH_PROTECTED, NM_ACTION_ACCEPT, NM_MODE_ENFORCE},
    {"<r@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_REJECT, NM_MODE_ENFORCE},
    {"<d@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_DEFER, NM_MODE_ENFORCE},
    {"<h@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_HOLD, NM_MODE_ENFORCE},
    {"<t@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_TAG, NM_MODE_ENFORCE},
    {"<o@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_REJECT, NM_MODE_OBSERVE},
    {"<q@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_QUARANTINE, NM_MODE_ENFORCE},
    {"q@army.ml", "q@army.ml", NM_MATCH_NEAR_MISS, NM_ACTION_QUARANTINE,
        NM_MODE_ENFORCE},
    {"<x@closed.example>", NULL, NM_MATCH_NONE, NM_ACTION_REJECT, NM_MODE_ENFORCE},
    {"<b@[192.0.2.1]>", "b@army.ml", NM_MATCH_NEAR_MISS, NM_ACTION_REJECT,
        NM_MODE_ENFORCE},
    {"postmaster", "", NM_MATCH_NONE, NM_ACTION_ACCEPT, NM_MODE_ENFORCE},
    {"<b@\xff>", "b@\xff", NM_MATCH_INVALID, NM_ACTION_ACCEPT, NM_MODE_ENFORCE},
    {"<c@army.ml>", NULL, NM_MATCH_NEAR_MISS, NM_ACTION_CONFIRM, NM_MODE_ENFORCE},
};

/* Configurations, all with the rules above. */
static struct variant {
    enum nm_mode mode;
    enum nm_action on_failure;
    bool partial;
    bool outbound_only; /* a network, or logged in */
    unsigned max_refusals;
    struct nm_snapshot *snapshot;
    bool remembers;
    bool by_code;
} variants[VARIANT_COUNT] = {
    {NM_MODE_ENFORCE, NM_ACTION_DEFER, false, false, 2, NULL, false, false},
    {NM_MODE_ENFORCE, NM_ACTION_ACCEPT, false, false, 2, NULL, true, false},
    {NM_MODE_OBSERVE, NM_ACTION_DEFER, false, false, 2, NULL, false, false},
    {NM_MODE_ENFORCE, NM_ACTION_DEFER, true, false, 8, NULL, true, false},
    {NM_MODE_ENFORCE, NM_ACTION_ACCEPT, true, false, 8, NULL, false, true},
    {NM_MODE_ENFORCE, NM_ACTION_DEFER, false, false, 0, NULL, true, false},
    {NM_MODE_ENFORCE, NM_ACTION_DEFER, false, true, 8, NULL, false, true},
    {NM_MODE_OBSERVE, NM_ACTION_ACCEPT, true, true, 0, NULL, true, false},
};

static struct nm_index *make_index(const struct nm_names *names)
{
    struct nm_index_entry entry = {.listing = NM_LISTING_PROTECTED, .weight = 1};
    const struct nm_index_spec spec = {.names = names,
        .entries = &entry,
        .entry_count = 1,
        .layouts = (const char *const[]){"us"},
        .layout_count = 1,
        .threshold = 0.5};
    struct nm_index *index = NULL;

    demand(nm_domain_parse(names, "army.mil", 8, &entry.name) == NM_FAULT_NONE &&
               nm_index_new(&spec, &index, NULL) == NM_OK,
        "no index");
    return index;
}

static struct nm_snapshot *make_snapshot(const struct variant *variant, size_t number)
{
    struct nm_snapshot_values values = {.mode = variant->mode,
        .on_audit_failure = variant->on_failure,
        .on_local_refusal = NM_ACTION_HOLD,
        .partial_message = variant->partial,
        .max_refusals = variant->max_refusals,
        .outbound_authenticated = variant->outbound_only,
        .confirm = {.by_code = variant->by_code,
            .min_s = MIN_S,
            .window_s = WINDOW_S,
            .remember_days = variant->remembers ? 36500 : 0},
        .gateway = "gw"};
    struct nm_snapshot *snapshot = NULL;

    (void)snprintf(values.config_hash, sizeof values.config_hash, "%zu", number);
    if (variant->outbound_only) {
        values.networks = calloc(1, sizeof *values.networks);
        demand(values.networks != NULL &&
                   nm_network_parse("192.0.2.0/24", values.networks),
            "no network");
        values.network_count = 1;
    }
    demand(nm_names_new(NULL, &values.names, NULL) == NM_OK, "no names");
    values.index = make_index(values.names);
    demand(nm_policy_new(rules, NM_COUNT(rules), &values.policy, NULL) == NM_OK &&
               nm_snapshot_new(&values, &snapshot) == NM_OK,
        "no snapshot");
    return snapshot;
}

static void make_variants(void)
{
    for (size_t i = 0; i < VARIANT_COUNT && variants[i].snapshot == NULL; i++)
        variants[i].snapshot = make_snapshot(&variants[i], i);
}

/* ---- the model ------------------------------------------------------------ */

struct recipient {
    const struct known *known;
    enum nm_action action; /* that was decided */
    enum nm_confirm_standing standing;
    size_t first;  /* the row of the refusal that it answers; SIZE_MAX: of none */
    bool wanted;   /* its code is looked for at the end */
    bool refused;  /* at RCPT */
    bool recorded; /* so far as its answer needed it */
    size_t row;    /* in the log, if recorded */
};

enum open { NOTHING, ENVELOPE, CONTENT, ENDED };

struct model {
    struct memory_audit *audit;
    struct memory_quarantine *quarantine;
    struct nm_slot *slot;
    struct nm_session *session;
    const struct variant *current;
    bool client_is_ours;
    unsigned refusals;

    unsigned leaps;
    bool is_pending; /* what may be confirmed: there is but one */
    unsigned refused_at;
    size_t refused_row;
    bool is_remembered;
    unsigned quarters[CODES_MAX]; /* of the codes that were given */
    size_t code_count;
    unsigned wrong_codes; /* in this session, */
    unsigned wrong_codes_of_all;

    enum open open;
    unsigned begun_at;
    bool null_sender;
    const struct variant *pinned;
    bool local;
    bool outbound;
    struct recipient recipients[RECIPIENTS_MAX];
    size_t recipient_count;
    size_t first_row; /* of the message, in the log; SIZE_MAX: none */
    size_t wanted_count;
    size_t subject;   /* number of the code in it; 0: it has none */
    bool has_subject; /* that was looked at */
    bool code_right;
    unsigned tag_headers;
    enum nm_outcome outcome; /* of what has ended */
    bool is_kept;            /* the message is in the quarantine */

    unsigned counts[NM_COUNTER_COUNT];
};

struct expected_row {
    enum nm_event_kind kind;
    enum nm_outcome outcome;
    enum nm_action action;
    enum nm_match match;
    enum nm_mode mode;
    const struct variant *variant;
    bool replies;
    size_t decision; /* of an act: the row that it belongs to; SIZE_MAX: not recorded */
};

/* What one event must bring about. */
struct expected {
    bool reply;
    unsigned code;
    const char *status;
    bool hold;
    const struct recipient *tagged; /* whose reference the tag holds */
    unsigned strip_count;
    size_t off_count; /* recipients taken off */
    bool subject;     /* is changed */
    bool discard;
    bool all_durable;
    struct expected_row rows[ROWS_MAX];
    size_t row_count;
};

static bool refuses(enum nm_action action)
{
    return action == NM_ACTION_REJECT || action == NM_ACTION_DEFER ||
           action == NM_ACTION_CONFIRM;
}

static bool is_confirmed(const struct recipient *recipient)
{
    return recipient->standing == NM_CONFIRM_SENT_AGAIN ||
           recipient->standing == NM_CONFIRM_REMEMBERED;
}

/* Whether it is to be refused, wherever and whenever that is done. */
static bool is_to_refuse(const struct recipient *recipient)
{
    return refuses(recipient->action) && !is_confirmed(recipient);
}

static bool in_force(const struct model *model, const struct recipient *recipient)
{
    return model->pinned->mode == NM_MODE_ENFORCE &&
           recipient->known->mode == NM_MODE_ENFORCE;
}

static bool defers(const struct model *model)
{
    return model->pinned->mode == NM_MODE_ENFORCE &&
           model->pinned->on_failure == NM_ACTION_DEFER;
}

static void expect_reply(struct expected *expected, unsigned code, const char *status)
{
    expected->reply = true;
    expected->code = code;
    expected->status = status;
    expected->hold = false;
    expected->tagged = NULL;
    expected->strip_count = 0;
    expected->off_count = 0;
    expected->discard = false;
    expected->subject = false;
}

static bool expect_row(struct model *model, struct expected *expected,
    const struct expected_row *row, bool wait)
{
    const struct memory_audit *audit = model->audit;

    if (audit->append_fails == NM_OK) {
        expected->rows[expected->row_count] = *row;
        expected->rows[expected->row_count++].variant = model->pinned;
        if (!wait)
            return true;
        expected->all_durable = audit->wait_fails == NM_OK;
        if (expected->all_durable)
            return true;
    }
    model->counts[NM_COUNTER_AUDIT_FAILURES]++;
    return false;
}

static bool expect_outcome(
    struct model *model, struct expected *expected, enum nm_outcome outcome, bool wait)
{
    const struct expected_row row = {.kind = NM_EVENT_OUTCOME,
        .outcome = outcome,
        .action = NM_ACTION_ACCEPT,
        .mode = model->pinned->mode};

    return expect_row(model, expected, &row, wait);
}

static bool is_sent_again(const struct model *model, const struct recipient *recipient)
{
    return in_force(model, recipient) && recipient->action == NM_ACTION_CONFIRM &&
           recipient->standing == NM_CONFIRM_SENT_AGAIN;
}

static bool any(const struct model *model,
    bool (*holds)(const struct model *model, const struct recipient *recipient))
{
    for (size_t i = 0; i < model->recipient_count; i++)
        if (!model->recipients[i].refused && holds(model, &model->recipients[i]))
            return true;
    return false;
}

/* What the message confirms, once it has gone through. */
static void confirm(struct model *model)
{
    if (!any(model, is_sent_again) && !model->code_right)
        return;
    model->is_pending = false;
    model->is_remembered = model->is_remembered || model->pinned->remembers;
}

static void close_message(struct model *model)
{
    if (model->open == ENDED && model->outcome != NM_OUTCOME_REFUSED) {
        model->refusals = 0;
        confirm(model);
    }
    model->open = NOTHING;
    model->recipient_count = 0;
    model->first_row = SIZE_MAX;
    model->tag_headers = 0;
    model->is_kept = false;
    model->wanted_count = 0;
    model->subject = 0;
    model->has_subject = false;
    model->code_right = false;
}

/* The message ends before its end. */
static void expect_abandoned(struct model *model, struct expected *expected)
{
    bool goes_on = false;

    if (model->open != ENVELOPE && model->open != CONTENT) {
        close_message(model);
        return;
    }
    for (size_t i = 0; i < model->recipient_count; i++)
        goes_on = goes_on || !model->recipients[i].refused;
    if (model->recipient_count > 0)
        (void)expect_outcome(
            model, expected, goes_on ? NM_OUTCOME_ABORTED : NM_OUTCOME_REFUSED, false);
    close_message(model);
}

static void expect_mail(
    struct model *model, struct expected *expected, bool local, bool auth, bool null)
{
    expect_abandoned(model, expected);
    model->begun_at = model->leaps;
    model->null_sender = null;
    model->open = ENVELOPE;
    model->pinned = model->current;
    model->local = local;
    model->outbound = !model->pinned->outbound_only || model->client_is_ours || auth;
    model->counts[NM_COUNTER_MESSAGES]++;
}

static void expect_stray(struct model *model, struct expected *expected)
{
    const struct variant *variant =
        model->open == CONTENT ? model->pinned : model->current;

    if (variant->mode == NM_MODE_ENFORCE)
        expect_reply(expected, 451, "4.3.0");
    expect_abandoned(model, expected);
}

static void count_recipient(struct model *model, const struct recipient *recipient)
{
    model->counts[NM_COUNTER_RECIPIENTS]++;
    model->counts[NM_COUNTER_ACTION + (int)recipient->action]++;
    if (recipient->known->match != NM_MATCH_NEAR_MISS)
        return;
    model->counts[NM_COUNTER_NEAR_MISSES]++;
    model->counts[NM_COUNTER_NEAR_MISS_ACTION + (int)recipient->action]++;
}

/* How it stands with what is to be confirmed, seen from when the message began. */
static enum nm_confirm_standing standing_of(const struct model *model)
{
    if (model->is_remembered)
        return NM_CONFIRM_REMEMBERED;
    if (!model->is_pending || model->begun_at > model->refused_at + 1)
        return NM_CONFIRM_NEW;
    return model->begun_at == model->refused_at + 1 ? NM_CONFIRM_SENT_AGAIN
                                                    : NM_CONFIRM_TOO_SOON;
}

static unsigned quarter_now(const struct model *model)
{
    return model->leaps * 12 / 5; /* LEAP_S of WINDOW_S / 4 */
}

/* A code is as good as new in the quarter in which it was given. */
static void give_code(struct model *model)
{
    const unsigned quarter = quarter_now(model);

    if (model->code_count > 0 && model->quarters[model->code_count - 1] == quarter)
        return;
    demand(model->code_count < CODES_MAX, "too many codes");
    model->quarters[model->code_count++] = quarter;
}

static void decide(struct model *model, struct recipient *recipient)
{
    recipient->action = recipient->known->action;
    if (recipient->action != NM_ACTION_CONFIRM)
        return;
    if (model->null_sender) {
        recipient->action = NM_ACTION_REJECT;
        return;
    }
    recipient->standing = standing_of(model);
    recipient->first =
        recipient->standing == NM_CONFIRM_NEW ? SIZE_MAX : model->refused_row;
    if (!model->pinned->by_code || recipient->standing == NM_CONFIRM_REMEMBERED)
        return;
    recipient->standing = NM_CONFIRM_NEW;
    give_code(model);
}

/* Whether the message has to come to its end before it is known what it gets. */
static bool waits_for_code(const struct model *model, const struct recipient *recipient)
{
    return model->pinned->by_code && recipient->action == NM_ACTION_CONFIRM &&
           !is_confirmed(recipient);
}

/* Its sender was told how to confirm it. */
static void note_pending(struct model *model, const struct recipient *recipient)
{
    if (recipient->action != NM_ACTION_CONFIRM ||
        recipient->standing != NM_CONFIRM_NEW ||
        (model->is_pending && model->leaps <= model->refused_at + 1))
        return;
    model->is_pending = true;
    model->refused_at = model->leaps;
    model->refused_row = recipient->row;
}

static void expect_refusal(
    struct model *model, struct expected *expected, struct recipient *recipient)
{
    const bool for_good = recipient->action != NM_ACTION_DEFER;

    if (recipient->recorded)
        note_pending(model, recipient);
    if (recipient->recorded)
        expect_reply(expected, for_good ? 550 : 451, for_good ? "5.7.1" : "4.7.1");
    else if (defers(model))
        expect_reply(expected, 451, "4.3.0");
    else
        return;
    recipient->refused = true;
    model->refusals++;
}

static void expect_rcpt(
    struct model *model, struct expected *expected, const struct known *known)
{
    struct recipient *recipient = &model->recipients[model->recipient_count];
    struct expected_row row = {
        .kind = NM_EVENT_DECISION, .match = known->match, .mode = model->pinned->mode};
    bool now;

    if (!model->outbound)
        return;
    *recipient = (struct recipient){.known = known, .row = model->audit->count};
    decide(model, recipient);
    row.action = recipient->action;
    row.replies = is_to_refuse(recipient);
    if (row.mode == NM_MODE_ENFORCE)
        row.mode = known->mode;
    count_recipient(model, recipient);
    now = in_force(model, recipient) && is_to_refuse(recipient) && !model->local &&
          !waits_for_code(model, recipient) && !model->pinned->partial &&
          model->refusals < model->pinned->max_refusals;
    row.outcome = now ? NM_OUTCOME_REFUSED
                  : in_force(model, recipient) && known->action == NM_ACTION_QUARANTINE
                      ? NM_OUTCOME_QUARANTINED
                      : NM_OUTCOME_UNKNOWN;
    recipient->recorded = expect_row(model, expected, &row, now);
    if (now)
        expect_refusal(model, expected, recipient);
    recipient->wanted = recipient->recorded && in_force(model, recipient) &&
                        !model->local && waits_for_code(model, recipient) &&
                        model->wanted_count < WANTED_MAX;
    model->wanted_count += recipient->wanted;
    /* What may yet come into the log must not say that it was refused. */
    if (now && !recipient->recorded && !recipient->refused &&
        expected->row_count == 1 && model->audit->wait_fails == NM_TIMEOUT) {
        row.outcome = NM_OUTCOME_UNKNOWN;
        (void)expect_row(model, expected, &row, false);
    }
    model->recipient_count++;
}

static bool is_unrecorded(const struct model *model, const struct recipient *recipient)
{
    (void)model;
    return !recipient->recorded;
}

static bool is_refused_late(
    const struct model *model, const struct recipient *recipient)
{
    return recipient->recorded && in_force(model, recipient) && !model->local &&
           is_to_refuse(recipient) && !recipient->wanted;
}

static bool is_rejected_late(
    const struct model *model, const struct recipient *recipient)
{
    return is_refused_late(model, recipient) && recipient->action != NM_ACTION_DEFER;
}

static bool is_held(const struct model *model, const struct recipient *recipient)
{
    return recipient->recorded && in_force(model, recipient) &&
           (recipient->known->action == NM_ACTION_HOLD ||
               (model->local && is_to_refuse(recipient)));
}

static bool is_to_keep(const struct model *model, const struct recipient *recipient)
{
    return recipient->recorded && in_force(model, recipient) &&
           recipient->known->action == NM_ACTION_QUARANTINE;
}

static bool goes_on(const struct model *model, const struct recipient *recipient)
{
    return !recipient->refused && !is_to_keep(model, recipient);
}

/* Those who are kept get nothing from the mail server, and all others get the message. */
static void expect_taken_off(const struct model *model, struct expected *expected)
{
    expected->off_count = 0;
    for (size_t i = 0; i < model->recipient_count; i++)
        expected->off_count += is_to_keep(model, &model->recipients[i]);
    expected->discard = !any(model, goes_on);
}

static const struct recipient *first_tagged(const struct model *model)
{
    for (size_t i = 0; i < model->recipient_count; i++) {
        const struct recipient *recipient = &model->recipients[i];

        if (recipient->recorded && in_force(model, recipient) &&
            recipient->known->action == NM_ACTION_TAG)
            return recipient;
    }
    return NULL;
}

/* What the code in the Subject is worth: all that are wanted are one recipient's. */
static void settle_code(struct model *model)
{
    const size_t code = model->subject;

    model->code_right = false;
    if (model->wanted_count == 0 || code == 0 || model->wrong_codes >= WRONG_MAX ||
        model->wrong_codes_of_all >= WRONG_OF_ALL_MAX)
        return;
    if (code > model->code_count) {
        model->wrong_codes++;
        model->wrong_codes_of_all++;
        return;
    }
    model->code_right = quarter_now(model) - model->quarters[code - 1] <= 4;
}

static bool lacks_code(const struct model *model)
{
    return model->wanted_count > 0 && !model->code_right;
}

static enum nm_outcome expect_whole(
    struct model *model, struct expected *expected, bool recordable)
{
    if (!recordable || any(model, is_unrecorded)) {
        if (defers(model)) {
            expect_reply(expected, 451, "4.3.0");
            return NM_OUTCOME_REFUSED;
        }
    }
    expected->reply = false;
    expected->hold = false;
    expected->tagged = NULL;
    expected->strip_count =
        model->pinned->mode == NM_MODE_ENFORCE ? model->tag_headers : 0;
    if (!recordable && expected->strip_count > NM_TAG_HEADERS_MAX)
        expected->strip_count = 0;
    if (!recordable) {
        if (model->is_kept)
            expect_taken_off(model, expected);
        expected->subject = model->code_right;
        return expected->discard ? NM_OUTCOME_QUARANTINED : NM_OUTCOME_PASSED;
    }
    settle_code(model);
    if (any(model, is_refused_late) || lacks_code(model)) {
        const bool for_good = any(model, is_rejected_late) || lacks_code(model);

        expect_reply(expected, for_good ? 550 : 451, for_good ? "5.7.1" : "4.7.1");
        return NM_OUTCOME_REFUSED;
    }
    if (expected->strip_count > NM_TAG_HEADERS_MAX) {
        expect_reply(expected, 550, "5.7.1");
        return NM_OUTCOME_REFUSED;
    }
    if (any(model, is_to_keep) && model->local && any(model, goes_on)) {
        expected->hold = true; /* whom to take off the mail server may not find */
    } else if (any(model, is_to_keep)) {
        model->is_kept = model->quarantine->commit_fails == NM_OK;
        if (!model->is_kept && defers(model)) {
            expect_reply(expected, 451, "4.3.0");
            return NM_OUTCOME_REFUSED;
        }
        if (model->is_kept)
            expect_taken_off(model, expected);
        expected->subject = model->code_right;
        if (expected->discard)
            return NM_OUTCOME_QUARANTINED;
    }
    expected->subject = model->code_right;
    expected->hold = expected->hold || any(model, is_held);
    expected->tagged = first_tagged(model);
    return expected->hold ? NM_OUTCOME_HELD : NM_OUTCOME_PASSED;
}

/* Acts that tell of what is confirmed, from both sides; false when the log fails. */
static bool expect_acts(struct model *model, struct expected *expected)
{
    for (size_t i = 0; i < model->recipient_count; i++) {
        const struct recipient *recipient = &model->recipients[i];
        const struct expected_row acts[] = {
            {.kind = NM_EVENT_ACT, .decision = recipient->first},
            {.kind = NM_EVENT_ACT,
                .decision = recipient->recorded ? recipient->row : SIZE_MAX}};

        if (!is_sent_again(model, recipient) &&
            !(model->code_right && recipient->wanted))
            continue;
        for (size_t k = recipient->first == SIZE_MAX; k < NM_COUNT(acts); k++)
            if (!expect_row(model, expected, &acts[k], false))
                return false;
        return true; /* another one would be the same recipient */
    }
    return true;
}

/* The reply names those whom it refuses, as far as there is room. */
static void note_named(struct model *model)
{
    size_t named = 0;

    for (size_t i = 0; i < model->recipient_count && named < NAMED_MAX; i++) {
        if (model->recipients[i].refused ||
            !is_refused_late(model, &model->recipients[i]))
            continue;
        named++;
        note_pending(model, &model->recipients[i]);
    }
    for (size_t i = 0; i < model->recipient_count && named < NAMED_MAX; i++) {
        if (!model->recipients[i].wanted || model->code_right)
            continue;
        named++;
        note_pending(model, &model->recipients[i]);
    }
}

static bool expect_record(struct model *model, struct expected *expected)
{
    if (model->outcome != NM_OUTCOME_REFUSED && !expect_acts(model, expected))
        return false;
    if (model->is_kept && model->outcome != NM_OUTCOME_QUARANTINED)
        (void)expect_outcome(model, expected, NM_OUTCOME_QUARANTINED, false);
    return expect_outcome(model, expected, model->outcome, true);
}

static void expect_end(struct model *model, struct expected *expected)
{
    bool late;

    model->open = ENDED;
    model->outcome = NM_OUTCOME_PASSED;
    if (!model->outbound)
        return;
    model->outcome = expect_whole(model, expected, true);
    late = !(any(model, is_unrecorded) && defers(model)) &&
           (any(model, is_refused_late) || lacks_code(model));
    if (model->recipient_count > 0 && !expect_record(model, expected)) {
        const enum nm_outcome meant = model->outcome;

        model->outcome = expect_whole(model, expected, false);
        if (model->outcome != meant)
            (void)expect_outcome(model, expected, model->outcome, false);
    } else if (late) {
        note_named(model);
    }
}

static void expect_undone(struct model *model, struct expected *expected)
{
    if (model->open != ENDED)
        return;
    if (model->recipient_count > 0 && model->outcome != NM_OUTCOME_REFUSED)
        (void)expect_outcome(model, expected, NM_OUTCOME_REFUSED, false);
    model->outcome = NM_OUTCOME_REFUSED;
    close_message(model);
}

/* ---- comparing ------------------------------------------------------------ */

static void check_row(
    const struct memory_audit *audit, size_t at, const struct expected_row *expected)
{
    const struct nm_audit_event *event = &audit->rows[at].event;
    const char *hash = nm_snapshot_values(expected->variant->snapshot)->config_hash;

    demand(event->kind == expected->kind, "an event of another kind was recorded");
    if (event->kind == NM_EVENT_ACT) {
        demand(expected->decision == SIZE_MAX ||
                   strcmp(event->decision.text,
                       audit->rows[expected->decision].event.id.text) == 0,
            "an act belongs to another decision");
        return;
    }
    demand(event->outcome == expected->outcome, "another outcome was recorded");
    demand(event->action == expected->action, "another action was recorded");
    demand(event->mode == expected->mode, "another mode was recorded");
    demand(strcmp(event->config, hash) == 0, "another configuration was recorded");
    if (event->kind != NM_EVENT_DECISION)
        return;
    demand(event->match == expected->match, "another match was recorded");
    demand((event->target != NULL) == (event->match == NM_MATCH_NEAR_MISS),
        "a target goes with a near miss only");
    demand((event->reply[0] != '\0') == expected->replies,
        "a reply goes with a refusal only");
}

/* All events of a message have its transaction's identifier, and no others have. */
static void check_transaction(
    const struct memory_audit *audit, size_t before, size_t first_of_message)
{
    const struct recorded *rows = audit->rows;

    while (before < audit->count && rows[before].event.kind == NM_EVENT_ACT)
        before++;
    if (before == audit->count || first_of_message >= before)
        return;
    demand(strcmp(rows[before].event.transaction.text,
               rows[first_of_message].event.transaction.text) == 0,
        "an event has another transaction than its message");
    demand(first_of_message == 0 ||
               strcmp(rows[first_of_message].event.transaction.text,
                   rows[first_of_message - 1].event.transaction.text) != 0,
        "two messages have one transaction");
}

static void check_rows(
    const struct memory_audit *audit, size_t before, const struct expected *expected)
{
    demand(audit->count - before == expected->row_count,
        "too many events were recorded, or too few");
    for (size_t i = 0; i < expected->row_count; i++)
        check_row(audit, before + i, &expected->rows[i]);
    if (!expected->all_durable)
        return;
    for (size_t i = 0; i < before + 1; i++)
        demand(audit->rows[i].durable, "it was answered before it was recorded");
}

static void check_lines(const struct nm_answer *answer)
{
    demand(answer->line_count >= 1 && answer->line_count <= NM_REPLY_LINES_MAX,
        "a reply has too many lines, or none");
    for (size_t i = 0; i < answer->line_count; i++) {
        const char *line = answer->lines[i];

        demand(line[0] != '\0' && strlen(line) <= NM_ANSWER_LINE_MAX,
            "a line is empty or too long");
        for (; *line != '\0'; line++)
            demand(*line >= 0x20 && *line < 0x7f, "a line is not printable ASCII");
    }
}

static void check_taken_off(
    const struct nm_answer *answer, const struct expected *expected)
{
    size_t count = 0;

    for (const struct nm_taken_off *off = answer->take_off; off != NULL;
         off = off->next) {
        demand(strcmp(off->path, "<q@army.ml>") == 0 ||
                   strcmp(off->path, "q@army.ml") == 0,
            "a recipient is taken off by another name than its own");
        count++;
    }
    demand(count == expected->off_count, "too many were taken off, or too few");
    demand(answer->discard == expected->discard, "discarded, or not");
}

/* What is in the quarantine just now came with the event; it is taken out again. */
static void check_kept(struct model *model, const struct expected *expected,
    const struct nm_answer *answer)
{
    struct memory_quarantine *quarantine = model->quarantine;
    size_t wanted = 0;

    for (size_t i = 0; i < model->recipient_count && model->is_kept; i++)
        wanted += is_to_keep(model, &model->recipients[i]);
    demand(quarantine->count == wanted, "kept too often, or not often enough");
    demand(answer->kind == NM_ANSWER_REPLY || expected->off_count == wanted,
        "whoever is taken off is kept");
    quarantine->count = 0;
}

static void check_answer(const struct memory_audit *audit,
    const struct nm_answer *answer, const struct expected *expected)
{
    demand((answer->kind == NM_ANSWER_REPLY) == expected->reply,
        "a reply where none was due, or none where one was");
    if (expected->reply) {
        demand(answer->code == expected->code, "another reply code");
        demand(strcmp(answer->status, expected->status) == 0, "another status code");
        check_lines(answer);
        return;
    }
    check_taken_off(answer, expected);
    demand((answer->hold != NULL) == expected->hold, "held, or not held");
    demand(answer->changes_subject == expected->subject &&
               (!expected->subject || strcmp(answer->subject, " x") == 0),
        "another Subject");
    demand((answer->tag != NULL) == (expected->tagged != NULL), "tagged, or not");
    demand(answer->strip_count == expected->strip_count, "another count of headers");
    if (answer->tag != NULL)
        demand(
            strcmp(answer->tag, audit->rows[expected->tagged->row].event.id.text) == 0,
            "the tag is not the reference of the first tagged recipient");
}

/* Each snapshot is held by us, by the slot when it is the current one, and by the message
 * that pinned it. */
static void check_references(const struct model *model)
{
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        const struct variant *variant = &variants[i];
        const unsigned expected = 1U + (model->current == variant) +
                                  (model->open != NOTHING && model->pinned == variant);

        demand(nm_snapshot_references(variant->snapshot) == expected,
            "a snapshot is held too often, or not often enough");
    }
}

static void check_counts(const struct model *model)
{
    for (size_t i = 0; i < NM_COUNTER_COUNT; i++)
        demand(model->audit->counts[i] == model->counts[i], "the counters disagree");
    demand((model->audit->errors_logged == 0) ||
               model->counts[NM_COUNTER_AUDIT_FAILURES] > 0 ||
               model->audit->last_error[0] != '\0',
        "an error without words was logged");
}

/* ---- playing -------------------------------------------------------------- */

static void send(struct model *model, const struct nm_input *input,
    const struct expected *expected, size_t before, size_t first_of_message)
{
    struct nm_answer answer;

    nm_session_event(model->session, input, &answer);
    check_answer(model->audit, &answer, expected);
    if (input->event == NM_SESSION_END)
        check_kept(model, expected, &answer);
    demand(model->quarantine->count == 0, "kept before its end");
    check_rows(model->audit, before, expected);
    check_transaction(model->audit, before, first_of_message);
    if (model->open != NOTHING && input->event != NM_SESSION_MAIL &&
        first_of_message == SIZE_MAX && model->audit->count > before)
        model->first_row = before;
    demand(nm_session_is_busy(model->session) ==
               (model->open == ENVELOPE || model->open == CONTENT),
        "busy, or not");
    check_references(model);
}

static void play_mail(struct model *model, unsigned argument)
{
    const bool local = argument % 4 == 1;
    const bool auth = argument % 4 == 2;
    const bool null = argument % 4 == 3;
    const struct nm_input input = {.event = NM_SESSION_MAIL,
        .path = {"<alice@example.org>", null ? 0 : 19},
        .auth = auth ? "alice" : NULL,
        .local_submission = local};
    const size_t before = model->audit->count;
    const size_t first = model->first_row;
    struct expected expected = {.reply = false};

    expect_mail(model, &expected, local, auth, null);
    send(model, &input, &expected, before, first);
}

static void play_rcpt(struct model *model, unsigned argument)
{
    const struct known *known = &knowns[argument % NM_COUNT(knowns)];
    const struct nm_input input = {.event = NM_SESSION_RCPT,
        .path = {known->path, strlen(known->path)},
        .normalised = known->normalised};
    const size_t before = model->audit->count;
    const size_t first = model->first_row;
    struct expected expected = {.reply = false};

    if (model->open == ENVELOPE && model->recipient_count == RECIPIENTS_MAX)
        return;
    if (model->open == ENVELOPE)
        expect_rcpt(model, &expected, known);
    else
        expect_stray(model, &expected);
    send(model, &input, &expected, before, first);
}

static void play_content(struct model *model, unsigned argument)
{
    const bool data = argument % 4 == 0;
    const bool tag = argument % 4 == 1;
    const bool body = argument % 8 == 7;
    const bool subject = argument % 4 == 2;
    const size_t codes[] = {model->code_count, 1, NO_CODE, 0};
    const size_t code = codes[argument / 4 % 4];
    char value[32];
    const struct nm_input input = {.event = data   ? NM_SESSION_DATA
                                            : body ? NM_SESSION_BODY
                                                   : NM_SESSION_HEADER,
        .body = {"a part\r\n", 8},
        .header_name = tag       ? "x-Nearmiss"
                       : subject ? "SUBJECT"
                                 : "X-Nearmiss-Other",
        .header_value = value};
    const struct expected expected = {.reply = false};

    (void)snprintf(value, sizeof value, code != 0 ? " [NM-%08zu] x" : " x", code);
    if (model->open == ENDED)
        close_message(model);
    if (model->open != NOTHING && subject && model->wanted_count > 0 &&
        !model->has_subject) {
        model->has_subject = true;
        model->subject = code;
    }
    if (model->open == ENVELOPE && data)
        model->open = CONTENT;
    if (model->open != NOTHING && tag)
        model->tag_headers++;
    send(model, &input, &expected, model->audit->count, SIZE_MAX);
}

static void play_end(struct model *model, unsigned argument)
{
    const struct nm_input input = {.event = NM_SESSION_END};
    const size_t before = model->audit->count;
    const size_t first = model->first_row;
    struct expected expected = {.reply = false};

    (void)argument;
    if (model->open == ENVELOPE || model->open == CONTENT)
        expect_end(model, &expected);
    else
        expect_stray(model, &expected);
    send(model, &input, &expected, before, first);
}

static void play_abort(struct model *model, unsigned argument)
{
    const struct nm_input input = {
        .event = argument % 2 == 0 ? NM_SESSION_ABORT : NM_SESSION_CLOSE};
    const size_t before = model->audit->count;
    const size_t first = model->first_row;
    struct expected expected = {.reply = false};

    expect_abandoned(model, &expected);
    send(model, &input, &expected, before, first);
}

static void play_finish(struct model *model, unsigned argument)
{
    const bool carried_out = argument % 2 == 0;
    const size_t before = model->audit->count;
    struct expected expected = {.reply = false};

    if (!carried_out)
        expect_undone(model, &expected);
    else if (model->open == ENDED)
        close_message(model);
    nm_session_finish(model->session, carried_out);
    check_rows(model->audit, before, &expected);
    check_references(model);
}

static void play_world(struct model *model, unsigned argument)
{
    static const enum nm_code failures[][3] = {{NM_OK, NM_OK, NM_OK},
        {NM_OK, NM_OK, NM_SYSTEM}, {NM_LIMIT, NM_OK, NM_OK},
        {NM_NO_MEMORY, NM_OK, NM_OK}, {NM_OK, NM_SYSTEM, NM_OK},
        {NM_OK, NM_TIMEOUT, NM_OK}};

    if (argument == VARIANT_COUNT + NM_COUNT(failures)) {
        model->leaps++;
        model->audit->now_us += (int64_t)LEAP_S * 1000000;
        return;
    }
    argument %= VARIANT_COUNT + NM_COUNT(failures);
    if (argument < VARIANT_COUNT) {
        model->current = &variants[argument];
        nm_slot_swap(model->slot, variants[argument].snapshot);
        variants[argument].snapshot = nm_slot_pin(model->slot);
        check_references(model);
        return;
    }
    model->audit->append_fails = failures[argument - VARIANT_COUNT][0];
    model->audit->wait_fails = failures[argument - VARIANT_COUNT][1];
    model->quarantine->commit_fails = failures[argument - VARIANT_COUNT][2];
}

static void play_connection(
    struct model *model, const struct nm_ports *ports, unsigned argument)
{
    const size_t before = model->audit->count;
    struct expected expected = {.reply = false};
    struct nm_ip client = {0};

    if (model->session != NULL) {
        expect_abandoned(model, &expected);
        nm_session_free(&model->session);
        check_rows(model->audit, before, &expected);
    }
    model->client_is_ours = argument % 2 == 0;
    demand(nm_ip_parse(model->client_is_ours ? "192.0.2.7" : "2001:db8::7", &client),
        "no address");
    demand(nm_session_new(ports, model->slot, &client, &model->session) == NM_OK,
        "no session");
    model->counts[NM_COUNTER_SESSIONS]++;
    model->refusals = 0;
    model->wrong_codes = 0;
    check_references(model);
}

static void play(struct model *model, const struct nm_ports *ports, uint8_t byte)
{
    static void (*const plays[])(struct model * model, unsigned argument) = {play_mail,
        play_rcpt, play_rcpt, play_content, play_end, play_abort, play_finish};
    const unsigned operation = byte % 16;
    const unsigned argument = byte / 16;

    if (operation < NM_COUNT(plays))
        plays[operation](model, argument);
    else if (operation == NM_COUNT(plays))
        play_connection(model, ports, argument);
    else if (operation < 10)
        play_world(model, argument);
    else
        play_rcpt(model, argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_audit audit;
    static struct memory_quarantine quarantine;
    static struct memory_confirm confirm;
    struct model *model = calloc(1, sizeof *model);
    struct nm_ports ports;
    struct expected expected = {.reply = false};
    size_t before;

    make_variants();
    memory_audit_init(&audit);
    memset(&quarantine, 0, sizeof quarantine);
    memset(&confirm, 0, sizeof confirm);
    ports = memory_audit_ports(&audit);
    ports.quarantine = memory_quarantine_port(&quarantine);
    ports.confirms = memory_confirm_port(&confirm);
    demand(model != NULL, "no memory");
    model->audit = &audit;
    model->quarantine = &quarantine;
    model->first_row = SIZE_MAX;
    model->current = &variants[0];
    demand(nm_slot_new(variants[0].snapshot, &model->slot) == NM_OK, "no slot");
    variants[0].snapshot = nm_slot_pin(model->slot);
    play_connection(model, &ports, 0);
    for (size_t i = 0; i < size; i++)
        play(model, &ports, data[i]);

    before = audit.count;
    expect_abandoned(model, &expected);
    nm_session_free(&model->session);
    check_rows(&audit, before, &expected);
    demand(
        quarantine.open == 0, "a message is on its way into the quarantine for ever");
    check_counts(model);
    check_references(model);
    nm_slot_free(&model->slot);
    for (size_t i = 0; i < VARIANT_COUNT; i++)
        demand(nm_snapshot_references(variants[i].snapshot) == 1, "a reference leaked");
    memory_audit_free(&audit);
    free(model);
    return 0;
}
