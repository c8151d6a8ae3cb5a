/*
 * What an index holds. Immutable once made.
 *
 * Names lie end to end in one block of text. Flat tables find them: an open-addressed one
 * by the whole name, and a multimap from keys to names for everything near: each name
 * stands under its own key and under that of each form of it with one character left out,
 * so that two names one edit apart meet under a key (deletion neighbourhood; Mor and
 * Fraenkel, "A hash code method for detecting and correcting spelling errors", 1982), and
 * under the keys of its registrable label, its form without dots and hyphens, and its
 * look-alike form. Dots are characters: one look finds edits, dot slips and suffix slips.
 * Forms less two characters are kept of few labels, and only of their beginnings (cores.h).
 *
 * Why so: what is typed is nearly always a known name or near none, so the first must cost
 * one probe and the second hardly any.
 *
 *   - Keys are cheap: every part of a name, less any character or with another suffix
 *     before it, has its hash from the hashes of the name's tails by one multiplication
 *     (hash.h). No candidate's text is made before its hash says that it may be listed.
 *   - Some hundred keys are asked for a name that is near nothing. A filter of 12 bits a
 *     key answers for all but one in a hundred (filter.h); what it reads of it is sent for
 *     in one go, so that the misses run side by side. This beats keeping fewer keys (by a
 *     trie, a BK-tree, halves of names), where each step waits for the one before.
 *   - Rows are four bytes of the key and four of the name, cut into buckets of two by
 *     offsets: some 290 bytes a name at a million of them, of which a look-up touches
 *     a handful of cache lines. An open-addressed table of whole keys would be twice as
 *     large and no faster behind the filter.
 *   - Automata and bit-parallel scans over all names need less memory and a hundred times
 *     the time; comparing is done for the few names that share a key.
 */
#ifndef NM_MATCH_INDEX_H
#define NM_MATCH_INDEX_H

#include "cores.h"
#include "hash.h"
#include "looks.h"
#include "ranks.h"
#include "tables.h"

#include <string.h>

/* What a key of the multimap stands for; mixed into the key. */
enum nm_key_kind {
    NM_KEY_NEAR,   /* a listed name, whole or less a character */
    NM_KEY_SUFFIX, /* a protected suffix, likewise */
    NM_KEY_CORE,   /* the registrable label of a listed name */
    NM_KEY_FORM, /* in `forms`: such a label, whole or less a character or two (cores.h) */
    NM_KEY_BARE, /* a listed name without dots and hyphens */
    NM_KEY_BAG,  /* the characters of a listed name in whatever order */
    NM_KEY_LOOK, /* the look of a listed name (looks.h), */
    NM_KEY_SPELT /* and how it is spelt in ASCII */
};

#define NM_NO_NAME UINT32_MAX

enum { NM_SLOT_NAME_BYTES = 3 };

/* A listed name or a protected suffix. */
struct nm_name {
    uint32_t at; /* into the index's text */
    uint8_t length;
    uint8_t registrable; /* as in struct nm_domain_parts */
    uint8_t suffix;
    bool is_suffix;          /* a protected suffix, of which the rest is not set */
    bool is_provider;        /* its registrable part is on the built-in list */
    bool has_forms;          /* its label stands in the map with its forms (cores.h) */
    bool is_idn;             /* its look stands in the text, behind its NUL, and behind
                                that one's how it is spelt */
    enum nm_listing listing; /* the strongest */
    float weight;            /* the greatest that a list gives; 0 for history alone */
    float count;             /* of messages, by history; 0 without */
    uint32_t rank;           /* of its registrable part; 0 without */
};

/* Of the exact table. Where the name's text begins stands in it besides, so that text and
 * name are fetched at once, and not one after the other. */
struct nm_slot {
    uint32_t at; /* UINT32_MAX in a free one */
    uint8_t tag; /* the lowest bits of the hash, spread */
    uint8_t name[NM_SLOT_NAME_BYTES];
};

struct nm_map_row {
    uint32_t tag; /* the low half of the key */
    uint32_t name;
};

struct nm_map {
    struct nm_filter filter; /* of the keys that have rows */
    uint32_t bucket_count;
    uint32_t *starts; /* of each bucket in `rows`; one more than buckets */
    struct nm_map_row *rows;
    size_t row_count;
};

struct nm_index {
    const struct nm_names *naming;
    struct nm_tables *tables;
    struct nm_looks *looks;
    struct nm_ranks *ranks;
    struct nm_ranks *providers; /* the built-in list, listed here or not */
    struct nm_hash_powers powers;
    char *text;
    size_t text_bytes;
    struct nm_name *names; /* the listed ones, most probable first, then the suffixes */
    size_t listed_count;
    size_t longest; /* bytes of the longest listed name */
    bool has_spelt; /* a listed name has letters that are spelt with two in ASCII */
    size_t name_count;
    struct nm_slot *exact; /* open-addressed, a power of two, at most half full */
    size_t exact_mask;
    struct nm_filter exact_filter; /* of the whole names' hashes, spread */
    struct nm_map near;
    struct nm_map forms; /* of labels: a map of its own, as its filter is asked most */
    double ln_listed;    /* of the number of listed names, at least 1, */
    double ln_ordered;   /* and of those that the operator listed */
    double threshold;
};

static inline uint64_t nm_key(enum nm_key_kind kind, uint64_t hash)
{
    return nm_hash_spread(hash + (uint64_t)(kind + 1) * 0xa0761d6478bd642fULL);
}

static inline const char *nm_name_text(
    const struct nm_index *index, const struct nm_name *name)
{
    return index->text + name->at;
}

/* Whether a listed name may have this hash: to be asked before a name is put together. */
static inline bool nm_index_may_have(const struct nm_index *index, uint64_t hash)
{
    return nm_filter_may_have(&index->exact_filter, nm_hash_spread(hash));
}

/* The look of a name with an A-label, and how it is spelt; empty where it is not. */
static inline const char *nm_name_look(
    const struct nm_index *index, const struct nm_name *name)
{
    return nm_name_text(index, name) + name->length + 1;
}

static inline const char *nm_name_spelt(
    const struct nm_index *index, const struct nm_name *name)
{
    const char *look = nm_name_look(index, name);

    return look + strlen(look) + 1;
}

/* The listed name that equals `text`, whose hash is `hash`; NM_NO_NAME without one. */
uint32_t nm_index_find(
    const struct nm_index *index, uint64_t hash, const char *text, size_t length);

/* The protected suffix that equals `text`, likewise. */
uint32_t nm_index_find_suffix(
    const struct nm_index *index, uint64_t hash, const char *text, size_t length);

static inline uint32_t nm_map_bucket(const struct nm_map *map, uint64_t key)
{
    return nm_place((uint32_t)(key >> 32), map->bucket_count);
}

/* The rows under `key`, whose names may have it: the first, and how many to look at.
 * Rows with another tag lie between. */
static inline const struct nm_map_row *nm_map_find(
    const struct nm_map *map, uint64_t key, size_t *count)
{
    const uint32_t bucket = nm_map_bucket(map, key);
    const uint32_t start = map->starts[bucket];

    *count = map->starts[bucket + 1] - start;
    return map->rows + start;
}

#endif
