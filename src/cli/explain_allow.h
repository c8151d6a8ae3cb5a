/* What exceptions have to do with a judgement: for `explain`. */
#ifndef NM_CLI_EXPLAIN_ALLOW_H
#define NM_CLI_EXPLAIN_ALLOW_H

#include "json.h"
#include "subject.h"

/* What would be decided with one exception more: for the domain, or for the domain and the
 * target it was taken for. */
struct nm_allowance {
    struct nm_domain target; /* length 0: for the domain */
    enum nm_match match;
    struct nm_decision decision;
};

enum { NM_ALLOWANCES_MAX = 2 };

/* How many there are to tell of: none where nothing is done with the mail, or where the
 * configuration's own lists say what the domain is. False: out of memory. */
bool nm_try_allowances(const struct nm_view *view, const struct nm_subject *subject,
    struct nm_allowance out[NM_ALLOWANCES_MAX], size_t *count);

/* "  exception      army.ml, set by alice (uid 1000): a customer\n". */
void nm_put_exception(FILE *out, const struct nm_exception *exception);
/* "  nearmiss allow add army.ml  accept\n". */
void nm_put_allowance(FILE *out, const struct nm_view *view,
    const struct nm_domain *domain, const struct nm_allowance *allowance);

/* As members "exception" and "with_allow". */
void nm_json_add_exception(struct nm_json *json, const struct nm_exception *exception);
void nm_json_add_allowances(
    struct nm_json *json, const struct nm_allowance *allowances, size_t count);

#endif
