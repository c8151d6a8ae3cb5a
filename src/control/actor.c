#include "control/control.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

struct nm_actor nm_control_actor(unsigned uid)
{
    char memory[4096];
    struct nm_actor actor;
    struct passwd found;
    struct passwd *entry = NULL;

    if (getpwuid_r((uid_t)uid, &found, memory, sizeof memory, &entry) == 0 &&
        entry != NULL)
        (void)snprintf(
            actor.text, sizeof actor.text, "%.64s (uid %u)", entry->pw_name, uid);
    else
        (void)snprintf(actor.text, sizeof actor.text, "uid %u", uid);
    return actor;
}
