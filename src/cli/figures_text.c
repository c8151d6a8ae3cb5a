/* Figures for people: what stands in an 80-column terminal. */
#include "chart.h"
#include "figures.h"
#include "text.h"
#include "times.h"

#include <string.h>

enum {
    NAME_COLUMNS = 30,
    BAR_COLUMNS = 28,
    GROUPS_SHOWN = 10,
    LISTED = 8 /* habits and candidates */
};
static const int64_t day_us = INT64_C(86400000000);

struct page {
    const struct nm_call *call;
    const struct nm_report *report;
};

static void put_heading(const struct page *page, const char *heading)
{
    FILE *out = page->call->out;

    (void)fputc('\n', out);
    nm_paint(out, page->call->colour, NM_BOLD);
    (void)fputs(heading, out);
    nm_paint(out, page->call->colour, NM_PLAIN);
    (void)fputc('\n', out);
}

/* A name in so many columns, cut when it is longer; padded. */
static void put_name(FILE *out, struct nm_bytes name)
{
    char shown[NAME_COLUMNS * 4];
    struct nm_buf buf;
    size_t columns = 0;

    nm_buf_init(&buf, shown, sizeof shown);
    for (size_t at = 0; at < name.length;) {
        char next[NM_VISIBLE_MAX + 1];
        const size_t step = nm_visible(name.data + at, name.length - at, next);

        if (columns + nm_columns(next) > NAME_COLUMNS - 3 && at + step < name.length) {
            nm_buf_puts(&buf, "...");
            columns += 3;
            break;
        }
        nm_buf_puts(&buf, next);
        columns += nm_columns(next);
        at += step;
    }
    (void)fputs(shown, out);
    (void)fprintf(
        out, "%*s", columns < NAME_COLUMNS ? (int)(NAME_COLUMNS - columns) : 0, "");
}

static void put_line(const struct page *page, struct nm_bytes name, uint64_t count,
    uint64_t most, uint64_t all)
{
    FILE *out = page->call->out;

    (void)fputs("  ", out);
    put_name(out, name);
    (void)fprintf(
        out, " %9s %5s", nm_number_text(count).text, nm_share_text(count, all).text);
    if (count > 0)
        (void)fputs("  ", out);
    nm_paint(out, page->call->colour && count > 0, NM_DIM);
    nm_put_bar(out, page->call->unicode, count, most, BAR_COLUMNS);
    nm_paint(out, page->call->colour && count > 0, NM_PLAIN);
    (void)fputc('\n', out);
}

static struct nm_bytes bytes_of(const char *text)
{
    return (struct nm_bytes){text, strlen(text)};
}

/* ---- the head ----------------------------------------------------------- */

static void put_change(FILE *out, const struct nm_report *report)
{
    const uint64_t now = report->near_misses;
    const uint64_t before = report->before;

    if (!report->has_before)
        return;
    (void)fprintf(out, "  %s in as long a time before", nm_number_text(before).text);
    if (before > 0 && now != before)
        (void)fprintf(out, ": %s %s now",
            nm_share_text(now > before ? now - before : before - now, before).text,
            now > before ? "more" : "fewer");
    (void)fputc('\n', out);
}

static void put_days(const struct page *page)
{
    const struct nm_report *report = page->report;
    FILE *out = page->call->out;
    uint64_t values[NM_REPORT_BUCKETS_MAX];
    uint64_t most = 0;
    const bool daily = report->bucket_us == day_us;
    const bool hourly = report->bucket_us < day_us;

    for (size_t i = 0; i < report->bucket_count; i++) {
        values[i] = report->buckets[i].near_misses;
        most = values[i] > most ? values[i] : most;
    }
    (void)fputs("\n  ", out);
    nm_put_sparkline(out, page->call->unicode, values, report->bucket_count);
    (void)fprintf(out, "\n  near misses by the %s, at most %s\n",
        hourly  ? "hour"
        : daily ? "day"
                : "week or weeks",
        nm_number_text(most).text);
}

static void put_head(const struct page *page)
{
    const struct nm_report *report = page->report;
    FILE *out = page->call->out;

    nm_paint(out, page->call->colour, NM_BOLD);
    (void)fprintf(
        out, "Near misses from %s", nm_time_format_short(report->since_us).text);
    (void)fprintf(out, " to %s UTC", nm_time_format_short(report->until_us).text);
    nm_paint(out, page->call->colour, NM_PLAIN);
    (void)fprintf(
        out, "\n\n  %s recipients, ", nm_number_text(report->recipients).text);
    (void)fprintf(out, "%s near misses", nm_number_text(report->near_misses).text);
    if (report->near_misses > 0 && report->recipients > report->near_misses)
        (void)fprintf(out, ", one in %s",
            nm_number_text(report->recipients / report->near_misses).text);
    (void)fputc('\n', out);
    put_change(out, report);
    if (report->near_misses > 0)
        put_days(page);
}

/* ---- tables ------------------------------------------------------------- */

static void put_fates(const struct page *page)
{
    const struct nm_report *report = page->report;
    uint64_t most = 0;

    put_heading(page, "What became of them");
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        most = report->fates[fate] > most ? report->fates[fate] : most;
    for (int fate = 0; fate < NM_FATE_COUNT; fate++)
        if (report->fates[fate] > 0)
            put_line(page, bytes_of(nm_fate_words((enum nm_fate)fate)),
                report->fates[fate], most, report->near_misses);
}

static void put_groups(
    const struct page *page, enum nm_dimension dimension, const char *heading)
{
    const struct nm_groups *groups = &page->report->by[dimension];
    const uint64_t all = page->report->near_misses +
                         (dimension == NM_BY_RULE ? page->report->acted_on : 0);
    size_t shown = 0;

    if (groups->count == 0 || groups->items[0]->count == 0)
        return;
    put_heading(page, heading);
    for (; shown < groups->count && shown < GROUPS_SHOWN; shown++) {
        const struct nm_group *group = groups->items[shown];

        if (group->count > 0)
            put_line(page,
                group->name.length > 0 ? group->name : bytes_of("<> (the null sender)"),
                group->count, groups->items[0]->count, all);
    }
    if (shown < groups->count)
        (void)fprintf(page->call->out, "  and %s more\n",
            nm_number_text(groups->count - shown).text);
}

/* Those that the configuration has and the log does not know. */
static void put_idle_rules(const struct page *page)
{
    const struct nm_groups *rules = &page->report->by[NM_BY_RULE];
    FILE *out = page->call->out;
    bool first = true;

    for (size_t i = 0; i < rules->count; i++) {
        if (rules->items[i]->count > 0)
            continue;
        (void)fputs(first ? "\n  Rules that never fired: " : ", ", out);
        nm_put_visible(out, rules->items[i]->name.data, rules->items[i]->name.length);
        first = false;
    }
    if (!first)
        (void)fputc('\n', out);
}

static void put_habits(const struct page *page)
{
    const struct nm_group *habits[LISTED];
    const size_t count = nm_report_habits(page->report, habits, LISTED);
    FILE *out = page->call->out;

    if (count == 0)
        return;
    put_heading(
        page, "The same slip again and again: an address book or a device is wrong");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out,
            "  %9s times on %s days: ", nm_number_text(habits[i]->count).text,
            nm_number_text(habits[i]->days).text);
        if (habits[i]->sender.length == 0)
            (void)fputs("<>", out);
        nm_put_visible(out, habits[i]->sender.data, habits[i]->sender.length);
        (void)fputs(" to ", out);
        nm_put_visible(out, habits[i]->name.data, habits[i]->name.length);
        (void)fputc('\n', out);
    }
}

static void put_candidates(const struct page *page)
{
    const struct nm_group *candidates[LISTED];
    const size_t count = nm_report_candidates(page->report, candidates, LISTED);
    FILE *out = page->call->out;

    if (count == 0)
        return;
    put_heading(
        page, "Perhaps meant after all: look at these, and allow what is genuine");
    for (size_t i = 0; i < count; i++) {
        const struct nm_group *domain = candidates[i];

        (void)fputs("  ", out);
        put_name(out, domain->name);
        (void)fprintf(out, " %9s times by ", nm_number_text(domain->count).text);
        (void)fprintf(out, "%s senders; like ", nm_number_text(domain->senders).text);
        nm_put_visible(out, domain->target, strlen(domain->target));
        (void)fputc('\n', out);
    }
}

void nm_put_figures_text(
    const struct nm_call *call, const struct nm_report *report, bool rules_known)
{
    const struct page page = {.call = call, .report = report};

    put_head(&page);
    if (report->near_misses > 0) {
        put_fates(&page);
        put_groups(&page, NM_BY_TARGET, "By the domain that was meant");
        put_groups(&page, NM_BY_TECHNIQUE, "By the kind of slip");
        put_groups(&page, NM_BY_SENDERS, "By the sender's domain");
    }
    put_groups(&page, NM_BY_RULE, "By rule");
    if (rules_known)
        put_idle_rules(&page);
    put_habits(&page);
    put_candidates(&page);
}
