/* What `nearmissd -t` looks at beside the configuration: what a start would need. */
#ifndef NM_DAEMON_PREFLIGHT_H
#define NM_DAEMON_PREFLIGHT_H

#include "config/config.h"

/* Root becomes the configured user for good, so that what follows is seen with that
 * user's rights; without one it is warned of. An account that does not exist is an
 * error, as it is at a start. */
enum nm_code nm_preflight_user(
    const struct nm_settings *settings, struct nm_error *error);

/* Warn on standard error of what would keep a daemon of this user from starting or from
 * reloading. Warnings, since the start may come later, and from somebody else. */
void nm_preflight_warn(const char *config_path, const struct nm_settings *settings);

#endif
