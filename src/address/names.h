/*
 * What the files of this layer share.
 */
#ifndef NM_ADDRESS_NAMES_H
#define NM_ADDRESS_NAMES_H

#include <nearmiss/address.h>

#include <libpsl.h>
#include <unicode/uidna.h>

/* Immutable once made: ICU promises that a UIDNA may be used by many threads at once,
 * and libpsl only reads its list. */
struct nm_names {
    UIDNA *idna;
    const psl_ctx_t *suffixes;
};

#endif
