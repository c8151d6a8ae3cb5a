/*
 * What a reviewer does with entries. Each act is on record, with who did it, before it is
 * done; one that cannot be recorded is not done.
 */
#ifndef NM_QUARANTINE_REVIEW_H
#define NM_QUARANTINE_REVIEW_H

#include "quarantine/quarantine.h"

/* Who acts, and the log that is told. Borrowed. */
struct nm_reviewer {
    const struct nm_ports *ports;
    const char *gateway;
    const char *actor; /* "alice (uid 1000)" */
};

/* All of them: NM_BAD_INPUT when there is no such entry or it is not in a state for this,
 * NM_SYSTEM and so on when the act cannot be recorded or done. */

/* Before the message is shown. */
enum nm_code nm_review_look(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error);

enum nm_code nm_review_delete(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error);

/* Begin to release the entry's message to `recipient`: for ten minutes it is let through,
 * once. An earlier release that came to no end is taken up again, but for one in which the
 * message had come by: whether the mail server took it then, it alone knows. Then nothing
 * is done unless `again` is set, and `*came_by` holds the queue id; else that is "". */
enum nm_code nm_review_release(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, const char *recipient,
    bool again, struct nm_queue_id *came_by, struct nm_error *error);

/* It was handed to the mail server; or it was not, and why. */
enum nm_code nm_review_released(
    struct nm_quarantine *quarantine, const char *id, struct nm_error *error);
enum nm_code nm_review_not_released(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, const char *why,
    struct nm_error *error);

/* Let go of what is too old; as nm_quarantine_sweep. */
enum nm_code nm_review_sweep(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, struct nm_error *error);

#endif
