/* A function for SQL that says whether a text is the sender that is asked for. */
#ifndef NM_AUDIT_SENDERS_H
#define NM_AUDIT_SENDERS_H

#include <sqlite3.h>

/* Register `is_sender(number, sender)`: whether the text of this number is this sender,
 * ASCII case ignored. Few texts stand behind many events, so each is compared once a
 * statement. An SQLite status. */
int nm_senders_register(sqlite3 *db);

#endif
