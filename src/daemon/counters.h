/* The counts that `nearmiss status` shows, behind the gate's counter port. Any thread. */
#ifndef NM_DAEMON_COUNTERS_H
#define NM_DAEMON_COUNTERS_H

#include "gate/ports.h"

struct nm_counter_port nm_counters_port(void);
uint64_t nm_counter_value(enum nm_counter counter);

#endif
