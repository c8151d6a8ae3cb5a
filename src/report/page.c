/*
 * The page: sections in the order in which somebody who has to answer for mail asks. How
 * much was there, was it stopped, where does it come from, what do our rules do, what is
 * to be done; and behind these, rows of the log for each figure.
 */
#include "embedded.h"
#include "html.h"
#include "report.h"

#include <string.h>

enum { GROUPS_SHOWN = 8, LISTED = 8, ROWS_SHOWN = 5, GRID_LINES = 4 };

/* A table of groups, and what its columns and links are called. */
struct view {
    enum nm_dimension dimension;
    const char *heading;
    const char *caption;
    const char *name;   /* the first column's */
    const char *option; /* of `audit list`, or NULL */
};

static const struct view views[] = {
    {NM_BY_TARGET, "By the domain that was meant", "Whose mail would have gone astray",
        "Meant", "--target"},
    {NM_BY_TECHNIQUE, "By kind of slip", "How fingers and eyes failed", "Slip",
        "--technique"},
    {NM_BY_SENDERS, "By group of senders", "The domain of the envelope sender",
        "Senders", NULL},
    {NM_BY_RULE, "By rule",
        "What each rule did, near misses and others; a rule that never fires may be "
        "one "
        "that nobody needs",
        "Rule", "--rule"},
};

/* ---- pieces ------------------------------------------------------------- */

static void put_group_name(
    FILE *out, enum nm_dimension dimension, const struct nm_group *group)
{
    if (group->name.length > 0)
        nm_html_bytes(out, group->name.data, group->name.length);
    else
        (void)fputs(
            dimension == NM_BY_SENDERS ? "no sender (bounces)" : "unnamed", out);
}

/* What became of `count`, as parts of a bar that is `most` wide. */
static void put_bar(
    FILE *out, const char *class, const uint64_t fates[NM_FATE_COUNT], uint64_t most)
{
    double at = 0;

    (void)fprintf(out, "<svg class=\"%s\" aria-hidden=\"true\">", class);
    for (int fate = 0; fate < NM_FATE_COUNT; fate++) {
        const double width = most > 0 ? 100 * (double)fates[fate] / (double)most : 0;

        if (fates[fate] == 0)
            continue;
        (void)fprintf(out,
            "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"100%%\"/>",
            nm_fate_name((enum nm_fate)fate), at, width);
        at += width;
    }
    (void)fputs("</svg>", out);
}

static void put_legend(FILE *out, const uint64_t fates[NM_FATE_COUNT])
{
    (void)fputs("<ul class=\"legend\">", out);
    for (int fate = 0; fate < NM_FATE_COUNT; fate++) {
        if (fates[fate] == 0)
            continue;
        (void)fprintf(out,
            "<li><i class=\"%s\"></i>%s: ", nm_fate_name((enum nm_fate)fate),
            nm_fate_words((enum nm_fate)fate));
        nm_html_number(out, fates[fate]);
        (void)fputs("</li>", out);
    }
    (void)fputs("</ul>\n", out);
}

static uint64_t went_on(const struct nm_report *report)
{
    return report->fates[NM_FATE_MARKED] + report->fates[NM_FATE_OBSERVED] +
           report->fates[NM_FATE_PASSED];
}

static uint64_t prevented(const struct nm_report *report)
{
    return report->fates[NM_FATE_STOPPED] + report->fates[NM_FATE_KEPT];
}

/* ---- the head ----------------------------------------------------------- */

static void put_head(FILE *out, const struct nm_report_page *page)
{
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta name=\"robots\" content=\"noindex\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
        "'none'; style-src 'unsafe-inline'\">\n<title>Near misses, ",
        out);
    nm_html_day(out, page->report->since_us);
    (void)fputs(" to ", out);
    nm_html_day(out, page->report->until_us - 1);
    (void)fprintf(
        out, "</title>\n<style>\n%s</style>\n</head>\n", nm_report_embedded[0].bytes);
}

static void put_lead(FILE *out, const struct nm_report *report)
{
    (void)fputs("<p class=\"lead\">", out);
    if (report->near_misses == 0) {
        (void)fputs(
            "No address was a slip away from one that people here write to. ", out);
        nm_html_number(out, report->recipients);
        (void)fputs(" recipients were looked at.</p>\n", out);
        return;
    }
    nm_html_number(out, report->near_misses);
    (void)fputs(" of ", out);
    nm_html_number(out, report->recipients);
    (void)fputs(
        " recipients were a slip away from a domain that people here write to", out);
    if (report->recipients >= 2 * report->near_misses) {
        (void)fputs(": one in ", out);
        nm_html_number(out, report->recipients / report->near_misses);
    }
    (void)fputs(". <strong>", out);
    nm_html_number(out, prevented(report));
    (void)fputs("</strong> of these were kept from leaving.</p>\n", out);
}

static void put_header(FILE *out, const struct nm_report_page *page)
{
    const struct nm_report *report = page->report;

    (void)fputs("<body>\n<a class=\"skip\" href=\"#main\">Skip to the figures</a>\n"
                "<header>\n<h1>Misdirected mail that was almost sent</h1>\n"
                "<p class=\"period\">",
        out);
    nm_html_minute(out, report->since_us);
    (void)fputs(" to ", out);
    nm_html_minute(out, report->until_us);
    (void)fputs(" UTC", out);
    if (page->gateway[0] != '\0') {
        (void)fputs(", gateway ", out);
        nm_html_text(out, page->gateway);
    }
    (void)fputs("</p>\n", out);
    put_lead(out, report);
    (void)fputs("<nav aria-label=\"Sections\"><a href=\"#time\">Over time</a><a "
                "href=\"#where\">Where</a><a href=\"#rules\">Rules</a><a "
                "href=\"#todo\">To do</a><a href=\"#rows\">Rows of the log</a></nav>\n"
                "</header>\n<main id=\"main\">\n",
        out);
}

static void put_tile(
    FILE *out, const char *class, uint64_t number, const char *label, uint64_t whole)
{
    (void)fprintf(out, "<li class=\"tile %s\"><b>", class);
    nm_html_number(out, number);
    (void)fprintf(out, "</b><span>%s", label);
    if (whole > 0 && number > 0) {
        (void)fputs(", ", out);
        nm_html_share(out, number, whole);
    }
    (void)fputs("</span></li>\n", out);
}

static void put_change(FILE *out, const struct nm_report *report)
{
    const uint64_t now = report->near_misses;
    const uint64_t before = report->before;

    if (!report->has_before)
        return;
    (void)fputs("<p class=\"soft\">In as long a time before there were ", out);
    nm_html_number(out, before);
    if (before > 0 && now != before) {
        (void)fputs("; that is now ", out);
        nm_html_share(out, now > before ? now - before : before - now, before);
        (void)fputs(now > before ? " more" : " fewer", out);
    }
    (void)fputs(".</p>\n", out);
}

static void put_tiles(FILE *out, const struct nm_report *report)
{
    (void)fputs("<ul class=\"tiles\">\n", out);
    put_tile(out, "", report->near_misses, "near misses", report->recipients);
    put_tile(out, "good", report->fates[NM_FATE_STOPPED],
        "refused or put off; the sender was told", report->near_misses);
    put_tile(out, "good", report->fates[NM_FATE_KEPT], "held until a person decides",
        report->near_misses);
    put_tile(out, went_on(report) > 0 ? "care" : "", went_on(report),
        "went on, marked or unmarked", report->near_misses);
    (void)fputs("</ul>\n", out);
    put_change(out, report);
}

/* ---- over time ---------------------------------------------------------- */

/* So that lines stand at round numbers. */
static uint64_t round_up(uint64_t most)
{
    static const uint64_t steps[] = {1, 2, 3, 4, 5, 6, 8};
    uint64_t scale = 1;

    for (;; scale *= 10)
        for (size_t i = 0; i < NM_COUNT(steps); i++)
            if (scale * steps[i] * GRID_LINES >= most)
                return scale * steps[i] * GRID_LINES;
}

static void put_column(
    FILE *out, const struct nm_report *report, size_t at, uint64_t top)
{
    const struct nm_bucket *bucket = &report->buckets[at];
    double y = 100;

    (void)fputs("<g><title>", out);
    nm_html_minute(out, bucket->begin_us);
    (void)fputs(": ", out);
    nm_html_number(out, bucket->near_misses);
    (void)fputs(" near misses, ", out);
    nm_html_number(out, bucket->recipients);
    (void)fputs(" recipients</title>", out);
    (void)fprintf(out,
        "<rect x=\"%zu\" width=\"10\" height=\"100\" fill=\"none\" "
        "pointer-events=\"all\"/>",
        10 * at);
    for (int fate = 0; fate < NM_FATE_COUNT; fate++) {
        const double height = 100 * (double)bucket->fates[fate] / (double)top;

        if (bucket->fates[fate] == 0)
            continue;
        y -= height;
        (void)fprintf(out,
            "<rect class=\"%s\" x=\"%zu.8\" y=\"%.3f\" width=\"8.4\" height=\"%.3f\"/>",
            nm_fate_name((enum nm_fate)fate), 10 * at, y, height);
    }
    (void)fputs("</g>", out);
}

static void put_scale(FILE *out, uint64_t top)
{
    (void)fputs("<div class=\"scale\" aria-hidden=\"true\">", out);
    for (int line = GRID_LINES; line >= 0; line--) {
        (void)fputs("<span>", out);
        nm_html_number(out, top / GRID_LINES * (uint64_t)line);
        (void)fputs("</span>", out);
    }
    (void)fputs("</div>\n", out);
}

static void put_days(FILE *out, const struct nm_report *report)
{
    const size_t last = report->bucket_count - 1;
    const size_t marks[] = {0, last / 2, last};
    const bool hourly = report->bucket_us < INT64_C(86400000000);

    (void)fputs("<div class=\"days\" aria-hidden=\"true\">", out);
    for (size_t i = 0; i < NM_COUNT(marks); i++) {
        (void)fputs("<span>", out);
        if (hourly)
            nm_html_minute(out, report->buckets[marks[i]].begin_us);
        else
            nm_html_day(out, report->buckets[marks[i]].begin_us);
        (void)fputs("</span>", out);
    }
    (void)fputs("</div>\n", out);
}

static void put_chart(FILE *out, const struct nm_report *report, uint64_t most)
{
    const uint64_t top = round_up(most);

    (void)fputs("<figure class=\"chart\">\n", out);
    put_scale(out, top);
    (void)fprintf(out,
        "<svg viewBox=\"0 0 %zu 100\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"Columns: near misses over time, at most ",
        10 * report->bucket_count);
    nm_html_number(out, most);
    (void)fputs(" in one of them. A table below has the numbers.\">", out);
    for (int line = 0; line <= GRID_LINES; line++)
        (void)fprintf(out, "<line x1=\"0\" x2=\"%zu\" y1=\"%d\" y2=\"%d\"/>",
            10 * report->bucket_count, 100 * line / GRID_LINES,
            100 * line / GRID_LINES);
    for (size_t i = 0; i < report->bucket_count; i++)
        put_column(out, report, i, top);
    (void)fputs("</svg>\n", out);
    put_days(out, report);
    (void)fputs("</figure>\n", out);
}

static void put_bucket_rows(FILE *out, const struct nm_report *report)
{
    for (size_t i = 0; i < report->bucket_count; i++) {
        const struct nm_bucket *bucket = &report->buckets[i];

        (void)fputs("<tr><th scope=\"row\" class=\"time\">", out);
        nm_html_minute(out, bucket->begin_us);
        (void)fputs("</th><td class=\"number\">", out);
        nm_html_number(out, bucket->recipients);
        (void)fputs("</td><td class=\"number\">", out);
        nm_html_number(out, bucket->near_misses);
        for (int fate = 0; fate < NM_FATE_COUNT; fate++) {
            (void)fputs("</td><td class=\"number\">", out);
            nm_html_number(out, bucket->fates[fate]);
        }
        (void)fputs("</td></tr>\n", out);
    }
}

static void put_fate_titles(FILE *out)
{
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        (void)fprintf(out, "<th scope=\"col\" class=\"number\">%s</th>",
            nm_fate_words((enum nm_fate)fate));
}

static void put_time(FILE *out, const struct nm_report *report)
{
    uint64_t most = 0;

    for (size_t i = 0; i < report->bucket_count; i++)
        if (report->buckets[i].near_misses > most)
            most = report->buckets[i].near_misses;
    (void)fputs("<section id=\"time\" aria-labelledby=\"time-heading\">\n"
                "<h2 id=\"time-heading\">Near misses over time, and what became of "
                "them</h2>\n",
        out);
    put_legend(out, report->fates);
    put_chart(out, report, most);
    (void)fputs(
        "<details><summary>The same as numbers</summary><div class=\"wide\" "
        "tabindex=\"0\" role=\"region\" aria-label=\"Numbers over time\"><table>"
        "<caption class=\"unseen\">Near misses and what became of them, over time"
        "</caption>"
        "<thead><tr><th scope=\"col\">From (UTC)</th><th scope=\"col\" "
        "class=\"number\">recipients</th><th scope=\"col\" "
        "class=\"number\">near misses</th>",
        out);
    put_fate_titles(out);
    (void)fputs("</tr></thead><tbody>\n", out);
    put_bucket_rows(out, report);
    (void)fputs("</tbody></table></div></details>\n</section>\n", out);
}

/* ---- tables of groups --------------------------------------------------- */

static const char *technique_words(struct nm_bytes name)
{
    static const char *const words[NM_TECHNIQUE_COUNT] = {
        [NM_TECHNIQUE_NONE] = "",
        [NM_TECHNIQUE_OMISSION] = "a character is missing",
        [NM_TECHNIQUE_INSERTION] = "a character too many",
        [NM_TECHNIQUE_DOUBLING] = "a character doubled, or a double one single",
        [NM_TECHNIQUE_TRANSPOSITION] = "two characters changed places",
        [NM_TECHNIQUE_KEY] = "a neighbouring key was hit",
        [NM_TECHNIQUE_SUBSTITUTION] = "another character",
        [NM_TECHNIQUE_SUFFIX] = "the slip lies in the ending",
        [NM_TECHNIQUE_DOT] = "a dot is missing, extra or moved",
        [NM_TECHNIQUE_HYPHEN] = "a hyphen is missing or extra",
        [NM_TECHNIQUE_GLYPH] = "characters that look alike",
        [NM_TECHNIQUE_EMBEDDED] = "a known name inside another",
        [NM_TECHNIQUE_SEVERAL] = "more than one kind",
    };
    enum nm_technique technique = NM_TECHNIQUE_NONE;
    char text[32];

    if (name.length < sizeof text) {
        memcpy(text, name.data, name.length);
        text[name.length] = '\0';
        (void)nm_technique_from_name(text, &technique);
    }
    return words[technique];
}

/* Under a kind of slip what it is, and under both an example. */
static void put_example(
    FILE *out, enum nm_dimension dimension, const struct nm_group *group)
{
    const bool technique = dimension == NM_BY_TECHNIQUE;

    if ((!technique && dimension != NM_BY_TARGET) || group->domain == NULL)
        return;
    (void)fputs("<span class=\"what\">", out);
    if (technique)
        (void)fprintf(out, "%s: ", technique_words(group->name));
    else
        (void)fputs("last typed as ", out);
    nm_html_text(out, group->domain);
    if (technique && group->target != NULL) {
        (void)fputs(" for ", out);
        nm_html_text(out, group->target);
    }
    (void)fputs("</span>", out);
}

static void put_group(FILE *out, const struct nm_report *report,
    const struct view *view, size_t at, uint64_t all)
{
    const struct nm_groups *groups = &report->by[view->dimension];
    const struct nm_group *group = groups->items[at];

    (void)fputs("<tr><th scope=\"row\">", out);
    if (group->count > 0)
        (void)fprintf(
            out, "<a href=\"#%s-%zu\">", nm_dimension_name(view->dimension), at + 1);
    put_group_name(out, view->dimension, group);
    (void)fputs(group->count > 0 ? "</a>" : "", out);
    put_example(out, view->dimension, group);
    if (group->count > 0)
        put_bar(out, "bar", group->fates, groups->items[0]->count);
    (void)fputs("</th><td class=\"number\">", out);
    if (group->count > 0)
        nm_html_number(out, group->count);
    else
        (void)fputs("<span class=\"none\">never fired</span>", out);
    (void)fputs("</td><td class=\"number\">", out);
    nm_html_share(out, group->count, all);
    (void)fputs("</td></tr>\n", out);
}

/* There are not many techniques; and of rules all are shown that never fired. */
static bool is_shown(const struct nm_report *report, const struct view *view, size_t at)
{
    return at < GROUPS_SHOWN || view->dimension == NM_BY_TECHNIQUE ||
           (view->dimension == NM_BY_RULE &&
               report->by[NM_BY_RULE].items[at]->count == 0);
}

static void put_view(FILE *out, const struct nm_report *report, const struct view *view)
{
    const struct nm_groups *groups = &report->by[view->dimension];
    const uint64_t all =
        report->near_misses + (view->dimension == NM_BY_RULE ? report->acted_on : 0);
    size_t left = 0;

    (void)fprintf(out,
        "<section aria-labelledby=\"%s-heading\">\n<h2 id=\"%s-heading\">%s</h2>\n",
        nm_dimension_name(view->dimension), nm_dimension_name(view->dimension),
        view->heading);
    if (groups->count == 0) {
        (void)fputs("<p class=\"none\">Nothing in this time.</p>\n</section>\n", out);
        return;
    }
    (void)fprintf(out,
        "<table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th><th "
        "scope=\"col\" class=\"number\">times</th><th scope=\"col\" "
        "class=\"number\">share</th></tr></thead>\n<tbody>\n",
        view->caption, view->name);
    for (size_t i = 0; i < groups->count; i++) {
        if (is_shown(report, view, i))
            put_group(out, report, view, i, all);
        else
            left++;
    }
    (void)fputs("</tbody></table>\n", out);
    if (left > 0) {
        (void)fputs("<p class=\"soft\">and ", out);
        nm_html_number(out, left);
        (void)fputs(" more, each with fewer.</p>\n", out);
    }
    (void)fputs("</section>\n", out);
}

/* What was decided, and what became of it. */
static void put_actions(FILE *out, const struct nm_report *report)
{
    const struct nm_groups *actions = &report->by[NM_BY_ACTION];

    (void)fputs(
        "<section aria-labelledby=\"action-heading\">\n<h2 id=\"action-heading\">What "
        "was decided, and what became of it</h2>\n<p "
        "class=\"soft\">Near misses, and other recipients that a rule acted "
        "on</p>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"Actions and outcomes\"><table "
        "aria-labelledby=\"action-heading\">\n<thead><tr><th "
        "scope=\"col\">Action</th><th scope=\"col\" "
        "class=\"number\">times</th>",
        out);
    put_fate_titles(out);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < actions->count; i++) {
        const struct nm_group *action = actions->items[i];

        (void)fprintf(out, "<tr><th scope=\"row\"><a href=\"#action-%zu\">", i + 1);
        put_group_name(out, NM_BY_ACTION, action);
        (void)fputs("</a></th><td class=\"number\">", out);
        nm_html_number(out, action->count);
        for (int fate = 0; fate < NM_FATE_COUNT; fate++) {
            (void)fprintf(out, "</td><td class=\"number%s\">",
                action->fates[fate] == 0 ? " none" : "");
            nm_html_number(out, action->fates[fate]);
        }
        (void)fputs("</td></tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n</section>\n", out);
}

/* ---- to do -------------------------------------------------------------- */

static void put_habits(FILE *out, const struct nm_report *report)
{
    const struct nm_group *habits[LISTED];
    const size_t count = nm_report_habits(report, habits, LISTED);

    (void)fputs(
        "<section aria-labelledby=\"habit-heading\">\n<h2 "
        "id=\"habit-heading\">Addresses to correct at their source</h2>\n<p>The same "
        "sender made the same slip on several days: an address book, a device or "
        "a forward is wrong, and stays so until somebody changes it.</p>\n",
        out);
    if (count == 0) {
        (void)fputs("<p class=\"none\">None in this time.</p>\n</section>\n", out);
        return;
    }
    (void)fputs(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Addresses "
        "to correct\"><table aria-labelledby=\"habit-heading\">\n<thead><tr><th "
        "scope=\"col\">Sender</th><th "
        "scope=\"col\">writes to</th><th scope=\"col\">meant</th><th "
        "scope=\"col\" class=\"number\">times</th><th scope=\"col\" "
        "class=\"number\">days</th></tr></thead>\n<tbody>\n",
        out);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "<tr><th scope=\"row\"><a href=\"#habit-%zu\">", i + 1);
        if (habits[i]->sender.length > 0)
            nm_html_bytes(out, habits[i]->sender.data, habits[i]->sender.length);
        else
            (void)fputs("no sender (bounces)", out);
        (void)fputs("</a></th><td>", out);
        nm_html_bytes(out, habits[i]->name.data, habits[i]->name.length);
        (void)fputs("</td><td>", out);
        nm_html_text(out, habits[i]->target != NULL ? habits[i]->target : "");
        (void)fputs("</td><td class=\"number\">", out);
        nm_html_number(out, habits[i]->count);
        (void)fputs("</td><td class=\"number\">", out);
        nm_html_number(out, habits[i]->days);
        (void)fputs("</td></tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n</section>\n", out);
}

static void put_candidate(FILE *out, const struct nm_group *domain, size_t number)
{
    (void)fprintf(out, "<tr><th scope=\"row\"><a href=\"#domain-%zu\">", number);
    nm_html_bytes(out, domain->name.data, domain->name.length);
    (void)fputs("</a>", out);
    if (nm_html_is_plain_word(domain->name.data, domain->name.length)) {
        (void)fputs("<span class=\"what\"><code>nearmiss allow add ", out);
        nm_html_bytes(out, domain->name.data, domain->name.length);
        (void)fputs("</code></span>", out);
    }
    (void)fputs("</th><td>", out);
    nm_html_text(out, domain->target != NULL ? domain->target : "");
    (void)fputs("</td><td class=\"number\">", out);
    nm_html_number(out, domain->count);
    (void)fputs("</td><td class=\"number\">", out);
    nm_html_number(out, domain->senders);
    (void)fprintf(out, "</td><td class=\"number\">%.2f</td></tr>\n",
        domain->confidence / (double)domain->count);
}

static void put_candidates(FILE *out, const struct nm_report *report)
{
    const struct nm_group *domains[LISTED];
    const size_t count = nm_report_candidates(report, domains, LISTED);

    (void)fputs(
        "<section aria-labelledby=\"domain-heading\">\n<h2 "
        "id=\"domain-heading\">Candidates for an exception</h2>\n<p>Several people "
        "write "
        "to these domains, on several days, and the matcher is not sure. Look who "
        "is behind each; allow it if it is genuine.</p>\n",
        out);
    if (count == 0) {
        (void)fputs("<p class=\"none\">None in this time.</p>\n</section>\n", out);
        return;
    }
    (void)fputs("<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                "aria-label=\"Candidates\"><table "
                "aria-labelledby=\"domain-heading\">\n<thead><tr><th "
                "scope=\"col\">Domain</th><th scope=\"col\">looks like</th><th "
                "scope=\"col\" class=\"number\">times</th><th scope=\"col\" "
                "class=\"number\">senders</th><th scope=\"col\" "
                "class=\"number\">confidence</th></tr></thead>\n<tbody>\n",
        out);
    for (size_t i = 0; i < count; i++)
        put_candidate(out, domains[i], i + 1);
    (void)fputs("</tbody></table></div>\n</section>\n", out);
}

static const char *verb_words(enum nm_verb verb)
{
    static const char *const words[NM_VERB_COUNT] = {
        [NM_VERB_ALLOW_ADDED] = "exceptions added",
        [NM_VERB_ALLOW_REMOVED] = "exceptions taken back or expired",
        [NM_VERB_CONFIRMED] = "confirmed by their senders",
        [NM_VERB_RELEASED] = "released from the quarantine",
        [NM_VERB_DELETED] = "deleted from the quarantine",
        [NM_VERB_LOOKED_AT] = "looked at in the quarantine",
        [NM_VERB_ERASED] = "personal data erased",
        [NM_VERB_PRUNED] = "oldest part of the log cut off",
        [NM_VERB_KEY_ROTATED] = "key of the log changed",
    };

    return words[verb] != NULL ? words[verb] : nm_verb_name(verb);
}

static void put_acts(FILE *out, const struct nm_report *report)
{
    bool any = false;

    (void)fputs("<section aria-labelledby=\"acts-heading\">\n<h2 "
                "id=\"acts-heading\">What people did</h2>\n<ul class=\"legend\">",
        out);
    for (int verb = 0; verb < NM_VERB_COUNT; verb++) {
        if (report->acts[verb] == 0 || !nm_verb_is_counted((enum nm_verb)verb))
            continue;
        (void)fprintf(out, "<li>%s: ", verb_words((enum nm_verb)verb));
        nm_html_number(out, report->acts[verb]);
        (void)fputs("</li>", out);
        any = true;
    }
    (void)fputs(any ? "</ul>\n"
                    : "</ul><p class=\"none\">No exception was added, nothing "
                      "confirmed, released or deleted.</p>\n",
        out);
    (void)fputs(
        "<p class=\"soft\">Each of these is an event of the log: <code>nearmiss "
        "audit list --acts</code></p>\n</section>\n",
        out);
}

/* ---- rows of the log ---------------------------------------------------- */

static void put_row(FILE *out, const struct nm_audit_event *event)
{
    (void)fputs("<tr><td class=\"time\">", out);
    nm_html_minute(out, event->time_us);
    (void)fputs("</td><td>", out);
    if (event->sender.length > 0)
        nm_html_bytes(out, event->sender.data, event->sender.length);
    else
        (void)fputs("&lt;&gt;", out);
    (void)fputs("</td><td>", out);
    nm_html_bytes(out, event->recipient.data, event->recipient.length);
    (void)fprintf(out, "</td><td>%s</td><td class=\"far\"><code>",
        nm_fate_words(nm_fate_of(event)));
    nm_html_text(out, event->id.text);
    (void)fputs("</code></td></tr>\n", out);
}

static void put_span_options(FILE *out, const struct nm_report *report)
{
    (void)fputs(" --since ", out);
    nm_html_rfc3339(out, report->since_us);
    (void)fputs(" --until ", out);
    nm_html_rfc3339(out, report->until_us);
}

/* The command that lists all of a group, if its name may stand in one. */
static void put_command(FILE *out, const struct nm_report *report, const char *option,
    struct nm_bytes name, struct nm_bytes sender)
{
    if (option == NULL || !nm_html_is_plain_word(name.data, name.length) ||
        (sender.length > 0 && !nm_html_is_plain_word(sender.data, sender.length)))
        return;
    (void)fprintf(out, "<p class=\"soft\">All: <code>nearmiss audit list %s ", option);
    nm_html_bytes(out, name.data, name.length);
    if (sender.length > 0) {
        (void)fputs(" --sender ", out);
        nm_html_bytes(out, sender.data, sender.length);
    }
    put_span_options(out, report);
    (void)fputs("</code></p>\n", out);
}

static void put_group_rows(FILE *out, const struct nm_report_page *page,
    enum nm_dimension dimension, const char *option, const struct nm_group *group,
    size_t number)
{
    size_t shown = 0;

    (void)fprintf(out, "<h3 id=\"%s-%zu\">", nm_dimension_name(dimension), number);
    if (group->sender.length > 0) {
        nm_html_bytes(out, group->sender.data, group->sender.length);
        (void)fputs(" to ", out);
    }
    put_group_name(out, dimension, group);
    (void)fputs("</h3>\n", out);
    put_command(out, page->report, option, group->name, group->sender);
    (void)fprintf(out,
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" "
        "aria-labelledby=\"%s-%zu\"><table aria-labelledby=\"%s-%zu\">",
        nm_dimension_name(dimension), number, nm_dimension_name(dimension), number);
    (void)fputs(
        "<thead><tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">From</th><th "
        "scope=\"col\">To</th><th scope=\"col\">Then</th><th scope=\"col\" "
        "class=\"far\">Reference</th></tr></thead>\n<tbody>\n",
        out);
    for (size_t i = group->newest_count; i > 0 && shown < ROWS_SHOWN; i--) {
        const struct nm_audit_event *row = page->row(page->self, group->newest[i - 1]);

        if (row == NULL)
            continue;
        put_row(out, row);
        shown++;
    }
    (void)fputs("</tbody></table></div>\n", out);
}

static void put_view_rows(
    FILE *out, const struct nm_report_page *page, const struct view *view)
{
    const struct nm_groups *groups = &page->report->by[view->dimension];

    for (size_t i = 0; i < groups->count; i++)
        if (is_shown(page->report, view, i) && groups->items[i]->count > 0)
            put_group_rows(
                out, page, view->dimension, view->option, groups->items[i], i + 1);
}

static void put_listed_rows(FILE *out, const struct nm_report_page *page)
{
    static const struct view actions = {NM_BY_ACTION, "", "", "", "--action"};
    const struct nm_group *listed[LISTED];
    size_t count = nm_report_habits(page->report, listed, LISTED);

    put_view_rows(out, page, &actions);
    for (size_t i = 0; i < count; i++)
        put_group_rows(out, page, NM_BY_HABIT, "--domain", listed[i], i + 1);
    count = nm_report_candidates(page->report, listed, LISTED);
    for (size_t i = 0; i < count; i++)
        put_group_rows(out, page, NM_BY_DOMAIN, "--domain", listed[i], i + 1);
}

static void put_rows(FILE *out, const struct nm_report_page *page)
{
    (void)fputs(
        "<section id=\"rows\" class=\"rows\" aria-labelledby=\"rows-heading\">\n<h2 "
        "id=\"rows-heading\">Rows of the log behind the "
        "figures</h2>\n<p>The newest of each group. <code>nearmiss audit show "
        "REFERENCE</code> tells the whole story of one.</p>\n",
        out);
    for (size_t i = 0; i < NM_COUNT(views); i++)
        put_view_rows(out, page, &views[i]);
    put_listed_rows(out, page);
    (void)fputs("</section>\n", out);
}

/* ---- the page ----------------------------------------------------------- */

static void put_footer(FILE *out, const struct nm_report_page *page)
{
    (void)fputs(
        "</main>\n<footer>\n<p>A near miss is a recipient whose domain is almost one "
        "that people here write to. \"Went on\" means that the mail server was told "
        "to go on, which is not yet delivered; \"observed only\" that a rule on "
        "trial would have acted. The figures come from the audit log, which "
        "<code>nearmiss audit verify</code> checks.</p>\n<p>Made ",
        out);
    nm_html_minute(out, page->made_us);
    (void)fputs(" UTC by ", out);
    nm_html_text(out, page->program);
    (void)fputs(". This page names senders and recipients: treat it like the log.</p>\n"
                "</footer>\n</body>\n</html>\n",
        out);
}

void nm_report_put_html(FILE *out, const struct nm_report_page *page)
{
    const struct nm_report *report = page->report;

    put_head(out, page);
    put_header(out, page);
    put_tiles(out, report);
    put_time(out, report);
    (void)fputs("<div class=\"pair\" id=\"where\">\n", out);
    put_view(out, report, &views[0]);
    put_view(out, report, &views[1]);
    (void)fputs("</div>\n<div class=\"pair\" id=\"rules\">\n", out);
    put_view(out, report, &views[2]);
    put_view(out, report, &views[3]);
    (void)fputs("</div>\n", out);
    put_actions(out, report);
    (void)fputs("<div id=\"todo\">\n", out);
    put_habits(out, report);
    put_candidates(out, report);
    put_acts(out, report);
    (void)fputs("</div>\n", out);
    put_rows(out, page);
    put_footer(out, page);
}
