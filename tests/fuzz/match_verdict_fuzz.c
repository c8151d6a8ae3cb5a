/*
 * Any list and any typed names: lines of `LETTER NAME [WEIGHT]`, where the letter is the
 * listing (o own, a allowed, p protected, v provider, h history, s a protected suffix) or
 * t for a name to be judged by what was listed before it. What a verdict says of itself
 * must hold: the slips lead from the target to the typed name, the probabilities sum up.
 */
#include <nearmiss/match.h>

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 48, SUFFIXES_MAX = 4, CANDIDATES_MAX = 255, JUDGED_MAX = 64 };

struct lists {
    struct nm_index_entry entries[ENTRIES_MAX];
    struct nm_domain suffixes[SUFFIXES_MAX];
    struct nm_index_spec spec;
    size_t judged;
};

static struct nm_names *names;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_slips(
    const struct nm_domain *typed, const struct nm_candidate *candidate)
{
    char text[4 * NM_DOMAIN_MAX];
    size_t meant = 0;
    size_t length = 0;

    require(candidate->slip_count > 0 && candidate->slip_count <= NM_SLIPS_MAX);
    for (size_t i = 0; i < candidate->slip_count; i++) {
        const struct nm_slip *slip = &candidate->slips[i];

        require(slip->meant_at >= meant);
        memcpy(text + length, candidate->target.name + meant, slip->meant_at - meant);
        length += slip->meant_at - meant;
        require(length == slip->typed_at);
        require(slip->typed_at + slip->typed_length <= typed->length);
        memcpy(text + length, typed->name + slip->typed_at, slip->typed_length);
        length += slip->typed_length;
        meant = (size_t)slip->meant_at + slip->meant_length;
        require(meant <= candidate->target.length);
    }
    strcpy(text + length, candidate->target.name + meant);
    require(strcmp(text, typed->name) == 0);
    require(strcmp(candidate->target.name, typed->name) != 0);
}

static void check_words(const struct nm_candidate *candidate)
{
    char words[512];
    struct nm_buf buf;

    nm_buf_init(&buf, words, sizeof words);
    nm_candidate_describe(candidate, &buf);
    require(buf.length > 0);
    for (size_t i = 0; i < buf.length; i++)
        require(words[i] >= ' ' && words[i] <= '~');
}

static void judge(const struct nm_index *index, const struct nm_domain *typed)
{
    struct nm_candidate candidates[CANDIDATES_MAX];
    struct nm_verdict verdict;
    double sum = 0;
    size_t count;

    nm_index_match(index, typed, &verdict);
    count = nm_index_candidates(index, typed, candidates, CANDIDATES_MAX);
    require(count == verdict.candidate_count);
    require(verdict.confidence >= 0 && verdict.confidence <= 1);
    require(verdict.match != NM_MATCH_NEAR_MISS || count > 0);
    for (size_t i = 0; i < count; i++) {
        check_slips(typed, &candidates[i]);
        check_words(&candidates[i]);
        require(candidates[i].technique != NM_TECHNIQUE_NONE);
        require(candidates[i].confidence >= 0);
        sum += candidates[i].confidence;
    }
    require(sum - verdict.confidence < 1e-6 && verdict.confidence - sum < 1e-6);
    if (count > 0)
        require(strcmp(verdict.best.target.name, candidates[0].target.name) == 0);
}

static void add(
    struct lists *lists, char letter, const struct nm_domain *name, double weight)
{
    static const char letters[] = {[NM_LISTING_HISTORY] = 'h',
        [NM_LISTING_PROVIDER] = 'v',
        [NM_LISTING_PROTECTED] = 'p',
        [NM_LISTING_ALLOWED] = 'a',
        [NM_LISTING_OWN] = 'o'};

    if (letter == 's' && lists->spec.suffix_count < SUFFIXES_MAX)
        lists->suffixes[lists->spec.suffix_count++] = *name;
    for (size_t i = 0; i < sizeof letters; i++)
        if (letters[i] == letter && lists->spec.entry_count < ENTRIES_MAX) {
            struct nm_index_entry *entry = &lists->entries[lists->spec.entry_count++];

            entry->name = *name;
            entry->listing = (enum nm_listing)i;
            entry->weight = weight > 0 && weight <= NM_INDEX_WEIGHT_MAX ? weight : 1;
        }
}

/* One line; the index is made when the first name is judged, and again when lists have
 * grown. */
static void take_line(
    struct lists *lists, struct nm_index **index, const char *line, size_t length)
{
    const char *blank;
    struct nm_domain name;
    char number[32] = "";
    size_t name_length;

    if (length < 3 || line[1] != ' ')
        return;
    blank = memchr(line + 2, ' ', length - 2);
    name_length = blank != NULL ? (size_t)(blank - line) - 2 : length - 2;
    if (nm_domain_parse(names, line + 2, name_length, &name) != NM_FAULT_NONE)
        return;
    if (line[0] != 't') {
        if (blank != NULL && length - name_length - 3 < sizeof number)
            memcpy(number, blank + 1, length - name_length - 3);
        add(lists, line[0], &name, strtod(number, NULL));
        nm_index_free(index);
        return;
    }
    if (*index == NULL)
        require(nm_index_new(&lists->spec, index, NULL) == NM_OK);
    if (lists->judged++ < JUDGED_MAX)
        judge(*index, &name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const layouts[] = {"us", "fr"};
    static struct lists lists;
    struct nm_index *index = NULL;
    const char *text = (const char *)data;

    if (names == NULL)
        require(nm_names_new(NULL, &names, NULL) == NM_OK);
    memset(&lists, 0, sizeof lists);
    lists.spec.names = names;
    lists.spec.entries = lists.entries;
    lists.spec.suffixes = lists.suffixes;
    lists.spec.layouts = layouts;
    lists.spec.layout_count = NM_COUNT(layouts);
    lists.spec.threshold = 0.5;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t length = end != NULL ? (size_t)(end - text) - at : size - at;

        take_line(&lists, &index, text + at, length);
        at += length + 1;
    }
    nm_index_free(&index);
    return 0;
}
