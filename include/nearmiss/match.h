/*
 * Nearmiss match: is this domain one that people here write to, or almost one?
 *
 * A noisy channel. For a typed name q and every name t near it,
 *
 *     P(t | q) = prior(t) slip(q | t)
 *                / (genuine(q) + sum over t' of prior(t') slip(q | t'))
 *
 * where prior is how often mail from here goes to t, slip how probable the typing,
 * spelling or reading error is that turns t into q, and genuine how often mail really
 * goes to q. The verdict carries the three factors and the slips as its evidence. Its
 * confidence is this probability on the scale of what turned out to be slips: a curve that
 * was fitted to real names, on which 0.9 stands where it pays to ask the sender.
 *
 * Pure: may use nearmiss/base.h, nearmiss/address.h and ICU (UTS #39); opens no file,
 * takes no lock, reads no clock. A struct nm_index is immutable once made: any number of
 * threads may ask it at once.
 */
#ifndef NEARMISS_MATCH_H
#define NEARMISS_MATCH_H

#include <nearmiss/address.h>
#include <nearmiss/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the domain is to this site. The order is fixed: audit logs store it. */
enum nm_match {
    NM_MATCH_INVALID,   /* no domain that can be judged */
    NM_MATCH_NONE,      /* nothing known, nothing near */
    NM_MATCH_OWN,       /* this site's own, or below it */
    NM_MATCH_PROTECTED, /* listed under `protect`, or below a listed domain */
    NM_MATCH_ALLOWED,   /* listed under `allow`, or below a listed domain */
    NM_MATCH_KNOWN, /* a mail provider, or written to before and near nothing usual */
    NM_MATCH_NEAR_MISS /* almost a known name */
};
enum { NM_MATCH_COUNT = NM_MATCH_NEAR_MISS + 1 };

/* The kind of a slip, as people and rules name it. The order is fixed likewise. */
enum nm_technique {
    NM_TECHNIQUE_NONE,
    NM_TECHNIQUE_OMISSION,      /* a character is missing */
    NM_TECHNIQUE_INSERTION,     /* a character too many */
    NM_TECHNIQUE_DOUBLING,      /* a character doubled, or a double one single */
    NM_TECHNIQUE_TRANSPOSITION, /* two characters changed places */
    NM_TECHNIQUE_KEY,           /* a neighbouring key was hit */
    NM_TECHNIQUE_SUBSTITUTION,  /* some other character, or two for one with a mark */
    NM_TECHNIQUE_SUFFIX,        /* the slip lies in the public suffix */
    NM_TECHNIQUE_DOT,           /* a dot is missing, extra or moved */
    NM_TECHNIQUE_HYPHEN,        /* a hyphen is missing or extra */
    NM_TECHNIQUE_GLYPH,         /* characters that look alike */
    NM_TECHNIQUE_EMBEDDED,      /* a known name inside another */
    NM_TECHNIQUE_SEVERAL        /* more than one kind */
};
enum { NM_TECHNIQUE_COUNT = NM_TECHNIQUE_SEVERAL + 1 };

/* Names as in configuration, JSON and reports: `near-miss`, `transposition`. "none" for
 * NM_TECHNIQUE_NONE. Never NULL. */
const char *nm_match_name(enum nm_match match);
const char *nm_technique_name(enum nm_technique technique);

/* Whether `name` names a technique, or a match; `*out` is set only if so. */
bool nm_technique_from_name(const char *name, enum nm_technique *out);
bool nm_match_from_name(const char *name, enum nm_match *out);

/* ---- evidence ----------------------------------------------------------- */

enum { NM_SLIPS_MAX = 4, NM_SLIP_TEXT_MAX = 7 };

/* One slip: `typed_length` bytes at `typed_at` of the typed name stand where
 * `meant_length` bytes at `meant_at` of the target should; either length may be 0. */
struct nm_slip {
    enum nm_technique technique;
    uint8_t typed_at;
    uint8_t typed_length;
    uint8_t meant_at;
    uint8_t meant_length;
    bool in_suffix; /* the slip lies in the public suffix */
    /* The bytes typed; empty where they are more than that. */
    char typed_text[NM_SLIP_TEXT_MAX + 1];
};

/* A name that the sender may have meant. */
struct nm_candidate {
    struct nm_domain target;
    enum nm_technique technique;
    uint8_t slip_count; /* 0..NM_SLIPS_MAX */
    struct nm_slip slips[NM_SLIPS_MAX];
    double prior; /* natural logarithms of the three factors, not normalised: */
    double slip;  /*   only their sums and differences mean something */
    double genuine;
    double confidence; /* P(target | typed), between 0 and 1 */
};

struct nm_verdict {
    enum nm_match match;
    /* 0..1: that the name is a slip at all, for whichever target: the sum of the
     * candidates' own. Rules ask for this one. */
    double confidence;
    bool out_of_memory; /* in ICU: not all that looks like the name was found, so that
                           this is no judgement to act on */
    uint8_t candidate_count;  /* how many targets were weighed, at most 255 */
    const char *listed;       /* the list entry that made it own, protected, allowed or
                                known; borrowed from the index, else NULL */
    struct nm_candidate best; /* set when candidate_count > 0, near miss or not */
};

/* ---- the index ---------------------------------------------------------- */

/* Where a name comes from. A name given several times keeps its strongest listing (the
 * last of this enum), the greatest weight that a list gives it and, beside it, the
 * greatest count of history. Only the three that are orders cover the names below; a name
 * that history alone lists may be a near miss itself, of one written to more often. */
enum nm_listing {
    NM_LISTING_HISTORY,  /* mail went there before; the weight is a count of messages */
    NM_LISTING_PROVIDER, /* a mail provider of the built-in list */
    NM_LISTING_PROTECTED, /* listed by the operator; covers the names below it */
    NM_LISTING_ALLOWED,   /* meant, whatever it looks like; covers the names below it */
    NM_LISTING_OWN        /* this site's; covers the names below it */
};

struct nm_index_entry {
    struct nm_domain name;
    enum nm_listing listing;
    /* Above 0, to NM_INDEX_WEIGHT_MAX; 1 when the list gives none. Doubling it doubles the
     * prior. */
    double weight;
};

#define NM_INDEX_WEIGHT_MAX 1e12

/* A name's place in a list by popularity. Evidence for its being a name that people use,
 * and that its like is less used; it makes the name neither known nor a target. */
struct nm_index_rank {
    struct nm_domain name;
    uint32_t rank; /* from 1, the most popular */
};

/* Tables that say how names are mistaken, in the text form of conf/tables. A NULL text
 * means the one compiled in. */
struct nm_table {
    const char *text;
    size_t length;
    const char *file; /* for complaints; may be NULL */
};

struct nm_index_spec {
    const struct nm_names *names; /* borrowed; must outlive the index */
    const struct nm_index_entry *entries;
    size_t entry_count;
    const struct nm_index_rank *ranks;
    size_t rank_count;
    const struct nm_domain *suffixes; /* protected suffixes: `mil`, `gov.uk` */
    size_t suffix_count;
    struct nm_table suffix_slips; /* conf/tables/suffix-slips.txt */
    struct nm_table keyboards;    /* conf/tables/keyboards.txt */
    struct nm_table glyphs;       /* conf/tables/glyphs.txt */
    const char *const *layouts;   /* names of the keyboards in use: `us`, `de` */
    size_t layout_count;
    double threshold; /* 0..1: the confidence from which a name is called a near miss */
};

enum {
    NM_INDEX_NAMES_MAX = 16 * 1024 * 1024, /* entries of all lists together */
    NM_INDEX_RANKS_MAX = 16 * 1024 * 1024, /* ranked names */
    NM_SUFFIXES_MAX = 4096 /* protected suffixes, of up to 4 labels each */
};

struct nm_index;

/* Build an index; everything in `spec` but `names` is copied. NM_BAD_INPUT with file and
 * line for a table that cannot be read or a layout no table has, NM_NO_MEMORY, NM_LIMIT
 * (see above), NM_SYSTEM (ICU has no data). */
enum nm_code nm_index_new(
    const struct nm_index_spec *spec, struct nm_index **out, struct nm_error *error);
void nm_index_free(struct nm_index **index);

/* Bytes the index holds, and names in it. */
size_t nm_index_bytes(const struct nm_index *index);
size_t nm_index_size(const struct nm_index *index);

/* The confidence from which it calls a name a near miss. */
double nm_index_threshold(const struct nm_index *index);

/* Judge `typed`. Bounded work, whatever the name and the lists: of very many candidates
 * the most probable are weighed. Allocates nothing for an ASCII name. */
void nm_index_match(const struct nm_index *index, const struct nm_domain *typed,
    struct nm_verdict *out);

/* The candidates of the same judgement, most probable first, for people who ask why; none
 * for a name that is own, protected, allowed or a provider's. Returns how many were
 * written, at most `capacity`. */
size_t nm_index_candidates(const struct nm_index *index, const struct nm_domain *typed,
    struct nm_candidate *out, size_t capacity);

/* The slips of a candidate in words for people: "a letter is missing in the suffix".
 * ASCII. */
void nm_candidate_describe(const struct nm_candidate *candidate, struct nm_buf *out);

/* The text of a compiled-in table or list, for `nearmiss config show` and for tests:
 * "suffix-slips", "keyboards", "glyphs", "letter-pairs", "providers". NULL text for any other name. */
struct nm_table nm_builtin_table(const char *name);

#ifdef __cplusplus
}
#endif

#endif
