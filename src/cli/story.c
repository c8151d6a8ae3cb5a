#include "story.h"

#include "drawing.h"
#include "rule_text.h"
#include "text.h"
#include "times.h"

#include <nearmiss/match.h>

#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS = 15 };

/* ---- pieces ------------------------------------------------------------- */

static void put_address(FILE *out, struct nm_bytes address)
{
    if (address.length == 0)
        (void)fputs("<> (the null sender)", out);
    else
        nm_put_visible(out, address.data, address.length);
}

/* A domain of the log; shown in both forms if it can be read as one. */
static void put_name(const struct nm_story *story, const char *name)
{
    struct nm_domain domain;

    if (nm_domain_parse(story->names, name, strlen(name), &domain) == NM_FAULT_NONE)
        nm_put_domain(story->call->out, story->names, &domain);
    else
        nm_put_visible(story->call->out, name, strlen(name));
}

static void put_bold(const struct nm_story *story, const char *text)
{
    nm_paint(story->call->out, story->call->colour, NM_BOLD);
    (void)fputs(text, story->call->out);
    nm_paint(story->call->out, story->call->colour, NM_PLAIN);
}

static void put_detail(
    const struct nm_story *story, const char *label, const char *value)
{
    FILE *out = story->call->out;

    if (value == NULL || *value == '\0')
        return;
    (void)fprintf(out, "  %-*s", LABEL_COLUMNS, label);
    nm_put_visible(out, value, strlen(value));
    (void)fputc('\n', out);
}

/* ---- the message -------------------------------------------------------- */

static void put_message(
    const struct nm_story *story, const struct nm_audit_event *event)
{
    FILE *out = story->call->out;

    nm_paint(out, story->call->colour, NM_BOLD);
    (void)fprintf(
        out, "%s UTC: a message from ", nm_time_format_short(event->time_us).text);
    put_address(out, event->sender);
    nm_paint(out, story->call->colour, NM_PLAIN);
    (void)fputc('\n', out);
    put_detail(story, "client", event->client);
    put_detail(story, "logged in as", event->auth);
    put_detail(story, "gateway", event->gateway);
    put_detail(story, "queue id", event->queue_id);
    put_detail(story, "transaction", event->transaction.text);
    put_detail(story, "configuration", event->config);
}

/* ---- what was meant ----------------------------------------------------- */

/* The slips are not on record, but the typed and the meant name are: an index that knows
 * only the meant one finds them again. False when it does not, or memory ran out. */
static bool find_slips(const struct nm_story *story, const struct nm_domain *typed,
    const struct nm_domain *meant, struct nm_candidate *out)
{
    static const char *const layouts[] = {"us"};
    const struct nm_index_entry entry = {
        .name = *meant, .listing = NM_LISTING_PROTECTED, .weight = 1};
    const struct nm_index_spec spec = {.names = story->names,
        .entries = &entry,
        .entry_count = 1,
        .layouts = layouts,
        .layout_count = NM_COUNT(layouts)};
    struct nm_index *index = NULL;
    struct nm_verdict verdict;
    bool found = false;

    if (nm_index_new(&spec, &index, NULL) != NM_OK)
        return false;
    nm_index_match(index, typed, &verdict);
    if (verdict.candidate_count > 0 && !verdict.out_of_memory) {
        *out = verdict.best;
        found = true;
    }
    nm_index_free(&index);
    return found;
}

static void put_drawing(const struct nm_story *story, const struct nm_domain *typed,
    const struct nm_candidate *candidate)
{
    FILE *out = story->call->out;
    struct nm_drawing drawing;

    nm_draw_slips(story->names, typed, candidate, &drawing);
    (void)fprintf(
        out, "\n      typed  %s\n      meant  %s\n", drawing.typed, drawing.meant);
    nm_paint(out, story->call->colour, NM_RED);
    (void)fprintf(out, "             %s", drawing.marks);
    nm_paint(out, story->call->colour, NM_PLAIN);
    (void)fputs("\n\n", out);
}

/* The kind of slip in words, as it was recorded. */
static void put_slips(const struct nm_story *story, const struct nm_audit_event *event)
{
    struct nm_domain typed;
    struct nm_domain meant;
    struct nm_candidate candidate;
    char words[256];
    struct nm_buf buf;

    if (event->target == NULL ||
        nm_domain_parse(story->names, event->domain, strlen(event->domain), &typed) !=
            NM_FAULT_NONE ||
        nm_domain_parse(story->names, event->target, strlen(event->target), &meant) !=
            NM_FAULT_NONE ||
        !find_slips(story, &typed, &meant, &candidate))
        return;
    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(&candidate, &buf);
    put_drawing(story, &typed, &candidate);
    (void)fprintf(story->call->out, "  The slip: %s.\n", words);
}

static const char *how_sure(double confidence)
{
    return confidence >= 0.99   ? "Almost certainly"
           : confidence >= 0.9  ? "Very probably"
           : confidence >= 0.75 ? "Probably"
                                : "Perhaps";
}

static void put_near_miss(
    const struct nm_story *story, const struct nm_audit_event *event)
{
    FILE *out = story->call->out;

    (void)fprintf(out, "  %s ", how_sure(event->confidence));
    put_name(story, event->target != NULL ? event->target : "");
    (void)fputs(" was meant, not ", out);
    put_name(story, event->domain);
    (void)fprintf(out, " (%s, confidence %s).\n", nm_technique_name(event->technique),
        nm_confidence_text(event->confidence).text);
    put_slips(story, event);
}

static void put_match(const struct nm_story *story, const struct nm_audit_event *event)
{
    static const char *const stories[NM_MATCH_COUNT] = {
        [NM_MATCH_INVALID] = "This address could not be judged.",
        [NM_MATCH_NONE] = "Nothing was known of its domain, and no known name is near.",
        [NM_MATCH_OWN] = "Its domain is this site's own.",
        [NM_MATCH_PROTECTED] = "Its domain is listed as protected.",
        [NM_MATCH_ALLOWED] = "Its domain is listed as allowed.",
        [NM_MATCH_KNOWN] = "Its domain is known here.",
    };

    if (event->match == NM_MATCH_NEAR_MISS)
        put_near_miss(story, event);
    else
        (void)fprintf(story->call->out, "  %s\n", stories[event->match]);
}

/* ---- what was done ------------------------------------------------------ */

/* Each line as it stands there, so that it can be found again. */
static void put_rule_text(
    const struct nm_story *story, const struct nm_audit_event *event)
{
    char *config = nm_audit_reader_config(story->reader, event->config);
    const char *text;
    size_t length;

    if (config != NULL && nm_rule_text(config, event->rule, &text, &length)) {
        const char *end = text + length;

        while (text < end) {
            const char *newline = memchr(text, '\n', (size_t)(end - text));
            const size_t line = (size_t)((newline != NULL ? newline : end) - text);
            size_t indent = 0;

            while (indent < line && (text[indent] == ' ' || text[indent] == '\t'))
                indent++;
            (void)fputs(
                text == end - length || text[indent] == '}' ? "      " : "        ",
                story->call->out);
            nm_put_visible(story->call->out, text + indent, line - indent);
            (void)fputc('\n', story->call->out);
            text += line + (newline != NULL);
        }
    }
    free(config);
}

static void put_decision(
    const struct nm_story *story, const struct nm_audit_event *event)
{
    const bool observed =
        event->mode == NM_MODE_OBSERVE && event->action != NM_ACTION_ACCEPT;
    FILE *out = story->call->out;

    if (event->rule != NULL) {
        (void)fputs("  The rule ", out);
        nm_put_visible(out, event->rule, strlen(event->rule));
        (void)fprintf(out, " decided: %s.\n", nm_action_name(event->action));
        put_rule_text(story, event);
    } else {
        (void)fprintf(out, "  No rule fitted: %s.\n", nm_action_name(event->action));
    }
    if (observed)
        (void)fputs("  It was only observed, so nothing was done.\n", out);
    if (event->reply[0] == '\0') {
        if (event->action == NM_ACTION_CONFIRM)
            (void)fputs("  The sender has confirmed it, so it was not refused.\n", out);
        return;
    }
    if (event->action == NM_ACTION_CONFIRM && !observed &&
        (event->outcome == NM_OUTCOME_PASSED || event->outcome == NM_OUTCOME_HELD)) {
        (void)fputs("  Its code was in the subject, so it was not refused.\n", out);
        return;
    }
    (void)fprintf(out, "  The sender %s:\n      ",
        observed ? "would have been told" : "was told");
    nm_put_visible(out, event->reply, strlen(event->reply));
    (void)fputc('\n', out);
}

/* A queue id as mail servers make them; nothing else is put into a command line. */
static bool is_queue_id(const char *id)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return *id != '\0' && id[strspn(id, allowed)] == '\0';
}

static void put_release(FILE *out, const struct nm_audit_event *event)
{
    if (event->queue_id[0] == '\0')
        (void)fputs("  Its queue id is not on record; look for it with: mailq\n", out);
    else if (is_queue_id(event->queue_id))
        (void)fprintf(out,
            "  Release it with: postsuper -H %s\n"
            "  or, on Sendmail: sendmail -qQ -qI%s -Q\n",
            event->queue_id, event->queue_id);
    else
        (void)fputs("  Its queue id is not one that is safe in a command line.\n", out);
}

/* Whether nothing was done about this recipient itself. */
static bool is_innocent(const struct nm_audit_event *event)
{
    return event->mode == NM_MODE_OBSERVE ||
           nm_action_severity(event->action) <= nm_action_severity(NM_ACTION_TAG);
}

static void put_outcome(
    const struct nm_story *story, const struct nm_audit_event *event)
{
    static const char *const stories[NM_OUTCOME_COUNT] = {
        [NM_OUTCOME_UNKNOWN] = "What became of the message is not on record: it is "
                               "still under way, or the\n"
                               "  daemon ended before it did.",
        [NM_OUTCOME_PASSED] =
            "The mail server was told to go on with it, which is not yet delivered.",
        [NM_OUTCOME_REFUSED] = "It was refused, and not sent.",
        [NM_OUTCOME_HELD] = "The whole message waits in the mail server's hold queue.",
        [NM_OUTCOME_QUARANTINED] = "It is kept in the quarantine for a reviewer.",
        [NM_OUTCOME_ABORTED] = "The sender broke off before the message was complete.",
    };
    const bool marked = event->outcome == NM_OUTCOME_PASSED &&
                        event->action == NM_ACTION_TAG &&
                        event->mode == NM_MODE_ENFORCE;

    (void)fprintf(story->call->out, "  %s\n",
        marked ? "The mail server was told to go on with it, marked by an X-Nearmiss "
                 "header; that is\n  not yet delivered."
               : stories[event->outcome]);
    if (event->outcome == NM_OUTCOME_HELD && is_innocent(event))
        (void)fputs(
            "  It is held because of another of its recipients.\n", story->call->out);
    if (event->outcome == NM_OUTCOME_HELD)
        put_release(story->call->out, event);
    if (event->outcome == NM_OUTCOME_QUARANTINED)
        (void)fprintf(story->call->out,
            "  Look at it, then release or delete it: nearmiss quarantine show %s\n",
            event->id.text);
}

/* ---- what came after ---------------------------------------------------- */

struct acts {
    const struct nm_story *story;
    size_t count;
};

static const char *verb_words(enum nm_verb verb)
{
    switch (verb) {
    case NM_VERB_ALLOW_ADDED:
        return "added an exception for";
    case NM_VERB_ALLOW_REMOVED:
        return "took back the exception for";
    case NM_VERB_CONFIRMED:
        return "recorded that the sender means";
    case NM_VERB_RELEASED:
        return "released";
    case NM_VERB_DELETED:
        return "deleted";
    case NM_VERB_LOOKED_AT:
        return "looked at";
    case NM_VERB_ERASED:
        return "erased personal data:";
    case NM_VERB_PRUNED:
        return "pruned the log:";
    case NM_VERB_KEY_ROTATED:
        return "let another key sign the log:";
    case NM_VERB_CONFIRMS:
        return "recorded that this message confirms";
    case NM_VERB_NOTIFIED:
        return "told";
    }
    return nm_verb_name(verb);
}

static bool put_act(void *self, const struct nm_audit_act *act)
{
    struct acts *acts = self;
    const struct nm_audit_event *event = &act->event;
    FILE *out = acts->story->call->out;

    if (acts->count++ == 0)
        (void)fputs("\n  What came after:\n", out);
    (void)fprintf(out, "    %s UTC  ", nm_time_format_short(event->time_us).text);
    nm_put_visible(out, event->actor, strlen(event->actor));
    (void)fprintf(out, " %s ", verb_words(event->verb));
    nm_put_visible(out, event->subject, strlen(event->subject));
    if (event->reason != NULL) {
        (void)fputs(": ", out);
        nm_put_visible(out, event->reason, strlen(event->reason));
    }
    (void)fputc('\n', out);
    return !ferror(out);
}

static bool put_acts(struct nm_story *story, const struct nm_audit_row *row)
{
    const struct nm_audit_act_query query = {.decision = row->decision.id.text};
    struct acts acts = {.story = story};

    return nm_audit_reader_acts(story->reader, &query, put_act, &acts, &story->error) ==
           NM_OK;
}

/* ---- a recipient -------------------------------------------------------- */

static void put_times(const struct nm_story *story, const struct nm_audit_row *row)
{
    (void)fputc('\n', story->call->out);
    put_detail(story, "reference", row->decision.id.text);
    put_detail(story, "decided", nm_time_format(row->decision.time_us).text);
    if (row->outcome_time_us != 0)
        put_detail(story, "ended", nm_time_format(row->outcome_time_us).text);
}

bool nm_story_put(struct nm_story *story, const struct nm_audit_row *row)
{
    const struct nm_audit_event *event = &row->decision;
    FILE *out = story->call->out;

    if (story->told == 0 ||
        strcmp(story->transaction.text, event->transaction.text) != 0) {
        if (story->told > 0)
            (void)fputc('\n', out);
        put_message(story, event);
        story->transaction = event->transaction;
    }
    story->told++;
    (void)fputc('\n', out);
    put_bold(story, "To ");
    nm_paint(out, story->call->colour, NM_BOLD);
    put_address(out, event->recipient);
    nm_paint(out, story->call->colour, NM_PLAIN);
    (void)fputc('\n', out);
    put_match(story, event);
    put_decision(story, event);
    put_outcome(story, event);
    if (!put_acts(story, row))
        return false;
    put_times(story, row);
    return true;
}
