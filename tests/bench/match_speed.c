/*
 * match_speed [--alone] [--names FILE] [--rounds N] SIZE...: how fast and how large the
 * matcher is; `--alone` leaves out what it is compared with, and the worst case,
 * for a profiler.
 *
 * For each SIZE an index of that many protected names is built and asked: for names that
 * it holds, for others that have nothing to do with them, and for slips of those it holds.
 * A look-up is the whole way, from the text of an address to the evidence, on one thread,
 * and each is timed by itself; what reading the clock takes is measured and taken off.
 * Beside it, by turns in the same rounds, over the same names: an exact hash look-up, and
 * a search by deletion neighbourhoods (see plain.h), neither of which splits addresses,
 * knows suffixes or weighs anything. For some sizes it is said whether the targets are met.
 *
 * At the end the worst case: names of 253 bytes that are near thousands of listed ones.
 */
#include "plain.h"

#include <nearmiss/address.h>
#include <nearmiss/match.h>

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    QUERIES = 20000, /* of each kind, in each round */
    ROUNDS = 5,
    DISTANCE_TWO_MOST = 100000, /* names for whose second edits there is memory */
    WORST_LISTED = 6000
};

enum kind { KNOWN, UNRELATED, SLIPS, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"known", "unrelated", "slips"};

/* A way to look a name up. `address` is `user@` and the name. Returns whether something
 * was found. */
struct method {
    const char *name;
    bool (*find)(const void *self, const char *address);
    const void *self;
    double build_s;
    double bytes;
    uint32_t *samples_ns[KIND_COUNT];
    size_t sample_count;
    size_t found[KIND_COUNT];
};

static double clock_cost_ns;

static double now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "match_speed: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Bytes that malloc has given out. */
static double allocated(void)
{
    const struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static int compare_samples(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double percentile_us(uint32_t *samples, size_t count, double share)
{
    const double ns = samples[(size_t)((double)(count - 1) * share)];

    return ns > clock_cost_ns ? (ns - clock_cost_ns) / 1000 : 0;
}

static void measure_clock(void)
{
    enum { READINGS = 10001 };
    static uint32_t samples[READINGS];

    for (size_t i = 0; i < READINGS; i++) {
        const double start = now_ns();

        samples[i] = (uint32_t)(now_ns() - start);
    }
    qsort(samples, READINGS, sizeof *samples, compare_samples);
    clock_cost_ns = samples[READINGS / 2];
}

/* ---- the methods -------------------------------------------------------- */

struct matcher {
    const struct nm_names *names;
    struct nm_index *index;
};

static bool find_by_matcher(const void *self, const char *address)
{
    const struct matcher *matcher = self;
    struct nm_address parsed;
    struct nm_verdict verdict;

    nm_address_parse(matcher->names, address, strlen(address), &parsed);
    if (parsed.kind != NM_ADDRESS_MAILBOX)
        return false;
    nm_index_match(matcher->index, &parsed.domain, &verdict);
    return verdict.match != NM_MATCH_NONE;
}

static bool find_exactly(const void *self, const char *address)
{
    return plain_exact_find(self, strchr(address, '@') + 1) != PLAIN_NONE;
}

static bool find_plainly(const void *self, const char *address)
{
    return plain_near_find(self, strchr(address, '@') + 1) != PLAIN_NONE;
}

static struct nm_index *make_index(
    const struct nm_names *naming, const struct names *names)
{
    static const char *const layouts[] = {"us"};
    struct nm_index_entry *entries = calloc(names->count, sizeof *entries);
    struct nm_index_spec spec = {.names = naming,
        .entries = entries,
        .layouts = layouts,
        .layout_count = 1,
        .threshold = 0.5};
    struct nm_index *index = NULL;
    struct nm_error error;

    if (entries == NULL)
        fail("entries");
    for (size_t i = 0; i < names->count; i++) {
        struct nm_index_entry *entry = &entries[spec.entry_count];
        const char *text = names_get(names, i);

        entry->listing = NM_LISTING_PROTECTED;
        entry->weight = 1;
        if (nm_domain_parse(naming, text, strlen(text), &entry->name) == NM_FAULT_NONE)
            spec.entry_count++;
    }
    if (nm_index_new(&spec, &index, &error) != NM_OK) {
        fprintf(stderr, "match_speed: %s\n", error.message);
        exit(1);
    }
    free(entries);
    return index;
}

/* ---- measuring ---------------------------------------------------------- */

struct questions {
    char (*address)[NAME_MAX_BYTES + 8];
    size_t count;
};

static void ask(struct method *method, enum kind kind, const struct questions *all)
{
    uint32_t *samples = method->samples_ns[kind] + method->sample_count;

    method->found[kind] = 0;
    for (size_t i = 0; i < all->count; i++) {
        const double start = now_ns();

        method->found[kind] += method->find(method->self, all->address[i]);
        samples[i] = (uint32_t)(now_ns() - start);
    }
}

static void ask_rounds(struct method *methods, size_t method_count,
    const struct questions questions[KIND_COUNT], size_t rounds)
{
    for (size_t m = 0; m < method_count; m++)
        for (int kind = 0; kind < KIND_COUNT; kind++) {
            methods[m].samples_ns[kind] =
                calloc(rounds * QUERIES, sizeof *methods[m].samples_ns[kind]);
            if (methods[m].samples_ns[kind] == NULL)
                fail("samples");
        }
    for (size_t round = 0; round < rounds; round++)
        for (size_t m = 0; m < method_count; m++) {
            struct method *method = &methods[(m + round) % method_count];

            for (int kind = 0; kind < KIND_COUNT; kind++)
                ask(method, (enum kind)kind, &questions[kind]);
            method->sample_count += QUERIES;
        }
}

static struct questions make_questions(
    enum kind kind, const struct names *listed, const struct names *others)
{
    struct questions out = {calloc(QUERIES, sizeof *out.address), QUERIES};
    uint64_t state = (uint64_t)kind + 1;

    if (out.address == NULL)
        fail("questions");
    for (size_t i = 0; i < QUERIES; i++) {
        const struct names *from = kind == UNRELATED ? others : listed;
        const char *name = names_get(from, next_random(&state) % from->count);
        char slip[NAME_MAX_BYTES + 1];

        if (kind == SLIPS) {
            names_slip(name, &state, slip);
            name = slip;
        }
        (void)snprintf(out.address[i], sizeof *out.address, "user@%s", name);
    }
    return out;
}

/* What the matcher is to keep to; of the names that are not known the slower kind counts,
 * and for the 99 % the slowest. */
static const struct {
    size_t size;
    double known_us;
    double other_us;
    double most_us;
    double mb;
    double build_s;
} targets[] = {{10000, 0.5, 2, 10, 6, 0.05}, {100000, 0.6, 3, 15, 40, 0.5},
    {1000000, 1, 6, 40, 300, 5}};

static double greatest(double a, double b)
{
    return a > b ? a : b;
}

static void print_target(const char *what, double value, double most, const char *unit)
{
    printf("  %s %g%s: %s", what, most, unit, value <= most ? "met" : "missed");
}

/* `half` and `tail` are the matcher's medians and 99 % marks, by kind. */
static void print_targets(
    const struct method *matcher, const double *half, const double *tail, size_t size)
{
    const double other = greatest(half[UNRELATED], half[SLIPS]);
    const double most = greatest(tail[KNOWN], greatest(tail[UNRELATED], tail[SLIPS]));

    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (targets[i].size != size)
            continue;
        printf("%9zu  targets", size);
        print_target("known", half[KNOWN], targets[i].known_us, " µs");
        print_target("others", other, targets[i].other_us, " µs");
        print_target("99 %", most, targets[i].most_us, " µs");
        print_target("memory", matcher->bytes / 1e6, targets[i].mb, " MB");
        print_target("build", matcher->build_s, targets[i].build_s, " s");
        printf("\n");
    }
}

static void print_rows(struct method *methods, size_t method_count, size_t size)
{
    double base[KIND_COUNT];
    double tails[KIND_COUNT];

    for (size_t m = 0; m < method_count; m++) {
        struct method *method = &methods[m];

        for (int kind = 0; kind < KIND_COUNT; kind++) {
            uint32_t *samples = method->samples_ns[kind];
            double half;
            double tail;

            qsort(samples, method->sample_count, sizeof *samples, compare_samples);
            half = percentile_us(samples, method->sample_count, 0.5);
            tail = percentile_us(samples, method->sample_count, 0.99);
            if (m == 0) {
                base[kind] = half;
                tails[kind] = tail;
            }
            printf("%9zu  %-16s  %-9s  %8.2f  %8.2f  %6.2f  %7.1f  %7.2f  %5.1f %%\n",
                size, method->name, kind_names[kind], half, tail, half / base[kind],
                method->bytes / 1e6, method->build_s,
                100.0 * (double)method->found[kind] / QUERIES);
            free(samples);
        }
    }
    print_targets(&methods[0], base, tails, size);
}

static void measure(const struct nm_names *naming, const struct names *listed,
    const struct names *others, size_t rounds, bool alone)
{
    struct matcher matcher = {.names = naming};
    struct plain_exact exact;
    struct plain_near near[2];
    struct method methods[4];
    struct questions questions[KIND_COUNT];
    const unsigned furthest = alone ? 0 : listed->count <= DISTANCE_TWO_MOST ? 2 : 1;
    size_t count = 0;
    double bytes = allocated();
    double start = now_ns();

    matcher.index = make_index(naming, listed);
    methods[count++] = (struct method){"nearmiss", find_by_matcher, &matcher,
        (now_ns() - start) / 1e9, allocated() - bytes, {NULL}, 0, {0}};
    bytes = allocated();
    start = now_ns();
    if (!plain_exact_new(listed, &exact))
        fail("exact");
    if (!alone)
        methods[count++] = (struct method){"exact hash", find_exactly, &exact,
            (now_ns() - start) / 1e9, allocated() - bytes, {NULL}, 0, {0}};
    for (unsigned distance = 1; distance <= furthest; distance++) {
        bytes = allocated();
        start = now_ns();
        if (!plain_near_new(listed, distance, &near[distance - 1]))
            fail("deletions");
        methods[count++] =
            (struct method){distance == 1 ? "deletions, one" : "deletions, two",
                find_plainly, &near[distance - 1], (now_ns() - start) / 1e9,
                allocated() - bytes, {NULL}, 0, {0}};
    }
    for (int kind = 0; kind < KIND_COUNT; kind++)
        questions[kind] = make_questions((enum kind)kind, listed, others);
    ask_rounds(methods, count, questions, rounds);
    print_rows(methods, count, listed->count);
    for (int kind = 0; kind < KIND_COUNT; kind++)
        free(questions[kind].address);
    for (unsigned distance = 1; distance <= furthest; distance++)
        plain_near_free(&near[distance - 1]);
    plain_exact_free(&exact);
    nm_index_free(&matcher.index);
}

/* ---- the worst case ----------------------------------------------------- */

/* 253 bytes: labels of `label` times `l`. */
static void fill_worst(char *out, size_t label)
{
    for (size_t i = 0; i < NAME_MAX_BYTES; i++)
        out[i] = (i + 1) % (label + 1) == 0 && i + 1 < NAME_MAX_BYTES ? '.' : 'l';
    out[NAME_MAX_BYTES] = '\0';
}

/* Thousands of names that all look like that one and are near each other. */
static bool crowd(struct names *names, size_t label)
{
    static const char alike[] = "l1i";
    bool fine = true;

    for (size_t n = 0; fine && n < WORST_LISTED; n++) {
        char text[NAME_MAX_BYTES + 1];
        size_t rest = n;

        fill_worst(text, label);
        for (size_t i = 0; rest > 0 && text[i] != '\0'; i++)
            if (text[i] != '.') {
                text[i] = alike[rest % 3];
                rest /= 3;
            }
        fine = names_add(names, text);
    }
    return fine;
}

/* The median of several askings, so that what disturbs one does not count. */
static uint32_t ask_often(const struct matcher *matcher, const char *address)
{
    enum { TIMES = 15 };
    uint32_t samples[TIMES];

    for (size_t i = 0; i < TIMES; i++) {
        const double start = now_ns();

        (void)find_by_matcher(matcher, address);
        samples[i] = (uint32_t)(now_ns() - start);
    }
    qsort(samples, TIMES, sizeof *samples, compare_samples);
    return samples[TIMES / 2];
}

static void measure_worst(const struct nm_names *naming, size_t label)
{
    uint32_t samples[NAME_MAX_BYTES];
    struct matcher matcher = {.names = naming};
    struct names listed = {0};
    size_t count = 0;

    if (!crowd(&listed, label))
        fail("worst case");
    matcher.index = make_index(naming, &listed);
    for (size_t at = 0; at < NAME_MAX_BYTES; at++) {
        char address[NAME_MAX_BYTES + 3] = "u@";

        fill_worst(address + 2, label);
        if (address[2 + at] == '.')
            continue;
        address[2 + at] = '1';
        samples[count++] = ask_often(&matcher, address);
    }
    qsort(samples, count, sizeof *samples, compare_samples);
    printf("labels of %2zu  %8.2f  %8.2f\n", label, percentile_us(samples, count, 0.5),
        percentile_us(samples, count, 1));
    nm_index_free(&matcher.index);
    names_free(&listed);
}

/* ---- main --------------------------------------------------------------- */

static void measure_size(const struct nm_names *naming, size_t size, const char *file,
    size_t rounds, bool alone)
{
    struct names listed = {0};
    struct names others = {0};
    bool fine;

    if (file != NULL)
        fine = names_read(&listed, file, size);
    else
        fine = names_invent(&listed, size, 1, NULL);
    if (!fine || !names_invent(&others, QUERIES, 2, &listed))
        fail(file != NULL ? file : "names");
    if (listed.count < size)
        fprintf(stderr, "match_speed: the file has %zu names only\n", listed.count);
    measure(naming, &listed, &others, rounds, alone);
    names_free(&listed);
    names_free(&others);
}

static void measure_all_worst(const struct nm_names *naming)
{
    static const size_t labels[] = {1, 2, 3, 7, 31, 62};

    printf("\nThe worst case, 253 bytes near %d listed names\n\n"
           "                 p50 µs   most µs\n",
        WORST_LISTED);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        measure_worst(naming, labels[i]);
}

int main(int argc, char **argv)
{
    struct nm_names *naming = NULL;
    struct nm_error error;
    const char *file = NULL;
    size_t rounds = ROUNDS;
    bool alone = false;
    int first = 1;

    for (; first + 1 < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--alone") == 0)
            alone = true;
        else if (strcmp(argv[first], "--names") == 0)
            file = argv[++first];
        else if (strcmp(argv[first], "--rounds") == 0)
            rounds = strtoul(argv[++first], NULL, 10);
        else
            break;
    }
    if (first >= argc || argv[first][0] == '-' || rounds == 0) {
        fprintf(stderr,
            "usage: match_speed [--alone] [--names FILE] [--rounds N] SIZE...\n");
        return 2;
    }
    if (nm_names_new(NULL, &naming, &error) != NM_OK) {
        fprintf(stderr, "match_speed: %s\n", error.message);
        return 1;
    }
    measure_clock();
    printf(
        "One thread. Reading the clock takes %.0f ns, which are taken off.\n\n"
        "    names  method            asked for     p50 µs    99 %% µs  factor       "
        "MB  build s    found\n",
        clock_cost_ns);
    for (; first < argc; first++)
        measure_size(naming, strtoul(argv[first], NULL, 10), file, rounds, alone);
    if (!alone)
        measure_all_worst(naming);
    nm_names_free(&naming);
    return 0;
}
