/*
 * The tables of conf/tables, read once when an index is built: which suffixes are taken
 * for one another, which keys are neighbours, which characters look alike.
 *
 * Immutable after nm_tables_new. Everything is copied from the texts.
 */
#ifndef NM_MATCH_TABLES_H
#define NM_MATCH_TABLES_H

#include "hash.h"

#include <nearmiss/match.h>

enum {
    NM_SUFFIX_TEXT_MAX = 31,   /* bytes of a suffix in the table */
    NM_SUFFIX_ROWS_MAX = 8192, /* pairs in the table */
    NM_SUFFIX_SLOTS = 2 * NM_SUFFIX_ROWS_MAX,
    NM_GLYPH_TEXT_MAX = 3, /* bytes of a look-alike */
    NM_GLYPH_PAIRS_MAX = 256,
    NM_LAYOUTS_MAX = 8,     /* keyboards in use at once */
    NM_SHIFTS_MAX = 8,      /* ways in which a keyboard in use differs from another */
    NM_LETTERS = 37,        /* letters, digits and the hyphen */
    NM_LETTER_LENGTHS = 30, /* lengths of labels told apart */
    NM_USUAL_SUFFIXES_MAX = 256,
    NM_WORD_MIN = 3, /* letters of a word that names are made of */
    NM_WORDS_MAX = 2048,
    NM_WORD_SLOTS = 4096, /* a power of two, at most half of them used */
};

/* How a suffix comes to stand for another. */
enum nm_suffix_class {
    NM_SUFFIX_OTHER, /* no pair of the table */
    NM_SUFFIX_SLIP,
    NM_SUFFIX_SHORTER,
    NM_SUFFIX_LONGER,
    NM_SUFFIX_REPEATED,
    NM_SUFFIX_TWIN,
    NM_SUFFIX_CLOSED,  /* another one under which only public bodies have names */
    NM_SUFFIX_APPENDED /* of no table: a longer one that is no public suffix */
};
enum { NM_SUFFIX_CLASS_COUNT = NM_SUFFIX_APPENDED + 1 };

struct nm_suffix_row {
    char typed[NM_SUFFIX_TEXT_MAX + 1];
    char meant[NM_SUFFIX_TEXT_MAX + 1];
    uint8_t typed_length;
    uint8_t meant_length;
    enum nm_suffix_class class;
    uint16_t group;      /* rows from here on that have the same `typed` */
    uint64_t meant_hash; /* as nm_hash has it */
};

struct nm_glyph_pair {
    char a[NM_GLYPH_TEXT_MAX + 1];
    char b[NM_GLYPH_TEXT_MAX + 1];
    uint8_t a_length;
    uint8_t b_length;
};

/* Minus natural logarithms of probabilities, in tenths. */
struct nm_letters {
    char signs[NM_LETTERS + 1];
    uint8_t places[256]; /* of each byte among the signs; the hyphen's for any other */
    uint8_t pairs[NM_LETTERS + 1]
                 [NM_LETTERS + 1];      /* [first][second]; the last row is the
                                                      start of a label, the last column
                                                      its end */
    uint8_t lengths[NM_LETTER_LENGTHS]; /* of labels of 1, 2, ... */
    size_t suffix_count;
    uint8_t rarest; /* of the suffixes that stand here */
    struct {
        char text[NM_SUFFIX_TEXT_MAX + 1];
        uint8_t tenths;
    } suffixes[NM_USUAL_SUFFIXES_MAX]; /* sorted */
    size_t word_count;
    uint64_t words[NM_WORD_SLOTS]; /* their hashes, spread; 0 where there is none */
};

struct nm_tables {
    struct nm_letters letters;
    struct nm_suffix_row *suffixes; /* sorted by `typed`, then by `meant` */
    size_t suffix_count;
    uint16_t
        suffix_slots[NM_SUFFIX_SLOTS]; /* open-addressed by `typed`: the number of its
                                               first row and 1, or 0 */
    struct nm_glyph_pair *glyphs;      /* each pair once */
    size_t glyph_count;
    uint8_t near_keys[128][16]; /* [a] a bit for each neighbour b, all layouts in use */
    /* [typed] the letter or digit that the same key has on the keyboard that was meant, one
     * of the two in use; '\0' where it has none. Other signs stand for themselves. */
    char shifts[NM_SHIFTS_MAX][128];
    uint64_t
        shifted[NM_SHIFTS_MAX]; /* a bit for each sign that is another, modulo 64 */
    size_t shift_count;
};

enum nm_code nm_tables_new(
    const struct nm_index_spec *spec, struct nm_tables **out, struct nm_error *error);
void nm_tables_free(struct nm_tables **tables);
size_t nm_tables_bytes(const struct nm_tables *tables);

/* The pairs whose typed side is `typed`, whose hash is `hash`; their number in `*count`. */
const struct nm_suffix_row *nm_tables_suffixes(const struct nm_tables *tables,
    uint64_t hash, const char *typed, size_t length, size_t *count);

/* The class of one pair. */
enum nm_suffix_class nm_tables_suffix_class(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length);

bool nm_tables_keys_are_near(const struct nm_tables *tables, char a, char b);

/* Whether single characters, or the runs that begin at `typed` and `meant`, look alike:
 * the pair, `*swapped` when its `a` is on the meant side; NULL if not. The longest
 * pair is preferred. */
const struct nm_glyph_pair *nm_tables_glyph(const struct nm_tables *tables,
    const char *typed, size_t typed_length, const char *meant, size_t meant_length,
    bool *swapped);

/* The logarithms of the probabilities that a registrable label is spelled so, and that it
 * is so long. */
double nm_letters_spelling(
    const struct nm_letters *letters, const char *label, size_t length);
double nm_letters_length(const struct nm_letters *letters, size_t length);

/* Whether text[from..to), of which `tails` holds the hashes, is a word that names are made
 * of, or two such. */
bool nm_letters_are_words(const struct nm_letters *letters,
    const struct nm_hash_powers *powers, const struct nm_hash_tails *tails, size_t from,
    size_t to);

/* How much more usual a suffix is than the rarest that the table holds: the logarithm of
 * the ratio; 0 for one that it does not hold. */
double nm_letters_suffix(
    const struct nm_letters *letters, const char *suffix, size_t length);

/* Parts of nm_tables_new. */
enum nm_code nm_tables_read_keyboards(
    struct nm_tables *tables, const struct nm_index_spec *spec, struct nm_error *error);
enum nm_code nm_tables_read_letters(struct nm_tables *tables, struct nm_error *error);

#endif
