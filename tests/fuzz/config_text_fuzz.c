/* Any bytes as a configuration: it is refused with a complaint, or it loads, builds, and
 * what it prints loads again and prints the same. */
#include "memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfig loses the string that it has just scanned when the syntax is wrong. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}

static char *print(const struct nm_config *config, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    if (out == NULL || !nm_config_print(config, out) || fclose(out) != 0)
        abort();
    return text;
}

/* The comments say where a value was given, so they differ. */
static void drop_comments(char *text)
{
    char *to = text;

    for (const char *at = text; *at != '\0';) {
        if (strncmp(at, "  # (memory):", 13) == 0)
            at += strcspn(at, "\n");
        *to++ = *at++;
    }
    *to = '\0';
}

static void check_again(const struct nm_config *config)
{
    struct nm_complaints complaints;
    struct nm_config *again = NULL;
    size_t size = 0;
    char *first = print(config, &size);
    char *second;

    nm_complaints_init(&complaints);
    if (nm_config_load_memory(first, size, &again, &complaints) != NM_OK) {
        nm_complaints_print(&complaints, stderr);
        abort();
    }
    second = print(again, &size);
    drop_comments(first);
    drop_comments(second);
    if (strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    nm_config_free(&again);
    nm_complaints_free(&complaints);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_complaints complaints;
    struct nm_config *config = NULL;
    struct nm_snapshot *snapshot = NULL;
    enum nm_code code;

    nm_complaints_init(&complaints);
    code = nm_config_load_memory((const char *)data, size, &config, &complaints);
    if (code == NM_OK) {
        if (complaints.errors > 0 ||
            nm_config_build(config, NULL, &snapshot, &complaints) != NM_OK)
            abort();
        check_again(config);
        nm_snapshot_release(&snapshot);
    } else if (code != NM_BAD_INPUT || complaints.errors == 0 || config != NULL) {
        abort();
    }
    nm_config_free(&config);
    nm_complaints_free(&complaints);
    return 0;
}
