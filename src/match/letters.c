/*
 * How usual a name is, from conf/tables/letter-pairs.txt: a chain in which each letter
 * depends on the one before it. Names that people register read like words; most slips do
 * not. Which words they are made of: a slip hardly ever makes one word of another. And how
 * many names end in a suffix: `ru` and `de` have millions, `cm` has few.
 */
#include "reader.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

enum { START = NM_LETTERS, END = NM_LETTERS }; /* a row's place, and a column's */

static enum nm_code read_numbers(struct nm_reader *reader, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *word = nm_reader_word(reader);
        char *end = NULL;
        const long value = word != NULL ? strtol(word, &end, 10) : -1;

        if (word == NULL || *end != '\0' || value < 0 || value > 255)
            return nm_reader_blame(
                reader, "not as many numbers of 0 to 255 as signs", word);
        out[i] = (uint8_t)value;
    }
    if (nm_reader_word(reader) != NULL)
        return nm_reader_blame(reader, "more numbers than signs", NULL);
    return NM_OK;
}

static enum nm_code read_signs(struct nm_letters *letters, struct nm_reader *reader)
{
    const char *word = nm_reader_word(reader);

    if (word == NULL || strlen(word) != NM_LETTERS + 1 || word[NM_LETTERS] != '$')
        return nm_reader_blame(reader, "not 37 signs and a $", word);
    memcpy(letters->signs, word, NM_LETTERS);
    for (int c = 0; c < 256; c++)
        letters->places[c] = NM_LETTERS - 1;
    for (uint8_t i = 0; i < NM_LETTERS; i++)
        letters->places[(uint8_t)word[i]] = i;
    return NM_OK;
}

static enum nm_code read_suffixes(struct nm_letters *letters, struct nm_reader *reader)
{
    const char *suffix;

    while ((suffix = nm_reader_word(reader)) != NULL) {
        const size_t at = letters->suffix_count;
        const char *word = nm_reader_word(reader);
        char *end = NULL;
        const long value = word != NULL ? strtol(word, &end, 10) : -1;

        if (word == NULL || *end != '\0' || value < 0 || value > 255)
            return nm_reader_blame(reader, "no number of 0 to 255 behind", suffix);
        if (at == NM_USUAL_SUFFIXES_MAX ||
            !nm_copy(
                letters->suffixes[at].text, sizeof letters->suffixes[at].text, suffix))
            return nm_reader_blame(reader, "too many suffixes, or too long", suffix);
        letters->suffixes[at].tenths = (uint8_t)value;
        if (value > letters->rarest)
            letters->rarest = (uint8_t)value;
        letters->suffix_count++;
    }
    return NM_OK;
}

static int compare_suffixes(const void *a, const void *b)
{
    return strcmp(a, b); /* the rows begin with their text */
}

/* The slot that holds a hash, or the empty one where it belongs. A word is known by its
 * hash alone: 64 bits of a few thousand words are as good as their letters. */
static size_t find_word(const struct nm_letters *letters, uint64_t hash)
{
    const uint64_t spread = nm_hash_spread(hash);
    size_t slot = spread % NM_WORD_SLOTS;

    while (letters->words[slot] != 0 && letters->words[slot] != spread)
        slot = (slot + 1) % NM_WORD_SLOTS;
    return slot;
}

static enum nm_code read_words(struct nm_letters *letters, struct nm_reader *reader)
{
    const char *word;

    while ((word = nm_reader_word(reader)) != NULL) {
        const size_t length = strlen(word);
        const uint64_t hash = nm_hash(word, length);

        if (length < NM_WORD_MIN || letters->word_count == NM_WORDS_MAX)
            return nm_reader_blame(reader, "too many words, or too short", word);
        letters->words[find_word(letters, hash)] = nm_hash_spread(hash);
        letters->word_count++;
    }
    return NM_OK;
}

static enum nm_code read_letter_line(
    struct nm_letters *letters, struct nm_reader *reader)
{
    const char *word = nm_reader_word(reader);
    const char *sign;
    int row;

    if (strcmp(word, "signs") == 0)
        return read_signs(letters, reader);
    if (strcmp(word, "length") == 0)
        return read_numbers(reader, letters->lengths, NM_LETTER_LENGTHS);
    if (strcmp(word, "suffix") == 0)
        return read_suffixes(letters, reader);
    if (strcmp(word, "words") == 0)
        return read_words(letters, reader);
    sign = nm_reader_word(reader);
    if (strcmp(word, "pair") != 0 || sign == NULL || strlen(sign) != 1)
        return nm_reader_blame(
            reader, "neither signs, pair, length, suffix nor words", word);
    row = *sign == '^' ? START : letters->places[(uint8_t)*sign];
    if (row != START && letters->signs[row] != *sign)
        return nm_reader_blame(reader, "not one of the signs", sign);
    return read_numbers(reader, letters->pairs[row], NM_LETTERS + 1);
}

enum nm_code nm_tables_read_letters(struct nm_tables *tables, struct nm_error *error)
{
    const struct nm_table none = {NULL, 0, NULL};
    struct nm_reader reader;
    enum nm_code code;
    bool more;

    nm_reader_init(&reader, &none, "letter-pairs", error);
    while ((code = nm_reader_line(&reader, &more)) == NM_OK && more) {
        code = read_letter_line(&tables->letters, &reader);
        if (code != NM_OK)
            return code;
    }
    qsort(tables->letters.suffixes, tables->letters.suffix_count,
        sizeof *tables->letters.suffixes, compare_suffixes);
    return code;
}

double nm_letters_spelling(
    const struct nm_letters *letters, const char *label, size_t length)
{
    unsigned tenths = 0;
    int row = START;

    for (size_t i = 0; i < length; i++) {
        const int column = letters->places[(uint8_t)label[i]];

        tenths += letters->pairs[row][column];
        row = column;
    }
    tenths += letters->pairs[row][END];
    return -(double)tenths / 10;
}

double nm_letters_length(const struct nm_letters *letters, size_t length)
{
    const size_t at = length < 1                   ? 1
                      : length < NM_LETTER_LENGTHS ? length
                                                   : NM_LETTER_LENGTHS;

    return -(double)letters->lengths[at - 1] / 10;
}

static bool is_word(const struct nm_letters *letters,
    const struct nm_hash_powers *powers, const struct nm_hash_tails *tails, size_t from,
    size_t to)
{
    return letters->words[find_word(letters, nm_hash_part(powers, tails, from, to))] !=
           0;
}

bool nm_letters_are_words(const struct nm_letters *letters,
    const struct nm_hash_powers *powers, const struct nm_hash_tails *tails, size_t from,
    size_t to)
{
    if (to - from < NM_WORD_MIN)
        return false;
    if (is_word(letters, powers, tails, from, to))
        return true;
    for (size_t at = from + NM_WORD_MIN; at + NM_WORD_MIN <= to; at++)
        if (is_word(letters, powers, tails, from, at) &&
            is_word(letters, powers, tails, at, to))
            return true;
    return false;
}

double nm_letters_suffix(
    const struct nm_letters *letters, const char *suffix, size_t length)
{
    size_t low = 0;
    size_t high = letters->suffix_count;

    if (length > NM_SUFFIX_TEXT_MAX)
        return 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *text = letters->suffixes[middle].text;
        const int order = strncmp(text, suffix, length);

        if (order == 0 && text[length] == '\0')
            return (letters->rarest - letters->suffixes[middle].tenths) / 10.0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}
