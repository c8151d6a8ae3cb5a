/*
 * judge SPEC [--candidates]: what the match layer says of the names on
 * standard input, one a line, and why.
 *
 * SPEC holds a line for each thing the index knows, words between blanks:
 *
 *     own NAME | allowed NAME | protected NAME [WEIGHT] | provider NAME
 *     history NAME MESSAGES
 *     rank NAME RANK                  in a list by popularity
 *     suffix NAME                     a protected suffix
 *     layout NAME                     a keyboard; us without any
 *
 * For each name, in order, a line of fields between tabs:
 *
 *     NAME MATCH CONFIDENCE TARGET TECHNIQUE EXISTS
 *
 * TARGET and TECHNIQUE are `-` where nothing is near, EXISTS tells whether the public
 * suffix list knows the suffix. With --candidates, a line for each candidate follows:
 *
 *     + TARGET SCORE FEATURE:VALUE ...
 *
 * `judge --features` lists the features: number, name in weights.c, weight; `judge --curve`
 * prints what nm_curve holds, surplus, below and above, in a line. `judge --skeletons` prints for each name the UTS #39 skeleton of its Unicode form without
 * marks. Exit status: 0, 2 usage, 4 a failure.
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uspoof.h>

enum { LINE_BYTES_MAX = 4096, LAYOUTS_MAX = 8 };

#define KIND(name) [NM_FEATURE_KIND + NM_SLIP_##name] = "KIND(" #name ")"
#define CLASS(name) [NM_FEATURE_SUFFIX_CLASS + NM_SUFFIX_##name] = "CLASS(" #name ")"
#define FEATURE(name) [NM_FEATURE_##name] = "NM_FEATURE_" #name

static const char *const feature_names[NM_FEATURE_COUNT] = {FEATURE(LISTED),
    FEATURE(PROVIDER), FEATURE(PROVIDER_HOST), FEATURE(HISTORY), FEATURE(SUFFIX_LISTED),
    FEATURE(LN_WEIGHT), FEATURE(LN_COUNT), FEATURE(LN_LISTED), FEATURE(LN_SHORT),
    FEATURE(TARGET_RANKED), FEATURE(LN_TARGET_RANK), KIND(OMISSION),
    KIND(OMISSION_DIGIT), KIND(INSERTION), KIND(INSERTION_KEY), KIND(INSERTION_DIGIT),
    KIND(DOUBLING), KIND(UNDOUBLING), KIND(TRANSPOSITION), KIND(ORDER), KIND(KEY),
    KIND(LAYOUT), KIND(VOWEL), KIND(SUBSTITUTION), KIND(DIGIT), KIND(LETTER_DIGIT),
    KIND(GLYPH), KIND(MARK), KIND(SPELT), KIND(SCRIPT), KIND(DOT), KIND(DOT_OTHER),
    KIND(HYPHEN), KIND(HYPHEN_EXTRA), KIND(SUFFIX), KIND(EMBEDDED), KIND(GLUED),
    KIND(GLUED_MAIL), KIND(GLUED_SUFFIX), FEATURE(FIRST), FEATURE(LAST),
    FEATURE(FIRST_EXTRA), FEATURE(PLURAL), FEATURE(FURTHER), FEATURE(FURTHER_LENGTH),
    CLASS(OTHER), CLASS(SLIP), CLASS(SHORTER), CLASS(LONGER), CLASS(REPEATED),
    CLASS(TWIN), CLASS(CLOSED), CLASS(APPENDED), FEATURE(SUFFIX_GENERIC),
    FEATURE(SUFFIX_COUNTRY), FEATURE(SUFFIX_EDIT), FEATURE(SUFFIX_COST),
    FEATURE(CONSTANT), FEATURE(SPELLING), FEATURE(WORDS), FEATURE(LENGTH),
    FEATURE(LN_LENGTH), FEATURE(LENGTH_2), FEATURE(LENGTH_3), FEATURE(LENGTH_4),
    FEATURE(LENGTH_5), FEATURE(SUFFIX_UNKNOWN), FEATURE(SUFFIX_USUAL),
    FEATURE(TYPED_PROVIDER), FEATURE(REGISTRABLE_KNOWN), FEATURE(KIN), FEATURE(BELOW),
    FEATURE(CROWD), FEATURE(SEEN), FEATURE(LN_SEEN), FEATURE(RANKED),
    FEATURE(LN_RANKS)};

/* What SPEC says; lives until the program ends. */
struct spec {
    struct nm_index_entry *entries;
    struct nm_index_rank *ranks;
    struct nm_domain *suffixes;
    const char *layouts[LAYOUTS_MAX];
    size_t entry_room;
    size_t rank_room;
    size_t suffix_room;
    struct nm_index_spec index;
};

static _Noreturn void die(const char *what, const char *about)
{
    (void)fprintf(stderr, "judge: %s: %s\n", what, about);
    exit(4);
}

static void *grow(void *rows, size_t *room, size_t count, size_t row_bytes)
{
    if (count < *room)
        return rows;
    *room = 2 * *room + 1024;
    rows = realloc(rows, *room * row_bytes);
    if (rows == NULL)
        die("out of memory", "specification");
    return rows;
}

/* ---- the specification -------------------------------------------------- */

static bool find_listing(const char *word, enum nm_listing *out)
{
    static const char *const words[] = {[NM_LISTING_HISTORY] = "history",
        [NM_LISTING_PROVIDER] = "provider",
        [NM_LISTING_PROTECTED] = "protected",
        [NM_LISTING_ALLOWED] = "allowed",
        [NM_LISTING_OWN] = "own"};

    for (size_t i = 0; i < NM_COUNT(words); i++)
        if (strcmp(words[i], word) == 0) {
            *out = (enum nm_listing)i;
            return true;
        }
    return false;
}

static void read_line(struct spec *spec, char *line)
{
    const char *kind = strtok(line, " \t\n");
    const char *name = strtok(NULL, " \t\n");
    const char *number = strtok(NULL, " \t\n");
    struct nm_index_entry entry = {.weight = number != NULL ? strtod(number, NULL) : 1};
    struct nm_domain domain;

    if (kind == NULL || name == NULL)
        die("a line of the specification lacks a word", kind != NULL ? kind : "");
    if (strcmp(kind, "layout") == 0) {
        if (spec->index.layout_count == LAYOUTS_MAX)
            die("too many layouts", name);
        spec->layouts[spec->index.layout_count++] = strdup(name);
        return;
    }
    memset(&domain, 0, sizeof domain);
    if (nm_domain_parse(spec->index.names, name, strlen(name), &domain) !=
        NM_FAULT_NONE)
        die("no domain", name);
    if (strcmp(kind, "suffix") == 0) {
        spec->suffixes = grow(spec->suffixes, &spec->suffix_room,
            spec->index.suffix_count, sizeof *spec->suffixes);
        spec->suffixes[spec->index.suffix_count++] = domain;
        return;
    }
    if (strcmp(kind, "rank") == 0) {
        spec->ranks = grow(
            spec->ranks, &spec->rank_room, spec->index.rank_count, sizeof *spec->ranks);
        spec->ranks[spec->index.rank_count++] =
            (struct nm_index_rank){.name = domain, .rank = (uint32_t)entry.weight};
        return;
    }
    if (!find_listing(kind, &entry.listing))
        die("no kind of line", kind);
    entry.name = domain;
    spec->entries = grow(spec->entries, &spec->entry_room, spec->index.entry_count,
        sizeof *spec->entries);
    spec->entries[spec->index.entry_count++] = entry;
}

static struct nm_index *read_spec(const struct nm_names *names, const char *path)
{
    struct spec spec = {.index = {.names = names, .threshold = 0.5}};
    FILE *file = fopen(path, "r");
    char line[LINE_BYTES_MAX];
    struct nm_index *index;
    struct nm_error error;

    if (file == NULL)
        die(path, strerror(errno));
    while (fgets(line, sizeof line, file) != NULL)
        read_line(&spec, line);
    (void)fclose(file);
    if (spec.index.layout_count == 0)
        spec.layouts[spec.index.layout_count++] = strdup("us");
    spec.index.entries = spec.entries;
    spec.index.ranks = spec.ranks;
    spec.index.suffixes = spec.suffixes;
    spec.index.layouts = spec.layouts;
    if (nm_index_new(&spec.index, &index, &error) != NM_OK)
        die("no index", error.message);
    free(spec.entries);
    free(spec.ranks);
    free(spec.suffixes);
    for (size_t i = 0; i < spec.index.layout_count; i++)
        free((void *)(uintptr_t)spec.layouts[i]);
    return index;
}

/* ---- the answers -------------------------------------------------------- */

static void print_candidate(
    const struct nm_query *query, const struct nm_finding *finding)
{
    struct nm_features features;
    struct nm_domain target;

    nm_finding_target(query, finding, &target);
    nm_features_take(query, finding, &features);
    printf("+\t%s\t%.6f", target.name, finding->score);
    for (size_t i = 0; i < NM_FEATURE_COUNT; i++)
        if (features.value[i] != 0)
            printf("\t%zu:%.6g", i, features.value[i]);
    putchar('\n');
}

/* The search once more, this time to see what it found. */
static void print_candidates(
    const struct nm_index *index, const struct nm_domain *typed)
{
    static struct nm_findings found;
    struct nm_query query;

    nm_query_init(index, typed, &query);
    query.exact = nm_index_find(index, query.tails.tail[0], typed->name, typed->length);
    nm_query_split(&query);
    nm_search(&query, &found);
    nm_query_weigh(&query);
    for (size_t i = 0; i < found.count; i++) {
        nm_finding_weigh(&query, &found.rows[i]);
        print_candidate(&query, &found.rows[i]);
    }
}

static void judge(const struct nm_names *names, const struct nm_index *index,
    const char *text, bool candidates)
{
    struct nm_verdict verdict;
    struct nm_domain domain;
    bool exists;

    if (nm_domain_parse(names, text, strlen(text), &domain) != NM_FAULT_NONE) {
        printf("%s\tinvalid\t0\t-\t-\t0\n", text);
        return;
    }
    nm_index_match(index, &domain, &verdict);
    exists = nm_domain_split(names, &domain).suffix_known;
    if (verdict.candidate_count > 0)
        printf("%s\t%s\t%.6f\t%s\t%s\t%d\n", text, nm_match_name(verdict.match),
            verdict.confidence, verdict.best.target.name,
            nm_technique_name(verdict.best.technique), exists);
    else
        printf("%s\t%s\t0\t-\t-\t%d\n", text, nm_match_name(verdict.match), exists);
    if (candidates && verdict.candidate_count > 0)
        print_candidates(index, &domain);
}

static bool next_name(char *line, size_t bytes)
{
    if (fgets(line, (int)bytes, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static void print_features(void)
{
    for (size_t i = 0; i < NM_FEATURE_COUNT; i++) {
        if (feature_names[i] == NULL)
            die("a feature has no name", "judge.c");
        printf("%zu\t%s\t%.17g\n", i, feature_names[i], nm_weights[i]);
    }
}

/* ---- skeletons ---------------------------------------------------------- */

/* UTS #39's, but for combining marks, which people overlook. */
static void print_skeleton(
    const struct nm_names *names, const USpoofChecker *checker, const char *text)
{
    char unicode[NM_DOMAIN_UTF8_MAX + 1];
    char skeleton[8 * NM_DOMAIN_UTF8_MAX];
    struct nm_domain domain;
    struct nm_buf buf;
    UErrorCode status = U_ZERO_ERROR;
    int32_t length;

    nm_buf_init(&buf, unicode, sizeof unicode);
    if (nm_domain_parse(names, text, strlen(text), &domain) != NM_FAULT_NONE) {
        printf("%s\t-\n", text);
        return;
    }
    nm_domain_to_unicode(names, &domain, &buf);
    length = uspoof_getSkeletonUTF8(checker, 0, unicode, (int32_t)buf.length, skeleton,
        (int32_t)sizeof skeleton, &status);
    if (U_FAILURE(status))
        die("no skeleton", text);
    printf("%s\t", text);
    for (size_t at = 0; at < (size_t)length;) {
        uint32_t code_point = 0;
        const size_t size =
            nm_utf8_decode(skeleton + at, (size_t)length - at, &code_point);

        if (u_charType((UChar32)code_point) != U_NON_SPACING_MARK)
            putchar(size == 1 ? (int)code_point : '?');
        at += size > 0 ? size : 1;
    }
    putchar('\n');
}

static void print_skeletons(const struct nm_names *names)
{
    UErrorCode status = U_ZERO_ERROR;
    USpoofChecker *checker = uspoof_open(&status);
    char line[LINE_BYTES_MAX];

    if (U_FAILURE(status))
        die("ICU", u_errorName(status));
    while (next_name(line, sizeof line))
        print_skeleton(names, checker, line);
    uspoof_close(checker);
}

int main(int argc, char **argv)
{
    const bool candidates = argc == 3 && strcmp(argv[2], "--candidates") == 0;
    struct nm_index *index = NULL;
    struct nm_names *names = NULL;
    char line[LINE_BYTES_MAX];
    struct nm_error error;

    if (argc < 2 || argc > 3 || (argc == 3 && !candidates)) {
        (void)fprintf(stderr,
            "usage: judge SPEC [--candidates] | --features | --curve | "
            "--skeletons\n");
        return 2;
    }
    if (strcmp(argv[1], "--features") == 0) {
        print_features();
        return 0;
    }
    if (strcmp(argv[1], "--curve") == 0) {
        printf(
            "%.17g\t%.17g\t%.17g\n", nm_curve.surplus, nm_curve.below, nm_curve.above);
        return 0;
    }
    if (nm_names_new(NULL, &names, &error) != NM_OK)
        die("names", error.message);
    if (strcmp(argv[1], "--skeletons") == 0) {
        print_skeletons(names);
    } else {
        index = read_spec(names, argv[1]);
        while (next_name(line, sizeof line))
            judge(names, index, line, candidates);
        nm_index_free(&index);
    }
    nm_names_free(&names);
    return 0;
}
