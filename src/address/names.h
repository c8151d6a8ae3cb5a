/*
 * What the files of this layer share.
 */
#ifndef NM_ADDRESS_NAMES_H
#define NM_ADDRESS_NAMES_H

#include "rules.h"

#include <nearmiss/address.h>

#include <libpsl.h>
#include <unicode/uidna.h>

/* What ICU reports that makes a name invalid. The three hyphen errors do not, as
 * CheckHyphens is off; names that are too long and empty labels have faults of their
 * own. */
enum {
    NM_IDNA_ERRORS = UIDNA_ERROR_LEADING_COMBINING_MARK | UIDNA_ERROR_DISALLOWED |
                     UIDNA_ERROR_PUNYCODE | UIDNA_ERROR_LABEL_HAS_DOT |
                     UIDNA_ERROR_INVALID_ACE_LABEL | UIDNA_ERROR_BIDI |
                     UIDNA_ERROR_CONTEXTJ
};

/* Immutable once made: ICU promises that a UIDNA may be used by many threads at once,
 * and libpsl only reads its list. */
struct nm_names {
    UIDNA *idna;
    const psl_ctx_t *suffixes;
    struct nm_rules *rules; /* NULL where `suffixes` is another list */
};

#endif
