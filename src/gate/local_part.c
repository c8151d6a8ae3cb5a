#include "gate/ports.h"

static const char *const names[NM_LOCAL_PARTS] = {
    [NM_LOCAL_CLEAR] = "clear",
    [NM_LOCAL_KEYED] = "keyed",
    [NM_LOCAL_NONE] = "none",
};

const char *nm_audit_local_part_name(enum nm_audit_local_part kept)
{
    return (size_t)kept < NM_LOCAL_PARTS ? names[kept] : "";
}
