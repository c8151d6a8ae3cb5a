/* What the subcommands of the quarantine share. */
#ifndef NM_CLI_QUARANTINE_H
#define NM_CLI_QUARANTINE_H

#include "command.h"

#include "config/config.h"
#include "quarantine/review.h"

/* Read the configuration and open the quarantine that it names; NULL in `*out` when there
 * is none yet. On NM_EXIT_FINE both are the caller's. */
enum nm_exit nm_open_quarantine(
    const struct nm_call *call, struct nm_config **config, struct nm_quarantine **out);

/* An entry, owned. */
struct nm_entry {
    char *id;
    char *sender; /* these bytes may hold NUL: see the lengths in `entry` */
    char *recipient;
    char *texts;
    struct nm_kept_entry entry; /* points into the above */
};

/* The entry that the call's argument names. NM_EXIT_SYSTEM and a word when there is
 * none. */
enum nm_exit nm_find_entry(
    const struct nm_call *call, struct nm_quarantine *quarantine, struct nm_entry *out);
void nm_entry_free(struct nm_entry *entry);

/* What is done to an entry, recorded by the daemon; with the daemon stopped, by this
 * process, if `alone` is not NULL. `verb` and `rest` (or NULL) are those of the daemon's
 * socket. On NM_EXIT_FINE `*answer`, if asked for, is the caller's to free. */
typedef enum nm_code nm_alone(struct nm_quarantine *quarantine,
    const struct nm_reviewer *reviewer, const char *id, struct nm_error *error);
enum nm_exit nm_act(const struct nm_call *call, const struct nm_config *config,
    struct nm_quarantine *quarantine, const char *verb, const char *rest,
    nm_alone *alone, char **answer);

#endif
