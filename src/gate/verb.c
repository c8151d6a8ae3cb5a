#include "gate/ports.h"

static const char *const names[NM_VERB_COUNT] = {
    [NM_VERB_ALLOW_ADDED] = "allow-added",
    [NM_VERB_ALLOW_REMOVED] = "allow-removed",
    [NM_VERB_CONFIRMED] = "confirmed",
    [NM_VERB_RELEASED] = "released",
    [NM_VERB_DELETED] = "deleted",
    [NM_VERB_LOOKED_AT] = "looked-at",
    [NM_VERB_ERASED] = "erased",
    [NM_VERB_PRUNED] = "pruned",
    [NM_VERB_KEY_ROTATED] = "key-rotated",
    [NM_VERB_CONFIRMS] = "confirms",
    [NM_VERB_NOTIFIED] = "notified",
};

const char *nm_verb_name(enum nm_verb verb)
{
    return (size_t)verb < NM_VERB_COUNT ? names[verb] : "unknown";
}

bool nm_verb_is_counted(enum nm_verb verb)
{
    return verb != NM_VERB_CONFIRMS;
}
