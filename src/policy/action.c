#include <nearmiss/policy.h>

#include <string.h>

/* Everything that differs from action to action stands in this table alone. */
static const struct {
    const char *name;
    bool refuses;
    int severity;
} actions[NM_ACTION_COUNT] = {
    [NM_ACTION_ACCEPT] = {"accept", false, 0},
    [NM_ACTION_TAG] = {"tag", false, 1},
    [NM_ACTION_HOLD] = {"hold", false, 2},
    [NM_ACTION_QUARANTINE] = {"quarantine", false, 3},
    [NM_ACTION_DEFER] = {"defer", true, 4},
    [NM_ACTION_CONFIRM] = {"confirm", true, 5},
    [NM_ACTION_REJECT] = {"reject", true, 6},
};

static const char *const modes[] = {
    [NM_MODE_ENFORCE] = "enforce", [NM_MODE_OBSERVE] = "observe"};

const char *nm_action_name(enum nm_action action)
{
    return (size_t)action < NM_ACTION_COUNT ? actions[action].name : "unknown";
}

bool nm_action_from_name(const char *name, enum nm_action *out)
{
    for (size_t i = 0; i < NM_ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            *out = (enum nm_action)i;
            return true;
        }
    }
    return false;
}

int nm_action_severity(enum nm_action action)
{
    return actions[action].severity;
}

bool nm_action_refuses(enum nm_action action)
{
    return actions[action].refuses;
}

const char *nm_mode_name(enum nm_mode mode)
{
    return (size_t)mode < NM_COUNT(modes) ? modes[mode] : "unknown";
}

bool nm_mode_from_name(const char *name, enum nm_mode *out)
{
    for (size_t i = 0; i < NM_COUNT(modes); i++) {
        if (strcmp(modes[i], name) == 0) {
            *out = (enum nm_mode)i;
            return true;
        }
    }
    return false;
}
