#include "gate/ports.h"

static const char *const names[NM_OUTCOME_COUNT] = {
    [NM_OUTCOME_UNKNOWN] = "unknown",
    [NM_OUTCOME_PASSED] = "passed",
    [NM_OUTCOME_REFUSED] = "refused",
    [NM_OUTCOME_HELD] = "held",
    [NM_OUTCOME_QUARANTINED] = "quarantined",
    [NM_OUTCOME_ABORTED] = "aborted",
};

const char *nm_outcome_name(enum nm_outcome outcome)
{
    return (size_t)outcome < NM_OUTCOME_COUNT ? names[outcome] : "unknown";
}
