#include <nearmiss/base.h>

#include <string.h>

enum { WORD_MAX = 64 }; /* longer words get no suggestion */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment over three rows of the usual table. */
static size_t edits(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *second = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(
                above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *nm_suggest(const char *word,
    const char *(*name)(const void *names, size_t i), const void *names, size_t count)
{
    const size_t length = strlen(word);
    const char *best = NULL;
    size_t best_edits = SIZE_MAX;

    if (length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *candidate = name(names, i);
        const size_t candidate_length = candidate != NULL ? strlen(candidate) : 0;
        size_t distance;

        if (candidate_length == 0 || candidate_length > WORD_MAX)
            continue;
        distance = edits(word, length, candidate, candidate_length);
        if (distance < best_edits && distance <= 1 + candidate_length / 4 &&
            distance < candidate_length) {
            best = candidate;
            best_edits = distance;
        }
    }
    return best;
}
