#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tally_init(struct tally *tally, size_t messages, size_t recipients)
{
    *tally = (struct tally){0};
    tally->message_ns = calloc(messages, sizeof *tally->message_ns);
    tally->recipient_ns = calloc(recipients, sizeof *tally->recipient_ns);
    return tally->message_ns != NULL && tally->recipient_ns != NULL;
}

void tally_free(struct tally *tally)
{
    free(tally->message_ns);
    free(tally->recipient_ns);
    *tally = (struct tally){0};
}

void tally_recipient(
    struct tally *tally, enum mta_answer answer, bool near, uint32_t time_ns)
{
    const bool refused = answer == MTA_REJECT || answer == MTA_DEFER;
    const bool goes_on = answer == MTA_CONTINUE || answer == MTA_SILENT;

    tally->recipient_ns[tally->recipient_count++] = time_ns;
    tally->recipients[answer]++;
    if (near)
        tally->near[answer]++;
    if (near ? !refused : !goes_on)
        tally->wrong++;
}

void tally_edits(struct tally *tally, const struct mta_edits *edits)
{
    tally->edits.holds += edits->holds;
    tally->edits.headers += edits->headers;
    tally->edits.recipients += edits->recipients;
    tally->edits.others += edits->others;
}

void tally_restart(struct tally *tally)
{
    struct tally fresh = {.recipient_ns = tally->recipient_ns,
        .message_ns = tally->message_ns,
        .steps = tally->steps,
        .actions = tally->actions,
        .wrong = tally->wrong};

    memcpy(fresh.failure, tally->failure, sizeof fresh.failure);
    *tally = fresh;
}

void tally_add(struct tally *total, const struct tally *one)
{
    for (int i = 0; i < MTA_ANSWER_COUNT; i++) {
        total->recipients[i] += one->recipients[i];
        total->near[i] += one->near[i];
        total->messages[i] += one->messages[i];
    }
    total->empty += one->empty;
    total->wrong += one->wrong;
    tally_edits(total, &one->edits);
    total->steps = one->steps;
    total->actions = one->actions;
    if (total->reply[0] == '\0')
        memcpy(total->reply, one->reply, sizeof total->reply);
    if (total->failure[0] == '\0')
        memcpy(total->failure, one->failure, sizeof total->failure);
    memcpy(total->recipient_ns + total->recipient_count, one->recipient_ns,
        one->recipient_count * sizeof(uint32_t));
    total->recipient_count += one->recipient_count;
    memcpy(total->message_ns + total->message_count, one->message_ns,
        one->message_count * sizeof(uint32_t));
    total->message_count += one->message_count;
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double percentile_us(const uint32_t *sorted_ns, size_t count, unsigned per_mille)
{
    if (count == 0)
        return 0;
    return sorted_ns[(count - 1) * per_mille / 1000] / 1000.0;
}

static void print_latency(const char *what, uint32_t *ns, size_t count, bool json)
{
    qsort(ns, count, sizeof *ns, compare);
    printf(json ? "\"%s_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
                  "\"max\":%.1f},"
                : "%-10s µs: median %.1f, 90%% %.1f, 99%% %.1f, 99.9%% %.1f, "
                  "longest %.1f\n",
        what, percentile_us(ns, count, 500), percentile_us(ns, count, 900),
        percentile_us(ns, count, 990), percentile_us(ns, count, 999),
        percentile_us(ns, count, 1000));
}

static void print_answers(
    const char *what, const unsigned long counts[MTA_ANSWER_COUNT], bool json)
{
    unsigned long all = 0;
    const char *separator = "";

    for (int i = 0; i < MTA_ANSWER_COUNT; i++)
        all += counts[i];
    if (!json && all == 0)
        return;
    printf(json ? "\"%s\":{" : "%-10s ", what);
    for (int i = 0; i < MTA_ANSWER_COUNT; i++) {
        if (!json && counts[i] == 0)
            continue;
        printf(json ? "%s\"%s\":%lu" : "%s%s %lu", separator,
            mta_answer_name((enum mta_answer)i), counts[i]);
        separator = json ? "," : ", ";
    }
    printf(json ? "}," : "\n");
}

static void print_text(const char *key, const char *text, bool json)
{
    if (!json) {
        if (text[0] != '\0')
            printf("%-10s %s\n", key, text);
        return;
    }
    printf("\"%s\":\"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)putchar('\\');
        (void)putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    printf("\",");
}

void tally_print(struct tally *total, double seconds, bool json)
{
    const double rate = (double)total->recipient_count / seconds;

    printf(json ? "{\"seconds\":%.6f,\"recipients_a_second\":%.1f,"
                : "%.3f s, %.0f recipients/s\n",
        seconds, rate);
    print_latency("recipient", total->recipient_ns, total->recipient_count, json);
    print_latency("message", total->message_ns, total->message_count, json);
    print_answers("recipients", total->recipients, json);
    print_answers("near", total->near, json);
    print_answers("messages", total->messages, json);
    print_text("reply", total->reply, json);
    print_text("failure", total->failure, json);
    printf(json
               ? "\"empty\":%lu,\"wrong\":%lu,\"holds\":%u,\"headers\":%u,"
                 "\"recipient_edits\":%u,\"other_edits\":%u,\"steps\":\"0x%x\","
                 "\"actions\":\"0x%x\"}\n"
               : "%lu messages with every recipient refused, %lu wrong answers; edits: "
                 "%u holds, %u headers, %u recipients, %u others; steps 0x%x, actions "
                 "0x%x\n",
        total->empty, total->wrong, total->edits.holds, total->edits.headers,
        total->edits.recipients, total->edits.others, total->steps, total->actions);
}
