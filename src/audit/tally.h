/*
 * Tally: the table that says how many decisions of an hour are alike. What is added
 * gathers in memory until it is written in the same commit as the decisions.
 *
 * Belongs to one connection and knows of its open transaction: after a rollback it must
 * be thrown away. Functions return SQLite's status.
 */
#ifndef NM_AUDIT_TALLY_H
#define NM_AUDIT_TALLY_H

#include "gate/ports.h"

#include <sqlite3.h>

#define NM_TALLY_HOUR_US INT64_C(3600000000)

struct nm_tally;

int nm_tally_open(sqlite3 *db, struct nm_tally **out);
void nm_tally_close(struct nm_tally **tally);

/* Count a decision. */
int nm_tally_add(struct nm_tally *tally, const struct nm_audit_event *decision);

/* Write what was added. In an open transaction. */
int nm_tally_write(struct nm_tally *tally);

#endif
