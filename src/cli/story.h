/* The story of a message, from the log, in plain words. */
#ifndef NM_CLI_STORY_H
#define NM_CLI_STORY_H

#include "command.h"

#include "audit/audit.h"

#include <nearmiss/address.h>

struct nm_story {
    const struct nm_call *call;
    struct nm_audit_reader *reader;
    const struct nm_names *names;
    struct nm_id transaction; /* of the message that is being told */
    size_t told;              /* recipients */
    struct nm_error error;
};

/* Tell of one recipient; before the first of a message, of the message. False: the log
 * could not be read, or memory ran out; see `error`. */
bool nm_story_put(struct nm_story *story, const struct nm_audit_row *row);

#endif
