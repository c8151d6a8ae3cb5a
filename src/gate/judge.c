#include "gate/session.h"

#include <string.h>

enum { CANDIDATES_MAX = 16 }; /* of a name with exceptions for single targets */

struct nm_bytes nm_without_brackets(struct nm_bytes path)
{
    if (path.length >= 2 && path.data[0] == '<' && path.data[path.length - 1] == '>')
        return (struct nm_bytes){path.data + 1, path.length - 2};
    return path;
}

static void match(const struct nm_snapshot_values *values,
    const struct nm_address *address, struct nm_verdict *out)
{
    if (address->kind == NM_ADDRESS_MAILBOX) {
        nm_index_match(values->index, &address->domain, out);
        return;
    }
    memset(out, 0, sizeof *out);
    out->match =
        address->kind == NM_ADDRESS_LOCAL || address->kind == NM_ADDRESS_LITERAL
            ? NM_MATCH_NONE
            : NM_MATCH_INVALID;
}

/* ---- exceptions --------------------------------------------------------- */

/* Whether one can change what the name is: it adds nothing to an order of the
 * configuration. */
static bool is_open(enum nm_match match)
{
    return match == NM_MATCH_NONE || match == NM_MATCH_KNOWN ||
           match == NM_MATCH_NEAR_MISS;
}

static void allow(const struct nm_exception *exception, struct nm_judgement *out)
{
    out->exception = exception;
    out->verdict.match = NM_MATCH_ALLOWED;
    out->verdict.listed = exception->domain.name;
}

/* Leave out the targets that the name is said to be no slip of. With P the sum of their
 * probabilities, each other's is its own over 1 - P: what stood for them in the
 * denominator is gone. */
static void leave_out_targets(const struct nm_view *view,
    const struct nm_request *request, struct nm_judgement *out)
{
    const struct nm_index *index = nm_snapshot_values(view->snapshot)->index;
    struct nm_candidate candidates[CANDIDATES_MAX];
    const size_t count =
        nm_index_candidates(index, &out->address.domain, candidates, CANDIDATES_MAX);
    const struct nm_candidate *best = NULL;
    const struct nm_exception *found = NULL;
    double left_out = 0;
    double rest;

    for (size_t i = 0; i < count; i++) {
        const struct nm_exception *exception = nm_overlay_find(view->overlay,
            &out->address.domain, &candidates[i].target, request->sender, view->now_us);

        if (exception == NULL) {
            best = best != NULL ? best : &candidates[i];
            continue;
        }
        found = found != NULL ? found : exception;
        left_out += candidates[i].confidence;
    }
    if (found == NULL)
        return;
    rest = left_out < 1 ? (out->verdict.confidence - left_out) / (1 - left_out) : 0;
    if (best == NULL || rest < nm_index_threshold(index)) {
        allow(found, out);
        return;
    }
    out->exception = found;
    out->verdict.best = *best;
    out->verdict.best.confidence /= 1 - left_out;
    out->verdict.confidence = rest;
}

static void apply_exceptions(const struct nm_view *view,
    const struct nm_request *request, struct nm_judgement *out)
{
    const struct nm_exception *whole;

    out->exception = NULL;
    if (nm_overlay_size(view->overlay) == 0 ||
        out->address.kind != NM_ADDRESS_MAILBOX || !is_open(out->verdict.match))
        return;
    whole = nm_overlay_find(
        view->overlay, &out->address.domain, NULL, request->sender, view->now_us);
    if (whole != NULL)
        allow(whole, out);
    else if (out->verdict.match == NM_MATCH_NEAR_MISS && !out->verdict.out_of_memory)
        leave_out_targets(view, request, out);
}

/* ---- contacts ----------------------------------------------------------- */

/* A registrable domain is found as it stands, without the public suffix list. */
bool nm_is_first_contact(
    const struct nm_view *view, const struct nm_domain *domain, enum nm_match match)
{
    const struct nm_contact_port *contacts = view->contacts;
    struct nm_domain_parts parts;

    if (contacts == NULL || contacts->knows == NULL || match == NM_MATCH_OWN ||
        contacts->knows(contacts->self, domain->name, domain->length))
        return false;
    parts = nm_domain_split(nm_snapshot_values(view->snapshot)->names, domain);
    return parts.registrable == 0 ||
           !contacts->knows(contacts->self, domain->name + parts.registrable,
               (size_t)domain->length - parts.registrable);
}

static bool is_first_contact_asked(
    const struct nm_view *view, const struct nm_judgement *judgement)
{
    return nm_policy_asks_first_contact(nm_snapshot_values(view->snapshot)->policy) &&
           judgement->address.kind == NM_ADDRESS_MAILBOX &&
           nm_is_first_contact(
               view, &judgement->address.domain, judgement->verdict.match);
}

/* ---- confirmations ------------------------------------------------------ */

static void put_lower(struct nm_buf *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char lower = nm_ascii_lower(bytes[i]);

        nm_buf_put(out, &lower, 1);
    }
}

void nm_confirm_matter_make(const struct nm_request *request,
    const struct nm_judgement *judgement, struct nm_confirm_matter *out)
{
    const struct nm_address *address = &judgement->address;
    const struct nm_bytes plain = nm_without_brackets(judgement->path);
    struct nm_buf recipient;
    struct nm_buf sender;

    nm_buf_init(&sender, out->sender, sizeof out->sender);
    put_lower(&sender, request->sender, strlen(request->sender));
    nm_buf_init(&recipient, out->recipient, sizeof out->recipient);
    if (address->kind == NM_ADDRESS_MAILBOX) {
        put_lower(&recipient, address->local_part, address->local_part_length);
        nm_buf_puts(&recipient, "@");
        nm_buf_puts(&recipient, address->domain.name);
    } else {
        put_lower(&recipient, plain.data, plain.length);
    }
    if (request->auth != NULL && request->auth[0] != '\0')
        (void)nm_copy(out->origin, sizeof out->origin, request->auth);
    else
        nm_ip_format(&request->client, out->origin);
    out->what = (struct nm_confirm_case){.sender = out->sender,
        .origin = out->origin,
        .recipient = {out->recipient, recipient.length},
        .domain = {address->domain.name, address->domain.length}};
}

/* By a code that is not found in the Subject before its end it is as new, whatever was sent
 * before. Without a key, as in the tool, some word stands for it. */
static void take_code(const struct nm_view *view, const struct nm_confirm_rules *rules,
    const struct nm_confirm_case *what, struct nm_confirm_said *out)
{
    const struct nm_confirm_port *port = view->confirms;

    if (out->standing == NM_CONFIRM_REMEMBERED)
        return;
    out->standing = NM_CONFIRM_NEW;
    if (port != NULL && port->code != NULL)
        out->code = port->code(port->self, what, rules, view->now_us);
    else
        (void)nm_copy(out->code.text, sizeof out->code.text, "(a code)");
}

/* Where a rule asks the sender to confirm: whether that was done, and if not, what there
 * is to be told. */
static void ask_for_confirmation(
    const struct nm_view *view, struct nm_request *request, struct nm_judgement *out)
{
    const struct nm_confirm_rules *rules = &nm_snapshot_values(view->snapshot)->confirm;
    struct nm_confirm_matter matter;

    memset(&out->confirm, 0, sizeof out->confirm);
    out->is_confirmed = false;
    if (out->decision.action != NM_ACTION_CONFIRM)
        return;
    nm_confirm_matter_make(request, out, &matter);
    if (view->confirms != NULL && view->confirms->ask != NULL)
        view->confirms->ask(
            view->confirms->self, &matter.what, rules, view->begun_us, &out->confirm);
    if (rules->by_code)
        take_code(view, rules, &matter.what, &out->confirm);
    out->is_confirmed = out->confirm.standing == NM_CONFIRM_SENT_AGAIN ||
                        out->confirm.standing == NM_CONFIRM_REMEMBERED;
    request->confirm = (struct nm_confirm_terms){
        .too_soon = out->confirm.standing == NM_CONFIRM_TOO_SOON,
        .wait_s = out->confirm.standing == NM_CONFIRM_TOO_SOON ? out->confirm.wait_s
                                                               : rules->min_s,
        .window_s = rules->window_s,
        .code = rules->by_code ? out->confirm.code.text : NULL};
}

/* ---- the judgement ------------------------------------------------------ */

void nm_judge(const struct nm_view *view, struct nm_request *request,
    struct nm_bytes path, const char *reference, struct nm_judgement *out)
{
    const struct nm_snapshot_values *values = nm_snapshot_values(view->snapshot);

    out->path = path;
    nm_address_parse(values->names, path.data, path.length, &out->address);
    match(values, &out->address, &out->verdict);
    apply_exceptions(view, request, out);
    request->recipient = &out->address;
    request->verdict = &out->verdict;
    request->near_misses += out->verdict.match == NM_MATCH_NEAR_MISS;
    request->first_contact = is_first_contact_asked(view, out);
    nm_policy_decide(values->policy, request, &out->decision);
    ask_for_confirmation(view, request, out);
    out->has_reply = nm_action_refuses(out->decision.action) && !out->is_confirmed;
    request->contact = values->contact;
    if (out->has_reply)
        nm_reply_make(&out->decision, request, reference, &out->reply);
}
