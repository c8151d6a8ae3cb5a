/*
 * The connections that are open, and the callbacks that run. libmilter returns from its
 * main loop without joining its workers and calls nothing for the sessions that are open
 * then, so we must know both to stop without losing an event.
 */
#ifndef NM_MILTER_REGISTRY_H
#define NM_MILTER_REGISTRY_H

#include "gate/session.h"

#include <stdbool.h>
#include <stddef.h>

struct nm_connection {
    struct nm_connection *next;
    struct nm_connection *previous;
    struct nm_session *session; /* NULL when there was no memory for one */
    unsigned long steps;        /* SMFIP_* bits that were agreed on */
    bool shows_content;         /* messages come whole */
};

/* A new, registered connection; NULL out of memory. */
struct nm_connection *nm_registry_add(void);
/* Unregister and free, the session too. */
void nm_registry_remove(struct nm_connection *connection);

/* Around each callback: false once the stop has begun, and then there is no leave. */
bool nm_registry_enter(void);
void nm_registry_leave(void);

size_t nm_registry_count(void);

/* From now on no callback enters; wait for those inside, then end the sessions that are
 * left. Returns how many callbacks are inside after all: then all sessions stay. */
size_t nm_registry_drain(unsigned timeout_ms);

#endif
