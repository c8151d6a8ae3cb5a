#include "made_mail.h"

#include <stdio.h>
#include <string.h>

enum {
    STAFF = 6000,
    TAIL_DOMAINS = 40000,
    HOURS_A_WEEK = 7 * 24,
    SURGE_EVERY_DAYS = 13, /* a list goes wrong */
    MICROS_AN_HOUR_MILLIONS = 3600
};
static const int64_t hour_us = MICROS_AN_HOUR_MILLIONS * INT64_C(1000000);

const char made_gateway[] = "mx1.agency.example";
const char made_config_hash[] =
    "4be0a1c5a1a74bd1b5b3e6bf7a1a0c7a6c1e4f8a22d9d4bb0f77c80a55f2f0e1";
const char made_config[] =
    "# The outbound gateway of the agency.\n"
    "protect = {\n"
    "    own      = [ \"agency.example\" ];\n"
    "    domains  = [ \"army.mil\", \"navy.mil\", \"mail.mil\", \"northwind.example\" "
    "];\n"
    "    suffixes = [ \"mil\", \"gov.uk\", \"int\" ];\n"
    "};\n"
    "rules = (\n"
    "    { name = \"closed\"; domain = [ \"*.ml\" ]; technique = [ \"none\" ];\n"
    "      action = \"reject\"; },\n"
    "    { name = \"mil-ml\"; technique = [ \"suffix\" ]; target = [ \"*.mil\" ];\n"
    "      action = \"reject\"; },\n"
    "    { name = \"trial\"; technique = [ \"embedded\" ]; action = \"defer\";\n"
    "      mode = \"observe\"; },\n"
    "    { name = \"sure\"; confidence = 0.97; action = \"reject\"; },\n"
    "    { name = \"likely\"; confidence = 0.85; action = \"hold\"; },\n"
    "    { name = \"maybe\"; confidence = 0.5; action = \"tag\"; }\n"
    ");\n";

/* ---- chance ------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). */
uint64_t made_mail_random(struct made_mail *mail)
{
    uint64_t z = mail->random += 0x9e3779b97f4a7c15U;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static double chance(struct made_mail *mail)
{
    return (double)(made_mail_random(mail) >> 11) * 0x1p-53;
}

/* 0..count-1, small numbers more often than large ones. */
static size_t skewed(struct made_mail *mail, size_t count)
{
    const double u = chance(mail);

    return (size_t)(u * u * (double)count);
}

static size_t any(struct made_mail *mail, size_t count)
{
    return (size_t)(made_mail_random(mail) % count);
}

static struct nm_id random_id(struct made_mail *mail, int64_t time_us)
{
    const uint64_t words[2] = {made_mail_random(mail), made_mail_random(mail)};
    uint8_t random[NM_ID_RANDOM_BYTES];

    memcpy(random, words, sizeof random);
    return nm_id_make(time_us, random);
}

/* ---- who and what ------------------------------------------------------- */

static const char *const given[] = {"alice", "bela", "carol", "dan", "eve", "farid",
    "gina", "hugo", "ines", "jonas", "karin", "liam", "mona", "nils", "olga", "pavel",
    "quinn", "rosa", "sven", "tara", "umar", "vera", "wendy", "xaver", "yara", "zoe"};
static const char *const family[] = {"adams", "berg", "costa", "diaz", "evans",
    "fischer", "garcia", "haas", "ito", "jensen", "khan", "lopez", "meyer", "novak",
    "olsen", "perez", "quist", "rossi", "smith", "tanaka", "ueda", "vogel", "weber",
    "young", "zhang"};
static const char *const units[] = {"agency.example", "agency.example",
    "agency.example", "field.agency.example", "logistics.agency.example",
    "press.agency.example", "labs.agency.example"};
static const char *const syllables[] = {"nor", "tek", "ala", "mon", "vis", "ter", "lux",
    "gra", "pol", "sen", "ark", "dio", "ven", "ola", "rex", "umb", "cen", "fal", "jun",
    "kor"};

/* What a person writes to on purpose. */
static const struct known {
    const char *domain;
    enum nm_match match;
} knowns[] = {
    {"agency.example", NM_MATCH_OWN},
    {"field.agency.example", NM_MATCH_OWN},
    {"army.mil", NM_MATCH_PROTECTED},
    {"gmail.com", NM_MATCH_KNOWN},
    {"navy.mil", NM_MATCH_PROTECTED},
    {"northwind.example", NM_MATCH_PROTECTED},
    {"outlook.com", NM_MATCH_KNOWN},
    {"mail.mil", NM_MATCH_PROTECTED},
    {"mod.gov.uk", NM_MATCH_PROTECTED},
    {"nato.int", NM_MATCH_PROTECTED},
    {"yahoo.com", NM_MATCH_KNOWN},
    {"orange.ml", NM_MATCH_ALLOWED},
};

static const struct slip {
    const char *domain;
    const char *target;
    enum nm_technique technique;
    double confidence;
    unsigned weight;
} slips[] = {
    {"army.ml", "army.mil", NM_TECHNIQUE_SUFFIX, 0.997, 220},
    {"us.army.ml", "us.army.mil", NM_TECHNIQUE_SUFFIX, 0.996, 70},
    {"usarmy.mil", "us.army.mil", NM_TECHNIQUE_DOT, 0.91, 40},
    {"arny.mil", "army.mil", NM_TECHNIQUE_KEY, 0.978, 30},
    {"amry.mil", "army.mil", NM_TECHNIQUE_TRANSPOSITION, 0.984, 34},
    {"army-mil.com", "army.mil", NM_TECHNIQUE_EMBEDDED, 0.88, 12},
    {"amry.ml", "army.mil", NM_TECHNIQUE_SEVERAL, 0.93, 9},
    {"navy.ml", "navy.mil", NM_TECHNIQUE_SUFFIX, 0.996, 130},
    {"nayv.mil", "navy.mil", NM_TECHNIQUE_TRANSPOSITION, 0.972, 14},
    {"navyy.mil", "navy.mil", NM_TECHNIQUE_DOUBLING, 0.961, 11},
    {"mail.ml", "mail.mil", NM_TECHNIQUE_SUFFIX, 0.994, 90},
    {"mial.mil", "mail.mil", NM_TECHNIQUE_TRANSPOSITION, 0.953, 13},
    {"gmial.com", "gmail.com", NM_TECHNIQUE_TRANSPOSITION, 0.987, 96},
    {"gmail.co", "gmail.com", NM_TECHNIQUE_SUFFIX, 0.86, 58},
    {"gmal.com", "gmail.com", NM_TECHNIQUE_OMISSION, 0.957, 52},
    {"gnail.com", "gmail.com", NM_TECHNIQUE_KEY, 0.934, 28},
    {"gmaill.com", "gmail.com", NM_TECHNIQUE_DOUBLING, 0.94, 24},
    {"outlok.com", "outlook.com", NM_TECHNIQUE_DOUBLING, 0.948, 33},
    {"outlook.cm", "outlook.com", NM_TECHNIQUE_SUFFIX, 0.971, 22},
    {"outllok.com", "outlook.com", NM_TECHNIQUE_SUBSTITUTION, 0.79, 6},
    {"yaho.com", "yahoo.com", NM_TECHNIQUE_DOUBLING, 0.921, 18},
    {"yahooo.com", "yahoo.com", NM_TECHNIQUE_INSERTION, 0.93, 9},
    {"nato.in", "nato.int", NM_TECHNIQUE_SUFFIX, 0.962, 26},
    {"nto.int", "nato.int", NM_TECHNIQUE_OMISSION, 0.74, 7},
    {"modgov.uk", "mod.gov.uk", NM_TECHNIQUE_DOT, 0.89, 15},
    {"north-wind.example", "northwind.example", NM_TECHNIQUE_HYPHEN, 0.77, 14},
    {"nortwind.example", "northwind.example", NM_TECHNIQUE_OMISSION, 0.976, 19},
    {"xn--ypal-43d9g.com", "paypal.com", NM_TECHNIQUE_GLYPH, 0.93, 3},
};

/* A genuine company that looks like a slip. */
static const struct slip neighbour = {
    "northwing.example", "northwind.example", NM_TECHNIQUE_SUBSTITUTION, 0.58, 0};

/* Senders that make the same slip for ever: devices and a forward. */
static const struct habit {
    const char *sender;
    const char *recipient;
    size_t slip; /* of `slips` */
} habits[] = {
    {"scanner-3f@logistics.agency.example", "supply.desk", 7},
    {"alerts@field.agency.example", "duty.officer", 0},
    {"j.weber@press.agency.example", "jweber.private", 12},
};

static void make_person(struct made_mail *mail, struct made_message *out)
{
    const size_t number = skewed(mail, STAFF);
    const char *unit = units[number % NM_COUNT(units)];

    (void)snprintf(out->sender, sizeof out->sender, "%s.%s%zu@%s",
        given[number % NM_COUNT(given)], family[number / 7 % NM_COUNT(family)],
        number / 175, unit);
    if (number % 9 == 0)
        (void)snprintf(out->auth, sizeof out->auth, "%s", "");
    else
        (void)snprintf(out->auth, sizeof out->auth, "%.*s",
            (int)strcspn(out->sender, "@"), out->sender);
    (void)snprintf(out->client, sizeof out->client, "192.0.2.%zu", number % 250 + 1);
}

static void make_habitual(const struct habit *habit, struct made_message *out)
{
    (void)snprintf(out->sender, sizeof out->sender, "%s", habit->sender);
    out->auth[0] = '\0';
    (void)snprintf(
        out->client, sizeof out->client, "198.51.100.%d", (int)(habit - habits) + 10);
}

static void make_address(struct made_mail *mail, struct made_message *out, size_t at,
    const char *local, const char *domain)
{
    const char *first = given[any(mail, NM_COUNT(given))];
    const char *last = family[any(mail, NM_COUNT(family))];
    struct nm_buf buf;

    (void)nm_copy(out->domain[at], sizeof out->domain[at], domain);
    nm_buf_init(&buf, out->recipient[at], sizeof out->recipient[at]);
    if (local != NULL)
        nm_buf_printf(&buf, "%s@%s", local, domain);
    else
        nm_buf_printf(&buf, "%s.%s@%s", first, last, domain);
}

static void make_tail_domain(struct made_mail *mail, char out[MADE_TEXT_MAX])
{
    size_t number = skewed(mail, TAIL_DOMAINS);
    const char *suffix = number % 11 == 0 ? "org" : number % 7 == 0 ? "net" : "com";
    struct nm_buf buf;

    nm_buf_init(&buf, out, MADE_TEXT_MAX);
    for (int i = 0; i < 4; i++, number /= NM_COUNT(syllables))
        nm_buf_puts(&buf, syllables[number % NM_COUNT(syllables)]);
    nm_buf_printf(&buf, ".%s", suffix);
}

/* ---- decisions ---------------------------------------------------------- */

struct rule {
    const char *name;
    enum nm_action action;
    enum nm_mode mode;
};

/* The rules of `made_config`, for a near miss. */
static struct rule rule_for(const struct slip *slip)
{
    const size_t length = strlen(slip->target);
    const bool mil = length > 4 && strcmp(slip->target + length - 4, ".mil") == 0;

    if (slip->technique == NM_TECHNIQUE_SUFFIX && mil)
        return (struct rule){"mil-ml", NM_ACTION_REJECT, NM_MODE_ENFORCE};
    if (slip->technique == NM_TECHNIQUE_EMBEDDED)
        return (struct rule){"trial", NM_ACTION_DEFER, NM_MODE_OBSERVE};
    if (slip->confidence >= 0.97)
        return (struct rule){"sure", NM_ACTION_REJECT, NM_MODE_ENFORCE};
    if (slip->confidence >= 0.85)
        return (struct rule){"likely", NM_ACTION_HOLD, NM_MODE_ENFORCE};
    return (struct rule){"maybe", NM_ACTION_TAG, NM_MODE_ENFORCE};
}

static void judge_slip(struct made_mail *mail, struct made_message *out, size_t at,
    const struct slip *slip, const char *local)
{
    struct nm_audit_event *event = &out->events[at];
    const struct rule rule = rule_for(slip);
    struct nm_buf reply;

    make_address(mail, out, at, local, slip->domain);
    event->match = NM_MATCH_NEAR_MISS;
    event->target = slip->target;
    event->technique = slip->technique;
    event->confidence = slip->confidence;
    event->rule = rule.name;
    event->action = rule.action;
    event->mode = rule.mode;
    if (!nm_action_refuses(rule.action))
        return;
    nm_buf_init(&reply, out->reply[at], MADE_REPLY_MAX);
    nm_buf_printf(&reply,
        "%s %s looks like a slip for %s. Not sent. If it is meant, ask the help desk "
        "and quote Ref %s",
        rule.action == NM_ACTION_REJECT ? "550 5.7.1" : "451 4.7.1", slip->domain,
        slip->target, event->id.text);
    if (rule.mode == NM_MODE_ENFORCE)
        event->outcome = NM_OUTCOME_REFUSED;
}

static const struct slip *choose_slip(struct made_mail *mail)
{
    unsigned all = 0;
    unsigned at;

    for (size_t i = 0; i < NM_COUNT(slips); i++)
        all += slips[i].weight;
    at = (unsigned)any(mail, all);
    for (size_t i = 0; i < NM_COUNT(slips); i++) {
        if (at < slips[i].weight)
            return &slips[i];
        at -= slips[i].weight;
    }
    return &slips[0];
}

static void judge_ordinary(struct made_mail *mail, struct made_message *out, size_t at)
{
    struct nm_audit_event *event = &out->events[at];
    const size_t which = skewed(mail, 3 * NM_COUNT(knowns));
    char tail[MADE_TEXT_MAX];

    if (which < NM_COUNT(knowns)) {
        make_address(mail, out, at, NULL, knowns[which].domain);
        event->match = knowns[which].match;
        return;
    }
    make_tail_domain(mail, tail);
    make_address(mail, out, at, NULL, tail);
    event->match = NM_MATCH_NONE;
    if (any(mail, 50000) != 0)
        return;
    make_address(mail, out, at, NULL, "bamako-tours.ml");
    event->rule = "closed";
    event->action = NM_ACTION_REJECT;
    event->outcome = NM_OUTCOME_REFUSED;
    (void)snprintf(out->reply[at], MADE_REPLY_MAX,
        "550 5.7.1 Mail to .ml is closed here. Ref %s", event->id.text);
}

/* ---- the message -------------------------------------------------------- */

static struct nm_audit_event common(
    const struct made_message *message, int64_t time_us, struct nm_id transaction)
{
    return (struct nm_audit_event){
        .kind = NM_EVENT_DECISION,
        .transaction = transaction,
        .time_us = time_us,
        .gateway = made_gateway,
        .client = message->client,
        .auth = message->auth,
        .sender = {message->sender, strlen(message->sender)},
        .domain = "",
        .confidence = -1,
        .reply = "",
        .config = made_config_hash,
        .queue_id = "",
    };
}

static enum nm_outcome fold(const struct made_message *message)
{
    bool held = false;
    size_t refused = 0;

    for (size_t i = 0; i < message->recipients; i++) {
        refused += message->events[i].outcome == NM_OUTCOME_REFUSED;
        held = held || message->events[i].action == NM_ACTION_HOLD;
    }
    return refused == message->recipients ? NM_OUTCOME_REFUSED
           : held                         ? NM_OUTCOME_HELD
                                          : NM_OUTCOME_PASSED;
}

/* One message in 300 is broken off, and one in 50,000 has no end on record. */
static void end_message(struct made_mail *mail, struct made_message *out)
{
    const struct nm_audit_event *first = &out->events[0];
    const int64_t time_us = first->time_us + 40000 + (int64_t)any(mail, 900000);
    struct nm_audit_event *end = &out->events[out->recipients];

    if (any(mail, 50000) == 0)
        return;
    *end = common(out, time_us, first->transaction);
    end->kind = NM_EVENT_OUTCOME;
    end->outcome = fold(out);
    if (end->outcome == NM_OUTCOME_PASSED && any(mail, 300) == 0)
        end->outcome = NM_OUTCOME_ABORTED;
    out->queue_id[0] = '\0';
    if (end->outcome != NM_OUTCOME_REFUSED)
        (void)snprintf(out->queue_id, sizeof out->queue_id, "4%08llX",
            (unsigned long long)(made_mail_random(mail) & 0xffffffffU));
    end->queue_id = out->queue_id;
    out->count++;
}

static bool is_surge(const struct made_mail *mail)
{
    const uint64_t day = mail->hour / 24;

    return (day + mail->spec.seed) % SURGE_EVERY_DAYS == 4;
}

static void make_recipient(
    struct made_mail *mail, struct made_message *out, size_t at, int64_t time_us)
{
    const double near = (double)mail->spec.near_per_million / 1e6;
    const double share = chance(mail) / (is_surge(mail) ? 2.5 : 1.0);
    struct nm_audit_event *event = &out->events[at];

    *event = common(out, time_us, out->events[0].transaction);
    event->id = random_id(mail, time_us);
    out->reply[at][0] = '\0';
    if (share < near * 0.72)
        judge_slip(mail, out, at, choose_slip(mail), NULL);
    else if (share < near * 0.80)
        judge_slip(mail, out, at, &neighbour, NULL);
    else
        judge_ordinary(mail, out, at);
    event->recipient =
        (struct nm_bytes){out->recipient[at], strlen(out->recipient[at])};
    event->domain = out->domain[at];
    event->reply = out->reply[at];
}

static void make_habit(
    struct made_mail *mail, struct made_message *out, int64_t time_us)
{
    const struct habit *habit = &habits[any(mail, NM_COUNT(habits))];
    struct nm_audit_event *event = &out->events[0];

    make_habitual(habit, out);
    *event = common(out, time_us, random_id(mail, time_us));
    event->id = random_id(mail, time_us);
    out->reply[0][0] = '\0';
    judge_slip(mail, out, 0, &slips[habit->slip], habit->recipient);
    event->recipient = (struct nm_bytes){out->recipient[0], strlen(out->recipient[0])};
    event->domain = out->domain[0];
    event->reply = out->reply[0];
    out->recipients = 1;
}

static void make_message(
    struct made_mail *mail, struct made_message *out, int64_t time_us)
{
    /* The rest of the near misses, of which a message has 1.8 recipients else. */
    const double habit = (double)mail->spec.near_per_million / 1e6 * 0.20 * 1.8;

    out->count = 0;
    if (chance(mail) < habit) {
        make_habit(mail, out, time_us);
    } else {
        make_person(mail, out);
        out->recipients = 1 + skewed(mail, MADE_RECIPIENTS_MAX);
        if (out->recipients > mail->spec.rows - mail->rows)
            out->recipients = (size_t)(mail->spec.rows - mail->rows);
        out->events[0].transaction = random_id(mail, time_us);
        for (size_t i = 0; i < out->recipients; i++)
            make_recipient(mail, out, i, time_us + (int64_t)i * 700);
    }
    out->count = out->recipients;
    end_message(mail, out);
    mail->rows += out->recipients;
}

/* ---- time --------------------------------------------------------------- */

static double hour_weight(uint64_t hour)
{
    static const double by_hour[24] = {2, 1, 1, 1, 1, 3, 12, 40, 85, 100, 96, 90, 62,
        80, 95, 92, 78, 50, 22, 12, 9, 7, 5, 3};
    const uint64_t day = hour / 24 % 7; /* the first day counts as a Sunday */

    return by_hour[hour % 24] * (day == 0 || day == 6 ? 0.12 : 1.0);
}

void made_mail_begin(struct made_mail *mail, const struct made_spec *spec)
{
    *mail = (struct made_mail){.spec = *spec, .random = spec->seed};
    for (uint64_t hour = 0; hour < (uint64_t)spec->days * 24; hour++)
        mail->weight_all += hour_weight(hour);
}

/* The part of the rows that is due by the end of this hour has been made. */
static bool hour_is_full(const struct made_mail *mail, double *share)
{
    const double rows = (double)mail->spec.rows;
    const double begin = rows * mail->weight_done / mail->weight_all;
    const double weight = rows * hour_weight(mail->hour) / mail->weight_all;

    *share = ((double)mail->rows - begin) / weight;
    return *share >= 1;
}

bool made_mail_next(struct made_mail *mail, struct made_message *out)
{
    const int64_t first_us =
        mail->spec.end_us - (int64_t)mail->spec.days * 24 * hour_us;
    double share;

    if (mail->rows >= mail->spec.rows)
        return false;
    while (
        hour_is_full(mail, &share) && mail->hour + 1 < (uint64_t)mail->spec.days * 24)
        mail->weight_done += hour_weight(mail->hour++);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    make_message(mail, out,
        first_us + (int64_t)mail->hour * hour_us + (int64_t)(share * (double)hour_us));
    return true;
}
