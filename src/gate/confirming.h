/* What confirming.c and codes.c share: a recipient that may be confirmed, or is. */
#ifndef NM_GATE_CONFIRMING_H
#define NM_GATE_CONFIRMING_H

#include "message.h"

struct nm_confirming {
    struct nm_confirming *next;
    struct nm_confirm_case what;
    struct nm_id decision; /* on this recipient */
    struct nm_id first; /* that it was refused by before; "" for none that is known */
    unsigned place;     /* among the refusals that wait for the end; 0 for none */

    /* Where a code is asked for: */
    struct nm_bytes recipient; /* as a reply names it */
    const struct nm_reply *reply;
    enum nm_confirm_finding finding; /* the best of those in the Subject */
};

/* All that it points to lives in the session's arena. NULL out of memory. */
struct nm_confirming *nm_confirming_new(struct nm_session *session,
    const struct nm_judgement *judgement, const struct nm_id *decision);

/* At the end of a list, which is as short as a reply, or as one sender's share. */
void nm_confirming_append(
    struct nm_confirming **list, struct nm_confirming *confirming);

#endif
