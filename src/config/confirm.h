/* Whether what a configuration says of confirmations fits together. */
#ifndef NM_CONFIG_CONFIRM_H
#define NM_CONFIG_CONFIRM_H

#include "loaded.h"

/* Complain of times within which nothing could be confirmed; warn of rules that ask where
 * nobody can answer. */
enum nm_code nm_config_check_confirm(struct nm_config *config);

#endif
