#include "gate/session.h"

#include <string.h>

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

void nm_judge(const struct nm_snapshot *snapshot, struct nm_request *request,
    struct nm_bytes path, const char *reference, struct nm_judgement *out)
{
    const struct nm_snapshot_values *values = nm_snapshot_values(snapshot);

    nm_address_parse(values->names, path.data, path.length, &out->address);
    match(values, &out->address, &out->verdict);
    request->recipient = &out->address;
    request->verdict = &out->verdict;
    nm_policy_decide(values->policy, request, &out->decision);
    out->has_reply = nm_action_refuses(out->decision.action);
    if (out->has_reply)
        nm_reply_make(&out->decision, request, reference, &out->reply);
}
