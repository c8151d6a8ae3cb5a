/* Any bytes as a file of counts: what gets in are domains that parse to themselves, in
 * order, each once, with a count in bounds; what is complained of lies in the file; and
 * what was read is read again from what is written. */
#include "state/counts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct input {
    const char *text;
    size_t size;
    size_t complaints;
};

static void complain(
    void *self, unsigned line, const char *text, size_t length, const char *why)
{
    struct input *input = self;

    input->complaints++;
    if (line == 0 || text < input->text || length > input->size ||
        text > input->text + (input->size - length) || why[0] == '\0')
        abort();
}

static void check_order(const struct nm_names *names, const struct nm_counts *counts)
{
    char before[NM_DOMAIN_MAX + 1] = "";

    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_domain again;
        struct nm_count count;

        nm_counts_get(counts, i, &count);
        if (count.messages > NM_MESSAGES_MAX ||
            strcmp(before, count.domain.name) >= 0 ||
            nm_domain_parse(names, count.domain.name, count.domain.length, &again) !=
                NM_FAULT_NONE ||
            strcmp(again.name, count.domain.name) != 0 || again.idn != count.domain.idn)
            abort();
        memcpy(before, count.domain.name, sizeof before);
    }
}

static void check_again(const struct nm_names *names, const struct nm_counts *counts)
{
    struct input none = {.size = 0};
    const struct nm_counts_complainer complainer = {&none, complain};
    const int file = memfd_create("counts", MFD_CLOEXEC);
    struct nm_counts *again = NULL;
    size_t bad = 0;

    if (file < 0 || !nm_counts_write(counts, file) || lseek(file, 0, SEEK_SET) != 0 ||
        nm_counts_read_file(names, file, &complainer, &again, &bad, NULL) != NM_OK ||
        nm_counts_size(again) != nm_counts_size(counts))
        abort();
    for (size_t i = 0; i < nm_counts_size(counts); i++) {
        struct nm_count a;
        struct nm_count b;

        nm_counts_get(counts, i, &a);
        nm_counts_get(again, i, &b);
        if (a.messages != b.messages || strcmp(a.domain.name, b.domain.name) != 0)
            abort();
    }
    nm_counts_free(&again);
    (void)close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nm_names *names;
    struct input input = {.text = (const char *)data, .size = size};
    const struct nm_counts_complainer complainer = {&input, complain};
    struct nm_counts *counts = NULL;
    size_t bad = 0;

    if (names == NULL && nm_names_new(NULL, &names, NULL) != NM_OK)
        abort();
    if (nm_counts_read(names, input.text, size, &complainer, &counts, &bad) != NM_OK ||
        bad != input.complaints)
        abort();
    check_order(names, counts);
    check_again(names, counts);
    nm_counts_free(&counts);
    return 0;
}
