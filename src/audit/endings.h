/*
 * Endings: the table that says what became of the messages that have a notable decision,
 * a near miss or one that a rule acted on. These are few among many, and their outcomes
 * lie all over the log: figures over a month would read a page of it for each.
 *
 * A row that is there is true, whatever came later; one that is missing costs its reader a
 * look at the events. So a log from before there was the table is filled in idle moments.
 *
 * Belongs to one connection and works in its open transaction; after a rollback it must be
 * thrown away. Functions return SQLite's status.
 */
#ifndef NM_AUDIT_ENDINGS_H
#define NM_AUDIT_ENDINGS_H

#include "gate/ports.h"

#include <sqlite3.h>

struct nm_endings;

int nm_endings_open(sqlite3 *db, struct nm_endings **out);
void nm_endings_close(struct nm_endings **endings);

/* An event that was written, decision or outcome. */
int nm_endings_add(
    struct nm_endings *endings, int64_t sequence, const struct nm_audit_event *event);

/* Whether there are decisions of before, and filling in some of their endings. */
bool nm_endings_may_fill(const struct nm_endings *endings);
int nm_endings_fill(struct nm_endings *endings);

#endif
