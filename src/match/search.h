/*
 * From a typed name to the names that may have been meant, each with the slips that lead
 * from one to the other. What a slip is worth is the model's business (model.h).
 *
 * Each way of being near has its own look into the index:
 *
 *   edits.c     one edit anywhere, the dot a character like others; protected suffixes too
 *   suffixes.c  the same registrable label under another suffix; the table's pairs
 *   shapes.c    dots and hyphens gone astray, letters in another order, look-alikes,
 *               another keyboard's keys
 *   inside.c    a known name inside another, or glued to something
 *   several.c   two slips in the name of one that is written to often
 *
 * A name may also be near one that stands above it: `mail.amry.mil` has the tail
 * `amry.mil`, which is near army.mil, so that mail.army.mil may have been meant. Only
 * tails that hold the typed name's registrable part are compared, since what lies below
 * it is nobody's name.
 *
 * A hit is compared with what was typed before it counts, so that hashes that collide
 * cost time and nothing else; and the time is capped. Nothing is allocated for a name in
 * ASCII: what is found lies in the caller's struct nm_findings.
 */
#ifndef NM_MATCH_SEARCH_H
#define NM_MATCH_SEARCH_H

#include "index.h"

enum {
    NM_FINDINGS_MAX = 96, /* names weighed for one typed name; the rest is left */
    NM_TAILS_MAX = 6, /* tails of a typed name that are compared, the whole included */
    NM_LOOK_UP_MAX = NM_DOMAIN_MAX + 1, /* keys looked up at once */
    NM_LOOKS_MAX = 4096, /* keys and rows of the index looked at for one typed name */
    NM_TRIES_MAX = 256,  /* names compared with it */
    NM_TRIED_BYTES_MAX = 8192 /* of those names: very long ones cost more */
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
    NM_SLIP_ORDER, /* a few characters in another order */
    NM_SLIP_KEY,
    NM_SLIP_LAYOUT, /* several keys as another keyboard has them */
    NM_SLIP_VOWEL,  /* one vowel for another */
    NM_SLIP_SUBSTITUTION,
    NM_SLIP_DIGIT,        /* a digit for another */
    NM_SLIP_LETTER_DIGIT, /* a letter for a digit or the other way round */
    NM_SLIP_GLYPH,        /* look-alikes of ASCII */
    NM_SLIP_MARK,         /* letters of the Latin script that differ in marks */
    NM_SLIP_SPELT, /* a letter of that script for two of ASCII or the other way round */
    NM_SLIP_SCRIPT,    /* look-alikes of another script */
    NM_SLIP_DOT,       /* missing, extra or moved */
    NM_SLIP_DOT_OTHER, /* a dot for another character or the other way round */
    NM_SLIP_HYPHEN,    /* missing, or one place off */
    NM_SLIP_HYPHEN_EXTRA,
    NM_SLIP_SUFFIX,     /* the suffix as a whole */
    NM_SLIP_EMBEDDED,   /* a known name inside another */
    NM_SLIP_GLUED,      /* www glued to a known name */
    NM_SLIP_GLUED_MAIL, /* mail, which names begin with anyway */
    NM_SLIP_GLUED_SUFFIX /* a known name whose suffix is there twice, once without its dot */
};
enum { NM_SLIP_KIND_COUNT = NM_SLIP_GLUED_SUFFIX + 1 };

struct nm_finding {
    uint32_t name; /* the listed name or protected suffix that is near */
    uint8_t kept;  /* bytes of the typed name before what was compared with `name` */
    uint8_t slip_count;
    uint8_t crowd; /* how many listed names were found one slip away, at least 1 */
    uint8_t kinds[NM_SLIPS_MAX];       /* enum nm_slip_kind of each slip */
    enum nm_suffix_class suffix_class; /* of the slip in the suffix, if there is one */
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
    size_t tries;
    size_t tried_bytes;
    struct nm_finding rows[NM_FINDINGS_MAX];
};

/* A typed name, taken apart. */
struct nm_query {
    const struct nm_index *index;
    const struct nm_domain *typed;
    uint32_t exact; /* the listed name that equals it, or NM_NO_NAME */
    struct nm_domain_parts parts;
    struct nm_hash_tails tails;
    size_t tail_count; /* where the tails to compare begin, the shortest first */
    uint8_t tail_at[NM_TAILS_MAX];
    /* Keys of the index, asked for long after their filter's words are sent for: of each
     * tail, and of the registrable label. */
    uint64_t bare_key[NM_TAILS_MAX];
    uint64_t bag_key[NM_TAILS_MAX];
    uint64_t look_key[NM_TAILS_MAX];
    uint64_t core_key;
    /* What nm_query_weigh finds out about the registrable part: */
    uint32_t rank;       /* 0 without */
    bool is_provider;    /* it is on the built-in list of mail providers */
    bool is_words;       /* its label is made of words */
    double spelling;     /* ln of the probability of its label's letters */
    double suffix_usual; /* of its suffix, as nm_letters_suffix has it */
    struct nm_look look; /* of the typed name */
    bool out_of_memory;  /* for its look */
};

/* Take a typed name apart; `parts`, the tails and the look are left to nm_query_split,
 * which asks for the public suffix, and what is only asked for when something is near to
 * nm_query_weigh. */
void nm_query_init(const struct nm_index *index, const struct nm_domain *typed,
    struct nm_query *query);
void nm_query_split(struct nm_query *query);
void nm_query_weigh(struct nm_query *query);

/* The dots in the first bytes of the typed name. */
static inline size_t nm_query_dots(const struct nm_query *query, size_t bytes)
{
    size_t dots = 0;

    for (size_t i = 0; i < bytes; i++)
        dots += query->typed->name[i] == '.';
    return dots;
}

/* Where the look of the typed name's tail begins: behind as many dots as the tail does. */
size_t nm_query_look_tail(const struct nm_query *query, size_t kept);

/* The label before the public suffix, or all of it where there is none. */
static inline const char *nm_query_label(const struct nm_query *query, size_t *length)
{
    const struct nm_domain_parts *parts = &query->parts;

    *length = parts->suffix > parts->registrable
                  ? parts->suffix - 1U - parts->registrable
                  : query->typed->length - (size_t)parts->registrable;
    return query->typed->name + parts->registrable;
}

/* Everything near, in no order, not yet weighed; two listed names may lead to one
 * target. */
void nm_search(const struct nm_query *query, struct nm_findings *out);

/* The name that a finding says was meant. */
void nm_finding_target(const struct nm_query *query, const struct nm_finding *finding,
    struct nm_domain *out);

/* ---- between the searches ----------------------------------------------- */

/* A function that compares the listed name `at` with the typed one behind `kept` bytes
 * and keeps what it finds. */
typedef void nm_try(
    const struct nm_query *query, uint32_t at, size_t kept, struct nm_findings *found);

/* Try each name under a key, the most probable first. */
void nm_look_up(const struct nm_query *query, uint64_t key, size_t kept, nm_try *try,
    struct nm_findings *found);

/* The same for many keys, at most NM_LOOK_UP_MAX, in one map. */
void nm_look_up_all(const struct nm_query *query, const struct nm_map *map,
    const uint64_t *keys, size_t count, size_t kept, nm_try *try,
    struct nm_findings *found);

/* Room for a finding of `name` behind `kept` bytes, without slips; NULL when it is there
 * already, when the target would be too long or what was typed, when the typed name is as
 * usual as `name`, or when there is no room. Nothing is found until nm_findings_keep. */
struct nm_finding *nm_findings_claim(const struct nm_query *query,
    struct nm_findings *found, uint32_t name, size_t kept);

/* Add a slip whose places are counted from where `name` and its counterpart begin;
 * false when there are too many. */
bool nm_finding_add(const struct nm_query *query, struct nm_finding *finding,
    enum nm_slip_kind kind, const struct nm_slip *slip);
void nm_findings_keep(const struct nm_query *query, struct nm_findings *found,
    struct nm_finding *finding);

void nm_search_edits(const struct nm_query *query, struct nm_findings *found);
void nm_search_suffix_edits(
    const struct nm_query *query, size_t start, struct nm_findings *found);
void nm_search_suffixes(const struct nm_query *query, struct nm_findings *found);
void nm_search_shapes(const struct nm_query *query, struct nm_findings *found);
void nm_search_inside(const struct nm_query *query, struct nm_findings *found);
void nm_search_several(const struct nm_query *query, struct nm_findings *found);

/* Keep that the typed name's bytes from `typed_suffix` on stand where those of the listed
 * name's from `meant_suffix` on should. */
void nm_keep_suffix(const struct nm_query *query, uint32_t at, size_t kept,
    size_t typed_suffix, size_t meant_suffix, enum nm_suffix_class class,
    struct nm_findings *found);

/* The technique that a kind of slip is reported as. */
enum nm_technique nm_technique_of(enum nm_slip_kind kind);

#endif
