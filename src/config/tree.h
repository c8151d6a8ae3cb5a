/* From a source to libconfig's tree of settings. */
#ifndef NM_CONFIG_TREE_H
#define NM_CONFIG_TREE_H

#include "source.h"

#include <libconfig.h>

/* Whether the text is parsed in a child first. Only what runs single inputs by the
 * thousand, a fuzzer, does without. */
enum nm_tree_trial { NM_TREE_TRIAL, NM_TREE_NO_TRIAL };

/* Parse into `tree`, which the caller has initialised and destroys. The first syntax
 * error is in `complaints`, the result then NM_BAD_INPUT. Lines of settings are lines
 * of the source's text. */
enum nm_code nm_tree_parse(const struct nm_source *source, enum nm_tree_trial trial,
    config_t *tree, struct nm_complaints *complaints);

#endif
