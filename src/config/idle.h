/* Rules that never decide. */
#ifndef NM_CONFIG_IDLE_H
#define NM_CONFIG_IDLE_H

#include "loaded.h"

/* Warn of each rule that an earlier one hides, or that asks for what cannot be together.
 * What is said is sure; not all that never decides is found. */
void nm_config_warn_of_idle_rules(const struct nm_config *config);

#endif
