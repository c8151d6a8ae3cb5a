/* Log lines to stderr or to the system log, `message key=value …`. */
#ifndef NM_DAEMON_LOG_H
#define NM_DAEMON_LOG_H

#include <nearmiss/base.h>

/* The process's log; stderr at level info until nm_log_configure. Any thread. */
const struct nm_log *nm_process_log(void);

/* `to_syslog`: facility mail. Lines below `level` are dropped. */
void nm_log_configure(bool to_syslog, enum nm_log_level level);

#endif
