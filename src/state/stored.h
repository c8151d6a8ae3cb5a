/* Values as a database has them, which somebody may have changed by hand. */
#ifndef NM_STATE_STORED_H
#define NM_STATE_STORED_H

#include <nearmiss/address.h>

#include <sqlite3.h>

/* Whether a column holds a domain in its one form. */
bool nm_stored_domain(sqlite3_stmt *row, int column, struct nm_domain *out);

#endif
