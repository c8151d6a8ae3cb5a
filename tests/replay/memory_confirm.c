#include "memory_confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(char out[MEMORY_CONFIRM_TEXT_MAX], struct nm_bytes bytes)
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, MEMORY_CONFIRM_TEXT_MAX);
    nm_buf_put(&buf, bytes.data, bytes.length);
}

static struct memory_pending *find(
    struct memory_confirm *confirm, const struct nm_confirm_case *what)
{
    char recipient[MEMORY_CONFIRM_TEXT_MAX];

    copy(recipient, what->recipient);
    for (size_t i = 0; i < confirm->pending_count; i++)
        if (strcmp(confirm->pending[i].sender, what->sender) == 0 &&
            strcmp(confirm->pending[i].recipient, recipient) == 0)
            return &confirm->pending[i];
    return NULL;
}

static bool is_remembered(const struct memory_confirm *confirm,
    const struct nm_confirm_case *what, int64_t now_us)
{
    char domain[MEMORY_CONFIRM_TEXT_MAX];

    copy(domain, what->domain);
    for (size_t i = 0; i < confirm->confirmed_count; i++)
        if (strcmp(confirm->confirmed[i].sender, what->sender) == 0 &&
            strcmp(confirm->confirmed[i].domain, domain) == 0 &&
            now_us < confirm->confirmed[i].expires_us)
            return true;
    return false;
}

static int64_t age_s(const struct memory_pending *pending, int64_t now_us)
{
    return (now_us - pending->refused_us) / 1000000;
}

static void ask(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us, struct nm_confirm_said *out)
{
    struct memory_confirm *confirm = self;
    const struct memory_pending *pending = find(confirm, what);

    *out = (struct nm_confirm_said){.standing = NM_CONFIRM_NEW};
    if (is_remembered(confirm, what, now_us)) {
        out->standing = NM_CONFIRM_REMEMBERED;
        return;
    }
    if (pending == NULL || age_s(pending, now_us) >= rules->window_s)
        return;
    out->first = pending->decision;
    out->standing = NM_CONFIRM_SENT_AGAIN;
    if (now_us <= pending->refused_us || age_s(pending, now_us) < rules->min_s) {
        out->standing = NM_CONFIRM_TOO_SOON;
        out->wait_s = (uint32_t)(rules->min_s - age_s(pending, now_us));
    }
}

static void refused(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, const struct nm_id *decision, int64_t now_us,
    uint64_t *ticket)
{
    struct memory_confirm *confirm = self;
    struct memory_pending *pending = find(confirm, what);

    *ticket = ++confirm->refused;
    if (pending != NULL && age_s(pending, now_us) < rules->window_s)
        return;
    if (pending == NULL)
        pending = &confirm->pending[confirm->pending_count++];
    if (confirm->pending_count == MEMORY_CONFIRM_MAX)
        abort();
    (void)nm_copy(pending->sender, sizeof pending->sender, what->sender);
    copy(pending->recipient, what->recipient);
    pending->decision = *decision;
    pending->refused_us = now_us;
}

static void wait_for(void *self, uint64_t ticket)
{
    struct memory_confirm *confirm = self;

    confirm->durable = ticket;
}

static bool confirmed(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us)
{
    struct memory_confirm *confirm = self;
    struct memory_pending *pending = find(confirm, what);
    struct memory_confirmed row = {
        .expires_us = now_us + rules->remember_days * INT64_C(86400000000)};
    bool others = rules->by_code;

    if (pending != NULL)
        *pending = confirm->pending[--confirm->pending_count];
    (void)nm_copy(row.sender, sizeof row.sender, what->sender);
    copy(row.domain, what->domain);
    for (size_t i = 0; i < confirm->confirmed_count; i++)
        others = others || (strcmp(confirm->confirmed[i].domain, row.domain) == 0 &&
                               strcmp(confirm->confirmed[i].sender, row.sender) != 0);
    if (confirm->confirmed_count == MEMORY_CONFIRM_MAX)
        abort();
    confirm->confirmed[confirm->confirmed_count++] = row;
    return others;
}

/* ---- codes -------------------------------------------------------------- */

static struct nm_confirm_code give_code(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us)
{
    struct memory_confirm *confirm = self;
    struct memory_code row = {.quarter = now_us / 1000000 / (rules->window_s / 4)};
    struct nm_confirm_code out;
    size_t i = 0;

    (void)nm_copy(row.sender, sizeof row.sender, what->sender);
    copy(row.recipient, what->recipient);
    while (i < confirm->code_count && memcmp(&confirm->codes[i], &row, sizeof row) != 0)
        i++;
    if (i == MEMORY_CONFIRM_MAX)
        abort();
    if (i == confirm->code_count)
        confirm->codes[confirm->code_count++] = row;
    (void)snprintf(out.text, sizeof out.text, "NM-%08zu", i + 1);
    return out;
}

static enum nm_confirm_finding find_code(void *self, const struct nm_confirm_case *what,
    const struct nm_confirm_rules *rules, int64_t now_us,
    const struct nm_confirm_code *code)
{
    const struct memory_confirm *confirm = self;
    const unsigned long number = strtoul(code->text + 3, NULL, 10);
    const struct memory_code *row =
        &confirm->codes[number > 0 && number <= confirm->code_count ? number - 1 : 0];
    char recipient[MEMORY_CONFIRM_TEXT_MAX];

    copy(recipient, what->recipient);
    if (number == 0 || number > confirm->code_count ||
        strcmp(row->sender, what->sender) != 0 ||
        strcmp(row->recipient, recipient) != 0)
        return NM_CODE_WRONG;
    return now_us / 1000000 / (rules->window_s / 4) - row->quarter <= 4 ? NM_CODE_RIGHT
                                                                        : NM_CODE_STALE;
}

static bool guesses(
    void *self, const struct nm_confirm_case *what, unsigned wrong, int64_t now_us)
{
    struct memory_confirm *confirm = self;

    (void)what;
    (void)now_us;
    confirm->wrong += wrong;
    return confirm->wrong >= 20;
}

struct nm_confirm_port memory_confirm_port(struct memory_confirm *confirm)
{
    return (struct nm_confirm_port){.self = confirm,
        .ask = ask,
        .refused = refused,
        .wait = wait_for,
        .confirmed = confirmed,
        .code = give_code,
        .find = find_code,
        .guesses = guesses};
}
