/*
 * What runs: the configuration in force, the slot with its snapshot, the audit log, the
 * state database, and the ports that wire them to the gate. One a process. Reload and
 * status may be asked for by any thread.
 */
#ifndef NM_DAEMON_RUNTIME_H
#define NM_DAEMON_RUNTIME_H

#include "audit/audit.h"
#include "config/config.h"
#include "gate/session.h"
#include "notice/notices.h"
#include "quarantine/quarantine.h"
#include "state/confirmer.h"
#include "state/learner.h"

#include <pthread.h>

struct nm_runtime {
    const char *config_path;
    pthread_mutex_t reloading; /* one reload at a time; guards `config` and the below */
    struct nm_config *config;  /* in force */
    struct nm_counts *counts;  /* of the history, as the snapshot knows them */
    int64_t loaded_us;
    uint64_t reloads;
    int64_t started_us;
    struct nm_slot *slot;
    struct nm_audit *audit;
    struct nm_state *state;
    struct nm_quarantine *quarantine;
    struct nm_learner *learner;
    struct nm_codes *codes;
    struct nm_confirmer *confirmer;
    struct nm_notices *notices;
    struct nm_ports ports;
};

/* Open the state database, build the snapshot of `config`, which is taken over, and start
 * the audit log. */
enum nm_code nm_runtime_start(struct nm_runtime *runtime, const char *config_path,
    struct nm_config *config, struct nm_complaints *complaints, struct nm_error *error);

/* Read the configuration again and put it in force whole; when it is wrong, the old one
 * stays and `complaints` says why. */
enum nm_code nm_runtime_reload(
    struct nm_runtime *runtime, struct nm_complaints *complaints);

/* Put a history that was changed in force, with the configuration as it is. NM_NO_MEMORY,
 * NM_SYSTEM: the snapshot stays as it was. */
enum nm_code nm_runtime_take_history(
    struct nm_runtime *runtime, struct nm_error *error);

/* Put the exceptions that the state database has now in force. */
enum nm_code nm_runtime_take_exceptions(
    struct nm_runtime *runtime, struct nm_error *error);

/* Let go of what has been in the quarantine for too long. */
void nm_runtime_sweep(struct nm_runtime *runtime);

/* Say in the log what is in force, once all parts run. */
void nm_runtime_log_ready(struct nm_runtime *runtime);

/* One JSON object; the caller frees it. NULL out of memory. */
char *nm_runtime_status(struct nm_runtime *runtime);

/* Write what is queued and free everything; no callback may run any more. */
void nm_runtime_stop(struct nm_runtime *runtime);

/* Write what is queued and free nothing, while callbacks are still inside: the process is
 * to end. */
void nm_runtime_abandon(struct nm_runtime *runtime);

#endif
