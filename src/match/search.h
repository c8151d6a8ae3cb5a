/*
 * From a typed name to the names that may have been meant, each with the slips that lead
 * from one to the other. What a slip is worth is the model's business (model.h).
 *
 * Nothing is allocated: what is found lies in the caller's struct nm_findings. At most
 * NM_FINDINGS_MAX names are weighed and NM_LOOKS_MAX rows of the index looked at,
 * whatever is typed.
 */
#ifndef NM_MATCH_SEARCH_H
#define NM_MATCH_SEARCH_H

#include "index.h"

enum {
    NM_FINDINGS_MAX =
        96,           /* names weighed for one typed name; the rest is not looked at */
    NM_TAILS_MAX = 6, /* tails of the typed name that are compared with listed names */
    NM_LOOKS_MAX = 4096 /* rows of the index looked at for one typed name */
};

/* The kinds of slips that the model tells apart; finer than techniques. */
enum nm_slip_kind {
    NM_SLIP_OMISSION,
    NM_SLIP_OMISSION_DIGIT,
    NM_SLIP_INSERTION,
    NM_SLIP_INSERTION_KEY, /* a key beside one of its neighbours in the name */
    NM_SLIP_INSERTION_DIGIT,
    NM_SLIP_DOUBLING,
    NM_SLIP_UNDOUBLING,
    NM_SLIP_TRANSPOSITION,
    NM_SLIP_KEY,
    NM_SLIP_VOWEL, /* one vowel for another */
    NM_SLIP_SUBSTITUTION,
    NM_SLIP_DIGIT,        /* a digit for another */
    NM_SLIP_LETTER_DIGIT, /* a letter for a digit or the other way round */
    NM_SLIP_GLYPH,
    NM_SLIP_DOT,       /* missing, extra or moved */
    NM_SLIP_DOT_OTHER, /* a dot for another character or the other way round */
    NM_SLIP_HYPHEN,
    NM_SLIP_SUFFIX, /* the suffix as a whole */
    NM_SLIP_EMBEDDED
};
enum { NM_SLIP_KIND_COUNT = NM_SLIP_EMBEDDED + 1 };

struct nm_finding {
    uint32_t name; /* the listed name or protected suffix that is near */
    uint8_t kept;  /* bytes of the typed name before what was compared with `name` */
    uint8_t slip_count;
    uint8_t kinds[NM_SLIPS_MAX];       /* enum nm_slip_kind of each slip */
    enum nm_suffix_class suffix_class; /* of a NM_SLIP_SUFFIX */
    struct nm_slip slips[NM_SLIPS_MAX];
    uint64_t target_hash; /* of the name that was meant */
    double prior;         /* the model's three factors, as logarithms, and their sum */
    double slip;
    double genuine;
    double score;
};

struct nm_findings {
    size_t count;
    size_t looks;
    struct nm_finding rows[NM_FINDINGS_MAX];
};

/* A typed name, taken apart. */
struct nm_query {
    const struct nm_index *index;
    const struct nm_domain *typed;
    uint32_t exact; /* the listed name that equals it, or NM_NO_NAME */
    struct nm_domain_parts parts;
    struct nm_hash_tails tails;
};

/* Everything near, each target once, in no order, not yet weighed: where several listed
 * names lead to one target, each of them. */
void nm_search(const struct nm_query *query, struct nm_findings *out);

/* The name that a finding says was meant. */
void nm_finding_target(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_domain *out);

#endif
