#include "gate/ports.h"

static const char *const names[NM_CONFIRM_STANDINGS] = {
    [NM_CONFIRM_NEW] = "new",
    [NM_CONFIRM_TOO_SOON] = "too-soon",
    [NM_CONFIRM_SENT_AGAIN] = "sent-again",
    [NM_CONFIRM_REMEMBERED] = "remembered",
};

const char *nm_confirm_standing_name(enum nm_confirm_standing standing)
{
    return (size_t)standing < NM_CONFIRM_STANDINGS ? names[standing] : "unknown";
}
